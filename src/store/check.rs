//! `db check`: whether the file and what it says hang together.

use rusqlite::Connection;

use super::error::Error;
use super::read::ReadConn;
use super::tally;
use super::text_index::{self, DAMAGED};
use crate::domain::id::ConversationId;

/// Contradictions that must never be: each query gives the ids it is about.
const RULES: &[(&str, &str)] = &[
    (
        "message is queued or sending without exactly one outbox row",
        "SELECT m.id FROM message m WHERE m.state IN (2, 3)
             AND (SELECT count(*) FROM outbox o WHERE o.message = m.id AND o.kind = 1) <> 1",
    ),
    (
        "message has an outbox row but is neither queued nor sending",
        "SELECT m.id FROM outbox o JOIN message m ON m.id = o.message
             WHERE o.kind = 1 AND m.state NOT IN (2, 3)",
    ),
    (
        "message and its outbox row disagree on whether it is under way",
        "SELECT m.id FROM outbox o JOIN message m ON m.id = o.message
             WHERE o.kind = 1 AND (m.state = 3) <> (o.state = 2)",
    ),
    (
        "message is in another lane than its conversation",
        "SELECT m.id FROM outbox o JOIN message m ON m.id = o.message
             WHERE o.kind = 1 AND o.lane <> m.conversation",
    ),
    (
        "message is sending without a request",
        "SELECT id FROM message m WHERE state = 3
             AND NOT EXISTS (SELECT 1 FROM request r WHERE r.id = m.request AND r.message = m.id)",
    ),
    ("message is held without a reason", "SELECT id FROM message WHERE state = 1 AND hold IS NULL"),
    (
        "message is scheduled for no time",
        "SELECT id FROM message WHERE state = 0 AND not_before IS NULL",
    ),
    (
        "message is in a conversation that was merged away",
        "SELECT m.id FROM message m JOIN conversation c ON c.id = m.conversation
             WHERE c.merged_into IS NOT NULL",
    ),
    (
        "conversation belongs to a contact that was merged away",
        "SELECT c.id FROM conversation c JOIN contact k ON k.id = c.contact
             WHERE c.merged_into IS NULL AND k.merged_into IS NOT NULL",
    ),
    (
        "contact is known by nothing and was not merged",
        "SELECT k.id FROM contact k WHERE k.merged_into IS NULL
             AND NOT EXISTS (SELECT 1 FROM identity i WHERE i.contact = k.id)",
    ),
    (
        "outbox row waits in an idle lane where nobody is next",
        "SELECT id FROM outbox o WHERE state = 1
             AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.kind = o.kind AND p.lane = o.lane
                             AND (p.head = 1 OR p.state = 2 OR p.upload IS NOT NULL))",
    ),
    (
        "message waits for a file that nobody uploads",
        "SELECT o.message FROM outbox o WHERE o.upload IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM outbox u WHERE u.kind = 4 AND u.lane = o.upload)",
    ),
    (
        "lane has several that are next",
        "SELECT min(id) FROM outbox WHERE head = 1 GROUP BY kind, lane HAVING count(*) > 1",
    ),
    (
        "numbers above the list are wrong for account",
        "SELECT l.account FROM list_count l WHERE (shown, unread, unanswered) IS NOT (
             SELECT count(*), coalesce(sum(c.unread > 0 OR c.marked_unread), 0),
                 coalesce(sum(c.unanswered), 0)
             FROM conversation c WHERE c.account = l.account AND c.shown = 1)",
    ),
    (
        "numbers above the queue are wrong for account",
        "SELECT DISTINCT account FROM (
             SELECT account, state, n FROM queue_count
             UNION ALL SELECT account, state, -count(*) FROM message
                 WHERE (state < 4 OR state IN (9, 10)) GROUP BY account, state)
         GROUP BY account, state HAVING sum(n) <> 0",
    ),
    (
        "number of people written to in a day is wrong for account",
        "SELECT a.id FROM account a WHERE
             coalesce((SELECT n.n FROM reached_count n WHERE n.scope = a.scope), 0)
             <> (SELECT count(*) FROM reached r WHERE r.scope = a.scope)",
    ),
    (
        "numbers of a template are wrong for account",
        "SELECT DISTINCT account FROM (
             SELECT account, name, language, state, code, n FROM template_count
             UNION ALL SELECT account, coalesce(extra ->> 'name', ''), coalesce(extra ->> 'language', ''),
                 state, iif(state = 9, coalesce(code, 0), 0), -count(*) FROM message
                 WHERE kind = 8 AND direction = 2 AND history = 0 GROUP BY 1, 2, 3, 4, 5)
         GROUP BY account, name, language, state, code HAVING sum(n) <> 0",
    ),
    (
        "numbers are wrong for campaign",
        "SELECT DISTINCT campaign FROM (
             SELECT campaign, state, n FROM campaign_count
             UNION ALL SELECT campaign, state, -count(*) FROM message
                 WHERE campaign IS NOT NULL GROUP BY campaign, state)
         GROUP BY campaign, state HAVING sum(n) <> 0",
    ),
    (
        "message and the row of its campaign disagree",
        "SELECT m.id FROM message m WHERE m.campaign IS NOT NULL AND NOT EXISTS (
             SELECT 1 FROM campaign_row r WHERE r.campaign = m.campaign AND r.message = m.id)",
    ),
    (
        "campaign has a row that was passed over",
        "SELECT c.id FROM campaign c WHERE EXISTS (
             SELECT 1 FROM campaign_row r WHERE r.campaign = c.id AND r.skip IS NULL
                 AND (r.row <= c.fed) <> (r.message IS NOT NULL))",
    ),
    (
        "status waits for a message that is known",
        "SELECT p.id FROM pending_status p JOIN message m
             ON m.wamid = p.wamid AND m.account = p.account AND m.direction = 2",
    ),
];

/// Looks for damage and contradictions; each finding is a line in plain words. Empty when all is well.
/// Reads the whole file: minutes at millions of messages. [`super::WriteConn::check_search`] compares the
/// text index, which SQLite allows only a writer to do.
pub fn check(read: &ReadConn) -> Result<Vec<String>, Error> {
    let snapshot = read.snapshot()?;
    let mut findings = Vec::new();
    // The check of a text index goes by the list of its segments that the connection knows. Only a query notices
    // that others have changed it since, and without one the index of a used connection seems damaged.
    for index in text_index::INDEXES {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {index})");
        // What is wrong with it is found below.
        drop(snapshot.query_row(&sql, [], |_| Ok(())));
    }
    if snapshot.query_row("SELECT upto < 0 FROM message_indexed", [], |row| row.get(0))? {
        findings.push(format!("{DAMAGED}: new messages are not in it"));
    }
    let mut query = snapshot.prepare("PRAGMA quick_check")?;
    let rows = query.query_map([], |row| row.get::<_, String>(0))?;
    for line in rows {
        let line = line?;
        if text_index::INDEXES.iter().any(|index| line.contains(index)) {
            findings.push(format!("{DAMAGED}: {line}"));
        } else if line != "ok" {
            findings.push(format!("the file is damaged: {line}"));
        }
    }
    let mut query = snapshot.prepare("PRAGMA foreign_key_check")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
        findings.push(format!("a row of {table} points to no {parent}"));
    }
    for (words, sql) in RULES {
        let mut query = snapshot.prepare(sql)?;
        let rows = query.query_map([], |row| row.get::<_, i64>(0))?;
        for id in rows {
            findings.push(format!("{words}: {}", id?));
        }
    }
    findings.extend(check_counters(&snapshot)?);
    Ok(findings)
}

/// Compares the counters of every conversation with a recount.
fn check_counters(conn: &Connection) -> Result<Vec<String>, Error> {
    let mut query = conn.prepare("SELECT id FROM conversation ORDER BY id")?;
    let rows = query.query_map([], |row| Ok(ConversationId(row.get(0)?)))?;
    let mut findings = Vec::new();
    for id in rows {
        let id = id?;
        let (stored, counted) = (tally::stored(conn, id)?, tally::recount(conn, id)?);
        if stored != counted {
            findings.push(format!("conversation {id} says {stored:?} but has {counted:?}"));
        }
    }
    Ok(findings)
}
