"""Tables are computed over, not only quoted: the right value with its cells, or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.answer import AnswerDone
from rag.answer.tables import computed, result_of
from rag.answer.tables.grid import Table, tables_of
from rag.answer.tables.plan import plan_of
from rag.history.receipts import answer_json, shown_text
from rag.history.serialization import answer_of, answer_record
from rag.records import Answer, Hit, Passage
from rag.text.amounts import DecimalMark
from tests.fakes.web import FakeLibrary, fake_library

MILL = """All figures in thousands of euros, except per share.

|  | 2023 | 2022 | 2021 | Change |
|---|---|---|---|---|
| Oats | 8,400 | 8,000 | 7,250 | 5.0 % |
| Barley (1) | (310) | (290) | 120 |  |
| Seeds | 95 | – | 60 |  |
| Total sales | 8,185 | 7,710 | 7,430 | 6.2 % |
| Margin | 11.5 % | 8.0 % | 6.4 % |  |
| Result per share | 0.84 | 0.55 | 0.39 |  |
"""
QUARTERS = """| | Q1 2024 | Q2 2024 | Q3 2024 | Q4 2024 | 2024 |
|---|---|---|---|---|---|
| Ropes | 41.2 | 44.8 | 39.5 | 47.1 | 172.6 |
| Profit | 4.1 | 5.6 | (0.8) | 6.2 | 15.1 |
"""
CLAIMS = """| Date | Person | Kind | What for | Amount (EUR) |
|---|---|---|---|---|
| 2024-01-08 | Nora Pike | Travel | Train to Halle | 84.50 |
| 2024-01-15 | Jan Adler | Meals | Lunch | 46.20 |
| 2024-02-03 | Nora Pike | Travel | Ferry | 312.40 |
| 2024-02-19 | Jan Adler | Office | Travel adapter | 14.95 |
| 2024-03-04 | Ines Solt | Hotel | Two nights | 238.00 |
| Total |  |  |  | 696.05 |
"""
BUCHUNGEN = """| Datum | Abteilung | Art | Netto | Brutto |
|---|---|---|---|---|
| 03.01.2025 | Vertrieb | Reise | 1.250,00 € | 1.487,50 € |
| 14.01.2025 | Einkauf | Büro | 89,90 € | 106,98 € |
| 05.02.2025 | Vertrieb | Reise | 640,50 € | 762,20 € |
"""
ZHANG = """| 日期 | 部门 | 类别 | 金额 |
|---|---|---|---|
| 2024-05-02 | 市场部 | 差旅费 | 3200元 |
| 2024-06-03 | 市场部 | 广告 | 5400元 |
| 2024-06-20 | 研发部 | 差旅费 | 1980元 |
"""
TWO_HEADERS = """|  |  | As of June 30, 2023 |  |
|---|---|---|---|
|  | Cost | Gains | Value |
| Bonds | 900 | 40 | 940 |
| Shares | 100 | 10 | 110 |
| Total | 1,000 | 50 | 1,050 |
|  |  | As of June 30, 2022 |  |
|  | Cost | Gains | Value |
| Bonds | 700 | 21 | 721 |
| Shares | 200 | 9 | 209 |
| Total | 900 | 30 | 930 |
"""
MIXED = """| Trip | Currency | Cost |
|---|---|---|
| Oslo | NOK | 5400 |
| Berlin | EUR | 612 |
| Vienna | EUR | 498 |
"""


def hits(*texts: str, title: str = "claims", doc: str = "claims.md", pages: bool = False) -> list[Hit]:
    """The passages of one document, one after the other; on a page each, if so asked."""
    found, start = [], 0
    for number, text in enumerate(texts):
        page = number + 1 if pages else None
        passage = Passage(
            f"p{number}", number, text.rstrip(), start, start + len(text.rstrip()), 9, f"h{number}",
            first_page=page, last_page=page, kind="table",
        )  # fmt: skip
        found.append(Hit(number + 1, passage, 1, doc, title, 1.0))
        start += len(text.rstrip()) + (2 if pages else 1)
    return found


def tables(text: str, mark: DecimalMark = ".") -> list[Table]:
    return list(tables_of(hits(text), mark))


def shown(text: str, question: str, mark: DecimalMark = ".") -> str | None:
    result = result_of(plan_of(question), tables(text, mark))
    return result.shown if result else None


@pytest.mark.parametrize(
    ("text", "question", "value"),
    [
        (MILL, "How much did the sales of oats grow from 2021 to 2023?", "€1,150 thousand"),
        (MILL, "What was the percentage change in barley between 2022 and 2023?", "6.90 %"),
        (MILL, "What were the average total sales from 2021 to 2023?", "€7,775 thousand"),
        (MILL, "What is the sum of oats in 2022 and 2023?", "€16,400 thousand"),
        (MILL, "What percentage of total sales came from oats in 2022?", "103.76 %"),
        (MILL, "What was the difference between oats and seeds in 2021?", "€7,190 thousand"),
        (MILL, "In which year was barley lowest?", "2023: −€310 thousand"),
        (MILL, "How many years did total sales exceed 7.5 million?", "2"),
        (MILL, "What was the change in the margin from 2021 to 2023?", "5.1 pp"),
        (MILL, "How much did the result per share rise between 2021 and 2023?", "€0.45"),
        (QUARTERS, "In which quarter was the profit lowest?", "2024-Q3: −0.8"),
        (QUARTERS, "What was the average profit per quarter in 2024?", "3.78"),
        (TWO_HEADERS, "What share of total gains came from bonds in 2022?", "70.00 %"),
        (CLAIMS, "How much did we spend on travel?", "€396.90"),
        (CLAIMS, "How much did Nora Pike spend in February 2024?", "€312.40"),
        (CLAIMS, "What is the total of all claims?", "€696.05"),
        (CLAIMS, "Average amount per person", "Nora Pike: €198.45; Jan Adler: €30.58; Ines Solt: €238.00"),
        (CLAIMS, "Which kind cost the most?", "Travel: €396.90"),
        (CLAIMS, "How many claims are over 50 euros?", "3"),
        (CLAIMS, "How many different kinds are there?", "4"),
        (CLAIMS, "Total amount by kind", "Travel: €396.90; Meals: €46.20; Office: €14.95; Hotel: €238.00"),
        (CLAIMS, "How much was spent on hotels and meals?", "€284.20"),
        (ZHANG, "差旅费总共是多少？", "¥5,180"),
        (ZHANG, "市场部一共花了多少钱？", "¥8,600"),
        (ZHANG, "哪个部门花费最多？", "市场部: ¥8,600"),
    ],
)
def test_a_value_is_computed(text: str, question: str, value: str) -> None:
    assert shown(text, question) == value


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("Summe netto im Januar 2025", "1.339,90 €"),
        ("Wie viel hat der Vertrieb brutto ausgegeben?", "2.249,70 €"),
        ("Durchschnittlicher Nettobetrag des Vertriebs", "945,25 €"),
    ],
)
def test_german_numbers_are_read_and_written_the_german_way(question: str, value: str) -> None:
    assert shown(BUCHUNGEN, question, ",") == value


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (MILL, "What is the sum of rye from 2021 to 2023?"),
        (MILL, "What was the average of oats from 2019 to 2023?"),
        (MILL, "How much did the sales of oats grow from 2018 to 2023?"),
        (MILL, "By what percentage did seeds change between 2022 and 2023?"),
        (CLAIMS, "How much did we spend on gifts?"),
        (CLAIMS, "How much did we spend on travel in May 2024?"),
        (CLAIMS, "How much did Olga Brandt spend?"),
        (MIXED, "What is the total cost of all trips?"),
        (CLAIMS.replace("312.40", "312.4.0"), "How much did we spend on travel?"),
        (CLAIMS.replace("696.05", "900.00"), "What is the total of all claims?"),
    ],
    ids=[
        "no row", "no year", "no first year", "from nothing", "no kind", "no month", "no person",
        "currencies", "unreadable", "total disagrees",
    ],
)  # fmt: skip
def test_where_the_table_does_not_tell_for_sure_nothing_is_computed(text: str, question: str) -> None:
    """A wrong number is worse than none; a value that a cell states may still be looked up."""
    result = result_of(plan_of(question), tables(text))
    assert result is None or result.operation == "value"


def test_of_two_columns_that_fit_one_is_taken_and_the_other_offered() -> None:
    result = result_of(plan_of("Wie hoch sind die Ausgaben für Reise insgesamt?"), tables(BUCHUNGEN, ","))
    assert result is not None
    assert (result.subject, result.shown) == ("Netto, Reise", "1.890,50 €")
    assert [(other.subject, other.shown) for other in result.others] == [("Brutto, Reise", "2.249,70 €")]


def test_a_table_split_over_passages_is_one_and_one_cut_in_a_row_none() -> None:
    """Rows that lay in another passage were once left out of the sum, without a word."""
    lines = CLAIMS.splitlines(keepends=True)
    (whole,) = tables_of(hits("".join(lines[:4]), "".join(lines[4:])))
    assert len(whole.rows) == 6
    cut = lines[4].index("Travel")
    assert not list(tables_of(hits("".join(lines[:4]) + lines[4][:cut], lines[4][cut:] + "".join(lines[5:]))))


def test_a_table_that_goes_on_behind_a_page_is_one() -> None:
    lines = CLAIMS.splitlines(keepends=True)
    head = "".join(lines[:2])
    (whole,) = tables_of(hits("".join(lines[:4]), head + "".join(lines[4:]), pages=True))
    assert len(whole.rows) == 6


def test_every_cell_stands_where_it_says() -> None:
    table = tables(CLAIMS)[0]
    for row in table.rows:
        for cell in row.cells:
            assert CLAIMS[cell.start : cell.end] == cell.text
        assert CLAIMS[slice(*row.span)].startswith("| ")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> FakeLibrary:
    folder: Path = tmp_path_factory.mktemp("tables")
    (folder / "d").mkdir()
    (folder / "d" / "claims.md").write_text(f"# Claims of 2024\n\n{CLAIMS}", encoding="utf-8")
    leave = "# Leave\n\nEverybody has thirty days of leave.\n"
    (folder / "d" / "leave.md").write_text(leave, encoding="utf-8")
    opened = fake_library(folder / "library", ["unused"])
    for _ in opened.ingest([folder / "d"]):
        pass
    return opened


def asked(library: FakeLibrary, question: str) -> Answer:
    *_, last = library.ask(question)
    assert isinstance(last, AnswerDone)
    return last.answer


def test_an_answer_has_the_value_first_and_names_its_cells(library: FakeLibrary) -> None:
    answer = asked(library, "How much did we spend on travel claims?")
    found = answer_json(answer)["computation"]
    assert (found["value"], found["unit"], found["formula"]) == ("396.90", "€", "84.50 + 312.40")
    assert [(cell["doc"], cell["column"], cell["text"]) for cell in found["cells"]] == [
        ("claims.md", "Amount (EUR)", "84.50"),
        ("claims.md", "Amount (EUR)", "312.40"),
    ]
    assert shown_text(answer).startswith("€396.90\nSum of Amount (EUR), Travel: 84.50 + 312.40")
    assert [piece.quote.split(" | ")[3] for piece in answer.evidence] == ["Train to Halle", "Ferry"]
    assert all(piece.hit is answer.hits[piece.marker - 1] for piece in answer.evidence)
    assert answer.model is None


def test_a_computed_answer_is_saved_whole(library: FakeLibrary) -> None:
    answer = asked(library, "How much did we spend on travel claims?")
    assert answer_of(answer_record(answer)) == answer


def test_a_name_that_the_document_does_not_have_is_not_computed_for(library: FakeLibrary) -> None:
    """A question about another company was once answered from the table at hand."""
    index = library.store
    found = index.hits(index.passage_rowids([entry.id for entry in index.documents("default")]))

    def value(question: str) -> bool:
        return computed(question, found, index=index, collection="default") is not None

    assert value("What is the total of all claims?")
    assert not value("What is the total of all claims of Brandt Logistics?")


def test_other_questions_are_answered_as_before(library: FakeLibrary) -> None:
    assert asked(library, "How many days of leave does everybody have?").computation is None


@pytest.mark.parametrize(
    "question",
    ["How many working days of holiday are there a year?", "How many days of leave do I get?"],
)
def test_rows_are_not_counted_for_what_a_column_measures(question: str) -> None:
    text = "Special days of leave\n\n| Occasion | Days |\n|---|---|\n| Wedding | 2 |\n| Moving | 1 |"
    assert shown(text, question) is None
