"""The lab: how well the passages are found, how sure that is, and which setting is better."""

from __future__ import annotations

from rag.evaluation.chart import chart, chart_page
from rag.evaluation.datasets import Question, QuestionSet, document_name, load_questions, load_set
from rag.evaluation.experiment import (
    A_SET,
    Ask,
    Evaluation,
    Origin,
    Search,
    Trial,
    answerable,
    evaluate,
    evaluate_answers,
)
from rag.evaluation.match import contains, holds_answer, match
from rag.evaluation.metrics import Comparison, Estimate, Scores, compare, corrected, estimate, score
from rag.evaluation.results import evaluation_json, save, saved, winner
from rag.evaluation.synthetic import asked_about, make_questions, question_prompt, written_by

__all__ = [
    "A_SET",
    "Ask",
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
    "asked_about",
    "chart",
    "chart_page",
    "compare",
    "contains",
    "corrected",
    "document_name",
    "estimate",
    "evaluate",
    "evaluate_answers",
    "evaluation_json",
    "holds_answer",
    "load_questions",
    "load_set",
    "make_questions",
    "match",
    "question_prompt",
    "save",
    "saved",
    "score",
    "winner",
    "written_by",
]
