"""llama.cpp as one small object: tokens in, logits out, its KV cache trimmed, saved and restored.

The only module that touches the native library's functions.
"""

from __future__ import annotations

import ctypes
import functools
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelDamaged, ModelError
from rag.llm.tokenizer import native_library

_SEQUENCE = 0
_STOPPED = 2
"""What llama.cpp returns for a computation that its abort callback ended."""
_POLL_SECONDS = 0.02
CACHE_TYPES = {"F16": 1, "BF16": 30}
"""Number formats of the KV cache, with ggml's number for each."""


class Engine:
    """One model with one context, one sequence in it; not thread-safe.

    `flash_attention`, `micro_batch` (tokens computed at once) and `cache_type` (one of
    `CACHE_TYPES`) change speed, and results by rounding only. `context_tokens` is capped at what the
    model was trained for.
    """

    def __init__(
        self,
        path: Path,
        *,
        context_tokens: int,
        threads: int,
        flash_attention: bool = False,
        micro_batch: int = 512,
        cache_type: str = "F16",
    ) -> None:
        self.native = native_library()
        self.model = self._load(path)
        self.vocabulary = self.native.llama_model_get_vocab(self.model)
        self.vocabulary_size = self.native.llama_vocab_n_tokens(self.vocabulary)
        self.parameters = self.native.llama_model_n_params(self.model)
        settings = self.native.llama_context_default_params()
        settings.n_ctx = min(context_tokens, self.native.llama_model_n_ctx_train(self.model))
        settings.n_batch = settings.n_ubatch = micro_batch
        settings.n_threads = settings.n_threads_batch = threads
        settings.flash_attn_type = int(flash_attention)
        settings.type_k = settings.type_v = CACHE_TYPES[cache_type]
        settings.no_perf = True
        self.context = self.native.llama_init_from_model(self.model, settings)
        if not self.context:
            self.native.llama_model_free(self.model)
            raise ModelError(f"{path.name} needs more memory than there is for {context_tokens} tokens.")
        self.context_tokens: int = self.native.llama_n_ctx(self.context)
        self.micro_batch = micro_batch
        self._memory = self.native.llama_get_memory(self.context)
        self._stop = self._stop_flag()
        self._batch = self.native.llama_batch_init(micro_batch, 0, 1)
        self._piece = ctypes.create_string_buffer(512)

    def _load(self, path: Path) -> Any:
        settings = self.native.llama_model_default_params()
        model = self.native.llama_model_load_from_file(str(path).encode(), settings)
        if not model:
            raise ModelDamaged(f"llama.cpp cannot load {path}: the file is damaged or of an unknown kind.")
        return model

    def _stop_flag(self) -> Any:
        """Two bytes that llama.cpp looks at between the steps of a computation: it ends once they hold text.

        It asks a function a thousand times a batch. `strlen` of the flag needs no Python: a callback of ours
        would wait for the interpreter each time, 5 ms when another thread is busy.
        """
        flag = ctypes.create_string_buffer(2)
        library = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
        self._ask_stop = ctypes.cast(library.strlen, self.native.ggml_abort_callback)
        self.native.llama_set_abort_callback(self.context, self._ask_stop, ctypes.cast(flag, ctypes.c_void_p))
        return flag

    @contextmanager
    def heeding(self, cancelled: Callable[[], bool]) -> Iterator[None]:
        """Inside the block, `decode` ends as soon as `cancelled`, asked in a thread of its own, says so."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(_POLL_SECONDS):
                if cancelled():
                    self._stop[0] = b"!"
                    return

        watching = threading.Thread(target=watch, name="footnote-stop", daemon=True)
        watching.start()
        try:
            yield
        finally:
            over.set()
            watching.join()
            self._stop[0] = b"\0"

    def decode(self, tokens: Sequence[int], *, start: int) -> bool:
        """Computes at most `micro_batch` tokens at positions from `start`; logits are of the last one.

        False when it was stopped midway: the cache then holds a part of them that has to be trimmed.
        """
        return self._compute(tokens, start=start, every_logit=False)

    def predict(self, tokens: Sequence[int], *, start: int) -> list[int]:
        """Computes the tokens as `decode` does; the likeliest next token after each of them."""
        self._compute(tokens, start=start, every_logit=True)
        return [int(self._logits_at(index).argmax()) for index in range(len(tokens))]

    def _compute(self, tokens: Sequence[int], *, start: int, every_logit: bool) -> bool:
        batch = self._batch
        batch.n_tokens = len(tokens)
        for index, token in enumerate(tokens):
            batch.token[index] = token
            batch.pos[index] = start + index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = _SEQUENCE
            batch.logits[index] = every_logit
        batch.logits[len(tokens) - 1] = True
        code = self.native.llama_decode(self.context, batch)
        if code not in (0, _STOPPED):
            raise ModelError(f"llama.cpp could not compute {len(tokens)} tokens at {start} (code {code}).")
        return bool(code != _STOPPED)

    def _logits_at(self, index: int) -> NDArray[np.float32]:
        pointer = self.native.llama_get_logits_ith(self.context, index)
        return np.ctypeslib.as_array(pointer, shape=(self.vocabulary_size,))

    def logits(self) -> NDArray[np.float32]:
        """Logits after the last token decoded, shape (vocabulary_size,), a copy."""
        return self._logits_at(-1).copy()

    def trim(self, count: int) -> int:
        """Keeps the first `count` positions of the cache; how many are kept.

        Recurrent models (Mamba, and hybrids with it) cannot forget a part: they keep none.
        """
        if self.native.llama_memory_seq_rm(self._memory, _SEQUENCE, count, -1):
            return count
        self.clear()
        return 0

    def clear(self) -> None:
        """Empties the KV cache."""
        self.native.llama_memory_clear(self._memory, True)

    def save(self, path: Path, tokens: Sequence[int]) -> int:
        """Writes the KV cache and the tokens it holds; bytes written, 0 when it failed."""
        array = (ctypes.c_int32 * len(tokens))(*tokens)
        return int(
            self.native.llama_state_seq_save_file(
                self.context, str(path).encode(), _SEQUENCE, array, len(tokens)
            )
        )

    def restore(self, path: Path) -> list[int]:
        """Replaces the KV cache by a saved one; the tokens it holds, none when it does not fit."""
        array = (ctypes.c_int32 * self.context_tokens)()
        count = ctypes.c_size_t(0)
        self.clear()
        read = self.native.llama_state_seq_load_file(
            self.context, str(path).encode(), _SEQUENCE, array, self.context_tokens, ctypes.byref(count)
        )
        if not read:
            self.clear()
            return []
        return list(array[: count.value])

    def piece(self, token: int) -> bytes:
        """The bytes a token stands for; control tokens give none."""
        length = self.native.llama_token_to_piece(
            self.vocabulary, token, self._piece, len(self._piece), 0, False
        )
        return self._piece.raw[: max(length, 0)]

    def is_end(self, token: int) -> bool:
        """Whether the token ends an answer."""
        return bool(self.native.llama_vocab_is_eog(self.vocabulary, token))

    @functools.cached_property
    def end_tokens(self) -> list[int]:
        """The tokens that end an answer."""
        return [token for token in range(self.vocabulary_size) if self.is_end(token)]

    @property
    def first_token(self) -> int | None:
        """The token every prompt has to begin with, where the model wants one."""
        if not self.native.llama_vocab_get_add_bos(self.vocabulary):
            return None
        return int(self.native.llama_vocab_bos(self.vocabulary))

    def sampler(self, *, temperature: float, seed: int) -> Sampler:
        """Chooses tokens: the likeliest one at temperature 0, else drawn with the seed."""
        return Sampler(self, temperature=temperature, seed=seed)

    def close(self) -> None:
        """Frees the native memory; a second call does nothing."""
        if self.context:
            self.native.llama_batch_free(self._batch)
            self.native.llama_free(self.context)
            self.native.llama_model_free(self.model)
            self.context = self.model = None


class Sampler:
    """A chain of llama.cpp samplers, freed by `close`."""

    def __init__(self, engine: Engine, *, temperature: float, seed: int) -> None:
        self._engine, self._native = engine, engine.native
        self._chain = self._native.llama_sampler_chain_init(self._native.llama_sampler_chain_default_params())
        if temperature == 0.0:
            self._add(self._native.llama_sampler_init_greedy())
        else:
            # Nucleus sampling (Holtzman et al., 2020) at its usual 0.95.
            self._add(self._native.llama_sampler_init_top_p(0.95, 1))
            self._add(self._native.llama_sampler_init_temp(temperature))
            self._add(self._native.llama_sampler_init_dist(seed & 0xFFFFFFFF))

    def _add(self, sampler: Any) -> None:
        self._native.llama_sampler_chain_add(self._chain, sampler)

    def next(self) -> int:
        """The next token after the last one decoded."""
        return int(self._native.llama_sampler_sample(self._chain, self._engine.context, -1))

    def close(self) -> None:
        """Frees the chain; a second call does nothing."""
        if self._chain:
            self._native.llama_sampler_free(self._chain)
            self._chain = None


FORMATS = {"BF16": 32, "Q8_0": 7, "Q4_0": 2}
"""Weight formats that `requantise` writes, most faithful first, with llama.cpp's number for each."""


def requantise(source: Path, target: Path, *, weights: str, threads: int) -> None:
    """Writes the model with its weights in another of the `FORMATS`."""
    native = native_library()
    settings = native.llama_model_quantize_default_params()
    settings.nthread = threads
    settings.ftype = FORMATS[weights]
    settings.allow_requantize = True
    code = native.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(settings))
    if code:
        raise ModelError(f"llama.cpp could not write {source.name} as {weights} (code {code}).")
