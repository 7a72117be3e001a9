-- The pictures of documents: each image once, however many documents show it, with a small copy.
CREATE TABLE images (
    id           INTEGER PRIMARY KEY,
    content_hash TEXT NOT NULL UNIQUE,         -- of the small copy
    width        INTEGER NOT NULL,             -- of the picture itself, in pixels
    height       INTEGER NOT NULL,
    thumbnail    BLOB NOT NULL                 -- JPEG
);
CREATE TABLE pictures (
    id           INTEGER PRIMARY KEY,
    document_id  INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
    ordinal      INTEGER NOT NULL,
    image_id     INTEGER NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    page         INTEGER,
    start        INTEGER NOT NULL,             -- documents.text[start:] stands after it
    heading_path TEXT NOT NULL,                -- JSON list, outermost first
    caption      TEXT NOT NULL,
    around       TEXT NOT NULL,                -- the text before and after it
    text         TEXT NOT NULL,                -- what Tesseract reads on it
    UNIQUE (document_id, ordinal)
);
CREATE INDEX pictures_of_image ON pictures(image_id);

-- All of one model; nearest_pictures in index.db finds the nearest of them.
CREATE TABLE picture_vectors (
    image_id INTEGER PRIMARY KEY REFERENCES images(id) ON DELETE CASCADE,
    model    TEXT NOT NULL,
    vector   BLOB NOT NULL                     -- unit length, little-endian float32
);
INSERT INTO next_ids VALUES ('images', 1), ('pictures', 1);

CREATE VIEW v_pictures AS
SELECT p.id, c.name AS collection, d.doc, d.title, p.page, p.caption, p.around, p.text, i.width, i.height,
    i.content_hash, i.thumbnail
FROM pictures AS p
JOIN images AS i ON i.id = p.image_id
JOIN documents AS d ON d.id = p.document_id
JOIN collections AS c ON c.id = d.collection_id;
