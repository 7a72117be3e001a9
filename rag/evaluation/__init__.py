"""The lab: how well the passages are found, how sure that is, and which setting is better."""

from __future__ import annotations

from rag.evaluation.drawing import chart, chart_page
from rag.evaluation.laboratory import Evaluation, Origin, Search, Trial, answerable, evaluate
from rag.evaluation.made_questions import QUESTION_MARKS, make_questions
from rag.evaluation.matching import contains, holds_answer, match
from rag.evaluation.measures import Comparison, Estimate, Scores, compare, corrected, estimate, score
from rag.evaluation.runs import evaluation_json, save, saved, winner
from rag.evaluation.sets import Question, QuestionSet, load_questions, load_set

__all__ = [
    "QUESTION_MARKS",
    "Comparison",
    "Estimate",
    "Evaluation",
    "Origin",
    "Question",
    "QuestionSet",
    "Scores",
    "Search",
    "Trial",
    "answerable",
    "chart",
    "chart_page",
    "compare",
    "contains",
    "corrected",
    "estimate",
    "evaluate",
    "evaluation_json",
    "holds_answer",
    "load_questions",
    "load_set",
    "make_questions",
    "match",
    "save",
    "saved",
    "score",
    "winner",
]
