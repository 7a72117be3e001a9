"""The door of an app that other computers can reach: a password, or nobody comes in."""

from __future__ import annotations

import hmac
import ipaddress
import os
import time

import streamlit as st

from rag.ui.strings import Phrases

PASSWORD = "FOOTNOTE_APP_PASSWORD"
WRONG_SECONDS = 1.0
"""Each wrong password costs this long, so that guessing takes ages."""


def is_exposed(address: str | None) -> bool:
    """Whether a server bound to the address answers other computers; Streamlit's None means all of them."""
    if address == "localhost":
        return False
    try:
        return address is None or not ipaddress.ip_address(address).is_loopback
    except ValueError:
        return True


def admitted(say: Phrases, *, address: str | None = None) -> bool:
    """Whether this session may see the app; asks for the password where it may not yet."""
    if not is_exposed(address or st.get_option("server.address")) or st.session_state.get("admitted"):
        return True
    password = os.environ.get(PASSWORD, "")
    st.title(say("gate_title"), anchor=False)
    if not password:
        st.error(say("gate_closed"))
        return False
    with st.form("gate", width=420):
        typed = st.text_input(say("gate_password"), type="password")
        if st.form_submit_button(say("gate_enter"), type="primary"):
            if hmac.compare_digest(typed.encode(), password.encode()):
                st.session_state["admitted"] = True
                st.rerun()
            time.sleep(WRONG_SECONDS)
            st.error(say("gate_wrong"))
    return False
