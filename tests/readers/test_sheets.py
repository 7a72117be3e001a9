"""Spreadsheets: numbers as they are shown, merged cells, regions, and what a sheet has beside its cells."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
import xlsxwriter  # type: ignore[import-untyped, unused-ignore]

from rag.errors import UnreadableDocument
from rag.readers import read_document
from rag.readers.numbers import formatted
from rag.readers.tables import _side_by_side
from rag.records import HIDDEN_TEXT, Document


def book(write: Callable[[Any, Any], None]) -> Document:
    """A workbook whose only sheet, "Fares", is written by a function of book and sheet."""
    stream = io.BytesIO()
    workbook = xlsxwriter.Workbook(stream)
    write(workbook, workbook.add_worksheet("Fares"))
    workbook.close()
    return read_document(stream.getvalue(), "fares.xlsx")


def of_rows(*rows: tuple[object, ...]) -> Document:
    def write(_: Any, sheet: Any) -> None:
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)

    return book(write)


def tables(document: Document) -> list[str]:
    return [document.text[block.start : block.end] for block in document.blocks if block.kind == "table"]


@pytest.mark.parametrize(
    ("value", "form", "shown"),
    [
        ("0.07", "0%", "7%"),
        ("0.125", "0.0 %", "12.5 %"),
        ("12.5", '"€" #,##0.00', "€ 12.50"),
        ("1234.5", "#,##0.00\\ [$kr-414]", "1234.50 kr"),
        ("7", "00000", "00007"),
        ("-3", "0.0;(0.0)", "(3.0)"),
        ("3.14159", "General", "3.14159"),
        ("4.4000000000000004", "", "4.4"),
        ("45000", "yyyy-mm-dd", "45000"),
        ("0.5", "# ?/?", "0.5"),
        ("2500000", "0.0,,", "2.5"),
        ("1.50", "0.0#", "1.5"),
        ("none", "0.00", "none"),
        ("1234567", "000-0000", "123-4567"),
        ("30123456789", "(000) 000\\-0000", "(3012) 345-6789"),
        ("512", '00"/"000', "00/512"),
        ("-1234567", "000-0000", "-123-4567"),
        ("1" + "0" * 30, "0.00", "1" + "0" * 30 + ".00"),
        ("0.5", "0." + "0" * 30, "0.5" + "0" * 29),
        ("NaN", "0.00", "NaN"),
        ("-Infinity", "0.00;(0.00)", "-Infinity"),
        ("1E+999999", "0%", "1E+999999"),
    ],
)
def test_a_number_is_shown_in_its_format(value: str, form: str, shown: str) -> None:
    assert formatted(value, form) == shown


def test_cells_have_their_number_format() -> None:
    """A share was read as 0.25 and the article number 00042 as 42."""

    def write(workbook: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ("Port", "Share", "Code"))
        sheet.write(1, 0, "Kiel")
        sheet.write(1, 1, 0.25, workbook.add_format({"num_format": "0%"}))
        sheet.write(1, 2, 42, workbook.add_format({"num_format": "00000"}))

    assert tables(book(write))[0].endswith("| Kiel | 25% | 00042 |")


def test_a_merged_cell_stands_in_each_row_and_over_each_column() -> None:
    def write(_: Any, sheet: Any) -> None:
        sheet.merge_range(0, 1, 0, 2, "2031")
        for number, row in enumerate((("Port", "May", "June"), ("Kiel", 1, 2), ("", 3, 4)), start=1):
            sheet.write_row(number, 0, row)
        sheet.merge_range(2, 0, 3, 0, "Kiel")

    assert tables(book(write)) == [
        "| Port | 2031 May | 2031 June |\n|---|---|---|\n| Kiel | 1 | 2 |\n| Kiel | 3 | 4 |"
    ]


def test_an_empty_row_below_the_header_does_not_part_it_from_its_table() -> None:
    found = tables(of_rows(("Port", "Fare"), (), ("Kiel", 9), ("Oslo", 7)))
    assert found == ["| Port | Fare |\n|---|---|\n| Kiel | 9 |\n| Oslo | 7 |"]


def test_two_tables_one_below_the_other_stay_two() -> None:
    assert len(tables(of_rows(("Port", "Fare"), ("Kiel", 9), (), ("Ship", "Crew"), ("Gull", 4)))) == 2


def test_tables_side_by_side_are_two_if_each_has_labels() -> None:
    rows: list[tuple[object, ...]] = [
        ("Port", "Fare", "", "Ship", "Crew"),
        ("Kiel", 9, "", "Gull", 4),
        ("Oslo", 7, "", "Tern", 3),
    ]
    assert [table.split("\n")[2] for table in tables(of_rows(*rows))] == ["| Kiel | 9 |", "| Gull | 4 |"]
    rows = [("Port", "May", "", "June", "July"), ("Kiel", 9, "", 8, 4), ("Oslo", 7, "", 6, 3)]
    assert len(tables(of_rows(*rows))) == 1


def test_a_wide_sheet_of_many_tables_is_parted_in_one_pass() -> None:
    """The rest of the sheet was copied for each column, and a thousand tables went too deep."""
    rows = [["Quay", "7", ""] * 1200, ["Mole", "8", ""] * 1200]
    assert _side_by_side(rows) == [[["Quay", "7"], ["Mole", "8"]]] * 1199 + [
        [["Quay", "7", ""], ["Mole", "8", ""]]
    ]


def test_what_a_sheet_has_beside_its_cells_is_read_or_told() -> None:
    def write(workbook: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ("Port", "Fare"))
        sheet.write_row(1, 0, ("Kiel", 9))
        sheet.write_comment("B2", "Too dear?", {"author": "Olga"})
        sheet.insert_textbox(4, 4, "Ask the mate.")
        chart = workbook.add_chart({"type": "bar"})
        chart.add_series(
            {"categories": "=Fares!$A$2:$A$2", "values": "=Fares!$B$2:$B$2", "name": "Fares 2031"}
        )
        sheet.insert_chart("F1", chart)
        hidden = workbook.add_worksheet("Old")
        hidden.write(0, 0, "Oslo, 7")
        hidden.hide()

    document = book(write)
    for words in ("Comment by Olga, on B2: Too dear?", "Ask the mate.", "Fares 2031", "Oslo, 7"):
        assert words in document.text
    assert document.warnings == (
        "Hidden sheets, read too: Old.",
        "Hidden text, kept apart from the rest: 16 characters.",
    )
    assert [block.heading_path for block in document.blocks if block.kind == "heading"] == [
        ("Fares",),
        (HIDDEN_TEXT,),
        (HIDDEN_TEXT, "Old"),
    ]
    assert document.title == "fares"


def test_a_formula_without_a_stored_value_is_told() -> None:
    """Files written by programs, not by Excel, have formulas that nothing has worked out yet."""
    document = book(lambda _, sheet: sheet.write_formula("B2", "=1+1", value=""))
    assert document.warnings == (
        "Formulas without a stored value: 1 (Fares B2). Open the file in a spreadsheet program and save it.",
    )


def test_a_panic_of_the_parser_is_an_error_of_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no `Exception`, so it went through every `except` up to the archive that held the file."""

    class PanicException(BaseException):
        pass

    class Workbook:
        @staticmethod
        def from_filelike(_: object) -> None:
            raise PanicException("range end index 8 out of range")

    monkeypatch.setattr("python_calamine.CalamineWorkbook", Workbook)
    with pytest.raises(
        UnreadableDocument, match=r"fares\.xls: not a readable Spreadsheet file \(PanicException"
    ):
        read_document((b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)), "fares.xls")


def test_hidden_rows_and_columns_are_kept_apart_and_what_a_filter_hides_is_not() -> None:
    """They stood among the others as if anybody saw them; a filter is only a view of the table."""

    def write(workbook: Any, sheet: Any) -> None:
        for y, row in enumerate((("Port", "Fare", "Margin"), ("Kiel", 9, 2), ("Oslo", 7, 3), ("Riga", 8, 4))):
            sheet.write_row(y, 0, row)
        sheet.set_row(2, None, None, {"hidden": True})
        sheet.set_column(2, 2, None, None, {"hidden": True})
        listed = workbook.add_worksheet("Crew")
        listed.write_column(0, 0, ("Name", "Olga", "Piet"))
        listed.autofilter("A1:A3")
        listed.filter_column("A", "x == Olga")
        listed.set_row(2, None, None, {"hidden": True})

    document = book(write)
    seen = [
        document.text[one.start : one.end] for one in document.blocks if HIDDEN_TEXT not in one.heading_path
    ]
    unseen = [
        document.text[one.start : one.end] for one in document.blocks if HIDDEN_TEXT in one.heading_path
    ]
    assert seen == [
        "Fares",
        "| Port | Fare |\n|---|---|\n| Kiel | 9 |\n| Riga | 8 |",
        "Crew",
        "| Name |\n|---|\n| Olga |\n| Piet |",
    ]
    assert [text for text in unseen if text != HIDDEN_TEXT] == [
        "| Port | Fare | Margin |\n|---|---|---|\n| Oslo | 7 | 3 |",
        "| Port | Margin |\n|---|---|\n| Kiel | 2 |\n| Riga | 4 |",
    ]
    assert "Sheets with a filter, all rows read: Crew." in document.warnings
