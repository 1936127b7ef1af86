/**
 * Quarkus wiring: settings, producers, health, metrics, lifecycle; the only room that knows
 * Quarkus.
 */
@NullMarked
package dev.tritium.server;

import org.jspecify.annotations.NullMarked;
