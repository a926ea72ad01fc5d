//! What an outcome means where the common verdict does not fit: for jobs that are safe to repeat, and
//! without a network.

use super::Now;
use crate::domain::outbox::{ApiError, Outcome, Verdict};
use crate::store::outbox::Ended;

/// For jobs that are safe to repeat, not to know is only to try again.
pub(super) fn without_doubt(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Unknown { detail, error } => Outcome::RefusedForNow(
            error.unwrap_or_else(|| ApiError { message: detail, ..ApiError::default() }),
        ),
        other => other,
    }
}

/// Without a network the account as a whole waits, and nobody's message uses up its tries for it.
pub(super) fn offline_verdict(verdict: Verdict, now: Now) -> Verdict {
    match verdict {
        Verdict::Retry { error, .. } | Verdict::Failed(error) => {
            Verdict::Retry { not_before: now.wall, uses_try: false, error }
        }
        other => other,
    }
}

pub(super) fn ended(verdict: Verdict) -> Ended {
    match verdict {
        Verdict::Accepted(_) => Ended::Done,
        Verdict::Retry { not_before, uses_try, .. } => Ended::Retry { not_before, uses_try },
        Verdict::Failed(error) | Verdict::Uncertain(error) => Ended::GaveUp(error),
    }
}
