"""Place."""

from rag.ui.context import App


def draw_jobs(app: App) -> None:
    """Place."""
