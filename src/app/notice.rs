//! One line of news above the composer, gone after a while, with the next one, or with the next key once it was
//! read. What Meta tells by itself waits until the answer to what the person did was read, and comes back after
//! one that took its place.

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
    /// When it was said.
    pub since: Timestamp,
    /// When it goes away.
    pub until: Timestamp,
    /// It is about this conversation, and goes away with it.
    pub about: Option<ConversationId>,
    /// Meta told it by itself, and nothing that was done here.
    pub news: bool,
}

/// A key takes away what stood there for so long: it was read.
const READ: Duration = Duration::from_millis(1_500);

/// A key that leads elsewhere takes away what stood there for so long: it is about what was left. What came
/// while the key was pressed stays.
const LEFT: Duration = Duration::from_millis(300);

impl Notice {
    /// Reads for a while: long enough to read, longer for what matters.
    #[must_use]
    pub fn new(text: impl Into<String>, weight: Weight, now: Timestamp) -> Self {
        let seconds = match weight {
            Weight::Done => 4,
            Weight::Warning => 6,
            Weight::Error => 10,
        };
        let until = now + Duration::from_secs(seconds);
        Self { text: text.into(), weight, since: now, until, about: None, news: false }
    }

    /// Whether a key pressed now takes it away. `elsewhere`: the key led to another screen, box or mode.
    #[must_use]
    pub fn has_served(&self, elsewhere: bool, now: Timestamp) -> bool {
        now.since(self.since) >= if elsewhere { LEFT } else { READ }
    }
}
