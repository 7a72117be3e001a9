"""The language a document is written in, as an ISO 639-1 code."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from rag.records import Document
from rag.text.words import fold

if TYPE_CHECKING:
    from py3langid.langid import (  # type: ignore[import-untyped, unused-ignore]
        LanguageIdentifier,
    )

# Languages with a large written corpus. Of py3langid's 140, the small ones next to a large relative
# (Venetian, Scots, Asturian) would take short texts from it.
_LANGUAGES = (
    "ar bg bn ca cs da de el en es et fa fi fr ga gl gu he hi hr hu hy id is it ja ka kn ko lt lv mk ml mn"
    " mr ms mt nb ne nl nn no pa pl pt ro ru si sk sl sq sr sv sw ta te th tl tr uk ur vi zh"
)
_NAMES = """
ar arabic ara العربية | bg bulgarian bul български | cs czech ces cze čeština | da danish dan dansk
de german deu ger deutsch | el greek ell gre ελληνικά | en english eng | es spanish spa español castellano
fi finnish fin suomi | fr french fra fre français | he hebrew heb עברית | hi hindi hin हिन्दी
hr croatian hrv hrvatski | hu hungarian hun magyar | id indonesian ind | it italian ita italiano
ja japanese jpn 日本語 | ko korean kor 한국어 | nl dutch nld dut nederlands
no norwegian nor norsk nb nn nob nno bokmål nynorsk | pl polish pol polski | pt portuguese por português
ro romanian ron rum română | ru russian rus русский | sk slovak slk slo slovenčina | sr serbian srp српски
sv swedish swe svenska | th thai tha ไทย | tr turkish tur türkçe | uk ukrainian ukr українська
vi vietnamese vie | zh chinese zho chi 中文 汉语 漢語
"""
_SAMPLE_CHARACTERS = 3000
_FEWEST_LETTERS = 40
_FEWEST_IDEOGRAPHS = 8
_LEAST_PROBABILITY = 0.8
_ADDRESS = re.compile(r"https?://\S+|www\.\S+|`[^`]*`|\]\([^)]*\)|<[^<>]+>")
_LETTER = re.compile(r"[^\W\d_]")
_IDEOGRAPH = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def language_of(document: Document) -> str | None:
    """The language of a document's prose; None when there is too little of it to tell."""
    parts: list[str] = []
    length = 0
    for block in document.blocks:
        if block.kind not in ("code", "table") and length < _SAMPLE_CHARACTERS:
            parts.append(
                document.text[block.start : block.start + _SAMPLE_CHARACTERS][: block.end - block.start]
            )
            length += len(parts[-1])
    return language_of_text(" ".join(parts)[:_SAMPLE_CHARACTERS])


def language_of_text(text: str) -> str | None:
    """The language of a text, None below 40 letters (8 of Chinese, Japanese or Korean) or if in doubt."""
    text = _ADDRESS.sub(" ", text)
    letters, ideographs = len(_LETTER.findall(text)), len(_IDEOGRAPH.findall(text))
    if letters < _FEWEST_LETTERS and ideographs < _FEWEST_IDEOGRAPHS:
        return None
    language, probability = _identifier().classify(text)
    if probability < _LEAST_PROBABILITY:
        return None
    return "no" if language in ("nb", "nn") else str(language)


def language_code(name: str) -> str | None:
    """The ISO 639-1 code of a language by its code, tag ("de-AT", "zh_CN") or name; None for no language."""
    return _codes().get(fold(re.split(r"[-_]", name.strip(), maxsplit=1)[0]))


@functools.cache
def _codes() -> dict[str, str]:
    named = [line.split() for line in re.split(r"[|\n]", _NAMES.strip())]
    return {code: code for code in _LANGUAGES.split()} | {
        fold(name): code for code, *names in named for name in (code, *names)
    }


@functools.cache
def _identifier() -> LanguageIdentifier:
    """py3langid's classifier (0.8 s to load), limited to the languages above."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([code for code in _LANGUAGES.split() if code in identifier.nb_classes])
    return identifier
