package dev.tritium.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tritium.kernel.Kernels;
import dev.tritium.tokenizer.Tokenizer;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class LoadedModelTest {
  private static final Path TINY = Path.of("src/test/resources/golden/hgrn-tiny");
  private static final Path BUNDLED = Path.of("models/tritium-stories-17m");

  @Test
  void aTokenizerOpenedAheadIsThatOfItsFolderAlone() {
    LoadedModel.openTokenizerAhead(BUNDLED);
    requireOwnTokenizer(TINY);
    LoadedModel.openTokenizerAhead(BUNDLED);
    requireOwnTokenizer(BUNDLED);
    requireOwnTokenizer(BUNDLED); // that one was closed with its model
  }

  private static void requireOwnTokenizer(Path folder) {
    String text = "Once upon a time";
    try (Kernels kernels = Kernels.create("scalar", 1);
        LoadedModel loaded =
            LoadedModel.load(folder, () -> kernels, kernels.workers(), share -> {});
        Tokenizer own = Tokenizer.open(folder)) {
      assertEquals(own.size(), loaded.tokenizer().size());
      assertArrayEquals(own.encode(text, true), loaded.tokenizer().encode(text, true));
    }
  }
}
