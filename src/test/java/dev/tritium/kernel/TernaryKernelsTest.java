package dev.tritium.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.kernel.vector.T2Kernels;
import dev.tritium.kernel.vector.T9Kernels;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every kernel against a naive product. With all scales 1 the float outputs are the integer sums,
 * exactly, for all are below 2^24.
 */
class TernaryKernelsTest {

  /** The kernels this machine runs as vectors, and the scalar one on both formats. */
  private static List<TernaryKernels> kernels(Workers workers) {
    List<TernaryKernels> all = new ArrayList<>();
    all.add(new ScalarKernels(new T2Format(), workers));
    all.add(new ScalarKernels(new T9Format(), workers));
    all.add(new T2Kernels(workers));
    all.add(new T9Kernels(workers));
    all.removeIf(kernel -> !kernel.supported());
    return all;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 8, 9, 10, 127, 128, 129, 251, 252, 253, 1001, 2560, 6912})
  void sumsAreExactForEveryWidth(int columns) {
    try (Workers workers = new Workers(2)) {
      for (TernaryKernels kernels : kernels(workers)) {
        for (int sequences : new int[] {1, 2, 3, 4, 9}) {
          check(
              kernels,
              TernaryMatrix.random(65, columns, columns),
              TernaryMatrix.randomInputs(sequences, columns, sequences));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 63, 64, 65, 127, 129, 255, 257, 1024, 1280, 1537, 2304})
  void sumsAreExactForEveryHeight(int rows) {
    try (Workers workers = new Workers(3)) {
      for (TernaryKernels kernels : kernels(workers)) {
        for (int sequences : new int[] {1, 5, 10}) {
          check(
              kernels,
              TernaryMatrix.random(rows, 253, rows),
              TernaryMatrix.randomInputs(sequences, 253, sequences));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 33, 64, 65, 70, 129, 131})
  void sumsAreExactForEveryBatch(int sequences) {
    try (Workers workers = new Workers(2)) {
      for (TernaryKernels kernels : kernels(workers)) {
        check(
            kernels,
            TernaryMatrix.random(130, 300, 5),
            TernaryMatrix.randomInputs(sequences, 300, sequences));
      }
    }
  }

  @Test
  void theLargestSumsOverflowNowhere() {
    List<IntUnaryOperator> codes =
        List.of(i -> 1, i -> -1, i -> 0, i -> i % 2 == 0 ? 1 : -1, i -> i % 3 - 1);
    List<IntUnaryOperator> values = List.of(i -> 127, i -> -127, i -> i % 2 == 0 ? 127 : -127);
    try (Workers workers = new Workers(2)) {
      for (TernaryKernels kernels : kernels(workers)) {
        for (int columns : new int[] {252, 253, 2048, 4097, 6912}) {
          for (IntUnaryOperator code : codes) {
            TernaryMatrix matrix = TernaryMatrix.of(5, columns, code);
            for (IntUnaryOperator value : values) {
              check(kernels, matrix, TernaryMatrix.inputs(1, columns, value));
              check(kernels, matrix, TernaryMatrix.inputs(4, columns, value));
              check(kernels, matrix, TernaryMatrix.inputs(9, columns, value));
            }
          }
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void outputsHaveTheSameBitsInEveryKernelAndThreadCount(int threads) {
    Random random = new Random(threads);
    TernaryMatrix matrix = TernaryMatrix.random(600, 1001, 1);
    QuantizedRows input = TernaryMatrix.randomInputs(7, 1001, 2);
    List<PackedTernary.RowScale> scales =
        List.of(
            new PackedTernary.RowScale(100, random.nextFloat()),
            new PackedTernary.RowScale(300, random.nextFloat()),
            new PackedTernary.RowScale(600, random.nextFloat()));
    try (Workers workers = new Workers(threads)) {
      for (TernaryKernels kernels : kernels(workers)) {
        PackedTernary weight =
            new PackedTernary(kernels.format(), 600, 1001, matrix.packed(kernels.format()), scales);
        Rows output = new Rows(1, 600);
        kernels.multiply(new Product(weight, input, output));
        assertEquals(7, output.count());
        for (int n = 0; n < 7; n++) {
          for (int row = 0; row < 600; row++) {
            float scale = row < 100 ? scales.get(0).scale() : scales.get(row < 300 ? 1 : 2).scale();
            float expected = (float) matrix.sum(row, input, n) * (scale / input.scale(n));
            assertEquals(expected, output.values()[output.at(n) + row], kernels.name());
          }
        }
      }
    }
  }

  @Test
  void productsOfOneCallMayDifferInEverything() {
    try (Workers workers = new Workers(2)) {
      for (TernaryKernels kernels : kernels(workers)) {
        QuantizedRows shared = TernaryMatrix.randomInputs(3, 300, 1);
        List<TernaryMatrix> matrices = new ArrayList<>();
        List<QuantizedRows> inputs = new ArrayList<>();
        add(matrices, inputs, 300, 300, shared);
        add(matrices, inputs, 64, 77, TernaryMatrix.randomInputs(9, 77, 2));
        add(matrices, inputs, 257, 300, shared);
        add(matrices, inputs, 5, 1000, TernaryMatrix.randomInputs(1, 1000, 3));
        add(matrices, inputs, 31, 300, TernaryMatrix.randomInputs(66, 300, 4));
        add(matrices, inputs, 512, 300, shared);
        // Twice, and in between something else: scratch memory is reused.
        for (int round = 0; round < 2; round++) {
          Product[] products = new Product[matrices.size()];
          for (int p = 0; p < products.length; p++) {
            TernaryMatrix matrix = matrices.get(p);
            products[p] =
                new Product(
                    matrix.weight(kernels.format(), 1), inputs.get(p), new Rows(1, matrix.rows()));
          }
          kernels.multiply(products);
          for (int p = 0; p < products.length; p++) {
            assertExact(kernels, matrices.get(p), products[p]);
          }
          check(kernels, TernaryMatrix.random(9, 40, 1), TernaryMatrix.randomInputs(2, 40, 1));
        }
      }
    }
  }

  @Test
  void aRowKeepsItsBitsInAnyBatch() {
    TernaryMatrix matrix = TernaryMatrix.random(300, 500, 3);
    try (Workers workers = new Workers(2)) {
      for (TernaryKernels kernels : kernels(workers)) {
        PackedTernary weight = matrix.weight(kernels.format(), 0.37f);
        QuantizedRows many = TernaryMatrix.randomInputs(70, 500, 9);
        Rows together = new Rows(70, 300);
        kernels.multiply(new Product(weight, many, together));
        for (int n = 0; n < 70; n++) {
          int from = many.at(n);
          QuantizedRows one = TernaryMatrix.inputs(1, 500, j -> many.values()[from + j]);
          one.setScale(0, many.scale(n));
          Rows alone = new Rows(1, 300);
          kernels.multiply(new Product(weight, one, alone));
          for (int row = 0; row < 300; row++) {
            assertEquals(
                alone.values()[row],
                together.values()[together.at(n) + row],
                kernels.name() + " sequence " + n);
          }
        }
      }
    }
  }

  @Test
  void anEmptyBatchIsNoWork() {
    try (Workers workers = new Workers(2)) {
      for (TernaryKernels kernels : kernels(workers)) {
        check(kernels, TernaryMatrix.random(8, 8, 1), TernaryMatrix.randomInputs(0, 8, 1));
        kernels.multiply();
      }
    }
  }

  @Test
  void aWeightOfAnotherFormatIsRefused() {
    try (Workers workers = new Workers(1)) {
      for (TernaryKernels kernels : kernels(workers)) {
        TernaryFormat other = kernels.format().id().equals("T2") ? new T9Format() : new T2Format();
        PackedTernary weight = TernaryMatrix.random(4, 4, 1).weight(other, 1);
        Product product = new Product(weight, new QuantizedRows(1, 4), new Rows(1, 4));
        IllegalArgumentException e =
            assertThrows(IllegalArgumentException.class, () -> kernels.multiply(product));
        assertTrue(String.valueOf(e.getMessage()).contains("packed as " + other.id()), e::toString);
      }
    }
  }

  @Test
  void aMappedOrUnalignedWeightIsAsGood() {
    TernaryMatrix matrix = TernaryMatrix.random(70, 100, 4);
    QuantizedRows input = TernaryMatrix.randomInputs(5, 100, 4);
    try (Workers workers = new Workers(2)) {
      for (TernaryKernels kernels : kernels(workers)) {
        TernaryFormat format = kernels.format();
        var shifted = Arena.ofAuto().allocate(format.packedBytes(70, 100) + 1).asSlice(1);
        format.pack(matrix.source(), 100, 0, 70, shifted);
        PackedTernary weight = PackedTernary.of(format, 70, 100, shifted, 1);
        Product product = new Product(weight, input, new Rows(5, 70));
        kernels.multiply(product);
        assertExact(kernels, matrix, product);
      }
    }
  }

  private static void add(
      List<TernaryMatrix> matrices,
      List<QuantizedRows> inputs,
      int rows,
      int columns,
      QuantizedRows input) {
    matrices.add(TernaryMatrix.random(rows, columns, rows));
    inputs.add(input);
  }

  private static void check(TernaryKernels kernels, TernaryMatrix matrix, QuantizedRows input) {
    PackedTernary weight = matrix.weight(kernels.format(), 1);
    Product product = new Product(weight, input, new Rows(input.count(), matrix.rows()));
    kernels.multiply(product);
    assertExact(kernels, matrix, product);
  }

  private static void assertExact(TernaryKernels kernels, TernaryMatrix matrix, Product product) {
    QuantizedRows input = product.input();
    Rows output = product.output();
    assertEquals(input.count(), output.count());
    for (int n = 0; n < input.count(); n++) {
      for (int row = 0; row < matrix.rows(); row++) {
        float expected = (float) matrix.sum(row, input, n) * (1 / input.scale(n));
        float actual = output.values()[output.at(n) + row];
        if (Float.floatToRawIntBits(expected + 0f) != Float.floatToRawIntBits(actual + 0f)) {
          assertEquals(
              expected,
              actual,
              "%s [%d, %d], sequence %d of %d, row %d"
                  .formatted(
                      kernels.name(), matrix.rows(), matrix.columns(), n, input.count(), row));
        }
      }
    }
  }
}
