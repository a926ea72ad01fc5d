//! The promises of the limiters, on a virtual clock.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::{COEXISTENCE_RATE, PAIR_BURST, PAIR_INTERVAL, PairLimiter, RateLimiter, debt};
use crate::domain::time::Monotonic;

const SECOND: Duration = Duration::from_secs(1);

fn at(millis: u64) -> Monotonic {
    Monotonic(Duration::from_millis(millis))
}

/// The most sends in any second, both ends included.
fn busiest_second(sends: &[Monotonic]) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (index, send) in sends.iter().enumerate() {
        while send.since(sends[first]) > SECOND {
            first += 1;
        }
        most = most.max(index + 1 - first);
    }
    most
}

/// A queue that never runs dry, on a timer that wakes at whole milliseconds and late by what `late`
/// says, in microseconds.
fn saturate(
    limiter: &mut RateLimiter,
    from: Monotonic,
    span: Duration,
    late: &[u64],
) -> Vec<Monotonic> {
    let end = from + span;
    let mut sends = Vec::new();
    let mut now = from;
    for late in late.iter().cycle() {
        while limiter.take(now) {
            sends.push(now);
        }
        let next = limiter.next(now).0;
        let woken =
            Duration::from_millis(u64::try_from(next.as_nanos().div_ceil(1_000_000)).unwrap());
        now = Monotonic(woken + Duration::from_micros(*late)).max(now);
        if now >= end {
            break;
        }
    }
    sends
}

#[test]
fn a_full_queue_uses_the_limit_and_never_more() {
    let lates = [vec![0], vec![0, 3000, 100, 1500], vec![9000], vec![0, 0, 0, 0, 0, 0, 9_000]];
    for limit in [1, 2, 20, 80, 1000] {
        for late in &lates {
            let mut limiter = RateLimiter::new(limit);
            let sends = saturate(&mut limiter, at(5), 20 * SECOND, late);
            assert!(busiest_second(&sends) <= limit as usize, "{limit} with {late:?}");
            assert!(
                sends.len() * 100 >= limit as usize * 20 * 97,
                "{limit} with {late:?}: {} in 20 s",
                sends.len()
            );
        }
    }
}

/// When each message of a queue that never runs dry reached Meta. The timer is late by `timer`, the way of
/// the answer by `back`, each in turn and in microseconds; `way` says when a message arrives that would
/// be there at a time if nothing were late.
fn at_meta(
    limiter: &mut RateLimiter,
    span: Duration,
    (timer, back): (&[u64], &[u64]),
    way: impl Fn(usize, Monotonic) -> Monotonic,
) -> Vec<Monotonic> {
    const ONE_WAY: Duration = Duration::from_millis(25);
    let mut answers: BTreeMap<(Monotonic, usize), Monotonic> = BTreeMap::new();
    let mut arrived: Vec<Monotonic> = Vec::new();
    let (mut wake, mut lates) = (at(5), timer.iter().cycle());
    while wake < at(5) + span {
        let answer = answers.first_key_value().filter(|((at, _), _)| *at <= wake);
        let now = answer.map_or(wake, |((at, _), _)| *at);
        if answer.is_some() {
            let went = answers.pop_first().unwrap().1;
            limiter.answered(went, now);
        } else {
            while limiter.take(now) {
                let sent = arrived.len();
                let arrival = way(sent, now + ONE_WAY);
                arrived.push(arrival);
                let late = Duration::from_micros(back[sent % back.len()]);
                answers.insert((arrival + ONE_WAY + late, sent), now);
            }
        }
        if now == wake || limiter.next(now) > wake {
            wake = limiter.next(now).max(now + Duration::from_micros(1))
                + Duration::from_micros(*lates.next().unwrap());
        }
    }
    arrived.sort_unstable();
    arrived
}

/// Every two seconds nothing arrives for so long, and then everything.
fn stalled(span: Duration, would: Monotonic) -> Monotonic {
    let period = 2 * SECOND;
    let into = Duration::from_nanos((would.0.as_nanos() % period.as_nanos()).try_into().unwrap());
    if would.0 >= period && into < span { would + span.saturating_sub(into) } else { would }
}

#[test]
fn what_a_stall_held_up_met_what_came_after_it_in_one_second() {
    for limit in [20, 80, 1000] {
        let mut limiter = RateLimiter::new(limit);
        let stall = |_, would| stalled(Duration::from_millis(120), would);
        let arrived = at_meta(&mut limiter, 12 * SECOND, (&[300], &[0, 900, 100]), stall);
        let most = busiest_second(&arrived);
        assert!(most <= limit as usize, "{limit}: {most}");
        assert!(arrived.len() * 100 >= limit as usize * 12 * 97, "{limit}: {}", arrived.len());
    }
}

#[test]
fn the_first_messages_were_late_before_an_answer_could_tell() {
    for limit in [80, 1000] {
        let mut limiter = RateLimiter::new(limit);
        // Connections are made; only what comes after them shows how short the way is.
        let connecting = |_, would: Monotonic| would.max(at(120));
        let arrived = at_meta(&mut limiter, 4 * SECOND, (&[300], &[100]), connecting);
        let most = busiest_second(&arrived);
        assert!(most <= limit as usize, "{limit}: {most}");
    }
}

#[test]
fn answers_that_take_their_time_cost_no_more_of_the_rate_than_is_allowed_for() {
    for limit in [80, 1000] {
        let mut limiter = RateLimiter::new(limit);
        let back: Vec<u64> = (0..997).map(|n| n * 7919 % 400_000).collect();
        let arrived = at_meta(&mut limiter, 30 * SECOND, (&[500], &back), |_, would| would);
        assert!(arrived.len() * 100 >= limit as usize * 30 * 97, "{limit}: {}", arrived.len());
    }
}

#[test]
fn nothing_goes_before_a_penalty_is_over() {
    let mut limiter = RateLimiter::new(80);
    assert!(limiter.take(at(0)));
    limiter.penalise(at(2000));
    limiter.penalise(at(1000));
    assert!(!limiter.take(at(1999)));
    assert_eq!(limiter.next(at(500)), at(2000));
    assert!(limiter.take(at(2000)));
}

#[test]
fn an_idle_second_saves_up_little() {
    let mut limiter = RateLimiter::new(80);
    let burst = (0..80).filter(|_| limiter.take(at(60_000))).count();
    assert!(burst <= 5, "{burst} at once");
}

#[test]
fn a_rebuilt_limiter_knows_the_last_second() {
    let ages = (0..80).map(|index| Duration::from_micros(12_500 * index));
    let mut limiter = RateLimiter::rebuild(80, at(3), ages.clone());
    let old: Vec<Monotonic> = ages
        .rev()
        .map(|age| Monotonic((at(3).0 + Duration::from_secs(10)).saturating_sub(age)))
        .collect();
    let new = saturate(&mut limiter, at(3), 5 * SECOND, &[0]);
    let all: Vec<Monotonic> =
        old.into_iter().chain(new.into_iter().map(|send| send + 10 * SECOND)).collect();
    assert!(busiest_second(&all) <= 81, "the past had 80 and its own fence-post");
    assert_eq!(RateLimiter::rebuild(80, at(3), []).next(at(3)), at(3));
    assert_eq!(RateLimiter::rebuild(80, at(3), [20 * SECOND]).next(at(3)), at(3));
}

#[test]
fn debt_is_paid_by_time() {
    let secs =
        |ages: &[u64]| debt(ages.iter().copied().map(Duration::from_secs), PAIR_INTERVAL).as_secs();
    assert_eq!(secs(&[]), 0);
    assert_eq!(secs(&[0]), 6);
    assert_eq!(secs(&[2]), 4);
    assert_eq!(secs(&[6]), 0);
    assert_eq!(secs(&[0, 0, 0]), 18);
    assert_eq!(secs(&[10, 1, 10]), 8, "12 owed, 9 paid, 6 more, 1 paid; in any order");
    assert_eq!(secs(&[3, 100]), 3);
}

#[test]
fn a_clock_set_back_since_the_past_requests_stalls_nothing() {
    // All of a day's requests seem to have been made just now.
    let rate = RateLimiter::rebuild(80, at(0), vec![Duration::ZERO; 100_000]);
    assert!(rate.next(at(0)) <= at(1100), "{:?}", rate.next(at(0)));
    let pairs = PairLimiter::rebuild(at(0), vec![("ana", Duration::ZERO); 1000]);
    assert!(pairs.next(&"ana", at(0)) <= at(6050), "{:?}", pairs.next(&"ana", at(0)));
}

#[test]
fn one_person_gets_a_burst_and_then_one_per_interval() {
    let mut pairs = PairLimiter::new();
    let burst = (0..100).filter(|_| pairs.take("ana", at(0))).count();
    assert_eq!(burst, PAIR_BURST as usize);
    assert_eq!(pairs.next(&"ana", at(0)), at(6050));
    assert!(!pairs.take("ana", at(6049)));
    assert!(pairs.take("ana", at(6050)));
    assert!(!pairs.take("ana", at(6001)));
    assert!(pairs.take("ben", at(0)), "others are not affected");
    let whole = u64::from(PAIR_BURST + 1) * 6050;
    let again = (0..100).filter(|_| pairs.take("ana", at(whole))).count();
    assert_eq!(again, PAIR_BURST as usize, "once the debt is paid, the burst is whole again");
}

#[test]
fn refusals_wait_four_times_longer_each() {
    let mut pairs = PairLimiter::new();
    let mut now = at(0);
    for secs in [1, 4, 16, 64, 256, 1024, 1024] {
        assert!(pairs.take("ana", now));
        assert_eq!(pairs.refused("ana", None, now), Duration::from_secs(secs));
        assert!(!pairs.take("ana", now));
        now = pairs.next(&"ana", now);
    }
    assert!(pairs.take("ana", now));
    pairs.accepted(&"ana");
    assert_eq!(pairs.refused("ana", None, now), SECOND);
    assert_eq!(pairs.next(&"ben", now), now);
}

#[test]
fn people_to_whom_nothing_is_owed_are_forgotten() {
    let mut pairs = PairLimiter::new();
    for person in 0..100_000_u64 {
        // Ten a second: six seconds of them owe something at any time.
        assert!(pairs.take(person, at(person * 100)));
        assert!(pairs.pairs.len() <= 128, "{}", pairs.pairs.len());
    }
}

#[test]
fn refusals_survive_a_sweep() {
    let mut pairs = PairLimiter::new();
    assert_eq!(pairs.refused(0, None, at(0)), SECOND);
    for person in 1..200 {
        assert!(pairs.take(person, at(1500)));
    }
    assert_eq!(pairs.refused(0, None, at(1500)), 4 * SECOND);
}

#[test]
fn a_rebuilt_pair_limiter_knows_the_debt() {
    let ages = std::iter::repeat_n(("ana", Duration::from_secs(31)), 45);
    let mut pairs = PairLimiter::rebuild(at(0), ages.chain([("ben", Duration::from_secs(9))]));
    assert_eq!(pairs.pairs.len(), 1, "nothing is owed to ben any more");
    let burst = (0..100).filter(|_| pairs.take("ana", at(0))).count();
    assert_eq!(burst, 5, "what 31 seconds paid off");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_second_ever_holds_more_than_the_limit(
        limit in prop_oneof![1_u32..30, Just(80), Just(1000)],
        late in proptest::collection::vec(0_u64..40_000, 1..40),
        pauses in proptest::collection::vec((1_u64..3000, 1_u64..3000), 1..6),
    ) {
        let mut limiter = RateLimiter::new(limit);
        let mut now = at(0);
        let mut sends = Vec::new();
        for (busy, idle) in pauses {
            sends.extend(saturate(&mut limiter, now, Duration::from_millis(busy), &late));
            now = sends.last().copied().unwrap_or(now).max(now + Duration::from_millis(busy + idle));
        }
        prop_assert!(sends.is_sorted());
        prop_assert!(busiest_second(&sends) <= limit as usize);
    }

    // No number of Meta's has a lower limit than 20, and what is allowed for lateness grows with it.
    #[test]
    fn no_second_at_meta_holds_more_than_the_limit_however_late_each_message_is(
        limit in prop_oneof![COEXISTENCE_RATE..40, Just(80), Just(1000)],
        timer in proptest::collection::vec(0_u64..40_000, 1..40),
        there in proptest::collection::vec(0_u64..15_000, 1..40),
        back in proptest::collection::vec(0_u64..200_000, 1..40),
        stall in 0_u64..120,
    ) {
        let mut limiter = RateLimiter::new(limit);
        let jitter = |sent: usize, would| would + Duration::from_micros(there[sent % there.len()]);
        let arrived = at_meta(&mut limiter, 8 * SECOND, (&timer, &back), jitter);
        prop_assert!(busiest_second(&arrived) <= limit as usize, "jitter: {}", busiest_second(&arrived));
        let mut limiter = RateLimiter::new(limit);
        let stall = |_, would| stalled(Duration::from_millis(stall), would);
        let arrived = at_meta(&mut limiter, 8 * SECOND, (&timer, &[0]), stall);
        prop_assert!(busiest_second(&arrived) <= limit as usize, "stall: {}", busiest_second(&arrived));
    }

    #[test]
    fn whatever_next_says_is_taken_and_nothing_before(
        steps in proptest::collection::vec((0_u64..20_000, any::<bool>()), 1..80),
    ) {
        let mut pairs = PairLimiter::new();
        let mut rate = RateLimiter::new(20);
        let mut now = at(0);
        for (step, jump) in steps {
            let (pair_due, rate_due) = (pairs.next(&1, now), rate.next(now));
            prop_assert_eq!(pairs.take(1, now), pair_due <= now);
            prop_assert_eq!(rate.take(now), rate_due <= now);
            now = if jump { pairs.next(&1, now) } else { now + Duration::from_millis(step) };
        }
    }
}
