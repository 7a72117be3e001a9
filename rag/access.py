"""Who may see and change what in a shared app: the one place with these rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from rag.errors import AccessDenied

Action = Literal["see", "add", "replace", "remove"]
ACTIONS: dict[Action, str] = {
    "see": "see this collection",
    "add": "add to this collection",
    "replace": "replace {names}",
    "remove": "remove documents of this collection",
}


@dataclass(frozen=True, slots=True)
class User:
    """Who asks. `name` is what the sign-in gives; all guests share one name.

    An admin may do everything but see what another person keeps to themselves.
    """

    name: str = ""
    is_admin: bool = True

    def may_see(self, owner: str) -> bool:
        """Whether they may list, search, open and add to what belongs to `owner`; "" is everybody."""
        return owner in ("", self.name)

    def may_change(self, owner: str) -> bool:
        """Whether they may rename, share and remove a collection of `owner`, and remove its documents."""
        return owner == self.name if owner else self.is_admin

    def may_manage_job(self, owner: str, started_by: str) -> bool:
        """Whether they may pause, stop and dismiss a job on what belongs to `owner`."""
        return self.may_see(owner) and (self.is_admin or started_by == self.name)

    def require(self, allowed: bool, action: Action, **values: str) -> None:
        """Raises `AccessDenied` unless it is allowed."""
        if not allowed:
            what = ACTIONS[action].format(**values)
            raise AccessDenied(f"You may not {what}. Ask whoever runs this library.", action, values)

    def without_roots(self, text: str, roots: Iterable[str]) -> str:
        """The same for several folders, the innermost first."""
        for root in sorted(roots, key=len, reverse=True):
            text = self.without_root(text, root)
        return text

    def without_root(self, text: str, root: str) -> str:
        """A message about a file of `root`, which only an admin sees with the folder's place."""
        if self.is_admin or not root:
            return text
        return text.replace(root.rstrip("/\\") + "/", "").replace(root, "…")
