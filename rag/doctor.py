"""The wire from a library to its findings: what `doctor` looks at."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from rag.errors import LibraryDamaged, ModelDamaged, ModelError
from rag.ingest.lock import writer_lock
from rag.models import NO_MODEL, chat_model_location, embedding_folder, installed, is_served
from rag.models.folders import verify
from rag.store import Finding
from rag.store.connection import is_encrypted
from rag.store.salvage import Salvage, salvage

if TYPE_CHECKING:
    from rag.library import Library

MIN_FREE_BYTES = 500_000_000
TRIAL = {"id": "trial.md", "content": "The ferry to the island leaves at nine. It costs four euros."}
TRIAL_QUESTION = "When does the ferry to the island leave?"
REACHING = {"socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"}

_watches: list[list[str]] = []
"""The lists that now take addresses."""


def check(library: Library) -> list[Finding]:
    """One finding a check; nothing is changed, but a library that is not there yet is made."""
    folders = model_folders(library.settings.models)
    try:
        found = [*library.store.check(), *model_findings(library)]
    except LibraryDamaged as error:
        found = [Finding("file", str(error))]
    return [*found, *folders, privacy(library), encryption(library), free_space(library)]


def repair(library: Library) -> Salvage | None:
    """Mends the library; one that is damaged itself is made again from what can be read, and that is told."""
    path = library.settings.database
    try:
        if not library.store.is_damaged():
            library.store.repair()
            return None
    except LibraryDamaged:
        pass
    library.close()
    with writer_lock(path, purpose="repair the library"):
        found = salvage(path)
        library.store.repair()
    return found


def model_findings(library: Library) -> Iterator[Finding]:
    """Whether the two models of the settings are where they should be, and fit the vectors."""
    settings = library.settings
    try:
        if is_served(settings.embedding_model):
            place = library.embedder_identity
        else:
            place = str(embedding_folder(settings.embedding_model, models=settings.models))
        yield Finding("embedding model", None, place)
        yield from (stale_vectors(library, name) for name in embedded_collections(library))
    except ModelError as error:
        yield Finding("embedding model", str(error))
    if settings.chat_model == NO_MODEL:
        yield Finding("chat model", None, "none: answers are quoted only")
        return
    try:
        yield Finding("chat model", None, chat_model_location(settings.chat_model, models=settings.models))
    except ModelError as error:
        yield Finding("chat model", str(error))


def model_folders(models: Path) -> Iterator[Finding]:
    """Whether each model's files are still as they were made or pulled: reads them all."""
    for model in installed(models):
        if model.path.is_dir():
            problem = None
            try:
                verify(model.path)
            except ModelDamaged as error:
                problem = str(error)
            yield Finding(f"files of {model.name}", problem, f"{model.size / 1e9:.2f} GB, checksums agree")


def embedded_collections(library: Library) -> list[str]:
    """The collections that hold vectors."""
    return [found.name for found in library.store.collections(attached=True) if found.passages]


def stale_vectors(library: Library, collection: str) -> Finding:
    """Whether the collection's vectors are of the model that the settings name."""
    stored = library.store.collection(collection).model
    asked = library.embedder_identity
    problem = None
    if stored != asked:
        problem = (
            f"its vectors are of {stored}, the settings ask for {asked}. "
            f"Run `python -m rag embed --collection {collection}`."
        )
    return Finding(f"vectors of '{collection}'", problem, asked)


def privacy(library: Library) -> Finding:
    """Whether other people of this computer can read the library."""
    folder = library.settings.library
    shared = os.name == "posix" and folder.stat().st_mode & 0o077
    problem = f"other accounts of this computer can enter {folder}. Run: chmod -R go= '{folder}'"
    return Finding("privacy", problem if shared else None, "only your account can enter the folder")


def encryption(library: Library) -> Finding:
    """Whether the library is encrypted, as far as its first bytes tell; a damaged one is found otherwise."""
    encrypted = is_encrypted(library.settings.database)
    return Finding("encryption", None, f"library.db and index.db are {'' if encrypted else 'not '}encrypted")


def free_space(library: Library) -> Finding:
    """Whether there is room to go on."""
    free = shutil.disk_usage(library.settings.library).free
    few = f"only {free / 1e6:.0f} MB are free; an ingest may stop." if free < MIN_FREE_BYTES else None
    return Finding("disk", few, f"{free / 1e9:.1f} GB free")


def offline(library: Library) -> Finding:
    """Indexes, searches and answers in a folder of its own, and tells what was reached for meanwhile.

    Python reports each name looked up and each address connected to (its audit events), whichever
    package asks. A chat model on a server of the network is found too.
    """
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder, reached() as addresses:
        trial = library.beside(folder, with_chat_model=True)
        try:
            for _ in trial.ingest_lines([json.dumps(TRIAL)]):
                pass
            for _ in trial.ask(TRIAL_QUESTION):
                pass
        finally:
            trial.store.close()
    if addresses:
        return Finding("offline", f"reached for {', '.join(sorted(set(addresses)))}")
    return Finding("offline", None, "0 connections left this machine while indexing, searching and answering")


@contextmanager
def reached() -> Iterator[list[str]]:
    """The addresses beyond this machine that the process reaches for inside the block."""
    _add_hook()
    addresses: list[str] = []
    _watches.append(addresses)
    try:
        yield addresses
    finally:
        _watches.remove(addresses)


@cache
def _add_hook() -> None:
    """Once in a process: an audit hook stays for good."""
    sys.addaudithook(_watch)


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event in REACHING and _watches:
        address = arguments[1] if event in ("socket.connect", "socket.sendto") else arguments
        host = address[0] if isinstance(address, tuple) else None
        if host is not None and not _is_here(str(host)):
            for addresses in _watches:
                addresses.append(str(host))


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
