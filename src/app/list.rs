//! A list that may be long, of conversations or of messages that wait: a window of rows, and a selection by
//! id that keeps its place on the screen while rows come and go around it.

use super::paged::{Identified, Paged};
use super::wait::Wait;
use crate::domain::conversation::{Conversation, Counts, Filter};
use crate::domain::health::Waiting;
use crate::domain::id::{ConversationId, MessageId};
use crate::domain::page::{ListKey, Page, QueueKey};
use crate::domain::queue::{QueueFilter, QueueRow};
use crate::domain::state::State;
use crate::domain::time::Timestamp;

/// Rows per page.
pub const PAGE: u32 = 100;

/// Rows of the page that a list begins with, where so many are seen: it is waited for, so it has no row too many.
#[must_use]
pub fn first_page(capacity: usize) -> u32 {
    u32::try_from(capacity + MARGIN + 1).unwrap_or(PAGE).min(PAGE)
}

/// How near to the end of what is held the selection gets before more is read.
const MARGIN: usize = 25;

impl Identified for Conversation {
    type Id = ConversationId;
    fn id(&self) -> ConversationId {
        self.id
    }
}

impl Identified for QueueRow {
    type Id = MessageId;
    fn id(&self) -> MessageId {
        self.message.id
    }
}

/// What a list can be of.
pub trait Listed: Identified {
    /// Tells the place of a row.
    type Key: Copy;
    /// Chooses rows: the tabs.
    type Filter: Copy + Default;
    /// The numbers of the tabs.
    type Counts: Copy + Default + PartialEq;
    /// A place below the last row of any list.
    const LAST: Self::Key;
    /// The place of the row.
    fn key(&self) -> Self::Key;
}

impl Listed for Conversation {
    type Key = ListKey;
    type Filter = Filter;
    type Counts = Counts;
    const LAST: ListKey = ListKey {
        activity: Timestamp::from_millis(i64::MIN),
        last_inbound: Some(Timestamp::from_millis(i64::MAX)),
        id: ConversationId(i64::MAX),
    };
    fn key(&self) -> ListKey {
        Self::key(self)
    }
}

impl Listed for QueueRow {
    type Key = QueueKey;
    type Filter = QueueFilter;
    type Counts = Waiting;
    const LAST: QueueKey =
        QueueKey { state: State::Scheduled, due: i64::MAX, id: MessageId(i64::MAX) };
    fn key(&self) -> QueueKey {
        Self::key(self)
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
#[derive(Debug)]
pub struct List<T: Listed> {
    /// The tab.
    pub filter: T::Filter,
    /// The rows held.
    pub page: Paged<T>,
    /// The numbers of the tabs.
    pub counts: T::Counts,
    /// The selected row. It may be out of what is held.
    pub selected: Option<T::Id>,
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

/// A page that came, with the numbers as of the same moment.
#[derive(Clone, Debug)]
pub struct Came<T: Listed> {
    /// In list order.
    pub rows: Vec<T>,
    /// More rows above these.
    pub more_above: bool,
    /// More rows below these.
    pub more_below: bool,
    /// The numbers of the tabs.
    pub counts: T::Counts,
}

impl<T: Listed> Default for List<T> {
    fn default() -> Self {
        Self {
            filter: T::Filter::default(),
            page: Paged::default(),
            counts: T::Counts::default(),
            selected: None,
            row: 0,
            loaded: false,
            error: None,
            wait: Wait::default(),
            index: 0,
            filling: false,
        }
    }
}

impl<T: Listed> List<T> {
    /// Takes a page that came for `load`, and says whether anything is different now.
    pub fn take(&mut self, load: Load, came: Came<T>, capacity: usize) -> bool
    where
        T: Clone + PartialEq,
    {
        let before = (self.page.clone(), self.counts, self.loaded);
        self.counts = came.counts;
        self.loaded = true;
        self.error = None;
        match load {
            Load::Replace => self.page.replace(came.rows, came.more_above, came.more_below),
            Load::Top => {
                self.page.replace(came.rows, came.more_above, came.more_below);
                if self.selected_index().is_none() {
                    self.selected = None;
                }
            }
            Load::Bottom => {
                self.page.replace(came.rows, came.more_above, false);
                self.selected = self.page.rows().last().map(Identified::id);
            }
            Load::Before => self.page.prepend(came.rows, came.more_above),
            Load::After => self.page.append(came.rows, came.more_below),
        }
        self.settle(capacity);
        before != (self.page.clone(), self.counts, self.loaded)
    }

    /// The place of the selection among the rows held, if it is there.
    #[must_use]
    pub fn selected_index(&self) -> Option<usize> {
        self.page.index(self.selected?)
    }

    /// The selected row.
    #[must_use]
    pub fn selected_row(&self) -> Option<&T> {
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
        self.selected = rows.get(to).map(Identified::id);
        self.place(to, top, capacity);
        from != Some(to)
    }

    /// Selects a row that is held; does nothing for others.
    pub fn select(&mut self, id: T::Id, capacity: usize) {
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
            self.selected = self.page.rows().first().map(Identified::id);
            self.index = 0;
        }
        let top = self.top(capacity);
        self.row = self.index.saturating_sub(top).min(capacity.saturating_sub(1));
    }

    /// Selects the row that took the place of a selected one that is gone.
    pub fn close_up(&mut self, capacity: usize) {
        if self.selected_index().is_none() && self.selected.is_some() {
            let place = self.index.min(self.page.rows().len().saturating_sub(1));
            self.selected = self.page.rows().get(place).map(Identified::id);
            self.index = place;
            self.settle(capacity);
        }
    }

    /// The page to read when the list may have changed: all that is looked at, where so many rows are seen.
    #[must_use]
    pub fn refresh_page(&self, capacity: usize) -> (Page<T::Key>, u32) {
        if !self.loaded {
            return (Page::First, first_page(capacity));
        }
        let held = u32::try_from(self.page.rows().len()).unwrap_or(PAGE);
        let limit = held.clamp(PAGE, 300);
        if !self.page.more_before() {
            return (Page::First, limit);
        }
        let row = self.selected_row().or_else(|| self.page.rows().get(self.index));
        row.map_or((Page::First, limit), |row| (Page::Around(row.key()), limit))
    }

    /// The page to read because the selection or the view, of so many rows, nears the end of what is held.
    #[must_use]
    pub fn wanted_page(&self, capacity: usize) -> Option<(Page<T::Key>, Load)> {
        let rows = self.page.rows();
        if self.page.more_after() && self.is_near_end(capacity) {
            return rows.last().map(|row| (Page::After(row.key()), Load::After));
        }
        if self.page.more_before() && self.is_near_start() {
            return rows.first().map(|row| (Page::Before(row.key()), Load::Before));
        }
        None
    }

    /// Whether the selection or the view, of so many rows, nears the last row held.
    #[must_use]
    pub fn is_near_end(&self, capacity: usize) -> bool {
        let index = self.selected_index().unwrap_or(self.index);
        (index + MARGIN).max(self.top(capacity) + capacity) >= self.page.rows().len()
    }

    /// Whether the selection nears the first row held.
    #[must_use]
    pub fn is_near_start(&self) -> bool {
        self.selected_index().unwrap_or(self.index) < MARGIN
    }
}
