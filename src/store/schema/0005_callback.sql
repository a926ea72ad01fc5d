-- This file has been shipped: never edit it, add the next number instead.

-- The public address of the listener, as it was proved last.
CREATE TABLE tunnel (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    kind      TEXT NOT NULL,
    url       TEXT NOT NULL,
    proved_at INTEGER NOT NULL
) STRICT;

-- What was done about where Meta posts, and what stood there before; callback.rs holds the numbers.
CREATE TABLE callback_change (
    id      INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (id),
    deed    INTEGER NOT NULL CHECK (deed BETWEEN 0 AND 2),
    level   INTEGER NOT NULL CHECK (level BETWEEN 0 AND 2),
    old_url TEXT,
    new_url TEXT,
    at      INTEGER NOT NULL
) STRICT;
CREATE INDEX callback_change_account ON callback_change (account, id);
