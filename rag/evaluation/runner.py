"""The wire from question sets and settings to an evaluation: index, search, compare."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from rag.errors import LibraryError, UsageError
from rag.evaluation import (
    A_SET,
    Ask,
    Evaluation,
    Origin,
    Question,
    QuestionSet,
    Search,
    answerable,
    document_name,
    evaluate,
    evaluate_answers,
    holds_answer,
    load_set,
    make_questions,
    question_prompt,
    save,
    written_by,
)
from rag.history.receipts import shown_text
from rag.models import NO_MODEL
from rag.records import Hit
from rag.search import DEFAULT_RANKING, Ranking
from rag.settings import Settings

if TYPE_CHECKING:
    from rag.ingest import IngestEvent
    from rag.interfaces import ChatModel
    from rag.library import Library

SHIPPED, IN_USE = "as shipped", "as set"
DEEPEST = 20
RESULTS = Path("evaluations") / "results"
WRITTEN = "written_questions.jsonl"

RANKING_FIELDS: dict[str, Any] = get_type_hints(Ranking, include_extras=True)
INDEXING_FIELDS: dict[str, Any] = {
    name: Annotated[field.annotation, field]
    for name, field in Settings.model_fields.items()
    if name in ("chunk_tokens", "embedding_model")
}
ANSWERING_FIELDS: dict[str, Any] = {
    name: Annotated[field.annotation, field]
    for name, field in Settings.model_fields.items()
    if name
    in ("top_k", "passage_tokens", "evidence_sentences", "compress", "chat_model", "answer_mode", "prompts")
}
"""What changes nothing in a search, but the answer: compared by asking."""
AXES = RANKING_FIELDS | INDEXING_FIELDS | ANSWERING_FIELDS
"""What can be compared, by name, each with its type and limits: those of the settings."""

Progress = Callable[[int, int], None]
FollowIngest = Callable[[Iterator["IngestEvent"]], object]


_SUM = Ranking(
    second_weight=0.0,
    digits_boost=1.0,
    name_weight=0.0,
    document_weight=0.0,
    number_weight=0.0,
    question_weight=0.0,
    page_penalty=0.0,
    reranked=0,
    distance="cosine",
)
BASELINES = {
    "vectors only": replace(_SUM, keyword_weight=0.0),
    "keywords only": replace(_SUM, dense_weight=0.0, keyword_weight=1.0),
    "rank fusion": replace(_SUM, keyword_weight=1.0, fusion="ranks"),
    "sum of scores": _SUM,
}
"""The ways of searching that others ship, to compare with, by name: without a reranker."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """One way to index, to search and to answer, with a name for tables.

    None is what the settings say, and so is what `answering` does not have.
    """

    name: str
    ranking: Ranking = DEFAULT_RANKING
    chunk_tokens: int | None = None
    embedding_model: str | None = None
    answering: Mapping[str, Any] = field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        """The settings, by name, under which every search is made this way."""
        indexed = {name: getattr(self, name) for name in INDEXING_FIELDS}
        given = {name: value for name, value in indexed.items() if value is not None}
        answering = {name: str(v) if isinstance(v, Path) else v for name, v in self.answering.items()}
        return given | answering | {"ranking": self.ranking.changed()}


def in_use(ranking: Ranking) -> Configuration:
    """The way that searches are made now; the others are compared with it."""
    return Configuration(SHIPPED if ranking == DEFAULT_RANKING else IN_USE, ranking)


def baselines() -> list[Configuration]:
    """The `BASELINES` as configurations."""
    return [Configuration(name, ranking) for name, ranking in BASELINES.items()]


def configurations(axes: Sequence[str], *, base: Ranking = DEFAULT_RANKING) -> list[Configuration]:
    """What is in use, then every combination of the axes, each given as "name=value,value".

    An axis that is given twice has the values of both.

    Raises:
        UsageError: an unknown name, or a value that the settings would not take.
    """
    values: dict[str, list[Any]] = {}
    for axis in axes:
        name, given = axis_values(axis)
        values[name] = list(dict.fromkeys([*values.get(name, []), *given]))
    combined = itertools.product(*values.values()) if values else ()
    return [in_use(base), *(configured(dict(zip(values, one, strict=True)), base=base) for one in combined)]


def axis_values(axis: str) -> tuple[str, list[Any]]:
    """The name and the values of "name=value,value"."""
    name, _, listed = axis.partition("=")
    name, values = name.strip(), [value.strip() for value in listed.split(",")]
    if name not in AXES or not all(values):
        raise UsageError(f"'{axis}' is not NAME=VALUE,VALUE. The names: {', '.join(sorted(AXES))}.")
    try:
        return name, [TypeAdapter(AXES[name]).validate_strings(value) for value in values]
    except ValidationError as error:
        problem = error.errors()[0]
        raise UsageError(f"'{axis}': {problem['msg']}; given was {problem['input']!r}.") from error


def configured(chosen: dict[str, Any], *, base: Ranking = DEFAULT_RANKING) -> Configuration:
    """A configuration from settings by name; what is not chosen is as in `base`."""
    name = ", ".join(f"{key}={value}" for key, value in chosen.items())
    ranking = {key: value for key, value in chosen.items() if key in RANKING_FIELDS}
    indexing = {key: value for key, value in chosen.items() if key in INDEXING_FIELDS}
    try:
        answering = {key: value for key, value in chosen.items() if key in ANSWERING_FIELDS}
        return Configuration(name, replace(base, **ranking), **indexing, answering=answering)
    except ValueError as error:
        raise UsageError(f"{name}: {error}.") from error


def without_effect(library: Library, tried: Sequence[Configuration]) -> list[str]:
    """What is compared though it changes nothing in this library, for people to be told."""
    reranked = {one.ranking.reranked for one in tried}
    if library.settings.reranker == NO_MODEL and len(reranked - {0}) > 1:
        return ["reranked changes nothing: the settings name no reranker."]
    return []


def evaluate_set(
    library: Library,
    folder: Path,
    tried: Sequence[Configuration],
    *,
    follow: FollowIngest,
    progress: Progress,
    answers: bool = False,
) -> Evaluation:
    """Indexes a set's corpus beside the library, asks its questions under each configuration, saves.

    What is measured is what a search finds, or whole `answers`: always these where a configuration says how
    to answer.

    The indexes stay in `<library>/evaluations`, so that the next run embeds only what changed.
    """
    questions = load_set(folder)
    answerable(questions.name, questions.questions)
    with ExitStack() as opened:
        benches: dict[str, Library] = {}
        places: dict[str, tuple[Library, str]] = {}
        for configuration in tried:
            model = configuration.embedding_model or library.settings.embedding_model
            if model not in benches:
                benches[model] = bench_with(library, model)
                opened.callback(benches[model].close)
                forget_moved(benches[model])
            chunk_tokens = configuration.chunk_tokens or library.settings.chunk_tokens
            collection = indexed(benches[model], questions, folder, chunk_tokens, follow=follow)
            places[configuration.name] = benches[model], collection
        evaluation = measured(
            library, tried, places, questions.name, questions.questions, progress=progress, answers=answers
        )
    keep(library, evaluation)
    return evaluation


def changes_answers(tried: Sequence[Configuration]) -> bool:
    """Whether a configuration says how to answer, which no search shows."""
    return any(one.answering for one in tried)


def measured(
    library: Library,
    tried: Sequence[Configuration],
    places: Mapping[str, tuple[Library, str]],
    name: str,
    questions: Sequence[Question],
    *,
    answers: bool,
    progress: Progress,
    origin: Origin = A_SET,
) -> Evaluation:
    """The questions asked of each configuration, in the library and collection of its name."""
    values = {one.name: one.values() for one in tried}
    common: dict[str, Any] = {"values": values, "origin": origin, "progress": progress}
    if not answers and not changes_answers(tried):
        searches = {one.name: search_with(places[one.name][0], one, places[one.name][1]) for one in tried}
        return evaluate(name, questions, searches, **common)
    with ExitStack() as opened:
        askers: dict[str, Ask] = {}
        for one in tried:
            indexed_in, collection = places[one.name]
            under = library.under(indexed_in, ranking=one.ranking, **one.answering)
            opened.callback(under.close_own, library)
            askers[one.name] = ask_with(under, collection)
        return evaluate_answers(name, questions, askers, **common)


def ask_with(library: Library, collection: str) -> Ask:
    """Answers questions of a collection and says how well.

    `answered` is 1 where the library does not refuse, `right` where what is shown holds a right answer
    (of questions that have some), `cited` where a citation is of a right passage or document.
    """

    def ask(question: Question) -> dict[str, float]:
        answer = library.answer(question.text, collection=collection)
        said = not answer.abstained
        found = {"answered": float(said)}
        if question.answers or question.answer_groups:
            found["right"] = float(said and holds_answer(question, shown_text(answer)))
        docs = set(question.docs)
        right = [
            one.passage_id == question.passage_id if question.passage_id else document_name(one.doc) in docs
            for one in answer.citations
        ]
        return found | {"cited": float(said and any(right))}

    return ask


def bench_with(library: Library, embedding_model: str) -> Library:
    """The library of evaluations, searching with an embedding model."""
    from rag.library import Library

    if embedding_model == library.settings.embedding_model:
        return library.beside("evaluations")
    settings = library.settings.model_copy(update={"embedding_model": embedding_model})
    return Library(settings).beside("evaluations")


def forget_moved(bench: Library) -> None:
    """Drops the indexes of sets that are no longer where they were."""
    for collection in bench.store.collections():
        if not any(Path(root).exists() for root in bench.store.roots(collection.name)):
            bench.store.remove_collection(collection.name)


def indexed(
    bench: Library, questions: QuestionSet, folder: Path, chunk_tokens: int, *, follow: FollowIngest
) -> str:
    """Brings the index of a set in step with its corpus; returns the name of the collection.

    Each set, model and size of passages has a collection of its own.
    """
    of = f"{folder.resolve()}\n{bench.embedder.identity}"
    collection = f"{questions.name}-{chunk_tokens}-{hashlib.sha256(of.encode()).hexdigest()[:12]}"
    corpora = [Path(os.path.realpath(corpus)) for corpus in questions.corpora]
    for root in bench.store.roots(collection):
        if root not in map(str, corpora):
            bench.store.remove_root(collection, root)
    follow(bench.ingest(corpora, collection=collection, target_tokens=chunk_tokens))
    return collection


def evaluate_collection(
    library: Library,
    collection: str,
    tried: Sequence[Configuration],
    *,
    count: int,
    written: bool = False,
    answers: bool = False,
    progress: Progress,
    writing: Progress = lambda done, total: None,
) -> Evaluation:
    """Asks a collection questions made from its own passages, under each configuration, and saves.

    They are halves of its sentences, or `written` by the library's chat model; `writing` is told how
    many of those are done. `answers` as in `evaluate_set`.

    Raises:
        UsageError: a configuration needs another index than the collection's own, or the chat model
            is too weak to write questions.
    """
    if any(one.chunk_tokens or one.embedding_model for one in tried):
        raise UsageError(
            "chunk_tokens and embedding_model can be compared on a question set only: "
            "the collection is indexed once."
        )
    library.require_documents(collection)
    writer = question_writer(library) if written else None
    questions = make_questions(library.store, collection, count=count, write=writer, progress=writing)
    evaluation = measured(
        library,
        tried,
        dict.fromkeys((one.name for one in tried), (library, collection)),
        f"collection {collection}",
        questions,
        answers=answers,
        origin=origin_of(library, collection, questions, writer),
        progress=progress,
    )
    keep(library, evaluation)
    return evaluation


def origin_of(
    library: Library, collection: str, questions: Sequence[Question], writer: QuestionWriter | None
) -> Origin:
    """Where the questions made from a collection come from."""
    owner = library.store.collection(collection).owner
    if writer is None:
        return Origin(collection, owner)
    return Origin(collection, owner, writer.model.name, writer.asked - len(questions))


class QuestionWriter:
    """Asks a chat model for a question about a passage, and counts how often.

    What it wrote is kept in a file, a line for each: seconds each, that a next run need not spend.
    """

    def __init__(self, model: ChatModel, prompts: Path, kept: Path) -> None:
        self.model = model
        self.prompts = prompts
        self.kept = kept
        self.asked = 0
        self._known = dict(_kept_lines(kept))

    def __call__(self, passage: str) -> str:
        """What the model writes, or wrote before, about the passage."""
        self.asked += 1
        prompt = question_prompt(passage, self.prompts)
        key = hashlib.sha256(f"{self.model.identity}\n{prompt}".encode()).hexdigest()
        if key not in self._known:
            self._keep(key, written_by(self.model, prompt))
        return self._known[key]

    def _keep(self, key: str, written: str) -> None:
        self._known[key] = written
        try:
            self.kept.parent.mkdir(parents=True, exist_ok=True)
            with self.kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps([key, written]) + "\n")
        except OSError as error:
            raise LibraryError(f"{self.kept} cannot be written: {error.strerror}") from error


def _kept_lines(path: Path) -> Iterator[tuple[str, str]]:
    """The lines of a file of written questions; one that was cut off is written again."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        with suppress(ValueError):
            key, written = json.loads(line)
            yield key, written


def question_writer(library: Library) -> QuestionWriter:
    """What writes questions with the library's chat model.

    Raises:
        UsageError: there is none, or it is too weak to write a sentence of its own.
    """
    model = library.question_writer()
    return QuestionWriter(model, library.settings.prompts, library.settings.cache / WRITTEN)


def search_with(library: Library, configuration: Configuration, collection: str) -> Search:
    """The search of a configuration, which takes nothing in a question for a filter."""

    def search(query: str) -> Sequence[Hit]:
        return library.search(
            query, count=DEEPEST, collection=collection, ranking=configuration.ranking, plain=True
        )

    return search


def keep(library: Library, evaluation: Evaluation) -> Path:
    """Saves an evaluation in the library, with the settings it was made under."""
    settings = library.settings
    made_with = {"embedding_model": settings.embedding_model, "chunk_tokens": settings.chunk_tokens}
    return save(evaluation, settings.library / RESULTS, settings=made_with)
