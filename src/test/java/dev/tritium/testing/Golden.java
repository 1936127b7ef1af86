package dev.tritium.testing;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.tritium.checkpoint.SafetensorsFile;
import dev.tritium.checkpoint.Tensor;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Objects;

/** Reference outputs, read from the copies in src/test/resources/golden (README.md there). */
public final class Golden implements AutoCloseable {
  private static final Path FOLDER = Path.of("src/test/resources/golden");

  private final SafetensorsFile file;

  private Golden(Path path) {
    file = SafetensorsFile.open(path);
  }

  /** A tiny checkpoint, such as {@code hgrn-tiny}. */
  public static Path checkpoint(String name) {
    return FOLDER.resolve(name);
  }

  /** The outputs for a tiny checkpoint. */
  public static Golden of(String checkpoint) {
    return new Golden(checkpoint(checkpoint).resolve("golden.safetensors"));
  }

  /** The documents scored by the bundled model. */
  public static Golden stories() {
    return new Golden(FOLDER.resolve("stories.safetensors"));
  }

  public static Path storiesJson() {
    return FOLDER.resolve("stories.json");
  }

  /** Whether there is a tensor {@code key}. */
  public boolean has(String key) {
    return file.tensors().containsKey(key);
  }

  public float[] floats(String key) {
    return tensor(key).toFloats();
  }

  public int[] ints(String key) {
    return tensor(key).data().toArray(ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN));
  }

  private Tensor tensor(String key) {
    return Objects.requireNonNull(file.tensors().get(key), key);
  }

  @Override
  public void close() {
    file.close();
  }
}
