"""Work that is stuck is ended and begun again, and Ctrl-C ends it within seconds, whatever it waits for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rag import signs, supervision

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to pass on")

LIVING = """
import ctypes, os, signal, sys, time
from pathlib import Path
from rag import supervision
supervision.live()
tries = Path(sys.argv[1])
tries.write_text(str(int(tries.read_text() or 0) + 1) if tries.exists() else "1")
"""
HOLD_THE_INTERPRETER_LOCK = "ctypes.PyDLL(None).sleep(60)"
WAIT = "time.sleep(60)"
COMPUTE = "end = time.time() + 1.5\nwhile time.time() < end: pass"
STUCK_ONCE = f"if tries.read_text() == '1': {HOLD_THE_INTERPRETER_LOCK}"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "STUCK_SECONDS", 2.0)
    monkeypatch.setattr(supervision, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(supervision, "IDLE_CPU_SECONDS", 0.02)
    monkeypatch.setattr(supervision, "INTERRUPTED_SECONDS", 0.5)


def command(tmp_path: Path, work: str) -> list[str]:
    return [sys.executable, "-c", LIVING + work, str(tmp_path / "tries")]


def tries(tmp_path: Path) -> int:
    return int((tmp_path / "tries").read_text())


def test_work_that_holds_the_interpreter_lock_for_ever_is_begun_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert supervision.supervise(command(tmp_path, STUCK_ONCE)) == 0
    assert tries(tmp_path) == 2
    assert "It is ended and begun again; what is finished is kept." in capfd.readouterr().err


def test_what_cannot_be_read_twice_is_not_begun_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert supervision.supervise([*command(tmp_path, STUCK_ONCE), "-"]) == 1
    assert tries(tmp_path) == 1
    assert "It is ended; what is finished is kept." in capfd.readouterr().err


@pytest.mark.parametrize(("work", "code"), [("sys.exit(3)", 3), (COMPUTE, 0)])
def test_the_exit_code_is_passed_on(tmp_path: Path, work: str, code: int) -> None:
    assert supervision.supervise(command(tmp_path, work)) == code
    assert tries(tmp_path) == 1


def interrupted(work: str, tmp_path: Path) -> tuple[int, float]:
    """The exit code after one Ctrl-C, and how long that took."""
    first = (
        "import sys; from rag import supervision; supervision.INTERRUPTED_SECONDS = 0.5;"
        " supervision.BEAT_SECONDS = 0.1; sys.exit(supervision.supervise(sys.argv[1:]))"
    )
    process = subprocess.Popen([sys.executable, "-c", first, *command(tmp_path, work)])
    wait_for((tmp_path / "tries").exists)
    time.sleep(0.2)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    return process.wait(timeout=60), time.monotonic() - began


@pytest.mark.parametrize("work", [HOLD_THE_INTERPRETER_LOCK, WAIT])
def test_one_interrupt_ends_it_within_seconds(tmp_path: Path, work: str) -> None:
    code, seconds = interrupted(work, tmp_path)
    assert code != 0
    assert seconds < 20


def test_the_second_process_ends_with_the_first(tmp_path: Path) -> None:
    first = "import sys; from rag import supervision; supervision.supervise(sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", first, *command(tmp_path, f"print(os.getpid(), flush=True)\n{WAIT}")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    second = int(process.stdout.readline())
    process.kill()
    process.stdout.read()  # ends when the second process has
    process.stdout.close()
    process.wait()
    wait_for(lambda: not is_there(second))


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return (
        "Z"
        not in subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
    )


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_only_long_work_is_watched_over(monkeypatch: pytest.MonkeyPatch) -> None:
    assert supervision.is_wanted(["--library", "/x", "ingest", "letters"])
    assert not supervision.is_wanted(["ask", "When?"])
    monkeypatch.setenv(supervision.SIGNS, "3")
    assert not supervision.is_wanted(["ingest", "letters"])


def test_a_batch_that_takes_for_ever_is_no_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    with signs.batch():
        assert not signs.seems_stuck()
        monkeypatch.setattr(signs, "MAX_SECONDS", -1.0)
        assert signs.seems_stuck()
    assert not signs.seems_stuck()


def test_computing_time_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    before = supervision.cpu_seconds(os.getpid())
    assert before >= 0
    assert supervision.cpu_seconds(2**22 - 1) == 0
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    assert supervision.stop_signal() is signal.SIGINT
