-- This file has been shipped: never edit it, add the next number instead.

-- What was sent from the phone app answers what came before it: that counts as read.
CREATE INDEX message_echo ON message (conversation, at) WHERE own = 1 AND author = 3;
UPDATE conversation AS c SET (unread, first_unread_at) = (
    SELECT count(*), min(m.at) FROM message m
    WHERE m.conversation = c.id AND m.own = 1 AND m.direction = 1 AND m.history = 0
        AND (m.at, m.id) > (c.read_at, c.read_id)
        AND m.at >= (SELECT max(e.at) FROM message e
                     WHERE e.conversation = c.id AND e.own = 1 AND e.author = 3))
WHERE EXISTS (SELECT 1 FROM message e WHERE e.conversation = c.id AND e.own = 1 AND e.author = 3);
UPDATE conversation AS c SET first_unread = (
    SELECT min(m.id) FROM message m
    WHERE m.conversation = c.id AND m.own = 1 AND m.direction = 1 AND m.history = 0
        AND (m.at, m.id) > (c.read_at, c.read_id) AND m.at = c.first_unread_at)
WHERE EXISTS (SELECT 1 FROM message e WHERE e.conversation = c.id AND e.own = 1 AND e.author = 3);
