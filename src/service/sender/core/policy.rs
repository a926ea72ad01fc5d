//! What can be chosen about sending. The limits themselves are Meta's.

use std::time::Duration;

use crate::domain::id::ConversationId;
use crate::domain::outbox::RetryPolicy;

/// How fast and how often to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Messages per second, at most 1,000.
    pub rate: u32,
    /// Messages whose requests are under way at a time, those waiting for their slot included.
    pub in_flight: usize,
    /// Retries.
    pub retry: RetryPolicy,
    /// How long an uncertain message waits for proof before it is sent again; until the person decides when
    /// none.
    pub resend_after: Option<Duration>,
    /// Send the messages of this conversation alone, and fetch and confirm nothing.
    pub only: Option<ConversationId>,
}

impl Default for Policy {
    fn default() -> Self {
        Self::with_rate(80)
    }
}

impl Policy {
    /// The default for a rate: enough in flight for answers that take a few hundred milliseconds.
    #[must_use]
    pub fn with_rate(rate: u32) -> Self {
        let in_flight = usize::try_from(rate / 4).unwrap_or(usize::MAX).clamp(32, 256);
        Self {
            rate: rate.clamp(1, 1000),
            in_flight,
            retry: RetryPolicy::default(),
            resend_after: None,
            only: None,
        }
    }
}
