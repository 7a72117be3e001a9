-- Web pages that were fetched into the collection's page folder (documents.root), by their addresses.
CREATE TABLE pages (
    collection_id INTEGER NOT NULL REFERENCES collections(id) ON DELETE CASCADE,
    url           TEXT NOT NULL,   -- as it was asked for
    doc           TEXT NOT NULL,   -- the file below the page folder
    fetched       TEXT NOT NULL,   -- ISO 8601, UTC: when the server last said what the page is
    etag          TEXT,            -- what the server knows this version by
    modified      TEXT,            -- its Last-Modified
    PRIMARY KEY (collection_id, url)
) WITHOUT ROWID;
