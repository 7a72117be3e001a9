"""`footnote mcp` as a client starts it, over standard input and output."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client

from rag.cli import serving
from rag.errors import UsageError
from rag.library import Library


@pytest.mark.slow
def test_a_client_starts_it_and_asks(sample_library: Library, tmp_path: Path) -> None:
    """Standard output carries the protocol alone: the client refuses anything else."""
    command = ["-m", "rag", "mcp", "--library", str(sample_library.settings.library)]
    env = os.environ | {"FOOTNOTE_SECOND_EMBEDDING_MODEL": "all-minilm-l6-v2"}
    parameters = StdioServerParameters(command=sys.executable, args=command, env=env)

    async def ask() -> dict[str, Any]:
        with (tmp_path / "errors.txt").open("w", encoding="utf-8") as errors:
            async with Client(stdio_client(parameters, errlog=errors)) as client:
                question = {"question": "How many days of leave does a new employee get?"}
                result = await client.call_tool("ask", question)
                assert not result.is_error, result.content
                assert result.structured_content is not None
                return dict(result.structured_content)

    answer = asyncio.run(ask())
    quotes = answer["quotes"]
    assert isinstance(quotes, list)
    assert "Thirty working days" in quotes[0]["quote"]
    assert (tmp_path / "errors.txt").read_text(encoding="utf-8") == ""


def test_without_the_package_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=rf"pip install {serving.MCP_PIN}$"):
        serving.require_mcp()
