-- This file has been shipped: never edit it, add the next number instead.

-- Messages are held for more reasons than the four that the column took; row.rs holds the numbers. SQLite cannot
-- alter a condition, and to make the column anew would write every message: the words of the table are changed, as
-- its manual says for a condition that only lets more in. The index made below tells other connections.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (hold BETWEEN 1 AND 4)', 'CHECK (hold BETWEEN 1 AND 99)')
WHERE type = 'table' AND name = 'message';
PRAGMA writable_schema = RESET;
-- Nothing told apart so far what a person held and what waited with its campaign.
UPDATE message SET hold = 5
WHERE state = 1 AND hold = 3 AND campaign IN (SELECT id FROM campaign WHERE stage = 2);

-- Answers what is asked of a campaign's open messages by itself.
DROP INDEX message_campaign;
CREATE INDEX message_campaign ON message (campaign, state, hold)
    WHERE campaign IS NOT NULL AND state < 4;
