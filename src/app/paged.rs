//! A sliding window over something that may have millions of rows: at most [`Paged::CAP`] of them are held,
//! around the place that is looked at. Rows come by keyset pages; what falls out at the far end is read
//! again when it is scrolled back to.

/// A row that can be told from the others.
pub trait Identified {
    /// What tells it.
    type Id: Copy + PartialEq + std::fmt::Debug;
    /// Its id.
    fn id(&self) -> Self::Id;
}

/// The rows held, in order, and whether there are more at either end.
#[derive(Clone, Debug, PartialEq)]
pub struct Paged<T> {
    rows: Vec<T>,
    more_before: bool,
    more_after: bool,
}

impl<T> Default for Paged<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), more_before: false, more_after: false }
    }
}

impl<T: Identified> Paged<T> {
    /// The most rows held.
    pub const CAP: usize = 300;

    /// The rows held.
    pub fn rows(&self) -> &[T] {
        &self.rows
    }

    /// Whether there are rows before the first one held.
    pub const fn more_before(&self) -> bool {
        self.more_before
    }

    /// Whether there are rows after the last one held.
    pub const fn more_after(&self) -> bool {
        self.more_after
    }

    /// The place of a row among those held.
    pub fn index(&self, id: T::Id) -> Option<usize> {
        self.rows.iter().position(|row| row.id() == id)
    }

    /// A row held.
    pub fn get(&self, id: T::Id) -> Option<&T> {
        self.rows.iter().find(|row| row.id() == id)
    }

    /// Takes these rows for all that is held.
    pub fn replace(&mut self, rows: Vec<T>, more_before: bool, more_after: bool) {
        self.rows = rows;
        self.more_before = more_before;
        self.more_after = more_after;
    }

    /// Puts an earlier page in front; lets go of the end when too much is held. An empty page ends it,
    /// whatever it says, or it would be asked for without end.
    pub fn prepend(&mut self, mut page: Vec<T>, more_before: bool) {
        self.more_before = more_before && !page.is_empty();
        page.retain(|row| self.index(row.id()).is_none());
        self.rows.splice(0..0, page);
        if self.rows.len() > Self::CAP {
            self.rows.truncate(Self::CAP);
            self.more_after = true;
        }
    }

    /// Puts a later page behind; lets go of the start when too much is held. An empty page ends it too.
    pub fn append(&mut self, mut page: Vec<T>, more_after: bool) {
        self.more_after = more_after && !page.is_empty();
        page.retain(|row| self.index(row.id()).is_none());
        self.rows.append(&mut page);
        if let Some(excess) = self.rows.len().checked_sub(Self::CAP).filter(|excess| *excess > 0) {
            self.rows.drain(..excess);
            self.more_before = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Identified, Paged};

    impl Identified for u32 {
        type Id = Self;
        fn id(&self) -> Self {
            *self
        }
    }

    #[test]
    fn holds_a_window_and_remembers_what_it_let_go() {
        let mut paged = Paged::default();
        paged.replace((100..200).collect(), true, false);
        paged.prepend((0..100).collect(), false);
        assert_eq!(
            (paged.rows().len(), paged.more_before(), paged.more_after()),
            (200, false, false)
        );
        paged.append((200..420).collect(), true);
        assert_eq!(paged.rows().first(), Some(&120));
        assert_eq!(paged.rows().last(), Some(&419));
        assert!(paged.more_before() && paged.more_after());
        paged.prepend((20..120).collect(), true);
        assert_eq!(paged.rows().len(), Paged::<u32>::CAP);
        assert_eq!((paged.rows().first(), paged.rows().last()), (Some(&20), Some(&319)));
        assert!(paged.more_after());
    }

    #[test]
    fn an_empty_page_is_the_last() {
        let mut paged = Paged::default();
        paged.replace(vec![5_u32], true, true);
        paged.prepend(Vec::new(), true);
        paged.append(Vec::new(), true);
        assert!(!paged.more_before() && !paged.more_after());
    }

    #[test]
    fn a_row_that_moved_between_pages_is_held_once() {
        let mut paged = Paged::default();
        paged.replace(vec![5_u32, 6, 7], true, true);
        paged.append(vec![7, 8], false);
        paged.prepend(vec![4, 5], false);
        assert_eq!(paged.rows(), [4, 5, 6, 7, 8]);
    }
}
