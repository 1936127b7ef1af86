package dev.tritium.api.openai;

import dev.tritium.engine.Sampling;
import dev.tritium.scheduler.Scheduler;
import dev.tritium.tokenizer.ChatTemplate;
import dev.tritium.tokenizer.Tokenizer;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A model that answers requests.
 *
 * @param id the name clients use
 * @param vocabularySize token ids are below it
 * @param eosIds token ids that end a text
 * @param grammars what answers must be, over the model's tokens
 * @param chatTemplate null for a base model without one
 * @param maxModelTokens prompt and answer together
 * @param chatMaxTokens tokens of a chat answer that sets no limit
 * @param defaults the sampling of a request that sets nothing; its seed does not matter
 * @param energy what the joules in {@code usage} rest on; null: there are none
 */
public record ServedModel(
    String id,
    int vocabularySize,
    Set<Integer> eosIds,
    Tokenizer tokenizer,
    Grammars grammars,
    @Nullable ChatTemplate chatTemplate,
    Scheduler scheduler,
    int maxModelTokens,
    int chatMaxTokens,
    Sampling defaults,
    @Nullable EnergyLabel energy) {}
