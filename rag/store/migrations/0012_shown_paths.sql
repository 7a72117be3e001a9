-- How a document is called where its path alone would be that of others too, of other folders; else NULL.
ALTER TABLE documents ADD COLUMN shown TEXT;
CREATE INDEX documents_by_shown ON documents(collection_id, shown) WHERE shown IS NOT NULL;
