-- This file has been shipped: never edit it, add the next number instead.

-- How a webhook came: whose secret fitted, and its headers. Nearly all are alike, so each is written once.
CREATE TABLE event_head (
    id      INTEGER PRIMARY KEY,
    -- The account of the config that the secret belongs to.
    secret  TEXT NOT NULL,
    headers TEXT NOT NULL,
    UNIQUE (secret, headers)
) STRICT;
ALTER TABLE event ADD COLUMN head INTEGER REFERENCES event_head (id);
-- The signature as it came; without it nobody could pass the webhook on as it was.
ALTER TABLE event ADD COLUMN signature BLOB CHECK (length(signature) = 32);
-- Microseconds from the end of the headers until it was durable. Written a moment later, with others; unknown
-- for most of a flood.
ALTER TABLE event ADD COLUMN took INTEGER;
-- It did not come in: a person had that one applied again.
ALTER TABLE event ADD COLUMN replay_of INTEGER REFERENCES event (id);

-- Columns of rows that are rarely changed, as JSON: [[table, id, column, before, after], ...].
ALTER TABLE event_effect ADD COLUMN changes TEXT;

-- The bytes of all bodies up to this one, so that the size of what is kept is one subtraction.
ALTER TABLE event_body ADD COLUMN total INTEGER;

-- Bodies up to this one are as short as their age and the config allow: emptied, or kept for a reason.
CREATE TABLE event_pruned (upto INTEGER NOT NULL) STRICT;
INSERT INTO event_pruned VALUES (0);

-- Requests that left no event: refused ones and challenges, the newest. Never a body, a query or a signature.
CREATE TABLE arrival (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The newest event then: its place among them.
    after  INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    code   INTEGER NOT NULL,
    took   INTEGER NOT NULL,
    why    TEXT NOT NULL,
    method TEXT NOT NULL,
    path   TEXT NOT NULL,
    -- As the headers say, which anybody may write.
    peer   TEXT,
    agent  TEXT,
    length INTEGER
) STRICT;
CREATE INDEX arrival_place ON arrival (after, id);
