package dev.tritium.server;

import dev.tritium.api.openai.ApiException;
import dev.tritium.api.openai.ErrorKind;
import dev.tritium.api.openai.ModelAdmin;
import dev.tritium.api.openai.ModelReport;
import dev.tritium.api.openai.ModelStatus;
import dev.tritium.server.HostedModel.Running;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** Begins and ends the models of the settings behind the open port, and those that admins want. */
@ApplicationScoped
public class ModelServer implements ModelAdmin {
  private static final System.Logger LOG = System.getLogger(ModelServer.class.getName());

  private static final long LOADER_GRACE_SECONDS = 1;

  private final TritiumConfig config;
  private final ModelRegistry registry;
  private final ModelLoader loader;
  private final SharedEngine engine;

  /** One after the other: each has all processors that there are for it. */
  private final ExecutorService loads =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().daemon().name("tritium-loader").factory());

  ModelServer(
      TritiumConfig config, ModelRegistry registry, ModelLoader loader, SharedEngine engine) {
    this.config = config;
    this.registry = registry;
    this.loader = loader;
    this.engine = engine;
  }

  void start(@Observes StartupEvent event) {
    loads.execute(this::serveOrExit);
  }

  /** Ends the process where nothing can be served. */
  private void serveOrExit() {
    List<HostedModel> models;
    try {
      SettingsCheck.check(config);
      engine.start();
      List<ModelReference> references = ModelReference.of(config);
      loader.share(references.size());
      models = references.stream().map(reference -> loader.add(reference, true)).toList();
    } catch (RuntimeException | Error e) {
      if (LoadedModel.isMendable(e)) {
        LOG.log(Level.ERROR, "cannot serve: {0}", e.getMessage());
      } else {
        LOG.log(Level.ERROR, "cannot serve", e);
      }
      Quarkus.asyncExit(1);
      return;
    }
    models.forEach(loader::load);
    long failed = models.stream().filter(model -> model.is(ModelStatus.FAILED)).count();
    if (failed == models.size()) {
      Quarkus.asyncExit(1);
    } else if (config.exitWhenReady()) {
      Quarkus.asyncExit(failed > 0 ? 1 : 0);
    }
  }

  void stop(@Observes ShutdownEvent event) throws InterruptedException {
    loader.close();
    loads.shutdown();
    boolean _ = loads.awaitTermination(LOADER_GRACE_SECONDS, TimeUnit.SECONDS);
    engine.stop();
    loader.freeAll();
    engine.closeKernels();
  }

  @Override
  public ModelReport load(Optional<String> name, String model) {
    HostedModel added;
    try {
      if (model.isBlank()) {
        throw new IllegalArgumentException("'model' is empty");
      }
      added = loader.add(new ModelReference(name, Optional.of(model)), false);
    } catch (IllegalArgumentException e) {
      throw new ApiException(ErrorKind.INVALID_REQUEST, null, String.valueOf(e.getMessage()));
    }
    LOG.log(Level.INFO, "loading {0} for an admin", added.id());
    loads.execute(() -> loader.load(added));
    return added.report();
  }

  @Override
  public ModelReport unload(String id) {
    HostedModel model = registry.get(id);
    Running running = model.unloading();
    if (running != null) {
      loader.unload(model, running);
    } else if (model.is(ModelStatus.FAILED)) {
      loader.free(model);
    } else if (model.is(ModelStatus.LOADING)) {
      throw new ApiException(
          ErrorKind.MODEL_CONFLICT,
          null,
          "the model '%s' is still loading; unload it when that is over".formatted(model.id()));
    }
    return model.report();
  }

  /** Takes no request from now on. */
  void drain() {
    registry
        .schedulers()
        .forEach(
            scheduler -> scheduler.drain("the server is about to end and takes no more requests"));
  }

  /** Ends every request that waits or runs. */
  void endAll(RuntimeException reason) {
    registry.schedulers().forEach(scheduler -> scheduler.endAll(reason));
  }
}
