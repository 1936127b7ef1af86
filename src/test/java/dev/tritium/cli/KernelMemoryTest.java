package dev.tritium.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KernelMemoryTest {
  private static final Cpu CPU = new Cpu("EPYC", List.of("avx2", "avx512f"));

  @TempDir Path folder;

  @Test
  void aLaterStartOfTheSameKindRemembers() throws IOException {
    Path cache = folder.resolve("not/there/yet");
    KernelMemory memory = new KernelMemory(cache, KernelMemory.key(List.of("-Xint"), CPU));
    assertNull(memory.recall());
    memory.keep("t2");
    memory.keep("t9");
    assertEquals("t9", new KernelMemory(cache, KernelMemory.key(List.of("-Xint"), CPU)).recall());
    try (Stream<Path> files = Files.list(cache)) {
      assertEquals(List.of(cache.resolve("kernel")), files.toList()); // no temporary file is left
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "-XX:UseAVX=2",
        "-Xint",
        "-Xmx1g",
        "--add-modules=jdk.incubator.vector",
        "-Djdk.incubator.vector.VECTOR_ACCESS_OOB_CHECK=0"
      })
  void anotherFlagForgets(String flag) {
    new KernelMemory(folder, KernelMemory.key(List.of(), CPU)).keep("t9");
    assertNull(new KernelMemory(folder, KernelMemory.key(List.of(flag), CPU)).recall());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "-Dtritium.port=1",
        "-Xlog:cds=off",
        "-XX:SharedArchiveFile=classes.jsa",
        "-XX:ArchiveClassesAtExit=classes.jsa"
      })
  void settingsAndTheClassArchiveDoNotMatter(String flag) {
    assertEquals(KernelMemory.key(List.of(), CPU), KernelMemory.key(List.of(flag), CPU));
  }

  @Test
  void anotherCpuForgets() {
    String key = KernelMemory.key(List.of(), CPU);
    assertNotEquals(key, KernelMemory.key(List.of(), new Cpu("Xeon", CPU.features())));
    assertNotEquals(key, KernelMemory.key(List.of(), new Cpu(CPU.name(), List.of("avx2"))));
  }

  @Test
  void theKeyNamesBuildAndJvm() {
    String key = KernelMemory.key(List.of(), CPU);
    for (String property : List.of("java.class.path", "java.vm.version", "java.runtime.version")) {
      assertTrue(key.contains(System.getProperty(property)), key);
    }
    assertTrue(key.contains(Version.number()), key);
  }

  @Test
  void aDamagedFileForgets() throws IOException {
    KernelMemory memory = new KernelMemory(folder, "cpu=EPYC\n");
    memory.keep("t9");
    Path file = folder.resolve("kernel");
    byte[] whole = Files.readAllBytes(file);
    for (int length = 0; length < whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertNull(memory.recall());
    }
    whole[0] = (byte) 0xFF; // not UTF-8
    Files.write(file, whole);
    assertNull(memory.recall());
    memory.keep("t9");
    assertEquals("t9", memory.recall());
  }

  @Test
  void aFolderThatCannotBeWrittenOnlyForgets() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    KernelMemory memory = new KernelMemory(file, "cpu=EPYC\n");
    memory.keep("t9");
    assertNull(memory.recall());
  }
}
