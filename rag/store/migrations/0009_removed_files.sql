-- Files that a person removed though their folder still holds them: an ingest leaves them out.
CREATE TABLE removed (
    collection_id INTEGER NOT NULL REFERENCES collections(id) ON DELETE CASCADE,
    root          TEXT NOT NULL,
    doc           TEXT NOT NULL,
    removed       TEXT NOT NULL,   -- ISO 8601, UTC
    PRIMARY KEY (collection_id, root, doc)
) WITHOUT ROWID;
