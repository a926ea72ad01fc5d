//! When to ask Meta what it allows the number: at the start, some times a day, and soon after Meta said that
//! it was too much, which may mean that the number was lowered or is just being raised.

use std::time::Duration;

use crate::domain::time::Monotonic;

/// Meta reviews its limits within hours (Meta, messaging limits).
const USUAL: Duration = Duration::from_secs(6 * 3600);

/// After an answer that was none, and after Meta complained.
const SOON: Duration = Duration::from_secs(10 * 60);

/// When to ask next.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    under_way: bool,
    asked: Option<Monotonic>,
    next: Monotonic,
}

impl Allowance {
    /// Whether to ask now; then somebody does.
    pub(super) fn ask(&mut self, now: Monotonic) -> bool {
        let due = !self.under_way && self.next <= now;
        if due {
            self.under_way = true;
            self.asked = Some(now);
        }
        due
    }

    /// Meta answered, or did not.
    pub(super) fn answered(&mut self, known: bool, now: Monotonic) {
        self.under_way = false;
        self.next = now + if known { USUAL } else { SOON };
    }

    /// Meta complained about the number.
    pub(super) fn complained(&mut self, now: Monotonic) {
        let soon = self.asked.map_or(now, |asked| asked + SOON).max(now);
        self.next = self.next.min(soon);
    }

    /// When to ask, if nobody is asking.
    pub(super) fn deadline(&self) -> Option<Monotonic> {
        (!self.under_way).then_some(self.next)
    }
}

#[cfg(test)]
mod tests {
    use super::{Allowance, SOON, USUAL};
    use crate::domain::time::Monotonic;

    #[test]
    fn it_asks_at_once_then_seldom_and_soon_after_a_complaint() {
        let start = Monotonic(USUAL);
        let mut allowance = Allowance::default();
        assert!(allowance.ask(start));
        assert!(!allowance.ask(start + USUAL), "one at a time");
        assert_eq!(allowance.deadline(), None);
        allowance.answered(true, start);
        assert_eq!(allowance.deadline(), Some(start + USUAL));
        allowance.complained(start);
        assert_eq!(allowance.deadline(), Some(start + SOON), "not at every complaint");
        assert!(allowance.ask(start + SOON));
        allowance.answered(false, start + SOON);
        assert_eq!(allowance.deadline(), Some(start + SOON + SOON));
    }
}
