"""A result in a line of the question's language: what was computed, of what, and how."""

from __future__ import annotations

from rag.answer.tables.compute import Result
from rag.answer.tables.plan import Language

_NAMES = {
    "en": {
        "sum": "Sum of {}",
        "mean": "Mean of {}",
        "max": "Highest of {}",
        "min": "Lowest of {}",
        "count": "Count of {}",
        "change": "Change of {}",
        "percent": "Change in percent of {}",
        "share": "Share of {}",
        "ratio": "Ratio of {}",
        "difference": "Difference of {}",
        "value": "{}",
    },
    "de": {
        "sum": "Summe: {}",
        "mean": "Mittelwert: {}",
        "max": "Höchster Wert: {}",
        "min": "Niedrigster Wert: {}",
        "count": "Anzahl: {}",
        "change": "Veränderung: {}",
        "percent": "Veränderung in Prozent: {}",
        "share": "Anteil: {}",
        "ratio": "Verhältnis: {}",
        "difference": "Differenz: {}",
        "value": "{}",
    },
    "zh": {
        "sum": "合计：{}",
        "mean": "平均值：{}",
        "max": "最大值：{}",
        "min": "最小值：{}",
        "count": "计数：{}",
        "change": "变化：{}",
        "percent": "变化百分比：{}",
        "share": "占比：{}",
        "ratio": "比率：{}",
        "difference": "差：{}",
        "value": "{}",
    },
}


def explained(result: Result, language: Language) -> str:
    """What was computed of what, with the formula: "Sum of Amount, Travel: 41.00 + 289.99"."""
    cells = (
        result.subject or {"en": "the table's rows", "de": "Zeilen der Tabelle", "zh": "表格各行"}[language]
    )
    said = _NAMES[language][result.operation].format(cells)
    return f"{said}{'：' if language == 'zh' else ': '}{result.formula}" if result.formula else said
