//! The life of the message that is looked at: its timeline, read when it is shown and again when it changed.

use super::wait::Wait;
use crate::domain::id::MessageId;
use crate::domain::message::TimelineEntry;

/// What happened to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// Whose.
    pub message: MessageId,
    /// Oldest first.
    pub entries: Vec<TimelineEntry>,
    /// The JSON as it came or went.
    pub raw: Option<String>,
}

/// The timeline shown, and the one that is read.
#[derive(Debug, Default)]
pub struct Life {
    /// As it was read last.
    pub known: Option<Timeline>,
    /// The pending one.
    pub wait: Wait<MessageId>,
}

impl Life {
    /// The timeline of a message, if it is the one known.
    #[must_use]
    pub fn of(&self, message: MessageId) -> Option<&Timeline> {
        self.known.as_ref().filter(|timeline| timeline.message == message)
    }
}
