"""Pictures in SQLite: each image once, where it stands, and its vector.

`nearest_pictures` in index.db is a `vec0` table of the vectors in `picture_vectors`, all of one model.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.interfaces import Vectors
from rag.records import Picture
from rag.store.documents import to_json
from rag.store.queries import IDS, Connection, Engine, first_row, per_engine, rows, take_ids
from rag.store.rows import storable
from rag.store.vectors import as_blob

BLANK_LINE = 2  # characters between a passage and what stands right after it
MAX_K = 4_096  # sqlite-vec's own limit
_MISSING = "FROM images WHERE id NOT IN (SELECT image_id FROM picture_vectors WHERE model = ?)"


@dataclass(frozen=True, slots=True)
class PictureRow:
    """A picture where it stands in a document; pictures of one `image_id` are the same image."""

    id: int
    image_id: int
    document_id: int
    doc: str
    title: str
    media_type: str
    page: int | None
    start: int
    width: int
    height: int
    heading_path: tuple[str, ...]
    caption: str
    around: str
    text: str


class PictureTables:
    """The pictures of a library. Raises what `SqliteStore` raises."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def of_collection(self, collection: str) -> list[PictureRow]:
        """Every picture of a collection, by document and place."""
        return self._where("c.name = ?", collection)

    def beside(self, document_id: int, start: int, end: int) -> list[PictureRow]:
        """The pictures that stand in, or right after, a stretch of a document's text."""
        return self._where("d.id = ? AND start BETWEEN ? AND ?", document_id, start, end + BLANK_LINE)

    def _where(self, condition: str, *values: str | int) -> list[PictureRow]:
        with self._database.read() as db:
            found = rows(
                db,
                "SELECT p.id, image_id, d.id, doc, title, media_type, page, start, width, height,"
                " heading_path, caption, around, p.text FROM pictures AS p"
                " JOIN images AS i ON i.id = image_id JOIN documents AS d ON d.id = document_id"
                " JOIN collections AS c ON c.id = collection_id"
                f" WHERE {condition} ORDER BY doc, d.id, ordinal",
                values,
            )
        return [PictureRow(*(*row[:10], tuple(json.loads(row[10])), *row[11:])) for row in found]

    def any(self) -> bool:
        """Whether there is a picture at all."""
        with self._database.read() as db:
            return bool(rows(db, "SELECT 1 FROM pictures LIMIT 1"))

    def thumbnails(self, image_ids: Sequence[int]) -> dict[int, bytes]:
        """The small copies of images, JPEG, by id."""
        with self._database.read() as db:
            wanted = json.dumps(list(image_ids))
            sql = f"SELECT id, thumbnail FROM images WHERE id IN {IDS}"
            return dict(rows(db, sql, (wanted,)))

    def missing(self, model: str) -> int:
        """How many images have no vector of this model."""
        with self._database.read() as db:
            return int(first_row(db, f"SELECT count(*) {_MISSING}", (model,))[0])

    def without_vector(self, model: str, limit: int) -> list[tuple[int, bytes]]:
        """The next images that have no vector of this model, with their small copies."""
        with self._database.read() as db:
            return rows(db, f"SELECT id, thumbnail {_MISSING} ORDER BY id LIMIT ?", (model, limit))

    def add_vectors(self, model: str, image_ids: Sequence[int], embedded: Vectors) -> None:
        """Stores unit vectors, shape (images, dimensions); those of another model make room for them."""
        with self._database.write() as db:
            if rows(db, "SELECT 1 FROM picture_vectors WHERE model <> ? LIMIT 1", (model,)):
                db.execute("DELETE FROM picture_vectors WHERE model <> ?", (model,))
                drop_index(db)
            db.executemany(
                "INSERT INTO picture_vectors SELECT ?1, ?2, ?3"
                " WHERE EXISTS (SELECT 1 FROM images WHERE id = ?1)"
                " ON CONFLICT (image_id) DO UPDATE SET model = excluded.model, vector = excluded.vector",
                ((id_, model, as_blob(row)) for id_, row in zip(image_ids, embedded, strict=True)),
            )
            catch_up(db)

    def vector(self, model: str, image_id: int) -> Vectors | None:
        """The vector of an image; None where it has none of this model."""
        with self._database.read() as db:
            found = rows(
                db, "SELECT vector FROM picture_vectors WHERE model = ? AND image_id = ?", (model, image_id)
            )
        return np.frombuffer(found[0][0], dtype="<f4") if found else None

    def model(self) -> str | None:
        """The model of the vectors there are; None where there are none."""
        with self._database.read() as db:
            found = rows(db, "SELECT model FROM picture_vectors LIMIT 1")
        return str(found[0][0]) if found else None

    def nearest(self, collection: str, vector: Vectors, limit: int) -> list[tuple[int, float]]:
        """(image id, cosine) of the nearest images of a collection, best first, ties by id."""
        with self._database.read() as db:
            found = nearest(db, collection, vector, limit)
        return sorted(found, key=lambda one: (-one[1], one[0]))


@per_engine
def nearest(db: Connection, collection: str, vector: Vectors, limit: int) -> list[tuple[int, float]]:
    """(image id, cosine) of the nearest images of a collection, in no order."""
    if not _is_indexed(db):
        return []
    return rows(
        db,
        "SELECT image_id, 1 - distance FROM search.nearest_pictures WHERE vector MATCH ? AND k = ?"
        " AND image_id IN (SELECT image_id FROM main.pictures"
        " JOIN main.documents AS d ON d.id = document_id"
        " JOIN main.collections AS c ON c.id = collection_id WHERE c.name = ?)",
        (as_blob(vector), min(limit, MAX_K), collection),
    )


def insert(db: Connection, document_id: int, pictures: Sequence[Picture]) -> None:
    """Stores a document's pictures; images that are there already are not stored again."""
    if not pictures:
        return
    first = take_ids(db, "pictures", len(pictures))
    for ordinal, one in enumerate(pictures):
        image_id = _image(db, one)
        db.execute(
            "INSERT INTO pictures(id, document_id, ordinal, image_id, page, start, heading_path, caption,"
            " around, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(first + ordinal, document_id, ordinal, image_id, one.page, one.start),
                to_json([storable(heading) for heading in one.heading_path]),
                *map(storable, (one.caption, one.around, one.text)),
            ),
        )


def _image(db: Connection, one: Picture) -> int:
    known = rows(db, "SELECT id FROM images WHERE content_hash = ?", (one.content_hash,))
    if known:
        return int(known[0][0])
    id_ = take_ids(db, "images")
    values = (id_, one.content_hash, one.width, one.height, one.thumbnail)
    db.execute("INSERT INTO images VALUES (?, ?, ?, ?, ?)", values)
    return id_


def of_document(db: Connection, document_id: int) -> tuple[Picture, ...]:
    """A document's pictures as its reader gave them."""
    found = rows(
        db,
        "SELECT content_hash, thumbnail, width, height, start, page, heading_path, caption, around, text"
        " FROM pictures JOIN images ON images.id = image_id WHERE document_id = ? ORDER BY ordinal",
        (document_id,),
    )
    return tuple(Picture(*(*row[:6], tuple(json.loads(row[6])), *row[7:])) for row in found)


def images_of(db: Connection, document_id: int) -> list[int]:
    """The ids of the images that a document shows."""
    return [id_ for (id_,) in rows(db, "SELECT image_id FROM pictures WHERE document_id = ?", (document_id,))]


def drop_unused(db: Connection, image_ids: Sequence[int] | None = None) -> None:
    """Removes those of these images, or of all, that no document shows any more."""
    if image_ids is not None and not image_ids:
        return
    among = "" if image_ids is None else f" AND id IN {IDS}"
    values = () if image_ids is None else (json.dumps(list(image_ids)),)
    gone = rows(
        db, f"DELETE FROM images WHERE id NOT IN (SELECT image_id FROM pictures){among} RETURNING id", values
    )
    take_out(db, gone)


@per_engine
def take_out(db: Connection, image_ids: Sequence[tuple[int]]) -> None:
    """Takes images out of the index."""
    if image_ids and _is_indexed(db):
        db.executemany("DELETE FROM search.nearest_pictures WHERE image_id = ?", image_ids)


@per_engine
def catch_up(db: Connection) -> None:
    """Makes the index hold the vectors that there are, and no others."""
    found = rows(db, "SELECT length(vector) / 4 FROM picture_vectors LIMIT 1")
    if not found:
        drop_index(db)
        return
    if not _is_indexed(db):
        db.execute(
            "CREATE VIRTUAL TABLE search.nearest_pictures USING vec0(image_id INTEGER PRIMARY KEY,"
            f" vector float[{found[0][0]}] distance_metric=cosine, chunk_size=64)"
        )
    indexed = "SELECT rowid FROM search.nearest_pictures_rowids"
    stray = rows(db, f"{indexed} EXCEPT SELECT image_id FROM picture_vectors")
    db.executemany("DELETE FROM search.nearest_pictures WHERE image_id = ?", stray)
    missing = rows(
        db,
        f"SELECT image_id, vector FROM picture_vectors WHERE image_id NOT IN ({indexed}) ORDER BY image_id",
    )
    db.executemany("INSERT INTO search.nearest_pictures(image_id, vector) VALUES (?, ?)", missing)


@per_engine
def drop_index(db: Connection) -> None:
    """Removes the index of pictures."""
    db.execute("DROP TABLE IF EXISTS search.nearest_pictures")


def _is_indexed(db: Connection) -> bool:
    return bool(rows(db, "SELECT 1 FROM search.sqlite_schema WHERE name = 'nearest_pictures'"))
