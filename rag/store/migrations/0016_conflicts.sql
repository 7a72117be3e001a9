-- Statements of different documents that give the same thing two values (rag/answer/collection_conflicts.py).
-- The offsets are those of the document's text. `conflicts_of` is what they were found in: the generation of
-- the collection and the day, since a version may come into force overnight; "" until they are looked for.
ALTER TABLE collections ADD COLUMN conflicts_of TEXT NOT NULL DEFAULT '';
CREATE TABLE conflicts (
    id             INTEGER PRIMARY KEY,
    collection_id  INTEGER NOT NULL REFERENCES collections(id) ON DELETE CASCADE,
    kind           TEXT NOT NULL,              -- number, amount, date, duration, time, phone or person
    first_passage  INTEGER NOT NULL REFERENCES passages(id) ON DELETE CASCADE,
    first_start    INTEGER NOT NULL,           -- documents.text[first_start:first_end] is the statement
    first_end      INTEGER NOT NULL,
    first_value    TEXT NOT NULL,              -- as written
    first_value_at INTEGER NOT NULL,           -- where it begins
    first_date     TEXT,                       -- ISO 8601, from the content; NULL of none
    second_passage  INTEGER NOT NULL REFERENCES passages(id) ON DELETE CASCADE,
    second_start    INTEGER NOT NULL,
    second_end      INTEGER NOT NULL,
    second_value    TEXT NOT NULL,
    second_value_at INTEGER NOT NULL,
    second_date     TEXT
);
CREATE INDEX conflicts_of_collection ON conflicts(collection_id);
CREATE INDEX conflicts_of_first ON conflicts(first_passage);
CREATE INDEX conflicts_of_second ON conflicts(second_passage);

CREATE VIEW v_conflicts AS
SELECT c.name AS collection, k.kind,
    d.doc, d.title, p.first_page AS page, substr(d.text, k.first_start + 1, k.first_end - k.first_start) AS quote,
    k.first_value AS value, k.first_date AS date,
    o.doc AS other_doc, o.title AS other_title, q.first_page AS other_page,
    substr(o.text, k.second_start + 1, k.second_end - k.second_start) AS other_quote,
    k.second_value AS other_value, k.second_date AS other_date
FROM conflicts AS k
JOIN collections AS c ON c.id = k.collection_id
JOIN passages AS p ON p.id = k.first_passage
JOIN documents AS d ON d.id = p.document_id
JOIN passages AS q ON q.id = k.second_passage
JOIN documents AS o ON o.id = q.document_id;
