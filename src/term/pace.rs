//! How often the screen is drawn when nobody presses a key.

use std::time::Duration;

use crate::domain::time::Monotonic;

/// On average no two frames are closer together than this, unless a key is waiting to be seen.
const FRAME: Duration = Duration::from_millis(16);
/// So many may follow each other at once after a rest: what is asked for together comes in parts, and the
/// last one must not wait because the first was shown.
const BURST: u32 = 3;

/// Counts frames against time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    /// When the frames so far will have had their time.
    paid: Monotonic,
}

impl Pace {
    /// A frame is drawn now. However many there were before, as each key has one, the next is due within
    /// [`FRAME`].
    pub(super) fn drawn(&mut self, now: Monotonic) {
        self.paid = (self.paid.max(now) + FRAME).min(now + FRAME * BURST);
    }

    /// When the next frame may be drawn.
    pub(super) const fn next(self) -> Monotonic {
        Monotonic(self.paid.0.saturating_sub(FRAME.saturating_mul(BURST - 1)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{FRAME, Monotonic, Pace};

    const NOW: Monotonic = Monotonic(Duration::from_secs(60));

    #[test]
    fn three_frames_at_once_after_a_rest_then_one_at_a_time() {
        let mut pace = Pace::default();
        for _ in 0..3 {
            assert!(pace.next() <= NOW);
            pace.drawn(NOW);
        }
        assert_eq!(pace.next(), NOW + FRAME);
        pace.drawn(NOW + FRAME);
        assert_eq!(pace.next(), NOW + FRAME * 2);
        assert!(pace.next() < NOW + FRAME * 10, "the rest is forgiven");
    }

    #[test]
    fn a_hundred_keys_at_once_do_not_put_off_what_they_bring_about() {
        let mut pace = Pace::default();
        for _ in 0..100 {
            pace.drawn(NOW);
        }
        assert_eq!(pace.next(), NOW + FRAME);
    }
}
