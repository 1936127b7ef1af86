package dev.tritium.scheduler;

import static java.util.Objects.requireNonNull;

import dev.tritium.model.StateSnapshot;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * States after prefixes of prompts, so that what one prompt computed the next need not: for each
 * cache salt a radix tree over token ids, with snapshots at its nodes. Salts never share.
 *
 * <p>Which snapshots stay within the bound is decided by what they save, as in
 * Greedy-Dual-Size-Frequency (Cherkasova, 1998): the tokens since the next shorter snapshot, times
 * uses, per byte.
 *
 * <p>Used by one thread; the gauges {@link #bytes}, {@link #snapshots} and {@link #evictions} may
 * be read by any.
 */
final class PrefixCache {
  /** Heap of a node without its tokens: itself, its map of children, its places in others' maps. */
  static final int NODE_BYTES = 240;

  /** More uses do not count: the most popular snapshot, too, goes soon after its last use. */
  private static final int MOST_USES = 32;

  /**
   * One call moves no more in the order of eviction, so that it takes no longer than a step may.
   */
  private static final int MOST_MOVES = 100;

  private static final int[] NO_TOKENS = {};

  /**
   * A prefix that is stored, or where stored ones part, or the empty one (a root): every other node
   * has a snapshot or two children, so the snapshots' number bounds the nodes'.
   */
  private static final class Node {
    final String salt;
    final int depth; // tokens of the prefix
    @Nullable Node parent; // null: a root
    int[] edge; // the last tokens of the prefix, those after the parent's
    final TreeMap<Integer, Node> children = new TreeMap<>(); // by their edge's first token
    @Nullable StateSnapshot snapshot;
    int uses; // of the snapshot, at most MOST_USES
    long lastUse; // its number among the cache's
    double floor; // the cache's at the last use
    double priority; // the place in the order of eviction

    Node(String salt, @Nullable Node parent, int[] edge) {
      this.salt = salt;
      this.parent = parent;
      this.edge = edge;
      this.depth = parent == null ? 0 : parent.depth + edge.length;
    }

    /** How many tokens of the edge are also at their place in tokens[0, limit). */
    int common(int[] tokens, int limit) {
      int start = depth - edge.length;
      int length = Math.min(depth, limit) - start;
      int mismatch = Arrays.mismatch(edge, 0, length, tokens, start, start + length);
      return mismatch < 0 ? length : mismatch;
    }

    long bytes() {
      return NODE_BYTES
          + (parent == null ? saltBytes(salt) : 4L * edge.length)
          + (snapshot == null ? 0 : snapshot.sizeBytes());
    }

    /**
     * The priority that the snapshot should have now: it depends on which shorter ones are here.
     */
    double worth() {
      Node shorter = parent;
      while (shorter != null && shorter.snapshot == null) {
        shorter = shorter.parent;
      }
      int saved = depth - (shorter == null ? 0 : shorter.depth);
      return floor + (double) uses * saved / bytes();
    }
  }

  /**
   * How much of a prompt is here.
   *
   * @param snapshot the state after its longest stored prefix, or null; it may be restored from
   *     until the cache is called again
   * @param depth tokens in that prefix; 0 without one
   * @param branch tokens that the prompt has in common with some stored prefix, at least depth
   */
  record Match(@Nullable StateSnapshot snapshot, int depth, int branch) {}

  private record Path(@Nullable Node stored, int branch) {}

  private final long maxBytes;
  private final Map<String, Node> roots = new HashMap<>(); // by salt
  private final TreeSet<Node> order = // nodes with a snapshot, the least worth first
      new TreeSet<>(
          Comparator.comparingDouble((Node node) -> node.priority)
              .thenComparingLong(node -> node.lastUse));
  private final AtomicLong bytes = new AtomicLong();
  private final AtomicInteger snapshots = new AtomicInteger();
  private final AtomicLong evictions = new AtomicLong();
  private int nodes;
  private long useCount;
  private double floor; // priority of the last evicted: new uses count from here, old ones age

  /**
   * @param maxBytes bound on snapshots and tree together; 0 keeps nothing
   */
  PrefixCache(long maxBytes) {
    if (maxBytes < 0) {
      throw new IllegalArgumentException("a cache cannot hold " + maxBytes + " bytes");
    }
    this.maxBytes = maxBytes;
  }

  /** Looks up tokens[0, limit) and counts it as a use of the snapshot that is found. */
  Match match(String salt, int[] tokens, int limit) {
    Path path = follow(salt, tokens, limit);
    Node stored = path.stored;
    if (stored == null) {
      return new Match(null, 0, path.branch);
    }
    use(stored);
    return new Match(stored.snapshot, stored.depth, path.branch);
  }

  /** Whether there is a snapshot after exactly tokens[0, length); not a use. */
  boolean contains(String salt, int[] tokens, int length) {
    Node stored = follow(salt, tokens, length).stored;
    return stored != null && stored.depth == length;
  }

  /**
   * Takes over the snapshot of the state after tokens[0, length), which are copied. It is released
   * when it must make room, and at once if there is one already, whose use this is, or if it is too
   * large.
   *
   * @throws IllegalArgumentException if the snapshot is of another number of tokens, or of none
   */
  void put(String salt, int[] tokens, int length, StateSnapshot snapshot) {
    if (length < 1 || length != snapshot.tokenCount()) {
      throw new IllegalArgumentException(
          "a snapshot after %d tokens for a prefix of %d".formatted(snapshot.tokenCount(), length));
    }
    long alone = 2L * NODE_BYTES + saltBytes(salt) + 4L * length + snapshot.sizeBytes();
    if (alone > maxBytes) {
      snapshot.release();
      return;
    }
    Node node = grow(salt, tokens, length);
    if (node.snapshot == null) {
      node.snapshot = snapshot;
      node.uses = 0;
      bytes.addAndGet(snapshot.sizeBytes());
      snapshots.incrementAndGet();
    } else {
      snapshot.release();
    }
    use(node);
    makeRoom();
  }

  /** Releases everything. */
  void clear() {
    while (!order.isEmpty()) {
      remove(order.first());
    }
  }

  /** Bytes held: the snapshots' and an estimate of the tree's. */
  long bytes() {
    return bytes.get();
  }

  /** Number of snapshots held. */
  int snapshots() {
    return snapshots.get();
  }

  /** Number of snapshots that had to make room so far. */
  long evictions() {
    return evictions.get();
  }

  /** Number of the trees' nodes. */
  int nodes() {
    return nodes;
  }

  private static long saltBytes(String salt) {
    return 2L * salt.length();
  }

  private Path follow(String salt, int[] tokens, int limit) {
    Node stored = null;
    int branch = 0;
    Node node = roots.get(salt);
    while (node != null) {
      int common = node.common(tokens, limit);
      branch += common;
      if (common < node.edge.length) {
        break;
      }
      if (node.snapshot != null) {
        stored = node;
      }
      node = branch < limit ? node.children.get(tokens[branch]) : null;
    }
    return new Path(stored, branch);
  }

  /** The node of tokens[0, length), which is made if need be. */
  private Node grow(String salt, int[] tokens, int length) {
    Node node = roots.get(salt);
    if (node == null) {
      node = added(new Node(salt, null, NO_TOKENS));
      roots.put(salt, node);
    }
    while (node.depth < length) {
      Node child = node.children.get(tokens[node.depth]);
      if (child == null) {
        child = added(new Node(salt, node, Arrays.copyOfRange(tokens, node.depth, length)));
        node.children.put(child.edge[0], child);
      } else {
        int common = child.common(tokens, length);
        if (common < child.edge.length) {
          child = split(node, child, common);
        }
      }
      node = child;
    }
    return node;
  }

  /** Puts a node after the first tokens of a child's edge, [1, edge.length) of them. */
  private Node split(Node parent, Node child, int tokens) {
    Node upper = new Node(parent.salt, parent, Arrays.copyOf(child.edge, tokens));
    child.edge = Arrays.copyOfRange(child.edge, tokens, child.edge.length);
    child.parent = upper;
    upper.children.put(child.edge[0], child);
    parent.children.put(upper.edge[0], upper);
    nodes++;
    bytes.addAndGet(NODE_BYTES); // its tokens were the child's
    return upper;
  }

  private Node added(Node node) {
    nodes++;
    bytes.addAndGet(node.bytes());
    return node;
  }

  private void use(Node node) {
    order.remove(node);
    node.uses = Math.min(node.uses + 1, MOST_USES);
    node.lastUse = ++useCount;
    node.floor = floor;
    node.priority = node.worth();
    order.add(node);
  }

  /**
   * Evicts until the bound is kept. A snapshot that saves more since a shorter one went is moved
   * when its turn comes; one that saves less since a shorter one came, at its next use.
   */
  private void makeRoom() {
    int moves = 0;
    while (bytes.get() > maxBytes) {
      Node victim = order.first();
      double worth = victim.worth();
      if (worth > victim.priority && moves < MOST_MOVES) {
        order.remove(victim);
        victim.priority = worth;
        order.add(victim);
        moves++;
      } else {
        floor = victim.priority;
        remove(victim);
        evictions.incrementAndGet();
      }
    }
  }

  private void remove(Node node) {
    StateSnapshot snapshot = requireNonNull(node.snapshot);
    order.remove(node);
    node.snapshot = null;
    bytes.addAndGet(-snapshot.sizeBytes());
    snapshots.decrementAndGet();
    prune(node);
    snapshot.release();
  }

  /** Removes what a node that lost its snapshot leaves without purpose. */
  private void prune(Node lost) {
    Node node = lost;
    while (node.children.isEmpty() && node.snapshot == null) {
      nodes--;
      bytes.addAndGet(-node.bytes());
      Node parent = node.parent;
      if (parent == null) {
        roots.remove(node.salt);
        return;
      }
      parent.children.remove(node.edge[0]);
      node = parent;
    }
    Node parent = node.parent;
    if (parent != null && node.snapshot == null && node.children.size() == 1) {
      Node child = node.children.firstEntry().getValue();
      int[] edge = Arrays.copyOf(node.edge, node.edge.length + child.edge.length);
      System.arraycopy(child.edge, 0, edge, node.edge.length, child.edge.length);
      child.edge = edge;
      child.parent = parent;
      parent.children.put(edge[0], child);
      nodes--;
      bytes.addAndGet(-NODE_BYTES); // its tokens are the child's now
    }
  }
}
