-- Times are milliseconds since 1970 UTC. Small integers stand for enums; row.rs holds their numbers.
-- This file has been shipped: never edit it, add the next number instead.

CREATE TABLE account (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT NOT NULL,
    phone_number_id TEXT NOT NULL UNIQUE,
    waba_id         TEXT,
    display_number  TEXT,
    -- User ids mean something only within it: the portfolio when known, else the WABA, else the number.
    scope           TEXT NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT;

-- People. name, username, wa_id and user_id are derived from the facts below and kept here for lists.
CREATE TABLE contact (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT,
    username    TEXT,
    wa_id       TEXT,
    user_id     TEXT,
    -- Two contacts turned out to be one person: this one, the old id, leads there.
    merged_into INTEGER REFERENCES contact (id),
    created_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX contact_merged ON contact (merged_into) WHERE merged_into IS NOT NULL;

-- Who owned an identity when. Derived from identity_link and identity_change, so that it does not depend
-- on the order in which these became known. The stretches of one identity touch without a gap.
CREATE TABLE identity (
    kind       INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 3),
    scope      TEXT NOT NULL,
    value      TEXT NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_to   INTEGER NOT NULL CHECK (valid_to > valid_from),
    contact    INTEGER NOT NULL REFERENCES contact (id),
    PRIMARY KEY (kind, scope, value, valid_from)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_contact ON identity (contact);

-- Fact: two identities belonged to one person at this time, the earliest one known.
CREATE TABLE identity_link (
    a_kind  INTEGER NOT NULL CHECK (a_kind BETWEEN 1 AND 3),
    a_scope TEXT NOT NULL,
    a_value TEXT NOT NULL,
    b_kind  INTEGER NOT NULL CHECK (b_kind BETWEEN 1 AND 3),
    b_scope TEXT NOT NULL,
    b_value TEXT NOT NULL,
    -- 1: seen together; 2: a was typed, b is what Meta made of it.
    how     INTEGER NOT NULL CHECK (how IN (1, 2)),
    at      INTEGER NOT NULL,
    PRIMARY KEY (a_kind, a_scope, a_value, b_kind, b_scope, b_value, how)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_link_back ON identity_link (b_kind, b_scope, b_value);

-- Fact: a person gave up one identity for another at this time.
CREATE TABLE identity_change (
    kind      INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 3),
    scope     TEXT NOT NULL,
    old_value TEXT NOT NULL,
    new_kind  INTEGER NOT NULL CHECK (new_kind BETWEEN 1 AND 3),
    new_scope TEXT NOT NULL,
    new_value TEXT NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (kind, scope, old_value, new_kind, new_scope, new_value, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_change_back ON identity_change (new_kind, new_scope, new_value);

-- Fact: an identity was seen with this name (what = 1) or username (what = 2), last at this time.
CREATE TABLE profile (
    kind  INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 3),
    scope TEXT NOT NULL,
    value TEXT NOT NULL,
    what  INTEGER NOT NULL CHECK (what IN (1, 2)),
    text  TEXT NOT NULL,
    at    INTEGER NOT NULL,
    PRIMARY KEY (kind, scope, value, what, text)
) STRICT, WITHOUT ROWID;

-- Fact: what somebody wants of marketing messages, said last at this time.
CREATE TABLE preference (
    account INTEGER NOT NULL REFERENCES account (id),
    kind    INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 3),
    scope   TEXT NOT NULL,
    value   TEXT NOT NULL,
    wish    TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (account, kind, scope, value, wish)
) STRICT, WITHOUT ROWID;

CREATE TABLE conversation (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    account         INTEGER NOT NULL REFERENCES account (id),
    contact         INTEGER NOT NULL REFERENCES contact (id),
    merged_into     INTEGER REFERENCES conversation (id),
    -- When a person began it, after the facts in begun; null when a message did.
    begun_at        INTEGER,
    created_at      INTEGER NOT NULL,
    -- The rest follows from the messages; recount computes it anew.
    activity        INTEGER NOT NULL,
    shown           INTEGER NOT NULL DEFAULT 0 CHECK (shown IN (0, 1)),
    unread          INTEGER NOT NULL DEFAULT 0,
    failed          INTEGER NOT NULL DEFAULT 0,
    waiting         INTEGER NOT NULL DEFAULT 0,
    last_inbound    INTEGER,
    last_answer     INTEGER,
    unanswered      INTEGER GENERATED ALWAYS AS
                    (coalesce(last_inbound > coalesce(last_answer, -1), 0)) VIRTUAL,
    preview         INTEGER,
    preview_at      INTEGER,
    first_unread    INTEGER,
    first_unread_at INTEGER,
    -- Set by the person.
    marked_unread   INTEGER NOT NULL DEFAULT 0 CHECK (marked_unread IN (0, 1)),
    read_at         INTEGER NOT NULL DEFAULT -1,
    read_id         INTEGER NOT NULL DEFAULT -1,
    UNIQUE (account, contact)
) STRICT;
CREATE INDEX conversation_list ON conversation (account, activity DESC, id DESC) WHERE shown = 1;
CREATE INDEX conversation_unread ON conversation (account, activity DESC, id DESC)
    WHERE shown = 1 AND (unread > 0 OR marked_unread = 1);
CREATE INDEX conversation_unanswered ON conversation (account, activity DESC, id DESC)
    WHERE shown = 1 AND unanswered = 1;
CREATE INDEX conversation_contact ON conversation (contact);
CREATE INDEX conversation_merged ON conversation (merged_into) WHERE merged_into IS NOT NULL;

-- Fact: a person began a conversation with this identity, first at this time. It is that of whoever had the
-- identity then.
CREATE TABLE begun (
    account INTEGER NOT NULL REFERENCES account (id),
    kind    INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 3),
    scope   TEXT NOT NULL,
    value   TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (account, kind, scope, value)
) STRICT, WITHOUT ROWID;

-- The numbers above the list. Counting at every look would walk all conversations.
CREATE TABLE list_count (
    account    INTEGER PRIMARY KEY REFERENCES account (id),
    shown      INTEGER NOT NULL DEFAULT 0,
    unread     INTEGER NOT NULL DEFAULT 0,
    unanswered INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TRIGGER list_count_account AFTER INSERT ON account BEGIN
    INSERT INTO list_count (account) VALUES (new.id);
END;
-- A conversation begins hidden, so only its changes count.
CREATE TRIGGER list_count_update
AFTER UPDATE OF shown, unread, marked_unread, last_inbound, last_answer ON conversation
WHEN (old.shown, old.shown AND (old.unread > 0 OR old.marked_unread), old.shown AND old.unanswered)
    IS NOT (new.shown, new.shown AND (new.unread > 0 OR new.marked_unread), new.shown AND new.unanswered)
BEGIN
    UPDATE list_count SET shown = shown + new.shown - old.shown,
        unread = unread + (new.shown AND (new.unread > 0 OR new.marked_unread))
            - (old.shown AND (old.unread > 0 OR old.marked_unread)),
        unanswered = unanswered + (new.shown AND new.unanswered) - (old.shown AND old.unanswered)
    WHERE account = new.account;
END;

CREATE TABLE message (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    account       INTEGER NOT NULL REFERENCES account (id),
    conversation  INTEGER NOT NULL REFERENCES conversation (id),
    -- 0 for reactions, edits and revokes, which change another message.
    own           INTEGER NOT NULL CHECK (own IN (0, 1)),
    direction     INTEGER NOT NULL CHECK (direction IN (1, 2)),
    author        INTEGER NOT NULL CHECK (author BETWEEN 1 AND 4),
    wamid         TEXT,
    -- Meta's time, or the time of writing. With the id it is the sort key and never changes.
    at            INTEGER NOT NULL,
    state         INTEGER NOT NULL CHECK (state BETWEEN 0 AND 12),
    late_proof    INTEGER NOT NULL DEFAULT 0 CHECK (late_proof BETWEEN 0 AND 2),
    tries         INTEGER NOT NULL DEFAULT 0,
    not_before    INTEGER,
    request       BLOB CHECK (request IS NULL OR length(request) = 16),
    code          INTEGER,
    detail        TEXT,
    kind          INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 16),
    text          TEXT,
    extra         TEXT,
    target        TEXT,
    reply_to      TEXT,
    reply_message INTEGER REFERENCES message (id),
    forwarded     INTEGER NOT NULL DEFAULT 0 CHECK (forwarded BETWEEN 0 AND 2),
    edited_text   TEXT,
    edited_at     INTEGER,
    edited_by     TEXT,
    revoked       INTEGER NOT NULL DEFAULT 0 CHECK (revoked IN (0, 1)),
    -- Replayed from before the account was connected; does not count as unread.
    history       INTEGER NOT NULL DEFAULT 0 CHECK (history IN (0, 1)),
    priority      INTEGER NOT NULL DEFAULT 1 CHECK (priority IN (1, 2)),
    -- Whom the webhook named, or whom it was written to; decides the contact when it becomes known that a
    -- number changed hands.
    peer_wa       TEXT,
    peer_user     TEXT,
    peer_parent   TEXT,
    group_id      TEXT,
    category      TEXT,
    price_kind    TEXT,
    stored_at     INTEGER NOT NULL,
    CHECK ((direction = 1) = (state = 12)),
    CHECK (own = 1 OR target IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX message_wamid ON message (wamid, account) WHERE wamid IS NOT NULL;
CREATE INDEX message_page ON message (conversation, at, id) WHERE own = 1;
-- What was sent from the phone app answers what came before it: that counts as read.
CREATE INDEX message_echo ON message (conversation, at) WHERE own = 1 AND author = 3;
CREATE INDEX message_target ON message (target, account) WHERE target IS NOT NULL;
CREATE INDEX message_reply ON message (reply_message) WHERE reply_message IS NOT NULL;
CREATE INDEX message_open ON message (account, state) WHERE state IN (0, 1, 2, 3, 9, 10);

-- The JSON of a message as it came.
CREATE TABLE message_raw (
    message INTEGER PRIMARY KEY REFERENCES message (id),
    json    TEXT NOT NULL
) STRICT;

CREATE TABLE media (
    message   INTEGER PRIMARY KEY REFERENCES message (id),
    kind      INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 5),
    media_id  TEXT,
    url       TEXT,
    mime_type TEXT,
    sha256    TEXT,
    file_name TEXT,
    voice     INTEGER NOT NULL CHECK (voice IN (0, 1)),
    animated  INTEGER NOT NULL CHECK (animated IN (0, 1)),
    copy      INTEGER NOT NULL CHECK (copy BETWEEN 0 AND 2),
    path      TEXT,
    size      INTEGER,
    failure   TEXT,
    CHECK ((copy = 1) = (path IS NOT NULL AND size IS NOT NULL)),
    CHECK ((copy = 2) = (failure IS NOT NULL))
) STRICT;

-- The newest reaction of each side on a message, kept by wamid since the message may be unknown. An
-- emoji that is null was taken back.
CREATE TABLE reaction (
    account   INTEGER NOT NULL REFERENCES account (id),
    target    TEXT NOT NULL,
    direction INTEGER NOT NULL CHECK (direction IN (1, 2)),
    emoji     TEXT,
    at        INTEGER NOT NULL,
    wamid     TEXT NOT NULL,
    PRIMARY KEY (target, account, direction)
) STRICT, WITHOUT ROWID;

CREATE TABLE request (
    id          BLOB PRIMARY KEY CHECK (length(id) = 16),
    account     INTEGER NOT NULL REFERENCES account (id),
    message     INTEGER NOT NULL REFERENCES message (id),
    at          INTEGER NOT NULL,
    -- 0 under way, 1 accepted, 2 to be tried again, 3 refused, 4 unknown.
    outcome     INTEGER NOT NULL DEFAULT 0 CHECK (outcome BETWEEN 0 AND 4),
    ended_at    INTEGER,
    wamid       TEXT,
    http_status INTEGER,
    code        INTEGER,
    -- The number it was addressed to. A status that names another one tells what Meta made of it.
    recipient   TEXT,
    CHECK ((outcome = 0) = (ended_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX request_account ON request (account, at);
CREATE INDEX request_message ON request (message);
CREATE INDEX request_wamid ON request (wamid, account) WHERE wamid IS NOT NULL;

-- What is to be done towards Meta. Rows leave when done: only live work is in here.
CREATE TABLE outbox (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account    INTEGER NOT NULL REFERENCES account (id),
    kind       INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 4),
    -- The conversation of a message or receipt, the message of a file: one at a time per kind and lane.
    lane       INTEGER NOT NULL,
    priority   INTEGER NOT NULL CHECK (priority IN (1, 2)),
    -- The place in the lane: the message.
    place      INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    -- 1 waits, 2 under way.
    state      INTEGER NOT NULL CHECK (state IN (1, 2)),
    -- Next of an idle lane.
    head       INTEGER NOT NULL DEFAULT 0 CHECK (head IN (0, 1)),
    message    INTEGER REFERENCES message (id),
    wamid      TEXT,
    request    BLOB CHECK (request IS NULL OR length(request) = 16),
    tries      INTEGER NOT NULL DEFAULT 0,
    CHECK ((state = 2) = (request IS NOT NULL)),
    CHECK (head = 0 OR state = 1)
) STRICT;
CREATE INDEX outbox_lane ON outbox (kind, lane, state, priority, place);
CREATE INDEX outbox_lane_head ON outbox (kind, lane) WHERE head = 1;
CREATE INDEX outbox_head ON outbox (account, kind, priority, place) WHERE head = 1;
CREATE INDEX outbox_due ON outbox (account, not_before) WHERE head = 1;
CREATE INDEX outbox_message ON outbox (message) WHERE message IS NOT NULL;

CREATE TABLE event_body (
    id     INTEGER PRIMARY KEY,
    sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
    body   BLOB NOT NULL
) STRICT;

-- One row per POST; equal bodies share one event_body.
CREATE TABLE event (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at INTEGER NOT NULL,
    body        INTEGER NOT NULL REFERENCES event_body (id)
) STRICT;
CREATE INDEX event_same_body ON event (body);

-- What an event changed, or why it changed nothing.
CREATE TABLE event_effect (
    id         INTEGER PRIMARY KEY,
    event      INTEGER NOT NULL REFERENCES event (id),
    kind       INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 10),
    account    INTEGER REFERENCES account (id),
    message    INTEGER REFERENCES message (id),
    from_state INTEGER CHECK (from_state BETWEEN 0 AND 12),
    to_state   INTEGER CHECK (to_state BETWEEN 0 AND 12),
    field      TEXT NOT NULL,
    detail     TEXT
) STRICT;
CREATE INDEX event_effect_event ON event_effect (event);
CREATE INDEX event_effect_message ON event_effect (message) WHERE message IS NOT NULL;
CREATE INDEX event_effect_notice ON event_effect (id) WHERE kind >= 6;

CREATE TABLE timeline (
    id      INTEGER PRIMARY KEY,
    message INTEGER NOT NULL REFERENCES message (id),
    state   INTEGER NOT NULL CHECK (state BETWEEN 0 AND 12),
    at      INTEGER NOT NULL,
    request BLOB CHECK (request IS NULL OR length(request) = 16),
    code    INTEGER,
    detail  TEXT,
    event   INTEGER REFERENCES event (id),
    -- 1: a status of Meta, kept even when it changed nothing; 2: one about an earlier request.
    report  INTEGER NOT NULL DEFAULT 0 CHECK (report BETWEEN 0 AND 2),
    member  TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX timeline_message ON timeline (message, at, id);

-- Statuses of messages that are not known yet.
CREATE TABLE pending_status (
    id         INTEGER PRIMARY KEY,
    account    INTEGER NOT NULL REFERENCES account (id),
    wamid      TEXT NOT NULL,
    request    BLOB CHECK (request IS NULL OR length(request) = 16),
    report     INTEGER NOT NULL CHECK (report BETWEEN 1 AND 5),
    at         INTEGER NOT NULL,
    code       INTEGER,
    detail     TEXT,
    member     TEXT NOT NULL DEFAULT '',
    category   TEXT,
    price_kind TEXT,
    event      INTEGER REFERENCES event (id)
) STRICT;
CREATE UNIQUE INDEX pending_status_wamid ON pending_status (wamid, account, report, at, member);

CREATE TABLE draft (
    conversation INTEGER PRIMARY KEY REFERENCES conversation (id),
    text         TEXT NOT NULL,
    reply_to     INTEGER REFERENCES message (id),
    at           INTEGER NOT NULL
) STRICT;

-- Full text over what is shown of a message: the newest edit, nothing of a revoked one.
CREATE VIEW message_text AS
SELECT id, iif(revoked = 1, NULL, coalesce(edited_text, text)) AS text
FROM message WHERE own = 1;
CREATE VIRTUAL TABLE message_fts USING fts5 (
    text, content = 'message_text', content_rowid = 'id', columnsize = 0,
    tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);
-- Merges in small, late steps: a commit must not stall for the index. Idle time does the rest.
INSERT INTO message_fts (message_fts, rank) VALUES ('automerge', 8);
INSERT INTO message_fts (message_fts, rank) VALUES ('crisismerge', 32);
-- The newest message that is indexed. The writer indexes what is newer before each commit, all at once:
-- FTS5 writes a segment of its own for each savepoint in between, which cost more than the rest.
CREATE TABLE message_indexed (upto INTEGER NOT NULL) STRICT;
INSERT INTO message_indexed VALUES (0);
CREATE TRIGGER message_fts_update AFTER UPDATE OF edited_text, revoked ON message
WHEN new.own = 1 AND new.id <= (SELECT upto FROM message_indexed) BEGIN
    INSERT INTO message_fts (message_fts, rowid, text)
    VALUES ('delete', old.id, iif(old.revoked = 1, NULL, coalesce(old.edited_text, old.text)));
    INSERT INTO message_fts (rowid, text)
    VALUES (new.id, iif(new.revoked = 1, NULL, coalesce(new.edited_text, new.text)));
END;
CREATE TRIGGER message_fts_delete AFTER DELETE ON message
WHEN old.own = 1 AND old.id <= (SELECT upto FROM message_indexed) BEGIN
    INSERT INTO message_fts (message_fts, rowid, text)
    VALUES ('delete', old.id, iif(old.revoked = 1, NULL, coalesce(old.edited_text, old.text)));
END;

-- Any three characters of a name, username or number.
CREATE VIRTUAL TABLE contact_fts USING fts5 (
    name, username, wa_id, content = 'contact', content_rowid = 'id', columnsize = 0,
    tokenize = 'trigram remove_diacritics 1'
);
CREATE TRIGGER contact_fts_insert AFTER INSERT ON contact BEGIN
    INSERT INTO contact_fts (rowid, name, username, wa_id) VALUES (new.id, new.name, new.username, new.wa_id);
END;
CREATE TRIGGER contact_fts_update AFTER UPDATE OF name, username, wa_id ON contact BEGIN
    INSERT INTO contact_fts (contact_fts, rowid, name, username, wa_id)
    VALUES ('delete', old.id, old.name, old.username, old.wa_id);
    INSERT INTO contact_fts (rowid, name, username, wa_id) VALUES (new.id, new.name, new.username, new.wa_id);
END;
