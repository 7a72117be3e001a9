"""The best candidates read: which come first by what stands in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rag.interfaces import Reranker
from rag.records import Hit
from rag.search.query import ParsedQuery, holds_phrase
from rag.search.ranking import Ranking
from rag.search.scores import Scores
from rag.text.answer_types import expected_answer
from rag.text.words import seems_english

_NUMBER_SIGNS = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)|[%$€£¥]")
_NO_DIGIT, _NO_LETTER = re.compile(r"\D+"), re.compile(r"[\W_]+")
FULL_OF_NUMBERS = 0.2  # digits of letters and digits: a balance sheet has 0.2 to 0.4, prose 0.01


def kept(hits: Sequence[Hit], parsed: ParsedQuery) -> list[Hit]:
    """Without those that hold an excluded word, and those whose text a better hit of the document has."""
    best: dict[tuple[int, str], Hit] = {}
    for hit in hits:
        if not any(holds_phrase(hit.passage.text, word) for word in parsed.excluded):
            best.setdefault((hit.document_id, " ".join(hit.passage.text.split()).casefold()), hit)
    return list(best.values())


def ordered(hits: Sequence[Hit], parsed: ParsedQuery, ranking: Ranking) -> list[Hit]:
    """The hits best first, their scores raised where numbers are asked for and spread over pages.

    Equal scores are ordered by rowid.
    """
    scores = {hit.rowid: hit.score for hit in hits}
    if ranking.number_weight and asks_for_a_number(parsed.text):
        for hit in hits:
            scores[hit.rowid] += ranking.number_weight * _numbers(hit)
    _spread_over_pages(hits, scores, ranking.page_penalty)
    changed = [replace(hit, score=scores[hit.rowid]) for hit in hits]
    return sorted(changed, key=lambda hit: (-hit.score, hit.rowid))


def asks_for_a_number(query: str) -> bool:
    """Whether the query's words ask for a number, or it has a year, a percent or a currency sign."""
    return expected_answer(query) == "number" or _NUMBER_SIGNS.search(query) is not None


def _numbers(hit: Hit) -> float:
    """How full of numbers a passage is, 0 to 1: statements and price lists are, prose is not."""
    letters = _NO_LETTER.sub("", hit.passage.text)
    share = len(_NO_DIGIT.sub("", letters)) / max(len(letters), 1)
    return min(1.0, share / FULL_OF_NUMBERS)


def _spread_over_pages(hits: Sequence[Hit], scores: dict[int, float], penalty: float) -> None:
    """Lowers each score by `penalty` for every better hit of its page."""
    better: dict[tuple[int, int], int] = {}
    for hit in sorted(hits, key=lambda hit: (-scores[hit.rowid], hit.rowid)):
        if hit.page is not None:
            page = (hit.document_id, hit.page)
            scores[hit.rowid] -= penalty * better.get(page, 0)
            better[page] = better.get(page, 0) + 1


def reranked(hits: Sequence[Hit], query: str, reranker: Reranker, ranking: Ranking) -> list[Hit]:
    """The first hits ordered by their scores and by the reranker's, each standardised over these hits.

    Those that it read have its score as a signal; one that it cannot read it holds to be as good as the
    others. The places keep their scores.
    """
    if reranker.english_only and not seems_english(query):
        return list(hits)
    first = hits[: ranking.reranked]
    texts = [f"{hit.passage.context}\n{hit.passage.text}".strip() for hit in first]
    read = [i for i, text in enumerate(texts) if not reranker.english_only or seems_english(text)]
    if not read:
        return list(hits)
    opinions = np.asarray(reranker.scores(query, [texts[i] for i in read]))
    known = list(first)
    total = _standardised(np.array([hit.score for hit in first]))
    total[read] += ranking.reranker_weight * _standardised(opinions)
    for i, opinion in zip(read, opinions.tolist(), strict=True):
        known[i] = replace(first[i], signals=first[i].signals | {reranker.signal: opinion})
    order = np.argsort(-total, kind="stable")
    return [replace(known[new], score=old.score) for old, new in zip(first, order, strict=True)] + list(
        hits[len(first) :]
    )


def _standardised(values: Scores) -> Scores:
    result: Scores = (values - values.mean()) / max(float(values.std()), 1e-9)
    return result


def phrases_first(hits: Sequence[Hit], parsed: ParsedQuery) -> list[Hit]:
    """Those that hold the most phrases first, else in the order given."""
    return sorted(hits, key=lambda hit: -sum(holds_phrase(hit.passage.text, one) for one in parsed.phrases))


def by_document(hits: Sequence[Hit]) -> list[list[Hit]]:
    """The hits document by document, in the order of each document's best."""
    grouped: dict[int, list[Hit]] = {}
    for hit in hits:
        grouped.setdefault(hit.document_id, []).append(hit)
    return list(grouped.values())
