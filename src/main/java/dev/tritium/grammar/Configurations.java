package dev.tritium.grammar;

import dev.tritium.grammar.Configuration.Position;
import dev.tritium.grammar.Grammar.Arc;
import dev.tritium.grammar.Grammar.Bytes;
import dev.tritium.grammar.Grammar.Call;
import dev.tritium.grammar.Grammar.Epsilon;
import java.nio.LongBuffer;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The configurations of a grammar, made when they are first reached and then kept: a deterministic
 * automaton that grows with use, up to a bound.
 */
final class Configurations {
  /** Calls within calls: no parser of documents need go deeper. */
  static final int MAX_DEPTH = 200;

  /** More ways to read the same bytes are left out, those first that need the most bytes to end. */
  private static final int MAX_POSITIONS = 2_000;

  /** Memory that all of it may take, by estimate; then it is forgotten. */
  static final long MAX_BYTES = 16L << 20;

  private static final int CONFIGURATION_BYTES = 250;
  private static final int POSITION_BYTES = 100; // with its places in sets and maps, as the others
  private static final int FRAME_BYTES = 150;
  private static final int MASK_BYTES = 250;

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
  private final Map<Position, Frame> frames = new HashMap<>();
  private final Map<Key, Configuration> kept = new HashMap<>();
  private final Map<MaskKey, TokenMask> masks = new HashMap<>();
  private final Map<LongBuffer, long[]> tokenSets = new HashMap<>(); // of the masks, by content
  private final AtomicLong bytes = new AtomicLong(); // of these; any thread may read it
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

  /** What follows any byte is what follows one of these. */
  byte[] byteOfEachClass() {
    byte[] bytes = new byte[classes];
    for (int b = 255; b >= 0; b--) {
      bytes[byteClasses[b]] = (byte) b;
    }
    return bytes;
  }

  /** Memory of what is kept, by estimate; any thread may ask. */
  long bytes() {
    return bytes.get();
  }

  /** The mask of a configuration, which those share that are alike as far as a token reaches. */
  TokenMask mask(Configuration configuration, Function<Configuration, TokenMask> make) {
    TokenMask mask = configuration.mask;
    if (mask == null) {
      MaskKey key = maskKey(configuration);
      mask = masks.get(key);
      if (mask == null) {
        mask = interned(make.apply(configuration));
        masks.put(key, mask);
        took(MASK_BYTES + 8L * mask.costly().length + (long) POSITION_BYTES * key.costs.size());
      }
      configuration.mask = mask;
    }
    return mask;
  }

  /** Many masks have the same tokens, at other costs. */
  private TokenMask interned(TokenMask mask) {
    return new TokenMask(
        interned(mask.allowed()),
        interned(mask.finishing()),
        mask.costly(),
        mask.costs(),
        mask.highest());
  }

  private long[] interned(long[] tokens) {
    long[] known = tokenSets.putIfAbsent(LongBuffer.wrap(tokens), tokens);
    if (known != null) {
      return known;
    }
    took(MASK_BYTES + 8L * tokens.length);
    return tokens;
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
        new Position(state, below),
        key -> {
          bytes.addAndGet(FRAME_BYTES);
          return new Frame(state, below, shortest);
        });
  }

  private void took(long more) {
    if (bytes.addAndGet(more) > MAX_BYTES) {
      forget();
    }
  }

  /**
   * Forgets what was kept. Configurations in use stay valid, and are found out about anew: they do
   * not hold what followed them, which would hold everything.
   */
  private void forget() {
    kept.values().forEach(Configuration::forget);
    kept.clear();
    frames.clear();
    masks.clear();
    tokenSets.clear();
    bytes.set(0);
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
      Key key = new Key(positions, complete);
      Configuration known = kept.get(key);
      if (known != null) {
        return known;
      }
      Configuration made = new Configuration(positions, complete, leastBytesToFinish(), classes);
      took(CONFIGURATION_BYTES + 4L * classes + (long) POSITION_BYTES * positions.size());
      kept.put(key, made);
      return made;
    }

    private int leastBytesToFinish() {
      return complete
          ? 0
          : positions.stream().mapToInt(Configurations.this::bytesToFinish).min().orElseThrow();
    }
  }
}
