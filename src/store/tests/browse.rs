//! The queue as a person looks through it.

use std::collections::BTreeSet;

use super::*;
use crate::domain::message::Priority;
use crate::domain::outbox::Decision;
use crate::domain::page::{Page, QueueKey, QueuePage};
use crate::domain::queue::{QueueFilter, Recent, Sweep};
use crate::store::outbox::{QueueRows, Terms, browse, decide, decide_some, enqueue_on, recent};

fn page(world: &World, filter: QueueFilter, page: QueuePage, limit: u32) -> QueueRows {
    browse(&world.read, world.account, filter, page, limit).unwrap()
}

fn ids(rows: &QueueRows) -> Vec<MessageId> {
    rows.rows.iter().map(|row| row.message.id).collect()
}

/// Some messages of every kind, and their ids in the order of the list.
fn queue() -> (World, Vec<MessageId>) {
    let mut world = World::new();
    let mut uncertain = Vec::new();
    let mut failed = Vec::new();
    for n in 0..3 {
        for refused in [false, true] {
            let chat = world.begin(&format!("155512300{n}{}", u8::from(refused)));
            let id = world.say(chat, "hello", t(n));
            let job = world.claim(1, t(n)).remove(0);
            let error = ApiError { code: Some(131_026), ..ApiError::default() };
            if refused {
                world.record(&job, &Verdict::Failed(error), t(n));
                failed.push(id);
            } else {
                world.record(&job, &Verdict::Uncertain(ApiError::default()), t(n));
                uncertain.push(id);
            }
        }
    }
    let chat = world.begin("15551239999");
    let account = world.account;
    let mut scheduled = Vec::new();
    for at in [900, 500, 700] {
        let new = NewMessage {
            account,
            conversation: chat,
            body: Body::Text { text: "later".to_owned(), preview_url: false },
            reply_to: None,
            priority: Priority::Person,
        };
        let terms = Terms { at: Some(t(at)) };
        scheduled.push((at, world.do_it(|tx| enqueue_on(tx, &new, &terms, t(10)))));
    }
    scheduled.sort_unstable();
    let first = world.say(chat, "one", t(11));
    let held = world.say(chat, "held", t(12));
    let second = world.say(chat, "two", t(13));
    world.do_it(|tx| decide(tx, &[held], Decision::Hold, t(14)));
    uncertain.reverse();
    failed.reverse();
    let mut order = [uncertain, failed, vec![held, first, second]].concat();
    order.extend(scheduled.iter().map(|(_, id)| *id));
    (world, order)
}

#[test]
fn what_needs_the_person_comes_first_and_pages_join_without_a_gap() {
    let (world, order) = queue();
    assert_eq!(ids(&page(&world, QueueFilter::All, Page::First, 100)), order);
    for limit in 1..=7 {
        let mut down = Vec::new();
        let mut next = Page::First;
        loop {
            let found = page(&world, QueueFilter::All, next, limit);
            down.extend(ids(&found));
            let Some(last) = found.rows.last().filter(|_| found.more_below) else { break };
            next = Page::After(last.key());
        }
        assert_eq!(down, order, "down by {limit}");
        let mut up = Vec::new();
        let mut next = Page::Before(QueueKey {
            state: State::Scheduled,
            due: i64::MAX,
            id: MessageId(i64::MAX),
        });
        loop {
            let found = page(&world, QueueFilter::All, next, limit);
            up.splice(0..0, ids(&found));
            let Some(first) = found.rows.first().filter(|_| found.more_above) else { break };
            next = Page::Before(first.key());
        }
        assert_eq!(up, order, "up by {limit}");
    }
    let all = page(&world, QueueFilter::All, Page::First, 100);
    for (at, row) in all.rows.iter().enumerate() {
        let around = page(&world, QueueFilter::All, Page::Around(row.key()), 4);
        let from = at.saturating_sub(2);
        assert_eq!(ids(&around), order[from..order.len().min(at + 2)], "around {at}");
    }
}

#[test]
fn tabs_count_and_show_their_states_and_who_waits_behind_whom() {
    let (world, order) = queue();
    let all = page(&world, QueueFilter::All, Page::First, 100);
    for filter in QueueFilter::ALL {
        let found = page(&world, filter, Page::First, 100);
        assert_eq!(found.rows.len(), filter.count(&all.counts) as usize, "{filter:?}");
        assert!(found.rows.iter().all(|row| filter.states().contains(&row.message.state)));
    }
    let behind: BTreeSet<MessageId> =
        all.rows.iter().filter(|row| row.behind).map(|row| row.message.id).collect();
    // Of the two queued in one conversation, the second.
    assert_eq!(behind, BTreeSet::from([order[8]]));
    assert_eq!(all.rows[0].contact.wa_id, Some(WaId::new("15551230020")));
}

#[test]
fn who_waits_behind_an_uncertain_message_is_told_which() {
    let mut world = World::new();
    let (a, b) = (world.begin("15551230001"), world.begin("15551230002"));
    let doubtful = world.say(a, "did it arrive?", t(1));
    let job = world.claim(1, t(2)).remove(0);
    world.record(&job, &unknown(), t(3));
    let (after, other) = (world.say(a, "and this?", t(4)), world.say(b, "hello", t(4)));
    let waiting = page(&world, QueueFilter::Waiting, Page::First, 10);
    let found: Vec<_> =
        waiting.rows.iter().map(|row| (row.message.id, row.behind, row.uncertain)).collect();
    assert_eq!(found, [(after, false, Some(doubtful)), (other, false, None)]);
    world.do_it(|tx| decide(tx, &[doubtful], Decision::Cancel, t(5)));
    let waiting = page(&world, QueueFilter::Waiting, Page::First, 10);
    assert!(waiting.rows.iter().all(|row| row.uncertain.is_none()));
}

#[test]
fn a_row_that_moved_on_still_leads_to_its_neighbours() {
    let (mut world, order) = queue();
    let all = page(&world, QueueFilter::All, Page::First, 100);
    let gone = all.rows[4].key();
    world.do_it(|tx| decide(tx, &[order[4]], Decision::Cancel, t(20)));
    let after = page(&world, QueueFilter::All, Page::After(gone), 100);
    assert_eq!(ids(&after), order[5..]);
    // A place in a state that the filter does not show.
    let held = page(&world, QueueFilter::Held, Page::After(gone), 100);
    assert_eq!(ids(&held), order[6..7]);
    assert_eq!(ids(&page(&world, QueueFilter::Held, Page::Before(gone), 100)), []);
}

#[test]
fn a_decision_about_all_meets_each_once_and_leaves_later_ones_alone() {
    let mut world = World::new();
    let chat = world.begin("15551230001");
    let written: Vec<MessageId> =
        (0..450).map(|n| world.say(chat, &format!("number {n}"), t(n))).collect();
    let account = world.account;
    let group = (account, QueueFilter::Waiting);
    let mut sweep: Option<Sweep> = None;
    let mut done = Vec::new();
    let mut later = Vec::new();
    loop {
        let (decided, rest) =
            world.do_it(|tx| decide_some(tx, group, Decision::Cancel, sweep, t(1_000)));
        assert!(decided.refused.is_empty() && decided.done.len() <= 100);
        done.extend(decided.done);
        later.push(world.say(chat, "written meanwhile", t(1_001)));
        sweep = rest;
        if sweep.is_none() {
            break;
        }
    }
    assert_eq!(done, written);
    assert_eq!(ids(&page(&world, QueueFilter::All, Page::First, 100)), later);
    world.sound();
}

#[test]
fn requests_are_counted_in_spans_that_stand_still() {
    let mut world = World::new();
    for n in 0..4 {
        let chat = world.begin(&format!("1555123000{n}"));
        world.say(chat, "hello", t(0));
    }
    world.claim(1, t(0));
    world.claim(2, t(7));
    world.claim(1, t(10));
    let counted = recent(&world.read, world.account, t(12)).unwrap();
    assert_eq!(counted.spans.len(), Recent::SPANS);
    assert_eq!(counted.spans[Recent::SPANS - 4..], [0, 1, 2, 1]);
    assert_eq!(recent(&world.read, world.account, t(14)).unwrap(), counted);
    let next = recent(&world.read, world.account, t(15)).unwrap();
    assert_eq!(next.spans[Recent::SPANS - 4..], [1, 2, 1, 0]);
}
