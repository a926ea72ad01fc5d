//! The stored webhook POSTs and what each of them changed, and the requests that left none.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::error::Error;
use super::read::ReadConn;
use super::row::{self, get};
use super::write::Tx;
use super::{list, message};
pub use crate::domain::hook::{Effect, EffectKind, EventRow};

use crate::domain::event::Tidings;
use crate::domain::hook::{ARRIVALS, Arrival, Head, HookKey, RowChange, Subject};
use crate::domain::id::{AccountId, EventId, MessageId};
use crate::domain::page::Page;
use crate::domain::state::State;
use crate::domain::time::Timestamp;

const EVENTS: &str = "SELECT e.id, e.received_at, length(b.body),
     EXISTS (SELECT 1 FROM event o WHERE o.body = e.body AND o.id < e.id), e.took, e.replay_of,
     h.secret, h.headers
     FROM event e JOIN event_body b ON b.id = e.body LEFT JOIN event_head h ON h.id = e.head";

/// An event as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The bytes that were signed; empty once they were let go.
    pub body: Vec<u8>,
    /// The signature that came with them.
    pub signature: Option<[u8; 32]>,
}

/// Stored events, newest first, before an id if given.
pub fn events(
    read: &ReadConn,
    before: Option<EventId>,
    limit: u32,
) -> Result<Vec<EventRow>, Error> {
    let snapshot = read.snapshot()?;
    let edge = before.map_or(i64::MAX, |id| id.0);
    rows(&snapshot, "e.id < ?1 ORDER BY e.id DESC", edge, limit)
}

/// Stored events after an id, oldest first.
pub fn events_after(read: &ReadConn, after: EventId, limit: u32) -> Result<Vec<EventRow>, Error> {
    let snapshot = read.snapshot()?;
    rows(&snapshot, "e.id > ?1 ORDER BY e.id", after.0, limit)
}

/// The newest event.
pub fn newest(read: &ReadConn) -> Result<EventId, Error> {
    newest_of(&read.conn)
}

fn newest_of(conn: &Connection) -> Result<EventId, Error> {
    let mut query = conn.prepare_cached("SELECT coalesce(max(id), 0) FROM event")?;
    Ok(EventId(query.query_row([], |row| row.get(0))?))
}

fn rows(conn: &Connection, which: &str, edge: i64, limit: u32) -> Result<Vec<EventRow>, Error> {
    let mut query = conn.prepare_cached(&format!("{EVENTS} WHERE {which} LIMIT ?2"))?;
    let found = query.query_map(params![edge, limit], event_row)?;
    let mut events: Vec<EventRow> = found.collect::<Result<_, _>>()?;
    let mut effects =
        conn.prepare_cached("SELECT * FROM event_effect WHERE event = ?1 ORDER BY id")?;
    for event in &mut events {
        let mut rows = effects.query([event.id.0])?;
        while let Some(row) = rows.next()? {
            event.effects.push(effect(row)?);
        }
    }
    Ok(events)
}

/// One event with its body as it came, which is empty once it was let go.
pub fn event(read: &ReadConn, id: EventId) -> Result<(EventRow, Vec<u8>), Error> {
    let after = EventId(id.0.saturating_add(1));
    let found = events(read, Some(after), 1)?.pop().filter(|event| event.id == id);
    let event = found.ok_or_else(|| Error::not_found("event", id.to_string()))?;
    Ok((event, kept(read, id)?.body))
}

/// What is kept of an event as it came.
pub fn kept(read: &ReadConn, id: EventId) -> Result<Kept, Error> {
    let mut query = read.conn.prepare_cached(
        "SELECT b.body, e.signature FROM event e JOIN event_body b ON b.id = e.body WHERE e.id = ?1",
    )?;
    let kept = query
        .query_row([id.0], |row| Ok(Kept { body: row.get(0)?, signature: row.get(1)? }))
        .optional()?;
    kept.ok_or_else(|| Error::not_found("event", id.to_string()))
}

/// The message of an effect and whose conversation it is in.
pub fn subject(read: &ReadConn, effect: &Effect) -> Result<Option<Subject>, Error> {
    let Some(id) = effect.message else { return Ok(None) };
    let message = message::message(read, id)?;
    let contact = list::contact_of(&read.conn, message.conversation)?;
    Ok(Some(Subject { message, contact }))
}

/// The places of requests, newest first, and whether there are more above and below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// In the order of the list.
    pub keys: Vec<HookKey>,
    /// Newer ones above these.
    pub more_above: bool,
    /// Older ones below these.
    pub more_below: bool,
}

/// A page of the requests, whatever they came to.
pub fn places(read: &ReadConn, page: Page<HookKey>, limit: u32) -> Result<Places, Error> {
    let snapshot = read.snapshot()?;
    let conn = &*snapshot;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let side = |from: Option<HookKey>, below: bool, inclusive: bool, limit: usize| {
        walk(conn, from, below, inclusive, limit.saturating_add(1)).map(|mut keys| {
            let more = keys.len() > limit;
            keys.truncate(limit);
            (keys, more)
        })
    };
    Ok(match page {
        Page::First => {
            let (keys, more_below) = side(None, true, false, wanted)?;
            Places { keys, more_above: false, more_below }
        }
        Page::After(key) => {
            let (keys, more_below) = side(Some(key), true, false, wanted)?;
            Places { keys, more_above: true, more_below }
        }
        Page::Before(key) => {
            let (mut keys, more_above) = side(Some(key), false, false, wanted)?;
            keys.reverse();
            Places { keys, more_above, more_below: true }
        }
        Page::Around(key) => {
            let (mut keys, more_above) = side(Some(key), false, false, wanted / 2)?;
            keys.reverse();
            let (below, more_below) = side(Some(key), true, true, wanted - wanted / 2)?;
            keys.extend(below);
            Places { keys, more_above, more_below }
        }
    })
}

/// From a place on, in the order of the walk: two lists, each along its key, merged.
fn walk(
    conn: &Connection,
    from: Option<HookKey>,
    below: bool,
    inclusive: bool,
    limit: usize,
) -> Result<Vec<HookKey>, Error> {
    let (than, order) = if below { ("<", "DESC") } else { (">", "ASC") };
    let edge = if below { i64::MAX } else { i64::MIN };
    let from = from.unwrap_or(HookKey { event: EventId(edge), arrival: edge });
    let or_equal = if inclusive { "=" } else { "" };
    let room = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut keys = Vec::new();
    for table in
        ["SELECT id, 0 FROM event WHERE (id, 0)", "SELECT after, id FROM arrival WHERE (after, id)"]
    {
        // Along the key of the table alone, or SQLite would walk all of it.
        let ids = if table.contains("arrival") {
            format!("{table} {than}{or_equal} (?1, ?2) ORDER BY after {order}, id {order} LIMIT ?3")
        } else {
            format!(
                "{table} {than}{or_equal} (?1, ?2) AND id {than}= ?1 ORDER BY id {order} LIMIT ?3"
            )
        };
        let mut query = conn.prepare_cached(&ids)?;
        let found = query.query_map(params![from.event.0, from.arrival, room], |row| {
            Ok(HookKey { event: EventId(row.get(0)?), arrival: row.get(1)? })
        })?;
        for key in found {
            keys.push(key?);
        }
    }
    keys.sort_unstable_by(|a, b| if below { b.cmp(a) } else { a.cmp(b) });
    keys.truncate(limit);
    Ok(keys)
}

/// A request that left no event.
pub fn arrival(read: &ReadConn, id: i64) -> Result<Arrival, Error> {
    let mut query = read.conn.prepare_cached("SELECT * FROM arrival WHERE id = ?1")?;
    let mut rows = query.query([id])?;
    let row = rows.next()?.ok_or_else(|| Error::not_found("request", id.to_string()))?;
    Ok(Arrival {
        at: Timestamp::from_millis(get(row, "at")?),
        code: get(row, "code")?,
        took: micros(get(row, "took")?),
        why: get(row, "why")?,
        method: get(row, "method")?,
        path: get(row, "path")?,
        peer: get(row, "peer")?,
        agent: get(row, "agent")?,
        length: get::<Option<i64>>(row, "length")?.and_then(|length| u64::try_from(length).ok()),
    })
}

/// The newest request that left no event; 0 when there is none.
pub fn newest_arrival(read: &ReadConn) -> Result<i64, Error> {
    let mut query = read.conn.prepare_cached("SELECT coalesce(max(id), 0) FROM arrival")?;
    Ok(query.query_row([], |row| row.get(0))?)
}

/// The places of requests that left no event and came after this one, oldest first.
pub fn arrivals_after(read: &ReadConn, id: i64) -> Result<Vec<HookKey>, Error> {
    let mut query =
        read.conn.prepare_cached("SELECT after, id FROM arrival WHERE id > ?1 ORDER BY id")?;
    let found = query
        .query_map([id], |row| Ok(HookKey { event: EventId(row.get(0)?), arrival: row.get(1)? }))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// What became known of requests once they were answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// How long stored events took.
    pub took: Vec<(EventId, Duration)>,
    /// Requests that left no event, each with the newest event before it, if that is known.
    pub passed: Vec<(Option<EventId>, Arrival)>,
}

/// Writes down how requests were answered. Of those that left no event, the newest are kept.
pub fn note_answers(tx: &mut Tx<'_>, answered: &Answered) -> Result<(), Error> {
    let mut took = tx.conn.prepare_cached("UPDATE event SET took = ?2 WHERE id = ?1")?;
    for (event, duration) in &answered.took {
        took.execute(params![event.0, in_micros(*duration)])?;
    }
    drop(took);
    if !answered.passed.is_empty() {
        let newest = newest_of(tx.conn)?;
        let mut insert = tx.conn.prepare_cached(
            "INSERT INTO arrival (after, at, code, took, why, method, path, peer, agent, length)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        for (after, arrival) in &answered.passed {
            // Whoever refused it may not know of events that another process stored before.
            let after = after.unwrap_or(newest);
            insert.execute(params![
                after.0,
                arrival.at.millis(),
                arrival.code,
                in_micros(arrival.took),
                arrival.why,
                arrival.method,
                arrival.path,
                arrival.peer,
                arrival.agent,
                arrival.length.and_then(|length| i64::try_from(length).ok())
            ])?;
        }
        tx.conn
            .prepare_cached("DELETE FROM arrival WHERE id <= (SELECT max(id) FROM arrival) - ?1")?
            .execute([ARRIVALS])?;
    }
    tx.changes.events = true;
    Ok(())
}

/// What Meta told of an account or its templates after this number, oldest first; without one, only what it told
/// last.
pub fn tidings(read: &ReadConn, after: Option<i64>) -> Result<Vec<Tidings>, Error> {
    let mut query = read.conn.prepare_cached(
        // 6 is a notice; as a parameter it would not fit the index.
        "SELECT id, detail, until FROM event_effect
         WHERE kind = 6 AND detail IS NOT NULL AND id > ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let limit = if after.is_some() { i64::MAX } else { 1 };
    let rows = query.query_map([after.unwrap_or(i64::MIN), limit], |row| {
        Ok(Tidings {
            number: row.get(0)?,
            words: row.get(1)?,
            until: row.get::<_, Option<i64>>(2)?.map(Timestamp::from_millis),
        })
    })?;
    let mut found: Vec<Tidings> = rows.collect::<Result<_, _>>()?;
    found.reverse();
    Ok(found)
}

/// The newest items that are no message and no status: notices, errors, and what was not understood.
pub fn notices(read: &ReadConn, limit: u32) -> Result<Vec<Effect>, Error> {
    let mut query = read
        .conn
        .prepare_cached("SELECT * FROM event_effect WHERE kind >= 6 ORDER BY id DESC LIMIT ?1")?;
    let mut rows = query.query([limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(effect(row)?);
    }
    Ok(found)
}

fn micros(number: i64) -> Duration {
    Duration::from_micros(u64::try_from(number).unwrap_or(0))
}

fn in_micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn event_row(row: &Row<'_>) -> rusqlite::Result<EventRow> {
    let head: Option<(String, String)> = row.get::<_, Option<String>>(6)?.zip(row.get(7)?);
    Ok(EventRow {
        id: EventId(row.get(0)?),
        received_at: Timestamp::from_millis(row.get(1)?),
        size: u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
        duplicate: row.get(3)?,
        took: row.get::<_, Option<i64>>(4)?.map(micros),
        replay_of: row.get::<_, Option<i64>>(5)?.map(EventId),
        head: head.map(|(secret, headers)| Head { secret, headers }),
        effects: Vec::new(),
    })
}

fn effect(row: &Row<'_>) -> Result<Effect, Error> {
    let state = |column: &str| -> Result<Option<State>, Error> {
        get::<Option<i64>>(row, column)?.map(row::state).transpose()
    };
    Ok(Effect {
        event: EventId(get(row, "event")?),
        kind: kind(get(row, "kind")?)?,
        account: get::<Option<i64>>(row, "account")?.map(AccountId),
        message: get::<Option<i64>>(row, "message")?.map(MessageId),
        from: state("from_state")?,
        to: state("to_state")?,
        field: get(row, "field")?,
        detail: get(row, "detail")?,
        changes: get::<Option<String>>(row, "changes")?
            .map_or_else(Vec::new, |json| changes(&json)),
    })
}

type Written = (String, i64, String, Option<String>, Option<String>);

/// What was written by a newer version in another shape says nothing here.
fn changes(json: &str) -> Vec<RowChange> {
    let written: Vec<Written> = serde_json::from_str(json).unwrap_or_default();
    let read = |(table, id, column, before, after)| RowChange { table, id, column, before, after };
    written.into_iter().map(read).collect()
}

/// As they are stored; none when nothing changed.
pub(super) fn written(changes: &[RowChange]) -> Option<String> {
    let rows: Vec<_> = changes
        .iter()
        .map(|change| {
            serde_json::json!([change.table, change.id, change.column, change.before, change.after])
        })
        .collect();
    (!rows.is_empty()).then(|| serde_json::Value::from(rows).to_string())
}

fn kind(number: i64) -> Result<EffectKind, Error> {
    EffectKind::ALL
        .into_iter()
        .find(|kind| *kind as i64 == number)
        .ok_or_else(|| Error::Value(format!("effect {number}")))
}
