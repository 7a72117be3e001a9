"""The way of the data runs one way: faces, wires, stages, records."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

RAG = Path(__file__).resolve().parent.parent / "rag"
LEAVES = {
    "records",
    "recorded",
    "errors",
    "protocols",
    "ranking",
    "config",
    "keywords",
    "filters",
    "vocabulary",
    "text",
    "converting",
}
WIRES = {"indexing", "answering", "lab", "health", "library", "tuning"}
FACES = {"cli", "ui", "server", "__main__"}
HEAVY = {"torch", "llama_cpp", "streamlit", "openvino", "sentence_transformers", "sklearn", "transformers"}


def module_of(path: Path) -> str:
    """The step a file belongs to: its name directly below `rag`."""
    return path.relative_to(RAG).parts[0].removesuffix(".py")


def imported_steps(path: Path) -> set[str]:
    """The steps of `rag` that a file imports, wherever the import stands."""
    steps = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            if parts[0] == "rag":
                steps |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            steps |= {n.name.split(".")[1] for n in node.names if n.name.startswith("rag.")}
    return steps - {"__version__"}


STAGE_FILES = sorted(
    path for path in RAG.rglob("*.py") if module_of(path) not in LEAVES | WIRES | FACES | {"__init__"}
)


@pytest.mark.parametrize("path", STAGE_FILES, ids=lambda p: p.relative_to(RAG).as_posix())
def test_a_stage_imports_no_other_stage(path: Path) -> None:
    assert imported_steps(path) - LEAVES - {module_of(path)} == set()


@pytest.mark.parametrize("path", sorted(RAG.rglob("*.py")), ids=lambda p: p.relative_to(RAG).as_posix())
def test_nothing_but_a_face_imports_a_face(path: Path) -> None:
    if module_of(path) not in FACES:
        assert imported_steps(path) & FACES == set()


def test_importing_rag_loads_nothing_heavy() -> None:
    code = "import sys, rag, rag.library, rag.cli; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {name.split(".")[0] for name in loaded.stdout.split()} & HEAVY == set()
