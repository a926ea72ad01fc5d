-- This file has been shipped: never edit it, add the next number instead.

-- How an account sends, as the process says that holds the sender role, for those that do not. It is gone
-- when that one ends, and whoever sends next begins with none.
CREATE TABLE pace (
    account        INTEGER PRIMARY KEY REFERENCES account (id),
    rate           INTEGER NOT NULL,
    limited_people INTEGER NOT NULL,
    rests_until    INTEGER,
    -- What keeps all of the account from going: its kind, in words, and when one message is tried.
    stop           TEXT CHECK (stop IN ('trouble', 'limited', 'offline', 'circuit')),
    stop_words     TEXT,
    stop_until     INTEGER,
    CHECK ((stop IS NULL) = (stop_words IS NULL) AND (stop IS NULL) = (stop_until IS NULL))
) STRICT;
