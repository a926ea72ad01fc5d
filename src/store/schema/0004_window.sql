-- This file has been shipped: never edit it, add the next number instead.

-- Fact: what somebody wants of marketing messages, said at this time. Takes the place of preference, which
-- kept the newest of each kind only: a conversation shows all of them.
CREATE TABLE wish (
    account INTEGER NOT NULL REFERENCES account (id),
    kind    INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 3),
    scope   TEXT NOT NULL,
    value   TEXT NOT NULL,
    at      INTEGER NOT NULL,
    -- 1: no more marketing; 0: it is welcome again.
    stop    INTEGER NOT NULL CHECK (stop IN (0, 1)),
    -- 1 chosen in WhatsApp, 2 a keyword was written, 3 Meta refused a template, 4 decided here.
    how     INTEGER NOT NULL CHECK (how BETWEEN 1 AND 4),
    -- The keyword as it was written, or who decided.
    said    TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (account, kind, scope, value, at, stop, how, said)
) STRICT, WITHOUT ROWID;
INSERT INTO wish (account, kind, scope, value, at, stop, how)
    SELECT account, kind, scope, value, at, wish = 'stop', 1 FROM preference
    WHERE wish IN ('stop', 'resume', 'signup');
DROP TABLE preference;

-- Since when the contact wants no marketing, null when it may be sent. Follows from the wishes.
ALTER TABLE conversation ADD COLUMN opted_out INTEGER;
UPDATE conversation AS c SET opted_out = (
    SELECT iif(w.stop, w.at, NULL) FROM identity i JOIN wish w
        ON w.account = c.account AND w.kind = i.kind AND w.scope = i.scope AND w.value = i.value
    WHERE i.contact = c.contact AND i.valid_from <= w.at AND w.at < i.valid_to
    ORDER BY w.at DESC, w.stop DESC LIMIT 1)
WHERE merged_into IS NULL;

-- Who waits for an answer, the window that closes first on top.
CREATE INDEX conversation_closing ON conversation (account, last_inbound, id)
    WHERE shown = 1 AND unanswered = 1;
