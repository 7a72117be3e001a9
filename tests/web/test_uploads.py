"""Files dropped into a shared app stay with the collection they were dropped into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from rag.errors import AccessDenied
from rag.web.auth import Visitor
from rag.web.i18n import Phrases
from rag.web.pages.library import add_uploads, remove_documents
from rag.web.services import open_services
from rag.web.session import App
from tests.fakes.web import fake_library


@dataclass
class Dropped:
    """A file as the browser sends it."""

    name: str
    content: bytes = b"# Tides\n\nThe harbour floods at dawn.\n"

    def getvalue(self) -> bytes:
        return self.content


@pytest.fixture
def ann(tmp_path: Path) -> Iterator[App]:
    services = open_services(lambda: fake_library(tmp_path / "library", ["x"]))
    yield App(services, Phrases("en"), lambda: None, Visitor("ann", keeper=False, signed_in=True))
    services.close()


def as_visitor(app: App, name: str) -> App:
    return App(app.services, app.say, app.reopen, Visitor(name, keeper=False))


def drop(app: App, collection: str, *files: Dropped, private: bool = True) -> Path:
    store = app.library.store
    store.add_collection(collection)
    if private:
        store.give_collection(collection, app.visitor.name)
    folder = add_uploads(app, collection, cast("Any", files))
    for _ in app.library.ingest([folder], collection=collection):
        pass
    return folder


def docs(app: App, collection: str) -> list[str]:
    return [row.doc for row in app.library.store.report(collection)]


@pytest.mark.parametrize(("hers", "his"), [("tides", "./tides"), ("sea/tides", "sea")])
def test_names_that_make_one_path_share_no_files(ann: App, hers: str, his: str) -> None:
    """`./tides` had the folder of `tides`, and `sea` read that of `sea/tides`."""
    drop(ann, hers, Dropped("a.md"))
    drop(as_visitor(ann, "bob"), his, Dropped("b.md"))
    assert (docs(ann, hers), docs(ann, his)) == (["a.md"], ["b.md"])


def test_a_file_of_another_collection_is_not_overwritten(ann: App) -> None:
    mine = drop(ann, "tides", Dropped("a.md"))
    drop(as_visitor(ann, "bob"), "./tides", Dropped("a.md", b"# Nothing\n"))
    assert (mine / "a.md").read_bytes() == Dropped("a.md").content


def test_uploads_go_with_their_collection(ann: App) -> None:
    """A removed collection's files came back to whoever took its name next."""
    folder = drop(ann, "tides", Dropped("a.md"))
    ann.library.store.remove_collection("tides")
    assert not folder.exists()
    drop(as_visitor(ann, "bob"), "tides", Dropped("b.md"))
    assert docs(ann, "tides") == ["b.md"]


def test_a_guest_adds_to_a_shared_collection_but_removes_and_replaces_nothing(ann: App) -> None:
    guest = as_visitor(ann, "guests")
    drop(ann, "default", Dropped("a.md"), private=False)
    drop(guest, "default", Dropped("b.md"), private=False)
    with pytest.raises(AccessDenied, match="replace"):
        add_uploads(guest, "default", cast("Any", [Dropped("a.md")]))
    with pytest.raises(AccessDenied, match="remove"):
        remove_documents(guest, guest.library.store.report("default"))
    assert docs(ann, "default") == ["a.md", "b.md"]


def test_nobody_adds_to_what_another_has_to_themselves(ann: App) -> None:
    drop(ann, "tides", Dropped("a.md"))
    with pytest.raises(AccessDenied):
        add_uploads(as_visitor(ann, "bob"), "tides", cast("Any", [Dropped("b.md")]))
