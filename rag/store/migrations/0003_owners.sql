-- Who alone sees a collection or a conversation, by the name the sign-in gives; '' is everybody.
ALTER TABLE collections ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE conversations ADD COLUMN owner TEXT NOT NULL DEFAULT '';
CREATE INDEX conversations_of ON conversations(owner, updated);
