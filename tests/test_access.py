"""Who may see and change what."""

from __future__ import annotations

import pytest

from rag.access import User
from rag.errors import AccessDenied, RagError

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
    ANN.require(True, "read")
    with pytest.raises(AccessDenied, match="may not read"):
        ANN.require(False, "read")
    assert issubclass(AccessDenied, RagError)


def test_only_an_admin_is_told_the_folder() -> None:
    message = "/srv/papers/a.pdf is damaged"
    assert ANN.without_root(message, "/srv/papers") == "a.pdf is damaged"
    assert ADMIN.without_root(message, "/srv/papers") == message
