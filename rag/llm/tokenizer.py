"""A GGUF file's own vocabulary as a tokenizer: exact token counts without loading the model."""

from __future__ import annotations

import ctypes
import functools
import itertools
import logging
import mmap
import os
import struct
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rag.errors import ModelDamaged, ModelError, ModelNotFound

if TYPE_CHECKING:
    import tiktoken

# Pre-tokenizer expressions. The first three are those of the models' own tokenizer.json files; a
# digit is a piece by itself in SmolLM's, so its run of white space may end before a digit too.
_CONTRACTIONS = r"'s|'t|'re|'ve|'m|'ll|'d"
_ANY_CASE_CONTRACTIONS = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
_WHITE_SPACE = r"\s*[\r\n]+|\s+(?!\S)|\s+"
_GPT2 = rf"{_CONTRACTIONS}| ?\p{{L}}+| ?\p{{N}}+| ?[^\s\p{{L}}\p{{N}}]+|\s+(?!\S)|\s+"
_LLAMA3 = (
    rf"{_ANY_CASE_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}"
    rf"| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{_WHITE_SPACE}"
)
_QWEN2 = (
    rf"{_ANY_CASE_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}"
    rf"| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{_WHITE_SPACE}"
)
_SMOLLM = rf"\p{{N}}|{_CONTRACTIONS}| ?\p{{L}}+| ?[^\s\p{{L}}\p{{N}}]+|\s+(?![^\s\p{{N}}])|\s+"

PRE_TOKENIZERS = {
    "gpt-2": _GPT2,
    "phi-2": _GPT2,
    "llama3": _LLAMA3,
    "llama-v3": _LLAMA3,
    "llama-bpe": _LLAMA3,
    "falcon3": _LLAMA3,
    "qwen2": _QWEN2,
    "deepseek-r1-qwen": _QWEN2,
    "smollm": _SMOLLM,
    "starcoder": _SMOLLM,
    "refact": _SMOLLM,
    "command-r": _SMOLLM,
}
"""`tokenizer.ggml.pre` to the expression that splits a text into pieces."""

_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED = 1, 2, 3, 4
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9


class Tokenizer(Protocol):
    """Text to the generator's own tokens."""

    def encode(self, text: str) -> list[int]:
        """Tokens of a plain text: what looks like a control token stays text."""

    def encode_markup(self, text: str) -> list[int]:
        """Tokens of a chat template's own text, its control tokens included."""


@dataclass(frozen=True, slots=True)
class BpeTokenizer:
    """A `tiktoken.Encoding`; tokens in `always` are found in plain text too, as the file asks."""

    encoding: tiktoken.Encoding
    size: int
    always: frozenset[str]

    def encode(self, text: str) -> list[int]:
        """Tokens of a plain text."""
        return self._known(self.encoding.encode(text, allowed_special=self.always, disallowed_special=()))

    def encode_markup(self, text: str) -> list[int]:
        """Tokens with every special token of the vocabulary found."""
        return self._known(self.encoding.encode(text, allowed_special="all", disallowed_special=()))

    def _known(self, tokens: list[int]) -> list[int]:
        """Drops bytes the vocabulary lacks, as llama.cpp does (SmolLM2 lacks 21 of the 256)."""
        return [token for token in tokens if token < self.size]


class LlamaTokenizer:
    """llama.cpp's own tokenizer, for vocabularies that are not byte-level BPE; loads no weights."""

    def __init__(self, path: Path) -> None:
        self._native = native_library()
        settings = self._native.llama_model_default_params()
        settings.vocab_only = True
        self._model = self._native.llama_model_load_from_file(str(path).encode(), settings)
        if not self._model:
            raise ModelDamaged(f"llama.cpp cannot read the vocabulary of {path}. Fetch the file again.")
        self._vocabulary = self._native.llama_model_get_vocab(self._model)
        self._free = weakref.finalize(self, self._native.llama_model_free, self._model)

    def encode(self, text: str) -> list[int]:
        """Tokens of a plain text."""
        return self._tokens(text, special=False)

    def encode_markup(self, text: str) -> list[int]:
        """Tokens with every special token of the vocabulary found."""
        return self._tokens(text, special=True)

    def _tokens(self, text: str, *, special: bool) -> list[int]:
        data = text.encode("utf-8", "replace")
        room = (ctypes.c_int32 * (len(data) + 2))()
        count = self._native.llama_tokenize(
            self._vocabulary, data, len(data), room, len(room), False, special
        )
        return list(room[: max(count, 0)])


@functools.cache
def native_library() -> Any:
    """llama.cpp's bindings, their chatter to stderr switched off, their threads' waiting cut short."""
    if "OMP_WAIT_POLICY" not in os.environ:
        # OpenMP's threads spin for each other a thousand times a token. Beside other work on two cores
        # SmolLM2 read 42 tokens a second so and wrote 2.4, with this 285 and 18; alone it is as fast as ever.
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    import llama_cpp  # heavy: loads the native library

    logging.getLogger("llama-cpp-python").setLevel(logging.CRITICAL + 1)
    llama_cpp.llama_backend_init()
    return llama_cpp


def read_metadata(path: Path) -> dict[str, Any]:
    """The key-value part of a GGUF file, versions 2 and 3; arrays of numbers as tuples.

    Reads only the head of the file through a memory map: 49,152 tokens and as many merges take
    about 40 ms, where the `gguf` package takes seconds.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Reader(data).metadata()
    except FileNotFoundError as error:
        raise ModelNotFound(f"No model file at {path}.") from error
    except (OSError, ValueError, struct.error, UnicodeDecodeError, KeyError) as error:
        raise ModelDamaged(f"{path} is not a readable GGUF file: {error}. Fetch it again.") from error


class _Reader:
    """Walks the little-endian values of a GGUF head (ggml's docs/gguf.md gives the layout)."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.at = 0

    def metadata(self) -> dict[str, Any]:
        if self.data[:4] != b"GGUF":
            raise ValueError("it does not begin with GGUF")
        self.at = 4
        version = self._scalar("I")
        if version not in (2, 3):
            raise ValueError(f"GGUF version {version} is not supported")
        _tensors, pairs = self._scalar("Q"), self._scalar("Q")
        return {self._string(): self._value(self._scalar("I")) for _ in range(pairs)}

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            return self._array()
        return self._scalar(_SCALARS[kind])

    def _array(self) -> list[Any] | tuple[Any, ...]:
        kind, length = self._scalar("I"), self._scalar("Q")
        if kind == _STRING:
            return self._strings(length)
        if kind == _ARRAY:
            return [self._array() for _ in range(length)]
        values = struct.unpack_from(f"<{length}{_SCALARS[kind]}", self.data, self.at)
        self.at += struct.calcsize(f"<{length}{_SCALARS[kind]}")
        return values

    def _strings(self, length: int) -> list[str]:
        data, at, unpack = self.data, self.at, struct.Struct("<Q").unpack_from
        strings: list[str] = []
        for _ in range(length):
            end = at + 8 + unpack(data, at)[0]
            strings.append(data[at + 8 : end].decode())
            at = end
        self.at = at
        return strings

    def _string(self) -> str:
        return self._strings(1)[0]

    def _scalar(self, code: str) -> Any:
        value = struct.unpack_from(f"<{code}", self.data, self.at)[0]
        self.at += struct.calcsize(f"<{code}")
        return value


def tokenizer_of(gguf_path: Path) -> Tokenizer:
    """The fastest exact tokenizer for this file; built once for each version of it."""
    try:
        stat = gguf_path.stat()
    except OSError as error:
        raise ModelNotFound(f"No model file at {gguf_path}.") from error
    return _tokenizer_of(gguf_path, stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=4)
def _tokenizer_of(path: Path, size: int, modified: int) -> Tokenizer:
    try:
        return _bpe_tokenizer(path, read_metadata(path))
    except (ModelDamaged, ModelNotFound):
        raise
    except ModelError:
        return LlamaTokenizer(path)


def _bpe_tokenizer(path: Path, metadata: dict[str, Any]) -> BpeTokenizer:
    """The file's vocabulary, merges, pre-tokenizer and special tokens; its ids are the file's ids.

    A byte the vocabulary has no token for gets an id from `len(tokens)` up, because tiktoken needs
    all 256; the tokenizer drops it.

    Raises:
        ModelError: tiktoken cannot give the same tokens, because the vocabulary is not byte-level
            BPE, has an unknown pre-tokenizer, or its ids do not follow the order of its merges.
    """
    import tiktoken  # here, so that reading metadata alone does not load it

    kind, pre = metadata.get("tokenizer.ggml.model"), metadata.get("tokenizer.ggml.pre", "default")
    if kind != "gpt2" or pre not in PRE_TOKENIZERS:
        raise ModelError(f"{path.name} has a {kind!r} vocabulary with {pre!r} pieces; tiktoken has no match.")
    tokens: list[str] = metadata["tokenizer.ggml.tokens"]
    kinds: Sequence[int] = metadata["tokenizer.ggml.token_type"]
    special = {
        token: number
        for number, (token, kind) in enumerate(zip(tokens, kinds, strict=True))
        if kind in (_UNKNOWN, _CONTROL, _USER_DEFINED) and token
    }
    encoding = tiktoken.Encoding(
        name=f"{path.name}:{pre}",
        pat_str=PRE_TOKENIZERS[pre],
        mergeable_ranks=_ranks(path, tokens, metadata["tokenizer.ggml.merges"]),
        special_tokens=special,
    )
    always = frozenset(token for token, number in special.items() if kinds[number] == _USER_DEFINED)
    return BpeTokenizer(encoding, len(tokens), always)


def _ranks(path: Path, tokens: Sequence[str], merges: Iterable[str]) -> dict[bytes, int]:
    """Single bytes and what the merges make, by id.

    tiktoken joins the pair whose result has the lowest id, whatever the pair; that is BPE exactly
    when ids rise with the order of the merges and no token stands outside them: a token that no
    merge makes is therefore left out.
    """
    ids = {token: number for number, token in enumerate(tokens)}
    made = [ids.get(merge.replace(" ", "", 1), -1) for merge in merges]
    if any(second < first for first, second in itertools.pairwise(made)) or -1 in made:
        raise ModelError(
            f"The ids of {path.name} do not follow its merges; tiktoken cannot count its tokens."
        )
    alphabet = _byte_alphabet()
    table = {ord(character): byte for character, byte in alphabet.items()}
    ranks = {tokens[number].translate(table).encode("latin-1"): number for number in made}
    for character, byte in alphabet.items():
        ranks[bytes([byte])] = ids.get(character, len(tokens) + byte)
    return ranks


@functools.cache
def _byte_alphabet() -> dict[str, int]:
    """The printable stand-in of each byte in a byte-level BPE vocabulary (Radford et al., 2019).

    Printable Latin-1 characters stand for themselves; the other bytes, in order, for U+0100 onwards.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    alphabet = {chr(byte): byte for byte in printable}
    alphabet.update({chr(0x100 + index): byte for index, byte in enumerate(others)})
    return alphabet
