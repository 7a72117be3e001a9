"""What readers of files report is said in every language of the app."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import rag.readers
from rag.web.i18n import LANGUAGES, load_messages, translated

READERS = Path(rag.readers.__file__).parent
CALLS = {"warn", "leave_out", "UnreadableDocument", "EncryptedDocument", "UnsupportedFormat"}


def reported() -> Iterator[tuple[str, str]]:
    """(place, text) of all that readers report by a text in their code, what changes as "7"."""
    for path in sorted(READERS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node, "func", None)
            called = getattr(name, "attr", None) or getattr(name, "id", None)
            if isinstance(node, ast.Call) and called in CALLS and node.args:
                text = _text(node.args[0])
                if any(map(str.isalpha, text.replace("7", ""))):
                    yield f"{path.name}:{node.lineno}", text


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join("7" if isinstance(part, ast.FormattedValue) else _text(part) for part in node.values)
    return ""


@pytest.mark.parametrize(("place", "text"), list(reported()))
def test_what_readers_report_has_its_translations(place: str, text: str) -> None:
    known = [*texts_with_choices(text)]
    assert any(translated(one, "de") != one and translated(one, "zh") != one for one in known), place


def texts_with_choices(text: str) -> Iterator[str]:
    """The text, and with the sentences that code puts in the place of a last value."""
    yield text
    yield text + " 7 7"
    if text.endswith(" 7"):
        yield text[:-1] + "Give its password with --password."
    if text.endswith("7"):
        yield text[:-1]
        yield text[:-1] + "an XPS document, which no reader knows. Print it to PDF and add that."


def test_values_and_messages_inside_messages_are_kept() -> None:
    assert translated("Read as cp1252.", "de") == "Gelesen als cp1252."
    inner = "a.doc: no reader knows this format. Save it as PDF, DOCX, HTML or text and add that."
    assert translated(f"Left out {inner}", "de").startswith(
        "Weggelassen: a.doc: Dieses Format ist unbekannt."
    )
    assert translated("Something else", "zh") == "Something else"
    assert translated("navigation", "en") == "navigation"


def test_every_message_is_in_every_language_with_the_same_values() -> None:
    for pattern, texts in load_messages():
        assert set(texts) == set(LANGUAGES)
        for language in LANGUAGES:
            filled = texts[language].format(**{name: f"<{name}>" for name in pattern.groupindex})
            assert all(f"<{name}>" in filled for name in pattern.groupindex), texts["en"]
