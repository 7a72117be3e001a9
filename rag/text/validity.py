"""What a document says of its own validity: from when to when, its version, what it replaces."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from rag.text.dates import iso_date

READ = 1_500
"""Characters of a document's beginning that are read: validity stands at the top."""

_SAYS_SOMETHING = tuple(
    """newer neuere récente reciente 版 valid force effect applic applies runs gültig kraft gilt
    wirksam vigueur valable vigor vigente válid replac supersed withdrawn obsolete archived expire
    longer ersetz abgelöst aufgehoben remplac abrog sustitu reemplaz derog
    生效 自 有效 取代 代替 作废 废止""".split()  # noqa: SIM905
)
"""A clause that says anything of validity has one of these: the patterns take ten times as long."""
_CLAUSE_END = re.compile(r"[·|;\n。；]|(?:(?<!\d)|(?<=\d{4}))\.\s")
_DATE_LENGTH = 40  # characters in which a date has to follow
_STARTS = re.compile(
    r"(?:\b(?:in force|in effect|effective|valid|applicable|applies|runs)\b(?: date)?[\s:]*"
    r"(?:from|since|as of|as from|on)?"
    r"|\b(?:gültig|in kraft|gilt|wirksam)\s+(?:ab|seit|vom|von)(?: dem)?"
    r"|\b(?:en vigueur|valable|applicable)\s+(?:à partir du|à compter du|depuis(?: le)?|dès le|du|le)"
    r"|\b(?:en vigor|vigente|válid[oa])\s+(?:desde|a partir|del?)(?: del?| el)?"
    r"|生效日期|自)[\s:：]*",
    re.IGNORECASE,
)
_ENDS = re.compile(
    r"(?:\b(?:until|till|through|to|expires?(?: on)?|bis(?: zum)?|jusqu['’]au|au|hasta(?: el)?|al)\b|[至到])"
    r"[\s:：]*",
    re.IGNORECASE,
)
_EXPIRY = re.compile(
    r"(?:\b(?:valid|in force|effective|applicable|gültig|in kraft|valable|en vigueur|vigente|válid[oa])\s+"
    r"(?:until|till|through|bis(?: zum)?|jusqu['’]au|hasta(?: el)?)|有效期至)[\s:：]*",
    re.IGNORECASE,
)
_NOUN = (
    r"version|policy|document|page|edition|guidelines?|guide|list|agreement|procedure|handbook|rules?|terms"
    r"|fassung|richtlinie|dokument|ausgabe|vereinbarung|ordnung|preisliste|regelung"
    r"|politique|accord|règlement|liste|versión|política|documento|acuerdo|reglamento|lista"
)
_NOT_VALID = (
    r"replaced|superseded|withdrawn|obsolete|archived|no longer (?:valid|in force|applies|applicable)"
    r"|ersetzt durch|wurde ersetzt|abgelöst durch|aufgehoben|nicht mehr (?:gültig|in kraft)|außer kraft"
    r"|remplacée? par|abrogée?|n['’]est plus (?:valable|en vigueur)"
    r"|sustituid[oa] por|reemplazad[oa] por|derogad[oa]|ya no (?:es válid[oa]|está vigente)"
)
_REPLACED = re.compile(
    rf"^\W*(?:status\W+)?(?:{_NOT_VALID}|expired)\b|\b(?:{_NOUN})\b.{{0,60}}?\b(?:{_NOT_VALID})\b"
    r"|\bthere(?:['’]s| is) a newer (?:version|edition)\b|\bes gibt eine neuere (?:fassung|version)\b"
    r"|\bil existe une version plus récente\b|\bhay una versión más reciente\b"
    r"|(?:已|被).{0,20}(?:取代|代替|作废|废止)|有更新的?版本",
    re.IGNORECASE,
)
_NO_LONGER = re.compile(_NOT_VALID, re.IGNORECASE)
_OTHERS = re.compile(
    r"\b(?:earlier|older|previous|prior|former|all other|frühere[nr]?|ältere[nr]?|bisherige[nr]?"
    r"|antérieure?s?|précédente?s?|anterior(?:es)?)\b|以前|之前|旧",
    re.IGNORECASE,
)
_SUCCESSOR = re.compile(r"\b(?:by|durch|par|por)\s+(.{3,100})|被(.{2,40}?)(?:取代|代替)", re.IGNORECASE)
_REPLACES = re.compile(
    r"\b(?:replaces|supersedes|replacing|superseding|ersetzt(?! durch)|remplace|sustituye(?: a)?"
    r"|reemplaza(?: a)?)\b[\s:]*(.{2,100})|(?<!被)(?:取代|代替)(.{2,40})",
    re.IGNORECASE,
)
_VERSION = re.compile(
    r"(?:\b(?:version|ver\.?|rev(?:ision)?\.?|fassung|versión)\s*[:.]?\s*"
    r"|(?<![^\W_])v\.?\s?)(\d+(?:\.\d+)*)(?![\w-])|第(\d+)版",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Validity:
    """What a document says of itself; dates are ISO 8601.

    `replaced` is whether it says that it is no longer in force. `replaced_by` and `replaces` are the
    words in
    which it names its successor and predecessor, "" where it names none.
    """

    starts: str | None = None
    ends: str | None = None
    replaced: bool = False
    replaced_by: str = ""
    replaces: str = ""
    version: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return self != Validity()


@lru_cache(maxsize=20_000)
def validity(opening: str) -> Validity:
    """Reads it from the beginning of a document, in English, German, French, Spanish or Chinese."""
    starts = ends = None
    replaced, replaced_by, replaces = False, "", ""
    version: tuple[int, ...] = ()
    for clause in _clauses(opening[:READ]):
        lower = clause.lower()
        if not any(part in lower for part in _SAYS_SOMETHING):
            version = version or version_in(clause)
            continue
        if ends is None and (expiry := _EXPIRY.search(clause)):
            ends = _date(clause, expiry.end())
        if starts is None and (start := _STARTS.search(clause)):
            rest = clause[start.end() :]
            end = _ENDS.search(rest)
            starts = _date(rest[: end.start()] if end else rest, 0)
            ends = ends or (_date(rest, end.end()) if end else None)
        if _OTHERS.search(clause) and _NO_LONGER.search(clause):
            replaces = replaces or clause
        elif _REPLACED.search(clause):
            replaced = True
            successor = _SUCCESSOR.search(clause)
            replaced_by = replaced_by or (successor and (successor[1] or successor[2])) or ""
        elif predecessor := _REPLACES.search(clause):
            replaces = replaces or predecessor[1] or predecessor[2]
            clause = clause[: predecessor.start()]
        version = version or version_in(clause)
    return Validity(starts, ends, replaced, replaced_by, replaces, version)


def version_in(text: str) -> tuple[int, ...]:
    """The first version number in a text or a file's name: (3, 1) of "Version 3.1"; () of none."""
    found = _VERSION.search(text[:READ]) if any(map(str.isdigit, text[:READ])) else None
    return tuple(map(int, (found[1] or found[2]).split("."))) if found else ()


def _clauses(text: str) -> list[str]:
    return [clause.strip() for clause in _CLAUSE_END.split(text) if clause.strip()]


def _date(text: str, start: int) -> str | None:
    return iso_date(text[start : start + _DATE_LENGTH])
