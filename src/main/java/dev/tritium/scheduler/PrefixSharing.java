package dev.tritium.scheduler;

import dev.tritium.engine.Sequence;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.model.Batch.Group;
import dev.tritium.scheduler.PrefixCache.Match;
import dev.tritium.scheduler.WaitingQueue.Waiting;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Sees to it that what prompts have in common is run once: which states are kept, and which prompt
 * waits for another one that is just running what it needs.
 */
final class PrefixSharing {
  private static final System.Logger LOG = System.getLogger(PrefixSharing.class.getName());

  /** A prompt waits for another one's prefill if that spares it so many tokens. */
  private static final int WORTH_WAITING_FOR = 16;

  private static final Match NOTHING = new Match(null, 0, 0);

  /** A prompt with a place, whose first {@code common} tokens another one is just running. */
  record Follower(Waiting prompt, Member leader, int common) {
    boolean mustWait() {
      return !leader.gone && leader.sequence.run() < common;
    }
  }

  private final PrefixCache cache;
  private final boolean enabled;
  private final int chunk;

  PrefixSharing(SchedulerLimits limits) {
    this.cache = new PrefixCache(limits.cacheBytes());
    this.enabled = limits.cacheBytes() > 0;
    this.chunk = limits.cacheChunk();
  }

  PrefixCache cache() {
    return cache;
  }

  /** Whether a prompt may go on from a kept state: not if every row's logits are wanted. */
  static boolean mayShare(SequenceRequest request) {
    return !request.logprobs().prompt();
  }

  /** What is known of a prompt, all but its last token, whose row draws. */
  Match match(SequenceRequest request) {
    int[] prompt = request.prompt();
    return mayShare(request)
        ? cache.match(request.cacheSalt(), prompt, prompt.length - 1)
        : NOTHING;
  }

  /**
   * Who just runs more of the prompt than is known, and more of it than others: it will keep the
   * state after what they have in common.
   *
   * @return null if the prompt should begin at once
   */
  @Nullable Follower follow(Waiting waiting, Match known, List<Member> running) {
    SequenceRequest request = waiting.request();
    if (!enabled || !mayShare(request)) {
      return null;
    }
    Follower best = null;
    int atLeast = known.depth() + WORTH_WAITING_FOR;
    for (int i = 0; i < running.size(); i++) {
      Member leader = running.get(i);
      if (leader.sequence.isPrefilling()
          && leader.request().cacheSalt().equals(request.cacheSalt())) {
        int common = common(leader.request().prompt(), request.prompt());
        if (common >= atLeast && common > leader.sequence.run()) {
          best = new Follower(waiting, leader, common);
          atLeast = common + 1;
        }
      }
    }
    if (best != null) {
      best.leader.keep.set(best.common);
    }
    return best;
  }

  /** How many first tokens are the same; never all of the second. */
  private static int common(int[] first, int[] second) {
    int length = Math.min(first.length, second.length - 1);
    int mismatch = Arrays.mismatch(first, 0, length, second, 0, length);
    return mismatch < 0 ? length : mismatch;
  }

  /** Lengths of prefixes of a prompt after which the state is to be kept. */
  BitSet lengthsToKeep(SequenceRequest request, Match known) {
    BitSet keep = new BitSet();
    if (enabled) {
      int last = request.prompt().length - 1;
      for (int length = chunk; length < last; length += chunk) {
        keep.set(length);
      }
      keep.set(known.branch()); // another prompt has gone that way: more may
      keep.set(last);
      keep.clear(0, known.depth() + 1);
    }
    return keep;
  }

  /** Keeps the states that a step has copied, before the sequence advances. */
  void keepSnapshots(Member member, Group group) {
    int[] rows = group.snapshotRows();
    for (int i = 0; i < rows.length; i++) {
      cache.put(
          member.request().cacheSalt(),
          member.sequence.tokens(),
          member.sequence.run() + rows[i] + 1,
          group.takeSnapshot(i));
    }
  }

  /** Keeps the state of a sequence that ends, for a prompt that goes on from there, if it can. */
  void keepState(Member member) {
    Sequence sequence = member.sequence;
    String salt = member.request().cacheSalt();
    int run = sequence.run();
    try {
      if (enabled && run > 0 && !cache.contains(salt, sequence.tokens(), run)) {
        cache.put(salt, sequence.tokens(), run, sequence.state().snapshot());
      }
    } catch (RuntimeException | Error e) { // out of memory: the answer is complete all the same
      LOG.log(System.Logger.Level.WARNING, "the state of a sequence that ended was not kept", e);
    }
  }
}
