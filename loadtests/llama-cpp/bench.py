"""Measures llama.cpp, the library in node-llama-cpp's npm package, on one model; stays loaded and idle between measurements.

Usage: bench.py LIBRARIES MODEL THREADS DECODE_TOKENS. Prints one line of JSON when ready and one for each line on standard input:
a prompt of 128 tokens from an empty context, then tokens one by one after it.

It calls the C library because node-llama-cpp starts new threads for every token. On 2 CPUs both of them sometimes begin on the
same one, and the token takes twice as long. Here the threads stay, as in llama.cpp's own benchmark.
"""

import ctypes
import json
import re
import statistics
import sys
import time
from ctypes import CFUNCTYPE, POINTER, Structure, c_bool, c_char_p, c_float, c_int32, c_size_t, c_uint32, c_void_p
from pathlib import Path

import numpy as np

PROMPT_TOKENS = 128
VOCABULARY = 32000
ERROR = 4  # GGML_LOG_LEVEL_ERROR


# The structs of llama.h and ggml.h that go by value, as of the version in `run`. Fields left at their defaults are lumped together.


class ModelParameters(Structure):
    _fields_ = [("pointers", c_void_p * 2), ("numbers", c_int32 * 5), ("more_pointers", c_void_p * 4), ("flags", c_bool * 6)]


class ContextParameters(Structure):
    _fields_ = [("n_ctx", c_uint32), ("n_batch", c_uint32), ("n_ubatch", c_uint32), ("sequences", c_uint32 * 4),
                ("n_threads", c_int32), ("n_threads_batch", c_int32), ("types", c_int32 * 5), ("rope", c_float * 6),
                ("rope_context", c_uint32), ("defragmentation", c_float), ("callback", c_void_p * 2),
                ("cache_types", c_int32 * 2), ("abort", c_void_p * 2), ("flags", c_bool * 6), ("samplers", c_void_p),
                ("n_samplers", c_size_t), ("other", c_void_p)]  # fmt: skip


class Batch(Structure):
    _fields_ = [("n_tokens", c_int32), ("arrays", c_void_p * 6)]


class ThreadpoolParameters(Structure):
    _fields_ = [("cpus", c_bool * 512), ("n_threads", c_int32), ("priority", c_int32), ("poll", c_uint32), ("flags", c_bool * 2)]


def function(library, name, result, *arguments):
    found = getattr(library, name)
    found.restype, found.argtypes = result, arguments
    return found


@CFUNCTYPE(None, c_int32, c_char_p, c_void_p)
def log(level, text, _):
    if level == ERROR:
        sys.stderr.write(text.decode())


class LlamaCpp:
    """One model and an empty context for one sequence."""

    def __init__(self, libraries, model, threads, context_tokens):
        llama = ctypes.CDLL(next(libraries.glob("libllama.v*.so")))
        ggml = ctypes.CDLL(next(libraries.glob("libggml.v*.so")))
        function(llama, "llama_log_set", None, c_void_p, c_void_p)(log, None)
        # Tries the libraries of all CPUs and keeps the best for this one.
        function(ggml, "ggml_backend_load_all_from_path", None, c_char_p)(bytes(libraries))
        [cpu_library] = set(re.findall(r"/\S*libggml-cpu\S*", Path("/proc/self/maps").read_text()))
        features = function(llama, "llama_print_system_info", c_char_p)().decode().strip()
        self.description = {"library": Path(cpu_library).name, "features": features}

        parameters = function(llama, "llama_model_default_params", ModelParameters)()
        load = function(llama, "llama_model_load_from_file", c_void_p, c_char_p, ModelParameters)
        loaded = load(bytes(model), parameters) or sys.exit(f"llama.cpp cannot load {model}")

        parameters = function(llama, "llama_context_default_params", ContextParameters)()
        parameters.n_ctx, parameters.n_batch, parameters.n_ubatch = context_tokens, PROMPT_TOKENS, PROMPT_TOKENS
        parameters.n_threads = parameters.n_threads_batch = threads
        create = function(llama, "llama_init_from_model", c_void_p, c_void_p, ContextParameters)
        self.context = create(loaded, parameters) or sys.exit("llama.cpp cannot make a context")

        cpu = ctypes.CDLL(cpu_library)
        parameters = function(ggml, "ggml_threadpool_params_default", ThreadpoolParameters, c_int32)(threads)
        create = function(cpu, "ggml_threadpool_new", c_void_p, POINTER(ThreadpoolParameters))
        attach = function(llama, "llama_attach_threadpool", None, c_void_p, c_void_p, c_void_p)
        attach(self.context, create(parameters), None)

        self.memory = function(llama, "llama_get_memory", c_void_p, c_void_p)(self.context)
        self.clear_memory = function(llama, "llama_memory_clear", None, c_void_p, c_bool)
        self.batch = function(llama, "llama_batch_get_one", Batch, c_void_p, c_int32)
        self.decode = function(llama, "llama_decode", c_int32, c_void_p, Batch)
        self.logits = function(llama, "llama_get_logits_ith", POINTER(c_float), c_void_p, c_int32)

    def clear(self):
        self.clear_memory(self.memory, False)

    def evaluate(self, tokens):
        """Appends tokens, an int32 array, and returns the most probable next one."""
        if self.decode(self.context, self.batch(tokens.ctypes.data, len(tokens))):
            sys.exit("llama.cpp cannot evaluate")
        return int(np.ctypeslib.as_array(self.logits(self.context, -1), (VOCABULARY,)).argmax())


def measure(llama, decode_tokens):
    """Returns tokens per second; of decoding, the median token's."""
    llama.clear()
    start = time.perf_counter()
    token = llama.evaluate(np.arange(1000, 1000 + PROMPT_TOKENS, dtype=np.int32))
    times = [time.perf_counter()]
    for _ in range(decode_tokens):
        token = llama.evaluate(np.array([token], np.int32))
        times.append(time.perf_counter())
    step = statistics.median(np.diff(times))
    return {"decode": {"tokens_per_second": 1 / step}, "prefill": {"tokens_per_second": PROMPT_TOKENS / (times[0] - start)}}


def main(libraries, model, threads, decode_tokens):
    decode_tokens = int(decode_tokens)
    llama = LlamaCpp(Path(libraries), Path(model), int(threads), PROMPT_TOKENS + decode_tokens)
    measure(llama, decode_tokens)  # reads the model from disk
    print(json.dumps(llama.description), flush=True)
    for _ in sys.stdin:
        print(json.dumps(measure(llama, decode_tokens)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
