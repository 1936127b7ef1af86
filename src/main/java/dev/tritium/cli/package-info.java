/** The command line. */
@NullMarked
package dev.tritium.cli;

import org.jspecify.annotations.NullMarked;
