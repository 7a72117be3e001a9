"""Datasette and sqlite-utils get the same functions as Footnote's own SQL."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from rag import sqlite_plugin
from tests.fakes.ingest import WordEmbedder


@pytest.fixture(autouse=True)
def words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_plugin, "_embedder", WordEmbedder)


def test_a_connection_of_pythons_sqlite_gets_the_functions() -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        sqlite_plugin.prepare_connection(db)
        near, far = db.execute(
            "SELECT cosine(embed('cat sat'), embed_passage('the cat sat')),"
            " cosine(embed('cat'), embed('rail'))"
        ).fetchone()
        assert near > far
        assert db.execute("SELECT vector_json(vector_blob('[1, 0.5]'))").fetchone() == ("[1.0, 0.5]",)


def test_sqlite_utils_calls_the_plugin() -> None:
    plugins = pytest.importorskip("sqlite_utils.plugins")
    database = pytest.importorskip("sqlite_utils").Database
    plugins.pm.register(sqlite_plugin)
    try:
        rows = list(database(memory=True).query("SELECT cosine('[1, 0]', '[1, 0]') AS near"))
    finally:
        plugins.pm.unregister(sqlite_plugin)
    assert rows == [{"near": 1.0}]
