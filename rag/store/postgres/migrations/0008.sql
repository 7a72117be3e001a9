-- The indexes are in the same database, so that no stamp is needed. What SQLite has in index.db:
CREATE TABLE vector_indexes (
    embedding_id INTEGER PRIMARY KEY REFERENCES embeddings(id) ON DELETE CASCADE,
    kind         TEXT NOT NULL,      -- half or graph
    mean         BLOB NOT NULL,      -- what was subtracted from the vectors, little-endian float32
    mean_vectors INTEGER NOT NULL,   -- how many vectors the mean was taken over
    changes      INTEGER NOT NULL    -- vectors added or removed since
);
ALTER TABLE embeddings DROP COLUMN mean;
ALTER TABLE embeddings DROP COLUMN mean_vectors;
ALTER TABLE embeddings DROP COLUMN mean_changes;
