"""E-mail: messages (.eml) and mailboxes (mbox), with their attachments."""

from __future__ import annotations

import base64
import binascii
import contextlib
import email
import email.policy
import re
from collections.abc import Iterator
from email.message import EmailMessage, MIMEPart

from rag.errors import UnreadableDocument
from rag.readers.building import DocumentBuilder
from rag.readers.decoding import decode, is_mislabelled
from rag.readers.mail import HEADERS, add_body, add_head
from rag.readers.nesting import add_inner
from rag.readers.registry import Format
from rag.records import Document

_HEAD = re.compile(rb"(?:[A-Za-z][A-Za-z0-9-]*:[^\n]*\r?\n(?:[ \t][^\n]*\r?\n)*){3,}")
_MBOX = re.compile(rb"From [^\r\n]* \w{3} \w{3} [ \d]\d \d\d:\d\d")
_NEXT_MESSAGE = re.compile(rb"\r?\n\r?\n(?=From [^\r\n]* \w{3} \w{3} [ \d]\d \d\d:\d\d)")
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_OF_PAGE = re.compile(r"image/|font/|text/css|(?:text|application)/(?:x-)?javascript")
"""What belongs to a page in a message or an archive of one, unless it has a name of its own."""


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """Each message under its subject: who, when, the text, then the attachments."""
    builder = DocumentBuilder()
    parts = _NEXT_MESSAGE.split(data) if _MBOX.match(data) else []
    messages = [_parsed(_QUOTED_FROM.sub(rb"\1", part)) for part in parts] or [_parsed(data)]
    for message in messages:
        _add_message(builder, message, password)
    if builder.block_count == 0:
        raise UnreadableDocument(f"{name}: holds no message. Save it again from the mail program.")
    one = messages[0] if len(messages) == 1 else None
    return builder.build(
        title=str(one["Subject"] or "") if one else None,
        name=name,
        media_type=FORMAT.media_type,
        date=_date(one) if one else None,
    )


def _parsed(data: bytes) -> EmailMessage:
    data = re.sub(rb"\AFrom [^\n]*\n", b"", data)
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)  # the default policy makes no other
    return message


def _date(message: EmailMessage) -> str | None:
    moment = getattr(message["Date"], "datetime", None)
    return moment.date().isoformat() if moment else None


def _add_message(builder: DocumentBuilder, message: EmailMessage, password: str | None) -> None:
    add_head(builder, {key: str(message[key]) for key in HEADERS if message[key]})
    body = plain, html = message.get_body(("plain",)), message.get_body(("html",))
    add_body(builder, _text(plain) if plain is not None else "", None if html is None else _text(html))
    attachments = [one for one in _parts(message) if one is not message and one not in body]
    for attachment in attachments:
        payload, name = _payload(attachment)
        if payload and (attachment.get_filename() or not _OF_PAGE.match(attachment.get_content_type())):
            add_inner(builder, payload, name, password=password)
    attached = {id(part) for attachment in attachments for part in attachment.walk()}
    for part in message.walk():  # an invitation is one of the forms of the body
        if part.get_content_type() == "text/calendar" and id(part) not in attached:
            data = part.get_payload(decode=True)
            add_inner(builder, data if isinstance(data, bytes) else b"", "invitation.ics", password=password)


def _parts(part: EmailMessage) -> Iterator[EmailMessage]:
    """What a message is put together from, however deep, without the other forms of its text."""
    if part.get_content_maintype() != "multipart":
        yield part
        return
    for inner in part.iter_parts():
        assert isinstance(inner, EmailMessage)
        if inner.get_content_type() == "multipart/mixed" or part.get_content_subtype() != "alternative":
            yield from _parts(inner)


def _payload(attachment: EmailMessage) -> tuple[bytes, str]:
    """An attachment's bytes and name; some programs forward messages in base64, against the rules."""
    if attachment.get_content_type() != "message/rfc822":
        payload = attachment.get_payload(decode=True)
        return payload if isinstance(payload, bytes) else b"", attachment.get_filename() or "attachment"
    data = attachment.get_content().as_bytes()
    if (attachment["Content-Transfer-Encoding"] or "").lower() == "base64":
        with contextlib.suppress(binascii.Error):
            data = base64.b64decode(data)
    return data, "forwarded message.eml"


def _text(part: MIMEPart) -> str:
    """A part's text; its charset is believed unless the bytes are UTF-8 all the same."""
    data = part.get_payload(decode=True)
    charset = part.get_content_charset() or ""
    if isinstance(data, bytes):
        if is_mislabelled(data, charset):
            return data.decode("utf-8")
        try:
            return data.decode(charset)
        except (LookupError, UnicodeDecodeError):
            return decode(data)[0]
    return str(part.get_content())


def _recognises(data: bytes) -> bool:
    head = data[:20_000]
    if _MBOX.match(head):
        return True
    found = _HEAD.match(head)
    return found is not None and re.search(rb"(?im)^(?:from|received|message-id):", found.group()) is not None


FORMAT = Format(
    "E-mail",
    "message/rfc822",
    (".eml", ".mbox", ".mbx", ".mht", ".mhtml"),
    read,
    recognises=_recognises,
    rank=50,
)
