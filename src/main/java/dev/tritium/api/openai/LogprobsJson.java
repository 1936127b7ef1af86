package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tritium.engine.AnswerDelta.AnswerToken;
import dev.tritium.engine.TokenLogprob;
import dev.tritium.engine.TokenLogprob.Alternative;
import dev.tritium.tokenizer.IncrementalDecoder;
import dev.tritium.tokenizer.Tokenizer;
import java.util.List;
import java.util.Objects;

/** Log-probabilities in the two shapes of OpenAI's API. */
final class LogprobsJson {
  private LogprobsJson() {}

  /** The shape of completions: four lists that run side by side. */
  static final class Lists {
    private final Tokenizer tokenizer;
    private final ObjectNode json = Json.object();
    private final ArrayNode tokens = json.putArray("tokens");
    private final ArrayNode logprobs = json.putArray("token_logprobs");
    private final ArrayNode tops = json.putArray("top_logprobs");
    private final ArrayNode offsets = json.putArray("text_offset");

    Lists(Tokenizer tokenizer) {
      this.tokenizer = tokenizer;
    }

    /** Adds an echoed prompt; its first token has no log-probability. */
    void addPrompt(int[] ids, List<TokenLogprob> entries) {
      IncrementalDecoder decoder = IncrementalDecoder.start(tokenizer, new int[0]);
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < ids.length; i++) {
        if (i == 0) {
          tokens.add(tokenizer.pieceText(ids[0]));
          logprobs.addNull();
          tops.addNull();
          offsets.add(0);
        } else {
          add(entries.get(i - 1), decoder.length());
        }
        decoder.accept(ids[i], text);
      }
    }

    /** Adds tokens of the answer, whose text begins at {@code start}. */
    void addAnswer(List<AnswerToken> answer, int start) {
      for (AnswerToken token : answer) {
        add(Objects.requireNonNull(token.logprob()), start + token.textOffset());
      }
    }

    private void add(TokenLogprob entry, int offset) {
      tokens.add(tokenizer.pieceText(entry.id()));
      logprobs.add(entry.logprob());
      ObjectNode top = tops.addObject();
      for (Alternative alternative : entry.top()) {
        putGreater(top, alternative.id(), alternative.logprob());
      }
      putGreater(top, entry.id(), entry.logprob());
      offsets.add(offset);
    }

    /** Ids with equal text share an entry: the greater stays. */
    private void putGreater(ObjectNode top, int id, double logprob) {
      String text = tokenizer.pieceText(id);
      if (!top.has(text) || top.get(text).doubleValue() < logprob) {
        top.put(text, logprob);
      }
    }

    ObjectNode json() {
      return json;
    }
  }

  /** The shape of chat: one object for each token. */
  static ObjectNode chat(List<AnswerToken> answer, Tokenizer tokenizer) {
    ObjectNode json = Json.object();
    ArrayNode content = json.putArray("content");
    for (AnswerToken token : answer) {
      TokenLogprob entry = Objects.requireNonNull(token.logprob());
      ObjectNode item = content.addObject();
      put(item, entry.id(), entry.logprob(), tokenizer);
      ArrayNode top = item.putArray("top_logprobs");
      for (Alternative alternative : entry.top()) {
        put(top.addObject(), alternative.id(), alternative.logprob(), tokenizer);
      }
    }
    json.putNull("refusal");
    return json;
  }

  private static void put(ObjectNode item, int id, double logprob, Tokenizer tokenizer) {
    item.put("token", tokenizer.pieceText(id));
    item.put("logprob", logprob);
    ArrayNode bytes = item.putArray("bytes");
    for (byte b : tokenizer.pieceBytes(id)) {
      bytes.add(b & 0xff);
    }
  }
}
