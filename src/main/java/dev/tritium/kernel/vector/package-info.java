/** Ternary kernels on the Vector API, one class per vector width; the only room that imports it. */
@NullMarked
package dev.tritium.kernel.vector;

import org.jspecify.annotations.NullMarked;
