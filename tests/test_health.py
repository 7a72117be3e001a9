"""What `doctor` looks at: whether anything is sent while the library is used."""

from __future__ import annotations

import socket
from contextlib import suppress

import pytest

from rag.health import offline, reached
from rag.library import Library


def test_looking_up_and_connecting_are_noticed_and_this_machine_is_not() -> None:
    with reached() as addresses, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.connect(("127.0.0.1", 9))
        socket.getaddrinfo("localhost", 9)
        assert addresses == []
        with suppress(OSError):
            datagram.connect(("192.0.2.1", 9))
        with pytest.raises(OSError):
            socket.getaddrinfo("nowhere.invalid", 9)
    assert addresses == ["192.0.2.1", "nowhere.invalid"]


def test_what_comes_later_is_not_noted() -> None:
    with reached() as addresses:
        pass
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram, suppress(OSError):
        datagram.connect(("192.0.2.1", 9))
    assert addresses == []


@pytest.mark.slow
def test_indexing_searching_and_answering_send_nothing(sample_library: Library) -> None:
    finding = offline(sample_library)
    assert finding.problem is None
    assert finding.detail.startswith("0 connections")
