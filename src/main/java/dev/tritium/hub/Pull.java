package dev.tritium.hub;

import dev.tritium.checkpoint.ModelConfig;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * Brings a model from the hub into the cache.
 *
 * <p>Every step leaves the cache as good as it was: blobs appear whole and checked, then the
 * snapshot's files, config.json last, without which no folder is a model, then what says that it is
 * whole, then the revision's name. So it can end anywhere and be run again.
 */
public final class Pull {
  private static final int PARALLEL_FILES = 4;
  private static final Duration TICK = Duration.ofMillis(200);

  private final HubSettings settings;
  private final ModelId id;
  private final PullProgress progress;
  private final HubCache.Model cached;
  private final HubClient client;
  private final ExecutorService workers;

  private Pull(
      HubSettings settings,
      ModelId id,
      PullProgress progress,
      HubClient client,
      ExecutorService workers) {
    this.settings = settings;
    this.id = id;
    this.progress = progress;
    this.cached = new HubCache(settings.cache()).model(id);
    this.client = client;
    this.workers = workers;
  }

  /**
   * Loads what is missing of a model's revision. For a commit that was loaded before, the hub is
   * not asked: it stays what it is.
   *
   * @param check is given the configuration before any weights are loaded, and may throw
   * @return the snapshot's folder
   * @throws HubException that says what failed and what to do
   */
  public static Path run(
      HubSettings settings, ModelId id, Consumer<ModelConfig> check, PullProgress progress) {
    Optional<Path> pulled = new HubCache(settings.cache()).pulled(id);
    if (pulled.isPresent()) {
      return pulled.get();
    }
    if (settings.offline()) {
      throw new HubException(
          "%s cannot be pulled while HF_HUB_OFFLINE is set: unset it, or copy the model into %s"
              .formatted(id, settings.cache()));
    }
    ExecutorService workers =
        Executors.newFixedThreadPool(
            PARALLEL_FILES, Thread.ofPlatform().daemon().name("tritium-hub-", 0).factory());
    try (HubClient client = new HubClient(settings, id)) {
      return new Pull(settings, id, progress, client, workers).run(check);
    } finally {
      workers.shutdownNow();
    }
  }

  private Path run(Consumer<ModelConfig> check) {
    Listing listing = client.listing();
    Set<String> names = listing.files().keySet();
    NeededFiles.require(id, names);
    try {
      Files.createDirectories(cached.blobs());
      Map<String, RemoteFile> files = new TreeMap<>();
      boolean sharded = NeededFiles.isSharded(names);
      List<String> first =
          sharded ? List.of(NeededFiles.CONFIG, NeededFiles.INDEX) : List.of(NeededFiles.CONFIG);
      describe(listing, first, files);
      load(downloads(listing, files.values()));
      check.accept(
          ModelConfig.parse(Path.of(NeededFiles.CONFIG), content(files, NeededFiles.CONFIG)));
      Set<String> shards =
          sharded ? NeededFiles.shards(id, content(files, NeededFiles.INDEX)) : Set.of();
      describe(listing, NeededFiles.of(names, shards), files);
      List<BlobDownload> downloads = downloads(listing, files.values());
      requireRoom(downloads);
      progress.begins(
          id, listing.commit(), downloads.stream().map(BlobDownload::progress).toList());
      try {
        load(downloads);
      } finally {
        progress.ends();
      }
      return publish(listing.commit(), files.values());
    } catch (IOException e) {
      throw DiskFailure.of(id, cached.folder(), e);
    }
  }

  private byte[] content(Map<String, RemoteFile> files, String name) throws IOException {
    return Files.readAllBytes(cached.blob(Objects.requireNonNull(files.get(name)).hash()));
  }

  /** Asks the hub about the files that {@code files} does not have yet. */
  private void describe(Listing listing, Collection<String> names, Map<String, RemoteFile> files) {
    List<Callable<RemoteFile>> questions = new ArrayList<>();
    for (String name : names) {
      Listing.Entry entry = listing.files().get(name);
      if (entry == null) {
        throw new HubException("%s has no %s, which its index names".formatted(id, name));
      }
      if (!files.containsKey(name)) {
        questions.add(() -> client.describe(listing.commit(), name, entry));
      }
    }
    all(questions, () -> {}).forEach(file -> files.put(file.name(), file));
  }

  /** What is to be loaded, the largest first; files of the same content once. */
  private List<BlobDownload> downloads(Listing listing, Collection<RemoteFile> files) {
    Map<String, RemoteFile> missing = new TreeMap<>();
    for (RemoteFile file : files) {
      if (!HubCache.isWhole(cached.blob(file.hash()), file.bytes())) {
        missing.put(file.hash(), file);
      }
    }
    return missing.values().stream()
        .sorted(Comparator.comparingLong(RemoteFile::bytes).reversed())
        .map(file -> new BlobDownload(client, settings.retries(), cached, listing.commit(), file))
        .toList();
  }

  private void requireRoom(List<BlobDownload> downloads) throws IOException {
    long needed = downloads.stream().mapToLong(BlobDownload::missingBytes).sum();
    FileStore disk = Files.getFileStore(cached.folder());
    if (needed > disk.getUsableSpace()) {
      throw new HubException(
          "%s takes %s more in %s, where %s are free: make room, or set HF_HUB_CACHE to a folder on another disk"
              .formatted(
                  id, ByteCount.of(needed), settings.cache(), ByteCount.of(disk.getUsableSpace())));
    }
  }

  private void load(List<BlobDownload> downloads) {
    all(
        downloads.stream().map(Executors::callable).toList(),
        () -> {
          downloads.forEach(download -> download.endSilence(settings.stallTimeout()));
          progress.ticks();
        });
  }

  /** Links the snapshot; what is there of it already stays. */
  private Path publish(String commit, Collection<RemoteFile> files) throws IOException {
    Path snapshot = cached.snapshot(commit);
    AtomicFiles made = new AtomicFiles(cached.ours());
    made.sweep();
    List<RemoteFile> inOrder = new ArrayList<>(files);
    inOrder.sort(Comparator.comparing(file -> file.name().equals(NeededFiles.CONFIG)));
    for (RemoteFile file : inOrder) {
      made.link(snapshot, file.name(), cached.blob(file.hash()), settings.links());
    }
    Manifest.write(cached, commit, files);
    cached.pointTo(commit);
    return snapshot;
  }

  /** Runs all tasks on the workers; the first failure ends the others and is thrown. */
  private <T> List<T> all(List<Callable<T>> tasks, Runnable tick) {
    List<Future<T>> futures = tasks.stream().map(workers::submit).toList();
    try {
      List<T> results = new ArrayList<>();
      for (Future<T> future : futures) {
        results.add(await(future, futures, tick));
      }
      return results;
    } finally {
      futures.forEach(future -> future.cancel(true));
    }
  }

  private <T> T await(Future<T> future, List<Future<T>> all, Runnable tick) {
    while (true) {
      try {
        for (Future<T> each : all) {
          if (each.state() == Future.State.FAILED) {
            each.get(); // throws
          }
        }
        return future.get(TICK.toMillis(), TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        tick.run();
      } catch (ExecutionException e) {
        throw e.getCause() instanceof RuntimeException cause
            ? cause
            : new IllegalStateException(e.getCause());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new HubException("interrupted", e);
      }
    }
  }
}
