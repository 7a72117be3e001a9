"""A grammar that holds a model to the sentences of the evidence: it adds and orders, never phrases."""

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


def quoting_grammar(choices: Sequence[Evidence]) -> str:
    """GBNF whose `root` is the best of the choices (the first), alone or with another before or behind it.

    Each is spelt out whole, so that what the model writes is an exact quotation whichever tokens
    it prefers. Free to leave out the best one, the starter did in half of the questions, for a worse one.
    """
    names = [f"s{number}" for number in range(len(choices))]
    orders = chain.from_iterable(permutations(names, count) for count in range(1, MOST_SENTENCES + 1))
    root = " | ".join(' " " '.join(order) for order in orders if names[0] in order)
    rules = [f"{name} ::= {literal(quoted(choice))}" for name, choice in zip(names, choices, strict=True)]
    return "\n".join([f"root ::= {root}", *rules])


def literal(text: str) -> str:
    """A GBNF string literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
