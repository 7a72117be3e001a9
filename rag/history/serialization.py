"""An answer as plain values, to save and to export, and back."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from rag.records import Answer

_RULE = re.compile(r"(\w+) ::= (.*)")
_PART = re.compile(r'"(?:[^"\\]|\\.)*"|\w+')


@cache
def _answers() -> TypeAdapter[Answer]:
    return TypeAdapter(Answer)


def answer_record(answer: Answer) -> dict[str, Any]:
    """The whole answer as plain values that JSON holds."""
    return _answers().dump_python(answer, mode="json")  # type: ignore[no-any-return]


def answer_of(record: dict[str, Any]) -> Answer:
    """The answer of such a record, also of one that an earlier version wrote.

    Raises:
        ValidationError: the record is no answer's.
    """
    generation = record.get("generation") if isinstance(record, dict) else None
    if isinstance(generation, dict) and generation.get("grammar"):
        record = record | {"generation": generation | {"choices": _choices_of(generation["grammar"])}}
    return _answers().validate_json(json.dumps(record))


def _choices_of(grammar: str) -> list[str]:
    """The texts that an earlier version's grammar allows: it spelt the choices in GBNF."""
    rules = dict(_RULE.findall(grammar))
    literals = {name: json.loads(text) for name, text in rules.items() if text.startswith('"')}
    return [
        "".join(json.loads(part) if part.startswith('"') else literals[part] for part in _PART.findall(order))
        for order in rules["root"].split(" | ")
    ]
