//! What Meta says about waiting, and about what it allows, is kept to: by the right limit and by no other.

use super::*;
use crate::domain::outbox::Advice;

fn advised(code: i64, secs: u64) -> ApiError {
    let advice = Advice::new(Some(Duration::from_secs(secs)), None);
    ApiError { advice, ..error(code) }
}

/// Message 1 is refused so at first, everything else is accepted. Message 2 comes soon after, for somebody
/// else; message 3 was under way by then, and is accepted late.
fn refused_once(outcome: Outcome) -> World {
    let mut first = Some(outcome);
    let mut world = World::new(Policy::default(), move |_, job| match job.id {
        OutboxId(1) => (Duration::from_millis(100), first.take().unwrap_or_else(accepted)),
        // Under way when the other was refused.
        OutboxId(3) => (Duration::from_millis(400), accepted()),
        _ => (Duration::from_millis(50), accepted()),
    });
    world.enqueue([(1, 1), (3, 3)]);
    world.run(Duration::from_millis(200));
    world.enqueue([(2, 2)]);
    world
}

/// When a message went out for the last time, from the beginning.
fn went(world: &World, message: i64) -> Duration {
    let of_message = |(_, id): &&(Monotonic, i64)| *id == message;
    let (at, _) = world.sent.iter().rfind(of_message).expect("it went");
    at.since(Monotonic(Duration::from_secs(3600)))
}

#[test]
fn nothing_goes_before_the_time_that_meta_names() {
    // 429 without a code of Meta's is about all calls, 130429 about the number.
    for (limit, code) in [(Throttle::Account, 4), (Throttle::Number, 130_429)] {
        for secs in [0, 1, 30, 3600] {
            let mut world = refused_once(Outcome::Throttled(limit, advised(code, secs)));
            world.run(Duration::from_secs(3 * 3600));
            assert!(world.rows_are(Row::Accepted), "{limit:?} {secs}");
            let asked = Duration::from_secs(secs);
            for message in [1, 2] {
                let at = went(&world, message);
                let soon = asked + Duration::from_secs(3);
                assert!(at >= asked && at <= soon, "{limit:?} {secs} s: {message} after {at:?}");
            }
            assert!(world.sent.len() == 4, "one more request, and not one too many: {secs}");
        }
    }
}

#[test]
fn a_wait_for_one_person_slows_nobody_else() {
    let mut world = refused_once(Outcome::Throttled(Throttle::Pair, advised(131_056, 600)));
    world.run(Duration::from_secs(3600));
    assert!(world.rows_are(Row::Accepted));
    assert!(went(&world, 1) >= Duration::from_secs(600), "{:?}", went(&world, 1));
    assert!(went(&world, 2) < Duration::from_secs(1), "{:?}", went(&world, 2));
}

#[test]
fn a_service_that_is_down_and_says_for_how_long_is_left_alone_so_long() {
    let mut world = refused_once(Outcome::RefusedForNow(advised(131_016, 300)));
    world.run(Duration::from_secs(3600));
    assert!(world.rows_are(Row::Accepted));
    for message in [1, 2] {
        assert!(went(&world, message) >= Duration::from_secs(300), "{message}");
    }
}

/// It kept everything from going for as long as some proxy said, whatever the person did.
#[test]
fn a_rest_of_a_day_stops_messages_alone_and_ends_when_the_person_acts() {
    let day = 24 * 3600;
    for outcome in [
        Outcome::RefusedForNow(advised(131_016, day)),
        Outcome::Throttled(Throttle::Number, advised(130_429, day)),
    ] {
        let mut world = refused_once(outcome);
        world.run(Duration::from_secs(60));
        assert_eq!(world.sent.len(), 2, "1 and what was under way with it");
        world.attach([7]);
        world.run(Duration::from_secs(5));
        assert_eq!(world.receipts.first(), Some(&7), "a file is no message");
        let turns = world.turns;
        world.run(Duration::from_secs(3600));
        assert!(world.turns - turns < 500, "{} turns of a sender that rests", world.turns - turns);
        assert_eq!(world.sent.len(), 2);
        world.core.try_now(world.now);
        world.run(Duration::from_secs(3));
        assert!(world.sent.iter().any(|(_, id)| *id == 2), "{:?}", world.sent);
        assert!(world.core.gauge(world.now).rests_until.is_none());
    }
}

#[test]
fn a_token_that_is_refused_is_tried_no_sooner_than_meta_says() {
    let mut world = refused_once(Outcome::AccountTrouble(advised(190, 200)));
    world.run(Duration::from_secs(190));
    assert_eq!(world.sent.len(), 2, "one is under way and accepted, which ends no such wait");
    assert!(matches!(world.core.paused(), Some(Reason::Trouble(_))));
    world.run(Duration::from_secs(3600));
    assert!(world.rows_are(Row::Accepted));
}

#[test]
fn how_much_of_the_calls_is_used_is_told() {
    let advice = Advice::new(Some(Duration::from_secs(1140)), Some(101));
    let limited = ApiError { advice, ..error(80_007) };
    let mut world = refused_once(Outcome::Throttled(Throttle::Account, limited));
    world.run(Duration::from_secs(10));
    let stop = world.core.gauge(world.now).stop.expect("it is limited");
    assert!(stop.words.contains("101 % are used"), "{}", stop.words);
    let left = stop.until.since(world.now.wall);
    assert!(left > Duration::from_secs(1100) && left < Duration::from_secs(1140), "{left:?}");
}

#[test]
fn a_limit_that_a_webhook_reports_counts_from_the_next_look() {
    let mut world = World::new(Policy::default(), at_once);
    world.enqueue((0..400).map(|n| (n, n)));
    world.run(Duration::from_secs(2));
    let gauge = |world: &World| world.core.gauge(world.now).limit;
    assert_eq!(gauge(&world), 80);
    world.overdue.limits = Limits { rate: Some(1000), people: None };
    world.core.changed();
    world.run(Duration::from_secs(3));
    assert_eq!(gauge(&world), 1000);
    assert!(world.rows_are(Row::Accepted), "the rest takes a moment");
    world.overdue.limits = Limits { rate: Some(20), people: None };
    world.core.changed();
    world.run(Duration::from_secs(2));
    assert_eq!(gauge(&world), 20);
}
