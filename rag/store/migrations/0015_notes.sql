-- What a person keeps: an answer, an excerpt or words of their own, with the places it rests on.
CREATE TABLE notes (
    id         INTEGER PRIMARY KEY,
    owner      TEXT NOT NULL DEFAULT '',     -- as of conversations
    title      TEXT NOT NULL,
    text       TEXT NOT NULL,                -- Markdown; [1] cites the first source
    collection TEXT NOT NULL,
    record     TEXT NOT NULL,                -- JSON: the citations, and their passages as they were
    searchable TEXT NOT NULL,                -- title and text, case-folded
    created    TEXT NOT NULL,
    updated    TEXT NOT NULL
);
CREATE INDEX notes_of ON notes(owner, updated);

-- Questions of the app that have no answer yet: they are asked again after a crash.
CREATE TABLE pending_questions (
    id              INTEGER PRIMARY KEY,
    conversation_id INTEGER NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,
    request         TEXT NOT NULL,           -- JSON: all that was asked for
    created         TEXT NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0   -- how often the app has taken it up again
);
CREATE INDEX pending_questions_of ON pending_questions(conversation_id);

-- What a model is told about all answers from a collection.
ALTER TABLE collections ADD COLUMN instruction TEXT NOT NULL DEFAULT '';

-- The collection of the files attached to a conversation; '' where there are none.
ALTER TABLE conversations ADD COLUMN attached TEXT NOT NULL DEFAULT '';
