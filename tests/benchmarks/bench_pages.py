"""How long the app's pages take over a large library: on the server, and until a browser has drawn them.

    python -m tests.benchmarks.bench_pages [--documents 10000] [--conversations 1000] [--browser]

The library is made up from a seed, and embedded by its words: no model is needed.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rag.answer import Answered
from rag.library import Library
from rag.records import Answer
from rag.settings import PROJECT

sys.path.insert(0, str(PROJECT / "tests"))

from tests.fakes.web import fake_library

TOPICS = [
    "pump",
    "turbine",
    "invoice",
    "holiday",
    "garden",
    "printer",
    "contract",
    "voltage",
    "river",
    "bicycle",
]
VERBS = ["measures", "replaces", "approves", "describes", "lists", "questions", "repairs", "counts"]
TURNS = 3
RUNS = 7
LIMIT_MILLISECONDS = 300
PAGES = ("chat", "conversation", "library", "history", "explore", "lab", "models", "settings")

OPEN = """
import sys
sys.path[:0] = [{project!r}, {tests!r}]
from pathlib import Path
from tests.fakes.web import fake_library
from rag.web.app import PAGES, run
folder = Path({folder!r})
def open_library():
    return fake_library(folder, ["x"])
"""
ONE_PAGE = """
import streamlit as st
from functools import partial
from rag.web.session import App, phrases
from rag.web.auth import Visitor
from rag.web.app import draw_sidebar, make_page, shared_services
services = shared_services("bench", open_library)
app = App(services, phrases(services.library), lambda: None, Visitor())
pages = {{key: make_page(app, key) for key in PAGES}}
st.session_state["chat_page"] = pages["chat"]
st.navigation(list(pages.values()), position="hidden")
draw_sidebar(app, pages)
PAGES[{page!r}][1](app)
"""
WHOLE = "run(open_library, name='bench')\n"


def documents(count: int) -> Iterator[bytes]:
    """Short documents of two paragraphs, as JSON lines; the same for a count."""
    chance = random.Random(7)
    for number in range(count):
        topic, other = chance.sample(TOPICS, 2)
        text = "\n\n".join(
            f"The {one} report {number} {chance.choice(VERBS)} the {other} of block {chance.randrange(90)}."
            for one in (topic, other)
        )
        name = f"{topic}/{number:05d}.md"
        yield json.dumps({"id": name, "content": f"# {topic.title()} {number}\n\n{text}"}).encode()


def fill(library: Library, count: int, conversations: int) -> None:
    """The documents, and conversations that quote them."""
    for _ in library.ingest_lines(documents(count)):
        pass
    answers = [an_answer(library, topic) for topic in TOPICS]
    for number in range(conversations):
        id_ = library.conversations.start(f"Question {number}: {answers[number % len(answers)].question}")
        for turn in range(TURNS):
            library.conversations.append(id_, answers[(number + turn) % len(answers)])


def an_answer(library: Library, topic: str) -> Answer:
    """The library's answer about a topic."""
    events = library.ask(f"What does the {topic} report say about building 12?")
    return next(event.answer for event in events if isinstance(event, Answered))


def server_milliseconds(folder: Path, page: str) -> list[float]:
    """How long the server takes to draw a page, again and again; the first is the cold one."""
    from streamlit.testing.v1 import AppTest

    drawn = "chat" if page == "conversation" else page
    names = {"project": str(PROJECT), "tests": str(PROJECT / "tests"), "folder": str(folder), "page": drawn}
    script = (OPEN + ONE_PAGE).format(**names)
    app = AppTest.from_string(script, default_timeout=120)
    if page == "conversation":
        app.query_params["c"] = "1"
    taken = []
    for _ in range(RUNS):
        started = time.perf_counter()
        app.run()
        taken.append(1000 * (time.perf_counter() - started))
        assert not app.exception, app.exception
    return taken


def paint_seconds(folder: Path) -> None:
    """Prints how long a browser takes from the address to the first heading, and from page to page."""
    from tests.fakes.app_server import chromium, serving

    names = {"project": str(PROJECT), "tests": str(PROJECT / "tests"), "folder": str(folder)}
    script = folder.parent / "app.py"
    script.write_text(OPEN.format(**names) + WHOLE, encoding="utf-8")
    with serving(script, folder.parent / "log.txt") as address, chromium() as browser:
        page = browser.new_page()
        for name in ("", *PAGES[2:]):
            taken = []
            for _ in range(RUNS):
                started = time.perf_counter()
                page.goto(f"{address}/{name}")
                page.locator("h1").first.wait_for()
                taken.append(time.perf_counter() - started)
            print(f"{name or 'chat':12} first {taken[0]:5.2f} s   then {np.median(taken[1:]):5.2f} s")


def main() -> None:
    """Prints a line a page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--conversations", type=int, default=1_000)
    parser.add_argument("--browser", action="store_true", help="Measure a real browser's first paint too.")
    options = parser.parse_args()
    logging.getLogger("streamlit").setLevel(logging.ERROR)  # it misses its server
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "library"
        library = fake_library(folder, ["The report says so [1]."])
        started = time.perf_counter()
        fill(library, options.documents, options.conversations)
        library.close()
        print(f"{options.documents:,} documents, {options.conversations:,} conversations:", end=" ")
        print(f"made in {time.perf_counter() - started:.0f} s")
        for page in PAGES:
            cold, *warm = server_milliseconds(folder, page)
            middle, worst = float(np.median(warm)), max(warm)
            note = "" if middle <= LIMIT_MILLISECONDS else f"   over {LIMIT_MILLISECONDS} ms"
            print(f"{page:12} cold {cold:6.0f} ms   again {middle:5.0f} ms   worst {worst:5.0f} ms{note}")
        if options.browser:
            paint_seconds(folder)


if __name__ == "__main__":
    main()
