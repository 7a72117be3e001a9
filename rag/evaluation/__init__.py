"""The lab: how well the passages are found, how sure that is, and which setting is better."""

from __future__ import annotations

from rag.evaluation.laboratory import Evaluation, Search, Trial, chart, evaluate, evaluation_json, save, saved
from rag.evaluation.made_questions import make_questions
from rag.evaluation.matching import contains, holds_answer, match
from rag.evaluation.measures import Comparison, Estimate, Scores, compare, estimate, score
from rag.evaluation.sets import Question, QuestionSet, load_questions, load_set

__all__ = [
    "Comparison",
    "Estimate",
    "Evaluation",
    "Question",
    "QuestionSet",
    "Scores",
    "Search",
    "Trial",
    "chart",
    "compare",
    "contains",
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
]
