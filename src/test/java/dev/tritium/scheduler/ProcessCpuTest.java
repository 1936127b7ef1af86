package dev.tritium.scheduler;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ProcessCpuTest {
  /** Ticks of 10 ms would make a step of a small model cost nothing, or fifty times itself. */
  @Test
  void itCountsFinerThanTicks() {
    long finest = Long.MAX_VALUE;
    long last = ProcessCpu.nanos();
    for (int changes = 0; changes < 100; ) {
      long now = ProcessCpu.nanos();
      assertTrue(now >= last, "it never falls");
      if (now > last) {
        finest = Math.min(finest, now - last);
        changes++;
      }
      last = now;
    }
    assertTrue(finest < 1_000_000, "a smallest step of " + finest + " ns");
  }
}
