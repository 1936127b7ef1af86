/** HTTP as OpenAI's clients speak it. */
@NullMarked
package dev.tritium.api.openai;

import org.jspecify.annotations.NullMarked;
