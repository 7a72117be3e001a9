"""Where the files beside the package are found, and that the wheel takes all of them along."""

from __future__ import annotations

import tomllib
from pathlib import Path

from rag.settings import PROJECT, project_folder


def test_a_checkout_has_its_files_beside_the_package(tmp_path: Path) -> None:
    package = tmp_path / "rag"
    package.mkdir()
    assert project_folder(package) == tmp_path


def test_an_installed_package_has_its_files_inside(tmp_path: Path) -> None:
    data = tmp_path / "rag" / "_data"
    data.mkdir(parents=True)
    assert project_folder(tmp_path / "rag") == data


def test_the_wheel_maps_every_file_that_the_program_looks_for() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    mapped = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert set(mapped) == {"app.py", "prompts", "corpora", ".streamlit/config.toml"}
    for source, target in mapped.items():
        assert (PROJECT / source).exists()
        assert target == f"rag/_data/{source}"
