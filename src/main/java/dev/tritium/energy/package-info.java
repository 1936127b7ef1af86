/** Joules: meters of what the host uses, and whose work it was used for. */
@NullMarked
package dev.tritium.energy;

import org.jspecify.annotations.NullMarked;
