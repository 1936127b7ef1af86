package dev.tritium.model;

import dev.tritium.checkpoint.Tensor;

/** The embedding table [vocabulary, width], read row by row from the mapped file. */
final class Embedding {
  private final Tensor table;
  private final int vocabulary;
  private final int width;

  Embedding(Tensor table) {
    this.table = table;
    this.vocabulary = Math.toIntExact(table.shape().get(0));
    this.width = Math.toIntExact(table.shape().get(1));
  }

  int vocabulary() {
    return vocabulary;
  }

  /** Writes the row of {@code token} to {@code x[at, at + width)}. */
  void read(int token, float[] x, int at) {
    table.readFloats((long) token * width, x, at, width);
  }
}
