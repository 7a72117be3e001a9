"""The pool costs a hostile file only itself, and keeps order."""

from __future__ import annotations

import hashlib
import io
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from rag.errors import EncryptedDocument, UnreadableDocument, UnsupportedFormat
from rag.readers import PagePictures, ReaderPool, ReadResult
from rag.readers import worker as worker_module
from rag.readers.messages import LENGTH, Job, Outcome, receive, send
from rag.readers.page_images import MAX_HEIGHT
from rag.records import Block, Document
from rag.settings import PROJECT

# Loaded by the workers in place of a parser that misbehaves.
HOSTILE = '''
"""A format whose parser does what its file says."""
import os, signal, socket, sys, time
from rag.readers import progress
from rag.readers.building import DocumentBuilder
from rag.readers.registry import Format

def tried(action):
    try:
        action()
    except OSError as error:
        return type(error).__name__
    return "done"

def read(data, name, *, password=None):
    order = data.decode().split()
    if order[0] == "hang":
        time.sleep(600)
    if order[0] == "slow":
        for _ in range(14):
            time.sleep(0.3)
            progress.tell()
    if order[0] == "die":
        os.kill(os.getpid(), signal.SIGSEGV)
    if order[0] == "eat":
        hoard = [bytearray(10_000_000) for _ in range(10_000)]
    if order[0] == "write":
        order = [tried(lambda: open(order[1], "w"))]
    if order[0] == "connect":
        order = [tried(lambda: socket.create_connection(("127.0.0.1", int(order[1])), timeout=2))]
    if order[0] == "send":
        order = [tried(lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 9)))]
    if order[0] == "environment":
        order = sorted(os.environ)
    if order[0] == "panic":
        raise type("PanicException", (BaseException,), {})("index out of bounds")
    if order[0] == "print":
        print("noise on standard output", flush=True)
        print(sys.stdin.read())
    builder = DocumentBuilder()
    builder.add("paragraph", " ".join(order))
    return builder.build(title=None, name=name, media_type="text/hostile")

FORMAT = Format("Hostile", "text/hostile", (".hostile",), read)
'''


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for files; workers find one format more, which obeys the file."""
    package = tmp_path / "more"
    package.mkdir()
    (package / "hostile.py").write_text(HOSTILE)
    (package / "sitecustomize.py").write_text(
        f"import rag.readers.formats as formats; formats.__path__.append({str(package)!r})"
    )
    monkeypatch.setenv("PYTHONPATH", str(package))
    files = tmp_path / "files"
    files.mkdir()
    return files


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def text_of(result: ReadResult) -> str:
    return result.document.text if result.document else f"{result.error}"


def test_results_come_in_the_order_of_the_paths(tmp_path: Path) -> None:
    paths = [write(tmp_path, f"{n}.txt", f"text {n} " * (3000 if n % 7 == 0 else 1)) for n in range(40)]
    with ReaderPool(workers=2) as pool:
        results = list(pool.read(paths))
    assert [result.path for result in results] == paths
    assert [text_of(result).split()[1] for result in results] == [str(n) for n in range(40)]
    assert results[1].sha256 == hashlib.sha256(b"text 1 ").hexdigest()
    assert (results[1].size, results[1].mtime_ns) == (7, paths[1].stat().st_mtime_ns)


def test_a_file_that_hangs_crashes_or_eats_memory_costs_only_itself(hostile: Path) -> None:
    orders = ["fine", "hang", "fine again", "die", "print", "eat", "fine at last"]
    paths = [write(hostile, f"{n}.hostile", order) for n, order in enumerate(orders)]
    with ReaderPool(workers=1, timeout_seconds=3, memory_bytes=500_000_000) as pool:
        results = list(pool.read(paths))
    found = [text_of(result) for result in results]
    assert [found[index] for index in (0, 2, 4, 6)] == ["fine", "fine again", "print", "fine at last"]
    assert found[1].startswith("1.hostile: reading it got nowhere for 3 s")
    assert found[3].startswith("3.hostile: the parser crashed on it (signal 11)")
    assert found[5].startswith("5.hostile: it needs more memory than is allowed")
    assert all(isinstance(results[index].error, UnreadableDocument) for index in (1, 3, 5))


def test_a_slow_file_that_gets_on_is_not_stopped(hostile: Path) -> None:
    path = write(hostile, "slow.hostile", "slow")
    with ReaderPool(workers=1, timeout_seconds=2) as pool:
        (result,) = pool.read([path])
    assert text_of(result) == "slow"
    assert result.seconds > 4


def test_a_missing_file_and_an_unknown_format_are_named(tmp_path: Path) -> None:
    binary = tmp_path / "blob.bin"
    binary.write_bytes(bytes(range(256)) * 4)
    with ReaderPool(workers=1) as pool:
        missing, unknown = pool.read([(tmp_path / "no.txt", "notes/no.txt"), binary])
    assert str(missing.error).startswith("notes/no.txt: cannot be opened (No such file")
    assert isinstance(unknown.error, UnsupportedFormat)


def test_a_file_too_large_for_the_memory_is_not_even_opened(tmp_path: Path) -> None:
    huge = tmp_path / "huge.txt"
    with huge.open("wb") as file:
        file.truncate(2_000_000_000)  # sparse: takes no room on disk
    with ReaderPool(workers=1, memory_bytes=500_000_000) as pool:
        (result,) = pool.read([huge])
    assert str(result.error).startswith("huge.txt: 2.0 GB is too large")


def test_leaving_the_block_early_ends_the_workers(hostile: Path) -> None:
    paths = [write(hostile, "0.txt", "fine"), *(write(hostile, f"{n}.hostile", "hang") for n in range(5))]
    with ReaderPool(workers=2) as pool:
        first = next(pool.read(paths))
        processes = [member._process for member in pool._all]
    assert text_of(first) == "fine"
    assert all(process is None or process.poll() is not None for process in processes)


def test_text_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "MAX_CHARACTERS", 10)
    path = write(tmp_path, "long.txt", "eleven chars")
    outcome = worker_module.run_job(Job(str(path), "long.txt", None, 1.0), 10**9)
    assert str(outcome.error) == "long.txt: holds 12 characters of text; 10 are read at most. Split the file."


def test_a_cancelled_pool_ends_in_the_middle_of_a_file(tmp_path: Path) -> None:
    """Ctrl-C once waited for the slowest file, up to its time limit."""
    path = tmp_path / "a.md"
    path.write_text("# A\n\nSome text.\n")
    with ReaderPool(workers=1) as pool:
        assert list(pool.read([path], cancelled=lambda: True)) == []
        assert [result.error for result in pool.read([path])] == [None]


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are the Linux kernel's")
def test_a_parser_can_neither_write_nor_reach_the_network(hostile: Path, tmp_path: Path) -> None:
    target = tmp_path / "written"
    with socket.create_server(("127.0.0.1", 0)) as server, ReaderPool(workers=1) as pool:
        orders = [f"write {target}", f"connect {server.getsockname()[1]}", "send"]
        paths = [write(hostile, f"{n}.hostile", order) for n, order in enumerate(orders)]
        found = [text_of(result) for result in pool.read(paths)]
    assert found[0] == "PermissionError"
    assert "done" not in found
    assert not target.exists()


SOCKETS_ONLY = """
import socket, sys
from pathlib import Path
from rag.readers.sandbox import give_up_rights
scratch, sockets = map(Path, sys.argv[1:])
give_up_rights(scratch, sockets=sockets)
socket.socket(socket.AF_UNIX).bind(str(sockets / "made"))
for change in ((sockets / "made").unlink, (sockets / "file").touch, (sockets / "folder").mkdir):
    try:
        change()
        print("done")
    except PermissionError:
        print("refused")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are the Linux kernel's")
def test_where_libreoffice_is_installed_a_parser_may_make_sockets_and_nothing_else(tmp_path: Path) -> None:
    scratch, sockets = tmp_path / "own", tmp_path / "s"
    scratch.mkdir()
    sockets.mkdir()
    command = [sys.executable, "-c", SOCKETS_ONLY, str(scratch), str(sockets)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["refused"] * 3
    assert [path.name for path in sockets.iterdir()] == ["made"]


def test_a_parser_sees_nothing_of_the_environment(hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_APP_PASSWORD", "secret")
    monkeypatch.setenv("SOME_TOKEN", "secret")
    with ReaderPool(workers=1) as pool:
        (result,) = pool.read([write(hostile, "0.hostile", "environment")])
    assert "PATH" in text_of(result).split()
    assert not {"FOOTNOTE_APP_PASSWORD", "SOME_TOKEN", "HOME"} & set(text_of(result).split())


def test_a_panic_of_a_parser_is_an_error_of_its_file(hostile: Path, tmp_path: Path) -> None:
    """A broken spreadsheet took the whole mail along that it was attached to."""
    archive = hostile / "all.zip"
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("fine.txt", "text")
        members.writestr("broken.hostile", "panic")
    with ReaderPool(workers=1) as pool:
        (result,) = pool.read([archive])
    assert text_of(result) == "text"
    assert result.document is not None
    assert "broken.hostile" in result.document.warnings[0]


def test_nothing_of_the_current_folder_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `json.py` beside the documents would have run."""
    (tmp_path / "json.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    with ReaderPool(workers=1) as pool:
        (result,) = pool.read([write(tmp_path, "a.txt", "text")])
    assert text_of(result) == "text"
    assert not (tmp_path / "ran").exists()


def narrow_page(width: int, height: int) -> bytes:
    """A PDF of one empty page, which needs few bytes however large the page is."""
    parts = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {width} {height}]>>",
    ]
    return (
        "%PDF-1.4\n"
        + "".join(f"{n} 0 obj{part}endobj\n" for n, part in enumerate(parts, 1))
        + "trailer<</Root 1 0 R>>"
    ).encode()


def test_a_narrow_page_is_drawn_small(tmp_path: Path) -> None:
    """One of 20 by 14,400 points was drawn 792,000 pixels high, in 6.8 GB of the app's memory."""
    path = tmp_path / "narrow.pdf"
    path.write_bytes(narrow_page(20, 14400))
    pictures = PagePictures(memory_bytes=700_000_000)
    try:
        with Image.open(io.BytesIO(pictures.draw(path, 1).picture)) as image:
            assert image.height <= MAX_HEIGHT
    finally:
        pictures.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"\x80\x04N.",
        b'{"message": "Outcome"}',
        b"[]",
        b'{"message": "Popen"}',
        b"\xff",
        pytest.param(b"[" * 100_000, id="deep"),
    ],
)
def test_what_is_no_message_is_not_taken_for_one(sent: bytes) -> None:
    assert receive(io.BytesIO(LENGTH.pack(len(sent)) + sent)) is None
    assert receive(io.BytesIO(LENGTH.pack(2**62) + sent)) is None


def test_a_document_arrives_as_it_was_sent() -> None:
    blocks = (Block("heading", 0, 3, 1, ("A\udcff",), 1), Block("paragraph", 5, 8, None, ("A\udcff",)))
    document = Document(
        "A\udcff",
        "text/plain",
        "A\udcff1\n\n東京!",
        blocks,
        2,
        (2,),
        ("i", "ii"),
        "en",
        "2024",
        {"nav": 3},
        ("w",),
    )
    stream = io.BytesIO()
    send(stream, Outcome(document, EncryptedDocument("locked"), "ff", 9, 1, 0.5))
    stream.seek(0)
    arrived = receive(stream)
    assert isinstance(arrived, Outcome)
    assert arrived.document == document
    assert (type(arrived.error), str(arrived.error)) == (EncryptedDocument, "locked")
    assert (arrived.sha256, arrived.size, arrived.fit_to_go_on) == ("ff", 9, True)
