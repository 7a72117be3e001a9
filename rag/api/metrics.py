"""Counts and times of requests, in the text form that Prometheus reads."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from rag.store import Collection

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """What the server has done since it began. Any thread may count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._times: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._answers: Counter[str] = Counter()
        self._running = 0

    def begin(self) -> None:
        """A request has come."""
        with self._lock:
            self._running += 1

    def end(self, method: str, path: str, status: int, seconds: float) -> None:
        """It was answered. `path` is that of the route, not what was asked for: there are few of these."""
        with self._lock:
            self._running -= 1
            self._requests[method, path, status] += 1
            self._times[path][bisect_left(BUCKETS, seconds)] += 1
            self._seconds[path] += seconds

    def answered(self, *, abstained: bool) -> None:
        """A question was answered, or the documents did not contain the answer."""
        with self._lock:
            self._answers["abstained" if abstained else "answered"] += 1

    def text(self, collections: Iterable[Collection], *, waiting: int) -> str:
        """All of it, with the size of these collections, and how many requests wait for their turn."""
        with self._lock:
            lines = [*self._lines()]
        lines += ["# TYPE footnote_requests_waiting gauge", f"footnote_requests_waiting {waiting}"]
        lines.append("# TYPE footnote_documents gauge")
        lines += [
            f'footnote_documents{{collection="{_label(one.name)}"}} {one.documents}' for one in collections
        ]
        return "\n".join(lines) + "\n"

    def _lines(self) -> Iterator[str]:
        yield "# TYPE footnote_requests_running gauge"
        yield f"footnote_requests_running {self._running}"
        yield "# TYPE footnote_requests_total counter"
        for (method, path, status), count in sorted(self._requests.items()):
            yield f'footnote_requests_total{{method="{method}",path="{path}",status="{status}"}} {count}'
        yield "# TYPE footnote_request_seconds histogram"
        for path, counts in sorted(self._times.items()):
            for place, limit in enumerate((*BUCKETS, "+Inf"), start=1):
                yield f'footnote_request_seconds_bucket{{path="{path}",le="{limit}"}} {sum(counts[:place])}'
            yield f'footnote_request_seconds_sum{{path="{path}"}} {self._seconds[path]:.6f}'
            yield f'footnote_request_seconds_count{{path="{path}"}} {sum(counts)}'
        yield "# TYPE footnote_answers_total counter"
        for outcome, count in sorted(self._answers.items()):
            yield f'footnote_answers_total{{outcome="{outcome}"}} {count}'


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
