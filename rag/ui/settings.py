"""Place."""

from rag.ui.context import App


def settings_page(app: App) -> None:
    """Place."""
