"""A collection under each computation, and rows of tables as its documents."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from rag.errors import UsageError
from rag.explore import load_points
from rag.explore.collection import (
    clusters_of,
    keep_scale,
    map_of,
    nearest_to_sum,
    ranked,
    scale_of,
    scored_sentences,
    similarities_to,
    text_of,
)
from rag.explore.functions import embedding_functions, vector_functions
from rag.ingest import ingest_lines
from rag.ingest.rows import Columns, lines_of, piped_lines, query_rows, read_rows
from rag.search.query import matching, parse_query
from rag.store import SqliteStore, open_store
from rag.store.console import run_sql
from tests.fakes.ingest import WordEmbedder
from tests.fakes.store import put

FRUIT, TRAINS = "apple pear plum cherry orchard", "rail train track signal station"
EMBEDDER = WordEmbedder()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """Six documents about fruit and six about trains, of two passages each."""
    with open_store(tmp_path / "library.db") as opened:
        for number in range(12):
            words = (FRUIT, TRAINS)[number % 2].split()
            put(opened, f"{number}.md", " ".join(words[:4]), f"{words[4]} {words[number % 4]} n{number}")
        yield opened


def sql(store: SqliteStore, query: str) -> list[tuple[object, ...]]:
    functions = vector_functions() | embedding_functions(lambda: EMBEDDER)
    with run_sql(store.path, query, functions) as (_, rows):
        return list(rows)


def test_clusters_are_kept_and_go_with_their_documents(store: SqliteStore) -> None:
    points, found = clusters_of(store, "default", 2)
    docs = [{int(points.labels[i].doc[:-3]) % 2 for i in one.members} for one in found]
    assert sorted(docs, key=str) == [{0}, {1}]
    assert {name for one in found for name in one.terms} & {"apple", "train"}
    known = {file.source.doc: file.id for file in store.known_files("default")}
    store.remove_documents("default", [known["0.md"]])
    kept = sql(store, "SELECT count(*), count(DISTINCT cluster) FROM v_clusters")
    assert kept == [(11, 2)]
    clusters_of(store, "default", 3, kind="passages")
    assert sql(store, "SELECT count(DISTINCT cluster), count(passage_id) FROM v_clusters") == [(3, 22)]


def test_a_model_may_name_the_clusters(store: SqliteStore) -> None:
    _, found = clusters_of(store, "default", 2, namer=lambda points, one: f"Group of {len(one.members)}")
    assert [one.name for one in found] == ["Group of 6", "Group of 6"]
    _, found = clusters_of(store, "default", 2, namer=lambda points, one: "")
    assert all(one.name == ", ".join(one.terms[:3]) for one in found)


def test_a_map_of_some_documents_is_centred_by_all(store: SqliteStore) -> None:
    some = map_of(store, "default", kind="passages", docs=["0.md", "1.md"])
    assert some.coordinates.shape == (4, 2)
    every = load_points(store, "default", "passages")
    np.testing.assert_array_equal(some.points.mean, every.mean)
    with pytest.raises(UsageError, match=r"no document 'x\.md'"):
        load_points(store, "default", docs=["x.md"])


def test_documents_and_sentences_are_scored_on_a_scale(store: SqliteStore) -> None:
    examples = {"fruit": ["apple pear", "plum cherry"], "trains": ["rail train", "track signal"]}
    scale = scale_of(examples, EMBEDDER)
    points, found = ranked(store, "default", scale)
    is_train = [int(label.doc[:-3]) % 2 == 1 for label in points.labels]
    assert (found[:, 1] > 0.5).tolist() == is_train
    text = "Apple and pear. The train waits."
    assert [row[2][1] > 0.5 for row in scored_sentences(text, scale, EMBEDDER)] == [False, True]
    for _ in range(2):  # the second takes the place of the first
        keep_scale(store, "default", "subject", examples, scale, points, found)
    assert sql(store, "SELECT count(*), sum(class = 'trains') FROM v_scores WHERE scale = 'subject'") == [
        (12, 6)
    ]
    ((name, kept),) = sql(store, "SELECT name, examples FROM scales")
    assert (name, json.loads(str(kept))) == ("subject", examples)


def test_a_sum_of_texts_finds_the_nearest_passages(store: SqliteStore) -> None:
    points, found = nearest_to_sum(store, "default", "apple pear train - train", EMBEDDER, 3)
    assert {int(points.labels[place].doc[:-3]) % 2 for place, _ in found} == {0}
    near = similarities_to(points, "signal station", EMBEDDER)
    assert int(points.labels[int(near.argmax())].doc[:-3]) % 2 == 1


def test_the_text_of_an_unknown_document_is_refused(store: SqliteStore) -> None:
    assert text_of(store, "default", "0.md").startswith("apple")
    with pytest.raises(UsageError, match="no document"):
        text_of(store, "default", "none.md")


# SQL


def test_sql_has_functions_for_vectors(store: SqliteStore) -> None:
    query = (
        "SELECT doc FROM v_vectors ORDER BY cosine(blob, embed('train track rail signal')) DESC, doc LIMIT 1"
    )
    assert sql(store, query) == [("1.md",)]
    distance = "SELECT round(vec_distance_cosine(embed_passage('plum'), embed('plum')), 6)"
    assert sql(store, distance) == [(0.0,)]
    assert sql(store, "SELECT json_array_length(vector_json(embed('x'))), embed(NULL)") == [(64, None)]


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM documents",
        "DROP VIEW v_passages",
        "INSERT INTO search.state VALUES ('x')",
        "PRAGMA query_only = 0; DELETE FROM documents",
        "ATTACH 'other.db' AS other",
        "VACUUM INTO 'copy.db'",
    ],
)
def test_sql_changes_nothing(store: SqliteStore, query: str) -> None:
    with pytest.raises(UsageError, match=r"only read|not authorized|SQLite says"):
        sql(store, query)
    assert sql(store, "SELECT count(*) FROM documents") == [(12,)]


def test_sql_that_is_wrong_or_endless_is_a_sentence(store: SqliteStore) -> None:
    with pytest.raises(UsageError, match="no such table: nowhere"):
        sql(store, "SELECT * FROM nowhere")
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with (
        pytest.raises(UsageError, match="stopped"),
        run_sql(store.path, endless, {}, seconds=0.05) as (_, rows),
    ):
        list(rows)


# Rows


JSON = '[{"id": 0, "title": "First", "state": "open"}, {"id": 2, "title": "Second", "state": "shut"}]'
LINES = '{"id": 0, "title": "First", "state": "open"}\n\n{"id": 2, "title": "Second", "state": "shut"}\n'
CSV = 'id,title,state\r\n0,First,open\r\n2,"Second",shut\r\n'


@pytest.mark.parametrize("text", [JSON, LINES, CSV, CSV.replace(",", "\t"), f"\n{JSON}"])
def test_rows_are_read_in_the_form_they_are_in(text: str) -> None:
    found = [row for row in read_rows(text.encode()) if not isinstance(row, UsageError)]
    assert [{name: str(value) for name, value in row.items()} for row in found] == [
        {"id": "0", "title": "First", "state": "open"},
        {"id": "2", "title": "Second", "state": "shut"},
    ]


def lines(table: str, **columns: object) -> list[dict[str, object]]:
    made = lines_of(read_rows(table.encode()), Columns(**columns))  # type: ignore[arg-type]
    return [json.loads(line) for line in made if isinstance(line, bytes)]


def test_named_columns_are_text_and_the_others_are_kept() -> None:
    first, second = lines(JSON, text=("title",), prefix="issue-")
    assert (first["id"], first["content"], first["metadata"]) == ("issue-0", "First", {"state": "open"})
    assert second["title"] == "Second"


def test_without_named_columns_all_but_the_id_are_text() -> None:
    assert [line["content"] for line in lines('[{"key": "a", "x": "one", "y": null, "z": 3}]')] == [
        "one\n\n3"
    ]


def test_the_output_of_symbex_is_taken_as_it_is() -> None:
    (line,) = lines('{"id": "lib/cli.py:11", "code": "def plugins():\\n    return 1"}\n')
    assert line["id"] == "lib/cli.py:11"
    assert line["content"] == "def plugins():\n    return 1"
    assert line["title"] == "def plugins():"


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="Row 1 has no column 'body'; it has id, title, state"):
        lines(JSON, text=("body",))


@pytest.mark.parametrize("text", ["[1, 2]", "{broken", '"a,b\n1,2'])
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        list(read_rows(text.encode()))


def test_rows_of_a_query_on_another_database(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as db:
        db.execute("CREATE TABLE t (id, body, thumb)")
        db.execute("INSERT INTO t VALUES (0, 'Bees', x'00ff')")
        db.commit()
    (line,) = lines_of(
        query_rows(tmp_path / "other.db", "SELECT id, body, thumb FROM t"), Columns(text=("body",))
    )
    assert isinstance(line, bytes)
    assert json.loads(line)["metadata"] == {}
    with pytest.raises(UsageError, match="no such column"):
        list(query_rows(tmp_path / "other.db", "SELECT missing FROM t"))
    with pytest.raises(UsageError, match="readonly"):
        list(query_rows(tmp_path / "other.db", "DELETE FROM t"))
    with pytest.raises(UsageError, match="no database"):
        list(query_rows(tmp_path / "none.db", "SELECT 1"))


@pytest.mark.parametrize(
    ("first", "passed_on"),
    [
        ('{"id": "a", "content": "x"}', True),
        ('{"content": "x"}', True),
        ("garbage", True),
        ("{garbage", True),
        ('{"id": "a", "title": "x"}', False),
        ("id,title\na,x", False),
    ],
)
def test_lines_to_ingest_pass_and_tables_become_such_lines(first: str, passed_on: bool) -> None:
    found = list(piped_lines(BytesIO(first.encode()), Columns(), None, named=False))
    assert (found == [first.encode()]) == passed_on


def test_rows_are_found_and_filtered_by_their_columns(store: SqliteStore) -> None:
    *_, last = ingest_lines(
        lines_of(read_rows(JSON.encode()), Columns(text=("title",))),
        store=store,
        embedder=EMBEDDER,
        collection="rows",
    )
    assert last.receipt is not None and last.receipt.added == 2
    entries = store.documents("rows")
    assert [entry.doc for entry in matching(entries, parse_query("x meta:state=open").filters)] == ["0"]
    assert [entry.doc for entry in matching(entries, parse_query("x meta:state=S*").filters)] == ["2"]
    assert matching(entries, parse_query("x meta:colour=*").filters) == []
    assert [entry.doc for entry in matching(entries, parse_query("x -meta:state=open").filters)] == ["2"]
    again = list(
        ingest_lines(
            lines_of(read_rows(JSON.replace("shut", "open").encode()), Columns(text=("title",))),
            store=store,
            embedder=EMBEDDER,
            collection="rows",
        )
    )[-1].receipt
    assert again is not None and (again.updated, again.unchanged, again.embedded) == (1, 1, 0)
