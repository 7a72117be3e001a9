"""Run a long command and print a line every half minute: `heartbeat.py [--show] MESSAGE COMMAND...`.

The line ends with the last line of what the command wrote, such as "Building wheel for llama-cpp-python".
The rest of its output is kept back and printed only if it fails; with `--show` it is printed as it comes.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time

INTERVAL_SECONDS = 30
SHOWN_LINES = 60


def main(arguments: list[str]) -> int:
    """Runs the command and returns its exit code."""
    show = arguments[0] == "--show"
    message, *command = arguments[1:] if show else arguments
    print(message, flush=True)
    output = None if show else subprocess.PIPE
    process = subprocess.Popen(command, stdout=output, stderr=output and subprocess.STDOUT, text=True)
    lines: list[str] = []
    finished = threading.Event()
    threading.Thread(target=report, args=(message, lines, finished), daemon=True).start()
    try:
        lines.extend(process.stdout or ())  # one by one, while `report` reads the last
        code = process.wait()
    except KeyboardInterrupt:
        process.wait()
        code = 130
    finally:
        finished.set()
    if code:
        print(*lines[-SHOWN_LINES:], sep="", end="", flush=True)
    return code


def report(message: str, lines: list[str], finished: threading.Event) -> None:
    """Prints how long the command has been running until it has finished."""
    started = time.monotonic()
    while not finished.wait(INTERVAL_SECONDS):
        minutes, seconds = divmod(int(time.monotonic() - started), 60)
        latest = f": {lines[-1].strip()[:80]}" if lines else ""
        print(f"... {message}, {minutes} min {seconds:02d} s{latest}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
