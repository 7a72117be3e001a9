"""SIGKILL at random moments of everything that writes: `python -m tests.kill_rounds --rounds 200`.

Each round starts a process that ingests, chats, removes, backs up, exports and embeds again in random order,
kills it, and looks whether the library is sound and holds all that was acknowledged.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rag.ingest import embed_again, ingest
from rag.interfaces import Vectors
from rag.store import SqliteStore, open_store
from rag.store.database import require_sound
from rag.store.transfer import copy_collection, copy_conversations
from tests.fakes.ingest import PlainPool, WordEmbedder

PROJECT = Path(__file__).resolve().parent.parent
FILES = 12


class SlowEmbedder(WordEmbedder):
    """Takes its time, so that kills fall into the work."""

    def __init__(self, identity: str) -> None:
        super().__init__()
        self.identity = identity

    def embed_passages(self, texts: Sequence[str], *, truncate: bool = False) -> Vectors:
        time.sleep(0.002 * len(texts))
        return super().embed_passages(texts)


def work(folder: Path, seed: int) -> None:
    """Does one thing after another until killed, and prints what is done for good."""
    chosen = random.Random(seed)
    with open_store(folder / "library.db") as store:
        while True:
            operation = chosen.choice(list(OPERATIONS))
            print("begin", operation, flush=True)
            OPERATIONS[operation](store, folder, chosen)
            print("done", operation, flush=True)


def do_ingest(store: SqliteStore, folder: Path, chosen: random.Random) -> None:
    """Changes a file and brings the collection in step."""
    number = chosen.randrange(FILES)
    text = f"Ferry {chosen.random()} sails at nine. " * chosen.randrange(1, 120)
    (folder / "docs" / f"{number}.md").write_text(f"{text}\n")
    embedder = SlowEmbedder(model_of(store))
    for _ in ingest([folder / "docs"], store=store, embedder=embedder, pools=PlainPool):
        pass


def do_chat(store: SqliteStore, folder: Path, chosen: random.Random) -> None:
    """Begins conversations."""
    for _ in range(5):
        id_ = store.conversations.start("Talk", "default")
        store.conversations.append(
            id_, record="{}", question="When?", answer="Nine.", searchable="", citations=[]
        )
        print("said", id_, flush=True)


def do_question(store: SqliteStore, folder: Path, chosen: random.Random) -> None:
    """Asks questions and answers them."""
    for _ in range(5):
        id_ = store.conversations.start("Question", "default")
        pending = store.pending.add(id_, str(id_))
        print("asked", id_, flush=True)
        time.sleep(0.01)
        store.conversations.append(
            id_, record="{}", question="When?", answer="Nine.", searchable="", citations=[]
        )
        store.pending.remove(pending)


def do_remove(store: SqliteStore, folder: Path, chosen: random.Random) -> None:
    """Removes a document for good, and takes it back."""
    for file in store.known_files("default")[:1]:
        store.remove_documents("default", [file.id], for_good=True)
        print("removed", file.source.doc, flush=True)
        store.take_back("default", [file.source])
        print("taken", file.source.doc, flush=True)


def do_back_up(store: SqliteStore, folder: Path, chosen: random.Random) -> None:
    """Copies the library over an earlier copy."""
    store.back_up(folder / "backup.db")


def do_export(store: SqliteStore, folder: Path, chosen: random.Random) -> None:
    """Copies all collections to another library."""
    with open_store(folder / "export.db") as copy:
        for found in store.collections():
            list(copy_collection(store, copy, found.name))
        copy_conversations(store, copy)


def do_embed(store: SqliteStore, folder: Path, chosen: random.Random) -> None:
    """Embeds the collection with another model."""
    if store.passage_count("default"):
        other = "words-v2" if model_of(store) == "words-v1" else "words-v1"
        for _ in embed_again(store=store, embedder=SlowEmbedder(other)):
            pass


OPERATIONS = {
    "ingest": do_ingest,
    "chat": do_chat,
    "question": do_question,
    "remove": do_remove,
    "backup": do_back_up,
    "export": do_export,
    "embed": do_embed,
}


def model_of(store: SqliteStore) -> str:
    """The collection's embedding model."""
    return {found.name: found.model for found in store.collections()}.get("default") or "words-v1"


def killed(folder: Path, seed: int, seconds: float) -> list[list[str]]:
    """What a process that worked for some seconds said that it did."""
    (folder / "export.db").unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.kill_rounds", "--work", str(folder), "--seed", str(seed)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )
    with process:
        assert process.stdout is not None
        first = process.stdout.readline()  # the imports are over
        time.sleep(seconds)
        process.kill()
        return [line.split() for line in (first + process.stdout.read()).splitlines() if line.strip()]


def losses(folder: Path, said: set[int], did: list[list[str]]) -> list[str]:
    """What is wrong with the library after a kill; adds what was acknowledged to `said`."""
    said |= {int(words[1]) for words in did if words[0] == "said" and len(words) == 2}
    found = []
    with open_store(folder / "library.db") as store:
        found += [f"{one.check}: {one.problem}" for one in store.check() if one.problem]
        kept = {
            row.id for row in store.conversations.listed(10**6, 0) if store.conversations.messages(row.id)
        }
        found += [f"conversation {id_} is lost" for id_ in sorted(said - kept)]
        asked = {int(words[1]) for words in did if words[0] == "asked" and len(words) == 2}
        waiting = {int(request) for _, request, _ in store.pending.taken_up()}
        found += [f"question {id_} is lost" for id_ in sorted(asked - kept - waiting)]
        removed = [words[1] for words in did if words[0] == "removed" and len(words) == 2]
        if removed and did[-1][0] == "removed":
            known = {file.source.doc for file in store.known_files("default")}
            found += [f"{removed[-1]} came back"] if removed[-1] in known else []
    if (folder / "backup.db").exists():
        require_sound(folder / "backup.db")
    return found


def rounds(count: int, folder: Path, seed: int = 0) -> tuple[Counter[str], list[str]]:
    """So many kills: in which operation each fell, and what was lost."""
    (folder / "docs").mkdir(exist_ok=True)
    for number in range(FILES):
        (folder / "docs" / f"{number}.md").write_text(f"Tram {number} runs at ten. " * (number + 1))
    chosen, fell, lost, said = random.Random(seed), Counter[str](), list[str](), set[int]()
    for number in range(count):
        did = killed(folder, seed * 10_000 + number, chosen.uniform(0.0, 0.8))
        last = next((words for words in reversed(did) if words[0] in ("begin", "done")), ["", "start"])
        fell[last[1] if last[0] == "begin" else "between"] += 1
        lost += [f"round {number}: {loss}" for loss in losses(folder, said, did)]
    return fell, lost


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path)
    options = parser.parse_args()
    if options.work:
        work(options.work, options.seed)
    with tempfile.TemporaryDirectory() as place:
        where, what = rounds(options.rounds, Path(place), options.seed)
    print(f"{options.rounds} kills:", dict(where.most_common()))
    print(f"{len(what)} losses", *what[:20], sep="\n")
    sys.exit(bool(what))
