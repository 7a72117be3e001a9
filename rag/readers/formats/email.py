"""E-mail: messages (.eml) and mailboxes (mbox), with their attachments."""

from __future__ import annotations

import email
import email.policy
import re
from email.message import EmailMessage, MIMEPart

from rag.errors import UnreadableDocument
from rag.readers.building import DocumentBuilder
from rag.readers.html_blocks import add_html
from rag.readers.nesting import add_inner
from rag.readers.registry import Format
from rag.records import Document

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_HEAD = re.compile(rb"(?:[A-Za-z][A-Za-z0-9-]*:[^\n]*\r?\n(?:[ \t][^\n]*\r?\n)*){3,}")
_MBOX = re.compile(rb"From \S+ +\w{3} \w{3} ")
_NEXT_MESSAGE = re.compile(rb"\r?\n\r?\n(?=From \S+ +\w{3} \w{3} )")
_SIGNATURE = re.compile(r"\n-- ?\n")


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """Each message under its subject: who, when, the text, then the attachments."""
    builder = DocumentBuilder()
    messages = [_parsed(part) for part in _NEXT_MESSAGE.split(data)] if _MBOX.match(data) else [_parsed(data)]
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
    builder.section(str(message["Subject"] or "No subject"), 1)
    builder.add("paragraph", "\n".join(f"{key}: {message[key]}" for key in _HEADERS if message[key]))
    body = message.get_body(preferencelist=("plain", "html"))
    if body is not None:
        _add_body(builder, body)
    for attachment in message.iter_attachments():
        assert isinstance(attachment, EmailMessage)
        if attachment.get_content_type() == "message/rfc822":
            payload, name = attachment.get_content().as_bytes(), "forwarded message.eml"
        else:
            payload = attachment.get_payload(decode=True)
            name = attachment.get_filename() or "attachment"
        if isinstance(payload, bytes) and (
            attachment.get_filename() or attachment.get_content_maintype() != "image"
        ):
            add_inner(builder, payload, name, password=password)


def _add_body(builder: DocumentBuilder, body: MIMEPart) -> None:
    text = str(body.get_content())
    if body.get_content_subtype() == "html":
        from selectolax.lexbor import LexborHTMLParser

        add_html(builder, LexborHTMLParser(text))
        return
    for paragraph in re.split(r"\n[ \t]*\n", _SIGNATURE.sub("\n\n", text.replace("\r\n", "\n"))):
        quoted = all(line.startswith(">") for line in paragraph.strip().split("\n"))
        builder.add("quote" if quoted else "paragraph", paragraph)


def _recognises(data: bytes) -> bool:
    head = data[:20_000]
    if _MBOX.match(head):
        return True
    found = _HEAD.match(head)
    return found is not None and re.search(rb"(?im)^(?:from|received|message-id):", found.group()) is not None


FORMAT = Format("E-mail", "message/rfc822", (".eml", ".mbox", ".mbx"), read, recognises=_recognises, rank=50)
