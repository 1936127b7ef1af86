package dev.tritium.testing;

import dev.tritium.checkpoint.ModelFolder;
import dev.tritium.kernel.Kernels;
import dev.tritium.kernel.ScalarKernels;
import dev.tritium.kernel.ScalarRowKernels;
import dev.tritium.kernel.T2Format;
import dev.tritium.kernel.Workers;
import dev.tritium.model.Batch;
import dev.tritium.model.LanguageModel;
import dev.tritium.model.Loading;
import dev.tritium.model.ModelFamilies;
import dev.tritium.model.SequenceState;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;

/** Loads models for tests and runs them. */
public final class Models {
  /** The bundled model. */
  public static final Path BUNDLED = Path.of("models/tritium-stories-17m");

  private Models() {}

  public static Kernels scalar(int threads) {
    Workers workers = new Workers(threads);
    return new Kernels(new ScalarKernels(new T2Format(), workers), new ScalarRowKernels(), workers);
  }

  public static LanguageModel load(Path folder, Kernels kernels) {
    ModelFolder opened = ModelFolder.open(folder);
    return ModelFamilies.load(opened, kernels, Loading.with(kernels.workers(), null));
  }

  /** Runs tokens on a state and returns the logits of every row [tokens, vocabulary]. */
  public static float[][] logits(LanguageModel model, SequenceState state, int... tokens) {
    Batch batch = new Batch();
    Batch.Group group =
        batch.add(state, tokens, IntStream.range(0, tokens.length).toArray(), Batch.NONE);
    model.forward(batch);
    return logits(model, batch, group);
  }

  /** The logits of a group after forward, one row for each that was wanted. */
  public static float[][] logits(LanguageModel model, Batch batch, Batch.Group group) {
    int vocabulary = model.description().vocabularySize();
    float[][] rows = new float[group.logitRows().length][];
    for (int i = 0; i < rows.length; i++) {
      int at = group.logitsAt(i);
      rows[i] = Arrays.copyOfRange(batch.logits().values(), at, at + vocabulary);
    }
    return rows;
  }

  /** The running state's values, read through its byte form [layers * hidden]. */
  public static float[] stateValues(SequenceState state) {
    var buffer =
        java.nio.ByteBuffer.wrap(state.snapshot().toBytes())
            .order(java.nio.ByteOrder.LITTLE_ENDIAN)
            .position(48);
    float[] values = new float[buffer.getInt()];
    buffer.asFloatBuffer().get(values);
    return values;
  }
}
