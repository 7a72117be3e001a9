"""Text to unit vectors, with the model's own prefixes, on the engine that is faster here."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from rag.embeddings.cache import Engine, EngineChoice, Prepared, prepare
from rag.embeddings.encoders import Encoder, Ids, OpenVinoEncoder, TorchEncoder
from rag.embeddings.folder import ModelFolder, read_folder
from rag.embeddings.int8 import INT8_FILE
from rag.embeddings.openvino import MODEL_FILE, Load
from rag.embeddings.tokenizer import PromptTokenizer, QuickTokenizer
from rag.errors import UsageError
from rag.interfaces import Similarity, Vectors

__all__ = ["SentenceEmbedder", "load_embedder"]

T = TypeVar("T")

WINDOW = 2048
# From 1,536 to 6,144 tokens a batch the speed was the same within 2 %; small ones share out evenly.
BATCH_TOKENS = 1536
# Each new shape of a batch costs OpenVINO memory for good: 600 passages of 74 shapes 0.86 GB, of 27 (rounded
# up to 32 tokens) 0.39 GB, in the same time.
SHAPE_TOKENS = 32
# A few quotes are read in batches this small to keep all cores busy: 256 take 1.1 times as long, 512 twice.
READ_BATCH_TOKENS = 128
READ_SHAPE_TOKENS = 16
# Questions and short texts whose vectors are kept: 2 kB each. One question is embedded to search, to compare,
# and by each model again; a second question about the same documents meets the same sentences.
QUESTIONS_KEPT, TEXTS_KEPT = 32, 20_000
# A passage cut inside a word can take a few tokens more than its share of the whole text had.
CUT_TOKENS = 8


def load_embedder(
    folder: Path, *, cache: Path, engine: EngineChoice = "auto", threads: int | None = None
) -> SentenceEmbedder:
    """The embedder of a Sentence Transformers folder.

    The first time, the model is converted for OpenVINO, as it is and in 8 bits, and all engines are
    timed (20 s; kept in `cache`/embedding/<identity>); from then on "auto" takes the fastest of those
    whose vectors agree with torch's. Everything else is loaded when first needed.

    Raises:
        ModelDamaged: the folder is not a model that sentence-transformers can load.
        ModelError: the model is of a kind that Footnote cannot run.
        UsageError: the engine asked for cannot run this model.
    """
    model = read_folder(folder)
    model.require_known_modules()
    place, prepared = prepare(model, cache=cache, threads=threads)
    if engine != "auto" and engine not in prepared.tokens_per_second:
        raise UsageError(
            f"The engine {engine!r} cannot run {model.name} on this machine. Use 'torch' or 'auto'."
        )
    chosen = prepared.engine if engine == "auto" else engine
    return SentenceEmbedder(model, place, prepared, engine=chosen, threads=threads)


class SentenceEmbedder:
    """An `Embedder`; safe to share between threads.

    Queries run beside passages, not behind them: they have an engine of their own.
    """

    def __init__(
        self, model: ModelFolder, place: Path, prepared: Prepared, *, engine: Engine, threads: int | None
    ) -> None:
        self.model = model
        self.engine = engine
        self.identity = model.identity
        self.dimensions = prepared.dimensions
        self.place = place
        self._prepared = prepared
        self._threads = threads
        self._tokenizer = PromptTokenizer(model.tokenizer, special_tokens=not model.static)
        self._quick_tokenizer = Once(lambda: QuickTokenizer(place))
        self._torch_encoder = Once(lambda: TorchEncoder(model.path, threads=threads))
        self._query_encoder = Once(lambda: self._encoder("LATENCY"))
        self._passage_encoder = Once(lambda: self._encoder("THROUGHPUT"))
        self._asked = lru_cache(QUESTIONS_KEPT)(self._read_question)
        self._read = Recent(TEXTS_KEPT)

    @cached_property
    def max_passage_tokens(self) -> int:
        """The most content tokens a passage may have, with a little room for where it was cut."""
        (taken,) = self._ids([""], self.model.passage_prompt)
        return self.model.max_tokens - len(taken) - CUT_TOKENS

    def token_starts(self, texts: Sequence[str]) -> list[list[int]]:
        """The character offset at which each content token of each text begins."""
        return self._tokenizer.starts(texts, self.model.passage_prompt)

    def embed_queries(self, texts: Sequence[str], *, truncate: bool = False) -> Vectors:
        """Unit vectors of questions, shape (len(texts), dimensions), float32, in the order given.

        Raises:
            UsageError: a text is longer than the model reads, and is not to be truncated.
        """
        ids = self._ids(texts, self.model.query_prompt)
        ids = self._truncated(ids) if truncate else ids
        if len(ids) == 1 and len(ids[0]) <= self.model.max_tokens:
            return self._asked(tuple(ids[0]))[0]
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for places, batch in self._batches(ids, self._query_encoder, "The question"):
            vectors[places] = batch
        return vectors

    def embed_passages(
        self,
        texts: Sequence[str],
        *,
        truncate: bool = False,
        progress: Callable[[int], None] = lambda done: None,
    ) -> Vectors:
        """Unit vectors of passages, shape (len(texts), dimensions), float32, in the order given.

        `progress` gets the number of texts done so far, several times a second; what it raises
        ends the run.

        Raises:
            UsageError: a text is longer than the model reads, and is not to be truncated.
        """
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        done = 0
        for start in range(0, len(texts), WINDOW):
            ids = self._tokenizer.ids(texts[start : start + WINDOW], self.model.passage_prompt)
            ids = self._truncated(ids) if truncate else ids
            for places, batch in self._batches(ids, self._passage_encoder, "A passage"):
                vectors[[start + place for place in places]] = batch
                done += len(places)
                progress(done)
        return vectors

    def cosines(self, query: str, texts: Sequence[str]) -> Vectors:
        """How near each text is to the query, shape (len(texts),).

        What a text has beyond the model's limit is not read. A text that was read lately is not read again.
        """
        (asked,) = self._question(query)[0]
        known = self._read.get_all(texts)
        new = list(dict.fromkeys(text for text in texts if text not in known))

        def keep(place: int, vector: Vectors, tokens: Vectors) -> None:
            known[new[place]] = vector

        self._read_in_small_batches(self._passage_ids(new), keep)
        self._read.put_all({text: known[text] for text in new})
        return np.array([known[text] @ asked for text in texts], np.float32)

    def compare(self, query: str, texts: Sequence[str]) -> Similarity:
        """How far each text fits the query, as a whole and token by token.

        Prompts and special tokens have no part in the matches. What a text has beyond the model's limit
        is not read.
        """
        (whole,), tokens = self._question(query)
        asked = tokens[self._prompt_length(self.model.query_prompt) : len(tokens) - self._tokens_after]
        first = self._prompt_length(self.model.passage_prompt)
        cosines = np.zeros(len(texts), np.float32)
        matches = np.zeros((len(texts), len(asked)), np.float32)

        def match(place: int, vector: Vectors, tokens: Vectors) -> None:
            cosines[place] = vector @ whole
            own = tokens[first : len(tokens) - self._tokens_after]
            matches[place] = (asked @ own.T).max(axis=1, initial=-1.0)

        self._read_in_small_batches(self._passage_ids(texts), match)
        return Similarity(cosines, matches)

    def _question(self, query: str) -> tuple[Vectors, Vectors]:
        (ids,) = self._truncated(self._ids([query], self.model.query_prompt))
        return self._asked(tuple(ids))

    def _read_question(self, ids: tuple[int, ...]) -> tuple[Vectors, Vectors]:
        """The question's vector, shape (1, dimensions), and those of its tokens, (tokens, dimensions)."""
        (length,) = self._rounded([ids], to=READ_SHAPE_TOKENS)
        whole, tokens = self._query_encoder().encode_tokens(*padded([ids], length=length))
        for kept in (whole, tokens):
            kept.setflags(write=False)
        return whole, tokens[0, : len(ids)]

    def _passage_ids(self, texts: Sequence[str]) -> list[list[int]]:
        return self._truncated(self._ids(texts, self.model.passage_prompt))

    def _read_in_small_batches(
        self, texts: Sequence[Sequence[int]], take: Callable[[int, Vectors, Vectors], None]
    ) -> None:
        """Gives each text's place, vector and token vectors.

        Small batches on all cores at once: 28 quotes of a question take 0.22 s so, 0.36 s one large batch
        after another.
        """
        if not texts:
            return
        lengths = self._rounded(texts, to=READ_SHAPE_TOKENS)
        run = self._passage_encoder()

        def encode(places: Sequence[int]) -> None:
            batch = padded([texts[place] for place in places], length=lengths[places[0]])
            for place, vector, tokens in zip(places, *run.encode_tokens(*batch), strict=True):
                take(place, vector, tokens[: len(texts[place])])

        with ThreadPoolExecutor(run.parallel) as pool:
            list(pool.map(encode, batches_by_length(lengths, READ_BATCH_TOKENS)))

    def _rounded(self, ids: Sequence[Sequence[int]], *, to: int = SHAPE_TOKENS) -> list[int]:
        """The length each text is padded to, so that the engine meets few shapes."""
        return [min(-(-len(one) // to) * to, self.model.max_tokens) for one in ids]

    def _truncated(self, texts: Sequence[list[int]]) -> list[list[int]]:
        """The ids of texts, none longer than the model reads; the last special token stays."""
        most = self.model.max_tokens
        after = self._tokens_after
        return [
            ids if len(ids) <= most else [*ids[: most - after], *ids[len(ids) - after :]] for ids in texts
        ]

    def _prompt_length(self, prompt: str) -> int:
        """Tokens before the text: the special one and the prompt's, whose last space is the text's."""
        (ids,) = self._ids([prompt.rstrip()], "")
        return len(ids) - self._tokens_after

    @cached_property
    def _tokens_after(self) -> int:
        """Special tokens after a text: one, or none where the model has none at all."""
        return min(1, *map(len, self._ids([""], "")))

    def _ids(self, texts: Sequence[str], prompt: str) -> list[list[int]]:
        """The ids of each text behind the prompt, without loading the whole tokenizer if that can be."""
        quick = self._quick_tokenizer().ids(texts, prompt) if self._prepared.quick_tokenizer else []
        found = quick or [None] * len(texts)
        return [
            self._tokenizer.ids([text], prompt)[0] if ids is None else ids
            for text, ids in zip(texts, found, strict=True)
        ]

    def _encoder(self, load: Load) -> Encoder:
        if self.engine == "torch":
            return self._torch_encoder()
        # A question is one short text: in 8 bits it would be no faster, and not the same in every digit.
        whole = load == "LATENCY" or self.engine == "openvino"
        return OpenVinoEncoder(
            self.place,
            pooling=self.model.pooling or "mean",
            load=load,
            threads=self._threads,
            precision=self._prepared.precision,
            file=MODEL_FILE if whole else INT8_FILE,
        )

    def _batches(
        self, ids: Sequence[Sequence[int]], encoder: Once[Encoder], what: str
    ) -> Iterator[tuple[list[int], Vectors]]:
        """The indices and vectors of each batch, as they get ready."""
        for number, one in enumerate(ids, start=1):
            if len(one) > self.model.max_tokens:
                raise UsageError(
                    f"{what} has {len(one)} tokens with its prefix (text {number} of {len(ids)}); "
                    f"{self.model.name} reads at most {self.model.max_tokens}. Shorten or split it."
                )
        lengths = self._rounded(ids)
        batches = list(batches_by_length(lengths, BATCH_TOKENS))
        if not batches:
            return
        run = encoder()

        def encode(batch: Sequence[int]) -> Vectors:
            return run.encode(*padded([ids[place] for place in batch], length=lengths[batch[0]]))

        if len(batches) == 1:  # a question: a thread for it alone would take longer to start than it saves
            yield batches[0], encode(batches[0])
            return
        pool = ThreadPoolExecutor(run.parallel)
        try:
            results = pool.map(encode, batches)
            yield from zip(batches, results, strict=True)
        finally:
            pool.shutdown(cancel_futures=True)


class Recent:
    """The vectors of the texts read last, shared by threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._vectors: OrderedDict[str, Vectors] = OrderedDict()
        self._changing = threading.Lock()

    def get_all(self, texts: Iterable[str]) -> dict[str, Vectors]:
        """The vectors of those of the texts that are known."""
        with self._changing:
            known = {text: self._vectors[text] for text in texts if text in self._vectors}
            for text in known:
                self._vectors.move_to_end(text)
            return known

    def put_all(self, vectors: Mapping[str, Vectors]) -> None:
        """Keeps more vectors, and lets go of the oldest."""
        with self._changing:
            self._vectors.update(vectors)
            while len(self._vectors) > self._most:
                self._vectors.popitem(last=False)


class Once(Generic[T]):
    """A value made when first asked for, by one thread while others wait."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: list[T] = []
        self._making = threading.Lock()

    def __call__(self) -> T:
        with self._making:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]


def batches_by_length(lengths: Sequence[int], most_tokens: int) -> Iterator[list[int]]:
    """Indices grouped so that texts of like length share a batch, longest first.

    A batch has at most `most_tokens` tokens with its padding, or is one text.
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if batch and lengths[batch[0]] * (len(batch) + 1) > most_tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def padded(ids: Sequence[Sequence[int]], *, length: int = 0) -> tuple[Ids, Ids]:
    """Ids and mask, int64, as wide as the longest or `length`; what is masked has id 0."""
    matrix = np.zeros((len(ids), max(length, *map(len, ids))), np.int64)
    mask = np.zeros_like(matrix)
    for row, one in enumerate(ids):
        matrix[row, : len(one)] = one
        mask[row, : len(one)] = 1
    return matrix, mask
