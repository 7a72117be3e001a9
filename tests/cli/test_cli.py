"""The command line is a contract: names, JSON, exit codes, what goes to which stream."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from rag.library import Library
from rag.settings import PROJECT

pytestmark = pytest.mark.slow


def run(*arguments: str | Path, library: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """The command as a person runs it, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "rag", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=os.environ | {"FOOTNOTE_LIBRARY": str(library)},
        timeout=300,
        check=False,
    )


def lines(printed: str) -> list[dict[str, Any]]:
    """Every line of the output is one JSON object."""
    return [json.loads(line) for line in printed.splitlines()]


@pytest.fixture(scope="module")
def library(sample_library: Library) -> Path:
    return sample_library.settings.library


@pytest.fixture(scope="module")
def own(sample_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of its own that may be written to, over the models that are there already."""
    folder = tmp_path_factory.mktemp("own")
    for name in ("models", "cache"):
        (folder / name).symlink_to(sample_library.settings.library / name)
    return folder


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notes")
    (folder / "bees.md").write_text("# Bees\n\nThe hive by the pear tree holds 42 frames.\n")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nnot a pdf at all")
    return folder


def test_ingest_prints_its_receipt_and_says_that_some_files_failed(own: Path, notes: Path) -> None:
    done = run("ingest", notes, "--json", library=own)
    receipt = lines(done.stdout)[0]
    assert done.returncode == 3
    counts = {"added": 1, "updated": 0, "moved": 0, "unchanged": 0, "removed": 0, "failed": 1}
    assert receipt["documents"] == counts
    assert receipt["passages"] == 1
    assert [failure["doc"] for failure in receipt["failures"]] == ["broken.pdf"]
    assert "broken.pdf" in done.stderr


def test_ingesting_again_embeds_nothing(own: Path, notes: Path) -> None:
    run("ingest", notes, library=own)
    receipt = lines(run("ingest", notes, "--json", library=own).stdout)[0]
    assert receipt["documents"]["unchanged"] == 1
    assert (receipt["passages"], receipt["embedded"]) == (0, 0)


def test_show_prints_what_was_read_of_a_document(own: Path, notes: Path) -> None:
    run("ingest", notes, library=own)
    (shown,) = lines(run("show", "bees.md", "--json", library=own).stdout)
    assert shown["text"].endswith("holds 42 frames.")
    assert shown["report"]["characters_read"] == shown["report"]["characters_indexed"] > 0
    assert [shown["text"][one["start"] : one["end"]] for one in shown["passages"]] == [
        one["text"] for one in shown["passages"]
    ]
    assert run("show", "bees.md", "--text", library=own).stdout.endswith("holds 42 frames.\n")
    missing = run("show", "wasps.md", library=own)
    assert (missing.returncode, "wasps.md: not in the collection" in missing.stderr) == (2, True)


def test_search_prints_a_hit_a_line(library: Path) -> None:
    done = run(
        "search",
        "rail or plane for a short trip",
        "-n",
        "3",
        "--json",
        "--collection",
        "sample",
        library=library,
    )
    hits = lines(done.stdout)
    assert len(hits) == 3
    assert set(hits[0]) == {"id", "score", "doc", "page", "heading", "text", "start", "end", "hidden"}
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    assert len(hits[0]["text"]) == hits[0]["end"] - hits[0]["start"]


def test_options_may_stand_before_the_command(library: Path) -> None:
    before = run("--collection", "sample", "search", "holidays", "--json", library=library)
    after = run("search", "holidays", "--json", "--collection", "sample", library=library)
    assert before.stdout == after.stdout != ""


def test_ask_prints_one_object_with_exact_quotes(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_ANSWER_MODE", "quoting")  # the starter writes only so
    done = run(
        "ask",
        "How many working days of holiday are there a year?",
        "--json",
        "--collection",
        "sample",
        library=library,
    )
    answer = lines(done.stdout)[0]
    assert done.returncode == 0, done.stderr
    assert {
        "question",
        "answer",
        "abstained",
        "citations",
        "passages",
        "left_out",
        "tokens",
        "seconds",
    } <= set(answer)
    assert answer["abstained"] is False
    assert "Thirty working days" in answer["answer"]
    for citation in answer["citations"]:
        assert citation["quote"] in answer["passages"][citation["marker"] - 1]["text"]
    assert answer["tokens"]["prompt"] > answer["tokens"]["answer"] > 0


def test_ask_without_a_chat_model_quotes(library: Path) -> None:
    done = run(
        "ask",
        "How many working days of holiday are there a year?",
        "--model",
        "none",
        "--collection",
        "sample",
        library=library,
    )
    assert done.returncode == 0, done.stderr
    assert "Thirty working days" in done.stdout
    assert "handbook/hr/hr-handbook.md" in done.stdout


def test_a_receipt_gives_the_same_answer_again(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_ANSWER_MODE", "quoting")  # the starter writes only so
    receipt = tmp_path / "receipt.json"
    question = "How many working days of holiday are there a year?"
    asked = ["ask", question, "--json", "--collection", "sample", "--receipt", str(receipt)]
    first = run(*asked, library=library)
    again = run("ask", "--replay", str(receipt), "--json", library=library)
    assert again.returncode == 0, again.stderr
    assert lines(again.stdout)[0]["text"] == lines(first.stdout)[0]["text"] != ""


def test_a_question_or_a_receipt_is_needed(library: Path) -> None:
    done = run("ask", library=library)
    assert done.returncode == 2
    assert "--replay" in done.stderr


def test_an_unknown_model_is_named_after_the_quotes(library: Path) -> None:
    question = "How many working days of holiday are there a year?"
    done = run("ask", question, "--collection", "sample", "--model", "no-such-model", library=library)
    assert done.returncode == 1
    assert "Thirty working days" in done.stdout
    assert "no-such-model" in done.stderr


def test_batch_goes_on_where_it_was_cut_off(library: Path, tmp_path: Path) -> None:
    questions, output = tmp_path / "questions.jsonl", tmp_path / "out.jsonl"
    questions.write_text("".join(json.dumps({"id": i, "question": f"holiday {i}"}) + "\n" for i in range(4)))
    whole = json.dumps({"id": 0, "passages": []})
    output.write_text(whole + "\n" + '{"id": 1, "passa')
    done = run(
        "batch",
        questions,
        "-o",
        output,
        "--retrieve-only",
        "-n",
        "2",
        "--collection",
        "sample",
        library=library,
    )
    assert done.returncode == 0, done.stderr
    rows = lines(output.read_text())
    assert [row["id"] for row in rows] == [0, 1, 2, 3]
    assert rows[0] == json.loads(whole)
    assert [len(row["passages"]) for row in rows[1:]] == [2, 2, 2]
    assert set(rows[1]["passages"][0]) == {"doc", "page", "text", "score", "hidden"}


def test_a_bad_line_of_questions_is_named(library: Path, tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    questions.write_text('{"id": 1, "question": "fine"}\n{"id": 2}\n')
    done = run("batch", questions, "-o", tmp_path / "out.jsonl", "--collection", "sample", library=library)
    assert done.returncode == 2
    assert "line 2" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["search", "anything", "--collection", "nowhere"], 2, "--collection sample"),
        (["search", " ", "--collection", "sample"], 2, "empty"),
        (["ingest", "no-such-folder"], 2, "no-such-folder"),
        (["search"], 2, "Missing argument"),
        (["no-such-command"], 2, "no-such-command"),
    ],
    ids=["empty-collection", "empty-query", "missing-path", "no-argument", "no-command"],
)
def test_a_failure_is_a_sentence_and_a_code(
    library: Path, arguments: list[str], code: int, says: str
) -> None:
    done = run(*arguments, library=library)
    assert (done.returncode, done.stdout) == (code, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_collections_and_report(library: Path) -> None:
    listed = lines(run("collections", "list", "--json", library=library).stdout)
    reported = lines(run("report", "--json", "--collection", "sample", library=library).stdout)[0][
        "documents"
    ]
    (sample,) = listed  # a mistyped path has made no collection
    assert sample["documents"] == len(reported) >= 60
    assert all(row["characters_read"] == row["characters_indexed"] > 0 for row in reported)


def test_search_loads_neither_torch_nor_transformers(library: Path) -> None:
    code = (
        "import sys; from rag.cli import app;"
        "app(['search', 'holidays', '--collection', 'sample'], standalone_mode=False);"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"FOOTNOTE_LIBRARY": str(library)},
        cwd=PROJECT,
        check=True,
    )
    loaded = {name.split(".")[0] for name in done.stderr.split()}
    assert loaded & {"torch", "transformers", "sentence_transformers", "streamlit", "llama_cpp"} == set()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
@pytest.mark.parametrize("seconds", [0.2, 0.8])
def test_an_interrupted_ingest_reports_what_it_did_and_goes_on_the_next_time(
    own: Path, tmp_path: Path, seconds: float
) -> None:
    """It once ended without its report, and now and then in a segmentation fault."""
    documents, name = tmp_path / "documents", f"stopped-{seconds}"
    documents.mkdir()
    for number in range(16):
        sentences = (f"Lamp {number} of pier {line} burns green. " * 12 for line in range(8))
        (documents / f"{number}.md").write_text("\n\n".join(sentences))
    command = [sys.executable, "-m", "rag", "ingest", str(documents), "--json", "--collection", name]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env=os.environ | {"FOOTNOTE_LIBRARY": str(own)},
    )
    wait_for_the_collection(own / "library.db", name)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    printed, messages = process.communicate(timeout=120)
    (receipt,) = lines(printed)
    assert (process.returncode, receipt["interrupted"]) == (1, True), messages
    done = run("ingest", documents, "--json", "--collection", name, library=own)
    (whole,) = lines(done.stdout)
    counts = whole["documents"]
    assert (done.returncode, whole["interrupted"]) == (0, False)
    assert counts["added"] + counts["unchanged"] == 16
    assert counts["unchanged"] == receipt["documents"]["added"]


def wait_for_the_collection(database: Path, name: str) -> None:
    """Waits until an ingest has begun: its collection is there."""
    for _ in range(600):
        with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
            if db.execute("SELECT 1 FROM collections WHERE name = ?", (name,)).fetchall():
                return
        time.sleep(0.1)
    raise AssertionError(f"no ingest into {name} has begun")


def test_a_model_that_fails_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"GGUF")
    done = run("models", "use", tmp_path / "broken.gguf", library=tmp_path / "library")
    assert done.returncode == 1
    assert "broken.gguf does not work here, so the library keeps" in " ".join(done.stderr.split())
    assert not (tmp_path / "library" / "settings.toml").exists()


def test_documents_are_summarised_outlined_and_compared_by_any_of_their_names(library: Path) -> None:
    where = ("--collection", "sample", "--json")
    told = lines(run("summary", "data retention", "--model", "none", *where, library=library).stdout)[0]
    assert {one["doc"] for one in told["citations"]} == {"handbook/policies/data-retention.pdf"}
    guide = lines(run("outline", "field safety", *where, library=library).stdout)[0]
    assert guide["doc"] == "handbook/policies/field-safety.pdf" and guide["sections"] and guide["points"]
    found = lines(run("diff", "backup-plan.md", "backup-plan-revisited", *where, library=library).stdout)[0]
    assert found["changed"] + found["added"] + found["removed"] == len(found["changes"]) > 0
    unknown = run("outline", "tax return", *where, library=library)
    assert unknown.returncode == 2 and "The nearest to it" in unknown.stderr
