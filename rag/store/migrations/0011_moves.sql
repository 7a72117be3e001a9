-- The paths that documents had before their files were moved: saved answers name them by these.
CREATE TABLE moves (
    collection_id INTEGER NOT NULL REFERENCES collections(id) ON DELETE CASCADE,
    was           TEXT NOT NULL,   -- an earlier documents.doc
    doc           TEXT NOT NULL,   -- documents.doc now
    PRIMARY KEY (collection_id, was)
) WITHOUT ROWID;
