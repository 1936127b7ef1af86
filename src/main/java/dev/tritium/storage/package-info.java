/** Where Tritium keeps files of its own. */
@NullMarked
package dev.tritium.storage;

import org.jspecify.annotations.NullMarked;
