-- What is made of the vectors, for people and their tools, and views that read like a report.
-- v_vectors is made by rag/store/views.py: it changes with the embeddings there are.

-- The nearest documents of each (rag/store/similar.py). `compared` is 0 until a document's are known.
CREATE TABLE similarities (
    document_id INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
    other_id    INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
    score       REAL NOT NULL,                 -- cosine of both vectors minus the collection's mean
    PRIMARY KEY (document_id, other_id)
) WITHOUT ROWID;
CREATE INDEX similarities_of_other ON similarities(other_id);
ALTER TABLE documents ADD COLUMN compared INTEGER NOT NULL DEFAULT 0;
CREATE INDEX documents_to_compare ON documents(collection_id) WHERE compared = 0;
ALTER TABLE embeddings ADD COLUMN document_mean BLOB;  -- what the similarities are centred by, float32

-- What else was known of a row of a table, a JSON object: columns that are not its text.
ALTER TABLE documents ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';

-- The last clustering of each collection; `passage_id` is NULL where whole documents were clustered.
CREATE TABLE clusters (
    id            INTEGER PRIMARY KEY,
    collection_id INTEGER NOT NULL REFERENCES collections(id) ON DELETE CASCADE,
    name          TEXT NOT NULL,
    terms         TEXT NOT NULL,               -- JSON list: the words that set it apart, best first
    made          TEXT NOT NULL
);
CREATE INDEX clusters_of ON clusters(collection_id);
CREATE TABLE cluster_items (
    cluster_id  INTEGER NOT NULL REFERENCES clusters(id) ON DELETE CASCADE,
    document_id INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
    passage_id  INTEGER REFERENCES passages(id) ON DELETE CASCADE,
    similarity  REAL NOT NULL                  -- to the cluster's centre
);
CREATE INDEX cluster_items_of ON cluster_items(cluster_id);
CREATE INDEX cluster_items_of_document ON cluster_items(document_id);
CREATE INDEX cluster_items_of_passage ON cluster_items(passage_id);

-- Scales that people made by examples, and where each document lies on them.
CREATE TABLE scales (
    id            INTEGER PRIMARY KEY,
    collection_id INTEGER NOT NULL REFERENCES collections(id) ON DELETE CASCADE,
    name          TEXT NOT NULL,
    examples      TEXT NOT NULL,               -- JSON object: the texts of each end or class
    made          TEXT NOT NULL,
    UNIQUE (collection_id, name)
);
CREATE TABLE scale_scores (
    scale_id    INTEGER NOT NULL REFERENCES scales(id) ON DELETE CASCADE,
    document_id INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
    class       TEXT NOT NULL,
    score       REAL NOT NULL,
    PRIMARY KEY (scale_id, document_id)
) WITHOUT ROWID;
CREATE INDEX scale_scores_of_document ON scale_scores(document_id);

CREATE VIEW v_passages AS
SELECT p.id, c.name AS collection, d.doc, d.title, d.language, d.date, p.ordinal, p.first_page AS page,
    (SELECT group_concat(value, ' › ') FROM json_each(p.heading_path)) AS heading,
    p.kind, p.text, p.start, p."end", p.token_count AS tokens, d.metadata
FROM passages AS p
JOIN documents AS d ON d.id = p.document_id
JOIN collections AS c ON c.id = d.collection_id;

CREATE VIEW v_similarities AS
SELECT c.name AS collection, d.doc, d.title, o.doc AS other_doc, o.title AS other_title, s.score
FROM similarities AS s
JOIN documents AS d ON d.id = s.document_id
JOIN documents AS o ON o.id = s.other_id
JOIN collections AS c ON c.id = d.collection_id;

CREATE VIEW v_clusters AS
SELECT c.name AS collection, k.id AS cluster, k.name, k.terms, d.doc, d.title, i.passage_id, i.similarity
FROM cluster_items AS i
JOIN clusters AS k ON k.id = i.cluster_id
JOIN documents AS d ON d.id = i.document_id
JOIN collections AS c ON c.id = k.collection_id;

CREATE VIEW v_scores AS
SELECT c.name AS collection, s.name AS scale, d.doc, d.title, x.class, x.score
FROM scale_scores AS x
JOIN scales AS s ON s.id = x.scale_id
JOIN documents AS d ON d.id = x.document_id
JOIN collections AS c ON c.id = s.collection_id;
