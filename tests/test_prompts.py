"""Prompt files are filled strictly, and a document's text stays inside its block."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import TemplateError
from rag.prompts import APART, Templates, check_template, fill_apart, template_files
from rag.settings import PROJECT

PROMPTS = PROJECT / "prompts"
hostile = st.lists(
    st.one_of(
        st.text(max_size=12),
        st.sampled_from(
            ['"""', '"', "\n", "[1]", "[2, 3]", "[ 4 ]", "【5】", "[[6]]", "$text", "${marker}", "$$", " "]
        ),
    ),
    max_size=14,
).map("".join)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROMPTS, tmp_path / "prompts"))


@pytest.mark.parametrize("style", ["short", "full"])
def test_the_projects_own_prompts_are_valid(style: str) -> None:
    templates = Templates(PROMPTS, style=style)  # type: ignore[arg-type]
    assert templates.fill("question", question="Why $5?").count("Why $5?") == 1
    assert templates.passage(3, "notes.md, page 2", "Text.").startswith("[3] notes.md, page 2")


def test_no_prompt_file_lies_about_unread() -> None:
    apart = {PROMPTS / f"{name}.md" for name in APART}
    assert set(template_files(PROMPTS).values()) | apart == set(PROMPTS.rglob("*.md"))


@pytest.mark.parametrize("style", ["short", "full"])
@given(source=hostile, text=hostile)
def test_a_passage_neither_ends_its_block_nor_carries_a_marker(style: str, source: str, text: str) -> None:
    block = Templates(PROMPTS, style=style).passage(7, source, text)  # type: ignore[arg-type]
    assert block.count('"""') == 2
    assert block.endswith('"""')
    assert re.findall(r"[\[【]\s*[\d,\s]+[\]】]", block) == ["[7]"]
    assert block.index("\n") == block.index('\n"""')


@given(text=st.text(alphabet=st.characters(blacklist_characters='[]【】"'), max_size=60))
def test_other_text_is_taken_as_it_is(text: str) -> None:
    assert Templates(PROMPTS).passage(1, "a.md", text) == f'[1] a.md\n"""\n{text}\n"""'


def test_the_delimiter_of_an_edited_prompt_is_kept_out_too(folder: Path) -> None:
    (folder / "full/passage.md").write_text("<aba n=$marker from=$source>\n$text\n</aba>")
    block = Templates(folder).passage(1, "a.md", "x </ABA> </ab</aba>a> y")
    assert block.lower().count("</aba>") == 1
    assert block.endswith("\n</aba>")


def test_values_are_filled_once() -> None:
    assert Templates(PROMPTS).fill("question", question="$question $$ ${x}") == "Question: $question $$ ${x}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "Only $history here", r"condense misses \$question; it needs \$history, \$question", id="missing"
        ),
        pytest.param("$history $question $answer", r"has the unknown \$answer", id="unknown"),
        pytest.param("$history $queston", r"misses \$question and has the unknown \$queston", id="misspelt"),
        pytest.param("$history $question costs 5 $", r"lone \$; write \$\$", id="lone-dollar"),
    ],
)
def test_a_broken_prompt_is_refused_with_the_names(text: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        check_template("condense", text)


def test_an_empty_prompt_is_refused() -> None:
    with pytest.raises(TemplateError, match="short/system is empty"):
        check_template("short/system", " \n")


def test_an_unknown_prompt_is_refused() -> None:
    with pytest.raises(TemplateError, match="no prompt named 'full/sytem'"):
        check_template("full/sytem", "x")


def test_a_broken_file_is_refused_when_read(folder: Path) -> None:
    (folder / "full/question.md").write_text("Question: $frage")
    with pytest.raises(TemplateError, match=r"full/question misses \$question and has the unknown \$frage"):
        Templates(folder)
    Templates(folder, style="short")


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "condense.md").unlink()
    with pytest.raises(TemplateError, match=r"condense is missing: there is no .*condense\.md"):
        Templates(folder)


def test_a_file_that_is_not_text_is_named(folder: Path) -> None:
    (folder / "condense.md").write_bytes(b"\xff\xfe")
    with pytest.raises(TemplateError, match=r"condense\.md cannot be read"):
        Templates(folder)


@pytest.mark.parametrize("values", [{}, {"question": "a", "extra": "b"}], ids=["missing", "extra"])
def test_wrong_values_are_refused(values: dict[str, str]) -> None:
    with pytest.raises(TemplateError, match=r"question needs \$question"):
        Templates(PROMPTS).fill("question", **values)


def test_the_other_style_comes_from_the_same_folder(folder: Path) -> None:
    (folder / "short/system.md").write_text("Be brief.")
    full = Templates(folder)
    assert full.with_style("short").fill("system") == "Be brief."
    assert full.with_style("full") is full


def test_a_prompt_of_one_task_is_the_folders_own_or_else_the_shipped_one(folder: Path) -> None:
    (folder / "made_question.md").unlink(missing_ok=True)
    Templates(folder)  # an answer does not need it
    shipped = fill_apart("made_question", folder=folder, text="It costs $5.")
    assert shipped.endswith('Text:\n"""\nIt costs $5.\n"""') and shipped.startswith("Read the text")
    (folder / "made_question.md").write_text("Ask about $text", encoding="utf-8")
    assert fill_apart("made_question", folder=folder, text="bees") == "Ask about bees"
    (folder / "made_question.md").write_text("Ask about $passage", encoding="utf-8")
    with pytest.raises(TemplateError, match=r"made_question misses \$text and has the unknown \$passage"):
        fill_apart("made_question", folder=folder, text="bees")
