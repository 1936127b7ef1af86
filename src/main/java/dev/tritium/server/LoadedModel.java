package dev.tritium.server;

import dev.tritium.checkpoint.CheckpointException;
import dev.tritium.checkpoint.ModelConfig;
import dev.tritium.checkpoint.ModelFolder;
import dev.tritium.checkpoint.PackedCache;
import dev.tritium.engine.Sampling;
import dev.tritium.hub.HubCache;
import dev.tritium.hub.HubException;
import dev.tritium.hub.HubSettings;
import dev.tritium.hub.ModelId;
import dev.tritium.hub.Pull;
import dev.tritium.hub.PullProgress;
import dev.tritium.kernel.Kernels;
import dev.tritium.kernel.Workers;
import dev.tritium.model.LanguageModel;
import dev.tritium.model.Loading;
import dev.tritium.model.ModelFamilies;
import dev.tritium.tokenizer.ChatTemplate;
import dev.tritium.tokenizer.ChatTemplateException;
import dev.tritium.tokenizer.Tokenizer;
import dev.tritium.tokenizer.TokenizerException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.DoubleConsumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A model folder in memory: weights, tokenizer, chat template.
 *
 * @param sampling what generation_config.json asks for
 */
public record LoadedModel(
    LanguageModel model,
    Tokenizer tokenizer,
    Optional<ChatTemplate> chatTemplate,
    Sampling sampling)
    implements AutoCloseable {

  private static final String BUNDLED = "models/tritium-stories-17m";

  /** A tokenizer that is opened before its model is loaded. */
  private record Ahead(Path folder, CompletableFuture<Tokenizer> tokenizer) {}

  private static final AtomicReference<@Nullable Ahead> AHEAD = new AtomicReference<>();

  /**
   * The folder a user means: one of that name, or else a snapshot in the hub's cache.
   *
   * @param model a folder or the id of a model on the hub, or empty for the bundled model
   * @param home the checkout or installation
   * @param absent gets a model that is not in the cache, or throws
   * @throws CheckpointException if it is neither a folder nor an id
   */
  public static Path find(Optional<String> model, String home, Function<ModelId, Path> absent) {
    Path folder = model.map(Path::of).orElse(Path.of(home, BUNDLED));
    if (Files.isDirectory(folder)) {
      return folder;
    }
    ModelId id =
        model
            .flatMap(ModelId::parse)
            .orElseThrow(
                () ->
                    new CheckpointException(
                        "%s is not a folder: --model takes a folder with config.json, tokenizer.json and model.safetensors, or the id of a model on the hub, such as ridger/MMfreeLM-370M"
                            .formatted(folder)));
    return new HubCache(HubSettings.read().cache()).find(id).orElseGet(() -> absent.apply(id));
  }

  /**
   * The folder a user means, which must be on this machine.
   *
   * @throws HubException if it is a model of the hub that is not in the cache
   */
  public static Path find(Optional<String> model, String home) {
    return find(
        model,
        home,
        id -> {
          throw new HubException(
              "%s is neither a folder nor in the cache %s: ./tritium pull %s gets it from the hub"
                  .formatted(id, HubSettings.read().cache(), id));
        });
  }

  /**
   * Loads what is missing of a model of the hub.
   *
   * @throws CheckpointException if it cannot be run here; then no weights are loaded
   * @throws HubException that says what failed and what to do
   */
  public static Path pull(ModelId id, PullProgress progress) {
    return Pull.run(HubSettings.read(), id, config -> requireRunnable(id, config), progress);
  }

  private static void requireRunnable(ModelId id, ModelConfig config) {
    try {
      ModelFamilies.check(config);
    } catch (CheckpointException e) {
      throw new CheckpointException("%s cannot be run here: %s".formatted(id, e.getMessage()), e);
    }
  }

  /**
   * The name of a model that is given none: its id on the hub, else its folder's name.
   *
   * @param model as in {@link #find}
   */
  public static String defaultName(Optional<String> model) {
    Path folder = Path.of(model.orElse(BUNDLED));
    Optional<ModelId> id =
        ModelId.ofSnapshot(folder)
            .or(() -> model.filter(m -> !Files.isDirectory(folder)).flatMap(ModelId::parse));
    Path last = folder.toAbsolutePath().normalize().getFileName();
    return id.map(ModelId::repository).orElse(String.valueOf(last == null ? folder : last));
  }

  /**
   * Opens the tokenizer of a folder that is to be loaded soon: a vocabulary takes as long as
   * Quarkus does to start.
   */
  public static void openTokenizerAhead(Path folder) {
    AHEAD.set(new Ahead(folder, CompletableFuture.supplyAsync(() -> Tokenizer.open(folder))));
  }

  private static Optional<CompletableFuture<Tokenizer>> takeAhead(Path folder) {
    Ahead ahead = AHEAD.getAndSet(null);
    if (ahead != null && !ahead.folder.equals(folder)) {
      var _ = ahead.tokenizer.thenAccept(Tokenizer::close);
      return Optional.empty();
    }
    return Optional.ofNullable(ahead).map(Ahead::tokenizer);
  }

  /**
   * Loads a folder.
   *
   * @param kernels asked once, last: while the best kernel is being found, the rest is opened
   * @param workers load it; see {@link Loading}
   * @param progress is told how much of it is done, from 0 to 1, now and then
   * @throws CheckpointException or a tokenizer's or chat template's exception naming what is wrong
   */
  public static LoadedModel load(
      Path path, Supplier<Kernels> kernels, Workers workers, DoubleConsumer progress) {
    // Opened beside the folder, where there is a processor for each.
    Executor beside = workers.size() > 1 ? ForkJoinPool.commonPool() : Runnable::run;
    CompletableFuture<Tokenizer> tokenizer =
        takeAhead(path)
            .orElseGet(() -> CompletableFuture.supplyAsync(() -> Tokenizer.open(path), beside));
    try {
      ModelFolder folder = ModelFolder.open(path);
      try {
        Sampling sampling = sampling(folder.generationConfig());
        Optional<ChatTemplate> template = ChatTemplate.of(path);
        Tokenizer opened = join(tokenizer);
        Loading loading = new Loading(workers, cache(workers), progress);
        LanguageModel model = ModelFamilies.load(folder, kernels.get(), loading);
        return new LoadedModel(model, opened, template, sampling);
      } catch (RuntimeException | Error e) {
        folder.close();
        throw e;
      }
    } catch (RuntimeException | Error e) {
      var _ = tokenizer.thenAccept(Tokenizer::close);
      throw e;
    }
  }

  /** The user's cache of packed weights, checked by these threads. */
  public static PackedCache cache(Workers workers) {
    return PackedCache.ofUser(
        (count, task) -> workers.forEach(count, (i, worker) -> task.accept(i)));
  }

  /**
   * Whether a failure's message says what is wrong with a model or an option, so that a user can
   * mend it.
   */
  public static boolean isMendable(Throwable failure) {
    return failure instanceof CheckpointException
        || failure instanceof HubException
        || failure instanceof TokenizerException
        || failure instanceof ChatTemplateException
        || failure instanceof IllegalArgumentException;
  }

  private static Tokenizer join(CompletableFuture<Tokenizer> tokenizer) {
    try {
      return tokenizer.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }

  private static Sampling sampling(ModelConfig config) {
    boolean greedy = !config.booleanValue("do_sample", true);
    return new Sampling(
        greedy ? 0 : config.doubleValue("temperature", 1),
        Math.max(0, config.intValue("top_k", 0)), // -1 means off, as 0 does
        config.doubleValue("top_p", 1),
        config.doubleValue("min_p", 0),
        config.doubleValue("typical_p", 1),
        config.doubleValue("repetition_penalty", 1),
        0,
        0,
        Map.of(),
        0);
  }

  @Override
  public void close() {
    model.close();
    tokenizer.close();
  }
}
