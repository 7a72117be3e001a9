"""Prompts: plain files, filled once and strictly, with document text kept inside its block."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import get_args

from rag.errors import TemplateError
from rag.interfaces import PromptStyle
from rag.settings import PROJECT

STYLED = {
    "system": frozenset[str](),
    "sources": frozenset({"passages"}),
    "passage": frozenset({"marker", "source", "text"}),
    "question": frozenset({"question"}),
}
"""The files of each style's folder, with the names each has to use."""

SHARED = {
    "condense": frozenset({"history", "question"}),
}
"""The files beside the styles' folders, with the names each has to use."""

APART = {
    "answerable": frozenset({"question"}),
    "instruction": frozenset({"instruction"}),
    "made_question": frozenset({"text"}),
    "summary": frozenset({"passages", "question", "count"}),
    "summary_notes": frozenset({"notes", "question", "count"}),
    "cluster_name": frozenset({"terms", "texts"}),
    "exam": frozenset({"passage", "question"}),
    "exam_rules": frozenset[str](),
    "mcp_ask": frozenset({"question"}),
    "mcp_summarise": frozenset({"document"}),
    "mcp_compare": frozenset({"first", "second"}),
    "mcp_check_draft": frozenset({"draft"}),
}
"""What not every answer needs, read by `render` when it is asked for."""

# What an answer's citation looks like; in a document it is a footnote or an attempt to forge one.
_MARKER = re.compile(r"[\[【]\s*(\d+(?:\s*[,;–-]\s*\d+)*)\s*[\]】]")
_FEWEST_DELIMITER_CHARACTERS = 3


def template_files(folder: Path) -> dict[str, Path]:
    """Every prompt by its name, as `short/system`, with its file."""
    styled = {
        f"{style}/{name}": folder / style / f"{name}.md" for style in get_args(PromptStyle) for name in STYLED
    }
    return styled | {name: folder / f"{name}.md" for name in SHARED}


def check_template(name: str, text: str) -> None:
    """Raises `TemplateError`, listing the names, unless the text uses each name it needs and no other."""
    needed = (STYLED | SHARED | APART).get(name.rpartition("/")[2])
    if needed is None:
        raise TemplateError(f"There is no prompt named {name!r}; there are {', '.join([*STYLED, *SHARED])}.")
    template = Template(text)
    if not template.is_valid():
        raise TemplateError(f"The prompt {name} has a lone $; write $$ for a dollar sign.")
    used = set(template.get_identifiers())
    problems = [f"misses {_listed(needed - used)}"] if needed - used else []
    problems += [f"has the unknown {_listed(used - needed)}"] if used - needed else []
    if problems:
        raise TemplateError(f"The prompt {name} {' and '.join(problems)}; it needs {_listed(needed)}.")
    if not text.strip():
        raise TemplateError(f"The prompt {name} is empty.")


def _listed(names: frozenset[str] | set[str]) -> str:
    return ", ".join(f"${name}" for name in sorted(names)) or "no names"


class Templates:
    """The prompts of one style from a folder, read and checked at once.

    Raises:
        TemplateError: a file is missing, unreadable or uses the wrong names.
    """

    def __init__(self, folder: Path, *, style: PromptStyle = "full") -> None:
        self.folder = folder
        self.style: PromptStyle = style
        self._templates = dict(self._read())
        self._delimiters = _delimiters(self._templates["passage"].template)

    def with_style(self, style: PromptStyle) -> Templates:
        """The same folder's prompts for models of another size."""
        return self if style == self.style else Templates(self.folder, style=style)

    def fill(self, name: str, **values: str) -> str:
        """The prompt with its values, which are taken as they are: a `$` in them is a dollar sign."""
        template = self._templates.get(name)
        if template is None:
            raise TemplateError(f"There is no prompt named {name!r}; there are {', '.join(self._templates)}.")
        needed = (STYLED | SHARED)[name]
        if set(values) != needed:
            raise TemplateError(f"The prompt {name} needs {_listed(needed)}, not {_listed(set(values))}.")
        return template.substitute(values)

    def passage(self, marker: int, source: str, text: str) -> str:
        """A passage's block. Its text can neither end the block nor carry a citation marker.

        A bracketed number becomes one in parentheses, and the template's own delimiter is spaced
        out; everything else stays as the document has it.
        """
        return self.fill(
            "passage",
            marker=str(marker),
            source=" ".join(self._defused(source).split()),
            text=self._defused(text),
        )

    def _defused(self, text: str) -> str:
        text = _MARKER.sub(r"(\1)", text)
        for delimiter in self._delimiters:
            # Spacing out one match can bring another together ("aba" in "ababa").
            while delimiter.search(text):
                text = delimiter.sub(lambda match: " ".join(match.group()), text)
        return text

    def _read(self) -> Iterator[tuple[str, Template]]:
        for name, path in template_files(self.folder).items():
            style, _, short = name.rpartition("/")
            if style not in ("", self.style):
                continue
            yield short, _template(name, path)


def render(name: str, *, folder: Path, **values: str) -> str:
    """A prompt of `APART` with its values, from the folder, or as shipped where the folder has none.

    Raises:
        TemplateError: the file is unreadable or uses the wrong names.
    """
    own = folder / f"{name}.md"
    template = _template(name, own if own.is_file() else PROJECT / "prompts" / own.name)
    return template.substitute(values)


def _template(name: str, path: Path) -> Template:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError as error:
        raise TemplateError(f"The prompt {name} is missing: there is no {path}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError(f"The prompt {path} cannot be read: {error}") from error
    check_template(name, text)
    return Template(text)


def _delimiters(passage_template: str) -> list[re.Pattern[str]]:
    """The fixed lines of the passage template that a passage must not contain."""
    literals = re.split(r"\$\{?\w+\}?", passage_template)
    lines = {line.strip() for literal in literals for line in literal.splitlines()}
    return [
        re.compile(re.escape(line), re.IGNORECASE)
        for line in sorted(lines)
        if len(line.replace(" ", "")) >= _FEWEST_DELIMITER_CHARACTERS
    ]
