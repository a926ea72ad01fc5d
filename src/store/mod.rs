//! The SQLite file that is the truth: schema, the one writer, readers, and every question and change.
//!
//! Writing: [`write::WriteConn`] runs jobs, and a job calls functions that take `&mut` [`write::Tx`].
//! Reading: functions that take `&` [`read::ReadConn`]. Both are synchronous; who owns the threads
//! is not decided here. Times come in as arguments. Invariants:
//!
//! - A message moves only through `domain::state::step`, with a row in its timeline for each step, and it has
//!   a live outbox row exactly while it is queued or sending ([`check`] looks).
//! - What webhooks say is kept as facts; contacts, counters and states follow from the set of facts, so
//!   duplicates and any order give the same database ([`dump`] is what "same" means).
//! - Conversations and contacts that were merged keep resolving by their old ids.

pub mod account;
mod body;
pub mod callback;
pub mod campaign;
pub mod catalogue;
pub mod check;
pub mod conversation;
pub mod dump;
pub mod error;
pub mod event;
mod facts;
pub mod ingest;
mod lane;
pub mod list;
mod log;
mod merge;
pub mod message;
pub mod outbox;
mod proof;
pub mod prune;
pub mod read;
mod righted;
mod row;
mod schema;
pub mod search;
mod standing;
pub mod stats;
mod stored;
mod tally;
mod template;
pub mod text_index;
pub mod unfinished;
pub mod upload;
pub mod wish;
mod words;
pub mod write;

pub use error::Error;
pub use log::move_log;
pub use read::{BackUpError, ReadConn};
pub use write::{Group, Rules, Tx, WriteConn, WriteJob};

#[cfg(test)]
mod tests;
