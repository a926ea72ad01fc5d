//! One pending read per pane. A late answer never overwrites a newer one, and a flood of changes never
//! starves the pane: while a read is under way, further changes only ask for one more after it.

use super::msg::Ticket;

/// The read that a pane waits for, and what its answer is for.
#[derive(Clone, Debug)]
pub struct Wait<P> {
    flight: Option<(Ticket, P)>,
    again: bool,
}

impl<P> Default for Wait<P> {
    fn default() -> Self {
        Self { flight: None, again: false }
    }
}

impl<P> Wait<P> {
    /// A read was asked for; the answer to an earlier one no longer counts.
    pub fn start(&mut self, ticket: Ticket, purpose: P) {
        self.flight = Some((ticket, purpose));
        self.again = false;
    }

    /// Whether a read is under way.
    pub const fn is_busy(&self) -> bool {
        self.flight.is_some()
    }

    /// Whether the read under way is for this.
    pub fn is_for(&self, purpose: &P) -> bool
    where
        P: PartialEq,
    {
        self.flight.as_ref().is_some_and(|(_, wanted)| wanted == purpose)
    }

    /// What is shown went stale. Says whether to read now; otherwise it is read after the pending answer.
    pub const fn stale(&mut self) -> bool {
        self.again = self.flight.is_some();
        self.flight.is_none()
    }

    /// An answer came: what it is for, if it is the one waited for.
    pub fn answered(&mut self, ticket: Ticket) -> Option<P> {
        if self.flight.as_ref().is_some_and(|(wanted, _)| *wanted == ticket) {
            return self.flight.take().map(|(_, purpose)| purpose);
        }
        None
    }

    /// Whether something went stale while the last answer was under way. Asked once.
    pub fn take_again(&mut self) -> bool {
        std::mem::take(&mut self.again)
    }
}

#[cfg(test)]
mod tests {
    use super::{Ticket, Wait};

    #[test]
    fn only_the_newest_answer_counts() {
        let mut wait = Wait::default();
        wait.start(Ticket(1), "first");
        wait.start(Ticket(2), "second");
        assert_eq!(wait.answered(Ticket(1)), None);
        assert_eq!(wait.answered(Ticket(2)), Some("second"));
        assert_eq!(wait.answered(Ticket(2)), None);
    }

    #[test]
    fn a_flood_of_changes_asks_once_more() {
        let mut wait = Wait::default();
        assert!(wait.stale());
        wait.start(Ticket(1), ());
        assert!(!wait.stale());
        assert!(!wait.stale());
        wait.answered(Ticket(1));
        assert!(wait.take_again());
        assert!(!wait.take_again());
    }
}
