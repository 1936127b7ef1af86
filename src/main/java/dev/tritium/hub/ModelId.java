package dev.tritium.hub;

import dev.tritium.checkpoint.Printable;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A model on the hub and which revision of it is meant: {@code owner/name}, perhaps followed by
 * {@code @} and a branch, tag or commit.
 *
 * <p>Whatever an id holds is safe as part of a path and of an address.
 */
public record ModelId(String owner, String name, String revision) {
  static final String MAIN = "main";

  private static final String FOLDER_PREFIX = "models--";
  private static final String SEPARATOR = "--"; // in no name, so folders can be read back
  private static final Pattern PART = Pattern.compile("\\w([\\w.-]{0,94}\\w)?");
  private static final Pattern REVISION = Pattern.compile("\\w[\\w.+-]*(/\\w[\\w.+-]*)*");
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
  private static final int MAX_REVISION_CHARS = 200;

  public ModelId {
    if (!isPart(owner) || !isPart(name) || !isRevision(revision)) {
      throw new IllegalArgumentException("not an id: " + owner + "/" + name + "@" + revision);
    }
  }

  /** The id that a text is, or nothing. */
  public static Optional<ModelId> parse(String text) {
    int at = text.indexOf('@');
    String[] parts = (at < 0 ? text : text.substring(0, at)).split("/", -1);
    String revision = at < 0 ? MAIN : text.substring(at + 1);
    return parts.length == 2 && isPart(parts[0]) && isPart(parts[1]) && isRevision(revision)
        ? Optional.of(new ModelId(parts[0], parts[1], revision))
        : Optional.empty();
  }

  /**
   * The id that a text is.
   *
   * @throws HubException if it is none
   */
  public static ModelId require(String text) {
    return parse(text)
        .orElseThrow(
            () ->
                new HubException(
                    "'%s' is not the id of a model on the hub: expected OWNER/NAME or OWNER/NAME@REVISION, such as ridger/MMfreeLM-370M"
                        .formatted(Printable.of(text))));
  }

  /** The id whose files lie in a folder of the cache, with the revision {@code main}. */
  static Optional<ModelId> ofFolder(String folderName) {
    return folderName.startsWith(FOLDER_PREFIX)
        ? parse(folderName.substring(FOLDER_PREFIX.length()).replace(SEPARATOR, "/"))
        : Optional.empty();
  }

  /** The model that a snapshot in the cache is one of; nothing for any other folder. */
  public static Optional<ModelId> ofSnapshot(Path folder) {
    Path path = folder.toAbsolutePath().normalize();
    Path snapshots = path.getParent();
    Path model = snapshots == null ? null : snapshots.getParent();
    return snapshots != null
            && model != null
            && isCommit(String.valueOf(path.getFileName()))
            && snapshots.endsWith(HubCache.SNAPSHOTS)
        ? ofFolder(String.valueOf(model.getFileName()))
        : Optional.empty();
  }

  private static boolean isPart(String text) {
    return PART.matcher(text).matches()
        && !text.contains(SEPARATOR)
        && !text.contains("..")
        && !text.endsWith(".git");
  }

  /** A narrow choice of git's names: no part begins with a dot, none leads to a parent folder. */
  private static boolean isRevision(String text) {
    return text.length() <= MAX_REVISION_CHARS
        && REVISION.matcher(text).matches()
        && !text.contains("..")
        && !text.endsWith(".lock");
  }

  /** Whether a text is a whole commit hash, the name of a snapshot. */
  static boolean isCommit(@Nullable String text) {
    return text != null && COMMIT.matcher(text).matches();
  }

  /** {@code owner/name}. */
  public String repository() {
    return owner + "/" + name;
  }

  /** The folder of the cache that holds this model. */
  String folderName() {
    return FOLDER_PREFIX + owner + SEPARATOR + name;
  }

  /** The revision as one segment of an address. */
  String quotedRevision() {
    return revision.replace("+", "%2B").replace("/", "%2F");
  }

  @Override
  public String toString() {
    return revision.equals(MAIN) ? repository() : repository() + "@" + revision;
  }
}
