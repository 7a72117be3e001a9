"""Files pulled from a model hub: resumable, checksum-verified, into a folder that is whole or not there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import IO, Any

from rag.errors import ModelDamaged, ModelError, ModelNotFound
from rag.models.catalogue import HubSource, Model
from rag.models.folders import PART, make_folder, partial_of, require_space

TAKEN_FOR_TRUE = {"1", "true", "yes", "on"}
PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of the repository: `sha256` where the hub keeps it apart, else git's `blob_id`."""

    name: str
    size: int
    sha256: str | None
    blob_id: str | None


def pull_folder(
    model: Model,
    source: HubSource,
    folder: Path,
    *,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> None:
    """Downloads the source's files into `folder`; what an earlier try left is used.

    `progress` gets bytes done and bytes in all. The hub is `HF_ENDPOINT`, or huggingface.co.

    Raises:
        ModelNotFound: the hub has no such repository or file, or `HF_HUB_OFFLINE` forbids asking.
        ModelDamaged: a file's checksum is not the hub's; it is deleted.
        ModelError: the disk is too full, the connection failed, or the pull was cancelled.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in TAKEN_FOR_TRUE:
        raise ModelNotFound(
            f"HF_HUB_OFFLINE is set, so {model.name} cannot be pulled. "
            "Unset it, or give a local model by its path."
        )
    with _hub_errors(model.name, source):
        commit, files = _list_files(source)
    here = sum(min(file.size, _bytes_here(partial_of(folder) / file.name)) for file in files)
    require_space(model.name, folder, sum(file.size for file in files) - here)

    def write(partial: Path) -> None:
        _Pull(source, commit, files, partial, progress, cancelled).run(model.name)

    make_folder(
        folder, write, name=model.name, source=f"{source}@{commit}", licence=model.licence, keep_partial=True
    )


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT") or "https://huggingface.co"


def _list_files(source: HubSource) -> tuple[str, list[RemoteFile]]:
    """The commit, and the files of it that match the patterns in its top folder or in a module's."""
    from huggingface_hub import HfApi

    info = HfApi(endpoint=_endpoint()).model_info(
        source.repository, revision=source.revision, files_metadata=True
    )
    files = [
        RemoteFile(one.rfilename, one.size or 0, one.lfs.sha256 if one.lfs else None, one.blob_id)
        for one in info.siblings or []
        if any(fnmatch(one.rfilename, pattern) for pattern in source.patterns)
        and not one.rfilename.startswith(("onnx/", "openvino/", "."))
    ]
    # Where a folder has its weights in both forms, the safe one is enough.
    safe = {PurePosixPath(one.name).parent for one in files if one.name.endswith(".safetensors")}
    files = [
        one for one in files if not (one.name.endswith(".bin") and PurePosixPath(one.name).parent in safe)
    ]
    if not files:
        raise ModelNotFound(f"The repository {source.repository} has no file {', '.join(source.patterns)}.")
    return info.sha or source.revision, files


def _bytes_here(path: Path) -> int:
    """How much of a file an earlier pull left."""
    for candidate in (path, path.with_name(path.name + PART)):
        if candidate.exists():
            return candidate.stat().st_size
    return 0


class _Pull:
    """One pull into one partial folder."""

    def __init__(
        self,
        source: HubSource,
        commit: str,
        files: list[RemoteFile],
        partial: Path,
        progress: Callable[[int, int], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self._source, self._commit, self._files, self._partial = source, commit, files, partial
        self._show, self._cancelled = progress, cancelled
        self._total = sum(file.size for file in files)
        self._before = 0

    def run(self, name: str) -> None:
        """Downloads and verifies each file; a file that is there whole is only verified."""
        wanted = {file.name for file in self._files}
        for path in list(self._partial.rglob("*")):
            if path.is_file() and path.relative_to(self._partial).as_posix().removesuffix(PART) not in wanted:
                path.unlink()  # of another revision
        for file in self._files:
            path = self._partial / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                part = path.with_name(path.name + PART)
                with _hub_errors(name, self._source):
                    self._download(name, file, part)
                part.rename(path)
            self._verify(file, path)
            self._before += file.size
            self._show(self._before, self._total)

    def _download(self, name: str, file: RemoteFile, part: Path) -> None:
        """Appends to what is there of the file; huggingface_hub asks for the rest by range."""
        from huggingface_hub import constants, hf_hub_url
        from huggingface_hub.file_download import http_get
        from huggingface_hub.utils._headers import build_hf_headers
        from huggingface_hub.utils.tqdm import disable_progress_bars

        disable_progress_bars()
        # Its own pieces of 10 MB would keep a cancelled pull waiting, and lose as much of a broken one.
        constants.DOWNLOAD_CHUNK_SIZE = PIECE_BYTES
        url = hf_hub_url(self._source.repository, file.name, revision=self._commit, endpoint=_endpoint())
        with part.open("ab") as opened:
            if opened.tell() > file.size:
                opened.truncate(0)
            watched: Any = _WatchedFile(opened, lambda size: self._written(name, size))
            http_get(
                url, watched, resume_size=opened.tell(), headers=build_hf_headers(), expected_size=file.size
            )

    def _written(self, name: str, size: int) -> None:
        if self._cancelled():
            raise ModelError(f"The pull of {name} was stopped. Pull it again to go on from there.")
        self._show(self._before + size, self._total)

    def _verify(self, file: RemoteFile, path: Path) -> None:
        if file.sha256 or file.blob_id:
            found = _digest(path, "sha256") if file.sha256 else _digest(path, "sha1", git_blob=True)
            if found != (file.sha256 or file.blob_id):
                path.unlink()
                raise ModelDamaged(
                    f"{file.name} of {self._source.repository} arrived with a wrong checksum "
                    "and was deleted. Pull the model again."
                )


class _WatchedFile:
    """A file that tells its size after every write."""

    def __init__(self, file: IO[bytes], written: Callable[[int], None]) -> None:
        self._file, self._written = file, written

    def write(self, data: bytes) -> int:
        count = self._file.write(data)
        self._written(self._file.tell())
        return count

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _digest(path: Path, kind: str, *, git_blob: bool = False) -> str:
    """The hash of a file, as 64 or 40 hex digits; git's comes with a header of its length."""
    head = f"blob {path.stat().st_size}\0".encode() if git_blob else b""
    digest = hashlib.new(kind, head, usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


@contextmanager
def _hub_errors(name: str, source: HubSource) -> Iterator[None]:
    """What huggingface_hub and its HTTP client raise, in words."""
    from httpx2 import HTTPError
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        RepositoryNotFoundError,
    )

    try:
        yield
    except GatedRepoError as error:
        raise ModelError(
            f"{source.repository} asks you to accept its licence on {_endpoint()} and to set HF_TOKEN."
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ModelNotFound(f"{_endpoint()} has no repository {source.repository}.") from error
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "an error"
        raise ModelError(f"{_endpoint()} answered {status} for {name}. Try again later.") from error
    except HTTPError as error:
        raise ModelError(
            f"The connection to {_endpoint()} failed while pulling {name} ({error or type(error).__name__}). "
            "Pull it again to go on from there."
        ) from error
