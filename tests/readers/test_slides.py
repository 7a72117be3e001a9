"""PowerPoint: the order of shapes, charts, merged cells, shows, and what a slide hides."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE

from rag.readers import read_document
from rag.records import HIDDEN_TEXT, Document
from tests.fakes.pictures import picture_file

INCH = 914400


@pytest.fixture
def deck() -> Any:
    return Presentation()


def slide_of(deck: Any, layout: int = 6) -> Any:
    return deck.slides.add_slide(deck.slide_layouts[layout])


def saved(deck: Any) -> bytes:
    stream = io.BytesIO()
    deck.save(stream)
    return stream.getvalue()


def read(deck: Any, name: str = "deck.pptx") -> Document:
    return read_document(saved(deck), name)


def put(slide: Any, text: str, left: float, top: float) -> Any:
    box = slide.shapes.add_textbox(int(left * INCH), int(top * INCH), 2 * INCH, int(0.5 * INCH))
    box.text_frame.text = text
    return box


def rewritten(data: bytes, path: str, old: str, new: str) -> bytes:
    """The file with a piece of one part replaced."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(stream, "w") as target:
        for name in source.namelist():
            part = source.read(name)
            target.writestr(name, part.replace(old.encode(), new.encode()) if name == path else part)
    return stream.getvalue()


def test_cards_beside_each_other_are_read_one_after_the_other(deck: Any) -> None:
    """They were read row by row, so that the fare of one stood by the port of the other."""
    slide = slide_of(deck)
    for left, top, text in ((0, 1, "Kiel"), (4, 1, "Oslo"), (0, 1.6, "fare 9"), (4, 1.61, "fare 7")):
        put(slide, text, left, top)
    assert read(deck).text == "Kiel\n\nfare 9\n\nOslo\n\nfare 7"


def test_rows_far_apart_are_read_row_by_row(deck: Any) -> None:
    slide = slide_of(deck)
    for left, top, text in ((0, 0, "Ports"), (2.1, 0, "Fares"), (0, 4, "Kiel"), (2.1, 4, "nine")):
        put(slide, text, left, top)
    assert read(deck).text == "Ports\n\nFares\n\nKiel\n\nnine"


def test_a_picture_or_a_chart_that_is_missing_costs_only_itself(deck: Any) -> None:
    """One reference to a part that is not in the file, and no slide of the deck was read."""
    slide = slide_of(deck)
    put(slide, "The ferry sails at noon.", 1, 1)
    slide.shapes.add_picture(io.BytesIO(picture_file("red")), 0, 0)
    data = CategoryChartData()
    data.categories = ["May"]
    data.add_series("Guests", [4])
    slide.shapes.add_chart(XL_CHART_TYPE.PIE, 0, 0, INCH, INCH, data)
    for reference in [*slide._element.iter("{*}blip"), *slide._element.iter("{*}chart")]:
        for name, value in reference.attrib.items():
            reference.set(name, value.replace("rId", "rIdGone"))
    document = read(deck)
    assert document.text == "The ferry sails at noon."
    assert set(document.warnings) == {
        "Pictures in the file, not read: 1.",
        "Left out charts that the file refers to, and does not have.",
    }


def test_a_chart_is_the_table_it_was_drawn_from(deck: Any) -> None:
    data = CategoryChartData()
    data.categories = ["Kiel", "Oslo"]
    data.add_series("2031", (25, 50))
    slide_of(deck).shapes.add_chart(XL_CHART_TYPE.PIE, 0, 0, INCH, INCH, data)
    assert read(deck).text == "|  | 2031 |\n|---|---|\n| Kiel | 25 |\n| Oslo | 50 |"


def test_a_merged_cell_stands_in_each_row_it_reaches_over(deck: Any) -> None:
    table = slide_of(deck).shapes.add_table(3, 2, 0, 0, INCH, INCH).table
    for row, texts in enumerate((("Port", "Deck"), ("Kiel", "upper"), ("", "lower"))):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    assert read(deck).text.split("\n")[2:] == ["| Kiel | upper |", "| Kiel | lower |"]


def test_a_slide_show_is_read_like_a_presentation(deck: Any) -> None:
    put(slide_of(deck), "Doors open.", 1, 1)
    kinds = ("presentation.main+xml", "slideshow.main+xml")
    assert (
        read_document(rewritten(saved(deck), "[Content_Types].xml", *kinds), "a.ppsx").text == "Doors open."
    )


def test_a_hidden_slide_is_read_and_told_and_a_placeholder_is_no_title(deck: Any) -> None:
    put(slide_of(deck), "Doors open.", 1, 1)
    deck.slides[0]._element.set("show", "0")
    deck.core_properties.title = "Presentation1"
    document = read(deck)
    assert (document.title, document.text) == ("deck", f"{HIDDEN_TEXT}\n\nDoors open.")
    assert document.warnings == (
        "Hidden slides, read too: 1.",
        "Hidden text, kept apart from the rest: 10 characters.",
    )


def test_what_is_wrapped_in_an_alternative_is_read(deck: Any) -> None:
    """A box with a formula is written for new programs and, as a picture, for old ones."""
    slide = slide_of(deck)
    put(slide, "Doors open.", 1, 1)
    space = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    part = "ppt/slides/slide1.xml"
    data = rewritten(
        saved(deck), part, "<p:sp>", f"<mc:AlternateContent {space}><mc:Choice Requires='a'><p:sp>"
    )
    data = rewritten(data, part, "</p:sp>", "</p:sp></mc:Choice></mc:AlternateContent>")
    assert read_document(data, "a.pptx").text == "Doors open."


def test_boxes_that_nobody_sees_are_kept_apart() -> None:
    """A box beside the slide, one switched off and letters of one point were read as part of the slide."""
    deck = Presentation()
    slide = slide_of(deck)
    put(slide, "Doors open at nine.", 1, 1)
    put(slide, "Doors open at ten.", 30, 1)
    put(slide, "Doors open at eleven.", 1, 3)._element.nvSpPr.cNvPr.set("hidden", "1")
    tiny = put(slide, "Doors open at noon.", 1, 5).text_frame.paragraphs[0].runs[0]
    tiny.font.size = 12700
    document = read(deck)
    seen = {
        document.text[one.start : one.end] for one in document.blocks if HIDDEN_TEXT not in one.heading_path
    }
    assert seen == {"Doors open at nine."}
    for words in ("ten", "eleven", "noon"):
        assert words in document.text
    assert document.warnings == ("Hidden text, kept apart from the rest: 49 characters.",)
