package dev.tritium.api.openai;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tritium.engine.Sampling;
import dev.tritium.kernel.ScalarRowKernels;
import dev.tritium.scheduler.Scheduler;
import dev.tritium.scheduler.SchedulerLimits;
import dev.tritium.testing.Api;
import dev.tritium.testing.FakeModel;
import dev.tritium.tokenizer.ChatTemplate;
import dev.tritium.tokenizer.Tokenizer;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One served model that runs only when it is stepped: for tests of the HTTP edge without HTTP. */
final class IdleModel implements Models, AutoCloseable {
  private static final SchedulerLimits LIMITS = SchedulerLimits.defaults();
  static final int MAX_RUNNING = LIMITS.maxRunning();
  static final int MAX_TOKENS = 10_000; // of prompt and answer

  private final ServedModel model;

  IdleModel() {
    this(FakeModel.random());
  }

  IdleModel(FakeModel fake) {
    Tokenizer tokenizer = Tokenizer.open(dev.tritium.testing.Models.BUNDLED);
    this.model =
        new ServedModel(
            "served",
            FakeModel.VOCABULARY,
            Set.of(FakeModel.EOS),
            tokenizer,
            new Grammars(tokenizer, FakeModel.VOCABULARY, Set.of(FakeModel.EOS)),
            ChatTemplate.parse("{{ messages[0]['content'] }}", Map.of()),
            new Scheduler(fake, tokenizer, new ScalarRowKernels(), LIMITS, report -> {}),
            MAX_TOKENS,
            10,
            Sampling.plain(0),
            null);
  }

  @Override
  public ServedModel require(@Nullable String id) {
    return model;
  }

  @Override
  public List<ModelReport> all() {
    return List.of(report(model.id()));
  }

  @Override
  public ModelReport report(String id) {
    return new ModelReport(model.id(), 0, ModelStatus.READY, 1, null, null);
  }

  ServedModel model() {
    return model;
  }

  /** Runs what the scheduler has to do next; false if there was nothing. */
  boolean step() {
    return model.scheduler().step();
  }

  /** Reads a body of names and values, in turn. */
  CompletionRequest completion(Object... namesAndValues) {
    return CompletionRequest.read(Api.body(namesAndValues).getBytes(UTF_8), this);
  }

  /** Reads a body of names and values, in turn, for one short message. */
  ChatRequest chat(Object... namesAndValues) {
    String body = Api.body(namesAndValues);
    String messages = "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";
    String rest = body.equals("{}") ? "}" : "," + body.substring(1);
    return ChatRequest.read((messages + rest).getBytes(UTF_8), this);
  }

  @Override
  public void close() {
    model.tokenizer().close();
  }
}
