-- This file has been shipped: never edit it, add the next number instead.

-- The same conditions as before in other words. SQLite makes a table of its own for a list of more than two
-- numbers, each time that a row is written.
DROP INDEX message_open;
CREATE INDEX message_open ON message (account, state) WHERE state < 4 OR state IN (9, 10);

DROP TRIGGER queue_count_insert;
DROP TRIGGER queue_count_enter;
DROP TRIGGER queue_count_leave;
DROP TRIGGER queue_count_delete;
CREATE TRIGGER queue_count_insert AFTER INSERT ON message
WHEN new.state < 4 OR new.state IN (9, 10) BEGIN
    INSERT INTO queue_count VALUES (new.account, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER queue_count_enter AFTER UPDATE OF state ON message
WHEN (new.state < 4 OR new.state IN (9, 10)) AND new.state <> old.state BEGIN
    INSERT INTO queue_count VALUES (new.account, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER queue_count_leave AFTER UPDATE OF state ON message
WHEN (old.state < 4 OR old.state IN (9, 10)) AND new.state <> old.state BEGIN
    UPDATE queue_count SET n = n - 1 WHERE account = old.account AND state = old.state;
END;
CREATE TRIGGER queue_count_delete AFTER DELETE ON message
WHEN old.state < 4 OR old.state IN (9, 10) BEGIN
    UPDATE queue_count SET n = n - 1 WHERE account = old.account AND state = old.state;
END;
