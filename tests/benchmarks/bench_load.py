"""Many users at once: `python -m tests.benchmarks.bench_load --url http://127.0.0.1:8642 --users 32`.

Each user asks one question after another over HTTP; a greedy one keeps many open. Without `--url` a server of
the tests' own library answers, whose searches take `--cost` seconds of one of two simulated cores each: so
the order of service is measured on any machine, however busy. Only the queue is real then.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

QUESTION = "How long is the notice period for everybody?"
GREEDY = "greedy"
CORES = 2
SLICE_SECONDS = 0.02
TIMEOUT_SECONDS = 300.0


@dataclass
class Tally:
    """What became of the requests of each kind of user."""

    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    outcomes: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def ask(self, url: str, model: str, user: str) -> None:
        """One question; one that is refused is asked again when the server says."""
        kind = GREEDY if user == GREEDY else "users"
        body = {"model": model, "messages": [{"role": "user", "content": QUESTION}], "user": user}
        request = urllib.request.Request(
            f"{url}/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        began, again = time.perf_counter(), 0.0
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                answer.read()
            outcome = "answered"
        except urllib.error.HTTPError as error:
            outcome, again = str(error.code), float(error.headers.get("Retry-After", 1))
        except OSError:
            outcome = "timed out"
        self.outcomes[kind][outcome] += 1
        if outcome == "answered":
            self.seconds[kind].append(time.perf_counter() - began)
        time.sleep(again)


def measure(url: str, *, users: int, greedy: int, seconds: float, think: float) -> Tally:
    """Asks from many threads for some seconds."""
    with urllib.request.urlopen(f"{url}/v1/models") as answer:
        model = json.load(answer)["data"][0]["id"]
    tally, until = Tally(), time.monotonic() + seconds

    def work(user: str, pause: float) -> None:
        while time.monotonic() < until:
            tally.ask(url, model, user)
            time.sleep(pause)

    asking = [(f"user {number}", think) for number in range(users)] + [(GREEDY, 0.0)] * greedy
    threads = [threading.Thread(target=work, args=one) for one in asking]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tally


@contextmanager
def simulated(cost: float) -> Iterator[str]:
    """A server whose searches cost so much of a simulated core."""
    import uvicorn

    from rag.api.server import api_app
    from rag.hosts import listening, url_of
    from rag.settings import Settings
    from tests.api.conftest import add_documents
    from tests.fakes.web import FakeLibrary, QueuedModel, write_documents

    cores = threading.Semaphore(CORES)
    with tempfile.TemporaryDirectory() as place, listening("127.0.0.1", 0) as socket:
        folder = Path(place)
        settings = Settings(
            library=folder / "library", second_embedding_model="none", reranker="none", chat_model="none"
        )
        with FakeLibrary(settings, QueuedModel([""])) as library:
            write_documents(folder / "docs")
            add_documents(library, folder / "docs", "default")
            ask = library.ask

            def costly(question: str, **options: Any) -> Any:
                for _ in range(round(cost / SLICE_SECONDS)):
                    with cores:
                        time.sleep(SLICE_SECONDS)
                return ask(question, **options, without_model=True)

            library.ask = costly  # type: ignore[method-assign]
            server = uvicorn.Server(
                uvicorn.Config(api_app(library, "127.0.0.1", warm=False, concurrent=1000), log_level="error")
            )
            thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
            thread.start()
            yield url_of("127.0.0.1", socket)
            server.should_exit = True
            thread.join()


def main() -> None:
    """Prints a row for each kind of user."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="of `footnote serve`")
    parser.add_argument("--users", type=int, default=32)
    parser.add_argument("--greedy", type=int, default=0, help="questions that one more user keeps open")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--think", type=float, default=0.0, help="seconds between two questions of a user")
    parser.add_argument("--cost", type=float, default=1.3)
    options = parser.parse_args()
    asked = {name: getattr(options, name) for name in ("users", "greedy", "seconds", "think")}
    if options.url:
        tally = measure(options.url, **asked)
    else:
        with simulated(options.cost) as url:
            tally = measure(url, **asked)
    print("| who | answered | a minute | p50 s | p95 s | refused | timed out |")
    for kind, outcomes in sorted(tally.outcomes.items()):
        times = sorted(tally.seconds[kind]) or [float("nan")]
        p95 = times[min(len(times) - 1, int(0.95 * len(times)))]
        answered = outcomes["answered"]
        print(
            f"| {kind} | {answered} | {60 * answered / options.seconds:.0f} | {statistics.median(times):.1f} "
            f"| {p95:.1f} | {outcomes['429']} | {outcomes['timed out']} |"
        )


if __name__ == "__main__":
    main()
