package dev.tritium.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.checkpoint.PackedFile.RowScale;
import dev.tritium.checkpoint.PackedFile.Section;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PackedFileTest {
  private static final byte[] DIGEST = random(32);
  private static final List<byte[]> PAYLOADS = List.of(random(5000), random(4096), random(3));

  @TempDir Path folder;

  @Test
  void sectionsReadAsTheyWereAdded() throws IOException {
    List<RowScale> fused = List.of(new RowScale(2, 0.5f), new RowScale(3, Float.MIN_VALUE));
    try (Arena scratch = Arena.ofConfined();
        PackedFileWriter writer = PackedFileWriter.create(folder)) {
      MemorySegment reused = scratch.allocate(PAYLOADS.getFirst().length);
      reused.copyFrom(MemorySegment.ofArray(PAYLOADS.getFirst()));
      writer.add("model.layers.0.attn.qkv", 3, 7, fused, reused);
      reused.fill((byte) 1);
      add(writer, "head", PAYLOADS.get(1));
      try (PackedFile file = writer.finish("T9", 3, DIGEST)) {
        assertTrue(file.holds("T9", 3, DIGEST));
        assertFalse(file.holds("T2", 3, DIGEST));
        assertFalse(file.holds("T9", 2, DIGEST));
        assertFalse(file.holds("T9", 3, new byte[32]));
        Section first = file.sections().getFirst();
        assertEquals("model.layers.0.attn.qkv", first.name());
        assertEquals(List.of(3, 7), List.of(first.rows(), first.columns()));
        assertEquals(fused, first.scales());
        assertContents(file, PAYLOADS.subList(0, 2));
        assertEquals(0, first.bytes().address() % 4096);
        assertTrue(first.bytes().isReadOnly());
        assertEquals(List.of(file.path()), files());
      }
    }
    assertEquals(1, files().size(), "closing the writer leaves a finished file");
  }

  @Test
  void manyThreadsMayAdd() throws IOException {
    try (PackedFileWriter writer = PackedFileWriter.create(folder)) {
      IntStream.range(0, 200).parallel().forEach(i -> add(writer, "w" + i, payload(i)));
      try (PackedFile file = writer.finish("T9", 1, DIGEST)) {
        assertEquals(200, file.sections().size());
        for (Section section : file.sections()) {
          int i = Integer.parseInt(section.name().substring(1));
          assertArrayEquals(payload(i), section.bytes().toArray(ValueLayout.JAVA_BYTE));
          assertTrue(section.isIntact(), section.name());
        }
      }
    }
  }

  @Test
  void aFileWithoutFinishLeavesNothing() throws IOException {
    try (PackedFileWriter writer = PackedFileWriter.create(folder)) {
      add(writer, "w", PAYLOADS.getFirst());
      assertEquals(1, files().size());
    }
    assertEquals(List.of(), files());
  }

  /** Flips each byte of header and table, the ends of the sections and samples of the rest. */
  @Test
  void everyFlippedByteIsSeenExceptInPadding() throws IOException {
    Path path = write();
    byte[] whole = Files.readAllBytes(path);
    int[][] padding = {{24, 4096}, {4096 + 5000, 12288}, {16384 + 3, 20480}};
    IntStream ends = Arrays.stream(padding).flatMapToInt(p -> IntStream.of(p[0] - 1, p[0], p[1]));
    IntStream all = IntStream.range(0, whole.length).filter(i -> i < 24 || i >= 20480);
    IntStream samples = IntStream.range(0, whole.length).filter(i -> i % 128 == 0);
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
      for (int at : IntStream.concat(IntStream.concat(ends, all), samples).toArray()) {
        put(channel, at, (byte) (whole[at] ^ (1 << at % 8)));
        boolean unread = Arrays.stream(padding).anyMatch(p -> p[0] <= at && at < p[1]);
        assertEquals(unread, problem(path) == null, "byte " + at);
        put(channel, at, whole[at]);
      }
    }
    assertNull(problem(path));
  }

  @Test
  void aCutFileIsSeen() throws IOException {
    Path path = write();
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
      for (long size = channel.size() - 1; size >= 0; size -= 7) {
        channel.truncate(size);
        assertThrows(CheckpointException.class, () -> PackedFile.open(path).close());
      }
    }
  }

  @Test
  void whatFollowsTheEndIsSeen() throws IOException {
    Path path = write();
    for (int i = 0; i < 10; i++) {
      Files.write(path, new byte[1 << i], StandardOpenOption.APPEND);
      assertEquals(path + ": the table is damaged or cut off", problem(path));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0, not a packed model",
    "8, 1, not little-endian",
    "15, 2, 'layout 2, expected 1'",
    "16, -1, 'no table at -72057594037907456 of 20675 bytes; is it cut off?'"
  })
  void theHeadersErrorsSayWhatIsWrong(int at, byte value, String message) throws IOException {
    Path path = write();
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
      put(channel, at, value);
    }
    assertEquals(path + ": " + message, problem(path));
  }

  @Test
  void aTableThatPointsOutsideTheFileIsRefusedThoughItsChecksumIsRight() throws IOException {
    PackedTable honest = new PackedTable("T9", 1, DIGEST, List.of(entry("w", 4096, 4096)));
    byte[] table = honest.toBytes().array();
    ByteBuffer header = honest.header().putLong(16, 4096); // where the section should be
    CRC32C crc = new CRC32C();
    crc.update(header.duplicate());
    crc.update(table, 0, table.length - 4);
    ByteBuffer.wrap(table).putInt(table.length - 4, (int) crc.getValue());
    Path path = folder.resolve("crafted");
    byte[] page = new byte[4096];
    header.get(0, page, 0, header.limit());
    Files.write(path, page);
    Files.write(path, table, StandardOpenOption.APPEND);
    assertEquals(path + ": the table has another length", problem(path));
  }

  @Test
  void sectionsThatCannotBeAreRefused() {
    for (List<PackedTable.Entry> entries :
        List.of(
            List.of(entry("a", 4096, 4097), entry("b", 8192, 1)),
            List.of(entry("a", 8192, 1), entry("b", 4096, 1)),
            List.of(entry("a", 0, 1)),
            List.of(entry("a", 4096, 1), entry("a", 8192, 1)))) {
      assertThrows(IllegalArgumentException.class, () -> new PackedTable("T9", 1, DIGEST, entries));
    }
    assertThrows(IllegalArgumentException.class, () -> entry("a", 4095, 1));
    assertThrows(IllegalArgumentException.class, () -> entry("a", 4096, 0));
    for (List<RowScale> scales :
        List.of(
            List.<RowScale>of(),
            List.of(new RowScale(1, 1)),
            List.of(new RowScale(2, 1), new RowScale(2, 1)))) {
      assertThrows(
          IllegalArgumentException.class,
          () -> new PackedTable.Entry("a", 2, 1, 4096, 1, 0, scales));
    }
    assertThrows(
        IllegalArgumentException.class, () -> new PackedTable("../T9", 1, DIGEST, List.of()));
  }

  private static PackedTable.Entry entry(String name, long offset, long bytes) {
    return new PackedTable.Entry(name, 1, 1, offset, bytes, 0, List.of(new RowScale(1, 1)));
  }

  /** What is wrong with a file, or null; a file with nothing wrong has the payloads. */
  private static @Nullable String problem(Path path) {
    try (PackedFile file = PackedFile.open(path)) {
      for (Section section : file.sections()) {
        if (!section.isIntact()) {
          return section.name() + " is damaged";
        }
      }
      assertContents(file, PAYLOADS);
      return null;
    } catch (CheckpointException e) {
      return String.valueOf(e.getMessage());
    }
  }

  private static void assertContents(PackedFile file, List<byte[]> payloads) {
    assertEquals(payloads.size(), file.sections().size());
    for (int i = 0; i < payloads.size(); i++) {
      Section section = file.sections().get(i);
      assertTrue(section.isIntact(), section.name());
      assertArrayEquals(payloads.get(i), section.bytes().toArray(ValueLayout.JAVA_BYTE));
    }
  }

  private Path write() {
    try (PackedFileWriter writer = PackedFileWriter.create(folder)) {
      for (int i = 0; i < PAYLOADS.size(); i++) {
        add(writer, "layer." + i, PAYLOADS.get(i));
      }
      try (PackedFile file = writer.finish("T9", 1, DIGEST)) {
        return file.path();
      }
    }
  }

  private static void add(PackedFileWriter writer, String name, byte[] bytes) {
    writer.add(name, 1, 1, List.of(new RowScale(1, 1)), MemorySegment.ofArray(bytes));
  }

  private static void put(FileChannel channel, long at, byte value) throws IOException {
    channel.write(ByteBuffer.wrap(new byte[] {value}), at);
  }

  private static byte[] payload(int i) {
    return random(1 + 37 * i);
  }

  private static byte[] random(int bytes) {
    byte[] random = new byte[bytes];
    new SplittableRandom(bytes).nextBytes(random);
    return random;
  }

  private List<Path> files() throws IOException {
    try (var files = Files.list(folder)) {
      return files.toList();
    }
  }
}
