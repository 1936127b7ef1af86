package dev.tritium.energy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** A file of the kernel's that holds one number; opened anew each time, as devices come and go. */
record NumberFile(Path path) {
  /** Says why there is no number. */
  @SuppressWarnings("serial") // never leaves the room
  static final class BadReading extends Exception {
    private final MeterError reason;

    BadReading(MeterError reason) {
      super(reason.label());
      this.reason = reason;
    }

    BadReading(IOException cause) {
      super(cause);
      this.reason =
          switch (cause) {
            case AccessDeniedException e -> MeterError.PERMISSION_DENIED;
            case NoSuchFileException e -> MeterError.VANISHED;
            default -> MeterError.UNREADABLE;
          };
    }

    MeterError reason() {
      return reason;
    }
  }

  /** The number, which is never negative. */
  long read() throws BadReading {
    String text;
    try {
      text = Files.readString(path, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new BadReading(e);
    }
    long number;
    try {
      number = Long.parseLong(text.strip());
    } catch (NumberFormatException e) {
      throw new BadReading(MeterError.GARBAGE);
    }
    if (number < 0) {
      throw new BadReading(MeterError.GARBAGE);
    }
    return number;
  }
}
