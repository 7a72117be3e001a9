"""Tables of a PDF page by the lines drawn around their cells."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rag.readers.pdf.words import Phrase, Wall
from rag.readers.tables import markdown_table

_THIN = 3.0
_LONG = 8.0
_NEAR = 3.0
_MOST_OBJECTS = 3000
_MOST_LINES = 400
_LONGEST_CELL = 1500


@dataclass(frozen=True, slots=True)
class Ruled:
    """Where lines divide a page: the x of columns' edges, the y of rows' edges from the top, and the lines.

    A line is (place, from, to): of a wall its x and the y it spans, of a floor its y and the x it spans.
    """

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    walls: tuple[Wall, ...]
    floors: tuple[Wall, ...]


def ruled_areas(page: Any) -> list[Ruled]:
    """The areas of a pypdfium2 page that drawn lines divide into two columns and two rows at least."""
    walls, floors = _lines(page)
    if len(walls) < 2 or len(floors) < 3 or len(walls) + len(floors) > _MOST_LINES:
        return []
    return [area for group in _groups(walls, floors) if (area := _area(*group)) is not None]


def put_tables(phrases: Sequence[Phrase], areas: Sequence[Ruled]) -> list[Phrase]:
    """The phrases with those inside an area as one, whose text is a Markdown table."""
    rest = list(phrases)
    for area in areas:
        inside = [one for one in rest if not one.turn and _holds(area, one)]
        text = _table(area, inside)
        if text:
            taken = set(map(id, inside))
            rest = [one for one in rest if id(one) not in taken]
            rest.append(Phrase(text, area.xs[0], area.xs[-1], area.ys[-1], area.ys[0], is_table=True))
    return rest


def _lines(page: Any) -> tuple[list[Wall], list[Wall]]:
    """The upright and the level lines of a page, thin boxes among them."""
    import pypdfium2.raw as pdfium

    walls, floors = [], []
    edges = [ctypes.c_float() for _ in range(4)]
    for index in range(min(pdfium.FPDFPage_CountObjects(page.raw), _MOST_OBJECTS)):
        item = pdfium.FPDFPage_GetObject(page.raw, index)
        if pdfium.FPDFPageObj_GetType(item) != pdfium.FPDF_PAGEOBJ_PATH:
            continue
        pdfium.FPDFPageObj_GetBounds(item, *edges)
        left, bottom, right, top = (edge.value for edge in edges)
        if right - left < _THIN and top - bottom > _LONG:
            walls.append(((left + right) / 2, bottom, top))
        elif top - bottom < _THIN and right - left > _LONG:
            floors.append(((bottom + top) / 2, left, right))
    return walls, floors


def _groups(walls: list[Wall], floors: list[Wall]) -> Iterable[tuple[list[Wall], list[Wall]]]:
    """The lines that touch each other, directly or through others."""
    left_walls, left_floors = list(walls), list(floors)
    while left_walls:
        own_walls, own_floors = list[Wall](), list[Wall]()
        new_walls = [left_walls.pop()]
        while new_walls:
            own_walls += new_walls
            new_floors = [one for one in left_floors if any(_touch(wall, one) for wall in new_walls)]
            left_floors = _without(left_floors, new_floors)
            own_floors += new_floors
            new_walls = [one for one in left_walls if any(_touch(one, floor) for floor in new_floors)]
            left_walls = _without(left_walls, new_walls)
        yield own_walls, own_floors


def _without(lines: list[Wall], taken: list[Wall]) -> list[Wall]:
    known = set(taken)
    return [line for line in lines if line not in known]


def _touch(wall: Wall, floor: Wall) -> bool:
    return floor[1] - _NEAR <= wall[0] <= floor[2] + _NEAR and wall[1] - _NEAR <= floor[0] <= wall[2] + _NEAR


def _area(walls: list[Wall], floors: list[Wall]) -> Ruled | None:
    if not floors:
        return None
    ends = [min(floor[1] for floor in floors), max(floor[2] for floor in floors)]
    xs = _distinct([*(wall[0] for wall in walls), *ends])
    ys = _distinct([floor[0] for floor in floors])[::-1]
    if len(xs) < 3 or len(ys) < 3:
        return None
    return Ruled(tuple(xs), tuple(ys), tuple(walls), tuple(floors))


def _distinct(places: Iterable[float]) -> list[float]:
    found: list[float] = []
    for place in sorted(places):
        if not found or place - found[-1] > _NEAR:
            found.append(place)
    return found


def _holds(area: Ruled, phrase: Phrase) -> bool:
    middle = (phrase.left + phrase.right) / 2
    return area.xs[0] <= middle <= area.xs[-1] and area.ys[-1] <= phrase.middle <= area.ys[0]


def _table(area: Ruled, phrases: Sequence[Phrase]) -> str:
    """The Markdown of an area; "" if its cells are too long, or too few are filled, for a table."""
    rows, columns = len(area.ys) - 1, len(area.xs) - 1
    cell_of = _merged(area, rows, columns)
    texts: dict[tuple[int, int], list[Phrase]] = {}
    for phrase in phrases:
        texts.setdefault(cell_of[_cell(area, phrase)], []).append(phrase)
    filled = {cell: _text(inside) for cell, inside in texts.items()}
    if len(filled) < rows or len({cell[1] for cell in filled}) < 2 or len({cell[0] for cell in filled}) < 2:
        return ""
    if max(map(len, filled.values())) > _LONGEST_CELL:
        return ""
    grid = [
        [
            filled.get(cell_of[row, column], "")
            if row == 0 or column == 0 or cell_of[row, column] != cell_of[row, column - 1]
            else ""
            for column in range(columns)
        ]
        for row in range(rows)
    ]
    return markdown_table(grid)


def _cell(area: Ruled, phrase: Phrase) -> tuple[int, int]:
    row = max(index for index, y in enumerate(area.ys[:-1]) if y >= phrase.middle or index == 0)
    middle = (phrase.left + phrase.right) / 2
    column = max(index for index, x in enumerate(area.xs[:-1]) if x <= middle or index == 0)
    return row, column


def _merged(area: Ruled, rows: int, columns: int) -> dict[tuple[int, int], tuple[int, int]]:
    """Each place of the grid and the first of those that no line parts it from."""
    first: dict[tuple[int, int], tuple[int, int]] = {}
    for row in range(rows):
        for column in range(columns):
            x, y = (area.xs[column] + area.xs[column + 1]) / 2, (area.ys[row] + area.ys[row + 1]) / 2
            if row and not _is_line(area.floors, area.ys[row], x):
                first[row, column] = first[row - 1, column]
            elif column and not _is_line(area.walls, area.xs[column], y):
                first[row, column] = first[row, column - 1]
            else:
                first[row, column] = row, column
    return first


def _is_line(lines: Sequence[Wall], place: float, across: float) -> bool:
    return any(abs(line[0] - place) <= _NEAR and line[1] <= across <= line[2] for line in lines)


def _text(phrases: Sequence[Phrase]) -> str:
    from rag.readers.pdf.layout import prose_text, rows_of  # which shows what is made here

    return prose_text(rows_of(phrases), lambda head, tail: True)
