"""What `eval` prints, and the chart it draws, from an evaluation made by hand."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from rag.cli.evaluation import compared, print_evaluation, write_plot
from rag.errors import UsageError
from rag.evaluation import Evaluation, Origin, Question, Search, chart_page, evaluate, evaluation_json
from rag.library import Library
from rag.settings import load_settings
from tests.evaluation.test_evaluation import hit

QUESTIONS = [Question(str(n), f"question {n}", ("x",), ("a",)) for n in range(12)]
SEARCHES: dict[str, Search] = {
    "as shipped": lambda _: [],
    "a <rather> long name of a setting, keyword_weight=0.75": lambda _: [hit("a", "x")],
    "just as bad": lambda _: [hit("b")],
}
LONG = list(SEARCHES)[1]


def evaluation(origin: Origin | None = None) -> Evaluation:
    values = {LONG: {"chunk_tokens": 90, "ranking": {"keyword_weight": 0.75}}}
    return evaluate("mine", QUESTIONS, SEARCHES, values=values, origin=origin or Origin())


def printed(made: Evaluation, capsys: pytest.CaptureFixture[str]) -> str:
    print_evaluation(made, evaluation_json(made))
    return capsys.readouterr().out


def test_every_level_has_its_verdicts_and_the_winner_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    told = printed(evaluation(), capsys)
    assert told.count(f"{LONG}: recall@1 +1.000 (better, p = 0.001; 12 won, 0 lost) · recall@5") == 3
    assert told.count("  recall@1 won: 0, 1, 2, 3, 4, 5, 6, 7 and 4 more\n") == 1
    assert "p-values are corrected for 2 settings compared (Holm)" in told
    assert told.partition("put into settings.toml:\n\n")[2].startswith(
        "chunk_tokens = 90\n\n[ranking]\nkeyword_weight = 0.75\n\nIt holds for files"
    )


def test_a_row_of_the_table_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """In a narrow terminal the names of the settings were cut off."""
    told = printed(evaluation(), capsys)
    rows = [line for line in told.splitlines() if line.startswith(f" {LONG} ")]
    assert len(rows) == 3 and all(row.count("1.000 ±0.000") == 6 for row in rows)


def test_without_a_winner_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    same = evaluate("mine", QUESTIONS, {"as shipped": lambda _: [], "other": lambda _: [hit("b")]})
    assert "No setting is better than 'as shipped' beyond chance." in printed(same, capsys)


@pytest.mark.parametrize(
    ("origin", "line"),
    [
        (Origin("default"), "12 questions, each half of a sentence of a passage"),
        (Origin("default", "", "llama", 3), "12 questions written by llama; 3 more were of no use"),
    ],
)
def test_how_the_questions_were_made_is_told(
    origin: Origin, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printed(evaluation(origin), capsys).startswith(line + "\n")


def test_the_chart_is_a_page_of_its_own(tmp_path: Path) -> None:
    record = evaluation_json(evaluation())
    write_plot(tmp_path / "chart.html", [record])
    page = (tmp_path / "chart.html").read_text(encoding="utf-8")
    assert page == chart_page(record)
    assert "src=" not in page and "href=" not in page and "<script" not in page
    assert "a &lt;rather&gt; long name" in page
    figures = [f"<svg{part.partition('</svg>')[0]}</svg>" for part in page.split("<svg")[4:]]
    assert [ET.fromstring(figure).get("aria-label") for figure in figures] == [
        *("document", "answer", "doc+answer")
    ]
    best = ET.fromstring(figures[0]).findall("circle")[4]
    assert (best.get("cx"), best.get("cy")) == ("40", "0")
    assert best[0].text == f"{LONG}: recall@1 1.000"


def test_the_chart_is_a_specification_too_and_each_set_has_its_own(tmp_path: Path) -> None:
    record = evaluation_json(evaluation())
    write_plot(tmp_path / "chart.json", [record, record | {"set": "other"}])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chart-mine.json", "chart-other.json"]
    spec = json.loads((tmp_path / "chart-mine.json").read_text(encoding="utf-8"))
    assert {row["setting"] for row in spec["data"]["values"]} == set(SEARCHES)
    with pytest.raises(UsageError, match="cannot be written"):
        write_plot(tmp_path / "nowhere" / "chart.json", [record])


def test_what_is_shipped_is_compared_with_where_it_is_not_in_use(tmp_path: Path) -> None:
    library = Library(load_settings(library=tmp_path))
    baselines = ["vectors only", "keywords only", "rank fusion", "sum of scores"]
    tried = compared(library, ["reranked=5"], with_baselines=True)
    assert [one.name for one in tried] == ["as shipped", "reranked=5", *baselines]
    library = Library(load_settings(library=tmp_path, ranking={"keyword_weight": 0.1}))
    tried = compared(library, [], with_baselines=True)
    assert [one.name for one in tried] == ["as set", "as shipped", *baselines]
