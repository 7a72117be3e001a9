"""Place."""

from rag.ui.context import App


def library_page(app: App) -> None:
    """Place."""
