"""A short exam of grounded questions: what a chat model is able to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rag.interfaces import AnswerMode, ChatModel
from rag.records import Message

PHRASING_EXAM = 0.8
"""Least share of exam questions a model must answer rightly to write answers of its own."""
LEAST_QUESTIONS = 6
"""Fewer answers tell nothing of a model: a starter may be right once, an able one wrong once."""
ANSWER_TOKENS = 24
_REFUSAL = "not in your documents"


@dataclass(frozen=True, slots=True)
class ExamQuestion:
    """A passage, a question, and words one of which a right answer holds; none where it holds no answer."""

    passage: str
    question: str
    accepted: tuple[str, ...]


EXAM = (
    ExamQuestion(
        "The Birch Lane depot opens at 6:40 on weekdays and at 8:15 on Saturdays. It is closed on Sundays. "
        "Deliveries are taken at the north gate only.",
        "When does the depot open on Saturdays?",
        ("8:15",),
    ),
    ExamQuestion(
        "Of the three pumps, Calder moves 310 litres a minute, Derwent 275 and Esk 420. Esk was installed "
        "last and needs a new seal every 900 hours.",
        "Which pump moves the most water?",
        ("Esk",),
    ),
    ExamQuestion(
        "The ferry Solveig carries 64 cars and 480 passengers. Her sister ship, the Runa, carries 52 cars "
        "and was built two years earlier.",
        "What is the ferry's top speed?",
        (),
    ),
    ExamQuestion(
        "Marta Lindqvist led the survey until March. Tomasz Oyelaran then took over and moved its office "
        "from Turku to Vaasa.",
        "Who leads the survey now?",
        ("Oyelaran", "Tomasz"),
    ),
    ExamQuestion(
        "Refunds are paid within 12 working days. If the item was damaged on arrival, the period is 4 "
        "working days, and postage is paid back too.",
        "How long does a refund take for an item that arrived damaged?",
        ("4", "four"),
    ),
    ExamQuestion(
        "The cheese is washed in cider every second day for seven weeks. It is then wrapped in nettle "
        "leaves and kept at 9 degrees until it is sold.",
        "What is the cheese wrapped in?",
        ("nettle", "nettles"),
    ),
    ExamQuestion(
        "Version 3 stored the measurements as text files. Since version 4 they are kept in one database, "
        "which is about nine times smaller, and version 3 can no longer read them.",
        "Since which version are measurements kept in a database?",
        ("version 4", "4"),
    ),
    ExamQuestion(
        "Visitors leave their bags in the lockers beside the stairs. Photographs are allowed without flash.",
        "What does a ticket cost?",
        (),
    ),
    ExamQuestion(
        "Budget for the garden: soil 1,240 euros, trees 3,860 euros, fence 2,075 euros. The trees were "
        "ordered in October.",
        "How much does the fence cost?",
        ("2,075", "2075"),
    ),
    ExamQuestion(
        "Bees from hive six were moved to the orchard on 3 May because the lime trees had not flowered.",
        "Why were the bees moved?",
        ("lime", "flowered", "flowers", "flower", "flowering"),
    ),
)


@dataclass(frozen=True, slots=True)
class Grade:
    """How many of the questions asked were answered rightly."""

    right: int = 0
    asked: int = 0

    @property
    def share(self) -> float:
        """Between 0 and 1; 0 where nothing was asked."""
        return self.right / self.asked if self.asked else 0.0

    @property
    def mode(self) -> AnswerMode | None:
        """What a model of this ability is trusted to do; None when too little was asked to tell."""
        if self.asked < LEAST_QUESTIONS:
            return None
        return "phrasing" if self.share >= PHRASING_EXAM else "quoting"

    def with_answer(self, right: bool) -> Grade:
        """The grade after one more answer."""
        return Grade(self.right + right, self.asked + 1)


def sit(model: ChatModel, messages_of: Callable[[ExamQuestion], Sequence[Message]]) -> Iterator[Grade]:
    """Puts every question to a model; the grade so far after each answer."""
    grade = Grade()
    for question in EXAM:
        pieces = model.stream(messages_of(question), max_tokens=ANSWER_TOKENS)
        reply = "".join(piece for piece in pieces if isinstance(piece, str))
        grade = grade.with_answer(is_right(question, reply))
        yield grade


def is_right(question: ExamQuestion, text: str) -> bool:
    """Whether an answer holds an accepted word, whole, or refuses where there is no answer."""
    refused = _REFUSAL in text.lower()
    if not question.accepted:
        return refused
    return not refused and any(_holds(text, word) for word in question.accepted)


def _holds(text: str, word: str) -> bool:
    """Whether the word stands in the text by itself: "4" is neither in "14" nor in "4.5"."""
    return bool(re.search(rf"(?<![\w.,:]){re.escape(word)}(?!\w|[.,:]\d)", text, re.IGNORECASE))
