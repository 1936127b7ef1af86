package dev.tritium.grammar;

/**
 * The tokens that may follow a configuration, and what they cost.
 *
 * @param allowed bit set [vocabulary]
 * @param finishing bit set [vocabulary]: those after which the document is nearer to its end
 * @param costly those after which it is further from its end
 * @param costs [costly], the bytes to finish after each
 * @param highest of the costs, that of all other tokens included
 */
record TokenMask(long[] allowed, long[] finishing, int[] costly, int[] costs, int highest) {
  long bytes() {
    return 8L * (allowed.length + finishing.length + costly.length);
  }
}
