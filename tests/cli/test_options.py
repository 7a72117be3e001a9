"""Every command takes the options that README says all take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from rag.cli import app

LLM_NAMES = {"embed-multi", "similar"}
"""They take the options of another program, so that scripts for it run."""
NO_RESULT = {"app", "batch", "bench", "models pull", "models use", "models remove", "mcp"}
"""They print nothing, or to a file; `bench` passes its options on."""


def commands(group: Any, path: str = "") -> Iterator[tuple[str, set[str]]]:
    for name, command in group.commands.items():
        own = f"{path} {name}".strip()
        if hasattr(command, "commands"):
            yield from commands(command, own)
        else:
            yield own, {option for parameter in command.params for option in parameter.opts}


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - LLM_NAMES))
def test_a_command_takes_the_common_options(name: str) -> None:
    expected = {"--library", "--collection"} if name != "bench" else set()
    expected |= {"--json"} if name not in NO_RESULT else set()
    assert expected <= COMMANDS[name]
