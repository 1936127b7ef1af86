package dev.tritium.energy;

import java.util.Locale;

/** Why a reading does not count. */
public enum MeterError {
  /** The file is not for this user. */
  PERMISSION_DENIED,
  /** The file is not there any more. */
  VANISHED,
  /** The file is there and cannot be read. */
  UNREADABLE,
  /** The file holds no number. */
  GARBAGE,
  /** The counter fell, and at which value it begins again is not known. */
  NO_RANGE,
  /** No hardware uses so much: the counter was reset, or is broken. */
  IMPLAUSIBLE;

  /** The name in metrics. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** For people. */
  String words() {
    return label().replace('_', ' ');
  }
}
