"""Exports of chats (ChatGPT, Claude, Slack, Telegram, Discord, WhatsApp) as who said what, and when."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag.readers.building import DocumentBuilder, one_line

_WHATSAPP = re.compile(  # in brackets or before a dash; a log writes 2031-03-01 10:15:32
    r"[\u200e\u200f]*(?!\[?\d{4}-\d\d-\d\d \d\d:\d\d:)(?P<open>\[)?"
    r"(?P<when>\d{1,4}[./-]\d{1,2}[./-]\d{1,4},? \d{1,2}[:.]\d\d"
    r"(?:[:.]\d\d)?(?:[ \u202f][AaPp]\.?[Mm]\.?)?)(?(open)\]| -) (?:(?P<author>[^:\n]{1,60}): )?(?P<text>.*)"
)
_FEWEST = 2
_OTHER_FIELDS = "other fields of the chat"
_SLACK_MENTION = re.compile(r"<@(\w+)>")


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `when` as the export writes it or ISO 8601, "" where it gives none."""

    author: str
    when: str
    text: str


def add_conversations(builder: DocumentBuilder, value: Any) -> bool:
    """Adds the conversations of an export that was parsed from JSON; False if any part of it is none.

    What is added is taken out of `value`; what is left is counted as left out.
    """
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, dict) for item in items):
        return False
    title, take = next(
        ((title, take) for is_one, title, take in _KINDS if all(map(is_one, items))), ("", _none)
    )
    found = list(take(items))
    if not any(found):
        return False
    for item, messages in zip(items, found, strict=False):  # Slack has an item a message
        builder.section(str(item.pop(title, None) or ""), 1)
        add_messages(builder, messages)
    builder.leave_out(_OTHER_FIELDS, " ".join(_leaves(value)))
    return True


def add_messages(builder: DocumentBuilder, messages: Sequence[Message]) -> None:
    """Adds a paragraph for each message: "Anna, 2024-01-03 10:15: text"."""
    for message in messages:
        head = ", ".join(filter(None, (message.author, message.when)))
        builder.add("paragraph", f"{head}: {message.text.strip()}" if head else message.text)


def whatsapp(text: str) -> list[Message] | None:
    """The messages of a chat that WhatsApp exported, and its own notes; None if the text is none."""
    lines = text.split("\n")
    heads = [(number, match) for number, line in enumerate(lines) if (match := _WHATSAPP.match(line))]
    if sum(match["author"] is not None for _, match in heads) < _FEWEST or heads[0][0] > _FEWEST:
        return None
    found = [Message("", "", line) for line in lines[: heads[0][0]]]
    ends = [*(number for number, _ in heads[1:]), len(lines)]
    for (number, match), end in zip(heads, ends, strict=True):
        said = "\n".join([match["text"], *lines[number + 1 : end]])
        found.append(Message(match["author"] or "", match["when"], said))
    return found


_Items = Sequence[dict[str, Any]]
_Found = Iterable[list[Message]]


def _none(items: _Items) -> _Found:
    return ()


def _is_chatgpt(item: dict[str, Any]) -> bool:
    nodes = item.get("mapping")
    return isinstance(nodes, dict) and all(
        isinstance(node, dict) and "message" in node and _is_chatgpt_message(node["message"])
        for node in nodes.values()
    )


def _is_chatgpt_message(message: Any) -> bool:
    return message is None or (
        isinstance(message, dict) and all(isinstance(message.get(key), dict) for key in ("author", "content"))
    )


def _chatgpt(items: _Items) -> _Found:
    return (list(filter(None, map(_chatgpt_message, item["mapping"].values()))) for item in items)


def _chatgpt_message(node: dict[str, Any]) -> Message | None:
    message = node["message"] or {}
    content, author = message.get("content") or {}, message.get("author") or {}
    parts = content.get("parts", [content.get("text")])  # of code it is the text
    texts = [part for part in parts if isinstance(part, str)] if isinstance(parts, list) else []
    if not "".join(texts).strip() or author.get("role") == "system":
        return None
    content["parts"] = [part for part in parts if not isinstance(part, str)]
    content.pop("text", None)
    return Message(str(author.pop("role", "")), _moment(message.pop("create_time", None)), "\n\n".join(texts))


def _is_claude(item: dict[str, Any]) -> bool:
    messages = item.get("chat_messages")
    return isinstance(messages, list) and all(
        isinstance(one, dict) and "sender" in one and isinstance(one.get("text"), str) for one in messages
    )


def _claude(items: _Items) -> _Found:
    return ([_claude_message(one) for one in item["chat_messages"] if one["text"]] for item in items)


def _claude_message(one: dict[str, Any]) -> Message:
    return Message(str(one.pop("sender")), _moment(one.pop("created_at", None)), one.pop("text"))


def _is_slack(item: dict[str, Any]) -> bool:
    return item.get("type") == "message" and "ts" in item and isinstance(item.get("text", ""), str)


def _slack(items: _Items) -> _Found:
    names = _names(items)
    return [[_slack_message(one, names) for one in items if one.get("text")]]


def _names(items: _Items) -> dict[str, str]:
    """User → name, as far as the messages give it."""
    profiles = {str(one.get("user")): one["user_profile"] for one in items if one.get("user_profile")}
    return {
        user: str(profile.get("real_name") or profile.get("display_name") or user)
        for user, profile in profiles.items()
        if isinstance(profile, dict)
    }


def _slack_message(one: dict[str, Any], names: Mapping[str, str]) -> Message:
    author = str(one.pop("user", None) or one.pop("username", None) or "")
    text = _SLACK_MENTION.sub(lambda match: f"@{names.get(match[1], match[1])}", one.pop("text"))
    return Message(names.get(author, author), _moment(one.pop("ts")), text)


def _is_other(item: dict[str, Any]) -> bool:
    """Whether all messages are such, and no other records stand beside them."""
    messages = item.get("messages")
    beside = [value for key, value in item.items() if key != "messages" and isinstance(value, list)]
    return (
        isinstance(messages, list)
        and all(map(_is_message, messages))
        and not any(isinstance(one, dict | list) for value in beside for one in value)
    )


def _is_message(one: Any) -> bool:
    """A message of Telegram (`from`, `date`, `text`), Discord (`author`, `timestamp`) or a model (`role`)."""
    if not isinstance(one, dict):
        return False
    told = any(key in one for key in _AUTHORS) and any(key in one for key in (*_TIMES, "role"))
    text = next((one[key] for key in _TEXTS if key in one), None)
    return one.get("type") == "service" or (told and isinstance(text, str | list))


def _other(items: _Items) -> _Found:
    return ([_message(one) for one in item["messages"] if any(map(one.get, _TEXTS))] for item in items)


def _message(one: dict[str, Any]) -> Message:
    author, text, when = (
        next((one.pop(key) for key in keys if one.get(key)), "") for keys in (_AUTHORS, _TEXTS, _TIMES)
    )
    author = author.get("name") if isinstance(author, dict) else author
    if isinstance(text, list):
        text = "".join(
            part if isinstance(part, str) else str(part.get("text", "")) if isinstance(part, dict) else ""
            for part in text
        )
    return Message(str(author or ""), _moment(when), str(text))


_AUTHORS = ("from", "author", "role")
_TEXTS = ("text", "content")
_TIMES = ("date", "timestamp")
_KINDS: tuple[tuple[Callable[[dict[str, Any]], bool], str, Callable[[_Items], _Found]], ...] = (
    (_is_chatgpt, "title", _chatgpt),
    (_is_claude, "name", _claude),
    (_is_slack, "", _slack),
    (_is_other, "name", _other),
)
"""What an export's items are like, which field is their title, and how they are read."""


def _leaves(value: Any) -> Iterator[str]:
    """The values of what was parsed from JSON, without their keys."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _moment(given: object) -> str:
    """A time as "2024-01-03 10:15", in UTC where it is a number of seconds."""
    try:
        moment = datetime.datetime.fromtimestamp(float(str(given)), datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return one_line(str(given or "")).replace("T", " ")[:16]
    return f"{moment:%Y-%m-%d %H:%M}"
