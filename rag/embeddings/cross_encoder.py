"""The best passages read once more, each beside the question, by a cross-encoder."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.embeddings.openvino import Requests, compiled_model, convert_module, openvino_precision
from rag.errors import ModelDamaged, ModelError, ModelNotFound

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

Scores = NDArray[np.float64]
FACTS_FILE = "reranker.json"
# Padded to few shapes, since each new one costs OpenVINO time and memory.
_SHAPE_TOKENS = 16
# A passage has at most 510 tokens, and most cross-encoders read no more than this anyway.
_MOST_TOKENS = 512
# A share of the range of torch's scores: bfloat16 keeps three digits.
_MOST_DIFFERENCE = 0.05
_SAMPLE_QUERY = "When does the ferry to the island leave?"
_SAMPLE_TEXTS = (
    "The ferry to the island leaves at nine and costs four euros. " * 3,
    "Bees were moved to the orchard because the lime trees had not flowered yet.",
    "The island has two harbours; ships call at the northern one in summer. " * 6,
    "Refunds are paid within twelve working days.",
)


class Scorer(Protocol):
    """One way to run a cross-encoder."""

    def scores(self, query: str, texts: Sequence[str]) -> Scores:
        """A score for each text."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a converted cross-encoder: whether it is faster than torch, and how to feed it."""

    faster: bool
    inputs: tuple[str, ...]
    max_tokens: int
    pad_id: int
    precision: str
    openvino_version: str


class CrossEncoderReranker:
    """A `Reranker`: a cross-encoder in a Sentence Transformers folder, loaded when first asked.

    It reads question and passage together, which costs as much as embedding the passage again.
    Whether it finds more than the search has to be measured (`eval --grid reranked=0,20`). With a
    `cache` it is converted for OpenVINO when first asked, and that is used where it is faster.

    Raises:
        ModelNotFound: there is no such folder.
    """

    def __init__(
        self,
        folder: Path,
        *,
        cache: Path | None = None,
        threads: int | None = None,
        english_only: bool = False,
        signal: str = "reranker",
    ) -> None:
        if not (folder / "config.json").is_file():
            raise ModelNotFound(f"{folder} holds no cross-encoder; it needs a config.json and its weights.")
        self.english_only = english_only
        self.signal = signal
        self._folder = folder
        self._cache = cache
        self._threads = threads
        self._loading = threading.Lock()
        self._scorer: Scorer | None = None

    def scores(self, query: str, texts: Sequence[str]) -> Scores:
        """How well each text answers the query, shape (texts,), higher is better.

        Raises:
            ModelDamaged: the folder cannot be loaded as a cross-encoder with one score a pair.
        """
        return self._loaded().scores(query, texts)

    def _loaded(self) -> Scorer:
        with self._loading:
            if self._scorer is None:
                place = self._place()
                if place and (facts := prepared(self._folder, place, self._threads)).faster:
                    self._scorer = OpenVinoScorer(self._folder, place, facts, threads=self._threads)
                else:
                    self._scorer = TorchScorer(self._folder)
            return self._scorer

    def _place(self) -> Path | None:
        """Where the converted model is kept; None where there is no cache, or no OpenVINO."""
        if self._cache is None or not find_spec("openvino"):
            return None
        stats = [(path.name, path.stat()) for path in sorted(self._folder.iterdir()) if path.is_file()]
        known = [f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in stats]
        key = "\n".join([str(self._folder.resolve()), *known])
        return self._cache / "reranking" / hashlib.sha256(key.encode()).hexdigest()[:16]


class TorchScorer:
    """The folder's `CrossEncoder`, as it is."""

    def __init__(self, folder: Path) -> None:
        # torch and transformers take seconds to import.
        from sentence_transformers import CrossEncoder

        import rag.embeddings.reader  # noqa: F401  its architecture is registered by it

        self._folder = folder
        try:
            self.model: CrossEncoder = CrossEncoder(str(folder), device="cpu", local_files_only=True)
        except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
            raise ModelDamaged(f"{folder} cannot be loaded as a cross-encoder: {error}.") from error

    def scores(self, query: str, texts: Sequence[str]) -> Scores:
        """A score for each text, by the model's own activation."""
        found = np.asarray(self.model.predict([(query, text) for text in texts]), dtype=np.float64)
        if found.shape != (len(texts),):
            raise ModelDamaged(f"{self._folder} gives {found.shape[1:]} values a pair, not one score.")
        return found


class OpenVinoScorer:
    """The converted cross-encoder; needs neither torch nor transformers.

    Each pair by itself, on a core of its own: eight passages take 0.6 of the time of one batch on all cores.
    """

    def __init__(self, folder: Path, place: Path, facts: Facts, *, threads: int | None) -> None:
        from tokenizers import Tokenizer

        self._facts = facts
        self._requests = Requests(
            compiled_model(place, load="THROUGHPUT", threads=threads, precision=facts.precision)
        )
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(facts.max_tokens)
        self._tokenizer.no_padding()

    def scores(self, query: str, texts: Sequence[str]) -> Scores:
        """A score for each text."""
        encodings = self._tokenizer.encode_batch([(query, text) for text in texts])
        found = np.zeros(len(texts))

        def score(place: int) -> None:
            with self._requests.inferred(list(self._inputs(encodings[place]))) as output:
                found[place] = output[0, 0]

        longest_first = sorted(range(len(texts)), key=lambda place: -len(encodings[place].ids))
        with ThreadPoolExecutor(self._requests.parallel) as pool:
            list(pool.map(score, longest_first))
        return found

    def _inputs(self, encoding: Any) -> Iterator[NDArray[np.int64]]:
        """The arrays that the model takes, shape (1, tokens)."""
        width = min(-(-len(encoding.ids) // _SHAPE_TOKENS) * _SHAPE_TOKENS, self._facts.max_tokens)
        columns = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
        for name in self._facts.inputs:
            array = np.full((1, width), self._facts.pad_id if name == "input_ids" else 0, np.int64)
            array[0, : len(encoding.ids)] = getattr(encoding, columns[name])
            yield array


def prepared(folder: Path, place: Path, threads: int | None) -> Facts:
    """What is known of the converted model, which is made when first asked for.

    Raises:
        ModelDamaged: the folder cannot be loaded as a cross-encoder with one score a pair.
    """
    try:
        content = json.loads((place / FACTS_FILE).read_text(encoding="utf-8"))
        facts = Facts(**(content | {"inputs": tuple(content["inputs"])}))
        if facts.openvino_version == version("openvino"):
            return facts
    except (OSError, ValueError, TypeError, KeyError):
        pass  # never converted, or by another version
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    facts = _make(folder, place, threads)
    (place / FACTS_FILE).write_text(json.dumps(asdict(facts), indent=1), encoding="utf-8")
    return facts


def _make(folder: Path, place: Path, threads: int | None) -> Facts:
    """Converts the model, and times it beside torch; one that cannot be converted is not faster."""
    scorer = TorchScorer(folder)
    expected, torch_seconds = _timed(scorer)
    facts = Facts(
        False,
        _inputs_of(scorer.model),
        int(min(scorer.model.max_seq_length or _MOST_TOKENS, _MOST_TOKENS)),
        int(scorer.model.tokenizer.pad_token_id or 0),
        openvino_precision(),
        version("openvino"),
    )
    try:
        convert(scorer.model, place)
    except ModelError:
        return facts
    found, seconds = _timed(OpenVinoScorer(folder, place, facts, threads=threads))
    difference = float(np.abs(found - expected).max() / max(float(np.ptp(expected)), 1e-9))
    return replace(facts, faster=seconds < torch_seconds and difference <= _MOST_DIFFERENCE)


def _inputs_of(model: CrossEncoder) -> tuple[str, ...]:
    known = ("input_ids", "attention_mask", "token_type_ids")
    return tuple(name for name in known if name in model.tokenizer.model_input_names)


def convert(model: CrossEncoder, place: Path) -> None:
    """Writes the cross-encoder, its activation included, as an OpenVINO model.

    Raises:
        ModelError: OpenVINO cannot express this architecture.
    """
    import torch

    classifier: Any = model.model
    activation: Any = model.activation_fn
    inputs = _inputs_of(model)

    class Scoring(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.classifier = classifier

        def forward(self, *arrays: torch.Tensor) -> torch.Tensor:
            output = self.classifier(**dict(zip(inputs, arrays, strict=True)))
            scores: torch.Tensor = activation(output.logits)
            return scores

    example = torch.ones(2, 16, dtype=torch.int64)
    convert_module(Scoring(), (example,) * len(inputs), place)


def _timed(scorer: Scorer) -> tuple[Scores, float]:
    """The scores of a few pairs, and the seconds they took at best."""
    scores = scorer.scores(_SAMPLE_QUERY, _SAMPLE_TEXTS)
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        scorer.scores(_SAMPLE_QUERY, _SAMPLE_TEXTS)
        seconds.append(time.perf_counter() - started)
    return scores, min(seconds)
