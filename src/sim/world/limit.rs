//! The two throttles of a send. The throughput of the number counts in a sliding second, the pair
//! limit is a debt: each message to one user costs six seconds, and 45 can be borrowed ahead.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

/// Milliseconds one message to one user costs (Meta: 10 per minute, 600 per hour).
const PAIR_COST: i64 = 6_000;
/// Messages that can be borrowed ahead.
const PAIR_BURST: i64 = 45;

/// Times within the last second, and the most there have ever been.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Second {
    times: VecDeque<i64>,
    most: usize,
}

impl Second {
    /// How many lie in the second that ends at `now`.
    pub(super) fn count(&mut self, now: Timestamp) -> usize {
        while self.times.front().is_some_and(|first| *first <= now.millis() - 1_000) {
            self.times.pop_front();
        }
        self.times.len()
    }

    pub(super) fn add(&mut self, now: Timestamp) {
        let before = self.count(now);
        self.times.push_back(now.millis());
        self.most = self.most.max(before + 1);
    }

    pub(super) const fn most(&self) -> usize {
        self.most
    }
}

/// Per user, the time at which all that was sent so far will have been paid for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Pairs(BTreeMap<usize, i64>);

impl Pairs {
    /// Whether one more message to this user is within the limit at `now`.
    pub(super) fn allow(&self, person: usize, now: Timestamp) -> bool {
        let paid_at = self.0.get(&person).copied().unwrap_or(i64::MIN);
        paid_at.saturating_sub(now.millis()) <= (PAIR_BURST - 1) * PAIR_COST
    }

    pub(super) fn add(&mut self, person: usize, now: Timestamp) {
        let paid_at = self.0.entry(person).or_insert(i64::MIN);
        *paid_at = (*paid_at).max(now.millis()).saturating_add(PAIR_COST);
    }
}

#[cfg(test)]
mod tests {
    use super::{Pairs, Second};
    use crate::domain::time::Timestamp;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn the_second_slides() {
        let mut second = Second::default();
        for millis in [0, 500, 999] {
            second.add(at(millis));
        }
        assert_eq!(second.count(at(999)), 3);
        assert_eq!(second.count(at(1_000)), 2, "the one at 0 is a whole second old");
        assert_eq!(second.count(at(1_999)), 0);
        assert_eq!(second.most(), 3);
    }

    #[test]
    fn forty_five_at_once_then_one_per_six_seconds() {
        let mut pairs = Pairs::default();
        for sent in 0..45 {
            assert!(pairs.allow(7, at(0)), "number {sent}");
            pairs.add(7, at(0));
        }
        assert!(!pairs.allow(7, at(0)));
        assert!(!pairs.allow(7, at(5_999)));
        assert!(pairs.allow(7, at(6_000)));
        pairs.add(7, at(6_000));
        assert!(!pairs.allow(7, at(6_000)));
        assert!(pairs.allow(8, at(0)), "other users are not concerned");
    }
}
