//! The conversation shown: a window of its messages, a selection by id, and a scroll position that is tied
//! to the message being read. What arrives, changes or is loaded elsewhere never moves that message.

mod scroll;

use std::collections::HashSet;

pub use scroll::{Anchor, Scroll, View};

use super::paged::{Identified, Paged};
use super::rows::{self, Block, Look, Place};
use super::wait::Wait;
use crate::domain::conversation::Conversation;
use crate::domain::id::{ConversationId, MessageId};
use crate::domain::message::{Direction, Message, SortKey};
use crate::domain::page::MessagePage;
use crate::domain::wish::Wish;

/// Messages per page.
pub const PAGE: u32 = 100;

/// How near to the end of what is held the view gets before more is read.
const MARGIN: usize = 20;

impl Identified for Message {
    type Id = MessageId;
    fn id(&self) -> MessageId {
        self.id
    }
}

/// What the pending page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// The first page of a conversation just opened.
    Open,
    /// The same messages again, as they are now; around this one, or the newest.
    Refresh(Option<MessageId>),
    /// Comes above.
    Before,
    /// Comes below.
    After,
    /// The newest, to be shown from their end.
    Newest,
    /// The oldest, to be shown from their start.
    Oldest,
    /// Those around the newest one that failed or is uncertain, which is selected.
    Trouble,
}

/// The conversation shown.
#[derive(Debug)]
pub struct Chat {
    /// Which.
    pub id: ConversationId,
    /// Its row, once known.
    pub row: Option<Conversation>,
    /// The messages held.
    pub page: Paged<Message>,
    /// What they said about marketing, oldest first: what changed nothing is left out.
    pub wishes: Vec<Wish>,
    /// Messages have come at least once.
    pub loaded: bool,
    /// Why the last page could not be read.
    pub error: Option<String>,
    /// What the view is tied to.
    pub scroll: Scroll,
    /// The selected message.
    pub selected: Option<MessageId>,
    /// The first message that was new when the conversation was opened, and how many there were.
    pub divider: Option<(MessageId, u32)>,
    /// Long messages that are shown whole.
    pub expanded: HashSet<MessageId>,
    /// It was opened for a message that failed or is uncertain, which is selected once it is loaded.
    pub seeks_trouble: bool,
    /// The words that are looked for in it.
    pub sought: String,
    /// The pending search, and whether a person asked for it here; else what was opened had a match.
    pub search: Wait<bool>,
    /// The message that was found before the first page came.
    pub found: Option<MessageId>,
    /// The pending page.
    pub wait: Wait<Load>,
    /// The newest message that was on the screen at the tail; what comes later counts as new below.
    pub seen: Option<SortKey>,
    /// The newest message that the store was told is read.
    pub marked: Option<MessageId>,
}

impl Chat {
    /// A conversation of which nothing is loaded yet.
    #[must_use]
    pub fn new(id: ConversationId, row: Option<Conversation>) -> Self {
        Self {
            id,
            row,
            page: Paged::default(),
            wishes: Vec::new(),
            loaded: false,
            error: None,
            scroll: Scroll::Tail,
            selected: None,
            divider: None,
            expanded: HashSet::new(),
            seeks_trouble: false,
            sought: String::new(),
            search: Wait::default(),
            found: None,
            wait: Wait::default(),
            seen: None,
            marked: None,
        }
    }

    /// The page that shows the conversation first: around what is unread, else its end.
    #[must_use]
    pub fn first_page(&self) -> MessagePage {
        let unread =
            self.row.as_ref().filter(|row| row.unread > 0).and_then(|row| row.first_unread);
        unread.map_or(MessagePage::Newest, MessagePage::Around)
    }

    /// How many messages to read first, where so many rows are seen: what is waited for has no message too many,
    /// but around a place in the middle it is not known how much of the page is above it.
    #[must_use]
    pub fn first_limit(page: MessagePage, height: usize) -> u32 {
        match page {
            MessagePage::Newest => u32::try_from(height + MARGIN + 1).unwrap_or(PAGE).min(PAGE),
            _ => PAGE,
        }
    }

    /// The page to read when the messages may have changed: all that is looked at.
    #[must_use]
    pub fn refresh_page(&self) -> (MessagePage, u32, Load) {
        let held = u32::try_from(self.page.rows().len()).unwrap_or(PAGE);
        match self.scroll {
            _ if !self.loaded => (self.first_page(), PAGE, Load::Open),
            Scroll::At(Anchor { message, .. }) => {
                let limit = (held + 20).clamp(PAGE, 300);
                (MessagePage::Around(message), limit, Load::Refresh(Some(message)))
            }
            Scroll::Tail => (MessagePage::Newest, held.clamp(PAGE, 300), Load::Refresh(None)),
        }
    }

    /// The page to read because the view nears the end of what is held.
    #[must_use]
    pub fn wanted_page(&self, view: &View) -> Option<(MessagePage, Load)> {
        let messages = self.page.rows();
        if self.page.more_before() && view.first < MARGIN {
            return messages.first().map(|first| (MessagePage::Before(first.key), Load::Before));
        }
        if self.page.more_after() && view.last + MARGIN >= messages.len() {
            return messages.last().map(|last| (MessagePage::After(last.key), Load::After));
        }
        None
    }

    /// The rows of a message held.
    pub(crate) fn block(&self, index: usize, look: &Look<'_>) -> Block {
        let messages = self.page.rows();
        let Some(message) = messages.get(index) else { return Block::default() };
        let previous = index.checked_sub(1).and_then(|index| messages.get(index));
        let new = self.divider.filter(|(first, _)| *first == message.id).map(|(_, count)| count);
        let first = previous.is_none() && !self.page.more_before();
        let last = index + 1 == messages.len() && !self.page.more_after();
        let since = |wish: &Wish| first || previous.is_some_and(|before| before.at <= wish.at);
        let split = self.wishes.partition_point(|wish| wish.at < message.at);
        let (earlier, later) = self.wishes.split_at(split);
        let from = earlier.partition_point(|wish| !since(wish));
        let place = Place {
            previous,
            new,
            expanded: self.expanded.contains(&message.id),
            wishes: earlier.get(from..).unwrap_or_default(),
            wishes_after: if last { later } else { &[] },
        };
        rows::block(message, place, look)
    }

    /// Takes what they said about marketing; what was said again is news only to the store.
    pub(crate) fn take_wishes(&mut self, mut wishes: Vec<Wish>) {
        wishes.dedup_by_key(|wish| wish.stop);
        self.wishes = wishes;
    }

    /// The selected message, if it is held.
    #[must_use]
    pub fn selected_message(&self) -> Option<&Message> {
        self.page.get(self.selected?)
    }

    /// The message that keys act on: the selected one, or the newest.
    #[must_use]
    pub fn target(&self) -> Option<&Message> {
        self.selected_message().or_else(|| self.page.rows().last())
    }

    /// The newest message that failed or is uncertain, for the key that sends it again.
    #[must_use]
    pub fn newest_in_trouble(&self) -> Option<&Message> {
        use crate::domain::state::State;
        self.page
            .rows()
            .iter()
            .rev()
            .find(|message| matches!(message.state, State::Failed | State::Uncertain))
    }

    /// Selects the message that failed or is uncertain, if the conversation was opened for it and is loaded.
    /// True when there is one, and it is not among those held.
    pub(crate) fn select_trouble(&mut self) -> bool {
        if !self.loaded || !std::mem::take(&mut self.seeks_trouble) {
            return false;
        }
        let found = self.newest_in_trouble().map(|message| message.id);
        self.selected = found.or(self.selected);
        found.is_none() && self.row.as_ref().is_some_and(|row| row.failed > 0)
    }

    /// The newest inbound message, if the end of the conversation is held.
    #[must_use]
    pub fn newest_inbound(&self) -> Option<(usize, &Message)> {
        if self.page.more_after() {
            return None;
        }
        let messages = self.page.rows().iter().enumerate();
        messages.rev().find(|(_, message)| message.direction == Direction::Inbound)
    }

    /// How many inbound messages held are newer than what was last seen, and whether there are more.
    #[must_use]
    pub fn new_below(&self) -> (usize, bool) {
        let Some(seen) = self.seen else { return (0, false) };
        let new =
            |message: &&Message| message.key > seen && message.direction == Direction::Inbound;
        let count = self.page.rows().iter().filter(new).count();
        (count, self.page.more_after() && count > 0)
    }

    /// Moves the selection by so many messages and says whether it moved. Without a selection, the newest
    /// one is taken.
    pub fn step(&mut self, by: isize) -> bool {
        let messages = self.page.rows();
        let Some(last) = messages.len().checked_sub(1) else { return false };
        let from = self.selected.and_then(|id| self.page.index(id));
        let to = from.map_or(last, |from| from.saturating_add_signed(by).min(last));
        self.selected = messages.get(to).map(|message| message.id);
        from != Some(to)
    }
}

#[cfg(test)]
mod tests;
