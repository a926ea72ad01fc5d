-- This file has been shipped: never edit it, add the next number instead.

-- Messages are held for more reasons than the four that the column took. SQLite cannot change a condition, so that
-- the column is made anew.
CREATE TEMP TABLE held AS SELECT id, hold FROM message WHERE hold IS NOT NULL;
DROP INDEX message_held;
ALTER TABLE message DROP COLUMN hold;
-- Why it is held; row.rs holds the numbers.
ALTER TABLE message ADD COLUMN hold INTEGER CHECK (hold BETWEEN 1 AND 99);
UPDATE message SET hold = (SELECT h.hold FROM temp.held h WHERE h.id = message.id)
WHERE id IN (SELECT id FROM temp.held);
DROP TABLE temp.held;
CREATE INDEX message_held ON message (conversation, hold) WHERE state = 1;
-- Nothing told apart so far what a person held and what waited with its campaign.
UPDATE message SET hold = 5
WHERE state = 1 AND hold = 3 AND campaign IN (SELECT id FROM campaign WHERE stage = 2);

-- Answers what is asked of a campaign's open messages by itself.
DROP INDEX message_campaign;
CREATE INDEX message_campaign ON message (campaign, state, hold)
    WHERE campaign IS NOT NULL AND state < 4;
