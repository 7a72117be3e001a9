"""Whether the documents hold an answer: decided from what the search found, and in doubt by a model too."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.errors import LibraryError
from rag.interfaces import Vectors
from rag.records import READER_SIGNAL, Evidence, Hit
from rag.text.words import content_words, fold, seems_english, stem, words

COEFFICIENTS = Path(__file__).with_name("abstain.toml")
SIGNALS = (
    "dense_rise",
    "dense_margin",
    "quote_similarity",
    "quote_match",
    "rare_match",
    "unmatched",
)
Situation = Literal["compared", "read", "translated"]
"""What could be made of the hits: compared with the question, also read beside it (English), or only
compared across languages."""
FIRST = 3
MIN_CONFIDENCE = 1e-9
SUREST = 0.15
"""A model that is surer, of yes or of no, is not believed further: so none is asked where the search's
confidence is below 0.13 or above 0.75."""
SIGNALS_OF: dict[Situation, tuple[str, ...]] = {
    "compared": SIGNALS,
    "read": ("dense_rise", "dense_margin", "quote_similarity", READER_SIGNAL),
    "translated": SIGNALS,
}
MATCHED = 0.9
"""The cosine of E5's token vectors from which a text says what the question's token says."""
_NOTHING_STANDS_OUT = 0.03
_HOW = frozenset({"how", "wie"})
_TASK_WORDS = frozenset(
    stem(word)
    for word in words(
        """summarise summarize summary list compare comparison overview outline main points point document
        documents file files report say says said tell show give explain describe find mention mentions please
        short brief briefly new newest current currently latest recent now today moment question answer know
        need want get like help details information difference between kind type
        zusammenfassung zusammenfassen fasse zusammen liste vergleiche überblick dokument dokumente datei
        bericht sag sage zeig zeige nenne erkläre bitte kurz neu neue aktuell aktuelle derzeit gibt steht
        brauche
        resume resumir resumen lista compara documento documentos archivo informe dime muestra explica favor
        breve nuevo actual último
        résume résumer résumé liste compare document documents fichier rapport dis montre explique bref
        nouveau actuel dernier
        总结 概括 列出 比较 文件 文档 报告 请 告诉 简要 最新 目前 当前"""
    )
)
"""Words that ask for a task, a form or a time, and name no subject."""


class Reading(Protocol):
    """What was read in the first hits, and how it matches the question's tokens."""

    @property
    def evidence(self) -> Sequence[Evidence]:
        """The excerpts that are shown."""

    @property
    def similarity(self) -> float:
        """The highest cosine of a unit read under its headings."""

    @property
    def matches(self) -> Vectors:
        """How well each quote holds each token of the question, shape (quotes, tokens), cosines."""

    @property
    def markers(self) -> NDArray[np.int64]:
        """The passage of each of these quotes, shape (quotes,)."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision, why ("" where an answer is given), and the probability, 0 to 1, of an answer.

    `across_languages`: it tells little, since the question is in another language than what was found.
    """

    abstain: bool
    reason: str
    confidence: float
    across_languages: bool = False

    @property
    def doubtful(self) -> bool:
        """Whether an able model that has read the passages could decide otherwise."""
        opinion = fitted().second_opinion
        return opinion.answers(self.confidence, 1.0) and not opinion.answers(self.confidence, 0.0)

    def after(self, leaning: float, model: str) -> Decision:
        """The judgement once a model has been asked whether the passages hold the answer.

        `leaning` is its probability of yes against no, 0 to 1. The confidence stays the search's.
        """
        if fitted().second_opinion.answers(self.confidence, leaning):
            return replace(self, abstain=False, reason="")
        return replace(self, abstain=True, reason=self.reason or found_nothing(model))


def found_nothing(model: str) -> str:
    """Why there is no answer where a model refuses."""
    return f"Not in your documents: {model} read the passages and found no answer."


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic model over signals.

    Fitted by `tests/benchmarks/fit_refusal.py`.
    """

    weights: Mapping[str, float]
    intercept: float

    def confidence(self, values: Mapping[str, float]) -> float:
        """The probability that the question is answered, 0 to 1."""
        return 1 / (
            1
            + math.exp(-self.intercept - sum(weight * values[name] for name, weight in self.weights.items()))
        )


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """How the search's confidence and a model's leaning decide together: the sum of their weighed log odds.

    Fitted by `tests/benchmarks/fit_second_opinion.py`.
    """

    search: float
    leaning: float
    intercept: float

    def answers(self, confidence: float, leaning: float) -> bool:
        """Whether an answer is given."""
        odds = self.search * log_odds(confidence, MIN_CONFIDENCE) + self.leaning * log_odds(leaning, SUREST)
        return self.intercept + odds >= 0


def log_odds(probability: float, least: float) -> float:
    """The logarithm of its odds, for a probability held `least` away from 0 and from 1."""
    bounded = min(max(probability, least), 1 - least)
    return math.log(bounded / (1 - bounded))


@dataclass(frozen=True, slots=True)
class Fitted:
    """All that was fitted, from the file beside this module.

    Below the threshold, a probability, no answer is given.
    """

    threshold: float
    calibrations: Mapping[Situation, Calibration]
    second_opinion: SecondOpinion


@cache
def fitted() -> Fitted:
    """What was fitted; read once."""
    try:
        content = tomllib.loads(COEFFICIENTS.read_text(encoding="utf-8"))
        calibrations: dict[Situation, Calibration] = {
            situation: Calibration(
                {name: float(content[situation]["weights"][name]) for name in names},
                float(content[situation]["intercept"]),
            )
            for situation, names in SIGNALS_OF.items()
        }
        opinion = SecondOpinion(**{name: float(value) for name, value in content["second_opinion"].items()})
        return Fitted(float(content["threshold"]), calibrations, opinion)
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise LibraryError(f"{COEFFICIENTS} is damaged ({error!r}). Restore the file.") from error


def judge(question: str, hits: Sequence[Hit], reading: Reading, *, nowhere: Sequence[str] = ()) -> Decision:
    """Whether to answer, from the hits and what was read in the first of them.

    `nowhere` are the codes of the question that no document holds: what is asked about them is not there.
    """
    if not words(question):
        return Decision(True, "There is no question to answer: it has no words.", 0.0)
    if not hits:
        return Decision(True, "Not in your documents: nothing was found for this question.", 0.0)
    if nowhere:
        named = ", ".join(f"“{code}”" for code in nowhere)
        return Decision(True, f"Not in your documents: none of them mentions {named}.", 0.0)
    shown = {quote.hit.rowid: quote.hit for quote in reading.evidence}
    near = {hit.rowid: hit for hit in hits[:FIRST]} | shown
    texts = [said_by(hit) for hit in near.values()]
    values = signals(hits, reading)
    situation = situation_of(question, texts, values)
    confidence = fitted().calibrations[situation].confidence(values)
    if confidence >= fitted().threshold:
        return Decision(False, "", confidence, across_languages=situation == "translated")
    # A translation is not a lack: words are missed only where a text is in the question's language.
    missing = missing_words(question, texts) if situation != "translated" else ()
    return Decision(True, _reason(values, missing), confidence)


def situation_of(question: str, texts: Sequence[str], values: Mapping[str, float]) -> Situation:
    """What could be made of the texts found for a question."""
    if READER_SIGNAL in values:
        return "read"
    same = any(seems_english(text) == seems_english(question) for text in texts)
    return "compared" if same else "translated"


def signals(hits: Sequence[Hit], reading: Reading) -> dict[str, float]:
    """What the search and the reading tell about their own success.

    `reader`, where it has read the hits, is the highest of its logits that one answers.
    Two compare the best passage with the rest of the same search: what answers a question stands out.
    `quote_similarity` is how near the nearest sentence is; for questions in other words than the documents'
    it tells most by itself (AUROC 0.66 to 0.72). Three ask whether what was read holds the question token by
    token: a passage on the subject holds most of it, one that answers holds the rare part too.
    """
    dense = np.array([hit.signals.get("dense", 0.0) for hit in hits])
    return {
        "dense_rise": float(dense.max() - dense.mean()),
        "dense_margin": _margin(dense),
        "quote_similarity": reading.similarity,
        **_match_signals(reading),
        **_reader_signal(hits),
    }


def _reader_signal(hits: Sequence[Hit]) -> dict[str, float]:
    read = [hit.signals[READER_SIGNAL] for hit in hits if READER_SIGNAL in hit.signals]
    return {READER_SIGNAL: max(read)} if read else {}


def _match_signals(reading: Reading) -> dict[str, float]:
    """How the question's tokens are matched: in the best quote, and in the best passage.

    `quote_match` is the best quote's mean match. In the passage with the highest mean, `rare_match`
    weighs each token by how badly the other quotes match it, `unmatched` is the share of tokens below
    `MATCHED`.
    """
    matches = reading.matches.astype(np.float64)
    if not matches.size:
        return {"quote_match": 0.0, "rare_match": 0.0, "unmatched": 1.0}
    passages = np.array([matches[reading.markers == one].max(axis=0) for one in np.unique(reading.markers)])
    best = passages[passages.mean(axis=1).argmax()]
    rarity = np.maximum(1 - matches.mean(axis=0), 1e-6)
    return {
        "quote_match": float(matches.mean(axis=1).max()),
        "rare_match": float(best @ rarity / rarity.sum()),
        "unmatched": float((best < MATCHED).mean()),
    }


def said_by(hit: Hit) -> str:
    """What a passage says with its file's name, its title and its headings."""
    return "\n".join((hit.doc, hit.title, *hit.passage.heading_path, hit.passage.context, hit.passage.text))


def missing_words(question: str, texts: Sequence[str]) -> tuple[str, ...]:
    """The question's content words that none of the texts holds in any form, as typed.

    What follows "how" asks for a measure ("how long") and need not be said; neither need words that ask for
    a task or a form ("summarise", "the latest").
    """
    whole = fold("\n".join(texts))
    held = {stem(word) for word in words(whole)} | _TASK_WORDS
    lost = {word for word in content_words(question) if stem(word) not in held and word not in whole}
    typed = [word.strip(".,;:!?¿¡\"'()“”") for word in question.split()]
    measures = {word for before, word in pairwise(map(fold, typed)) if before in _HOW}
    return tuple(dict.fromkeys(word for word in typed if fold(word) in lost - measures))


def _margin(scores: NDArray[np.float64]) -> float:
    """How far the best stands above the second."""
    best = np.sort(scores)[::-1]
    return float(best[0] - best[1]) if len(best) > 1 else 0.0


def _reason(values: Mapping[str, float], missing: Sequence[str]) -> str:
    """Why, in words a person can check."""
    if missing:
        named = ", ".join(f"“{word}”" for word in missing[:4])
        return f"Not in your documents: the nearest passages do not mention {named}."
    if values["dense_rise"] < _NOTHING_STANDS_OUT:
        return "Not in your documents: no passage stands out for this question."
    return "Not in your documents: the nearest passages are on the subject, but none seems to answer this."
