//! Numbers about what was sent and received in a stretch of time.

use std::time::Duration;

use super::message::Direction;
use super::state::State;
use super::time::Timestamp;

/// Everything that is counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// Messages by day, direction, type and state; the oldest day first.
    pub messages: Vec<MessageCount>,
    /// How long messages took from one step to the next.
    pub latencies: Vec<(Phase, Spread)>,
    /// Failed messages by Meta's code, the most frequent first.
    pub failures: Vec<Failures>,
    /// How long customers waited for an answer.
    pub answers: Option<Spread>,
    /// Conversations in which one still waits.
    pub unanswered: u64,
    /// Webhooks by hour, the oldest first; hours without any are left out.
    pub webhooks: Vec<Hour>,
    /// How long webhooks took until they were durable and answered.
    pub webhooks_took: Option<Spread>,
    /// Templates that were sent, the most used first.
    pub templates: Vec<TemplateUse>,
}

/// Messages that are alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageCount {
    /// The beginning of their day.
    pub day: Timestamp,
    /// From a customer or to one.
    pub outbound: bool,
    /// Meta's word for their type.
    pub kind: &'static str,
    /// The word for where they stand.
    pub state: &'static str,
    /// How many.
    pub count: u64,
}

impl MessageCount {
    /// From a customer or to one.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        if self.outbound { Direction::Outbound } else { Direction::Inbound }
    }
}

/// A way that a message to a customer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// From being queued until its request leaves.
    Queue,
    /// From its request until Meta accepts it.
    Accepted,
    /// From its request until it is sent, by Meta's clock, which tells whole seconds.
    Sent,
    /// Until it is delivered.
    Delivered,
    /// Until it is read.
    Read,
}

impl Phase {
    /// The word in `--json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }

    /// The state that ends it.
    #[must_use]
    pub const fn ends_in(self) -> State {
        match self {
            Self::Queue => State::Sending,
            Self::Accepted => State::Accepted,
            Self::Sent => State::Sent,
            Self::Delivered => State::Delivered,
            Self::Read => State::Read,
        }
    }

    /// All of them, in the order in which a message takes them.
    pub const ALL: [Self; 5] =
        [Self::Queue, Self::Accepted, Self::Sent, Self::Delivered, Self::Read];
}

/// How durations are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// How many there are.
    pub count: u64,
    /// Half of them are no longer.
    pub median: Duration,
    /// 95 in a hundred are no longer.
    pub p95: Duration,
}

impl Spread {
    /// By nearest rank; none when there is nothing. `millis` is put in order.
    #[must_use]
    pub fn of(millis: &mut [u64]) -> Option<Self> {
        millis.sort_unstable();
        let count = millis.len();
        let rank = |percent: usize| {
            let at = (count * percent).div_ceil(100).saturating_sub(1);
            millis.get(at).copied().map(Duration::from_millis)
        };
        Some(Self { count: count as u64, median: rank(50)?, p95: rank(95)? })
    }
}

/// Messages that failed for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failures {
    /// Meta's code; none where it gave none, or never heard of them.
    pub code: Option<i64>,
    /// How many.
    pub count: u64,
}

/// Webhooks that came within an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hour {
    /// Its beginning, in UTC.
    pub from: Timestamp,
    /// How many.
    pub count: u64,
}

/// A template and what became of the messages made from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateUse {
    /// Its name, unsanitised.
    pub name: String,
    /// Its language.
    pub language: String,
    /// Messages made from it.
    pub total: u64,
    /// Those that Meta sent on.
    pub sent: u64,
    /// Those that were delivered.
    pub delivered: u64,
    /// Those that were read.
    pub read: u64,
    /// Those that failed.
    pub failed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_are_by_nearest_rank_whatever_the_order() {
        assert_eq!(Spread::of(&mut []), None);
        let spread = |millis: &[u64]| {
            let spread = Spread::of(&mut millis.to_vec()).unwrap();
            (spread.count, spread.median.as_millis(), spread.p95.as_millis())
        };
        assert_eq!(spread(&[7]), (1, 7, 7));
        assert_eq!(spread(&[9, 1]), (2, 1, 9));
        let mut hundred: Vec<u64> = (1..=100).collect();
        hundred.reverse();
        assert_eq!(spread(&hundred), (100, 50, 95));
    }
}
