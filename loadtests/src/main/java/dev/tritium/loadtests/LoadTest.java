package dev.tritium.loadtests;

import static io.gatling.javaapi.core.CoreDsl.StringBody;
import static io.gatling.javaapi.core.CoreDsl.asLongAsDuring;
import static io.gatling.javaapi.core.CoreDsl.atOnceUsers;
import static io.gatling.javaapi.core.CoreDsl.bodyString;
import static io.gatling.javaapi.core.CoreDsl.doIfOrElse;
import static io.gatling.javaapi.core.CoreDsl.during;
import static io.gatling.javaapi.core.CoreDsl.exec;
import static io.gatling.javaapi.core.CoreDsl.global;
import static io.gatling.javaapi.core.CoreDsl.nothingFor;
import static io.gatling.javaapi.core.CoreDsl.pause;
import static io.gatling.javaapi.core.CoreDsl.repeat;
import static io.gatling.javaapi.core.CoreDsl.scenario;
import static io.gatling.javaapi.http.HttpDsl.header;
import static io.gatling.javaapi.http.HttpDsl.http;
import static io.gatling.javaapi.http.HttpDsl.sse;
import static io.gatling.javaapi.http.HttpDsl.status;

import dev.tritium.loadtests.RawClient.Reading;
import dev.tritium.loadtests.Traffic.Ask;
import io.gatling.javaapi.core.ChainBuilder;
import io.gatling.javaapi.core.CheckBuilder;
import io.gatling.javaapi.core.OpenInjectionStep;
import io.gatling.javaapi.core.PopulationBuilder;
import io.gatling.javaapi.core.ScenarioBuilder;
import io.gatling.javaapi.core.Session;
import io.gatling.javaapi.core.Simulation;
import io.gatling.javaapi.http.HttpProtocolBuilder;
import io.gatling.javaapi.http.HttpRequestActionBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The scenarios, as Gatling runs them. */
public final class LoadTest extends Simulation {
  private static final String PATH = "/v1/completions";
  private static final String HEAD = "request to head"; // names in the report
  private static final String STREAM = "stream"; // attributes of a session
  private static final String BODY = "body";
  private static final String ANSWER = "answer";
  private static final String PHASE = "phase";
  private static final String READING = "reading";
  private static final Duration PATIENCE = Duration.ofMinutes(10);
  private static final Duration SLOW_PAUSE = Duration.ofSeconds(1); // from a byte to the next
  private static final Duration BURST_PERIOD = Duration.ofSeconds(10);
  private static final int LONG_ANSWER_TOKENS = 4_000;
  private static final int MOST_EVENTS_BEFORE_LEAVING = 20;
  private static final int MOST_MILLIS_BEFORE_LEAVING = 50;
  private static final int SLOW_TOKENS = 200; // little work for the server, an hour for its reader
  private static final int SHORT_PROMPT_TOKENS = 50;

  private final Run run = Run.current();
  private final Run.Settings settings = run.settings;
  private final Executor threads = Executors.newVirtualThreadPerTaskExecutor();

  public LoadTest() {
    HttpProtocolBuilder protocol =
        http.baseUrl(run.target.url().toString()).contentTypeHeader("application/json");
    String key = run.target.key();
    setUp(
            switch (run.scenario) {
              case SMOKE -> smoke();
              case STEADY -> steady();
              case BURST -> burst();
              case SOAK -> soak();
              case SLOW_READERS -> slowReaders();
              case CANCEL_STORM -> cancelStorm();
              case OVERLOAD -> overload();
              case DRAIN -> drain();
            })
        .protocols(key == null ? protocol : protocol.authorizationHeader("Bearer " + key))
        .assertions(global().failedRequests().count().is(0L));
  }

  private List<PopulationBuilder> smoke() {
    Phase phase = run.phase("");
    ChainBuilder endpoints =
        exec(http("GET /v1/models").get("/v1/models").check(status().is(200)))
            .exec(
                http("POST /v1/completions, plain")
                    .post(PATH)
                    .body(StringBody("{\"prompt\":\"Once upon a time\",\"max_tokens\":8}"))
                    .check(
                        status().is(200),
                        bodyString().transform(t -> t.contains("\"choices\"")).is(true)))
            .exec(
                http("POST /v1/chat/completions")
                    .post("/v1/chat/completions")
                    .body(
                        StringBody(
                            "{\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}],\"max_tokens\":8}"))
                    .check(status().in(200, 400))) // 400: the model has no chat template
            .exec(
                http("POST /v1/completions, a bad one")
                    .post(PATH)
                    .body(StringBody("{\"prompt\":1.5}"))
                    .check(status().is(400)));
    return List.of(
        scenario("endpoints")
            .exec(endpoints)
            .injectOpen(atOnceUsers(1))
            .andThen(streams("streams", phase).injectOpen(atOnceUsers(settings.clients()))));
  }

  private List<PopulationBuilder> steady() {
    return List.of(streams("chats", run.phase("")).injectOpen(arrivals(settings.duration(), 0)));
  }

  private List<PopulationBuilder> burst() {
    List<OpenInjectionStep> steps = new ArrayList<>();
    Duration time = Duration.ZERO;
    do {
      steps.add(atOnceUsers(settings.clients()));
      steps.add(nothingFor(BURST_PERIOD));
      time = time.plus(BURST_PERIOD);
    } while (time.compareTo(settings.duration()) < 0);
    return List.of(streams("chats", run.phase("")).injectOpen(steps));
  }

  private List<PopulationBuilder> soak() {
    Phase first = run.phase("first half");
    Phase second = run.phase("second half");
    long half = System.nanoTime() + settings.duration().toNanos() / 2;
    ChainBuilder stream =
        stream(() -> System.nanoTime() < half ? first : second, run.traffic::next, Answer::begun);
    return List.of(
        scenario("clients")
            .exec(during(settings.duration(), false).on(stream))
            .injectOpen(atOnceUsers(settings.clients())));
  }

  private List<PopulationBuilder> slowReaders() {
    Duration half = settings.duration().dividedBy(2);
    Phase slow = run.phase("slow readers");
    return List.of(
        streams("alone", run.phase("alone")).injectOpen(arrivals(half, 0)),
        streams("beside slow readers", run.phase("beside them"))
            .injectOpen(after(half, arrivals(half, 1))),
        scenario("slow readers")
            .exec(aside(slow, SLOW_TOKENS, client -> client.read(SLOW_PAUSE, half)))
            .injectOpen(nothingFor(half), atOnceUsers(settings.clients())));
  }

  private List<PopulationBuilder> cancelStorm() {
    Phase leaving = run.phase("who leave");
    ChainBuilder leave =
        exec(session ->
                begin(session, leaving, run.traffic.ask(SHORT_PROMPT_TOKENS, LONG_ANSWER_TOKENS)))
            .exec(session -> session.set("events", run.traffic.upTo(MOST_EVENTS_BEFORE_LEAVING)))
            .exec(
                sse(HEAD)
                    .sseName(STREAM)
                    .post(PATH)
                    .body(StringBody(session -> session.getString(BODY)))
                    .await(PATIENCE)
                    .on(
                        sse.checkMessage("head to leaving")
                            .matching(
                                bodyString()
                                    .transformWithSession(
                                        (message, session) ->
                                            read(session, message).events()
                                                > session.getInt("events"))
                                    .is(true))))
            .exec(close())
            .exec(LoadTest::left);
    ChainBuilder leaveEarly =
        aside(
            leaving,
            LONG_ANSWER_TOKENS,
            client -> {
              Thread.sleep(run.traffic.upTo(MOST_MILLIS_BEFORE_LEAVING));
              client.close();
              return null;
            });
    return List.of(
        scenario("who leave in the middle")
            .exec(leave)
            .injectOpen(arrivals(settings.duration(), 0)),
        scenario("who leave early").exec(leaveEarly).injectOpen(arrivals(settings.duration(), 1)),
        streams("who stay", run.phase("who stay"))
            .injectOpen(arrivals(settings.duration(), 0.1, 2)));
  }

  private List<PopulationBuilder> overload() {
    Phase phase = run.phase("");
    Supplier<Ask> asks = () -> run.traffic.ask(SHORT_PROMPT_TOKENS, settings.answerTokens());
    return List.of(
        scenario("all at once")
            .exec(session -> begin(session, phase, asks.get()))
            .exec(
                http("POST /v1/completions")
                    .post(PATH)
                    .body(StringBody(session -> session.getString(BODY)))
                    .check(
                        status().in(200, 429),
                        status().saveAs("status"),
                        header("Retry-After").optional().saveAs("retry"),
                        bodyString().saveAs("text")))
            .exec(
                session -> {
                  judge(session, phase);
                  return session;
                })
            .injectOpen(atOnceUsers(settings.clients())));
  }

  private void judge(Session session, Phase phase) {
    Integer status = session.getIntegerWrapper("status");
    String text = Objects.requireNonNullElse(session.getString("text"), "");
    if (Objects.equals(status, 200)) {
      boolean whole =
          text.endsWith("data: [DONE]\n\n")
              && text.contains("\"completion_tokens\":" + settings.answerTokens());
      if (whole) {
        phase.complete(answer(session));
      } else {
        phase.fail("200, but not whole");
      }
    } else if (Objects.equals(status, 429)) {
      String retry = session.getString("retry");
      if (retry != null && retry.matches("[1-9]\\d*")) {
        phase.refuse();
      } else {
        phase.fail("429 with Retry-After " + retry);
      }
    } else {
      phase.fail(status == null ? "no answer" : "status " + status);
    }
  }

  private List<PopulationBuilder> drain() {
    StoppableServer server = Objects.requireNonNull(run.server);
    AtomicInteger begun = new AtomicInteger();
    ChainBuilder stream =
        stream(
            supplier(run.phase("")),
            () -> run.traffic.ask(SHORT_PROMPT_TOKENS, settings.answerTokens()),
            answer -> answer.begun() && begun.incrementAndGet() > 0);
    HttpRequestActionBuilder late =
        http("a new request")
            .post(PATH)
            .body(StringBody("{\"prompt\":\"Once\",\"max_tokens\":1}"))
            .check(status().is(503), header("Retry-After").exists());
    return List.of(
        scenario("streams").exec(stream).injectOpen(atOnceUsers(settings.clients())),
        scenario("who ends the server")
            .exec(
                asLongAsDuring(session -> begun.get() < settings.clients(), PATIENCE)
                    .on(pause(Duration.ofMillis(10))))
            .exec(
                session -> {
                  server.terminate();
                  return session;
                })
            .pause(Duration.ofMillis(500))
            .exec(http("readiness").get("/q/health/ready").check(status().is(503)))
            .exec(repeat(3).on(exec(late).pause(Duration.ofMillis(100))))
            .injectOpen(atOnceUsers(1)));
  }

  // ---------------------------------------------------------------- what scenarios are made of

  private ScenarioBuilder streams(String name, Phase phase) {
    return scenario(name).exec(stream(supplier(phase), run.traffic::next, Answer::begun));
  }

  private static <T> Supplier<T> supplier(T value) {
    return () -> value;
  }

  private List<OpenInjectionStep> arrivals(Duration duration, int stream) {
    return arrivals(duration, 1, stream);
  }

  /** A Poisson process with a share of the rate; Gatling's own cannot be seeded. */
  private List<OpenInjectionStep> arrivals(Duration duration, double share, int stream) {
    List<OpenInjectionStep> steps = new ArrayList<>();
    for (Duration gap :
        Traffic.gaps(share * settings.perSecond(), duration, settings.seed() + stream)) {
      steps.add(nothingFor(gap));
      steps.add(atOnceUsers(1));
    }
    return steps;
  }

  private static List<OpenInjectionStep> after(Duration pause, List<OpenInjectionStep> steps) {
    List<OpenInjectionStep> later = new ArrayList<>(List.of(nothingFor(pause)));
    later.addAll(steps);
    return later;
  }

  /** A streamed answer from its request to its end. */
  private ChainBuilder stream(Supplier<Phase> phase, Supplier<Ask> asks, Predicate<Answer> begun) {
    return exec(session -> begin(session, phase.get(), asks.get()))
        .exec(
            sse(HEAD)
                .sseName(STREAM)
                .post(PATH)
                .body(StringBody(session -> session.getString(BODY)))
                .await(PATIENCE)
                .on(
                    sse.checkMessage("head to first token").matching(when(begun)),
                    sse.checkMessage("head to end").matching(when(Answer::over))))
        .exec(close())
        .exec(
            session -> {
              phase(session).end(answer(session));
              return session.markAsSucceeded();
            });
  }

  private static Session begin(Session session, Phase phase, Ask ask) {
    return session
        .set(PHASE, phase)
        .set(BODY, ask.body())
        .set(ANSWER, phase.begin(ask.answerTokens()));
  }

  /** Sees each event as it comes, to the nanosecond: Gatling's own times are milliseconds. */
  private static CheckBuilder when(Predicate<Answer> condition) {
    return bodyString()
        .transformWithSession((message, session) -> condition.test(read(session, message)))
        .is(true);
  }

  private static Answer read(Session session, String message) {
    Answer answer = answer(session);
    answer.read(message, System.nanoTime());
    return answer;
  }

  private static ChainBuilder close() {
    return doIfOrElse(Session::isFailed)
        .then(exec(session -> session.remove(STREAM)))
        .orElse(exec(sse("close").sseName(STREAM).close()));
  }

  private static Session left(Session session) {
    if (session.isFailed()) {
      phase(session).end(answer(session));
    } else {
      phase(session).leave(answer(session));
    }
    return session;
  }

  private static Answer answer(Session session) {
    return Objects.requireNonNull(session.get(ANSWER));
  }

  private static Phase phase(Session session) {
    return Objects.requireNonNull(session.get(PHASE));
  }

  /** What a client on a bare socket does; what it met, or null if it left. */
  private interface Behaviour {
    @Nullable Reading of(RawClient client) throws IOException, InterruptedException;
  }

  /** A client on a bare socket and a thread of its own. */
  private ChainBuilder aside(Phase phase, int answerTokens, Behaviour behaviour) {
    return exec(session -> session.set(READING, start(phase, answerTokens, behaviour)))
        .exec(
            asLongAsDuring(session -> !reading(session).isDone(), PATIENCE)
                .on(pause(Duration.ofMillis(100))))
        .exec(
            session -> {
              tell(phase, reading(session).join());
              return session;
            });
  }

  private CompletableFuture<@Nullable Reading> start(
      Phase phase, int answerTokens, Behaviour behaviour) {
    String body = run.traffic.ask(SHORT_PROMPT_TOKENS, answerTokens).body();
    phase.begin(answerTokens);
    return CompletableFuture.supplyAsync(
        () -> {
          try (RawClient client = RawClient.ask(run.target, body)) {
            return behaviour.of(client);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        },
        threads);
  }

  private static CompletableFuture<@Nullable Reading> reading(Session session) {
    return Objects.requireNonNull(session.get(READING));
  }

  private static void tell(Phase phase, @Nullable Reading reading) {
    if (reading == null) {
      phase.leave();
    } else if (reading.status() != 200) {
      phase.fail("status " + reading.status());
    } else {
      phase.leave();
      phase.note(reading.ended() ? "cut off by the server" : "served to the end of the run");
    }
  }
}
