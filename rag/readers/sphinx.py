"""reStructuredText as Sphinx knows it, in the words of docutils, which drops what it does not know."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from rag.readers.building import DocumentBuilder

_DIRECTIVE = re.compile(r"( *)\.\. ([\w+.-]+(?::[\w+.-]+)*)::(?: +(.*))?$")
_OPTION = re.compile(r"\s*:[\w-]+:(?:\s|$)")
_ROLE = re.compile(r":((?:[\w+.-]+:)*[\w+.-]+):`([^`]+)`")
_TARGET = re.compile(r"\s*<[^<>]*>$")
_ELSEWHERE = re.compile(
    r"(?:toctree|include|literalinclude|index|currentmodule|highlight|tabularcolumns|auto\w+)$"
)
"""Directives whose content is in another file, or is no text."""
_NAMED = re.compile(r"(?:seealso|version\w+|deprecated)$")


def without_sphinx(builder: DocumentBuilder, text: str) -> str:
    """The text with unknown directives as their content and unknown roles as their words."""
    return "\n".join(_settled(builder, text.expandtabs(8).split("\n")))


def _settled(builder: DocumentBuilder, lines: Sequence[str]) -> Iterator[str]:
    at = 0
    while at < len(lines):
        match = _DIRECTIVE.match(lines[at])
        if match is None or (match[2].lower() in _known() and match[2] != "include"):
            yield _ROLE.sub(_role, lines[at])
            at += 1
            continue
        end = _end(lines, at + 1, len(match[1]))
        yield from _content(builder, match, lines[at + 1 : end])
        at = end


def _end(lines: Sequence[str], start: int, indent: int) -> int:
    """Where a directive's content ends: at the first line that is not indented further than it."""
    end = start
    for number in range(start, len(lines)):
        line = lines[number]
        if line.strip():
            if len(line) - len(line.lstrip()) <= indent:
                break
            end = number + 1
    return end


def _content(builder: DocumentBuilder, match: re.Match[str], lines: Sequence[str]) -> Iterator[str]:
    indent, name, argument = match[1], match[2], match[3] or ""
    while lines and _OPTION.match(lines[0]):
        lines = lines[1:]
    if _ELSEWHERE.match(name.rpartition(":")[2]):
        builder.leave_out("references to other files", "\n".join([argument, *lines]))
        return
    title = f"{name}: {argument}" if _NAMED.match(name) and argument else argument
    yield from ["", indent + _ROLE.sub(_role, title), ""]
    deep = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    yield from _settled(builder, [indent + line[deep:] for line in lines])
    yield ""


def _role(match: re.Match[str]) -> str:
    if match[1].lower() in _known_roles():
        return match.group()
    return _TARGET.sub("", match[2]).lstrip("~!") or match[2]


@cache
def _known() -> frozenset[str]:
    from docutils.parsers.rst.languages import en  # type: ignore[import-untyped, unused-ignore]

    return frozenset(en.directives) | {"code-block", "sourcecode"}


@cache
def _known_roles() -> frozenset[str]:
    from docutils.parsers.rst.languages import en  # type: ignore[import-untyped, unused-ignore]

    return frozenset(en.roles)
