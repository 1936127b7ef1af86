package dev.tritium.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.api.openai.ApiException;
import dev.tritium.api.openai.ErrorKind;
import dev.tritium.api.openai.ModelReport;
import dev.tritium.api.openai.ModelStatus;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which model answers a request, and what it is told if none does. */
class ModelRegistryTest {
  private final FakeServer server = new FakeServer(Map.of());

  @AfterEach
  void close() {
    server.close();
  }

  private void assertRefused(ErrorKind kind, String message, @Nullable String id) {
    ApiException refusal = assertThrows(ApiException.class, () -> server.models.require(id));
    assertEquals(kind, refusal.kind(), refusal::getMessage);
    assertEquals(message, refusal.getMessage());
  }

  @Test
  void aRequestGoesToTheModelItNamesOrToTheFirst() {
    server.ready("a", 1);
    server.ready("b", 1);
    assertEquals("a", server.models.require(null).id());
    assertEquals("a", server.models.require("a").id());
    assertEquals("b", server.models.require("b").id());
    assertRefused(
        ErrorKind.MODEL_NOT_FOUND,
        "the model 'c' is not served here; those here are 'a', 'b'",
        "c");
    ApiException refusal = assertThrows(ApiException.class, () -> server.models.report("c"));
    assertEquals(ErrorKind.MODEL_NOT_FOUND, refusal.kind());
  }

  @Test
  void aLongNameIsNotRepeatedWhole() {
    server.ready("a", 1);
    assertRefused(
        ErrorKind.MODEL_NOT_FOUND,
        "the model '%s...' is not served here; those here are 'a'".formatted("x".repeat(100)),
        "x".repeat(10_000));
  }

  @Test
  void theFirstOneIsMeantAlsoWhileItCannotAnswer() {
    HostedModel first = server.model("a");
    server.ready("b", 1);
    assertRefused(
        ErrorKind.MODEL_LOADING, "the model 'a' is still loading; try again shortly", null);
    first.failed("a/config.json is missing");
    for (String id : new String[] {null, "a"}) {
      assertRefused(
          ErrorKind.MODEL_FAILED,
          "the model 'a' could not be loaded: a/config.json is missing",
          id);
    }
    assertEquals("b", server.models.require("b").id());
  }

  @Test
  void aModelThatGoesIsNotThereForRequestsAny() {
    server.ready("a", 1).unloading();
    server.ready("b", 1);
    assertRefused(
        ErrorKind.MODEL_NOT_FOUND, "the model 'a' is being unloaded; those here are 'b'", "a");
    assertEquals("b", server.models.require(null).id());
    assertEquals(ModelStatus.UNLOADING, server.models.report("a").status());
  }

  @Test
  void beforeTheSettingsAreReadAndAfterTheLastModelWentThereIsNone() {
    assertRefused(ErrorKind.MODEL_LOADING, "the server is starting; try again shortly", null);
    server.models.remove(server.ready("a", 1));
    assertRefused(ErrorKind.MODEL_NOT_FOUND, "the request names no model; there is none now", null);
    assertEquals(List.of(), server.models.all());
  }

  @Test
  void aNameThatIsTakenIsRefusedUnlessItsModelFailed() {
    server.ready("a", 1);
    HostedModel failed = server.model("b");
    failed.failed("broken");
    server.ready("c", 1);
    for (String name : List.of("a", "c")) {
      ApiException refusal =
          assertThrows(
              ApiException.class,
              () -> server.models.add(ModelReference.parse(name + "=other"), false));
      assertEquals(ErrorKind.MODEL_CONFLICT, refusal.kind());
    }
    HostedModel again = server.models.add(ModelReference.parse("b=other"), false);
    assertTrue(again.isOfStart(), "readiness waits for it as it did for the first one");
    assertEquals(
        List.of("a ready", "b loading", "c ready"),
        server.models.all().stream().map(m -> m.id() + " " + m.status().label()).toList());
  }

  @Test
  void theEngineThatHasEndedIsToldFirst() {
    server.ready("a", 1);
    server.engine.alive = false;
    assertRefused(
        ErrorKind.ENGINE_STOPPED, "the engine has failed; the server must be restarted", "any");
  }

  @Test
  void aReportHasWhatIsKnown() {
    HostedModel model = server.model("a");
    model.loaded(0.5);
    ModelReport loading = model.report();
    assertEquals(0.45, loading.progress(), 1e-9);
    assertEquals(null, loading.sizes());
    ModelReport ready = server.ready("b", 1).report();
    assertEquals(1, ready.progress());
    assertEquals(new ModelReport.Sizes("fake", 0, 4096, 100, null, 0, 0, "scalar"), ready.sizes());
  }
}
