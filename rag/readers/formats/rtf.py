"""Rich text (RTF): its paragraphs, and tables as rows of cells."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.readers.building import DocumentBuilder
from rag.readers.registry import Format
from rag.readers.tables import markdown_table
from rag.records import BlockKind, Document

_FOOTNOTE = re.compile(r"\{(?:\\\*)?\\footnote\b")
_HEADER, _FOOTER = re.compile(r"\{\\header[lrf]?\b"), re.compile(r"\{\\footer[lrf]?\b")
_BOX, _COMMENT = re.compile(r"\{\\shptxt\b"), re.compile(r"\{\\\*\\annotation\b")
_BRACE = re.compile(r"(?<!\\)[{}]")
_STYLE = re.compile(r"\{\\s(\d+)\b([^{}]*(?:\{[^{}]*\}[^{}]*)*);\}")
_OUTLINE_LEVEL = re.compile(r"\\outlinelevel([0-8])\b")
# Programs that do not write an outline level name their headings in English, whatever they speak.
_HEADING_NAME = re.compile(r"\bheading (\d)$", re.IGNORECASE)
_TITLE_NAME = re.compile(r"(?:^|[\s\d])title$", re.IGNORECASE)
_CODE_NAME = re.compile(r"\b(?:source code|preformatted text|html preformatted|plain text)$", re.IGNORECASE)
# A paragraph's settings: the control words behind `pard`, up to the first that puts something down.
_PARAGRAPH = re.compile(
    r"\\pard\b((?:\\(?!(?:par|pard|line|cell|row|tab|sect|page)\b|u-?\d)[a-z]+-?\d* ?|\s)*)"
)
_STYLE_OF = re.compile(r"\\s(\d+)\b")
_FONT_OF = re.compile(r"\\f(\d+)\b")
_FIXED_FONT = re.compile(r"\{\\f(\d+)\s*\\fmodern\b")
# Some programs end a cell's last paragraph, which would end the row's line of text.
_CELL_END = re.compile(r"\\par\b(?=[\s}]*\\cell\b)")
_MARK = re.compile("\x02(.)")
_ITEM = re.compile(r"\s*(?:([•●▪■◦‣·–—*o-])|(\d{1,3}[.)]))\t\s*")
_TEXT, _CODE = "p", "c"


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """Headings and code by their styles, lists, tables, and a paragraph for every other line."""
    source = data.decode("latin-1")
    builder = DocumentBuilder()
    _add_apart(builder, source, _HEADER)
    group: list[str] = []
    kind: BlockKind = "paragraph"
    for role, line in [*_lines(source), (_TEXT, "")]:
        is_row = line.count("|") > 1 and line.rstrip().endswith("|")
        own: BlockKind = (
            "table" if is_row else "code" if role == _CODE else "list" if _ITEM.match(line) else "paragraph"
        )
        if group and own != kind:
            _add_group(builder, kind, group)
            group = []
        kind = own
        if own != "paragraph":
            group.append(line)
        elif role.isdigit() and line.strip():
            builder.heading(line.strip(), int(role))
        else:
            builder.add("paragraph", line.strip())
    for place in (_BOX, _FOOTNOTE, _FOOTER):
        _add_apart(builder, source, place)
    builder.leave_out("comments", "".join(_plain("{\\rtf1" + one + "}") for one in _apart(source, _COMMENT)))
    return builder.build(title=None, name=name, media_type=FORMAT.media_type)


def _plain(source: str) -> str:
    from striprtf.striprtf import rtf_to_text  # type: ignore[import-untyped, unused-ignore]

    text = str(rtf_to_text(source, errors="replace"))  # type: ignore[no-untyped-call]
    # A letter beyond the basic plane is written as two halves.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _add_apart(builder: DocumentBuilder, source: str, place: re.Pattern[str]) -> None:
    """Adds what stands apart from the text, each different piece once."""
    for inside in dict.fromkeys(_apart(source, place)):
        text = _plain("{\\rtf1" + inside + "}").strip()
        if any(map(str.isalpha, text)):  # not a page's number
            builder.add("paragraph", text)


def _add_group(builder: DocumentBuilder, kind: BlockKind, lines: list[str]) -> None:
    """A table of rows, a list of items, or lines of code."""
    if kind == "table":
        builder.add("table", markdown_table([line.rstrip().rstrip("|").split("|") for line in lines]))
    elif kind == "list":
        builder.add(
            "list", "\n".join(_ITEM.sub(lambda m: f"{m[2] or '-'} ", line, count=1) for line in lines)
        )
    else:
        builder.add("code", "\n".join(lines).rstrip())


def _lines(source: str) -> Iterator[tuple[str, str]]:
    """Each line of the text with its role: a heading's level, code, or text.

    The library that takes the text out of RTF drops the styles, so each paragraph is given a mark first.
    """
    roles, fixed = dict(_roles(source)), set(_FIXED_FONT.findall(source))

    def role_of(settings: str) -> str:
        style, level = _STYLE_OF.search(settings), _OUTLINE_LEVEL.search(settings)
        if style and style[1] in roles:
            return roles[style[1]]
        if level:
            return str(min(6, int(level[1]) + 1))
        fonts = _FONT_OF.findall(settings)
        return _CODE if fonts and fonts[-1] in fixed else _TEXT

    marked = _PARAGRAPH.sub(lambda m: f"{m[0]}{{\x02{role_of(m[1])}}}", _CELL_END.sub("", source))
    role = _TEXT
    for line in _plain(marked).split("\n"):
        marks = _MARK.findall(line)
        if marks:
            role = marks[-1]
        yield role, _MARK.sub("", line)
        if role.isdigit():
            role = _TEXT


def _roles(source: str) -> Iterator[tuple[str, str]]:
    """The styles of the stylesheet that are a heading's, a title's or code's."""
    for number, body in _STYLE.findall(source):
        name = re.sub(r"\\\w+-?\d*|[{}]", " ", body).strip()
        level = _OUTLINE_LEVEL.search(body)
        heading = _HEADING_NAME.search(name)
        if level or heading:
            yield number, str(min(6, int(level[1]) + 1 if level else int(heading[1]) if heading else 6))
        elif _TITLE_NAME.search(name):
            yield number, "1"
        elif _CODE_NAME.search(name):
            yield number, _CODE


def _apart(source: str, place: re.Pattern[str]) -> Iterator[str]:
    """The insides of notes, headers or boxes, which striprtf leaves out."""
    for match in place.finditer(source):
        depth = 1
        for brace in _BRACE.finditer(source, match.end()):
            depth += 1 if brace.group() == "{" else -1
            if depth == 0:
                yield source[match.end() : brace.start()]
                break


def _recognises(data: bytes) -> bool:
    return data.lstrip()[:5] == b"{\\rtf"


FORMAT = Format("Rich text", "application/rtf", (".rtf",), read, recognises=_recognises, rank=20)
