package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.engine.Vocabularies;
import dev.tritium.grammar.SchemaException;
import dev.tritium.grammar.TokenGrammar;
import dev.tritium.grammar.Vocabulary;
import dev.tritium.tokenizer.Tokenizer;
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
  private static final int KEPT = 8;
  private static final String JSON_OBJECT = "";

  private final Supplier<Vocabulary> loader;
  private @Nullable Vocabulary vocabulary;
  private final Map<String, TokenGrammar> kept = new LinkedHashMap<>(16, 0.75f, true);

  /** The grammars of a model whose rows have so many logits; read when they are first needed. */
  public Grammars(Tokenizer tokenizer, int vocabularySize, Set<Integer> eosIds) {
    this.loader = () -> Vocabularies.of(tokenizer, vocabularySize, eosIds);
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
    synchronized (kept) {
      if (vocabulary == null) {
        vocabulary = loader.get();
      }
      tokens = vocabulary;
      TokenGrammar known = kept.get(key);
      if (known != null) {
        return known;
      }
    }
    TokenGrammar grammar = compile.apply(tokens); // may take a while
    synchronized (kept) {
      kept.put(key, grammar);
      if (kept.size() > KEPT) {
        kept.remove(kept.keySet().iterator().next());
      }
    }
    return grammar;
  }
}
