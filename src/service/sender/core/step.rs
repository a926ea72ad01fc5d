//! What the core of the sender hears and what it wants done, as plain values.

use std::collections::BTreeSet;

use crate::domain::id::ConversationId;
use crate::domain::outbox::{Job, Outcome, Verdict};
use crate::domain::time::{Monotonic, Timestamp};
use crate::store::outbox::{Ended, Fetched, Room};

/// Both clocks, read together.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For due times.
    pub wall: Timestamp,
    /// For limits and waits.
    pub mono: Monotonic,
}

/// What the driver is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Read what is uncertain and when the next job is due; answer with [`super::Core::looked`].
    Look {
        /// What there is room for.
        room: Room,
        /// Lanes left out.
        excluded: BTreeSet<ConversationId>,
    },
    /// Claim jobs; answer with [`super::Core::claimed`].
    Claim {
        /// At most so many.
        room: Room,
        /// Lanes left out.
        excluded: BTreeSet<ConversationId>,
    },
    /// Make the request now; answer with [`super::Core::answered`].
    Start(Box<Job>),
    /// Write down what became of a job; answer with [`super::Core::written`].
    Write(Box<Done>),
}

/// What a request came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// What Meta said, or did not say.
    Outcome(Outcome),
    /// A file was stored.
    Stored {
        /// Relative to the data directory.
        path: String,
        /// Bytes.
        size: u64,
    },
}

/// How a job ended for now.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// The job.
    pub job: Job,
    /// How it ended.
    pub end: End,
    /// When.
    pub at: Timestamp,
    /// How often the store refused to write it down.
    pub refused: u32,
}

/// How a job ended, by its kind.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// A message.
    Message(Verdict),
    /// A read receipt.
    Receipt(Ended),
    /// A file.
    Download(Fetched),
}

/// Why nothing is sent for the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The account cannot send; what to do, in plain words.
    Trouble(String),
    /// Its calls are limited as a whole.
    Limited,
    /// Meta cannot be reached; why.
    Offline(String),
    /// Meta is reached and does not say what becomes of the messages.
    Silent,
}
