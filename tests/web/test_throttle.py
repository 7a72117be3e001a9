"""Guessing a password takes ages, however many tabs and addresses one has."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from rag.web.throttle import FREE_ATTEMPTS, Throttle, network_of


class Clock:
    """A clock that tests set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_waits_grow_and_end_with_the_right_password() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    waits = [throttle.attempt("192.0.2.7", lambda: False) for _ in range(FREE_ATTEMPTS)]
    assert waits == [0, 0, 0, 0, 30]
    assert throttle.attempt("192.0.2.7", lambda: True) == 30  # not even the right one is looked at
    assert throttle.attempt("192.0.2.8", lambda: True) is None
    clock.now = 31
    assert throttle.attempt("192.0.2.7", lambda: False) == 60
    clock.now = 92
    assert throttle.attempt("192.0.2.7", lambda: True) is None
    assert throttle.attempt("192.0.2.7", lambda: False) == 120


def test_one_password_does_not_help_to_guess_another() -> None:
    throttle = Throttle(Clock())
    answers = [throttle.attempt("192.0.2.7", lambda: turn % 5 == 4) for turn in range(10)]  # noqa: B023
    assert answers[-1] == 30


def test_a_day_of_guessing_has_few_tries() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    tries = 0
    while clock.now < 24 * 3600:
        tries += 1
        clock.now += throttle.attempt("", lambda: False) or 0
    assert tries < 40


def test_tries_at_the_same_time_are_counted_one_by_one() -> None:
    throttle = Throttle()
    looked: list[int] = []

    def look(number: int) -> bool:
        looked.append(number)
        return False

    with ThreadPoolExecutor(8) as tabs:
        list(tabs.map(lambda n: throttle.attempt("", lambda: look(n)), range(50)))
    assert len(looked) == FREE_ATTEMPTS


def test_a_network_of_ipv6_counts_as_one_address() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1") != network_of("2001:db8:0:1::1")
    assert network_of("192.0.2.1") != network_of("192.0.2.2")
