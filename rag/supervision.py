"""A process of its own that watches over long work: ends it where it is stuck, and begins it again.

Code in C that waits for ever with the interpreter lock in hand stops every Python thread of its process, the
one that would notice included, and Ctrl-C with them. So the work runs in a second process that gives a sign
of life every second. Without one, and without computing, it is stuck; what it has finished is kept, and the
same command goes on from there.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

SIGNS = "FOOTNOTE_SIGNS_OF_LIFE"
"""Tells the second process where to write its signs of life."""
COMMANDS = {"ingest", "embed"}
BEAT_SECONDS = 1.0
STUCK_SECONDS = 60.0
IDLE_CPU_SECONDS = 1.0
"""Who is stuck computes less than this in that time; on a busy machine others are slow, not idle."""
INTERRUPTED_SECONDS = 5.0
STOPPING_SECONDS = 30.0
"""After Ctrl-C, so long without a sign of life, or in all, it may take to end."""
TRIES = 3
ENDED_BY_INTERRUPT = 130
STUCK = "The work made no progress for {seconds:.0f} seconds. It is ended{again}; what is finished is kept."


def is_wanted(arguments: Sequence[str]) -> bool:
    """Whether a command is to be watched over, and this is not the second process already."""
    return os.name == "posix" and SIGNS not in os.environ and not COMMANDS.isdisjoint(arguments)


def live() -> None:
    """In the second process: gives signs of life, takes Ctrl-C from the first, and ends with it."""
    place = os.environ.pop(SIGNS, "")
    if not place:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process has it too, and sends SIGTERM
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.set_inheritable(int(place), False)
    threading.Thread(target=_beat, args=(int(place),), name="signs-of-life", daemon=True).start()


def stop_signal() -> signal.Signals:
    """What asks this process to stop: Ctrl-C, which the first process passes on to the second as SIGTERM."""
    ignores = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    return signal.SIGTERM if ignores and os.name == "posix" else signal.SIGINT


def _beat(place: int) -> None:
    from rag.signs import seems_stuck

    watching = select.poll()
    watching.register(place, 0)  # wakes only when nobody reads any more
    while not watching.poll(BEAT_SECONDS * 1000):
        if not seems_stuck():
            with suppress(OSError):
                os.write(place, b".")
    os._exit(ENDED_BY_INTERRUPT)


@dataclass(slots=True)
class Watched:
    """The second process, and when it last gave a sign of life."""

    process: subprocess.Popen[bytes]
    signs: int
    alive: float = field(default_factory=time.monotonic)
    computed: float = 0.0
    interrupts: int = 0
    interrupted: float = 0.0

    def interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        """Passes Ctrl-C on."""
        self.interrupts += 1
        self.interrupted = self.interrupted or time.monotonic()
        self.process.terminate()

    def ended(self) -> bool:
        """Waits a moment; whether the process has ended."""
        if select.select([self.signs], [], [], BEAT_SECONDS)[0]:
            if not os.read(self.signs, 4096):
                return True
            self.alive, self.computed = time.monotonic(), cpu_seconds(self.process.pid)
        return self.process.poll() is not None

    def is_stuck(self) -> bool:
        """Whether it neither gives a sign of life nor computes."""
        if time.monotonic() - self.alive < STUCK_SECONDS:
            return False
        computed = cpu_seconds(self.process.pid)
        idle = computed - self.computed < IDLE_CPU_SECONDS
        self.alive, self.computed = time.monotonic(), computed
        return idle

    def takes_too_long_to_stop(self) -> bool:
        """Whether Ctrl-C was pressed and it does not end."""
        now = time.monotonic()
        silent = now - max(self.alive, self.interrupted) > INTERRUPTED_SECONDS
        waited = now - self.interrupted
        return bool(self.interrupts) and (
            silent or waited > STOPPING_SECONDS or (self.interrupts > 1 and waited > INTERRUPTED_SECONDS)
        )


def cpu_seconds(pid: int) -> float:
    """How long a process has computed, in seconds; 0 where that cannot be told."""
    with suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    asked = ["ps", "-o", "time=", "-p", str(pid)]
    with suppress(OSError, ValueError, subprocess.SubprocessError):
        told = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
        days, _, clock = told.rpartition("-")
        seconds = 0.0
        for part in clock.split(":"):
            seconds = 60 * seconds + float(part)
        return seconds + 86_400 * int(days or 0)
    return 0.0


def supervise(command: Sequence[str] = ()) -> int:
    """Runs this command in a second process, more than once where it gets stuck; returns its exit code."""
    command = command or sys.orig_argv
    for again in reversed(range(TRIES)):
        code = _run(command, may_try_again=again > 0 and "-" not in command)
        if code is not None:
            return code
    return 1


def _run(command: Sequence[str], *, may_try_again: bool) -> int | None:
    """The exit code; None where it was stuck and is to be run again."""
    signs, place = os.pipe()
    environment = {**os.environ, SIGNS: str(place)}
    process = subprocess.Popen(command, executable=sys.executable, env=environment, pass_fds=(place,))
    os.close(place)
    watched = Watched(process, signs)
    before = signal.signal(signal.SIGINT, watched.interrupt)
    try:
        while not watched.ended():
            if watched.takes_too_long_to_stop():
                process.kill()
                process.wait()
                print("Stopped. What was finished is kept; run the same command again.", file=sys.stderr)
                return ENDED_BY_INTERRUPT
            if watched.is_stuck():
                process.kill()
                process.wait()
                said = " and begun again" if may_try_again else ""
                print(STUCK.format(seconds=STUCK_SECONDS, again=said), file=sys.stderr)
                return None if may_try_again else 1
        code = process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
        os.close(signs)
    return code if code >= 0 else 128 - code
