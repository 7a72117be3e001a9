"""HTML: tables and their spans, text that must not run together, what is content and what furniture."""

# ruff: noqa: E501  (pages are easier to read in one line)
from __future__ import annotations

import pytest

from rag.readers import read_document
from rag.records import HIDDEN_TEXT, Document


def read(body: str) -> Document:
    return read_document(f"<!doctype html><html><body>{body}</body></html>".encode(), "page.html")


@pytest.mark.parametrize(
    ("rows", "table"),
    [
        (  # a list in a cell
            "<tr><th>Keeper</th><td>Olga</td></tr><tr><th>Keys</th><td><ul><li>cellar</li><li>attic</li></ul></td></tr>",
            "|  |  |\n|---|---|\n| Keeper | Olga |\n| Keys | cellar; attic |",
        ),
        (  # headings and paragraphs in cells
            "<tr><td><h3>Boat</h3><p>red</p></td><td>Crew</td></tr><tr><td>Gull</td><td><p>four</p><p>men</p></td></tr>",
            "| Boat red | Crew |\n|---|---|\n| Gull | four men |",
        ),
        (  # a cell that reaches down
            "<tr><th>Port</th><th>Deck</th><th>Fare</th></tr><tr><td rowspan=2>Kiel</td><td>upper</td><td>9</td></tr>"
            "<tr><td>lower</td><td>7</td></tr>",
            "| Port | Deck | Fare |\n|---|---|---|\n| Kiel | upper | 9 |\n| Kiel | lower | 7 |",
        ),
        (  # a heading over two columns, and one beside it over two rows
            "<tr><th rowspan=2>Port</th><th colspan=2>2031</th></tr><tr><th>May</th><th>June</th></tr>"
            "<tr><td>Kiel</td><td>3</td><td>4</td></tr>",
            "| Port | 2031 May | 2031 June |\n|---|---|---|\n| Kiel | 3 | 4 |",
        ),
        (  # a title across the table, a table in a cell
            "<tr><th colspan=2>The Gull</th></tr><tr><th>Mast</th><td><table><tr><td>oak</td><td>9 m</td></tr></table></td></tr>",
            "The Gull\n\n|  |  |\n|---|---|\n| Mast | oak 9 m |",
        ),
    ],
    ids=["list", "headings", "rowspan", "colspan", "title and nested"],
)
def test_a_table_with_blocks_and_spans_in_its_cells_stays_a_table(rows: str, table: str) -> None:
    """Such tables were shredded, their cells glued, and values slipped under the wrong heading."""
    assert read(f"<table>{rows}</table>").text == table


def test_a_layout_table_is_read_cell_by_cell_with_spaces() -> None:
    page = "<table role=presentation><tr><td>Sum</td><td>88 marks</td></tr><tr><td><p>Thanks.</p></td></tr></table>"
    assert read(page).text == "Sum 88 marks\n\nThanks."


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<ul><li><div><p>Boil it.</p><p>Cool it.</p></div></li></ul>", "- Boil it. Cool it."),
        ("<span style='display: block'>Fare</span><span style='display:block'>9</span>", "Fare\n\n9"),
        ("<p><label>Ship</label><b>Gull</b></p>", "Ship Gull"),
        ("<p><a>Ports</a><a>Fares</a></p>", "Ports Fares"),
        ("<p>by<b>pass</b></p>", "bypass"),
        ("<p>CO<sub>2</sub>, 5 m<sup>2</sup>, 10<sup>-3</sup>, word<sup>4</sup></p>", "CO2, 5 m2, 10^-3, word 4"),
        ("<p><ruby>港<rp>(</rp><rt>みなと</rt><rp>)</rp></ruby>で</p>", "港(みなと)で"),
        ("<p>Let <math><mfrac><mi>a</mi><msub><mi>b</mi><mn>1</mn></msub></mfrac></math>.</p>", r"Let $\frac{a}{b_{1}}$."),
        ("<p>Name <input value='Olga'><input type=hidden value=x></p>", "Name Olga"),
        ("<p><input type=checkbox checked> fed <input type=checkbox> groomed</p>", "[x] fed [ ] groomed"),
        ("<p><select><option>tin<option selected>oak</select></p>", "oak"),
        ("<svg><text>Valve 7</text></svg>", "Valve 7"),
        ("<ol start=3><li>Sail.</ol>", "3. Sail."),
        ("<ol start=3><li>Sail<pre>now</pre><li value=7>Moor</ol>", "3. Sail\n\nnow\n\n7. Moor"),
        ("<ul><li>Fares<table><tr><td>a</td><td>1</td></tr><tr><td>b</td><td>2</td></tr></table></ul>",
         "- Fares\n\n| a | 1 |\n|---|---|\n| b | 2 |"),
    ],
)  # fmt: skip
def test_what_stands_apart_on_the_page_stands_apart_in_the_text(page: str, text: str) -> None:
    assert read(page).text == text


@pytest.mark.parametrize(
    "page",
    [
        "<article><p>A teaser.</p></article><p>The ferry leaves at noon, and returns at dusk.</p>",
        "<div class=newsletter><p>The ferry leaves at noon.</p></div>",
        "<div class='social menu'><p>The ferry leaves at noon, for <a>Kiel</a>.</p></div>",
        "<p>Fares.</p><aside class=note>The ferry leaves at noon.</aside>",
        "<article><p>Fares.</p><footer>The ferry leaves at noon.</footer></article>",
        "<ul class=nav><li><a>The ferry leaves at noon</a><li><a>Ports</a></ul>",
    ],
)
def test_content_is_not_taken_for_furniture_by_its_name(page: str) -> None:
    """One <article>, or a class such as "newsletter", made the rest of the page or its content vanish."""
    assert "The ferry leaves at noon" in read(page).text


@pytest.mark.parametrize(
    "furniture",
    [
        "<ul class=menu><li><a>Home</a><li><a>Fares</a></ul>",
        "<div class=newsletter>Write to us <input> <button>Go</button></div>",
        "<aside><a>Home</a> <a>Fares</a></aside>",
        "<footer>Imprint</footer>",
        "<div id=cookie-banner>We use cookies.</div>",
    ],
)
def test_furniture_is_left_out_and_counted(furniture: str) -> None:
    document = read(f"<p>The ferry leaves at noon.</p>{furniture}")
    assert document.text == "The ferry leaves at noon."
    assert list(document.characters_left_out) == ["navigation"]


@pytest.mark.parametrize("silent", ["<script>%s</script>", "<style>%s</style>"])
def test_scripts_and_styles_are_no_text_that_makes_furniture_content(silent: str) -> None:
    """A menu or a banner with a long style in it was taken for content."""
    code = silent % (".a { color: red } " * 200)
    menu = (
        f"<div class=menu>{code}<a>Ports</a> <a>Fares</a></div><div class=cookie-bar>{code}Accept all</div>"
    )
    assert read(f"<body>{menu}<p>The ferry sails at noon.</p></body>").text == "The ferry sails at noon."


def parted(page: str, head: str = "") -> tuple[list[str], list[str]]:
    """What a page shows, and what it does not."""
    found = read_document(
        f"<!doctype html><html><head>{head}</head><body>{page}</body></html>".encode(), "p.html"
    )
    parts: tuple[list[str], list[str]] = ([], [])
    for block in found.blocks:
        parts[HIDDEN_TEXT in block.heading_path].append(found.text[block.start : block.end])
    assert HIDDEN_TEXT in parts[1] or not parts[1]
    return parts[0], parts[1][1:]


@pytest.mark.parametrize(
    "hiding",
    [
        "hidden",
        "style='display : none !important'",
        "style='color:red; visibility:hidden'",
        "style='font-size:0'",
        "style='font-size: 1px'",
        "style='opacity: 0.0'",
        "style='position:absolute; left:-9999px'",
        "style='height:0; overflow:hidden'",
        "style='color:#fff'",
        "style='color: rgb(250, 255, 255); background: white'",
        "style='background:#336699; color:#336699'",
        "class=ghost",
    ],
)
def test_what_a_page_does_not_show_is_kept_apart(hiding: str) -> None:
    """Hidden by its style, a text was read as if anybody could see it; by its attribute, it was lost."""
    page = f"<p>The fee is 40.</p><div {hiding}><p>The fee is <b>waived</b>.</p></div>"
    sheet = "<style>/* .seen{} */ .ghost{display:none}</style>" * (hiding == "class=ghost")
    assert parted(page, sheet) == (["The fee is 40."], ["The fee is waived ."])


@pytest.mark.parametrize(
    ("page", "head"),
    [
        ("<p style='opacity:0.4; font-size:9px'>Seen.</p>", ""),
        ("<p style='color:white; background:#036'>Seen.</p>", ""),
        ("<div style='background:#036'><p style='color:white'>Seen.</p></div>", ""),
        ("<p style='color:white'>Seen.</p>", "<style>body{background:black}</style>"),
        ("<p style='color:white'>Seen.</p>", "<link rel=stylesheet href=dark.css>"),
        ("<p style='color:white'><span style='color:red'>Seen.</span></p>", ""),
        ("<p class='tab on'>Seen.</p>", "<style>.tab{display:none} .tab.on{display:block}</style>"),
        ("<p class=tab>Seen.</p>", "<style>@media print{.tab{display:none}}</style>"),
        ("<p>Seen.</p>", "<style>body{visibility:hidden}</style>"),
        ("<p style='left:-20px; position:absolute'>Seen.</p>", ""),
    ],
)
def test_in_doubt_a_text_is_shown(page: str, head: str) -> None:
    assert parted(page, head) == (["Seen."], [])
