"""Write requirements.txt and requirements-dev.txt from pyproject.toml, pinned and hashed: `make lock`.

Pins that are already in these files stay; remove a file first to take the newest of what the direct
dependencies need.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
USER, DEVELOPER = PROJECT / "requirements.txt", PROJECT / "requirements-dev.txt"
HEADER = "# Written by `make lock` from pyproject.toml; every line is pinned and hashed. Do not edit.\n"

# What only torch's CUDA build or Python in a browser needs.
UNWANTED = re.compile(r"(nvidia|cuda)-|triton=|httpx2-jsfetch=")
HASH = re.compile(r"sha256:(\w+)")


def main() -> None:
    """Resolve once for users and once with all extras, and split the result."""
    user = resolve()
    developer = resolve("--extra", "dev", "--extra", "mcp", "--extra", "ocr", "--extra", "postgres")
    extra = [entry for entry in developer if entry not in user]
    changed = [name(entry) for entry in extra if name(entry) in {name(one) for one in user}]
    if changed:
        sys.exit(f"Users and developers would get different versions of {', '.join(changed)}.")
    USER.write_text(HEADER + "\n".join(user) + "\n", encoding="utf-8")
    DEVELOPER.write_text(HEADER + "-r requirements.txt\n" + "\n".join(extra) + "\n", encoding="utf-8")


def resolve(*options: str) -> list[str]:
    """Every pinned package with its hashes, for all platforms and Python versions."""
    pins = [f"--constraint={path}" for path in (USER, DEVELOPER) if path.exists()]
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--quiet", "--universal"]
    command += ["--python-version=3.11", "--generate-hashes", "--no-header", "--no-annotate", *pins, *options]
    printed = subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True).stdout
    entries = [with_known_hashes(entry) for entry in split(printed) if not UNWANTED.match(entry)]
    return [without_cuda(entry) if name(entry) == "torch" else entry for entry in entries]


def split(text: str) -> list[str]:
    """The entries of a requirements file, each with the lines of its hashes."""
    return re.split(r"\n(?=\S)", text.strip())


def without_cuda(entry: str) -> str:
    """The entry of torch without the registry's wheels for Linux, which need CUDA: pip then takes the CPU's.

    pip prefers a file whose hash it knows to one in a folder, so a hash listed here would win.
    """
    command = [sys.executable, "-m", "uv", "pip", "compile", "-", "--quiet", "--universal", "--no-deps"]
    command += ["--python-version=3.11", "--format=pylock.toml"]
    pin = entry.split()[0]
    printed = subprocess.run(command, input=pin, check=True, stdout=subprocess.PIPE, text=True).stdout
    wheels = tomllib.loads(printed)["packages"][0]["wheels"]
    cuda = {wheel["hashes"]["sha256"] for wheel in wheels if "manylinux" in wheel["url"]}
    return " \\\n    ".join(
        [pin, *(f"--hash=sha256:{one}" for one in HASH.findall(entry) if one not in cuda)]
    )


def with_known_hashes(entry: str) -> str:
    """The entry with further wheels of this version: those in `PIP_FIND_LINKS`, and those listed before.

    So torch's CPU wheels for Linux, which are not in the registry, stay on the list.
    """
    pin = entry.split()[0]
    project, _, version = pin.partition("==")
    digests = {
        hashlib.sha256(wheel.read_bytes()).hexdigest()
        for folder in os.environ.get("PIP_FIND_LINKS", "").split()
        for wheel in Path(folder).glob(f"{project.replace('-', '_')}-{version}*.whl")
    }
    for locked in (path.read_text(encoding="utf-8") for path in (USER, DEVELOPER) if path.exists()):
        for before in split(locked):
            if before.startswith(f"{pin} "):
                digests.update(HASH.findall(before))
    new = sorted(digest for digest in digests if digest not in entry)
    return " \\\n    ".join([entry, *(f"--hash=sha256:{digest}" for digest in new)])


def name(entry: str) -> str:
    """The package of an entry."""
    return entry.partition("==")[0]


if __name__ == "__main__":
    main()
