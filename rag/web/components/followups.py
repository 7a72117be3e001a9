"""What could be asked next: about the sections that stand beside the cited ones."""

from __future__ import annotations

import re

from rag.records import Hit
from rag.store import SqliteStore
from rag.web.components.turns import Turn, sources
from rag.web.i18n import Phrases

NUMBERING = re.compile(r"^\d+(?:\.\d+)*\.?\s+(?=\D)")
MOST = 3
REACH = 4
"""Passages looked at before and after a cited one."""
LONGEST_HEADING = 70


def followups(turn: Turn, store: SqliteStore, say: Phrases) -> list[str]:
    """Up to three questions, in the order of the cited sources; none repeats a section already cited."""
    seen = {hit.passage.heading_path[-1] for hit in turn.hits if hit.passage.heading_path}
    found: dict[str, None] = {}
    for source in sources(turn):
        for hit in store.neighbours(source.hit.rowid, before=REACH, after=REACH):
            path = hit.passage.heading_path
            if (
                hit.doc == source.hit.doc
                and path
                and path[-1] not in seen
                and len(path[-1]) <= LONGEST_HEADING
            ):
                found[about(hit, say)] = None
    return list(found)[:MOST]


def about(hit: Hit, say: Phrases) -> str:
    """A question about the section a passage stands in, or about its document where it has none."""
    if not hit.passage.heading_path:
        return say("ask_title", title=hit.title)
    heading = NUMBERING.sub("", hit.passage.heading_path[-1])
    return (
        say("ask_title", title=heading)
        if heading == hit.title
        else say("ask_about", heading=heading, title=hit.title)
    )
