package dev.tritium.checkpoint;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.tritium.checkpoint.PackedFile.RowScale;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.zip.CRC32C;

/**
 * What a packed file says about itself. All of it is written by {@link DataOutputStream}, so
 * big-endian; the sections are little-endian, which the byte order mark stands for.
 *
 * <pre>
 * 0       header: magic "TRITPACK", byte order mark 04 03 02 01, layout version (int),
 *         offset of the table (long)
 * 4096    the sections, each at a multiple of 4096
 * table   format id (UTF), format version (int), digest of the model (32 bytes),
 *         number of sections (int), and of each: name (UTF), rows, columns (int), offset,
 *         bytes (long), CRC32C of its bytes (int), number of scales (int), and of each:
 *         end row (int), scale (float)
 *         CRC32C (int) of the header and of the table up to here; the file ends
 * </pre>
 *
 * @param formatId letters and digits, such as {@code T9}
 * @param digest {@link ModelFolder#digest}
 * @param entries in the order of their offsets
 */
record PackedTable(String formatId, int version, byte[] digest, List<Entry> entries) {
  static final int PAGE_BYTES = 4096;

  private static final byte[] MAGIC = "TRITPACK".getBytes(ISO_8859_1);
  private static final int LITTLE_ENDIAN_MARK = 0x04030201;
  private static final int LAYOUT_VERSION = 1;
  private static final int HEADER_BYTES = 24;
  private static final int DIGEST_BYTES = 32;
  private static final int MAX_TABLE_BYTES = 64 << 20;
  private static final int CHECKSUM_BLOCK_BYTES = 1 << 20;

  /** One section: what the file says of a {@link PackedFile.Section}. */
  record Entry(
      String name,
      int rows,
      int columns,
      long offset,
      long bytes,
      int checksum,
      List<RowScale> scales) {
    Entry {
      scales = List.copyOf(scales);
      int endRow = 0;
      for (RowScale scale : scales) {
        require(scale.endRow() > endRow, name + ": end rows of the scales must increase");
        endRow = scale.endRow();
      }
      require(
          rows > 0 && columns > 0 && endRow == rows,
          "%s: shape [%d, %d], scales up to row %d".formatted(name, rows, columns, endRow));
      require(bytes > 0 && offset % PAGE_BYTES == 0, name + ": bad range");
    }
  }

  PackedTable {
    requireFormatId(formatId);
    require(digest.length == DIGEST_BYTES, "a digest has 32 bytes");
    entries = List.copyOf(entries);
    Set<String> names = new HashSet<>();
    long end = PAGE_BYTES;
    for (Entry entry : entries) {
      require(names.add(entry.name), "two sections " + entry.name);
      require(entry.offset >= end, entry.name + ": overlaps another section");
      end = Math.addExact(entry.offset, entry.bytes);
    }
  }

  /** The id stands in file names. */
  static void requireFormatId(String formatId) {
    require(formatId.matches("[A-Za-z0-9]{1,16}"), "format id " + Printable.of(formatId));
  }

  /** The first multiple of the page size from {@code offset} on. */
  static long pageFrom(long offset) {
    return Math.ceilDiv(offset, (long) PAGE_BYTES) * PAGE_BYTES;
  }

  /** CRC32C of any segment that has a byte buffer. */
  static int checksum(MemorySegment bytes) {
    CRC32C crc = new CRC32C();
    for (long at = 0; at < bytes.byteSize(); at += CHECKSUM_BLOCK_BYTES) {
      long size = Math.min(CHECKSUM_BLOCK_BYTES, bytes.byteSize() - at);
      crc.update(bytes.asSlice(at, size).asByteBuffer());
    }
    return (int) crc.getValue();
  }

  /** Where the table stands: on the first page behind the sections. */
  long offset() {
    return entries.isEmpty()
        ? PAGE_BYTES
        : pageFrom(entries.getLast().offset + entries.getLast().bytes);
  }

  /** The header of a file that ends with this table. */
  ByteBuffer header() {
    ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
    header.put(MAGIC).putInt(LITTLE_ENDIAN_MARK).putInt(LAYOUT_VERSION).putLong(offset());
    return header.flip();
  }

  /** The table with its checksum, for {@link #offset} and the end of the file. */
  ByteBuffer toBytes() {
    ByteArrayOutputStream table = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(table)) {
      out.writeUTF(formatId);
      out.writeInt(version);
      out.write(digest);
      out.writeInt(entries.size());
      for (Entry e : entries) {
        out.writeUTF(e.name);
        out.writeInt(e.rows);
        out.writeInt(e.columns);
        out.writeLong(e.offset);
        out.writeLong(e.bytes);
        out.writeInt(e.checksum);
        out.writeInt(e.scales.size());
        for (RowScale scale : e.scales) {
          out.writeInt(scale.endRow());
          out.writeFloat(scale.scale());
        }
      }
      out.writeInt(checksum(header(), ByteBuffer.wrap(table.toByteArray())));
    } catch (IOException e) {
      throw new UncheckedIOException("a name that is too long", e); // memory is always writable
    }
    return ByteBuffer.wrap(table.toByteArray());
  }

  private static int checksum(ByteBuffer header, ByteBuffer table) {
    CRC32C crc = new CRC32C();
    crc.update(header);
    crc.update(table);
    return (int) crc.getValue();
  }

  /**
   * Reads header and table of a whole file and checks both; the sections are not read.
   *
   * @throws IllegalArgumentException saying what is wrong
   */
  static PackedTable read(MemorySegment file) {
    require(file.byteSize() >= PAGE_BYTES, "only " + file.byteSize() + " bytes");
    ByteBuffer header = file.asSlice(0, HEADER_BYTES).asByteBuffer();
    byte[] magic = new byte[MAGIC.length];
    header.get(magic);
    require(Arrays.equals(magic, MAGIC), "not a packed model");
    require(header.getInt() == LITTLE_ENDIAN_MARK, "not little-endian");
    int layout = header.getInt();
    require(layout == LAYOUT_VERSION, "layout " + layout + ", expected " + LAYOUT_VERSION);
    long offset = header.getLong();
    long tableBytes = file.byteSize() - offset - Integer.BYTES;
    require(
        offset >= PAGE_BYTES && tableBytes >= 0 && tableBytes <= MAX_TABLE_BYTES,
        "no table at %d of %d bytes; is it cut off?".formatted(offset, file.byteSize()));
    byte[] table = file.asSlice(offset, tableBytes).toArray(ValueLayout.JAVA_BYTE);
    int checksum = file.asSlice(offset + tableBytes).asByteBuffer().getInt();
    require(
        checksum == checksum(header.rewind(), ByteBuffer.wrap(table)),
        "the table is damaged or cut off");
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(table))) {
      PackedTable read = read(in);
      require(in.available() == 0 && read.offset() == offset, "the table has another length");
      return read;
    } catch (IOException e) {
      throw new IllegalArgumentException("the table is cut off", e);
    }
  }

  private static PackedTable read(DataInputStream in) throws IOException {
    String formatId = in.readUTF();
    int version = in.readInt();
    byte[] digest = in.readNBytes(DIGEST_BYTES);
    List<Entry> entries = new ArrayList<>();
    for (int sections = in.readInt(); sections > 0; sections--) {
      String name = in.readUTF();
      int rows = in.readInt();
      int columns = in.readInt();
      long offset = in.readLong();
      long bytes = in.readLong();
      int checksum = in.readInt();
      List<RowScale> scales = new ArrayList<>();
      for (int n = in.readInt(); n > 0; n--) {
        scales.add(new RowScale(in.readInt(), in.readFloat()));
      }
      entries.add(new Entry(name, rows, columns, offset, bytes, checksum, scales));
    }
    return new PackedTable(formatId, version, digest, entries);
  }

  private static void require(boolean condition, String message) {
    if (!condition) {
      throw new IllegalArgumentException(message);
    }
  }
}
