/**
 * Bytes on disk: model folders, config.json, safetensors files and shards, mapped and never copied
 * to the heap.
 */
@NullMarked
package dev.tritium.checkpoint;

import org.jspecify.annotations.NullMarked;
