package dev.tritium.api.openai;

import java.util.Optional;

/** Changes which models there are; both return at once, and the rest is seen in {@link Models}. */
public interface ModelAdmin {
  /**
   * Begins to load a model.
   *
   * @param name what clients will call it; the model's own name when empty
   * @param model a folder, or what else {@code --model} takes
   * @throws ApiException 400 if that cannot be a model or its name, 409 if the name is taken
   */
  ModelReport load(Optional<String> name, String model);

  /**
   * Takes no more requests for a model, and frees it when those that it has are done; one that
   * could not be loaded is forgotten.
   *
   * @throws ApiException 404 if there is none of that name, 409 while it is loading
   */
  ModelReport unload(String id);
}
