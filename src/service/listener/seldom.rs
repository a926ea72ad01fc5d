//! Log lines that anybody outside can cause: at most one a minute, with how often it was meant.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::time::Monotonic;

/// The least time between two lines of a kind.
const GAP: Duration = Duration::from_secs(60);

/// Counts one kind of line.
#[derive(Debug, Default)]
pub(super) struct Seldom(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    next: Monotonic,
    kept_back: u64,
}

impl Seldom {
    /// It happened once more. How many times since the last line, if it is time for one.
    pub(super) fn count(&self, now: Monotonic) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.kept_back += 1;
        if now < state.next {
            return None;
        }
        state.next = now + GAP;
        Some(std::mem::take(&mut state.kept_back))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Seldom;
    use crate::domain::time::Monotonic;

    #[test]
    fn one_line_a_minute_counts_what_was_kept_back() {
        let seldom = Seldom::default();
        let at = |millis| seldom.count(Monotonic(Duration::from_millis(millis)));
        assert_eq!(at(0), Some(1), "the first is told at once");
        assert!((1..1000).all(|n| at(n * 60).is_none()));
        assert_eq!(at(60_000), Some(1000));
        assert_eq!(at(60_001), None);
        assert_eq!(at(500_000), Some(2));
    }
}
