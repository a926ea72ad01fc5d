//! The circuit breaker's count: whether so many requests of the last minute failed for reasons of the network
//! or of Meta's servers that the rest of the queue had better wait.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::time::Monotonic;

/// What is looked back at, and how many requests have to be in it before it says anything.
const SPAN: Duration = Duration::from_secs(60);
const LEAST: usize = 10;

/// Requests of the last minute, and whether each failed.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    requests: VecDeque<(Monotonic, bool)>,
    failed: usize,
}

impl Circuit {
    /// A request ended. True when half or more of at least ten in the last minute failed; the count then
    /// begins anew.
    pub(super) fn note(&mut self, now: Monotonic, failed: bool) -> bool {
        while let Some((at, failed)) = self.requests.front()
            && *at + SPAN <= now
        {
            self.failed -= usize::from(*failed);
            self.requests.pop_front();
        }
        self.requests.push_back((now, failed));
        self.failed += usize::from(failed);
        let opens =
            failed && self.requests.len() >= LEAST && 2 * self.failed >= self.requests.len();
        if opens {
            self.reset();
        }
        opens
    }

    /// What was counted does not matter any more.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Circuit;
    use crate::domain::time::Monotonic;

    fn opens(requests: impl IntoIterator<Item = (u64, bool)>) -> Option<u64> {
        let mut circuit = Circuit::default();
        requests
            .into_iter()
            .find(|(at, failed)| circuit.note(Monotonic(Duration::from_secs(*at)), *failed))
            .map(|(at, _)| at)
    }

    #[test]
    fn half_of_ten_in_a_minute_open_it() {
        assert_eq!(opens((0..9).map(|at| (at, true))), None, "nine are too few");
        assert_eq!(opens((0..10).map(|at| (at, true))), Some(9));
        assert_eq!(opens((0..10).map(|at| (at, at >= 5))), Some(9), "five of ten");
        assert_eq!(opens((0..10).map(|at| (at, at >= 6))), None, "four of ten");
        assert_eq!(opens((0..100).map(|at| (at * 7, true))), None, "nine in any minute");
        assert_eq!(opens((0..1000).map(|at| (at / 10, at % 3 == 0))), None, "a third");
    }

    #[test]
    fn it_forgets_what_is_a_minute_old() {
        let long_ago = (0..100).map(|_| (0, false));
        let now = (60..70).map(|at| (at, true));
        assert_eq!(opens(long_ago.chain(now)), Some(69));
    }
}
