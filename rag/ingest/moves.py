"""Documents whose file was moved or renamed: which they are, and what of them changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import takewhile
from pathlib import Path, PurePath

from rag.ingest.chunk import passage_id
from rag.readers.building import stem
from rag.store import KnownFile, Source, SqliteStore
from rag.text.terms import passage_terms


def moved_files(
    new: Mapping[str, tuple[Path, Source]], lost: Mapping[str, KnownFile]
) -> dict[str, KnownFile]:
    """The lost document that each new file is, by where the file lies now; both are given by their places.

    Of several lost documents of the same bytes, the one with the most similar path. A file with another
    ending may be read in another way, so it is not taken for the same.
    """
    by_content: dict[tuple[str | None, str], list[tuple[str, KnownFile]]] = {}
    for where, file in lost.items():
        by_content.setdefault((file.source.sha256, _ending(file.source)), []).append((where, file))
    sizes = {file.source.size for file in lost.values()}
    moved = {}
    for where, (path, source) in new.items():
        if source.size not in sizes:
            continue
        sha256 = sha256_of(path)
        candidates = by_content.get((sha256, _ending(source)), [])
        if sha256 and candidates:
            best = max(candidates, key=lambda candidate: _common_end(candidate[0], where))
            candidates.remove(best)
            moved[where] = best[1]
    return moved


def files_lost(known: Iterable[tuple[str, KnownFile]]) -> dict[str, KnownFile]:
    """Those whose file is certainly no longer where it was."""
    return {where: file for where, file in known if _is_lost(file.source)}


def move_document(store: SqliteStore, collection: str, known: KnownFile, source: Source) -> None:
    """Gives a document another path; it keeps its id, passages and vectors.

    A title that only was the file's name follows the new one.
    """
    hits = store.hits(store.passage_rowids([known.id]))
    old, doc = known.source.doc, source.doc
    title = hits[0].title if hits else stem(old)
    title = stem(doc) if title == stem(old) else title
    passages = [
        replace(hit.passage, id=passage_id(doc, hit.passage.ordinal, hit.passage.content_hash))
        for hit in hits
    ]
    terms = [passage_terms(passage, title=title, doc=doc) for passage in passages]
    store.move_document(collection, known.id, source, title, [passage.id for passage in passages], terms)


def sha256_of(path: Path) -> str | None:
    """The hash of a file's bytes; None where it cannot be read: reading it for good will say why."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _is_lost(source: Source) -> bool:
    path = Path(source.root, source.doc)
    if not path.is_absolute() or "\\x" in str(path):  # never was a file, or its name is not text
        return False
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _ending(source: Source) -> str:
    return PurePath(source.doc).suffix.lower()


def _common_end(first: str, second: str) -> int:
    """How many characters the ends of two paths share."""
    pairs = zip(reversed(first), reversed(second), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
