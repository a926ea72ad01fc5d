//! Questions about the outbox.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension as _, params};

use super::{QueueCounts, Room, SentRequest, Unresolved};
use crate::domain::id::{AccountId, ConversationId, MessageId};
use crate::domain::time::Timestamp;
use crate::store::error::Error;
use crate::store::read::ReadConn;
use crate::store::{lane, merge, row};

/// Numbers about the outbox of an account.
pub fn queue_counts(read: &ReadConn, account: AccountId) -> Result<QueueCounts, Error> {
    let mut query = read.conn.prepare_cached(
        "SELECT state, count(*) FROM message
         WHERE account = ?1 AND state IN (0, 1, 2, 3, 9, 10) GROUP BY state",
    )?;
    let mut rows = query.query([account.0])?;
    let mut counts = QueueCounts::default();
    while let Some(found) = rows.next()? {
        let number = row::count(found.get(1)?);
        match found.get::<_, i64>(0)? {
            0 | 1 => counts.held += number,
            2 => counts.queued = number,
            3 => counts.sending = number,
            9 => counts.failed = number,
            _ => counts.uncertain = number,
        }
    }
    let mut query =
        read.conn.prepare_cached("SELECT count(*) FROM outbox WHERE account = ?1 AND kind <> 1")?;
    counts.other = row::count(query.query_row([account.0], |row| row.get(0))?);
    Ok(counts)
}

/// Requests of messages since a time, oldest first.
pub fn recent_requests(
    read: &ReadConn,
    account: AccountId,
    since: Timestamp,
) -> Result<Vec<SentRequest>, Error> {
    let mut query = read.conn.prepare_cached(
        "SELECT r.at, m.conversation FROM request r JOIN message m ON m.id = r.message
         WHERE r.account = ?1 AND r.at >= ?2 ORDER BY r.at",
    )?;
    let rows = query.query_map([account.0, since.millis()], |row| {
        Ok(SentRequest {
            at: Timestamp::from_millis(row.get(0)?),
            conversation: ConversationId(row.get(1)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Messages whose outcome is unknown.
pub fn unresolved(read: &ReadConn, account: AccountId) -> Result<Vec<Unresolved>, Error> {
    let mut query = read.conn.prepare_cached(
        "SELECT id, conversation,
             coalesce((SELECT max(at) FROM timeline t WHERE t.message = m.id AND t.state = 10), m.at)
         FROM message m WHERE account = ?1 AND state = 10 AND state IN (0, 1, 2, 3, 9, 10) ORDER BY id",
    )?;
    let rows = query.query_map([account.0], |row| {
        Ok(Unresolved {
            message: MessageId(row.get(0)?),
            conversation: ConversationId(row.get(1)?),
            since: Timestamp::from_millis(row.get(2)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// When the next job is due, kinds without room and the lanes of messages in `excluded` left out. None when
/// nothing waits.
pub fn next_due(
    read: &ReadConn,
    account: AccountId,
    room: Room,
    excluded: &BTreeSet<ConversationId>,
) -> Result<Option<Timestamp>, Error> {
    let mut query = read.conn.prepare_cached(
        "SELECT not_before, kind, lane FROM outbox WHERE head = 1 AND account = ?1
         ORDER BY not_before",
    )?;
    let mut rows = query.query(params![account.0])?;
    while let Some(row) = rows.next()? {
        let kind = row.get(1)?;
        let held = kind == lane::MESSAGE && excluded.contains(&ConversationId(row.get(2)?));
        if !held && room.of(kind) > 0 {
            return Ok(Some(Timestamp::from_millis(row.get(0)?)));
        }
    }
    Ok(None)
}

/// When the next message of one conversation is due. None when nothing waits there.
pub fn next_due_in(
    read: &ReadConn,
    account: AccountId,
    conversation: ConversationId,
) -> Result<Option<Timestamp>, Error> {
    let snapshot = read.snapshot()?;
    let conversation = merge::conversation_now(&snapshot, conversation)?;
    let mut query = snapshot.prepare_cached(
        "SELECT not_before FROM outbox
         WHERE head = 1 AND kind = ?1 AND lane = ?2 AND account = ?3",
    )?;
    let due =
        query.query_row([lane::MESSAGE, conversation.0, account.0], |row| row.get(0)).optional()?;
    Ok(due.map(Timestamp::from_millis))
}
