//! When a pane that changes often is read again: soon, and not more often than the eye can follow.

use std::time::Duration;

use crate::domain::time::Timestamp;

/// When a pane was read last, and when it is to be read again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calm {
    read_at: Option<Timestamp>,
    due: Option<Timestamp>,
}

impl Calm {
    /// It is read now.
    pub const fn read(&mut self, now: Timestamp) {
        *self = Self { read_at: Some(now), due: None };
    }

    /// When it was read last.
    #[must_use]
    pub const fn read_at(&self) -> Option<Timestamp> {
        self.read_at
    }

    /// It changed: it is to be read again once `rest` has passed since it was.
    pub fn changed(&mut self, rest: Duration, now: Timestamp) {
        let next = self.read_at.map_or(now, |at| at + rest);
        self.due = Some(self.due.map_or(next, |due| due.min(next)));
    }

    /// When it is to be read again; none while nothing changed.
    #[must_use]
    pub const fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// Whether its time has come. Asked once for each change.
    pub fn take_due(&mut self, now: Timestamp) -> bool {
        let due = self.due.is_some_and(|due| due <= now);
        if due {
            self.due = None;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Calm, Timestamp};

    #[test]
    fn the_first_change_is_read_at_once_and_a_flood_no_faster_than_the_eye() {
        let t = Timestamp::from_millis;
        let rest = Duration::from_millis(250);
        let mut calm = Calm::default();
        assert!(!calm.take_due(t(0)), "nothing changed");
        calm.changed(rest, t(1_000));
        assert!(calm.take_due(t(1_000)));
        assert!(!calm.take_due(t(1_000)), "once for each change");
        calm.read(t(1_000));
        for at in 1_001..1_020 {
            calm.changed(rest, t(at));
        }
        assert_eq!(calm.due(), Some(t(1_250)));
        assert!(!calm.take_due(t(1_249)));
        assert!(calm.take_due(t(1_250)));
        calm.changed(rest, t(1_260));
        calm.read(t(1_270));
        assert_eq!(calm.due(), None, "what was read is not read again");
    }
}
