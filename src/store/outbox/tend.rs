//! What time alone does to messages that wait: the hour of a scheduled one comes, the window of a queued one
//! closes, the messaging limit has room again. What events do is done where they are stored.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::claim::fail;
use super::decide::{hold, hold_for, release};
use super::gate::{Gate, LIMIT_SPAN, gate};
use crate::domain::id::{AccountId, ContactId, MessageId};
use crate::domain::state::{Cause, HoldReason, State};
use crate::domain::template::Status;
use crate::domain::throttle::Limits;
use crate::domain::time::Timestamp;
use crate::domain::window::WINDOW;
use crate::store::error::Error;
use crate::store::read::ReadConn;
use crate::store::standing::{self, Proof};
use crate::store::write::Tx;
use crate::store::{account, body, catalogue, row};

/// Messages tended at a time; the next look finds the rest.
const BATCH: i64 = 500;

/// What time did to the messages of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overdue {
    /// Messages that have to be looked at now; [`tend`] does.
    pub messages: Vec<MessageId>,
    /// When time does something again to what is scheduled or held by the limit.
    pub next: Option<Timestamp>,
    /// When the next window closes that a queued message needs; only when windows were asked for.
    pub closes: Option<Timestamp>,
    /// The newest failure that a status reported of the account itself: Meta's code, and when.
    pub trouble: Option<(i64, Timestamp)>,
    /// What Meta said last of the number's limits.
    pub limits: Limits,
}

impl Overdue {
    /// Time does something at this time too.
    fn wakes(&mut self, at: Option<Timestamp>) {
        self.next = self.next.into_iter().chain(at).min();
    }
}

/// Looks for messages whose time came or that the limit has room for again, and with `windows` for those
/// whose window closed, which takes a walk over all lanes.
pub fn overdue(
    read: &ReadConn,
    account: AccountId,
    windows: bool,
    now: Timestamp,
) -> Result<Overdue, Error> {
    let snapshot = read.snapshot()?;
    let mut overdue = Overdue::default();
    let mut query = snapshot.prepare_cached(
        "SELECT id, not_before FROM message WHERE account = ?1 AND state = 0
         ORDER BY not_before LIMIT ?2",
    )?;
    let mut rows = query.query([account.0, BATCH])?;
    while let Some(row) = rows.next()? {
        let at = Timestamp::from_millis(row.get::<_, Option<i64>>(1)?.unwrap_or(0));
        if at > now {
            overdue.next = Some(at);
            break;
        }
        overdue.messages.push(MessageId(row.get(0)?));
    }
    if windows {
        closed(&snapshot, account, now, &mut overdue)?;
    }
    limited(&snapshot, account, now, &mut overdue)?;
    barred(&snapshot, account, now, &mut overdue)?;
    let mut query =
        snapshot.prepare_cached("SELECT trouble_code, trouble_at FROM account WHERE id = ?1")?;
    let trouble: Option<(Option<i64>, Option<i64>)> =
        query.query_row([account.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    if let Some((Some(code), Some(at))) = trouble {
        overdue.trouble = Some((code, Timestamp::from_millis(at)));
    }
    overdue.limits = account::limits_of(&snapshot, account)?;
    Ok(overdue)
}

/// The first of each lane whose window closed. Windows close in the order of what the contacts wrote last;
/// templates need none.
fn closed(
    conn: &Connection,
    account: AccountId,
    now: Timestamp,
    overdue: &mut Overdue,
) -> Result<(), Error> {
    let mut query = conn.prepare_cached(
        "SELECT o.message, c.last_inbound FROM outbox o
             JOIN conversation c ON c.id = o.lane JOIN message m ON m.id = o.message
         WHERE o.head = 1 AND o.account = ?1 AND o.kind = 1 AND m.kind <> ?2
             AND c.last_inbound IS NOT NULL
         ORDER BY c.last_inbound LIMIT ?3",
    )?;
    let mut rows = query.query([account.0, body::TEMPLATE, BATCH])?;
    while let Some(row) = rows.next()? {
        let closes = Timestamp::from_millis(row.get(1)?) + WINDOW;
        if closes > now {
            overdue.closes = Some(closes);
            break;
        }
        overdue.messages.push(MessageId(row.get(0)?));
    }
    Ok(())
}

/// Messages that the messaging limit holds: as many as have room, and when there is room for the next.
fn limited(
    conn: &Connection,
    account: AccountId,
    now: Timestamp,
    overdue: &mut Overdue,
) -> Result<(), Error> {
    let mut query = conn.prepare_cached(
        "SELECT id FROM message
         WHERE account = ?1 AND state = 1 AND (state < 4 OR state IN (9, 10)) AND hold = ?2
             AND when_possible = 1 ORDER BY priority, id LIMIT ?3",
    )?;
    let held = query
        .query_map([account.0, row::hold_number(HoldReason::MessagingLimit), BATCH], |row| {
            Ok(MessageId(row.get(0)?))
        })?;
    let held: Vec<MessageId> = held.collect::<Result<_, _>>()?;
    if held.is_empty() {
        return Ok(());
    }
    let people = account::people(conn, account, now)?;
    let room = people.limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit.saturating_sub(people.reached)).unwrap_or(usize::MAX)
    });
    overdue.messages.extend(held.iter().take(room));
    if held.len() > room {
        let scope = account::scope(conn, account)?;
        let mut query =
            conn.prepare_cached("SELECT min(at) FROM reached WHERE scope = ?1 AND at > ?2")?;
        let oldest: Option<i64> =
            query.query_row(params![scope, (now - LIMIT_SPAN).millis()], |row| row.get(0))?;
        overdue.wakes(oldest.map(|at| Timestamp::from_millis(at) + LIMIT_SPAN));
    }
    Ok(())
}

/// Messages that wait for their template: those whose template may be sent again, and when the next pause ends.
fn barred(
    conn: &Connection,
    account: AccountId,
    now: Timestamp,
    overdue: &mut Overdue,
) -> Result<(), Error> {
    let mut query = conn.prepare_cached(
        "SELECT m.id, t.status, t.paused_until FROM message m
             JOIN template t ON t.account = m.account
                 AND t.name = m.extra ->> 'name' AND t.language = m.extra ->> 'language'
         WHERE m.account = ?1 AND m.state = 1 AND (m.state < 4 OR m.state IN (9, 10))
             AND m.hold = ?2 AND m.when_possible = 1 ORDER BY m.id",
    )?;
    let mut rows = query.query([account.0, row::hold_number(HoldReason::Template)])?;
    let full = overdue.messages.len() + usize::try_from(BATCH).unwrap_or(usize::MAX);
    while overdue.messages.len() < full {
        let Some(row) = rows.next()? else { break };
        let (status, until): (String, Option<i64>) = (row.get(1)?, row.get(2)?);
        if !catalogue::is_barred(&status, until, now) {
            overdue.messages.push(MessageId(row.get(0)?));
        } else if status == Status::Paused.name() {
            overdue.wakes(until.map(Timestamp::from_millis));
        }
    }
    Ok(())
}

/// Brings messages that [`overdue`] found to where they belong now. Each is looked at again: what it was
/// found for may be over.
pub fn tend(tx: &mut Tx<'_>, messages: &[MessageId], now: Timestamp) -> Result<(), Error> {
    for id in messages {
        if let Err(error) = tx.apart(|tx| tend_one(tx, *id, now))? {
            fail(tx, *id, &error.to_string(), now)?;
        }
    }
    Ok(())
}

fn tend_one(tx: &mut Tx<'_>, id: MessageId, now: Timestamp) -> Result<(), Error> {
    let mut message = standing::load(tx.conn, id)?;
    match message.state {
        State::Scheduled => {
            let mut query =
                tx.conn.prepare_cached("SELECT not_before FROM message WHERE id = ?1")?;
            let due: Option<i64> = query.query_row([id.0], |row| row.get(0))?;
            drop(query);
            if due.is_none_or(|due| due <= now.millis()) && !shut(tx, id, now)? {
                standing::advance(tx, &mut message, Cause::TimeCame, &Proof::at(now))?;
            }
        }
        State::Queued => {
            shut(tx, id, now)?;
        }
        State::Held => free(tx, id, now)?,
        _ => {}
    }
    Ok(())
}

/// Holds a message that may not go now; returns whether it was held.
pub(super) fn shut(tx: &mut Tx<'_>, id: MessageId, now: Timestamp) -> Result<bool, Error> {
    let Gate::Shut(reason) = gate(tx, id, now)? else { return Ok(false) };
    hold(tx, id, reason, now)?;
    Ok(true)
}

/// Queues a held message that was to go when it could, if now it can. Something else that stands in its way is
/// what holds it from now on, so that it takes no place among those that wait for what was.
pub(in crate::store) fn free(tx: &mut Tx<'_>, id: MessageId, now: Timestamp) -> Result<(), Error> {
    match release(tx, id, now) {
        Err(Error::Forbidden(reason)) => hold_for(tx, id, reason),
        done => done,
    }
}

/// The contact wrote, or wants marketing again: what waited for that goes on.
pub(in crate::store) fn free_contact(
    tx: &mut Tx<'_>,
    account: AccountId,
    contact: ContactId,
    now: Timestamp,
) -> Result<(), Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT m.id FROM conversation c JOIN message m ON m.conversation = c.id
         WHERE c.account = ?1 AND c.contact = ?2 AND m.state = 1 AND m.when_possible = 1
         ORDER BY m.id",
    )?;
    let rows = query.query_map([account.0, contact.0], |row| Ok(MessageId(row.get(0)?)))?;
    let held: Vec<MessageId> = rows.collect::<Result<_, _>>()?;
    drop(query);
    held.into_iter().try_for_each(|id| free(tx, id, now))
}
