package dev.tritium.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.model.StateSnapshot;
import dev.tritium.scheduler.PrefixCache.Match;
import dev.tritium.testing.Seeded;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PrefixCacheTest {
  private static final int SIZE = 10_000; // bytes of a snapshot, much more than its node
  private static final long PLENTY = 1L << 40;

  private final PrefixCache cache = new PrefixCache(PLENTY);

  /** Counts its releases; it has no state. */
  private static final class Snapshot implements StateSnapshot {
    private final int tokenCount;
    private final long sizeBytes;
    private int releases;

    Snapshot(int tokenCount, long sizeBytes) {
      this.tokenCount = tokenCount;
      this.sizeBytes = sizeBytes;
    }

    @Override
    public long tokenCount() {
      return tokenCount;
    }

    @Override
    public long sizeBytes() {
      return sizeBytes;
    }

    @Override
    public byte[] toBytes() {
      throw new UnsupportedOperationException("no state here");
    }

    @Override
    public void release() {
      releases++;
    }
  }

  private static Snapshot put(PrefixCache cache, String salt, int... prefix) {
    Snapshot snapshot = new Snapshot(prefix.length, SIZE);
    cache.put(salt, prefix, prefix.length, snapshot);
    return snapshot;
  }

  private static int[] range(int from, int to) {
    return IntStream.range(from, to).toArray();
  }

  /** A cache with room for this many snapshots of short prefixes. */
  private static PrefixCache cacheOf(int snapshots) {
    return new PrefixCache((snapshots + 1) * (long) SIZE - 1);
  }

  @Test
  void theLongestStoredPrefixIsFound() {
    Snapshot two = put(cache, "", 1, 2);
    Snapshot four = put(cache, "", 1, 2, 3, 4);
    assertEquals(new Match(four, 4, 4), cache.match("", new int[] {1, 2, 3, 4, 5}, 5));
    assertEquals(new Match(two, 2, 3), cache.match("", new int[] {1, 2, 3, 5}, 4));
    assertEquals(new Match(null, 0, 1), cache.match("", new int[] {1, 3}, 2));
    assertEquals(new Match(null, 0, 0), cache.match("", new int[] {2, 1}, 2));
    assertEquals(new Match(null, 0, 0), cache.match("", new int[0], 0));
  }

  @Test
  void aSnapshotAtTheLimitCountsAndOneBehindItDoesNot() {
    Snapshot two = put(cache, "", 1, 2);
    put(cache, "", 1, 2, 3);
    int[] prompt = {1, 2, 3};
    assertEquals(new Match(two, 2, 2), cache.match("", prompt, 2));
    assertEquals(new Match(null, 0, 1), cache.match("", prompt, 1));
    assertEquals(new Match(null, 0, 0), cache.match("", prompt, 0));
  }

  @Test
  void prefixesThatPartInTheMiddleOfAnEdgeSplitIt() {
    Snapshot left = put(cache, "", 1, 2, 3, 4);
    Snapshot right = put(cache, "", 1, 2, 5);
    assertEquals(4, cache.nodes(), "a root, where they part, and two ends");
    assertEquals(new Match(null, 0, 2), cache.match("", new int[] {1, 2}, 2));
    Snapshot middle = put(cache, "", 1, 2);
    assertEquals(4, cache.nodes());
    assertEquals(new Match(left, 4, 4), cache.match("", new int[] {1, 2, 3, 4}, 4));
    assertEquals(new Match(right, 3, 3), cache.match("", new int[] {1, 2, 5, 4}, 4));
    assertEquals(new Match(middle, 2, 3), cache.match("", new int[] {1, 2, 3, 5}, 4));
  }

  @Test
  void saltsNeverShare() {
    Snapshot ours = put(cache, "a", 1, 2);
    assertEquals(new Match(null, 0, 0), cache.match("", new int[] {1, 2}, 2));
    assertEquals(new Match(null, 0, 0), cache.match("b", new int[] {1, 2}, 2));
    Snapshot theirs = put(cache, "b", 1, 2);
    assertSame(ours, cache.match("a", new int[] {1, 2}, 2).snapshot());
    assertSame(theirs, cache.match("b", new int[] {1, 2}, 2).snapshot());
  }

  @Test
  void theCallersArrayMayChangeAfterwards() {
    int[] reused = {1, 2, 3};
    cache.put("", reused, 2, new Snapshot(2, SIZE));
    reused[1] = 9;
    assertTrue(cache.contains("", new int[] {1, 2}, 2));
    assertFalse(cache.contains("", reused, 2));
  }

  @Test
  void aSecondSnapshotOfOnePrefixIsReleased() {
    Snapshot first = put(cache, "", 1, 2);
    Snapshot second = put(cache, "", 1, 2);
    assertEquals(0, first.releases);
    assertEquals(1, second.releases);
    assertEquals(1, cache.snapshots());
    assertSame(first, cache.match("", new int[] {1, 2}, 2).snapshot());
  }

  @Test
  void whatNeverFitsIsReleasedAtOnceAndDisplacesNothing() {
    PrefixCache small = cacheOf(1);
    Snapshot kept = put(small, "", 1);
    Snapshot large = new Snapshot(1, 2 * SIZE);
    small.put("", new int[] {2}, 1, large);
    assertEquals(1, large.releases);
    assertEquals(1, put(small, "", range(0, SIZE)).releases, "its tokens are too many");
    assertEquals(1, put(small, "s".repeat(SIZE), 1).releases, "its salt is too long");
    assertEquals(0, kept.releases);
    assertEquals(0, small.evictions());
  }

  @Test
  void whatFitsExactlyIsKept() {
    long exactly = SIZE + 2 * PrefixCache.NODE_BYTES + 3 * 4;
    PrefixCache enough = new PrefixCache(exactly);
    put(enough, "", 4, 5, 6);
    put(enough, "", 1, 2, 3);
    assertTrue(enough.contains("", new int[] {1, 2, 3}, 3));
    assertEquals(exactly, enough.bytes());
    PrefixCache tooSmall = new PrefixCache(exactly - 1);
    assertEquals(1, put(tooSmall, "", 1, 2, 3).releases);
  }

  @Test
  void aCacheOfNoBytesKeepsNothing() {
    PrefixCache none = new PrefixCache(0);
    assertEquals(1, put(none, "", 1, 2).releases);
    assertEquals(new Match(null, 0, 0), none.match("", new int[] {1, 2}, 2));
    assertEquals(0, none.nodes());
  }

  @Test
  void aSnapshotOfAnotherLengthIsAnError() {
    int[] tokens = {1, 2, 3};
    assertThrows(
        IllegalArgumentException.class, () -> cache.put("", tokens, 2, new Snapshot(3, SIZE)));
    assertThrows(
        IllegalArgumentException.class, () -> cache.put("", tokens, 0, new Snapshot(0, SIZE)));
    assertThrows(IllegalArgumentException.class, () -> new PrefixCache(-1));
  }

  @Test
  void theOneThatSavesMoreSurvives() {
    PrefixCache two = cacheOf(2);
    Snapshot saves100 = put(two, "", range(0, 100));
    Snapshot saves10 = put(two, "", range(500, 510));
    Snapshot saves50 = put(two, "", range(600, 650));
    assertEquals(List.of(0, 1, 0), releases(saves100, saves10, saves50));
  }

  @Test
  void theOneThatIsUsedSurvives() {
    PrefixCache two = cacheOf(2);
    Snapshot used = put(two, "", 1, 2);
    Snapshot unused = put(two, "", 3, 4, 5);
    two.match("", new int[] {1, 2}, 2);
    Snapshot latest = put(two, "", 5, 6, 7);
    assertEquals(List.of(0, 1, 0), releases(used, unused, latest));
  }

  @Test
  void toPutWhatIsThereIsAUse() {
    PrefixCache two = cacheOf(2);
    Snapshot putTwice = put(two, "", 1, 2);
    Snapshot putOnce = put(two, "", 3, 4, 5);
    put(two, "", 1, 2);
    Snapshot latest = put(two, "", 5, 6, 7);
    assertEquals(List.of(0, 1, 0), releases(putTwice, putOnce, latest));
  }

  @Test
  void oneThatComesBackStartsWithoutUses() {
    PrefixCache three = cacheOf(3);
    Snapshot branch = put(three, "", 1);
    for (int use = 0; use < 30; use++) {
      three.match("", new int[] {1}, 1);
    }
    Snapshot left = put(three, "", range(1, 51));
    Snapshot right = put(three, "", IntStream.range(1, 51).map(i -> i * i).toArray());
    Snapshot other = put(three, "", range(100, 150));
    assertEquals(1, branch.releases, "it saves 31 x 1 token, the others 1 x 49");
    Snapshot back = put(three, "", 1);
    assertEquals(List.of(1, 0, 0, 0), releases(back, left, right, other));
  }

  @Test
  void amongEqualsTheLeastRecentlyUsedGoes() {
    PrefixCache two = cacheOf(2);
    Snapshot first = put(two, "", 1, 2);
    Snapshot second = put(two, "", 3, 4);
    Snapshot third = put(two, "", 5, 6);
    assertEquals(List.of(1, 0, 0), releases(first, second, third));
  }

  @Test
  void onlyTheTokensSinceTheNextShorterSnapshotCount() {
    PrefixCache two = cacheOf(2);
    Snapshot saves100 = put(two, "", range(0, 100));
    Snapshot saves1More = put(two, "", range(0, 101));
    Snapshot saves10 = put(two, "", range(500, 510));
    assertEquals(List.of(0, 1, 0), releases(saves100, saves1More, saves10));
  }

  @Test
  void aSnapshotWhoseShorterOneWentIsWorthMore() {
    PrefixCache two = cacheOf(2);
    Snapshot shorter = put(two, "", range(0, 40));
    Snapshot longer = put(two, "", range(0, 90)); // saves 50 more, then 90
    Snapshot other = put(two, "", range(500, 560));
    assertEquals(List.of(1, 0, 0), releases(shorter, longer, other));
    Snapshot latest = put(two, "", range(600, 700));
    assertEquals(List.of(0, 1, 0), releases(longer, other, latest));
  }

  @Test
  void aLargeSnapshotGoesBeforeASmallOneThatSavesAsMuch() {
    PrefixCache some = new PrefixCache(3 * SIZE);
    Snapshot large = new Snapshot(2, 2 * SIZE);
    Snapshot small = put(some, "", 3, 4);
    some.put("", new int[] {1, 2}, 2, large);
    assertEquals(List.of(0, 1), releases(small, large));
  }

  @Test
  void anOldFavouriteGoesHoweverOftenItWasUsed() {
    PrefixCache two = cacheOf(2);
    Snapshot favourite = put(two, "", 1, 2);
    for (int use = 0; use < 100_000; use++) {
      two.match("", new int[] {1, 2}, 2);
    }
    int others = 0;
    while (favourite.releases == 0 && others < 1_000) {
      put(two, "", 10, others++);
    }
    assertTrue(others > 10, "it went before " + others + " others that nobody used");
    assertTrue(others < 100, "it stayed while " + others + " others came");
  }

  @Test
  void clearReleasesEverything() {
    List<Snapshot> all = List.of(put(cache, "a", 1, 2), put(cache, "a", 1), put(cache, "b", 1, 3));
    cache.clear();
    assertTrue(all.stream().allMatch(snapshot -> snapshot.releases == 1));
    assertEmpty(cache);
    assertEquals(0, cache.evictions());
    assertNull(cache.match("a", new int[] {1}, 1).snapshot());
    assertEquals(0, put(cache, "a", 1).releases, "it goes on afterwards");
  }

  @Test
  void saltsThatNobodyUsesAgainLeaveNothing() {
    PrefixCache few = cacheOf(4);
    for (int salt = 0; salt < 10_000; salt++) {
      put(few, "salt " + salt, 1, 2, 3);
      few.match("never stored " + salt, new int[] {1, 2}, 2);
    }
    assertEquals(2 * few.snapshots(), few.nodes(), "a root and an end for each that is left");
    few.clear();
    assertEmpty(few);
  }

  @Test
  void aPromptOf50000TokensMayHaveASnapshotAfterEachHundred() {
    int[] prompt = range(0, 50_000);
    for (int length = 100; length <= prompt.length; length += 100) {
      cache.put("", prompt, length, new Snapshot(length, SIZE));
    }
    assertEquals(50_000, cache.match("", prompt, prompt.length).depth());
    assertEquals(49_900, cache.match("", prompt, 49_999).depth());
    cache.clear();
    assertEmpty(cache);
  }

  @Test
  void aTreeWithABranchAtEachOf20000TokensStaysUsable() {
    int[] prompt = range(0, 20_000);
    for (int branch = prompt.length - 1; branch >= 0; branch--) {
      prompt[branch] = -1;
      put(cache, "", Arrays.copyOf(prompt, branch + 1));
      prompt[branch] = branch;
    }
    assertEquals(new Match(null, 0, 19_999), cache.match("", prompt, prompt.length));
    assertEquals(39_999, cache.nodes(), "the root, 19,998 branches and 20,000 ends");
    cache.clear();
    assertEmpty(cache);
  }

  @Test
  void aHundredThousandDifferentPromptsKeepToTheBound() {
    PrefixCache bounded = new PrefixCache(10_000_000);
    SplittableRandom random = new SplittableRandom(5);
    for (int i = 0; i < 100_000; i++) {
      int[] prompt = random.ints(20, 0, 32_000).toArray();
      bounded.put("", prompt, prompt.length, new Snapshot(prompt.length, 100));
      assertTrue(bounded.bytes() <= 10_000_000);
    }
    assertEquals(100_000, bounded.snapshots() + bounded.evictions());
    assertTrue(bounded.snapshots() > 10_000, "snapshots: " + bounded.snapshots());
  }

  /** Every answer and the exact size of the tree, against a list of the prefixes that are there. */
  @Test
  void itEqualsANaiveModelWhateverHappens() {
    Seeded.check(
        100,
        random -> {
          int room = random.nextInt(1, 20);
          long maxBytes = room * 1_000L;
          NaiveCache naive = new NaiveCache(new PrefixCache(maxBytes));
          for (int operation = 0; operation < 200; operation++) {
            String salt = "salt".substring(0, random.nextInt(3));
            int[] tokens = random.ints(random.nextInt(1, 9), 0, 3).toArray();
            int limit = random.nextInt(tokens.length + 1);
            switch (random.nextInt(20)) {
              case 0 -> naive.cache.clear();
              case 1, 2, 3, 4, 5, 6 -> naive.match(salt, tokens, limit);
              default -> naive.put(salt, tokens, Math.max(1, limit), random.nextInt(1, 2_000));
            }
            naive.check(maxBytes);
          }
          naive.cache.clear();
          naive.check(0);
          assertEmpty(naive.cache);
        });
  }

  /** What the cache should hold: for each salt the prefixes whose snapshots were not released. */
  private static final class NaiveCache {
    private final PrefixCache cache;
    private final List<Snapshot> all = new ArrayList<>();
    private final Map<String, Map<List<Integer>, Snapshot>> stored = new HashMap<>();

    NaiveCache(PrefixCache cache) {
      this.cache = cache;
    }

    private static List<Integer> prefix(int[] tokens, int length) {
      return Arrays.stream(tokens, 0, length).boxed().toList();
    }

    private Map<List<Integer>, Snapshot> prefixes(String salt) {
      Map<List<Integer>, Snapshot> prefixes = stored.computeIfAbsent(salt, any -> new HashMap<>());
      prefixes.values().removeIf(snapshot -> snapshot.releases > 0);
      return prefixes;
    }

    void match(String salt, int[] tokens, int limit) {
      int depth = limit;
      while (depth > 0 && !prefixes(salt).containsKey(prefix(tokens, depth))) {
        depth--;
      }
      int branch = limit;
      while (branch > 0 && !begins(salt, prefix(tokens, branch))) {
        branch--;
      }
      Snapshot expected = prefixes(salt).get(prefix(tokens, depth));
      assertEquals(new Match(expected, depth, branch), cache.match(salt, tokens, limit));
      for (int length = 1; length <= limit; length++) {
        assertEquals(
            prefixes(salt).containsKey(prefix(tokens, length)),
            cache.contains(salt, tokens, length));
      }
    }

    private boolean begins(String salt, List<Integer> prefix) {
      return prefixes(salt).keySet().stream()
          .anyMatch(p -> p.size() >= prefix.size() && p.subList(0, prefix.size()).equals(prefix));
    }

    void put(String salt, int[] tokens, int length, long sizeBytes) {
      Snapshot snapshot = new Snapshot(length, sizeBytes);
      all.add(snapshot);
      Snapshot before = prefixes(salt).get(prefix(tokens, length));
      cache.put(salt, tokens, length, snapshot);
      if (before == null) {
        prefixes(salt).put(prefix(tokens, length), snapshot);
      } else {
        assertEquals(1, snapshot.releases, "there was one");
      }
    }

    /** Compares sizes: of a naive tree with a node for each prefix of a stored one. */
    void check(long maxBytes) {
      int snapshots = 0;
      int nodes = 0;
      long bytes = 0;
      for (String salt : stored.keySet()) {
        Map<List<Integer>, Snapshot> prefixes = prefixes(salt);
        Map<List<Integer>, Set<Integer>> next = new HashMap<>(); // tokens after each prefix
        for (List<Integer> prefix : prefixes.keySet()) {
          for (int length = 0; length < prefix.size(); length++) {
            next.computeIfAbsent(prefix.subList(0, length), any -> new HashSet<>())
                .add(prefix.get(length));
          }
        }
        Set<List<Integer>> expected = new HashSet<>(prefixes.keySet());
        next.forEach(
            (prefix, tokens) -> {
              if (prefix.isEmpty() || tokens.size() > 1) {
                expected.add(prefix);
              }
            });
        snapshots += prefixes.size();
        nodes += expected.size();
        bytes += prefixes.values().stream().mapToLong(Snapshot::sizeBytes).sum();
        bytes += 4L * next.values().stream().mapToInt(Set::size).sum();
        bytes += prefixes.isEmpty() ? 0 : 2L * salt.length();
      }
      assertEquals(snapshots, cache.snapshots());
      assertEquals(nodes, cache.nodes());
      assertEquals(bytes + (long) nodes * PrefixCache.NODE_BYTES, cache.bytes());
      assertTrue(cache.bytes() <= maxBytes, () -> cache.bytes() + " of " + maxBytes);
      long held = all.stream().filter(snapshot -> snapshot.releases == 0).count();
      assertEquals(snapshots, held, "snapshots that were not released");
      assertTrue(all.stream().allMatch(snapshot -> snapshot.releases <= 1), "released twice");
    }
  }

  private static List<Integer> releases(Snapshot... snapshots) {
    return Arrays.stream(snapshots).map(snapshot -> snapshot.releases).toList();
  }

  private static void assertEmpty(PrefixCache cache) {
    assertEquals(0, cache.bytes());
    assertEquals(0, cache.snapshots());
    assertEquals(0, cache.nodes());
  }
}
