"""Whether what one types and what is found stay on this computer."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from rag.web.auth import Visitor
from rag.web.components.markup import icon, text
from rag.web.session import App


def locality_html(app: App) -> str:
    """Where text goes, by the chat model of the settings."""
    server = remote_host(app.library.settings.chat_model)
    if server:
        return f"{icon('cloud_upload')}<span>{text(app.say('sent_to', host=server))}</span>"
    place = "local" if app.visitor == Visitor() else "local_shared"
    return f"{icon('lock')}<span>{text(app.say(place))}</span>"


def remote_host(chat_model: str) -> str:
    """The host of a model server on another computer; "" for a model or a server on this one."""
    if not chat_model.startswith(("http://", "https://")):
        return ""
    host = urlsplit(chat_model).hostname or chat_model
    try:
        return "" if ipaddress.ip_address(host).is_loopback else host
    except ValueError:
        return "" if host == "localhost" else host
