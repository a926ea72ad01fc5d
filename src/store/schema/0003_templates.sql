-- This file has been shipped: never edit it, add the next number instead.

-- The templates of each account, as Meta told of them last. What webhooks change stands beside Meta's own
-- JSON with the time it is of, so that an older telling never undoes a newer one.
CREATE TABLE template (
    account      INTEGER NOT NULL REFERENCES account (id),
    name         TEXT NOT NULL,
    language     TEXT NOT NULL,
    meta_id      TEXT,
    json         TEXT NOT NULL,
    status       TEXT NOT NULL,
    status_at    INTEGER NOT NULL,
    reason       TEXT,
    paused_until INTEGER,
    quality      TEXT NOT NULL,
    quality_at   INTEGER NOT NULL,
    category     TEXT NOT NULL,
    category_at  INTEGER NOT NULL,
    text_at      INTEGER NOT NULL,
    PRIMARY KEY (account, name, language)
) STRICT;

-- Since when the whole catalogue is known, and since when it is known to lack something.
CREATE TABLE catalogue (
    account   INTEGER PRIMARY KEY REFERENCES account (id),
    synced_at INTEGER,
    lacks_at  INTEGER
) STRICT;

-- How many messages of each template stand where, and why they failed (0 for the rest). Counting them at
-- every look would walk all that was ever sent.
CREATE TABLE template_count (
    account  INTEGER NOT NULL,
    name     TEXT NOT NULL,
    language TEXT NOT NULL,
    state    INTEGER NOT NULL,
    code     INTEGER NOT NULL,
    n        INTEGER NOT NULL,
    PRIMARY KEY (account, name, language, state, code)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER template_count_insert AFTER INSERT ON message
WHEN new.kind = 8 AND new.direction = 2 AND new.history = 0 BEGIN
    INSERT INTO template_count
    VALUES (new.account, coalesce(new.extra ->> 'name', ''), coalesce(new.extra ->> 'language', ''),
            new.state, iif(new.state = 9, coalesce(new.code, 0), 0), 1)
    ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER template_count_update AFTER UPDATE OF state, code ON message
WHEN new.kind = 8 AND new.direction = 2 AND new.history = 0
    AND (old.state, iif(old.state = 9, coalesce(old.code, 0), 0))
        IS NOT (new.state, iif(new.state = 9, coalesce(new.code, 0), 0))
BEGIN
    UPDATE template_count SET n = n - 1
    WHERE account = old.account AND name = coalesce(old.extra ->> 'name', '')
        AND language = coalesce(old.extra ->> 'language', '')
        AND state = old.state AND code = iif(old.state = 9, coalesce(old.code, 0), 0);
    INSERT INTO template_count
    VALUES (new.account, coalesce(new.extra ->> 'name', ''), coalesce(new.extra ->> 'language', ''),
            new.state, iif(new.state = 9, coalesce(new.code, 0), 0), 1)
    ON CONFLICT DO UPDATE SET n = n + 1;
END;
INSERT INTO template_count
SELECT account, coalesce(extra ->> 'name', ''), coalesce(extra ->> 'language', ''), state,
       iif(state = 9, coalesce(code, 0), 0), count(*)
FROM message WHERE kind = 8 AND direction = 2 AND history = 0 GROUP BY 1, 2, 3, 4, 5;

-- The newest use of a template, and the newest uses in a conversation.
CREATE INDEX message_template ON message (account, extra ->> 'name', extra ->> 'language', at)
    WHERE kind = 8 AND direction = 2;
CREATE INDEX message_template_here ON message (conversation, at) WHERE kind = 8 AND direction = 2;

-- Until when what it tells of lasts, where it says so.
ALTER TABLE event_effect ADD COLUMN until INTEGER;
