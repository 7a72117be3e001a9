"""Numbers as a spreadsheet shows them: 7 %, € 12.50, 00007."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

_QUOTED = re.compile(r'"([^"]*)"|\\(.)|\[\$([^\]-]*)[^\]]*\]|_.|\*.|\[[^\]]*\]')
_DIGITS = re.compile(r"[#0?](?:[#0?,. ]*[#0?,.])?")
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
    sections = form.split(";")
    negative = number < 0 and len(sections) > 1 and bool(sections[1])
    section = sections[1] if negative else sections[0]
    if section in _GENERAL or not _is_plain(section):
        return f"{float(value):.15g}" if len(value) > _FLOAT_DIGITS and "." in value else value
    shown = _shown(abs(number) if negative else number, section)
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
