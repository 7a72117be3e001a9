"""What documents are called: by their paths, where several share one with enough folders before it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

from rag.store.queries import Connection, rows

SHOWN = "coalesce(documents.shown, documents.doc)"
"""The SQL of what a document is called."""


def tell_apart(db: Connection, collection_id: int, labels: Mapping[str, str]) -> bool:
    """Gives documents of the same path names that differ; says whether any name has changed.

    `labels` are what roots are called that have no folder of their own to be known by.
    """
    same = rows(
        db,
        "SELECT id, root, doc, shown FROM documents WHERE collection_id = ?1 AND (shown IS NOT NULL OR doc IN"
        " (SELECT doc FROM documents WHERE collection_id = ?1 GROUP BY doc HAVING count(*) > 1)) ORDER BY id",
        (collection_id,),
    )
    groups: dict[str, dict[int, str]] = {}
    for id_, root, doc, _ in same:
        groups.setdefault(doc, {})[id_] = labels.get(root, root)
    names = {id_: name for doc, roots in groups.items() for id_, name in _names(doc, roots).items()}
    changed = [(names.get(id_), id_) for id_, *_, shown in same if names.get(id_) != shown]
    db.executemany("UPDATE documents SET shown = ? WHERE id = ?", changed)
    return bool(changed)


def _names(doc: str, roots: Mapping[int, str]) -> dict[int, str]:
    """The path with as many of each root's folders before it as it takes; none for a single root."""
    parts = {id_: PurePath(root).parts for id_, root in roots.items()}
    for count in range(1, max(map(len, parts.values()), default=0) + 1):
        names = {id_: "/".join((*folders[-count:], doc)) for id_, folders in parts.items()}
        if len(roots) > 1 and len(set(names.values())) == len(roots):
            return names
    return {}
