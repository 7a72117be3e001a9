"""Every word the app says, by key, in English, German and Chinese."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rag.errors import AccessDenied

STRINGS = Path(__file__).with_name("strings.toml")
LANGUAGES = {"en": "English", "de": "Deutsch", "zh": "中文"}


@cache
def load_strings(path: Path = STRINGS) -> Mapping[str, Mapping[str, str]]:
    """Key → language → text, as `strings.toml` holds them."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def language_of(locale: str | None) -> str:
    """The interface language for a browser's locale ("de-AT" → "de"); English where there is none."""
    code = (locale or "en").split("-")[0].split("_")[0].lower()
    return code if code in LANGUAGES else "en"


@dataclass(frozen=True, slots=True)
class Phrases:
    """Says things in one language: `say("some_documents", count=3)`.

    With `count=1` the key's `_one` form is used where there is one. An unknown key is a
    `KeyError`: a missing phrase is a mistake of ours, and a test finds it.
    """

    language: str

    def __call__(self, key: str, **values: object) -> str:
        strings = load_strings()
        if values.get("count") == 1 and f"{key}_one" in strings:
            key = f"{key}_one"
        text = strings[key][self.language]
        return text.format(**values) if values else text


def refusal(error: AccessDenied, say: Phrases) -> str:
    """What somebody may not do, in their language."""
    return say(f"denied_{error.action}", **error.values)
