"""Cells are read to the digit, in either convention, or not at all."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.amounts import DecimalMark, amount, decimal_mark, is_dash


@pytest.mark.parametrize(
    ("text", "mark", "value", "unit", "places"),
    [
        ("1,204", ".", "1204", "", 0),
        ("1.204", ",", "1204", "", 0),
        ("1.204", ".", "1.204", "", 3),
        ("1.204,50 €", ",", "1204.50", "€", 2),
        ("$ (318)", ".", "-318", "$", 0),
        ("(318 )", ".", "-318", "", 0),
        ("-7.5", ".", "-7.5", "", 1),
        ("−7.5", ".", "-7.5", "", 1),
        ("(4.1)%", ".", "-4.1", "%", 1),
        ("+3.2 %", ".", "3.2", "%", 1),
        ("640 (2)", ".", "640", "", 0),
        ("640**", ".", "640", "", 0),
        ("1'204.50", ".", "1204.50", "", 2),
        ("12 days", ".", "12", "days", 0),
        ("42 m²", ".", "42", "m²", 0),
        ("5 m", ".", "5", "m", 0),
        ("$5 m", ".", "5000000", "$", 0),
        ("3.5万", ".", "35000", "", 0),
        ("1,980元", ".", "1980", "¥", 0),
    ],
)
def test_a_cell_is_read_with_its_unit(
    text: str, mark: DecimalMark, value: str, unit: str, places: int
) -> None:
    read = amount(text, mark)
    assert read is not None
    assert (read.value, read.unit, read.places) == (Decimal(value), unit, places)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("2.978,478", "."),
        ("12,34,567", "."),
        ("61.2)", "."),
        ("1:4", "."),
        ("2024-05-01", "."),
        ("Q3", "."),
        ("n/a", "."),
        ("", "."),
    ],
)
def test_what_is_no_plain_number_is_not_read(text: str, mark: DecimalMark) -> None:
    """A comma that fits no reading once became another number instead of none."""
    assert amount(text, mark) is None


@pytest.mark.parametrize(
    ("texts", "default", "mark"),
    [
        (["1,204.50", "318"], ",", "."),
        (["1.204,50", "318"], ".", ","),
        (["7,5", "12,25"], ".", ","),
        (["1,204", "2,310"], ".", "."),
        (["1.204", "2.310"], ",", ","),
        (["12.345.678"], ".", ","),
        (["0.375"], ",", "."),
    ],
)
def test_the_mark_is_that_of_the_numbers_that_read_one_way(
    texts: list[str], default: DecimalMark, mark: DecimalMark
) -> None:
    assert decimal_mark(texts, default) == mark


@pytest.mark.parametrize("between", ["*", "¹", " ", "(1)", " 5", "*†"])
def test_a_cell_of_many_marks_is_read_in_one_pass(between: str) -> None:
    """Twenty stars before a sign that ends no number took a minute."""
    assert amount(f"5 {between * 3000}x!", ".") is None


@pytest.mark.parametrize("text", ["–", "—", "-", "$ -", "nil"])
def test_a_dash_says_that_there_is_nothing(text: str) -> None:
    assert is_dash(text)


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2))
def test_what_is_written_out_is_read_back(value: Decimal) -> None:
    english = f"{value:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    for text, mark in ((english, "."), (german, ",")):
        read = amount(text, mark)  # type: ignore[arg-type]
        assert read is not None
        assert read.value == value
