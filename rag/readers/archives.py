"""Zip containers, opened with limits: what expands too far is refused before it fills the memory."""

from __future__ import annotations

import io
import zipfile
import zlib

from rag.errors import EncryptedDocument, UnreadableDocument

MAX_BYTES = 500_000_000
"""All members together may expand to this; one member to half of it."""
MAX_MEMBERS = 20_000


def open_zip(data: bytes, name: str) -> zipfile.ZipFile:
    """The archive, if its members' declared sizes are within the limits."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile as error:
        raise UnreadableDocument(
            f"{name}: a damaged archive ({error}). Open it and save it again."
        ) from error
    members = archive.infolist()
    if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_BYTES:
        raise UnreadableDocument(
            f"{name}: expands to more than {MAX_BYTES // 10**6} MB or {MAX_MEMBERS:,} files."
            " Unpack it and add the folder instead."
        )
    return archive


def member(archive: zipfile.ZipFile, path: str, name: str) -> bytes:
    """One member's bytes; `UnreadableDocument` if there is none, or it is larger than it says."""
    try:
        with archive.open(path) as file:
            data = file.read(MAX_BYTES // 2 + 1)
    except KeyError as error:
        raise UnreadableDocument(f"{name}: has no {path} inside. Open it and save it again.") from error
    except RuntimeError as error:  # how zipfile says that a password is needed
        raise EncryptedDocument(f"{name}: the archive is encrypted. Unpack it and add the files.") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise UnreadableDocument(f"{path}: damaged inside {name} ({error}).") from error
    if len(data) > MAX_BYTES // 2:
        raise UnreadableDocument(f"{name}: {path} expands to more than {MAX_BYTES // 2 // 10**6} MB.")
    return data


def is_zip_with(data: bytes, *paths: str, mimetype: str = "") -> bool:
    """Whether the bytes are a zip archive with one of these members, or this `mimetype` member."""
    if not data.startswith(b"PK\x03\x04"):
        return False
    if mimetype and data[30:200].startswith(b"mimetype" + mimetype.encode()):
        return True
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        names = set(archive.namelist())
        if mimetype and "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
            return archive.read("mimetype").strip() == mimetype.encode()
    except (zipfile.BadZipFile, RuntimeError, zlib.error):
        return False
    return any(path in names for path in paths)
