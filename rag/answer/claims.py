"""Whether the documents support a claim: each of its sentences against the passages nearest to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from rag.answer.versions import Versions
from rag.interfaces import Embedder, SearchIndex
from rag.records import Evidence, Hit, Superseded
from rag.text.sentences import split_sentences
from rag.verify.grounding import Stance, stances

ClaimVerdict = Literal["supported", "contradicted", "not found"]
MAX_QUOTES = 3
"""Of each kind, for a sentence."""


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """One sentence, the verdict, and the quotes that speak for and against it, nearest first.

    Quotes of both kinds mean that documents disagree; those of the version in force decide. `nearest`
    are what comes near to a sentence that was not found. `problems` say, in plain words, what the nearest
    quote does not support.
    """

    sentence: str
    verdict: ClaimVerdict
    problems: tuple[str, ...] = ()
    supporting: tuple[Evidence, ...] = ()
    contradicting: tuple[Evidence, ...] = ()
    nearest: tuple[Evidence, ...] = ()


def checked_claims(
    text: str,
    *,
    search: Callable[[str], Sequence[Hit]],
    index: SearchIndex,
    collection: str,
    embedder: Embedder,
) -> list[CheckedClaim]:
    """The sentences of a text, each checked without a model. `search` finds passages for a sentence."""
    checked = []
    for start, end in split_sentences(text):
        sentence = text[start:end].strip()
        if any(character.isalnum() for character in sentence):
            hits = search(sentence)
            superseded = Versions.among(hits, index, collection).superseded()
            checked.append(_checked(sentence, stances(sentence, hits, embedder=embedder), superseded))
    return checked


def _checked(sentence: str, found: Sequence[Stance], superseded: dict[int, Superseded]) -> CheckedClaim:
    ordered = sorted(found, key=lambda one: (one.hit.document_id in superseded, -one.nearness))

    def quotes(says: str) -> tuple[Evidence, ...]:
        return tuple(
            Evidence(
                one.hit,
                marker,
                one.hit.passage.text[one.start : one.end],
                one.start,
                one.end,
                one.nearness,
                superseded=superseded.get(one.hit.document_id),
            )
            for marker, one in enumerate((one for one in ordered if one.says == says), start=1)
        )[:MAX_QUOTES]

    yes, no = quotes("yes"), quotes("no")
    outdated = bool(yes and yes[0].superseded and no and not no[0].superseded)
    if yes and not outdated:
        return CheckedClaim(sentence, "supported", (), yes, no)
    problems = next((one.problems for one in ordered if not no or one.says == "no"), ())
    if no:
        return CheckedClaim(sentence, "contradicted", problems, yes, no)
    return CheckedClaim(sentence, "not found", problems, nearest=quotes("nothing"))
