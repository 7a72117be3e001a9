"""The commands that explore, over a library whose vectors are made from the words."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import rag.library
from rag.cli import app
from rag.errors import UsageError
from rag.library import Library
from rag.settings import PROJECT, Settings
from tests.fakes.pictures import ColourModel, album
from tests.fakes.web import FakeLibrary, QueuedModel

HIVES = "The beekeeper feeds sugar to hives in autumn and paints frames"
BOATS = "The harbour master moors boats with rope below the lighthouse"
NOTES = {f"{name}{n}.md": f"# {name} {n}\n\n{text} number{n}.\n"
         for name, text in (("hives", HIVES), ("boats", BOATS)) for n in range(4)}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Runs a command over eight notes about two things; gives what it prints, JSON line by line."""
    opened: list[FakeLibrary] = []

    def open_fake(settings: Settings) -> FakeLibrary:
        opened.append(FakeLibrary(settings, QueuedModel(["Hives and frames"])))
        return opened[-1]

    monkeypatch.setattr(rag.library, "Library", open_fake)

    def command(*arguments: str, stdin: str | bytes = "") -> Result:
        result = CliRunner().invoke(app, list(arguments), input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    notes = [json.dumps({"id": name, "content": text}) for name, text in NOTES.items()]
    command("ingest", "-", stdin="\n".join(notes))
    yield command
    for library in opened:
        library.close()


def lines(result: Result) -> list[Any]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_clusters_are_printed_as_llm_cluster_prints_them(run: Any) -> None:
    ((first, second),) = lines(run("cluster", "2", "--json", "--summary"))
    assert set(first) == {"id", "summary", "terms", "items"}
    assert {item["id"][:5] for item in first["items"]} != {item["id"][:5] for item in second["items"]}
    assert "Hives and frames" in {first["summary"], second["summary"]}
    assert "hives0.md" in run("cluster", "2").stdout
    with pytest.raises(UsageError, match="not both"):
        run("cluster", "2", "--auto")


def test_a_map_has_a_place_for_each_document_and_passage(run: Any) -> None:
    found = lines(run("map", "--json", "--near", "rope and boats"))
    assert len(found) == 8
    nearest = max(found, key=lambda point: point["similarity"])
    assert nearest["doc"].startswith("boats") and -1 <= nearest["x"] <= 1
    assert len(lines(run("map", "--passages", "--method", "tsne", "--doc", "boats1.md", "--json"))) == 1
    assert run("map").stdout.count("\n") == 24


def test_documents_are_ranked_on_a_scale_that_is_kept(run: Any) -> None:
    ends = ["bees=hives and sugar|the beekeeper paints frames", "sea=boats and rope|the harbour lighthouse"]
    ranked = lines(run("scale", *ends, "--save", "subject", "--json"))
    assert [row["class"] for row in ranked] == ["sea"] * 4 + ["bees"] * 4
    assert "accuracy of the examples" in run("scale", *ends).stderr
    kept = lines(run("sql", "select class, count(*) as n from v_scores group by class", "--json"))
    assert kept == [{"class": "bees", "n": 4}, {"class": "sea", "n": 4}]
    sentences = lines(
        run("scale", *ends, "--text", "-", "--json", stdin="Boats need rope. Sugar for hives!\n")
    )
    assert [row["class"] for row in sentences] == ["sea", "bees"]
    with pytest.raises(UsageError, match="scores of documents"):
        run("scale", *ends, "--passages", "--save", "subject")


def test_a_saved_scale_is_a_filter_and_scores_what_came_later(run: Any) -> None:
    ends = ["bees=hives and sugar|the beekeeper paints frames", "sea=boats and rope|the harbour lighthouse"]
    run("scale", *ends, "--save", "Subject")
    late = {"id": "late.md", "content": f"# Late\n\n{BOATS} one evening.\n"}
    run("ingest", "-", stdin=json.dumps(late))

    def found(query: str) -> set[str]:
        return {hit["doc"][:5] for hit in lines(run("search", query, "--json"))}

    assert found("autumn scale:subject>0.5") == {"boats", "late."}
    assert found("autumn scale:subject<0.5") == found("autumn -scale:subject=sea") == {"hives"}
    with pytest.raises(UsageError, match="passes scale:subject=land"):
        run("search", "autumn scale:subject=land")
    assert lines(run("scale", "Subject", "--json"))[0]["class"] == "sea"
    with pytest.raises(UsageError, match="there: Subject"):
        run("scale", "tone")


def test_sums_and_comparisons(run: Any) -> None:
    found = lines(run("arithmetic", "beekeeper - hives + boats", "-n", "2", "--documents", "--json"))
    assert len(found) == 2
    assert lines(run("compare", "moors boats", "moors boats", "--json"))[0]["cosine"] == pytest.approx(1)
    (passage,) = lines(run("compare", "moors boats", "--doc", "boats2.md", "--json"))
    assert passage["doc"] == "boats2.md" and passage["score"] > 0
    with pytest.raises(UsageError, match="two texts, or one"):
        run("compare", "a")


def test_a_text_is_embedded_in_every_form_and_read_again(run: Any) -> None:
    (vector,) = lines(run("embed", "boats and rope"))
    (found,) = lines(run("embed", "-", "--json", stdin="boats and rope"))
    assert found == {"model": "words-256", "dimensions": 256, "vector": vector}
    for form in ("hex", "base64"):
        written = run("embed", "boats and rope", "--format", form).stdout
        assert lines(run("embed", "-", "--decode", stdin=written)) == [vector]
    raw = run("embed", "boats and rope", "--binary").stdout_bytes
    assert len(raw) == 4 * 256
    assert lines(run("embed", "-", "--decode", stdin=raw)) == [vector]
    with pytest.raises(UsageError, match="Give the text"):
        run("embed", "--binary")


def test_embed_without_a_text_embeds_the_collection_again(run: Any) -> None:
    assert lines(run("embed", "--json"))[0]["passages"] == 0


def test_search_reads_standard_input_and_groups_by_document(run: Any) -> None:
    found = lines(run("search", "-", "-n", "3", "--group", "documents", "--json", stdin="sugar for hives\n"))
    assert len({hit["doc"] for hit in found}) == 3
    assert all(hit["passages"] == 1 for hit in found)
    assert lines(run("search", "moors", "-n", "1", "--vectors-only", "--json"))[0]["doc"].startswith("boats")
    with pytest.raises(UsageError, match="leave --group"):
        run("search", "moors", "--code", "--group", "documents")


def test_rows_of_a_table_are_documents_with_filters(run: Any) -> None:
    table = "key\tbody\tstate\n0\tA leaking roof above the hall\topen\n7\tA door that sticks\tclosed\n"
    receipt = lines(run("ingest", "-", "--id", "key", "--text", "body", "--json", stdin=table))[0]
    assert receipt["documents"]["added"] == 2
    found = lines(run("search", "leaking roof meta:state=closed", "--json"))
    assert [hit["doc"] for hit in found] == ["7"]


def test_rows_of_files_and_of_a_database(run: Any, tmp_path: Path) -> None:
    (tmp_path / "issues.json").write_text('[{"number": 3, "title": "Lamp flickers"}]')
    assert (
        lines(run("ingest", str(tmp_path / "issues.json"), "--id", "number", "--json"))[0]["documents"][
            "added"
        ]
        == 1
    )
    query = [
        "--sql",
        "select id, title from documents limit 2",
        "--from",
        str(tmp_path / "library" / "library.db"),
    ]
    assert lines(run("ingest", *query, "--prefix", "row-", "--json"))[0]["documents"]["added"] == 2
    with pytest.raises(UsageError, match="go together"):
        run("ingest", "--sql", "select 1")
    with pytest.raises(UsageError, match="Name files"):
        run("ingest")


def test_the_files_of_a_folder_that_match_a_pattern(run: Any, tmp_path: Path) -> None:
    home = tmp_path / "home"
    for name in ("one/README.md", "two/deep/README.md", "two/other.md"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(f"# {name}\n\nText of {name}.\n")
    run("ingest", "--collection", "readmes", "--files", str(home), "**/README.md")
    report = lines(run("report", "--collection", "readmes", "--json"))[0]["documents"]
    assert [row["doc"] for row in report] == ["one/README.md", "two/deep/README.md"]


def test_scripts_for_llm_run_as_they_are_written(run: Any, tmp_path: Path) -> None:
    """The article's own examples: titles of issues, code from symbex, README files of a home folder."""
    issues = [{"id": 0, "title": "Plugin hook for models"}, {"id": 1, "title": "Window too narrow"}]
    run("embed-multi", "llm-issues", "-", "--store", stdin=json.dumps(issues))
    found = lines(run("similar", "llm-issues", "-c", "hook for a plugin", "-n", "1"))
    assert [(row["id"], row["content"]) for row in found] == [("0", "Plugin hook for models")]
    assert len(lines(run("similar", "llm-issues", "0"))) == 1
    code = '{"id": "cli.py:7", "code": "def plugins(): return list()"}\n'
    run("embed-multi", "symbex-code", "-", "--format", "nl", "--store", stdin=code)
    assert lines(run("similar", "symbex-code", "-c", "list plugins"))[0]["id"] == "cli.py:7"
    (tmp_path / "home" / "tool").mkdir(parents=True)
    (tmp_path / "home" / "tool" / "README.md").write_text("# tool\n\nBacks up SQLite databases.\n")
    (tmp_path / "home" / "notes.md").write_text("# notes\n\nSQLite databases.\n")
    run("embed-multi", "readmes", "--files", str(tmp_path / "home"), "**/README.md")
    found = lines(run("similar", "readmes", "-c", "sqlite backup tools"))
    assert [row["id"] for row in found] == ["tool/README.md"]
    (tmp_path / "rows.csv").write_text("sku,text\n7,Brass lantern\n")
    run("embed-multi", "shop", str(tmp_path / "rows.csv"), "--prefix", "sku-")
    assert lines(run("similar", "shop", "-c", "lantern"))[0]["id"] == "sku-7"
    for wrong in (["embed-multi", "shop"], ["similar", "shop"]):
        with pytest.raises(UsageError, match="Give"):
            run(*wrong)


def test_a_question_is_answered_from_passages_piped_in(run: Any, tmp_path: Path) -> None:
    passages = tmp_path / "passages.jsonl"
    passages.write_text('{"doc": "a.md", "text": "The spare keys hang behind the kitchen door."}\n')
    answer = lines(run("ask", "Where do the spare keys hang?", "--passages", str(passages), "--json"))[0]
    assert [passage["doc"] for passage in answer["passages"]] == ["a.md"]
    piped = run(
        "ask", "Where are the spare keys?", "--passages", "-", "--json", stdin="One.\n\nSpare keys: attic.\n"
    )
    assert {passage["doc"] for passage in lines(piped)[0]["passages"]} == {"passage 1", "passage 2"}
    with pytest.raises(UsageError, match="has no passages"):
        run("ask", "Where?", "--passages", "-", stdin="\n")


@pytest.mark.slow
def test_the_one_line_rag_of_the_readme_with_another_program_as_generator(sample_library: Library) -> None:
    """Any program that reads text can write the answer; here one that repeats the first line."""
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    (script,) = [line.strip() for line in readme.splitlines() if "| llm -s" in line]
    generator = f"{shlex.quote(sys.executable)} -c 'import sys; print(sys.argv[-1], sys.stdin.read()[:2000])'"
    script = script.replace("footnote", f"{shlex.quote(sys.executable)} -m rag --collection sample")
    script = script.replace("llm -s", generator)
    written = subprocess.run(
        ["bash", "-c", script, "bash", "How many days of leave does a new employee get?"],
        env={"PATH": "/usr/bin:/bin", "FOOTNOTE_LIBRARY": str(sample_library.settings.library)},
        capture_output=True,
        text=True,
        cwd=PROJECT,
        check=True,
    ).stdout
    assert "How many days of leave" in written
    assert "Thirty working days" in written


def test_pictures_are_found_and_listed(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.readers.ocr.programs", list)
    (tmp_path / "album").mkdir()
    album(tmp_path / "album")
    run("ingest", str(tmp_path / "album"))
    (found,) = lines(run("images", "northern mole", "-n", "1", "--json"))
    assert (found["doc"], found["caption"]) == ("harbour.docx", "Buoy off the northern mole")
    assert set(found["signals"]) >= {"words"}
    listed = lines(run("images", "--json"))
    assert [len(one["also"]) for one in listed] == [1, 0, 0]
    shown = run("images", "the inner buoy")
    assert "harbour.docx  Figure 2: The inner buoy" in shown.stdout
    assert "models pull clip-vit-b-32" in shown.stderr
    with pytest.raises(UsageError, match="Pull it"):
        run("images", "--like", str(tmp_path / "album" / "night.png"))
    with pytest.raises(UsageError, match="no picture"):
        run("images", "--like", str(tmp_path / "gone.png"))


def test_pictures_like_a_file_are_found(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.readers.ocr.programs", list)
    monkeypatch.setattr(Library, "picture_embedder", ColourModel())
    (tmp_path / "album").mkdir()
    album(tmp_path / "album")
    run("ingest", str(tmp_path / "album"))
    found = lines(run("images", "--like", str(tmp_path / "album" / "night.png"), "--json"))
    assert found[0]["doc"] == "night.png"
    assert found[0]["signals"]["picture"] > 0.99


def test_conflicts_are_listed_with_both_sides(run: Any) -> None:
    said = {"desk.md": "A ferry ticket costs €6.", "board.md": "The price of a ferry ticket is €7."}
    run(
        "ingest",
        "-",
        stdin="\n".join(json.dumps({"id": id_, "title": id_, "content": said[id_]}) for id_ in said),
    )
    (found,) = lines(run("conflicts", "--json"))
    assert set(found) == {"kind", "first", "second"}
    assert {found[side]["value"] for side in ("first", "second")} == {"€6", "€7"}
    assert {found[side]["quote"] for side in ("first", "second")} == set(said.values())
    told = run("conflicts")
    assert "no date" in told.stdout and "1 conflict between documents." in told.stderr
