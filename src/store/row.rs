//! The numbers that stand for enums in the database, and how values come out of rows.

use rusqlite::types::{FromSql, Type};
use rusqlite::{Row, Statement};

use super::error::Error;
use crate::domain::id::{RequestId, Wamid};
use crate::domain::message::{Direction, LateProof, MediaKind, Priority};
use crate::domain::state::{HoldReason, Report, State};

pub(super) const fn state_number(state: State) -> i64 {
    state as i64
}

pub(super) fn state(number: i64) -> Result<State, Error> {
    usize::try_from(number)
        .ok()
        .and_then(|index| State::ALL.get(index).copied())
        .ok_or_else(|| Error::Value(format!("message state {number}")))
}

pub(super) const fn direction_number(direction: Direction) -> i64 {
    match direction {
        Direction::Inbound => 1,
        Direction::Outbound => 2,
    }
}

pub(super) const fn direction(number: i64) -> Direction {
    if number == 1 { Direction::Inbound } else { Direction::Outbound }
}

pub(super) const fn priority_number(priority: Priority) -> i64 {
    match priority {
        Priority::Person => 1,
        Priority::Bulk => 2,
    }
}

pub(super) const fn priority(number: i64) -> Priority {
    if number == 1 { Priority::Person } else { Priority::Bulk }
}

pub(super) const fn late_proof(number: i64) -> LateProof {
    match number {
        1 => LateProof::WasSent,
        2 => LateProof::SentTwice,
        _ => LateProof::None,
    }
}

pub(super) const fn late_proof_number(proof: LateProof) -> i64 {
    match proof {
        LateProof::None => 0,
        LateProof::WasSent => 1,
        LateProof::SentTwice => 2,
    }
}

pub(super) const fn media_kind_number(kind: MediaKind) -> i64 {
    match kind {
        MediaKind::Image => 1,
        MediaKind::Video => 2,
        MediaKind::Audio => 3,
        MediaKind::Document => 4,
        MediaKind::Sticker => 5,
    }
}

pub(super) fn media_kind(number: i64) -> Result<MediaKind, Error> {
    Ok(match number {
        1 => MediaKind::Image,
        2 => MediaKind::Video,
        3 => MediaKind::Audio,
        4 => MediaKind::Document,
        5 => MediaKind::Sticker,
        _ => return Err(Error::Value(format!("media kind {number}"))),
    })
}

pub(super) const fn report_number(report: Report) -> i64 {
    match report {
        Report::Sent => 1,
        Report::Delivered => 2,
        Report::Read => 3,
        Report::Played => 4,
        Report::Failed => 5,
    }
}

pub(super) fn report(number: i64) -> Result<Report, Error> {
    Ok(match number {
        1 => Report::Sent,
        2 => Report::Delivered,
        3 => Report::Read,
        4 => Report::Played,
        5 => Report::Failed,
        _ => return Err(Error::Value(format!("status {number}"))),
    })
}

pub(super) const fn hold_number(reason: HoldReason) -> i64 {
    match reason {
        HoldReason::WindowClosed => 1,
        HoldReason::OptedOut => 2,
        HoldReason::Person => 3,
        HoldReason::MessagingLimit => 4,
        HoldReason::Campaign => 5,
        HoldReason::Template => 6,
    }
}

pub(super) const fn hold(number: i64) -> Option<HoldReason> {
    match number {
        1 => Some(HoldReason::WindowClosed),
        2 => Some(HoldReason::OptedOut),
        3 => Some(HoldReason::Person),
        4 => Some(HoldReason::MessagingLimit),
        5 => Some(HoldReason::Campaign),
        6 => Some(HoldReason::Template),
        _ => None,
    }
}

/// The status that proves a state, if one does.
pub(super) const fn report_of(state: State) -> Option<Report> {
    match state {
        State::Sent => Some(Report::Sent),
        State::Delivered => Some(Report::Delivered),
        State::Read => Some(Report::Read),
        State::Played => Some(Report::Played),
        State::Failed => Some(Report::Failed),
        State::Scheduled
        | State::Held
        | State::Queued
        | State::Sending
        | State::Accepted
        | State::Uncertain
        | State::Cancelled
        | State::Received => None,
    }
}

/// What has columns with names.
pub(super) trait Columns {
    fn column<T: FromSql>(&self, name: &str) -> rusqlite::Result<T>;
}

impl Columns for Row<'_> {
    fn column<T: FromSql>(&self, name: &str) -> rusqlite::Result<T> {
        self.get(name)
    }
}

/// The names of a query's columns, for queries with many rows: SQLite has a name only for a number, and to look
/// for one in each row takes longer than to read the row.
pub(super) struct Names(Vec<(String, usize)>);

impl Names {
    pub(super) fn of(query: &Statement<'_>) -> Self {
        let names = query.column_names().map(str::to_owned);
        let mut names: Vec<(String, usize)> = names.zip(0..).collect();
        names.sort_unstable();
        // As in SQLite, the first of equal names counts.
        names.dedup_by(|later, earlier| later.0 == earlier.0);
        Self(names)
    }

    pub(super) const fn on<'a>(&'a self, row: &'a Row<'a>) -> Named<'a> {
        Named { names: self, row }
    }
}

/// A row whose columns are quickly found.
pub(super) struct Named<'a> {
    names: &'a Names,
    row: &'a Row<'a>,
}

impl Columns for Named<'_> {
    fn column<T: FromSql>(&self, name: &str) -> rusqlite::Result<T> {
        let names = &self.names.0;
        let found = names.binary_search_by(|(known, _)| known.as_str().cmp(name));
        match found.ok().and_then(|at| names.get(at)) {
            Some((_, index)) => self.row.get(*index),
            None => Err(rusqlite::Error::InvalidColumnName(name.to_owned())),
        }
    }
}

/// A column by name.
pub(super) fn get<T: FromSql>(row: &impl Columns, column: &str) -> Result<T, Error> {
    Ok(row.column(column)?)
}

pub(super) fn state_in(row: &impl Columns, column: &str) -> Result<State, Error> {
    state(row.column(column)?)
}

pub(super) fn wamid_in(row: &impl Columns, column: &str) -> Result<Option<Wamid>, Error> {
    Ok(row.column::<Option<String>>(column)?.map(Wamid::new))
}

pub(super) fn request_in(row: &impl Columns, column: &str) -> rusqlite::Result<Option<RequestId>> {
    Ok(row.column::<Option<[u8; 16]>>(column)?.map(RequestId))
}

/// For closures that must answer in rusqlite's own error.
pub(super) fn unreadable(error: Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Null, Box::new(error))
}

/// A list as a JSON array, for `IN (SELECT value FROM json_each(?))`.
pub(super) fn json_list<T: Into<serde_json::Value>>(values: impl IntoIterator<Item = T>) -> String {
    serde_json::Value::Array(values.into_iter().map(Into::into).collect()).to_string()
}

/// A count that fits, since no table here comes near 2^32 rows.
pub(super) fn count(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}
