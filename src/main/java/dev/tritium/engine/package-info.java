/** One sequence: prefill, sampling, stop rules, and its whole state as a value. */
@NullMarked
package dev.tritium.engine;

import org.jspecify.annotations.NullMarked;
