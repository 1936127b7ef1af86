package dev.tritium.energy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SystemCpuTest {
  @Test
  void busyIsAllButIdleWaitingAndStolen() {
    String stat = "cpu  100 20 3 5000 600 7 8 90 50 10\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
    assertEquals((100 + 20 + 3 + 7 + 8) * 10_000_000L, SystemCpu.busyNanos(stat));
  }

  @Test
  void theHostsCpuTimeGrowsWithOurs() {
    SystemCpu cpu = new SystemCpu(() -> 5);
    assertEquals(5, cpu.processNanos());
    assertTrue(cpu.processCpus() >= 1 && cpu.processCpus() <= cpu.hostCpus());
    long before = cpu.hostNanos();
    long ticks = 0;
    long start = System.nanoTime();
    while (ticks < 3 && System.nanoTime() - start < 30_000_000_000L) {
      ticks = (cpu.hostNanos() - before) / 10_000_000; // busy meanwhile: this thread
    }
    assertTrue(ticks >= 3, ticks + " ticks in 30 s");
  }
}
