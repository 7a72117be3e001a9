"""Conversations and notes on paper: Markdown, Word and PDF, each citation a footnote."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pypdf
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.ttLib.tables._g_l_y_f import Glyph
from markdown_it import MarkdownIt
from mdit_py_plugins.footnote import footnote_plugin

from rag.errors import UsageError
from rag.history import fonts
from rag.history.conversations import Conversations
from rag.history.notes import Notes
from rag.history.paper import Paper, conversation_paper, notes_paper, write_paper
from rag.readers import read_document
from rag.store import open_store
from tests.fakes.store import put
from tests.history.test_conversations import answer_from

SOURCES = {1: "tide.pdf, page 3: “High water at six”", 2: "boats.csv: “12 berths”"}
TEXT = """It rises *twice* a day [1], **never** thrice [1, 2].

- six boats
- [sic] berth_4 [9]

| berth | boat |
|---|---|
| 4 | Ida [2] |

```
a[0] < 3
```"""


@pytest.fixture
def paper() -> Paper:
    made = Paper(["# Tides"])
    made.add(TEXT, SOURCES)
    return made


def test_markers_become_footnotes_in_markdown(paper: Paper) -> None:
    lines = paper.markdown.splitlines()
    assert "It rises *twice* a day[^1], **never** thrice[^1][^2]." in lines
    assert "- [sic] berth_4 [9]" in lines
    assert "[^2]: boats.csv: “12 berths”" in lines
    html = MarkdownIt("gfm-like", {"linkify": False}).use(footnote_plugin).render(paper.markdown)
    assert html.count('class="footnote-item"') == 2


def test_word_reads_the_same_with_real_footnotes(paper: Paper) -> None:
    text = read_document(write_paper(paper, ".docx"), "tides.docx").text
    for line in ("Tides", "• six boats", "| 4 | Ida", "a[0] < 3", "High water at six", "12 berths"):
        assert line in text
    assert write_paper(paper, ".docx") == write_paper(paper, ".docx")


def test_a_pdf_has_its_footnotes_on_the_page_that_cites_them(paper: Paper, tmp_path: Path) -> None:
    for number in range(40):
        paper.add(f"Line {number} of the harbour book. " * 20 + "[1]", {1: f"book {number}.md"})
    file = tmp_path / "tides.pdf"
    file.write_bytes(write_paper(paper, ".pdf"))
    pages = [" ".join(page.extract_text().split()) for page in pypdf.PdfReader(file).pages]
    assert len(pages) > 3
    assert "High water at six" in pages[0] and "12 berths" in pages[0]
    for number in range(40):
        at = [place for place, text in enumerate(pages) if f"book {number}.md" in text]
        assert len(at) == 1
        assert f"Line {number} of" in pages[at[0]]


def test_a_pdf_finds_a_font_for_each_character(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paper: Paper
) -> None:
    folder = tmp_path / "fonts"
    folder.mkdir()
    monkeypatch.setattr(fonts, "font_folders", lambda: [folder])
    with pytest.raises(UsageError, match="no fonts"):
        write_paper(paper, ".pdf")
    tiny_font(folder / "latin.ttf", "".join(map(chr, [*range(33, 127), 0x201C, 0x201D, 0x2022, 0x2026])))
    paper.add("潮", {})
    with pytest.raises(UsageError, match=r"'潮'.*docx"):
        write_paper(paper, ".pdf")
    tiny_font(folder / "tide.ttf", "潮")
    assert write_paper(paper, ".pdf").startswith(b"%PDF")


def tiny_font(path: Path, characters: str) -> None:
    """A font whose glyphs are all empty."""
    names = [".notdef", *(f"glyph{ord(one)}" for one in characters)]
    font = FontBuilder(1000)
    font.setupGlyphOrder(names)
    font.setupCharacterMap({ord(one): f"glyph{ord(one)}" for one in characters})
    font.setupGlyf({name: Glyph() for name in names})
    font.setupHorizontalMetrics(dict.fromkeys(names, (1000, 0)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "Tide", "styleName": "Regular", "psName": "Tide"})
    font.setupOS2()
    font.setupPost()
    font.save(path)


def test_another_ending_is_refused(paper: Paper) -> None:
    with pytest.raises(UsageError, match=r"\.docx"):
        write_paper(paper, ".odt")


def test_a_conversation_fetches_nothing_and_escapes_no_more_than_it_must(tmp_path: Path) -> None:
    """An image in a document was fetched by whoever opened the file; plain words were full of backslashes."""
    image = "![x](http://evil.example/p.png) at B-12 (see valve_3, 50 % & more)"
    with open_store(tmp_path / "library.db") as store:
        put(store, "a.md", image)
        saved, notes = Conversations(store), Notes(store)
        answer = answer_from(store, image, image)
        id_ = saved.start(image)
        other = replace(answer, text="Another says *no* [1].", model="second")
        saved.append(id_, replace(answer, others=(other,)))
        text = conversation_paper(saved.load(id_)).markdown
        notes.keep_answer(answer, collection="default")
        kept = notes_paper(notes.list()).markdown
    for written in (text, kept):
        html = MarkdownIt("gfm-like", {"linkify": False}).use(footnote_plugin).render(written)
        assert not re.search(r"<img|href=\"http", html)
        assert "at B-12 (see valve_3, 50 % & more)" in written
        assert "[^1]: a.md, page 1: " in written
    assert "Another says *no*[^2]." in text
    assert "*Written by second; check it against the sources.*" in text
