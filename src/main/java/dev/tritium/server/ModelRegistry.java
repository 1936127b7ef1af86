package dev.tritium.server;

import dev.tritium.api.openai.ApiException;
import dev.tritium.api.openai.ErrorKind;
import dev.tritium.api.openai.ModelReport;
import dev.tritium.api.openai.ModelStatus;
import dev.tritium.api.openai.Models;
import dev.tritium.api.openai.ServedModel;
import dev.tritium.scheduler.Scheduler;
import dev.tritium.server.TritiumConfig.ReadyWhen;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The models there are, in the order in which they were asked for. */
@ApplicationScoped
public class ModelRegistry implements Models {
  private static final String STARTING = "the server is starting";
  private static final int MAX_SHOWN = 100; // characters of what a client calls a model

  private final SharedEngine engine;
  private final ReadyWhen policy;
  private final List<HostedModel> models = new CopyOnWriteArrayList<>();
  private volatile boolean begun; // to have models

  ModelRegistry(SharedEngine engine, TritiumConfig config) {
    this.engine = engine;
    this.policy = config.health().readyWhen();
  }

  /**
   * Adds a model that is to be loaded; one that has failed gives its place to another of its name.
   *
   * @param ofStart whether the settings name it, so that readiness depends on it
   * @throws ApiException if there is one of that name
   */
  synchronized HostedModel add(ModelReference reference, boolean ofStart) {
    begun = true;
    HostedModel other = find(reference.id());
    if (other == null) {
      HostedModel model = new HostedModel(reference, ofStart);
      models.add(model);
      return model;
    }
    if (!other.is(ModelStatus.FAILED)) {
      throw new ApiException(
          ErrorKind.MODEL_CONFLICT,
          "name",
          "there is a model '%s' already; it is %s"
              .formatted(shown(other.id()), other.status().label()));
    }
    HostedModel model = new HostedModel(reference, other.isOfStart());
    models.set(models.indexOf(other), model);
    return model;
  }

  synchronized void remove(HostedModel model) {
    models.remove(model);
  }

  List<HostedModel> hosted() {
    return models;
  }

  private @Nullable HostedModel find(String id) {
    return models.stream().filter(model -> model.id().equals(id)).findFirst().orElse(null);
  }

  /**
   * The model of that name.
   *
   * @throws ApiException if there is none
   */
  HostedModel get(String id) {
    HostedModel found = find(id);
    if (found == null) {
      throw notFound("the model '%s' is not served here".formatted(shown(id)));
    }
    return found;
  }

  private ApiException notFound(String what) {
    String served =
        models.stream()
            .filter(model -> !model.is(ModelStatus.UNLOADING))
            .map(model -> "'" + model.id() + "'")
            .collect(Collectors.joining(", "));
    return new ApiException(
        ErrorKind.MODEL_NOT_FOUND,
        "model",
        "%s; %s"
            .formatted(what, served.isEmpty() ? "there is none now" : "those here are " + served));
  }

  private static String shown(String id) {
    return id.length() <= MAX_SHOWN ? id : id.substring(0, MAX_SHOWN) + "...";
  }

  @Override
  public ServedModel require(@Nullable String id) {
    if (!engine.isAlive()) {
      throw new ApiException(
          ErrorKind.ENGINE_STOPPED, null, "the engine has failed; the server must be restarted");
    }
    if (!begun) {
      throw new ApiException(
          ErrorKind.MODEL_LOADING, null, "the server is starting; try again shortly");
    }
    HostedModel model = id == null ? first() : get(id);
    ServedModel served = model.served();
    if (served != null) {
      return served;
    }
    throw switch (model.status()) {
      case FAILED ->
          new ApiException(
              ErrorKind.MODEL_FAILED,
              null,
              "the model '%s' could not be loaded: %s".formatted(model.id(), model.reason()));
      case UNLOADING -> notFound("the model '%s' is being unloaded".formatted(model.id()));
      case LOADING, READY -> // which it may have become just now
          new ApiException(
              ErrorKind.MODEL_LOADING,
              null,
              "the model '%s' is still loading; try again shortly".formatted(model.id()));
    };
  }

  private HostedModel first() {
    return models.stream()
        .filter(model -> !model.is(ModelStatus.UNLOADING))
        .findFirst()
        .orElseThrow(() -> notFound("the request names no model"));
  }

  @Override
  public List<ModelReport> all() {
    return models.stream().map(HostedModel::report).toList();
  }

  @Override
  public ModelReport report(String id) {
    return get(id).report();
  }

  /** The schedulers there are, also those of models that are being unloaded. */
  List<Scheduler> schedulers() {
    return models.stream().map(HostedModel::scheduler).filter(Objects::nonNull).toList();
  }

  /**
   * Why the server's start is not over; null once it is. By policy, each model of the start is
   * ready or has failed, or one model is ready.
   */
  @Nullable String startObstacle() {
    if (!begun) {
      return STARTING;
    }
    boolean anyIsReady = models.stream().anyMatch(model -> model.is(ModelStatus.READY));
    return policy == ReadyWhen.ANY && anyIsReady
        ? null
        : firstOfStart(model -> model.is(ModelStatus.LOADING) ? loading(model) : null);
  }

  /** Why requests are not taken, by policy those to each model of the start, or to any model. */
  @Nullable String readyObstacle() {
    List<String> obstacles =
        models.stream().map(ModelRegistry::obstacle).filter(Objects::nonNull).toList();
    if (obstacles.size() == models.size()) { // none takes any
      return !models.isEmpty() ? obstacles.getFirst() : begun ? "no model is served" : STARTING;
    }
    return policy == ReadyWhen.ANY ? null : firstOfStart(ModelRegistry::obstacle);
  }

  private @Nullable String firstOfStart(Function<HostedModel, @Nullable String> obstacle) {
    for (HostedModel model : models) {
      String found = model.isOfStart() ? obstacle.apply(model) : null;
      if (found != null) {
        return found;
      }
    }
    return null;
  }

  /** Why a model takes no request now; null if it does. */
  private static @Nullable String obstacle(HostedModel model) {
    ServedModel served = model.served();
    if (served != null) {
      return served.scheduler().queueFullness();
    }
    return switch (model.status()) {
      case FAILED -> "the model %s could not be loaded: %s".formatted(model.id(), model.reason());
      case UNLOADING -> "the model %s is being unloaded".formatted(model.id());
      case LOADING, READY -> loading(model);
    };
  }

  private static String loading(HostedModel model) {
    return "the model %s is loading or warming up".formatted(model.id());
  }
}
