/**
 * The arithmetic: ternary matrix products, row operations and the worker pool; the scalar classes
 * are the definition.
 */
@NullMarked
package dev.tritium.kernel;

import org.jspecify.annotations.NullMarked;
