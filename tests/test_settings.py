"""Settings from the library's file, variables and options, and how changed ones are written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rag.errors import UsageError
from rag.search.ranking import DEFAULT_RANKING, Ranking
from rag.settings import SETTINGS_FILE, load_settings, save_settings


def test_a_rankings_fields_come_from_file_variable_and_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / SETTINGS_FILE).write_text(
        '[ranking]\nkeyword_weight = 0.8\nreranked = 5\nfusion = "ranks"\n', encoding="utf-8"
    )
    monkeypatch.setenv("FOOTNOTE_RANKING__RERANKED", "7")
    settings = load_settings(library=tmp_path, ranking={"candidates": 50})
    assert settings.ranking == Ranking(candidates=50, reranked=7, keyword_weight=0.8, fusion="ranks")
    assert load_settings(library=tmp_path / "other").ranking == replace(DEFAULT_RANKING, reranked=7)


@pytest.mark.parametrize(
    ("ranking", "message"),
    [
        ({"keyword_weight": -1}, "ranking.keyword_weight: Input should be greater than or equal to 0"),
        ({"keyword_weight": float("nan")}, "ranking.keyword_weight"),
        ({"fusion": "sum"}, "ranking.fusion: Input should be 'scores' or 'ranks'"),
        ({"speed": 9}, "ranking.speed: Unexpected"),
        ({"candidates": 0}, "ranking.candidates"),
        ({"dense_weight": 0, "keyword_weight": 0}, "both 0, so nothing is searched"),
    ],
)
def test_a_ranking_outside_its_limits_is_refused(
    tmp_path: Path, ranking: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        load_settings(library=tmp_path, ranking=ranking)


def test_a_saved_ranking_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    save_settings(tmp_path, {"top_k": 30, "ranking": {"keyword_weight": 0.8, "reranked": 5}})
    assert save_settings(tmp_path, {"ranking": {"fusion": "ranks"}}).ranking == Ranking(fusion="ranks")
    assert (tmp_path / SETTINGS_FILE).read_text(encoding="utf-8") == (
        'top_k = 30\n\n[ranking]\nfusion = "ranks"\n'
    )
    assert save_settings(tmp_path, {"ranking": {}}).ranking == DEFAULT_RANKING
    assert (tmp_path / SETTINGS_FILE).read_text(encoding="utf-8") == "top_k = 30\n"
    with pytest.raises(UsageError, match="reranked"):
        save_settings(tmp_path, {"ranking": {"reranked": -1}})
    assert (tmp_path / SETTINGS_FILE).read_text(encoding="utf-8") == "top_k = 30\n"


def test_a_ranking_tells_what_differs_from_what_is_shipped() -> None:
    assert DEFAULT_RANKING.changed() == {}
    assert Ranking(keyword_weight=0.9, fusion="ranks").changed() == {"keyword_weight": 0.9, "fusion": "ranks"}


@pytest.mark.parametrize("damaged", [b"top_k = [", b"top_k = 20\n# \xb6", b"[ranking]\n[ranking]\n"])
def test_a_damaged_file_of_settings_is_named(tmp_path: Path, damaged: bytes) -> None:
    """Bytes that are not UTF-8, or not TOML, ended in a traceback."""
    (tmp_path / SETTINGS_FILE).write_bytes(damaged)
    for read in (lambda: load_settings(library=tmp_path), lambda: save_settings(tmp_path, {"top_k": 5})):
        with pytest.raises(UsageError, match=r"settings\.toml cannot be read: .* Mend or remove it"):
            read()
    assert (tmp_path / SETTINGS_FILE).read_bytes() == damaged
