package dev.tritium.grammar;

import org.jspecify.annotations.Nullable;

/**
 * Where to go on after the end of a rule that was called. Equal frames of one grammar are the same
 * object, so that comparing two stacks is comparing their tops.
 */
final class Frame {
  final int state;
  final @Nullable Frame below;
  final int depth; // frames from here down
  final int bytesToFinish; // from the state to the document's end
  @Nullable Frame alike; // see Grammar.alike; null where it was not asked for yet

  Frame(int state, @Nullable Frame below, ShortestPaths shortest) {
    this.state = state;
    this.below = below;
    this.depth = 1 + depth(below);
    this.bytesToFinish = Math.min(ShortestPaths.NONE, shortest.bytes(state) + bytesToFinish(below));
  }

  static int depth(@Nullable Frame frame) {
    return frame == null ? 0 : frame.depth;
  }

  static int bytesToFinish(@Nullable Frame frame) {
    return frame == null ? 0 : frame.bytesToFinish;
  }
}
