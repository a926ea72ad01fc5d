//! Limits on sending: messages per second of a number, and messages to one person.
//!
//! Both keep a debt that every send raises by one interval and that time pays off; a send may go when the
//! debt is at most the tolerance (GCRA). For a number that only spreads the sends: what it promises, a window of
//! the last second's keeps. They never wait themselves: they say when, on the forward-only clock, so that a step of the wall clock neither bursts nor stalls them. After a
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

/// How late a send may be without the rate suffering: timers are exact to a millisecond, a busy machine adds
/// some, and a slow commit more. As much may go at once after a rest.
const LATENESS: Duration = Duration::from_millis(50);

const SECOND: Duration = Duration::from_secs(1);

/// How much closer together any two sends may reach Meta than they went here.
const JITTER: Duration = Duration::from_millis(15);

/// Two sends this much apart are not at the same time.
const INSTANT: Duration = Duration::from_nanos(1);

/// So much more is allowed for on average: what one send does not need another may use up. Both together cost
/// 2.5 % of the rate.
const MORE: Duration = Duration::from_millis(10);

/// How long a send counts whose answer was not late.
const WINDOW: Duration = SECOND.saturating_add(JITTER);

/// Answers after which the fastest one is looked for anew: the way to Meta may have become longer.
const ANSWERS: u32 = 2048;

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

/// A message whose answer came.
#[derive(Clone, Copy, Debug)]
struct Answered {
    went: Monotonic,
    took: Duration,
    /// How much longer it counts for its lateness.
    counted: Duration,
}

/// Limits the messages per second of one number. No second at Meta ever holds more than the limit, and a
/// queue that never runs dry uses at least 97 % of it.
///
/// The debt spreads the sends, the window keeps the promise: a send counts for a second and as long as it may
/// have been late on its way, since what was late and what is on time may meet in one second there. How late
/// it was at most, its answer tells: what that took longer than the fastest one. Whatever made it late, a busy
/// machine here, a connection to be made or the net, 15 ms are always allowed for, and 10 ms beyond them
/// for each on average. Within that the promise is hard; beyond it, the rate is kept.
#[derive(Clone, Debug)]
pub struct RateLimiter {
    limit: usize,
    interval: Duration,
    /// When all sends so far will be paid for.
    paid: Monotonic,
    /// When sends stop to count, and how many at that time.
    leaving: BTreeMap<Monotonic, usize>,
    /// How many count.
    held: usize,
    blocked: Monotonic,
    /// The shortest times from a send to its answer: of the last [`ANSWERS`] or fewer, and of those before.
    fastest: [Option<Duration>; 2],
    answers: u32,
    /// What still counts of what was answered: a faster answer shows that it was later than it seemed.
    answered: VecDeque<Answered>,
    /// Lateness that was allowed for and did not happen.
    spare: Duration,
}

impl RateLimiter {
    /// A limiter of `limit` messages per second, at least 1.
    #[must_use]
    pub fn new(limit: u32) -> Self {
        let limit = limit.max(1);
        Self {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            interval: SECOND / limit,
            paid: Monotonic::default(),
            leaving: BTreeMap::new(),
            held: 0,
            blocked: Monotonic::default(),
            fastest: [None; 2],
            answers: 0,
            answered: VecDeque::new(),
            spare: MORE * limit,
        }
    }

    /// A limiter that remembers requests of an earlier process, given by their ages. Only those of the
    /// last two seconds matter.
    #[must_use]
    pub fn rebuild(limit: u32, now: Monotonic, ages: impl IntoIterator<Item = Duration>) -> Self {
        let mut limiter = Self::new(limit);
        let mut ages: Vec<Duration> = ages.into_iter().collect();
        ages.sort_unstable();
        // More cannot be counted, unless the ages are wrong because a clock was set back.
        for age in ages.iter().take(limiter.limit) {
            limiter.keep(now + WINDOW.saturating_sub(*age), 1);
        }
        limiter.paid = now + debt(ages, limiter.interval).min(limiter.interval * limit.max(1));
        limiter
    }

    /// The earliest time at which a message may go: `now` if one may go at once.
    #[must_use]
    pub fn next(&self, now: Monotonic) -> Monotonic {
        let due = Monotonic(self.paid.0.saturating_sub(LATENESS));
        due.max(self.room()).max(self.blocked).max(now)
    }

    /// When fewer than the limit count.
    fn room(&self) -> Monotonic {
        let mut over = (self.held + 1).saturating_sub(self.limit);
        let mut free = Monotonic::default();
        for (leaves, sends) in &self.leaving {
            if over == 0 {
                break;
            }
            free = *leaves;
            over = over.saturating_sub(*sends);
        }
        free
    }

    /// Takes leave for one message that goes right now. False if it has to wait until [`Self::next`].
    #[must_use]
    pub fn take(&mut self, now: Monotonic) -> bool {
        let may = self.next(now) <= now;
        if may {
            self.forget(now);
            self.paid = self.paid.max(now) + self.interval;
            self.keep(now + WINDOW, 1);
        }
        may
    }

    /// A message that went at `went` has its answer now: from how late that is follows how late the message
    /// may have reached Meta.
    pub fn answered(&mut self, went: Monotonic, now: Monotonic) {
        self.forget(now);
        let took = now.since(went);
        let before = self.fastest();
        if self.answers >= ANSWERS {
            (self.fastest, self.answers) = ([None, self.fastest[0]], 0);
        }
        self.answers += 1;
        self.fastest[0] = Some(self.fastest[0].map_or(took, |fastest| fastest.min(took)));
        let most = MORE.saturating_mul(u32::try_from(self.limit).unwrap_or(u32::MAX));
        self.spare = (self.spare + MORE).min(most);
        let gone = |one: &Answered| one.went + WINDOW + one.counted <= now;
        while self.answered.front().is_some_and(gone) {
            self.answered.pop_front();
        }
        self.answered.push_back(Answered { went, took, counted: Duration::ZERO });
        // All of them when a faster answer shows how late they were, else the newest alone.
        let faster = before.is_some_and(|before| took < before);
        let from = if faster { 0 } else { self.answered.len() - 1 };
        let fastest = self.fastest().unwrap_or(took);
        for index in from..self.answered.len() {
            let Some(one) = self.answered.get_mut(index) else { break };
            let beyond = one.took.saturating_sub(fastest).saturating_sub(JITTER);
            // What meets a whole second later, to the nanosecond, still meets in one.
            let late = if beyond.is_zero() { beyond } else { beyond + INSTANT };
            let more = late.saturating_sub(one.counted).min(self.spare);
            if more.is_zero() {
                continue;
            }
            let leaves = one.went + WINDOW + one.counted;
            one.counted += more;
            self.spare -= more;
            self.release(leaves);
            self.keep(leaves + more, 1);
        }
    }

    fn fastest(&self) -> Option<Duration> {
        self.fastest.into_iter().flatten().min()
    }

    /// One that would stop to count then does so now, if it counts still.
    fn release(&mut self, leaves: Monotonic) {
        let Some(sends) = self.leaving.get_mut(&leaves) else { return };
        *sends -= 1;
        self.held -= 1;
        if *sends == 0 {
            self.leaving.remove(&leaves);
        }
    }

    fn keep(&mut self, leaves: Monotonic, sends: usize) {
        *self.leaving.entry(leaves).or_default() += sends;
        self.held += sends;
    }

    /// Lets go of what does not count any more.
    fn forget(&mut self, now: Monotonic) {
        while let Some(first) = self.leaving.first_entry()
            && *first.key() <= now
        {
            self.held -= first.remove();
        }
    }

    /// Another limit from now on. After a lower one nothing goes for a second, since the last one may hold
    /// more than it allows.
    pub fn set_limit(&mut self, limit: u32, now: Monotonic) {
        let before = self.interval;
        let new = Self::new(limit);
        (self.limit, self.interval) = (new.limit, new.interval);
        if self.interval > before && self.paid > Monotonic::default() {
            self.penalise(now + SECOND);
        }
    }

    /// So many messages came in: they count against the same limit. They cannot be put off, and after a
    /// second they do not count any more.
    pub fn came_in(&mut self, messages: u32, now: Monotonic) {
        self.forget(now);
        let counted = usize::try_from(messages).map_or(self.limit, |number| number.min(self.limit));
        if counted > 0 {
            self.keep(now + WINDOW, counted);
        }
        let most = self.paid.max(now + SECOND);
        self.paid = (self.paid.max(now) + self.interval.saturating_mul(messages)).min(most);
    }

    /// Meta says that it was too much (130429): nothing goes before `until`.
    pub fn penalise(&mut self, until: Monotonic) {
        self.blocked = self.blocked.max(until);
    }

    /// Takes back as much of [`RateLimiter::penalise`] as is later than `until`.
    pub fn pardon(&mut self, until: Monotonic) {
        self.blocked = self.blocked.min(until);
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
