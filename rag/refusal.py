"""Whether the documents hold an answer at all, decided from what the search found, before any model."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import fmean, pstdev

from rag.errors import LibraryError
from rag.records import Evidence, Hit
from rag.text.wording import content_words, fold, grams, stem, words

COEFFICIENTS = Path(__file__).with_name("refusal.toml")
SIGNALS = ("gram_rise", "quote_lead", "dense_rise", "dense_margin", "margin", "dense_top")
FIRST = 3


@dataclass(frozen=True, slots=True)
class Judgement:
    """The decision, why, and what came nearest.

    `confidence` is the estimated probability, 0 to 1, that the passages answer the question; `missing`
    are the question's words that none of the first passages holds, as typed; `nearest` the passages
    to show instead of an answer.
    """

    abstain: bool
    reason: str
    confidence: float = 1.0
    missing: tuple[str, ...] = ()
    nearest: tuple[Hit, ...] = ()
    signals: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic model over `SIGNALS` and the probability below which no answer is given.

    Fitted by `tests/benchmarks/fit_refusal.py`.
    """

    weights: Mapping[str, float]
    intercept: float
    threshold: float

    def confidence(self, values: Mapping[str, float]) -> float:
        """The probability that the question is answered, 0 to 1."""
        return 1 / (
            1 + math.exp(-self.intercept - sum(self.weights[name] * values[name] for name in SIGNALS))
        )


@cache
def default_calibration() -> Calibration:
    """The fitted model beside this module."""
    try:
        content = tomllib.loads(COEFFICIENTS.read_text(encoding="utf-8"))
        weights = {name: float(content["weights"][name]) for name in SIGNALS}
        return Calibration(weights, float(content["intercept"]), float(content["threshold"]))
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise LibraryError(f"{COEFFICIENTS} is damaged ({error!r}). Restore the file.") from error


def judge(
    question: str,
    hits: Sequence[Hit],
    evidence: Sequence[Evidence],
    *,
    calibration: Calibration | None = None,
) -> Judgement:
    """Whether to answer, from the hits and their best sentences (at least three of each tell most)."""
    if not hits:
        return Judgement(True, "Not in your documents: nothing was found for this question.", 0.0)
    chosen = calibration or default_calibration()
    values = signals(question, hits, evidence)
    confidence = chosen.confidence(values)
    missing = missing_words(question, [hit.passage.text for hit in hits[:FIRST]])
    abstain = confidence < chosen.threshold
    reason = _reason(values, missing) if abstain else ""
    return Judgement(abstain, reason, confidence, missing, tuple(hits[:FIRST]), values)


def signals(question: str, hits: Sequence[Hit], evidence: Sequence[Evidence]) -> dict[str, float]:
    """What the search tells about its own success.

    Five compare the best with the rest of the same search: an answerable question's best passage and
    sentence stand out. In a large or repetitive collection nothing stands out, so the highest cosine is
    needed besides: without it, a fit on encyclopedia paragraphs refused 0.62 of the sample corpus'
    answerable questions. It ties the fit to one embedding model.
    """
    dense = [hit.signals.get("dense", 0.0) for hit in hits]
    keyword = [hit.signals.get("keyword", 0.0) for hit in hits]
    asked = grams(question)
    shared = [len(asked & grams(hit.passage.text)) / max(1, len(asked)) for hit in hits]
    both = [a + 0.6 * b for a, b in zip(_standardised(dense), _standardised(keyword), strict=True)]
    scores = [one.score for one in evidence[:FIRST]]
    return {
        "gram_rise": _rise(shared),
        "quote_lead": scores[0] - scores[-1] if scores else 0.0,
        "dense_rise": max(dense) - fmean(dense) if dense else 0.0,
        "dense_margin": _margin(dense),
        "margin": _margin(both),
        "dense_top": max(dense, default=0.0),
    }


def missing_words(question: str, texts: Sequence[str]) -> tuple[str, ...]:
    """The question's content words that none of the texts holds in any form, as typed."""
    held = {stem(word) for text in texts for word in words(text)}
    lost = {word for word in content_words(question) if stem(word) not in held}
    typed = [word.strip(".,;:!?¿¡\"'()“”") for word in question.split()]
    return tuple(dict.fromkeys(word for word in typed if fold(word) in lost))


def _standardised(scores: Sequence[float]) -> list[float]:
    deviation = pstdev(scores) if scores else 0.0
    mean = fmean(scores) if scores else 0.0
    return [(score - mean) / deviation if deviation > 1e-12 else 0.0 for score in scores]


def _margin(scores: Sequence[float]) -> float:
    """How far the best stands above the second."""
    best = sorted(scores, reverse=True)
    return best[0] - best[1] if len(best) > 1 else 0.0


def _rise(shares: Sequence[float]) -> float:
    """How far the best of the first hits stands above the later ones."""
    return max(shares[:FIRST], default=0.0) - (fmean(shares[FIRST:]) if len(shares) > FIRST else 0.0)


def _reason(values: Mapping[str, float], missing: Sequence[str]) -> str:
    """Why, in words a person can check."""
    if missing:
        named = ", ".join(f"“{word}”" for word in missing[:4])
        return f"Not in your documents: the nearest passages do not mention {named}."
    if values["gram_rise"] < 0.2:
        return "Not in your documents: no passage stands out for this question."
    return "Not in your documents: the nearest passages are on the subject, but none seems to answer this."
