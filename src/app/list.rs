//! The list of conversations: a window of rows, and a selection by id that keeps its place on the screen
//! while rows come and go around it.

use super::paged::{Identified, Paged};
use super::wait::Wait;
use crate::domain::conversation::{Conversation, Counts, Filter};
use crate::domain::id::ConversationId;
use crate::domain::page::{ListKey, ListPage};

/// Rows per page.
pub const PAGE: u32 = 100;

/// How near to the end of what is held the selection gets before more is read.
const MARGIN: usize = 25;

impl Identified for Conversation {
    type Id = ConversationId;
    fn id(&self) -> ConversationId {
        self.id
    }
}

/// What the pending page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// Replaces all rows; the selection stays if it is among them.
    Replace,
    /// Replaces all rows after the filter changed; a selection that is not among them is let go.
    Top,
    /// The last rows of all; the last one is selected.
    Bottom,
    /// Comes above.
    Before,
    /// Comes below.
    After,
}

/// The list.
#[derive(Debug, Default)]
pub struct List {
    /// The tab.
    pub filter: Filter,
    /// The text to filter by.
    pub text: String,
    /// The rows held.
    pub page: Paged<Conversation>,
    /// The numbers of the tabs.
    pub counts: Counts,
    /// The selected row. It may be out of what is held.
    pub selected: Option<ConversationId>,
    /// The row of the screen, from the top of the list, on which the selection stands.
    pub row: usize,
    /// Rows have come at least once.
    pub loaded: bool,
    /// The inbox began empty and nobody has pressed a key yet: what is newest is shown, whatever comes in.
    pub filling: bool,
    /// Why the last page could not be read.
    pub error: Option<String>,
    /// The pending page.
    pub wait: Wait<Load>,
    /// Where the selection was among the rows, for when it is no longer there.
    index: usize,
}

/// The place of a conversation in the list.
#[must_use]
pub const fn key(row: &Conversation) -> ListKey {
    ListKey { activity: row.activity, id: row.id }
}

impl List {
    /// The place of the selection among the rows held, if it is there.
    #[must_use]
    pub fn selected_index(&self) -> Option<usize> {
        self.page.index(self.selected?)
    }

    /// The selected row.
    #[must_use]
    pub fn selected_row(&self) -> Option<&Conversation> {
        self.page.get(self.selected?)
    }

    /// The first row on the screen, when `capacity` rows fit.
    #[must_use]
    pub fn top(&self, capacity: usize) -> usize {
        let index = self.selected_index().unwrap_or(self.index);
        let last = self.page.rows().len().saturating_sub(capacity);
        index.saturating_sub(self.row.min(capacity.saturating_sub(1))).min(last)
    }

    /// Moves the selection by so many rows, as far as there are any. Says whether it moved.
    pub fn step(&mut self, by: isize, capacity: usize) -> bool {
        let rows = self.page.rows();
        let Some(last) = rows.len().checked_sub(1) else { return false };
        let from = self.selected_index();
        let to = from.unwrap_or(self.index.min(last)).saturating_add_signed(by).min(last);
        let top = self.top(capacity);
        self.selected = rows.get(to).map(|row| row.id);
        self.place(to, top, capacity);
        from != Some(to)
    }

    /// Selects a row that is held; does nothing for others.
    pub fn select(&mut self, id: ConversationId, capacity: usize) {
        let top = self.top(capacity);
        self.selected = Some(id);
        if let Some(index) = self.page.index(id) {
            self.place(index, top, capacity);
        }
    }

    /// Keeps the view where it is as far as the row `index` is in it.
    fn place(&mut self, index: usize, top: usize, capacity: usize) {
        self.index = index;
        self.row = index.saturating_sub(top).min(capacity.saturating_sub(1));
    }

    /// Remembers where the selection is after the rows changed. With the selection at the top of the list
    /// the view stays at the top.
    pub fn settle(&mut self, capacity: usize) {
        if let Some(index) = self.selected_index() {
            self.index = index;
        } else if self.selected.is_none() {
            self.selected = self.page.rows().first().map(|row| row.id);
            self.index = 0;
        }
        let top = self.top(capacity);
        self.row = self.index.saturating_sub(top).min(capacity.saturating_sub(1));
    }

    /// The page to read when the list may have changed: all that is looked at.
    #[must_use]
    pub fn refresh_page(&self) -> (ListPage, u32) {
        let held = u32::try_from(self.page.rows().len()).unwrap_or(PAGE);
        let limit = held.clamp(PAGE, 300);
        if !self.page.more_before() {
            return (ListPage::First, limit);
        }
        let row = self.selected_row().or_else(|| self.page.rows().get(self.index));
        row.map_or((ListPage::First, limit), |row| (ListPage::Around(key(row)), limit))
    }

    /// The page to read because the selection nears the end of what is held.
    #[must_use]
    pub fn wanted_page(&self) -> Option<(ListPage, Load)> {
        let rows = self.page.rows();
        let index = self.selected_index().unwrap_or(self.index);
        if self.page.more_after() && index + MARGIN >= rows.len() {
            return rows.last().map(|row| (ListPage::After(key(row)), Load::After));
        }
        if self.page.more_before() && index < MARGIN {
            return rows.first().map(|row| (ListPage::Before(key(row)), Load::Before));
        }
        None
    }
}
