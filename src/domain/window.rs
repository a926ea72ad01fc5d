//! The customer service window: for 24 hours after the contact last wrote, anything may be sent to
//! them; outside it only templates.

use std::time::Duration;

use super::time::Timestamp;

/// How long the window stays open after an inbound message (Meta, customer service windows).
pub const WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// From so little time on the window is closing: an answer has to go now.
pub const CLOSING: Duration = Duration::from_secs(60 * 60);

/// From so little time on it closes soon.
pub const CLOSING_SOON: Duration = Duration::from_secs(4 * 60 * 60);

/// Whether free-form messages may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// Until this time.
    Open(Timestamp),
    /// Templates only; the window closed at this time.
    Closed(Timestamp),
    /// Templates only: Meta refused (131047) what was sent at this time, although the contact wrote less
    /// than 24 hours before, or nothing was known of them. Holds until they write again.
    Refused(Timestamp),
    /// No history tells. Sends go out with a warning, and what comes back decides.
    Unknown,
}

impl Window {
    /// Whether only templates may be sent, as far as is known.
    #[must_use]
    pub const fn is_shut(self) -> bool {
        matches!(self, Self::Closed(_) | Self::Refused(_))
    }
}

/// What is done with a message that is no template while the window is shut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outside {
    /// It is refused, or held when the window closed while it waited.
    #[default]
    Refuse,
    /// It is sent, and what comes back decides.
    Send,
}

/// The window at `now`, from the last message the contact wrote by Meta's clock, and from when Meta last
/// refused a message because of the window.
#[must_use]
pub fn window(
    last_inbound: Option<Timestamp>,
    refused: Option<Timestamp>,
    now: Timestamp,
) -> Window {
    let refused = refused.filter(|refused| last_inbound.is_none_or(|at| at <= *refused));
    match (last_inbound, refused) {
        (Some(at), _) if at + WINDOW <= now => Window::Closed(at + WINDOW),
        (_, Some(refused)) => Window::Refused(refused),
        (Some(at), None) => Window::Open(at + WINDOW),
        (None, None) => Window::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::{WINDOW, Window, window};
    use crate::domain::time::Timestamp;

    #[test]
    fn open_for_24_hours_to_the_millisecond() {
        let at = Timestamp::from_secs(1_000_000);
        let end = at + WINDOW;
        let last = Timestamp::from_millis(end.millis() - 1);
        assert_eq!(window(Some(at), None, at), Window::Open(end));
        assert_eq!(window(Some(at), None, last), Window::Open(end));
        assert_eq!(window(Some(at), None, end), Window::Closed(end));
        assert_eq!(window(None, None, at), Window::Unknown);
    }

    #[test]
    fn a_refusal_counts_until_they_write_again_or_the_day_is_over() {
        let at = Timestamp::from_secs(1_000_000);
        let later = Timestamp::from_secs(1_000_060);
        assert_eq!(window(Some(at), Some(later), later), Window::Refused(later));
        assert_eq!(window(None, Some(later), later), Window::Refused(later));
        assert_eq!(window(Some(later), Some(at), later), Window::Open(later + WINDOW));
        assert_eq!(window(Some(at), Some(later), at + WINDOW), Window::Closed(at + WINDOW));
    }
}
