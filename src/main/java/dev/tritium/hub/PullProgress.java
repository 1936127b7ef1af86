package dev.tritium.hub;

import java.util.List;

/** Is told how a model comes from the hub, by the thread that asked for it. */
public interface PullProgress {
  /** Nobody. */
  PullProgress NONE =
      new PullProgress() {
        @Override
        public void begins(ModelId id, String commit, List<FileProgress> files) {}

        @Override
        public void ticks() {}

        @Override
        public void ends() {}
      };

  /**
   * Once, before the weights are loaded.
   *
   * @param files those that are not in the cache, whose numbers grow from now on; perhaps none
   */
  void begins(ModelId id, String commit, List<FileProgress> files);

  /** About five times a second until the end. */
  void ticks();

  /** When all files are there, or when it failed. */
  void ends();
}
