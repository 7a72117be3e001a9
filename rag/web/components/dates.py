"""Moments as the reader's clock shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def clock_time(moment: datetime | str | float) -> str:
    """Date and time to the minute, in the browser's time zone; text is ISO 8601, a number Unix seconds."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    elif isinstance(moment, float):
        moment = datetime.fromtimestamp(moment, UTC)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return f"{moment.astimezone(browser_zone()):%Y-%m-%d %H:%M}"


def browser_zone() -> ZoneInfo | None:
    """The browser's time zone; None, this computer's, where it is not known."""
    try:
        return ZoneInfo(st.context.timezone or "")
    except (ZoneInfoNotFoundError, ValueError):
        return None
