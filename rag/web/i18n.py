"""Every word the app says, by key, in English, German and Chinese."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rag.errors import AccessDenied
from rag.text.command import as_started

STRINGS = Path(__file__).with_name("strings.toml")
MESSAGES = Path(__file__).with_name("messages.toml")
LANGUAGES = {"en": "English", "de": "Deutsch", "zh": "中文"}


@cache
def load_strings(path: Path = STRINGS) -> Mapping[str, Mapping[str, str]]:
    """Key → language → text, as `strings.toml` holds them."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def load_messages(path: Path = MESSAGES) -> tuple[tuple[re.Pattern[str], Mapping[str, str]], ...]:
    """What readers of files report: a pattern of the English text, and the texts by language."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["message"]
    return tuple((_pattern(entry["en"]), entry) for entry in entries)


def _pattern(template: str) -> re.Pattern[str]:
    """The template's text with a group for each {name}, as short as it can be."""
    parts = re.split(r"\{(\w+)\}", template)
    groups = (f"(?P<{part}>.*?)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    return re.compile("".join(groups), re.DOTALL)


def translated(message: str, language: str) -> str:
    """A reader's message in a language of the app; one that is not known as it is."""
    for pattern, texts in load_messages() if language != "en" else ():
        match = pattern.fullmatch(message)
        if match:
            values = match.groupdict()
            if "inner" in values:
                values["inner"] = translated(values["inner"], language)
            return texts[language].format(**values)
    return message


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

    def message(self, text: str) -> str:
        """What a reader of files reports, in this language."""
        return translated(text, self.language)

    def __call__(self, key: str, **values: object) -> str:
        strings = load_strings()
        if values.get("count") == 1 and f"{key}_one" in strings:
            key = f"{key}_one"
        text = as_started(strings[key][self.language])
        return text.format(**values) if values else text


def refusal(error: AccessDenied, say: Phrases) -> str:
    """What somebody may not do, in their language."""
    return say(f"denied_{error.action}", **error.values)
