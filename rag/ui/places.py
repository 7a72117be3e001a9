"""Place."""

from rag.ui.context import App


def explore_page(app: App) -> None:
    """Place."""


def lab_page(app: App) -> None:
    """Place."""
