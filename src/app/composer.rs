//! The text being written. An [`Editor`] is one `ratatui_textarea::TextArea` fed by explicit edits only, so
//! that no key means something behind the action table's back; a [`Composer`] is the editor of a
//! conversation's draft with the message it answers. Text is never lost: what clears it can be undone.

mod editor;

use std::time::Duration;

pub use editor::{Editor, Row};

use crate::domain::conversation::Draft;
use crate::domain::id::{ConversationId, MessageId};
use crate::domain::time::Timestamp;

/// The most characters of a text message (Meta, send-messages).
pub const LIMIT: usize = 4096;

/// How long after the last key a draft is saved.
pub const SAVE_AFTER: Duration = Duration::from_millis(500);

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
    saved: Option<Draft>,
    /// When the unsaved text is due to be saved.
    due: Option<Timestamp>,
}

impl Composer {
    /// The draft of a conversation, with the cursor at its end.
    #[must_use]
    pub fn new(conversation: ConversationId, draft: Draft) -> Self {
        Self {
            conversation: Some(conversation),
            editor: Editor::new(&draft.text, true),
            reply_to: draft.reply_to,
            saved: Some(draft),
            due: None,
        }
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
    pub fn take_unsaved(&mut self) -> Option<(ConversationId, Draft)> {
        self.due = None;
        let draft = self.draft();
        if self.saved.as_ref() == Some(&draft) {
            return None;
        }
        self.saved = Some(draft.clone());
        self.conversation.map(|conversation| (conversation, draft))
    }

    /// Saving failed: the store has something else.
    pub fn not_saved(&mut self, now: Timestamp) {
        self.saved = None;
        self.due = Some(now + Duration::from_secs(5));
    }

    /// Takes the draft away to be sent. The store clears it in the same step as it writes the message.
    pub fn take(&mut self) -> Draft {
        let draft = self.draft();
        self.editor = Editor::new("", true);
        self.reply_to = None;
        self.saved = Some(Draft::default());
        self.due = None;
        draft
    }

    /// Puts back a text that could not be sent, before what was typed since.
    pub fn put_back(&mut self, draft: &Draft, now: Timestamp) {
        let typed = self.editor.text();
        let text =
            if typed.is_empty() { draft.text.clone() } else { format!("{}\n{typed}", draft.text) };
        self.editor.set(&text);
        self.reply_to = self.reply_to.or(draft.reply_to);
        self.touched(now);
    }
}

#[cfg(test)]
mod tests;
