"""Bytes of unknown encoding to text."""

from __future__ import annotations

import codecs
import re

from rag.text.languages import language_of_text

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE_BYTES = 200_000


def decode(data: bytes) -> tuple[str, str]:
    """The text and the name of its encoding, "" for UTF-8.

    A byte order mark decides; then UTF-8 if every byte fits; then UTF-16 by its zero bytes; then what
    charset-normalizer finds likely in the first 200 kB, with undecodable bytes as U+FFFD.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace"), "" if mark == codecs.BOM_UTF8 else encoding
    try:
        return data.decode("utf-8"), ""
    except UnicodeDecodeError:
        encoding = _wide(data) or _likely(data)
        return data.decode(encoding, errors="replace"), encoding


def is_binary(data: bytes) -> bool:
    """Whether the bytes are no text: they hold zeros that are not UTF-16's or a stray one in UTF-8."""
    head = data[:8192]
    zeros = head.count(0)
    if any(head.startswith(mark) for mark, _ in _MARKS) or not zeros or _wide(head):
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return zeros > len(head) // 4


def _wide(data: bytes) -> str | None:
    """UTF-16 without a mark has its zeros on one side only."""
    head = data[:8192]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > len(head) // 8 and even == 0:
        return "utf-16-le"
    if even > len(head) // 8 and odd == 0:
        return "utf-16-be"
    return None


def _likely(data: bytes) -> str:
    """The code page in which the text's words are words of some language; else what charset-normalizer finds.

    A guess by the frequency of bytes needs a page of text; that "España" fits Spanish and "Espańa" no
    language shows in a line.
    """
    sample = data[:_SAMPLE_BYTES]
    letters = sum(65 <= byte <= 90 or 97 <= byte <= 122 for byte in sample)
    if letters > sum(byte > 127 for byte in sample):  # mostly unaccented letters: a Latin script
        best = max(_LATIN_PAGES, key=lambda page: _fit(sample, page))
        return "cp1254" if best == "cp1252" and _is_turkish(sample) else best
    from charset_normalizer import from_bytes  # 40 ms to import, needed for old encodings only

    found = from_bytes(sample).best()
    return found.encoding if found else "cp1252"


def _is_turkish(sample: bytes) -> bool:
    """Whether what fits Icelandic is Turkish, whose letters of its own are in the same places."""
    own = _TURKISH_BYTES & set(sample)
    return bool(own) and language_of_text(sample.decode("cp1254", errors="replace")) == "tr"


def _fit(sample: bytes, page: str) -> int:
    """How many words with special letters fit the alphabet of one language, less those that fit none."""
    words = set(_WORD.findall(sample.decode(page, errors="replace").lower()))
    special = [set(word) - _PLAIN for word in words if not word.isascii()]
    fitting = sum(any(letters <= alphabet for alphabet in _ALPHABETS) for letters in special if letters)
    return 2 * fitting - sum(1 for letters in special if letters)


_LATIN_PAGES = ("cp1252", "cp1250", "iso8859_2", "cp1254", "cp1257", "mac_roman", "cp850", "cp437")
"""Of two that fit alike, the first is taken."""
_ALPHABETS = tuple(
    map(
        set,
        (
            "äöüß",  # German
            "àâæçéèêëîïôœùûüÿ",  # French
            "áéíñóúüºª",  # Spanish
            "áâãàçéêíóôõúü",  # Portuguese
            "àèéìíîòóùú",  # Italian
            "åäöé",  # Swedish, Finnish
            "æøåéèêóòôü",  # Danish, Norwegian
            "áéëïóöüèê",  # Dutch
            "áðéíóúýþæö",  # Icelandic
            "àçèéíïòóúü·",  # Catalan
            "ąćęłńóśźż",  # Polish
            "áčďéěíňóřšťúůýž",  # Czech
            "áäčďéíĺľňóôŕšťúýž",  # Slovak
            "áéíóöőúüű",  # Hungarian
            "ăâîşţșț",  # Romanian
            "čćđšž",  # Croatian, Slovenian
            "çğıöşüâ",  # Turkish
            "ąčęėįšųūž",  # Lithuanian
            "āčēģīķļņšūž",  # Latvian
            "äõöüšž",  # Estonian
        ),
    )
)
_TURKISH_BYTES = set(b"\xf0\xfd\xfe\xd0\xdd\xde")
_PLAIN = set("abcdefghijklmnopqrstuvwxyz'’-")
_WORD = re.compile(r"(?<![^\s(\"'„“«»;,])[^\W\d_](?:[^\s.,;:!?()\"„“”«»…–—€0-9]*[^\W\d_])?", re.UNICODE)


def is_mislabelled(data: bytes, encoding: str) -> bool:
    """Whether bytes said to be of a one-byte code page are UTF-8, which they hardly ever are by chance."""
    try:
        name = codecs.lookup(encoding).name
        text = data.decode("utf-8")
    except (LookupError, UnicodeDecodeError):
        return False
    return name.startswith(("cp125", "iso8859", "latin")) and not text.isascii()
