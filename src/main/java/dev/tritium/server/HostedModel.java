package dev.tritium.server;

import dev.tritium.api.openai.ModelReport;
import dev.tritium.api.openai.ModelReport.Sizes;
import dev.tritium.api.openai.ModelStatus;
import dev.tritium.api.openai.ServedModel;
import dev.tritium.model.ModelDescription;
import dev.tritium.scheduler.Scheduler;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A model of this server, from when it is asked for until it is unloaded. */
final class HostedModel {
  /** A model in memory, what requests use of it, and the kernel that computes it. */
  record Running(ServedModel served, LoadedModel loaded, String kernel) {}

  private record State(ModelStatus status, @Nullable Running running, @Nullable String reason) {}

  private final ModelReference reference;
  private final boolean ofStart;
  private final long createdSeconds = System.currentTimeMillis() / 1000;
  private volatile State state = new State(ModelStatus.LOADING, null, null);
  private volatile double loaded; // share of it

  /**
   * @param ofStart whether the settings name it, so that readiness depends on it
   */
  HostedModel(ModelReference reference, boolean ofStart) {
    this.reference = reference;
    this.ofStart = ofStart;
  }

  /** What clients call it. */
  String id() {
    return reference.id();
  }

  /** Where it is. */
  Optional<String> model() {
    return reference.model();
  }

  boolean isOfStart() {
    return ofStart;
  }

  ModelStatus status() {
    return state.status;
  }

  boolean is(ModelStatus status) {
    return state.status == status;
  }

  /** What requests use of it; null unless it is ready. */
  @Nullable ServedModel served() {
    State now = state;
    return now.running != null && now.status == ModelStatus.READY ? now.running.served : null;
  }

  /** What is in memory of it, also while it is being unloaded; null if nothing is. */
  @Nullable Running running() {
    return state.running;
  }

  /** Its scheduler, also while it is being unloaded; null if it has none. */
  @Nullable Scheduler scheduler() {
    Running running = state.running;
    return running == null ? null : running.served.scheduler();
  }

  /** Why it failed; null if it did not. */
  @Nullable String reason() {
    return state.reason;
  }

  /** How much of the loading is done, from 0 to 1; what is not the packing of weights is little. */
  double progress() {
    return is(ModelStatus.LOADING) ? 0.9 * loaded : is(ModelStatus.FAILED) ? 0 : 1;
  }

  ModelReport report() {
    State now = state;
    return new ModelReport(
        id(),
        createdSeconds,
        now.status,
        progress(),
        now.reason,
        now.running == null ? null : sizes(now.running));
  }

  private static Sizes sizes(Running running) {
    ModelDescription description = running.loaded.model().description();
    var limit = running.loaded.model().maxTokens();
    return new Sizes(
        description.modelType(),
        description.parameters(),
        description.vocabularySize(),
        running.served.maxModelTokens(),
        limit.isPresent() ? limit.getAsInt() : null,
        running.loaded.model().weightBytes(),
        description.stateBytes(),
        running.kernel);
  }

  void loaded(double share) {
    loaded = share;
  }

  synchronized void ready(Running running) {
    state = new State(ModelStatus.READY, running, null);
  }

  synchronized void failed(String reason) {
    state = new State(ModelStatus.FAILED, null, reason);
  }

  /**
   * Gives no more requests to a model that is ready.
   *
   * @return what is to be freed when those it has are done; null if it was not ready
   */
  synchronized @Nullable Running unloading() {
    Running running = is(ModelStatus.READY) ? state.running : null;
    if (running != null) {
      state = new State(ModelStatus.UNLOADING, running, null);
    }
    return running;
  }
}
