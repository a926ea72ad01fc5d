//! The queue of what is to be done towards Meta: enqueue, claim, record, rescue.

mod claim;
mod queue;
mod record;

pub use claim::{claim, claim_in, defer};
pub use queue::{next_due, next_due_in, queue_counts, recent_requests, unresolved};
pub use record::{finish_download, finish_receipt, record, rescue};

use super::error::Error;
use super::standing::{self, Proof, Standing};
use super::stored::{self, NewRow, Writer};
use super::write::Tx;
use super::{lane, merge};
use crate::domain::id::{ConversationId, MessageId, Wamid};
use crate::domain::message::{Context, NewMessage};
use crate::domain::outbox::ApiError;
use crate::domain::state::{Cause, HoldReason, State, Step};
use crate::domain::time::Timestamp;

/// Numbers about the outbox of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// Messages queued, those waiting for a retry included.
    pub queued: u32,
    /// Messages whose request is under way.
    pub sending: u32,
    /// Messages that wait for their time or a decision.
    pub held: u32,
    /// Messages that failed.
    pub failed: u32,
    /// Messages whose outcome is unknown.
    pub uncertain: u32,
    /// Receipts and files to fetch.
    pub other: u32,
}

/// How many jobs of each kind to claim at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Messages.
    pub messages: usize,
    /// Read receipts.
    pub receipts: usize,
    /// Files to fetch.
    pub downloads: usize,
}

impl Room {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.messages + self.receipts + self.downloads
    }

    const fn of(&self, kind: i64) -> usize {
        match kind {
            lane::MESSAGE => self.messages,
            lane::RECEIPT => self.receipts,
            _ => self.downloads,
        }
    }
}

/// A request that was made, for the limiters to start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentRequest {
    /// When it was claimed.
    pub at: Timestamp,
    /// The conversation: the pair.
    pub conversation: ConversationId,
}

/// A message whose outcome is unknown, which may hold its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// The message.
    pub message: MessageId,
    /// Its conversation: the lane.
    pub conversation: ConversationId,
    /// Since when.
    pub since: Timestamp,
}

/// How a job that is no message ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Done.
    Done,
    /// To be tried again.
    Retry {
        /// When.
        not_before: Timestamp,
        /// Whether this try counts.
        uses_try: bool,
    },
    /// It will not pass.
    GaveUp(ApiError),
}

/// What became of fetching a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// It is stored.
    Stored {
        /// Relative to the data directory.
        path: String,
        /// Bytes.
        size: u64,
    },
    /// To be tried again.
    Retry {
        /// When.
        not_before: Timestamp,
        /// Whether this try counts.
        uses_try: bool,
    },
    /// It cannot be had.
    Failed(ApiError),
}

/// Writes a message and queues it. Its conversation's draft is cleared in the same step.
pub fn enqueue(tx: &mut Tx<'_>, new: &NewMessage, now: Timestamp) -> Result<MessageId, Error> {
    let conversation = merge::conversation_now(tx.conn, new.conversation)?;
    let reply_to = match new.reply_to {
        None => None,
        Some(id) => standing::load(tx.conn, id)?.wamid,
    };
    let context = Context { reply_to, ..Context::default() };
    let row = NewRow {
        account: new.account,
        conversation,
        writer: Writer::Operator,
        wamid: None::<&Wamid>,
        at: now,
        state: State::Queued,
        body: &new.body,
        context: &context,
        reply_message: new.reply_to,
        peer: Some(&merge::addressee(tx.conn, new.account, conversation)?),
        group: None,
        history: false,
        priority: new.priority,
        raw: None,
    };
    let id = stored::insert(tx, &row, now)?;
    let message = standing::load(tx.conn, id)?;
    standing::keep_outbox(tx, &message)?;
    standing::note(tx, id, State::Queued, &Proof::at(now), 0)?;
    let cleared = tx
        .conn
        .prepare_cached("DELETE FROM draft WHERE conversation = ?1")?
        .execute([conversation.0])?;
    if cleared > 0 {
        tx.touch(conversation);
    }
    Ok(id)
}

/// Sends a failed or uncertain message again, with a new request. Its tries start anew.
pub fn send_again(tx: &mut Tx<'_>, message: MessageId, now: Timestamp) -> Result<(), Error> {
    let mut message = standing::load(tx.conn, message)?;
    if !message.by_operator {
        return Err(Error::Refused { state: message.state.name(), wanted: "sent again" });
    }
    decide(tx, &mut message, Cause::SendAgain, &Proof::at(now), "sent again")?;
    // The earlier request keeps its wamid; whatever is reported of it is about an earlier request now.
    tx.conn
        .prepare_cached("UPDATE message SET tries = 0, request = NULL, wamid = NULL WHERE id = ?1")?
        .execute([message.id.0])?;
    tx.conn
        .prepare_cached("UPDATE outbox SET tries = 0 WHERE message = ?1 AND kind = 1")?
        .execute([message.id.0])?;
    Ok(())
}

/// Withdraws a message that is not accepted yet, failed or uncertain.
pub fn cancel(tx: &mut Tx<'_>, message: MessageId, now: Timestamp) -> Result<(), Error> {
    let mut message = standing::load(tx.conn, message)?;
    decide(tx, &mut message, Cause::Cancel, &Proof::at(now), "withdrawn")
}

/// Holds a message until it is released.
pub fn hold(
    tx: &mut Tx<'_>,
    message: MessageId,
    reason: HoldReason,
    now: Timestamp,
) -> Result<(), Error> {
    let mut message = standing::load(tx.conn, message)?;
    let words = match reason {
        HoldReason::WindowClosed => "the 24-hour window is closed",
        HoldReason::OptedOut => "the contact does not want such messages",
        HoldReason::AccountPaused => "the account is paused",
    };
    let proof = Proof { detail: Some(words.to_owned()), ..Proof::at(now) };
    decide(tx, &mut message, Cause::Hold(reason), &proof, "held")
}

/// Queues a held message.
pub fn release(tx: &mut Tx<'_>, message: MessageId, now: Timestamp) -> Result<(), Error> {
    let mut message = standing::load(tx.conn, message)?;
    decide(tx, &mut message, Cause::Release, &Proof::at(now), "released")
}

/// A step that a person asks for: refused in words when the table forbids it.
fn decide(
    tx: &mut Tx<'_>,
    message: &mut Standing,
    cause: Cause,
    proof: &Proof,
    wanted: &'static str,
) -> Result<(), Error> {
    let state = message.state;
    match standing::advance(tx, message, cause, proof)? {
        Step::Forbidden => Err(Error::Refused { state: state.name(), wanted }),
        Step::To(_) | Step::Stay | Step::WasSent | Step::SentTwice => Ok(()),
    }
}
