-- How many vectors were added or removed since the mean was taken: a collection whose documents are
-- replaced keeps its size, and its mean still moves.
ALTER TABLE embeddings ADD COLUMN mean_changes INTEGER NOT NULL DEFAULT 0;
