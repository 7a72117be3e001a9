"""Numbers as a spreadsheet shows them: 7 %, € 12.50, 00007."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext

_QUOTED = re.compile(r'"([^"]*)"|\\(.)|\[\$([^\]-]*)[^\]]*\]|_.|\*.|\[[^\]]*\]')
_DIGITS = re.compile(r"[#0?](?:[#0?,. ]*[#0?,.])?")
_PLACE = re.compile(r"[#0?]")
_DIGITS_KEPT = 400  # a float has 309 digits before the mark, a format up to 30 after it
_FLOAT_DIGITS = 16  # what is longer is 4.4 stored as 4.4000000000000004
_GENERAL = ("", "General", "@", "Standard")


def formatted(value: str, form: str) -> str:
    """A number in the form of a format code, as it is where the form is not a number's.

    Of the form's sections the first is taken, the second for negative numbers. Fractions, exponents and
    conditions are not followed: such a number is given as it is stored.
    """
    try:
        number = Decimal(value)
    except InvalidOperation:
        return value
    if not number.is_finite():
        return value
    sections = form.split(";")
    negative = number < 0 and len(sections) > 1 and bool(sections[1])
    section = sections[1] if negative else sections[0]
    if section in _GENERAL or not _is_plain(section):
        return f"{float(value):.15g}" if len(value) > _FLOAT_DIGITS and "." in value else value
    try:
        with localcontext(prec=_DIGITS_KEPT):
            shown = _shown(abs(number) if negative else number, section)
    except ArithmeticError:  # too large for any cell: a chart's text, say
        return value
    return shown if shown is not None else value


def _is_plain(section: str) -> bool:
    bare = _QUOTED.sub("", section)
    return not re.search(r"[/EehHmMsSyYdD<>=]", bare) and _DIGITS.search(bare) is not None


def _shown(number: Decimal, section: str) -> str | None:
    literal = _QUOTED.sub(lambda match: next((part for part in match.groups() if part), ""), section)
    bare = _QUOTED.sub(
        lambda match: "\x00" * len(next((part for part in match.groups() if part), "")), section
    )
    digits = _DIGITS.search(bare)
    if digits is None:
        return None
    if _PLACE.search(bare, digits.end()):
        return _in_places(number, bare, literal)
    code = digits.group()
    whole, _, decimals = code.strip().rstrip(",").partition(".")
    if "%" in bare:
        number *= 100
    number /= 1000 ** (len(code.rstrip()) - len(code.rstrip().rstrip(",")))
    most, least = sum(map(decimals.count, "#0?")), decimals.count("0")
    rounded = number.quantize(Decimal(1).scaleb(-most), ROUND_HALF_UP)
    text = f"{abs(rounded):f}"  # not in groups, whose sign is another in each country
    if most > least:
        head, _, tail = text.partition(".")
        tail = tail[:least] + tail[least:].rstrip("0")
        text = f"{head}.{tail}" if tail else head
    head, dot, tail = text.partition(".")
    head = head.rjust(whole.count("0"), "0")
    sign = "-" if rounded < 0 else ""
    return f"{sign}{literal[: digits.start()]}{head}{dot}{tail}{literal[digits.end() :]}".strip()


def _in_places(number: Decimal, bare: str, literal: str) -> str | None:
    """A number whose digits are parted by signs, as of a telephone or an account: filled from the right."""
    if re.search("[.,%]", bare):
        return None
    digits = list(f"{abs(number).quantize(Decimal(1), ROUND_HALF_UP):f}")
    first = _PLACE.search(bare)
    shown: list[str] = []
    for place in range(len(bare) - 1, -1, -1):
        if not _PLACE.match(bare[place]):
            shown.append(literal[place])
            continue
        shown.append(digits.pop() if digits else "0" * (bare[place] == "0"))
        if first and place == first.start():
            shown += digits[::-1]
    return ("-" if number < 0 else "") + "".join(reversed(shown)).strip()
