"""Passage text to units that can answer (a sentence, item, row or some code), and excerpts around them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Literal

from rag.records import Passage
from rag.text.sentences import split_sentences
from rag.text.words import words

MAX_WORDS = 90
MAX_ROWS = 10
MAX_CODE_LINES = 12
"""A stretch of code between empty lines is one unit up to this length; else each line is."""

Kind = Literal["prose", "list", "table", "code", "properties", "aside", "heading"]

_LINE = re.compile(r"[^\n]+\n?|\n")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_ROW = re.compile(r"\s*\|.*\|\s*$")
_RULE = re.compile(r"[\s:|]*-[\s:|-]*$")
_ITEM = re.compile(r"\s*(?:[-*+•‣▪◦–—]\s+|\(?\d{1,3}[.)]\s+)")
_PROPERTY = re.compile(r"\s+\S|- |[\w-]+:")
_HEADING = re.compile(r"\s{0,3}#{1,6}(?:\s|$)|\s*[=\-*_~]{3,}\s*$|\s*(?:\*\*|__)[^*_]{1,80}(?:\*\*|__):?\s*$")
_LEADS_IN = (":", "：")
_CJK = r"\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_CJK}]{{1,2}}|[^\s{_CJK}]+")

# Letters and web pages: what is around the text and never answers.
_MAIL_HEADER = re.compile(
    r"\s*>?\s*(?:from|to|cc|bcc|subject|sent|reply-to|date|message-id|von|an|betreff|gesendet|datum|objet"
    r"|asunto|de|à|para|fecha|发件人|收件人|主题|日期)\s*[:：]",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"\s*>?\s*(?:subject|betreff|cc|bcc|reply-to|message-id|objet|asunto)\s*:", re.IGNORECASE
)
_GREETING = re.compile(
    r"\s*(?:hello|hi|hey|dear|good (?:morning|afternoon|evening)|greetings|hallo|guten (?:tag|morgen|abend)"
    r"|liebe[rs]?|sehr geehrte[rs]?|bonjour|bonsoir|cher|chère|chers|salut|hola|buenos d[ií]as|estimad[oa]s?"
    r"|querid[oa]s?|ciao|beste|dag)\b[^.!?:;]{0,40}[,!:.]?\s*$|\s*(?:您好|你好|尊敬的[^。]{0,20})[，,!！:：]?\s*$",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"\s*(?:(?:best|kind|warm|many) (?:regards|wishes)|(?:best )?regards|yours (?:sincerely|faithfully|truly)"
    r"|sincerely|cheers|many thanks|thanks|thank you|all the best|best|mit freundlichen grüßen|viele grüße"
    r"|(?:liebe|beste|herzliche) grüße|cordialement|bien à vous|saludos(?: cordiales)?|atentamente|un saludo"
    r"|此致|敬礼)\s*[,.!，]?\s*$|\s*--\s*$",
    re.IGNORECASE,
)
_BOILERPLATE = re.compile(
    r"(?:©|\(c\) \d{4}|all rights reserved|alle rechte vorbehalten|tous droits réservés|unsubscribe"
    r"|cookie (?:policy|settings)|privacy policy \||skip to (?:main )?content|back to top|edit this page"
    r"|sent from my (?:iphone|ipad|phone|mobile))|^\s*(?:page|seite) \d+(?: (?:of|von|/) \d+)?\s*$",
    re.IGNORECASE,
)
_MARKUP = re.compile(
    r"!\[[^\]\n]*\]\([^)\n]*\)|\{%.{0,500}?%\}|<!--.{0,500}?-->|</?\w[^<>\n]*>|\{:[^}\n]*\}", re.DOTALL
)
_ADDRESS = re.compile(r"(?<=\])\((?:\{[^{}]*\}|[^(){}\s])*\)")
_SAYS = re.compile(r"\w")
_ENDS = re.compile(rf"[.!?…:;,。！？：；\d{_CJK}]")
_BOILERPLATE_WORDS = 25
_LABEL_WORDS = 4
"""A line alone of so few words, without a number or a full stop, is a heading or a name."""


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest piece of a text that can answer: a sentence, list item, table row or some code.

    `block` numbers the paragraph, list, table or code it is of, `section` the stretch between two
    headings. `header` is what it is read under: its table's first row, or the line that leads in to its
    list or code. One that does not answer (a greeting, a rule, a fence) only stands between others.
    """

    start: int
    end: int
    kind: Kind
    block: int
    section: int
    header: str = ""
    answers: bool = True


@dataclass(frozen=True, slots=True)
class _Run:
    """Consecutive lines of one kind."""

    kind: Kind
    start: int
    end: int


def units_of(passage: Passage, title: str = "") -> tuple[Unit, ...]:
    """The units of a passage in order, without overlap; `title` is its document's."""
    return units(passage.text, (*passage.heading_path, title), code=starts_in_code(passage, 0))


def starts_in_code(passage: Passage, start: int) -> bool:
    """Whether a place in a passage is inside a block of code."""
    fences = sum(bool(_FENCE.match(line)) for line in passage.text[:start].splitlines())
    # Front matter is code to the reader, and may outweigh the prose under it.
    all_code = passage.kind == "code" and not re.search(r"```|~~~|\A---\n", passage.text)
    return fences % 2 == 1 or all_code


@lru_cache(maxsize=512)
def units(text: str, headings: tuple[str, ...] = (), *, code: bool = False) -> tuple[Unit, ...]:
    """The units of a text in order, without overlap; `headings` are those it stands under."""
    found: list[Unit] = []
    section = 0
    runs = [_Run("code", 0, len(text))] if code else _runs(text, headings)
    for block, run in enumerate(runs):
        if run.kind == "heading":
            section += 1
            continue
        before = found[-1] if found and found[-1].section == section else None
        lead = ""
        if before and run.kind in ("list", "code") and _leads_in(text[before.start : before.end]):
            lead = text[before.start : before.end]
            found[-1] = replace(before, answers=before.answers and run.kind != "code")
        for start, end, header in _spans(text, run):
            answers = _can_answer(text[start:end], run.kind) and header != text[start:end]
            kind = run.kind if answers or run.kind not in ("prose", "list") else "aside"
            found.append(Unit(start, end, kind, block, section, header or lead, answers))
    return tuple(found)


def _leads_in(piece: str) -> bool:
    return piece.rstrip("*_ ").endswith(_LEADS_IN)


def _spans(text: str, run: _Run) -> Iterator[tuple[int, int, str]]:
    """The units of a run of lines; a table's rows, its first too, with that first row."""
    if run.kind in ("prose", "list"):
        for start, end in split_sentences(text[run.start : run.end]):
            yield from ((left, right, "") for left, right in _cut(text, run.start + start, run.start + end))
    elif run.kind == "code":
        yield from ((start, end, "") for start, end in _code_spans(text, run))
    else:
        lines = _lines(text, run)
        ruled = run.kind == "table" and len(lines) > 1 and _RULE.match(text[slice(*lines[1])])
        header = text[slice(*lines[0])] if ruled else ""
        for line in lines:
            yield from ((start, end, header) for start, end in _cut(text, *line))


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A span whole, or in parts where it alone is longer than an excerpt may be."""
    matches = list(_WORD.finditer(text, start, end))
    parts = -(-len(matches) // MAX_WORDS) or 1
    most = -(-len(matches) // parts)
    for first in range(0, len(matches), most or 1):
        yield matches[first].start(), matches[min(first + most, len(matches)) - 1].end()


def _code_spans(text: str, run: _Run) -> Iterator[tuple[int, int]]:
    """The fences, and the code between its empty lines; line by line where that is long."""
    stretch: list[tuple[int, int]] = []
    for match in [*_LINE.finditer(text, run.start, run.end), None]:
        line = match.group() if match else ""
        if match and line.strip() and not _FENCE.match(line):
            stretch.append(_trimmed(text, *match.span()))
            continue
        if stretch:
            whole = stretch[0][0], stretch[-1][1]
            short = len(stretch) <= MAX_CODE_LINES and size(text[slice(*whole)]) <= MAX_WORDS
            for span in [whole] if short else stretch:
                yield from _cut(text, *span)
            stretch = []
        if match and line.strip():
            yield _trimmed(text, *match.span())


def _lines(text: str, run: _Run) -> list[tuple[int, int]]:
    """The lines of a run that hold something, without the white space around them."""
    matches = (match.span() for match in _LINE.finditer(text, run.start, run.end) if match.group().strip())
    return [_trimmed(text, start, end) for start, end in matches]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())


def _can_answer(piece: str, kind: Kind) -> bool:
    """Whether a unit says something by itself."""
    if kind == "aside" or not _SAYS.search(_MARKUP.sub("", piece)) or _FENCE.match(piece):
        return False
    if kind == "table":
        return not _RULE.match(piece)
    if kind == "properties":
        return bool(re.match(r"[\w-]+:\s*\S", piece))
    return True


def _runs(text: str, headings: Sequence[str]) -> list[_Run]:
    """The text's lines in runs of one kind; empty lines part all but code."""
    known = {tuple(words(heading)) for heading in headings}
    lines = list(_LINE.finditer(text))
    found: list[_Run] = []
    fenced = properties = signing = False
    for number, match in enumerate(lines):
        line = match.group()
        last = found[-1] if found and found[-1].end == match.start() else None
        opens = number == 0 and len(lines) > 1 and bool(re.match(r"[\w-]+:", lines[1].group()))
        if line.strip() == "---" and (properties or opens):
            properties = not properties
            continue
        fence = bool(_FENCE.match(line))
        properties = properties and bool(_PROPERTY.match(line))
        if fenced:
            found[-1] = replace(found[-1], end=match.end())
        elif line.strip():
            alone = last is None and (number + 1 == len(lines) or not lines[number + 1].group().strip())
            signing = bool(_CLOSING.match(line)) or (signing and _is_label(line, most=6))
            aside = signing or _is_aside(
                [one.group() for one in lines[max(0, number - 1) : number + 2]], line
            )
            kind: Kind = "code" if fence else "properties" if properties else _kind(line, last, known)
            if kind in ("prose", "list") and (aside or (kind == "prose" and alone and _is_label(line))):
                kind = "aside"
            if last and last.kind == kind and not fence:
                found[-1] = replace(last, end=match.end())
            else:
                found.append(_Run(kind, match.start(), match.end()))
        fenced ^= fence
    return found


def _kind(line: str, last: _Run | None, headings: set[tuple[str, ...]]) -> Kind:
    """What a line outside code is, after a run that ends where it begins."""
    if _ROW.match(line):
        return "table"
    if _HEADING.match(line) or tuple(words(line)) in headings:
        return "heading"
    in_list = last is not None and last.kind == "list"
    return "list" if in_list or _ITEM.match(line) else "prose"


def _is_aside(around: Sequence[str], line: str) -> bool:
    """Whether a line is a greeting, boilerplate or, with one beside it, a header of a mail."""
    if _MAIL_HEADER.match(line):
        headers = sum(bool(_MAIL_HEADER.match(one)) for one in around)
        return headers >= 2 or bool(_SUBJECT.match(line))
    boilerplate = _BOILERPLATE.search(line) and len(words(line)) <= _BOILERPLATE_WORDS
    return bool(_GREETING.match(line) or boilerplate)


def _is_label(line: str, *, most: int = _LABEL_WORDS) -> bool:
    """Whether a line only names somebody or something."""
    return len(line.split()) <= most and not _ENDS.search(line.strip().rstrip(","))


def excerpt(text: str, every: Sequence[Unit], chosen: int) -> tuple[int, int]:
    """The span to show around a unit: its block with the lead-in, and whole blocks of its section that fit.

    At most `MAX_WORDS` words and, of a table, `MAX_ROWS` rows, the header among them. A block that is too
    long is cut at the borders of its units, around the chosen one.
    """
    window = _Window(text, every, chosen)
    for whole in (False, True):
        while any([window.take(window.first - 1, whole=whole), window.take(window.last + 1, whole=whole)]):
            pass
    shown = [unit for unit in every[window.first : window.last + 1] if unit.kind != "aside"]
    return shown[0].start, shown[-1].end


class _Window:
    """The units around a chosen one that are shown, and how many more words and rows fit."""

    def __init__(self, text: str, every: Sequence[Unit], chosen: int) -> None:
        self.text, self.every, self.unit = text, every, every[chosen]
        self.first = self.last = chosen
        self.words = MAX_WORDS - size(self._piece(chosen)) - size(self.unit.header)
        self.rows = MAX_ROWS - 1 - bool(self.unit.header)

    def take(self, edge: int, *, whole: bool) -> bool:
        """Adds the unit at an edge if it is of the chosen one's block or leads in to it.

        With `whole`, all of a block of the same section. False where it does not belong or does not fit.
        """
        if not 0 <= edge < len(self.every):
            return False
        other = self.every[edge]
        more = [edge]
        if whole:
            outside = (i for i in range(len(self.every)) if not self.first <= i <= self.last)
            more = [i for i in outside if self.every[i].block == other.block]
        alike = other.section == self.unit.section and "properties" not in {other.kind, self.unit.kind}
        words = sum(size(self._piece(i)) for i in more if self._piece(i) != self.unit.header)
        rows = sum(self._is_row(i) for i in more)
        belongs = alike if whole else other.block == self.unit.block or self._piece(edge) == self.unit.header
        if not belongs or words > self.words or rows > self.rows:
            return False
        self.first, self.last = min(self.first, *more), max(self.last, *more)
        self.words, self.rows = self.words - words, self.rows - rows
        return True

    def _piece(self, number: int) -> str:
        return self.text[self.every[number].start : self.every[number].end]

    def _is_row(self, number: int) -> bool:
        piece = self._piece(number)
        return self.every[number].kind == "table" and piece != self.unit.header and not _RULE.match(piece)


def without_markup(text: str) -> str:
    """A text without tags, pictures and the addresses of links, as it is understood."""
    return _MARKUP.sub("", _ADDRESS.sub("", text))


def size(text: str) -> int:
    """Words of a text, two letters of a script without spaces counting as one."""
    return len(_WORD.findall(text))


def pieces(passage: Passage) -> list[tuple[int, int]]:
    """The spans that are read as one: sentences and items, short tables and code whole, else row by row."""
    found: list[tuple[int, int]] = []
    for _, group in groupby(units_of(passage), lambda unit: unit.block):
        block = list(group)
        start, end = block[0].start, block[-1].end
        whole = block[0].kind in ("table", "code") and size(passage.text[start:end]) <= MAX_WORDS
        found += [(start, end)] if whole else [(unit.start, unit.end) for unit in block]
    return found
