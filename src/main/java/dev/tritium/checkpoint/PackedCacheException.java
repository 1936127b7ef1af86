package dev.tritium.checkpoint;

import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;

/**
 * A packed file that cannot be written: no permission, no space, a read-only disk. The model can
 * still be packed into memory; the message says what the user can do about it.
 */
public final class PackedCacheException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  PackedCacheException(Path path, Exception cause) {
    super(
        "cannot write %s: %s; set TRITIUM_CACHE to a folder that is writable and has space"
            .formatted(path, reason(cause)),
        cause);
  }

  private static String reason(Exception cause) {
    return switch (cause) {
      case AccessDeniedException _ -> "no permission";
      case FileSystemException e -> e.getReason() == null ? e.toString() : e.getReason();
      default -> String.valueOf(cause.getMessage()); // such as "No space left on device"
    };
  }
}
