package dev.tritium.grammar;

/**
 * The tokens that may follow a configuration, and what they cost.
 *
 * @param allowed bit set [vocabulary]
 * @param finishing bit set [vocabulary]: those after which the document is nearer to its end
 * @param costly those after which it is further from its end
 * @param costs [costly], by how many bytes
 * @param highest of the costs, 0 if there are none
 */
record TokenMask(long[] allowed, long[] finishing, int[] costly, int[] costs, int highest) {}
