package dev.tritium.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Models as they are written in the setting and on the command line. */
class ModelReferenceTest {
  @ParameterizedTest
  @CsvSource({
    "story=models/a, story, models/a",
    "story=a, story, a",
    "a story=/m/x=y, a story, /m/x=y",
    "models/a, , models/a",
    "/m/x=y, , /m/x=y",
    "./x=y, , ./x=y",
    "C:\\m\\x=y, , C:\\m\\x=y",
    "team/model, , team/model",
    "team/model@main, , team/model@main",
    "m=team/model@main, m, team/model@main"
  })
  void whatIsBeforeTheEqualsSignIsANameIfItHasNoSlash(String text, String name, String model) {
    ModelReference reference = ModelReference.parse(text);
    assertEquals(Optional.ofNullable(name), reference.name());
    assertEquals(Optional.of(model), reference.model());
  }

  @ParameterizedTest
  @ValueSource(strings = {"=models/a", " =models/a", "a=", "a= ", "a\nb=models/a"})
  void aNameOrAModelThatIsNoneIsRefused(String text) {
    assertThrows(IllegalArgumentException.class, () -> ModelReference.parse(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "a,b", "a\\b", "a\\,b", ",", "\\", "x=a,b\\\\,c"})
  void oneValueOfTheSettingHoldsAnyModels(String model) {
    for (List<String> models : List.of(List.of(model), List.of(model, "z", model))) {
      String value = ModelReference.join(models);
      assertEquals(models, ModelReference.split(value));
      assertEquals(
          Optional.of(models),
          TritiumConfigTest.config(Map.of("tritium.model", value)).model(),
          "as the server reads it");
    }
  }

  private static List<String> ids(String... settings) {
    return of(settings).stream().map(ModelReference::id).toList();
  }

  private static List<ModelReference> of(String... settings) {
    Map<String, String> properties = new java.util.HashMap<>();
    for (int i = 0; i < settings.length; i += 2) {
      properties.put("tritium." + settings[i], settings[i + 1]);
    }
    return ModelReference.of(TritiumConfigTest.config(properties));
  }

  @Test
  void aModelWithoutANameIsCalledAsItsFolderOrItsIdOnTheHub() {
    assertEquals(List.of("tritium-stories-17m"), ids());
    assertEquals(List.of("a", "c"), ids("model", "/models/a,b/c/"));
    assertEquals(List.of("acme/a", "acme/b"), ids("model", "acme/a,acme/b@v1"));
    String snapshot = "/hub/models--acme--c/snapshots/" + "0123456789".repeat(4);
    assertEquals(List.of("acme/c"), ids("model", snapshot));
    assertEquals(List.of("main"), ids("model", "main=models/a"));
    assertEquals(List.of("main"), ids("model", "models/a", "model-id", "main"));
    assertEquals(Optional.empty(), of("model-id", "main").getFirst().model(), "the bundled one");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/a/x,/b/x | | tritium.model: two models are called 'x'",
        "x=a,/b/x | | tritium.model: two models are called 'x'",
        "a,b | x | tritium.model-id is the name of one model",
        "y=a | x | tritium.model-id is the name of one model"
      })
  void namesThatCannotBeMeantEndTheServer(String models, String id, String beginning) {
    TritiumConfig config =
        TritiumConfigTest.config(
            id == null
                ? Map.of("tritium.model", models)
                : Map.of("tritium.model", models, "tritium.model-id", id));
    Exception refusal =
        assertThrows(IllegalArgumentException.class, () -> SettingsCheck.check(config));
    assertTrue(String.valueOf(refusal.getMessage()).startsWith(beginning), refusal::toString);
  }
}
