-- This file has been shipped: never edit it, add the next number instead.

-- What somebody wrote in a group opens no window with them and waits for no answer of its own.
UPDATE conversation AS c SET last_inbound = (
    SELECT max(m.at) FROM message m
    WHERE m.conversation = c.id AND m.own = 1 AND m.direction = 1 AND m.author = 1
        AND m.group_id IS NULL)
WHERE EXISTS (SELECT 1 FROM message g WHERE g.conversation = c.id AND g.own = 1
    AND g.group_id IS NOT NULL);
