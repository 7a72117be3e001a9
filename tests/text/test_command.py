"""Commands in messages are named as the program was started."""

from __future__ import annotations

import pytest

from rag.text.command import VARIABLE, as_started
from rag.web.i18n import Phrases

MESSAGE = "Add some: python -m rag ingest FOLDER"


def test_in_a_checkout_a_command_stands_as_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert as_started(MESSAGE) == MESSAGE
    assert "python -m rag doctor" in Phrases("en")("unexpected")


@pytest.mark.parametrize("language", ["en", "de", "zh"])
def test_installed_it_has_the_name_of_the_command(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "footnote")
    assert as_started(MESSAGE) == "Add some: footnote ingest FOLDER"
    assert "footnote doctor" in Phrases(language)("unexpected")
