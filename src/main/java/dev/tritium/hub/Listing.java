package dev.tritium.hub;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.checkpoint.Printable;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What the hub says a revision holds.
 *
 * @param commit the revision's hash
 * @param files those in the top folder whose names are plain, by name
 */
record Listing(String commit, Map<String, Entry> files) {
  /** What becomes part of a path here: no folders, nothing hidden, nothing to be escaped. */
  private static final Pattern PLAIN = Pattern.compile("\\w[\\w.-]{0,199}");

  /** What is said of a file; hubs other than Hugging Face's may leave both out. */
  record Entry(Optional<Long> bytes, Optional<String> hash) {}

  /**
   * Reads the answer to {@code /api/models/ID/revision/REV?blobs=true}.
   *
   * @throws HubException if it is none
   */
  static Listing parse(ModelId id, JsonNode answer) {
    String commit = answer.path("sha").asText();
    JsonNode siblings = answer.path("siblings");
    if (!ModelId.isCommit(commit) || !siblings.isArray()) {
      throw new HubException(
          "%s: the hub's answer has no commit and files, found %s: is HF_ENDPOINT a hub?"
              .formatted(id, Printable.of(answer.toString())));
    }
    Map<String, Entry> files = new LinkedHashMap<>();
    for (JsonNode sibling : siblings) {
      String name = sibling.path("rfilename").asText();
      if (isPlain(name)) {
        JsonNode lfs = sibling.path("lfs");
        files.put(
            name,
            new Entry(
                size(lfs.has("size") ? lfs.path("size") : sibling.path("size")),
                RemoteFile.hash(
                    (lfs.has("sha256") ? lfs.path("sha256") : sibling.path("blobId")).asText())));
      }
    }
    return new Listing(commit, files);
  }

  private static Optional<Long> size(JsonNode node) {
    return node.isIntegralNumber() && node.canConvertToLong() && node.longValue() >= 0
        ? Optional.of(node.longValue())
        : Optional.empty();
  }

  /** Whether a name is one of a file in the top folder, and safe as one here. */
  static boolean isPlain(String name) {
    return PLAIN.matcher(name).matches() && !name.contains("..");
  }
}
