"""Damaged and hostile input to all that reads it: `python -m tests.fuzz --minutes 60`.

Files of every format, questions, JSON lines, receipts, answers with markers, prompts, settings and requests
are taken apart and put together again at random. What comes out has to be a result or one of our own errors,
in linear time; whatever else is kept in a folder and printed.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ValidationError

from rag.api import records
from rag.errors import RagError
from rag.history.receipts import read_receipt, receipt_json
from rag.ingest import ingest_lines
from rag.ingest.chunk import split
from rag.prompts import Templates, template_files
from rag.readers import ReaderPool
from rag.records import Answer, Message
from rag.search.query import parse_query
from rag.search.rewrite import condense
from rag.settings import PROJECT, SETTINGS_FILE, load_settings
from rag.store import open_store
from rag.text.facts import facts
from rag.text.markers import without_half_marker, without_markers
from rag.text.visible import printable
from tests.fakes.ingest import WordEmbedder

FILES = Path(__file__).parent / "readers" / "files"
SECONDS = 5.0
"""Of CPU time, for one input of some kilobytes."""
MAX_CHARACTERS = 8_000
WORDS = (
    *('"', "„", "“", "«", "'", "-", "doc:", "type:", "before:", "after:", "collection:", "lang:", "title:"),
    *(
        "[1]",
        "[1, 2",
        "[1-",
        "]",
        "[Passage 3]",
        "【1】",
        "**",
        "**/",
        "*",
        "?",
        "[a-z]",
        "{",
        "}",
        "$",
        "${x}",
    ),
    *("2024-13-45", "1.234,56 €", "٣", "½", "第九", "第1", "\u202e", "\u200b", "\x1b[31m", "\x00", "\ud800"),
    *("\U0001f600", "e\u0301", "\ufeff", "\r", "\n", "\t", "\u3000", "<b>", "<!--", "&#0;", "```", "|---|"),
    *("and", "or", "how many", "total of", "compare", "summarise", "ferry", "notice", "period", "和", "的"),
)
LINE = (
    '{"id": "a", "content": "The ferry sails at nine.", "title": "T", "date": "2024-05-01", '
    '"metadata": {"k": 1}}'
)
RECEIPT = receipt_json(Answer("q", "q", "It is [1].", (), (), (), (), False, "", None, None, None))
SETTINGS = 'collection = "x"\ntop_k = 20\n[ranking]\nkeyword_weight = 0.8\n'
BODIES: tuple[tuple[type[BaseModel], str], ...] = (
    (records.ChatRequest, '{"model": "m", "messages": [{"role": "user", "content": "q"}], "stream": true}'),
    (records.AskRequest, '{"question": "q", "history": [], "documents": ["d"]}'),
    (records.SearchRequest, '{"query": "q", "count": 3}'),
    (records.EmbeddingRequest, '{"model": "m", "input": ["a", "b"]}'),
)


def mutated(data: bytes, chosen: random.Random) -> bytes:
    """Bytes with a few of them changed, cut out, doubled or moved."""
    found = bytearray(data)
    for _ in range(chosen.randrange(1, 9)):
        start = chosen.randrange(len(found) + 1)
        end = min(len(found), start + chosen.choice((1, 2, 4, 16, 256, 4096)))
        match chosen.randrange(6):
            case 0:
                found[start:end] = chosen.randbytes(end - start)
            case 1:
                del found[start:end]
            case 2:
                found[start:start] = found[start:end] * chosen.randrange(1, 20)
            case 3:
                found[start:end] = bytes([chosen.choice((0, 0x22, 0x5B, 0x7B, 0x7F, 0xFF))]) * (end - start)
            case 4:
                found[start:start] = chosen.choice(WORDS).encode("utf-8", "surrogatepass")
            case _ if chosen.random() < 0.1:
                del found[start:]
    return bytes(found)


def text_of(chosen: random.Random) -> str:
    """A text of words that mean something to us, some of them many times."""
    pieces = []
    for _ in range(chosen.randrange(1, 40)):
        pieces.append(chosen.choice(WORDS) * chosen.choice((1, 1, 1, 2, 50)))
        pieces.append(chosen.choice(("", " ", " ", str(chosen.randrange(10**6)))))
    return "".join(pieces)[:MAX_CHARACTERS]


def mutated_text(text: str, chosen: random.Random) -> str:
    """A text with parts changed, whose bytes need not be UTF-8."""
    return mutated(text.encode("utf-8", "surrogatepass"), chosen).decode("utf-8", "surrogateescape")


@dataclass
class Fuzz:
    """The targets, each a function of a random choice; `last` is what the last one was given."""

    folder: Path
    pool: ReaderPool
    embedder: WordEmbedder = field(default_factory=WordEmbedder)
    last: bytes = b""
    name: str = ""

    def take(self, given: bytes | str, name: str = "") -> None:
        """Keeps what is tried, for the report."""
        self.last = given if isinstance(given, bytes) else given.encode("utf-8", "surrogatepass")
        self.name = name

    def files(self, chosen: random.Random) -> None:
        """A file of any format, through the workers."""
        source = chosen.choice(sorted(FILES.iterdir()))
        data = mutated(source.read_bytes(), chosen)
        self.take(data, source.name)
        place = self.folder / source.name
        place.write_bytes(data)
        (result,) = self.pool.read([place])
        assert (result.document is None) != (result.error is None)
        if result.error is not None:
            assert source.name in str(result.error) and "Traceback" not in str(result.error)
            printable(str(result.error))
            return
        assert result.document is not None
        for passage in split(result.document, source.name, self.embedder):
            assert result.document.text[passage.start : passage.end] == passage.text

    def questions(self, chosen: random.Random) -> None:
        """A question, and what may stand in documents and answers."""
        text = text_of(chosen)
        self.take(text)
        parse_query(text)
        condense(text, [Message("user", text_of(chosen)), Message("assistant", text)])
        facts(text)

    def citations(self, chosen: random.Random) -> None:
        """An answer with markers."""
        text = text_of(chosen)
        self.take(text)
        found = without_markers(text, {1, 2, 3}, sources=(text_of(chosen),))
        assert all(0 <= one.position <= len(found.text) for one in found.placed)
        assert text.startswith(without_half_marker(text))

    def lines(self, chosen: random.Random) -> None:
        """JSON lines, as `ingest -` takes them."""
        given = mutated("\n".join([LINE] * 3).encode(), chosen)
        self.take(given)
        with open_store(self.folder / "library.db") as store:
            for _ in ingest_lines(given.splitlines(keepends=True), store=store, embedder=self.embedder):
                pass

    def receipts(self, chosen: random.Random) -> None:
        """A receipt, as `ask --replay` takes it."""
        text = mutated_text(RECEIPT, chosen)
        self.take(text)
        read_receipt(text)

    def prompts(self, chosen: random.Random) -> None:
        """A folder of prompts with one of them damaged."""
        folder = self.folder / "prompts"
        for name, source in template_files(PROJECT / "prompts").items():
            place = folder / f"{name}.md"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(source.read_bytes())
        name = chosen.choice(sorted(template_files(folder)))
        data = mutated((folder / f"{name}.md").read_bytes(), chosen)
        self.take(data, name)
        (folder / f"{name}.md").write_bytes(data)
        Templates(folder)

    def settings(self, chosen: random.Random) -> None:
        """The settings' file."""
        data = mutated(SETTINGS.encode(), chosen)
        self.take(data, SETTINGS_FILE)
        (self.folder / SETTINGS_FILE).write_bytes(data)
        try:
            load_settings(library=self.folder)
        finally:
            (self.folder / SETTINGS_FILE).unlink()

    def requests(self, chosen: random.Random) -> None:
        """A request to `serve`."""
        record, body = chosen.choice(BODIES)
        data = mutated(body.encode(), chosen)
        self.take(data, record.__name__)
        record.model_validate_json(data)

    def targets(self) -> dict[str, Callable[[random.Random], None]]:
        """All of them, by name."""
        return {
            one.__name__: one
            for one in (
                *(self.files, self.questions, self.citations, self.lines),
                *(self.receipts, self.prompts, self.settings, self.requests),
            )
        }


def findings(fuzz: Fuzz, target: str, seed: int) -> Iterator[str]:
    """What goes wrong with one input."""
    began = time.thread_time()
    try:
        fuzz.targets()[target](random.Random(f"{target} {seed}"))
    except (RagError, ValidationError):
        pass
    except Exception:  # noqa: BLE001 (what is looked for)
        yield traceback.format_exc(limit=-4)
    if time.thread_time() - began > SECONDS:
        yield f"It took {time.thread_time() - began:.1f} s."


def main() -> int:
    """Tries one input after another until the time is up; returns the number of findings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", help="only this one")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    options = parser.parse_args()
    until, tried, found = time.monotonic() + 60 * options.minutes, Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as place, ReaderPool(workers=1, timeout_seconds=60) as pool:
        fuzz, seed = Fuzz(Path(place), pool), options.seed
        while time.monotonic() < until:
            for target in [options.target] if options.target else fuzz.targets():
                tried[target] += 1
                for problem in findings(fuzz, target, seed):
                    kind = problem.strip().splitlines()[-1][:100]
                    found[f"{target}: {kind}"] += 1
                    if found[f"{target}: {kind}"] == 1:
                        options.keep.mkdir(exist_ok=True)
                        (options.keep / f"{target}-{seed}-{Path(fuzz.name).name}").write_bytes(fuzz.last)
                        print(f"{target} {seed} {fuzz.name}\n{problem}", flush=True)
            seed += 1
    for target, count in tried.items():
        print(f"| {target} | {count:,} | {sum(n for kind, n in found.items() if kind.startswith(target))} |")
    return found.total()


if __name__ == "__main__":
    sys.exit(min(main(), 1))
