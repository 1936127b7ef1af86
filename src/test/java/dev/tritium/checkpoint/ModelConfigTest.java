package dev.tritium.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelConfigTest {
  private static final ModelConfig CONFIG =
      parse(
          """
          {"model_type": "hgrn_bit", "hidden_size": 384, "negative": -3, "rms_norm_eps": 1e-6,
           "big": 4294967296, "half": 2.5, "zero": 0, "huge": 1e999, "use_cache": true,
           "intermediate_size": null, "architectures": ["A", "B"], "mixed": ["A", 1],
           "eos_token_id": [2, 7], "quantization_config": {"linear_class": "bitlinear", "n": "x"}}
          """);

  @Test
  void aValueIsReadAsItsType() {
    assertEquals("hgrn_bit", CONFIG.requireString("model_type"));
    assertEquals(384, CONFIG.requireInt("hidden_size"));
    assertEquals(384, CONFIG.positiveInt("hidden_size", 1));
    assertEquals(-3, CONFIG.intValue("negative", 1));
    assertEquals(1e-6, CONFIG.doubleValue("rms_norm_eps", 1));
    assertEquals(384.0, CONFIG.requireDouble("hidden_size"));
    assertTrue(CONFIG.booleanValue("use_cache", false));
    assertEquals(List.of(2, 7), CONFIG.tokenIds("eos_token_id"));
    assertEquals(List.of(384), CONFIG.tokenIds("hidden_size"));
    assertEquals("bitlinear", CONFIG.section("quantization_config").requireString("linear_class"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"intermediate_size", "not_there"})
  void nullCountsAsMissing(String key) {
    assertFalse(CONFIG.has(key));
    assertEquals(5, CONFIG.intValue(key, 5));
    assertEquals(5, CONFIG.positiveInt(key, 5));
    assertEquals(0.5, CONFIG.doubleValue(key, 0.5));
    assertEquals("d", CONFIG.stringValue(key, "d"));
    assertTrue(CONFIG.booleanValue(key, true));
    assertEquals(List.of(), CONFIG.tokenIds(key));
    assertFalse(CONFIG.section(key).has("anything"));
  }

  @Test
  void aMissingKeyThatIsNeededIsNamed() {
    assertMessage(
        "config.json: vocab_size: expected an integer of 32 bits, found no such key",
        c -> c.requireInt("vocab_size"));
    assertMessage(
        "config.json: intermediate_size: expected a string, found null",
        c -> c.requireString("intermediate_size"));
  }

  @Test
  void aWrongValueIsNamedWithWhatWasExpected() {
    assertMessage("half: expected an integer of 32 bits, found 2.5", c -> c.intValue("half", 1));
    assertMessage(
        "big: expected an integer of 32 bits, found 4294967296", c -> c.requireInt("big"));
    assertMessage("expected an integer of 32 bits, found true", c -> c.intValue("use_cache", 1));
    assertMessage(
        "zero: expected an integer from 1 to 2^31 - 1, found 0", c -> c.positiveInt("zero", 1));
    assertMessage(
        "negative: expected an integer from 1 to 2^31 - 1, found -3",
        c -> c.requirePositiveInt("negative"));
    assertMessage("huge: expected a finite number", c -> c.doubleValue("huge", 1));
    assertMessage(
        "model_type: expected a finite number, found \"hgrn_bit\"",
        c -> c.requireDouble("model_type"));
    assertMessage(
        "hidden_size: expected true or false, found 384", c -> c.booleanValue("hidden_size", true));
    assertMessage(
        "hidden_size: expected a string, found 384", c -> c.stringValue("hidden_size", ""));
    assertMessage(
        "mixed: expected a token id or a list of token ids, found [\"A\",1]",
        c -> c.tokenIds("mixed"));
    assertMessage("negative: expected a token id", c -> c.tokenIds("negative"));
    assertMessage("hidden_size: expected an object, found 384", c -> c.section("hidden_size"));
    assertMessage(
        "config.json: quantization_config.n: expected an integer",
        c -> c.section("quantization_config").requireInt("n"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "[]", "1", "null", "{", "{} {}", "{} x", "{\"a\":1,\"a\":2}", "{'a':1}"})
  void aFileThatIsNotOneObjectIsRefused(String json) {
    CheckpointException e = assertThrows(CheckpointException.class, () -> parse(json));
    assertTrue(String.valueOf(e.getMessage()).contains("config.json: "), e.getMessage());
  }

  @Test
  void deepJsonIsRefused() {
    assertThrows(CheckpointException.class, () -> parse("{\"a\":" + "[".repeat(100_000)));
    assertThrows(CheckpointException.class, () -> parse("{\"a\":".repeat(100_000)));
  }

  private static ModelConfig parse(String json) {
    return ModelConfig.parse(Path.of("folder", "config.json"), json.getBytes(UTF_8));
  }

  private static void assertMessage(String message, Consumer<ModelConfig> use) {
    CheckpointException e = assertThrows(CheckpointException.class, () -> use.accept(CONFIG));
    assertTrue(
        String.valueOf(e.getMessage()).contains(message),
        () -> "expected '" + message + "' in: " + e.getMessage());
  }
}
