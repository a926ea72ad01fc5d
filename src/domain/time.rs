//! Points in time and the clock that everything else is handed.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A point in wall time: milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From whole seconds since the epoch, Meta's unit; saturates.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// How long before `self` `earlier` was; zero when it was not before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// A reading of a clock that only runs forward, from an arbitrary start. The limiters count in it, so
/// that a step of the wall clock neither bursts nor stalls them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(pub Duration);

impl Monotonic {
    /// How long before `self` `earlier` was; zero when it was not before.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Monotonic {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }
}

/// Where time comes from. The real one is `crate::clock::SystemClock`; tests move their own.
pub trait Clock: Send + Sync {
    /// Wall time. Never earlier than an answer given before.
    fn now(&self) -> Timestamp;
    /// The forward-only clock.
    fn monotonic(&self) -> Monotonic;
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Monotonic, Timestamp};

    #[test]
    fn seconds_and_milliseconds_are_the_same_time() {
        assert_eq!(Timestamp::from_secs(1_700_000_000).millis(), 1_700_000_000_000);
        assert_eq!(Timestamp::from_secs(-1), Timestamp::from_millis(-1000));
        assert_eq!(Timestamp::from_secs(i64::MAX).millis(), i64::MAX);
        assert_eq!(Timestamp::from_secs(i64::MIN).millis(), i64::MIN);
    }

    #[test]
    fn spans_are_never_negative_and_nothing_overflows() {
        let (early, late) = (Timestamp::from_millis(1000), Timestamp::from_millis(3500));
        assert_eq!(late.since(early), Duration::from_millis(2500));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(early + Duration::from_millis(2500), late);
        assert_eq!(late - Duration::from_millis(2500), early);
        assert_eq!(late + Duration::MAX, Timestamp::from_millis(i64::MAX));
        assert_eq!(Timestamp::from_millis(-2) - Duration::MAX, Timestamp::from_millis(i64::MIN));
        let (first, last) = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
        assert_eq!(last.since(first), Duration::from_millis(i64::MAX.unsigned_abs()));
    }

    #[test]
    fn monotonic_readings_only_add() {
        let (early, late) = (Monotonic(Duration::ZERO), Monotonic(Duration::from_secs(2)));
        assert_eq!(late.since(early), Duration::from_secs(2));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(late + Duration::MAX, Monotonic(Duration::MAX));
    }
}
