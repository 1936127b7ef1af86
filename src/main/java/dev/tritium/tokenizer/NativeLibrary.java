package dev.tritium.tokenizer;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import dev.tritium.storage.CacheFolder;
import java.io.File;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Hugging Face's tokenizers, the native library inside DJL's jar, loaded once.
 *
 * <p>DJL's settings are read from the environment first and the system properties second, when its
 * classes load; so they are set here, before. Its {@code HuggingFaceTokenizer} is passed over: it
 * reports usage to its makers, truncates at 512 tokens by default and copies seven arrays out of
 * every encoding.
 */
final class NativeLibrary {
  private static final Logger LOG = System.getLogger(NativeLibrary.class.getName());

  static final TokenizersLibrary TOKENIZERS = load();

  private NativeLibrary() {}

  private static TokenizersLibrary load() {
    setUnlessChosen("OPT_OUT_TRACKING", "true");
    // Without these two DJL would download a CUDA build on a machine with a GPU.
    if (System.getenv("DJL_OFFLINE") == null && System.getProperty("ai.djl.offline") == null) {
      System.setProperty("ai.djl.offline", "true");
    }
    setUnlessChosen("RUST_FLAVOR", "cpu");
    // It looks for CUDA all the same, through JNA, which would unpack a library for that.
    setUnlessChosen("jna.nounpack", "true");
    Path temporary = null;
    if (chosen("DJL_CACHE_DIR") == null) {
      Path cache = cacheFolder();
      if (cache == null) {
        cache = temporary = temporaryFolder();
      }
      System.setProperty("DJL_CACHE_DIR", cache.toString());
    }
    LibUtils.checkStatus();
    if (temporary != null) {
      deleteAtExit(temporary);
    }
    return TokenizersLibrary.LIB;
  }

  private static void setUnlessChosen(String name, String value) {
    if (chosen(name) == null) {
      System.setProperty(name, value);
    }
  }

  private static @Nullable String chosen(String name) {
    String value = System.getenv(name);
    if (value == null) {
      value = System.getProperty(name);
    }
    return value == null || value.isEmpty() ? null : value;
  }

  /** The folder that the native library is unpacked to, or null when it cannot be written. */
  private static @Nullable Path cacheFolder() {
    Path folder = CacheFolder.path().resolve("djl");
    try {
      Files.createDirectories(folder);
      if (Files.isWritable(folder)) {
        return folder;
      }
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "no folder " + folder, e);
    }
    LOG.log(Level.INFO, "{0} is not writable; set TRITIUM_CACHE to keep the library", folder);
    return null;
  }

  private static Path temporaryFolder() {
    try {
      return Files.createTempDirectory("tritium-djl");
    } catch (IOException e) {
      throw new TokenizerException(
          "no writable folder for the tokenizer's native library: set TRITIUM_CACHE to one", e);
    }
  }

  private static void deleteAtExit(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      List<File> parentsFirst = files.map(Path::toFile).toList(); // deleted in reverse
      parentsFirst.forEach(File::deleteOnExit);
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "left behind: " + folder, e);
    }
  }
}
