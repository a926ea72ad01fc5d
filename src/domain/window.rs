//! The customer service window: for 24 hours after the contact last wrote, anything may be sent to
//! them; outside it only templates.

use std::time::Duration;

use super::time::Timestamp;

/// How long the window stays open after an inbound message (Meta, customer service windows).
pub const WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether free-form messages may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// Until this time.
    Open(Timestamp),
    /// Templates only; the window closed at this time.
    Closed(Timestamp),
    /// No history tells. Sends go out with a warning, and what comes back decides.
    Unknown,
}

/// The window at `now`, from the last message the contact wrote by Meta's clock.
#[must_use]
pub fn window(last_inbound: Option<Timestamp>, now: Timestamp) -> Window {
    match last_inbound {
        None => Window::Unknown,
        Some(at) if at + WINDOW > now => Window::Open(at + WINDOW),
        Some(at) => Window::Closed(at + WINDOW),
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
        assert_eq!(window(Some(at), at), Window::Open(end));
        assert_eq!(window(Some(at), Timestamp::from_millis(end.millis() - 1)), Window::Open(end));
        assert_eq!(window(Some(at), end), Window::Closed(end));
        assert_eq!(window(None, at), Window::Unknown);
    }
}
