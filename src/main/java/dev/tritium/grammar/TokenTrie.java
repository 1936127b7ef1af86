package dev.tritium.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * The tokens of a vocabulary by their bytes. Nodes are numbered in the order of a walk, so that a
 * walk is one pass over arrays, and to skip a subtree is one step.
 */
final class TokenTrie {
  final int size;
  final int depth; // bytes of the longest token
  final byte[] label; // [size], the last byte
  final short[] level; // [size], bytes down to the node less one
  final int[] end; // [size], the node after the subtree
  final int[] token; // [size], a token with these bytes, or -1
  final int[] same; // [vocabulary], another token with the same bytes, or -1

  /** Longer pieces are left out: they can never be needed. */
  private static final int MAX_PIECE = 1024;

  TokenTrie(byte[][] pieces) {
    List<Integer> ids = new ArrayList<>();
    int nodes = 0;
    for (int id = 0; id < pieces.length; id++) {
      if (pieces[id].length > 0 && pieces[id].length <= MAX_PIECE) {
        ids.add(id);
        nodes += pieces[id].length;
      }
    }
    ids.sort(Comparator.comparing(id -> pieces[id], Arrays::compareUnsigned));
    byte[] labels = new byte[nodes];
    short[] levels = new short[nodes];
    int[] tokens = new int[nodes];
    Arrays.fill(tokens, -1);
    same = new int[pieces.length];
    Arrays.fill(same, -1);
    int count = 0;
    int longest = 0;
    byte[] before = {};
    for (int id : ids) {
      byte[] piece = pieces[id];
      int shared = Arrays.mismatch(before, piece);
      if (shared < 0) { // the same bytes
        same[id] = tokens[count - 1];
      }
      for (int i = shared; i >= 0 && i < piece.length; i++) {
        labels[count] = piece[i];
        levels[count++] = (short) i;
      }
      tokens[count - 1] = id;
      longest = Math.max(longest, piece.length);
      before = piece;
    }
    size = count;
    depth = longest;
    label = Arrays.copyOf(labels, count);
    level = Arrays.copyOf(levels, count);
    token = Arrays.copyOf(tokens, count);
    end = new int[count];
    int[] open = new int[longest + 1]; // [level], the last node there
    int opened = 0;
    for (int node = 0; node <= count; node++) {
      int at = node == count ? 0 : level[node];
      while (opened > at) {
        end[open[--opened]] = node;
      }
      open[opened++] = node;
    }
  }
}
