-- What stock SQLite cannot open (sqlite-vec's tables, contentless FTS5) leaves this file for index.db
-- beside it, which is made again from the rows here when it is missing. The stamp changes with every
-- transaction; index.db carries it too, so the two files tell whether they are of the same moment.
-- The virtual tables of this file are dropped by rag/store/schema.py: their names are not known here.
CREATE TABLE index_state (
    stamp        TEXT NOT NULL,
    stamp_before TEXT NOT NULL
);
INSERT INTO index_state VALUES (lower(hex(randomblob(8))), '');
ALTER TABLE embeddings DROP COLUMN mean;
ALTER TABLE embeddings DROP COLUMN mean_vectors;
ALTER TABLE embeddings DROP COLUMN mean_changes;
