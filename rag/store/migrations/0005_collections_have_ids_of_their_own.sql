-- What was read of a collection or an embedding is kept in memory under its id: neither may come to
-- mean another one, in this process or in those that look on.
INSERT INTO next_ids SELECT 'collections', coalesce(max(id), 0) + 1 FROM collections;
INSERT INTO next_ids SELECT 'embeddings', coalesce(max(id), 0) + 1 FROM embeddings;
