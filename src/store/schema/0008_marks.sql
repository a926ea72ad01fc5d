-- This file has been shipped: never edit it, add the next number instead.

-- How many rows `reached` has in a scope, so that a message that is about to go need not count them.
CREATE TABLE reached_count (scope TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO reached_count SELECT scope, count(*) FROM reached GROUP BY scope;
CREATE TRIGGER reached_insert AFTER INSERT ON reached BEGIN
    INSERT INTO reached_count VALUES (new.scope, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER reached_delete AFTER DELETE ON reached BEGIN
    UPDATE reached_count SET n = n - 1 WHERE scope = old.scope;
END;

-- What Meta told last of an account, however many items of other kinds came since.
CREATE INDEX event_effect_tidings ON event_effect (id) WHERE kind = 6 AND detail IS NOT NULL;

-- Bodies that are kept beyond their age, since replaying them may do more one day; not beyond the room there is.
CREATE TABLE event_kept (body INTEGER PRIMARY KEY REFERENCES event_body (id)) STRICT;
INSERT INTO event_kept SELECT id FROM event_body
    WHERE id <= (SELECT upto FROM event_pruned) AND body <> x'';
