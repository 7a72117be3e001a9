"""Pictures in the library: stored once, found by words and by likeness, forgotten with their documents."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.explore.pictures import PictureHit, find_pictures, gallery, similar_pictures
from rag.ingest import embed_pictures
from rag.readers import ocr
from rag.store import SqliteStore, open_store
from rag.store.salvage import salvage
from rag.store.transfer import copy_collection
from tests.fakes.ingest import WordEmbedder, run
from tests.fakes.pictures import ColourModel, album, picture_file


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteStore]:
    """The album, without vectors."""
    monkeypatch.setattr(ocr, "programs", list)
    (tmp_path / "album").mkdir()
    album(tmp_path / "album")
    with open_store(tmp_path / "library.db") as opened:
        run(opened, WordEmbedder(), tmp_path / "album")
        yield opened


def embedded(store: SqliteStore) -> ColourModel:
    model = ColourModel()
    list(embed_pictures(store, model))
    return model


def docs(hits: list[PictureHit]) -> list[str]:
    return [hit.picture.doc for hit in hits]


def test_a_picture_in_two_places_is_one_image(store: SqliteStore) -> None:
    shown = gallery(store.pictures.of_collection("default"))
    assert [(hit.picture.doc, [other.doc for other in hit.others]) for hit in shown] == [
        ("copy.png", ["harbour.docx"]),
        ("harbour.docx", []),
        ("night.png", []),
    ]


def test_without_a_model_the_words_of_a_picture_find_it(store: SqliteStore) -> None:
    def found(query: str) -> list[str]:
        hits = find_pictures(query, store=store, collection="default", embedder=ColourModel())
        return [hit.picture.caption or hit.picture.doc for hit in hits]

    assert found("northern mole") == ["Buoy off the northern mole"]
    assert found("the inner buoy")[0] == "Figure 2: The inner buoy"
    assert found("night") == ["night.png"]
    assert found("zebra") == []


def test_a_passage_finds_the_picture_in_it(store: SqliteStore) -> None:
    hits = [hit for hit in store.hits(range(1, 9)) if "Ships pass" in hit.passage.text]
    found = find_pictures("vessels", store=store, collection="default", embedder=None, passages=hits)
    assert {hit.picture.doc for hit in found} == {"harbour.docx"}
    assert all(set(hit.signals) == {"passages"} for hit in found)


def test_with_a_model_what_a_picture_shows_finds_it(store: SqliteStore) -> None:
    model = embedded(store)
    assert model.seen == 3
    assert list(embed_pictures(store, model)) == []
    hits = find_pictures("blue", store=store, collection="default", embedder=model)
    assert docs(hits)[0] == "night.png"
    assert hits[0].signals["picture"] > hits[1].signals["picture"]


def test_similar_pictures_need_no_model(store: SqliteStore) -> None:
    model = embedded(store)
    rows = store.pictures.of_collection("default")
    (green,) = {row.image_id for row in rows if "inner" in row.caption}
    hits = similar_pictures(green, store=store, collection="default", embedder=None)
    assert len(hits) == 2
    assert green not in {hit.picture.image_id for hit in hits}
    like = similar_pictures(picture_file("blue"), store=store, collection="default", embedder=model, count=1)
    assert docs(like) == ["night.png"]


def test_embedding_goes_on_where_it_stopped(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.ingest.pictures.BATCH_PICTURES", 1)
    first, second = ColourModel(), ColourModel()
    stops = iter([False, True])
    list(embed_pictures(store, first, cancelled=lambda: next(stops)))
    assert store.pictures.missing("colours") == 2
    list(embed_pictures(store, second))
    assert (first.seen, second.seen) == (1, 2)


def test_another_model_takes_the_place_of_the_first(store: SqliteStore) -> None:
    embedded(store)
    other = ColourModel()
    other.identity = "other"
    list(embed_pictures(store, other))
    assert (store.pictures.model(), other.seen, store.pictures.missing("other")) == ("other", 3, 0)
    hits = find_pictures("red", store=store, collection="default", embedder=ColourModel())
    assert not any("picture" in hit.signals for hit in hits)


def test_an_image_leaves_with_the_last_document_that_shows_it(store: SqliteStore) -> None:
    embedded(store)
    by_doc = {row.doc: row.id for row in store.report("default")}

    def kept() -> tuple[int, int]:
        with store.database.read() as db:
            (images,) = db.execute("SELECT count(*) FROM images").fetchall()[0]
            (indexed,) = db.execute("SELECT count(*) FROM search.nearest_pictures").fetchall()[0]
        return int(str(images)), int(str(indexed))

    store.remove_documents("default", [by_doc["copy.png"]])
    assert kept() == (3, 3)
    store.remove_documents("default", [by_doc["harbour.docx"]])
    assert kept() == (1, 1)
    store.remove_collection("default")
    assert kept()[0] == 0


def test_a_document_read_again_keeps_the_vectors_of_its_pictures(store: SqliteStore, tmp_path: Path) -> None:
    model = embedded(store)
    picture = tmp_path / "album" / "night.png"
    picture.write_bytes(picture.read_bytes() + b"\0")
    assert run(store, WordEmbedder(), tmp_path / "album").updated == 1
    assert store.pictures.missing(model.identity) == 0


def test_any_sqlite_reads_pictures_and_the_index_is_made_again(store: SqliteStore) -> None:
    model = embedded(store)
    with sqlite3.connect(store.path) as plain:
        assert plain.execute("SELECT count(*), max(width) FROM v_pictures").fetchone() == (4, 300)
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    store.database.make_index_again()
    red = model.embed_texts(["red"])[0]
    assert len(store.pictures.nearest("default", red, 10)) == 3
    assert store.pictures.nearest("another", red, 10) == []
    assert [finding for finding in store.check() if finding.problem] == []


def test_pictures_go_with_a_collection_to_another_library(store: SqliteStore, tmp_path: Path) -> None:
    with open_store(tmp_path / "other.db") as other:
        list(copy_collection(store, other, "default"))
        copied = [(row.doc, row.caption) for row in other.pictures.of_collection("default")]
    assert copied == [(row.doc, row.caption) for row in store.pictures.of_collection("default")]


def test_pictures_are_saved_from_a_damaged_library(store: SqliteStore) -> None:
    embedded(store)
    store.close()
    salvage(store.path)
    with open_store(store.path) as mended:
        assert len(mended.pictures.of_collection("default")) == 4
        assert mended.pictures.model() == "colours"
