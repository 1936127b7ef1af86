package dev.tritium.model;

import dev.tritium.kernel.PackedTernary;
import dev.tritium.kernel.Product;
import dev.tritium.kernel.QuantizedRows;
import dev.tritium.kernel.RowKernels;
import dev.tritium.kernel.RowKernels.Rounding;
import dev.tritium.kernel.Rows;

/**
 * BitLinear with its own norm: y = (q . c) * scale / s, the FusedBitLinear of matmulfreellm
 * (ops/fusedbitnet.py).
 *
 * <p>Rows are independent of each other, so a row's result is the same in any batch.
 */
final class BitLinear {
  /** The fused forward uses its default 1e-6, whatever the module's repr says. */
  private static final float EPSILON = 1e-6f;

  private final float[] normWeight; // [in]
  private final PackedTernary weight; // [out, in]
  private final RowKernels rows;

  BitLinear(float[] normWeight, PackedTernary weight, RowKernels rows) {
    this.normWeight = normWeight;
    this.weight = weight;
    this.rows = rows;
  }

  /** Normalises and quantises row {@code r} of x [n, in]; x is left as it was. */
  void quantize(Rows x, int r, QuantizedRows q) {
    float scale =
        rows.normalizeAndQuantize(
            x.values(),
            x.at(r),
            normWeight,
            EPSILON,
            Rounding.HALF_AWAY,
            q.values(),
            q.at(r),
            x.width());
    q.setScale(r, scale);
  }

  /** The matrix product of quantised rows [n, in] into y [n, out]. */
  Product product(QuantizedRows q, Rows y) {
    return new Product(weight, q, y);
  }
}
