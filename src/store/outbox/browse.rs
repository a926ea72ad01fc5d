//! The queue as a person looks through it: pages by keyset, each a few steps along an index, so that a
//! hundred thousand messages cost no more than ten.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, params};

use super::decide::decide;
use super::queue::{counts, holder, unresolved};
use crate::domain::conversation::Contact;
use crate::domain::health::Waiting;
use crate::domain::id::{AccountId, ConversationId, MessageId};
use crate::domain::outbox::{Decided, Decision};
use crate::domain::page::{Page, QueueKey, QueuePage};
use crate::domain::queue::{QueueFilter, QueueRow, Recent, Sweep};
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::store::error::Error;
use crate::store::read::ReadConn;
use crate::store::write::Tx;
use crate::store::{list, message, row};

/// A page of the queue.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueRows {
    /// In the order of the list.
    pub rows: Vec<QueueRow>,
    /// More above these.
    pub more_above: bool,
    /// More below these.
    pub more_below: bool,
    /// Over the whole account.
    pub counts: Waiting,
}

/// A page of what is not settled: by state, what needs the person first; then what failed or is uncertain
/// newest first, what is scheduled by its time, and the rest in the order written.
pub fn browse(
    read: &ReadConn,
    account: AccountId,
    filter: QueueFilter,
    page: QueuePage,
    limit: u32,
) -> Result<QueueRows, Error> {
    let snapshot = read.snapshot()?;
    let shelf = Shelf { conn: &snapshot, account, states: filter.states() };
    let (keys, more_above, more_below) = match page {
        Page::First => {
            let (keys, more) = shelf.below(None, false, limit)?;
            (keys, false, more)
        }
        Page::After(key) => {
            let (keys, more) = shelf.below(Some(key), false, limit)?;
            (keys, true, more)
        }
        Page::Before(key) => {
            let (keys, more) = shelf.above(key, limit)?;
            (keys, more, true)
        }
        Page::Around(key) => {
            let (mut keys, more_above) = shelf.above(key, limit / 2)?;
            let (below, more_below) = shelf.below(Some(key), true, limit - limit / 2)?;
            keys.extend(below);
            (keys, more_above, more_below)
        }
    };
    let mut rows = rows(&snapshot, &keys)?;
    if rows.iter().any(|row| row.message.state == State::Queued) {
        let unresolved = unresolved(read, account)?;
        for row in rows.iter_mut().filter(|row| row.message.state == State::Queued) {
            row.uncertain = holder(&unresolved, row.message.conversation, row.message.id);
        }
    }
    Ok(QueueRows { rows, more_above, more_below, counts: counts(&snapshot, account)? })
}

/// What a page is taken from.
struct Shelf<'a> {
    conn: &'a Connection,
    account: AccountId,
    states: &'static [State],
}

/// Where a state stands in the list.
fn rank(state: State) -> usize {
    let order = QueueFilter::All.states();
    order.iter().position(|listed| *listed == state).unwrap_or(order.len())
}

impl Shelf<'_> {
    /// Ids in the order of the list, and whether there are more.
    fn below(
        &self,
        from: Option<QueueKey>,
        inclusive: bool,
        limit: u32,
    ) -> Result<(Vec<MessageId>, bool), Error> {
        let start = from.map_or(0, |key| rank(key.state));
        self.walk(
            self.states.iter().filter(|state| rank(**state) >= start),
            from,
            true,
            inclusive,
            limit,
        )
    }

    fn above(&self, key: QueueKey, limit: u32) -> Result<(Vec<MessageId>, bool), Error> {
        let states = self.states.iter().rev().filter(|state| rank(**state) <= rank(key.state));
        let (mut ids, more) = self.walk(states, Some(key), false, false, limit)?;
        ids.reverse();
        Ok((ids, more))
    }

    /// From one state to the next until there is enough. One id more than wanted tells whether there are more.
    fn walk<'s>(
        &self,
        states: impl Iterator<Item = &'s State>,
        from: Option<QueueKey>,
        down: bool,
        inclusive: bool,
        limit: u32,
    ) -> Result<(Vec<MessageId>, bool), Error> {
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut ids = Vec::new();
        for state in states {
            let from = from.filter(|key| key.state == *state);
            let room = i64::from(limit) + 1 - i64::try_from(ids.len()).unwrap_or(i64::MAX);
            self.of_state(*state, from, down, inclusive, room, &mut ids)?;
            if ids.len() > wanted {
                break;
            }
        }
        let more = ids.len() > wanted;
        ids.truncate(wanted);
        Ok((ids, more))
    }

    fn of_state(
        &self,
        state: State,
        from: Option<QueueKey>,
        down: bool,
        inclusive: bool,
        room: i64,
        ids: &mut Vec<MessageId>,
    ) -> Result<(), Error> {
        let newest_first = matches!(state, State::Uncertain | State::Failed);
        let rising = newest_first != down;
        let (than, order, edge) =
            if rising { (">", "ASC", i64::MIN) } else { ("<", "DESC", i64::MAX) };
        let or_equal = if inclusive { "=" } else { "" };
        let (due, id) = from.map_or((edge, edge), |key| (key.due, key.id.0));
        // The words of the partial indices, so that they are used.
        let (condition, key) = if state == State::Scheduled {
            (
                "state = 0".to_owned(),
                ("(not_before, id)", "(?2, ?3)", format!("not_before {order}, ")),
            )
        } else {
            let number = row::state_number(state);
            let condition =
                format!("state = {number} AND (state < 4 OR state IN (9, 10)) AND ?2 = ?2");
            (condition, ("id", "?3", String::new()))
        };
        let (columns, bound, first) = key;
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT id FROM message WHERE account = ?1 AND {condition}
                 AND {columns} {than}{or_equal} {bound} ORDER BY {first}id {order} LIMIT ?4"
        ))?;
        let found = query.query_map(params![self.account.0, due, id, room], |row| row.get(0))?;
        for id in found {
            ids.push(MessageId(id?));
        }
        Ok(())
    }
}

/// The messages of these ids, in this order, with whom they are for.
fn rows(conn: &Connection, ids: &[MessageId]) -> Result<Vec<QueueRow>, Error> {
    let mut contacts: BTreeMap<ConversationId, Contact> = BTreeMap::new();
    let mut messages: BTreeMap<MessageId, QueueRow> = BTreeMap::new();
    let behind = behind(conn, ids)?;
    for message in message::by_ids(conn, ids)? {
        let conversation = message.conversation;
        let contact = match contacts.entry(conversation) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(place) => place.insert(list::contact_of(conn, conversation)?).clone(),
        };
        let behind = behind.contains(&message.id);
        messages.insert(message.id, QueueRow { message, contact, behind, uncertain: None });
    }
    Ok(ids.iter().filter_map(|id| messages.remove(id)).collect())
}

/// The pluses keep the planner from walking all that waits instead of looking up these few.
pub(in crate::store) const BEHIND: &str =
    "SELECT message FROM outbox WHERE message IN (SELECT value FROM json_each(?1))
         AND message IS NOT NULL AND +kind = 1 AND +state = 1 AND +head = 0";

/// Of these, the queued ones before which another one of their conversation has to go.
fn behind(conn: &Connection, ids: &[MessageId]) -> Result<BTreeSet<MessageId>, Error> {
    let mut query = conn.prepare_cached(BEHIND)?;
    let ids = row::json_list(ids.iter().map(|id| id.0));
    let found = query.query_map([ids], |row| Ok(MessageId(row.get(0)?)))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// The requests of an account in the last [`Recent::SPANS`] spans up to the one that `now` is in. Spans begin
/// at multiples of their length, so that looking again moves nothing.
pub fn recent(read: &ReadConn, account: AccountId, now: Timestamp) -> Result<Recent, Error> {
    let mut query = read.conn.prepare_cached(
        "SELECT count(*) FROM request WHERE account = ?1 AND at >= ?2 AND at < ?3",
    )?;
    let end = (now.millis().div_euclid(Recent::SPAN_MILLIS) + 1) * Recent::SPAN_MILLIS;
    let mut start = end;
    let mut spans = Vec::with_capacity(Recent::SPANS);
    for _ in 0..Recent::SPANS {
        let from = start - Recent::SPAN_MILLIS;
        let count = query.query_row([account.0, from, start], |row| row.get(0))?;
        spans.push(row::count(count));
        start = from;
    }
    spans.reverse();
    Ok(Recent { spans })
}

/// How many messages are decided about in one transaction, so that nothing else waits long for the store.
const STEP: u32 = 100;

/// Carries out a decision about all messages of a filter, some at a time: begin with no [`Sweep`], go on with
/// the one that is returned until there is none. Those written or put into the queue since it began are
/// left alone, and each is decided about at most once.
pub fn decide_some(
    tx: &mut Tx<'_>,
    (account, filter): (AccountId, QueueFilter),
    decision: Decision,
    sweep: Option<Sweep>,
    now: Timestamp,
) -> Result<(Decided, Option<Sweep>), Error> {
    let sweep = match sweep {
        Some(sweep) => sweep,
        None => Sweep { after: MessageId(i64::MIN), last: newest(tx.conn)? },
    };
    let ids = among(tx.conn, account, filter, sweep)?;
    let rest = ids
        .last()
        .filter(|_| ids.len() >= usize::try_from(STEP).unwrap_or(usize::MAX))
        .map(|last| Sweep { after: *last, ..sweep });
    Ok((decide(tx, &ids, decision, now)?, rest))
}

fn newest(conn: &Connection) -> Result<MessageId, Error> {
    let mut query = conn.prepare_cached("SELECT coalesce(max(id), 0) FROM message")?;
    Ok(MessageId(query.query_row([], |row| row.get(0))?))
}

/// The first messages of a filter that a sweep has before it, by id.
fn among(
    conn: &Connection,
    account: AccountId,
    filter: QueueFilter,
    sweep: Sweep,
) -> Result<Vec<MessageId>, Error> {
    let mut ids: Vec<MessageId> = Vec::new();
    for state in filter.states() {
        let number = row::state_number(*state);
        let mut query = conn.prepare_cached(&format!(
            "SELECT id FROM message WHERE account = ?1 AND state = {number}
                 AND (state < 4 OR state IN (9, 10)) AND id > ?2 AND id <= ?3 ORDER BY id LIMIT ?4"
        ))?;
        let found = query
            .query_map(params![account.0, sweep.after.0, sweep.last.0, STEP], |row| row.get(0))?;
        for id in found {
            ids.push(MessageId(id?));
        }
    }
    ids.sort_unstable();
    ids.truncate(usize::try_from(STEP).unwrap_or(usize::MAX));
    Ok(ids)
}
