package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.engine.Vocabularies;
import dev.tritium.grammar.SchemaException;
import dev.tritium.grammar.TokenGrammar;
import dev.tritium.grammar.Vocabulary;
import dev.tritium.tokenizer.Tokenizer;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The grammars of one model. Those of the last schemas are kept: they know what was found out about
 * the vocabulary, and clients send the same schemas again.
 */
public final class Grammars {
  /** Memory of the kept ones, by estimate; those that answers still need come on top of it. */
  private static final long MAX_BYTES = 64L << 20;

  private static final String JSON_OBJECT = "";

  private final Supplier<Vocabulary> loader;
  private final long maxBytes;
  private @Nullable Vocabulary vocabulary;
  private final Map<String, Kept> kept = new LinkedHashMap<>(16, 0.75f, true);

  /** The grammars of a model whose rows have so many logits; read when they are first needed. */
  public Grammars(Tokenizer tokenizer, int vocabularySize, Set<Integer> eosIds) {
    this(() -> Vocabularies.of(tokenizer, vocabularySize, eosIds), MAX_BYTES);
  }

  Grammars(Supplier<Vocabulary> loader, long maxBytes) {
    this.loader = loader;
    this.maxBytes = maxBytes;
  }

  /** Any JSON object. */
  TokenGrammar jsonObject() {
    return grammar(JSON_OBJECT, TokenGrammar::ofJsonObject);
  }

  /**
   * What fits a JSON schema.
   *
   * @throws SchemaException naming what is wrong or not supported
   */
  TokenGrammar ofSchema(JsonNode schema) {
    return grammar(schema.toString(), tokens -> TokenGrammar.ofSchema(Json.plain(schema), tokens));
  }

  private TokenGrammar grammar(String key, Function<Vocabulary, TokenGrammar> compile) {
    Vocabulary tokens;
    Kept grammar;
    synchronized (kept) {
      if (vocabulary == null) {
        vocabulary = loader.get();
      }
      tokens = vocabulary;
      grammar = kept.computeIfAbsent(key, Kept::new);
      dropOldest();
    }
    try {
      return grammar.get(() -> compile.apply(tokens));
    } catch (SchemaException e) {
      synchronized (kept) {
        kept.remove(key, grammar);
      }
      throw e;
    }
  }

  /** Drops those whose last use is longest ago, until the others are within the bound. */
  private void dropOldest() {
    long bytes = 0;
    for (Kept grammar : kept.values()) {
      bytes += grammar.bytes();
    }
    Iterator<Kept> oldest = kept.values().iterator();
    while (bytes > maxBytes && oldest.hasNext()) { // they may change meanwhile
      bytes -= oldest.next().bytes();
      oldest.remove();
    }
  }

  /** A grammar that whoever comes first compiles, and those who come meanwhile wait for. */
  private static final class Kept {
    private final long keyBytes;
    private volatile @Nullable TokenGrammar grammar;

    Kept(String key) {
      this.keyBytes = 2L * key.length();
    }

    /**
     * The grammar, compiled if it is not there.
     *
     * @throws SchemaException as {@code compile} does
     */
    synchronized TokenGrammar get(Supplier<TokenGrammar> compile) {
      TokenGrammar known = grammar;
      if (known == null) {
        known = compile.get();
        grammar = known;
      }
      return known;
    }

    long bytes() {
      TokenGrammar known = grammar;
      return keyBytes + (known == null ? 0 : known.bytes());
    }
  }
}
