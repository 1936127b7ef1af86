package dev.tritium.hub;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.checkpoint.Printable;
import dev.tritium.checkpoint.StrictJson;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Which files of a model are needed to run it, here and in Hugging Face's Python libraries; never
 * pickles and never code.
 */
final class NeededFiles {
  static final String CONFIG = "config.json";
  static final String INDEX = "model.safetensors.index.json";

  private static final String TOKENIZER = "tokenizer.json";
  private static final String WEIGHTS = "model.safetensors";

  /** Small, and taken where they are. */
  private static final List<String> OPTIONAL =
      List.of(
          "generation_config.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "added_tokens.json",
          "chat_template.jinja",
          "chat_template.json",
          "tokenizer.model",
          "vocab.json",
          "merges.txt");

  private NeededFiles() {}

  /** Whether the weights are in the shards that an index names: as in ModelFolder. */
  static boolean isSharded(Collection<String> names) {
    return !names.contains(WEIGHTS) && names.contains(INDEX);
  }

  /**
   * The needed ones of {@code names}.
   *
   * @param shards those of the index, if the weights are sharded
   */
  static Set<String> of(Collection<String> names, Set<String> shards) {
    Set<String> needed = new TreeSet<>(OPTIONAL);
    needed.retainAll(names);
    needed.add(CONFIG);
    needed.add(TOKENIZER);
    if (isSharded(names)) {
      needed.add(INDEX);
      needed.addAll(shards);
    } else {
      needed.add(WEIGHTS);
    }
    return needed;
  }

  /**
   * Checks that a model has what it cannot do without.
   *
   * @throws HubException that says what it lacks
   */
  static void require(ModelId id, Collection<String> names) {
    if (!names.contains(WEIGHTS) && !names.contains(INDEX)) {
      List<String> pickles = names.stream().filter(NeededFiles::isPickle).sorted().toList();
      throw new HubException(
          pickles.isEmpty()
              ? "%s has neither %s nor %s".formatted(id, WEIGHTS, INDEX)
              : "%s has its weights only as Python pickles (%s), which can run code and are not read: look for a copy or a pull request of it with safetensors (%s@refs/pr/1), or convert them where you trust them"
                  .formatted(id, String.join(", ", pickles), id.repository()));
    }
    for (String name : List.of(CONFIG, TOKENIZER)) {
      if (!names.contains(name)) {
        throw new HubException("%s has no %s, which is needed to run it".formatted(id, name));
      }
    }
  }

  private static boolean isPickle(String name) {
    return name.matches(".*\\.(bin|pt|pth|ckpt|pkl)");
  }

  /**
   * The shards that an index names.
   *
   * @throws HubException if it names something else than safetensors files beside it
   */
  static Set<String> shards(ModelId id, byte[] index) {
    JsonNode map = StrictJson.object(id + ": " + INDEX, index).path("weight_map");
    Set<String> shards =
        map.properties().stream()
            .map(entry -> entry.getValue().asText())
            .collect(Collectors.toCollection(TreeSet::new));
    if (shards.isEmpty()) {
      throw new HubException("%s: %s has no weight_map".formatted(id, INDEX));
    }
    for (String shard : shards) {
      if (!Listing.isPlain(shard) || !shard.endsWith(".safetensors")) {
        throw new HubException(
            "%s: %s names '%s' where a safetensors file is expected"
                .formatted(id, INDEX, Printable.of(shard)));
      }
    }
    return shards;
  }
}
