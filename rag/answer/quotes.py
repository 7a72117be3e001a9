"""What a weak model may say: sentences of the evidence. It adds and orders, never phrases."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain, permutations

from rag.records import Evidence

MOST_SENTENCES = 2

_TABLE_LIST_OR_CODE = re.compile(r"(?:^|\n)\s*(?:\||```|~~~)|\n\s*(?:[-*+•]|\d+[.)])\s")


# In a document "[2]" is a footnote; in an answer it would cite the second passage.
_FOOTNOTE = re.compile(r"\[(?=\s*\d[\d\s,;]*\])")
_WORD_JOINER = "\u2060"


def speakable(evidence: Evidence) -> bool:
    """Whether a quote can stand in running text: it is no table, list or code."""
    return not _TABLE_LIST_OR_CODE.search(evidence.quote)


def quoted(evidence: Evidence) -> str:
    """A sentence as the answer shows it: on one line, with its marker.

    Behind the bracket of a number of its own stands a word joiner, which nobody sees: the sentence reads
    as in the document, and the number is no citation.
    """
    line = _FOOTNOTE.sub(f"[{_WORD_JOINER}", " ".join(evidence.quote.split()))
    return f"{line} [{evidence.marker}]"


def arrangements(quotes: Sequence[Evidence]) -> tuple[str, ...]:
    """The texts a model may write: the best quote (the first), alone or with another before or behind it.

    Free to leave out the best one, the starter did in half of the questions, for a worse one.
    """
    said = [quoted(quote) for quote in quotes]
    orders = chain.from_iterable(
        permutations(range(len(said)), count) for count in range(1, MOST_SENTENCES + 1)
    )
    return tuple(" ".join(said[number] for number in order) for order in orders if 0 in order)
