/** Text to token ids and back: Hugging Face tokenizers, incremental decoding, chat templates. */
@NullMarked
package dev.tritium.tokenizer;

import org.jspecify.annotations.NullMarked;
