package dev.tritium.server;

import io.quarkus.vertx.VertxOptionsCustomizer;
import io.vertx.core.VertxOptions;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.concurrent.TimeUnit;

/**
 * Lets an idle server sleep: Vert.x looks for blocked threads each second unless told otherwise.
 */
@ApplicationScoped
public class QuietVertx implements VertxOptionsCustomizer {
  @Override
  public void accept(VertxOptions options) {
    options.setBlockedThreadCheckInterval(1).setBlockedThreadCheckIntervalUnit(TimeUnit.MINUTES);
  }
}
