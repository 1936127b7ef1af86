package dev.tritium.energy;

/** Says why a source cannot be read here, and what would mend it. */
@SuppressWarnings("serial") // never leaves the room
final class NoMeterException extends Exception {
  NoMeterException(String why) {
    super(why);
  }

  @Override
  public String getMessage() {
    return String.valueOf(super.getMessage());
  }
}
