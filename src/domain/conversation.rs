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

impl Draft {
    /// Whether there is neither a text nor a message that it answers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.reply_to.is_none()
    }

    /// What a draft is after it was changed in two places: `mine` and `stored` both came of `seen`. A text
    /// that only one of them changed is taken from there; of texts that both changed, both are kept.
    #[must_use]
    pub fn joined(seen: &Self, mine: &Self, stored: &Self) -> Self {
        let answers = if mine.reply_to == seen.reply_to { stored } else { mine };
        Self { text: joined(&seen.text, &mine.text, &stored.text), reply_to: answers.reply_to }
    }
}

fn joined(seen: &str, mine: &str, stored: &str) -> String {
    if stored == seen || stored == mine {
        return mine.to_owned();
    }
    if mine == seen {
        return stored.to_owned();
    }
    // Something was put before or after what was seen, as when two conversations became one.
    if let Some((before, after)) = around(stored, seen) {
        return paragraphs(&[before, mine, after]);
    }
    if let Some((before, after)) = around(mine, seen) {
        return paragraphs(&[before, stored, after]);
    }
    // One that begins with the other is the same text, written on.
    match (mine.starts_with(stored), stored.starts_with(mine)) {
        (true, _) => mine.to_owned(),
        (_, true) => stored.to_owned(),
        _ => paragraphs(&[stored, mine]),
    }
}

/// What stands before and after `part` in `text`, if it is whole paragraphs of it.
fn around<'a>(text: &'a str, part: &str) -> Option<(&'a str, &'a str)> {
    if part.trim().is_empty() {
        return None;
    }
    text.match_indices(part).find_map(|(at, _)| {
        let (before, rest) = text.split_at_checked(at)?;
        let after = rest.strip_prefix(part)?;
        let before = if before.is_empty() { before } else { before.strip_suffix(GAP)? };
        let after = if after.is_empty() { after } else { after.strip_prefix(GAP)? };
        Some((before, after))
    })
}

fn paragraphs(parts: &[&str]) -> String {
    let said: Vec<_> = parts.iter().copied().filter(|part| !part.trim().is_empty()).collect();
    said.join(GAP)
}

/// What stands between two texts that became one draft.
const GAP: &str = "\n\n";

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Draft, joined};
    use crate::domain::id::MessageId;

    #[test]
    fn a_draft_that_was_changed_in_two_places_keeps_both_texts() {
        let both = "for the id\n\nfor the number";
        for (seen, mine, stored, result) in [
            ("", "a", "", "a"),
            ("a", "", "a", ""),
            ("a", "ab", "", "ab"),
            ("a", "a", "ab", "ab"),
            ("a", "", "other", "other"),
            ("", "mine", "theirs", "theirs\n\nmine"),
            ("", "mine", "  \n", "mine"),
            ("", "half a thought", "half", "half a thought"),
            ("for the number", "for the number!", both, "for the id\n\nfor the number!"),
            ("for the id", "", both, "for the number"),
            ("a", "b\n\na", "ac", "b\n\nac"),
            ("thin", "think", "nothing", "nothing\n\nthink"),
        ] {
            assert_eq!(joined(seen, mine, stored), result, "{seen:?} {mine:?} {stored:?}");
        }
    }

    #[test]
    fn a_reply_is_taken_from_who_changed_it() {
        let draft = |reply_to: Option<i64>| Draft {
            text: String::new(),
            reply_to: reply_to.map(MessageId),
        };
        let answers = |seen, mine, stored| {
            Draft::joined(&draft(seen), &draft(mine), &draft(stored)).reply_to.map(|id| id.0)
        };
        assert_eq!(answers(Some(1), None, Some(1)), None);
        assert_eq!(answers(None, None, Some(2)), Some(2));
        assert_eq!(answers(None, Some(1), Some(2)), Some(1));
    }

    proptest! {
        #[test]
        fn no_text_that_nobody_saw_is_lost(
            seen in "[ab]{0,3}(\n\n[ab]{1,2})?",
            mine in "[cde]{1,4}(\n\n[cde]{1,2})?",
            stored in "[fgh]{1,4}(\n\n[fgh]{1,2})?",
        ) {
            let result = joined(&seen, &mine, &stored);
            prop_assert!(result.contains(&mine) && result.contains(&stored), "{result:?}");
            // Who goes on from their own text loses nothing either, whatever was stored beside it.
            let typed = format!("{mine}x");
            let next = joined(&mine, &typed, &result);
            prop_assert!(next.contains(&typed) && next.contains(&stored), "{next:?}");
        }
    }
}
