"""What decides the order of the passages found: settings of the search, and axes of the lab."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le

from rag.interfaces import Distance

Weight = Annotated[float, Ge(0), Le(100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """What decides the order of the hits; each field can be set, and compared in the lab.

    `candidates` are taken from each search: by the embedding model, by the second, English one where
    there is one, and by words. `dense_weight`, `second_weight` and `keyword_weight` are of the standardised
    similarities and BM25; 0 switches a search off. `keyword_weight` is times `digits_boost` where the query
    holds digits: years, codes and versions are meant to the letter. `distance` is what the first model's
    similarity is made of: "centred" is the cosine once the collection's mean is subtracted. `name_weight`
    is of the document's name in the query, `document_weight` of how far the whole document is about the
    query's words, `number_weight` of a passage full of numbers where the query asks for one,
    `question_weight` of the nearest question that was written for a passage, if any was (`footnote
    questions`), and `page_penalty` is taken off a passage for each better one of its page. `reranked` hits
    are read by the reranker, where there is one; its opinion weighs `reranker_weight` beside the score, both
    standardised over these hits. `fusion` "ranks" is reciprocal rank fusion, to compare with.

    Raises:
        ValueError: both searches are switched off. The limits hold where values come from outside:
            in the settings and in the lab.
    """

    candidates: Annotated[int, Ge(1), Le(10_000)] = 100
    dense_weight: Weight = 1.0
    second_weight: Weight = 1.0
    keyword_weight: Weight = 0.4
    digits_boost: Annotated[float, Ge(0.1), Le(10)] = 1.5
    name_weight: Weight = 2.0
    document_weight: Weight = 2.5
    number_weight: Weight = 1.0
    question_weight: Weight = 0.5
    page_penalty: Weight = 0.3
    reranked: Annotated[int, Ge(0), Le(1000)] = 8
    reranker_weight: Weight = 0.8
    fusion: Literal["scores", "ranks"] = "scores"
    distance: Distance = "centred"

    def __post_init__(self) -> None:
        if not self.dense_weight and not self.keyword_weight:
            raise ValueError("dense_weight and keyword_weight are both 0, so nothing is searched")

    def vectors_only(self) -> Ranking:
        """The same without words, names and numbers: what the embedding models alone find near."""
        off = dict.fromkeys(
            ("keyword_weight", "name_weight", "document_weight", "number_weight", "page_penalty"), 0.0
        )
        return replace(self, **off)  # type: ignore[arg-type]

    def changed(self) -> dict[str, Any]:
        """The fields that differ from what is shipped, as a settings file has them."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value != getattr(DEFAULT_RANKING, name)}


DEFAULT_RANKING = Ranking()
