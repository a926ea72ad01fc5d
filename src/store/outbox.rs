//! The queue of what is to be done towards Meta: enqueue, claim, record, rescue.

mod browse;
mod claim;
mod decide;
mod gate;
mod queue;
mod record;
mod tend;

#[cfg(test)]
pub(in crate::store) use browse::BEHIND;
pub use browse::{QueueRows, browse, decide_some, recent};
pub use claim::{claim, claim_in, defer};
pub(in crate::store) use decide::hold_for;
pub use decide::{
    cancel, decide, hold, pause_account, release, reschedule, resume_account, send_again,
    send_unproved, when_possible,
};
pub use gate::LIMIT_SPAN;
pub use queue::{holder, next_due, next_due_in, queue_counts, recent_requests, unresolved};
pub(in crate::store) use record::learn_refusal;
pub use record::{finish_download, finish_receipt, finish_upload, hear, record, rescue};
pub use tend::{Overdue, overdue, tend};
pub(in crate::store) use tend::{free, free_contact};

use std::time::Duration;

use rusqlite::params;

use super::error::Error;
use super::standing::{self, Proof};
use super::stored::{self, NewRow, Writer};
use super::write::Tx;
use super::{lane, merge};
use crate::domain::id::{ConversationId, MediaId, MessageId, Wamid};
use crate::domain::message::{Context, NewMessage};
use crate::domain::outbox::ApiError;
use crate::domain::state::State;
use crate::domain::time::Timestamp;

/// How many jobs of each kind to claim at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Messages.
    pub messages: usize,
    /// Read receipts.
    pub receipts: usize,
    /// Files to fetch, and as many to upload.
    pub files: usize,
}

impl Room {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.messages + self.receipts + self.files
    }

    const fn of(&self, kind: i64) -> usize {
        match kind {
            lane::MESSAGE => self.messages,
            lane::RECEIPT => self.receipts,
            _ => self.files,
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
    /// How long proof of it could have been heard in earlier processes, and was not.
    pub heard: Duration,
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

/// What became of uploading a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uploaded {
    /// Meta has it, under this id.
    Arrived(MediaId),
    /// To be tried again.
    Retry {
        /// When.
        not_before: Timestamp,
        /// Whether this try counts.
        uses_try: bool,
        /// Why.
        error: ApiError,
    },
    /// Meta does not take it, or it is not there any more.
    Failed(ApiError),
}

/// When a message is to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Not before this time; at once when none.
    pub at: Option<Timestamp>,
}

/// Writes a message and queues it. Its conversation's draft stays as it is: only who typed it knows whether
/// the message is what became of it.
pub fn enqueue(tx: &mut Tx<'_>, new: &NewMessage, now: Timestamp) -> Result<MessageId, Error> {
    enqueue_on(tx, new, &Terms::default(), now)
}

/// Writes a message to go on its own terms: one that has a time to come is scheduled until then.
///
/// # Errors
/// [`Error::Forbidden`] for what cannot go: free text outside the window, marketing to who opted out.
pub fn enqueue_on(
    tx: &mut Tx<'_>,
    new: &NewMessage,
    terms: &Terms,
    now: Timestamp,
) -> Result<MessageId, Error> {
    let later = terms.at.filter(|at| *at > now);
    let state = if later.is_some() { State::Scheduled } else { State::Queued };
    let conversation = merge::conversation_now(tx.conn, new.conversation)?;
    gate::admit(tx, conversation, &new.body, later.is_some(), now)?;
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
        state,
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
    tx.conn
        .prepare_cached(
            "UPDATE message SET scheduled_at = ?2, not_before = ?2
             WHERE id = ?1 AND ?2 IS NOT NULL",
        )?
        .execute(params![id.0, later.map(Timestamp::millis)])?;
    let message = standing::load(tx.conn, id)?;
    standing::keep_outbox(tx, &message)?;
    standing::note(tx, id, state, &Proof::at(now), 0)?;
    tx.changes.outbox = true;
    Ok(id)
}
