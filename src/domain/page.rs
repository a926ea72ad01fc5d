//! Keyset pages: every list is read from a place, never by counting rows.

use super::id::{ConversationId, MessageId};
use super::message::SortKey;
use super::state::State;
use super::time::Timestamp;

/// The place of a conversation in the list: newest activity first, or where windows are looked at the one
/// that closes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListKey {
    /// Newest activity.
    pub activity: Timestamp,
    /// What the contact wrote last; their window follows from it.
    pub last_inbound: Option<Timestamp>,
    /// Breaks ties.
    pub id: ConversationId,
}

/// The place of a message in the queue: by state, then within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueKey {
    /// Where it stands; [`QueueFilter::states`](super::queue::QueueFilter::states) orders these.
    pub state: State,
    /// Of a scheduled message its time in milliseconds, else 0.
    pub due: i64,
    /// Breaks ties.
    pub id: MessageId,
}

/// Which part of a list is wanted, told by the keys of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page<K> {
    /// From the top.
    First,
    /// What follows below this row.
    After(K),
    /// What comes above this row.
    Before(K),
    /// Both sides of this row, the row included.
    Around(K),
}

/// Which part of the list of conversations is wanted.
pub type ListPage = Page<ListKey>;

/// Which part of the queue is wanted.
pub type QueuePage = Page<QueueKey>;

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
    /// Both sides of the newest message that failed or is uncertain; the newest when there is none.
    Trouble,
}
