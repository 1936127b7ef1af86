package dev.tritium.loadtests;

import java.util.Locale;

/** What is done to a server, and what is taken for a setting that is not given. */
enum Scenario {
  SMOKE("each endpoint once, then four streams", 0, 0, 4, 5_000, 2_000),
  STEADY("an open model: Poisson arrivals, lengths of real chats", 60, 2, 0, 3_000, 500),
  BURST("every ten seconds many requests at once", 30, 0, 48, 20_000, 2_000),
  SOAK("clients in a closed loop; the second half as fast as the first", 120, 0, 8, 5_000, 1_000),
  SLOW_READERS("steady, alone and beside clients that hardly read", 40, 2, 50, 5_000, 1_000),
  CANCEL_STORM(
      "clients that leave before or in the middle of long answers", 20, 20, 0, 5_000, 1_000),
  OVERLOAD("more requests at once than may run and wait", 0, 0, 640, 0, 0),
  DRAIN("SIGTERM while streams run", 0, 0, 16, 0, 0);

  final String what;
  final int seconds;
  final double perSecond; // arrivals
  final int clients;
  final int firstMillis; // bound of the 99th percentile of times to the first token
  final int gapMillis; // bound of the 99th percentile of gaps

  Scenario(
      String what, int seconds, double perSecond, int clients, int firstMillis, int gapMillis) {
    this.what = what;
    this.seconds = seconds;
    this.perSecond = perSecond;
    this.clients = clients;
    this.firstMillis = firstMillis;
    this.gapMillis = gapMillis;
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
