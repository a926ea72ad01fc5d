//! Keyset pages: every list is read from a place, never by counting rows.

use super::id::{ConversationId, MessageId};
use super::message::SortKey;
use super::time::Timestamp;

/// The place of a conversation in the list: newest activity first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListKey {
    /// Newest activity.
    pub activity: Timestamp,
    /// Breaks ties.
    pub id: ConversationId,
}

/// Which part of the list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListPage {
    /// From the top.
    First,
    /// What follows below this row.
    After(ListKey),
    /// What comes above this row.
    Before(ListKey),
    /// Both sides of this row, the row included.
    Around(ListKey),
}

/// Which part of a conversation is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessagePage {
    /// The newest.
    Newest,
    /// Older than this one.
    Before(SortKey),
    /// Newer than this one.
    After(SortKey),
    /// Both sides of this message, itself included.
    Around(MessageId),
}
