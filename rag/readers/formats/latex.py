"""LaTeX: its sections, paragraphs, lists, tables and formulas, without the commands of the layout."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.readers.building import DocumentBuilder, one_line
from rag.readers.decoding import decode
from rag.readers.registry import Format
from rag.readers.tables import Cell, markdown_table, span, spread
from rag.records import Document

_SECTION = re.compile(
    r"\\(part|chapter|section|subsection|subsubsection|paragraph|subparagraph)\*?(?:\[[^\]]*\])?\{"
)
_LEVELS = {"part": 1, "chapter": 1, "section": 2, "subsection": 3, "subsubsection": 4, "paragraph": 5}
_FIELD = re.compile(r"\\(title|author|date)\s*(?:\[[^\]]*\])?\{")
_LISTS = ("itemize", "enumerate", "description")
_FORMULAS = ("equation", "align", "gather", "multline", "eqnarray", "displaymath", "math")
_CODE = ("verbatim", "lstlisting", "minted")
_TABLES = ("tabular", "tabularx", "longtable", "array")
_BEGIN = re.compile(r"\\begin\{(" + "|".join((*_LISTS, *_FORMULAS, *_CODE, *_TABLES)) + r")\*?\}")
_PIECE = re.compile(rf"{_BEGIN.pattern}|\n[ \t]*\n|{_SECTION.pattern}")
_COMMENT = re.compile(
    rf"\\begin\{{({'|'.join(_CODE)})\*?\}}|\\verb\*?([^\sa-zA-Z*])[^\n]*?\2|\\.|%[^\n]*\n?", re.DOTALL
)
_BRACES = re.compile(r"\\.|[{}]", re.DOTALL)
_ARGUMENTS = {
    **dict.fromkeys(("footnote", "footnotetext", "thanks"), (1, " ({0})")),
    "href": (2, "{1} ({0})"),
    **dict.fromkeys(("textcolor", "colorbox", "parbox", "raisebox", "foreignlanguage"), (2, "{1}")),
    **dict.fromkeys(("scalebox", "rotatebox"), (2, "{1}")),
    **dict.fromkeys(("fcolorbox", "multicolumn", "multirow", "resizebox"), (3, "{2}")),
    "color": (1, ""),
    "rule": (2, ""),
}
"""Commands of several arguments: how many, and what is shown of them."""
_WITH_ARGUMENTS = re.compile(rf"\\({'|'.join(_ARGUMENTS)})\*?(?:\[[^\]]*\])?\s*(?=\{{)")
_DEEPEST = 8  # TeX itself takes lists to four
_OPENING = re.compile(r"\s*\{")
_SPANNING = re.compile(r"\s*\\multicolumn\s*\{(\d+)\}")
_NESTED = re.compile("\0(\\d+)\0")
_ITEM = re.compile(r"\\item(?:\s*\[([^\]]*)\])?")
_HIDDEN = re.compile(
    r"\\(?:label|vspace|hspace|includegraphics|bibliographystyle|bibliography|usepackage|input|include|thispagestyle"
    r"|pagestyle|setlength|hypersetup|graphicspath)\*?(?:\[[^\]]*\])?\{[^{}]*\}(?:\{[^{}]*\})?"
    r"|\\(?:begin|end)\{[^{}]*\}(?:\[[^\]]*\])?"
)
_REFERENCE = re.compile(r"\\(?:eq|page|auto|c|C)?ref\{([^{}]*)\}|\\cite\w*\*?(?:\[[^\]]*\])*\{([^{}]*)\}")
_COMMAND = re.compile(r"\\[a-zA-Z]+\*?(?:\[[^\]]*\])?\s*|\\[\\,;:! ]")
_FORMULA = re.compile(
    r"(?<!\\)(?:\$\$(?:[^$\\]|\\.)*+\$\$|\$(?:[^$\\]|\\.)*+\$"
    r"|\\\((?:[^\\]|\\[^()])*+\\\)|\\\[(?:[^\\]|\\[^\[\]])*+\\\])",
    re.DOTALL,
)
_ACCENTS = {
    '"': "\u0308",
    "'": "\u0301",
    "`": "\u0300",
    "^": "\u0302",
    "~": "\u0303",
    "c": "\u0327",
    "v": "\u030c",
}
_ACCENT = re.compile(r"\\([\"'`^~]|[cv](?=\{))\{?\\?([A-Za-z])\}?")
_SIGNS = {
    "\\ss": "ß",
    "\\o": "ø",
    "\\O": "Ø",
    "\\ae": "æ",
    "\\l": "ł",
    "\\&": "&",
    "\\%": "%",
    "\\$": "$",
    "\\#": "#",
    "\\_": "_",
}
_SIGN = re.compile(r"\\(?:ss|ae|[oOl])(?![a-zA-Z])\s?(?:\{\})?|\\[&%$#_]")


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """The text of the document, or of the whole file where it has no beginning, as in a chapter."""
    builder = DocumentBuilder()
    text, encoding = decode(data)
    if encoding:
        builder.warn(f"Read as {encoding}.")
    text = _without_comments(text.replace("\r\n", "\n").replace("\0", ""))
    head, _, body = text.partition("\\begin{document}")
    places = {match[1]: match.end() for match in _FIELD.finditer(text)}
    fields = {name: _plain(_braced(text, place)) for name, place in places.items()}
    if fields.get("title"):
        builder.heading(fields["title"], 1)
        builder.add("paragraph", "\n".join(filter(None, (fields.get("author"), fields.get("date")))))
    body = (body or head).partition("\\end{document}")[0]
    _add(builder, _FIELD_WHOLE.sub("", body))
    return builder.build(
        title=fields.get("title"), name=name, media_type=FORMAT.media_type, date=fields.get("date")
    )


_FIELD_WHOLE = re.compile(
    r"\\(?:title|author|date|maketitle|tableofcontents)\b\s*(?:\[[^\]]*\])?(?:\{[^{}]*\})?"
)


def _add(builder: DocumentBuilder, body: str) -> None:
    at = 0
    for match in _PIECE.finditer(body):
        if match.start() < at:
            continue
        builder.add("paragraph", _plain(body[at : match.start()]))
        at = match.end()
        if match[1]:
            inside, at = _environment(body, match)
            _add_environment(builder, match[1], inside)
        elif match[2]:
            title = _braced(body, match.end())
            at += len(title) + 1
            builder.heading(_plain(title), _LEVELS.get(match[2], 6))
    builder.add("paragraph", _plain(body[at:]))


def _without_comments(text: str) -> str:
    """The text without what follows a %, which is no comment in code."""
    parts, at = [], 0
    for match in _COMMENT.finditer(text):
        if match.start() < at:
            continue
        if match[1]:
            parts.append(text[at : (end := _environment(text, match)[1])])
            at = end
        elif match.group().startswith("%"):
            parts.append(text[at : match.start()])
            at = match.end()
    return "".join([*parts, text[at:]])


def _environment(text: str, begin: re.Match[str]) -> tuple[str, int]:
    """What is inside an environment that has begun, and where it ends: with the text if nothing closes it."""
    depth = 1
    for match in re.finditer(rf"\\(begin|end)\{{{begin[1]}\*?\}}", text[begin.end() :]):
        depth += 1 if match[1] == "begin" and begin[1] not in _CODE else -1 if match[1] == "end" else 0
        if not depth:
            return text[begin.end() : begin.end() + match.start()], begin.end() + match.end()
    return text[begin.end() :], len(text)


def _add_environment(builder: DocumentBuilder, kind: str, inside: str) -> None:
    if kind in _CODE:
        builder.add("code", re.sub(r"^(?:\[[^\]]*\])?(?:\{[^}]*\})?\n", "", inside).strip("\n"))
    elif kind in _FORMULAS:
        builder.add("paragraph", f"${one_line(_HIDDEN.sub('', inside))}$")
    elif kind in _TABLES:
        body = re.sub(r"^(?:\[[^\]]*\]|\{(?:[^{}]|\{[^{}]*\})*\})+", "", inside)
        rows = re.sub(r"\\(?:hline|toprule|midrule|bottomrule|cline\{[^}]*\})", "", body).split("\\\\")
        cells = [
            [_cell(cell, heads=not at) for cell in re.split(r"(?<!\\)&", row)] for at, row in enumerate(rows)
        ]
        builder.add("table", markdown_table(spread(cells)))
    else:
        builder.add("list", "\n".join(_list_lines(kind, inside)))


def _cell(source: str, *, heads: bool) -> Cell:
    spanning = _SPANNING.match(source)
    return Cell(_plain(source), span(spanning[1]) if spanning else 1, heads=heads)


def _list_lines(kind: str, inside: str, depth: int = 0) -> Iterator[str]:
    """A line for each item, those of lists in it below it and indented."""
    nested: list[tuple[str, str]] = []
    parts, at = [], 0
    for match in _BEGIN.finditer(inside):
        if match.start() >= at and match[1] in _LISTS and depth < _DEEPEST:
            parts += [inside[at : match.start()], f"\0{len(nested)}\0"]
            source, at = _environment(inside, match)
            nested.append((match[1], source))
    items = re.split(r"(?=\\item\b)", "".join([*parts, inside[at:]]))[1:]
    for number, item in enumerate(items, start=1):
        mark = f"{number}." if kind == "enumerate" else "-"
        yield f"{'  ' * depth}{mark} {_item(_NESTED.sub(' ', item))}"
        for place in _NESTED.findall(item):
            yield from _list_lines(*nested[int(place)], depth + 1)


def _item(item: str) -> str:
    match = _ITEM.match(item)
    label = _plain(match[1] or "") if match else ""
    text = one_line(_plain(item[match.end() if match else 0 :]))
    return f"{label}: {text}" if label else text


def _plain(text: str) -> str:
    """The text without commands, but formulas as they are."""
    text = _expanded(text)
    parts, at = [], 0
    for match in _FORMULA.finditer(text):
        parts += [_bare(text[at : match.start()]), match.group()]
        at = match.end()
    joined = "".join([*parts, _bare(text[at:])])
    return "\n".join(filter(None, map(one_line, joined.split("\n"))))


def _bare(text: str) -> str:
    import unicodedata

    text = _SIGN.sub(lambda match: _SIGNS[match.group().rstrip("{} ")], text)
    text = _ACCENT.sub(lambda match: unicodedata.normalize("NFC", match[2] + _ACCENTS[match[1]]), text)
    text = _REFERENCE.sub(lambda match: f"[{match[1] or match[2]}]", _HIDDEN.sub("", text))
    text = text.replace("\\\\", "\n").replace("~", " ").replace("``", "“").replace("''", "”")
    return _COMMAND.sub("", text).replace("{", "").replace("}", "").replace("---", "—").replace("--", "–")


def _expanded(text: str, depth: int = 0) -> str:
    """The text with what is shown of commands of several arguments in their place."""
    parts, at = [], 0
    for match in _WITH_ARGUMENTS.finditer(text) if depth < _DEEPEST else ():
        if match.start() < at:
            continue
        count, form = _ARGUMENTS[match[1]]
        parts.append(text[at : match.start()])
        at, found = match.end(), list[str]()
        while len(found) < count and (opening := _OPENING.match(text, at)):
            found.append(_braced(text, opening.end()))
            at = opening.end() + len(found[-1]) + 1
        found = [_expanded(one, depth + 1) for one in found]
        parts.append(form.format(*found) if len(found) == count else " ".join(found))
    return "".join([*parts, text[at:]])


def _braced(text: str, start: int) -> str:
    """What stands between the brace before `start` and the one that closes it."""
    depth = 1
    for match in _BRACES.finditer(text, start):
        depth += (match.group() == "{") - (match.group() == "}")
        if depth == 0:
            return text[start : match.start()]
    return text[start:]


FORMAT = Format("LaTeX", "application/x-tex", (".tex", ".latex"), read)
