"""A GGUF file's chat template: messages to the text the model reads, markup apart from content."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rag.errors import ModelError
from rag.llm.tokenizer import native_library
from rag.records import Message

# Private-use characters around a number stand for a message while the template is rendered.
_PLACE = re.compile("\ue000(\\d+)\ue001")
# Llama 3.2's template writes today's date into the prompt; a fixed one keeps answers repeatable and
# the prompt cache valid overnight.
_DATE = "26 Jul 2024"


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the prompt: the template's markup, or a message's content, taken as plain text."""

    text: str
    is_markup: bool


class ChatTemplate:
    """Renders messages with the model's own Jinja template, in a sandbox.

    The contents are put in after rendering, so that nothing in them is ever read as markup: a
    document that holds `<|im_end|>` cannot end a message.
    """

    def __init__(self, template: str, *, first_token: str, end_token: str) -> None:
        native_library()  # prepares the import
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter  # heavy: loads the native library

        self._formatter: Any = Jinja2ChatFormatter(template, eos_token=end_token, bos_token=first_token)

    def parts(self, messages: Sequence[Message]) -> list[Part]:
        """The whole prompt, ready for the assistant's turn.

        Templates that know no system role (Gemma's) get it at the head of the first user message.
        """
        try:
            return self._rendered(messages)
        except ModelError:
            merged = _without_system(messages)
            if len(merged) == len(messages):
                raise
            return self._rendered(merged)

    def _rendered(self, messages: Sequence[Message]) -> list[Part]:
        import jinja2

        places = [
            {"role": message.role, "content": f"\ue000{index}\ue001"}
            for index, message in enumerate(messages)
        ]
        try:
            text = self._formatter(messages=places, enable_thinking=False, date_string=_DATE).prompt
        except (ValueError, TypeError, jinja2.TemplateError) as error:
            raise ModelError(f"The model's chat template refused the conversation: {error}") from error
        pieces = _PLACE.split(text)
        if pieces[1::2] != [str(index) for index in range(len(messages))]:
            raise ModelError("The model's chat template leaves out or reorders messages.")
        contents = [message.content for message in messages]
        parts = [
            Part(contents[int(piece)] if index % 2 else piece, not index % 2)
            for index, piece in enumerate(pieces)
        ]
        return [part for part in parts if part.text]


def _without_system(messages: Sequence[Message]) -> list[Message]:
    if len(messages) < 2 or messages[0].role != "system" or messages[1].role != "user":
        return list(messages)
    first = Message("user", f"{messages[0].content}\n\n{messages[1].content}")
    return [first, *messages[2:]]
