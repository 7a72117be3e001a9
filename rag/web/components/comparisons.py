"""A comparison as HTML: what was on the left, what is on the right, section by section."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from rag.records import Change, Evidence
from rag.web.components.markup import text
from rag.web.components.turns import short_name
from rag.web.i18n import Phrases

Draw = Callable[[Evidence], str]


def changes_html(changes: Sequence[Change], say: Phrases, draw: Draw) -> list[str]:
    """The sections that differ, each with its heading and its changes; `draw` draws one quote."""
    sections = [
        section_html(heading, list(group), say, draw)
        for heading, group in groupby(changes, lambda change: change.heading)
    ]
    return [names_html(changes) + sections[0], *sections[1:]] if sections else []


def names_html(changes: Sequence[Change]) -> str:
    """The two files, each above its side."""
    sides = ([change.first for change in changes], [change.second for change in changes])
    docs = [next((one.hit.doc for one in side if one), "") for side in sides]
    names = [short_name(doc, docs) for doc in docs]
    return (
        '<div class="fn-change fn-change-names">'
        + "".join(f"<b>{text(name)}</b>" for name in names)
        + "</div>"
    )


def section_html(heading: str, changes: Sequence[Change], say: Phrases, draw: Draw) -> str:
    """One section."""
    title = f'<p class="fn-change-heading" dir="auto">{text(heading)}</p>' if heading else ""
    return f"<section>{title}{''.join(change_html(change, say, draw) for change in changes)}</section>"


def change_html(change: Change, say: Phrases, draw: Draw) -> str:
    """Both sides of a change; what one lacks is said in its place. The values stand above the quotes."""
    sides = ((change.first, change.first_values), (change.second, change.second_values))
    cells = "".join(side_html(piece, values, change, say, draw) for piece, values in sides)
    return f'<div class="fn-change fn-{change.kind}">{cells}</div>'


def side_html(piece: Evidence | None, values: Sequence[str], change: Change, say: Phrases, draw: Draw) -> str:
    """One side: its values and its quote, or that it has none."""
    if piece is None:
        return f'<div class="fn-quiet">{text(say(f"change_{change.kind}"))}</div>'
    named = f'<p class="fn-value" dir="auto">{text(", ".join(values))}</p>' if values else ""
    return f"<div>{named}{draw(piece)}</div>"
