"""SIGKILL at random moments of everything that writes: `python -m tests.kill_rounds --rounds 200`.

Each round starts a process that ingests, moves files, chats, removes, backs up, restores, exports, embeds
again, migrates an old library and meets a full disk, in random order; kills it, and looks whether the library
is sound and holds all that was acknowledged.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rag.errors import LibraryError
from rag.ingest import embed_again, ingest
from rag.interfaces import Vectors
from rag.store import SqliteStore, open_store
from rag.store.database import require_sound
from rag.store.transfer import copy_collection, copy_conversations
from tests.fakes.ingest import PlainPool, WordEmbedder
from tests.fakes.store import old_library

FILES = 12
MAX_SECONDS = 2.0
"""A process lives up to so long after it has begun."""
OLD_VERSION = 6
OLD_DATES = ("2024-05-01",) * 40


class SlowEmbedder(WordEmbedder):
    """Takes its time, so that kills fall into the work."""

    def __init__(self, identity: str) -> None:
        super().__init__()
        self.identity = identity

    def embed_passages(self, texts: Sequence[str], *, truncate: bool = False) -> Vectors:
        time.sleep(0.002 * len(texts))
        return super().embed_passages(texts)


def work(folder: Path, seed: int) -> None:
    """Does one thing after another until killed, and writes down what is done for good."""
    chosen = random.Random(seed)
    sys.stdout = (folder / SAID).open("w", encoding="utf-8")
    with open_store(folder / "library.db") as store:
        while True:
            operation = chosen.choice(list(OPERATIONS))
            print("begin", operation, sep="\t", flush=True)
            OPERATIONS[operation](store, folder, chosen)
            print("done", operation, sep="\t", flush=True)


def do_ingest(store: SqliteStore, folder: Path, chosen: random.Random) -> None:
    """Changes a file and brings the collection in step."""
    number = chosen.randrange(FILES)
    text = f"Ferry {chosen.random()} sails at nine. " * chosen.randrange(1, 120)
    (folder / "docs" / f"{number}.md").write_text(f"{text}\n")
    embedder = SlowEmbedder(model_of(store))
    for _ in ingest([folder / "docs"], store=store, embedder=embedder, pools=PlainPool):
        pass


def do_sync(store: SqliteStore, folder: Path, chosen: random.Random) -> None:
    """Renames one file and deletes another, and brings the collection in step."""
    files = sorted((folder / "docs").iterdir())
    renamed, deleted = chosen.sample(files, 2)
    with suppress(FileNotFoundError):  # the kill before fell between the two
        renamed.rename(renamed.with_name(f"{chosen.randrange(FILES)}-{chosen.randrange(99)}.md"))
        deleted.unlink()
    do_ingest(store, folder, chosen)


def do_fill_the_disk(store: SqliteStore, folder: Path, chosen: random.Random) -> None:
    """Ingests and chats where no file can grow beyond some size."""
    largest = max(file.stat().st_size for file in folder.glob("*.db*"))
    with limited(chosen.randrange(largest // 2, largest + 50_000)), suppress(LibraryError):
        do_ingest(store, folder, chosen)
        do_chat(store, folder, chosen)


@contextmanager
def limited(size: int) -> Iterator[None]:
    """No file of this process grows beyond a size."""
    if sys.platform == "win32":
        yield
        return
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def do_migrate(store: SqliteStore, folder: Path, chosen: random.Random) -> None:
    """Opens a library of an earlier release, which brings it up to date."""
    for file in (*folder.glob("old*"), *folder.glob("made*")):
        file.unlink()
    old_library(folder / "made.db", version=OLD_VERSION, dates=OLD_DATES)
    (folder / "made.db").rename(folder / "old.db")
    with open_store(folder / "old.db"):
        pass


def do_restore(store: SqliteStore, folder: Path, chosen: random.Random) -> None:
    """Puts a backup of this moment in the library's place."""
    store.back_up(folder / "moment.db")
    store.restore(folder / "moment.db").unlink()


def do_chat(store: SqliteStore, folder: Path, chosen: random.Random) -> None:
    """Begins conversations."""
    for _ in range(5):
        id_ = store.conversations.start("Talk", "default")
        store.conversations.append(
            id_, record="{}", question="When?", answer="Nine.", searchable="", citations=[]
        )
        print("said", id_, sep="\t", flush=True)


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
        print("removed", file.source.doc, sep="\t", flush=True)
        store.take_back("default", [file.source])
        print("taken", file.source.doc, sep="\t", flush=True)


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


SAID = "said.txt"
PRELOADED = ["rag.ingest", "rag.store.transfer", "tests.fakes.ingest", "tests.fakes.store"]
"""Imported once, and not in every round."""
OPERATIONS: dict[str, Callable[[SqliteStore, Path, random.Random], None]] = {
    "ingest": do_ingest,
    "sync": do_sync,
    "full disk": do_fill_the_disk,
    "migration": do_migrate,
    "restore": do_restore,
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
    said = folder / SAID
    said.unlink(missing_ok=True)
    starting: Any = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")
    if os.name == "posix":
        starting.set_forkserver_preload(PRELOADED)
    process = starting.Process(target=work, args=(folder, seed), daemon=True)
    process.start()
    while process.is_alive() and not (said.exists() and said.stat().st_size):
        time.sleep(0.005)
    time.sleep(seconds)
    process.kill()
    process.join()
    return [line.split("\t") for line in said.read_text(encoding="utf-8").splitlines() if line.strip()]


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
    for copy in ("backup.db", "moment.db"):
        if (folder / copy).exists():
            require_sound(folder / copy)
    if (folder / "old.db").exists():
        with open_store(folder / "old.db") as migrated:
            found += [f"old.db: {one.check}: {one.problem}" for one in migrated.check() if one.problem]
            if migrated.passage_count("default") != len(OLD_DATES):
                found.append("old.db: passages are lost")
    return found


def write_files(folder: Path, chosen: random.Random) -> None:
    """Fills the folder up again."""
    while len(list((folder / "docs").iterdir())) < FILES:
        text = "Tram seven runs at ten. " * chosen.randrange(1, FILES)
        (folder / "docs" / f"{chosen.random()}.md").write_text(text)


def rounds(count: int, folder: Path, seed: int = 0) -> tuple[Counter[str], list[str]]:
    """So many kills: in which operation each fell, and what was lost."""
    (folder / "docs").mkdir(exist_ok=True)
    chosen, fell, lost, said = random.Random(seed), Counter[str](), list[str](), set[int]()
    write_files(folder, chosen)
    with open_store(folder / "library.db") as store:
        do_ingest(store, folder, chosen)
    for number in range(count):
        write_files(folder, chosen)
        did = killed(folder, seed * 10_000 + number, chosen.uniform(0.0, MAX_SECONDS))
        last = next((words for words in reversed(did) if words[0] in ("begin", "done")), ["", "start"])
        fell[last[1] if last[0] == "begin" else "between"] += 1
        lost += [f"round {number}, {last[1]}: {loss}" for loss in losses(folder, said, did)]
    return fell, lost


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        where, what = rounds(options.rounds, Path(place), options.seed)
    for operation, fell in where.most_common():
        print(f"| {operation} | {fell} | {sum(f', {operation}: ' in one for one in what)} |")
    print(f"{options.rounds} kills, {len(what)} losses", *what[:20], sep="\n")
    sys.exit(bool(what))
