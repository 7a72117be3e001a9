"""Web pages, kept as they were fetched in a folder of the library, and from there ingested like files."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import partial
from os import utime
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from rag.ingest.events import Failure, IngestEvent, Progress
from rag.ingest.fetch import Fetched, FetchError, fetch
from rag.ingest.scan import ALWAYS_EXCLUDED
from rag.ingest.sitemap import read_sitemap
from rag.readers.registry import ending_of
from rag.store import Page, SqliteStore

MAX_SEGMENT = 80
_BARRED = "the site's robots.txt keeps programs from it."
_UNSAFE = re.compile(r"[^\w.@~ -]+")


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages asked for, by their addresses and by those of sitemaps."""

    urls: tuple[str, ...] = ()
    sitemaps: tuple[str, ...] = ()
    allow_private: bool = False


@dataclass(slots=True)
class FetchedPages:
    """The files of pages, new or as they were; those removed, not fetched, and not meant to be fetched."""

    files: list[Path] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    barred: list[Failure] = field(default_factory=list)


def fetch_pages(
    pages: Pages,
    store: SqliteStore,
    collection: str,
    *,
    prune: bool = False,
    cancelled: Callable[[], bool] = lambda: False,
) -> Generator[IngestEvent, None, FetchedPages]:
    """Fetches pages that are new or have changed, and yields how far it is.

    A page that cannot be fetched leaves the rest going on; what was fetched of it earlier stays, unless the
    server says that it is gone and everything gone is to be removed (`prune`).
    """
    found, progress = FetchedPages(), Progress(time.perf_counter())
    get = partial(fetch, allow_private=pages.allow_private, cancelled=cancelled)
    urls = {_without_fragment(url): 0.0 for url in pages.urls}
    for sitemap in pages.sitemaps:
        yield progress.event(time.perf_counter(), sitemap)
        try:
            site = read_sitemap(sitemap, get)
        except FetchError as error:
            found.failures.append(Failure(sitemap, str(error)))
            continue
        found.barred += [Failure(url, _BARRED) for url in site.barred]
        urls = {_without_fragment(url): site.delay_seconds for url in site.pages} | urls
    library = _PageFolder(store, collection)
    progress.files_total = len(urls)
    for url, delay in urls.items():
        if cancelled():
            break
        yield progress.event(time.perf_counter(), url)
        try:
            found.files.append(library.refresh(url, get))
        except FetchError as error:
            if prune and error.gone and library.remove(url):
                found.removed.append(url)
            else:
                found.failures.append(Failure(url, str(error)))
        progress.files_done += 1
        time.sleep(delay)
    return found


def _without_fragment(url: str) -> str:
    return url.partition("#")[0]


class _PageFolder:
    """The files of a collection's pages, and what is known of each."""

    def __init__(self, store: SqliteStore, collection: str) -> None:
        store.add_collection(collection)
        self._store, self._collection = store, collection
        self._folder = store.page_folder(collection)
        self._known = {page.url: page for page in store.pages(collection)}

    def refresh(self, url: str, get: Callable[..., Fetched | None]) -> Path:
        """The file of a page, fetched again if it has changed.

        Raises:
            FetchError: it cannot be fetched, or is of a kind that no reader knows.
        """
        known = self._known.get(url)
        if known is not None and (self._folder / known.doc).is_file():
            fetched = get(url, etag=known.etag, modified=known.modified)
        else:
            fetched = get(url)
        if fetched is None and known is not None:
            return self._keep(Page(url, known.doc, "", known.etag, known.modified))
        assert fetched is not None  # without conditions a server cannot say that nothing has changed
        taken = {page.doc for page in self._known.values() if page.url != url}
        doc = file_of(url, fetched, taken)
        if known is not None and known.doc != doc:  # it is of another kind now
            self.remove(url)
        _write(self._folder / doc, fetched)
        return self._keep(Page(url, doc, "", fetched.etag, fetched.modified))

    def remove(self, url: str) -> bool:
        """Removes a page's document and file; says whether there was one."""
        page = self._known.get(url)
        if page is None:
            return False
        root = str(self._folder)
        gone = [
            known.id
            for known in self._store.known_files(self._collection)
            if (known.source.root, known.source.doc) == (root, page.doc)
        ]
        self._store.remove_documents(self._collection, gone, for_good=True)
        return bool(gone)

    def _keep(self, page: Page) -> Path:
        self._known[page.url] = page
        self._store.add_root(self._collection, str(self._folder), is_folder=True)
        self._store.keep_page(self._collection, page)
        return self._folder / page.doc


def file_of(url: str, fetched: Fetched, taken: Iterable[str]) -> str:
    """Where a page is kept: below its host, by its path, with the ending of what it is.

    Raises:
        FetchError: no reader knows what it is.
    """
    parts = urlsplit(url)
    name = PurePosixPath(unquote(parts.path)).name
    ending = ending_of(fetched.content, name, fetched.media_type)
    if ending is None:
        raise FetchError(f"it is {fetched.media_type or 'of an unknown type'}, which no reader knows.")
    segments = [_safe(one) for one in unquote(parts.path).split("/") if one]
    if parts.path.endswith("/") or not segments:
        segments.append("index")
    stem = segments[-1].removesuffix(ending)
    mark = hashlib.sha256(url.encode()).hexdigest()[:8]
    folders = "/".join((_safe(parts.netloc.lower()), *segments[:-1]))
    doc = f"{folders}/{stem}{f'-{mark}' if parts.query else ''}{ending}"
    return doc if doc not in set(taken) else f"{folders}/{stem}-{mark}{ending}"


def _safe(segment: str) -> str:
    """A part of an address as a file's name on every system, one that a scan does not pass over."""
    name = _UNSAFE.sub("_", segment).strip(" ")[:MAX_SEGMENT].rstrip(". ")
    return f"_{name}" if not name or name[0] in ".~" or name in ALWAYS_EXCLUDED else name


def _write(file: Path, fetched: Fetched) -> None:
    """Keeps a page with the time at which it was changed; one that is the same is left alone."""
    try:
        if file.is_file() and file.read_bytes() == fetched.content:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_name(f".{file.name}.part")
        unfinished.write_bytes(fetched.content)
        changed = _timestamp(fetched.modified)
        if changed:
            utime(unfinished, (changed, changed))
        unfinished.replace(file)
    except OSError as error:
        raise FetchError(f"{file} cannot be written: {error.strerror}.") from error


def _timestamp(modified: str | None) -> float:
    try:
        return parsedate_to_datetime(modified or "").timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0
