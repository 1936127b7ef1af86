package dev.tritium.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class WorkersTest {

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4})
  void everyChunkOfManyTinyPhasesRunsOnceAndIsSeenByTheCaller(int threads) {
    try (Workers workers = new Workers(threads)) {
      int[] seen = new int[64]; // plain: the pool must order these writes
      for (int phase = 1; phase <= 50_000; phase++) {
        int now = phase;
        int chunks = phase % 17;
        workers.forEach(
            chunks,
            (chunk, worker) -> {
              assertTrue(seen[chunk] < now, "chunk ran twice");
              seen[chunk] = now;
            });
        for (int c = 0; c < chunks; c++) {
          assertEquals(now, seen[c], "chunk " + c + " of " + chunks);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4})
  void sleepingThreadsWakeUpAfterPausesOfAnyLength(int threads) throws InterruptedException {
    Random random = new Random(7);
    try (Workers workers = new Workers(threads)) {
      for (int phase = 0; phase < 300; phase++) {
        // Around the moment where a thread goes to park, about 1 ms after its last work.
        Thread.sleep(random.nextInt(3), random.nextInt(999_999));
        AtomicInteger ran = new AtomicInteger();
        workers.forEach(8, (chunk, worker) -> ran.incrementAndGet());
        assertEquals(8, ran.get());
      }
    }
  }

  @Test
  void aParkedThreadTakesPartAgain() throws InterruptedException {
    try (Workers workers = new Workers(2)) {
      for (int round = 0; round < 20; round++) {
        Thread.sleep(5);
        CountDownLatch both = new CountDownLatch(2);
        // Each chunk waits for the other one, so both threads are needed.
        workers.forEach(
            2,
            (chunk, worker) -> {
              both.countDown();
              awaitQuietly(both);
            });
      }
    }
  }

  @Test
  void idleThreadsUseNoProcessorTime() throws InterruptedException {
    try (Workers workers = new Workers(3)) {
      workers.forEach(30, (chunk, worker) -> {});
      Thread.sleep(50);
      long before = workerCpuNanos();
      Thread.sleep(200);
      long used = workerCpuNanos() - before;
      assertTrue(used < 5_000_000, used + " ns in 200 ms of idleness");
    }
  }

  @Test
  void noTwoChunksShareAWorkerIndexAtOnce() {
    try (Workers workers = new Workers(4)) {
      AtomicIntegerArray inUse = new AtomicIntegerArray(4);
      for (int phase = 0; phase < 2_000; phase++) {
        workers.forEach(
            9,
            (chunk, worker) -> {
              assertEquals(0, inUse.getAndIncrement(worker));
              Thread.onSpinWait();
              inUse.decrementAndGet(worker);
            });
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void anExceptionReachesTheCallerAfterAllStoppedAndThePoolStaysUsable(int threads) {
    try (Workers workers = new Workers(threads)) {
      for (int phase = 0; phase < 2_000; phase++) {
        IllegalArgumentException expected = new IllegalArgumentException("chunk 5");
        AtomicInteger running = new AtomicInteger();
        IllegalArgumentException thrown =
            assertThrows(
                IllegalArgumentException.class,
                () ->
                    workers.forEach(
                        12,
                        (chunk, worker) -> {
                          running.incrementAndGet();
                          try {
                            if (chunk == 5) {
                              throw expected;
                            }
                          } finally {
                            running.decrementAndGet();
                          }
                        }));
        assertSame(expected, thrown);
        assertEquals(0, running.get());
      }
      AtomicInteger ran = new AtomicInteger();
      workers.forEach(12, (chunk, worker) -> ran.incrementAndGet());
      assertEquals(12, ran.get());
    }
  }

  @Test
  void aSecondCallerIsRefused() throws InterruptedException {
    try (Workers workers = new Workers(2)) {
      AtomicReference<String> second = new AtomicReference<>("was not refused");
      workers.forEach(
          2,
          (chunk, worker) -> {
            if (chunk == 0) {
              Thread other =
                  Thread.ofPlatform()
                      .start(
                          () -> {
                            try {
                              workers.forEach(1, (c, w) -> {});
                            } catch (IllegalStateException e) {
                              second.set(String.valueOf(e.getMessage()));
                            }
                          });
              joinQuietly(other);
            }
          });
      assertTrue(second.get().contains("one caller at a time"));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void aNestedCallIsRefused(int threads) {
    try (Workers workers = new Workers(threads)) {
      for (int chunks : new int[] {1, 4}) {
        IllegalStateException e =
            assertThrows(
                IllegalStateException.class,
                () -> workers.forEach(chunks, (chunk, worker) -> workers.forEach(1, (c, w) -> {})));
        assertTrue(String.valueOf(e.getMessage()).contains("already running"), e::toString);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void whatIsAsideRunsOnceBetweenPhasesAndPauses(int threads) throws InterruptedException {
    Random random = new Random(7);
    int actions = 20_000;
    AtomicIntegerArray runs = new AtomicIntegerArray(actions);
    try (Workers workers = new Workers(threads)) {
      for (int i = 0; i < actions; i++) {
        int action = i;
        workers.runAside(() -> runs.incrementAndGet(action));
        for (int phases = random.nextInt(3); phases > 0; phases--) {
          AtomicInteger ran = new AtomicInteger();
          workers.forEach(8, (chunk, worker) -> ran.incrementAndGet());
          assertEquals(8, ran.get());
        }
        if (i % 200 == 0) {
          Thread.sleep(random.nextInt(3), random.nextInt(999_999)); // it may be about to park
        }
      }
    } // all threads have ended
    for (int i = 0; i < actions; i++) {
      assertEquals(1, runs.get(i), "action " + i);
    }
  }

  @Test
  void theCallerGoesOnAndRunsWhatIsAsideOnlyIfNoOtherThreadCame() throws InterruptedException {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    AtomicReference<Thread> thread = new AtomicReference<>();
    try (Workers workers = new Workers(2)) {
      workers.runAside(
          () -> {
            begun.countDown();
            awaitQuietly(end); // for ever, on the caller
          });
      begun.await();
      workers.runAside(() -> thread.set(Thread.currentThread()));
      workers.forEach(8, (chunk, worker) -> assertEquals(0, worker, "the other one is busy"));
      assertSame(Thread.currentThread(), thread.get());
      end.countDown();
    }
  }

  @Test
  void oneChunkRunsOnTheCaller() {
    try (Workers workers = new Workers(3)) {
      AtomicReference<Thread> thread = new AtomicReference<>();
      workers.forEach(1, (chunk, worker) -> thread.set(Thread.currentThread()));
      assertSame(Thread.currentThread(), thread.get());
    }
  }

  @Test
  void closeEndsTheThreadsAndRefusesFurtherWork() {
    Set<Thread> others = workerThreads(); // of a server that other tests left running
    Workers workers = new Workers(3);
    workers.forEach(9, (chunk, worker) -> {});
    assertEquals(others.size() + 2, workerThreads().size());
    workers.close();
    workers.close();
    assertEquals(others, workerThreads());
    assertThrows(IllegalStateException.class, () -> workers.forEach(9, (chunk, worker) -> {}));
  }

  private static Set<Thread> workerThreads() {
    Thread[] all = new Thread[Thread.activeCount() + 16];
    int n = Thread.enumerate(all);
    return Arrays.stream(all, 0, n)
        .filter(t -> t.getName().startsWith("tritium-worker-"))
        .collect(Collectors.toSet());
  }

  private static long workerCpuNanos() {
    var bean = java.lang.management.ManagementFactory.getThreadMXBean();
    long sum = 0;
    for (Thread thread : workerThreads()) {
      sum += bean.getThreadCpuTime(thread.threadId());
    }
    return sum;
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void joinQuietly(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void threadsOfLowPriorityAreNiceAndTheCallerIsAsItWas() throws Exception {
    assumeTrue(Files.exists(Path.of("/proc/thread-self/stat")), "only Linux tells it");
    int caller = nice();
    int[] found = new int[3]; // by worker
    CountDownLatch all = new CountDownLatch(found.length); // each has a chunk
    try (Workers workers = Workers.ofLowPriority(found.length)) {
      workers.forEach(
          found.length,
          (chunk, worker) -> {
            found[worker] = nice();
            all.countDown();
            awaitQuietly(all);
          });
    }
    assertEquals("[%d, 10, 10]".formatted(caller), Arrays.toString(found));
    assertEquals(caller, nice());
  }

  /** The 19th field of this thread's; the second, its name, may have blanks. */
  private static int nice() {
    try {
      String stat = Files.readString(Path.of("/proc/thread-self/stat"));
      return Integer.parseInt(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[16]);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
