"""Keys for `serve`, made, listed and removed on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rag.api.keys import Keys
from rag.cli import app
from rag.errors import UsageError
from rag.store import open_store

RUN = CliRunner()


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library with one collection."""
    with open_store(tmp_path / "library" / "library.db") as store:
        store.add_collection("letters")
    return tmp_path / "library"


def test_a_key_is_printed_once_and_listed_without_its_secret(library: Path) -> None:
    here = ["--library", str(library)]
    added = RUN.invoke(
        app, ["serve", "keys", "add", "tablet", "--collection", "letters", "--add", "--json", *here]
    )
    made = json.loads(added.stdout)
    assert Keys(library).find(made["key"]) is not None
    listed = RUN.invoke(app, ["serve", "keys", "list", *here]).stdout
    assert listed.strip() == "tablet  letters, may add documents"
    record = json.loads(RUN.invoke(app, ["serve", "keys", "list", "--json", *here]).stdout)
    assert set(record) == {"name", "collections", "may_add", "created"}
    assert RUN.invoke(app, ["serve", *here, "keys", "remove", "tablet"]).exit_code == 0
    assert Keys(library).all() == []


def test_a_key_for_a_collection_that_is_not_there_is_refused(library: Path) -> None:
    options = ["serve", "keys", "add", "tablet", "--collection", "attic", "--library", str(library)]
    refused = RUN.invoke(app, options)
    assert isinstance(refused.exception, UsageError)
    assert "There are: letters." in str(refused.exception)


def test_beyond_this_computer_it_does_not_begin_without_a_key(library: Path) -> None:
    refused = RUN.invoke(app, ["serve", "--host", "0.0.0.0", "--port", "0", "--library", str(library)])
    assert isinstance(refused.exception, UsageError)
    assert "keys add NAME" in str(refused.exception)
