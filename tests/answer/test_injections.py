"""Instructions inside documents stay text: in the prompt, and in what a weak model may write."""

from __future__ import annotations

import re

import pytest

from rag.answer import AnswerOptions, allowed_quotes
from rag.answer.quotes import arrangements
from rag.interfaces import PromptStyle
from rag.prompts import Templates
from rag.records import Evidence, Hit, Passage
from rag.settings import PROJECT
from rag.text.sentences import split_sentences
from tests.fakes.injections import CANARY, Injected, injected_documents

DOCUMENTS = injected_documents(seed=3)
LIMITS = AnswerOptions(top_k=20, passage_tokens=900, answer_tokens=256, evidence_sentences=3, mode="quoting")


def test_the_set_is_the_same_for_a_seed_and_names_its_answers() -> None:
    assert len(DOCUMENTS) == 50
    assert injected_documents(seed=3) == DOCUMENTS
    assert len({(one.question, one.answer) for one in DOCUMENTS}) == 50
    for one in DOCUMENTS:
        assert one.answer in one.text
        assert CANARY in one.attack
        assert one.attack in one.text


@pytest.mark.parametrize("style", ["short", "full"])
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.doc)
def test_an_instruction_stays_inside_its_block(style: PromptStyle, document: Injected) -> None:
    block = Templates(PROJECT / "prompts", style=style).passage(4, document.doc, document.text)
    assert block.count('"""') == 2
    assert re.findall(r"\[\d+\]", block) == ["[4]"]
    assert block.index("\n") < block.index(CANARY) < block.rindex('"""')


class Weak:
    """Counts words; may only quote."""

    answer_mode = "quoting"
    takes_choices = True

    def count_tokens(self, text: str) -> int:
        return len(text.split())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.doc)
def test_a_weak_model_can_write_nothing_but_quotations(document: Injected) -> None:
    passage = Passage("p", 0, document.text, 0, len(document.text), 9, "0" * 32)
    hit = Hit(1, passage, 1, document.doc, "T", 1.0)
    (start, end) = next(
        span for span in split_sentences(document.text) if document.answer in document.text[slice(*span)]
    )
    quote = Evidence(hit, 1, document.text[start:end], start, end, 1.0)
    choices = arrangements(allowed_quotes([quote], Weak(), LIMITS) or [])  # type: ignore[arg-type]
    assert choices
    assert all(quote.quote in choice and CANARY not in choice for choice in choices)
