"""What a passage states: clauses and cells with a number, date, phone number or person, and their subject."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from rag.records import Passage
from rag.text.excerpts import Unit, units_of, without_markup
from rag.text.facts import facts
from rag.text.facts.fact import Fact, span_of
from rag.text.facts.words import MONTHS, NUMBER_WORDS, PARTIES, UNITS
from rag.text.words import fold, is_function_word, stem, words

ValueKind = Literal["number", "amount", "date", "duration", "time", "phone", "person"]
Bound = Literal["", "most", "least"]

_CURRENCIES = frozenset("EUR USD GBP CHF JPY CNY SEK NOK DKK PLN CZK INR CLP AUD CAD".split())  # noqa: SIM905
_SECONDS = {
    "second": 1,
    "minute": 60,
    "hour": 3_600,
    "day": 86_400,
    "night": 86_400,
    "week": 604_800,
    "month": 2_629_800,
    "year": 31_557_600,
}
_SAME_SIZE = {
    "kilometre": ("metre", Decimal(1000)),
    "km": ("metre", Decimal(1000)),
    "cm": ("metre", Decimal("0.01")),
    "mm": ("metre", Decimal("0.001")),
    "kg": ("g", Decimal(1000)),
    "tonne": ("g", Decimal(1_000_000)),
}
_PHONE = re.compile(r"(?<![\w.,/-])(?:\+\d{1,3}[ .-]?|00\d{2}[ .-]?|\(?0)[\d][\d ()/.-]{5,17}\d(?![\w-])")
_ROLES = (
    r"manager|director|head|lead|leader|chief|chair|chairman|chairwoman|chairperson|president"
    r"|secretary|treasurer"
    r"|officer|coordinator|administrator|supervisor|contact|contact person|clerk|steward|warden"
    r"|caretaker|captain"
    r"|representative|deputy|editor|curator|principal|dean|ombudsperson|controller|engineer|leiter"
    r"|leiterin|leitung"
    r"|geschäftsführer|geschäftsführerin|vorsitzende[r]?|vorsitz|beauftragte[r]?|ansprechpartner"
    r"|ansprechpartnerin"
    r"|kassenwart|kassierer|sekretärin|hausmeister|verantwortliche[r]?|responsable|directeur"
    r"|directrice|encargad[oa]"
    r"|director|directora|gerente|jefe|jefa|président|présidente|trésorier"
)
_CHINESE_ROLES = r"经理|主任|负责人|主管|联系人|总监|主席|长"
_NAME = (
    r"(?:(?:Dr|Prof|Mr|Mrs|Ms|Frau|Herr)\.? )?[A-ZÀ-Þ][\w'’-]+"
    r"(?: (?:van|von|de|der|bin|al|ter|la))?(?: [A-ZÀ-Þ][\w'’.-]*){1,2}"
)
_LINK = r"(?:\s*[:：–—-]\s*|, |,? (?:is|ist|est|es|remains) (?:now |currently )?|\s*\|\s*)"
_ROLE_THEN_NAME = re.compile(
    rf"(?P<role>(?:[\w'’-]+ ){{0,4}}(?i:{_ROLES})(?: (?:of|for|in|at|für|der|des|de|du|del) (?:the "
    rf"|la |el )?[\w-]+(?: [\w-]+)?)?)"
    rf"{_LINK}(?P<name>{_NAME})(?![\w])"
)
_NAME_THEN_ROLE = re.compile(
    rf"(?P<name>{_NAME})(?:, (?:our |the |unsere? )?| (?:is|ist|est|es) (?:now )?(?:the |our |der "
    rf"|die |unsere? |la |el |le )?)"
    rf"(?P<role>(?:[\w'’-]+ ){{0,3}}(?i:{_ROLES})(?: (?:of|for|in|at|für|der|des|de|du|del) (?:the "
    rf"|la |el )?[\w-]+(?: [\w-]+)?)?)\b"
)
_CHINESE_ROLE = re.compile(
    r"(?P<role>[\u4e00-\u9fff]{0,8}(?:经理|主任|负责人|主管|联系人|总监|主席|校长|馆长|院长"
    r"|队长))[:：是为]\s*(?P<name>[\u4e00-\u9fff]{2,4})(?=[，,。；;（(\s|]|$)"
)
_CLAUSE = re.compile(
    r"[;；。]\s*|(?<=[^\d\s])[，,、]\s*|,\s+(?=\D)|\s[–—]\s|\s[·|]\s|\.\s+(?=[A-ZÀ-Þ])|:\s+(?=\S)"
    r"|\s(?=\((?=[^)]*\d))|\s(?:and|but|und|aber|y|pero|et|mais)\s"
)
_MOST = re.compile(
    r"(?:\b(?:up to|at most|no more than|not more than|maximum(?: of| is)?|max\.?|not exceed|below"
    r"|under|less than"
    r"|fewer than|bis zu|höchstens|maximal|unter|weniger als|jusqu['’]à|au plus|hasta|como máximo|menos de)"
    r"|至多|最多|不超过|低于)\W*$",
    re.IGNORECASE,
)
_LEAST = re.compile(
    r"(?:\b(?:at least|no less than|not less than|minimum(?: of| is)?|min\.?|above|over|more than"
    r"|exceed(?:s|ing)?"
    r"|mindestens|wenigstens|über|mehr als|au moins|plus de|al menos|como mínimo|más de)"
    r"|至少|不少于|超过)\W*$",
    re.IGNORECASE,
)
COUNTED = "×"
"""Before a unit that is what a bare number counts: "31 tables"."""
_NEAR = 28
_FEW_WORDS = 2
_ITEM = re.compile(r"(?:[-*+•]|\(?\d{1,3}[.)])\s+(?:\[.\] )?")
_COUNTED = re.compile(
    r"(?:\s+(?:thousand|million|billion|tausend|millionen|milliarden))?\s+([^\W\d_][\w'’-]*)"
)
_UNSURE = re.compile(
    r"\b(?:would|could|might|propos\w+|suggest\w*|consider\w*|perhaps|maybe|instead of|rather than"
    r"|used to|formerly"
    r"|previously|no longer|not any more|until now|before that|for example|for instance|e\.g|imagine"
    r"|suppose|asked for"
    r"|wants?|wanted|wish\w*|hopes?|plans? to|planned|budgeted|forecast\w*|estimate[sd]?|expected"
    r"|draft|rumou?r\w*"
    r"|würde\w*|könnte\w*|vorgeschlagen|vorschlag|früher|bisher|zum beispiel|geplant|statt|nicht mehr"
    r"|pourrait|proposé|auparavant|par exemple|podría|propuesto|antes|por ejemplo)\b"
    r"|建议|以前|例如|计划|可能|原来",
    re.IGNORECASE,
)
_GIVES = re.compile(
    rf"\d|[一二三四五六七八九十两百]|{_CHINESE_ROLES}"
    rf"|\b(?:{'|'.join((_ROLES, *NUMBER_WORDS, *MONTHS))})\b",
    re.IGNORECASE,
)
"""Without one of these a sentence gives no value: finding that out takes a tenth of reading its facts."""
_ROLE = re.compile(rf"\b(?:{_ROLES})\b|{_CHINESE_ROLES}", re.IGNORECASE)
_POINTS_BACK = re.compile(
    r"\W*(?:it|its|it['’]s|that|that['’]s|this|these|those|they|their|he|his|she|her|es|das|dies\w*"
    r"|sie|er|ihre?"
    r"|cela|c['’]est|il|elle|ils|elles|eso|esto|ella|ellos)\b(?! (?:page|policy|book|handbook|guide"
    r"|office|company))",
    re.IGNORECASE,
)
"""What a sentence with such a beginning is about stands before it."""
_PAST = re.compile(
    r"\b(?:was|were|had|did|war|waren|hatte\w*|wurde\w*|était|étaient|avait|fue|fueron|era|tenía)\b|过去"
)
_ABOUT_THE_PAGE = frozenset(
    stem(fold(word))
    for word in (
        """version edition revision reviewed review changed updated update printed published date dated author
        owner status created signed valid force effective page copy document written replaces owned last
        next due
        class letzte letzter zuletzt änderung geändert aktualisiert fassung stand gültig ausgabe version datum
        autor""".split()  # noqa: SIM905
    )
)
_STAFF = frozenset(
    """employee employer colleague manager director board council chair secretary treasurer author reader bank
    university red green blue yellow""".split()  # noqa: SIM905
)
"""Of `PARTIES`: those that what is said to nobody in particular is said to, and those that say it."""
_GROUPS = frozenset(
    """contractor freelancer temp trainee intern apprentice volunteer visitor pensioner retiree member parent
    child
    supervisor pupil tourist subscriber donor bidder agency leiharbeiter praktikant azubi auszubildende
    ehrenamtliche
    besucher mitglied mitglieder dienstleister externe stagiaire bénévole visiteur becario contratista
    visitante
    """.split()  # noqa: SIM905
)
_SAYS_NOTHING = frozenset(
    """between zwischen within per each every must need needs needed please also only just always usually now
    currently today still
    somebody someone anybody anyone everybody everyone nobody up most least maximum minimum max min than
    during
    until after before over under above below limit limited exactly normally generally following get gets
    got take
    takes took give gives given make makes made let lets remain remains stand stands currently amount
    amounts
    cost costs price prices kostet kosten preis coûte prix cuesta precio jeder jede jedes jeweils muss
    müssen soll sollen darf dürfen kann können immer nur noch bitte innerhalb
    höchstens mindestens maximal beträgt betragen liegt derzeit aktuell chaque doit peut cada debe
    puede""".split()  # noqa: SIM905
)
"""Words around a value that a statement is not about."""
_CONTRASTS = frozenset(
    """other another first second third last next former latter half double single morning evening night
    afternoon weekday weekdays weekend weekends summer winter spring autumn new old junior senior adult
    child
    children minor student standard premium basic part full internal external domestic quarter quarterly
    annual annually international early late
    monday tuesday wednesday thursday friday saturday sunday holiday holidays public not no never without
    except
    additional extra more gross net before after montag dienstag mittwoch donnerstag freitag samstag sonntag
    erwachsene kinder sommer winter neu alt brutto netto vor nach ohne nicht kein""".split()  # noqa: SIM905
)
"""Words that part one thing from its like: what only one of two statements has of them is another thing."""


@dataclass(frozen=True, slots=True)
class Value:
    """What a statement gives: `readings` are what it can mean, comparable within `kind` and `unit`.

    `text[start:end]` of the passage is what is written.
    """

    kind: ValueKind
    text: str
    start: int
    end: int
    readings: frozenset[object]
    unit: str = ""
    bound: Bound = ""
    rounded: bool = False

    def comparable(self, other: Value) -> bool:
        """Whether the two could be the same value."""
        return (
            self.kind == other.kind
            and self.unit == other.unit
            and not (self.bound and other.bound and self.bound != other.bound)
        )

    def agrees(self, other: Value) -> bool:
        """Whether both may mean the same."""
        if not self.comparable(other):
            return False
        if self.kind == "date":
            return any(_same_date(one, two) for one in self.readings for two in other.readings)
        if self.kind == "person":
            return bool(self.readings & other.readings)
        if self.readings & other.readings:
            return True
        tolerance = 0.06 if self.kind == "duration" or self.rounded or other.rounded else 0.0
        return any(_near(one, two, tolerance) for one in self.readings for two in other.readings)


@dataclass(frozen=True, slots=True)
class Statement:
    """A clause or cell of a passage with its values: `text[start:end]` is the sentence or row it is of.

    `about` are the stems of its words, `beside` those of what it is read with: the rest of its sentence
    that has no values, the line or header it stands under, its headings. `names` are names and codes it
    speaks of, `years` the years, `marks` the words that part its subject from others like it, `parties`
    whom it
    is said for, and `rates` what its numbers are for each of. A cell has the words of its
    row's label as `row`, and their stems as `key`.
    """

    start: int
    end: int
    values: tuple[Value, ...]
    about: frozenset[str]
    beside: frozenset[str]
    names: frozenset[str]
    years: frozenset[int]
    marks: frozenset[str]
    parties: frozenset[str]
    rates: frozenset[object]
    past: bool
    row: frozenset[str] = frozenset()
    key: frozenset[str] = frozenset()


def statements(passage: Passage, title: str = "") -> list[Statement]:
    """Everything that a passage states with a value, in order; questions, plans and examples are left out."""
    if passage.is_hidden:
        return []
    place = stems(" ".join((*passage.heading_path, title)))
    found: list[Statement] = []
    for unit in units_of(passage, title):
        marker = _ITEM.match(passage.text, unit.start, unit.end) if unit.kind in ("prose", "list") else None
        unit = replace(unit, start=marker.end()) if marker else unit
        text = passage.text[unit.start : unit.end]
        if not unit.answers or unit.kind in ("code", "properties", "aside") or not _may_state(text):
            continue
        made = _of_row(unit, text, place) if unit.kind == "table" else _of_prose(unit, text, place)
        found += [one for one in made if one.values and not one.about <= _ABOUT_THE_PAGE]
    return found


def _may_state(text: str) -> bool:
    asks = text.rstrip("*_ ").endswith(("?", "？"))
    return (
        not asks and bool(_GIVES.search(text)) and not _UNSURE.search(text) and not _POINTS_BACK.match(text)
    )


def stems(text: str) -> frozenset[str]:
    """The stems of the words that carry meaning, numbers and markup aside."""
    return frozenset(
        stem(word)
        for word in words(without_markup(text))
        if not is_function_word(word)
        and not any(map(str.isdigit, word))
        and word not in _SAYS_NOTHING
        and not _counts(word)
    )


def _counts(word: str) -> bool:
    return word in UNITS or word in NUMBER_WORDS or word in MONTHS


def _of_prose(unit: Unit, text: str, place: frozenset[str]) -> Iterator[Statement]:
    """The clauses of a sentence or item; one of few words is about what stands before or behind it too."""
    every = _Facts(text)
    marks = [match for match in _CLAUSE.finditer(text) if not every.cut_by(*match.span())]
    cuts = [0, *(match.start() for match in marks), len(text)]
    spans = list(pairwise(cuts))
    told = [stems(every.without_persons(*span)) for span in spans]
    valueless = (stems for span, stems in zip(spans, told, strict=True) if not every.values_in(*span))
    beside = place.union(stems(unit.header), *valueless)
    for number, span in enumerate(spans):
        if every.values_in(*span):
            about = told[number]
            for before in range(number - 1, -1, -1):
                about |= told[before] if len(about) < _FEW_WORDS else frozenset()
            for behind in range(number + 1, len(spans)):
                about |= frozenset() if about else told[behind]
            yield every.statement(unit, *span, about, beside)


def _of_row(unit: Unit, text: str, place: frozenset[str]) -> Iterator[Statement]:
    """The cells of a row, each about the row's first cell and the head of its column."""
    cells, heads = _cells(text), [head for _, _, head in _cells(unit.header)]
    heads = heads or [""] * len(cells)
    if len(cells) < 2 or len(heads) != len(cells):
        return
    every = _Facts(text)
    label = cells[0][2]
    if not any(map(str.isalpha, label)):
        return
    for (a, b, _), head in zip(cells[1:], heads[1:], strict=True):
        if len(every.values_in(a, b)) == 1:
            own = _Facts(f"{label} {head}")
            about = stems(f"{label} {head} {every.without_persons(a, b)}")
            made = every.statement(unit, a, b, about, place | stems(heads[0]))
            yield replace(
                made,
                names=made.names | own.names,
                years=made.years | frozenset(own.years(of_dates=True)),
                marks=made.marks | _marks(f"{label} {head}"),
                row=frozenset(words(label)),
                key=stems(label),
            )


def _cells(row: str) -> list[tuple[int, int, str]]:
    found, place = [], 0
    for piece in row.split("|"):
        if piece.strip():
            start = place + len(piece) - len(piece.lstrip())
            found.append((start, start + len(piece.strip()), piece.strip()))
        place += len(piece) + 1
    return found


class _Facts:
    """The facts of a sentence or row: its values, and what it speaks of."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.facts = facts(text)
        self.values = sorted(_values(text, self.facts), key=lambda value: value.start)
        self._persons = [value for value in self.values if value.kind == "person"]
        self.names = frozenset(self._names())

    def values_in(self, start: int, end: int) -> tuple[Value, ...]:
        return tuple(value for value in self.values if start <= value.start < end)

    def cut_by(self, start: int, end: int) -> bool:
        return any(value.start < end and start < value.end for value in self.values)

    def without_persons(self, a: int, b: int) -> str:
        """A clause without the people who are its values."""
        piece = self.text[a:b]
        for person in self._persons:
            piece = piece.replace(person.text, " ")
        return piece

    def statement(
        self, unit: Unit, a: int, b: int, about: frozenset[str], beside: frozenset[str]
    ) -> Statement:
        """What a clause states."""
        values = self.values_in(a, b)
        rates = {next(iter(f.readings)) for f in self.facts if f.unit == "rate" and a <= f.start < b}
        return Statement(
            unit.start,
            unit.end,
            tuple(replace(v, start=v.start + unit.start, end=v.end + unit.start) for v in values),
            about,
            beside,
            self.names,
            frozenset(self.years(of_dates=any(value.kind != "date" for value in values))),
            _marks(self.text[a:b]),
            parties(self.text),
            frozenset(rates),
            bool(_PAST.search(self.text)),
        )

    def _names(self) -> Iterator[str]:
        persons = {part for value in self._persons for part in words(value.text)}
        for fact in self.facts:
            label = fact.unit in ("label", "ordinal")
            if fact.kind in ("name", "code") or label:
                name = re.sub(r"[\W_]", "", fold(fact.text))
                if name and name not in persons:
                    yield f"#{name}" if label else name

    def years(self, *, of_dates: bool) -> Iterator[int]:
        """The years it speaks of; those of dates are part of a value where it gives one."""
        for fact in self.facts:
            for reading in fact.readings:
                if of_dates and isinstance(reading, tuple) and reading[0]:
                    yield int(reading[0])
                elif isinstance(reading, Decimal) and _is_year(fact):
                    yield int(reading)


def _marks(text: str) -> frozenset[str]:
    return frozenset(words(text)) & _CONTRASTS


def parties(text: str) -> frozenset[str]:
    """Who a text says something for, other than the staff: customers, contractors, visitors."""
    found = {re.sub(r"['’]?s$", "", word) if word not in PARTIES else word for word in words(text)}
    return frozenset(PARTIES.get(word, word) for word in found if word in PARTIES or word in _GROUPS) - _STAFF


def _values(text: str, every: Sequence[Fact]) -> Iterator[Value]:
    phones = [match.span() for match in _PHONE.finditer(text) if _is_phone(match.group())]
    for start, end in phones:
        digits = re.sub(r"\D", "", text[start:end])[-8:]
        yield Value("phone", text[start:end], start, end, frozenset({digits}))
    yield from _persons(text)
    for fact in every:
        if fact.weight == "held" or fact.kind not in ("number", "date", "time"):
            continue
        start, end = span_of(text, fact)
        inside = any(a <= start < b for a, b in phones) or text.count("`", 0, start) % 2
        if not inside and fact.unit not in ("ordinal", "label", "rate", "part") and not _is_year(fact):
            yield _value(text, fact, start, end)


def _is_phone(written: str) -> bool:
    return 7 <= len(re.sub(r"\D", "", written)) <= 15 and not re.fullmatch(r"[\d.,]+", written)


def _persons(text: str) -> Iterator[Value]:
    if not _ROLE.search(text):
        return
    for pattern in (_ROLE_THEN_NAME, _NAME_THEN_ROLE, _CHINESE_ROLE):
        for match in pattern.finditer(text):
            name = match["name"].rstrip(".")
            parts = frozenset(part for part in words(name) if len(part) > 2)
            yield Value("person", name, match.start("name"), match.start("name") + len(name), parts)


def _value(text: str, fact: Fact, start: int, end: int) -> Value:
    kind: ValueKind = "date" if fact.kind == "date" else "time" if fact.kind == "time" else "number"
    unit, readings = fact.unit, fact.readings
    if kind == "number" and unit in _CURRENCIES:
        kind = "amount"
    elif kind == "number" and unit in _SECONDS:
        kind, unit = "duration", "time"
        readings = frozenset(r * _SECONDS[fact.unit] for r in readings if isinstance(r, Decimal))
    elif not unit and kind == "number":
        counted = _COUNTED.match(text, end)
        unit = (
            ""
            if counted is None or is_function_word(fold(counted[1]))
            else f"{COUNTED}{stem(fold(counted[1]))}"
        )
    elif unit in _SAME_SIZE:
        unit, factor = _SAME_SIZE[unit]
        readings = frozenset(r * factor for r in readings if isinstance(r, Decimal))
    before = text[max(0, start - _NEAR) : start]
    bound: Bound = "most" if _MOST.search(before) else "least" if _LEAST.search(before) else ""
    return Value(kind, text[start:end], start, end, readings, unit, bound, fact.rounded)


def _is_year(fact: Fact) -> bool:
    return (
        fact.kind == "number"
        and not fact.unit
        and bool(re.fullmatch(r"(?:19|20)\d\d|fy.*|.*year.*", fact.text))
    )


def _same_date(one: object, other: object) -> bool:
    """Equal as far as both say."""
    if not (isinstance(one, tuple) and isinstance(other, tuple)):
        return False
    return all(a is None or b is None or a == b for a, b in zip(one, other, strict=True))


def _near(one: object, other: object, tolerance: float) -> bool:
    if not (isinstance(one, Decimal) and isinstance(other, Decimal)):
        return False
    return abs(float(one) - float(other)) <= tolerance * max(abs(float(one)), abs(float(other)))
