package dev.tritium.server;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.channel.DefaultEventLoop;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import io.smallrye.mutiny.subscription.Cancellable;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The timer of connections. */
class ClientConnectionsTest {
  private static final Duration PERIOD = Duration.ofMillis(20);

  private final EventLoop loop = new DefaultEventLoop();

  @AfterEach
  void end() {
    Future<?> _ = loop.shutdownGracefully(0, 0, TimeUnit.SECONDS);
  }

  @Test
  void anEventLoopThatPausedDoesNotMakeUpForItsTicks() throws InterruptedException {
    BlockingQueue<Long> ticks = new LinkedBlockingQueue<>();
    Cancellable timer = ClientConnections.every(loop, PERIOD, () -> ticks.add(System.nanoTime()));
    loop.execute(ClientConnectionsTest::pause);
    long last = next(ticks);
    for (int i = 0; i < 5; i++) {
      long tick = next(ticks);
      assertTrue(tick - last >= PERIOD.toNanos(), i + ": " + (tick - last) + " ns");
      last = tick;
    }
    timer.cancel();
  }

  private static void pause() {
    try {
      Thread.sleep(PERIOD.multipliedBy(20));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static long next(BlockingQueue<Long> ticks) throws InterruptedException {
    Long tick = ticks.poll(60, TimeUnit.SECONDS);
    assertTrue(tick != null, "no tick");
    return tick;
  }
}
