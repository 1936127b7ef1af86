/** Constrained decoding: JSON schema to a grammar over bytes to masks of tokens. */
@NullMarked
package dev.tritium.grammar;

import org.jspecify.annotations.NullMarked;
