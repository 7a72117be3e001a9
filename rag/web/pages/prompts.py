"""The prompts: edited with a preview, checked before they are kept, and taken back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template

import streamlit as st

from rag.errors import TemplateError
from rag.prompts import SHARED, STYLED, check_template, template_files
from rag.settings import PROJECT, save_settings
from rag.web.components.markup import label, text
from rag.web.i18n import Phrases
from rag.web.session import App, telling

SHIPPED = PROJECT / "prompts"
OWN = "prompts"
BEFORE = ".before"


def draw_prompts(app: App) -> None:
    """One prompt at a time: its text, what it needs, how it reads when it is filled."""
    say, folder = app.say, app.library.settings.prompts
    st.html(f'<p class="fn-lead">{text(say("prompts_lead"))}</p>')
    files = template_files(folder)
    name = st.selectbox(say("prompt"), list(files), key="prompt_name")
    kept = files[name].read_text(encoding="utf-8")
    needed = ", ".join(f"${one}" for one in sorted((STYLED | SHARED)[name.rpartition("/")[2]]))
    typed = st.text_area(
        say("prompt_text", needed=needed) if needed else say("prompt_free"),
        value=kept,
        height="content",
        key=f"prompt-{name}-{hash(kept)}",
    )
    problem = problem_of(name, typed)
    if problem:
        st.error(label(problem), icon=":material/error:")
    with st.container(horizontal=True):
        st.button(
            say("save"),
            key="prompt_save",
            type="primary",
            disabled=bool(problem) or typed == kept,
            on_click=keep_prompt,
            args=(app, name, typed),
        )
        draw_ways_back(app, name, kept)
    if not problem:
        draw_preview(typed, say)


def draw_ways_back(app: App, name: str, kept: str) -> None:
    """Undoing the last change, and what came with Footnote, where they differ from what is kept."""
    say = app.say
    if template_files(app.library.settings.prompts)[name].with_suffix(BEFORE).is_file():
        st.button(say("prompt_undo"), icon=":material/undo:", on_click=undo_prompt, args=(app, name))
    shipped = template_files(SHIPPED)[name].read_text(encoding="utf-8")
    if kept != shipped:
        st.button(
            say("prompt_shipped"),
            icon=":material/restart_alt:",
            on_click=keep_prompt,
            args=(app, name, shipped),
        )


def problem_of(name: str, value: str) -> str:
    """Why a text cannot be this prompt, with the names that are missing; "" where it can."""
    try:
        check_template(name, value)
    except TemplateError as error:
        return str(error)
    return ""


def draw_preview(value: str, say: Phrases) -> None:
    """The prompt as a model would read it, filled with an example."""
    st.caption(say("prompt_preview"))
    st.code(preview(value, say), language=None, wrap_lines=True)


def preview(value: str, say: Phrases) -> str:
    """The prompt filled with an example."""
    passage = f'[1] handbook/travel.md, {say("page", page=4)}\n"""\n{say("prompt_example_passage")}\n"""'
    return Template(value).safe_substitute(
        marker="1",
        source=f"handbook/travel.md, {say('page', page=4)}",
        text=say("prompt_example_passage"),
        passages=passage,
        question=say("prompt_example_question"),
        history=f"{say('question')}: …",
    )


@telling
def keep_prompt(app: App, name: str, value: str) -> None:
    """Keeps a prompt in the library, beside what it was before; what came with Footnote stays as it is."""
    check_template(name, value)
    settings = app.library.settings
    own = settings.library / OWN
    moved = settings.prompts.resolve() == SHIPPED.resolve()
    with written(own if moved else settings.prompts):
        if moved:
            shutil.copytree(SHIPPED, own, dirs_exist_ok=True)
        path = template_files(own if moved else settings.prompts)[name]
        shutil.copyfile(path, path.with_suffix(BEFORE))
        write(path, value)
    if moved:
        save_settings(settings.library, {"prompts": str(own)})
        app.reopen()
    st.toast(app.say("saved"))


@telling
def undo_prompt(app: App, name: str) -> None:
    """Exchanges a prompt with what it was before its last change."""
    path = template_files(app.library.settings.prompts)[name]
    before = path.with_suffix(BEFORE)
    with written(path.parent):
        kept = path.read_text(encoding="utf-8")
        write(path, before.read_text(encoding="utf-8"))
        write(before, kept)


@contextmanager
def written(folder: Path) -> Iterator[None]:
    """A disk that cannot be written to becomes a sentence that names the folder."""
    try:
        yield
    except OSError as error:
        raise TemplateError(f"The prompts in {folder} cannot be written: {error}.") from error


def write(path: Path, value: str) -> None:
    """Writes a file whole or not at all."""
    unfinished = path.with_suffix(".part")
    unfinished.write_text(value, encoding="utf-8")
    unfinished.replace(path)
