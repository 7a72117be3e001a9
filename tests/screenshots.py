"""Draws the pictures of the app again: the real app over the sample documents, in both themes."""

from __future__ import annotations

import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from rag.library import Library
from rag.settings import PROJECT, Settings
from tests.fakes.app_server import ask, chromium, serving

PICTURES = PROJECT / "docs" / "screenshots"
QUESTION = "How many days of leave does a new employee get?"
PAGES = ("library", "history", "explore", "lab", "models", "settings")
WIDTHS = {"wide": (1440, 900), "tablet": (1024, 768), "phone": (390, 844)}
SETTLE_MILLISECONDS = 2500
COLOURS = 256
SHEET_COLUMNS = 2
THUMBNAIL = (960, 600)
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


def measure(page: Page, address: str) -> None:
    """Compares two settings in the lab, so that there is something to see."""
    page.goto(f"{address}/lab")
    page.get_by_role("button", name="Measure").click()
    expect(page.locator(".fn-measures")).to_be_visible(timeout=PATIENCE_MILLISECONDS)


def draw_sheets(browser: Browser, address: str, folder: Path) -> None:
    """One picture a theme with all the other pages, side by side."""
    for scheme in ("light", "dark"):
        context = browser.new_context(
            color_scheme=scheme,
            viewport={"width": 1440, "height": 900},
            locale="en-US",
        )
        page = context.new_page()
        if scheme == "light":
            measure(page, address)
        sheet = Image.new("RGB", (SHEET_COLUMNS * THUMBNAIL[0], len(PAGES) // SHEET_COLUMNS * THUMBNAIL[1]))
        for number, name in enumerate(PAGES):
            page.goto(f"{address}/{name}")
            expect(page.locator("h1")).to_be_visible()
            if name == "explore":
                page.get_by_role("tab", name="Related").click()
            elif name == "lab":
                page.locator(".fn-measures").scroll_into_view_if_needed()
            page.wait_for_timeout(SETTLE_MILLISECONDS)
            with Image.open(BytesIO(page.screenshot())) as image:
                row, column = divmod(number, SHEET_COLUMNS)
                place = (column * THUMBNAIL[0], row * THUMBNAIL[1])
                sheet.paste(image.convert("RGB").resize(THUMBNAIL, Image.Resampling.LANCZOS), place)
        path = folder / f"pages-{scheme}.png"
        sheet.quantize(COLOURS, kmeans=2).save(path, optimize=True)
        print(path, flush=True)
        context.close()


def draw_everything(browser: Browser, address: str, conversation: str, folder: Path) -> None:
    """Every page in both themes and three widths."""
    for scheme in ("light", "dark"):
        for width, (across, down) in WIDTHS.items():
            context = browser.new_context(
                color_scheme=scheme,
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
    """Draws the chat, the start and a sheet of the other pages a theme; into a folder named, every page."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        library = Library(Settings(library=Path(temporary) / "library"))
        for _ in library.ingest([PROJECT / "corpora"], collection="sample"):
            pass
        library.close()
        variables: dict[str, Any] = {"FOOTNOTE_LIBRARY": str(library.settings.library)}
        log = Path(temporary) / "log.txt"
        with serving(PROJECT / "app.py", log, **variables) as address, chromium() as browser:
            conversation = draw_chat(browser, address, PICTURES)
            draw_sheets(browser, address, PICTURES)
            for folder in map(Path, arguments):
                folder.mkdir(parents=True, exist_ok=True)
                draw_everything(browser, address, conversation, folder)


if __name__ == "__main__":
    main(sys.argv[1:])
