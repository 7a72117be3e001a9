"""Every format: a file of the program it comes from, and the format's own traps."""

from __future__ import annotations

import io
import json
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msoffcrypto.format.ooxml import OOXMLFile  # type: ignore[import-untyped, unused-ignore]

from rag.errors import EncryptedDocument, UnreadableDocument, UnsupportedFormat
from rag.readers import format_of, known_formats, read_document
from rag.readers.building import DocumentBuilder, visible
from rag.readers.omissions import omissions
from rag.records import Document
from tests.fakes.pdf_maker import Line, make_pdf

FILES = Path(__file__).parent / "files"
TREES = "| Tree | Distance | Price |\n|---|---|---|\n| Apple | 5 m | 24 |\n| Pear | 4 m | 31 |"


def read(name: str) -> Document:
    return read_document((FILES / name).read_bytes(), name)


def blocks(document: Document) -> list[tuple[str, str]]:
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


def headings(document: Document) -> list[tuple[int, str]]:
    return [(b.level, b.heading_path[-1]) for b in document.blocks if b.kind == "heading"]


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=300)


def squeezed(text: str) -> str:
    return "".join(text.split())


# --- One document, as many programs write it


@pytest.mark.parametrize("name", ["docx", "odt", "epub", "html", "rst", "pdf", "rtf", "md", "org", "ipynb"])
def test_nothing_of_the_book_is_lost(name: str) -> None:
    text = squeezed(read(f"orchard.{name}").text).replace("*", "")
    for words in (
        "Plant the young trees in late October, while the soil is still warm.",
        "In cold valleys, wait until March.",
        "On dwarf stock, three are enough",
        "Pick when the stalk comes away at a touch.",
        "return days > 140",
        "果実は涼しい所に置く。",
    ):
        assert squeezed(words) in text


@pytest.mark.parametrize("name", ["docx", "odt", "epub", "html", "rst", "rtf", "md", "org"])
def test_headings_title_and_places_of_the_book(name: str) -> None:
    document = read(f"orchard.{name}")
    assert document.title == "The Orchard Book"
    assert [label for _, label in headings(document)][-3:] == ["Planting", "Spacing", "Harvest"]
    spacing = next(b for b in document.blocks if "Apples stand" in document.text[b.start : b.end])
    assert spacing.heading_path[-2:] == ("Planting", "Spacing")
    assert spacing.kind == "list"


@pytest.mark.parametrize("name", ["docx", "odt", "epub", "html", "rst", "pdf", "rtf"])
def test_the_table_of_the_book_is_markdown(name: str) -> None:
    assert ("table", TREES) in blocks(read(f"orchard.{name}"))


@pytest.mark.parametrize("name", ["docx", "odt", "epub", "html", "rst", "pdf", "rtf"])
def test_the_code_of_the_book_keeps_its_indent(name: str) -> None:
    assert ("code", "def ripe(days):\n    return days > 140") in blocks(read(f"orchard.{name}"))


WORD_RTF = r"""{\rtf1\ansi\uc1{\stylesheet{\ql \snext0 Normal;}
{\s1\ql \outlinelevel0 \sbasedon0 \snext0 \'dcberschrift 1;}
{\s7\ql \sbasedon0 Plain Text;}{\*\cs10 \additive Font;}}
\pard\plain \ltrpar\s1\ql {\rtlch Pflege}{\par }
\pard\plain \ltrpar\ql Im Herbst schneiden.\par Und im Winter ruhen.\par
\pard\plain \s7 a = 1\par   b = 2\par
\pard\plain {\listtext 1.\tab}Erstens\par {\listtext 2.\tab}Zweitens\par }"""


def test_rich_text_as_word_writes_it_has_headings_code_and_lists() -> None:
    document = read_document(WORD_RTF.encode("latin-1"), "pflege.rtf")
    assert blocks(document) == [
        ("heading", "Pflege"),
        ("paragraph", "Im Herbst schneiden."),
        ("paragraph", "Und im Winter ruhen."),
        ("code", "a = 1\n  b = 2"),
        ("list", "1. Erstens\n2. Zweitens"),
    ]
    assert document.title == "Pflege"


@pytest.mark.parametrize("name", ["xlsx", "ods", "xls", "csv"])
def test_a_sheet_is_a_table_with_its_caption(name: str) -> None:
    document = read(f"prices.{name}")
    table = "| Tree | Distance | Price |\n|---|---|---|\n| Apple | 5.5 | 24 |\n| Pear | 4 | 31.5 |"
    is_sheet = name != "csv"
    assert blocks(document) == [("heading", "prices")] * is_sheet + [
        ("table", f"Price list 2024\n\n{table}"),
        ("paragraph", "Notes\nAll prices in euros"),
    ]
    if is_sheet:
        assert (document.page_count, document.blocks[0].page) == (1, 1)
        assert document.blocks[0].heading_path == ("prices",)


@pytest.mark.parametrize("name", ["pptx", "odp"])
def test_slides_are_pages_under_their_titles(name: str) -> None:
    document = read(f"slides.{name}")
    assert document.page_count == 3
    found = [
        (block.page, block.heading_path, document.text[block.start : block.end])
        for block in document.blocks
        if block.kind != "heading"
    ]
    assert found == [
        (2, ("Winter",), "- Prune the apple trees\n- Order new rootstock"),
        (3, ("Summer",), "| Month | Task |\n|---|---|\n| June | Thin |\n| July | Water |"),
        (3, ("Summer",), "Mention the drought of 2022."),
    ]


# --- Markdown and text


def test_markdown_keeps_the_source_so_that_quotes_are_exact() -> None:
    source = (
        "# A *b* `c`\n\nSee [this](https://x.y), [[Note|that]].\n\n[ref]: https://z\n\n```\n# no heading\n```"
    )
    document = read_document(source.encode(), "a.md")
    assert document.text == source
    assert headings(document) == [(1, "A b c")]
    assert document.title == "A b c"


def test_html_in_markdown_is_read_as_a_page_is() -> None:
    source = """# Press

<!-- to do: prices -->

<p align="center"><b>Apple</b> presses since 1921</p>

<details>
<summary>How to clean it</summary>

Rinse with *warm* water.

</details>

<table>
<tr><th>Size</th><th>Price</th></tr>

<tr><td>small</td><td>210</td></tr>
</table>

<your name>

<table>

not closed
"""
    document = read_document(source.encode(), "press.md")
    assert blocks(document) == [
        ("heading", "# Press"),
        ("paragraph", "Apple presses since 1921"),
        ("paragraph", "How to clean it"),
        ("paragraph", "Rinse with *warm* water."),
        ("table", "| Size | Price |\n|---|---|\n| small | 210 |"),
        ("paragraph", "<your name>"),
        ("paragraph", "not closed"),
    ]
    assert document.characters_left_out == {"comments": len("todo:prices")}


def test_broken_front_matter_is_text_and_told() -> None:
    document = read_document(b"---\ntitle: [unclosed\n---\n\nBody", "note.md")
    assert document.title == "note"
    assert "unclosed" in document.text
    assert document.warnings == ("The front matter is not valid YAML: it is kept as text.",)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "Grüße – 你好"),
        ("utf-8-sig", "Grüße – 你好"),
        ("utf-16", "Grüße – 你好"),
        ("utf-16-le", "Greetings from the far north, again and again"),
        ("utf-32", "Grüße – 你好"),
        ("cp1252", "Die Straße nach Köln ist für größere Lastwagen gesperrt, außer am Sonntag. " * 4),
        ("cp1251", "Широкая электрификация южных губерний даст мощный толчок подъёму хозяйства. " * 4),
        ("shift_jis", "日本語の文章をいろいろな文字コードで保存しても、正しく読めることを確かめる。" * 4),
        ("gb18030", "无论文件采用哪种编码保存，程序都应当能够正确地读取其中的全部文字内容。" * 4),
    ],
)
def test_text_is_read_in_any_encoding(encoding: str, text: str) -> None:
    assert read_document(text.encode(encoding), "a.txt").text == text.strip()


def test_the_encoding_is_told_when_it_was_found_out() -> None:
    document = read_document("größer und größer, für alle Straßen".encode("cp1252"), "a.txt")
    assert len(document.warnings) == 1
    assert document.warnings[0].startswith("Read as ")


def test_control_characters_and_lone_surrogates_are_dropped() -> None:
    assert read_document(b"a\x00bcd\x0ce\r\nf\x1b", "a.md").text == "abcd\ne\nf"


# --- HTML

PAGE = b"""<!doctype html><html><head><title>Shop | Home</title>
<meta property="article:published_time" content="2023-04-05"></head><body>
<header><a href="/">Home</a></header><nav>Menu One Two</nav>
<div class="cookie banner">We use cookies</div>
<div id="content"><h1>Opening hours</h1>We open <b>da</b>ily<br>from nine<sup>2</sup>.
<script>var x = "not text"</script>
<h2>Sundays</h2><ol><li>Closed<ul><li>except in May</li></ul></li></ol><dl><dt>Bell</dt><dd>Ring it</dd></dl>
<table><tr><td>A <ul><li>layout</li></ul></td></tr></table></div>
<footer>Imprint</footer></body></html>"""


def test_a_page_without_main_element_loses_its_furniture_only() -> None:
    document = read_document(PAGE, "shop.html")
    assert blocks(document) == [
        ("heading", "Opening hours"),
        ("paragraph", "We open daily\nfrom nine 2."),
        ("heading", "Sundays"),
        ("list", "1. Closed\n  - except in May"),
        ("paragraph", "Bell"),
        ("paragraph", "Ring it"),
        ("paragraph", "A"),
        ("list", "- layout"),
    ]
    assert document.characters_left_out == {"navigation": len("HomeMenuOneTwoWeusecookiesImprint")}
    assert document.date == "2023-04-05"


@pytest.mark.parametrize(
    ("name", "text", "date"),
    [
        ("a.org", "#+DATE: <2024-01-31 Wed>\nText", "2024-01-31"),
        ("a.org", "#+DATE: \\today\nText", None),
        ("a.md", "---\ndate: January 5, 2024\n---\nText", "2024-01-05"),
        ("a.md", "---\ndate: 05.01.2024\n---\nText", "2024-01-05"),
        ("a.md", "---\ndate: 2024-01-05 10:00:00\n---\nText", "2024-01-05"),
        ("a.md", "---\ndate: soon\ncreated: 2024-01\n---\nText", "2024-01"),
        ("a.html", '<meta name="date" content="Wed, 31 Jan 2024 10:00:00 GMT"><p>a', "2024-01-31"),
        ("a.html", '<meta name="DC.Date" content="01/02/2024"><p>a', None),
        (
            "a.html",
            '<meta property="article:modified_time" content="2024-09-01">'
            '<meta property="article:published_time" content="2024-01-31T10:00:00Z"><p>a',
            "2024-01-31",
        ),
        (
            "a.html",
            '<meta name="date" content="today"><meta itemprop="datePublished" content="2024-01-31"><p>a',
            "2024-01-31",
        ),
    ],
)
def test_a_date_is_iso_or_none(name: str, text: str, date: str | None) -> None:
    """Filters compared dates as they were written: `after:2024` passed "January 5, 2019"."""
    assert read_document(text.encode(), name).date == date


def test_of_several_main_headings_none_is_the_title() -> None:
    page = b"<title>The Orchard Book</title><h1>Planting</h1><p>a</p><h1>Harvest</h1><p>b</p>"
    assert read_document(page, "book.html").title == "The Orchard Book"
    assert read_document(page.replace(b"h1>Harvest</h1", b"h2>Harvest</h2"), "book.html").title == "Planting"


def test_a_footnote_beside_the_text_is_no_navigation() -> None:
    page = b'<p>Wait.</p><aside epub:type="footnote"><p>Until March.</p></aside><nav><p>Shop</p></nav>'
    assert read_document(page, "a.html").text == "Wait.\n\nUntil March."


def test_what_lies_around_the_main_element_is_counted() -> None:
    document = read_document(b"<html><body>Top<main><p>Text.</p></main>End</body></html>", "a.html")
    assert document.text == "Text."
    assert document.characters_left_out == {"around the main content": 6}


def test_a_declared_encoding_is_believed_only_if_it_fits() -> None:
    page = '<html><head><meta charset="{}"></head><body><p>Größe</p></body></html>'
    assert read_document(page.format("iso-8859-1").encode("latin-1"), "a.html").text == "Größe"
    assert read_document(page.format("ascii").encode(), "a.html").text == "Größe"


def test_endless_nesting_is_an_error_of_its_file() -> None:
    deep = b"<html><body>" + b"<div>" * 5_000 + b"x"
    with pytest.raises(UnreadableDocument, match=r"deep\.html"):
        read_document(deep, "deep.html")


# --- Data


def test_json_lines_are_records_under_their_titles() -> None:
    one, two = (
        '{"title": "One", "tags": ["a", "b"], "by": {"name": "Ann"}}',
        '{"title": "Two", "n": 2.5, "ok": true}',
    )
    document = read_document(f"{one}\n{two}\n".encode(), "x.jsonl")
    assert [(b.heading_path, document.text[b.start : b.end]) for b in document.blocks] == [
        (("One",), "title: One"),
        (("One",), "tags: a, b"),
        (("One",), "by.name: Ann"),
        (("Two",), "title: Two\nn: 2.5\nok: true"),
    ]


def test_broken_json_names_the_line() -> None:
    with pytest.raises(UnreadableDocument, match=r"x\.json: not valid JSON \(line 2: .*Correct that line"):
        read_document(b'{"a": 1,\n oops}', "x.json")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    rows = [["name", "note"], ["Ann", "likes tea"], ["Bo", "runs"]]
    data = "\n".join(delimiter.join(row) for row in rows).encode()
    assert (
        read_document(data, "a.csv").text == "| name | note |\n|---|---|\n| Ann | likes tea |\n| Bo | runs |"
    )


def test_a_bar_in_a_cell_does_not_make_a_column() -> None:
    assert read_document(b'a,b\n"x|y","line\nbreak"', "a.csv").text.endswith("| x\\|y | line break |")


# --- Mail, subtitles, notebooks, code


def mail() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "ann@example.org", "bo@example.org"
    message["Subject"], message["Date"] = "Grüße vom Fest", "Fri, 05 Apr 2024 10:00:00 +0200"
    message.set_content("The party is on Saturday.\n\n> When is it?\n> And where?\n")
    message.add_attachment(b"# Menu\n\nSoup and bread.", maintype="text", subtype="plain", filename="menu.md")
    message.add_attachment(bytes(range(256)), maintype="application", subtype="x", filename="tool.exe")
    return message


def test_a_mail_is_read_with_its_attachments() -> None:
    document = read_document(mail().as_bytes(), "party.eml")
    assert (document.title, document.date) == ("Grüße vom Fest", "2024-04-05")
    assert blocks(document)[1:] == [
        ("paragraph", "The party is on Saturday."),
        ("quote", "> When is it?\n> And where?"),
        ("heading", "# Menu"),
        ("paragraph", "Soup and bread."),
    ]
    assert document.blocks[-1].heading_path == ("Grüße vom Fest", "menu.md", "Menu")
    assert [warning.split(":")[0] for warning in document.warnings] == ["Left out tool.exe"]


def test_a_mailbox_is_its_messages() -> None:
    one = b"From ann@example.org Fri Apr  5 10:00:00 2024\n" + mail().as_bytes()
    document = read_document(one + b"\n\n" + one.replace(b"Saturday", b"Sunday"), "box.mbox")
    assert "on Saturday." in document.text
    assert "on Sunday." in document.text
    assert document.text.count("Subject: Grüße vom Fest") == 2


def test_an_html_mail_without_ending_is_known_by_its_headers() -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@b.c", "d@e.f", "Hi"
    message.set_content("<p>Only <b>HTML</b></p>", subtype="html")
    assert read_document(message.as_bytes(), "message").text.endswith("Only HTML")


def test_subtitles_become_paragraphs_with_their_time() -> None:
    cues = (
        "1\n00:00:01,000 --> 00:00:03,000\nWelcome <i>back</i>\n\n"
        "2\n00:00:03,500 --> 00:00:05,000\nto the show.\n\n"
        "3\n01:02:20,000 --> 01:02:21,000\nGoodbye.\n"
    )
    expected = ["[0:00:01] Welcome back to the show.", "[1:02:20] Goodbye."]
    assert [text for _, text in blocks(read_document(cues.encode(), "a.srt"))] == expected
    web = "WEBVTT\n\n" + cues.replace(",", ".")
    assert [text for _, text in blocks(read_document(web.encode(), "a.vtt"))] == expected


def test_a_notebook_keeps_code_and_its_output() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "\n", "Some *text*."]},
        {
            "cell_type": "code",
            "source": "print(6 * 7)",
            "outputs": [{"text": ["42\n"]}, {"data": {"image/png": "x"}}],
        },
    ]
    document = read_document(json.dumps({"cells": cells}).encode(), "n.ipynb")
    assert blocks(document) == [
        ("heading", "# Title"),
        ("paragraph", "Some *text*."),
        ("code", "print(6 * 7)"),
        ("code", "42"),
    ]


SOURCES = {
    "a.py": (
        "import os\n\nclass Box:\n    size = 1\n\n    @property\n    def wide(self):\n        return 2\n\n"
        "def go():\n    pass\n"
    ),
    "a.js": "class Box {\n  wide() { return 2 }\n}\nexport function go() {\n  return 1\n}\n",
    "a.ts": "interface Box {\n  wide: number\n}\nfunction go(): void {\n}\n",
    "a.java": "class Box {\n  int wide() { return 2; }\n  void go() {\n  }\n}\n",
    "a.c": "struct Box {\n  int wide;\n};\nint *go(int x) {\n  return 0;\n}\n",
    "a.cpp": "class Box {\n public:\n  int wide() { return 2; }\n};\nvoid Box::go() {\n}\n",
    "a.go": "package a\n\ntype Box struct {\n}\n\nfunc cargo() {\n}\n",
    "a.rs": "struct Box;\nimpl Box {\n  fn wide(&self) {}\n}\nfn go() {\n}\n",
    "a.rb": "class Box\n  def wide\n    2\n  end\nend\ndef go\nend\n",
    "a.cs": "class Box {\n  int Wide() { return 2; }\n  void go() {\n  }\n}\n",
    "a.php": "<?php\nclass Box {\n  function wide() { return 2; }\n}\nfunction go() {\n}\n",
    "a.sh": "set -e\n\ngo() {\n  echo hi\n}\n",
}


@pytest.mark.parametrize("name", SOURCES)
def test_code_is_divided_by_definition_and_nothing_is_lost(name: str) -> None:
    document = read_document(SOURCES[name].encode(), name)
    assert squeezed(document.text) == squeezed(SOURCES[name])
    labels = {part.split(",")[0].split("(")[0] for block in document.blocks for part in block.heading_path}
    assert any(label.endswith("go") for label in labels), labels


def test_code_knows_its_lines() -> None:
    document = read_document(SOURCES["a.py"].encode(), "src/a.py")
    assert [(b.heading_path, document.text[b.start : b.end].split("\n")[0]) for b in document.blocks] == [
        ((), "import os"),
        (("class Box, lines 3–8",), "class Box:"),
        (("class Box, lines 3–8", "wide, lines 6–8"), "    @property"),
        (("go, lines 10–11",), "def go():"),
    ]
    assert document.title == "a.py"


# --- Archives


def zipped(files: dict[str, bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def test_an_archive_is_its_files() -> None:
    data = zipped({"b/two.txt": b"Two.", "a.md": b"# One\n\nText.", "__MACOSX/x": b"x", "c.exe": bytes(99)})
    document = read_document(data, "all.zip")
    assert [(b.heading_path, document.text[b.start : b.end]) for b in document.blocks] == [
        (("a.md", "One"), "# One"),
        (("a.md", "One"), "Text."),
        (("b/two.txt",), "Two."),
    ]
    assert len(document.warnings) == 1
    assert document.warnings[0].startswith("Left out c.exe: no reader knows this format")


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    bomb = zipped({f"{n}.txt": bytes(60_000_000) for n in range(9)})
    assert len(bomb) < 1_000_000
    with pytest.raises(UnreadableDocument, match=r"bomb\.zip: expands to more than 500 MB"):
        read_document(bomb, "bomb.zip")


def test_archives_in_archives_end_somewhere() -> None:
    data = b"the innermost"
    for level in range(6):
        data = zipped(
            {("deep.txt" if level == 0 else "inner.zip"): data, "note.txt": f"level {level}".encode()}
        )
    document = read_document(data, "outer.zip")
    assert "level 5" in document.text
    assert "innermost" not in document.text
    assert any("more than 3 files deep" in warning for warning in document.warnings)


def test_billion_laughs_in_a_document_is_an_error_of_its_file() -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    laughs = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">{entities}]><x>&a9;</x>'
    data = zipped({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": laughs.encode()})
    with pytest.raises(UnreadableDocument, match=r"laugh\.odt"):
        read_document(data, "laugh.odt")


@pytest.mark.parametrize("name", ["orchard.docx", "slides.pptx", "prices.xlsx"])
def test_an_office_file_asks_for_its_password_and_takes_it(name: str) -> None:
    package = io.BytesIO()
    OOXMLFile(io.BytesIO((FILES / name).read_bytes())).encrypt("sesame", package)
    for password, remedy in ((None, r"with --password\.$"), ("wrong", r"does not open it\.$")):
        with pytest.raises(EncryptedDocument, match=remedy):
            read_document(package.getvalue(), name, password=password)
    assert read_document(package.getvalue(), name, password="sesame").text == read(name).text


def test_an_encrypted_open_document_says_so() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("META-INF/manifest.xml", "<m:manifest><m:encryption-data/></m:manifest>")
        archive.writestr("content.xml", b"\x8f\x02 no longer XML")
    with pytest.raises(EncryptedDocument, match=r"^plan\.odt: the file is encrypted"):
        read_document(made.getvalue(), "plan.odt")


@pytest.mark.parametrize(
    "name", ["a.docx", "a.pptx", "a.xlsx", "a.odt", "a.epub", "a.zip", "a.ipynb", "a.pdf"]
)
def test_a_file_cut_short_is_an_error_that_names_it(name: str) -> None:
    ending = name.split(".")[1]
    stem = {"pptx": "slides", "xlsx": "prices"}.get(ending, "orchard")
    source = FILES / f"{stem}.{ending}"
    data = source.read_bytes() if source.exists() else zipped({"a.txt": b"text " * 100})
    with pytest.raises(UnreadableDocument, match=rf"a\.{ending}: "):
        read_document(data[: len(data) // 2], name)


# --- Telling formats apart


@pytest.mark.parametrize(
    "file", sorted(path.name for path in FILES.iterdir() if path.suffix not in (".csv", ".md"))
)
def test_the_content_tells_the_format_when_the_name_is_wrong(file: str) -> None:
    data = (FILES / file).read_bytes()
    right = format_of(data, file)
    assert right is not None
    if right.recognises:
        assert format_of(data, "wrong.txt" if right.rank < 50 else "none") is right
        assert format_of(data, "report.pdf") is right


def test_a_text_file_of_unknown_ending_is_plain_text() -> None:
    assert read_document(b"Just words.", "NOTES.xyz").media_type == "text/plain"


def test_binary_data_is_no_format() -> None:
    with pytest.raises(UnsupportedFormat, match=r"song\.mp3: no reader knows this format"):
        read_document(b"ID3\x04" + bytes(2000), "song.mp3")


def test_each_format_has_an_ending_of_its_own() -> None:
    endings = [ending for known in known_formats() for ending in known.endings]
    assert len(endings) == len(set(endings))
    assert all(ending.startswith(".") and ending == ending.lower() for ending in endings)


# --- What every document holds to


def assert_whole(document: Document) -> None:
    """Every visible character lies in exactly one block; blocks are in order."""
    position = covered = 0
    for block in document.blocks:
        assert position <= block.start < block.end
        position = block.end
        covered += visible(document.text[block.start : block.end])
    assert covered == visible(document.text)


@pytest.mark.parametrize("file", sorted(path.name for path in FILES.iterdir()))
def test_blocks_cover_every_file(file: str) -> None:
    assert_whole(read(file))


@settings(deadline=None)  # the first file of a kind loads its library
@given(
    TEXT,
    st.sampled_from(["a.md", "a.txt", "a.html", "a.csv", "a.rst", "a.org", "a.py", "a.srt"]),
)
def test_any_text_is_read_whole_or_refused_by_name(text: str, name: str) -> None:
    try:
        document = read_document(text.encode("utf-8", "replace"), name)
    except UnreadableDocument as error:
        assert str(error).startswith(f"{name}: ")
        return
    assert_whole(document)


@settings(deadline=None)  # the first file of a kind loads its library
@given(
    st.binary(max_size=300),
    st.sampled_from(["a.pdf", "a.docx", "a.xls", "a.eml", "a.json", "a.ipynb", "a.bin"]),
)
def test_any_bytes_are_read_or_refused_by_name(data: bytes, name: str) -> None:
    try:
        assert_whole(read_document(data, name))
    except (UnreadableDocument, UnsupportedFormat) as error:
        assert str(error).startswith(f"{name}: ")


@settings(deadline=None)  # the first file of a kind loads its library
@given(TEXT)
def test_markdown_and_text_lose_no_visible_character(text: str) -> None:
    builder = DocumentBuilder()
    builder.add("paragraph", text)
    cleaned = builder.build(title=None, name="a", media_type="text/plain").text
    for name in ("a.md", "a.txt"):
        assert squeezed(read_document(text.encode("utf-8", "replace"), name).text) == squeezed(
            cleaned.encode("utf-8", "replace").decode()
        )


def test_a_pdf_in_a_mail_keeps_its_pages() -> None:
    message = mail()
    pdf = make_pdf([[Line(50, 700, "First page.")], [Line(50, 700, "Second page.")]])
    message.add_attachment(pdf, maintype="application", subtype="pdf", filename="scan.pdf")
    document = read_document(message.as_bytes(), "party.eml")
    assert [block.page for block in document.blocks][-2:] == [1, 2]


def test_a_report_says_what_was_left_out_and_not_only_how_a_file_was_read() -> None:
    form = (
        "Read as cp1252.",
        "Empty pages: 3.",
        "Pages read from pictures with Tesseract: 1. Confidence 93%: expect slips.",
    )
    lacking = (
        "Pictures in the file, not read: 4.",
        "Left out plan.pages: no reader knows this format.",
        "inner.zip: left out, it lies more than 3 files deep.",
    )
    assert omissions([*form, *lacking]) == lacking
