"""Files of old programs to the formats of today's, with LibreOffice, where it is installed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

_PROGRAMS = ("soffice", "libreoffice", "/Applications/LibreOffice.app/Contents/MacOS/soffice")
SOCKETS = Path("/tmp")
"""Where LibreOffice makes a socket, whatever it is told; a process without rights may not take it away."""
_PROFILES, _ATTEMPTS = "office", 2


def soffice() -> str | None:
    """LibreOffice's path, or None where it is not installed."""
    return next(filter(None, map(shutil.which, _PROGRAMS)), None)


def converted(data: bytes, ending: str) -> bytes | None:
    """The file in the format of this ending, None if LibreOffice cannot open it. No macro of it is run.

    With a new profile LibreOffice starts twice, and a second start fails on the socket of the first where
    that cannot be removed: then it is tried once more with the profile that was made.
    """
    with tempfile.TemporaryDirectory(prefix="footnote-") as folder:
        old, made = Path(folder) / "old", Path(folder) / f"old.{ending}"
        old.write_bytes(data)
        for _ in range(_ATTEMPTS):
            _convert(old, ending)
            if made.exists():
                return made.read_bytes()
    return None


def _convert(old: Path, ending: str) -> None:
    program = soffice()
    assert program
    profile = _next_profile(Path(tempfile.gettempdir()) / _PROFILES)
    command = [program, "--headless", "--norestore", f"-env:UserInstallation={profile.as_uri()}"]
    subprocess.run(
        [*command, "--convert-to", ending, "--outdir", str(old.parent), str(old)],
        env=os.environ | {"HOME": str(old.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


def _next_profile(profiles: Path) -> Path:
    """The last profile under a new name, as the socket of the old one may be left; an empty folder stays."""
    profiles.mkdir(exist_ok=True)
    count = len(list(profiles.iterdir()))
    last, profile = profiles / str(count - 1), profiles / str(count)
    if last.exists():
        last.rename(profile)
        last.mkdir()
    else:
        profile.mkdir()
    return profile


def remove_sockets(scratch: Path) -> None:
    """Takes away the sockets that conversions in this folder for temporary files left."""
    for profile in (scratch / _PROFILES).glob("*"):
        for socket in SOCKETS.glob(f"OSL_PIPE_*_SingleOfficeIPC_{socket_name(profile)}"):
            with contextlib.suppress(OSError):
                socket.unlink()


def socket_name(profile: Path) -> str:
    """How LibreOffice names the socket of a profile: it drops zeros from the hash."""
    digest = hashlib.md5(profile.as_uri().encode("utf-16-le"), usedforsecurity=False).digest()
    return "".join(f"{byte:x}" for byte in digest)
