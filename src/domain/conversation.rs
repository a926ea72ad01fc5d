//! A conversation as a list shows it, and the person on its other side.

use super::id::{AccountId, ContactId, ConversationId, MessageId, UserId, WaId};
use super::message::Direction;
use super::page::ListKey;
use super::state::State;
use super::time::Timestamp;
use super::window::{Window, window};

/// What is known of the person on the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Local id.
    pub id: ContactId,
    /// The profile name they gave themselves, unsanitised; may be missing.
    pub name: Option<String>,
    /// The current number in Meta's spelling, when it is not hidden.
    pub wa_id: Option<WaId>,
    /// The current business-scoped user id.
    pub user_id: Option<UserId>,
    /// The current username, unsanitised. Shown, never used as a key.
    pub username: Option<String>,
}

/// The newest message of a conversation, as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The message.
    pub message: MessageId,
    /// Which way it went.
    pub direction: Direction,
    /// Where it stands.
    pub state: State,
    /// Requests made so far, for the retry cell.
    pub tries: u32,
    /// One line of it, unsanitised.
    pub text: String,
    /// The line is all the program's own words: a type that it does not show, or a deleted message.
    pub aside: bool,
    /// It was written in a group.
    pub in_group: bool,
    /// When it was written.
    pub at: Timestamp,
}

/// A conversation as a row of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Local id.
    pub id: ConversationId,
    /// The account it belongs to.
    pub account: AccountId,
    /// The other side.
    pub contact: Contact,
    /// Its newest message; none in a conversation that was only begun.
    pub preview: Option<Preview>,
    /// Sort key of the list: time of the newest message, or of the beginning.
    pub activity: Timestamp,
    /// Inbound messages after the read mark.
    pub unread: u32,
    /// Marked unread by hand, whatever the counter says.
    pub marked_unread: bool,
    /// Outbound messages in state failed or uncertain.
    pub failed: u32,
    /// Outbound messages not yet accepted: scheduled, held, queued, sending.
    pub waiting: u32,
    /// Meta's time of the newest inbound message; the window follows from it.
    pub last_inbound: Option<Timestamp>,
    /// When the last message went that Meta refused because the window is shut (131047).
    pub refused: Option<Timestamp>,
    /// Since when the contact wants no marketing.
    pub opted_out: Option<Timestamp>,
    /// The newest thing said is the contact's and nothing was answered since.
    pub unanswered: bool,
    /// The first unread message, where the divider goes.
    pub first_unread: Option<MessageId>,
    /// The text typed but not sent.
    pub draft: Option<Draft>,
}

impl Conversation {
    /// Its place in the list.
    #[must_use]
    pub const fn key(&self) -> ListKey {
        ListKey { activity: self.activity, last_inbound: self.last_inbound, id: self.id }
    }

    /// Whether free-form messages may be sent now.
    #[must_use]
    pub fn window(&self, now: Timestamp) -> Window {
        window(self.last_inbound, self.refused, now)
    }
}

/// Text typed but not sent, kept per conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The text, as typed.
    pub text: String,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
}

/// Which conversations a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Filter {
    /// All.
    #[default]
    All,
    /// With unread messages, or marked unread.
    Unread,
    /// Where the contact wrote last.
    Waiting,
    /// Where the contact wrote last and the window is open, the one that closes first on top.
    Closing,
}

/// The numbers above the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Conversations.
    pub all: u32,
    /// Of these, unread.
    pub unread: u32,
    /// Of these, waiting for an answer.
    pub waiting: u32,
    /// Of those, with an open window; at most [`Counts::MOST_CLOSING`] are counted.
    pub closing: u32,
    /// When the first of these windows closes.
    pub closes: Option<Timestamp>,
}

impl Counts {
    /// The numbers of windows is counted anew at each look, since it changes with time alone; counting more
    /// would be noticed.
    pub const MOST_CLOSING: u32 = 1_000;
}
