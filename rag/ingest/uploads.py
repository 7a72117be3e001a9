"""Files that come without a folder, kept in the library so that the sources stay beside the answers."""

from __future__ import annotations

from pathlib import Path, PurePosixPath


def keep_upload(folder: Path, name: str, content: bytes) -> None:
    """Writes a file into a collection's folder of uploads, in the place of one of the same name."""
    target = folder / safe_name(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def safe_name(name: str) -> PurePosixPath:
    """A relative path that stays in its folder, whatever a browser says the file is called."""
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("..", "/", ".")]
    cleaned = [part.replace(":", "_").replace("\0", "_") for part in parts]
    return PurePosixPath(*cleaned) if cleaned else PurePosixPath("file")
