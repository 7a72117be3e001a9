"""What a query's filters, phrases and excluded words mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import UsageError
from rag.readers.registry import Format, known_formats
from rag.records import DocumentEntry
from rag.search.query import Filter, ParsedQuery, holds_phrase, matching, parse_query
from rag.text.file_types import is_file_type

REPORT = DocumentEntry(
    1, "finance/2023/Report Q1.pdf", "Quarterly report", "application/pdf", "en", "2023-04-02"
)
NOTE = DocumentEntry(2, "notes/pumpe.md", "Pumpe", "text/markdown", "de", "2024-01")
PLAIN = DocumentEntry(3, "readme.txt", "Read me", "text/plain")


@pytest.mark.parametrize(
    ("query", "parsed"),
    [
        pytest.param("pump pressure", ParsedQuery("pump pressure"), id="plain"),
        pytest.param(
            'the "safety valve" pressure',
            ParsedQuery("the safety valve pressure", ("safety valve",)),
            id="phrase",
        ),
        pytest.param(
            "„rotes Auto“ Preis", ParsedQuery("rotes Auto Preis", ("rotes Auto",)), id="German quotes"
        ),
        pytest.param("「安全弁」の圧力", ParsedQuery("安全弁 の圧力", ("安全弁",)), id="Japanese quotes"),
        pytest.param("jaguar -car speed", ParsedQuery("jaguar speed", (), ("car",)), id="excluded"),
        pytest.param(
            "what does -verbose do?", ParsedQuery("what does -verbose do?"), id="option in a question"
        ),
        pytest.param("at -5 degrees", ParsedQuery("at -5 degrees"), id="negative number"),
        pytest.param("well-known name", ParsedQuery("well-known name"), id="hyphen"),
        pytest.param(
            'cost Collection:"tax papers"', ParsedQuery("cost", collection="tax papers"), id="collection"
        ),
        pytest.param(
            'cost doc:*.pdf after:2024-01 doc:"a b.md"',
            ParsedQuery(
                "cost", (), (), (Filter("doc", "*.pdf"), Filter("after", "2024-01"), Filter("doc", "a b.md"))
            ),
            id="filters",
        ),
        pytest.param(
            "std::vector http://a.b x:y", ParsedQuery("std::vector http://a.b x:y"), id="other colons"
        ),
        pytest.param("type:pdf", ParsedQuery("", (), (), (Filter("type", "pdf"),)), id="only a filter"),
    ],
)
def test_parse_query(query: str, parsed: ParsedQuery) -> None:
    assert parse_query(query) == parsed


@pytest.mark.parametrize(
    ("query", "text", "excluded"),
    [
        ('fine -"tax return"', "fine", "tax return"),
        ("Bußgeld -„rotes Auto“", "Bußgeld", "rotes Auto"),
        ('which fines are there -"tax return"?', "which fines are there ?", "tax return"),
        ("server -node.js", "server", "node.js"),
        ("language -C++ -c#", "language", "C++ c#"),
        ("framework -.NET", "framework", ".NET"),
        ("rules -don't", "rules", "don't"),
        ("budget -2019", "budget", "2019"),
        ("budget -2019-05", "budget", "2019-05"),
        ("宠物 -猫", "宠物", "猫"),
        ("宠物 －猫", "宠物", "猫"),
        ("jaguar -car, speed", "jaguar speed", "car"),
        ("printer -3d -3rd-party", "printer", "3d 3rd-party"),
        ("stamps -collection:old", "stamps", "collection:old"),
    ],
)
def test_what_is_excluded(query: str, text: str, excluded: str) -> None:
    """These were searched for instead, since they were no plain words of two letters or more."""
    parsed = parse_query(query)
    assert (parsed.text, " ".join(parsed.excluded), parsed.phrases) == (text, excluded, ())


@pytest.mark.parametrize(
    "query",
    [
        "pages 3 -5",
        "pages 3 - 5",
        "income - costs",
        "-",
        "work -",
        "-40 °C in the freezer",
        "frozen at -5°C or -40F",
        "cable -12V",
        "loss of -1,200.50 euros",
        "growth -3%",
        "years 2018 -2019",
        "git log --oneline",
        "grep -r folder",
        "a -b",
        "what is new -word and -2019?",
        "Was heißt -猫？",
        "re-entry -- and after",
        "e-mail –work",
    ],
)
def test_what_a_hyphen_leaves_alone(query: str) -> None:
    assert parse_query(query) == ParsedQuery(query)


def test_inches_are_no_quotation_marks() -> None:
    assert parse_query('pipe 5" by 3" long') == ParsedQuery('pipe 5" by 3" long')


@pytest.mark.parametrize(
    ("query", "text", "filters"),
    [
        ("Doc:*.pdf cost", "cost", "doc:*.pdf"),
        ("doc：*.pdf cost", "cost", "doc:*.pdf"),
        ("doc: *.pdf cost", "cost", "doc:*.pdf"),
        ("cost type: PDF lang: en", "cost", "type:PDF lang:en"),
        ("cost doc:“a b.md”", "cost", 'doc:"a b.md"'),
        ("cost doc:'a b.md'", "cost", 'doc:"a b.md"'),
        ('cost doc: "a b.md"', "cost", 'doc:"a b.md"'),
        ("cost doc:don't.md", "cost", "doc:don't.md"),
        ("how much is it doc:policies/*.pdf?", "how much is it?", "doc:policies/*.pdf"),
        ("how much is it? doc:policies/*.pdf", "how much is it?", "doc:policies/*.pdf"),
        ('how much is it doc:"really?.md"?', "how much is it?", "doc:really?.md"),
        ("多少钱 doc:报销.pdf？", "多少钱？", "doc:报销.pdf"),
        ("cost doc:a.md, doc:b.md.", "cost", "doc:a.md doc:b.md"),
        ("doc:report?2024.pdf cost", "cost", "doc:report?2024.pdf"),
        ("doc:*.pdf?", "", "doc:*.pdf"),
        ("what changed after:2024?", "what changed?", "after:2024"),
        ("cost after:2024-1 before:2024-3-5", "cost", "after:2024-01 before:2024-03-05"),
        ("cost after:31.01.2024", "cost", "after:2024-01-31"),
        ("cost type:bind", "cost", "type:bind"),
        ("cost -type:pdf -doc:drafts/*", "cost", "-type:pdf -doc:drafts/*"),
    ],
)
def test_how_filters_are_spelled(query: str, text: str, filters: str) -> None:
    parsed = parse_query(query)
    assert (parsed.text, " ".join(map(str, parsed.filters))) == (text, filters)
    assert (parsed.phrases, parsed.excluded) == ((), ())


@pytest.mark.parametrize(
    "query",
    [
        "what does type:bind mean in docker?",
        "was bedeutet lang:xx hier?",
        "what does after:all mean?",
        "which doc: the long one?",
        "Blood type: a positive",
        "What type: word or number?",
        "before: 3 patients, after: 5 patients",
        "p:after doc: doc:? type:",
        "collection: the best of",
    ],
)
def test_what_looks_like_a_filter_and_is_none(query: str) -> None:
    assert parse_query(query) == ParsedQuery(query)


@pytest.mark.parametrize(
    ("query", "limits"),
    [
        ("cost", []),
        ("cost -car Doc:*.pdf lang:de", ["doc:*.pdf", "lang:de", "-car"]),
        ("cost -type:pdf doc:'a b.md'", ["-type:pdf", 'doc:"a b.md"']),
        (
            'cost -"4711" -«tax return» -2019 collection:"my papers"',
            ['collection:"my papers"', '-"4711"', '-"tax return"', "-2019"],
        ),
    ],
)
def test_limits_are_as_one_types_them(query: str, limits: list[str]) -> None:
    parsed = parse_query(query)
    assert parsed.limits == tuple(limits)
    assert parse_query(" ".join([parsed.text, *parsed.limits])) == parsed


@pytest.mark.parametrize("bad", ["after:soon", "before:2024-13", "after:24", "after:01/02/2024"])
def test_a_date_that_is_none_is_named(bad: str) -> None:
    with pytest.raises(UsageError, match=bad):
        parse_query(f"cost {bad}")


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        pytest.param([("doc", "*.pdf")], [1], id="glob"),
        pytest.param([("doc", "finance/*")], [1], id="glob over folders"),
        pytest.param([("doc", "finance")], [1], id="folder"),
        pytest.param([("doc", "README")], [3], id="name without ending"),
        pytest.param([("doc", "port")], [], id="part of a name"),
        pytest.param([("doc", "*.pdf"), ("doc", "*.md")], [1, 2], id="one of two globs"),
        pytest.param([("doc", "*.pdf"), ("lang", "de")], [], id="both kinds"),
        pytest.param([("type", "pdf")], [1], id="ending"),
        pytest.param([("type", "markdown")], [2], id="media type"),
        pytest.param([("doc", r"finance\*.pdf")], [1], id="backslashes"),
        pytest.param([("doc", r"notes\pumpe.md")], [2], id="path with backslashes"),
        pytest.param([("doc", "2023/Report Q1.pdf")], [1], id="end of a path"),
        pytest.param([("doc", "3/report q1.pdf")], [], id="part of a folder's name"),
        pytest.param([("doc", "2023/*.pdf")], [1], id="glob over the end of a path"),
        pytest.param([("doc", "notes/**/*.md")], [2], id="no folder between"),
        pytest.param([("doc", "finance/**/*.pdf")], [1], id="a folder between"),
        pytest.param([("doc", "**/readme.txt")], [3], id="at any depth"),
        pytest.param([("doc", "**/adme.txt")], [], id="whole names"),
        pytest.param([("doc", "./notes/")], [2], id="folder as shells write it"),
        pytest.param([("lang", "DE")], [2], id="language"),
        pytest.param([("after", "2023-04-02")], [1, 2], id="after includes its day"),
        pytest.param([("after", "2024")], [2], id="a month is after its year's start"),
        pytest.param([("before", "2024-01")], [1], id="before excludes"),
        pytest.param([], [1, 2, 3], id="none"),
    ],
)
def test_matching(filters: list[tuple[str, str]], ids: list[int]) -> None:
    chosen = [Filter(kind, value) for kind, value in filters]  # type: ignore[arg-type]
    assert [document.id for document in matching([REPORT, NOTE, PLAIN], chosen)] == ids


@pytest.mark.parametrize(
    ("doc", "wanted", "passes"),
    [
        pytest.param("[2024] report.pdf", "[2024] report.pdf", True, id="brackets"),
        pytest.param("[2024] report.pdf", "[2024]*", True, id="brackets and a star"),
        pytest.param("2 report.pdf", "[2024] report.pdf", True, id="brackets as a class"),
        pytest.param("Bu\u0308cher.md", "b\u00fccher.md", True, id="composed name of a decomposed one"),
        pytest.param("b\u00fccher.md", "BU\u0308CHER*", True, id="decomposed glob of a composed name"),
        pytest.param("caf\\xe9.md", "caf\\xe9.md", True, id="backslash in a name"),
        pytest.param("a/b/c.md", "b/c.md", True, id="end of a path"),
        pytest.param("a/b/c.md", "b/c", True, id="end of a path without ending"),
        pytest.param("a/bb/c.md", "b/c.md", False, id="whole folders"),
        pytest.param("a.b/c", "a", False, id="a folder's name with a dot"),
    ],
)
def test_documents_by_name(doc: str, wanted: str, passes: bool) -> None:
    document = DocumentEntry(1, doc, "", "text/plain")
    assert (matching([document], [Filter("doc", wanted)]) == [document]) is passes


OFFICE = "application/vnd.openxmlformats-officedocument"
BY_TYPE = {
    "a.pdf": "application/pdf",
    "scan": "application/pdf",
    "a.docx": f"{OFFICE}.wordprocessingml.document",
    "a.xlsx": f"{OFFICE}.spreadsheetml.sheet",
    "a.ods": f"{OFFICE}.spreadsheetml.sheet",
    "a.csv": "text/csv",
    "a.pptx": f"{OFFICE}.presentationml.presentation",
    "a.eml": "message/rfc822",
    "a.md": "text/markdown",
    "a.html": "text/html",
    "a.py": "text/x-source",
    "a.c": "text/x-source",
    "a.cpp": "text/x-source",
    "a.xml": "text/plain",
    "a.txt": "text/plain",
    "a.ipynb": "application/x-ipynb+json",
    "a.json": "application/json",
}


@pytest.mark.parametrize(
    ("wanted", "docs"),
    [
        ("pdf", "a.pdf scan"),
        (".PDF", "a.pdf scan"),
        ("*.pdf", "a.pdf scan"),
        ("application/pdf", "a.pdf scan"),
        ("doc", "a.docx"),
        ("word", "a.docx"),
        ("docx", "a.docx"),
        ("xml", "a.xml"),
        ("xls", "a.xlsx a.ods"),
        ("excel", "a.xlsx a.ods"),
        ("xlsx", "a.xlsx"),
        ("spreadsheet", "a.xlsx a.ods a.csv"),
        ("csv", "a.csv"),
        ("powerpoint", "a.pptx"),
        ("slides", "a.pptx"),
        ("email", "a.eml"),
        ("e-mail", "a.eml"),
        ("markdown", "a.md"),
        ("HTML", "a.html"),
        ("c", "a.c"),
        ("c++", "a.cpp"),
        ("python", "a.py"),
        ("code", "a.py a.c a.cpp"),
        ("text", "a.txt"),
        ("text/plain", "a.xml a.txt"),
        ("json", "a.json"),
        ("notebook", "a.ipynb"),
        ("bind", ""),
    ],
)
def test_documents_by_type(wanted: str, docs: str) -> None:
    """`type:doc` and `type:xml` passed every office file, `type:c` every PDF: part of a media type did."""
    entries = [DocumentEntry(1, doc, "", media_type) for doc, media_type in BY_TYPE.items()]
    found = matching(entries, [Filter("type", wanted)])
    assert [entry.doc for entry in found] == docs.split()


@pytest.mark.parametrize("known", known_formats(), ids=lambda known: known.name)
def test_every_format_has_a_type(known: Format) -> None:
    for ending in known.endings:
        document = DocumentEntry(1, f"a{ending}", "", known.media_type)
        assert is_file_type(ending), ending
        assert matching([document], [Filter("type", ending)]) == [document]
        assert matching([document], [Filter("type", known.media_type)]) == [document]


@pytest.mark.parametrize("wanted", ["de", "de-AT", "DE_de", "german", "Deutsch"])
def test_documents_by_language(wanted: str) -> None:
    assert matching([REPORT, NOTE, PLAIN], [Filter("lang", wanted)]) == [NOTE]


def test_a_filter_can_keep_documents_out() -> None:
    everything = [REPORT, NOTE, PLAIN]
    without = [Filter("type", "pdf", excluded=True), Filter("doc", "notes", excluded=True)]
    assert matching(everything, without) == [PLAIN]
    assert matching(everything, [Filter("lang", "en"), *without]) == []
    assert matching(everything, [Filter("after", "2024", excluded=True)]) == [REPORT, PLAIN]


@pytest.mark.parametrize(
    ("text", "phrase", "held"),
    [
        ("written in C++, mostly", "C++", True),
        ("plan C: nothing", "C++", False),
        ("written in C++", "C", False),
        ("a+b", "b", True),
        ("ages 18+", "ages 18", True),
        ("you don’t", "don't", True),
        ("runs on Node.js", "node.js", True),
        ("The Safety-Valve, closed", "safety valve", True),
        ("safety of the valve", "safety valve", False),
        ("unsafety valve", "safety valve", False),
        ("锅炉安全阀的压力", "安全阀", True),
        ("accôtement", "côte", False),
    ],
)
def test_holds_phrase(text: str, phrase: str, held: bool) -> None:
    assert holds_phrase(text, phrase) is held


@given(st.text(alphabet=st.characters(exclude_characters='"“”„«»「」:：-－'), max_size=40))
def test_a_query_without_signs_is_searched_as_typed(query: str) -> None:
    assert parse_query(query) == ParsedQuery(" ".join(query.split()))
