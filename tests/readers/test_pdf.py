"""PDF: order, running lines, hyphens, headings, tables, superscripts, scans and encryption."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped, unused-ignore]

from rag.errors import EncryptedDocument, UnreadableDocument
from rag.readers import read_document
from rag.readers.pdf.rulings import Ruled, put_tables
from rag.readers.pdf.words import Phrase
from rag.records import HIDDEN_TEXT, Document
from tests.fakes.pdf_maker import Line, Rule, lines, make_pdf

PROSE = (
    "The quick brown fox jumps over the lazy dog and runs on",
    "through the field until it meets the river that it knows",
    "from many summers past, where it rests and drinks a while",
)


def read(data: bytes, *, password: str | None = None) -> Document:
    return read_document(data, "report.pdf", password=password)


def blocks(document: Document) -> list[tuple[str, int | None, str]]:
    return [(block.kind, block.page, document.text[block.start : block.end]) for block in document.blocks]


def test_two_columns_are_read_one_after_the_other_below_a_wide_title() -> None:
    left = [f"left column line {number} has words enough" for number in range(8)]
    right = [f"right column line {number} has words enough" for number in range(8)]
    page = [Line(50, 780, "A wide title that runs across both of the columns on the page", 16)]
    for one, other in zip(lines(50, 740, left), lines(320, 740, right), strict=True):
        page += [one, other]
    found = blocks(read(make_pdf([page])))
    assert [kind for kind, _, _ in found] == ["heading", "paragraph", "paragraph"]
    assert found[1][2] == " ".join(left)
    assert found[2][2] == " ".join(right)


def test_running_lines_are_left_out_after_their_first_time_and_counted() -> None:
    pages = [
        [
            Line(50, 810, "Acme Annual Report"),
            *lines(50, 700, [f"Body of page {n} in words."]),
            Line(290, 30, str(n)),
        ]
        for n in range(1, 6)
    ]
    document = read(make_pdf(pages))
    assert document.text.count("Acme Annual Report") == 1  # "Acme" is met nowhere else
    assert [text for _, page, text in blocks(document) if page == 3] == ["Body of page 3 in words."]
    assert document.characters_left_out == {"running headers and footers": 4 * 16 + 5}
    assert document.page_count == 5


def test_a_line_that_comes_twice_in_a_long_document_stays() -> None:
    pages = [
        lines(50, 810, ["Notes" if n < 2 else f"Chapter {'x' * n} begins", "words of text."])
        for n in range(5)
    ]
    assert read(make_pdf(pages)).text.count("Notes") == 2


def test_hyphens_at_line_ends_are_undone_unless_the_word_has_one() -> None:
    text = [
        "We report a long-term plan for the environ-",
        "ment of our people, and a new long-",
        "term loan.",
    ]
    assert read(make_pdf([lines(50, 700, text)])).text == (
        "We report a long-term plan for the environment of our people, and a new long-term loan."
    )


def test_paragraphs_end_where_a_line_stops_early_or_space_follows() -> None:
    page = [*lines(50, 700, [*PROSE, "and sleeps."]), *lines(50, 664 - 12, [*PROSE])]
    page += lines(50, 590, ["Far below."])
    found = [text for _, _, text in blocks(read(make_pdf([page])))]
    assert found == [" ".join(PROSE) + " and sleeps.", " ".join(PROSE), "Far below."]


def test_a_sentence_that_goes_on_overleaf_is_divided_by_a_line_break_only() -> None:
    data = make_pdf([lines(50, 700, PROSE), lines(50, 700, ["and then it goes home.", "It sleeps."])])
    document = read(data)
    first, second = document.blocks
    assert (first.page, second.page) == (1, 2)
    assert document.text[first.end : second.start] == "\n"


def test_outline_entries_become_headings_with_their_level() -> None:
    page = [
        Line(50, 700, "1 Methods"),
        *lines(50, 680, PROSE),
        Line(50, 600, "1.1 Samples"),
        *lines(50, 580, PROSE),
    ]
    document = read(make_pdf([page], outline=[("Methods", 1, 1), ("Samples", 2, 1)]))
    assert [(b.level, b.heading_path) for b in document.blocks if b.kind == "heading"] == [
        (1, ("1 Methods",)),
        (2, ("1 Methods", "1.1 Samples")),
    ]


def test_large_and_bold_lines_become_headings_by_size() -> None:
    page = [Line(50, 780, "Annual Review", 20), Line(50, 740, "Our Markets", 14), *lines(50, 715, PROSE)]
    page += [Line(50, 660, "Europe", 10, bold=True), *lines(50, 640, PROSE)]
    document = read(make_pdf([page]))
    assert document.blocks[-1].heading_path == ("Annual Review", "Our Markets", "Europe")
    assert document.title == "Annual Review"


def test_a_table_becomes_markdown_with_caption_and_one_header_row() -> None:
    rows = [
        ("Cash", "$ 5,794", "$ 4,225"),
        ("Receivables, net", "848", "(1,035)"),
        ("Total assets", "6,642", "3,190"),
    ]
    page = [Line(200, 720, "(Amounts in millions)"), Line(330, 704, "2019"), Line(430, 704, "2018")]
    for index, (label, one, other) in enumerate(rows):
        y = 690 - 14 * index
        page += [Line(50, y, label), Line(330, y, one), Line(430, y, other)]
    (table,) = blocks(read(make_pdf([page])))
    assert table == (
        "table",
        1,
        "(Amounts in millions)\n\n|  | 2019 | 2018 |\n|---|---|---|\n| Cash | $ 5,794 | $ 4,225 |\n"
        "| Receivables, net | 848 | (1,035) |\n| Total assets | 6,642 | 3,190 |",
    )


def test_a_heading_between_two_tables_is_none_of_their_rows() -> None:
    page = [Line(50, 760, "Price list", 20)]
    for top, name in ((720, "Sensors"), (640, "Cables")):
        page.append(Line(50, top, name, 14))
        for index, (one, other) in enumerate([("Article", "Price"), ("short", "12"), ("long", "24")]):
            page += [Line(50, top - 20 - 14 * index, one), Line(200, top - 20 - 14 * index, other)]
    assert [kind for kind, _, _ in blocks(read(make_pdf([page])))] == ["heading"] + ["heading", "table"] * 2


def test_columns_that_nearly_touch_are_told_apart() -> None:
    rows = [
        ("Article", "Price", "Delivery"),
        ("A longer name", "389", "from stock"),
        ("Another", "1,409", "1 week"),
    ]
    page = []
    for index, (one, two, three) in enumerate(rows):
        y = 700 - 14 * index
        page += [Line(50, y, one), Line(212 - 5.6 * len(two), y, two), Line(219, y, three)]
    (table,) = blocks(read(make_pdf([page])))
    assert table[2].split("\n")[2:] == [
        "| A longer name | 389 | from stock |",
        "| Another | 1,409 | 1 week |",
    ]


def test_numbered_items_are_apart() -> None:
    page = lines(50, 700, ["1. Walk in pairs at all times.", "2. Wear a vest.", "3. Come back."], leading=14)
    assert [kind for kind, _, _ in blocks(read(make_pdf([page])))] == ["list"] * 3


def test_a_superscript_stands_apart_from_its_word() -> None:
    page = [
        Line(50, 700, "Net revenue"),
        Line(50 + 54.5, 704, "12", 6),
        Line(120, 700, "was higher than in any year."),
    ]
    assert read(make_pdf([page])).text == "Net revenue 12 was higher than in any year."


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_turned_page_reads_like_an_upright_one(rotation: int) -> None:
    assert read(make_pdf([lines(50, 500, PROSE)], rotation=rotation)).text == " ".join(PROSE)


def test_metadata_and_page_labels_are_read() -> None:
    data = make_pdf([lines(50, 700, PROSE)] * 3, title="The Fox", roman_pages=2)
    document = read(data)
    assert (document.title, document.date) == ("The Fox", "2024-03-15")
    assert document.page_labels == ("i", "ii", "1")


@pytest.mark.parametrize("junk", ["Microsoft Word - x.docx", "untitled", "0001410636-23-000020"])
def test_a_title_that_no_author_gave_is_passed_over(junk: str) -> None:
    assert read(make_pdf([lines(50, 700, PROSE)], title=junk)).title == "report"


def test_an_encrypted_file_asks_for_its_password_and_takes_it() -> None:
    data = make_pdf([lines(50, 700, PROSE)], password="secret")
    with pytest.raises(EncryptedDocument, match=r"report.pdf: the PDF is encrypted.*--password"):
        read(data)
    with pytest.raises(EncryptedDocument, match="does not open it"):
        read(data, password="wrong")
    assert read(data, password="secret").text == " ".join(PROSE)


def test_a_damaged_file_is_named() -> None:
    with pytest.raises(UnreadableDocument, match=r"report\.pdf: not a readable PDF"):
        read(b"%PDF-1.7\nnothing else")


@pytest.mark.parametrize(("text", "empty"), [("Paid.", ()), ("", (1,))])
def test_a_short_page_is_no_scan(text: str, empty: tuple[int, ...]) -> None:
    """Tesseract was recommended for a page of five letters, and for one that is blank."""
    document = read(make_pdf([lines(50, 700, [text] if text else [])]))
    assert document.pages_without_text == empty
    assert document.warnings == (("Empty pages: 1.",) if empty else ())


def grid(y: float, rows: list[tuple[str, str, str]]) -> list[Line]:
    """A table of a label and two figures a row; an empty cell is nothing."""
    return [
        Line(x, y - 14 * index, cell)
        for index, row in enumerate(rows)
        for x, cell in zip((50, 300, 400), row, strict=True)
        if cell
    ]


def test_a_line_that_names_the_next_table_is_not_swallowed_by_the_one_above() -> None:
    head, sales = ("", "2019", "2020"), ("Sales", "4,120", "3,975")
    costs, north = ("Costs", "231", "220"), ("North", "181", "177")
    page = [*grid(700, [head, sales, costs]), Line(50, 640, "By region"), *grid(625, [head, north, sales])]
    assert [text for _, _, text in blocks(read(make_pdf([page])))] == [
        "|  | 2019 | 2020 |\n|---|---|---|\n| Sales | 4,120 | 3,975 |\n| Costs | 231 | 220 |",
        "By region\n\n|  | 2019 | 2020 |\n|---|---|---|\n| North | 181 | 177 |\n| Sales | 4,120 | 3,975 |",
    ]


def test_a_section_label_stays_within_its_table() -> None:
    rows = [
        ("", "2019", "2020"),
        ("Assets", "", ""),
        ("Cash", "410", "397"),
        ("Debts", "", ""),
        ("Loans", "9", "8"),
    ]
    ((kind, _, text),) = blocks(read(make_pdf([grid(700, rows)])))
    assert (kind, text.count("\n")) == ("table", 5)


@pytest.mark.parametrize("leading", [29, 34, 38])
def test_a_title_of_two_lines_is_one_heading(leading: int) -> None:
    title = lines(
        50, 750, ["Annual report on the state of", "the northern forests"], leading=leading, size=24
    )
    found = blocks(read(make_pdf([[*title, *lines(50, 600, PROSE)]])))
    assert found[0] == ("heading", 1, "Annual report on the state of the northern forests")


@pytest.mark.parametrize(("foot", "kept"), [("Page 1 of 1", False), ("- 1 -", False), ("12", True)])
def test_an_only_page_loses_its_number_and_keeps_its_header(foot: str, kept: bool) -> None:
    page = [Line(50, 810, "Acme Ltd, confidential"), *lines(50, 600, PROSE), Line(290, 30, foot)]
    text = read(make_pdf([page])).text
    assert text.startswith("Acme Ltd, confidential")
    assert text.endswith(foot) is kept


def test_a_page_keeps_the_figures_that_others_like_it_have_at_the_same_place() -> None:
    """On forms that look alike, the sums of all pages but the first passed for running lines."""
    pages = [
        [
            Line(50, 800, f"Berth {n * 7}"),
            *lines(
                50, 700, ["The berth is let by the month.", "Electricity is paid apart.", "Ropes are yours."]
            ),
            Line(50, 60, f"Fee in marks: {n * n + 40}"),
            Line(50, 40, "Monthly rent 840"),
        ]
        for n in range(1, 5)
    ]
    text = read(make_pdf(pages)).text
    for n in range(1, 5):
        assert f"Berth {n * 7}" in text
        assert f"Fee in marks: {n * n + 40}" in text
    assert text.count("Monthly rent 840") == 4


def test_numbers_that_count_with_the_pages_are_furniture() -> None:
    pages = [
        [
            Line(50, 800, f"Harbour rules, page {n + 4} of 9"),
            *lines(50, 600, [f"Rule {'x' * n} of the harbour page."]),
        ]
        for n in range(4)
    ]
    assert read(make_pdf(pages)).text.count("Harbour rules") <= 1


def test_text_turned_sideways_is_read_by_itself() -> None:
    """A stamp along the margin was spread over the lines beside it, and became the title."""
    page = [
        Line(50, 780, "Of Kettles", 20),
        *lines(50, 740, PROSE),
        Line(20, 400, "Archived in May", 24, turn=90),
    ]
    document = read(make_pdf([page]))
    assert blocks(document)[1:] == [("paragraph", 1, " ".join(PROSE)), ("heading", 1, "Archived in May")]
    assert document.title == "Of Kettles"


def test_a_table_turned_sideways_keeps_its_rows() -> None:
    rows = (("Port", "Fare"), ("Kiel", "9"), ("Oslo", "7"))
    page = [
        Line(100 + 20 * number, 200 + 90 * column, text, turn=90)
        for number, row in enumerate(rows)
        for column, text in enumerate(row)
    ]
    assert read(make_pdf([page])).text == "| Port | Fare |\n|---|---|\n| Kiel | 9 |\n| Oslo | 7 |"


@pytest.mark.parametrize("count", [3, 4])
def test_columns_of_prose_are_read_one_after_the_other(count: int) -> None:
    width = 520 // count
    texts = [[f"col {column} line {n} words" for n in range(8)] for column in range(count)]
    columns = [lines(40 + width * number, 740, own, size=7) for number, own in enumerate(texts)]
    page = [line for row in zip(*columns, strict=True) for line in row]
    assert [text for _, _, text in blocks(read(make_pdf([page])))] == [" ".join(column) for column in texts]


def with_annotations(*annotations: Mapping[str, object], form: bool = False) -> bytes:
    """A page with annotations, by their dictionaries in short: names as "/Name", the rest as it is."""
    import io

    from pypdf import PdfReader, PdfWriter
    from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject, TextStringObject

    def value(given: object) -> object:
        if isinstance(given, str):
            return NameObject(given) if given.startswith("/") else TextStringObject(given)
        return ArrayObject(map(FloatObject, given))  # type: ignore[call-overload]

    writer = PdfWriter()
    writer.append(PdfReader(io.BytesIO(make_pdf([[Line(50, 700, "Name:"), Line(50, 680, "Fed:")]]))))
    added = [
        writer._add_object(DictionaryObject({NameObject(key): value(one) for key, one in given.items()}))
        for given in annotations
    ]
    writer.pages[0][NameObject("/Annots")] = ArrayObject(added)
    if form:
        writer.root_object[NameObject("/AcroForm")] = DictionaryObject(
            {NameObject("/Fields"): ArrayObject(added)}
        )
    writer.add_attachment("ports.txt", b"Kiel and Oslo.")
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


def test_what_was_put_into_a_form_is_read_in_its_place() -> None:
    field = {"/Type": "/Annot", "/Subtype": "/Widget"}
    name = {**field, "/FT": "/Tx", "/T": "name", "/V": "Olga", "/Rect": (90, 698, 200, 712)}
    ticked = {**field, "/FT": "/Btn", "/T": "fed", "/V": "/Yes", "/AS": "/Yes", "/Rect": (90, 678, 100, 690)}
    text = read(with_annotations(name, ticked, form=True)).text
    assert text.startswith("Name: Olga")
    assert "Fed: [x]" in text


def test_notes_free_text_and_attached_files_are_read() -> None:
    note = {
        "/Type": "/Annot",
        "/Subtype": "/Text",
        "/Contents": "Ask the mate.",
        "/T": "Olga",
        "/Rect": (300, 700, 310, 710),
    }
    free = {"/Type": "/Annot", "/Subtype": "/FreeText", "/Contents": "Seen.", "/Rect": (300, 600, 380, 612)}
    document = read(with_annotations(note, free))
    found = [text for _, _, text in blocks(document)]
    assert found[-3:] == ["Seen.", "Note by Olga: Ask the mate.", "Kiel and Oslo."]
    assert document.blocks[-1].heading_path == ("ports.txt",)


def test_a_script_that_runs_from_right_to_left_is_read_from_right_to_left() -> None:
    """The words of each line came out in the order of the page from left to right."""
    page = [Line(300, 700, "fed cba", hebrew=True), Line(200, 700, "lkj ihg", hebrew=True)]
    page += [Line(300, 680, "po nm", hebrew=True)]
    assert read(make_pdf([page])).text.split() == ["אבג", "דהו", "זחט", "יךכ", "לם", "מן"]


def test_lines_drawn_around_cells_keep_their_lines_together() -> None:
    """A cell of two lines made two rows, and a cell that reaches down left its name to the first row only."""
    floors = [Rule((50, y), (350, y)) for y in (720, 690, 630)] + [Rule((150, 660), (350, 660))]
    walls = [Rule((x, 630), (x, 720)) for x in (50, 150, 250, 350)]
    cells = [
        *(Line(x, 700, text) for x, text in ((55, "Port"), (155, "Deck"), (255, "Fare"))),
        Line(55, 660, "Kiel"),
        *lines(155, 678, ["upper, with", "a view"]),
        Line(255, 672, "9"),
        *lines(155, 648, ["lower"]),
        Line(255, 648, "7"),
    ]
    (table,) = blocks(read(make_pdf([[*floors, *walls, *cells]])))
    assert table[2].split("\n")[2:] == ["| Kiel | upper, with a view | 9 |", "| Kiel | lower | 7 |"]


def test_a_frame_around_text_is_no_table() -> None:
    frame = [Rule((40, y), (500, y)) for y in (720, 650)] + [Rule((x, 650), (x, 720)) for x in (40, 500)]
    assert [kind for kind, _, _ in blocks(read(make_pdf([[*frame, *lines(50, 700, PROSE)]])))] == [
        "paragraph"
    ]


def test_what_is_put_into_a_table_is_not_looked_up_phrase_by_phrase() -> None:
    """A table of twenty thousand phrases took minutes: each was compared with each."""

    class Alone(Phrase):
        def __eq__(self, other: object) -> bool:
            raise AssertionError("compared")

    lines = (0.0, 10.0, 20.0)
    walls = tuple((place, 0.0, 20.0) for place in lines)
    words = [
        Alone(f"{x} {y}", 10.0 * x + 4, 10.0 * x + 6, 10.0 * y + 4, 10.0 * y + 6)
        for y in (1, 0)
        for x in (0, 1)
    ]
    (table,) = put_tables(words, [Ruled(lines, lines[::-1], walls, walls)])
    assert table.text == "| 0 1 | 1 1 |\n|---|---|\n| 0 0 | 1 0 |"


def drawn(draw: Callable[[Canvas], None]) -> Document:
    """A page of 400 by 400 points with a sentence and what a function draws below it."""
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=(400, 400))
    canvas.setFont("Helvetica", 12)
    canvas.drawString(40, 350, "The lease ends in May.")
    draw(canvas)
    canvas.save()
    return read_document(stream.getvalue(), "lease.pdf")


def written(canvas: Canvas, *, x: float = 40, y: float = 300, size: float = 12, mode: int = 0) -> None:
    text = canvas.beginText(x, y)
    text.setFont("Helvetica", size)
    text.setTextRenderMode(mode)
    text.textOut("The lease never ends.")
    canvas.drawText(text)


def on_ground(canvas: Canvas, ground: float, ink: float) -> None:
    canvas.setFillGray(ground)
    canvas.rect(30, 290, 300, 30, fill=1, stroke=0)
    canvas.setFillGray(ink)
    written(canvas)


def faint(canvas: Canvas) -> None:
    canvas.setFillAlpha(0)
    written(canvas)


def over_picture(canvas: Canvas) -> None:
    canvas.drawInlineImage(Image.new("L", (40, 40), 200), 0, 280, 400, 60)
    written(canvas, mode=3)


@pytest.mark.parametrize(
    ("draw", "is_hidden"),
    [
        (lambda canvas: written(canvas, mode=3), True),
        (lambda canvas: on_ground(canvas, 1, 1), True),
        (lambda canvas: on_ground(canvas, 1, 0.98), True),
        (faint, True),
        (lambda canvas: written(canvas, size=0.5), True),
        (lambda canvas: written(canvas, x=450), True),
        (lambda canvas: written(canvas, y=-30), True),
        (lambda canvas: on_ground(canvas, 0.2, 1), False),
        (lambda canvas: written(canvas, size=4), False),
        (over_picture, False),
    ],
    ids=[
        "invisible",
        "white",
        "pale",
        "transparent",
        "tiny",
        "beside",
        "below",
        "white-on-dark",
        "small",
        "scanned",
    ],
)
def test_text_that_nobody_sees_is_kept_apart(draw: Callable[[Canvas], None], is_hidden: bool) -> None:
    """A sentence in white, or beside the page, was read and quoted as if it stood in the lease."""
    found = drawn(draw)
    paths = {found.text[one.start : one.end]: one.heading_path for one in found.blocks}
    assert paths["The lease ends in May."] == ()
    assert paths["The lease never ends."] == ((HIDDEN_TEXT,) if is_hidden else ())
    assert ("Hidden text, kept apart from the rest: 18 characters." in found.warnings) == is_hidden
