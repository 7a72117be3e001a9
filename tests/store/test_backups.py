"""Dated backups in a folder: whole, and thinned so that the recent past is kept more closely."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rag.errors import LibraryDamaged
from rag.store import open_store
from rag.store.backups import back_up, backups_in, needed
from rag.store.database import require_sound

NOON = datetime(2031, 5, 20, 12, tzinfo=UTC)


def test_a_year_of_backups_is_kept_by_days_weeks_and_months() -> None:
    times = {NOON - timedelta(hours=6 * number) for number in range(4 * 400)}
    kept = sorted(needed(times), reverse=True)
    assert [(NOON.date() - time.date()).days for time in kept[:7]] == list(range(7))
    assert len(kept) <= 7 + 4 + 12
    assert {(time.year, time.month) for time in kept} >= {(2030, month) for month in range(6, 13)}
    assert needed(kept) == set(kept), "thinning again removes nothing"


@pytest.mark.parametrize("days", [1, 3, 30])
def test_thinning_as_they_are_made_keeps_the_newest_and_an_old_one(days: int) -> None:
    kept: set[datetime] = set()
    for number in range(200):
        newest = NOON + timedelta(days=days * number)
        kept = needed(kept | {newest})
        assert newest in kept
    assert min(kept) <= newest - timedelta(days=21)


def test_a_backup_is_whole_and_only_dated_ones_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    with open_store(tmp_path / "library.db") as store:
        store.add_collection("letters")
        for number in range(30):
            made = back_up(store, folder, now=NOON + timedelta(minutes=number))
            (folder / "footnote-before-the-move.db").touch()
    assert list(backups_in(folder).values()) == [made]
    assert (folder / "footnote-before-the-move.db").exists()
    require_sound(made)


def test_a_copy_that_is_not_whole_goes_and_the_older_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(path: Path) -> None:
        raise LibraryDamaged(f"{path} is damaged")

    with open_store(tmp_path / "library.db") as store:
        good = back_up(store, tmp_path / "copies", now=NOON)
        monkeypatch.setattr("rag.store.database.require_sound", damaged)
        with pytest.raises(LibraryDamaged):
            back_up(store, tmp_path / "copies", now=NOON + timedelta(hours=1))
    assert list(backups_in(tmp_path / "copies").values()) == [good]
