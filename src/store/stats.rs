//! Numbers over the messages and webhooks of a stretch of time. Rows are found by when they were stored, which
//! grows with their ids, so that the beginning is found in a few steps and nothing before it is read; no index
//! has to be kept for it.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::Error;
use super::read::ReadConn;
use super::row;
use crate::domain::id::AccountId;
use crate::domain::message::MediaKind;
use crate::domain::state::State;
use crate::domain::stats::{Failures, Hour, MessageCount, Phase, Spread, Stats, TemplateUse};
use crate::domain::time::Timestamp;

/// Rows of which the id and a time go up together.
#[derive(Clone, Copy)]
enum Growing {
    Messages,
    Events,
}

const HOUR: i64 = 3_600_000;

/// Ids that are read at once. Whoever reads all of a large store in one go keeps the log from being moved, and it
/// grows meanwhile; what comes in between two steps is counted, or not, as it falls.
const STEP: i64 = 4_096;

/// Rows of an account from a time on.
#[derive(Clone, Copy)]
struct Stretch {
    account: AccountId,
    since: Timestamp,
    /// Their ids, with rows of others in between.
    first: i64,
    last: i64,
}

impl Stretch {
    fn of(
        conn: &Connection,
        rows: Growing,
        account: AccountId,
        since: Timestamp,
    ) -> Result<Self, Error> {
        let (first, last) = ids_since(conn, rows, since)?;
        Ok(Self { account, since, first, last })
    }

    /// The first and the last id of each step.
    fn steps(self) -> impl Iterator<Item = (i64, i64)> {
        let begins = std::iter::successors(Some(self.first), |at| at.checked_add(STEP));
        begins
            .take_while(move |at| *at <= self.last)
            .map(move |at| (at, self.last.min(at + STEP - 1)))
    }
}

/// Counts what an account sent and received from `since` on. `day` says where the day of a time begins.
/// Messages of a replayed history are left out.
pub fn stats(
    read: &ReadConn,
    account: AccountId,
    since: Timestamp,
    day: &mut dyn FnMut(Timestamp) -> Timestamp,
) -> Result<Stats, Error> {
    let conn = &read.conn;
    let stored = Stretch::of(conn, Growing::Messages, account, since)?;
    let mut counted = Stats::default();
    messages(conn, stored, day, &mut counted)?;
    latencies(conn, stored, &mut counted)?;
    webhooks(conn, Stretch::of(conn, Growing::Events, account, since)?, &mut counted)?;
    Ok(counted)
}

/// The id of the first row that was stored at this time or later, and of the last one.
fn ids_since(conn: &Connection, rows: Growing, since: Timestamp) -> Result<(i64, i64), Error> {
    let (ends, at) = match rows {
        Growing::Messages => (
            "SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM message",
            "SELECT stored_at FROM message WHERE id >= ?1 ORDER BY id LIMIT 1",
        ),
        Growing::Events => (
            "SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM event",
            "SELECT received_at FROM event WHERE id >= ?1 ORDER BY id LIMIT 1",
        ),
    };
    let (mut low, last): (i64, i64) =
        conn.prepare_cached(ends)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut high = last.saturating_add(1);
    let mut query = conn.prepare_cached(at)?;
    while low < high {
        let middle = low + (high - low) / 2;
        let stored: Option<i64> = query.query_row([middle], |row| row.get(0)).optional()?;
        if stored.is_none_or(|stored| stored >= since.millis()) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok((low, last))
}

/// What a type is called that has no word of Meta's in its row.
fn kind_name(kind: i64, media: Option<i64>) -> &'static str {
    match kind {
        1 => "text",
        2 => media.and_then(|kind| row::media_kind(kind).ok()).map_or("media", MediaKind::name),
        3 => "location",
        4 => "contacts",
        5 => "reaction",
        6 => "reply",
        7 => "interactive",
        8 => "template",
        9 => "order",
        10 => "system",
        11 => "edit",
        12 => "revoke",
        13 => "request_welcome",
        14 => "unsupported",
        _ => "unknown",
    }
}

fn messages(
    conn: &Connection,
    stored: Stretch,
    day: &mut dyn FnMut(Timestamp) -> Timestamp,
    counted: &mut Stats,
) -> Result<(), Error> {
    let mut query = conn.prepare_cached(
        "SELECT m.conversation, m.direction, m.kind, f.kind, m.state, m.at, m.code, m.author, m.own,
             m.priority, iif(m.kind = 8, m.extra ->> 'name', NULL),
             iif(m.kind = 8, m.extra ->> 'language', NULL)
         FROM message m LEFT JOIN media f ON m.kind = 2 AND f.message = m.id
         WHERE m.id BETWEEN ?2 AND ?3 AND +m.account = ?1 AND m.history = 0 AND m.at >= ?4
         ORDER BY m.id",
    )?;
    let mut counts: BTreeMap<(Timestamp, bool, &'static str, &'static str), u64> = BTreeMap::new();
    let mut failures: BTreeMap<Option<i64>, u64> = BTreeMap::new();
    let mut templates: BTreeMap<(String, String), TemplateUse> = BTreeMap::new();
    let mut waiting: HashMap<i64, i64> = HashMap::new();
    let mut answers = Vec::new();
    for (from, to) in stored.steps() {
        let asked = params![stored.account.0, from, to, stored.since.millis()];
        let mut rows = query.query(asked)?;
        while let Some(found) = rows.next()? {
            let conversation: i64 = found.get(0)?;
            let outbound = found.get::<_, i64>(1)? == 2;
            let kind = kind_name(found.get(2)?, found.get(3)?);
            let state = row::state(found.get(4)?)?;
            let at: i64 = found.get(5)?;
            let key = (day(Timestamp::from_millis(at)), outbound, kind, state.name());
            *counts.entry(key).or_default() += 1;
            if state == State::Failed {
                *failures.entry(found.get(6)?).or_default() += 1;
            }
            let author: i64 = found.get(7)?;
            let (own, person) = (found.get::<_, i64>(8)? == 1, found.get::<_, i64>(9)? == 1);
            if own && author == 1 {
                waiting.entry(conversation).or_insert(at);
            } else if own && outbound && person && state.is_accepted() {
                // What goes to many people answers none of them.
                if let Some(since) = waiting.remove(&conversation) {
                    answers.push(u64::try_from(at - since).unwrap_or(0));
                }
            }
            if kind == "template" && outbound {
                let name: String = found.get::<_, Option<String>>(10)?.unwrap_or_default();
                let language: String = found.get::<_, Option<String>>(11)?.unwrap_or_default();
                use_of(&mut templates, name, language, state);
            }
        }
    }
    counted.messages = counts
        .into_iter()
        .map(|((day, outbound, kind, state), count)| MessageCount {
            day,
            outbound,
            kind,
            state,
            count,
        })
        .collect();
    counted.failures = failures.into_iter().map(|(code, count)| Failures { code, count }).collect();
    counted.failures.sort_by_key(|failure| std::cmp::Reverse(failure.count));
    counted.templates = templates.into_values().collect();
    counted.templates.sort_by_key(|template| std::cmp::Reverse(template.total));
    counted.answers = Spread::of(&mut answers);
    counted.unanswered = waiting.len() as u64;
    Ok(())
}

fn use_of(
    templates: &mut BTreeMap<(String, String), TemplateUse>,
    name: String,
    language: String,
    state: State,
) {
    let known =
        templates.entry((name, language)).or_insert_with_key(|(name, language)| TemplateUse {
            name: name.clone(),
            language: language.clone(),
            total: 0,
            sent: 0,
            delivered: 0,
            read: 0,
            failed: 0,
        });
    known.total += 1;
    known.sent +=
        u64::from(matches!(state, State::Sent | State::Delivered | State::Read | State::Played));
    known.delivered += u64::from(matches!(state, State::Delivered | State::Read | State::Played));
    known.read += u64::from(matches!(state, State::Read | State::Played));
    known.failed += u64::from(state == State::Failed);
}

/// The times of one message that matter here.
#[derive(Default)]
struct Course {
    message: i64,
    queued: Option<i64>,
    /// The first request, and the last one, which is the one that counts.
    first_request: Option<i64>,
    request: Option<i64>,
    reached: [Option<i64>; Phase::ALL.len()],
}

impl Course {
    fn take(&mut self, state: State, at: i64) {
        match state {
            State::Queued => {
                self.queued.get_or_insert(at);
            }
            State::Sending => {
                self.first_request.get_or_insert(at);
                self.request = Some(at);
            }
            _ => {
                let phase = Phase::ALL.iter().position(|phase| phase.ends_in() == state);
                if let Some(reached) = phase.and_then(|phase| self.reached.get_mut(phase)) {
                    reached.get_or_insert(at);
                }
            }
        }
    }

    fn close(self, spans: &mut [Vec<u64>; Phase::ALL.len()]) {
        let [queue, ..] = spans;
        let span = |from: i64, to: i64| u64::try_from(to - from).unwrap_or(0);
        if let (Some(queued), Some(request)) = (self.queued, self.first_request) {
            queue.push(span(queued, request));
        }
        let Some(request) = self.request else { return };
        for (reached, spans) in self.reached.iter().zip(spans).skip(1) {
            spans.extend(reached.map(|at| span(request, at)));
        }
    }
}

fn latencies(conn: &Connection, stored: Stretch, counted: &mut Stats) -> Result<(), Error> {
    // What a status says of an earlier request tells nothing of the last one.
    let mut query = conn.prepare_cached(
        "SELECT t.message, t.state, t.at FROM timeline t CROSS JOIN message m ON m.id = t.message
         WHERE t.message BETWEEN ?2 AND ?3 AND t.report < 2 AND m.account = ?1 AND m.direction = 2
             AND m.history = 0 AND m.at >= ?4
         ORDER BY t.message, t.at, t.id",
    )?;
    let mut spans: [Vec<u64>; Phase::ALL.len()] = Default::default();
    let mut course = Course::default();
    for (from, to) in stored.steps() {
        let asked = params![stored.account.0, from, to, stored.since.millis()];
        let mut rows = query.query(asked)?;
        while let Some(found) = rows.next()? {
            let message = found.get(0)?;
            if message != course.message {
                let next = Course { message, ..Course::default() };
                std::mem::replace(&mut course, next).close(&mut spans);
            }
            course.take(row::state(found.get(1)?)?, found.get(2)?);
        }
    }
    course.close(&mut spans);
    counted.latencies = Phase::ALL
        .into_iter()
        .zip(&mut spans)
        .filter_map(|(phase, spans)| Some((phase, Spread::of(spans)?)))
        .collect();
    Ok(())
}

/// Those that are about the account, and those that are about none.
fn webhooks(conn: &Connection, stored: Stretch, counted: &mut Stats) -> Result<(), Error> {
    let mut query = conn.prepare_cached(
        "SELECT e.received_at, e.took FROM event e WHERE e.id BETWEEN ?1 AND ?3
             AND (EXISTS (SELECT 1 FROM event_effect f WHERE f.event = e.id AND f.account = ?2)
                  OR NOT EXISTS (SELECT 1 FROM event_effect f WHERE f.event = e.id AND f.account <> ?2))",
    )?;
    let mut hours: BTreeMap<i64, u64> = BTreeMap::new();
    let mut took = Vec::new();
    for (from, to) in stored.steps() {
        let mut rows = query.query([from, stored.account.0, to])?;
        while let Some(found) = rows.next()? {
            *hours.entry(found.get::<_, i64>(0)?.div_euclid(HOUR)).or_default() += 1;
            let micros: Option<i64> = found.get(1)?;
            took.extend(micros.and_then(|micros| u64::try_from(micros / 1000).ok()));
        }
    }
    let hour = |(hour, count)| Hour { from: Timestamp::from_millis(hour * HOUR), count };
    counted.webhooks = hours.into_iter().map(hour).collect();
    counted.webhooks_took = Spread::of(&mut took);
    Ok(())
}
