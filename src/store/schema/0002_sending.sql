-- This file has been shipped: never edit it, add the next number instead.

-- When the person wants it sent; kept once that time came.
ALTER TABLE message ADD COLUMN scheduled_at INTEGER;
-- Why it is held; row.rs holds the numbers.
ALTER TABLE message ADD COLUMN hold INTEGER CHECK (hold BETWEEN 1 AND 4);
-- Held until the reason is gone, and then sent without another word.
ALTER TABLE message ADD COLUMN when_possible INTEGER NOT NULL DEFAULT 0 CHECK (when_possible IN (0, 1));
-- Milliseconds in which proof about its unknown outcome could have been heard and was not.
ALTER TABLE message ADD COLUMN heard INTEGER NOT NULL DEFAULT 0;
-- The state in which proof about an earlier request found it, while that proof may still come to nothing.
ALTER TABLE message ADD COLUMN settled_from INTEGER CHECK (settled_from BETWEEN 0 AND 9);
CREATE INDEX message_scheduled ON message (account, not_before) WHERE state = 0;
CREATE INDEX message_held ON message (conversation, hold) WHERE state = 1;

-- The person paused it: nothing is sent.
ALTER TABLE account ADD COLUMN paused_at INTEGER;
-- What Meta said of it last: messages per second, and people written to outside the window in 24 hours,
-- -1 for any number.
ALTER TABLE account ADD COLUMN rate_limit INTEGER;
ALTER TABLE account ADD COLUMN people_limit INTEGER;
-- The newest failure, reported by a status, that is about the account and not about its message.
ALTER TABLE account ADD COLUMN trouble_code INTEGER;
ALTER TABLE account ADD COLUMN trouble_at INTEGER;

-- Meta said last that the window is closed (131047).
ALTER TABLE conversation ADD COLUMN refused_at INTEGER;

-- Whom an account of the scope wrote to outside the window, and when last.
CREATE TABLE reached (
    scope   TEXT NOT NULL,
    contact INTEGER NOT NULL REFERENCES contact (id),
    at      INTEGER NOT NULL,
    PRIMARY KEY (scope, contact)
) STRICT, WITHOUT ROWID;
CREATE INDEX reached_at ON reached (scope, at);
