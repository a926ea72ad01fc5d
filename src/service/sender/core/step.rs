//! What the core of the sender hears and what it wants done, as plain values.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::domain::health::StopKind;
use crate::domain::id::{ConversationId, MediaId, MessageId};
use crate::domain::outbox::{Job, Outcome, Verdict};
use crate::domain::time::{Monotonic, Timestamp};
use crate::store::outbox::{Ended, Fetched, Room, Uploaded};

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
    /// Look after messages whose time came, with `windows` also after those whose window closed; answer with
    /// [`super::Core::tended`].
    Tend {
        /// Whether to look at the windows.
        windows: bool,
    },
    /// Send uncertain messages again, since the time for proof is over. What is still uncertain is told again.
    Resend(Vec<MessageId>),
    /// Note how long proof of uncertain messages could have been heard; answer with [`super::Core::noted`].
    Hear(Vec<(MessageId, Duration)>),
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
    /// A file arrived at Meta.
    Uploaded(MediaId),
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
    /// A file that was fetched.
    Download(Fetched),
    /// A file that was uploaded.
    Upload(Uploaded),
}

/// Why nothing is sent for the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The account cannot send; what to do, in plain words.
    Trouble(String),
    /// Its calls are limited as a whole; how much of them is used in percent, if Meta says so.
    Limited(Option<u8>),
    /// Meta cannot be reached; why.
    Offline(String),
    /// Too many requests failed within a minute.
    Circuit,
}

impl Reason {
    /// Its kind, for the health.
    #[must_use]
    pub const fn kind(&self) -> StopKind {
        match self {
            Self::Trouble(_) => StopKind::Trouble,
            Self::Limited(_) => StopKind::Limited,
            Self::Offline(_) => StopKind::Offline,
            Self::Circuit => StopKind::Circuit,
        }
    }

    /// In plain words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Trouble(words) | Self::Offline(words) => words.clone(),
            Self::Limited(None) => "Meta limits its calls for a while; the queue waits".to_owned(),
            Self::Limited(Some(used)) => {
                format!("Meta limits its calls for a while, {used} % are used; the queue waits")
            }
            Self::Circuit => {
                "half of the requests fail; the queue waits, and one message at a time is tried"
                    .to_owned()
            }
        }
    }
}
