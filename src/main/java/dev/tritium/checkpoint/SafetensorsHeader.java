package dev.tritium.checkpoint;

import static com.fasterxml.jackson.core.JsonToken.END_ARRAY;
import static com.fasterxml.jackson.core.JsonToken.END_OBJECT;
import static com.fasterxml.jackson.core.JsonToken.FIELD_NAME;
import static com.fasterxml.jackson.core.JsonToken.START_ARRAY;
import static com.fasterxml.jackson.core.JsonToken.START_OBJECT;
import static com.fasterxml.jackson.core.JsonToken.VALUE_NUMBER_INT;
import static com.fasterxml.jackson.core.JsonToken.VALUE_STRING;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads the JSON header of a safetensors file token by token, so that nothing unexpected is ever
 * built in memory, and checks that its tensors cover the data exactly.
 */
final class SafetensorsHeader {
  private static final String METADATA = "__metadata__";
  private static final int MAX_DIMENSIONS = 64; // as many as PyTorch allows

  /** Bytes [begin, end) of the data that follows the header. */
  record Entry(String name, DType dtype, List<Long> shape, long begin, long end) {}

  private final Path file;
  private final JsonParser json;
  private final long dataBytes;
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final List<Entry> entries = new ArrayList<>();

  private SafetensorsHeader(Path file, JsonParser json, long dataBytes) {
    this.file = file;
    this.json = json;
    this.dataBytes = dataBytes;
  }

  /**
   * Reads and checks a header.
   *
   * @param dataBytes size of the data that follows the header
   * @throws CheckpointException naming the file, the tensor and what is wrong with it
   */
  static SafetensorsHeader read(Path file, InputStream header, long dataBytes) {
    try (JsonParser json = StrictJson.parser(header)) {
      SafetensorsHeader result = new SafetensorsHeader(file, json, dataBytes);
      result.readAll();
      result.requireFullCover();
      return result;
    } catch (IOException e) {
      throw new CheckpointException(file + ": header is " + StrictJson.reason(e), e);
    }
  }

  /** The strings under {@code __metadata__}. */
  Map<String, String> metadata() {
    return metadata;
  }

  /** The tensors in the order of their data. */
  List<Entry> entries() {
    return entries;
  }

  private void readAll() throws IOException {
    require(json.nextToken() == START_OBJECT, "header", "a JSON object");
    while (json.nextToken() == FIELD_NAME) {
      String name = json.currentName();
      if (name.equals(METADATA)) {
        readMetadata();
      } else {
        entries.add(readTensor(name));
      }
    }
    require(json.nextToken() == null, "header", "nothing but spaces after the JSON object");
  }

  private void readMetadata() throws IOException {
    require(json.nextToken() == START_OBJECT, METADATA, "an object of strings");
    while (json.nextToken() == FIELD_NAME) {
      String key = json.currentName();
      require(json.nextToken() == VALUE_STRING, METADATA + " " + Printable.of(key), "a string");
      metadata.put(key, json.getText());
    }
  }

  private Entry readTensor(String name) throws IOException {
    String tensor = "tensor " + Printable.of(name);
    DType dtype = null;
    List<Long> shape = null;
    List<Long> offsets = null;
    require(json.nextToken() == START_OBJECT, tensor, "an object");
    while (json.nextToken() == FIELD_NAME) {
      switch (json.currentName()) {
        case "dtype" -> dtype = readDType(tensor);
        case "shape" -> shape = readIntegers(tensor + ": shape", MAX_DIMENSIONS);
        case "data_offsets" -> offsets = readIntegers(tensor + ": data_offsets", 2);
        default -> require(false, tensor, "only the keys dtype, shape and data_offsets");
      }
    }
    if (dtype == null || shape == null || offsets == null) {
      String missing = dtype == null ? "dtype" : shape == null ? "shape" : "data_offsets";
      throw broken(tensor, "has no " + missing);
    }
    if (offsets.size() != 2) {
      throw broken(tensor, "expected data_offsets [begin, end], found " + offsets);
    }
    return entry(tensor, new Entry(name, dtype, shape, offsets.get(0), offsets.get(1)));
  }

  private DType readDType(String tensor) throws IOException {
    require(json.nextToken() == VALUE_STRING, tensor + ": dtype", "a string");
    DType dtype = DType.named(json.getText());
    if (dtype == null) {
      throw broken(
          tensor,
          "dtype: expected a safetensors type such as BF16, F16 or F32, found "
              + Printable.of(json.getText()));
    }
    return dtype;
  }

  private List<Long> readIntegers(String what, int maxCount) throws IOException {
    require(json.nextToken() == START_ARRAY, what, "an array of integers");
    List<Long> integers = new ArrayList<>();
    while (json.nextToken() != END_ARRAY) {
      boolean isLong =
          json.currentToken() == VALUE_NUMBER_INT
              && json.getNumberType() != JsonParser.NumberType.BIG_INTEGER;
      require(isLong && json.getLongValue() >= 0, what, "integers from 0 to 2^63 - 1");
      require(integers.size() < maxCount, what, "at most " + maxCount + " integers");
      integers.add(json.getLongValue());
    }
    return List.copyOf(integers);
  }

  private Entry entry(String tensor, Entry entry) {
    if (entry.begin > entry.end || entry.end > dataBytes) {
      throw broken(
          tensor,
          "data_offsets [%d, %d] are not a range within the %d bytes of data"
              .formatted(entry.begin, entry.end, dataBytes));
    }
    long expected;
    try {
      expected = entry.dtype.bytes(entry.shape.stream().reduce(1L, Math::multiplyExact));
    } catch (ArithmeticException e) {
      throw broken(
          tensor, "the size of %s %s: %s".formatted(entry.dtype, entry.shape, e.getMessage()));
    }
    if (entry.end - entry.begin != expected) {
      throw broken(
          tensor,
          "%s %s takes %d bytes, data_offsets [%d, %d] hold %d"
              .formatted(
                  entry.dtype,
                  entry.shape,
                  expected,
                  entry.begin,
                  entry.end,
                  entry.end - entry.begin));
    }
    return entry;
  }

  private void requireFullCover() {
    entries.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
    long covered = 0;
    for (Entry entry : entries) {
      if (entry.begin != covered) {
        throw broken(
            "tensor " + Printable.of(entry.name),
            "begins at byte %d of the data, expected %d: %s"
                .formatted(
                    entry.begin,
                    covered,
                    entry.begin < covered ? "tensors overlap" : "there is a hole"));
      }
      covered = entry.end;
    }
    if (covered != dataBytes) {
      throw new CheckpointException(
          "%s: the tensors cover %d of %d bytes of data".formatted(file, covered, dataBytes));
    }
  }

  private void require(boolean condition, String what, String expected) throws IOException {
    if (!condition) {
      throw broken(what, "expected " + expected + ", found " + found(json.currentToken()));
    }
  }

  private String found(@Nullable JsonToken token) throws IOException {
    if (token == null) {
      return "the end of the header";
    }
    return token == START_OBJECT || token == END_OBJECT
        ? "an object"
        : token == START_ARRAY ? "an array" : Printable.of(json.getText());
  }

  private CheckpointException broken(String what, String problem) {
    return new CheckpointException("%s: %s: %s".formatted(file, what, problem));
  }
}
