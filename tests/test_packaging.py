"""The wheel and the requirements: complete, consistent, and found where they are looked for."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from rag import __version__
from rag.cli.serving import MCP_PIN
from rag.readers.ocr import rapid
from rag.settings import PROJECT, project_folder
from rag.store.postgres.database import PSYCOPG_PIN

PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
DIRECT = {
    "requirements.txt": PYPROJECT["project"]["dependencies"],
    "requirements-dev.txt": [*EXTRAS["dev"], *EXTRAS["mcp"], *EXTRAS["ocr"]],
}


def test_a_checkout_has_its_files_beside_the_package(tmp_path: Path) -> None:
    package = tmp_path / "rag"
    package.mkdir()
    assert project_folder(package) == tmp_path


def test_an_installed_package_has_its_files_inside(tmp_path: Path) -> None:
    data = tmp_path / "rag" / "_data"
    data.mkdir(parents=True)
    assert project_folder(tmp_path / "rag") == data


def test_the_wheel_maps_every_file_that_the_program_looks_for() -> None:
    mapped = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert set(mapped) == {"app.py", "prompts", "corpora", ".streamlit/config.toml"}
    for source, target in mapped.items():
        assert (PROJECT / source).exists()
        assert target == f"rag/_data/{source}"


def test_the_version_is_the_same_everywhere() -> None:
    assert PYPROJECT["project"]["version"] == __version__
    assert f"\n## {__version__} - 20" in (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_code_names_the_pins_of_its_extras() -> None:
    assert EXTRAS["mcp"] == [MCP_PIN]
    assert EXTRAS["ocr"] == [*rapid.PINS]
    assert EXTRAS["postgres"] == [PSYCOPG_PIN]


def entries(name: str) -> list[str]:
    """The packages of a requirements file, each with its hashes."""
    text = (PROJECT / name).read_text(encoding="utf-8")
    return [entry for entry in re.split(r"\n(?=\S)", text) if "==" in entry]


@pytest.mark.parametrize("name", DIRECT)
def test_every_requirement_is_pinned_with_a_hash(name: str) -> None:
    assert [entry for entry in entries(name) if not re.match(r"\S+==\S+ .*--hash=sha256:", entry, re.S)] == []


@pytest.mark.parametrize("name", DIRECT)
def test_the_requirements_have_the_direct_dependencies_at_their_pins(name: str) -> None:
    pins = {comparable(entry.split()[0]) for entry in entries("requirements.txt") + entries(name)}
    assert {comparable(direct) for direct in DIRECT[name]} - pins == set()


def comparable(pin: str) -> str:
    """A pin with its name as registries compare it, without its extras, which have pins of their own."""
    name, _, version = pin.partition("==")
    return f"{re.sub(r'[-_.]+', '-', name.partition('[')[0]).lower()}=={version}"


def test_users_install_no_cuda() -> None:
    assert [entry for entry in entries("requirements.txt") if re.match(r"nvidia|cuda|triton", entry)] == []


HEARTBEAT = [sys.executable, str(PROJECT / ".ci" / "heartbeat.py"), "Working"]


@pytest.mark.parametrize(("code", "shown"), [(0, "Working\n"), (3, "Working\ndetails\n")])
def test_a_quiet_command_shows_its_output_only_if_it_fails(code: int, shown: str) -> None:
    command = [sys.executable, "-c", f"print('details'); raise SystemExit({code})"]
    ended = subprocess.run([*HEARTBEAT, *command], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (code, shown)
