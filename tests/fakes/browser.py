"""The programs that some tests drive, a Chromium and Tesseract: found, or brought here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_CHROME = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def installed() -> str | None:
    """The path of a Chromium that is already there, or None."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    if MAC_CHROME.exists():
        return str(MAC_CHROME)
    return playwrights_own()


def playwrights_own() -> str | None:
    """The path of the Chromium that Playwright downloaded earlier, or None."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def apt_prefix() -> list[str] | None:
    """How to call apt-get as root here, or None where it may not be used."""
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return []
    allowed = (
        shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0
    )
    return ["sudo", "-n"] if allowed else None


def apt_install(package: str) -> bool:
    """Installs a package of Debian's where that is allowed; says whether it did."""
    prefix = apt_prefix()
    if prefix is None:
        return False
    print(f"Installing Debian's {package} for the tests", flush=True)
    subprocess.run([*prefix, "apt-get", "update", "-qq"], check=False)
    done = subprocess.run([*prefix, "apt-get", "install", "-y", "-qq", package], check=False)
    return done.returncode == 0


def bring() -> None:
    """Installs Debian's `chromium`, or else asks Playwright for its own build."""
    if apt_install("chromium"):
        return
    print("Downloading Playwright's Chromium for the browser tests", flush=True)
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


def main() -> int:
    """Makes sure there is a browser; the exit code says whether there is.

    Tesseract is brought too where it can be: without it the test of scanned pages is skipped.
    """
    if installed() is None:
        bring()
    if not shutil.which("tesseract") and not apt_install("tesseract-ocr"):
        print("Tesseract is not here: the test of scanned pages will be skipped")
    path = installed()
    print(
        f"Browser: {path}" if path else "No Chromium could be found or installed; install one and run again"
    )
    return 0 if path else 1


if __name__ == "__main__":
    sys.exit(main())
