package dev.tritium.grammar;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A grammar over the tokens of a vocabulary. What it finds out about them is kept, so that the same
 * place in a document costs one look the second time. To compile and to look ahead is for any
 * thread; all constraints of a grammar belong to one thread.
 */
public final class TokenGrammar {
  /** A mask may cost so much; then longer tokens are left out, so that other sequences go on. */
  private static final long MAX_WORK = 200_000; // positions

  private static final long AHEAD_NANOS = 50_000_000;

  private static final int STATE_BYTES = 100;

  private final Vocabulary vocabulary;
  private final long grammarBytes;
  private final Configurations configurations;
  private final Configuration start;
  private final Configuration[] path; // [depth of the trie + 1], during a walk
  private int[] costly = new int[64];
  private int[] costs = new int[64];
  private int walks;
  private boolean begun; // guarded by this

  TokenGrammar(Grammar grammar, Vocabulary vocabulary) {
    this.vocabulary = vocabulary;
    this.grammarBytes = (long) STATE_BYTES * grammar.ends().length;
    this.configurations = new Configurations(grammar, vocabulary);
    this.start = configurations.start();
    this.path = new Configuration[vocabulary.trie().depth + 1];
    Arrays.fill(path, configurations.dead());
    if (start.isDead()) {
      throw new SchemaException(
          "no document fits the schema, or none that this model's tokens can write at a depth of"
              + " at most "
              + Configurations.MAX_DEPTH);
    }
  }

  /** The documents that fit a JSON schema. */
  public static TokenGrammar ofSchema(Object schema, Vocabulary vocabulary) {
    return new TokenGrammar(SchemaCompiler.compile(schema), vocabulary);
  }

  /** Any JSON object. */
  public static TokenGrammar ofJsonObject(Vocabulary vocabulary) {
    return new TokenGrammar(JsonRules.objects(), vocabulary);
  }

  /**
   * Finds out about the places nearest to the beginning of a document, so that the thread of the
   * constraints need not: for 50 ms at most, and before the first constraint, else nothing is done.
   * All places where documents often are can be found in that time, unless the schema is large or
   * nests without end.
   */
  public synchronized void lookAhead() {
    if (!begun) {
      begun = true;
      lookAhead(AHEAD_NANOS);
    }
  }

  void lookAhead(long nanos) {
    long began = System.nanoTime();
    Set<Configuration> seen = new HashSet<>(Set.of(start));
    Deque<Configuration> open = new ArrayDeque<>(seen);
    while (!open.isEmpty()
        && configurations.bytes() < Configurations.MAX_BYTES / 2 // documents find more
        && System.nanoTime() - began < nanos) {
      Configuration at = open.remove();
      var _ = mask(at);
      for (Configuration next : likelyNext(at)) {
        if (seen.add(next)) {
          open.add(next);
        }
      }
    }
  }

  /** Without escapes and the beginnings of longer characters, unless one must come: few tokens. */
  private List<Configuration> likelyNext(Configuration at) {
    List<Configuration> likely = new ArrayList<>();
    List<Configuration> rare = new ArrayList<>();
    for (byte b : configurations.byteOfEachClass()) {
      Configuration next = configurations.next(at, b);
      if (!next.isDead()) {
        (b == '\\' || b < 0 ? rare : likely).add(next);
      }
    }
    return likely.isEmpty() ? rare : likely;
  }

  /** A constraint before the first token of a document. */
  public synchronized Constraint newConstraint() {
    begun = true;
    return new Constraint(this, start);
  }

  /** Memory that is in use, by estimate; any thread may ask. */
  public long bytes() {
    return grammarBytes + configurations.bytes();
  }

  /** Tokens that are always enough for a document: the bytes of the shortest. */
  public int tokensOfShortest() {
    return start.bytesToFinish;
  }

  /** After one more token; dead where it does not fit. */
  Configuration next(Configuration configuration, int token) {
    byte[] piece = vocabulary.piece(token);
    Configuration next = piece.length == 0 ? configurations.dead() : configuration;
    for (byte b : piece) {
      next = configurations.next(next, b);
    }
    return next;
  }

  boolean isEnd(int token) {
    for (int end : vocabulary.endTokens()) {
      if (end == token) {
        return true;
      }
    }
    return false;
  }

  /** Whether the document ends here: nothing can follow, or no token would say that it ends. */
  boolean isFinished(Configuration configuration) {
    return configuration.complete
        && (configuration.positions.isEmpty() || vocabulary.endTokens().length == 0);
  }

  TokenMask mask(Configuration configuration) {
    return configurations.mask(configuration, this::walk);
  }

  /** Follows all tokens at once. */
  private TokenMask walk(Configuration configuration) {
    TokenTrie trie = vocabulary.trie();
    long[] allowed = new long[Math.ceilDiv(vocabulary.size(), Long.SIZE)];
    long[] finishing = new long[allowed.length];
    int count = 0;
    path[0] = configuration;
    int node = 0;
    int walk = ++walks;
    long work = 0; // the same whatever is known already
    while (node < trie.size) {
      int level = trie.level[node];
      if (level > 0 && work > MAX_WORK) {
        node = trie.end[node];
        continue;
      }
      Configuration next = configurations.next(path[level], trie.label[node]);
      if (next.isDead()) {
        node = trie.end[node];
        continue;
      }
      if (next.walk != walk) {
        next.walk = walk;
        work += next.positions.size();
      }
      path[level + 1] = next;
      int more = next.bytesToFinish - configuration.bytesToFinish;
      for (int token = trie.token[node]; token >= 0; token = trie.same[token]) {
        allowed[token >> 6] |= 1L << token;
        if (more < 0) {
          finishing[token >> 6] |= 1L << token;
        } else if (more > 0) {
          if (count == costly.length) {
            costly = Arrays.copyOf(costly, 2 * count);
            costs = Arrays.copyOf(costs, 2 * count);
          }
          costly[count] = token;
          costs[count++] = more;
        }
      }
      node++;
    }
    if (configuration.complete) {
      for (int token : vocabulary.endTokens()) {
        allowed[token >> 6] |= 1L << token;
      }
    }
    Arrays.fill(path, configurations.dead());
    return new TokenMask(
        allowed,
        finishing,
        Arrays.copyOf(costly, count),
        Arrays.copyOf(costs, count),
        Arrays.stream(costs, 0, count).max().orElse(0));
  }
}
