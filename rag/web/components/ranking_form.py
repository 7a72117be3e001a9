"""Inputs for the parts of the ranking, with the limits that the settings have."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import streamlit as st

from rag.search.ranking import Ranking

WIDTH = 150


def draw_ranking(ranking: Ranking) -> dict[str, Any]:
    """An input for each field, at its value in `ranking`; returns what they say, by the settings' names."""
    hints = get_type_hints(Ranking, include_extras=True)
    return {
        field.name: draw_field(field.name, hints[field.name], getattr(ranking, field.name))
        for field in fields(Ranking)
    }


def draw_field(name: str, kind: Any, value: Any) -> Any:
    """An input for one number or choice. Without a key of its own it begins anew when the value changes."""
    if get_origin(kind) is Literal:
        choices = get_args(kind)
        return st.selectbox(name, choices, index=choices.index(value), width=WIDTH)
    kind, low, high = limits(kind)
    if kind is bool:
        return st.checkbox(name, value=value)
    step = 10 if kind is int else 0.25
    return st.number_input(name, kind(low), kind(high), value=kind(value), step=kind(step), width=WIDTH)


def limits(kind: Any) -> tuple[Any, float, float]:
    """A type without its limits, and these; 0 and a million where it has none."""
    low, high = 0.0, 1e6
    if get_origin(kind) is not Annotated:
        return kind, low, high
    kind, *bounds = get_args(kind)
    for bound in bounds:
        low, high = getattr(bound, "ge", low), getattr(bound, "le", high)
    return kind, low, high
