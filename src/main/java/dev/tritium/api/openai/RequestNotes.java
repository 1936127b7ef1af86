package dev.tritium.api.openai;

import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.FinishReason;
import dev.tritium.engine.RequestAccount;
import dev.tritium.engine.Sampling;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.scheduler.Generation;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What those who answer a request leave for its {@link RequestReport}. */
public final class RequestNotes {
  /**
   * What a completion or chat asked for, with the defaults of what it left open.
   *
   * @param maxTokens of each answer
   * @param answers to each prompt
   * @param answerId the id of what it is answered with
   */
  public record Asked(Sampling sampling, int maxTokens, int answers, String answerId) {}

  private final String id;
  private final boolean keepsText;
  private final @Nullable Object trace;
  private final Map<Integer, FinishReason> finishes = new TreeMap<>(); // by choice
  private final Map<Integer, StringBuilder> texts = new TreeMap<>();
  private byte @Nullable [] body;
  private @Nullable String model;
  private @Nullable Asked asked;
  private @Nullable RequestAccount account;
  private long arrivalNanos;
  private @Nullable ErrorKind error;
  private boolean streamed;
  private boolean stalled;

  /**
   * Notes of a request that has just come.
   *
   * @param id its x-request-id
   * @param keepsText whether its body and the text of its answers are kept
   * @param trace what the request's tracer needs to go on; nobody here looks inside
   */
  public RequestNotes(String id, boolean keepsText, @Nullable Object trace) {
    this.id = id;
    this.keepsText = keepsText;
    this.trace = trace;
  }

  /** What the request's tracer left; null if it is not traced. */
  public @Nullable Object trace() {
    return trace;
  }

  /** The request's x-request-id. */
  public String id() {
    return id;
  }

  /** The served model's id; null where it was not found out, as for most refused requests. */
  public synchronized @Nullable String model() {
    return model;
  }

  /** What it asked for; null if it was refused before that was known. */
  public synchronized @Nullable Asked asked() {
    return asked;
  }

  /** When it came to the scheduler, in {@link System#nanoTime}; 0 if it never did. */
  public synchronized long arrivalNanos() {
    return arrivalNanos;
  }

  /** What the request used; null if it never came as far as the scheduler. */
  public synchronized @Nullable RequestAccount account() {
    return account;
  }

  /** The error that it was answered with, or that ended its stream. */
  public synchronized @Nullable ErrorKind error() {
    return error;
  }

  /** Whether its answer was a stream of events. */
  public synchronized boolean streamed() {
    return streamed;
  }

  /** Whether its client was cut off. */
  public synchronized boolean stalled() {
    return stalled;
  }

  /** Why its answers ended, in the order of choices. */
  public synchronized List<FinishReason> finishReasons() {
    return List.copyOf(finishes.values());
  }

  /** The body as it was sent, where text is kept. */
  public synchronized @Nullable String body() {
    return body == null ? null : new String(body, StandardCharsets.UTF_8);
  }

  /** The answers' texts, in the order of choices, where text is kept. */
  public synchronized List<String> texts() {
    return texts.values().stream().map(StringBuilder::toString).toList();
  }

  synchronized void body(byte[] sent) {
    body = keepsText ? sent : null;
  }

  synchronized void model(String id) {
    model = id;
  }

  /** The first of its prompts stands for all: they differ in nothing that was asked for. */
  synchronized void asked(SequenceRequest prompt, String answerId) {
    asked = new Asked(prompt.sampling(), prompt.stop().maxTokens(), prompt.answers(), answerId);
  }

  synchronized void submitted(Generation generation, boolean streamed) {
    this.account = generation.account();
    this.arrivalNanos = generation.arrivalNanos();
    this.streamed = streamed;
  }

  synchronized void add(AnswerDelta delta) {
    if (delta.finish() != null) {
      finishes.put(delta.choice(), delta.finish());
    }
    if (keepsText) {
      texts.computeIfAbsent(delta.choice(), ignored -> new StringBuilder()).append(delta.text());
    }
  }

  /** An error is the answer, or the last event of the stream. */
  public synchronized void failed(ErrorKind kind) {
    error = kind;
  }

  synchronized void cutOff() {
    stalled = true;
  }
}
