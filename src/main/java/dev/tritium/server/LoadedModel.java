package dev.tritium.server;

import dev.tritium.checkpoint.CheckpointException;
import dev.tritium.checkpoint.ModelConfig;
import dev.tritium.checkpoint.ModelFolder;
import dev.tritium.checkpoint.PackedCache;
import dev.tritium.engine.Sampling;
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
import java.util.function.DoubleConsumer;
import java.util.function.Supplier;

/**
 * A model folder in memory: weights, tokenizer, chat template.
 *
 * @param name the folder's name
 * @param sampling what generation_config.json asks for
 */
public record LoadedModel(
    String name,
    Path folder,
    LanguageModel model,
    Tokenizer tokenizer,
    Optional<ChatTemplate> chatTemplate,
    Sampling sampling)
    implements AutoCloseable {

  private static final String BUNDLED = "models/tritium-stories-17m";

  /**
   * The folder a user means.
   *
   * @param model a folder, or empty for the bundled model
   * @param home the checkout or installation
   * @throws CheckpointException if there is no such folder
   */
  public static Path find(Optional<String> model, String home) {
    Path folder = model.map(Path::of).orElse(Path.of(home, BUNDLED));
    if (!Files.isDirectory(folder)) {
      throw new CheckpointException(
          "%s is not a folder: --model takes a folder with config.json, tokenizer.json and model.safetensors"
              .formatted(folder));
    }
    return folder;
  }

  /**
   * The name of a model that is given none.
   *
   * @param model as in {@link #find}
   */
  public static String defaultName(Optional<String> model) {
    Path folder = Path.of(model.orElse(BUNDLED));
    Path last = folder.toAbsolutePath().normalize().getFileName();
    return String.valueOf(last == null ? folder : last);
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
        CompletableFuture.supplyAsync(() -> Tokenizer.open(path), beside);
    try {
      ModelFolder folder = ModelFolder.open(path);
      try {
        Sampling sampling = sampling(folder.generationConfig());
        Optional<ChatTemplate> template = ChatTemplate.of(path);
        String name = folder.name();
        Tokenizer opened = join(tokenizer);
        Loading loading = new Loading(workers, cache(workers), progress);
        LanguageModel model = ModelFamilies.load(folder, kernels.get(), loading);
        return new LoadedModel(name, path, model, opened, template, sampling);
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
