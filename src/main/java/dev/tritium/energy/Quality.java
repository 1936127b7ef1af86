package dev.tritium.energy;

import java.util.Locale;

/** What a figure rests on. */
public enum Quality {
  /** A counter or sensor of the hardware. */
  MEASURED,
  /** CPU time and watts that somebody set or published. */
  ESTIMATED;

  /** The name in metrics and answers. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
