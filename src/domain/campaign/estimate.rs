//! How long a campaign takes at what Meta allows.

use std::time::Duration;

use crate::domain::health::People;
use crate::domain::time::Timestamp;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What Meta allows an account right now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    /// Messages per second.
    pub rate: u32,
    /// People who may be written to outside the window.
    pub people: People,
    /// When the first of those written to no longer counts.
    pub frees_at: Option<Timestamp>,
    /// Messages that go before, whatever they are.
    pub waiting: u32,
}

/// How long it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// How many go at once.
    pub now: usize,
    /// How many have to wait until the messaging limit has room.
    pub later: usize,
    /// How long those take that go at once.
    pub takes: Duration,
    /// When there is room for the first of the others, as far as is known.
    pub frees_at: Option<Timestamp>,
    /// How many days the limit stretches it over; 0 when all go at once.
    pub days: usize,
}

impl Estimate {
    /// For `good` messages of which `counting` count against the messaging limit.
    #[must_use]
    pub fn new(good: usize, counting: usize, capacity: &Capacity) -> Self {
        let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let limit = capacity.people.limit.map(size);
        let room =
            limit.map_or(usize::MAX, |limit| limit.saturating_sub(size(capacity.people.reached)));
        let later = counting.saturating_sub(room);
        let now = good - later.min(good);
        let days = limit.map_or(0, |limit| later.div_ceil(limit.max(1)));
        let ahead =
            u64::try_from(now).unwrap_or(u64::MAX).saturating_add(u64::from(capacity.waiting));
        let millis = ahead.saturating_mul(1000) / u64::from(capacity.rate.max(1));
        Self {
            now,
            later,
            takes: Duration::from_millis(millis),
            frees_at: capacity.frees_at.filter(|_| later > 0),
            days,
        }
    }

    /// All of it, from the first to the last.
    #[must_use]
    pub fn whole(&self) -> Duration {
        self.takes + DAY * u32::try_from(self.days).unwrap_or(u32::MAX)
    }
}
