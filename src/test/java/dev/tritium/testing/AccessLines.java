package dev.tritium.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jboss.logmanager.formatters.PatternFormatter;

/** The lines that a server in this JVM logs from now on. */
public final class AccessLines extends Handler implements AutoCloseable {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  private static final PatternFormatter FORMATTER = new PatternFormatter("%s%e");

  private final List<String> lines = new CopyOnWriteArrayList<>();
  private final Logger logger;

  private AccessLines(Logger logger) {
    this.logger = logger;
    setLevel(Level.ALL);
    logger.addHandler(this);
  }

  /** Of the access log. */
  public static AccessLines listen() {
    return new AccessLines(Logger.getLogger("tritium.access"));
  }

  /** Of all logs, with their exceptions, but the access log, which is not handed on. */
  public static AccessLines ofAllLogs() {
    return new AccessLines(Logger.getLogger(""));
  }

  @Override
  public void publish(LogRecord record) {
    lines.add(FORMATTER.format(record));
  }

  public List<String> all() {
    return List.copyOf(lines);
  }

  /** The one line of a request, waited for: it comes when the exchange has ended. */
  public JsonNode of(String id) {
    Api.await("a line of " + id, LIMIT, () -> !find(id).isEmpty());
    List<JsonNode> found = find(id);
    assertEquals(1, found.size(), found::toString);
    return found.getFirst();
  }

  private List<JsonNode> find(String id) {
    return lines.stream()
        .map(AccessLines::json)
        .filter(line -> line.get("id").textValue().equals(id))
        .toList();
  }

  public static JsonNode json(String line) {
    try {
      return Api.JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw new AssertionError("not JSON: " + line, e);
    }
  }

  @Override
  public void flush() {}

  @Override
  public void close() {
    logger.removeHandler(this);
  }
}
