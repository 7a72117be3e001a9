"""Whether a question seems to be English."""

from __future__ import annotations

import pytest

from rag.text.words import seems_english


@pytest.mark.parametrize(
    "question",
    ["How many days of leave do I get?", "laptop stolen", "expense limit hotels", "was it me?", "VPN"],
)
def test_english_questions_seem_english(question: str) -> None:
    assert seems_english(question)


@pytest.mark.parametrize(
    "question",
    [
        "Wie viele Urlaubstage habe ich?",
        "¿Cuántos días de vacaciones tengo?",
        "Combien de jours de congé ai-je ?",
        "我有多少天假期？",
        "Сколько дней отпуска у меня есть?",
        "Kündigungsfrist für Mieter",
    ],
)
def test_questions_in_other_languages_do_not_seem_english(question: str) -> None:
    assert not seems_english(question)
