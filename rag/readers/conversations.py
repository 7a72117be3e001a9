"""Exports of chats (ChatGPT, Claude, Slack, Telegram, Discord, WhatsApp) as who said what, and when."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag.readers.building import DocumentBuilder, one_line

_WHATSAPP = re.compile(
    r"^[\u200e\u200f]*\[?(\d{1,4}[./-]\d{1,2}[./-]\d{1,4},? \d{1,2}[:.]\d\d"
    r"(?:[:.]\d\d)?(?:[ \u202f][AaPp]\.?[Mm]\.?)?)"
    r"\]?(?: -)? ([^:\n]{1,60}): (.*)$"
)
_FEWEST = 2
_SLACK_MENTION = re.compile(r"<@(\w+)>")


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `when` as the export writes it or ISO 8601, "" where it gives none."""

    author: str
    when: str
    text: str


def add_conversations(builder: DocumentBuilder, value: Any) -> bool:
    """Adds the conversations of an export that was parsed from JSON; False if it is none."""
    found = list(_conversations(value))
    for title, messages in found:
        builder.section(title, 1)
        add_messages(builder, messages)
    return bool(found)


def add_messages(builder: DocumentBuilder, messages: Sequence[Message]) -> None:
    """Adds a paragraph for each message: "Anna, 2024-01-03 10:15: text"."""
    for message in messages:
        head = ", ".join(filter(None, (message.author, message.when)))
        builder.add("paragraph", f"{head}: {message.text.strip()}" if head else message.text)


def whatsapp(text: str) -> list[Message] | None:
    """The messages of a chat that WhatsApp exported; None if the text is none."""
    found: list[Message] = []
    for number, line in enumerate(text.split("\n")):
        match = _WHATSAPP.match(line)
        if match:
            found.append(Message(match[2], match[1], match[3]))
        elif found:
            found[-1] = Message(found[-1].author, found[-1].when, f"{found[-1].text}\n{line}")
        elif number > _FEWEST:
            return None
    return found if len(found) >= _FEWEST else None


def _conversations(value: Any) -> Iterator[tuple[str, list[Message]]]:
    """(title, messages) of each conversation in an export of a kind that is known."""
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, dict) for item in items):
        return
    first = items[0]
    if "mapping" in first:
        for item in items:
            yield str(item.get("title") or ""), list(_chatgpt(item["mapping"]))
    elif "chat_messages" in first:
        for item in items:
            yield str(item.get("name") or ""), [_claude(one) for one in item["chat_messages"]]
    elif first.get("type") == "message" and "ts" in first:
        yield "", [_slack(one, _names(items)) for one in items if one.get("text")]
    elif isinstance(first.get("messages"), list) and first["messages"] and len(items) == 1:
        messages = [_other(one) for one in first["messages"] if isinstance(one, dict)]
        if any(message.author and message.text for message in messages):
            yield str(first.get("name") or ""), [message for message in messages if message.text]


def _chatgpt(mapping: Mapping[str, Any]) -> Iterator[Message]:
    for node in mapping.values():
        message = node.get("message") or {}
        content = message.get("content") or {}
        text = "\n\n".join(part for part in content.get("parts") or () if isinstance(part, str))
        role = (message.get("author") or {}).get("role") or ""
        if text.strip() and role != "system":
            yield Message(role, _moment(message.get("create_time")), text)


def _claude(one: Mapping[str, Any]) -> Message:
    return Message(str(one.get("sender") or ""), _moment(one.get("created_at")), str(one.get("text") or ""))


def _names(items: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """User → name, as far as the messages give it."""
    profiles = {one.get("user"): one.get("user_profile") or {} for one in items if one.get("user_profile")}
    return {
        str(user): profile.get("real_name") or profile.get("display_name") or str(user)
        for user, profile in profiles.items()
    }


def _slack(one: Mapping[str, Any], names: Mapping[str, str]) -> Message:
    author = str(one.get("user") or one.get("username") or "")
    text = _SLACK_MENTION.sub(lambda match: f"@{names.get(match[1], match[1])}", str(one["text"]))
    return Message(names.get(author, author), _moment(one.get("ts")), text)


def _other(one: Mapping[str, Any]) -> Message:
    """A message of Telegram (`from`, `date`, `text`) or Discord (`author`, `timestamp`, `content`)."""
    author = one.get("from") or one.get("author") or one.get("role") or ""
    author = author.get("name") if isinstance(author, dict) else author
    text = one.get("text") or one.get("content") or ""
    if isinstance(text, list):
        text = "".join(part if isinstance(part, str) else str(part.get("text", "")) for part in text)
    return Message(str(author or ""), _moment(one.get("date") or one.get("timestamp")), str(text))


def _moment(given: object) -> str:
    """A time as "2024-01-03 10:15", in UTC where it is a number of seconds."""
    try:
        moment = datetime.datetime.fromtimestamp(float(str(given)), datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return one_line(str(given or "")).replace("T", " ")[:16]
    return f"{moment:%Y-%m-%d %H:%M}"
