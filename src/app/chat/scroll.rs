//! Which rows of the conversation are on the screen. Blocks are wrapped while walking from the anchor, so
//! the work depends on the height of the screen and not on the length of the conversation.

use super::Chat;
use crate::app::rows::{Block, Look, Row};
use crate::domain::id::MessageId;

/// The row at the top of the screen, told by its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The message.
    pub message: MessageId,
    /// The row of it; negative for the separators above it.
    pub row: isize,
}

/// What the view is tied to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scroll {
    /// The end: new messages push the old ones up.
    #[default]
    Tail,
    /// This row stays at the top.
    At(Anchor),
}

/// What is on the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The rows, from the top, each with the message it belongs to.
    pub rows: Vec<(MessageId, Row)>,
    /// The first message on the screen, as an index into those held.
    pub first: usize,
    /// The last message on the screen.
    pub last: usize,
    /// The end of the last message held is on the screen.
    pub at_end: bool,
    /// What is at the top.
    pub top: Option<Anchor>,
}

/// A row by the index of its message.
#[derive(Clone, Copy, Debug)]
struct Spot {
    index: usize,
    row: isize,
}

const fn above(block: &Block) -> isize {
    block.before.len().cast_signed()
}

const fn below(block: &Block) -> isize {
    block.rows.len().cast_signed()
}

impl Chat {
    /// The rows on a screen of this height.
    #[must_use]
    pub fn view(&self, look: &Look<'_>, height: usize) -> View {
        if self.page.rows().is_empty() || height == 0 {
            return View::default();
        }
        let anchored = match self.scroll {
            Scroll::Tail => None,
            Scroll::At(anchor) => self.spot(anchor).map(|spot| self.fill(spot, look, height)),
        };
        // An anchor so near the end that the screen would stay half empty means the end.
        anchored
            .filter(|view| view.rows.len() == height)
            .unwrap_or_else(|| self.fill(self.tail(look, height), look, height))
    }

    fn spot(&self, anchor: Anchor) -> Option<Spot> {
        self.page.index(anchor.message).map(|index| Spot { index, row: anchor.row })
    }

    fn anchor(&self, spot: Spot) -> Option<Anchor> {
        let message = self.page.rows().get(spot.index)?.id;
        Some(Anchor { message, row: spot.row })
    }

    /// The top row of a screen that ends with the last message.
    fn tail(&self, look: &Look<'_>, height: usize) -> Spot {
        let end = self.page.rows().len();
        let last = end.saturating_sub(1);
        let rows = below(&self.block(last, look));
        self.walk_up(Spot { index: last, row: rows }, height, look)
    }

    fn walk_up(&self, from: Spot, rows: usize, look: &Look<'_>) -> Spot {
        let mut left = rows.cast_signed();
        let mut spot = from;
        let mut block = self.block(spot.index, look);
        loop {
            let room = spot.row + above(&block);
            if left <= room {
                return Spot { row: spot.row - left, ..spot };
            }
            left -= room;
            let Some(index) = spot.index.checked_sub(1) else {
                return Spot { row: -above(&block), ..spot };
            };
            block = self.block(index, look);
            spot = Spot { index, row: below(&block) };
        }
    }

    fn walk_down(&self, from: Spot, rows: usize, look: &Look<'_>) -> Spot {
        let mut left = rows.cast_signed();
        let mut spot = from;
        loop {
            let room = below(&self.block(spot.index, look)) - spot.row;
            if left < room || spot.index + 1 >= self.page.rows().len() {
                return Spot { row: spot.row + left.min(room - 1), ..spot };
            }
            left -= room;
            let index = spot.index + 1;
            spot = Spot { index, row: -above(&self.block(index, look)) };
        }
    }

    fn fill(&self, top: Spot, look: &Look<'_>, height: usize) -> View {
        let messages = self.page.rows();
        let mut view = View { first: top.index, last: top.index, ..View::default() };
        let mut skip = None;
        for (index, message) in messages.iter().enumerate().skip(top.index) {
            let block = self.block(index, look);
            let skipped = *skip.get_or_insert_with(|| {
                // Separators above the anchor may have come or gone since it was set.
                usize::try_from(top.row + above(&block))
                    .unwrap_or(0)
                    .min((block.before.len() + block.rows.len()).saturating_sub(1))
            });
            view.last = index;
            if view.top.is_none() {
                let row = skipped.cast_signed() - above(&block);
                view.top = self.anchor(Spot { index, row });
            }
            let rows = block.before.into_iter().chain(block.rows).skip(skipped);
            let mut rows = rows.map(|row| (message.id, row)).peekable();
            while view.rows.len() < height {
                let Some(row) = rows.next() else { break };
                view.rows.push(row);
            }
            skip = Some(0);
            if view.rows.len() == height {
                view.at_end = index + 1 == messages.len() && rows.peek().is_none();
                return view;
            }
        }
        view.at_end = true;
        view
    }

    /// Scrolls by rows: negative is up.
    pub fn scroll_by(&mut self, rows: isize, look: &Look<'_>, height: usize) {
        let Some(top) = self.view(look, height).top.and_then(|top| self.spot(top)) else { return };
        let spot = if rows < 0 {
            self.walk_up(top, rows.unsigned_abs(), look)
        } else {
            self.walk_down(top, rows.unsigned_abs(), look)
        };
        self.tie(spot, look, height);
    }

    /// Ties the view to a row at the top, or to the end if that is what it comes to.
    fn tie(&mut self, spot: Spot, look: &Look<'_>, height: usize) {
        let Some(anchor) = self.anchor(spot) else { return };
        self.scroll = Scroll::At(anchor);
        let view = self.view(look, height);
        if view.at_end && !self.page.more_after() {
            self.scroll = Scroll::Tail;
        } else if let Some(top) = view.top {
            self.scroll = Scroll::At(top);
        }
    }

    /// Scrolls as little as it takes to have the message on the screen; of one that is higher than the
    /// screen, any part will do.
    pub fn show(&mut self, id: MessageId, look: &Look<'_>, height: usize) {
        let Some(index) = self.page.index(id) else { return };
        let view = self.view(look, height);
        let Some(top) = view.top.and_then(|top| self.spot(top)) else { return };
        let block = self.block(index, look);
        let on_screen = view.rows.iter().filter(|(message, _)| *message == id).count();
        let whole = block.before.len() + block.rows.len();
        if on_screen >= block.rows.len().min(height) || (on_screen > 0 && whole > height) {
            return;
        }
        if index < top.index || (index == top.index && top.row > 0) {
            self.tie(Spot { index, row: -above(&block) }, look, height);
        } else {
            let end = Spot { index, row: below(&block) };
            let spot = self.walk_up(end, height, look);
            self.tie(spot, look, height);
        }
    }

    /// Shows the divider of new messages in the upper third, or the end when all that is new fits.
    pub fn show_divider(&mut self, look: &Look<'_>, height: usize) {
        self.scroll = Scroll::Tail;
        let Some(index) = self.divider.and_then(|(first, _)| self.page.index(first)) else {
            return;
        };
        let view = self.view(look, height);
        let row = -above(&self.block(index, look));
        let divider_on_screen = view.rows.iter().any(|(_, row)| matches!(row, Row::New(_)));
        if divider_on_screen && !self.page.more_after() {
            return;
        }
        let spot = self.walk_up(Spot { index, row }, height / 3, look);
        self.tie(spot, look, height);
    }

    /// Ties the view to its first held row.
    pub fn show_start(&mut self, look: &Look<'_>, height: usize) {
        let row = -above(&self.block(0, look));
        self.tie(Spot { index: 0, row }, look, height);
    }
}
