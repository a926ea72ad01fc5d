//! Drafts on their way to the store. A conversation that is left keeps its text here until the store has it
//! and the list has been read again since; one that could not be saved is tried again.

use std::collections::HashMap;
use std::time::Duration;

use super::msg::Ticket;
use crate::domain::conversation::Draft;
use crate::domain::id::ConversationId;
use crate::domain::time::Timestamp;

/// How long after a draft could not be saved it is tried again.
pub const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// A draft that is to replace another one in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What it came of: the store's draft as far as is known here.
    pub seen: Draft,
    /// What it is now.
    pub draft: Draft,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The store was asked to, and has not answered.
    Asked,
    /// It could not be saved and is tried again then.
    Due(Timestamp),
    /// The store has it; what was asked up to this ticket may not show it yet.
    Stored(Ticket),
}

/// The drafts that rows of the list may not show yet.
#[derive(Debug, Default)]
pub struct Drafts {
    kept: HashMap<ConversationId, (Edit, Way)>,
    /// The newest read that was asked for when a write was last answered: it may be older than the write.
    settled: Ticket,
}

impl Drafts {
    /// The draft of a conversation, where rows may be behind.
    #[must_use]
    pub fn get(&self, conversation: ConversationId) -> Option<&Draft> {
        self.kept.get(&conversation).map(|(edit, _)| &edit.draft)
    }

    /// It is on its way to the store.
    pub fn under_way(&mut self, conversation: ConversationId, edit: Edit) {
        self.kept.insert(conversation, (edit, Way::Asked));
    }

    /// The store has it. `asked` is the newest read that was asked for so far.
    pub fn stored(&mut self, conversation: ConversationId, draft: &Draft, asked: Ticket) {
        self.settled = asked;
        if let Some((edit, way)) = self.kept.get_mut(&conversation)
            && edit.draft == *draft
        {
            *way = Way::Stored(asked);
        }
    }

    /// A message was not written, so its draft was not cleared.
    pub fn not_cleared(&mut self, conversation: ConversationId) {
        if self.get(conversation).is_some_and(Draft::is_empty) {
            self.kept.remove(&conversation);
        }
    }

    /// It is not in the store and is to be tried again.
    pub fn keep(&mut self, conversation: ConversationId, edit: Edit, now: Timestamp) {
        self.kept.insert(conversation, (edit, Way::Due(now + AGAIN_AFTER)));
    }

    /// Gives up an edit that is not under way, for a composer to go on with.
    pub fn take(&mut self, conversation: ConversationId) -> Option<Edit> {
        match self.kept.get(&conversation) {
            Some((_, Way::Due(_))) => self.kept.remove(&conversation).map(|(edit, _)| edit),
            _ => None,
        }
    }

    /// Those that are to be tried again by then.
    pub fn take_due(&mut self, by: Timestamp) -> Vec<(ConversationId, Edit)> {
        let due = |way: &Way| matches!(way, Way::Due(at) if *at <= by);
        let mut taken: Vec<_> =
            self.kept.iter().filter(|(_, (_, way))| due(way)).map(|(id, _)| *id).collect();
        taken.sort();
        taken.into_iter().filter_map(|id| self.take(id).map(|edit| (id, edit))).collect()
    }

    /// When one is to be tried again.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        let due = |(_, way): &(Edit, Way)| match way {
            Way::Due(at) => Some(*at),
            _ => None,
        };
        self.kept.values().filter_map(due).min()
    }

    /// Whether this read shows all that was written.
    #[must_use]
    pub fn is_shown_by(&self, ticket: Ticket) -> bool {
        self.settled < ticket
    }

    /// All rows held are at least as new as this read.
    pub fn listed(&mut self, ticket: Ticket) {
        self.kept.retain(|_, (_, way)| !matches!(way, Way::Stored(asked) if *asked < ticket));
    }
}
