-- The library's first schema. Per collection and per embedding there are further tables,
-- made when they are needed (rag/store/vectors.py and keywords.py):
--   terms_<collection>              keyword index (FTS5, contentless: rowid is passages.id)
--   vectors_<embedding>             passage_id, vector: unit vector, little-endian float32
--   document_vectors_<embedding>    document_id, vector: the mean of its passages' vectors
--   codes_<embedding>               sign bits for coarse search (sqlite-vec), large collections only

CREATE TABLE collections (
    id           INTEGER PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    created      TEXT NOT NULL,                -- ISO 8601, UTC
    passages     INTEGER NOT NULL DEFAULT 0,
    generation   INTEGER NOT NULL DEFAULT 0,   -- grows with every change of what can be found
    embedding_id INTEGER                       -- the vectors that serve searches
);

CREATE TABLE embeddings (
    id            INTEGER PRIMARY KEY,
    collection_id INTEGER NOT NULL REFERENCES collections(id) ON DELETE CASCADE,
    model         TEXT NOT NULL,               -- identity of the embedding model
    dimensions    INTEGER NOT NULL CHECK (dimensions > 0),
    state         TEXT NOT NULL CHECK (state IN ('serving', 'building')),
    created       TEXT NOT NULL,
    vectors       INTEGER NOT NULL DEFAULT 0,
    vector_sum    BLOB NOT NULL,               -- sum of all vectors, little-endian float64
    mean          BLOB,                        -- what the codes are centred by, little-endian float32
    mean_vectors  INTEGER NOT NULL DEFAULT 0   -- how many vectors that mean was taken over
);
CREATE INDEX embeddings_of_collection ON embeddings(collection_id);

CREATE TABLE sources (
    collection_id INTEGER NOT NULL REFERENCES collections(id) ON DELETE CASCADE,
    root          TEXT NOT NULL,               -- absolute folder, or a name for standard input
    is_folder     INTEGER NOT NULL,            -- 1: files deleted from it leave the library too
    PRIMARY KEY (collection_id, root)
) WITHOUT ROWID;

CREATE TABLE documents (
    id                  INTEGER PRIMARY KEY,
    collection_id       INTEGER NOT NULL REFERENCES collections(id) ON DELETE CASCADE,
    root                TEXT NOT NULL,
    doc                 TEXT NOT NULL,         -- path relative to the root, with forward slashes
    title               TEXT NOT NULL,
    media_type          TEXT NOT NULL,
    sha256              TEXT,                  -- of the file's bytes; NULL where it could not be read
    size                INTEGER,               -- bytes
    mtime_ns            INTEGER,               -- NULL: look at the file again next time
    page_count          INTEGER,
    status              TEXT NOT NULL CHECK (status IN ('indexed', 'failed', 'skipped')),
    error               TEXT,
    language            TEXT,
    date                TEXT,
    characters_read     INTEGER NOT NULL DEFAULT 0,   -- non-space characters of the text
    characters_indexed  INTEGER NOT NULL DEFAULT 0,   -- of these, in passages
    passages            INTEGER NOT NULL DEFAULT 0,
    pages_without_text  TEXT NOT NULL DEFAULT '[]',   -- JSON list of 1-based pages
    page_labels         TEXT NOT NULL DEFAULT '[]',   -- JSON list of strings
    characters_left_out TEXT NOT NULL DEFAULT '{}',   -- JSON object: what was left out, and its size
    warnings            TEXT NOT NULL DEFAULT '[]',   -- JSON list of strings
    seconds             REAL NOT NULL DEFAULT 0,      -- reading and splitting
    indexed_at          TEXT NOT NULL,
    text                TEXT NOT NULL DEFAULT '',
    UNIQUE (collection_id, root, doc)
);
CREATE INDEX documents_by_name ON documents(collection_id, doc);
CREATE INDEX documents_by_hash ON documents(sha256);

CREATE TABLE passages (
    id           INTEGER PRIMARY KEY,
    document_id  INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
    ordinal      INTEGER NOT NULL,
    key          TEXT NOT NULL,                -- stable id: of the path, the ordinal and the content
    content_hash TEXT NOT NULL,
    start        INTEGER NOT NULL,             -- documents.text[start:end] is the passage, in characters
    "end"        INTEGER NOT NULL,
    first_page   INTEGER,
    last_page    INTEGER,
    token_count  INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    heading_path TEXT NOT NULL,                -- JSON list, outermost first
    context      TEXT NOT NULL,                -- from elsewhere in the document: a table's header row
    text         TEXT NOT NULL,
    UNIQUE (document_id, ordinal)
);
CREATE INDEX passages_by_content ON passages(content_hash);

CREATE TABLE conversations (
    id         INTEGER PRIMARY KEY,
    title      TEXT NOT NULL,
    collection TEXT NOT NULL,
    created    TEXT NOT NULL,
    updated    TEXT NOT NULL
);
CREATE INDEX conversations_by_time ON conversations(updated DESC, id DESC);

CREATE TABLE messages (
    id              INTEGER PRIMARY KEY,
    conversation_id INTEGER NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,
    ordinal         INTEGER NOT NULL,
    created         TEXT NOT NULL,
    question        TEXT NOT NULL,
    answer          TEXT NOT NULL,             -- the text as shown
    record          TEXT NOT NULL,             -- the whole answer as JSON
    searchable      TEXT NOT NULL,             -- question and answer, case-folded
    rating          INTEGER CHECK (rating IN (-1, 1)),
    rating_reason   TEXT,
    UNIQUE (conversation_id, ordinal)
);

CREATE TABLE citations (
    message_id   INTEGER NOT NULL REFERENCES messages(id) ON DELETE CASCADE,
    ordinal      INTEGER NOT NULL,
    marker       INTEGER NOT NULL,
    doc          TEXT NOT NULL,
    page         INTEGER,
    quote        TEXT NOT NULL,
    quote_hash   TEXT NOT NULL,
    start        INTEGER NOT NULL,
    "end"        INTEGER NOT NULL,
    passage_key  TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    supported    TEXT NOT NULL,
    origin       TEXT NOT NULL,
    PRIMARY KEY (message_id, ordinal)
) WITHOUT ROWID;
CREATE INDEX citations_by_doc ON citations(doc);
