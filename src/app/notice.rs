//! One line of news above the composer, gone after a while or with the next one.

use std::time::Duration;

use crate::domain::id::ConversationId;
use crate::domain::time::Timestamp;

/// How grave it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Something was done.
    Done,
    /// Something needs the person.
    Warning,
    /// Something could not be done.
    Error,
}

/// A line of news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What it says, unsanitised.
    pub text: String,
    /// How grave it is.
    pub weight: Weight,
    /// When it goes away.
    pub until: Timestamp,
    /// It is about this conversation, and goes away with it.
    pub about: Option<ConversationId>,
}

impl Notice {
    /// Reads for a while: long enough to read, longer for what matters.
    #[must_use]
    pub fn new(text: impl Into<String>, weight: Weight, now: Timestamp) -> Self {
        let seconds = match weight {
            Weight::Done => 4,
            Weight::Warning => 6,
            Weight::Error => 10,
        };
        Self { text: text.into(), weight, until: now + Duration::from_secs(seconds), about: None }
    }
}
