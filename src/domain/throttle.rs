//! Limits on sending: messages per second of a number, and messages to one person.
//!
//! Both keep a debt that every send raises by one interval and that time pays off; a send may go when the
//! debt is at most the tolerance (GCRA). They never wait themselves: they say when,
//! on the forward-only clock, so that a step of the wall clock neither bursts nor stalls them. After a
//! restart they are rebuilt from the ages of the stored requests.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::time::Monotonic;

/// Messages per second of a number of which Meta said nothing else (Meta, throughput).
pub const STANDARD_RATE: u32 = 80;

/// Messages per second of a number that the WhatsApp Business app uses too: it stays so (Meta, throughput).
pub const COEXISTENCE_RATE: u32 = 20;

/// Messages per second of a number that Meta raised (Meta, throughput).
pub const HIGH_RATE: u32 = 1000;

/// What Meta allows a number, as far as it said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Messages per second, both ways.
    pub rate: Option<u32>,
    /// People that may be written to outside the window in 24 hours.
    pub people: Option<PeopleLimit>,
}

/// How many people may be written to outside the window in 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeopleLimit {
    /// At most so many.
    AtMost(u32),
    /// Any number.
    Unlimited,
}

/// How late a send may be without the rate suffering: timers are exact to a millisecond, and a busy
/// machine adds some. As much may go at once after a rest.
const LATENESS: Duration = Duration::from_millis(50);

/// How much closer together two sends may reach Meta than they left here.
const JITTER: Duration = Duration::from_millis(20);

/// The time that the limit counts in.
const SECOND: Duration = Duration::from_secs(1);

/// As long after a send the second is over in which it reached Meta, whatever became of it on the way.
const WINDOW: Duration = SECOND.saturating_add(JITTER);

/// Over this time a second's sends are spread: somewhat more than a second, so that what was late once
/// need not stay late, and less than `WINDOW`, which is what limits a number whose answers take long.
const SPREAD: Duration = Duration::from_millis(1010);

/// One message to the same person per this time (Meta, about the platform, pair rate limit).
pub const PAIR_INTERVAL: Duration = Duration::from_secs(6);

/// So many messages to the same person may go at once, borrowed against the future (Meta, ditto).
pub const PAIR_BURST: u32 = 45;

/// What one message costs here: two may come closer together on the way than they left.
pub const PAIR_COST: Duration = PAIR_INTERVAL.saturating_add(Duration::from_millis(50));

/// The most that can be owed to one person: a whole burst.
pub const PAIR_MEMORY: Duration = PAIR_COST.saturating_mul(PAIR_BURST);

/// Meta asks to wait 4^X seconds after the X-th refusal in a row; from the fifth on it stays at 17
/// minutes, since a pair's whole debt is paid in four and a half.
const MAX_STRIKES: u32 = 5;

/// When the debt of past sends, given by their ages in any order, will be paid, counted from now.
fn debt(ages: impl IntoIterator<Item = Duration>, interval: Duration) -> Duration {
    let mut ages: Vec<Duration> = ages.into_iter().collect();
    ages.sort_unstable_by(|a, b| b.cmp(a));
    // Debt at the time of the latest send looked at, and that send's age.
    let (owed, age) = ages.into_iter().fold((Duration::ZERO, None), |(owed, before), age| {
        let passed = before.map_or(Duration::ZERO, |before: Duration| before.saturating_sub(age));
        (owed.saturating_sub(passed).saturating_add(interval), Some(age))
    });
    owed.saturating_sub(age.unwrap_or_default())
}

/// Limits the messages per second of one number. No sliding second at Meta ever holds more than the limit,
/// provided that sends reach it within `JITTER` of each other's delay; a queue that never runs dry
/// uses at least 97 % of it, provided that it asks again within some 10 ms of the time it was told, on average.
///
/// The debt spreads the sends, the window keeps the promise: a send waits until each but the last `limit - 1`
/// before it has left the second in which it reached Meta. That is a second after the answer, for then it had
/// surely reached it, or `WINDOW` after it was sent, whatever is first. What is late can therefore be made
/// up for only as far as those before it were early; a debt alone would have to give up as much of the rate as
/// it forgives lateness.
#[derive(Clone, Debug)]
pub struct RateLimiter {
    limit: usize,
    interval: Duration,
    /// When all sends so far will be paid for.
    paid: Monotonic,
    /// When each of the last sends leaves its second, at most `limit` of them, in the order of sending.
    leaving: VecDeque<Monotonic>,
    /// How many sends there were before the first of `leaving`.
    left: u64,
    blocked: Monotonic,
}

/// A send that a [`RateLimiter`] gave leave for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leave(u64);

impl RateLimiter {
    /// A limiter of `limit` messages per second, at least 1.
    #[must_use]
    pub fn new(limit: u32) -> Self {
        let limit = limit.max(1);
        Self {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            interval: SPREAD / limit,
            paid: Monotonic::default(),
            leaving: VecDeque::new(),
            left: 0,
            blocked: Monotonic::default(),
        }
    }

    /// A limiter that remembers requests of an earlier process, given by their ages. Only those of the
    /// last two seconds matter.
    #[must_use]
    pub fn rebuild(limit: u32, now: Monotonic, ages: impl IntoIterator<Item = Duration>) -> Self {
        let mut limiter = Self::new(limit);
        let mut ages: Vec<Duration> = ages.into_iter().collect();
        ages.sort_unstable_by(|a, b| b.cmp(a));
        for age in &ages {
            limiter.keep(now + WINDOW.saturating_sub(*age));
        }
        // More cannot be owed, unless the ages are wrong because a clock was set back.
        limiter.paid = now + debt(ages, limiter.interval).min(limiter.interval * limit.max(1));
        limiter
    }

    /// The earliest time at which a message may go: `now` if one may go at once.
    #[must_use]
    pub fn next(&self, now: Monotonic) -> Monotonic {
        let due = Monotonic(self.paid.0.saturating_sub(LATENESS));
        let full = self.leaving.len() >= self.limit;
        let room = self.leaving.front().copied().filter(|_| full).unwrap_or_default();
        due.max(room).max(self.blocked).max(now)
    }

    /// Takes leave for one message that goes right now. `None` if it has to wait until [`Self::next`].
    #[must_use]
    pub fn take(&mut self, now: Monotonic) -> Option<Leave> {
        if self.next(now) > now {
            return None;
        }
        self.paid = self.paid.max(now) + self.interval;
        self.keep(now + WINDOW);
        Some(Leave(self.left + self.leaving.len() as u64 - 1))
    }

    /// Meta has answered to a message by now, so that it had reached it.
    pub fn answered(&mut self, leave: Leave, now: Monotonic) {
        let index = leave.0.checked_sub(self.left).and_then(|index| usize::try_from(index).ok());
        if let Some(leaves) = index.and_then(|index| self.leaving.get_mut(index)) {
            *leaves = (*leaves).min(now + SECOND);
        }
    }

    fn keep(&mut self, leaves: Monotonic) {
        self.forget(self.leaving.len().saturating_sub(self.limit - 1));
        self.leaving.push_back(leaves);
    }

    fn forget(&mut self, oldest: usize) {
        self.leaving.drain(..oldest);
        self.left += oldest as u64;
    }

    /// Another limit from now on. After a lower one nothing goes for a second, since the last one may hold
    /// more than it allows.
    pub fn set_limit(&mut self, limit: u32, now: Monotonic) {
        let before = self.interval;
        let new = Self::new(limit);
        (self.limit, self.interval) = (new.limit, new.interval);
        self.forget(self.leaving.len().saturating_sub(self.limit));
        if self.interval > before && self.paid > Monotonic::default() {
            self.penalise(now + SECOND);
        }
    }

    /// So many messages came in: they count against the same limit. They cannot be put off, and after a
    /// second they do not count any more.
    pub fn came_in(&mut self, messages: u32, now: Monotonic) {
        let counted = usize::try_from(messages).map_or(self.limit, |number| number.min(self.limit));
        (0..counted).for_each(|_| self.keep(now + SECOND));
        let most = self.paid.max(now + SECOND);
        self.paid = (self.paid.max(now) + self.interval.saturating_mul(messages)).min(most);
    }

    /// Meta says that it was too much (130429): nothing goes before `until`.
    pub fn penalise(&mut self, until: Monotonic) {
        self.blocked = self.blocked.max(until);
    }
}

/// Limits the messages to each person: one per [`PAIR_INTERVAL`], with bursts of [`PAIR_BURST`]. Forgets
/// people to whom nothing is owed, so that its size follows the traffic of the last minutes.
#[derive(Clone, Debug)]
pub struct PairLimiter<K> {
    pairs: BTreeMap<K, Pair>,
    /// The size at which to look for pairs to forget.
    sweep_at: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Pair {
    paid: Monotonic,
    blocked: Monotonic,
    /// Refusals in a row.
    strikes: u32,
}

const SWEEP_MIN: usize = 64;

impl Pair {
    fn due(&self) -> Monotonic {
        let tolerance = PAIR_COST * (PAIR_BURST - 1);
        Monotonic(self.paid.0.saturating_sub(tolerance)).max(self.blocked)
    }

    /// Refusals are remembered as long again as the next one would last.
    fn is_forgettable(&self, now: Monotonic) -> bool {
        let forgiven = if self.strikes == 0 { self.blocked } else { self.blocked + self.penalty() };
        self.paid <= now && forgiven <= now
    }

    const fn penalty(&self) -> Duration {
        let strikes = if self.strikes < MAX_STRIKES { self.strikes } else { MAX_STRIKES };
        Duration::from_secs(4_u64.pow(strikes))
    }
}

impl<K: Ord> Default for PairLimiter<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Ord> PairLimiter<K> {
    /// A limiter to which nobody owes anything.
    #[must_use]
    pub const fn new() -> Self {
        Self { pairs: BTreeMap::new(), sweep_at: SWEEP_MIN }
    }

    /// A limiter that remembers requests of an earlier process, given by person and age. They have to reach
    /// back to a time at which nothing was owed, or [`PAIR_MEMORY`] and the cost of all that was sent since
    /// is paid: a person written to at the limit without a break owes for hours.
    #[must_use]
    pub fn rebuild(now: Monotonic, requests: impl IntoIterator<Item = (K, Duration)>) -> Self {
        let mut ages: BTreeMap<K, Vec<Duration>> = BTreeMap::new();
        for (key, age) in requests {
            ages.entry(key).or_default().push(age);
        }
        let pairs = ages
            .into_iter()
            .map(|(key, ages)| (key, debt(ages, PAIR_COST).min(PAIR_COST * PAIR_BURST)))
            .filter(|(_, owed)| !owed.is_zero())
            .map(|(key, owed)| (key, Pair { paid: now + owed, ..Pair::default() }));
        Self { pairs: pairs.collect(), sweep_at: SWEEP_MIN }
    }

    /// The earliest time at which a message to `key` may go: `now` if one may go at once.
    #[must_use]
    pub fn next(&self, key: &K, now: Monotonic) -> Monotonic {
        self.pairs.get(key).map_or(now, |pair| pair.due().max(now))
    }

    /// Takes leave for one message to `key` that goes right now. False if it has to wait until
    /// [`Self::next`].
    #[must_use]
    pub fn take(&mut self, key: K, now: Monotonic) -> bool {
        if self.next(&key, now) > now {
            return false;
        }
        let pair = self.pair(key, now);
        pair.paid = pair.paid.max(now) + PAIR_COST;
        true
    }

    /// Meta refused a message to `key` (131056). Gives the wait: 1 second, then 4, 16, ... until one
    /// passes, or longer if Meta `asked` for that.
    pub fn refused(&mut self, key: K, asked: Option<Duration>, now: Monotonic) -> Duration {
        let pair = self.pair(key, now);
        let wait = pair.penalty().max(asked.unwrap_or_default());
        pair.blocked = pair.blocked.max(now + wait);
        pair.strikes += 1;
        wait
    }

    /// A message to `key` was accepted: the next refusal starts from one second again.
    pub fn accepted(&mut self, key: &K) {
        if let Some(pair) = self.pairs.get_mut(key) {
            pair.strikes = 0;
        }
    }

    fn pair(&mut self, key: K, now: Monotonic) -> &mut Pair {
        if self.pairs.len() >= self.sweep_at {
            self.pairs.retain(|_, pair| !pair.is_forgettable(now));
            // Twice what is left, so that looking costs each send a constant share.
            self.sweep_at = (2 * self.pairs.len()).max(SWEEP_MIN);
        }
        self.pairs.entry(key).or_default()
    }
}

#[cfg(test)]
mod tests;
