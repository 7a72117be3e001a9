"""Who may see and change what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.access import ACTIONS, Action, User
from rag.errors import AccessDenied, RagError, UsageError
from rag.library import Library
from rag.web.i18n import Phrases, refusal
from tests.fakes.store import put
from tests.fakes.web import fake_library

ADMIN, ANN, GUEST = User(), User("ann", is_admin=False), User("guests", is_admin=False)


@pytest.mark.parametrize(
    ("user", "owner", "sees", "changes"),
    [
        (ADMIN, "", True, True),
        (ADMIN, "ann", False, False),
        (ANN, "", True, False),
        (ANN, "ann", True, True),
        (ANN, "bob", False, False),
        (GUEST, "", True, False),
        (GUEST, "ann", False, False),
    ],
)
def test_collections_by_owner(user: User, owner: str, sees: bool, changes: bool) -> None:
    assert (user.may_see(owner), user.may_change(owner)) == (sees, changes)


def test_a_job_is_managed_by_who_started_it_and_by_admins() -> None:
    assert [user.may_manage_job("", "ann") for user in (ADMIN, ANN, GUEST)] == [True, True, False]
    assert not ADMIN.may_manage_job("ann", "ann")


def test_what_is_refused_is_an_error_of_the_tree() -> None:
    ANN.require(True, "see")
    with pytest.raises(AccessDenied, match="may not see this collection"):
        ANN.require(False, "see")
    assert issubclass(AccessDenied, RagError)


def test_only_an_admin_is_told_the_folder() -> None:
    message = "/srv/papers/a.pdf is damaged"
    assert ANN.without_root(message, "/srv/papers") == "a.pdf is damaged"
    assert ADMIN.without_root(message, "/srv/papers") == message
    told = "/srv/papers/sea: empty; /srv/papers cannot be read"
    assert ANN.without_roots(told, ["/srv/papers", "/srv/papers/sea"]) == "…: empty; … cannot be read"


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = fake_library(tmp_path, ["x"])
    for name, owner in (("shared", ""), ("plans", "ann")):
        put(opened.store, "a.md", "the ferry sails at nine", collection=name)
        opened.store.give_collection(name, owner)
    yield opened
    opened.close()


@pytest.mark.parametrize("typed", [False, True], ids=["chosen", "typed"])
def test_only_its_owner_searches_and_asks_a_private_collection(library: Library, typed: bool) -> None:
    """The check was made by the pages alone; `collection:plans` in a question went past them."""
    query, collection = ("ferry collection:plans", None) if typed else ("ferry", "plans")
    for user in (ADMIN, GUEST):
        for ask in (library.search, lambda *a, **b: list(library.ask(*a, **b))):
            with pytest.raises(AccessDenied):
                ask(query, collection=collection, user=user)
    library.require_visible("plans", ANN)
    library.require_visible("plans", None)  # whoever runs the process
    library.require_visible("not there yet", GUEST)


def test_no_message_names_what_others_keep_to_themselves(library: Library) -> None:
    library.store.add_collection("empty")
    with pytest.raises(UsageError, match="--collection shared") as refused:
        library.search("ferry", collection="empty", user=GUEST)
    assert "plans" not in str(refused.value)


def test_only_who_may_change_a_collection_removes_its_documents(library: Library) -> None:
    (document,) = library.store.documents("shared")
    with pytest.raises(AccessDenied, match="remove documents"):
        library.remove_documents("shared", [document.id], GUEST)
    library.remove_documents("shared", [document.id], ADMIN)
    assert library.store.passage_count("shared") == 0


@pytest.mark.parametrize("language", ["en", "de", "zh"])
@pytest.mark.parametrize("action", ACTIONS)
def test_every_refusal_is_said_in_every_language(action: Action, language: str) -> None:
    with pytest.raises(AccessDenied) as refused:
        GUEST.require(False, action, names="a.md")
    assert refusal(refused.value, Phrases(language))
