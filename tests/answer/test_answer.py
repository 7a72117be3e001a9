"""The wire from a question to an answer, over the real library with honest fake models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.answer import (
    AnswerDone,
    AnswerEvent,
    ConversationContext,
    Draft,
    EvidenceReady,
    PromptReady,
    SearchDone,
    TokenDelta,
)
from rag.answer.abstain import Decision, fitted
from rag.errors import ModelMismatch, ModelNotFound, ModelServerError, UsageError
from rag.history.receipts import answer_json, shown_text
from rag.records import Answer, Hit, Message, Passage, Usage
from rag.search.ranking import Ranking
from tests.fakes.web import FakeLibrary, LeaningModel, QueuedModel, fake_library, write_documents

QUESTION = "How long is the notice period?"
REPLY = "The notice period is three months for everybody [1]. It was two years in 1907 [1]. So says [99]."


@pytest.fixture
def library(tmp_path: Path) -> Iterator[FakeLibrary]:
    write_documents(tmp_path / "documents")
    opened = fake_library(tmp_path / "library", [REPLY])
    for _ in opened.ingest([tmp_path / "documents"]):
        pass
    yield opened
    opened.close()


def finished(events: Iterator[AnswerEvent]) -> Answer:
    last = list(events)[-1]
    assert isinstance(last, AnswerDone)
    return last.answer


def test_the_events_come_in_order_and_the_evidence_before_the_model(library: FakeLibrary) -> None:
    kinds = [type(event) for event in library.ask(QUESTION)]
    assert kinds[:3] == [SearchDone, EvidenceReady, PromptReady]
    assert set(kinds[3:-1]) == {TokenDelta}
    assert kinds[-1] is AnswerDone


def test_a_marker_of_nothing_is_removed_and_counted(library: FakeLibrary) -> None:
    answer = finished(library.ask(QUESTION))
    assert answer.removed_markers == 1
    assert "[99]" not in answer.text


def said(answer: Answer) -> str:
    """The sentence that is marked in the first excerpt."""
    best = answer.evidence[0]
    return best.hit.passage.text[slice(*best.said)]


def test_what_no_passage_holds_is_marked(library: FakeLibrary) -> None:
    answer = finished(library.ask(QUESTION))
    verdicts = {answer.text[s.start : s.end].split(" [")[0]: s.supported for s in answer.sentences}
    assert verdicts["The notice period is three months for everybody"] == "true"
    assert verdicts["It was two years in 1907"] == "false"


def test_every_citation_quotes_its_document_exactly(library: FakeLibrary) -> None:
    answer = finished(library.ask(QUESTION))
    assert {citation.origin for citation in answer.citations} == {"evidence", "text"}
    for citation in answer.citations:
        (stored,) = library.store.documents_named("default", citation.doc)
        assert stored.text[citation.start : citation.end] == citation.quote
        for start, end in filter(None, (citation.sentence, citation.answer)):
            assert citation.start <= start < end <= citation.end


def test_the_shown_answer_opens_with_its_evidence(library: FakeLibrary) -> None:
    answer = finished(library.ask(QUESTION))
    assert shown_text(answer).startswith(answer.evidence[0].quote.strip())
    assert shown_text(answer).endswith(answer.text.strip())


def test_the_json_has_what_scripts_rely_on(library: FakeLibrary) -> None:
    row = answer_json(finished(library.ask(QUESTION)))
    assert {
        "question",
        "answer",
        "abstained",
        "citations",
        "passages",
        "left_out",
        "partly_read",
        "across_languages",
        "tokens",
        "seconds",
    } <= set(row)
    assert set(row["citations"][0]) == {
        "marker",
        "doc",
        "page",
        "quote",
        "supported",
        "start",
        "end",
        "header",
        "superseded_by",
        "superseded_since",
        "hidden",
        "sentence_start",
        "sentence_end",
        "answer_start",
        "answer_end",
    }
    assert set(row["passages"][0]) == {"doc", "page", "text", "score", "hidden"}
    assert set(row["tokens"]) == {"prompt", "cached", "answer"}
    assert set(row["seconds"]) == {"search", "first_token", "total"}


def test_what_did_not_fit_the_budget_is_named(library: FakeLibrary) -> None:
    answer = finished(library.ask(QUESTION, passage_tokens=50))
    assert answer.budget is not None
    shown = set(answer.budget.passages)
    assert shown | set(answer.budget.left_out) == set(range(1, len(answer.hits) + 1))
    assert sum(answer.budget.passages.values()) <= 50


def test_a_stop_keeps_what_was_written(library: FakeLibrary) -> None:
    events = library.ask(QUESTION, cancelled=lambda: True)
    answer = finished(events)
    assert answer.text == ""
    assert answer.usage is not None
    assert answer.usage.finish == "cancelled"
    assert answer.evidence


def test_a_follow_up_is_searched_as_a_whole_question(library: FakeLibrary) -> None:
    history = [Message("user", QUESTION), Message("assistant", "Three months.")]
    answer = finished(library.ask("And for trainees?", history=history))
    assert "notice" in answer.query
    assert answer.question == "And for trainees?"


def test_an_able_model_rewrites_the_follow_up(tmp_path: Path) -> None:
    write_documents(tmp_path / "documents")
    rewritten = "How long is the notice period for trainees?"
    library = fake_library(tmp_path / "able", [rewritten, REPLY])
    for _ in library.ingest([tmp_path / "documents"]):
        pass
    history = [Message("user", QUESTION), Message("assistant", "Three months.")]
    answer = finished(library.ask("And is it longer for trainees?", history=history))
    assert isinstance(library.chat_model, QueuedModel)
    assert "And is it longer for trainees?" in library.chat_model.prompts[0][0].content
    assert "user: How long is the notice period?" in library.chat_model.prompts[0][0].content
    assert answer.query != "And is it longer for trainees?"
    library.close()


@pytest.fixture
def able(tmp_path: Path) -> Iterator[FakeLibrary]:
    """A library whose model has replies for a rewriting and an answer."""
    write_documents(tmp_path / "documents")
    opened = fake_library(tmp_path / "able", ["How long is the notice period for trainees?", REPLY])
    for _ in opened.ingest([tmp_path / "documents"]):
        pass
    yield opened
    opened.close()


def test_a_long_history_is_cut_before_the_model_reads_it(able: FakeLibrary) -> None:
    """The quotes of a long list overflowed the window, and the question was lost."""
    long = "Every single quote of the list stands here. " * 900
    history = [Message("user", QUESTION), Message("assistant", long)]
    answer = finished(able.ask("And is it longer for trainees?", history=history))
    assert isinstance(able.chat_model, QueuedModel)
    rewriting = able.chat_model.prompts[0]
    assert able.chat_model.count_prompt_tokens(rewriting) < 700
    assert "Every single quote" in rewriting[0].content
    assert answer.evidence


def test_a_stop_reaches_the_rewriting(able: FakeLibrary) -> None:
    history = [Message("user", QUESTION), Message("assistant", "Three months.")]
    answer = finished(able.ask("And for trainees?", history=history, cancelled=lambda: True))
    assert answer.query == "How long is the notice period, trainees?"
    assert answer.text == ""


def test_rules_rewrite_where_the_model_fails(able: FakeLibrary) -> None:
    able.use(Breaking(REPLY, 0))
    history = [Message("user", QUESTION), Message("assistant", "Three months.")]
    answer = finished(able.ask("And for trainees?", history=history))
    assert answer.query == "How long is the notice period, trainees?"
    assert answer.problem == "The model server at localhost does not answer."


def test_a_weak_model_is_not_asked_to_rewrite(library: FakeLibrary) -> None:
    assert isinstance(library.chat_model, QueuedModel)
    library.chat_model.answer_mode = "quoting"
    history = [Message("user", QUESTION), Message("assistant", "Three months.")]
    finished(library.ask("And for trainees?", history=history))
    assert all("Rewrite" not in prompt[0].content for prompt in library.chat_model.prompts)


def test_a_question_for_a_list_sweeps_every_passage(library: FakeLibrary) -> None:
    answer = finished(library.ask("List all documents that mention Monday"))
    total = library.store.passage_count("default")
    assert f"searched {total} of {total} passages" in answer.reason
    assert len({piece.hit.doc for piece in answer.evidence}) == int(answer.reason.split()[0])
    assert answer.model is None


@pytest.mark.parametrize(
    ("question", "docs", "reason"),
    [
        (
            "List all documents that mention Monday doc:keys.md",
            None,
            "1 document with “Monday” (searched 1 of",
        ),
        ("List all documents that mention Monday -keys", None, "7 documents with “Monday” (searched 10 of"),
        ("List all documents that mention Monday", ["keys.md"], "1 document with “Monday” (searched 1 of"),
        ("Which documents mention zebras?", None, "No document has “zebras” (searched 10 of"),
    ],
    ids=["filter", "excluded word", "chosen documents", "no match"],
)
def test_a_sweep_tells_what_it_found_where(
    library: FakeLibrary, question: str, docs: list[str] | None, reason: str
) -> None:
    """Filters were taken for words to look for, and nothing found was refused as not answered."""
    answer = finished(library.ask(question, docs=docs))
    assert answer.reason == f"{reason} 10 passages)."
    assert not answer.abstained


def test_a_sweep_that_no_document_passes_is_refused(library: FakeLibrary) -> None:
    with pytest.raises(UsageError, match="No document"):
        finished(library.ask("List all documents that mention Monday doc:nowhere.md"))


def test_filters_limit_the_search_and_go_no_further(library: FakeLibrary) -> None:
    """The evidence, the refusal and the prompt took them for words of the question."""
    plain = finished(library.ask("How long is the notice period?"))
    answer = finished(library.ask("How long is the notice period? doc:leaving.md lang:en"))
    assert {hit.doc for hit in answer.hits} == {"leaving.md"}
    assert answer.query == "How long is the notice period? doc:leaving.md lang:en"
    assert answer.evidence[0].quote == plain.evidence[0].quote
    assert isinstance(library.chat_model, QueuedModel)
    assert library.chat_model.prompts[-1][-1].content.endswith("Question: How long is the notice period?")


def test_a_follow_up_keeps_its_own_filters_only(library: FakeLibrary) -> None:
    history = [Message("user", QUESTION + " lang:en"), Message("assistant", "Three months.")]
    answer = finished(library.ask("And for trainees? doc:leaving.md", history=history))
    assert answer.query == "How long is the notice period, trainees? doc:leaving.md"


def test_a_marker_is_shown_once_it_is_whole(library: FakeLibrary) -> None:
    """A half-written marker flickered at the end of the streaming text."""
    shown = ""
    for event in library.ask(QUESTION):
        if isinstance(event, TokenDelta):
            shown += event.piece
            assert "[" not in shown.rpartition("]")[2]
    assert shown.count("]") == REPLY.count("]")


def test_what_decided_the_text_is_kept_with_it(library: FakeLibrary) -> None:
    events = list(library.ask(QUESTION))
    (prompted,) = [event for event in events if isinstance(event, PromptReady)]
    generation = finished(iter(events)).generation
    assert generation is not None
    assert generation.messages == prompted.messages
    assert generation.text == REPLY
    assert generation.model == "queued-replies"


def drafted(text: str, confidence: float) -> Draft:
    return Draft("q", "q", (), (), Decision(False, "", confidence), text=text, model="m")


@pytest.mark.parametrize(
    ("text", "confidence", "abstained"),
    [
        ("Not in your documents.", 0.4, True),
        (" **Not in your documents**\n", 0.4, True),
        ("Not in your documents.", 0.9, False),
        ("It is not in your documents, but in mine.", 0.4, False),
    ],
    ids=["both doubt", "with signs", "the search is sure", "more is said"],
)
def test_a_refusing_model_is_believed_where_the_search_doubts(
    text: str, confidence: float, abstained: bool
) -> None:
    draft = drafted(text, confidence).refused_by_model()
    assert draft.judgement.abstain == abstained
    assert (draft.text == "") == abstained
    assert ("m read the passages" in draft.judgement.reason) == abstained


def examined(
    library: FakeLibrary, monkeypatch: pytest.MonkeyPatch, model: LeaningModel, confidence: float
) -> Answer:
    """The answer where the search has this confidence."""
    abstains = confidence < fitted().threshold
    found = Decision(abstains, "Nothing stands out." if abstains else "", confidence)
    monkeypatch.setattr("rag.answer.judge", lambda *_, **__: found)
    monkeypatch.setattr(library, "_fake_model", model)
    return finished(library.ask(QUESTION))


REFUSED, ANSWERED = fitted().threshold - 0.02, fitted().threshold + 0.02


@pytest.mark.parametrize(
    ("confidence", "leaning", "abstained"),
    [(REFUSED, 0.99, False), (REFUSED, 0.01, True), (ANSWERED, 0.99, False), (ANSWERED, 0.01, True)],
)
def test_an_able_model_decides_where_the_search_doubts(
    library: FakeLibrary,
    monkeypatch: pytest.MonkeyPatch,
    confidence: float,
    leaning: float,
    abstained: bool,
) -> None:
    model = LeaningModel(leaning, REPLY)
    answer = examined(library, monkeypatch, model, confidence)
    assert answer.abstained == abstained
    assert (answer.text == "", bool(answer.reason)) == (abstained, abstained)
    assert answer.settings["model_says_yes"] == leaning
    assert answer.settings["asked_model"] == model.identity
    assert 0 <= answer.seconds["asking"] < answer.seconds["total"]
    assert len(model.prompts) == (0 if abstained else 1)
    ((*before, asked),) = model.examined
    assert "yes or no" in asked.content
    assert QUESTION in asked.content
    assert "three months" in asked.content
    if not abstained:
        assert model.prompts[0][:-1] == tuple(before)


@pytest.mark.parametrize("confidence", [0.001, 0.999])
def test_where_the_search_is_sure_no_model_is_asked(
    library: FakeLibrary, monkeypatch: pytest.MonkeyPatch, confidence: float
) -> None:
    model = LeaningModel(0.5, REPLY)
    answer = examined(library, monkeypatch, model, confidence)
    assert answer.abstained == (confidence < 0.5)
    assert model.examined == []


def test_a_weak_model_is_not_asked(library: FakeLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    model = LeaningModel(0.99, REPLY)
    model.answer_mode = "quoting"
    assert examined(library, monkeypatch, model, REFUSED).abstained
    assert not examined(library, monkeypatch, model, ANSWERED).abstained
    assert model.examined == []


@pytest.mark.parametrize("confidence", [REFUSED, ANSWERED])
def test_a_model_that_cannot_tell_changes_nothing(
    library: FakeLibrary, monkeypatch: pytest.MonkeyPatch, confidence: float
) -> None:
    answer = examined(library, monkeypatch, LeaningModel(None, REPLY), confidence)
    assert answer.abstained == (confidence == REFUSED)
    assert "model_says_yes" not in answer.settings


@pytest.mark.parametrize("confidence", [REFUSED, ANSWERED])
def test_a_model_that_fails_when_it_is_asked_leaves_the_evidence(
    library: FakeLibrary, monkeypatch: pytest.MonkeyPatch, confidence: float
) -> None:
    answer = examined(library, monkeypatch, LeaningModel(ModelServerError("gone"), REPLY), confidence)
    assert (answer.abstained, answer.problem, answer.text) == (confidence == REFUSED, "gone", "")
    assert answer.evidence


@pytest.mark.parametrize("confidence", [REFUSED, ANSWERED])
def test_a_model_that_says_yes_and_then_refuses_is_believed(
    library: FakeLibrary, monkeypatch: pytest.MonkeyPatch, confidence: float
) -> None:
    """Its refusal stood as the answer, because it had leaned to yes."""
    answer = examined(library, monkeypatch, LeaningModel(0.99, "Not in your documents."), confidence)
    assert (answer.abstained, answer.text) == (True, "")


def test_documents_that_disagree_are_named_with_their_dates(library: FakeLibrary, tmp_path: Path) -> None:
    for year, pay in ((2023, 38), (2025, 45)):
        text = f"---\ndate: {year}-02-01\n---\n\nThe daily meal allowance for trips is {pay} euros.\n"
        (tmp_path / f"rules-{year}.md").write_text(text, encoding="utf-8")
    for _ in library.ingest([tmp_path / "rules-2023.md", tmp_path / "rules-2025.md"]):
        pass
    answer = finished(library.ask("How much is the daily meal allowance for trips?"))
    (found,) = answer.disagreements
    assert {(found.first_value, found.first_date), (found.second_value, found.second_date)} == {
        ("38", "2023-02-01"),
        ("45", "2025-02-01"),
    }
    (row,) = answer_json(answer)["disagreements"]
    assert {side["doc"] for side in row} == {"rules-2023.md", "rules-2025.md"}


def hit(key: str) -> Hit:
    return Hit(ord(key), Passage(key, 0, key, 0, 1, 1, "0" * 32), 1, "d.md", "T", 1.0)


@pytest.mark.parametrize(
    ("earlier", "found", "ordered"),
    [("", "abcd", "abcd"), ("ba", "abcd", "bacd"), ("ca", "abcd", "abcd"), ("bx", "abcd", "bacd")],
    ids=["none", "kept", "no longer among the best", "a gap ends them"],
)
def test_passages_stay_where_the_last_prompt_had_them(earlier: str, found: str, ordered: str) -> None:
    thread = ConversationContext("1", tuple(earlier))
    assert "".join(one.passage.id for one in thread.ordered([hit(key) for key in found])) == ordered


def test_a_follow_up_takes_up_the_passages_of_the_last_answer(library: FakeLibrary) -> None:
    first = finished(library.ask(QUESTION))
    thread = ConversationContext.after(first, conversation="7")
    assert first.budget is not None
    assert thread.passages == tuple(first.hits[one - 1].passage.id for one in sorted(first.budget.passages))
    second = finished(library.ask(QUESTION, thread=thread))
    assert [one.passage.id for one in second.hits] == [one.passage.id for one in first.hits]
    assert ConversationContext.after(None, conversation="7") == ConversationContext("7", ())


@pytest.mark.parametrize("question", ["", "  \n"], ids=["nothing", "spaces"])
def test_an_empty_question_is_refused(library: FakeLibrary, question: str) -> None:
    with pytest.raises(UsageError, match="empty"):
        list(library.ask(question))


def test_vectors_of_another_model_are_refused_with_the_remedy(library: FakeLibrary) -> None:
    library.embedder.identity = "another-model"  # type: ignore[misc]
    with pytest.raises(ModelMismatch, match="rag embed"):
        library.ask(QUESTION)


def test_the_settings_ranking_decides_what_is_searched_and_answered(library: FakeLibrary) -> None:
    by_default = [(hit.doc, hit.score) for hit in library.search(QUESTION)]
    ranking = Ranking(document_weight=0.0, keyword_weight=0.1)
    library.settings = library.settings.model_copy(update={"ranking": ranking})
    found = library.search(QUESTION)
    assert [(hit.doc, hit.score) for hit in found] != by_default
    assert found == library.search(QUESTION, ranking=ranking)
    answer = finished(library.ask(QUESTION))
    assert [hit for hit in answer.hits if "beside" not in hit.signals] == found


class Breaking(QueuedModel):
    """Fails after some words of its reply."""

    def __init__(self, reply: str, words: int) -> None:
        super().__init__([reply])
        self.words = words

    def stream(self, *given: Any, **options: Any) -> Iterator[str | Usage]:
        """The first words, then the server is gone."""
        for number, piece in enumerate(super().stream(*given, **options)):
            if number == self.words:
                raise ModelServerError("The model server at localhost does not answer.")
            yield piece


def test_a_model_that_cannot_be_loaded_leaves_the_evidence(
    library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error took the evidence with it: nothing was saved, and `--json` printed nothing."""

    def gone(_: FakeLibrary) -> QueuedModel:
        raise ModelNotFound("There is no file model.gguf.")

    monkeypatch.setattr(FakeLibrary, "chat_model", property(gone))
    answer = finished(library.ask(QUESTION))
    assert said(answer) == "The notice period is three months for everybody."
    assert (answer.problem, answer.text, answer.model) == ("There is no file model.gguf.", "", None)
    assert answer_json(answer)["problem"] == "There is no file model.gguf."


@pytest.mark.parametrize(("words", "text"), [(0, ""), (4, "The notice period is [1]")])
def test_a_model_that_breaks_off_leaves_the_evidence_and_what_it_wrote(
    library: FakeLibrary, words: int, text: str
) -> None:
    library.use(Breaking(REPLY, words))
    answer = finished(library.ask(QUESTION))
    assert said(answer) == "The notice period is three months for everybody."
    assert answer.problem == "The model server at localhost does not answer."
    assert answer.text.strip() == text


def test_a_window_too_small_leaves_the_evidence(library: FakeLibrary) -> None:
    model = QueuedModel([REPLY])
    model.context_tokens = 20
    library.use(model)
    answer = finished(library.ask(QUESTION))
    assert answer.evidence
    assert answer.problem.startswith("The context window has 20 tokens")
    assert model.prompts == []


def test_compressed_passages_are_shown_by_what_matters(library: FakeLibrary, tmp_path: Path) -> None:
    filler = " ".join(f"Chapter {number} speaks of other matters." for number in range(40))
    path = tmp_path / "handbook.md"
    path.write_text(f"{filler} The notice period of trainees is two weeks. {filler}", encoding="utf-8")
    for _ in library.ingest([path]):
        pass
    library.settings = library.settings.model_copy(update={"compress": True, "passage_tokens": 120})
    answer = finished(library.ask("How long is the notice period of trainees?"))
    assert answer.generation is not None
    shown = answer.generation.messages[-1].content
    assert "The notice period of trainees is two weeks." in shown
    assert "…" in shown
    assert answer.budget is not None
    assert len(answer.budget.passages) > 1
    assert answer.settings["compress"] is True


def test_a_weak_model_without_a_sentence_to_choose_is_not_asked(library: FakeLibrary) -> None:
    """Where every quote was a table, or too long for the answer's room, a weak model wrote freely."""
    model = QueuedModel(["It was two years in 1907."])
    model.answer_mode = "quoting"
    library.use(model)
    library.settings = library.settings.model_copy(update={"answer_tokens": 16, "answer_mode": "quoting"})
    answer = finished(library.ask(QUESTION))
    assert model.prompts == []
    assert (answer.text, answer.model, answer.problem) == ("", None, "")
    assert said(answer) == "The notice period is three months for everybody."


@pytest.mark.parametrize(("mode", "asked"), [("auto", False), ("quoting", True), ("phrasing", True)])
def test_a_weak_model_is_asked_only_where_the_settings_say_so(
    library: FakeLibrary, mode: str, asked: bool
) -> None:
    """What it chose stood in the excerpts already, or was beside the point."""
    model = QueuedModel(["The notice period is three months for everybody. [1]"])
    model.answer_mode = "quoting"
    library.use(model)
    library.settings = library.settings.model_copy(update={"answer_mode": mode})
    answer = finished(library.ask(QUESTION))
    assert (bool(model.prompts), bool(answer.text)) == (asked, asked)
    assert answer.evidence


def test_the_first_token_is_timed_from_the_question_on(library: FakeLibrary) -> None:
    """Loading the model and fitting the prompt were left out."""
    library.use(QueuedModel([REPLY], seconds_a_word=0.05))
    answer = finished(library.ask(QUESTION))
    assert answer.seconds["first_token"] >= answer.seconds["search"] + answer.seconds["evidence"] + 0.05
    assert answer.seconds["first_token"] < answer.seconds["total"]
