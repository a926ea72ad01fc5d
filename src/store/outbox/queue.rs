//! Questions about the outbox.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rusqlite::{Connection, params};

use super::{Room, SentRequest, Unresolved};
use crate::domain::health::Waiting;
use crate::domain::id::{AccountId, ConversationId, MessageId};
use crate::domain::outbox::UNCERTAIN_HOLD;
use crate::domain::throttle::{PAIR_COST, PAIR_MEMORY};
use crate::domain::time::Timestamp;
use crate::store::error::Error;
use crate::store::read::ReadConn;
use crate::store::{account, lane, merge, row};

/// How many messages of an account wait, failed or are uncertain, as triggers keep count of them.
pub fn queue_counts(read: &ReadConn, account: AccountId) -> Result<Waiting, Error> {
    counts(&read.conn, account)
}

pub(super) fn counts(conn: &Connection, account: AccountId) -> Result<Waiting, Error> {
    let mut query = conn.prepare_cached("SELECT state, n FROM queue_count WHERE account = ?1")?;
    let mut rows = query.query([account.0])?;
    let mut waiting = Waiting::default();
    while let Some(found) = rows.next()? {
        let number = row::count(found.get(1)?);
        match found.get::<_, i64>(0)? {
            0 => waiting.scheduled = number,
            1 => waiting.held = number,
            2 => waiting.queued = number,
            3 => waiting.sending = number,
            9 => waiting.failed = number,
            _ => waiting.uncertain = number,
        }
    }
    Ok(waiting)
}

/// The requests of messages that still count against a limit, newest first: those of the last
/// [`PAIR_MEMORY`], and of each pair in there as many more as its debt may reach back. A debt is at most
/// [`PAIR_MEMORY`] at any time, so what came before a request does not matter once that much time, and the
/// cost of all that was sent since, have passed.
pub fn recent_requests(
    read: &ReadConn,
    account: AccountId,
    now: Timestamp,
) -> Result<Vec<SentRequest>, Error> {
    let mut query = read.conn.prepare_cached(
        "SELECT r.at, m.conversation FROM request r JOIN message m ON m.id = r.message
         WHERE r.account = ?1 ORDER BY r.at DESC",
    )?;
    let mut rows = query.query([account.0])?;
    let mut requests: Vec<SentRequest> = Vec::new();
    // Of each pair that is not settled yet, how long before now its debt may begin.
    let mut open: BTreeMap<ConversationId, Duration> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let at = Timestamp::from_millis(row.get(0)?);
        let (age, conversation) = (now.since(at), ConversationId(row.get(1)?));
        if age > PAIR_MEMORY {
            open.retain(|_, reach| *reach > age);
            if open.is_empty() {
                break;
            }
            if !open.contains_key(&conversation) {
                continue;
            }
        }
        *open.entry(conversation).or_insert(PAIR_MEMORY) += PAIR_COST;
        requests.push(SentRequest { at, conversation });
    }
    Ok(requests)
}

/// Messages whose outcome is unknown.
pub fn unresolved(read: &ReadConn, account: AccountId) -> Result<Vec<Unresolved>, Error> {
    let mut query = read.conn.prepare_cached(
        "SELECT id, conversation, heard,
             coalesce((SELECT max(at) FROM timeline t WHERE t.message = m.id AND t.state = 10), m.at)
         FROM message m WHERE account = ?1 AND state = 10 AND (state < 4 OR state IN (9, 10)) ORDER BY id",
    )?;
    let rows = query.query_map([account.0], |row| {
        Ok(Unresolved {
            message: MessageId(row.get(0)?),
            conversation: ConversationId(row.get(1)?),
            heard: Duration::from_millis(u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0)),
            since: Timestamp::from_millis(row.get(3)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The uncertain message that a message of this conversation waits behind.
#[must_use]
pub fn holder(
    unresolved: &[Unresolved],
    conversation: ConversationId,
    message: MessageId,
) -> Option<MessageId> {
    let mut before = unresolved
        .iter()
        .filter(|one| one.conversation == conversation && one.message < message)
        .filter(|one| one.heard < UNCERTAIN_HOLD);
    before.next().map(|one| one.message)
}

/// When the next job is due, kinds without room and the lanes of messages in `excluded` left out. None when
/// nothing waits. Messages do not count while the person has the account paused.
pub fn next_due(
    read: &ReadConn,
    account: AccountId,
    room: Room,
    excluded: &BTreeSet<ConversationId>,
) -> Result<Option<Timestamp>, Error> {
    let mut room = room;
    if account::paused(&read.conn, account)?.is_some() {
        room.messages = 0;
    }
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
    if account::paused(&snapshot, account)?.is_some() {
        return Ok(None);
    }
    let conversation = merge::conversation_now(&snapshot, conversation)?;
    let mut query = snapshot.prepare_cached(
        // The message, or the upload that it waits for.
        "SELECT min(not_before) FROM outbox WHERE account = ?3 AND head = 1
             AND (kind = ?1 AND lane = ?2 OR kind = ?4 AND lane IN
                 (SELECT upload FROM outbox WHERE kind = ?1 AND lane = ?2 AND upload IS NOT NULL))",
    )?;
    let asked = [lane::MESSAGE, conversation.0, account.0, lane::UPLOAD];
    let due: Option<i64> = query.query_row(asked, |row| row.get(0))?;
    Ok(due.map(Timestamp::from_millis))
}
