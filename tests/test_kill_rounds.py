"""Killed in whatever it does, the library loses nothing (the long form: `python -m tests.kill_rounds`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kill_rounds import rounds


@pytest.mark.slow
def test_nothing_is_lost_by_a_kill(tmp_path: Path) -> None:
    fell, lost = rounds(8, tmp_path, seed=7)
    assert lost == []
    assert fell.total() == 8
