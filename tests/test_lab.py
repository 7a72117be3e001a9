"""Question sets and collections under several settings, from folders to saved results."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from rag.config import load_settings
from rag.errors import UsageError
from rag.evaluation import saved
from rag.lab import (
    BASELINES,
    SHIPPED,
    Configuration,
    baselines,
    configurations,
    configured,
    evaluate_collection,
    evaluate_set,
)
from rag.library import Library
from rag.retrieval import DEFAULT_RANKING
from tests.indexing_fakes import WordEmbedder

NOTES = {
    "bees.md": "The hive by the pear tree holds forty two wooden frames and two queens in spring",
    "pump.md": "The red pump on the third floor was replaced with a newer one after the flood",
    "boat.md": "The small boat at the jetty needs a new coat of paint before the season begins",
}


@pytest.fixture
def library(tmp_path: Path) -> Library:
    opened = Library(load_settings(library=tmp_path / "library"))
    opened._embedder = WordEmbedder()
    return opened


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A set of one question a note, with its corpus."""
    folder = tmp_path / "notes"
    (folder / "corpus").mkdir(parents=True)
    questions = []
    for number, (name, text) in enumerate(NOTES.items()):
        (folder / "corpus" / name).write_text(text + "\n", encoding="utf-8")
        asked = " ".join(text.split()[1:6])
        questions.append({"id": str(number), "question": asked, "answers": [text.split()[1]], "doc": name})
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, questions)), encoding="utf-8")
    return folder


def through(events: Iterable[object]) -> None:
    for _ in events:
        pass


def test_what_is_shipped_comes_first_then_every_combination() -> None:
    tried = configurations(["keyword_weight=0.1,0.9", "chunk_tokens=100"])
    assert [one.name for one in tried] == [
        SHIPPED,
        "keyword_weight=0.1, chunk_tokens=100",
        "keyword_weight=0.9, chunk_tokens=100",
    ]
    assert tried[0] == Configuration(SHIPPED, DEFAULT_RANKING)
    assert tried[2].ranking.keyword_weight == 0.9 and tried[2].chunk_tokens == 100
    assert configured({"fusion": "ranks"}).ranking.fusion == "ranks"


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        pytest.param("speed=9", "The names: ", id="no such name"),
        pytest.param("keyword_weight", "NAME=VALUE", id="no values"),
        pytest.param("candidates=many", "int", id="wrong kind"),
    ],
)
def test_a_bad_axis_says_what_is_wrong(axis: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        configurations([axis])


def test_a_baseline_has_nothing_but_its_own_score() -> None:
    assert [one.name for one in baselines()] == list(BASELINES)
    for ranking in BASELINES.values():
        assert (ranking.name_weight, ranking.document_weight) == (0, 0)
        assert (ranking.number_weight, ranking.page_penalty) == (0, 0)


def test_a_set_is_indexed_asked_and_saved(library: Library, notes: Path) -> None:
    told: list[tuple[int, int]] = []
    tried = [*configurations(["chunk_tokens=50"]), *baselines()]
    evaluation = evaluate_set(
        library, notes, tried, follow=through, progress=lambda done, total: told.append((done, total))
    )
    assert told[-1] == (18, 18)
    assert [trial.setting for trial in evaluation.trials] == [one.name for one in tried]
    assert evaluation.trials[0].estimates()["doc+answer"]["recall@1"].mean == 1.0
    (kept,) = saved(library.settings.library / "evaluations" / "results")
    assert kept["set"] == "notes" and len(kept["settings"]) == 6
    assert library.store.collections() == []  # the corpus is indexed beside the library, not in it


def test_a_collection_is_tested_on_its_own_passages(library: Library, notes: Path) -> None:
    through(library.ingest([notes / "corpus"]))
    evaluation = evaluate_collection(library, "default", configurations([]), count=10, progress=print)
    assert evaluation.name == "collection default" and len(evaluation.questions) == 3
    assert evaluation.trials[0].estimates()["passage"]["recall@1"].mean == 1.0
    with pytest.raises(UsageError, match="indexed once"):
        evaluate_collection(library, "default", configurations(["chunk_tokens=90"]), count=10, progress=print)
