-- Questions that a chat model wrote for passages while the machine was idle (rag/explore/questions.py). They
-- belong to what a passage says, not to its row: a file that is read again keeps them.
CREATE TABLE passage_questions (
    id            INTEGER PRIMARY KEY,
    collection_id INTEGER NOT NULL REFERENCES collections(id) ON DELETE CASCADE,
    content_hash  TEXT NOT NULL,               -- of the passages that answer it
    question      TEXT NOT NULL,               -- '' where the model wrote none of use
    kept          INTEGER NOT NULL,            -- whether it found its passage: only then is it searched
    writer        TEXT NOT NULL,               -- the chat model
    seconds       REAL NOT NULL,               -- that it took to write and try
    model         TEXT,                        -- the embedding model of the vector
    vector        BLOB,                        -- unit length, little-endian float32
    made          TEXT NOT NULL,
    unused        INTEGER NOT NULL DEFAULT 0,  -- a passage that it belongs to has gone: perhaps the last
    UNIQUE (collection_id, content_hash)
);
CREATE INDEX passage_questions_by_content ON passage_questions(content_hash);
CREATE INDEX passage_questions_unused ON passage_questions(collection_id) WHERE unused = 1;
CREATE FUNCTION passage_questions_lose_a_passage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE passage_questions SET unused = 1 WHERE content_hash = OLD.content_hash;
    RETURN OLD;
END
$$;
CREATE TRIGGER passage_questions_lose_a_passage AFTER DELETE ON passages
    FOR EACH ROW EXECUTE FUNCTION passage_questions_lose_a_passage();

CREATE VIEW v_questions AS
SELECT c.name AS collection, d.doc, d.title, p.first_page AS page, p.id AS passage_id, q.question, q.writer,
    q.seconds, q.made
FROM passage_questions AS q
JOIN collections AS c ON c.id = q.collection_id
JOIN documents AS d ON d.collection_id = c.id
JOIN passages AS p ON p.document_id = d.id AND p.content_hash = q.content_hash
WHERE q.kept = 1;
