-- This file has been shipped: never edit it, add the next number instead.

-- A file of ours that goes out: uploaded once per account and content, however many messages it belongs
-- to. Meta's id of it is good for 30 days.
CREATE TABLE upload (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account     INTEGER NOT NULL REFERENCES account (id),
    sha256      TEXT NOT NULL,
    mime_type   TEXT NOT NULL,
    -- Relative to the data directory.
    path        TEXT NOT NULL,
    file_name   TEXT NOT NULL,
    size        INTEGER NOT NULL,
    media_id    TEXT,
    uploaded_at INTEGER,
    UNIQUE (account, sha256, mime_type),
    CHECK ((media_id IS NULL) = (uploaded_at IS NULL))
) STRICT;

-- Of a message: the upload it waits for, and with it its lane. The row of an upload has it as its lane.
ALTER TABLE outbox ADD COLUMN upload INTEGER REFERENCES upload (id);
CREATE INDEX outbox_upload ON outbox (upload) WHERE upload IS NOT NULL;
