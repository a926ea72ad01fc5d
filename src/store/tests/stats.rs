//! Counts and latencies of a stretch of time, and that nothing before it is read.

use std::time::Duration;

use super::*;
use crate::domain::stats::{Phase, Spread, Stats};
use crate::store::stats::stats;

const DAY: i64 = 86_400;

fn counted(world: &World, since: Timestamp) -> Stats {
    let mut day = |at: Timestamp| Timestamp::from_secs(at.millis().div_euclid(DAY * 1000) * DAY);
    stats(&world.read, world.account, since, &mut day).unwrap()
}

fn latency(stats: &Stats, wanted: Phase) -> Option<(u64, u128)> {
    let found = stats.latencies.iter().find(|(phase, _)| *phase == wanted);
    found.map(|(_, spread)| (spread.count, spread.median.as_millis()))
}

#[test]
fn messages_are_counted_with_how_long_each_step_took() {
    let mut world = World::new();
    world.post(&[heard("in.1", phone("1"), t(0), "hello")]);
    let chat = world.begin("1");
    let id = world.say(chat, "hi", t(60));
    let jobs = world.claim(1, t(62));
    assert_eq!(sends(&jobs), [id]);
    world.record(&jobs[0], &accepted("out.1"), t(63));
    world.post(&[
        status("out.1", Report::Sent, t(64), None),
        status("out.1", Report::Delivered, t(67), None),
        status("out.1", Report::Read, t(122), None),
    ]);
    let stats = counted(&world, t(-DAY));
    let messages: Vec<(bool, &str, &str, u64)> = stats
        .messages
        .iter()
        .map(|count| (count.outbound, count.kind, count.state, count.count))
        .collect();
    assert_eq!(messages, [(false, "text", "received", 1), (true, "text", "read", 1)]);
    assert_eq!(latency(&stats, Phase::Queue), Some((1, 2_000)));
    assert_eq!(latency(&stats, Phase::Accepted), Some((1, 1_000)));
    assert_eq!(latency(&stats, Phase::Sent), Some((1, 2_000)));
    assert_eq!(latency(&stats, Phase::Delivered), Some((1, 5_000)));
    assert_eq!(latency(&stats, Phase::Read), Some((1, 60_000)));
    let minute = Duration::from_secs(60);
    assert_eq!(stats.answers, Some(Spread { count: 1, median: minute, p95: minute }));
    assert_eq!(stats.unanswered, 0);
    assert_eq!(stats.webhooks.iter().map(|hour| hour.count).sum::<u64>(), 2);
}

#[test]
fn failures_are_counted_by_code_and_who_waits_is_told() {
    let mut world = World::new();
    world.post(&[heard("in.1", phone("1"), t(0), "hello"), heard("in.2", phone("2"), t(1), "hi")]);
    let chat = world.begin("1");
    for at in [2, 3] {
        world.say(chat, "answer", t(at));
        let jobs = world.claim(1, t(at));
        world.record(&jobs[0], &refused(131_026), t(at));
    }
    let stats = counted(&world, t(-DAY));
    assert_eq!(stats.failures.len(), 1);
    assert_eq!((stats.failures[0].code, stats.failures[0].count), (Some(131_026), 2));
    assert_eq!((stats.answers, stats.unanswered), (None, 2), "what failed answers nobody");
}

#[test]
fn what_was_stored_before_is_left_out_and_found_without_reading_it() {
    let mut world = World::new();
    let mut stored = 0;
    for day in 0..5_i64 {
        for number in 0..3 {
            stored += 1;
            let at = t(day * DAY + number);
            let item = heard(&format!("w{stored}"), phone("1"), at, "hello");
            let mut sha256 = [9; 32];
            sha256[0] = u8::try_from(stored).unwrap();
            let post = RawPost { body: b"{}".to_vec(), sha256, received_at: at };
            world.do_it(|tx| ingest(tx, &post, std::slice::from_ref(&item), at));
        }
    }
    for (since, messages) in [(-1, 15), (0, 15), (1, 14), (2 * DAY, 9), (5 * DAY, 0)] {
        let stats = counted(&world, t(since));
        assert_eq!(stats.messages.iter().map(|count| count.count).sum::<u64>(), messages);
        assert_eq!(stats.webhooks.iter().map(|hour| hour.count).sum::<u64>(), messages, "{since}");
    }
    let days: BTreeSet<Timestamp> =
        counted(&world, t(0)).messages.iter().map(|count| count.day).collect();
    assert_eq!(days.len(), 5);
    // The rows of the stretch are found by their ids, those of the timeline by their messages.
    for (sql, wanted) in [
        (
            "SELECT m.id FROM message m LEFT JOIN media f ON m.kind = 2 AND f.message = m.id
             WHERE m.id >= 1 AND +m.account = 1 ORDER BY m.id",
            "SEARCH m USING INTEGER PRIMARY KEY (rowid>?)",
        ),
        (
            "SELECT t.message FROM timeline t CROSS JOIN message m ON m.id = t.message
             WHERE t.message >= 1 AND t.report < 2 AND m.account = 1 AND m.direction = 2
             ORDER BY t.message, t.at, t.id",
            "SEARCH t USING INDEX timeline_message (message>?)",
        ),
        (
            "SELECT received_at FROM event WHERE id >= 1",
            "SEARCH event USING INTEGER PRIMARY KEY (rowid>?)",
        ),
    ] {
        let mut query = world.read.conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps = query.query_map([], |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<String> = steps.collect::<Result<_, _>>().unwrap();
        assert_eq!(steps[0], wanted, "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
    }
}

/// The hours of each account showed those of all.
#[test]
fn webhooks_of_another_account_were_counted_under_this_one() {
    let mut world = World::new();
    world.post(&[heard("in.1", phone("1"), t(0), "hello")]);
    let [_, second] = accounts::with_second(&mut world);
    let hours = |world: &World, account| {
        let found = stats(&world.read, account, t(-DAY), &mut |at| at).unwrap();
        found.webhooks.iter().map(|hour| hour.count).sum::<u64>()
    };
    assert_eq!((hours(&world, world.account), hours(&world, second)), (1, 0));
}

#[test]
fn a_store_that_is_read_in_several_steps_is_counted_once() {
    let mut world = World::new();
    let chat = world.begin("1");
    world.fill(chat, 9_000, "hello");
    let all = counted(&world, Timestamp::default());
    assert_eq!(all.messages.iter().map(|count| count.count).collect::<Vec<_>>(), [9_000]);
    assert_eq!(all.unanswered, 1);
    let some = counted(&world, Timestamp::from_millis(901));
    assert_eq!(some.messages[0].count, 8_100);
}
