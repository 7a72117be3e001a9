-- An id that a search gave must never come to mean another passage or document: SQLite would give
-- the highest id again after its row was deleted.

CREATE TABLE next_ids (
    name TEXT PRIMARY KEY,
    next INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO next_ids SELECT 'passages', coalesce(max(id), 0) + 1 FROM passages;
INSERT INTO next_ids SELECT 'documents', coalesce(max(id), 0) + 1 FROM documents;
