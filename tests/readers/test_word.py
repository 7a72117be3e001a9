"""Word: tables with spans, numbers, changes, formulas, boxes, and what is not part of the text."""

# ruff: noqa: E501  (parts are easier to read in one line)
from __future__ import annotations

import pytest

from rag.readers import read_document
from rag.records import HIDDEN_TEXT, Document
from tests.fakes.office_maker import make_docx, paragraph


def read(body: str, **parts: str) -> Document:
    return read_document(make_docx(body, **parts), "plan.docx")


def cell(*paragraphs: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{''.join(map(paragraph, paragraphs))}</w:tc>"


def table(*rows: tuple[str, ...], look: str = "") -> str:
    return f"<w:tbl><w:tblPr>{look}</w:tblPr>{''.join(f'<w:tr>{chr(10).join(row)}</w:tr>' for row in rows)}</w:tbl>"


HEAD = (cell("Port"), cell("Deck"), cell("Fare"))


def test_several_paragraphs_in_a_cell_stay_in_their_row() -> None:
    """A second paragraph in one cell dissolved the whole table into lines."""
    found = read(table(HEAD, (cell("Kiel"), cell("upper", "with a view"), cell("9"))))
    assert found.text.endswith("| Kiel | upper with a view | 9 |")


def test_a_cell_merged_downwards_does_not_shift_the_row_below() -> None:
    """The fare of the lower deck stood under "Deck"."""
    top, below = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
    rows = (
        (cell("Kiel", properties=top), cell("upper"), cell("9")),
        (cell("", properties=below), cell("lower"), cell("7")),
    )
    assert read(table(HEAD, *rows)).text.split("\n")[2:] == ["| Kiel | upper | 9 |", "| Kiel | lower | 7 |"]


def test_a_heading_over_two_columns_stands_over_both() -> None:
    wide = cell("Summer", properties='<w:gridSpan w:val="2"/>')
    assert read(table((cell("Port"), wide), (cell("Kiel"), cell("9"), cell("7")))).text.startswith(
        "| Port | Summer | Summer |"
    )


def test_a_table_without_a_header_row_by_its_own_word_has_none() -> None:
    plain = '<w:tblLook w:firstRow="0"/>'
    assert read(table((cell("Port"), cell("Kiel")), (cell("Fare"), cell("9")), look=plain)).text == (
        "|  |  |\n|---|---|\n| Port | Kiel |\n| Fare | 9 |"
    )


NUMBERS = (
    '<w:abstractNum w:abstractNumId="1">'
    '<w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>'
    '<w:lvl w:ilvl="1"><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1.%2)"/></w:lvl></w:abstractNum>'
    '<w:num w:numId="7"><w:abstractNumId w:val="1"/></w:num>'
)


def item(text: str, level: int = 0) -> str:
    return paragraph(text, f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="7"/></w:numPr>')


def test_a_list_goes_on_counting_after_other_text() -> None:
    body = item("Moor") + item("Load") + item("the mail", 1) + paragraph("The mate watches.") + item("Sail")
    assert read(body, numbering=NUMBERS).text == (
        "1. Moor\n2. Load\n  2.a) the mail\n\nThe mate watches.\n\n3. Sail"
    )


def test_a_numbered_heading_keeps_its_number() -> None:
    styles = (
        '<w:style w:styleId="Kop"><w:name w:val="heading 2"/><w:pPr><w:numPr><w:numId w:val="7"/></w:numPr></w:pPr>'
        "</w:style>"
    )
    found = read(paragraph("Harbour", '<w:pStyle w:val="Kop"/>'), styles=styles, numbering=NUMBERS)
    assert [(block.level, block.heading_path) for block in found.blocks] == [(2, ("1. Harbour",))]


def test_changes_are_read_as_accepted_and_what_is_hidden_is_counted() -> None:
    changed = (
        "<w:p><w:r><w:t>The fare is </w:t></w:r><w:del><w:r><w:delText>12</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>15</w:t></w:r></w:ins><w:r><w:t> marks.</w:t></w:r></w:p>"
        "<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>Ask Olga.</w:t></w:r></w:p>"
    )
    found = read(changed, comments=f"<w:comment w:author='Olga'>{paragraph('Too dear?')}</w:comment>")
    assert found.text == f"The fare is 15 marks.\n\nComment by Olga: Too dear?\n\n{HIDDEN_TEXT}\n\nAsk Olga."
    assert found.characters_left_out == {"deleted text of tracked changes": 2}
    assert found.blocks[-1].heading_path == (HIDDEN_TEXT,)
    assert found.warnings == ("Hidden text, kept apart from the rest: 8 characters.",)


@pytest.mark.parametrize(
    ("form", "around", "is_hidden"),
    [
        ('<w:color w:val="FFFFFF"/>', "{}", True),
        ('<w:sz w:val="2"/>', "{}", True),
        ('<w:rStyle w:val="Ghost"/>', "{}", True),
        ('<w:rStyle w:val="Ghost"/><w:vanish w:val="0"/>', "{}", False),
        ('<w:color w:val="FFFFFF"/><w:highlight w:val="black"/>', "{}", False),
        ('<w:color w:val="FFFFFF"/>', '<w:tbl><w:tr><w:tc><w:tcPr><w:shd w:fill="003366"/></w:tcPr>{}</w:tc></w:tr></w:tbl>', False),
        ('<w:color w:val="FFFFFF"/>', '<w:tbl><w:tr><w:tc><w:tcPr/>{}</w:tc></w:tr></w:tbl>', True),
        ('<w:sz w:val="16"/>', "{}", False),
    ],
)  # fmt: skip
def test_text_that_nobody_sees_is_kept_apart(form: str, around: str, is_hidden: bool) -> None:
    """White letters on white paper and letters of one point were read as if anybody could see them."""
    styles = '<w:style w:styleId="Ghost"><w:name w:val="ghost"/><w:rPr><w:vanish/></w:rPr></w:style>'
    run = f"<w:p><w:r><w:rPr>{form}</w:rPr><w:t>The rent is waived.</w:t></w:r></w:p>"
    found = read(paragraph("The rent is due.") + around.format(run), styles=styles)
    paths = {found.text[one.start : one.end]: one.heading_path for one in found.blocks}
    assert paths["The rent is due."] == ()
    assert paths["The rent is waived."] == ((HIDDEN_TEXT,) if is_hidden else ())


def test_headers_and_footers_are_read_once_without_page_numbers() -> None:
    found = read(paragraph("Body."), header=paragraph("File 88"), footer=paragraph("Page 3 of 9"))
    assert found.text == "File 88\n\nBody."


FORMULAS = [
    ("<m:sSup><m:e><m:r><m:t>c</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup>", "c^{2}"),
    (
        "<m:f><m:num><m:r><m:t>a</m:t></m:r></m:num><m:den><m:r><m:t>b</m:t></m:r></m:den></m:f>",
        r"\frac{a}{b}",
    ),
    ("<m:rad><m:deg/><m:e><m:r><m:t>x</m:t></m:r></m:e></m:rad>", r"\sqrt{x}"),
    ('<m:d><m:dPr><m:begChr m:val="["/></m:dPr><m:e><m:r><m:t>y</m:t></m:r></m:e></m:d>', "[y)"),
]


@pytest.mark.parametrize(("formula", "latex"), FORMULAS)
def test_a_formula_is_read_as_latex(formula: str, latex: str) -> None:
    body = f"<w:p><w:r><w:t>Let </w:t></w:r><m:oMath>{formula}</m:oMath></w:p>"
    assert read(body).text == f"Let ${latex}$"


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("<w:fldSimple><w:r><w:t>12 May</w:t></w:r></w:fldSimple>", "12 May"),
        ("<w:r><w:instrText>DATE</w:instrText></w:r><w:r><w:t>12 May</w:t></w:r>", "12 May"),
        ("<w:r><w:t>☒ fed ☐ groomed</w:t></w:r>", "[x] fed [ ] groomed"),
        ("<w:r><w:t>CO</w:t></w:r><w:r><w:rPr><w:vertAlign w:val='subscript'/></w:rPr><w:t>2</w:t></w:r>", "CO2"),
        ("<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r>", "a b\nc"),
        ("<w:sdt><w:sdtContent><w:r><w:t>Olga</w:t></w:r></w:sdtContent></w:sdt>", "Olga"),
    ],
)  # fmt: skip
def test_fields_boxes_and_small_figures_are_part_of_the_text(inside: str, text: str) -> None:
    assert read(f"<w:p>{inside}</w:p>").text == text


def test_a_text_box_is_read_once() -> None:
    box = f"<w:txbxContent>{paragraph('Mind the step.')}</w:txbxContent>"
    both = (
        f"<mc:AlternateContent><mc:Choice><w:drawing>{box}</w:drawing></mc:Choice>"
        f"<mc:Fallback><w:pict>{box}</w:pict></mc:Fallback></mc:AlternateContent>"
    )
    assert read(f"<w:p><w:r><w:t>Deck</w:t>{both}</w:r></w:p>").text == "Deck\n\nMind the step."


def test_a_table_in_a_cell_is_read_once() -> None:
    """The cells of a table in a table that places text came twice."""
    inner = table((cell("Port"), cell("Fare")), (cell("Kiel"), cell("9")))
    outer = f"<w:tbl><w:tr><w:tc>{paragraph('Fares')}{inner}</w:tc></w:tr></w:tbl>"
    assert read(outer).text == "Fares\n\n| Port | Fare |\n|---|---|\n| Kiel | 9 |"


def test_of_alternatives_only_one_is_read_wherever_they_stand() -> None:
    """In a cell and in a header the box came twice, and as both of a drawing's alternatives."""
    box = f"<w:txbxContent>{paragraph('Mind the step.')}</w:txbxContent>"
    both = f"<mc:AlternateContent><mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent>"
    drawn = f"<w:p><w:r><w:drawing>{both}</w:drawing></w:r></w:p>"
    rows = f"<w:tbl><w:tr>{cell('Deck')}<w:tc>{drawn}</w:tc></w:tr><w:tr>{cell('Hold')}{cell('9')}</w:tr></w:tbl>"
    for found in (read(drawn), read(rows), read(paragraph("Body."), header=drawn)):
        assert found.text.count("Mind the step.") == 1


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("<w:sym w:font='Symbol' w:char='F0B1'/>", "±"),
        ("<w:sym w:font='Symbol' w:char='00B3'/>", "≥"),
        ("<w:sym w:font='Symbol' w:char='F06D'/>", "μ"),
        ("<w:sym w:font='Wingdings' w:char='F0FE'/>", "[x]"),
        ("<w:rPr><w:rFonts w:ascii='Symbol'/></w:rPr><w:t>\uf0a3 5 \uf0b0</w:t>", "≤ 5 °"),
    ],
)
def test_signs_of_the_symbol_font_are_read(inside: str, text: str) -> None:
    """±, ≥, ≤ and ° were lost, which turned a limit into a value."""
    assert read(f"<w:p><w:r>{inside}</w:r></w:p>").text == text


CHART = (
    "<c:chart><c:title><a:t>Fares</a:t></c:title><c:ser><c:tx><c:v>2031</c:v></c:tx>"
    '<c:cat><c:pt idx="0"><c:v>Kiel</c:v></c:pt><c:pt idx="1"><c:v>Oslo</c:v></c:pt></c:cat>'
    '<c:val><c:formatCode>0%</c:formatCode><c:pt idx="0"><c:v>0.25</c:v></c:pt><c:pt idx="1"><c:v>0.5</c:v></c:pt></c:val>'
    "</c:ser></c:chart>"
)


def test_a_chart_is_the_table_it_was_drawn_from() -> None:
    body = "<w:p><w:r><w:drawing><c:chart r:id='chart'/></w:drawing></w:r></w:p>"
    assert read(body, chart=CHART).text == "Fares\n\n|  | 2031 |\n|---|---|\n| Kiel | 25% |\n| Oslo | 50% |"


def test_series_with_points_of_their_own_are_tables_of_their_own() -> None:
    """The second series of a scatter chart stood at the places of the first."""

    def series(x: str, y: str) -> str:
        points = (
            f'<c:{tag}><c:pt idx="0"><c:v>{v}</c:v></c:pt></c:{tag}>' for tag, v in (("xVal", x), ("yVal", y))
        )
        return f"<c:ser>{''.join(points)}</c:ser>"

    body = "<w:p><w:r><w:drawing><c:chart r:id='chart'/></w:drawing></w:r></w:p>"
    found = read(body, chart=f"<c:chart>{series('3', '7')}{series('4', '8')}</c:chart>")
    assert [line for line in found.text.split("\n") if line[2:3].isdigit()] == ["| 3 | 7 |", "| 4 | 8 |"]


def test_pictures_are_told() -> None:
    found = read(f"{paragraph('Deck')}<w:p><w:r><w:drawing><a:blip/></w:drawing></w:r></w:p>")
    assert found.warnings == ("Pictures in the file, not read: 1.",)


def test_headers_of_rules_and_digits_are_told_from_page_numbers_in_one_pass() -> None:
    """A header of sixty dashes before a word took a minute."""
    header = paragraph(f"{'—' * 5000} Confidential {'1' * 5000}")
    assert "Confidential" in read(paragraph("Text."), header=header).text
    for number in ("- 3 -", "Page 3 of 5", "Seite 3 / 5", "第 3 页", "3"):
        assert read(paragraph("Text."), header=paragraph(number)).text == "Text."
