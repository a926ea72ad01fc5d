//! What can be chosen about sending. The limits themselves are Meta's.

use std::time::Duration;

use crate::domain::id::ConversationId;
use crate::domain::outbox::RetryPolicy;
use crate::domain::throttle::STANDARD_RATE;
use crate::domain::window::Outside;

/// How fast and how often to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Messages per second at most, 1 to 1,000; none for whatever Meta allows the number.
    pub rate: Option<u32>,
    /// Messages whose requests are under way at a time, those waiting for their slot included; a quarter of
    /// the rate when none, and at least 32.
    pub in_flight: Option<usize>,
    /// Retries.
    pub retry: RetryPolicy,
    /// How long an uncertain message waits for proof before it is sent again; until the person decides when
    /// none.
    pub resend_after: Option<Duration>,
    /// Send the messages of this conversation alone, and fetch and confirm nothing.
    pub only: Option<ConversationId>,
    /// What is done with a message whose window closed while it waited.
    pub outside: Outside,
}

impl Default for Policy {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Policy {
    /// The default for a rate that is never exceeded.
    #[must_use]
    pub fn with_rate(rate: u32) -> Self {
        Self::new(Some(rate))
    }

    /// The default: enough in flight for answers that take a few hundred milliseconds.
    #[must_use]
    pub fn new(rate: Option<u32>) -> Self {
        let rate = rate.map(|rate| rate.clamp(1, 1000));
        Self {
            rate,
            in_flight: None,
            retry: RetryPolicy::default(),
            resend_after: None,
            only: None,
            outside: Outside::default(),
        }
    }

    /// Messages per second, given what Meta said of the number.
    pub(super) fn rate(&self, allowed: Option<u32>) -> u32 {
        match (self.rate, allowed) {
            (Some(rate), Some(allowed)) => rate.min(allowed),
            (Some(rate), None) => rate,
            (None, allowed) => allowed.unwrap_or(STANDARD_RATE),
        }
    }

    /// Requests of messages under way at a time.
    pub(super) fn in_flight(&self, rate: u32) -> usize {
        let enough = || usize::try_from(rate / 4).unwrap_or(usize::MAX).clamp(32, 256);
        self.in_flight.unwrap_or_else(enough)
    }
}
