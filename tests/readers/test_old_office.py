"""Word and PowerPoint from before 2007, with LibreOffice and without."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from rag.errors import UnreadableDocument, UnsupportedFormat
from rag.readers import office, read_document
from rag.readers.pool import ReaderPool
from tests.fakes.ole_maker import make_ole

FILES = Path(__file__).parent / "files"
WORD = make_ole({"WordDocument": b"\0" * 5000})
SLIDES = make_ole({"PowerPoint Document": b"\0" * 5000})
CONVERTS = """#!/bin/sh
for word; do
  case $before in --outdir) folder=$word;; --convert-to) kind=$word;; esac
  before=$word
done
case $kind in docx) cp {docx} "$folder/old.docx";; pptx) cp {pptx} "$folder/old.pptx";; esac
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder besides the system's in which programs are looked for."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(office, "_PROGRAMS", (str(folder / "soffice"),))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return folder


def put(folder: Path, script: str) -> None:
    (folder / "soffice").write_text(script)
    (folder / "soffice").chmod(0o755)


@pytest.mark.parametrize(("data", "instead"), [(WORD, "DOCX"), (SLIDES, "PPTX")], ids=["word", "slides"])
def test_without_libreoffice_the_error_says_what_to_do(programs: Path, data: bytes, instead: str) -> None:
    with pytest.raises(
        UnsupportedFormat, match=f"Install LibreOffice, or save it as {instead} and add that."
    ):
        read_document(data, "report.old")


@pytest.mark.skipif(sys.platform == "win32", reason="The program is a script for a POSIX shell")
@pytest.mark.parametrize(
    ("data", "media_type", "said"),
    [
        (WORD, "application/msword", "Plant the young trees in late October"),
        (SLIDES, "application/vnd.ms-powerpoint", "Prune the apple trees"),
    ],
    ids=["word", "slides"],
)
def test_libreoffice_opens_old_files(programs: Path, data: bytes, media_type: str, said: str) -> None:
    put(programs, CONVERTS.format(docx=FILES / "orchard.docx", pptx=FILES / "slides.pptx"))
    document = read_document(data, "orchard.old")
    assert document.media_type == media_type
    assert said in document.text


@pytest.mark.skipif(sys.platform == "win32", reason="The program is a script for a POSIX shell")
def test_what_libreoffice_cannot_open_is_told(programs: Path) -> None:
    put(programs, "#!/bin/sh\nexit 1\n")
    with pytest.raises(UnreadableDocument, match="LibreOffice could not open it"):
        read_document(WORD, "report.doc")


def test_sockets_that_libreoffice_left_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file left a socket in /tmp, as a process without rights may make one, but not remove it."""
    monkeypatch.setattr(office, "SOCKETS", tmp_path)
    profile = tmp_path / "office" / "0"
    profile.mkdir(parents=True)
    own, other = (
        tmp_path / f"OSL_PIPE_7_SingleOfficeIPC_{name}"
        for name in (office.socket_name(profile), office.socket_name(tmp_path))
    )
    own.touch()
    other.touch()
    office.remove_sockets(tmp_path)
    assert (own.exists(), other.exists()) == (False, True)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_a_real_word_file_is_read_in_a_worker_without_rights(tmp_path: Path) -> None:
    made = office.converted((FILES / "orchard.docx").read_bytes(), "doc")
    assert made
    (tmp_path / "orchard.doc").write_bytes(made)
    with ReaderPool(workers=1) as pool:
        (result,) = pool.read([tmp_path / "orchard.doc"])
    assert result.document
    assert "Plant the young trees" in result.document.text
