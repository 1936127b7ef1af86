/** Ternary kernels on the Vector API; the only room that imports it. */
@NullMarked
package dev.tritium.kernel.vector;

import org.jspecify.annotations.NullMarked;
