"""The wire from question sets and settings to an evaluation: index, search, compare."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import UsageError
from rag.evaluation import Evaluation, Search, evaluate, load_set, make_questions, save
from rag.records import Hit
from rag.retrieval import DEFAULT_RANKING, Ranking

if TYPE_CHECKING:
    from rag.indexing import IngestEvent
    from rag.library import Library

SHIPPED = "as shipped"
DEEPEST = 20
RANKING_FIELDS = {field.name: type(getattr(DEFAULT_RANKING, field.name)) for field in fields(Ranking)}
INDEXING_FIELDS: dict[str, type] = {"chunk_tokens": int}

Progress = Callable[[int, int], None]
FollowIngest = Callable[[Iterator["IngestEvent"]], object]


_SUM = Ranking(name_weight=0.0, document_weight=0.0, number_weight=0.0, page_penalty=0.0)
BASELINES = {
    "vectors only": replace(_SUM, keyword_weight=0.0),
    "keywords only": replace(_SUM, dense_weight=0.0, keyword_weight=1.0),
    "rank fusion": replace(_SUM, keyword_weight=1.0, fusion="ranks"),
    "sum of scores": _SUM,
}
"""The ways of searching that others ship, to compare with, by name."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """One way to index and to search, with a name for tables."""

    name: str
    ranking: Ranking = DEFAULT_RANKING
    chunk_tokens: int | None = None


def baselines() -> list[Configuration]:
    """The `BASELINES` as configurations."""
    return [Configuration(name, ranking) for name, ranking in BASELINES.items()]


def configurations(axes: Sequence[str]) -> list[Configuration]:
    """What is shipped, then every combination of the axes, each given as "name=value,value".

    Raises:
        UsageError: an unknown name, or a value of the wrong kind.
    """
    combined = itertools.product(*(axis_values(axis) for axis in axes)) if axes else ()
    return [Configuration(SHIPPED), *(configured(dict(chosen)) for chosen in combined)]


def axis_values(axis: str) -> list[tuple[str, Any]]:
    """The (name, value) pairs of "name=value,value"."""
    name, _, values = axis.partition("=")
    kinds = RANKING_FIELDS | INDEXING_FIELDS
    if name not in kinds or not values:
        raise UsageError(f"'{axis}' is not NAME=VALUE,VALUE. The names: {', '.join(sorted(kinds))}.")
    try:
        return [(name, kinds[name](value)) for value in values.split(",")]
    except ValueError as error:
        raise UsageError(f"'{axis}': a value of {name} has to be {kinds[name].__name__}.") from error


def configured(chosen: dict[str, Any]) -> Configuration:
    """A configuration from settings by name."""
    name = ", ".join(f"{key}={value}" for key, value in chosen.items())
    ranking = {key: value for key, value in chosen.items() if key in RANKING_FIELDS}
    return Configuration(name, replace(DEFAULT_RANKING, **ranking), chosen.get("chunk_tokens"))


def evaluate_set(
    library: Library,
    folder: Path,
    tried: Sequence[Configuration],
    *,
    follow: FollowIngest,
    progress: Progress,
) -> Evaluation:
    """Indexes a set's corpus beside the library, asks its questions under each configuration, saves.

    The indexes stay in `<library>/evaluations`, so that the next run embeds only what changed.
    """
    questions = load_set(folder)
    bench = library.beside("evaluations")
    try:
        searches: dict[str, Search] = {}
        for configuration in tried:
            chunk_tokens = configuration.chunk_tokens or library.settings.chunk_tokens
            collection = f"{questions.name}-{chunk_tokens}"
            follow(bench.ingest(questions.corpora, collection=collection, target_tokens=chunk_tokens))
            searches[configuration.name] = search_with(bench, configuration, collection)
        evaluation = evaluate(questions.name, questions.questions, searches, progress=progress)
    finally:
        bench.close()
    keep(library, evaluation)
    return evaluation


def evaluate_collection(
    library: Library, collection: str, tried: Sequence[Configuration], *, count: int, progress: Progress
) -> Evaluation:
    """Asks a collection questions made from its own passages, under each configuration, and saves.

    Raises:
        UsageError: a configuration needs another index than the collection's own.
    """
    if any(configuration.chunk_tokens for configuration in tried):
        raise UsageError(
            "chunk_tokens can be compared on a question set only: the collection is indexed once."
        )
    questions = make_questions(library.store, library.require_documents(collection), count=count)
    searches = {one.name: search_with(library, one, collection) for one in tried}
    evaluation = evaluate(f"collection {collection}", questions, searches, progress=progress)
    keep(library, evaluation)
    return evaluation


def search_with(library: Library, configuration: Configuration, collection: str) -> Search:
    """The search of a configuration."""

    def search(query: str) -> Sequence[Hit]:
        return library.search(query, count=DEEPEST, collection=collection, ranking=configuration.ranking)

    return search


def keep(library: Library, evaluation: Evaluation) -> Path:
    """Saves an evaluation in the library, with the settings it was made under."""
    settings = library.settings
    made_with = {"embedding_model": settings.embedding_model, "chunk_tokens": settings.chunk_tokens}
    return save(evaluation, settings.library / "evaluations" / "results", settings=made_with)
