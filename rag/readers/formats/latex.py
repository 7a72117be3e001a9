"""LaTeX: its sections, paragraphs, lists, tables and formulas, without the commands of the layout."""

from __future__ import annotations

import re

from rag.readers.building import DocumentBuilder, one_line
from rag.readers.decoding import decode
from rag.readers.registry import Format
from rag.readers.tables import markdown_table
from rag.records import Document

_COMMENT = re.compile(r"(?<!\\)%[^\n]*\n?")
_SECTION = re.compile(
    r"\\(part|chapter|section|subsection|subsubsection|paragraph|subparagraph)\*?(?:\[[^\]]*\])?\{"
)
_LEVELS = {"part": 1, "chapter": 1, "section": 2, "subsection": 3, "subsubsection": 4, "paragraph": 5}
_FIELD = re.compile(r"\\(title|author|date)\s*(?:\[[^\]]*\])?\{")
_ENVIRONMENT = re.compile(r"\\begin\{(\w+)\*?\}(.*?)\\end\{\1\*?\}", re.DOTALL)
_LISTS = ("itemize", "enumerate", "description")
_FORMULAS = ("equation", "align", "gather", "multline", "eqnarray", "displaymath", "math")
_CODE = ("verbatim", "lstlisting", "minted")
_TABLES = ("tabular", "tabularx", "longtable", "array")
_PIECE = re.compile(
    r"\\begin\{(" + "|".join((*_LISTS, *_FORMULAS, *_CODE, *_TABLES)) + r")\*?\}.*?\\end\{\1\*?\}"
    r"|\n[ \t]*\n|" + _SECTION.pattern,
    re.DOTALL,
)
_ITEM = re.compile(r"\\item(?:\s*\[([^\]]*)\])?")
_HIDDEN = re.compile(
    r"\\(?:label|vspace|hspace|includegraphics|bibliographystyle|bibliography|usepackage|input|include|thispagestyle"
    r"|pagestyle|setlength|hypersetup|graphicspath)\*?(?:\[[^\]]*\])?\{[^{}]*\}(?:\{[^{}]*\})?"
    r"|\\(?:begin|end)\{[^{}]*\}(?:\[[^\]]*\])?"
)
_REFERENCE = re.compile(r"\\(?:eq|page|auto|c|C)?ref\{([^{}]*)\}|\\cite\w*\*?(?:\[[^\]]*\])*\{([^{}]*)\}")
_COMMAND = re.compile(r"\\[a-zA-Z]+\*?(?:\[[^\]]*\])?\s*|\\[\\,;:! ]")
_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$]*\$|\\\(.*?\\\)|\\\[.*?\\\]", re.DOTALL)
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
    text = _COMMENT.sub("", text.replace("\r\n", "\n"))
    head, _, body = text.partition("\\begin{document}")
    fields = {match[1]: _plain(_braced(text, match.end())) for match in _FIELD.finditer(text)}
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
        if match[2]:
            title = _braced(body, match.end())
            at += len(title) + 1
            builder.heading(_plain(title), _LEVELS.get(match[2], 6))
        elif match[1]:
            _add_environment(builder, match[1], match.group())
    builder.add("paragraph", _plain(body[at:]))


def _add_environment(builder: DocumentBuilder, kind: str, source: str) -> None:
    inside = re.sub(r"^\\begin\{[^}]*\}|\\end\{[^}]*\}$", "", source)
    if kind in _CODE:
        builder.add("code", re.sub(r"^(?:\[[^\]]*\])?(?:\{[^}]*\})?\n", "", inside).strip("\n"))
    elif kind in _FORMULAS:
        builder.add("paragraph", f"${one_line(_HIDDEN.sub('', inside))}$")
    elif kind in _TABLES:
        body = re.sub(r"^(?:\[[^\]]*\]|\{(?:[^{}]|\{[^{}]*\})*\})+", "", inside)
        rows = re.sub(r"\\(?:hline|toprule|midrule|bottomrule|cline\{[^}]*\})", "", body).split("\\\\")
        builder.add(
            "table", markdown_table([[_plain(cell) for cell in re.split(r"(?<!\\)&", row)] for row in rows])
        )
    else:
        items = re.split(r"(?=\\item\b)", inside)[1:]
        lines = [
            f"{f'{number}.' if kind == 'enumerate' else '-'} {_item(item)}"
            for number, item in enumerate(items, start=1)
        ]
        builder.add("list", "\n".join(lines))


def _item(item: str) -> str:
    match = _ITEM.match(item)
    label = _plain(match[1] or "") if match else ""
    text = one_line(_plain(item[match.end() if match else 0 :]))
    return f"{label}: {text}" if label else text


def _plain(text: str) -> str:
    """The text without commands, but formulas as they are."""
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


def _braced(text: str, start: int) -> str:
    """What stands between the brace before `start` and the one that closes it."""
    depth = 1
    for place in range(start, len(text)):
        depth += (text[place] == "{") - (text[place] == "}")
        if depth == 0:
            return text[start:place]
    return text[start:]


FORMAT = Format("LaTeX", "application/x-tex", (".tex", ".latex"), read)
