"""Token ids to unit vectors: the model's encoder on OpenVINO, or on torch."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.embeddings.folder import Pooling
from rag.embeddings.openvino import MODEL_FILE, Load, Requests, compiled_model, convert_module
from rag.errors import ModelDamaged
from rag.interfaces import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Ids = NDArray[np.int64]


class Encoder(Protocol):
    """Runs batches, several at once from several threads where `parallel` is above one."""

    parallel: int

    def encode(self, ids: Ids, mask: Ids) -> Vectors:
        """Unit vectors, shape (texts, dimensions), of ids and mask, both of shape (texts, tokens)."""

    def encode_tokens(self, ids: Ids, mask: Ids) -> tuple[Vectors, Vectors]:
        """What `encode` gives, and unit vectors of the tokens, shape (texts, tokens, dimensions)."""


class OpenVinoEncoder:
    """A converted encoder, compiled for one query at a time or for many passages."""

    def __init__(
        self,
        folder: Path,
        *,
        pooling: Pooling,
        load: Load,
        threads: int | None,
        precision: str,
        file: str = MODEL_FILE,
    ) -> None:
        self._pool = {"mean": mean_vectors, "cls": first_vectors}[pooling]
        compiled = compiled_model(folder, load=load, threads=threads, precision=precision, file=file)
        self._requests = Requests(compiled)
        self.parallel = self._requests.parallel

    def encode(self, ids: Ids, mask: Ids) -> Vectors:
        """Mean of the token vectors or the first one, made a unit vector."""
        with self._requests.inferred((ids, mask)) as tokens:
            return self._pool(tokens, mask)

    def encode_tokens(self, ids: Ids, mask: Ids) -> tuple[Vectors, Vectors]:
        """The vectors, and those they are made of."""
        with self._requests.inferred((ids, mask)) as tokens:
            return self._pool(tokens, mask), unit(tokens)


class TorchEncoder:
    """The folder's `SentenceTransformer`, as it is, with all its modules."""

    parallel = 1

    def __init__(self, folder: Path, *, threads: int | None) -> None:
        import torch

        self._torch = torch
        self.model = load_sentence_transformer(folder)
        self._static: Any = getattr(self.model[0], "embedding", None)  # of a StaticEmbedding alone
        if threads is not None:
            torch.set_num_threads(threads)
        # Three times as fast as float32 where the CPU has it, and the same ranking.
        self._half = bool(torch.cpu.get_capabilities().get("avx512_bf16"))
        self._running = threading.Lock()

    def encode(self, ids: Ids, mask: Ids) -> Vectors:
        """The vectors of the model's last module, made unit vectors."""
        return unit(self._run(ids, mask)["sentence_embedding"].float().numpy())

    def encode_tokens(self, ids: Ids, mask: Ids) -> tuple[Vectors, Vectors]:
        """The vectors of the model's last module, and the tokens' from its first."""
        output = self._run(ids, mask)
        tokens = output["token_embeddings"] if self._static is None else self._static.weight.detach()[ids]
        return unit(output["sentence_embedding"].float().numpy()), unit(tokens.float().numpy())

    def _run(self, ids: Ids, mask: Ids) -> dict[str, Any]:
        torch = self._torch
        features = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
        if self._static is not None:  # it takes all texts in one row, and where each begins
            lengths = mask.sum(axis=1)
            features = {
                "input_ids": torch.from_numpy(ids[mask.astype(bool)]),
                "offsets": torch.from_numpy(lengths.cumsum() - lengths),
            }
        with self._running, torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, self._half):
            output: dict[str, Any] = self.model(features)
        return output


def unit(vectors: Vectors) -> Vectors:
    """The vectors along the last axis at length one."""
    shortened: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return shortened


def mean_vectors(tokens: Vectors, mask: Ids) -> Vectors:
    """The unit vector of each text's mean token, shape (texts, dimensions).

    As E5 has it (Wang et al. 2022, section 4).
    """
    return unit(np.einsum("btd,bt->bd", tokens, mask.astype(np.float32)))


def first_vectors(tokens: Vectors, mask: Ids) -> Vectors:
    """The unit vector of each text's first token, a special one, shape (texts, dimensions)."""
    return unit(tokens[:, 0])


def load_sentence_transformer(folder: Path) -> SentenceTransformer:
    """The model on the CPU, without a look at the network.

    Raises:
        ModelDamaged: sentence-transformers cannot load the folder.
    """
    # torch and transformers take 3 to 8 s to import; no query needs them once a model is converted.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        return SentenceTransformer(str(folder), device="cpu", local_files_only=True).eval()
    except (
        *(OSError, ValueError, RuntimeError, LookupError, TypeError, AttributeError, ImportError),
        SafetensorError,
    ) as error:
        raise ModelDamaged(
            f"sentence-transformers cannot load {folder}: {error}. Remove the model and pull it again."
        ) from error


def convert(model: SentenceTransformer, folder: Path) -> None:
    """Writes the transformer of a SentenceTransformer as an OpenVINO model with float16 weights.

    Raises:
        ModelError: OpenVINO cannot express this architecture.
    """
    import torch

    transformer: Any = model[0].auto_model

    class TokenVectors(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            output = self.transformer(input_ids=input_ids, attention_mask=attention_mask)
            hidden: torch.Tensor = output.last_hidden_state
            return hidden

    example = torch.ones(2, 16, dtype=torch.int64)
    convert_module(TokenVectors(), (example, example), folder)
