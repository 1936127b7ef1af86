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
import dev.tritium.kernel.Kernels;
import dev.tritium.model.LanguageModel;
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
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A model folder in memory: weights, tokenizer, chat template, and the kernels it computes with.
 *
 * @param name the id of a model from the hub; else the folder's name
 * @param sampling what generation_config.json asks for
 */
public record LoadedModel(
    String name,
    Path folder,
    LanguageModel model,
    Tokenizer tokenizer,
    Optional<ChatTemplate> chatTemplate,
    Sampling sampling,
    Kernels kernels)
    implements AutoCloseable {

  private static final String BUNDLED = "models/tritium-stories-17m";

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
   * Loads a folder.
   *
   * @param kernels asked once, last: while the best kernel is being found, the rest is opened
   * @throws CheckpointException or a tokenizer's or chat template's exception naming what is wrong
   */
  public static LoadedModel load(Path path, Supplier<Kernels> kernels) {
    // Opened beside the folder: each keeps one processor busy.
    CompletableFuture<Tokenizer> tokenizer =
        CompletableFuture.supplyAsync(() -> Tokenizer.open(path));
    try {
      ModelFolder folder = ModelFolder.open(path);
      try {
        Sampling sampling = sampling(folder.generationConfig());
        Optional<ChatTemplate> template = ChatTemplate.of(path);
        String name = ModelId.ofSnapshot(path).map(ModelId::repository).orElseGet(folder::name);
        Tokenizer opened = join(tokenizer);
        Kernels chosen = kernels.get();
        try {
          LanguageModel model = ModelFamilies.load(folder, chosen, cache(chosen));
          return new LoadedModel(name, path, model, opened, template, sampling, chosen);
        } catch (RuntimeException | Error e) {
          chosen.close();
          throw e;
        }
      } catch (RuntimeException | Error e) {
        folder.close();
        throw e;
      }
    } catch (RuntimeException | Error e) {
      var _ = tokenizer.thenAccept(Tokenizer::close);
      throw e;
    }
  }

  /** The user's cache of packed weights, checked on the kernels' threads. */
  public static PackedCache cache(Kernels kernels) {
    return PackedCache.ofUser(
        (count, task) -> kernels.workers().forEach(count, (i, worker) -> task.accept(i)));
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
    kernels.close();
  }
}
