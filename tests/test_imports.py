"""Imports run one way: interfaces, pipelines, stages, records; no stage imports another."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

RAG = Path(__file__).resolve().parent.parent / "rag"
HEAVY = {"torch", "llama_cpp", "streamlit", "openvino", "sentence_transformers", "sklearn", "transformers"}
FLOORS = (
    {
        "records",
        "errors",
        "interfaces",
        "access",
        "hosts",
        "lines",
        "signs",
        "text",
        "search.ranking",
        "search.query",
    },  # what all agree on
    {"settings", "prompts"},
    {"readers", "embeddings", "store", "search", "verify", "llm", "models", "history", "evaluation"},
    {"ingest", "answer", "explore"},  # the two ways of the data, joined from stages
    {"library"},
    {"doctor", "evaluation.runner"},
    {"cli", "api", "mcp", "web", "__main__", "sqlite_plugin", "supervision"},
)
STAGES = 2
NAMES = {name: floor for floor, names in enumerate(FLOORS) for name in names}


def name_of(module: str) -> str:
    """The entry of `FLOORS` that a module below `rag` belongs to: itself, or its folder."""
    return module if module in NAMES else module.split(".")[0]


def module_of(path: Path) -> str:
    """A file's module, without the leading `rag.`."""
    return ".".join(path.relative_to(RAG).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> set[str]:
    """The modules of `rag` that a file imports, wherever the import stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "rag":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("rag."):
            found.add(node.module.removeprefix("rag."))
        elif isinstance(node, ast.Import):
            found |= {
                alias.name.removeprefix("rag.") for alias in node.names if alias.name.startswith("rag.")
            }
    return found - {"__version__"}


FILES = sorted(path for path in RAG.rglob("*.py") if path != RAG / "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(RAG).as_posix())
def test_no_import_runs_up_and_no_stage_imports_another(path: Path) -> None:
    own = name_of(module_of(path))
    for module in imported(path):
        other = name_of(module)
        below = NAMES[other] < NAMES[own]
        beside = NAMES[other] == NAMES[own] != STAGES
        assert other == own or below or beside, f"{own} imports {other}"


def test_importing_rag_loads_nothing_heavy() -> None:
    code = "import sys, rag, rag.library, rag.cli; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {name.split(".")[0] for name in loaded.stdout.split()} & HEAVY == set()
