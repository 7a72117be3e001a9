"""What runs Footnote elsewhere names settings, commands and versions that there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped, unused-ignore]  # its stubs are another package
from typer.main import get_command

from rag.cli import app
from rag.settings import PROJECT, Settings
from rag.store.postgres.database import PSYCOPG_PIN

DEPLOY = PROJECT / "deploy"
OTHERS = {"FOOTNOTE_APP_PASSWORD"}  # read by rag/web/auth.py


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    return found


@pytest.mark.parametrize("file", ["compose.yaml", "example.env", "footnote.service", "Containerfile"])
def test_every_variable_is_a_setting(file: str) -> None:
    named = set(re.findall(r"FOOTNOTE_[A-Z_]+", (DEPLOY / file).read_text("utf-8")))
    assert named <= {f"FOOTNOTE_{name.upper()}" for name in Settings.model_fields} | OTHERS


def test_the_variables_of_compose_are_in_the_example() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+)", (DEPLOY / "compose.yaml").read_text("utf-8")))
    given = {line.partition("=")[0] for line in (DEPLOY / "example.env").read_text("utf-8").splitlines()}
    assert asked <= given


def test_services_run_commands_that_there_are(services: dict[str, Any]) -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    unit = (DEPLOY / "footnote.service").read_text("utf-8")
    (started,) = re.findall(r"^ExecStart=\S+/footnote (\w+)", unit, re.MULTILINE)
    assert {services["api"]["command"][0], started} <= set(commands)


def test_versions_are_those_of_the_requirements() -> None:
    text = (DEPLOY / "Containerfile").read_text("utf-8")
    requirements = (PROJECT / "requirements.txt").read_text("utf-8")
    (torch,) = re.findall(r"torch==\S+", text)
    assert f"\n{torch} " in requirements
    assert PSYCOPG_PIN in text


@pytest.mark.parametrize("service", ["api", "app"])
def test_services_are_published_on_this_machine_alone(services: dict[str, Any], service: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in services[service]["ports"])
    assert services[service]["environment"]["FOOTNOTE_STORE"].startswith("postgresql://")


def test_no_secret_stands_in_a_file() -> None:
    lines = Path(DEPLOY / "example.env").read_text("utf-8").splitlines()
    assert {"PGPASSWORD=", "FOOTNOTE_APP_PASSWORD="} <= set(lines)
