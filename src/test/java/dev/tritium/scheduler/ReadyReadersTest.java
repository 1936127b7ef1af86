package dev.tritium.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;

class ReadyReadersTest {
  private final ReadyReaders ready = new ReadyReaders();
  private final List<String> called = new ArrayList<>();
  private final List<Runnable> tasks = new ArrayList<>();
  private final Executor one = tasks::add;
  private final Executor other = tasks::add;

  @Test
  void allOfOneThreadAreOneTask() {
    ready.add(one, () -> called.add("a"));
    ready.add(other, () -> called.add("b"));
    ready.add(one, () -> called.add("c"));
    ready.call();
    assertEquals(2, tasks.size());
    tasks.forEach(Runnable::run);
    assertEquals(List.of("a", "c", "b"), called);
  }

  @Test
  void whatFailsInOneEndsNoOther() {
    ready.add(
        task -> {
          throw new RejectedExecutionException("on purpose");
        },
        () -> fail("it was rejected"));
    ready.add(
        one,
        () -> {
          throw new IllegalStateException("on purpose");
        });
    ready.add(one, () -> called.add("b"));
    ready.call();
    tasks.forEach(Runnable::run);
    assertEquals(List.of("b"), called);
  }
}
