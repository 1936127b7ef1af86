package dev.tritium.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.engine.Logprobs;
import dev.tritium.engine.Sampling;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.engine.StopRules;
import dev.tritium.kernel.Kernels;
import dev.tritium.scheduler.Generation;
import dev.tritium.scheduler.Scheduler;
import dev.tritium.scheduler.SchedulerLimits;
import dev.tritium.server.LoadedModel;
import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import dev.tritium.testing.Exposition;
import dev.tritium.testing.Golden;
import dev.tritium.testing.Models;
import dev.tritium.testing.Sse;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.net.URI;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A server of two models, and of one that cannot be loaded; an admin brings a further one. */
@QuarkusTest
@TestProfile(SeveralModelsTest.Several.class)
@SuppressWarnings("NullAway.Init") // set before each test
class SeveralModelsTest {
  private static final String PATH = "/v1/completions";
  private static final String ADMIN = "/admin/models";
  private static final String STORIES = "stories";
  private static final String ODD = "odd";
  private static final Path ODD_FOLDER = Golden.checkpoint("hgrn-odd");
  private static final Path TINY_FOLDER = Golden.checkpoint("hgrn-tiny");
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String[] KEY = {"Authorization", "Bearer admin-secret"};

  @TestHTTPResource("/")
  URI uri;

  private Api api;

  /** The settings. */
  public static final class Several implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
      return Map.of(
          "tritium.model",
          "%s=%s,%s=%s,broken=no/such/model".formatted(STORIES, Models.BUNDLED, ODD, ODD_FOLDER),
          "tritium.health.ready-when",
          "any",
          "tritium.admin.key",
          "admin-secret");
    }
  }

  @BeforeEach
  void waitForTheModels() {
    api = Api.ready(uri);
    for (String id : List.of(STORIES, ODD)) {
      awaitStatus("ready", id);
    }
    awaitStatus("failed", "broken");
  }

  private void awaitStatus(String status, String id) {
    Api.await(id + " is " + status, PATIENCE, () -> status.equals(status(id)));
  }

  private String status(String id) {
    return api.get("/v1/models/" + id).json().path("status").asText();
  }

  /** A prompt, how it is to be continued, and by which model. */
  private record Request(String model, int[] prompt, int maxTokens, Sampling sampling) {
    static Request random(String model, long seed) {
      Random random = new Random(seed);
      int[] prompt = random.ints(1 + random.nextInt(40), 3, 4_000).toArray();
      Sampling sampling =
          switch (random.nextInt(3)) {
            case 0 -> Sampling.greedy();
            case 1 -> Sampling.plain(seed);
            default -> new Sampling(0.7, 40, 0.9, 0, 1, 1.1, 0, 0, Map.of(), seed);
          };
      return new Request(model, prompt, 20 + random.nextInt(40), sampling);
    }

    String body(boolean stream) {
      return Api.body(
          "model",
          model,
          "prompt",
          prompt,
          "max_tokens",
          maxTokens,
          "temperature",
          sampling.temperature(),
          "top_k",
          sampling.topK(),
          "top_p",
          sampling.topP(),
          "repetition_penalty",
          sampling.repetitionPenalty(),
          "seed",
          sampling.seed(),
          "ignore_eos",
          true,
          "logprobs",
          0,
          "return_token_ids",
          true,
          "stream",
          stream);
    }

    SequenceRequest sequence() {
      StopRules stop = new StopRules(maxTokens, 0, List.of(), Set.of());
      return new SequenceRequest(prompt, 0, sampling, stop, new Logprobs(0, true, false));
    }
  }

  /** Tokens and their log-probabilities, exactly. */
  private record Tokens(List<Integer> ids, List<Double> logprobs) {}

  /** What a model answers that has a process, or at least an engine, of its own. */
  private static List<Tokens> alone(Path folder, List<Request> requests) {
    try (Kernels kernels = Kernels.create("auto", 1);
        LoadedModel loaded =
            LoadedModel.load(folder, () -> kernels, kernels.workers(), share -> {})) {
      Scheduler scheduler =
          new Scheduler(
              loaded.model(),
              loaded.tokenizer(),
              kernels.rows(),
              SchedulerLimits.defaults(),
              report -> {});
      return requests.stream().map(request -> alone(scheduler, request)).toList();
    }
  }

  private static Tokens alone(Scheduler scheduler, Request request) {
    Generation generation = scheduler.submit(List.of(request.sequence()));
    Tokens tokens = new Tokens(new ArrayList<>(), new ArrayList<>());
    while (!generation.isDone()) {
      scheduler.step();
      generation
          .poll()
          .forEach(
              delta ->
                  delta
                      .tokens()
                      .forEach(
                          token -> {
                            tokens.ids.add(token.id());
                            tokens.logprobs.add(token.logprob().logprob());
                          }));
    }
    return tokens;
  }

  private Tokens served(Request request, boolean stream) {
    String body = request.body(stream);
    Answer answer = api.post(PATH, body);
    assertEquals(200, answer.status(), () -> body + " -> " + answer);
    List<JsonNode> choices =
        stream ? Sse.read(answer.body()).choices(0) : List.of(answer.json().at("/choices/0"));
    Tokens tokens = new Tokens(new ArrayList<>(), new ArrayList<>());
    for (JsonNode choice : choices) {
      choice.path("token_ids").forEach(id -> tokens.ids.add(id.intValue()));
      choice.at("/logprobs/token_logprobs").forEach(p -> tokens.logprobs.add(p.doubleValue()));
    }
    return tokens;
  }

  @Test
  void underLoadEachModelAnswersAsIfItWereServedAlone() throws Exception {
    List<Request> stories = requests(STORIES);
    List<Request> odd = requests(ODD);
    List<Tokens> expected = new ArrayList<>(alone(Models.BUNDLED, stories));
    expected.addAll(alone(ODD_FOLDER, odd));
    List<Request> all = new ArrayList<>(stories);
    all.addAll(odd);
    assertNotEquals(expected.getFirst(), expected.getLast());
    try (ExecutorService clients = Executors.newFixedThreadPool(16)) {
      for (boolean stream : new boolean[] {false, true}) {
        List<Future<Tokens>> answers = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) { // of both models in turn
          Request request = all.get(turn(i));
          answers.add(clients.submit(() -> served(request, stream)));
        }
        for (int i = 0; i < all.size(); i++) {
          Request request = all.get(turn(i));
          assertEquals(expected.get(turn(i)), answers.get(i).get(), () -> request.body(stream));
        }
      }
    }
  }

  private static final int REQUESTS = 16; // to each model

  private static int turn(int i) {
    return i / 2 + i % 2 * REQUESTS;
  }

  private static List<Request> requests(String model) {
    List<Request> requests = new ArrayList<>();
    for (int i = 0; i < REQUESTS; i++) {
      requests.add(Request.random(model, 100 + i));
    }
    return requests;
  }

  @Test
  void allAreListedWithWhatIsKnownOfThem() {
    JsonNode list = api.get("/v1/models").json();
    List<String> ids =
        StreamSupport.stream(list.get("data").spliterator(), false)
            .map(model -> model.get("id").textValue())
            .toList();
    assertEquals(List.of(STORIES, ODD, "broken"), ids);
    JsonNode stories = list.at("/data/0");
    assertEquals(stories, api.get("/v1/models/" + STORIES).json());
    assertEquals("ready", stories.get("status").textValue());
    assertEquals(1, stories.get("progress").intValue());
    assertEquals("hgrn_bit", stories.get("family").textValue());
    assertEquals(4096, stories.get("vocabulary_size").intValue());
    assertEquals(131_072, stories.get("max_model_len").intValue());
    assertTrue(stories.get("context_length").isNull());
    assertTrue(stories.get("parameters").longValue() > 10_000_000, stories::toString);
    assertTrue(stories.get("weight_bytes").longValue() > 1_000_000, stories::toString);
    assertEquals(4100, list.at("/data/1/vocabulary_size").intValue());
    assertEquals(4 * 2 * 80, list.at("/data/1/state_bytes").intValue());
    assertEquals("failed", list.at("/data/2/status").textValue());
    assertTrue(
        list.at("/data/2/reason").textValue().startsWith("no/such/model is not a folder"),
        list::toString);
  }

  @Test
  void requestsChooseAndAreToldWhyTheyCannot() {
    String first = api.ask(PATH, "prompt", "A", "max_tokens", 1).get("model").textValue();
    assertEquals(STORIES, first);
    assertEquals(
        ODD, api.ask(PATH, "prompt", "A", "max_tokens", 1, "model", ODD).get("model").textValue());
    assertNotEquals(
        api.ask("/tokenize", "prompt", "Once upon a time", "model", ODD).get("max_model_len"),
        null);
    Answer failed = api.post(PATH, Api.body("prompt", "A", "model", "broken"));
    assertError(503, "model_failed", "no/such/model is not a folder", failed);
    Answer unknown = api.post(PATH, Api.body("prompt", "A", "model", "none"));
    assertError(404, "model_not_found", "'stories', 'odd', 'broken'", unknown);
    assertError(404, "model_not_found", "'stories', 'odd'", api.get("/v1/models/none"));
  }

  private static void assertError(int status, String code, String message, Answer answer) {
    assertEquals(status, answer.status(), answer::toString);
    assertEquals(code, answer.json().at("/error/code").textValue());
    assertTrue(answer.json().at("/error/message").textValue().contains(message), answer::toString);
  }

  @Test
  void oneModelIsEnoughForReadinessWhereItIsSoSet() {
    for (String probe : List.of("started", "ready", "live")) {
      Answer answer = api.get("/q/health/" + probe);
      assertEquals(200, answer.status(), answer::toString);
    }
  }

  @Test
  void eachModelHasItsOwnSeries() {
    double stories = metric("llm_generated_tokens_total", STORIES);
    double odd = metric("llm_generated_tokens_total", ODD);
    Object[] body = {"prompt", new int[] {5, 6}, "max_tokens", 11, "ignore_eos", true};
    api.ask(PATH, body);
    api.ask(PATH, with(body, "model", ODD));
    api.ask(PATH, with(body, "model", ODD));
    assertEquals(stories + 11, metric("llm_generated_tokens_total", STORIES));
    assertEquals(odd + 22, metric("llm_generated_tokens_total", ODD));
    Map<String, Set<String>> modelsOf =
        Exposition.of(api).samples().stream()
            .filter(sample -> sample.labels().containsKey("model"))
            .filter(sample -> !sample.name().startsWith("llm_model_"))
            .collect(
                Collectors.groupingBy(
                    Exposition.Sample::name,
                    Collectors.mapping(
                        sample -> sample.labels().get("model"), Collectors.toSet())));
    for (String name :
        List.of(
            "llm_requests_running",
            "llm_state_slots_capacity",
            "llm_prefix_cache_bytes",
            "llm_weights_bytes",
            "llm_batch_size_count",
            "llm_time_to_first_token_seconds_count")) {
      assertEquals(Set.of(STORIES, ODD), modelsOf.get(name), name);
    }
    assertEquals(1, status("stories", "ready"));
    assertEquals(0, status("broken", "ready"));
    assertEquals(1, status("broken", "failed"));
  }

  private static Object[] with(Object[] body, Object... more) {
    List<Object> all = new ArrayList<>(List.of(body));
    all.addAll(List.of(more));
    return all.toArray();
  }

  private double metric(String name, String model) {
    return Exposition.of(api).samples().stream()
        .filter(sample -> sample.name().equals(name) && model.equals(sample.labels().get("model")))
        .mapToDouble(Exposition.Sample::value)
        .sum();
  }

  private double status(String model, String status) {
    return Exposition.of(api).samples().stream()
        .filter(sample -> sample.name().equals("llm_model_status"))
        .filter(sample -> model.equals(sample.labels().get("model")))
        .filter(sample -> status.equals(sample.labels().get("status")))
        .mapToDouble(Exposition.Sample::value)
        .sum();
  }

  // ---------------------------------------------------------------- admins

  private Answer load(String body, String... headers) {
    return api.post(ADMIN, body, headers);
  }

  private Answer unload(String id, String... headers) {
    return api.send(api.request(ADMIN + "/" + id, headers).DELETE().build());
  }

  @Test
  void onlyAnAdminsKeyOpensTheAdminsEndpoints() {
    String body = Api.body("model", TINY_FOLDER.toString());
    for (String[] headers :
        new String[][] {{}, {"Authorization", "Bearer x"}, {"Authorization", "admin-secret"}}) {
      assertError(401, "invalid_api_key", "admin key", load(body, headers));
      assertError(401, "invalid_api_key", "admin key", unload(STORIES, headers));
    }
    assertEquals(3, api.get("/v1/models").json().get("data").size());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/admin;x/models",
        "/admin;/models;",
        "/;/admin/models",
        "/./admin;a=b/models",
        "/v1/..;/admin;a/models",
        "/playground/..;/admin/models",
        "/q/health;/../../admin/models",
        "//admin/models",
        "/%61dmin/models",
        "/admin%2Fmodels",
        "/admin%3Bx/models",
        "/admin/models;x"
      })
  void noSpellingOfAPathLeadsAroundTheAdminsKey(String path) {
    Answer answer = api.post(path, Api.body("model", TINY_FOLDER.toString(), "name", "stolen"));
    assertTrue(answer.status() == 401 || answer.status() == 404, answer::toString);
    Answer unload = api.send(api.request(path + "/" + STORIES).DELETE().build());
    assertTrue(unload.status() == 401 || unload.status() == 404, unload::toString);
    assertEquals(3, api.get("/v1/models").json().get("data").size());
  }

  @Test
  void nonsenseIsRefused() {
    for (String body :
        List.of("{}", "[]", Api.body("model", 5), Api.body("model", "x", "weights", "y"))) {
      assertEquals(400, load(body, KEY).status(), body);
    }
    assertEquals(400, load(Api.body("model", "x", "name", " "), KEY).status());
    assertError(409, "model_conflict", "already", load(Api.body("model", "x", "name", ODD), KEY));
    assertError(404, "model_not_found", "'none'", unload("none", KEY));
    assertEquals(405, api.send(api.request(ADMIN, KEY).GET().build()).status());
    assertEquals(
        415,
        api.send(
                api.request(ADMIN, KEY)
                    .header("Content-Type", "text/plain")
                    .POST(BodyPublishers.ofString("x"))
                    .build())
            .status());
  }

  @Test
  void modelsComeAndGoWhileStreamsRun() throws Exception {
    Request stories = new Request(STORIES, new int[] {5, 6, 7}, 2_000, Sampling.plain(1));
    Request odd = new Request(ODD, new int[] {5, 6, 7}, 2_000, Sampling.plain(2));
    Request guest = new Request("team/guest", new int[] {5, 6, 7}, 3_000, Sampling.plain(3));
    Tokens storiesAlone = alone(Models.BUNDLED, List.of(stories)).getFirst();
    Tokens oddAlone = alone(ODD_FOLDER, List.of(odd)).getFirst();
    Tokens guestAlone = alone(TINY_FOLDER, List.of(guest)).getFirst();
    try (ExecutorService clients = Executors.newCachedThreadPool()) {
      Future<Tokens> ofStories = clients.submit(() -> served(stories, true));
      Future<Tokens> ofOdd = clients.submit(() -> served(odd, true));
      String load = Api.body("model", TINY_FOLDER.toString(), "name", "team/guest");
      Answer loading = load(load, KEY);
      assertEquals(202, loading.status(), loading::toString);
      assertEquals("team/guest", loading.json().get("id").textValue());
      awaitStatus("ready", "team/guest");
      assertError(409, "model_conflict", "ready", load(load, KEY));
      double before = metric("llm_generated_tokens_total", "team/guest");
      Future<Tokens> ofGuest = clients.submit(() -> served(guest, true));
      Api.await(
          "the guest answers",
          PATIENCE,
          () -> metric("llm_generated_tokens_total", "team/guest") > before);
      Answer unloading = unload("team/guest", KEY);
      assertEquals(202, unloading.status(), unloading::toString);
      assertEquals(
          404, api.post(PATH, Api.body("model", "team/guest", "prompt", "A")).status(), "no more");
      assertEquals(guestAlone, ofGuest.get());
      assertEquals(storiesAlone, ofStories.get());
      assertEquals(oddAlone, ofOdd.get());
    }
    Api.await("it is gone", PATIENCE, () -> api.get("/v1/models/team/guest").status() == 404);
    Api.await(
        "so are its series", PATIENCE, () -> !api.get("/q/metrics").body().contains("team/guest"));
    assertFalse(api.get("/v1/models").body().contains("team/guest"));
  }
}
