package dev.tritium.grammar;

import dev.tritium.grammar.Configuration.Position;
import dev.tritium.grammar.Grammar.Arc;
import dev.tritium.grammar.Grammar.Bytes;
import dev.tritium.grammar.Grammar.Call;
import dev.tritium.grammar.Grammar.Epsilon;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The configurations of a grammar, made when they are first reached and then kept: a deterministic
 * automaton that grows with use.
 */
final class Configurations {
  /** Calls within calls: no parser of documents need go deeper. */
  static final int MAX_DEPTH = 200;

  /** More ways to read the same bytes are left out, those first that need the most bytes to end. */
  private static final int MAX_POSITIONS = 2_000;

  private static final int MAX_KEPT = 10_000;
  private static final long MAX_MASK_BYTES = 8L << 20;

  private record FrameKey(int state, @Nullable Frame below) {}

  private record Key(Set<Position> positions, boolean complete) {}

  /**
   * What decides which tokens may follow, and what they cost.
   *
   * @param costs for positions: the bytes to finish beyond those of the configuration
   */
  private record MaskKey(Map<Position, Integer> costs, boolean complete) {}

  private final Grammar grammar;
  private final ShortestPaths shortest;
  private final int[] byteClasses; // [256]
  private final int classes;
  private final Map<FrameKey, Frame> frames = new HashMap<>();
  private final Map<Key, Configuration> kept = new HashMap<>();
  private final Map<MaskKey, TokenMask> masks = new HashMap<>();
  private long maskBytes;
  private long work; // positions looked at
  private final int[] alike; // [states]
  private final Configuration dead;

  Configurations(Grammar grammar, Vocabulary vocabulary) {
    this.grammar = grammar;
    this.shortest = new ShortestPaths(grammar, vocabulary.byteTokens());
    this.alike = grammar.alike(vocabulary.trie().depth);
    this.byteClasses = grammar.byteClasses();
    this.classes = byteClasses[255] + 1;
    this.dead = new Configuration(Set.of(), false, ShortestPaths.NONE, classes);
  }

  /** Before the first byte. */
  Configuration start() {
    Closure closure = new Closure();
    closure.add(grammar.start(), null);
    return closure.configuration();
  }

  /** No document begins like this. */
  Configuration dead() {
    return dead;
  }

  /** After one more byte; dead where it does not fit. */
  Configuration next(Configuration configuration, byte b) {
    int byteClass = byteClasses[b & 0xFF];
    Configuration next = configuration.next[byteClass];
    if (next == null) {
      next = after(configuration, b & 0xFF);
      configuration.next[byteClass] = next;
    }
    return next;
  }

  /** How much was worked out so far, in positions. */
  long work() {
    return work;
  }

  /** The mask of a configuration, which those share that are alike as far as a token reaches. */
  TokenMask mask(Configuration configuration, Function<Configuration, TokenMask> make) {
    TokenMask mask = configuration.mask;
    if (mask == null) {
      MaskKey key = maskKey(configuration);
      mask = masks.get(key);
      if (mask == null) {
        mask = make.apply(configuration);
        maskBytes += mask.bytes();
        if (maskBytes > MAX_MASK_BYTES) {
          clear();
        }
        masks.put(key, mask);
      }
      configuration.mask = mask;
    }
    return mask;
  }

  private MaskKey maskKey(Configuration configuration) {
    Map<Position, Integer> costs = new HashMap<>();
    for (Position position : configuration.positions) {
      costs.merge(
          new Position(alike[position.state()], alike(position.below())),
          bytesToFinish(position) - configuration.bytesToFinish,
          Math::min);
    }
    return new MaskKey(costs, configuration.complete);
  }

  private @Nullable Frame alike(@Nullable Frame frame) {
    if (frame == null) {
      return null;
    }
    if (frame.alike == null) {
      frame.alike = frame(alike[frame.state], alike(frame.below));
    }
    return frame.alike;
  }

  private Frame frame(int state, @Nullable Frame below) {
    return frames.computeIfAbsent(
        new FrameKey(state, below), key -> new Frame(state, below, shortest));
  }

  /** Forgets what was kept; configurations that are in use stay valid. */
  private void clear() {
    frames.clear();
    kept.clear();
    masks.clear();
    maskBytes = 0;
  }

  private Configuration after(Configuration configuration, int b) {
    Closure closure = new Closure();
    for (Position position : configuration.positions) {
      for (Arc arc : grammar.arcs()[position.state()]) {
        if (arc instanceof Bytes bytes && bytes.low() <= b && b <= bytes.high()) {
          closure.add(bytes.to(), position.below());
        }
      }
    }
    return closure.configuration();
  }

  private int bytesToFinish(Position position) {
    return shortest.bytes(position.state()) + Frame.bytesToFinish(position.below());
  }

  /** Whether the shortest way on from a state exists, and is not too deep. */
  private boolean canFinish(int state, @Nullable Frame below) {
    return shortest.bytes(state) + Frame.bytesToFinish(below) < ShortestPaths.NONE
        && Frame.depth(below) + shortest.frames(state) <= MAX_DEPTH;
  }

  /** What can be reached without a byte. */
  private final class Closure {
    private final Set<Position> seen = new HashSet<>();
    private final Deque<Position> open = new ArrayDeque<>();
    private Set<Position> positions = new LinkedHashSet<>();
    private boolean complete;

    void add(int state, @Nullable Frame below) {
      push(state, below);
      while (!open.isEmpty()) {
        expand(open.pop());
      }
    }

    private void push(int state, @Nullable Frame below) {
      if (canFinish(state, below)) {
        Position position = new Position(state, below);
        if (seen.add(position)) {
          open.push(position);
        }
      }
    }

    private void expand(Position position) {
      work++;
      Frame below = position.below();
      if (grammar.ends()[position.state()]) {
        if (below == null) {
          complete = true;
        } else {
          push(below.state, below.below);
        }
        return;
      }
      for (Arc arc : grammar.arcs()[position.state()]) {
        switch (arc) {
          case Bytes _ -> positions.add(position);
          case Epsilon epsilon -> push(epsilon.to(), below);
          case Call call -> {
            if (grammar.ends()[call.to()]) { // nothing to come back for
              push(call.callee(), below);
            } else if (canFinish(call.to(), below)) {
              push(call.callee(), frame(call.to(), below));
            }
          }
        }
      }
    }

    Configuration configuration() {
      if (positions.isEmpty() && !complete) {
        return dead;
      }
      if (positions.size() > MAX_POSITIONS) {
        positions =
            positions.stream()
                .sorted(Comparator.comparingInt(Configurations.this::bytesToFinish))
                .limit(MAX_POSITIONS)
                .collect(Collectors.toCollection(LinkedHashSet::new));
      }
      if (kept.size() >= MAX_KEPT) {
        clear();
      }
      return kept.computeIfAbsent(
          new Key(positions, complete),
          key -> new Configuration(positions, complete, leastBytesToFinish(), classes));
    }

    private int leastBytesToFinish() {
      return complete
          ? 0
          : positions.stream().mapToInt(Configurations.this::bytesToFinish).min().orElseThrow();
    }
  }
}
