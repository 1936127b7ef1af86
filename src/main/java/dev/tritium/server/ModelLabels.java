package dev.tritium.server;

import jakarta.inject.Singleton;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The values of the label {@code model}: the models that are served. What ends after its model was
 * unloaded begins no series of it again.
 */
@Singleton
public class ModelLabels {
  /** In place of a model's id, for what came to none that is served. */
  static final String UNKNOWN = "unknown";

  private final Set<String> served = ConcurrentHashMap.newKeySet();

  void begin(String model) {
    served.add(model);
  }

  void end(String model) {
    served.remove(model);
  }

  /** The label for what concerns a model. */
  String of(@Nullable String model) {
    return model != null && served.contains(model) ? model : UNKNOWN;
  }
}
