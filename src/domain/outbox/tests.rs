//! When to try again, and what an outcome comes to.

use std::time::Duration;

use proptest::prelude::*;

use super::{Acceptance, ApiError, Outcome, RetryPolicy, Throttle, Verdict, verdict};
use crate::domain::id::Wamid;
use crate::domain::time::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1000);
const THROTTLE_WAIT: Duration = Duration::from_secs(7);

fn error() -> ApiError {
    ApiError { code: Some(131_016), message: "busy".to_owned(), ..ApiError::default() }
}

fn decide(outcome: Outcome, tries_used: u32) -> Verdict {
    // All bits set is as good as any other draw.
    verdict(outcome, tries_used, &RetryPolicy::default(), THROTTLE_WAIT, NOW, u64::MAX)
}

#[test]
fn waits_grow_twofold_up_to_the_cap() {
    let policy = RetryPolicy::default();
    let longest = |tries| {
        let ceiling = policy.base.as_millis() << (tries - 1_u32);
        let ceiling = u64::try_from(ceiling).unwrap().min(300_000);
        assert_eq!(policy.wait(tries, ceiling), Duration::from_millis(ceiling));
        assert_eq!(policy.wait(tries, ceiling + 1), Duration::ZERO, "one more would be too long");
        ceiling
    };
    assert_eq!([1, 2, 3, 4, 5, 8, 9].map(longest), [2, 4, 8, 16, 32, 256, 300].map(|s| s * 1000));
    assert!(policy.wait(u32::MAX, u64::MAX) <= policy.cap);
    assert!(policy.wait(0, u64::MAX) <= policy.base);
}

#[test]
fn extreme_policies_do_not_overflow() {
    let endless = RetryPolicy { base: Duration::MAX, cap: Duration::MAX, attempts: u32::MAX };
    assert!(endless.wait(40, u64::MAX) <= Duration::MAX);
    let none = RetryPolicy { base: Duration::ZERO, cap: Duration::ZERO, attempts: 1 };
    assert_eq!(none.wait(3, 12345), Duration::ZERO);
}

#[test]
fn accepted_refused_and_unknown_end_the_request() {
    let acceptance = Acceptance { wamid: Some(Wamid::new("wamid.1")), ..Acceptance::default() };
    assert_eq!(decide(Outcome::Accepted(acceptance.clone()), 0), Verdict::Accepted(acceptance));
    assert_eq!(decide(Outcome::RefusedForGood(error()), 0), Verdict::Failed(error()));
    let unknown = Outcome::Unknown { detail: "timed out".to_owned(), error: None };
    let Verdict::Uncertain(seen) = decide(unknown, 0) else { panic!("only evidence can tell") };
    assert_eq!((seen.code, seen.message.as_str()), (None, "timed out"));
    let unknown = Outcome::Unknown { detail: "timed out".to_owned(), error: Some(error()) };
    assert_eq!(decide(unknown, 4), Verdict::Uncertain(error()), "no number of tries fails it");
}

#[test]
fn throttles_and_trouble_of_the_account_use_no_try() {
    for limit in [Throttle::Number, Throttle::Pair, Throttle::Account] {
        assert_eq!(
            decide(Outcome::Throttled(limit, error()), 99),
            Verdict::Retry { not_before: NOW + THROTTLE_WAIT, uses_try: false, error: error() }
        );
    }
    assert_eq!(
        decide(Outcome::AccountTrouble(error()), 99),
        Verdict::Retry { not_before: NOW, uses_try: false, error: error() }
    );
}

#[test]
fn the_fifth_try_is_the_last() {
    for used in 0..4 {
        for outcome in [Outcome::RefusedForNow(error()), Outcome::NeverReached("dns".to_owned())] {
            let Verdict::Retry { not_before, uses_try: true, .. } = decide(outcome, used) else {
                panic!("{used} tries leave one more");
            };
            assert!(not_before >= NOW && not_before <= NOW + Duration::from_secs(2 << used));
        }
    }
    assert_eq!(decide(Outcome::RefusedForNow(error()), 4), Verdict::Failed(error()));
    let Verdict::Failed(seen) = decide(Outcome::NeverReached("no route".to_owned()), 4) else {
        panic!("five tries are all");
    };
    assert_eq!(seen.message, "no route");
}

proptest! {
    #[test]
    fn jitter_is_full(tries in 1_u32..9, random in any::<u64>()) {
        let policy = RetryPolicy::default();
        let ceiling = (policy.base * 2_u32.pow(tries - 1)).min(policy.cap);
        prop_assert!(policy.wait(tries, random) <= ceiling);
    }
}

#[test]
fn jitter_spreads_over_the_whole_wait() {
    let policy = RetryPolicy::default();
    let waits: Vec<u128> = (0..10_000_u64)
        // An odd multiplier spreads consecutive numbers over all bits.
        .map(|draw| policy.wait(4, draw.wrapping_mul(0x9e37_79b9_7f4a_7c15)).as_millis())
        .collect();
    for quarter in 0..4_u128 {
        let range = quarter * 4000..(quarter + 1) * 4000_u128;
        let share = waits.iter().filter(|wait| range.contains(*wait)).count();
        assert!((2200..2800).contains(&share), "{share} of 10,000 in {range:?} ms");
    }
}
