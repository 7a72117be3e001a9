"""What chat clients ask of a model behind the user's back: titles, tags, follow-ups.

Open WebUI sends such prompts to the model that it chats with. They begin with "### Task:" and say in which
JSON the reply is expected. Documents do not answer them.
"""

from __future__ import annotations

import json
import re

_TASK = re.compile(r"\s*### Task:")
_USER_QUERY = re.compile(r"<user_query>\s*(.+?)\s*</user_query>", re.DOTALL)
_AFTER_CONTEXT = re.compile(r"</context>\s*(\S.*)", re.DOTALL)
_FORM = re.compile(r'\{\s*"(\w+)"\s*:\s*(\[?)')
_SAID_FIRST = re.compile(r"^USER:\s*(\S.*)$", re.MULTILINE)
TITLE_CHARACTERS = 60
NOT_A_QUESTION = "Footnote answers questions about your documents; it doesn't do other tasks."


def question_in(prompt: str) -> str:
    """The user's question, where a client wrote instructions and quotes around it; else the prompt."""
    if not _TASK.match(prompt):
        return prompt
    *_, found = [None, *_USER_QUERY.findall(prompt)[-1:]]
    if found is None:
        context = _AFTER_CONTEXT.search(prompt, prompt.rfind("</context>"))
        found = context[1].strip() if context else None
    return found or prompt


def task_reply(prompt: str) -> str | None:
    """The reply to a client's task, with nothing made up; None for a question.

    A title is what the user asked first; lists are empty.
    """
    if not _TASK.match(prompt):
        return None
    form = _FORM.search(prompt)
    if form is None:
        return NOT_A_QUESTION
    said = _SAID_FIRST.search(prompt)
    text = shortened(said[1]) if said and form[1] == "title" else ""
    return json.dumps({form[1]: [] if form[2] else text}, ensure_ascii=False)


def shortened(text: str) -> str:
    """The first words of a text."""
    line = " ".join(text.split())
    if len(line) <= TITLE_CHARACTERS:
        return line
    return line[:TITLE_CHARACTERS].rsplit(" ", 1)[0] + "…"
