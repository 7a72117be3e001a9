"""The door of an app that others can reach: a sign-in or a password, or nobody comes in."""

from __future__ import annotations

import hmac
import math
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from rag.access import User
from rag.hosts import is_loopback
from rag.web.components.markup import label
from rag.web.i18n import Phrases
from rag.web.throttle import Throttle

PASSWORD = "FOOTNOTE_APP_PASSWORD"
KEEPER_PASSWORD = "FOOTNOTE_KEEPER_PASSWORD"
GUESTS = "guests"
SESSION_SECONDS = 12 * 3600
"""A password or a sign-in holds for this long."""
THROTTLE = Throttle()


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who uses the app. `name` owns conversations: what the sign-in gives, "" at this computer.

    A `keeper` may change the settings and have folders of this computer read; others may not.
    All who come in by the guests' password are one visitor; only who has `signed_in` can have a
    collection to themselves.
    """

    name: str = ""
    keeper: bool = True
    signed_in: bool = False

    @property
    def user(self) -> User:
        """Who asks, as the rules of access take it."""
        return User(self.name, is_admin=self.keeper)


def is_exposed(address: str | None) -> bool:
    """Whether a server bound to the address answers other computers; Streamlit's None means all of them."""
    return address is None or not is_loopback(address)


def admitted(say: Phrases, *, address: str | None = None) -> Visitor | None:
    """Who this session is; asks for the sign-in or the password, and gives None, where it may not come in.

    A sign-in or a password that is set is asked for on the loopback interface too: a proxy may stand there.
    """
    exposed = is_exposed(address or st.get_option("server.address"))
    if st.secrets.load_if_toml_exists() and "auth" in st.secrets:
        return signed_in(say, st.secrets.get("footnote", {}))
    if exposed or PASSWORD in os.environ or KEEPER_PASSWORD in os.environ:
        return with_password(say)
    return Visitor()


def signed_in(say: Phrases, rules: Mapping[str, Any]) -> Visitor | None:
    """Who signed in with the provider of the secrets' `[auth]`, where `[footnote]` lets them in."""
    expired = st.user.is_logged_in and has_expired(dict(st.user), time.time())
    visitor = visitor_of(dict(st.user), rules) if st.user.is_logged_in and not expired else None
    if visitor is not None:
        return visitor
    with st.container(key="welcome"):
        st.title(say("gate_title"), anchor=False)
        if expired:
            st.info(say("gate_expired"))
        if st.user.is_logged_in and not expired:
            name = str(st.user.get("email") or st.user.get("sub"))
            st.error(label(say("gate_not_allowed", name=name)))
            st.button(say("gate_sign_out"), icon=":material/logout:", on_click=st.logout)
        else:
            st.button(say("gate_sign_in"), type="primary", icon=":material/login:", on_click=st.login)
    return None


def visitor_of(claims: Mapping[str, Any], rules: Mapping[str, Any]) -> Visitor | None:
    """The visitor of an identity token; None where no rule lets them in.

    `allowed` and `keepers` list addresses, `@domain` endings, or `*`. An address counts only if the
    provider says that it has verified it; without one the provider's own id stands for the person, unless
    it looks like an address.
    """
    name = str(claims.get("email") or claims.get("sub") or "").casefold()
    if not name or ("@" in name and not (claims.get("email") and claims.get("email_verified") is True)):
        return None
    keeper = matches(name, rules.get("keepers", ()))
    if not keeper and not matches(name, rules.get("allowed", ())):
        return None
    return Visitor(name, keeper=keeper, signed_in=True)


def has_expired(claims: Mapping[str, Any], now: float) -> bool:
    """Whether the person signed in too long ago; a token that does not say when counts as old."""
    issued = claims.get("iat")
    return not isinstance(issued, int | float) or now - issued > SESSION_SECONDS


def matches(name: str, rules: Iterable[str]) -> bool:
    """Whether one of the rules is the name, its domain, or everybody."""
    folded = [rule.casefold() for rule in rules]
    return any(rule in ("*", name) or (rule.startswith("@") and name.endswith(rule)) for rule in folded)


def with_password(say: Phrases) -> Visitor | None:
    """The visitor of the password typed; None until it is right."""
    known, since = st.session_state.get("admitted", (None, 0.0))
    if known is not None and time.time() - since < SESSION_SECONDS:
        admitted_visitor: Visitor = known
        return admitted_visitor
    with st.container(key="welcome"):
        st.title(say("gate_title"), anchor=False)
        if os.environ.get(PASSWORD) or os.environ.get(KEEPER_PASSWORD):
            draw_password(say)
        else:
            st.error(say("gate_closed"))
    return None


def draw_password(say: Phrases) -> None:
    """The field for the password; a right one is remembered for the session."""
    with st.form("gate", width=420):
        typed = st.text_input(say("gate_password"), type="password")
        if st.form_submit_button(say("gate_enter"), type="primary"):
            wait = THROTTLE.attempt(st.context.ip_address or "", lambda: let_in(typed) is not None)
            if wait is None:
                st.session_state["admitted"] = (let_in(typed), time.time())
                st.rerun()
            st.error(say("gate_wait", seconds=math.ceil(wait)) if wait else say("gate_wrong"))


def leave() -> None:
    """Ends what a password or a sign-in opened; the next drawing asks again."""
    st.session_state.clear()
    if st.user.get("is_logged_in"):
        st.logout()


def let_in(typed: str) -> Visitor | None:
    """Whom a password lets in."""
    if is_password(typed, KEEPER_PASSWORD):
        return Visitor(keeper=True)
    return Visitor(GUESTS, keeper=False) if is_password(typed, PASSWORD) else None


def is_password(typed: str, variable: str) -> bool:
    """Whether it is the password of an environment variable that is set."""
    password = os.environ.get(variable, "")
    return bool(password) and hmac.compare_digest(typed.encode(), password.encode())
