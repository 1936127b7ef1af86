"""Writes a GGUF file for llama.cpp: LLaMA layers with exactly the ternary matrices of a MatMul-free model, random weights.

Usage: make_model.py SHAPE TYPE FILE, for example: make_model.py 2.7b TQ2_0 model.gguf
"""

import sys

import gguf
import numpy as np

VOCABULARY = 32000
HEAD = 128  # columns of an attention head
CONTEXT = 512  # tokens
SHAPES = {  # hidden size, layers, intermediate size
    "370m": (1024, 24, 2816),
    "1.3b": (2048, 24, 5632),
    "2.7b": (2560, 32, 6912),
}


def matrices(hidden, layers, intermediate):
    """Yields the name, rows and columns of each ternary matrix: i, f, g, o of the HGRN layer stand as q, k, v, output."""
    for layer in range(layers):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            yield f"blk.{layer}.{name}.weight", hidden, hidden
        yield f"blk.{layer}.ffn_gate.weight", intermediate, hidden
        yield f"blk.{layer}.ffn_up.weight", intermediate, hidden
        yield f"blk.{layer}.ffn_down.weight", hidden, intermediate
    yield "output.weight", VOCABULARY, hidden


def main(shape, type_name, file):
    hidden, layers, intermediate = SHAPES[shape]
    ternary = gguf.GGMLQuantizationType[type_name]
    random = np.random.default_rng(1)

    writer = gguf.GGUFWriter(file, "llama")
    writer.add_vocab_size(VOCABULARY)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(hidden)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(intermediate)
    writer.add_head_count(hidden // HEAD)
    writer.add_head_count_kv(hidden // HEAD)
    writer.add_rope_dimension_count(HEAD)
    writer.add_layer_norm_rms_eps(1e-6)
    # The benchmark feeds token ids, but llama.cpp wants a tokenizer: LLaMA's special and byte tokens, then dummies.
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    types = [gguf.TokenType.UNKNOWN] + [gguf.TokenType.CONTROL] * 2 + [gguf.TokenType.BYTE] * 256
    dummies = VOCABULARY - len(tokens)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens + [f"t{dummy}" for dummy in range(dummies)])
    writer.add_token_scores([0.0] * VOCABULARY)
    writer.add_token_types(types + [gguf.TokenType.NORMAL] * dummies)

    embeddings = random.standard_normal((VOCABULARY, hidden), np.float32)
    writer.add_tensor("token_embd.weight", embeddings.astype(np.float16))
    ones = np.ones(hidden, np.float32)
    writer.add_tensor("output_norm.weight", ones)
    for layer in range(layers):
        writer.add_tensor(f"blk.{layer}.attn_norm.weight", ones)
        writer.add_tensor(f"blk.{layer}.ffn_norm.weight", ones)

    # Packing every weight would take minutes: the matrices draw from 65,536 random blocks.
    columns, _ = gguf.GGML_QUANT_SIZES[ternary]
    trits = random.integers(-1, 2, (1 << 16, columns)).astype(np.float32)
    blocks = gguf.quants.quantize(trits / np.sqrt(np.float32(hidden)), ternary)
    for name, rows, width in matrices(hidden, layers, intermediate):
        drawn = blocks[random.integers(len(blocks), size=rows * width // columns)]
        writer.add_tensor(name, drawn.reshape(rows, -1), raw_dtype=ternary)

    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
