"""Place."""

from rag.ui.context import App


def history_page(app: App) -> None:
    """Place."""
