package dev.tritium.api.openai;

import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.RequestAccount;
import java.util.List;

/** How the answers of one request are written; made for the request, used by one thread. */
interface AnswerFormat {
  /** The answer's id, such as {@code cmpl-...}. */
  String id();

  /** Events that open a stream, without the SSE frame. */
  List<String> opening(RequestAccount account);

  /** Events for one delta; none while there is nothing to show. */
  List<String> events(AnswerDelta delta, RequestAccount account);

  /** Events that close a stream, before {@code [DONE]}. */
  List<String> closing(RequestAccount account);

  /**
   * The whole answer of a request that is not streamed.
   *
   * @param answers one for each choice, complete
   */
  String body(List<AnswerDelta> answers, RequestAccount account);
}
