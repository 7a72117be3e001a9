"""Draws the pictures of the app again: the real app over the sample documents, in both themes."""

from __future__ import annotations

import sys
import tempfile
from io import BytesIO
from pathlib import Path

from app_server import ask, chromium, serving
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from rag.config import PROJECT, Settings
from rag.library import Library

PICTURES = PROJECT / "rag" / "ui" / "screenshots"
QUESTION = "How much may a hotel night in London cost?"
PAGES = ("library", "history", "explore", "lab", "models", "settings")
WIDTHS = {"wide": (1440, 900), "tablet": (1024, 768), "phone": (390, 844)}
SETTLE_MILLISECONDS = 2500
COLOURS = 256
PATIENCE_MILLISECONDS = 300_000


def save(page: Page, path: Path) -> None:
    """Keeps the page as a small PNG: a palette of 256 colours is enough for an interface."""
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    with Image.open(BytesIO(page.screenshot())) as image:
        image.convert("RGB").quantize(COLOURS, kmeans=2).save(path, optimize=True)
    print(path, flush=True)


def draw_chat(browser: Browser, address: str, folder: Path) -> str:
    """Asks once, in light and wide; gives the conversation's address."""
    page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-US")
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    page.goto(address)
    expect(page.locator("h1")).to_be_visible()
    save(page, folder / "start.png")
    ask(page, QUESTION)
    expect(page.locator(".fn-footer")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    save(page, folder / "chat.png")
    url = page.url
    page.close()
    return url


def draw_everything(browser: Browser, address: str, conversation: str, folder: Path) -> None:
    """Every page in both themes and three widths."""
    for scheme in ("light", "dark"):
        for width, (across, down) in WIDTHS.items():
            context = browser.new_context(
                color_scheme=scheme,  # type: ignore[arg-type]
                viewport={"width": across, "height": down},
                locale="en-US",
            )
            page = context.new_page()
            for name, url in [("chat", conversation), *((name, f"{address}/{name}") for name in PAGES)]:
                page.goto(url)
                expect(page.locator("h1, h2.fn-question").first).to_be_visible()
                save(page, folder / f"{name}-{scheme}-{width}.png")
            context.close()


def main(arguments: list[str]) -> None:
    """Draws `chat.png` and `start.png`; with a folder named, every page into it as well."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        library = Library(Settings(library=Path(temporary) / "library"))
        for _ in library.ingest([PROJECT / "corpora"], collection="sample"):
            pass
        library.close()
        variables = {"FOOTNOTE_LIBRARY": str(library.settings.library)}
        log = Path(temporary) / "log.txt"
        with serving(PROJECT / "app.py", log, **variables) as address, chromium() as browser:
            conversation = draw_chat(browser, address, PICTURES)
            for folder in map(Path, arguments):
                folder.mkdir(parents=True, exist_ok=True)
                draw_everything(browser, address, conversation, folder)


if __name__ == "__main__":
    main(sys.argv[1:])
