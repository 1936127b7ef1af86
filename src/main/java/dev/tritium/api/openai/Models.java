package dev.tritium.api.openai;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The models of this server. */
public interface Models {
  /**
   * The model a request names, or the first one when it names none.
   *
   * @throws ApiException 503 while the model is loading or if it could not be loaded, 404 when
   *     there is none of that name
   */
  ServedModel require(@Nullable String id);

  /** Every model, whatever its status, in the order in which they were asked for. */
  List<ModelReport> all();

  /**
   * One model, whatever its status.
   *
   * @throws ApiException 404 when there is none of that name
   */
  ModelReport report(String id);
}
