//! What changed in the store, as a hint to those who show it.

use std::collections::BTreeSet;

use super::id::ConversationId;

/// What changed in the store. A hint: who cares reads again. Bounded by the number of conversations, so
/// a flood of webhooks cannot grow it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each tells of something else, and any may come with any"
)]
pub struct Changes {
    /// Anything may have changed: another process wrote.
    pub everything: bool,
    /// Conversations with new or changed messages, marks or drafts.
    pub conversations: BTreeSet<ConversationId>,
    /// Conversations where a new inbound message arrived: the bell.
    pub arrivals: BTreeSet<ConversationId>,
    /// More can be found by its words: new messages came into the text index, which follows the commits.
    pub words: bool,
    /// The outbox has new, changed or fewer jobs: the sender looks again.
    pub outbox: bool,
    /// A webhook was stored, whatever was in it.
    pub events: bool,
    /// The catalogue of templates changed.
    pub templates: bool,
    /// Meta told something that a person should hear of.
    pub notices: bool,
    /// What Meta says of an account was told, or asked.
    pub accounts: bool,
}

impl Changes {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what `other` tells.
    pub fn merge(&mut self, mut other: Self) {
        self.everything |= other.everything;
        self.outbox |= other.outbox;
        self.events |= other.events;
        self.templates |= other.templates;
        self.notices |= other.notices;
        self.accounts |= other.accounts;
        self.words |= other.words;
        self.conversations.append(&mut other.conversations);
        self.arrivals.append(&mut other.arrivals);
    }
}
