package dev.tritium.api.openai;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The models this server serves. */
public interface Models {
  /**
   * The model a request names, or the served one when it names none.
   *
   * @throws ApiException 503 while the model is loading, 404 when there is none of that name
   */
  ServedModel require(@Nullable String id);

  /**
   * Every model that is ready to answer.
   *
   * @throws ApiException 503 while the model is loading
   */
  List<ServedModel> all();
}
