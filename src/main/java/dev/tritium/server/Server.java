package dev.tritium.server;

import io.quarkus.runtime.Quarkus;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/** The way into Quarkus. */
public final class Server {
  private static final System.Logger LOG = System.getLogger(Server.class.getName());

  private Server() {}

  /**
   * Serves until the process is told to end, which it then does with exit status 0; settings are
   * {@code tritium.*} properties.
   *
   * @param beside what is done while Quarkus starts, on a thread of its own
   */
  public static void run(Runnable beside) {
    endOnSignals();
    Thread.ofPlatform().daemon().name("tritium-beside").start(beside);
    Quarkus.run();
  }

  /**
   * The JVM's own handlers drain too, but end with 143; a second signal ends at once. By
   * reflection, because nothing silences javac about {@code sun.misc.Signal}, of jdk.unsupported.
   */
  private static void endOnSignals() {
    AtomicBoolean ending = new AtomicBoolean();
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      InvocationHandler end =
          (proxy, method, args) -> {
            if (ending.getAndSet(true)) {
              Runtime.getRuntime().halt(1);
            }
            System.exit(0); // Quarkus stops in a shutdown hook, and Drain with it
            return null;
          };
      Object proxy =
          Proxy.newProxyInstance(Server.class.getClassLoader(), new Class<?>[] {handler}, end);
      for (String name : List.of("TERM", "INT")) {
        Object each = signal.getConstructor(String.class).newInstance(name);
        signal.getMethod("handle", signal, handler).invoke(null, each, proxy);
      }
    } catch (ReflectiveOperationException e) { // such as with -Xrs
      LOG.log(System.Logger.Level.WARNING, "signals will end the server with 143 instead of 0", e);
    }
  }
}
