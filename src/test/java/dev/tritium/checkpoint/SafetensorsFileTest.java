package dev.tritium.checkpoint;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.testing.Checkpoints;
import dev.tritium.testing.FixtureTensor;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsFileTest {
  private static final String A = "\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}";

  @TempDir Path folder;

  @Test
  void aFileGivesItsTensorsAndMetadata() throws IOException {
    Map<String, FixtureTensor> written = new LinkedHashMap<>();
    written.put("z", FixtureTensor.of(DType.F32, new float[] {1, 2, 3, 4, 5, 6}, 2, 3));
    written.put("ids", FixtureTensor.ofInts(new int[] {7, -8}, 2));
    written.put("none", FixtureTensor.raw(DType.U8, new byte[0], 0, 5));
    written.put("scalar", FixtureTensor.of(DType.BF16, new float[] {-0.5f}));
    Path path = folder.resolve("x.safetensors");
    Checkpoints.writeFile(path, written);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertEquals(List.of("ids", "none", "scalar", "z"), List.copyOf(file.tensors().keySet()));
      assertEquals(Map.of("format", "pt"), file.metadata());
      assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, tensor(file, "z").toFloats());
      assertEquals(List.of(2L, 3L), tensor(file, "z").shape());
      assertArrayEquals(
          new int[] {7, -8}, tensor(file, "ids").data().toArray(ValueLayout.JAVA_INT_UNALIGNED));
      assertEquals(0, tensor(file, "none").elements());
      assertEquals(1, tensor(file, "scalar").elements());
      assertArrayEquals(new float[] {-0.5f}, tensor(file, "scalar").toFloats());
    }
  }

  @Test
  void aClosedFileCannotBeReadAndClosesTwice() throws IOException {
    Path path = folder.resolve("x.safetensors");
    Checkpoints.writeFile(path, Map.of("a", FixtureTensor.of(DType.F32, new float[] {1}, 1)));
    SafetensorsFile file = SafetensorsFile.open(path);
    file.close();
    file.close();
    assertThrows(IllegalStateException.class, () -> tensor(file, "a").toFloats());
  }

  @Test
  void theDataCannotBeWritten() throws IOException {
    Path path = folder.resolve("x.safetensors");
    Checkpoints.writeFile(path, Map.of("a", FixtureTensor.of(DType.F32, new float[] {1}, 1)));
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertTrue(tensor(file, "a").data().isReadOnly());
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX) // which tells what is resident
  void aTensorThatIsReleasedIsNotResidentAndCanBeReadAgain() throws IOException {
    Path path = folder.toRealPath().resolve("x.safetensors");
    float[] values = new float[1 << 20];
    Arrays.fill(values, 3);
    FixtureTensor none = FixtureTensor.raw(DType.U8, new byte[0], 0);
    Checkpoints.writeFile(
        path, Map.of("a", FixtureTensor.of(DType.F32, values, values.length), "none", none));
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      tensor(file, "none").release();
      assertArrayEquals(values, tensor(file, "a").toFloats());
      assertTrue(residentKilobytes(path) >= 4096);
      tensor(file, "a").release();
      assertTrue(residentKilobytes(path) < 100);
      assertArrayEquals(values, tensor(file, "a").toFloats());
    }
  }

  private static long residentKilobytes(Path mapped) throws IOException {
    List<String> lines = Files.readAllLines(Path.of("/proc/self/smaps"));
    long sum = 0;
    boolean ours = false;
    for (String line : lines) {
      if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
        ours = line.endsWith(mapped.toString());
      } else if (ours && line.startsWith("Rss:")) {
        sum += Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    return sum;
  }

  @Test
  void aHeaderWithoutTensorsIsValid() throws IOException {
    open("{}", 0).close();
    open("{\"__metadata__\":{}}   ", 0).close();
  }

  @Test
  void anEmptyTensorMayStandWhereAnotherBegins() throws IOException {
    String empty = "\"e\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
    open("{" + A + "," + empty + "}", 2).close();
    open("{" + empty + "," + A + "}", 2).close();
  }

  /** Each line: header (with ' for "), bytes of data after it, part of the message. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          []                                                             | 0 | header does not start with {
          ``                                                             | 0 | header does not start with {
          ` {}`                                                          | 0 | header does not start with {
          {                                                              | 0 | header is not valid JSON at character
          {} {}                                                          | 0 | header: expected nothing but spaces after the JSON object, found an object
          {'a':1,}                                                       | 0 | tensor a: expected an object, found 1
          {'a':null}                                                     | 0 | tensor a: expected an object, found null
          {'a':{}}                                                       | 0 | tensor a: has no dtype
          {'a':{'dtype':'U8'}}                                           | 0 | tensor a: has no shape
          {'a':{'dtype':'U8','shape':[2]}}                               | 2 | tensor a: has no data_offsets
          {'a':{'dtype':'U8','shape':[2],'data_offsets':[0,2],'x':1}}    | 2 | tensor a: expected only the keys dtype, shape and data_offsets, found x
          {'a':{'dtype':'U8','shape':[2],'shape':[2]}}                   | 2 | Duplicate field 'shape'
          {'a':{'dtype':'U8','shape':[2],'data_offsets':[0,2]},'a':1}    | 2 | Duplicate field 'a'
          {'a':{'dtype':8,'shape':[2],'data_offsets':[0,2]}}             | 2 | tensor a: dtype: expected a string, found 8
          {'a':{'dtype':'u8','shape':[2],'data_offsets':[0,2]}}          | 2 | tensor a: dtype: expected a safetensors type such as BF16, F16 or F32, found u8
          {'a':{'dtype':'U8','shape':2,'data_offsets':[0,2]}}            | 2 | tensor a: shape: expected an array of integers, found 2
          {'a':{'dtype':'U8','shape':[2.0],'data_offsets':[0,2]}}        | 2 | tensor a: shape: expected integers from 0 to 2^63 - 1, found 2.0
          {'a':{'dtype':'U8','shape':['2'],'data_offsets':[0,2]}}        | 2 | tensor a: shape: expected integers from 0 to 2^63 - 1, found 2
          {'a':{'dtype':'U8','shape':[[2]],'data_offsets':[0,2]}}        | 2 | tensor a: shape: expected integers from 0 to 2^63 - 1, found an array
          {'a':{'dtype':'U8','shape':[-2],'data_offsets':[0,2]}}         | 2 | tensor a: shape: expected integers from 0 to 2^63 - 1, found -2
          {'a':{'dtype':'U8','shape':[9223372036854775808],'data_offsets':[0,2]}} | 2 | found 9223372036854775808
          {'a':{'dtype':'U8','shape':[4294967296,4294967296],'data_offsets':[0,2]}} | 2 | tensor a: the size of U8 [4294967296, 4294967296]: long overflow
          {'a':{'dtype':'F64','shape':[2305843009213693952],'data_offsets':[0,2]}} | 2 | tensor a: the size of F64 [2305843009213693952]: long overflow
          {'a':{'dtype':'F4','shape':[3],'data_offsets':[0,2]}}          | 2 | 12 bits are not a whole number of bytes
          {'a':{'dtype':'U8','shape':[2],'data_offsets':[0]}}            | 2 | tensor a: expected data_offsets [begin, end], found [0]
          {'a':{'dtype':'U8','shape':[2],'data_offsets':[0,2,4]}}        | 2 | tensor a: data_offsets: expected at most 2 integers
          {'a':{'dtype':'U8','shape':[2],'data_offsets':[-1,1]}}         | 2 | tensor a: data_offsets: expected integers from 0 to 2^63 - 1, found -1
          {'a':{'dtype':'U8','shape':[2],'data_offsets':[2,0]}}          | 2 | tensor a: data_offsets [2, 0] are not a range within the 2 bytes of data
          {'a':{'dtype':'U8','shape':[3],'data_offsets':[0,3]}}          | 2 | tensor a: data_offsets [0, 3] are not a range within the 2 bytes of data
          {'a':{'dtype':'U8','shape':[1],'data_offsets':[9223372036854775806,9223372036854775807]}} | 2 | not a range within the 2 bytes of data
          {'a':{'dtype':'BF16','shape':[2],'data_offsets':[0,2]}}        | 2 | tensor a: BF16 [2] takes 4 bytes, data_offsets [0, 2] hold 2
          {'a':{'dtype':'U8','shape':[2],'data_offsets':[0,2]}}          | 3 | the tensors cover 2 of 3 bytes of data
          {}                                                             | 1 | the tensors cover 0 of 1 bytes of data
          {'a':{'dtype':'U8','shape':[2],'data_offsets':[1,3]}}          | 3 | tensor a: begins at byte 1 of the data, expected 0: there is a hole
          {'a':{'dtype':'U8','shape':[2],'data_offsets':[0,2]},'b':{'dtype':'U8','shape':[2],'data_offsets':[1,3]}} | 3 | tensor b: begins at byte 1 of the data, expected 2: tensors overlap
          {'a':{'dtype':'U8','shape':[2],'data_offsets':[0,2]},'b':{'dtype':'U8','shape':[2],'data_offsets':[0,2]}} | 2 | tensor b: begins at byte 0 of the data, expected 2: tensors overlap
          {'a':{'dtype':'U8','shape':[2],'data_offsets':[0,2]},'b':{'dtype':'U8','shape':[2],'data_offsets':[3,5]}} | 5 | tensor b: begins at byte 3 of the data, expected 2: there is a hole
          {'__metadata__':1}                                             | 0 | __metadata__: expected an object of strings, found 1
          {'__metadata__':{'k':1}}                                       | 0 | __metadata__ k: expected a string, found 1
          {'__metadata__':{'k':{}}}                                      | 0 | __metadata__ k: expected a string, found an object
          {'a\\nb':1}                                                    | 0 | tensor a\\u000ab: expected an object
          """)
  void aBrokenRuleIsNamed(String header, int dataBytes, String message) {
    assertBroken(message, () -> open(header.replace('\'', '"'), dataBytes));
  }

  @Test
  void moreDimensionsThanPyTorchHasAreRefused() {
    String shape = "[" + "1,".repeat(64) + "1]";
    assertBroken(
        "tensor a: shape: expected at most 64 integers",
        () -> open("{\"a\":{\"dtype\":\"U8\",\"shape\":" + shape + "}}", 1));
  }

  @Test
  void aFileShorterThanTheHeaderLengthIsRefused() {
    assertBroken("expected at least 8 bytes, found 0", () -> openBytes(new byte[0]));
    assertBroken("expected at least 8 bytes, found 7", () -> openBytes(new byte[7]));
  }

  @Test
  void aHeaderLengthOutsideTheFileIsRefused() {
    assertBroken(
        "header of 1000 bytes does not fit into a file of 10 bytes",
        () -> openBytes(withLength(1000, "{}")));
    assertBroken(
        "header of 3 bytes does not fit into a file of 10 bytes",
        () -> openBytes(withLength(3, "{}")));
    assertBroken(
        "header length 18446744073709551615, expected at most 100000000",
        () -> openBytes(withLength(-1, "{}")));
  }

  @Test
  void aHeaderOverTheLimitIsRefusedEvenIfTheFileHoldsIt() throws IOException {
    Path path = folder.resolve("x.safetensors");
    Files.write(path, withLength(100_000_001, "{}"));
    setLength(path, 200_000_000);
    assertBroken("header length 100000001, expected at most 100000000", path);
  }

  @Test
  void aHeaderThatIsNotUtf8IsRefused() {
    byte[] latin1 = ("{\"ä\":" + A.substring(4) + "}").getBytes(ISO_8859_1);
    assertBroken("header is not valid UTF-8", () -> openBytes(withData(latin1, 2)));
    byte[] utf16 = ("{" + A + "}").getBytes(UTF_16LE);
    assertBroken("header is not valid JSON", () -> openBytes(withData(utf16, 2)));
  }

  @Test
  void zeroesInsteadOfSpacesAfterTheHeaderAreRefused() {
    assertBroken("header is not valid JSON", () -> open("{}\0\0", 0));
  }

  @Test
  void deepJsonIsRefusedWithoutRecursion() {
    int depth = 100_000;
    assertBroken("tensor a: expected an object", () -> open("{\"a\":" + "[".repeat(depth), 0));
    assertBroken("expected only the keys", () -> open("{\"a\":".repeat(depth), 0));
    assertBroken(
        "shape: expected integers", () -> open("{\"a\":{\"shape\":" + "[".repeat(depth), 0));
  }

  @Test
  void moreTensorsThanAnyModelHasAreRefused() {
    StringBuilder header = new StringBuilder("{");
    for (int i = 0; i < 150_000; i++) {
      header.append('"').append(i);
      header.append("\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},");
    }
    header.setCharAt(header.length() - 1, '}');
    assertBroken("Token count", () -> open(header.toString(), 0));
  }

  @Test
  void aFileOverFourGibibytesIsReadToItsEnd() throws IOException {
    long bigBytes = (1L << 32) + 6; // of BF16: more elements than an array holds
    long end = bigBytes + 8;
    byte[] header =
        Checkpoints.header(
            """
            {"big":{"dtype":"BF16","shape":[%d],"data_offsets":[0,%d]},\
            "last":{"dtype":"F32","shape":[2],"data_offsets":[%d,%d]}}"""
                .formatted(bigBytes / 2, bigBytes, bigBytes, end));
    Path path = folder.resolve("sparse.safetensors");
    Files.write(path, header);
    setLength(path, header.length + end);
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.seek(header.length + bigBytes - 2);
      file.write(new byte[] {(byte) 0x80, 0x3F}); // 1 in BF16
      file.write(new byte[] {0, 0, 0, 0x40, 0, 0, 0x40, 0x40}); // 2 and 3 in F32
    }
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      float[] tail = new float[3];
      tensor(file, "big").readFloats(bigBytes / 2 - 2, tail, 1, 2);
      assertArrayEquals(new float[] {0, 0, 1}, tail);
      assertArrayEquals(new float[] {2, 3}, tensor(file, "last").toFloats());
      CheckpointException e =
          assertThrows(CheckpointException.class, () -> tensor(file, "big").toFloats());
      assertEquals(
          "tensor big: expected at most 2^31 - 9 elements, found [2147483651] in sparse.safetensors",
          e.getMessage());
    }
  }

  @Test
  void aPathThatIsNoFileIsRefused() {
    assertBroken("no such file or folder", folder.resolve("missing.safetensors"));
    assertBroken("not a regular file", folder);
  }

  private SafetensorsFile open(String header, int dataBytes) throws IOException {
    byte[] start = Checkpoints.header(header);
    return openBytes(Arrays.copyOf(start, start.length + dataBytes));
  }

  private SafetensorsFile openBytes(byte[] bytes) throws IOException {
    Path path = folder.resolve("x.safetensors");
    Files.write(path, bytes);
    return SafetensorsFile.open(path);
  }

  private static Tensor tensor(SafetensorsFile file, String name) {
    Tensor tensor = file.tensors().get(name);
    if (tensor == null) {
      throw new AssertionError("no tensor " + name + " in " + file.tensors().keySet());
    }
    return tensor;
  }

  private static byte[] withLength(long headerBytes, String rest) {
    ByteBuffer bytes = ByteBuffer.wrap(Checkpoints.header(rest)).order(ByteOrder.LITTLE_ENDIAN);
    return bytes.putLong(0, headerBytes).array();
  }

  private static byte[] withData(byte[] header, int dataBytes) {
    return ByteBuffer.allocate(Long.BYTES + header.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(header.length)
        .put(header)
        .array();
  }

  private static void setLength(Path path, long bytes) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.setLength(bytes); // sparse: takes no room on disk
    }
  }

  private static void assertBroken(String message, Path path) {
    assertBroken(message, () -> SafetensorsFile.open(path));
  }

  private static void assertBroken(String message, Opening opening) {
    CheckpointException e =
        assertThrows(CheckpointException.class, () -> opening.open().close(), message);
    assertTrue(
        String.valueOf(e.getMessage()).contains(message),
        () -> "expected '" + message + "' in: " + e.getMessage());
  }

  private interface Opening {
    SafetensorsFile open() throws IOException;
  }
}
