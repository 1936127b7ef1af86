package dev.tritium.hub;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;

/** What a failure of the disk means to a user. */
final class DiskFailure {
  private DiskFailure() {}

  /** An error that says what to do. */
  static HubException of(Object what, Path file, IOException failure) {
    String said = String.valueOf(failure.getMessage());
    String reason =
        switch (failure) {
          case AccessDeniedException _ ->
              "no permission to write it: set HF_HUB_CACHE to a folder of your own";
          case FileSystemException e when e.getReason() != null -> e.getReason();
          default ->
              said.startsWith("No space left")
                  ? "the disk is full: make room and pull again, which goes on where it stopped, or set HF_HUB_CACHE to a folder on another disk"
                  : said;
        };
    return new HubException("%s: %s: %s".formatted(what, file, reason), failure);
  }
}
