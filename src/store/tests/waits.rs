//! Messages that wait for a time, a decision or a limit, and what lets them go.

use std::time::Duration;

use super::*;
use crate::domain::event::{ErrorReport, PreferenceUpdate};
use crate::domain::message::Hold;
use crate::domain::outbox::Decision;
use crate::domain::state::HoldReason;
use crate::domain::template::{Category, SentTemplate};
use crate::domain::throttle::{Limits, PAIR_BURST, PAIR_COST, PeopleLimit};
use crate::store::account::{people_reached, set_limits};
use crate::store::message;
use crate::store::outbox::{
    self, SentRequest, Terms, decide, enqueue_on, overdue, pause_account, recent_requests, release,
    resume_account, send_again, tend,
};

const DAY: i64 = 24 * 3600;

impl World {
    pub(super) fn write_on(
        &mut self,
        conversation: ConversationId,
        body: Body,
        terms: Terms,
        now: Timestamp,
    ) -> MessageId {
        let new = NewMessage {
            account: self.account,
            conversation,
            body,
            reply_to: None,
            priority: Priority::Person,
        };
        self.do_it(|tx| enqueue_on(tx, &new, &terms, now))
    }

    pub(super) fn template(
        &mut self,
        conversation: ConversationId,
        marketing: bool,
        now: Timestamp,
    ) -> MessageId {
        let body = Body::Template(Box::new(SentTemplate {
            name: "offer".to_owned(),
            language: "en".to_owned(),
            text: "Hello".to_owned(),
            category: Some(if marketing { Category::Marketing } else { Category::Utility }),
            ..SentTemplate::default()
        }));
        self.write_on(conversation, body, Terms::default(), now)
    }

    pub(super) fn held(&self, id: MessageId) -> Option<HoldReason> {
        self.message(id).hold.map(|hold| hold.reason)
    }

    /// What the sender does when time passes; returns when time does something next.
    pub(super) fn tend_at(&mut self, now: Timestamp) -> Option<Timestamp> {
        let found = overdue(&self.read, self.account, true, now).unwrap();
        self.do_it(|tx| tend(tx, &found.messages, now));
        let found = overdue(&self.read, self.account, true, now).unwrap();
        found.next.into_iter().chain(found.closes).min()
    }
}

pub(super) fn failed(wamid: &str, code: i64, at: Timestamp) -> Item {
    let mut item = status(wamid, Report::Failed, at, None);
    if let ItemKind::Status(update) = &mut item.kind {
        update.error = Some(ErrorReport { code, title: "no".to_owned(), details: None });
    }
    item
}

pub(super) fn wants(value: &str, at: Timestamp) -> Item {
    item(ItemKind::Preference(PreferenceUpdate { peer: phone("1"), value: value.to_owned(), at }))
}

#[test]
fn a_scheduled_message_waits_for_its_time_and_holds_nobody() {
    let mut world = World::new();
    let (a, b) = (world.begin("1"), world.begin("2"));
    let terms = Terms { at: Some(t(100)) };
    let later = world.write_on(a, text("later"), terms, t(1));
    let claimed = world.write_on(b, text("later"), terms, t(1));
    let now = world.say(a, "now", t(2));
    let scheduled = world.message(later);
    assert_eq!((scheduled.state, scheduled.not_before), (State::Scheduled, Some(t(100))));
    let first = world.claim(5, t(3)).remove(0);
    assert_eq!(sends(std::slice::from_ref(&first)), [now]);
    world.record(&first, &accepted("wamid.1"), t(4));
    assert!(world.claim(5, t(99)).is_empty());
    assert_eq!(world.tend_at(t(99)), Some(t(100)), "the sender wakes for it");
    assert_eq!(world.state(later), State::Scheduled);
    world.do_it(|tx| tend(tx, &[later], t(100)));
    assert_eq!(world.state(later), State::Queued);
    assert_eq!(sends(&world.claim(5, t(100))), [later, claimed], "a claim sees the time as well");
    assert_eq!(world.tend_at(t(101)), None);
    world.sound();
}

#[test]
fn a_scheduled_message_held_and_let_go_does_not_leave_before_its_time() {
    for decision in [Decision::Release, Decision::WhenPossible] {
        let mut world = World::new();
        let a = world.begin("1");
        let id = world.write_on(a, text("at night"), Terms { at: Some(t(100)) }, t(1));
        world.do_it(|tx| decide(tx, &[id], Decision::Reschedule(t(200)), t(2)));
        world.do_it(|tx| decide(tx, &[id], Decision::Hold, t(3)));
        world.do_it(|tx| decide(tx, &[id], decision, t(4)));
        let message = world.message(id);
        assert_eq!((message.state, message.not_before), (State::Scheduled, Some(t(200))));
        assert!(world.claim(5, t(199)).is_empty());
        assert_eq!(world.tend_at(t(199)), Some(t(200)));
        assert_eq!(sends(&world.claim(5, t(200))), [id]);
        world.sound();
    }
}

#[test]
fn a_message_that_is_let_go_after_its_time_leaves_at_once() {
    let mut world = World::new();
    let a = world.begin("1");
    let id = world.write_on(a, text("at noon"), Terms { at: Some(t(100)) }, t(1));
    world.do_it(|tx| decide(tx, &[id], Decision::Hold, t(2)));
    assert!(world.claim(5, t(150)).is_empty());
    world.do_it(|tx| decide(tx, &[id], Decision::WhenPossible, t(151)));
    assert_eq!(sends(&world.claim(5, t(152))), [id]);
    world.sound();
}

#[test]
fn a_time_that_is_over_is_now() {
    let mut world = World::new();
    let a = world.begin("1");
    let id = world.write_on(a, text("x"), Terms { at: Some(t(1)) }, t(1));
    assert_eq!(world.state(id), State::Queued);
    assert_eq!(sends(&world.claim(5, t(1))), [id]);
}

#[test]
fn a_scheduled_message_is_held_at_its_time_when_the_window_has_closed() {
    let mut world = World::new();
    world.post(&[heard("w1", phone("1"), t(0), "hi")]);
    let a = world.begin("1");
    let terms = Terms { at: Some(t(DAY + 10)) };
    let id = world.write_on(a, text("too late"), terms, t(1));
    assert!(world.claim(5, t(DAY + 11)).is_empty());
    assert_eq!(world.held(id), Some(HoldReason::WindowClosed));
    let steps: Vec<_> = message::timeline(&world.read, id)
        .unwrap()
        .into_iter()
        .map(|step| (step.state, step.detail.is_some()))
        .collect();
    assert_eq!(steps, [(State::Scheduled, false), (State::Held, true)]);
    world.sound();
}

#[test]
fn a_queued_message_is_held_when_its_window_closes_and_goes_on_when_it_may() {
    for choose in [false, true] {
        let mut world = World::new();
        world.post(&[heard("w1", phone("1"), t(0), "hi")]);
        let a = world.begin("1");
        let ids = [world.say(a, "one", t(1)), world.say(a, "two", t(2))];
        assert_eq!(world.tend_at(t(DAY - 1)), Some(t(DAY)), "the sender wakes when it closes");
        assert_eq!(world.state(ids[0]), State::Queued);
        assert_eq!(world.tend_at(t(DAY)), None);
        assert_eq!(world.tend_at(t(DAY)), None);
        assert_eq!(ids.map(|id| world.held(id)), [Some(HoldReason::WindowClosed); 2]);
        let refused = world.write.write(|tx| release(tx, ids[0], t(DAY + 1))).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "it cannot be sent now: the 24-hour window is closed: only a template reaches them"
        );
        if choose {
            let decided = world.do_it(|tx| decide(tx, &ids, Decision::WhenPossible, t(DAY + 1)));
            assert_eq!(decided.done, ids);
            let hold = Hold { reason: HoldReason::WindowClosed, when_possible: true };
            assert_eq!(world.message(ids[0]).hold, Some(hold));
        }
        world.post(&[heard("w2", phone("1"), t(DAY + 5), "still there?")]);
        let state = if choose { State::Queued } else { State::Held };
        assert_eq!(ids.map(|id| world.state(id)), [state; 2]);
        if !choose {
            world.do_it(|tx| release(tx, ids[0], t(DAY + 6)));
        }
        assert_eq!(sends(&world.claim(5, t(DAY + 7))), [ids[0]], "in the order written");
        world.sound();
    }
}

#[test]
fn a_window_that_meta_says_is_closed_is_closed() {
    let mut world = World::new();
    let a = world.begin("1");
    let first = world.say(a, "nobody knows", t(1));
    let second = world.say(a, "waits behind it", t(1));
    let job = world.claim(1, t(2)).remove(0);
    world.record(&job, &refused(131_047), t(3));
    assert_eq!(world.state(first), State::Failed);
    assert!(world.claim(1, t(5)).is_empty());
    assert_eq!(world.held(second), Some(HoldReason::WindowClosed));
    world.post(&[heard("w1", phone("1"), t(6), "hi")]);
    world.do_it(|tx| release(tx, second, t(7)));
    assert_eq!(sends(&world.claim(1, t(8))), [second]);
    world.sound();
}

/// It was stamped with the newest request of the message, so that what they wrote between the two did not count.
#[test]
fn a_refusal_of_an_earlier_request_does_not_close_the_window_that_opened_since() {
    for answer_names_request in [true, false] {
        let mut world = World::new();
        let a = world.begin("1");
        let id = world.say(a, "hello", t(1));
        let first = world.claim(1, t(2)).remove(0);
        world.record(&first, &unknown(), t(3));
        world.post(&[heard("w1", phone("1"), t(5), "hi")]);
        world.do_it(|tx| send_again(tx, id, t(6)));
        let second = world.claim(1, t(7)).remove(0);
        if answer_names_request {
            let mut refused = failed("wamid.1", 131_047, t(8));
            if let ItemKind::Status(update) = &mut refused.kind {
                update.request = Some(first.request);
            }
            world.post(&[refused]);
        } else {
            world.record(&first, &refused(131_047), t(8));
        }
        world.record(&second, &accepted("wamid.2"), t(9));
        let next = world.say(a, "still there?", t(10));
        assert_eq!(sends(&world.claim(1, t(11))), [next], "status: {answer_names_request}");
        world.sound();
    }
}

#[test]
fn who_wants_no_marketing_gets_none_and_everything_else() {
    let mut world = World::new();
    let a = world.begin("1");
    let marketing = world.template(a, true, t(1));
    world.post(&[wants("stop", t(2))]);
    let utility = world.template(a, false, t(3));
    assert!(world.claim(5, t(4)).is_empty(), "the first of the lane is put aside");
    assert_eq!(sends(&world.claim(5, t(4))), [utility]);
    assert_eq!(world.held(marketing), Some(HoldReason::OptedOut));
    let decided = world.do_it(|tx| decide(tx, &[marketing], Decision::WhenPossible, t(5)));
    assert_eq!(decided.done, [marketing]);
    world.post(&[wants("resume", t(6))]);
    assert_eq!(world.state(marketing), State::Queued);
    world.sound();
}

#[test]
fn an_opt_out_that_comes_back_as_an_error_counts_from_then_on() {
    for by_status in [false, true] {
        let mut world = World::new();
        let a = world.begin("1");
        let first = world.template(a, true, t(1));
        let second = world.template(a, true, t(1));
        let job = world.claim(1, t(2)).remove(0);
        if by_status {
            world.record(&job, &accepted("wamid.1"), t(3));
            world.post(&[failed("wamid.1", 131_050, t(4))]);
        } else {
            world.record(&job, &refused(131_050), t(3));
        }
        assert_eq!(world.state(first), State::Failed);
        assert!(world.claim(1, t(6)).is_empty());
        assert_eq!(world.held(second), Some(HoldReason::OptedOut), "by status: {by_status}");
        world.sound();
    }
}

#[test]
fn the_messaging_limit_holds_new_people_until_there_is_room() {
    let mut world = World::new();
    let account = world.account;
    let limits = Limits { rate: None, people: Some(PeopleLimit::AtMost(2)) };
    world.do_it(|tx| set_limits(tx, account, limits));
    let chats = ["1", "2", "3", "4"].map(|number| world.begin(number));
    world.post(&[heard("w1", phone("4"), t(0), "hi")]);
    let ids = chats.map(|chat| world.template(chat, false, t(1)));
    let jobs = world.claim(9, t(2));
    assert_eq!(sends(&jobs), [ids[0], ids[1], ids[3]], "the window of the last one is open");
    assert_eq!(world.held(ids[2]), Some(HoldReason::MessagingLimit));
    let used = |world: &World, at| people_reached(&world.read, account, at).unwrap();
    assert!(used(&world, t(3)).is_full());
    // Whoever was written to today may be written to again; who was refused was not written to.
    world.record(&jobs[0], &accepted("wamid.1"), t(3));
    let again = world.template(chats[0], false, t(3));
    assert_eq!(sends(&world.claim(9, t(3))), [again]);
    assert_eq!(world.tend_at(t(4)), Some(t(2 + DAY)), "the first day is over then");
    world.record(&jobs[1], &refused(131_026), t(5));
    assert_eq!(used(&world, t(5)).reached, 1);
    world.tend_at(t(6));
    assert_eq!(world.state(ids[2]), State::Queued, "it goes on by itself");
    assert_eq!(sends(&world.claim(9, t(7))), [ids[2]]);
    assert_eq!(used(&world, t(8 + DAY)).reached, 0);
    world.sound();
}

/// Everybody written to within the day was once counted for each message that was about to go.
#[test]
fn people_are_counted_by_keeping_the_count_and_let_go_after_a_day() {
    let mut world = World::new();
    let account = world.account;
    let limits = Limits { rate: None, people: Some(PeopleLimit::AtMost(20)) };
    world.do_it(|tx| set_limits(tx, account, limits));
    let chats: Vec<_> = (0..30).map(|n| world.begin(&format!("1{n:02}"))).collect();
    for chat in &chats[..20] {
        world.template(*chat, false, t(1));
    }
    let recount = |world: &World| -> (i64, i64) {
        let sql = "SELECT coalesce(sum(n), 0), (SELECT count(*) FROM reached) FROM reached_count";
        world.read.conn.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    };
    assert_eq!(world.claim(30, t(2)).len(), 20);
    assert_eq!(recount(&world), (20, 20));
    let late = t(10 + DAY);
    assert_eq!(people_reached(&world.read, account, late).unwrap().reached, 0);
    let next = world.template(chats[20], false, late);
    assert_eq!(sends(&world.claim(30, late)), [next], "a day later there is room");
    assert_eq!(recount(&world), (1, 1), "those of yesterday are let go");
    world.sound();
}

#[test]
fn a_paused_account_sends_nothing_and_keeps_its_queue() {
    let mut world = World::new();
    let account = world.account;
    let a = world.begin("1");
    let id = world.say(a, "hi", t(1));
    world.do_it(|tx| pause_account(tx, account, t(2)));
    let room = Room { messages: 1, receipts: 1, files: 1 };
    let due = |world: &World| outbox::next_due(&world.read, account, room, &BTreeSet::new());
    assert!(world.claim(5, t(3)).is_empty());
    assert_eq!(due(&world).unwrap(), None, "nothing to wake for");
    assert_eq!(world.state(id), State::Queued);
    let reopened = ReadConn::open(&world.path()).unwrap();
    let paused = crate::store::account::paused_since(&reopened, account).unwrap();
    assert_eq!(paused, Some(t(2)), "also after a restart");
    let ((), changes) = world.write.write(|tx| resume_account(tx, account)).unwrap();
    assert!(changes.outbox, "the sender hears of it");
    assert!(due(&world).unwrap().is_some());
    assert_eq!(sends(&world.claim(5, t(4))), [id]);
    world.sound();
}

#[test]
fn one_decision_about_many_tells_what_could_not_be_done() {
    let mut world = World::new();
    let chats = ["1", "2", "3"].map(|number| world.begin(number));
    let ids = chats.map(|chat| world.say(chat, "hi", t(1)));
    let job = world.claim(1, t(2)).remove(0);
    let unknown = MessageId(999);
    let all = [ids[0], ids[1], unknown, ids[2]];
    let decided = world.do_it(|tx| decide(tx, &all, Decision::Hold, t(3)));
    assert_eq!(decided.done, [ids[1], ids[2]]);
    let refused: Vec<_> = decided.refused.iter().map(|(id, why)| (*id, why.as_str())).collect();
    assert_eq!(
        refused,
        [(ids[0], "a message that is sending cannot be held"), (unknown, "no such message: 999")]
    );
    assert_eq!(world.held(ids[1]), Some(HoldReason::Person));
    assert!(world.claim(5, t(4)).is_empty());
    let decided = world.do_it(|tx| decide(tx, &ids[1..], Decision::Release, t(5)));
    assert_eq!(decided.done, [ids[1], ids[2]]);
    world.record(&job, &self::refused(100), t(6));
    let decided = world.do_it(|tx| decide(tx, &ids, Decision::Cancel, t(7)));
    assert_eq!(decided.done, ids, "failed and queued ones are withdrawn");
    world.sound();
}

#[test]
fn a_failure_after_the_proof_brings_back_what_was_asked_for_whatever_the_order() {
    for put_off in [false, true] {
        let end = |order: [Report; 2]| {
            let mut world = World::new();
            let chat = world.begin("1");
            let id = world.say(chat, "hello", t(1));
            let first = world.claim(1, t(2)).remove(0);
            if put_off {
                let error = ApiError { code: Some(2), ..ApiError::default() };
                let later = Verdict::Retry { not_before: t(3), uses_try: true, error };
                world.record(&first, &later, t(3));
            } else {
                world.record(&first, &unknown(), t(3));
                world.do_it(|tx| send_again(tx, id, t(4)));
            }
            for report in order {
                world.post(&[status("wamid.1", report, t(5), Some(first.request))]);
            }
            world.sound();
            let dump = crate::store::dump::logical_dump(&world.read).unwrap();
            let state = world.state(id);
            let sent = sends(&world.claim(1, t(9)));
            world.sound();
            (state, sent, dump)
        };
        let failed_first = end([Report::Failed, Report::Sent]);
        let sent_first = end([Report::Sent, Report::Failed]);
        assert_eq!(failed_first.0, State::Queued);
        assert_eq!(failed_first.1.len(), 1, "it is sent again, as the person said");
        assert_eq!(sent_first, failed_first, "put off: {put_off}");
    }
}

#[test]
fn a_failure_after_the_proof_leaves_a_refused_second_request_as_it_was() {
    let end = |order: [Report; 2]| {
        let mut world = World::new();
        let chat = world.begin("1");
        let id = world.say(chat, "hello", t(1));
        let first = world.claim(1, t(2)).remove(0);
        world.record(&first, &unknown(), t(3));
        world.do_it(|tx| send_again(tx, id, t(4)));
        let second = world.claim(1, t(5)).remove(0);
        world.record(&second, &refused(131_026), t(6));
        for report in order {
            world.post(&[status("wamid.1", report, t(7), Some(first.request))]);
        }
        world.sound();
        let message = world.message(id);
        (message.state, message.trouble, message.wamid)
    };
    let failed_first = end([Report::Failed, Report::Sent]);
    assert_eq!(failed_first.0, State::Failed);
    assert_eq!(end([Report::Sent, Report::Failed]), failed_first);
}

#[test]
fn what_was_heard_of_an_uncertain_message_outlives_the_process() {
    let mut world = World::new();
    let chat = world.begin("1");
    let id = world.say(chat, "hello", t(1));
    let job = world.claim(1, t(2)).remove(0);
    world.record(&job, &unknown(), t(3));
    world.do_it(|tx| outbox::hear(tx, &[(id, Duration::from_secs(20))]));
    world.do_it(|tx| outbox::hear(tx, &[(id, Duration::from_secs(10))]));
    let reopened = ReadConn::open(&world.path()).unwrap();
    let heard = outbox::unresolved(&reopened, world.account).unwrap()[0].heard;
    assert_eq!(heard, Duration::from_secs(20));
    // Another unknown outcome is waited for anew.
    world.do_it(|tx| send_again(tx, id, t(40)));
    let job = world.claim(1, t(41)).remove(0);
    world.record(&job, &unknown(), t(42));
    let heard = outbox::unresolved(&world.read, world.account).unwrap()[0].heard;
    assert_eq!(heard, Duration::ZERO);
}

#[test]
fn requests_are_remembered_as_far_back_as_the_debt_reaches() {
    let mut world = World::new();
    let (steady, burst, old) = (world.begin("1"), world.begin("2"), world.begin("3"));
    let mut made = |conversation: ConversationId, at: Timestamp| {
        let id = world.say(conversation, "x", at);
        let account = world.account;
        let unique = u8::try_from(id.0 % 251).unwrap();
        let mut request = [unique; 16];
        request[..8].copy_from_slice(&id.0.to_be_bytes());
        world.do_it(|tx| {
            tx.conn.execute(
                "INSERT INTO request (id, account, message, at) VALUES (?1, ?2, ?3, ?4)",
                rusqlite::params![request, account.0, id.0, at.millis()],
            )?;
            Ok(())
        });
    };
    // A whole burst an hour ago and one every six seconds since: the debt was never paid.
    (0..i64::from(PAIR_BURST)).for_each(|_| made(steady, t(0)));
    (1..=600).for_each(|n| made(steady, t(6 * n)));
    made(old, t(3000));
    made(burst, t(3599));
    let now = t(3600);
    let found = recent_requests(&world.read, world.account, now).unwrap();
    let of = |conversation| {
        found.iter().filter(|request: &&SentRequest| request.conversation == conversation).count()
    };
    assert_eq!((of(steady), of(burst), of(old)), (645, 1, 0));
    let ages = found.iter().map(|request| (request.conversation, now.since(request.at)));
    let mono = crate::domain::time::Monotonic(Duration::from_secs(10_000));
    let pairs = crate::domain::throttle::PairLimiter::rebuild(mono, ages);
    assert_eq!(pairs.next(&steady, mono), mono + PAIR_COST, "not one more in advance");
    assert_eq!(pairs.next(&burst, mono), mono);
}

#[test]
fn trouble_of_the_account_that_a_status_tells_is_told_the_sender() {
    let mut world = World::new();
    let chat = world.begin("1");
    world.say(chat, "hello", t(1));
    let job = world.claim(1, t(2)).remove(0);
    world.record(&job, &accepted("wamid.1"), t(3));
    let (_, changes) = world.post(&[failed("wamid.1", 131_042, t(4))]);
    assert!(changes.outbox);
    let found = overdue(&world.read, world.account, false, t(5)).unwrap();
    assert_eq!(found.trouble, Some((131_042, t(4))));
}
