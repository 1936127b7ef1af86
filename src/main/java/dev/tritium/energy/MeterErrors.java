package dev.tritium.energy;

import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Readings that did not count; the log has the first of each file and reason. */
public final class MeterErrors {
  private static final System.Logger LOG = System.getLogger(MeterErrors.class.getName());

  private final Map<MeterError, Long> counts = new ConcurrentHashMap<>();
  private final Set<String> told = ConcurrentHashMap.newKeySet();

  /** Readings that did not count for this reason. */
  public long of(MeterError reason) {
    return counts.getOrDefault(reason, 0L);
  }

  /** Counts one that is told of elsewhere. */
  void count(MeterError reason) {
    counts.merge(reason, 1L, Long::sum);
  }

  /** Counts one, and tells of it if it is the first of its kind. */
  void add(MeterError reason, Path file) {
    count(reason);
    if (told.add(reason + " " + file)) {
      LOG.log(
          System.Logger.Level.WARNING,
          "an energy reading of {0} does not count: {1}; what was used meanwhile is missing in all figures",
          file,
          reason.words());
    }
  }
}
