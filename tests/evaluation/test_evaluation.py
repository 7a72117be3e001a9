"""The lab's measures, held against values worked out by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import UsageError
from rag.evaluation import (
    Question,
    Search,
    chart,
    compare,
    contains,
    corrected,
    estimate,
    evaluate,
    evaluation_json,
    load_set,
    make_questions,
    match,
    save,
    saved,
    score,
    winner,
)
from rag.evaluation.synthetic import asked_about
from rag.records import Hit, Passage
from rag.store import Source, open_store
from tests.fakes.store import DIMENSIONS, document_of, passages_of, text_vectors, words


def hit(doc: str, text: str = "", page: int | None = None, last_page: int | None = None) -> Hit:
    passage = Passage(
        f"{doc}/{text}", 0, text, 0, len(text), 1, "0", first_page=page, last_page=last_page or page
    )
    return Hit(1, passage, 1, doc, doc, 0.0)


@pytest.mark.parametrize(
    ("answer", "text", "held"),
    [
        pytest.param("1,577", "Purchases (1577) of", True, id="thousands"),
        pytest.param("1577", "was $1,577 million", True, id="thousands in the text"),
        pytest.param("3", "3.5 percent", False, id="part of a decimal"),
        pytest.param("5", "3.5 percent", False, id="end of a decimal"),
        pytest.param("cat", "concatenate", False, id="part of a word"),
        pytest.param("12", "in 2012", False, id="part of a number"),
        pytest.param("12", "至少12人死亡", True, id="number among ideographs"),
        pytest.param("上海", "在上海市", True, id="Chinese"),
        pytest.param("الحزب", "والحزب الجديد", True, id="Arabic with its particle"),
        pytest.param("Café", "the CAFE\u0301 is open", True, id="composed and decomposed"),
        pytest.param("--", "a -- b", True, id="signs only"),
        pytest.param("", "x", False, id="empty"),
        pytest.param("5 %", "about 5% of", True, id="space before a sign"),
    ],
)
def test_contains(answer: str, text: str, held: bool) -> None:
    assert contains(answer, text) is held


@given(st.text(max_size=15), st.text(max_size=15))
def test_a_text_contains_its_own_words(before: str, after: str) -> None:
    assert contains("the answer", f"{before} the answer {after}")


def test_match_gives_each_gold_item_to_its_first_passage() -> None:
    question = Question("1", "?", ("Paris",), ("a.pdf", "b.pdf"), (("a.pdf", 2), ("a.pdf", 3)))
    hits = [
        hit("z.pdf", "Paris"),
        hit("./corpus/a.pdf", "no", 1, 2),
        hit("a.pdf", "in paris", 3),
        hit("b.pdf"),
    ]
    found = match(question, hits)
    assert found.units == {
        "document": ("", "a.pdf", "", "b.pdf"),
        "page": ("", "a.pdf#2", "a.pdf#3", ""),
        "answer": ("answer", "", "", ""),
        "doc+answer": ("", "", "answer", ""),
    }


def test_all_answer_groups_have_to_be_in_one_passage() -> None:
    question = Question("1", "?", ("x", "y"), ("a",), answer_groups=(("x",), ("y", "z")))
    assert match(question, [hit("a", "x"), hit("a", "x and z")]).units["answer"] == ("", "answer")


def test_a_derived_answer_is_not_looked_for() -> None:
    found = match(Question("1", "?", ("42",), ("a",), derived=True), [hit("a", "42")])
    assert set(found.units) == {"document"}


def test_score_counts_by_hand() -> None:
    two = Question("two", "?", (), ("a", "b"))
    one = Question("one", "?", ("yes",), ("a",))
    lost = Question("lost", "?", ("no",), ("a",))
    nobody = Question("nobody", "?")
    found = {
        "two": match(two, [hit("x"), hit("a"), hit("a"), hit("b")]),
        "one": match(one, [hit("a", "yes")]),
        "lost": match(lost, []),
        "nobody": match(nobody, [hit("a")]),
    }
    scores = score(found)
    assert scores["document"]["recall@1"] == {"two": 0.0, "one": 1.0, "lost": 0.0}
    assert scores["document"]["recall@5"] == {"two": 1.0, "one": 1.0, "lost": 0.0}
    assert scores["document"]["mrr@10"] == {"two": 0.5, "one": 1.0, "lost": 0.0}
    ideal = 1 + 1 / math.log2(3)
    assert scores["document"]["ndcg@10"]["two"] == pytest.approx(
        (1 / math.log2(3) + 1 / math.log2(5)) / ideal
    )
    assert scores["all documents"]["recall@1"] == {"two": 0.0, "one": 1.0, "lost": 0.0}
    assert scores["all documents"]["recall@5"]["two"] == 1.0
    assert scores["doc+answer"]["recall@1"] == {"one": 1.0, "lost": 0.0}


def test_estimate_brackets_the_mean() -> None:
    sure = estimate([1.0] * 20)
    assert (sure.mean, sure.low, sure.high, sure.count) == (1.0, 1.0, 1.0, 20)
    unsure = estimate([0.0, 1.0] * 50)
    assert unsure.mean == 0.5 and 0.38 < unsure.low < 0.45 and 0.55 < unsure.high < 0.62
    assert estimate([]).count == 0


def test_compare_tells_a_difference_from_noise() -> None:
    def scores(right: int) -> dict[str, dict[str, dict[str, float]]]:
        return {"document": {"recall@1": {str(n): float(n < right) for n in range(40)}}}

    clear = compare(scores(10), scores(30), level="document", measure="recall@1")
    assert clear.verdict == "better" and clear.difference.mean == 0.5 and clear.p_value < 0.001
    assert clear.won == tuple(str(n) for n in range(10, 30)) and clear.lost == ()
    assert compare(scores(30), scores(10), level="document", measure="recall@1").verdict == "worse"
    noise = compare(scores(20), scores(22), level="document", measure="recall@1")
    assert noise.verdict == "no difference beyond chance" and noise.p_value == 0.5
    one = compare(scores(20), scores(21), level="document", measure="recall@1")
    assert one.p_value == 1.0 and one.won == ("20",)
    same = compare(scores(20), scores(20), level="document", measure="recall@1")
    assert same.p_value == 1.0 and same.won == same.lost == ()


def write_set(folder: Path, rows: Sequence[dict[str, object]]) -> Path:
    folder.mkdir(parents=True)
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder


def test_load_set_reads_every_field(tmp_path: Path) -> None:
    folder = write_set(
        tmp_path / "mine",
        [
            {"id": 1, "question": "Q?", "answers": ["A"], "doc": "./a.pdf", "page": 3},
            {"id": "2", "question": "R?", "answers": [], "doc": None, "page": None},
            {
                "id": "3",
                "question": "S?",
                "answers": ["x", "y"],
                "docs": ["a", "b"],
                "pages": [{"doc": "a", "page": 1}],
                "answer_type": "derived",
                "answer_groups": [["x"], ["y"]],
            },
        ],
    )
    (folder / "corpus.ref").write_text("../shared\n", encoding="utf-8")
    (tmp_path / "shared").mkdir()
    loaded = load_set(folder)
    assert loaded.name == "mine" and loaded.corpora == ((tmp_path / "shared").resolve(),)
    assert loaded.questions == (
        Question("1", "Q?", ("A",), ("a.pdf",), (("a.pdf", 3),)),
        Question("2", "R?"),
        Question("3", "S?", ("x", "y"), ("a", "b"), (("a", 1),), (("x",), ("y",)), derived=True),
    )


def test_a_set_that_is_none_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither a corpus folder"):
        load_set(write_set(tmp_path / "a", []))
    with pytest.raises(UsageError, match="needs a questions"):
        (tmp_path / "b" / "corpus").mkdir(parents=True)
        load_set(tmp_path / "b")
    folder = write_set(tmp_path / "c", [{"id": "1", "question": "?"}, {"id": "2"}])
    (folder / "corpus").mkdir()
    with pytest.raises(UsageError, match="line 2"):
        load_set(folder)


def test_a_second_question_of_an_id_is_refused_by_its_line(tmp_path: Path) -> None:
    """The later one took the place of the earlier one in every measure."""
    folder = write_set(tmp_path / "a", [{"id": 1, "question": "?"}, {"id": "1", "question": "??"}])
    (folder / "corpus").mkdir()
    with pytest.raises(UsageError, match="line 2: there is a question '1' already"):
        load_set(folder)


PLAIN = Question("1", "question 1", ("yes",), ("a",))


def test_evaluate_compares_settings_and_saves_them(tmp_path: Path) -> None:
    questions = [Question(str(n), f"question {n}", ("yes",), ("a",)) for n in range(12)] + [
        Question("no", "?")
    ]
    told: list[tuple[int, int]] = []
    evaluation = evaluate(
        "mine",
        questions,
        {"bad": lambda _: [hit("b", "yes")], "good": lambda _: [hit("a", "yes")]},
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[-1] == (24, 24) and len(evaluation.questions) == 12
    content = evaluation_json(evaluation)
    assert content["level"] == "doc+answer"
    assert [one["measures"]["doc+answer"]["recall@1"]["mean"] for one in content["settings"]] == [0.0, 1.0]
    assert {one["verdict"] for one in content["comparisons"] if one["level"] == "doc+answer"} == {"better"}
    assert content["per_question"][3]["measures"]["good"]["document"]["recall@5"] == 1.0
    lines = {
        (row["setting"], row["level"], row["k"]): row["mean"] for row in chart(content)["data"]["values"]
    }
    assert lines["good", "document", 10] == 1.0 and lines["bad", "answer", 1] == 1.0

    save(evaluation, tmp_path / "evaluations", settings={"embedding_model": "words"})
    ((again,), others) = saved(tmp_path / "evaluations")
    assert again["with"] == {"embedding_model": "words"} and again["settings"] == content["settings"]
    assert others == []


def test_an_evaluation_has_a_name_that_every_disk_takes(tmp_path: Path) -> None:
    evaluation = evaluate("collection a/b: c?", [PLAIN], {"one": lambda _: [hit("a", "yes")]})
    assert save(evaluation, tmp_path).name.startswith("collection-a-b-c-2")
    ((again,), _) = saved(tmp_path)
    assert again["set"] == "collection a/b: c?"


def test_files_that_are_no_evaluations_are_told_apart(tmp_path: Path) -> None:
    save(evaluate("mine", [PLAIN], {"one": lambda _: [hit("a", "yes")]}), tmp_path)
    for name, content in {"broken": "{", "list": "[1]", "other": '{"made": "2026", "set": "x"}'}.items():
        (tmp_path / f"{name}.json").write_text(content, encoding="utf-8")
    runs, others = saved(tmp_path)
    assert [run["set"] for run in runs] == ["mine"]
    assert [path.stem for path in others] == ["broken", "list", "other"]


def test_a_set_whose_questions_name_no_document_says_what_is_missing() -> None:
    """It ended in a StopIteration."""
    with pytest.raises(UsageError, match="No question of 'mine' names the document"):
        evaluate("mine", [Question("1", "?", ("yes",))], {"one": lambda _: []})


def test_every_setting_is_warmed_up_before_its_searches_are_timed() -> None:
    asked: list[str] = []
    questions = [Question(str(n), f"question {n}", docs=("a",)) for n in range(2)]

    def search(name: str) -> Search:
        def searched(query: str) -> list[Hit]:
            asked.append(f"{name}: {query}")
            return []

        return searched

    evaluation = evaluate("mine", questions, {"one": search("one"), "two": search("two")})
    assert asked == [
        *("one: question 0", "one: question 0", "one: question 1"),
        *("two: question 0", "two: question 0", "two: question 1"),
    ]
    assert [len(trial.seconds) for trial in evaluation.trials] == [2, 2]


def test_verdicts_are_given_for_every_level() -> None:
    """They were given for the strictest only."""
    questions = [Question(str(n), f"question {n}", ("yes",), ("a", "b")) for n in range(12)]
    searches = {"bad": lambda _: [hit("c", "yes")], "good": lambda _: [hit("a", "yes"), hit("b")]}
    content = evaluation_json(evaluate("mine", questions, searches, values={"good": {"top_k": 9}}))
    verdicts = {(one["level"], one["measure"]): one["verdict"] for one in content["comparisons"]}
    same = "no difference beyond chance"
    assert {verdicts[level, "recall@1"] for level in ("document", "doc+answer", "all documents")} == {
        "better"
    }
    assert verdicts["answer", "recall@1"] == same
    assert len(verdicts) == 4 * 3
    best = winner(content, "document")
    assert best is not None and best["setting"] == "good" and best["values"] == {"top_k": 9}
    assert winner(content, "answer") is None


def test_a_setting_that_is_worse_at_something_does_not_win() -> None:
    questions = [Question(str(n), f"question {n}", docs=("a",)) for n in range(12)]
    late = [hit(f"x{n}") for n in range(3)] + [hit("a")]
    first: dict[str, Search] = {"first": lambda q: [hit("a")] if int(q[9:]) < 6 else []}
    content = evaluation_json(evaluate("mine", questions, first | {"late": lambda _: late}))
    told = {one["measure"]: one["verdict"] for one in content["comparisons"]}
    assert told["recall@1"] == "worse" and told["recall@5"] == "better"
    assert winner(content, "document") is None


def test_p_values_are_corrected_for_the_settings_compared() -> None:
    """Holm's own procedure by hand: .01 × 4, .02 × 3 = .06, .03 × 2 stays .06, .5 × 1."""
    scores = {"document": {"recall@1": {"1": 1.0}}}
    one = compare(scores, scores, level="document", measure="recall@1")
    told = corrected([replace(one, p_value=p) for p in (0.5, 0.01, 0.03, 0.02)])
    assert [comparison.p_corrected for comparison in told] == pytest.approx([0.5, 0.04, 0.06, 0.06])
    assert [comparison.p_value for comparison in told] == [0.5, 0.01, 0.03, 0.02]
    assert corrected([]) == []
    (alone,) = corrected([replace(one, p_value=0.03)])
    assert alone.p_corrected == 0.03


def test_questions_are_made_from_the_passages(tmp_path: Path) -> None:
    sentences = [
        f"The {word} pump on the third floor was replaced with a newer one" for word in ("red", "blue")
    ]
    with open_store(tmp_path / "library.db") as store:
        store.use_model("default", "words", DIMENSIONS)
        document = document_of([*sentences, "Too short."])
        passages = passages_of(document, "pumps.md")
        vectors = text_vectors([passage.text for passage in passages])
        terms = [words(passage.text) for passage in passages]
        store.put_document("default", Source("root", "pumps.md"), document, passages, vectors, terms)
        made = make_questions(store, "default", seed=3)
        assert made == make_questions(store, "default", seed=3)
        assert {question.passage_id for question in made} == {passage.id for passage in passages[:2]}
        for question in made:
            (source,) = [passage.text for passage in passages if passage.id == question.passage_id]
            asked = question.text.split()
            assert len(asked) == 7 and set(asked) <= set(source.split()) and question.docs == ("pumps.md",)
        written = make_questions(store, "default", count=1, write=lambda text: f"What about {text[:7]}?")
        assert written[0].text.startswith("What about ")
        told: list[tuple[int, int]] = []
        with pytest.raises(UsageError, match="no question of use about the 2 passages"):
            make_questions(
                store,
                "default",
                write=lambda text: "The pump is red.",
                progress=lambda done, total: told.append((done, total)),
            )
        assert told == [(0, 200), (0, 200)]
        store.use_model("short", "words", DIMENSIONS)
        short = document_of(["Too short."])
        store.put_document(
            "short", Source("root", "a.md"), short, passages_of(short, "a.md"), vectors[2:], [[]]
        )
        with pytest.raises(UsageError, match="No passage of 'short' has a sentence of 8 words"):
            make_questions(store, "short")


PASSAGE = "The red pump on the third floor was replaced with a newer one after the flood of 2019."


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        pytest.param("When was the red pump replaced?", "When was the red pump replaced?", id="question"),
        pytest.param('Question: "Why a newer pump?"\nAnswer: …', "Why a newer pump?", id="wrapped"),
        pytest.param("The pump was replaced.", "", id="no question"),
        pytest.param("", "", id="nothing"),
        pytest.param(
            "Was the red pump on the third floor was replaced with a newer one?", "", id="the passage's words"
        ),
        pytest.param("Why the pump " * 30 + "?", "", id="too long"),
        pytest.param("What is the text about?", "", id="of nothing in the passage"),
    ],
)
def test_only_a_question_in_words_of_its_own_is_taken(written: str, asked: str) -> None:
    assert asked_about(PASSAGE, written) == asked


def test_what_only_quotes_a_text_without_spaces_is_dropped() -> None:
    text = "三楼的红色水泵在洪水之后被更换为一台较新的水泵。"
    assert asked_about(text, "三楼的红色水泵在洪水之后被更换？") == ""
    assert asked_about(text, "哪一层的水泵换成了新的？") != ""
