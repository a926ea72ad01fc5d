//! When to look after what time does to messages that wait: at the times the store names, and soon after a
//! change, since that may have brought a nearer time. Never when nothing changed and nothing is due.

use std::time::Duration;

use super::Now;
use crate::domain::time::Monotonic;
use crate::store::outbox::Overdue;

/// The least time between two looks, and between two that walk over all lanes for windows that closed.
const REST: Duration = Duration::from_secs(1);
const WINDOWS_REST: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Tending {
    under_way: bool,
    /// Something changed since the last look, and since the last one at the windows.
    dirty: bool,
    windows_dirty: bool,
    last: Option<Monotonic>,
    windows_last: Option<Monotonic>,
    next: Option<Monotonic>,
    closes: Option<Monotonic>,
}

impl Default for Tending {
    /// Everything may have changed before there was a sender.
    fn default() -> Self {
        Self {
            under_way: false,
            dirty: true,
            windows_dirty: true,
            last: None,
            windows_last: None,
            next: None,
            closes: None,
        }
    }
}

impl Tending {
    pub(super) const fn changed(&mut self) {
        self.dirty = true;
        self.windows_dirty = true;
    }

    /// Whether to look now, and if so whether at the windows too.
    pub(super) fn start(&mut self, now: Now) -> Option<bool> {
        if self.deadline(now).is_none_or(|deadline| deadline > now.mono) {
            return None;
        }
        let windows = self.windows_deadline(now).is_some_and(|deadline| deadline <= now.mono);
        self.under_way = true;
        self.dirty = false;
        self.last = Some(now.mono);
        self.next = None;
        if windows {
            self.windows_dirty = false;
            self.windows_last = Some(now.mono);
            self.closes = None;
        }
        Some(windows)
    }

    /// What the look came to; `None` when the store is in trouble.
    pub(super) fn done(&mut self, overdue: Option<&Overdue>, now: Now) {
        self.under_way = false;
        let Some(overdue) = overdue else { return self.changed() };
        let mono = |at: crate::domain::time::Timestamp| now.mono + at.since(now.wall);
        self.next = overdue.next.map(mono);
        self.closes = overdue.closes.map(mono).or(self.closes);
    }

    /// When to look next, if nothing changes until then.
    pub(super) fn deadline(&self, now: Now) -> Option<Monotonic> {
        if self.under_way {
            return None;
        }
        let dirty = self.dirty.then(|| self.last.map_or(now.mono, |last| last + REST));
        let due = [dirty, self.next, self.windows_deadline(now)].into_iter().flatten().min();
        due.map(|due| self.last.map_or(due, |last| due.max(last + REST)))
    }

    fn windows_deadline(&self, now: Now) -> Option<Monotonic> {
        let rested = self.windows_last.map_or(now.mono, |last| last + WINDOWS_REST);
        let dirty = self.windows_dirty.then_some(rested);
        dirty.into_iter().chain(self.closes).min()
    }
}
