package dev.tritium.api.openai;

import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.FinishReason;
import dev.tritium.engine.RequestAccount;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What those who answer a request leave for its {@link RequestReport}. */
public final class RequestNotes {
  private final String id;
  private final boolean keepsText;
  private final Map<Integer, FinishReason> finishes = new TreeMap<>(); // by choice
  private final Map<Integer, StringBuilder> texts = new TreeMap<>();
  private byte @Nullable [] body;
  private @Nullable String model;
  private @Nullable RequestAccount account;
  private @Nullable ErrorKind error;
  private boolean streamed;
  private boolean stalled;

  /**
   * Notes of a request that has just come.
   *
   * @param id its x-request-id
   * @param keepsText whether its body and the text of its answers are kept
   */
  public RequestNotes(String id, boolean keepsText) {
    this.id = id;
    this.keepsText = keepsText;
  }

  /** The request's id, for the log. */
  String id() {
    return id;
  }

  /** The served model's id; null where it was not found out, as for most refused requests. */
  public synchronized @Nullable String model() {
    return model;
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

  synchronized void submitted(RequestAccount account, boolean streamed) {
    this.account = account;
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
