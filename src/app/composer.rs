//! The text being written. An [`Editor`] is one `ratatui_textarea::TextArea` fed by explicit edits only, so
//! that no key means something behind the action table's back; a [`Composer`] is the editor of a
//! conversation's draft with the message it answers. Text is never lost: what clears it can be undone.

mod editor;

use std::time::Duration;

pub use editor::{Editor, Row};

use super::drafts::{AGAIN_AFTER, Edit};
use crate::domain::conversation::Draft;
use crate::domain::id::{ConversationId, MessageId};
use crate::domain::time::Timestamp;

/// The most characters of a text message (Meta, send-messages).
pub const LIMIT: usize = 4096;

/// How long after the last key a draft is saved.
pub const SAVE_AFTER: Duration = Duration::from_millis(500);

/// A draft that was taken away to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// What was written.
    pub draft: Draft,
    /// What the store has of it.
    pub seen: Draft,
}

/// The draft of the conversation shown.
#[derive(Debug, Default)]
pub struct Composer {
    /// The conversation it belongs to.
    pub conversation: Option<ConversationId>,
    /// The text.
    pub editor: Editor,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// What the store has, or was told to have.
    saved: Draft,
    /// When the unsaved text is due to be saved.
    due: Option<Timestamp>,
    /// What could not be sent and was put back, as it stands at the beginning.
    came_back: String,
}

impl Composer {
    /// The draft of a conversation, with the cursor at its end.
    #[must_use]
    pub fn new(conversation: ConversationId, draft: Draft) -> Self {
        Self {
            conversation: Some(conversation),
            editor: Editor::new(&draft.text, true),
            reply_to: draft.reply_to,
            saved: draft,
            due: None,
            came_back: String::new(),
        }
    }

    /// A draft that the store does not have.
    #[must_use]
    pub fn unsaved(conversation: ConversationId, edit: Edit, now: Timestamp) -> Self {
        let mut composer = Self::new(conversation, edit.draft);
        composer.saved = edit.seen;
        composer.touched(now);
        composer
    }

    /// What is written.
    #[must_use]
    pub fn draft(&self) -> Draft {
        Draft { text: self.editor.text(), reply_to: self.reply_to }
    }

    /// Whether anything is written that could be sent.
    #[must_use]
    pub fn has_words(&self) -> bool {
        !self.editor.text().trim().is_empty()
    }

    /// Something was typed: it is saved once the typing pauses.
    pub fn touched(&mut self, now: Timestamp) {
        self.due = Some(now + SAVE_AFTER);
    }

    /// When it is due to be saved.
    #[must_use]
    pub const fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// The draft, if the store does not have it yet; from now on it counts as saved.
    pub fn take_unsaved(&mut self) -> Option<(ConversationId, Edit)> {
        self.due = None;
        let draft = self.draft();
        if self.saved == draft {
            return None;
        }
        let seen = std::mem::replace(&mut self.saved, draft.clone());
        self.conversation.map(|conversation| (conversation, Edit { seen, draft }))
    }

    /// Saving failed: the store has what it had.
    pub fn not_saved(&mut self, edit: Edit, now: Timestamp) {
        if self.saved == edit.draft {
            self.saved = edit.seen;
        }
        self.due = Some(now + AGAIN_AFTER);
    }

    /// Takes in what the store has, which another process or the merge of two conversations may have changed.
    /// What was typed here stays. Says whether it shows something else now.
    pub fn take_in(&mut self, stored: &Draft, now: Timestamp) -> bool {
        if self.saved == *stored {
            return false;
        }
        let typed = self.draft();
        let joined = Draft::joined(&self.saved, &typed, stored);
        self.saved = stored.clone();
        if joined != *stored {
            self.touched(now);
        }
        self.editor.revise(&joined.text);
        self.reply_to = joined.reply_to;
        joined != typed
    }

    /// Whether the store is known to have something else than this.
    #[must_use]
    pub fn differs(&self, stored: &Draft) -> bool {
        self.saved != *stored
    }

    /// Takes the draft away to be sent. The store clears it in the same step as it writes the message.
    pub fn take(&mut self) -> Sent {
        let draft = self.draft();
        self.editor = Editor::new("", true);
        self.reply_to = None;
        self.due = None;
        self.came_back.clear();
        Sent { draft, seen: std::mem::take(&mut self.saved) }
    }

    /// Puts back a text that could not be sent, before what was typed since and behind others that came back.
    pub fn put_back(&mut self, sent: Sent, now: Timestamp) {
        let shown = self.editor.text();
        let earlier = format!("{}\n", self.came_back);
        let (before, typed) = if shown == self.came_back {
            (self.came_back.as_str(), "")
        } else {
            match shown.strip_prefix(&earlier) {
                Some(typed) if !self.came_back.is_empty() => (self.came_back.as_str(), typed),
                _ => ("", shown.as_str()),
            }
        };
        let joined = |parts: [&str; 2]| {
            let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            parts.join("\n")
        };
        let came_back = joined([before, &sent.draft.text]);
        self.editor.set(&joined([&came_back, typed]));
        self.came_back = came_back;
        self.reply_to = self.reply_to.or(sent.draft.reply_to);
        if self.saved.is_empty() {
            self.saved = sent.seen;
        }
        self.touched(now);
    }
}

#[cfg(test)]
mod tests;
