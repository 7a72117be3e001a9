"""Place."""

from rag.ui.context import App


def models_page(app: App) -> None:
    """Place."""
