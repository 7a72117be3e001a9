"""What a Sentence Transformers folder says of its model, read without loading it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from rag.errors import ModelDamaged, ModelError

E5_PROMPTS = {"query": "query: ", "passage": "passage: "}
# The instruct variants put a task before the query and nothing before a passage.
E5_INSTRUCT_PROMPTS = {
    "query": "Instruct: Given a question, retrieve passages that answer it\nQuery: ",
    "passage": "",
}
GEMMA_PROMPTS = {"query": "task: search result | query: ", "passage": "title: none | text: "}
E5_NAME = re.compile(r"(^|[-_/])e5([-_]|$)", re.IGNORECASE)
Pooling = Literal["mean", "cls"]
POOLING_FLAGS: dict[str, Pooling] = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
PLAIN = (("Transformer", "Pooling"), ("Transformer", "Pooling", "Normalize"))
STATIC = "StaticEmbedding"
IDENTITY_DIGITS = 16
PIECE_BYTES = 1 << 22


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model folder's settings.

    `pooling` tells how a text's vector is made of its token vectors where nothing follows that but making
    it a unit vector: what the OpenVINO engine can do. `modules` are the kinds of its modules, in order.
    `identity` is the name and a checksum of all files that decide what a vector is; it can be a file's
    name.
    """

    path: Path
    name: str
    identity: str
    query_prompt: str
    passage_prompt: str
    max_tokens: int
    pooling: Pooling | None
    modules: tuple[str, ...]
    tokenizer: Path

    @property
    def static(self) -> bool:
        """Whether it has a vector per token and no encoder; then it sees no special tokens either."""
        return self.modules[:1] == (STATIC,)

    def require_known_modules(self) -> None:
        """A `ModelError` unless the model can be run."""
        if not self.static and self.modules[:2] != PLAIN[0]:
            raise ModelError(
                f"The model in {self.path} is made of {', '.join(self.modules) or 'no modules'}. Footnote "
                f"runs models that begin with Transformer and Pooling, or with {STATIC}. Choose another one."
            )


def read_folder(path: Path) -> ModelFolder:
    """Reads the folder's settings.

    Raises:
        ModelDamaged: a settings file is missing or is not JSON.
    """
    try:
        modules = json.loads((path / "modules.json").read_text(encoding="utf-8"))
        kinds = tuple(str(module["type"]).rsplit(".", 1)[-1] for module in modules)
        encoder = path / modules[0]["path"] if modules else path
        manifest = _read(path / "manifest.json")
        name = str(manifest.get("name") or path.resolve().name)
        prompts = _prompts(path, name)
        return ModelFolder(
            path=path,
            name=name,
            identity=f"{name.replace('/', '--')}@{_checksum(path, manifest)}",
            query_prompt=prompts["query"],
            passage_prompt=prompts["passage"],
            max_tokens=_max_tokens(encoder),
            pooling=_pooling(path / modules[1]["path"]) if kinds in PLAIN and encoder == path else None,
            modules=kinds,
            tokenizer=encoder / "tokenizer.json",
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelDamaged(
            f"The model folder {path} cannot be read ({error}). Remove the model and pull it again."
        ) from error


def _read(path: Path) -> dict[str, Any]:
    """A JSON object, or {} where the file is not there."""
    if not path.is_file():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    return dict(content)


def _prompts(path: Path, name: str) -> dict[str, str]:
    """The model's own prompts; those of E5 or EmbeddingGemma where it stored none and has their name."""
    stored = _read(path / "config_sentence_transformers.json").get("prompts") or {}
    query = stored.get("query") or ""
    passage = stored.get("passage") or stored.get("document") or ""
    known_name = f"{name}/{_read(path / 'config.json').get('_name_or_path', '')}"
    if query or passage:
        return {"query": query, "passage": passage}
    if "embeddinggemma" in known_name.lower():
        return GEMMA_PROMPTS
    if E5_NAME.search(known_name):
        return E5_INSTRUCT_PROMPTS if "instruct" in known_name.lower() else E5_PROMPTS
    return {"query": "", "passage": ""}


def _max_tokens(path: Path) -> int:
    """The most tokens the encoder reads, special tokens included."""
    config = _read(path / "config.json")
    positions = int(config.get("max_position_embeddings", 512))
    if config.get("model_type") in {"roberta", "xlm-roberta", "camembert", "mpnet"}:
        positions -= 2  # these begin to count after the padding id
    stated = _read(path / "sentence_bert_config.json").get("max_seq_length")
    return min(int(stated), positions) if stated else positions


def _pooling(folder: Path) -> Pooling | None:
    """The one way of pooling; None for several ways, or another one."""
    config = _read(folder / "config.json")
    stated = config.get("pooling_mode")
    chosen = [name for name, on in config.items() if name.startswith("pooling_mode_") and on is True]
    if stated in POOLING_FLAGS.values():
        return cast("Pooling", stated)
    return POOLING_FLAGS.get(chosen[0]) if len(chosen) == 1 else None


def _checksum(path: Path, manifest: dict[str, Any]) -> str:
    """Of the weights, the tokenizer, the pooling and the prompts: from the manifest, else by reading."""
    known = manifest.get("files", {})
    names = known or [file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()]
    digest = hashlib.sha256()
    for name in sorted(names):
        if name.endswith((".json", ".safetensors", ".bin", ".txt", ".model")) and name != "manifest.json":
            digest.update(
                f"{name} {known[name]['sha256'] if known else _file_sha256(path / name)}\n".encode()
            )
    return digest.hexdigest()[:IDENTITY_DIGITS]


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
