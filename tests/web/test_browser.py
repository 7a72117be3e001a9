"""The app in a real Chromium: asking, reading sources, stopping, coming back, and hostile files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from rag.library import Library
from rag.settings import PROJECT, Settings
from tests.fakes.app_server import ask, chromium, free_port, serving
from tests.fakes.oidc_server import provider
from tests.fakes.web import fake_library, write_documents

pytestmark = [pytest.mark.slow]
expect.set_options(timeout=30_000)

HOSTILE = """# Widgets <img src=http://evil.example/heading.png>

The purple widget weighs nine kilograms <img src="http://evil.example/a.png" onerror="alert(1)">
<script>fetch("http://evil.example/b")</script> ![track](http://evil.example/c.png)
[click](javascript:alert(2)) <a href="http://evil.example/d">here</a> http://evil.example/e
<iframe src="http://evil.example/f"></iframe> <style>@import url(http://evil.example/g.css);</style>
<svg onload="alert(3)"></svg> <link rel="stylesheet" href="http://evil.example/h.css">
"""
SCRIPT = """
from pathlib import Path
from typing import Any
from rag.web.app import run
from tests.fakes.web import fake_library
reply = "The notice period is three months [1]. See https://evil.example/policy for more. " + "word " * 120
run(lambda: fake_library(Path({folder!r}), [reply], seconds_a_word=0.04), name="fake")
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    write_documents(folder)
    (folder / "widgets <img src=x onerror=alert(4)>.md").write_text(HOSTILE, encoding="utf-8")
    page = f"<html><head><title>Gadgets</title></head><body><h1>Gadgets</h1><p>{HOSTILE}</p></body></html>"
    (folder / "gadgets.html").write_text(page.replace("widget", "gadget"), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def fake_app(tmp_path_factory: pytest.TempPathFactory, documents: Path) -> Iterator[str]:
    """The app over a model that writes slowly and always the same."""
    folder = tmp_path_factory.mktemp("fake")
    library = fake_library(folder / "library", ["x"])
    for _ in library.ingest([documents]):
        pass
    library.close()
    script = folder / "fake_app.py"
    script.write_text(SCRIPT.format(folder=str(folder / "library")), encoding="utf-8")
    with serving(script, folder / "log.txt") as address:
        yield address


@pytest.fixture(scope="module")
def real_app(
    tmp_path_factory: pytest.TempPathFactory, documents: Path, sample_library: Library
) -> Iterator[str]:
    """The real app with the real starter models, which another test's library has prepared already."""
    folder = tmp_path_factory.mktemp("real") / "library"
    folder.mkdir()
    for name in ("models", "cache"):
        (folder / name).symlink_to(sample_library.settings.library / name, target_is_directory=True)
    library = Library(Settings(library=folder))
    for _ in library.ingest([documents]):
        pass
    library.close()
    variables: dict[str, Any] = {
        "FOOTNOTE_LIBRARY": str(folder),
        "FOOTNOTE_ANSWER_TOKENS": "48",
        "FOOTNOTE_PASSAGE_TOKENS": "300",
    }
    with serving(PROJECT / "app.py", folder.parent / "log.txt", **variables) as address:
        yield address


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    context.set_default_timeout(30_000)
    opened = context.new_page()
    yield opened
    context.close()


def test_an_answer_stands_beside_its_source_and_is_there_after_a_reload(real_app: str, page: Page) -> None:
    page.goto(real_app)
    ask(page, "How long is the notice period?")
    quote = page.locator("figure.fn-quote", has_text="The notice period is three months for everybody.")
    expect(quote.first).to_be_visible(timeout=60_000)
    expect(page.locator(".fn-pane-body mark.fn-exact").first).to_be_visible()
    expect(page.locator(".fn-footer")).to_be_visible(timeout=120_000)
    page.reload()
    expect(page.locator("h2.fn-question")).to_have_text("How long is the notice period?")
    expect(quote.first).to_be_visible()
    expect(page.locator(".st-key-recent")).to_contain_text("How long is the notice period?")


def test_nothing_a_document_holds_leaves_this_computer(real_app: str, page: Page) -> None:
    """Every request of the browser is recorded while hostile files are asked about, searched and listed."""
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname or ""))
    page.on("dialog", lambda dialog: pytest.fail(f"A document ran a script: {dialog.message}"))
    page.goto(real_app)
    ask(
        page,
        "How many kilograms does the purple widget weigh? http://evil.example/q ![x](http://evil.example/y)",
    )
    expect(page.locator(".fn-pane-body")).to_contain_text("nine kilograms", timeout=60_000)
    expect(page.locator(".fn-footer")).to_be_visible(timeout=120_000)
    page.goto(f"{real_app}/library")
    page.get_by_role("tab", name="Search").click()
    page.get_by_role("searchbox").fill("purple gadget kilograms")
    expect(page.locator(".fn-hit").first).to_contain_text("kilograms")
    page.locator("button.fn-hit-where").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("kilograms")
    page.goto(f"{real_app}/explore")
    page.get_by_role("searchbox").fill("heavy purple gadget")
    expect(page.locator(".fn-found").first).to_contain_text("kilograms")
    for place in ("history", "explore", "lab", "library", "settings"):
        page.goto(f"{real_app}/{place}")
        expect(page.locator("h1")).to_be_visible()
        for tab in page.get_by_role("tab").all():
            tab.click()
    page.wait_for_timeout(500)
    assert hosts <= {"127.0.0.1", ""}


def test_an_address_is_shown_before_it_is_opened(fake_app: str, page: Page) -> None:
    page.goto(fake_app)
    ask(page, "How long is the notice period?")
    expect(page.locator("button.fn-address").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".fn-footer")).to_be_visible()
    page.locator("button.fn-address").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("https://evil.example/policy")
    expect(dialog.get_by_role("link")).to_have_attribute("href", "https://evil.example/policy")


def test_escape_stops_and_a_second_question_waits_its_turn(fake_app: str, page: Page) -> None:
    page.goto(fake_app)
    ask(page, "How long is the notice period?")
    expect(page.locator(".fn-text", has_text="three months")).to_be_visible()
    ask(page, "What is paid for lunch?")
    expect(page.locator(".fn-status")).to_have_text(re.compile("one question comes first"))
    page.locator("body").press("Escape")
    page.locator("body").press("Escape")
    expect(page.locator(".fn-stopped")).to_be_visible()
    expect(page.locator("h2.fn-question")).to_have_count(2)
    expect(page.locator(".fn-text", has_text="three months")).to_have_count(2)
    page.locator("body").press("Escape")
    expect(page.locator(".fn-footer")).to_have_count(2)


def test_an_answer_goes_on_while_nobody_looks(fake_app: str, page: Page) -> None:
    page.goto(fake_app)
    ask(page, "What is paid for lunch?")
    expect(page.locator(".fn-text", has_text="three months")).to_be_visible()
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    expect(page.locator("h2.fn-question")).to_have_text("What is paid for lunch?")
    expect(page.locator(".fn-footer")).to_be_visible()


def until_visible(shown: Locator, act: Callable[[], None]) -> None:
    """Acts, and again where the page was being drawn anew meanwhile and did not notice."""
    for _ in range(2):
        act()
        with suppress(AssertionError):
            expect(shown).to_be_visible(timeout=10_000)
            return
    act()
    expect(shown).to_be_visible()


def test_citations_and_keys_lead_to_the_sources(fake_app: str, page: Page) -> None:
    page.goto(fake_app)
    ask(page, "How long is the notice period?")
    expect(page.locator(".fn-text", has_text="three months")).to_be_visible()
    page.locator("body").press("Escape")
    expect(page.locator(".fn-footer")).to_be_visible()
    page.locator(".fn-text button.fn-cite").first.hover()
    expect(page.locator(".fn-text .fn-card").first).to_be_visible()
    until_visible(page.locator(".st-key-pane_chosen"), lambda: page.locator("body").press("ArrowRight"))
    page.locator("h2.fn-question").click()
    page.keyboard.press("/")
    expect(page.get_by_test_id("stChatInputTextArea")).to_be_focused()
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator(".st-key-close_source button")).to_be_visible()
    page.locator(".st-key-close_source button").click()
    expect(page.locator(".st-key-pane_chosen")).to_have_count(0)


SECRETS = """
[auth]
redirect_uri = "{address}/oauth2callback"
cookie_secret = "0123456789abcdef0123456789abcdef"
client_id = "footnote"
client_secret = "secret"
server_metadata_url = "{provider}/.well-known/openid-configuration"

[footnote]
allowed = ["@example.org"]
"""


@pytest.mark.parametrize("email", ["ann@example.org", "eve@evil.example"])
def test_only_whom_the_provider_names_and_the_rules_allow_comes_in(
    tmp_path: Path, page: Page, documents: Path, email: str
) -> None:
    library = fake_library(tmp_path / "library", ["x"])
    for _ in library.ingest([documents]):
        pass
    library.conversations.start("A secret of whoever keeps this")
    library.close()
    script, secrets, port = tmp_path / "app.py", tmp_path / "secrets.toml", free_port()
    script.write_text(SCRIPT.format(folder=str(tmp_path / "library")), encoding="utf-8")
    with provider(email) as signing:
        address = f"http://127.0.0.1:{port}"
        secrets.write_text(SECRETS.format(address=address, provider=signing.address), encoding="utf-8")
        options = ["--secrets.files", str(secrets)]
        with serving(script, tmp_path / "log.txt", port=port, options=options):
            page.goto(address)
            expect(page.get_by_test_id("stChatInput")).to_have_count(0)
            page.get_by_role("button", name="Sign in").click()
            if email.endswith("@example.org"):
                expect(page.get_by_test_id("stChatInput")).to_be_visible()
                expect(page.locator(".st-key-leave")).to_contain_text("example.org")
                expect(page.locator(".st-key-pages")).not_to_contain_text("Settings")
                expect(page.locator("body")).not_to_contain_text("A secret of whoever")
            else:
                expect(page.get_by_role("alert")).to_contain_text("may not use this Footnote")


def test_files_dropped_in_are_found_at_once(fake_app: str, page: Page, tmp_path: Path) -> None:
    files = [tmp_path / "skates.md", tmp_path / "sledges.txt"]
    for file in files:
        file.write_text(f"The {file.stem} are kept in the cellar behind the boiler.", encoding="utf-8")
    page.goto(f"{fake_app}/library")
    page.get_by_role("tab", name="Add", exact=True).click()
    page.locator("input[type=file]").set_input_files(files)
    page.get_by_role("button", name="Add 2 files").click()
    expect(page.get_by_text("2 added")).to_be_visible()
    page.get_by_role("tab", name="Search").click()
    page.get_by_role("searchbox").fill("sledges behind the boiler")
    expect(page.locator(".fn-hit").first).to_contain_text("sledges")


def test_two_settings_are_compared_while_one_waits(fake_app: str, page: Page) -> None:
    page.goto(f"{fake_app}/lab")
    page.get_by_role("button", name="keywords only").click()
    page.get_by_role("button", name="Measure", exact=True).click()
    expect(page.locator(".fn-measures tr")).to_have_count(4)
    expect(
        page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg").first
    ).to_be_visible()
    expect(page.locator(".fn-verdict")).to_have_count(2)


def test_a_point_of_the_map_shows_what_it_is_and_opens(fake_app: str, page: Page) -> None:
    page.goto(f"{fake_app}/explore")
    page.get_by_role("tab", name="Map").click()
    canvas = page.get_by_role("img", name="A map of")
    expect(canvas).to_be_visible(timeout=60_000)
    box = canvas.bounding_box()
    assert box is not None
    for place in range(1_200):
        row, column = divmod(place, 40)
        page.mouse.move(box["x"] + box["width"] * column / 40, box["y"] + box["height"] * row / 30)
        if page.locator(".tip").is_visible():
            break
    title = page.locator(".tip b").inner_text()
    page.mouse.down()
    page.mouse.up()
    expect(page.get_by_role("dialog")).to_contain_text(title)


def test_a_loop_on_the_map_chooses_documents_to_ask(fake_app: str, page: Page) -> None:
    page.goto(f"{fake_app}/explore")
    page.get_by_role("tab", name="Map").click()
    canvas = page.get_by_role("img", name="A map of")
    expect(canvas).to_be_visible(timeout=60_000)
    expect(page.locator("canvas.points")).to_have_attribute("data-milliseconds", re.compile(r"\d"))
    page.get_by_role("button", name="Select").click()

    def draw() -> None:
        box = canvas.bounding_box()
        assert box is not None
        for place, (across, down) in enumerate(((0.02, 0.02), (0.98, 0.2), (0.98, 0.98), (0.02, 0.98))):
            page.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] * down)
            if not place:
                page.mouse.down()
        page.mouse.up()

    until_visible(page.get_by_role("heading", name="Selected:"), draw)
    page.get_by_role("button", name="Ask only these documents").click()
    expect(page.get_by_role("button", name=re.compile(r"\d+ documents"))).to_be_visible()


def test_a_document_leads_to_the_next_and_to_the_chat(fake_app: str, page: Page) -> None:
    page.goto(f"{fake_app}/explore")
    page.get_by_role("tab", name="Related").click()
    second = page.locator(".fn-related button").nth(1)
    expect(second).to_be_visible()
    page.wait_for_function("window.footnoteLeave !== undefined")  # from then on clicks are reported
    title = second.locator("b").inner_text()
    second.click()
    expect(page.get_by_role("combobox", name="Document")).to_have_value(re.compile(re.escape(title)))
    page.get_by_role("button", name="Ask this document").click()
    expect(page.get_by_role("button", name="1 document")).to_be_visible()
    expect(page.get_by_test_id("stChatInput")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_barrier(fake_app: str, browser: Browser, scheme: str) -> None:
    """axe-core, on every page and on a finished answer."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 900})  # type: ignore[arg-type]
    context.set_default_timeout(30_000)
    page = context.new_page()
    found = []
    for place in ("", "library", "history", "explore", "lab", "models", "settings"):
        page.goto(f"{fake_app}/{place}")
        expect(page.locator("h1")).to_be_visible()
        found += barriers(page, place)
        for tab in page.get_by_role("tab").all()[1:]:
            name = tab.inner_text()
            tab.click()
            found += barriers(page, f"{place}, {name}")
    page.goto(fake_app)
    ask(page, "How long is the notice period?")
    expect(page.locator(".fn-text", has_text="three months")).to_be_visible()
    page.locator("body").press("Escape")
    expect(page.locator(".fn-footer")).to_be_visible()
    found += barriers(page, "answer")
    context.close()
    assert found == []


def barriers(page: Page, place: str) -> list[str]:
    """The serious and critical violations on the page as it is."""
    page.wait_for_timeout(600)  # until Streamlit has faded everything in: axe measures colours as they are
    violations = Axe().run(page).response["violations"]
    return [
        f"{place or 'chat'}: {violation['id']}: {node['target']}: {node['failureSummary']}"
        for violation in violations
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
