"""Text to token ids with the model's own tokenizer and prompts, and no library but tokenizers."""

from __future__ import annotations

import json
import threading
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.errors import ModelDamaged

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from tokenizers.models import Unigram

QUICK_CHARACTERS = 2000
ENCODED_AT_ONCE = 512  # an encoding takes some 100 bytes a token: a book's at once would take 100 MB
FACTS_FILE = "tokenizer-facts.json"
PIECES_FILE = "tokenizer-pieces.npz"


class PromptTokenizer:
    """A tokenizer.json, loaded on first use: 0.55 s for the 250,002 pieces of multilingual E5."""

    def __init__(self, file: Path, *, special_tokens: bool = True) -> None:
        self._file = file
        self._special_tokens = special_tokens
        self._loading = threading.Lock()

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        with self._loading:
            try:
                tokenizer = Tokenizer.from_file(str(self._file))
            # The library raises bare Exception for a file it cannot parse.
            except Exception as error:
                raise ModelDamaged(f"The tokenizer {self._file} cannot be read: {error}") from error
            tokenizer.no_padding()
            tokenizer.no_truncation()
            return tokenizer

    def ids(self, texts: Sequence[str], prompt: str) -> list[list[int]]:
        """The ids of prompt + text, with the special tokens, for each text."""
        encodings = self._tokenizer.encode_batch_fast(
            [prompt + text for text in texts], add_special_tokens=self._special_tokens
        )
        return [encoding.ids for encoding in encodings]

    def starts(self, texts: Sequence[str], prompt: str) -> list[list[int]]:
        """The offset in each text at which each of its tokens begins, behind any white space."""
        found = []
        for begin in range(0, len(texts), ENCODED_AT_ONCE):
            window = texts[begin : begin + ENCODED_AT_ONCE]
            encodings = self._tokenizer.encode_batch(
                [prompt + text for text in window], add_special_tokens=False
            )
            for encoding, text in zip(encodings, window, strict=True):
                found.append(_content_starts(encoding.offsets, text, len(prompt)))
        return found


def _content_starts(offsets: Sequence[tuple[int, int]], text: str, prompt_length: int) -> list[int]:
    starts = []
    for start, end in offsets:
        if end <= prompt_length:
            continue
        place, last = max(start - prompt_length, 0), end - prompt_length - 1
        while place < last and text[place].isspace():
            place += 1
        starts.append(place)
    return starts


@dataclass(frozen=True, slots=True)
class PieceTable:
    """The pieces of a Unigram tokenizer, sorted by their UTF-8, to be searched where they lie."""

    blob: bytes
    ends: Any
    ids: Any
    scores: Any

    def __len__(self) -> int:
        return len(self.ids)

    def piece(self, position: int) -> bytes:
        """The bytes of one piece."""
        return self.blob[self.ends[position - 1] if position else 0 : self.ends[position]]

    def prefixes(self, text: bytes) -> list[int]:
        """The positions of all pieces that begin the text."""
        found = []
        low, high = 0, len(self)
        for length in range(1, len(text) + 1):
            prefix = text[:length]
            low = bisect_left(range(len(self)), prefix, low, high, key=self.piece)
            high = bisect_left(range(len(self)), prefix + b"\xff", low, high, key=self.piece)
            if low == high:
                break
            if self.piece(low) == prefix:
                found.append(low)
        return found


class QuickTokenizer:
    """Equal to the whole tokenizer for short texts, and there in 10 ms instead of 550.

    A text's best segmentation uses only pieces that occur in it. So a Unigram model of just those
    pieces, and of the one with the lowest score (which sets the price of an unknown character),
    gives the same tokens. They are found in the sorted table by binary search.
    """

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        facts = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
        self._before, self._after = facts["before"], facts["after"]
        self._always, self._special = facts["always"], facts["special"]
        self._tokenizer = Tokenizer.from_str(json.dumps(facts["tokenizer"]))
        with np.load(folder / PIECES_FILE) as arrays:
            self._table = PieceTable(
                arrays["blob"].tobytes(), arrays["ends"], arrays["ids"], arrays["scores"]
            )
        self._changing_model = threading.Lock()
        # Questions share most of their words: a question takes 1.2 ms so, and 4.7 ms without.
        self._positions_of_word = lru_cache(maxsize=20_000)(self._search)

    def ids(self, texts: Sequence[str], prompt: str) -> list[list[int] | None]:
        """The ids of prompt + text with the special tokens; None where only the whole tokenizer knows.

        That is for long texts, where searching costs more than loading, and for texts that quote one
        of the special tokens. One model serves all texts: the 24 quotes of a question take 8 ms so, and
        20 ms each by itself.
        """
        wholes = [prompt + text for text in texts]
        known = [self._knows(whole) for whole in wholes]
        positions = self._positions([whole for whole, quick in zip(wholes, known, strict=True) if quick])
        with self._changing_model:
            self._tokenizer.model = self._model(positions)
            return [
                self._encoded(whole, positions) if quick else None
                for whole, quick in zip(wholes, known, strict=True)
            ]

    def _knows(self, whole: str) -> bool:
        return len(whole) <= QUICK_CHARACTERS and not any(token in whole for token in self._special)

    def _encoded(self, whole: str, positions: Sequence[int]) -> list[int]:
        local_ids = self._tokenizer.encode(whole, add_special_tokens=False).ids
        return [*self._before, *(int(self._table.ids[positions[i]]) for i in local_ids), *self._after]

    def _positions(self, texts: Sequence[str]) -> list[int]:
        """Where the pieces that occur in the texts lie, behind those that every text needs."""
        words: set[str] = set()
        for text in texts:
            normal = self._tokenizer.normalizer.normalize_str(text)
            words.update(word for word, _ in self._tokenizer.pre_tokenizer.pre_tokenize_str(normal))
        found = frozenset[int]().union(*map(self._positions_of_word, words))
        return [*self._always, *sorted(found.difference(self._always))]

    def _search(self, word: str) -> frozenset[int]:
        starts = range(len(word))
        return frozenset(place for start in starts for place in self._table.prefixes(word[start:].encode()))

    def _model(self, positions: Sequence[int]) -> Unigram:
        from tokenizers.models import Unigram

        table = self._table
        pieces = [(table.piece(place).decode(), float(table.scores[place])) for place in positions]
        return Unigram(pieces, 0, False)


def write_quick_files(tokenizer_file: Path, folder: Path) -> bool:
    """Writes what `QuickTokenizer` reads; False where the model is no plain Unigram model.

    Other kinds have a vocabulary of some ten thousand entries and load in 20 ms as they are.

    Raises:
        ModelDamaged: the tokenizer is missing or cannot be read.
    """
    try:
        content = json.loads(tokenizer_file.read_text(encoding="utf-8"))
        model = content["model"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelDamaged(
            f"The tokenizer {tokenizer_file} cannot be read ({error}). Remove the model and pull it again, "
            "or choose one that has a tokenizer.json."
        ) from error
    if model.get("type") != "Unigram" or model.get("byte_fallback") or model.get("unk_id") is None:
        return False
    entries = sorted((piece.encode(), number, score) for number, (piece, score) in enumerate(model["vocab"]))
    np.savez(
        folder / PIECES_FILE,
        blob=np.frombuffer(b"".join(piece for piece, _, _ in entries), np.uint8),
        ends=np.cumsum([len(piece) for piece, _, _ in entries]),
        ids=np.array([number for _, number, _ in entries]),
        scores=np.array([score for _, _, score in entries]),
    )
    places = {number: place for place, (_, number, _) in enumerate(entries)}
    lowest = min(range(len(entries)), key=lambda place: entries[place][2])
    before, after = _special_ids(content)
    facts = {
        "before": before,
        "after": after,
        "always": list(dict.fromkeys([places[model["unk_id"]], lowest])),
        "special": [token["content"] for token in content["added_tokens"]],
        "tokenizer": _without_pieces(content),
    }
    (folder / FACTS_FILE).write_text(json.dumps(facts), encoding="utf-8")
    return True


def _special_ids(content: dict[str, Any]) -> tuple[list[int], list[int]]:
    """The ids that the tokenizer puts before and after a text's own."""
    from tokenizers import Tokenizer

    shell = _without_pieces(content) | {"post_processor": content["post_processor"]}
    encoding = Tokenizer.from_str(json.dumps(shell)).encode("a")
    own = encoding.special_tokens_mask.index(0)
    return encoding.ids[:own], encoding.ids[own + 1 :]


def _without_pieces(content: dict[str, Any]) -> dict[str, Any]:
    """The tokenizer with an empty vocabulary: its normalizer and pre-tokenizer are what is wanted."""
    empty = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0]], "byte_fallback": False}
    dropped: dict[str, Any] = {
        "added_tokens": [],
        "post_processor": None,
        "padding": None,
        "truncation": None,
    }
    return content | dropped | {"model": empty}
