/** Language models: one file per family, the layers they share, and their running state. */
@NullMarked
package dev.tritium.model;

import org.jspecify.annotations.NullMarked;
