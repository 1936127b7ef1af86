package dev.tritium.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tritium.checkpoint.ModelConfig;
import dev.tritium.kernel.Kernels;
import dev.tritium.model.LanguageModel;
import dev.tritium.model.ModelFamilies;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;

/** The sizes of the published MatMul-free LMs, ridger/MMfreeLM-*; other keys are the defaults. */
enum Shape {
  SMALL("370m", 1024, 24),
  MEDIUM("1.3b", 2048, 24),
  LARGE("2.7b", 2560, 32);

  final String label;
  private final int hidden;
  private final int layers;

  Shape(String label, int hidden, int layers) {
    this.label = label;
    this.hidden = hidden;
    this.layers = layers;
  }

  /**
   * The shape called {@code label}.
   *
   * @throws IllegalArgumentException if there is none
   */
  static Shape of(String label) {
    return Arrays.stream(values())
        .filter(shape -> shape.label.equalsIgnoreCase(label))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "--shape must be one of %s, found '%s'".formatted(labels(), label)));
  }

  private static String labels() {
    return Arrays.stream(values()).map(shape -> shape.label).collect(Collectors.joining(", "));
  }

  /** A model of this shape with random weights. */
  LanguageModel model(Kernels kernels) {
    return ModelFamilies.random(config(), kernels);
  }

  ModelConfig config() {
    String json =
        """
        {"model_type": "hgrn_bit", "vocab_size": 32000, "hidden_size": %d, "num_hidden_layers": %d}
        """
            .formatted(hidden, layers);
    return ModelConfig.parse(Path.of("shape " + label), json.getBytes(UTF_8));
  }
}
