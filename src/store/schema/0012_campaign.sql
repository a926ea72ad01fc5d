-- This file has been shipped: never edit it, add the next number instead.

-- A template for the people of a file.
CREATE TABLE campaign (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account    INTEGER NOT NULL REFERENCES account (id),
    -- Of the file's bytes: the same file is recognised whatever its name.
    sha256     BLOB NOT NULL CHECK (length(sha256) = 32),
    file       TEXT NOT NULL,
    template   TEXT NOT NULL,
    language   TEXT NOT NULL,
    -- 0 its rows are being stored, 1 running, 2 paused, 3 cancelled.
    stage      INTEGER NOT NULL CHECK (stage BETWEEN 0 AND 3),
    at         INTEGER NOT NULL,
    -- The file's rows, and those of them that are sent.
    rows       INTEGER NOT NULL,
    good       INTEGER NOT NULL,
    -- Rows up to this one are messages, or were left out; 4294967296 once all are.
    fed        INTEGER NOT NULL DEFAULT 0,
    -- How many of the good ones were left out after all.
    dropped    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX campaign_file ON campaign (account, sha256);
CREATE INDEX campaign_list ON campaign (account, id);
CREATE INDEX campaign_hungry ON campaign (account, id) WHERE stage = 1 AND fed < 4294967296;

-- Every row of the file. One that is to be sent has its message's content until it is a message.
CREATE TABLE campaign_row (
    campaign INTEGER NOT NULL REFERENCES campaign (id),
    -- As a spreadsheet counts.
    row      INTEGER NOT NULL,
    typed    TEXT NOT NULL,
    number   TEXT,
    -- Why it is not sent; null for who is written to.
    skip     TEXT,
    text     TEXT,
    extra    TEXT,
    media    TEXT,
    message  INTEGER REFERENCES message (id),
    PRIMARY KEY (campaign, row),
    CHECK (skip IS NOT NULL OR number IS NOT NULL)
) STRICT, WITHOUT ROWID;
-- Nobody twice.
CREATE UNIQUE INDEX campaign_row_once ON campaign_row (campaign, number) WHERE skip IS NULL;

ALTER TABLE message ADD COLUMN campaign INTEGER REFERENCES campaign (id);
CREATE INDEX message_campaign ON message (campaign)
    WHERE campaign IS NOT NULL AND state < 4;

-- How many messages of a campaign are in each state. Counting at every look would walk all of them.
CREATE TABLE campaign_count (
    campaign INTEGER NOT NULL REFERENCES campaign (id),
    state    INTEGER NOT NULL,
    n        INTEGER NOT NULL,
    PRIMARY KEY (campaign, state)
) STRICT, WITHOUT ROWID;
-- A message is written first and then given to its campaign, so that only changes count.
CREATE TRIGGER campaign_count_update AFTER UPDATE OF state, campaign ON message
WHEN new.campaign IS NOT NULL AND (old.campaign, old.state) IS NOT (new.campaign, new.state)
BEGIN
    UPDATE campaign_count SET n = n - 1 WHERE campaign = old.campaign AND state = old.state;
    INSERT INTO campaign_count VALUES (new.campaign, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
