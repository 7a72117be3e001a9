"""Wrong passwords of one address, counted over all its tabs: after a few it has to wait, longer each time."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

FREE_ATTEMPTS = 5
FIRST_WAIT_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 3600.0
FORGOTTEN_AFTER_SECONDS = 24 * 3600.0


@dataclass(slots=True)
class _Record:
    wrong: int = 0
    last: float = 0.0
    blocked_until: float = 0.0


class Throttle:
    """Who may try a password now. Any thread may ask."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._records: dict[str, _Record] = {}

    def attempt(self, address: str, is_right: Callable[[], bool]) -> float | None:
        """None for the right password; else the seconds until the next try, 0 where it may be at once.

        One try at a time is counted, so that many tabs at once have no more of them; while an address
        waits, the right password is not let in either.
        """
        with self._lock:
            now = self._clock()
            key = network_of(address)
            self._records = {
                one: record
                for one, record in self._records.items()
                if now - record.last < FORGOTTEN_AFTER_SECONDS
            }
            record = self._records.setdefault(key, _Record())
            if now < record.blocked_until:
                return record.blocked_until - now
            if is_right():
                if not record.wrong:  # wrong ones stay: with the guests' password one could forget them
                    del self._records[key]
                return None
            record.wrong, record.last = record.wrong + 1, now
            wait = 0.0
            if record.wrong >= FREE_ATTEMPTS:
                wait = min(FIRST_WAIT_SECONDS * 2 ** (record.wrong - FREE_ATTEMPTS), LONGEST_WAIT_SECONDS)
            record.blocked_until = now + wait
            return wait


def network_of(address: str) -> str:
    """What counts as one address: of IPv6 the /64, in which a computer chooses its own."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    return str(ipaddress.ip_network((found, 64), strict=False))
