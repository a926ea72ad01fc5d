//! When the processes that do not send are told how an account does: they read it from the store, so it is
//! told when it differs, at most once a second.

use std::time::Duration;

use crate::domain::health::Pace;
use crate::domain::time::Monotonic;

/// The least time between two tellings.
const EVERY: Duration = Duration::from_secs(1);

/// What was told last.
#[derive(Debug, Default)]
pub(super) struct Telling {
    told: Option<Pace>,
    at: Option<Monotonic>,
}

impl Telling {
    /// What is to be told now of an account that does so, or when to ask again if it is too early for that.
    pub(super) fn next(&mut self, pace: &Pace, now: Monotonic) -> Result<Option<Pace>, Monotonic> {
        let pace = Pace { used: 0, unwritten: 0, ..pace.clone() };
        if self.told.as_ref() == Some(&pace) {
            return Ok(None);
        }
        if let Some(again) = self.at.map(|at| at + EVERY).filter(|again| *again > now) {
            return Err(again);
        }
        self.at = Some(now);
        Ok(self.told.insert(pace).clone().into())
    }

    /// The store did not take it: it is told again.
    pub(super) fn failed(&mut self) {
        self.told = None;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Telling;
    use crate::domain::health::Pace;
    use crate::domain::time::Monotonic;

    #[test]
    fn news_is_told_at_most_once_a_second_and_until_it_is_taken() {
        let at = |millis| Monotonic(Duration::from_millis(millis));
        let mut telling = Telling::default();
        let slow = Pace { limit: 20, ..Pace::default() };
        assert_eq!(telling.next(&slow, at(0)), Ok(Some(slow.clone())));
        let used = Pace { used: 7, unwritten: 1, ..slow.clone() };
        assert_eq!(
            telling.next(&used, at(5_000)),
            Ok(None),
            "what changes all the time is not told"
        );
        let fast = Pace { limit: 80, ..Pace::default() };
        assert_eq!(telling.next(&fast, at(5_000)), Ok(Some(fast.clone())));
        assert_eq!(telling.next(&slow, at(5_100)), Err(at(6_000)));
        assert_eq!(telling.next(&fast, at(5_200)), Ok(None), "as it was");
        assert_eq!(telling.next(&slow, at(6_000)), Ok(Some(slow.clone())));
        telling.failed();
        assert_eq!(telling.next(&slow, at(6_500)), Err(at(7_000)));
        assert_eq!(telling.next(&slow, at(7_000)), Ok(Some(slow)));
    }
}
