//! The list of those who wait for an answer, by their window.

use super::*;
use crate::domain::conversation::{Conversation, Counts, Filter};
use crate::domain::page::ListPage;
use crate::domain::window::WINDOW;
use crate::store::list;

const DAY: i64 = 24 * 3600;

fn page(world: &World, page: ListPage, limit: u32, now: Timestamp) -> list::ListRows {
    list::conversations(&world.read, world.account, Filter::Closing, "", page, limit, now).unwrap()
}

fn numbers(rows: &[Conversation]) -> Vec<String> {
    rows.iter().map(|row| row.contact.wa_id.as_ref().unwrap().to_string()).collect()
}

/// Five who wait, one of them too long, and one who was answered.
fn shop() -> World {
    let mut world = World::new();
    for (number, at) in [("15", 50), ("11", 10), ("13", 30), ("12", 20), ("10", 0), ("14", 40)] {
        world.post(&[heard(&format!("w{number}"), phone(number), t(at), "hello?")]);
    }
    let answered = world.begin("14");
    world.say(answered, "here we are", t(60));
    world
}

#[test]
fn the_window_that_closes_first_is_on_top_and_pages_join_without_a_gap() {
    let world = shop();
    let now = t(DAY + 5);
    let all = page(&world, ListPage::First, 10, now);
    let order = ["11", "12", "13", "15"];
    assert_eq!(numbers(&all.rows), order, "10 closed a moment ago, 14 was answered");
    assert_eq!((all.counts.closing, all.counts.waiting), (4, 5));
    assert_eq!(all.counts.closes, Some(t(10) + WINDOW));
    for limit in 1..=3 {
        let mut down = Vec::new();
        let mut next = ListPage::First;
        loop {
            let found = page(&world, next, limit, now);
            down.extend(numbers(&found.rows));
            let Some(last) = found.rows.last().filter(|_| found.more_below) else { break };
            next = ListPage::After(last.key());
        }
        assert_eq!(down, order, "down by {limit}");
        let mut up = numbers(&all.rows[3..]);
        let mut next = ListPage::Before(all.rows[3].key());
        loop {
            let found = page(&world, next, limit, now);
            up.splice(0..0, numbers(&found.rows));
            let Some(first) = found.rows.first().filter(|_| found.more_above) else { break };
            next = ListPage::Before(first.key());
        }
        assert_eq!(up, order, "up by {limit}");
    }
    let around = page(&world, ListPage::Around(all.rows[2].key()), 2, now);
    assert_eq!(numbers(&around.rows), ["12", "13"]);
    assert!(around.more_above && around.more_below);
}

#[test]
fn time_alone_takes_them_off_the_list() {
    let world = shop();
    assert_eq!(numbers(&page(&world, ListPage::First, 10, t(DAY + 31)).rows), ["15"]);
    let none = page(&world, ListPage::First, 10, t(2 * DAY));
    assert_eq!((none.rows.len(), none.counts.closing, none.counts.closes), (0, 0, None));
    assert_eq!(list::counts(&world.read, world.account, t(2 * DAY)).unwrap().waiting, 5);
}

#[test]
fn a_window_that_meta_holds_closed_does_not_wait_for_an_answer() {
    let mut world = shop();
    let a = world.begin("11");
    world.say(a, "are you there?", t(70));
    let job = world.claim(9, t(70)).into_iter().find(|job| match &job.kind {
        JobKind::Message(send) => send.conversation == a,
        _ => false,
    });
    world.record(&job.unwrap(), &refused(131_047), t(71));
    // Refused, it answered nobody; and nothing but a template reaches them.
    let found = page(&world, ListPage::First, 10, t(80));
    assert_eq!(numbers(&found.rows), ["10", "12", "13", "15"]);
    world.post(&[heard("w11b", phone("11"), t(90), "yes")]);
    let found = page(&world, ListPage::First, 10, t(95));
    assert_eq!(numbers(&found.rows), ["10", "12", "13", "15", "11"]);
    world.sound();
}

#[test]
fn counting_ends_at_a_thousand() {
    let mut world = World::new();
    let items: Vec<Item> = (0..=Counts::MOST_CLOSING)
        .map(|n| heard(&format!("w{n}"), phone(&format!("4915{n:06}")), t(i64::from(n)), "hi"))
        .collect();
    world.post(&items);
    let counts = list::counts(&world.read, world.account, t(5000)).unwrap();
    assert_eq!((counts.waiting, counts.closing), (1001, Counts::MOST_CLOSING));
    assert_eq!(counts.closes, Some(t(0) + WINDOW));
}
