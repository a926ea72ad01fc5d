//! When the next message of an account may go: [`domain::throttle`](crate::domain::throttle)'s limits
//! with what the core asks of them: how many slots come soon, and which lanes the pair limit keeps waiting.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::domain::id::ConversationId;
use crate::domain::throttle::{PairLimiter, RateLimiter};
use crate::domain::time::Monotonic;

/// The first and the longest rest after Meta said that the number is too fast (130429), and how long
/// after a rest another such answer makes the next one longer.
const REST: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
const REST_MEMORY: Duration = Duration::from_secs(30);

/// The limits of one number.
#[derive(Debug)]
pub(super) struct Pace {
    gap: Duration,
    number: RateLimiter,
    pairs: PairLimiter<ConversationId>,
    /// Pairs that have to wait, and until when.
    blocked: BTreeMap<ConversationId, Monotonic>,
    rest: Duration,
    rest_until: Monotonic,
    limit: u32,
    /// Messages of the last second.
    recent: VecDeque<Monotonic>,
}

/// The span that the rate is counted in.
const SECOND: Duration = Duration::from_secs(1);

impl Pace {
    /// `requests`: what earlier senders sent, to whom and how long ago.
    pub(super) fn new(
        rate: u32,
        requests: impl Iterator<Item = (ConversationId, Duration)> + Clone,
        now: Monotonic,
    ) -> Self {
        let mut pace = Self {
            gap: Duration::from_secs(1) / rate.max(1),
            number: RateLimiter::rebuild(rate, now, requests.clone().map(|(_, age)| age)),
            pairs: PairLimiter::rebuild(now, requests.clone()),
            blocked: BTreeMap::new(),
            rest: Duration::ZERO,
            rest_until: Monotonic::default(),
            limit: rate,
            recent: VecDeque::new(),
        };
        requests.for_each(|(pair, _)| pace.block(pair, now));
        pace
    }

    /// When the next message may go.
    pub(super) fn next_slot(&self, now: Monotonic) -> Monotonic {
        self.number.next(now)
    }

    /// When the slot comes that follows `taken` others.
    pub(super) fn slot_after(&self, now: Monotonic, taken: usize) -> Monotonic {
        let gaps = u32::try_from(taken).unwrap_or(u32::MAX);
        self.next_slot(now) + self.gap.saturating_mul(gaps)
    }

    /// How many slots come within `span`.
    pub(super) fn slots_within(&self, now: Monotonic, span: Duration) -> usize {
        let next = self.next_slot(now);
        let end = now + span;
        if next > end {
            return 0;
        }
        let gaps = end.since(next).as_nanos() / self.gap.as_nanos().max(1);
        usize::try_from(gaps).unwrap_or(usize::MAX).saturating_add(1)
    }

    /// Takes the slot if it is there.
    pub(super) fn take(&mut self, now: Monotonic) -> bool {
        let taken = self.number.take(now);
        if taken {
            self.note(now);
        }
        taken
    }

    /// A message that took its slot at `went` has its answer.
    pub(super) fn answered(&mut self, went: Monotonic, now: Monotonic) {
        self.number.answered(went, now);
    }

    fn note(&mut self, now: Monotonic) {
        while self.recent.front().is_some_and(|first| *first + SECOND <= now) {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
    }

    /// Meta allows another rate from now on.
    pub(super) fn set_limit(&mut self, rate: u32, now: Monotonic) {
        if rate == self.limit {
            return;
        }
        self.limit = rate;
        self.gap = SECOND / rate.max(1);
        self.number.set_limit(rate, now);
    }

    /// Messages came in; they count as well.
    pub(super) fn came_in(&mut self, messages: u32, now: Monotonic) {
        if messages > 0 {
            self.number.came_in(messages, now);
            (0..messages.min(self.limit)).for_each(|_| self.note(now));
        }
    }

    /// Messages per second that may go.
    pub(super) const fn limit(&self) -> u32 {
        self.limit
    }

    /// Messages of the last second.
    pub(super) fn used(&self, now: Monotonic) -> u32 {
        let old = self.recent.partition_point(|at| *at + SECOND <= now);
        u32::try_from(self.recent.len() - old).unwrap_or(u32::MAX)
    }

    /// Whether the number rests because Meta said that it was too fast.
    pub(super) fn is_resting(&self, now: Monotonic) -> bool {
        self.rest_until > now
    }

    /// Meta says that the number is too fast, and may have `asked` for a rest; returns how long to wait.
    pub(super) fn throttled(&mut self, asked: Option<Duration>, now: Monotonic) -> Duration {
        if self.rest_until <= now {
            let again = self.rest > Duration::ZERO && self.rest_until + REST_MEMORY > now;
            self.rest = if again { (self.rest * 2).min(REST.1) } else { REST.0 };
            self.rest_until = now + self.rest;
        }
        self.rest(asked.unwrap_or_default(), now)
    }

    /// Nothing goes for so long; returns how long to wait.
    pub(super) fn rest(&mut self, wait: Duration, now: Monotonic) -> Duration {
        self.rest_until = self.rest_until.max(now + wait);
        self.number.penalise(self.rest_until);
        self.rest_until.since(now)
    }

    /// The person wants it to go on, whatever Meta asked for: it rests no longer than it would of itself. Returns
    /// how long that still is.
    pub(super) fn rest_less(&mut self, now: Monotonic) -> Duration {
        self.rest_until = self.rest_until.min(now + self.rest.max(REST.0));
        self.number.pardon(self.rest_until);
        self.rest_until.since(now)
    }

    /// When the rest ends, if there is one.
    pub(super) fn rest_end(&self, now: Monotonic) -> Option<Monotonic> {
        Some(self.rest_until).filter(|until| *until > now)
    }

    /// A message goes to a pair. Its lane was not blocked when it was claimed, and nothing else went
    /// there since.
    pub(super) fn take_pair(&mut self, pair: ConversationId, now: Monotonic) {
        if !self.pairs.take(pair, now) {
            tracing::warn!(%pair, "sent ahead of the pair limit");
        }
        self.block(pair, now);
    }

    /// Meta says that a pair is too fast; returns how long to wait.
    pub(super) fn pair_throttled(
        &mut self,
        pair: ConversationId,
        asked: Option<Duration>,
        now: Monotonic,
    ) -> Duration {
        let wait = self.pairs.refused(pair, asked, now);
        self.block(pair, now);
        wait
    }

    /// A pair's message was accepted.
    pub(super) fn pair_accepted(&mut self, pair: ConversationId) {
        self.pairs.accepted(&pair);
    }

    /// The pairs that may not go yet.
    pub(super) fn blocked_pairs(&self) -> impl Iterator<Item = ConversationId> {
        self.blocked.keys().copied()
    }

    /// When the next of them may.
    pub(super) fn next_free_pair(&self) -> Option<Monotonic> {
        self.blocked.values().min().copied()
    }

    /// Frees those whose time has come; returns whether there were any.
    pub(super) fn free_pairs(&mut self, now: Monotonic) -> bool {
        let before = self.blocked.len();
        self.blocked.retain(|_, until| *until > now);
        self.blocked.len() < before
    }

    fn block(&mut self, pair: ConversationId, now: Monotonic) {
        let free_at = self.pairs.next(&pair, now);
        if free_at > now {
            self.blocked.insert(pair, free_at);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Monotonic, Pace};
    use crate::domain::id::ConversationId;
    use crate::domain::throttle::PAIR_BURST;

    const START: Monotonic = Monotonic(Duration::from_secs(3600));

    fn fresh(rate: u32) -> Pace {
        Pace::new(rate, std::iter::empty(), START)
    }

    #[test]
    fn a_pair_bursts_and_then_waits() {
        let mut pace = fresh(1000);
        let pair = ConversationId(1);
        for _ in 0..PAIR_BURST {
            assert_eq!(pace.blocked_pairs().count(), 0);
            pace.take_pair(pair, START);
        }
        assert!(pace.blocked_pairs().eq([pair]));
        assert_eq!(pace.next_free_pair(), Some(START + Duration::from_millis(6050)));
        assert!(!pace.free_pairs(START + Duration::from_millis(6049)));
        assert!(pace.free_pairs(START + Duration::from_millis(6050)));
        assert_eq!(pace.next_free_pair(), None);
    }

    #[test]
    fn a_restart_forgets_neither_limit() {
        let requests = (0..80).map(|_| (ConversationId(1), Duration::from_millis(500)));
        let mut pace = Pace::new(80, requests, START);
        assert!(!pace.take(START));
        assert!(pace.blocked_pairs().eq([ConversationId(1)]));
    }

    #[test]
    fn a_throttled_number_rests_longer_each_time() {
        let mut pace = fresh(80);
        assert_eq!(pace.throttled(None, START), Duration::from_secs(1));
        let soon = START + Duration::from_millis(300);
        assert_eq!(pace.throttled(None, soon), Duration::from_millis(700), "the same rest");
        assert!(!pace.take(soon));
        let rested = START + Duration::from_secs(1);
        assert!(pace.take(rested));
        assert_eq!(pace.throttled(None, rested), Duration::from_secs(2), "again, so longer");
        let later = START + Duration::from_secs(300);
        assert_eq!(pace.throttled(None, later), Duration::from_secs(1), "forgiven");
    }

    #[test]
    fn slots_are_counted_ahead() {
        let mut pace = fresh(80);
        assert_eq!(pace.slots_within(START, Duration::from_millis(20)), 2);
        pace.throttled(None, START);
        assert_eq!(pace.slots_within(START, Duration::from_millis(20)), 0);
        assert!(pace.slot_after(START, 2) > START + Duration::from_secs(1));
    }
}
