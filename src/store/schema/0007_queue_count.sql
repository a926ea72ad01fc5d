-- This file has been shipped: never edit it, add the next number instead.

-- How many messages of an account stand in each state that the queue shows: scheduled, held, queued, sending,
-- failed, uncertain. Counting them at every look would walk the whole queue.
CREATE TABLE queue_count (
    account INTEGER NOT NULL REFERENCES account (id),
    state   INTEGER NOT NULL,
    n       INTEGER NOT NULL,
    PRIMARY KEY (account, state)
) STRICT, WITHOUT ROWID;
INSERT INTO queue_count
SELECT account, state, count(*) FROM message WHERE state IN (0, 1, 2, 3, 9, 10) GROUP BY account, state;

CREATE TRIGGER queue_count_insert AFTER INSERT ON message
WHEN new.state IN (0, 1, 2, 3, 9, 10) BEGIN
    INSERT INTO queue_count VALUES (new.account, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER queue_count_enter AFTER UPDATE OF state ON message
WHEN new.state IN (0, 1, 2, 3, 9, 10) AND new.state <> old.state BEGIN
    INSERT INTO queue_count VALUES (new.account, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER queue_count_leave AFTER UPDATE OF state ON message
WHEN old.state IN (0, 1, 2, 3, 9, 10) AND new.state <> old.state BEGIN
    UPDATE queue_count SET n = n - 1 WHERE account = old.account AND state = old.state;
END;
CREATE TRIGGER queue_count_delete AFTER DELETE ON message
WHEN old.state IN (0, 1, 2, 3, 9, 10) BEGIN
    UPDATE queue_count SET n = n - 1 WHERE account = old.account AND state = old.state;
END;
