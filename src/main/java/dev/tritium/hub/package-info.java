/**
 * Models from the Hugging Face hub: the cache that its Python tools keep too, and the downloads
 * that fill it.
 */
@NullMarked
package dev.tritium.hub;

import org.jspecify.annotations.NullMarked;
