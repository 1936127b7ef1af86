/** Load on a server that speaks OpenAI's completions, by Gatling; see README.md. */
@NullMarked
package dev.tritium.loadtests;

import org.jspecify.annotations.NullMarked;
