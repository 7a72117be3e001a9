"""Whether two words are forms of one, told by their endings: stricter than a stem."""

from __future__ import annotations


def _endings(written: str) -> frozenset[str]:
    return frozenset({"", *written.split()})


_SHORTEST_STEM = 4
_SHORTEST_PART = 6
_ENDINGS = (
    _endings("s es e ed d ing ings n en er ers ern em y ies ied ly t st te ten in innen"),
    _endings("а я у ю е ы и о ой ей ом ем ам ами ах ов ев ого ая ое ый ий ые"),
    _endings("α ας ο ος ου η ης οι ων ους ες"),
)
_NAME_ENDINGS = _endings("s es e n en er ers ern in")


def same_word(one: str, other: str) -> bool:
    """Equal but for listed endings: "report", "reported"; "stop", "stopped"; not "employer", "employee".

    Both words are folded. What is left before the endings has four letters or more.
    """
    if one == other:
        return True
    pairs = enumerate(zip(one, other, strict=False))
    shared = next((i for i, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))
    lengths = [length for length in (shared, shared - 1) if length >= _SHORTEST_STEM]
    return any(_differ_in_endings(one, other, length) for length in lengths)


def same_name(one: str, other: str) -> bool:
    """Equal, or one with a case ending behind it: "Köln", "Kölner"; not "Bergen", "Berger".

    A compound is called by its last part too: "Gesamtkosten", "Kosten".
    """
    if not one.isascii() or one == other:
        return same_word(one, other)
    short, long = sorted((one, other), key=len)
    if len(short) >= _SHORTEST_PART and len(long) - len(short) >= _SHORTEST_STEM and long.endswith(short):
        return True
    return len(short) >= _SHORTEST_STEM and long.startswith(short) and long[len(short) :] in _NAME_ENDINGS


def _differ_in_endings(one: str, other: str, length: int) -> bool:
    """Whether both have a listed ending from there on; a doubled consonant before it is no letter of it."""
    doubled = one[length - 1]
    rests = one[length:], other[length:]
    if rests[0].startswith(doubled) or rests[1].startswith(doubled):
        rests = rests[0].removeprefix(doubled), rests[1].removeprefix(doubled)
    return any(rests[0] in endings and rests[1] in endings for endings in _ENDINGS)
