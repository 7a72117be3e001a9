"""The app without a browser: markup, phrases, desks, page boxes, and the pages on a fake model."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from rag.answer import AnswerDone, AnswerEvent, EvidenceReady, PromptReady, SearchDone, TokenDelta
from rag.answer.outline import Mention, Outline, Section
from rag.errors import Busy, LibraryError, ModelNotFound, UsageError
from rag.evaluation import Question, evaluate
from rag.evaluation import save as save_evaluation
from rag.evaluation.runner import RESULTS
from rag.history.conversations import Turn as SavedTurn
from rag.ingest import IngestEvent, Receipt, embed_pictures
from rag.ingest.uploads import safe_name
from rag.llm.tuned_form import TunedModel, save_tuned
from rag.models import total_memory
from rag.models.folders import write_manifest
from rag.readers import PagePictures
from rag.readers.messages import Box
from rag.readers.page_images import PAGE_WIDTH, find_quote, merge_lines
from rag.records import (
    HIDDEN_TEXT,
    Answer,
    BudgetUse,
    Change,
    Citation,
    Computation,
    Disagreement,
    DocumentEntry,
    Evidence,
    Generation,
    Hit,
    Message,
    PartlyRead,
    Passage,
    Sentence,
    TableCell,
    Usage,
)
from rag.search.ranking import DEFAULT_RANKING, Ranking
from rag.settings import PROJECT, load_settings
from rag.store import PassageQuestion
from rag.web import auth, throttle
from rag.web.auth import SESSION_SECONDS, Visitor, has_expired, is_exposed, visitor_of
from rag.web.background.downloads import Downloads, Pull
from rag.web.background.folder_watch import FolderWatch, Watch
from rag.web.background.task_queue import MAX_OPEN_OF_ONE, Request, Task, TaskQueue
from rag.web.background.workers import Job, Workers
from rag.web.browser_events import Act, act_of
from rag.web.components.answers import plain_text, turn_html
from rag.web.components.changes import changed_html
from rag.web.components.dates import clock_time
from rag.web.components.dialogs import take_back
from rag.web.components.document_guide import guide_html
from rag.web.components.locality import remote_host
from rag.web.components.markup import emphasised, label, question_words, spanned, word_spans
from rag.web.components.progress import size_text
from rag.web.components.prose import prose
from rag.web.components.source import current_selection
from rag.web.components.turns import Turn, saved_turn, short_name, source_of, sources
from rag.web.i18n import LANGUAGES, Phrases, language_of, load_strings
from rag.web.services import history, open_services
from rag.web.session import App, report_of
from rag.web.throttle import FREE_ATTEMPTS, Throttle
from tests.fakes.gguf_files import starter_gguf
from tests.fakes.pictures import ColourModel, album
from tests.fakes.web import THINGS, fake_library, write_documents

SAY = Phrases("en")
UI = Path(__file__).resolve().parents[2] / "rag" / "web"
HOSTILE = (
    '**b** `c` "[x](http://y)" https://evil.example/**z**[q](r) '
    "<img src=x onerror=alert(1)><script>alert(2)</script> ![i](http://evil.example/p.png) "
    '[l](javascript:alert(3)) <a href="http://evil.example">a</a> "\' & </div>'
)
OUR_ATTRIBUTES = {"class", "id", "dir", "role", "title", "type", "style"} | {
    f"{family}-{name}"
    for family, names in {
        "aria": ("label", "hidden", "live", "busy"),
        "data": ("act", "turn", "marker", "url", "copy"),
    }.items()
    for name in names
}
CITED = "The limit is 45 euros a day. Receipts are due in 30 days."


def passage(text: str, *, ordinal: int = 0, start: int = 100) -> Passage:
    return Passage(
        f"id{ordinal}", ordinal, text, start, start + len(text), 10, f"hash{ordinal}", ("Meals",), 3, 3
    )


def hit(text: str, *, doc: str = "policies/expenses.pdf", ordinal: int = 0) -> Hit:
    return Hit(ordinal + 1, passage(text, ordinal=ordinal), 1, doc, "Expenses", 1.0)


def turn(**changes: object) -> Turn:
    """A finished turn with one quote and a text of two sentences, the second in doubt."""
    found = hit(CITED)
    text = "It is 45 euros [1]. It was 30 before [7]."
    whole = Turn(
        key="t1",
        question="What is the daily limit?",
        state="done",
        hits=(found, hit("Nobody cites this.", ordinal=1)),
        evidence=(Evidence(found, 1, CITED[:28], 0, 28, 0.9),),
        text=text,
        sentences=(
            Sentence(0, 19, (1,), "true"),
            Sentence(20, 41, (), "false", ("30 is not in any source",)),
        ),
        citations=(Citation(1, found.doc, 3, CITED[29:], 129, 157, "id0", "hash0", "true"),),
        model="tiny",
        budget=BudgetUse(1000, 100, 10, 0, {1: 40}, 200, (2,), 0),
        usage=Usage(150, 0, 20, 0.1, 0.5, "stop"),
        seconds={"search": 0.02, "first_token": 0.3, "total": 0.8},
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


class Tags(HTMLParser):
    """Every tag with its attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def tag_names(html: str) -> list[str]:
    return [tag for tag, _ in Tags(html).tags]


# Hidden and missing text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_quote_that_its_document_does_not_show_says_so(language: str) -> None:
    say, shown = Phrases(language), turn()
    found = replace(shown.hits[0], passage=replace(shown.hits[0].passage, heading_path=(HIDDEN_TEXT,)))
    unseen = turn(hits=(found,), evidence=(replace(shown.evidence[0], hit=found),))
    assert say("hidden_text") in Tags("".join(turn_html(unseen, say))).text
    assert (HIDDEN_TEXT in "".join(turn_html(unseen, say))) is False
    assert say("hidden_text") not in Tags("".join(turn_html(shown, say))).text


def test_an_answer_says_which_document_was_read_in_part() -> None:
    read = PartlyRead("policies/expenses.pdf", ("Pictures in the file, not read: 3.",))
    said = Tags("".join(turn_html(turn(partly_read=(read,)), Phrases("de")))).text
    assert "Sprache" not in said
    assert "Sprache" in Tags("".join(turn_html(turn(across_languages=True), Phrases("de")))).text
    assert "Von expenses.pdf wurde nur ein Teil verwendet: Bilder in der Datei, nicht gelesen: 3." in said


# Phrases


@pytest.mark.parametrize("key", sorted(load_strings()))
def test_every_phrase_is_there_in_every_language_with_the_same_values(key: str) -> None:
    phrase = load_strings()[key]
    assert set(phrase) == set(LANGUAGES)
    assert all(text.strip() for text in phrase.values())
    values = {language: sorted(set(re.findall(r"\{(\w+)", text))) for language, text in phrase.items()}
    assert values["de"] == values["zh"] == values["en"]


def test_every_phrase_that_the_pages_say_exists_and_none_is_left_over() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in UI.rglob("*.py"))
    said = set(re.findall(r"""say\(\s*["']([a-z_]+)["']""", code))
    keys = {key.removesuffix("_one") for key in load_strings()}
    assert said <= keys
    families = {match[:-1] for match in re.findall(r"""say\(f["']([a-z_]+_\{)""", code)}
    named = set(re.findall(r'"([a-z_]+)"', code))  # such as the reasons of a bad answer
    unused = {k for k in keys - said if not any(k.startswith(f) for f in families) and k not in named}
    assert unused == set()


def test_a_count_of_one_has_its_own_phrase() -> None:
    assert SAY("waiting", count=1) == "In the queue: one question comes first."
    assert SAY("waiting", count=2) == "In the queue: 2 questions come first."


@pytest.mark.parametrize(
    ("locale", "language"),
    [("de-AT", "de"), ("zh_Hans_CN", "zh"), ("fr-FR", "en"), (None, "en"), ("EN", "en")],
)
def test_the_language_follows_the_browser(locale: str | None, language: str) -> None:
    assert language_of(locale) == language


# Untrusted text


@given(st.text(), st.lists(st.tuples(st.integers(-5, 60), st.integers(-5, 60), st.sampled_from(["a", "b"]))))
def test_marked_text_is_the_text_and_holds_no_tag_but_ours(
    value: str, spans: list[tuple[int, int, str]]
) -> None:
    shown = Tags(spanned(value, spans).replace("\r", "&#13;"))
    assert {tag for tag, _ in shown.tags} <= {"mark"}
    assert shown.text == value.replace("\x00", shown.text[value.index("\x00")] if "\x00" in value else "")


def test_overlapping_marks_are_cut_so_that_they_nest() -> None:
    assert spanned("abcd", [(0, 3, "x"), (1, 4, "y")]) == (
        '<mark class="x">a</mark><mark class="x y">bc</mark><mark class="y">d</mark>'
    )


@pytest.mark.parametrize("state", ["waiting", "searching", "writing", "done", "failed"])
def test_a_hostile_turn_draws_no_element_of_its_own(state: str) -> None:
    found = hit(HOSTILE, doc=HOSTILE)
    hostile = turn(
        state=state,
        question=HOSTILE,
        query=HOSTILE + "?",
        text=f"{HOSTILE} [1]",
        hits=(found,),
        evidence=(Evidence(found, 1, HOSTILE, 0, len(HOSTILE), 1.0),),
        sentences=(Sentence(0, len(HOSTILE), (), "partly", (HOSTILE,)),),
        model=HOSTILE,
        problem=HOSTILE,
        reason=HOSTILE,
        abstained=state == "done",
    )
    for part in turn_html(hostile, SAY):
        for name, attributes in Tags(part).tags:
            assert name not in {"img", "script", "a", "iframe", "link", "style"}
            assert set(attributes) <= OUR_ATTRIBUTES


@given(st.text())
def test_prose_keeps_every_word_and_makes_no_element_of_the_text(value: str) -> None:
    html = prose(value, ())
    assert set(tag_names(html)) <= {
        "p",
        "h3",
        "pre",
        "table",
        "tr",
        "td",
        "th",
        "strong",
        "em",
        "code",
        "span",
    }


def test_prose_shows_headings_and_tables_with_their_marks() -> None:
    value = "## Meals\n\n| What | Limit |\n|---|---|\n| Lunch | 20 |\n\nEnd."
    start = value.index("20")
    assert prose(value, [(start, start + 2, "fn-exact")]) == (
        '<h3 dir="auto">Meals</h3><table><tr><th dir="auto">What</th><th dir="auto">Limit</th></tr>'
        '<tr><td dir="auto">Lunch</td><td dir="auto"><mark class="fn-exact">20</mark></td></tr></table>'
        '<p dir="auto">End.</p>'
    )


def test_prose_shows_code_as_it_is() -> None:
    assert prose("Run:\n\n```sh\nls **/*.py\n\npwd\n```\nDone.", [(12, 14, "fn-exact")]) == (
        '<p dir="auto">Run:</p><pre dir="ltr"><mark class="fn-exact">ls</mark> **/*.py\n\npwd\n</pre>'
        '<p dir="auto">Done.</p>'
    )


@pytest.mark.parametrize("start", range(12))
@pytest.mark.parametrize("end", range(12, 25))
def test_marked_words_leave_bold_ones_bold(start: int, end: int) -> None:
    html = emphasised(spanned("Pay: **up to 40** a head.", [(start, end, "hot")]))
    assert "*" not in html
    assert re.sub(r"</?(mark|strong)[^>]*>", "", html) == "Pay: up to 40 a head."
    assert re.sub(r"</?mark[^>]*>", "", html) == "Pay: <strong>up to 40</strong> a head."
    opened = re.findall(r"<(/?)(mark|strong)", html)
    inside: list[str] = []
    for closes, tag in opened:
        assert not closes or inside.pop() == tag
        inside += [] if closes else [tag]


def test_emphasis_is_shown_and_a_link_leads_nowhere() -> None:
    assert prose("**Bold** `x<y` [here](http://evil.example/)", ()) == (
        '<p dir="auto"><strong>Bold</strong> <code>x&lt;y</code> '
        '<span class="fn-link" title="http://evil.example/">here</span></p>'
    )
    assert prose("**`x` is bold**, *y* leans, 2 * 3 * 4", ()) == (
        '<p dir="auto"><strong><code>x</code> is bold</strong>, <em>y</em> leans, 2 * 3 * 4</p>'
    )
    assert prose("**half marked**", [(4, 9, "fn-exact")]) == (
        '<p dir="auto"><strong>ha<mark class="fn-exact">lf ma</mark>rked</strong></p>'
    )


def test_labels_are_plain_whatever_the_file_is_called() -> None:
    assert label("![x](a)_b_") == r"\!\[x\]\(a\)\_b\_"
    assert "://" not in label("http://evil.example") and "www." not in label("www.evil.example")


def test_words_of_the_question_are_marked_with_their_endings() -> None:
    words = question_words("How are policies reported in Q3?")
    text = "The policy was reported: Q3 reports follow policies."
    assert [text[start:end] for start, end, _ in word_spans(text, words)] == [
        "policy",
        "reported",
        "Q3",
        "reports",
        "policies",
    ]
    assert word_spans("差旅报销规定", question_words("报销")) == [(2, 4, "fn-word")]


def test_the_words_gone_and_the_words_that_came_are_shown_in_place() -> None:
    before = "The daily limit is 45 euros, receipts are due within 30 days."
    today = "Preface. The daily limit is 50 euros, receipts are always due within 30 days. The end."
    assert changed_html(before, today) == (
        "The daily limit is<del> 45</del><ins> 50</ins> euros, receipts are<ins> always</ins>"
        " due within 30 days."
    )
    assert changed_html(before, "Nothing of the kind stands here any more.") is None


@given(st.text(), st.text())
def test_changes_of_any_texts_draw_no_element_but_ours(before: str, today: str) -> None:
    assert set(tag_names(changed_html(before, today) or "")) <= {"del", "ins"}


def test_a_computed_value_stands_first_with_its_formula_and_cells() -> None:
    cell = TableCell("claims.csv", None, "Train <b>", "Amount", "84.50", 1, 10, 15)
    found = Computation(
        "sum", "396.90", "€", "€396.90", "84.50 + 312.40", "Sum of Amount: 84.50 + 312.40", (cell,), 2,
        others=(("Gross", "€472.31"),),
    )  # fmt: skip
    html = turn_html(turn(computation=found), SAY)[0]
    shown = " ".join(Tags(html[html.index("fn-computed") :]).text.split())
    places = [shown.index(one) for one in ("€396.90", "Sum of Amount: 84.50", "Gross: €472.31")]
    assert places == sorted(places)
    assert "Cells used: 2" in shown and "Train <b> · Amount: 84.50" in shown
    assert html.index("fn-computed") < html.index("fn-evidence")
    assert "fn-computed" not in turn_html(turn(), SAY)[0]


def test_disagreeing_values_stand_side_by_side_with_file_and_date() -> None:
    other = Evidence(hit("It is 50 euros.", doc="new.md", ordinal=1), 2, "It is 50 euros.", 0, 15, 0.8)
    mine = turn().evidence[0]
    found = Disagreement(mine, other, "45 euros", "50 euros", None, "2025-01-01")
    html = turn_html(turn(evidence=(mine, other), disagreements=(found,)), SAY)[0]
    shown = " ".join(Tags(html[html.index("fn-disagree") :]).text.split())
    assert "Your documents disagree" in shown
    assert "expenses.pdf" in shown and "new.md · 2025-01-01" in shown
    assert "fn-disagree" not in turn_html(turn(), SAY)[0]


def test_a_comparison_stands_side_by_side_section_by_section() -> None:
    old, new = hit("Lunch costs 8 euros.", doc="menu-old.md"), hit("Lunch costs 9 euros.", doc="menu-new.md")
    before, after = (
        Evidence(one, number, one.passage.text, 0, 20, 1.0) for number, one in enumerate((old, new), 1)
    )
    gone = Evidence(old, 3, "Lunch", 0, 5, 1.0)
    changes = (
        Change("changed", "Prices", before, after, ("8",), ("9",)),
        Change("removed", "Tea <b>", gone, None),
    )
    evidence = (before, after, gone)
    drawn = turn(evidence=evidence, hits=(old, new, old), changes=changes, model=None, text="", sentences=())
    html = turn_html(drawn, SAY)[0]
    assert html.count('class="fn-change fn-changed"') == html.count('class="fn-change fn-removed"') == 1
    shown = " ".join(Tags(html).text.split())
    assert "menu-old.mdmenu-new.md" in shown and "No longer there" in shown
    assert html.index(">8</p>") < html.index(">9</p>")
    assert html.count("<figure") == 3 and "<b>Tea" not in html and "Tea &lt;b&gt;" in html


def test_a_guide_shows_what_a_document_has_and_nothing_else() -> None:
    one = hit("It ends on 4 May 2027.", doc="lease.md")
    quote = Evidence(one, 0, one.passage.text, 0, 22, 1.0)
    entry = DocumentEntry(1, "lease.md", "Lease", "text/markdown")
    sections, dates = (Section("End <i>", 2, 3, quote),), (Mention("4 May 2027", quote),)
    found = Outline(entry, 9, 4, (quote,), sections, dates, (), ())
    html = guide_html(found, SAY)
    shown = " ".join(Tags(html).text.split())
    assert "Main points 1" in shown and "End <i>" in shown and "Key dates 1" in shown
    assert "Amounts" not in shown.split("Dates, amounts")[0] and "first 4 of 9 passages" in shown
    assert guide_html(replace(found, points=(), sections=(), dates=(), read=9), SAY) == ""


def test_a_sweep_is_drawn_document_by_document() -> None:
    docs = ["a.md", "a.md", "b.md"]
    hits = tuple(hit(CITED, doc=doc, ordinal=number) for number, doc in enumerate(docs))
    pieces = tuple(Evidence(one, number, CITED[:28], 0, 28, 1.0) for number, one in enumerate(hits, start=1))
    swept = turn(evidence=pieces, hits=hits, model=None, text="", sentences=(), reason="3 passages")
    html = turn_html(swept, SAY)[0]
    assert html.count('<details class="fn-swept"') == 2
    assert [one.split("</span>")[0] for one in html.split('class="fn-count">')[1:]] == ["2", "1"]


def test_the_exact_prompt_can_be_read() -> None:
    read = Generation("tiny", (Message("user", "<b>Question?"),), 10, 0.0, 0, "It is 45.")
    answer = replace(finished("q"), generation=read)
    footer = turn_html(turn(answer=answer), SAY)[2]
    assert "&lt;b&gt;Question?" in footer and "word for word" in footer


def test_hundreds_of_quotes_are_folded_away() -> None:
    found = hit(CITED)
    many = tuple(Evidence(found, number, CITED[:28], 0, 28, 0.9) for number in range(1, 301))
    html = turn_html(turn(evidence=many, hits=(found,) * 300), SAY)[0]
    assert html.count("<figure") == 300
    assert html.index("<details") > html.index("fn-quote") and "Show 290 more" in html


# Turns


def test_sources_are_only_what_is_cited_with_all_their_quotes() -> None:
    (source,) = sources(turn())
    assert source.marker == 1
    assert [CITED[start:end] for start, end in source.quotes] == [
        "The limit is 45 euros a day.",
        "Receipts are due in 30 days.",
    ]
    assert source_of(turn(), 2) is None


def test_the_sources_of_a_turn_are_gathered_once() -> None:
    """Each marker gathered them all: the 600 matches of a list took minutes to draw."""
    one = turn()
    assert source_of(one, 1) is source_of(one, 1)
    assert replace(one, citations=(), evidence=()).cited == {}


def test_the_pane_opens_with_the_best_quote_unless_another_was_chosen() -> None:
    other = hit("Lunch is paid.", ordinal=1)
    two = turn(evidence=(Evidence(other, 2, other.passage.text, 0, 14, 0.9), turn().evidence[0]))
    selection = current_selection([two])
    assert selection is not None
    assert (selection.source.marker, selection.chosen) == (2, False)
    assert current_selection([]) is None


def test_markers_open_their_source_and_unknown_ones_stay_text() -> None:
    html = turn_html(turn(), SAY)[1]
    buttons = [attributes for tag, attributes in Tags(html).tags if tag == "button"]
    assert [(b["data-act"], b["data-marker"]) for b in buttons] == [("cite", "1")]
    assert "[7]" in html


def test_a_sentence_without_support_is_marked_with_its_reason() -> None:
    html = turn_html(turn(), SAY)[1]
    doubtful = [a for _, a in Tags(html).tags if "fn-doubt-false" in (a.get("class") or "")]
    assert [a["title"] for a in doubtful] == ["30 is not in any source"]
    assert "One sentence is not fully supported" in html


def test_an_address_in_a_text_asks_first() -> None:
    html = turn_html(turn(text="See https://evil.example/x.", sentences=()), SAY)[1]
    links = [a for t, a in Tags(html).tags if a.get("data-act") == "link"]
    assert [a["data-url"] for a in links] == ["https://evil.example/x."]
    assert "a" not in tag_names(html)


def test_a_refusal_says_so_and_shows_the_nearest() -> None:
    html = turn_html(turn(abstained=True, reason="moon is not in it", text="", sentences=()), SAY)[0]
    assert "Your documents do not seem to answer this." in html
    assert "moon is not in it" in html
    assert "The nearest passages" in html


def test_the_budget_names_what_went_in_and_what_was_left_out() -> None:
    """All passages were one stretch of the bar, and those left out a mere count."""
    two = turn(
        budget=BudgetUse(1000, 100, 10, 0, {1: 40, 3: 25}, 200, (2,), 2), hits=(*turn().hits, hit("C."))
    )
    footer = turn_html(two, SAY)[2]
    assert "175 of 1,000 tokens" in footer
    shares = [a["title"] for _, a in Tags(footer).tags if a.get("class") == "fn-share fn-share-passages"]
    assert shares == ["[1] expenses.pdf, p. 3: 40 tokens", "[3] expenses.pdf, p. 3: 25 tokens"]
    assert "One passage found did not fit" in footer
    assert "[2] expenses.pdf, p. 3" in footer
    assert "2 older turns of the conversation did not fit." in footer


def test_a_model_that_only_quotes_is_said_not_to_read_the_conversation() -> None:
    generation = Generation("tiny", (Message("user", "Q?"),), 10, 0.0, 0, "It is 45.", ("It is 45.",))
    answer = replace(finished("q"), generation=generation)
    footer = turn_html(turn(budget=BudgetUse(1000, 9, 9, 0, {}, 9, (), 2), answer=answer), SAY)[2]
    assert "did not read the conversation" in footer
    assert "did not fit" not in footer


def test_what_was_read_anew_and_what_was_cached_is_told() -> None:
    footer = turn_html(turn(usage=Usage(150, 110, 20, 0.1, 0.5, "stop")), SAY)[2]
    assert "first word after 0.3 s · 40 tokens read, 110 known from before" in footer


def test_a_model_that_failed_says_why_below_the_evidence() -> None:
    silent = turn(problem="The server is <down>.", text="", sentences=(), model=None)
    parts = turn_html(silent, SAY)
    assert CITED[:28] in parts[0]
    assert "The model wrote nothing: The server is &lt;down&gt;." in parts[1]
    assert "The model broke off: gone" in turn_html(turn(problem="gone"), SAY)[1]


def test_a_sweep_that_found_nothing_says_so_without_refusing() -> None:
    told = "0 passages in 0 documents (searched 9 of 9 passages)"
    none = turn(evidence=(), citations=(), hits=(), model=None, text="", sentences=(), reason=told)
    html = turn_html(none, SAY)[0]
    assert told in html
    assert "fn-refusal" not in html


def test_a_changed_source_is_flagged() -> None:
    assert "changed since" in turn_html(turn(stale={1: "changed"}), SAY)[2]


def test_the_copied_answer_carries_its_sources() -> None:
    assert plain_text(turn()) == (
        "“The limit is 45 euros a day.” [1]\n\nIt is 45 euros [1]. It was 30 before [7].\n\n"
        "[1] policies/expenses.pdf, p. 3"
    )


def test_each_answer_has_its_own_receipt() -> None:
    buttons = [a for t, a in Tags(turn_html(turn(), SAY)[2]).tags if t == "button"]
    assert [(b["data-turn"], b["title"]) for b in buttons if b["data-act"] == "receipt"] == [
        ("t1", "How this answer came about")
    ]


def test_saved_and_streaming_turns_are_drawn_alike() -> None:
    finished = turn()
    answer = Answer(
        finished.question,
        "",
        finished.text,
        finished.evidence,
        finished.sentences,
        finished.citations,
        finished.hits,
        False,
        "",
        finished.budget,
        finished.usage,
        finished.model,
        0,
        finished.seconds,
    )
    assert turn_html(saved_turn(answer, key="t1"), SAY) == turn_html(finished, SAY)


# The conductor


def test_a_click_is_read_and_anything_else_is_not() -> None:
    clicked = {"act": "cite", "turn": "t1", "marker": 2, "at": 5}
    assert act_of(clicked) == Act("cite", "t1", 2, "")
    assert act_of({"act": 3}) is None
    assert act_of("cite") is None
    assert act_of({"act": "cite", "marker": "2"}) == Act("cite")


# Uploads


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a/b.md", "a/b.md"),
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("..\\x.md", "x.md"),
        ("C:\\x.md", "C_/x.md"),
        ("..", "file"),
    ],
)
def test_an_uploaded_name_stays_in_its_folder(name: str, safe: str) -> None:
    assert str(safe_name(name)) == safe


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1500, "2 kB"), (2_500_000_000, "2.5 GB")]
)
def test_sizes_as_people_read_them(size: int, text: str) -> None:
    assert size_text(size) == text


# Pages of PDFs


def test_a_quote_is_found_across_line_ends_and_hyphens() -> None:
    page = "Limits are reim-\nbursed within\r\nthirty days."
    found = find_quote(page, "reimbursed within thirty")
    assert found is not None
    assert page[slice(*found)] == "reim-\nbursed within\r\nthirty"
    assert find_quote(page, "forty days") is None


def test_a_quote_that_goes_on_overleaf_is_found_by_its_half() -> None:
    found = find_quote(
        "At the end of the page stands half a", "end of the page stands half a sentence that goes on here"
    )
    assert found is not None


def test_boxes_of_one_line_become_one() -> None:
    letters = [
        Box(0.1, 0.1, 0.2, 0.15),
        Box(0.2, 0.11, 0.3, 0.15),
        Box(0.3, 0.1, 0.3, 0.15),
        Box(0.1, 0.2, 0.2, 0.25),
    ]
    assert merge_lines(letters) == [Box(0.1, 0.1, 0.3, 0.15), Box(0.1, 0.2, 0.2, 0.25)]


@pytest.fixture(scope="module", params=[0, 90])
def pdf(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """Two A4 pages, upright or turned; the second has one line 40 mm from the left, 100 mm from the top."""
    from fpdf import FPDF
    from pypdf import PdfReader, PdfWriter

    path = tmp_path_factory.mktemp("pdf") / f"turned-{request.param}.pdf"
    document = FPDF(format="A4", unit="mm")
    document.set_font("Helvetica", size=12)
    for words in ("first page", "the quick brown fox"):
        document.add_page()
        document.text(40, 100, words)
    document.output(str(path))
    writer = PdfWriter(clone_from=PdfReader(path))
    for page in writer.pages:
        page.rotate(request.param)
    writer.write(path)
    return path, request.param


@pytest.fixture(scope="module")
def pictures() -> Iterator[PagePictures]:
    drawing = PagePictures()
    yield drawing
    drawing.close()


def test_the_quote_is_marked_where_it_stands(pdf: tuple[Path, int], pictures: PagePictures) -> None:
    path, turned = pdf
    (box,) = pictures.draw(path, 2, ["quick brown fox"]).boxes
    if turned == 0:
        assert 40 / 210 < box.left < 60 / 210
        assert box.top < 100 / 297 < box.bottom + 0.01
        assert box.right - box.left > box.bottom - box.top
    else:
        assert 40 / 210 < box.top < 60 / 210
        assert box.left - 0.01 < 1 - 100 / 297 < box.right
    assert pictures.draw(path, 1, ["quick brown fox"]).boxes == ()
    assert pictures.draw(path, 0).pages == 2


def test_a_page_is_a_jpeg_of_the_usual_width(pdf: tuple[Path, int], pictures: PagePictures) -> None:
    from io import BytesIO

    from PIL import Image

    with Image.open(BytesIO(pictures.draw(pdf[0], 1).picture)) as image:
        assert image.format == "JPEG"
        assert image.width == PAGE_WIDTH


def test_a_page_that_is_not_there_is_said(pdf: tuple[Path, int], pictures: PagePictures) -> None:
    from rag.errors import UnreadableDocument

    with pytest.raises(UnreadableDocument, match="has no page 9"):
        pictures.draw(pdf[0], 9)


# The desks


def request(question: str) -> Request:
    return Request(conversation_id=1, question=question, collection="default")


def finished(question: str) -> Answer:
    return Answer(question, question, "", (), (), (), (), False, "", None, None, None)


class Kept:
    """Pending questions in memory."""

    def __init__(self) -> None:
        self.requests: dict[int, tuple[str, int]] = {}
        self.numbers = count(1)

    def add(self, conversation_id: int, request: str) -> int:
        number = next(self.numbers)
        self.requests[number] = request, 0
        return number

    def remove(self, pending_id: int) -> None:
        self.requests.pop(pending_id, None)

    def taken_up(self) -> list[tuple[int, str, int]]:
        found = [(number, *kept) for number, kept in self.requests.items()]
        self.requests = {number: (text, times + 1) for number, text, times in found}
        return found


class Bench:
    """A desk whose questions are answered when the test says so."""

    def __init__(self) -> None:
        self.go = threading.Semaphore(0)
        self.saved: list[str] = []
        self.kept = Kept()
        self.desk = TaskQueue(self.ask, lambda task, answer: self.saved.append(answer.question), self.kept)

    def ask(self, task: Task) -> Iterator[AnswerEvent]:
        if task.request.question == "known":
            raise UsageError("The collection is empty. Add a folder.")
        if task.request.question == "unknown":
            raise ZeroDivisionError
        yield SearchDone(task.request.question, (), 0.01)
        yield EvidenceReady((), False, "", 0.01)
        yield TokenDelta("half ")
        while not self.go.acquire(timeout=0.01):
            if task.cancelled.is_set():
                break
        yield AnswerDone(finished(task.request.question))


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.desk.close()


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_questions_are_answered_in_order_and_saved(bench: Bench) -> None:
    first, second = bench.desk.submit(request("one")), bench.desk.submit(request("two"))
    wait_for(lambda: first.turn.text == "half ")
    assert [task.turn.state for task in bench.desk.open_tasks(1)] == ["writing", "waiting"]
    assert second.turn.ahead == 1
    assert bench.desk.open_tasks(2) == []
    bench.go.release(2)
    wait_for(lambda: second.over)
    wait_for(lambda: bench.desk.open_tasks(1) == [])
    assert bench.saved == ["one", "two"]


def asked_in(conversation: int, question: str, owner: str = "") -> Request:
    return Request(conversation_id=conversation, question=question, collection="default", owner=owner)


def test_evidence_of_one_does_not_wait_for_the_text_of_another(bench: Bench) -> None:
    tasks = [bench.desk.submit(asked_in(number, "long")) for number in range(1, 9)]
    wait_for(lambda: all(task.turn.text == "half " for task in tasks))
    bench.go.release(8)


def test_people_take_turns_and_are_told_how_many_come_first() -> None:
    go, order = threading.Semaphore(0), list[str]()

    def ask(task: Task) -> Iterator[AnswerEvent]:
        order.append(task.request.owner)
        assert go.acquire(timeout=10)
        yield AnswerDone(finished(task.request.question))

    desk = TaskQueue(ask, lambda task, answer: None, Kept(), workers=1)
    tasks = [desk.submit(asked_in(1, "q", "greedy"))]
    wait_for(lambda: len(order) == 1)
    for number, owner in enumerate(["greedy", "greedy", "ann"], start=2):
        tasks.append(desk.submit(asked_in(number, "q", owner)))
        wait_for(lambda: tasks[-1].turn.ahead > 0)
    assert tasks[-1].turn.ahead == 1
    go.release(4)
    wait_for(lambda: all(task.over for task in tasks))
    desk.close()
    assert order == ["greedy", "ann", "greedy", "greedy"]


def test_nobody_has_more_than_some_questions_open(bench: Bench) -> None:
    for number in range(MAX_OPEN_OF_ONE):
        bench.desk.submit(asked_in(number, "long", "greedy"))
    with pytest.raises(Busy, match="wait for an answer first"):
        bench.desk.submit(asked_in(99, "long", "greedy"))
    bench.desk.submit(asked_in(100, "long", "ann"))
    bench.go.release(20)


def test_a_refusal_that_a_model_examines_stays_until_it_writes() -> None:
    """The quotes were called those of the answer while the model was still being asked."""
    turns: list[Turn] = []
    budget = BudgetUse(100, 10, 10, 0, {}, 10)

    def ask(task: Task) -> Iterator[AnswerEvent]:
        evidence = turn().evidence
        for event in (
            SearchDone("q", (), 0.01),
            EvidenceReady(evidence, True, "Nothing stands out.", 0.01),
            PromptReady((), (), budget),
            TokenDelta("It is 45."),
            AnswerDone(replace(finished("q"), evidence=evidence, text="It is 45.")),
        ):
            turns.append(task.turn)
            yield event

    desk = TaskQueue(ask, lambda task, answer: None, Kept())
    task = desk.submit(request("q"))
    wait_for(lambda: task.over)
    desk.close()
    _, _, refused, asking, writing = turns
    assert (refused.state, refused.abstained) == ("searching", True)
    assert (asking.state, asking.abstained) == ("writing", True)
    assert SAY("nearest_quotes") in turn_html(asking, SAY)[0]
    assert len(turn_html(asking, SAY)) == 2  # the model is at work
    assert (writing.state, writing.abstained, writing.reason) == ("writing", False, "")


def test_a_model_reads_all_turns_and_of_a_list_the_first_quotes() -> None:
    """Turns before the sixth last were cut off without a word, and a list's quotes filled the window."""
    listed = replace(finished("List all."), text="", evidence=turn().evidence * 9)
    turns = [SavedTurn(number, number, "", listed) for number in range(8)]
    read = history(turns)
    assert len(read) == 16
    assert read[1].content == " ".join([CITED[:28]] * 3)


def test_stopping_keeps_what_was_written_and_withdrawing_drops_the_question(bench: Bench) -> None:
    first, second = bench.desk.submit(request("one")), bench.desk.submit(request("two"))
    wait_for(lambda: first.turn.state == "writing")
    bench.desk.cancel(second)
    bench.desk.cancel(first)
    wait_for(lambda: first.over)
    third = bench.desk.submit(request("three"))
    bench.go.release()
    wait_for(lambda: third.over)
    assert bench.saved == ["one", "three"]


@pytest.mark.parametrize(
    ("question", "shown"),
    [("known", "The collection is empty. Add a folder."), ("unknown", "Something unexpected went wrong.")],
)
def test_a_failure_is_a_sentence_and_the_next_question_is_answered(
    bench: Bench, question: str, shown: str
) -> None:
    failed = bench.desk.submit(request(question))
    wait_for(lambda: failed.over)
    assert failed.turn.state == "failed"
    (html,) = turn_html(failed.turn, SAY)
    assert shown in html
    assert "ZeroDivisionError" not in html
    after = bench.desk.submit(request("after"))
    bench.go.release()
    wait_for(lambda: after.over)
    assert bench.saved == ["after"]
    assert bench.desk.open_tasks(1) == [failed]


def steps(count: int) -> list[IngestEvent]:
    return [
        IngestEvent(done, count, done * 10, done, 1.0, None, f"{done}.md") for done in range(1, count + 1)
    ]


@pytest.fixture
def jobs() -> Iterator[Workers]:
    desk = Workers("test")
    yield desk
    desk.close()


def test_an_ingest_pauses_between_files_and_goes_on(jobs: Workers) -> None:
    gate = threading.Semaphore(0)

    def events() -> Iterator[IngestEvent]:
        for event in steps(3):
            assert gate.acquire(timeout=10)
            yield event

    job = jobs.start("ingest", "folder", lambda job: job.follow(events()))
    gate.release()
    wait_for(lambda: job.event is not None)
    jobs.pause(job)
    gate.release(2)
    assert job.phase == "paused"
    assert 0 < job.done < 3
    jobs.resume(job)
    wait_for(lambda: job.over)
    assert (job.phase, job.event, job.done, job.total) == ("done", steps(3)[-1], 3, 3)
    jobs.dismiss(job)
    assert jobs.jobs() == []


def test_a_job_that_is_stopped_says_so_and_the_next_begins(jobs: Workers) -> None:
    def endless(job: Job) -> None:
        for done in count():
            job.advance("searches", done, 100)

    job = jobs.start("evaluation", "set", endless)
    waiting = jobs.start("evaluation", "dropped", endless)
    after = jobs.start("evaluation", "after", lambda job: job.advance("searches", 5, 5))
    wait_for(lambda: job.done > 3)
    jobs.stop(waiting)
    jobs.stop(job)
    wait_for(lambda: after.over)
    assert [one.phase for one in (job, waiting, after)] == ["stopped", "stopped", "done"]
    assert waiting.done == 0


@pytest.mark.parametrize(
    ("error", "problem"), [(UsageError("No such folder."), "No such folder."), (ZeroDivisionError(), "")]
)
def test_a_job_that_fails_keeps_the_sentence_and_the_desk_goes_on(
    jobs: Workers, error: Exception, problem: str
) -> None:
    def fail(job: Job) -> None:
        raise error

    failed = jobs.start("ingest", "folder", fail)
    after = jobs.start("ingest", "after", lambda job: None)
    wait_for(lambda: after.over)
    assert (failed.phase, failed.problem, after.phase) == ("failed", problem, "done")


def receipt_event() -> IngestEvent:
    return IngestEvent(1, 1, 10, 1, 1.0, None, receipt=Receipt(added=1))


def test_a_watched_folder_is_taken_up_again_by_the_next_start(tmp_path: Path) -> None:
    seen: list[str] = []

    def watch(job: Watch) -> Iterator[IngestEvent]:
        seen.append(job.root)
        yield receipt_event()
        assert job.stopped.wait(10)

    first = FolderWatch(watch, tmp_path / "watched.json")
    first.start("notes", "/a")
    first.start("notes", "/b")
    first.start("notes", "/a")
    wait_for(lambda: len(seen) == 2)
    first.stop("notes", "/b")
    first.close()
    second = FolderWatch(watch, tmp_path / "watched.json")
    wait_for(lambda: len(seen) == 3)
    watched = second.of("notes", "/a")
    assert watched is not None
    wait_for(lambda: watched.synced > 0)
    assert seen[2] == "/a" and second.of("notes", "/b") is None
    second.close()


def test_a_watch_that_fails_says_why_and_can_begin_again(tmp_path: Path) -> None:
    problems: list[Exception] = [UsageError("/a is gone."), RuntimeError("no more watches")]

    def watch(job: Watch) -> Iterator[IngestEvent]:
        if problems:
            raise problems.pop(0)
        yield receipt_event()

    desk = FolderWatch(watch, tmp_path / "watched.json")
    for said in ("/a is gone.", "no more watches", ""):
        desk.start("notes", "/a")
        watched = desk.of("notes", "/a")
        assert watched is not None
        wait_for(lambda watched=watched: bool(watched.problem or watched.synced))  # type: ignore[misc]
        assert watched.problem == said
    desk.close()


def test_a_damaged_list_of_watched_folders_is_named(tmp_path: Path) -> None:
    (tmp_path / "watched.json").write_text("{", encoding="utf-8")
    with pytest.raises(LibraryError, match=r"watched\.json is damaged"):
        FolderWatch(lambda job: (), tmp_path / "watched.json")


@pytest.mark.parametrize(
    ("name", "phase", "problem"),
    [("good", "done", ""), ("gone", "failed", "No hub."), ("broken", "failed", "")],
)
def test_a_model_is_fetched_in_the_background(name: str, phase: str, problem: str) -> None:
    def fetch(pull: Pull) -> None:
        if pull.name == "gone":
            raise ModelNotFound("No hub.")
        pull.advance(50, 100 // (pull.name == "good"))

    desk = Downloads(fetch)
    pull = desk.start(name)
    wait_for(lambda: not desk.busy())
    assert (pull.phase, pull.problem) == (phase, problem)
    desk.close()


def test_the_time_left_follows_the_rate() -> None:
    pull = Pull("m", started=100.0)
    assert pull.seconds_left(110.0) is None
    pull.advance(25, 100)
    assert pull.rate(110.0) == 2.5
    assert pull.seconds_left(110.0) == 30.0


# The pages


OPEN = """
from pathlib import Path
from tests.fakes.web import fake_library
folder = Path({folder!r})
def open_library():
    return fake_library(folder, ["The notice period is three months [1].", "Nothing else."])
"""
WHOLE = "from rag.web.app import run\nrun(open_library, name=str(folder))\n"
ONE_PAGE = """
from rag.web.session import App, phrases
from rag.web.services import open_services
from rag.web.auth import Visitor
from rag.web.app import PAGES
services = open_services(open_library)
PAGES[{page!r}][1](App(services, phrases(services.library), services.close, Visitor()))
services.close()
"""


def app_at(folder: Path, script: str = WHOLE, **query: str) -> AppTest:
    """The app over a library in a folder, as a new browser session sees it."""
    app = AppTest.from_string(OPEN.format(folder=str(folder)) + script, default_timeout=30)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def press(app: AppTest, label: str, *, key: str | None = None) -> None:
    """Presses the button of that label, or of that key."""
    button = app.button(key=key) if key else next(b for b in app.button if b.label == label)
    button.click().run()
    assert not app.exception


def shown(app: AppTest) -> str:
    """All HTML that the page holds."""
    return "\n".join(element.proto.body for element in app.get("html"))


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A library with a few short documents."""
    write_documents(tmp_path / "docs")
    library = fake_library(tmp_path / "library", ["x"])
    for _ in library.ingest([tmp_path / "docs"]):
        pass
    library.close()
    return tmp_path / "library"


def test_pictures_are_shown_searched_and_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.readers.ocr.programs", list)
    (tmp_path / "docs").mkdir()
    album(tmp_path / "docs")
    with fake_library(tmp_path / "library", ["x"]) as library:
        list(library.ingest([tmp_path / "docs"]))
        list(embed_pictures(library.store, ColourModel()))
        rows = library.store.pictures.of_collection("default")
    script = ONE_PAGE.format(page="explore")
    app = AppTest.from_string(OPEN.format(folder=str(tmp_path / "library")) + script, default_timeout=30)
    app.session_state["explore_tab"] = "Pictures"
    app.run()
    assert not app.exception
    assert shown(app).count('<figure class="fn-picture">') == 3
    assert "and in one more place" in shown(app)
    assert "download “clip-vit-b-32”" in app.caption[0].value
    app.session_state["similar_to"] = rows[0].image_id
    app.run()
    assert "Pictures like this one" in shown(app)
    assert shown(app).count('<figure class="fn-picture">') == 2
    app.session_state["opened_picture"] = next(row.id for row in rows if "mole" in row.caption)
    app.run()
    assert not app.exception
    assert "The harbour has two buoys." in shown(app)


def explored(folder: Path, tab: str) -> AppTest:
    """One tab of Explore over a library."""
    script = OPEN.format(folder=str(folder)) + ONE_PAGE.format(page="explore")
    app = AppTest.from_string(script, default_timeout=30)
    app.session_state["explore_tab"] = tab
    return app.run()


def test_questions_that_were_written_are_listed_and_can_be_removed(filled: Path) -> None:
    with fake_library(filled, ["x"]) as library:
        store = library.store
        (hit,) = store.hits(store.passage_rowids([entry.id for entry in store.documents("default")])[:1])
        asked = PassageQuestion(hit.passage.content_hash, "Who is told on Monday?", True, "a model", 2.0)
        store.written.keep("default", [asked])
    app = explored(filled, "Questions")
    assert not app.exception
    assert "Who is told on Monday?" in shown(app)
    assert "kept: 1. That took 2.0 s per passage" in shown(app)
    press(app, "Remove these questions")
    assert "Who is told on Monday?" not in shown(app)


def test_a_scale_of_three_classes_is_saved_and_named_as_a_filter(filled: Path) -> None:
    app = explored(filled, "Scale")
    app.number_input(key="scale_classes").set_value(3).run()
    app.text_area(key="scale_2").set_value("whoever looks after it\ntells the office").run()
    assert not app.exception
    assert shown(app).count("Most like “") == 3
    next(one for one in app.text_input if one.label == "Save this scale as").set_value("kind of text")
    press(app, "Save")
    assert any('`scale:"kind of text=Low end"`' in caption.value for caption in app.caption)


def test_the_lab_offers_the_settings_of_answers_where_these_are_measured(filled: Path) -> None:
    script = OPEN.format(folder=str(filled)) + ONE_PAGE.format(page="lab")
    app = AppTest.from_string(script, default_timeout=30).run()
    assert "top_k" not in {one.label for one in app.number_input}
    app.toggle(key="lab_answers").set_value(True).run()
    assert not app.exception
    assert {"top_k", "passage_tokens", "question_weight"} <= {one.label for one in app.number_input}


def test_notes_are_shown_edited_and_deleted(filled: Path) -> None:
    with fake_library(filled, ["It is three months [1]."]) as library:
        notes = library.notes_of("")
        note_id = notes.keep_answer(library.answer("How long is the notice period?"), collection="default")
        app = app_at(filled, ONE_PAGE.format(page="notes"))
        assert "The notice period is three months for everybody." in shown(app)
        assert f'data-turn="note-{note_id}" data-marker="1"' in shown(app)
        press(app, "Edit", key=f"edit-note-{note_id}")
        app.text_area(key=f"note-text-{note_id}").set_value("Mine now").run()
        press(app, "Save", key=f"save-note-{note_id}")
        assert notes.load(note_id).text == "Mine now"
        app.text_area(key="new_note_text").set_value("Another").run()
        press(app, "Save", key="save-new-note")
        press(app, "Delete", key=f"delete-note-{note_id}")
        assert [note.text for note in notes.list()] == ["Another"]


def test_a_question_goes_to_the_files_of_its_conversation(filled: Path) -> None:
    with fake_library(filled, ["x"]) as library:
        talk = library.conversations.start("Lease")
        library.attach(talk, {"lease.md": b"# Lease\n\nThe notice period of the flat is nine weeks.\n"})
        app = app_at(filled, c=str(talk))
        app.chat_input[0].set_value("How long is the notice period of the flat?").run()
        assert not app.exception
        (turn,) = library.conversations.load(talk).turns
        assert {hit.doc for hit in turn.answer.hits} == {"lease.md"}
        app.session_state[f"only-attached-{talk}"] = False
        app.chat_input[0].set_value("How long is the notice period of everybody?").run()
        assert "leaving.md" in {hit.doc for hit in library.conversations.load(talk).turns[1].answer.hits}


def test_an_instruction_is_kept_from_the_chat(filled: Path) -> None:
    with fake_library(filled, ["x"]) as library:
        app = app_at(filled)
        field = next(area for area in app.text_area if str(area.key).startswith("instruction-"))
        field.set_value("In rhymes.").run()
        press(app, "Save", key="save-instruction")
        assert library.store.collection("default").instruction == "In rhymes."


def test_conflicts_are_shown_side_by_side_and_open(tmp_path: Path) -> None:
    said = {
        "desk.md": "A ferry ticket costs €6 <b>each</b>.",
        "board.md": "The price of a ferry ticket is €7.",
    }
    with fake_library(tmp_path / "library", ["x"]) as library:
        for doc, text in said.items():
            (tmp_path / doc).write_text(f"# {doc}\n\n{text}", encoding="utf-8")
        library.add(tmp_path / "desk.md", tmp_path / "board.md")
        rowid = library.conflicts()[0].first.rowid
    app = AppTest.from_string(
        OPEN.format(folder=str(tmp_path / "library")) + ONE_PAGE.format(page="explore"), default_timeout=30
    )
    app.session_state["explore_tab"] = "Conflicts"
    app.run()
    assert not app.exception
    assert app.caption[0].value == "One conflict"
    assert '<mark class="">€7</mark>' in shown(app) and "no date" in shown(app)
    assert "&lt;b&gt;each" in shown(app) and f'data-marker="{rowid}"' in shown(app)


def test_an_empty_library_offers_the_sample_or_a_folder(tmp_path: Path) -> None:
    app = app_at(tmp_path / "library")
    assert app.title[0].value == "Ask your own documents"
    labels = [button.label for button in app.button]
    assert labels.count("Add the sample") == labels.count("Get it") == 1
    assert "llama-3.2-1b-instruct" in shown(app) and "on disk" in shown(app)
    app.text_input[0].set_value(str(tmp_path / "nowhere"))
    next(b for b in app.button if b.label == "Add").click()
    app.run()
    assert "Check the spelling" in app.error[0].value


def test_a_question_is_answered_and_stays_after_a_reload(filled: Path) -> None:
    app = app_at(filled)
    assert app.title[0].value == "What would you like to know?"
    app.chat_input[0].set_value("How long is the notice period?").run()
    assert not app.exception
    conversation = app.query_params["c"]
    html = shown(app)
    assert "The notice period is three months for everybody." in html
    assert "The model&#x27;s answer" in html and "queued-replies" in html
    again = app_at(filled, c=conversation[0] if isinstance(conversation, list) else conversation)
    assert shown(again).count("How long is the notice period?") >= 1
    assert "The notice period is three months for everybody." in shown(again)


def test_what_is_suggested_at_the_start_is_answered(filled: Path) -> None:
    """Questions about sections that the search refuses were suggested."""
    app = app_at(filled)
    labels = [button.label for button in app.button if str(button.key).startswith("example-")]
    library = fake_library(filled, ["x"])
    assert labels and labels[0].startswith("What are the main points of")
    for question in labels:
        assert library.answering_docs(question.replace("\\", ""), collection="default"), question
    library.close()


def test_questions_written_for_passages_are_suggested_first(filled: Path) -> None:
    with fake_library(filled, ["x"]) as library:
        store = library.store
        asked = [
            PassageQuestion(
                hit.passage.content_hash, f"Who looks after the {hit.title.lower()}?", True, "m", 1.0
            )
            for hit in store.hits(store.passage_rowids([one.id for one in store.documents("default")]))
            if hit.title in THINGS
        ]
        store.written.keep("default", asked)
    labels = [one.label for one in app_at(filled).button if str(one.key).startswith("example-")]
    assert len(labels) == 4
    assert all(label.startswith("Who looks after the ") for label in labels)


def test_a_suggestion_is_made_only_of_what_its_document_answers(filled: Path) -> None:
    library = fake_library(filled, ["x"])
    answered = library.answering_docs("How long is the notice period?", collection="default")
    refused = library.answering_docs("Who painted the ceiling of the opera?", collection="default")
    library.close()
    assert answered[0] == "leaving.md" and refused == []


def test_the_receipt_of_any_answer_can_be_taken(filled: Path) -> None:
    """Only the last answer of a conversation had one."""
    app = app_at(filled)
    app.session_state["dialog"] = ("receipt", (finished("How long is the notice period?"),))
    app.run()
    assert not app.exception
    labels = [button.proto.label for button in app.get("download_button")]
    assert labels == ["To read, as Markdown", "As JSON, to make it again"]


def test_the_chat_loads_the_models_before_the_first_question(filled: Path) -> None:
    warmed = """
class Warm(type(open_library())):
    def warm_up(self):
        (folder.parent / "warm").touch()
def opened():
    return Warm(open_library().settings, open_library().chat_model)
from rag.web.app import run
run(opened, name=str(folder) + "/warm")
"""
    app = app_at(filled, warmed)
    assert not app.exception
    wait_for((filled.parent / "warm").exists)


def test_where_the_usual_collection_is_empty_another_is_searched(tmp_path: Path) -> None:
    write_documents(tmp_path / "docs")
    library = fake_library(tmp_path / "library", ["x"])
    for _ in library.ingest([tmp_path / "docs"], collection="sample"):
        pass
    library.close()
    app = app_at(tmp_path / "library")
    app.chat_input[0].set_value("How long is the notice period?").run()
    assert "The notice period is three months for everybody." in shown(app)


def test_only_the_documents_ticked_are_searched(filled: Path) -> None:
    library = fake_library(filled, ["x"])
    other = filled.parent / "other.md"
    other.write_text("The notice period is nine weeks for guests.", encoding="utf-8")
    for _ in library.ingest([other]):
        pass
    library.close()
    app = app_at(filled)
    next(box for box in app.checkbox if box.label == r"other\.md").check().run()
    app.chat_input[0].set_value("How long is the notice period?").run()
    assert "nine weeks" in shown(app)
    assert "three months for everybody" not in shown(app)


@pytest.mark.parametrize(
    ("address", "open_to_others"),
    [
        ("127.0.0.1", False),
        ("localhost", False),
        ("::1", False),
        ("0.0.0.0", True),
        (None, True),
        ("10.0.0.5", True),
    ],
)
def test_only_loopback_needs_no_password(address: str | None, open_to_others: bool) -> None:
    assert is_exposed(address) is open_to_others


GATE = """
import streamlit as st
from rag.web.auth import admitted
from rag.web.i18n import Phrases
visitor = admitted(Phrases("en"), address="0.0.0.0")
if visitor:
    st.title(f"inside {visitor.name} {visitor.keeper}")
"""


def test_without_a_password_nobody_comes_in_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FOOTNOTE_APP_PASSWORD", raising=False)
    app = AppTest.from_string(GATE).run()
    assert "nobody can be let in" in app.error[0].value


@pytest.fixture(autouse=True)
def no_wrong_passwords_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "THROTTLE", Throttle())


@pytest.mark.parametrize(
    ("password", "keeper"), [("open sesame", False), ("keep sesame", True)], ids=["guest", "keeper"]
)
def test_the_password_opens_the_app_for_this_session(
    monkeypatch: pytest.MonkeyPatch, password: str, keeper: bool
) -> None:
    monkeypatch.setenv("FOOTNOTE_APP_PASSWORD", "open sesame")
    monkeypatch.setenv("FOOTNOTE_KEEPER_PASSWORD", "keep sesame")
    app = AppTest.from_string(GATE).run()
    app.text_input[0].set_value("sesame")
    app.button[0].click().run(timeout=10)
    assert app.error[0].value == "That is not the password. Try again."
    app.text_input[0].set_value(password)
    app.button[0].click().run(timeout=10)
    assert [title.value for title in app.title] == [f"inside {'' if keeper else 'guests'} {keeper}"]
    visitor, since = app.session_state["admitted"]
    app.session_state["admitted"] = (visitor, since - SESSION_SECONDS)
    app.run()
    assert [title.value for title in app.title] == ["Footnote"]  # it holds for a day's work


def test_wrong_passwords_are_slowed_down_over_all_tabs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each tab waited for itself: six of them tried 18 passwords in seven seconds."""
    monkeypatch.setenv("FOOTNOTE_APP_PASSWORD", "open sesame")
    monkeypatch.setattr(throttle, "network_of", lambda address: "here")  # AppTest has none
    for _ in range(FREE_ATTEMPTS):
        auth.THROTTLE.attempt("", lambda: False)  # in other tabs
    tab = AppTest.from_string(GATE).run()
    tab.text_input[0].set_value("open sesame")
    tab.button[0].click().run(timeout=10)
    assert tab.error[0].value.startswith("Too many wrong passwords. Try again in ")


@pytest.mark.parametrize(
    ("claims", "expired"),
    [({"iat": 1_000_000}, False), ({"iat": 900_000}, True), ({}, True), ({"iat": "1000000"}, True)],
)
def test_a_sign_in_ends(claims: dict[str, object], expired: bool) -> None:
    assert has_expired(claims, 1_000_100) is expired


@pytest.mark.parametrize(
    ("claims", "visitor"),  # a visitor: name, keeper, signed in
    [
        ({"email": "Ann@Example.org", "email_verified": True}, Visitor("ann@example.org", True, True)),
        ({"email": "ann@example.org"}, None),
        ({"email": "ann@example.org", "email_verified": "false"}, None),
        ({"email": "ann@example.org", "email_verified": "true"}, None),
        ({"sub": "ann@example.org"}, None),
        ({"sub": "ann@example.org", "email_verified": True}, None),
        (
            {"email": "bob@example.org", "email_verified": True},
            Visitor("bob@example.org", False, True),
        ),
        ({"email": "bob@example.org", "email_verified": False}, None),
        ({"email": "bob@evil-example.org.evil", "email_verified": True}, None),
        ({"email": "bob@notexample.org", "email_verified": True}, None),
        ({"sub": "guest-7"}, Visitor("guest-7", False, True)),
        ({}, None),
    ],
)
def test_only_whom_the_rules_name_is_let_in(claims: dict[str, object], visitor: Visitor | None) -> None:
    rules = {"allowed": ["@example.org", "guest-7"], "keepers": ["ann@example.org"]}
    assert visitor_of(claims, rules) == visitor
    assert visitor_of(claims, {}) is None


def seen(filled: Path, name: str, *, keeper: bool = False) -> App:
    """The app as a visitor has it."""
    services = open_services(lambda: fake_library(filled, ["x"]))
    return App(services, SAY, lambda: None, Visitor(name, keeper=keeper))


def test_a_private_collection_is_seen_by_its_owner_only(filled: Path) -> None:
    ann = seen(filled, "ann")
    ann.library.store.give_collection("default", "ann")
    assert ([one.name for one in ann.collections()], ann.may_change("default")) == (["default"], True)
    assert len(report_of(ann)) == 1 + len(THINGS)
    ann.services.close()
    for name, keeper in (("bob", False), ("", True)):
        other = seen(filled, name, keeper=keeper)
        assert (other.collections(), other.may_change("default")) == ([], False)
        assert other.collection != "default"
        assert report_of(other) == []
        other.services.close()


def test_only_a_keeper_changes_what_belongs_to_everybody(filled: Path) -> None:
    for keeper in (True, False):
        app = seen(filled, "ann", keeper=keeper)
        assert app.may_change("default") is keeper
        app.services.close()


def test_a_conversation_that_is_gone_starts_a_new_one(filled: Path) -> None:
    app = app_at(filled, c="999")
    assert app.title[0].value == "What would you like to know?"
    assert not app.exception


@pytest.mark.parametrize("page", ["library", "history", "explore", "lab", "models", "settings"])
def test_every_page_draws(filled: Path, page: str) -> None:
    app = app_at(filled, ONE_PAGE.format(page=page))
    assert not app.exception
    assert app.title[0].value == SAY(f"nav_{page}")


def pulled(library: Path, name: str, **files: str) -> Path:
    """A model that passes for a pulled one."""
    folder = library / "models" / name
    folder.mkdir(parents=True)
    for file, content in files.items():
        (folder / file.replace("_", ".")).write_text(content, encoding="utf-8")
    write_manifest(folder, name=name, source=f"hub {name}", licence="MIT")
    return folder


MODELS = ONE_PAGE.format(page="models")


def test_the_models_page_tells_the_memory_there(filled: Path) -> None:
    html = shown(app_at(filled, MODELS))
    there = size_text(total_memory() or 0)
    assert f"needs 400 MB of {there} memory" in html


def test_the_answer_mode_is_chosen_beside_the_model(filled: Path) -> None:
    app = app_at(filled, MODELS)
    app.selectbox(key="answer_mode").select("quoting").run()
    assert not app.exception
    assert load_settings(library=filled).answer_mode == "quoting"


def test_a_pulled_model_is_removed(filled: Path) -> None:
    folder = pulled(filled, "qwen3-0.6b", m_gguf="GGUF")
    app = app_at(filled, MODELS)
    press(app, "Delete the model", key="removed-qwen3-0.6b")
    assert not app.exception
    assert not folder.exists()


def test_a_pulled_reranker_is_used_and_put_away(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        "rag.embeddings.cross_encoder.CrossEncoderReranker.scores",
        lambda self, query, texts: asked.append(query),
    )
    monkeypatch.delenv("FOOTNOTE_RERANKER")
    architecture = '{"architectures": ["BertForSequenceClassification"]}'
    pulled(filled, "ms-marco-minilm-l6-v2", config_json=architecture)
    app = app_at(filled, MODELS)
    press(app, "Use", key="use-ms-marco-minilm-l6-v2")
    assert load_settings(library=filled).reranker == "ms-marco-minilm-l6-v2"
    assert len(asked) == 1
    press(app_at(filled, MODELS), "Rank without a model")
    assert load_settings(library=filled).reranker == "none"


def test_a_pulled_model_that_fails_is_not_taken(filled: Path) -> None:
    pulled(filled, "qwen3-0.6b", m_gguf="GGUF")
    before = load_settings(library=filled).chat_model
    app = app_at(filled, MODELS)
    press(app, "Use", key="use-qwen3-0.6b")
    assert "6b does not work here" in app.toast[0].value
    assert load_settings(library=filled).chat_model == before


def test_a_model_that_the_catalogue_does_not_have_is_shown(filled: Path) -> None:
    pulled(filled, "someone--small.gguf", m_gguf="GGUF")
    assert "someone--small.gguf" in shown(app_at(filled, MODELS))


def test_what_was_measured_stands_below_the_model(filled: Path) -> None:
    app = app_at(filled, MODELS)
    assert "Not measured on this computer yet." in shown(app)
    tuned = TunedModel(
        file=str(starter_gguf()),
        weights="BF16",
        flash_attention=True,
        cache_type="F16",
        threads=2,
        step_tokens=128,
        prefill_rate=900.4,
        decode_rate=80.0,
        shipped_prefill_rate=300.0,
        shipped_decode_rate=70.0,
        agreement=0.99,
        exam=0.5,
        exam_questions=10,
        mode="quoting",
        seconds=40.0,
        tried={},
    )
    save_tuned(starter_gguf(), tuned, cache=filled / "cache")
    expected = "Reads 900 tokens a second, 3.0 times as shipped; 5 of 10 exam questions right."
    assert expected in shown(app_at(filled, MODELS))


def test_the_library_counts_its_documents(filled: Path) -> None:
    html = shown(app_at(filled, ONE_PAGE.format(page="library")))
    assert f"<dt>Documents</dt><dd>{1 + len(THINGS)}</dd>" in html
    assert "Every file was read whole." in html


def test_a_prompt_is_kept_undone_and_brought_back(filled: Path) -> None:
    shipped = (PROJECT / "prompts" / "short" / "system.md").read_text(encoding="utf-8")
    app = app_at(filled, ONE_PAGE.format(page="settings"))
    own = filled / "prompts" / "short" / "system.md"
    assert (app.text_area[0].value, own.exists()) == (shipped, False)
    app.text_area[0].set_value("Answer like a pirate.").run()
    press(app, "Save", key="prompt_save")
    assert own.read_text(encoding="utf-8") == "Answer like a pirate."
    assert (PROJECT / "prompts" / "short" / "system.md").read_text(encoding="utf-8") == shipped
    press(app, "Undo the last change")
    assert own.read_text(encoding="utf-8") == shipped
    press(app, "Undo the last change")
    press(app, "As it came with Footnote")
    assert own.read_text(encoding="utf-8") == shipped


def test_a_prompt_without_its_names_is_not_kept(filled: Path) -> None:
    app = app_at(filled, ONE_PAGE.format(page="settings"))
    app.selectbox(key="prompt_name").set_value("short/passage").run()
    app.text_area[0].set_value("$text, and $author").run()
    assert r"misses \$marker" in app.error[0].value and r"unknown \$author" in app.error[0].value
    assert app.button(key="prompt_save").disabled


def test_an_edited_question_can_take_the_place_of_what_followed(filled: Path) -> None:
    library = fake_library(filled, ["x"])
    conversation = library.conversations.start("q")
    for question in ("one", "two", "three"):
        library.conversations.append(conversation, finished(question))
    turns = library.conversations.load(conversation).turns
    app = App(open_services(lambda: library), SAY, lambda: None, Visitor())
    take_back(app, conversation, turns[1].id)
    assert [t.answer.question for t in library.conversations.load(conversation).turns] == ["one"]
    app.services.close()


def test_the_folders_of_a_collection_are_listed_with_their_documents(filled: Path) -> None:
    html = shown(app_at(filled, ONE_PAGE.format(page="library")))
    assert str(filled.parent / "docs") in html
    assert f"{1 + len(THINGS)} documents · last read 20" in html


def test_a_moment_reads_the_same_however_it_is_kept() -> None:
    moment = datetime(2026, 11, 22, 20, 5, 59, tzinfo=UTC)
    texts = {clock_time(moment), clock_time(moment.isoformat()), clock_time(moment.timestamp())}
    texts |= {clock_time(moment.replace(tzinfo=None)), clock_time("2026-11-22T20:05:59")}
    assert len(texts) == 1
    assert re.fullmatch(r"2026-11-2[123] \d\d:\d5", texts.pop())


def write_run(library: Path) -> None:
    """A saved evaluation that "words first" has won, at every level."""
    docs = tuple(f"{thing.lower()}.md" for thing in THINGS)
    questions = [Question(str(n), f"question {n}", ("x",), docs[:2]) for n in range(12)]
    right = [replace(hit("x", doc=doc), rowid=n) for n, doc in enumerate(docs[:2], start=1)]
    values: dict[str, dict[str, Any]] = {
        "words first": {"ranking": {"keyword_weight": 2.0}},
        "vectors": {"ranking": {}},
    }
    evaluation = evaluate(
        "mine", questions, {"vectors": lambda _: [], "words first": lambda _: right}, values=values
    )
    save_evaluation(evaluation, library / RESULTS)


def test_the_setting_that_won_is_put_to_use(filled: Path) -> None:
    write_run(filled)
    app = app_at(filled, ONE_PAGE.format(page="lab"))
    assert not app.exception
    press(app, "Use this setting")
    assert load_settings(library=filled).ranking == Ranking(keyword_weight=2.0)
    assert label("words first: better, and in use now.") in [one.value for one in app.caption]
    assert "Use this setting" not in [one.label for one in app.button]


def test_a_run_is_shown_at_every_level(filled: Path) -> None:
    """The level "all documents", which has recall only, ended the page with a KeyError."""
    write_run(filled)
    app = app_at(filled, ONE_PAGE.format(page="lab"))
    levels = next(one for one in app.button_group if one.label == "What has to be found")
    assert levels.options[-1] == "all its documents"
    for level in ("document", "answer", "doc+answer", "all documents"):
        levels.set_value(level).run()
        assert not app.exception
        html = shown(app)
        assert '<span class="fn-better">better</span>' in html
        assert ("mrr@10" in html) is (level != "all documents")


def test_a_file_that_is_no_evaluation_is_named_and_the_others_are_shown(filled: Path) -> None:
    write_run(filled)
    (filled / RESULTS / "foreign.json").write_text('{"made": 1}', encoding="utf-8")
    app = app_at(filled, ONE_PAGE.format(page="lab"))
    assert not app.exception
    assert "foreign" in app.warning[0].value and "fn-measures" in shown(app)


def test_the_ranking_is_set_and_brought_back(filled: Path) -> None:
    app = app_at(filled, ONE_PAGE.format(page="settings"))
    assert "Search as shipped" not in [one.label for one in app.button]
    next(one for one in app.number_input if one.label == "keyword_weight").set_value(0.75)
    next(one for one in app.selectbox if one.label == "fusion").set_value("ranks")
    press(app, "Save")
    assert load_settings(library=filled).ranking == Ranking(keyword_weight=0.75, fusion="ranks")
    press(app, "Search as shipped")
    assert load_settings(library=filled).ranking == DEFAULT_RANKING
    assert next(one for one in app.number_input if one.label == "keyword_weight").value == (
        DEFAULT_RANKING.keyword_weight
    )


def test_a_setting_of_ones_own_starts_from_what_is_set(filled: Path) -> None:
    """A size of passages that was set counted as changed in every setting of one's own."""
    (filled / "settings.toml").write_text("chunk_tokens = 100\n[ranking]\nreranked = 5\n", encoding="utf-8")
    app = app_at(filled, ONE_PAGE.format(page="lab"))
    next(one for one in app.button_group if one.label == "Questions").set_value("set").run()
    add = next(one for one in app.button if one.label == "Add it to the comparison")
    assert add.disabled
    next(one for one in app.number_input if one.label == "keyword_weight").set_value(0.75).run()
    press(app, "Add it to the comparison")
    (own,) = app.session_state["lab_own"]
    assert (own.name, own.ranking) == ("keyword_weight=0.75", Ranking(keyword_weight=0.75, reranked=5))
    assert (own.chunk_tokens, own.embedding_model) == (None, None)


@pytest.mark.parametrize(
    ("model", "host"),
    [
        ("smollm2-135m", ""),
        ("none", ""),
        ("http://127.0.0.1:8080/v1#m", ""),
        ("http://[::1]:8080", ""),
        ("http://localhost:11434/v1", ""),
        ("https://models.example.com/v1#big", "models.example.com"),
        ("http://192.168.1.7:8000", "192.168.1.7"),
        ("http://127.0.0.1.example.com", "127.0.0.1.example.com"),
    ],
)
def test_a_model_server_elsewhere_is_named(model: str, host: str) -> None:
    assert remote_host(model) == host


@pytest.mark.parametrize("filled_library", [True, False])
def test_nothing_is_called_local_that_is_sent_elsewhere(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, filled_library: bool
) -> None:
    """The sidebar promised that everything stays on this computer while a remote server answered."""
    monkeypatch.setenv("FOOTNOTE_CHAT_MODEL", "https://models.example.com/v1#big")
    app = app_at(filled if filled_library else tmp_path / "empty")
    shown = " ".join(html.proto.body for html in app.get("html"))
    assert "sent to models.example.com" in shown
    assert "Everything stays" not in shown


def test_files_of_the_same_name_are_shown_by_their_paths() -> None:
    docs = ["boats/README.md", "cars/README.md", "cars/prices.md"]
    assert [short_name(doc, docs) for doc in docs] == ["boats/README.md", "cars/README.md", "prices.md"]
