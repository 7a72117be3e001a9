"""Text to sentence spans, in any script, by punctuation and line structure alone."""

from __future__ import annotations

import re

_CLOSERS = r"[\"'”’»«)\]】」』）》*_]*"
# A dot-like mark needs white space (or the end) behind it; a CJK, Arabic or Indic mark ends by itself.
_END = re.compile(
    rf"(?P<spaced>[.!?…]+){_CLOSERS}(?:\[\d+(?:\s*,\s*\d+)*\])*(?=\s|$)"
    rf"|(?P<solid>[。！？｡．‼⁇⁉؟۔।॥።።։។။།]+){_CLOSERS}(?:\[\d+(?:\s*,\s*\d+)*\])*"
)
_LIST_ITEM = re.compile(r"\s*(?:[-*+•‣▪◦–—]\s+|\(?\d{1,3}[.)]\s+|\(?[a-zA-Z][.)]\s+(?=\S))")
_LINE = re.compile(r"[^\n]*\n?")
_THAI_PAUSE = re.compile(r"(?<=[\u0e00-\u0e7f\u0e80-\u0eff])[ \t]+(?=[\u0e00-\u0eff])")
_THAI_CLAUSE_CHARACTERS = 60
_NUMBER_TOKEN = re.compile(r"[(\-–$€£¥]*\d[\d.,%)]*")


def _words(lines: str) -> frozenset[str]:
    return frozenset(lines.split())


# Abbreviations that never end a sentence, those that do not before a number, and those that do when
# a sentence opener follows.
_STRONG = _words(
    """mr mrs ms dr v prof st sgt capt lt col rep sen gov hon rev vs e.g i.e cf approx ca est dept bzw z.b d.h
    u.a s.o s.u vgl ggf evtl inkl zzgl bspw sog hrsg mme mlle p.ex sra srta dra ud uds p.ej avda sigg dott
    т.е г ул им проф"""
)
_BEFORE_NUMBER = _words(
    """no nos nr fig figs eq eqs sec ch p pp vol ed eds art abs tel str kl bd mio mrd min max mind jan feb
    mar apr jun jul aug sep sept oct nov dec okt dez pág núm n"""
)
_WEAK = _words(
    """inc ltd co corp plc llc jr sr bros etc usw u.s u.k u.n e.u d.c a.m p.m b.c a.d ph.d m.d b.a al gen
    m.a b.sc m.sc op mt ft sq dgl ff esq n.a m mm hr fr sig ing т.д т.п др"""
)
_OPENERS = _words(
    """the a an it he she they we you i this that these those there in on at by from for with as if when
    while after before since although because however but and or so then its his her their our my one
    two some many most all no not what who where why how der die das ein eine er sie es wir ihr ich im
    am bei nach vor seit als wenn dieser diese dieses auch le la les un une il elle ils elles nous
    vous ce cette ces dans en au aux el los las una este esta estos al del para por con"""
)
# A number before a dot is a German ordinal after these words or before those.
_BEFORE_ORDINAL = _words("am der die das dem den des im vom zum bis ab seit beim zur jeden")
_AFTER_ORDINAL = _words(
    """januar februar märz april mai juni juli august september oktober november dezember jänner
    jahrhundert jahrhunderts weltkrieg weltkriegs klasse platz rang etage stock quartal"""
)


def split_sentences(text: str) -> list[tuple[int, int]]:
    """The sentences of a text as (start, end) character offsets, in order.

    Spans neither overlap nor begin or end with white space, and every non-space character lies in
    one. A blank line, a list item, a heading and a table row always start a new span; a single line
    break inside prose does not.
    """
    spans: list[tuple[int, int]] = []
    for start, end, is_prose in _segments(text):
        cuts = _prose_cuts(text, start, end) if is_prose else []
        for left, right in zip([start, *cuts], [*cuts, end], strict=True):
            trimmed = _trim(text, left, right)
            if trimmed:
                spans.append(trimmed)
    return spans


def _trim(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The span without the white space at its ends; None when nothing is left."""
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    end -= len(piece) - len(piece.rstrip())
    return (start, end) if start < end else None


def _segments(text: str) -> list[tuple[int, int, bool]]:
    """Runs of lines that belong together, as (start, end, is prose)."""
    segments: list[tuple[int, int, bool]] = []
    open_start: int | None = None
    position = 0
    while position < len(text):
        match = _LINE.match(text, position)
        end = match.end() if match else len(text)
        line = text[position:end]
        alone = _stands_alone(line)
        if alone or not line.strip() or _LIST_ITEM.match(line):
            if open_start is not None:
                segments.append((open_start, position, True))
            open_start = None if alone or not line.strip() else position
            if alone:
                segments.append((position, end, False))
        elif open_start is None:
            open_start = position
        position = end
    if open_start is not None:
        segments.append((open_start, len(text), True))
    return segments


def _stands_alone(line: str) -> bool:
    """Whether a line is a table row or a heading: a unit that its neighbours never join."""
    stripped = line.strip()
    if stripped.startswith("#") or "\t" in stripped or stripped.startswith("|"):
        return True
    if stripped.count("|") >= 2 or stripped.count(" | ") >= 1:
        return True
    words = stripped.split()
    numbers = sum(1 for word in words if _NUMBER_TOKEN.fullmatch(word))
    return numbers >= 2 and 2 * numbers >= len(words)


def _prose_cuts(text: str, start: int, end: int) -> list[int]:
    """Offsets inside a run of prose at which a new sentence begins."""
    marker = _LIST_ITEM.match(text, start, end)
    first = marker.end() if marker else start
    cuts = [
        match.end()
        for match in _END.finditer(text, first, end)
        if match.end() < end and _ends_sentence(text, match, first, end)
    ]
    if re.search(r"[\u0e00-\u0eff]", text[start:end]):
        cuts = _with_thai_pauses(text, start, end, cuts)
    return cuts


def _with_thai_pauses(text: str, start: int, end: int, cuts: list[int]) -> list[int]:
    """Adds cuts at spaces between Thai or Lao letters: the scripts have no full stop.

    A clause shorter than 60 characters is joined to the next one.
    """
    both = sorted({*cuts, *(match.end() for match in _THAI_PAUSE.finditer(text, start, end))})
    kept: list[int] = []
    previous = start
    for cut in both:
        if cut in cuts or cut - previous >= _THAI_CLAUSE_CHARACTERS:
            kept.append(cut)
            previous = cut
    return kept


def _ends_sentence(text: str, match: re.Match[str], first: int, end: int) -> bool:
    """Whether a mark really ends a sentence, by what stands before and behind it."""
    if match.group("solid"):
        return True
    following = text[match.end() : min(end, match.end() + 40)].lstrip()
    opener = following.lstrip("\"'“„«»([¿¡‚‘*_-–—• ")
    if not opener:
        return bool(following)
    if opener[0].islower():
        return False
    if match.group("spaced") != ".":
        return True
    return _dot_ends_sentence(text[max(first, match.start() - 24) : match.start()], opener)


def _dot_ends_sentence(before: str, opener: str) -> bool:
    """Decides on a single dot from the text before it and the words behind it."""
    words = before.split()
    last = words[-1].lstrip("\"'“„«([¿¡*_").lower() if words else ""
    next_word = re.split(r"[\s.,;:!?]", opener, maxsplit=1)[0]
    opens = next_word.lower() in _OPENERS
    if last in _STRONG or (last in _BEFORE_NUMBER and next_word[:1].isdigit()):
        return False
    if last.isdigit() and len(last) <= 2:
        before_it = words[-2].lower() if len(words) > 1 else ""
        return before_it not in _BEFORE_ORDINAL and next_word.lower() not in _AFTER_ORDINAL
    if len(last) == 1 and re.match(r"[^\W\d]\.", opener):
        return False
    initial = len(last) == 1 and last.isalpha() and words[-1][-1:].isupper()
    dotted = bool(re.fullmatch(r"(?:\w\.)+\w", last))
    if last in _WEAK or initial or dotted:
        return opens
    return True
