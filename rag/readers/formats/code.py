"""Source code: a section for each class and function, with its line numbers."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator
from typing import Any

from rag.readers.building import DocumentBuilder
from rag.readers.decoding import decode
from rag.readers.registry import Format
from rag.records import Document

# ending → the grammar's package and its function
_GRAMMARS = {
    ".py": ("tree_sitter_python", "language"),
    ".pyi": ("tree_sitter_python", "language"),
    ".js": ("tree_sitter_javascript", "language"),
    ".jsx": ("tree_sitter_javascript", "language"),
    ".mjs": ("tree_sitter_javascript", "language"),
    ".ts": ("tree_sitter_typescript", "language_typescript"),
    ".tsx": ("tree_sitter_typescript", "language_tsx"),
    ".java": ("tree_sitter_java", "language"),
    ".c": ("tree_sitter_c", "language"),
    ".h": ("tree_sitter_c", "language"),
    ".cpp": ("tree_sitter_cpp", "language"),
    ".cc": ("tree_sitter_cpp", "language"),
    ".hpp": ("tree_sitter_cpp", "language"),
    ".go": ("tree_sitter_go", "language"),
    ".rs": ("tree_sitter_rust", "language"),
    ".rb": ("tree_sitter_ruby", "language"),
    ".cs": ("tree_sitter_c_sharp", "language"),
    ".php": ("tree_sitter_php", "language_php"),
    ".sh": ("tree_sitter_bash", "language"),
    ".bash": ("tree_sitter_bash", "language"),
}
# Read as code without a grammar: in pieces between blank lines.
_PLAIN = (".sql", ".r", ".lua", ".swift", ".kt", ".scala", ".pl", ".css", ".scss", ".toml", ".yaml", ".yml")
_CONTAINERS = ("class", "interface", "impl", "module", "namespace", "trait", "struct", "enum", "object")
_FUNCTIONS = ("function", "method", "constructor")
_WRAPPERS = ("decorated_definition", "export_statement", "template_declaration")
_KINDS = ("definition", "declaration", "item", "class", "module", "method", "singleton_method")


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """The file's text whole and in order; each definition's place is its heading path, with its lines."""
    builder = DocumentBuilder()
    text, encoding = decode(data)
    if encoding:
        builder.warn(f"Read as {encoding}.")
    lines = text.split("\n")
    ending = "." + name.rsplit(".", 1)[-1].lower()
    if ending in _GRAMMARS:
        root = _parser(*_GRAMMARS[ending]).parse(text.encode()).root_node
        _add(builder, root, lines, 0, len(lines), 1)
    else:
        _add_pieces(builder, lines, 0, len(lines))
    return builder.build(title=name.rsplit("/", 1)[-1], name=name, media_type=FORMAT.media_type)


@functools.cache
def _parser(package: str, function: str) -> Any:
    from tree_sitter import Language, Parser

    return Parser(Language(getattr(importlib.import_module(package), function)()))


def _add(builder: DocumentBuilder, node: Any, lines: list[str], start: int, end: int, level: int) -> None:
    """Adds the lines from start to end; those of definitions inside the node under their names."""
    for child, label in _definitions(node):
        first, last = max(child.start_point[0], start), min(child.end_point[0] + 1, end)
        if first < start or last <= first:
            continue
        _add_pieces(builder, lines, start, first)
        builder.section(
            f"{label}, lines {first + 1}–{last}" if last > first + 1 else f"{label}, line {last}", level
        )
        if _is_container(child):
            _add(builder, child, lines, first, last, level + 1)
        else:
            builder.add("code", "\n".join(lines[first:last]))
        builder.section("", level)
        start = last
    _add_pieces(builder, lines, start, end)


def _add_pieces(builder: DocumentBuilder, lines: list[str], start: int, end: int) -> None:
    """Adds lines in blocks that end at blank lines."""
    piece: list[str] = []
    for line in [*lines[start:end], ""]:
        if line.strip():
            piece.append(line)
        elif piece:
            builder.add("code", "\n".join(piece))
            piece = []


def _definitions(node: Any) -> Iterator[tuple[Any, str]]:
    """The outermost definitions inside a node with what they are called, in order."""
    for child in node.named_children:
        label = _label(child)
        if label:
            yield child, label
        elif not _is_function(child.type):
            yield from _definitions(child)


def _label(node: Any) -> str:
    """ "class Reader" or "read", "" if the node defines nothing."""
    inner = node
    if node.type in _WRAPPERS:
        inner = next((child for child in node.named_children if _label(child)), None)
        return _label(inner) if inner is not None else ""
    if not (_is_container(node) or _is_function(node.type)) or not node.type.endswith(_KINDS):
        return ""
    name = _name(node)
    keyword = next((word for word in _CONTAINERS if word in node.type), "")
    return f"{keyword} {name}".strip() if name else ""


def _name(node: Any) -> str:
    """The name in a definition: C and C++ hide it in the declarator."""
    declarator = node.child_by_field_name("declarator")
    found = node.child_by_field_name("name")
    if found is None and declarator is None:
        found = node.child_by_field_name("type")  # Rust's "impl Box"
    while found is None and declarator is not None:
        inner = declarator.child_by_field_name("declarator")
        if inner is None:
            found = declarator
        declarator = inner
    return found.text.decode(errors="replace") if found is not None else ""


def _is_container(node: Any) -> bool:
    if node.type in _WRAPPERS:
        return any(_is_container(child) for child in node.named_children)
    return any(word in node.type for word in _CONTAINERS) and not _is_function(node.type)


def _is_function(kind: str) -> bool:
    return any(word in kind for word in _FUNCTIONS)


FORMAT = Format("Source code", "text/x-source", (*_GRAMMARS, *_PLAIN), read, names=("makefile", "dockerfile"))
