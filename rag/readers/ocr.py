"""Images of pages to text, with Tesseract where it is installed."""

from __future__ import annotations

import functools
import shutil
import subprocess
from typing import Any

_DOTS_PER_POINT = 300 / 72


def tesseract() -> str | None:
    """The program's path, or None where it is not installed."""
    return shutil.which("tesseract")


def read_page(page: Any) -> str:
    """The text that Tesseract sees on a pypdfium2 page, in all its installed languages."""
    bitmap = page.render(scale=_DOTS_PER_POINT, grayscale=True)
    rows = [
        bytes(bitmap.buffer[row * bitmap.stride : row * bitmap.stride + bitmap.width])
        for row in range(bitmap.height)
    ]
    image = f"P5 {bitmap.width} {bitmap.height} 255\n".encode() + b"".join(rows)
    return read_image(image)


def read_image(image: bytes) -> str:
    """The text on an image in a format that Tesseract knows (PNM, PNG, TIFF, JPEG)."""
    program = tesseract()
    assert program
    done = subprocess.run(
        [program, "stdin", "stdout", "-l", _languages(), "--psm", "3"],
        input=image,
        capture_output=True,
        check=False,
    )
    return done.stdout.decode(errors="replace") if done.returncode == 0 else ""


@functools.cache
def _languages() -> str:
    program = tesseract()
    assert program
    listed = subprocess.run([program, "--list-langs"], capture_output=True, text=True, check=False).stdout
    installed = [line.strip() for line in listed.splitlines()[1:] if line.strip() not in ("", "osd")]
    return "+".join(sorted(installed, key=lambda language: language != "eng")) or "eng"
