"""Token ids to unit vectors: the model's encoder on OpenVINO, or on torch."""

from __future__ import annotations

import os
import queue
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelDamaged, ModelError
from rag.protocols import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Ids = NDArray[np.int64]
Load = Literal["LATENCY", "THROUGHPUT"]
MODEL_FILE = "model.xml"
COMPILED = "compiled"


class Encoder(Protocol):
    """Runs batches, several at once from several threads where `parallel` is above one."""

    parallel: int

    def encode(self, ids: Ids, mask: Ids) -> Vectors:
        """Unit vectors, shape (texts, dimensions), of ids and mask, both of shape (texts, tokens)."""

    def encode_tokens(self, ids: Ids, mask: Ids) -> tuple[Vectors, Vectors]:
        """What `encode` gives, and unit vectors of the tokens, shape (texts, tokens, dimensions)."""


def import_openvino() -> Any:
    """OpenVINO without its telemetry.

    Importing it reports to a server of the vendor's unless a consent file forbids it. With that
    package hidden it uses an empty stand-in of its own, and writes no files.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


def openvino_precision() -> str:
    """What the CPU computes fastest in without loss of ranking: bf16 where it has it, else f32."""
    capabilities = import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bf16" if "BF16" in capabilities else "f32"


class OpenVinoEncoder:
    """A converted encoder, compiled for one query at a time or for many passages.

    The weights stay in `model.bin` (half precision, mapped into memory), and the compiled graph in
    the `compiled` folder beside it: 0.08 s to load it again, 0.3 s to make it.
    """

    def __init__(
        self, folder: Path, *, load: Load, threads: int | None, precision: str, file: str = MODEL_FILE
    ) -> None:
        options: dict[str, Any] = {
            "PERFORMANCE_HINT": load,
            "INFERENCE_PRECISION_HINT": precision,
            "CACHE_DIR": str(folder / COMPILED),
            "CACHE_MODE": "OPTIMIZE_SIZE",
        }
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = threads
        openvino = import_openvino()
        try:
            self._compiled = openvino.Core().compile_model(str(folder / file), "CPU", options)
        except RuntimeError as error:
            raise ModelDamaged(
                f"The converted model in {folder} cannot be loaded. Delete that folder; it is made again."
            ) from error
        self.parallel = int(self._compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(self.parallel):
            self._requests.put(self._compiled.create_infer_request())

    def encode(self, ids: Ids, mask: Ids) -> Vectors:
        """Mean of the token vectors, made a unit vector, as E5 has it (Wang et al. 2022, section 4)."""
        request = self._requests.get()
        try:
            request.infer([ids, mask])
            return mean_vectors(request.get_output_tensor().data, mask)
        finally:
            self._requests.put(request)

    def encode_tokens(self, ids: Ids, mask: Ids) -> tuple[Vectors, Vectors]:
        """The vectors, and those they are the means of."""
        request = self._requests.get()
        try:
            request.infer([ids, mask])
            tokens = request.get_output_tensor().data
            return mean_vectors(tokens, mask), unit(tokens)
        finally:
            self._requests.put(request)


class TorchEncoder:
    """The folder's `SentenceTransformer`, as it is, with all its modules."""

    parallel = 1

    def __init__(self, folder: Path, *, threads: int | None) -> None:
        import torch

        self._torch = torch
        self.model = load_sentence_transformer(folder)
        if threads is not None:
            torch.set_num_threads(threads)
        # Three times as fast as float32 where the CPU has it, and the same ranking.
        self._half = bool(torch.cpu.get_capabilities().get("avx512_bf16"))
        self._running = threading.Lock()

    def encode(self, ids: Ids, mask: Ids) -> Vectors:
        """The vectors of the model's last module, made unit vectors."""
        torch = self._torch
        features = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
        with self._running, torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, self._half):
            embedding = self.model(features)["sentence_embedding"]
        vectors: Vectors = torch.nn.functional.normalize(embedding.float(), dim=1).numpy()
        return vectors

    def encode_tokens(self, ids: Ids, mask: Ids) -> tuple[Vectors, Vectors]:
        """The vectors of the model's last module, and the tokens' from its transformer."""
        torch = self._torch
        features = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
        with self._running, torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, self._half):
            output = self.model(features)
        return (
            unit(output["sentence_embedding"].float().numpy()),
            unit(output["token_embeddings"].float().numpy()),
        )


def unit(vectors: Vectors) -> Vectors:
    """The vectors along the last axis at length one."""
    shortened: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return shortened


def mean_vectors(tokens: Vectors, mask: Ids) -> Vectors:
    """The unit vector of each text's mean token, shape (texts, dimensions)."""
    return unit(np.einsum("btd,bt->bd", tokens, mask.astype(np.float32)))


def load_sentence_transformer(folder: Path) -> SentenceTransformer:
    """The model on the CPU, without a look at the network.

    Raises:
        ModelDamaged: sentence-transformers cannot load the folder.
    """
    # torch and transformers take 3 to 8 s to import; no query needs them once a model is converted.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        return SentenceTransformer(str(folder), device="cpu", local_files_only=True).eval()
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        raise ModelDamaged(
            f"sentence-transformers cannot load {folder}: {error}. Remove the model and pull it again."
        ) from error


def convert(model: SentenceTransformer, folder: Path) -> None:
    """Writes the transformer of a SentenceTransformer as an OpenVINO model with float16 weights.

    Raises:
        ModelError: OpenVINO cannot express this architecture.
    """
    import warnings

    import torch

    openvino = import_openvino()
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
    try:
        # Tracing warns of Python branches on shapes; the result is compared with torch below.
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")
            converted = openvino.convert_model(TokenVectors().eval(), example_input=(example, example))
        openvino.save_model(converted, str(folder / MODEL_FILE), compress_to_fp16=True)
    except (RuntimeError, TypeError, ValueError) as error:
        raise ModelError(f"OpenVINO cannot convert the model: {error}") from error
