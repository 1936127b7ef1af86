package dev.tritium.cli;

import java.util.logging.ConsoleHandler;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** Shows warnings of commands that run without Quarkus, which configures the log of a server. */
final class ConsoleLog {
  private ConsoleLog() {}

  /** Packing a model, or waiting for who packs it, may take half a minute. */
  private static boolean isProgress(LogRecord log) {
    String logger = String.valueOf(log.getLoggerName());
    return logger.endsWith("CheckpointWeights") || logger.endsWith("PackedCache");
  }

  /** Prints warnings, errors and progress to standard error from now on, a line each. */
  static void showWarnings() {
    Handler handler = new ConsoleHandler();
    handler.setLevel(Level.INFO);
    handler.setFilter(
        log -> log.getLevel().intValue() >= Level.WARNING.intValue() || isProgress(log));
    handler.setFormatter(
        new Formatter() {
          @Override
          public String format(LogRecord log) {
            return "tritium: " + formatMessage(log) + System.lineSeparator();
          }
        });
    Logger.getLogger("").addHandler(handler);
  }
}
