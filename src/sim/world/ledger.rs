//! The book the world keeps of what it saw, for tests and for people. The lists hold the latest
//! [`KEPT`] entries and start empty after a load; the counts cover everything.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::limit::Second;
use crate::domain::time::Timestamp;

/// Entries kept of each list.
pub const KEPT: usize = 200_000;

/// A send that was accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// When its request came.
    pub at: Timestamp,
    /// The id it was given.
    pub wamid: String,
    /// The `wa_id` it goes to, or the user id when it was sent to one.
    pub to: String,
    /// `biz_opaque_callback_data`, if it carried any.
    pub callback: Option<String>,
    /// The request's body.
    pub body: Value,
}

/// A send that was refused.
#[derive(Clone, Debug)]
pub struct Refused {
    /// When its request came.
    pub at: Timestamp,
    /// Meta's code, 0 for a scripted answer without one.
    pub code: u32,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The request's body; `null` when it was no JSON.
    pub body: Value,
}

/// What came of one attempt to post a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PostOutcome {
    /// The listener answered with this status.
    Answered(u16),
    /// It could not be reached, or answered nothing readable.
    Failed(String),
}

/// One attempt to post a webhook.
#[derive(Clone, Debug)]
pub struct Posted {
    /// When its outcome was known.
    pub at: Timestamp,
    /// The POST's number; repeats when it is tried again.
    pub id: u64,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// What came of it.
    pub outcome: PostOutcome,
}

/// How much there was of everything, since the world began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Requests of every kind.
    pub requests: u64,
    /// Sends accepted.
    pub accepted: u64,
    /// Sends refused, throttled ones included.
    pub refused: u64,
    /// Messages written by people.
    pub inbound: u64,
    /// Inbound messages marked as read.
    pub marked_read: u64,
    /// Attempts to post a webhook.
    pub attempts: u64,
    /// Webhooks answered 200.
    pub posted: u64,
    /// Webhooks given up after seven days.
    pub given_up: u64,
}

/// The book itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Ledger {
    pub(super) counts: Counts,
    #[serde(skip)]
    pub(super) accepted: VecDeque<Accepted>,
    #[serde(skip)]
    pub(super) refused: VecDeque<Refused>,
    #[serde(skip)]
    pub(super) posted: VecDeque<Posted>,
    /// Arrivals at the send endpoint, accepted or not.
    pub(super) arrivals: Second,
}

/// Appends and forgets the oldest beyond [`KEPT`].
pub(super) fn keep<T>(list: &mut VecDeque<T>, entry: T) {
    if list.len() == KEPT {
        list.pop_front();
    }
    list.push_back(entry);
}
