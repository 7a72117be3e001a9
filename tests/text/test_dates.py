"""Dates as documents write them, in ISO 8601 or not at all."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.dates import date_in_name, iso_date


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        pytest.param("2024-01-31", "2024-01-31", id="ISO"),
        pytest.param("2024-01-31T23:30:00-05:00", "2024-01-31", id="ISO with a time"),
        pytest.param("2024-01-31 10:00:00+00:00", "2024-01-31", id="YAML with a time"),
        pytest.param("2024-1-5", "2024-01-05", id="without zeros"),
        pytest.param("20240131", "2024-01-31", id="ISO without hyphens"),
        pytest.param("2024/01/31", "2024-01-31", id="year first, slashes"),
        pytest.param("2024-01", "2024-01", id="month"),
        pytest.param(" 2024 ", "2024", id="year"),
        pytest.param("<2024-01-31 Wed>", "2024-01-31", id="Org"),
        pytest.param("[2024-01-31 Wed 10:00]", "2024-01-31", id="inactive Org"),
        pytest.param("January 5, 2024", "2024-01-05", id="American"),
        pytest.param("5 January 2024", "2024-01-05", id="British"),
        pytest.param("Jan. 5th, 2024", "2024-01-05", id="short"),
        pytest.param("Wed, 31 Jan 2024 10:00:00 +0000", "2024-01-31", id="mail"),
        pytest.param("January 2024", "2024-01", id="month by name"),
        pytest.param("05.01.2024", "2024-01-05", id="German"),
        pytest.param("5. März 2024", "2024-03-05", id="German by name"),
        pytest.param("5 de enero de 2024", "2024-01-05", id="Spanish"),
        pytest.param("2024年1月5日", "2024-01-05", id="Chinese"),
        pytest.param("31/12/2024", "2024-12-31", id="only the day can be 31"),
        pytest.param("12/31/2024", "2024-12-31", id="only the day can be 31, American"),
        pytest.param("05/05/2024", "2024-05-05", id="either way the same"),
        pytest.param("01/05/2024", None, id="January or May"),
        pytest.param("05.01.24", None, id="two digits of a year"),
        pytest.param("2024-02-30", None, id="no such day"),
        pytest.param("2024-13", None, id="no such month"),
        pytest.param("0000-00-00", None, id="zeros"),
        pytest.param("0001-01-01T00:00:00Z", None, id="what a program puts for no date"),
        pytest.param("1704067200", None, id="seconds"),
        pytest.param("5 January", None, id="no year"),
        pytest.param("today", None, id="a word"),
        pytest.param("$Date$", None, id="a placeholder"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_iso_date(written: str, iso: str | None) -> None:
    assert iso_date(written) == iso


@given(st.dates(min_value=datetime.date(1000, 1, 1)), st.sampled_from(["%d %B %Y", "%B %d, %Y", "%d.%m.%Y"]))
def test_a_date_is_itself_however_it_is_written(date: datetime.date, form: str) -> None:
    assert iso_date(date.strftime(form)) == iso_date(date.isoformat()) == date.isoformat()


@given(st.text(max_size=40))
def test_any_text_is_a_date_or_none(text: str) -> None:
    found = iso_date(text)
    assert found is None or iso_date(found) == found


@pytest.mark.parametrize(
    ("name", "iso"),
    [
        ("policies/travel-2023.md", "2023"),
        ("2024-09-garden.md", "2024-09"),
        ("minutes_2024.03.11.docx", "2024-03-11"),
        ("archive-2019/notes.md", None),
        ("IMG_20240501.jpg", None),
        ("report-2024-02-31.md", None),
    ],
)
def test_the_date_in_a_files_name(name: str, iso: str | None) -> None:
    assert date_in_name(name) == iso
