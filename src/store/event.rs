//! The stored webhook POSTs and what each of them changed.

use rusqlite::{OptionalExtension as _, Row, params};

use super::error::Error;
use super::read::ReadConn;
use super::row::{self, get};
use crate::domain::event::Tidings;
use crate::domain::id::{AccountId, EventId, MessageId};
use crate::domain::state::State;
use crate::domain::time::Timestamp;

/// One stored POST as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Local id.
    pub id: EventId,
    /// When it came in.
    pub received_at: Timestamp,
    /// Bytes of its body.
    pub size: u64,
    /// Whether an equal body came before it.
    pub duplicate: bool,
    /// What it changed.
    pub effects: Vec<Effect>,
}

/// What an item of an event did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EffectKind {
    /// A message was stored.
    Message = 1,
    /// A status was applied to a message.
    Status,
    /// A status waits for its message.
    Pending,
    /// A contact's identities or names became known.
    Contact,
    /// A contact's wish about marketing was noted.
    Preference,
    /// Something about the account, its templates or quality.
    Notice,
    /// An error without a message.
    Error,
    /// Not understood; the raw JSON is in the event.
    Unknown,
    /// It names a business number that is no account here.
    UnknownNumber,
    /// It was understood but could not be applied.
    Failed,
}

/// What an item of an event changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Which event.
    pub event: EventId,
    /// What happened.
    pub kind: EffectKind,
    /// The account, when there is one.
    pub account: Option<AccountId>,
    /// The message, when there is one.
    pub message: Option<MessageId>,
    /// The state before, for statuses.
    pub from: Option<State>,
    /// The state after.
    pub to: Option<State>,
    /// The webhook field.
    pub field: String,
    /// Words about it, unsanitised.
    pub detail: Option<String>,
}

const EVENTS: &str = "SELECT e.id, e.received_at, length(b.body),
     EXISTS (SELECT 1 FROM event o WHERE o.body = e.body AND o.id < e.id)
     FROM event e JOIN event_body b ON b.id = e.body";

/// Stored events, newest first, before an id if given.
pub fn events(
    read: &ReadConn,
    before: Option<EventId>,
    limit: u32,
) -> Result<Vec<EventRow>, Error> {
    let snapshot = read.snapshot()?;
    let before = before.map_or(i64::MAX, |id| id.0);
    let mut query = snapshot
        .prepare_cached(&format!("{EVENTS} WHERE e.id < ?1 ORDER BY e.id DESC LIMIT ?2"))?;
    let rows = query.query_map(params![before, limit], event_row)?;
    let mut events: Vec<EventRow> = rows.collect::<Result<_, _>>()?;
    let mut effects =
        snapshot.prepare_cached("SELECT * FROM event_effect WHERE event = ?1 ORDER BY id")?;
    for event in &mut events {
        let mut rows = effects.query([event.id.0])?;
        while let Some(row) = rows.next()? {
            event.effects.push(effect(row)?);
        }
    }
    Ok(events)
}

/// One event with its body as it came.
pub fn event(read: &ReadConn, id: EventId) -> Result<(EventRow, Vec<u8>), Error> {
    let after = EventId(id.0.saturating_add(1));
    let found = events(read, Some(after), 1)?.pop().filter(|event| event.id == id);
    let event = found.ok_or_else(|| Error::not_found("event", id.to_string()))?;
    let mut query = read.conn.prepare_cached(
        "SELECT b.body FROM event e JOIN event_body b ON b.id = e.body WHERE e.id = ?1",
    )?;
    let body = query.query_row([id.0], |row| row.get(0))?;
    Ok((event, body))
}

/// What Meta told last of an account or its templates.
pub fn tidings(read: &ReadConn) -> Result<Option<Tidings>, Error> {
    let mut query = read.conn.prepare_cached(
        "SELECT id, detail, until FROM event_effect WHERE kind >= 6 AND kind = ?1 AND detail IS NOT NULL
         ORDER BY id DESC LIMIT 1",
    )?;
    let found = query.query_row([EffectKind::Notice as i64], |row| {
        Ok(Tidings {
            number: row.get(0)?,
            words: row.get(1)?,
            until: row.get::<_, Option<i64>>(2)?.map(Timestamp::from_millis),
        })
    });
    Ok(found.optional()?)
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

fn event_row(row: &Row<'_>) -> rusqlite::Result<EventRow> {
    Ok(EventRow {
        id: EventId(row.get(0)?),
        received_at: Timestamp::from_millis(row.get(1)?),
        size: u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
        duplicate: row.get(3)?,
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
    })
}

fn kind(number: i64) -> Result<EffectKind, Error> {
    [
        EffectKind::Message,
        EffectKind::Status,
        EffectKind::Pending,
        EffectKind::Contact,
        EffectKind::Preference,
        EffectKind::Notice,
        EffectKind::Error,
        EffectKind::Unknown,
        EffectKind::UnknownNumber,
        EffectKind::Failed,
    ]
    .into_iter()
    .find(|kind| *kind as i64 == number)
    .ok_or_else(|| Error::Value(format!("effect {number}")))
}
