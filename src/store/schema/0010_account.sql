-- This file has been shipped: never edit it, add the next number instead.

-- Fact: what Meta says of an account, one row for each time that it was news.
CREATE TABLE account_fact (
    account INTEGER NOT NULL REFERENCES account (id),
    kind    TEXT NOT NULL,
    -- Which of several of a kind, such as the type of a warning.
    subject TEXT NOT NULL,
    -- Meta's time of a webhook, or when Meta was asked.
    at      INTEGER NOT NULL,
    -- 1: a webhook told it; 0: Meta was asked.
    told    INTEGER NOT NULL CHECK (told IN (0, 1)),
    value   TEXT NOT NULL,
    detail  TEXT NOT NULL,
    -- When it ends, where it says so.
    until   INTEGER,
    -- When it was last said: later than at when Meta was asked again.
    last_at INTEGER NOT NULL CHECK (last_at >= at),
    PRIMARY KEY (account, kind, subject, at, told, value, detail)
) STRICT, WITHOUT ROWID;

-- When Meta was last asked about the account and answered.
ALTER TABLE account ADD COLUMN asked_at INTEGER;
