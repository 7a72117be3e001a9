"""Embedding models and rerankers behind a server: `/v1/embeddings`, `/v1/rerank` and `/rerank`."""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelServerError, UsageError
from rag.interfaces import Similarity, Vectors

if TYPE_CHECKING:
    import httpx2

KEY_VARIABLE = "FOOTNOTE_SERVER_KEY"
"""Names the environment variable that holds the server's key."""
TIMEOUT_SECONDS = 120.0
BATCH_TEXTS = 32  # Text Embeddings Inference takes no more, unless it is told to
PARALLEL_REQUESTS = 4
TRIES = 4
BUSY = (429, 503)
ABSENT = (404, 405)
USUAL_TOKENS = 512
"""What an embedding model reads where its server does not tell."""
SPECIAL_TOKENS = 8
MARGIN = 1.3
# A server's tokenizer does not say where in a text its tokens begin, so they are guessed: a sign of scripts
# without spaces, up to four letters of a word, a mark. A model may find a third more, and that much is left.
_TOKEN = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]|\w{1,4}|[^\w\s]")
# What models were trained to read before a text, by the beginning of their names.
_PROMPTS = {
    "e5": ("query: ", "passage: "),
    "multilingual-e5": ("query: ", "passage: "),
    "nomic-embed": ("search_query: ", "search_document: "),
    "mxbai-embed": ("Represent this sentence for searching relevant passages: ", ""),
    "snowflake-arctic-embed": ("query: ", ""),
}


class ModelServer:
    """A server of models, given as `http://host:port/v1#model`: path and model may be left out.

    Raises:
        ModelServerError: it is not there, refuses, or fails; what is busy is asked again.
    """

    def __init__(self, url: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        import httpx2

        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"{url} is not a server's address like http://127.0.0.1:8080/v1#model.")
        root = parts.path.rstrip("/").removesuffix("/v1")
        self.address = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], root, "", ""))
        self.named = parts.fragment
        key = os.environ.get(KEY_VARIABLE)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx2.Client(timeout=timeout_seconds, headers=headers)

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The reply to a request, from JSON; None where the server has no such page."""
        url = self.address + path
        reply = self._patiently(url, body)
        if reply.status_code in ABSENT:
            return None
        if reply.status_code != 200:
            raise ModelServerError(f"{url} refused with {reply.status_code}: {reply.text[:300].strip()}")
        try:
            return reply.json()
        except ValueError as error:
            raise ModelServerError(f"{url} did not answer with JSON.") from error

    def _patiently(self, url: str, body: dict[str, Any] | None) -> httpx2.Response:
        """The reply of a server that may be busy, the last one after `TRIES`."""
        import httpx2

        for tried in itertools.count(1):
            try:
                reply = self._client.request("GET" if body is None else "POST", url, json=body)
            except httpx2.HTTPError as error:
                why = f"{self.address} cannot be reached ({error}). Is the server running?"
                raise ModelServerError(why) from error
            if reply.status_code not in BUSY or tried == TRIES:
                break
            time.sleep(_wait_seconds(reply.headers.get("Retry-After"), tried))
        return reply

    @cached_property
    def info(self) -> dict[str, Any]:
        """What Text Embeddings Inference tells of its model; empty of other servers."""
        found = self.ask("/info")
        return found if isinstance(found, dict) and "model_id" in found else {}

    @cached_property
    def model(self) -> str:
        """The model's name: the one given, or the first that the server offers."""
        if self.named or self.info:
            return self.named or str(self.info["model_id"])
        offered = self.ask("/v1/models")
        names = [str(one.get("id")) for one in (offered or {}).get("data") or []]
        if not names:
            raise ModelServerError(f"{self.address} offers no model; add #NAME to its address.")
        return names[0]


def _wait_seconds(told: str | None, tried: int) -> float:
    return min(float(told), 30.0) if told and told.isdigit() else 0.5 * 2**tried


class ServedEmbedder:
    """An `Embedder` on a server, tried when it is made; safe to share between threads.

    Such a server gives whole texts' vectors alone, so that texts are matched by their cosines instead of
    token by token.
    """

    def __init__(self, url: str) -> None:
        self._server = ModelServer(url)
        name = self._server.model
        self.identity = f"{self._server.address}#{name}"
        self._query, self._passage = _prompts(name)
        trial = self._embedded(["Does it work?"])
        self.dimensions = trial.shape[1]
        limit = int(self._server.info.get("max_input_length") or USUAL_TOKENS)
        self.max_passage_tokens = int(limit / MARGIN) - SPECIAL_TOKENS - len(_TOKEN.findall(self._passage))

    def token_starts(self, texts: Sequence[str]) -> list[list[int]]:
        """The character offset at which each content token of each text likely begins."""
        return [[one.start() for one in _TOKEN.finditer(text)] for text in texts]

    def embed_passages(
        self,
        texts: Sequence[str],
        *,
        truncate: bool = False,
        progress: Callable[[int], None] = lambda done: None,
    ) -> Vectors:
        """Unit vectors of passages, shape (len(texts), dimensions), float32, in the order given."""
        read = [self._passage + (self._cut(text) if truncate else text) for text in texts]
        batches = [read[start : start + BATCH_TEXTS] for start in range(0, len(read), BATCH_TEXTS)]
        found, done = [np.zeros((0, self.dimensions), np.float32)], 0
        with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
            for vectors in pool.map(self._embedded, batches):
                found.append(vectors)
                done += len(vectors)
                progress(done)
        return np.concatenate(found)

    def embed_queries(self, texts: Sequence[str], *, truncate: bool = False) -> Vectors:
        """Unit vectors of questions, shape (len(texts), dimensions), float32, in the order given."""
        found = [np.zeros((0, self.dimensions), np.float32)]
        for start in range(0, len(texts), BATCH_TEXTS):
            batch = texts[start : start + BATCH_TEXTS]
            found.append(self._embedded([self._query + (self._cut(t) if truncate else t) for t in batch]))
        return np.concatenate(found)

    def cosines(self, query: str, texts: Sequence[str]) -> Vectors:
        """How near each text is to the query."""
        asked = self.embed_queries([query], truncate=True)[0]
        return np.asarray(self.embed_passages(texts, truncate=True) @ asked, np.float32)

    def compare(self, query: str, texts: Sequence[str]) -> Similarity:
        """How far each text fits the query, as a whole; it is the one match there is."""
        cosines = self.cosines(query, texts)
        return Similarity(cosines, cosines[:, None])

    def _cut(self, text: str) -> str:
        """The text up to where the model stops reading."""
        starts = self.token_starts([text])[0]
        return text[: starts[self.max_passage_tokens]] if len(starts) > self.max_passage_tokens else text

    def _embedded(self, texts: Sequence[str]) -> Vectors:
        body = {"model": self._server.model, "input": list(texts)}
        reply = self._server.ask("/v1/embeddings", body)
        try:
            rows = sorted(reply["data"], key=lambda one: int(one["index"]))
            vectors = np.array([one["embedding"] for one in rows], dtype=np.float32)
            lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
            if len(vectors) != len(texts) or not np.all(lengths > 0):
                raise ValueError
        except (KeyError, TypeError, ValueError) as error:
            raise ModelServerError(
                f"{self._server.address} gives no embeddings at /v1/embeddings."
            ) from error
        units: Vectors = vectors / lengths
        return units


def _prompts(model: str) -> tuple[str, str]:
    """What a model reads before a question and before a passage; nothing for one that is not known."""
    name = model.rpartition("/")[2].lower()
    known = [start for start in _PROMPTS if name.startswith(start)]
    return _PROMPTS[max(known, key=len)] if known else ("", "")


class ServedReranker:
    """A `Reranker` on a server: by `/v1/rerank` (llama-server, vLLM) or TEI's `/rerank`."""

    english_only = False
    signal = "reranker"

    def __init__(self, url: str) -> None:
        self._server = ModelServer(url)

    def scores(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """How well each text answers the query, shape (texts,), higher is better."""
        found = np.zeros(len(texts))
        for start in range(0, len(texts), BATCH_TEXTS):
            batch = list(texts[start : start + BATCH_TEXTS])
            found[start : start + len(batch)] = self._scored(query, batch)
        return found

    def _scored(self, query: str, texts: list[str]) -> NDArray[np.float64]:
        if self._server.info:
            reply = self._server.ask("/rerank", {"query": query, "texts": texts, "truncate": True})
        else:
            body = {"model": self._server.model, "query": query, "documents": texts}
            reply = (self._server.ask("/v1/rerank", body) or {}).get("results")
        try:
            told = {int(one["index"]): float(one.get("relevance_score", one.get("score"))) for one in reply}
            return np.array([told[place] for place in range(len(texts))])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelServerError(f"{self._server.address} is not a reranker: it has no scores.") from error
