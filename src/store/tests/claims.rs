use super::*;
use crate::domain::health::Waiting;
use crate::domain::message::{Media, MediaCopy, MediaKind};
use crate::domain::outbox::MEDIA_LIFE;
use crate::domain::state::HoldReason;
use crate::store::conversation::mark_read;
use crate::store::outbox::{
    self, Ended, Fetched, cancel, claim_in, defer, finish_download, finish_receipt, hold,
    next_due_in, release, rescue,
};
use crate::store::{list, message};

const ROOM: Room = Room { messages: 1, receipts: 1, files: 1 };

fn retry(at: Timestamp, uses_try: bool) -> Verdict {
    let error = ApiError { code: Some(2), message: "later".to_owned(), ..ApiError::default() };
    Verdict::Retry { not_before: at, uses_try, error }
}

#[test]
fn one_conversation_is_one_lane_in_the_order_written() {
    let mut world = World::new();
    let (a, b) = (world.begin("1"), world.begin("2"));
    let ids = [world.say(a, "1", t(1)), world.say(a, "2", t(1)), world.say(b, "3", t(1))];
    let jobs = world.claim(10, t(2));
    assert_eq!(sends(&jobs), [ids[0], ids[2]]);
    assert!(world.claim(10, t(2)).is_empty(), "one in flight per lane");
    world.record(&jobs[0], &accepted("wamid.1"), t(3));
    assert_eq!(sends(&world.claim(10, t(3))), [ids[1]]);
    world.sound();
}

#[test]
fn who_waits_for_a_retry_holds_those_behind_and_who_failed_or_is_held_does_not() {
    let mut world = World::new();
    let a = world.begin("1");
    let ids = [world.say(a, "1", t(1)), world.say(a, "2", t(1)), world.say(a, "3", t(1))];
    let first = world.claim(1, t(2)).remove(0);
    world.record(&first, &retry(t(60), true), t(3));
    assert!(world.claim(1, t(59)).is_empty());
    assert_eq!(
        outbox::next_due(&world.read, world.account, ROOM, &BTreeSet::new()).unwrap(),
        Some(t(60))
    );
    let again = world.claim(1, t(60)).remove(0);
    assert_eq!((sends(std::slice::from_ref(&again)), again.tries_used), (vec![ids[0]], 1));
    world.record(&again, &refused(100), t(61));
    world.do_it(|tx| hold(tx, ids[1], HoldReason::WindowClosed, t(61)));
    assert_eq!(sends(&world.claim(1, t(62))), [ids[2]]);
    world.do_it(|tx| release(tx, ids[1], t(63)));
    world.sound();
}

#[test]
fn a_throttle_uses_up_no_try() {
    let mut world = World::new();
    let a = world.begin("1");
    let id = world.say(a, "1", t(1));
    for n in 0..20 {
        let job = world.claim(1, t(n)).remove(0);
        world.record(&job, &retry(t(n), false), t(n));
    }
    assert_eq!((world.state(id), world.message(id).tries), (State::Queued, 0));
    world.sound();
}

#[test]
fn persons_precede_bulk_between_and_within_conversations() {
    let mut world = World::new();
    let (a, b) = (world.begin("1"), world.begin("2"));
    let bulk_a = world.queue(a, "offer", Priority::Bulk, t(1));
    let bulk_b = world.queue(b, "offer", Priority::Bulk, t(1));
    let person = world.say(b, "hello", t(2));
    assert_eq!(sends(&world.claim(1, t(3))), [person]);
    let next = world.claim(5, t(3));
    assert_eq!(sends(&next), [bulk_a], "the lane of the person's message is busy");
    assert_eq!(world.state(bulk_b), State::Queued);
    world.sound();
}

#[test]
fn excluded_and_deferred_lanes_are_passed_over() {
    let mut world = World::new();
    let (a, b) = (world.begin("1"), world.begin("2"));
    let (in_a, in_b) = (world.say(a, "1", t(1)), world.say(b, "2", t(1)));
    let excluded = BTreeSet::from([a]);
    let job = world.claim_without(5, &excluded, t(2)).remove(0);
    assert_eq!(sends(std::slice::from_ref(&job)), [in_b]);
    assert_eq!(outbox::next_due(&world.read, world.account, ROOM, &excluded).unwrap(), None);
    world.record(&job, &retry(t(2), false), t(2));
    world.do_it(|tx| defer(tx, &[job.id], t(9)));
    assert_eq!(sends(&world.claim(5, t(3))), [in_a]);
    assert_eq!(sends(&world.claim(5, t(9))), [in_b]);
    world.sound();
}

#[test]
fn withdrawing_the_head_lets_the_next_one_go() {
    let mut world = World::new();
    let a = world.begin("1");
    let ids = [world.say(a, "1", t(1)), world.say(a, "2", t(1))];
    world.do_it(|tx| cancel(tx, ids[0], t(2)));
    assert_eq!(sends(&world.claim(5, t(3))), [ids[1]]);
    world.sound();
}

#[test]
fn one_conversation_can_be_worked_off_alone_and_in_order() {
    let mut world = World::new();
    let (ana, bruno) = (world.begin("1"), world.begin("2"));
    world.say(bruno, "not this one", t(0));
    let messages = [world.say(ana, "first", t(1)), world.say(ana, "second", t(2))];
    let account = world.account;
    for (n, message) in (0..).zip(messages) {
        let due = next_due_in(&world.read, account, ana).unwrap();
        assert_eq!(due, Some(Timestamp::from_millis(0)));
        let job = world.do_it(|tx| claim_in(tx, account, ana, &[RequestId([n; 16])], t(3)));
        let job = job.unwrap();
        assert_eq!(sends(std::slice::from_ref(&job)), [message]);
        let none = world.do_it(|tx| claim_in(tx, account, ana, &[RequestId([9; 16])], t(3)));
        assert_eq!(none, None, "one at a time");
        world.record(&job, &accepted(&format!("w{n}")), t(4));
    }
    assert_eq!(next_due_in(&world.read, account, ana).unwrap(), None);
    assert!(next_due_in(&world.read, account, bruno).unwrap().is_some());
    world.sound();
}

#[test]
fn an_uncertain_message_is_told_with_its_lane() {
    let mut world = World::new();
    let a = world.begin("1");
    let id = world.say(a, "1", t(1));
    let job = world.claim(1, t(2)).remove(0);
    world.record(&job, &unknown(), t(3));
    let unresolved = outbox::unresolved(&world.read, world.account).unwrap();
    assert_eq!((unresolved[0].message, unresolved[0].conversation), (id, a));
    assert_eq!(unresolved[0].since, t(3));
    let counts = outbox::queue_counts(&world.read, world.account).unwrap();
    assert_eq!(counts, Waiting { uncertain: 1, ..Waiting::default() });
    let requests = outbox::recent_requests(&world.read, world.account, t(0)).unwrap();
    assert_eq!(requests, [outbox::SentRequest { at: t(2), conversation: a }]);
}

#[test]
fn what_is_read_is_not_told_when_receipts_are_switched_off() {
    let mut world = World::new();
    let (told, _) = world.post(&[heard("w1", phone("1"), t(1), "one")]);
    let chat = world.message(told.messages[0]).conversation;
    world.do_it(|tx| mark_read(tx, chat, told.messages[0], false, t(3)));
    assert_eq!(list::conversation(&world.read, chat).unwrap().unread, 0);
    assert!(world.claim(5, t(4)).is_empty());
    world.sound();
}

#[test]
fn receipts_of_a_conversation_are_one_for_the_newest() {
    let mut world = World::new();
    let (first, _) = world.post(&[heard("w1", phone("1"), t(1), "one")]);
    let (second, _) = world.post(&[heard("w2", phone("1"), t(2), "two")]);
    let chat = world.message(first.messages[0]).conversation;
    assert_eq!(list::conversation(&world.read, chat).unwrap().unread, 2);
    world.do_it(|tx| mark_read(tx, chat, first.messages[0], true, t(3)));
    assert_eq!(
        list::conversation(&world.read, chat).unwrap().first_unread,
        Some(second.messages[0])
    );
    world.do_it(|tx| mark_read(tx, chat, second.messages[0], true, t(3)));
    world.do_it(|tx| mark_read(tx, chat, second.messages[0], true, t(3)));
    let jobs = world.claim(5, t(4));
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].kind, JobKind::ReadReceipt { wamid: Wamid::new("w2") });
    world.do_it(|tx| rescue(tx, t(5)));
    let again = world.claim(5, t(5)).remove(0);
    world.do_it(|tx| finish_receipt(tx, &again, &Ended::Done));
    assert!(world.claim(5, t(6)).is_empty());
    assert_eq!(list::conversation(&world.read, chat).unwrap().unread, 0);
    world.sound();
}

fn photo() -> Media {
    Media {
        kind: MediaKind::Image,
        id: Some(crate::domain::id::MediaId::new("m1")),
        url: None,
        mime_type: Some("image/jpeg".to_owned()),
        sha256: None,
        file_name: None,
        voice: false,
        animated: false,
        copy: MediaCopy::Pending,
    }
}

#[test]
fn a_file_that_cannot_be_had_says_why_in_a_few_words_and_keeps_metas() {
    let mut world = World::new();
    let body = Body::Media { media: photo(), caption: None };
    let (done, _) = world.post(&[item(ItemKind::Message(inbound("w1", phone("1"), t(1), body)))]);
    let job = world.claim(5, t(2)).remove(0);
    let words = "Unsupported get request. Object with ID 'm1' does not exist".to_owned();
    let gone = Fetched::Failed(ApiError {
        http_status: 400,
        code: Some(100),
        subcode: Some(33),
        message: words.clone(),
        ..ApiError::default()
    });
    world.do_it(|tx| finish_download(tx, &job, &gone, t(3)));
    let Body::Media { media, .. } = world.message(done.messages[0]).body else { panic!("a file") };
    assert_eq!(media.copy, MediaCopy::Failed("no longer at Meta".to_owned()));
    let timeline = message::timeline(&world.read, done.messages[0]).unwrap();
    let last = timeline.last().unwrap();
    assert_eq!((last.state, last.at, last.code), (State::Received, t(3), Some(100)));
    assert_eq!(last.detail, Some(format!("file: {words}")));
    assert!(world.claim(5, t(9)).is_empty());
    world.sound();
}

#[test]
fn a_claim_takes_no_more_files_than_can_be_fetched() {
    let mut world = World::new();
    let body = || Body::Media { media: photo(), caption: None };
    let came = |n: i64| item(ItemKind::Message(inbound(&n.to_string(), phone("1"), t(n), body())));
    world.post(&(0..9).map(came).collect::<Vec<_>>());
    let a = world.begin("1");
    let message = world.say(a, "nice", t(10));
    let requests: Vec<RequestId> = (0..5).map(|n| RequestId([n + 100; 16])).collect();
    let (account, none) = (world.account, BTreeSet::new());
    let room = Room { messages: 2, receipts: 1, files: 2 };
    let jobs = world.do_it(|tx| claim(tx, account, &requests, room, &none, t(20)));
    assert_eq!(jobs.len(), 3);
    assert_eq!(sends(&jobs), [message]);
    let full = Room { files: 0, ..room };
    assert_eq!(outbox::next_due(&world.read, account, full, &none).unwrap(), None);
    assert!(outbox::next_due(&world.read, account, room, &none).unwrap().is_some());
    world.sound();
}

#[test]
fn a_file_is_fetched_once_and_kept() {
    let mut world = World::new();
    let media = photo();
    let body = Body::Media { media: media.clone(), caption: Some("look".to_owned()) };
    let (done, changes) =
        world.post(&[item(ItemKind::Message(inbound("w1", phone("1"), t(1), body)))]);
    assert!(changes.outbox);
    let job = world.claim(5, t(2)).remove(0);
    assert_eq!(
        job.kind,
        JobKind::MediaDownload { message: done.messages[0], media, until: t(1) + MEDIA_LIFE }
    );
    let later = Fetched::Retry { not_before: t(9), uses_try: true };
    world.do_it(|tx| finish_download(tx, &job, &later, t(2)));
    assert!(world.claim(5, t(8)).is_empty());
    let job = world.claim(5, t(9)).remove(0);
    assert_eq!(job.tries_used, 1);
    let stored = Fetched::Stored { path: "media/1.jpg".to_owned(), size: 7 };
    world.do_it(|tx| finish_download(tx, &job, &stored, t(9)));
    let Body::Media { media, .. } = message::message(&world.read, done.messages[0]).unwrap().body
    else {
        panic!("a file")
    };
    assert_eq!(media.copy, MediaCopy::Stored { path: "media/1.jpg".to_owned(), size: 7 });
    world.sound();
}

#[test]
fn what_a_wrong_clock_put_off_for_a_day_is_due_for_the_next_sender() {
    let mut world = World::new();
    let day = 24 * 3600;
    let chat = world.begin("15551230001");
    let id = world.say(chat, "hello", t(day));
    let job = world.claim(1, t(day)).remove(0);
    world.record(&job, &retry(t(day + 60), false), t(day));
    world.do_it(|tx| rescue(tx, t(day)));
    assert!(world.claim(1, t(day)).is_empty(), "a wait that may be is kept");
    // The clock is set right.
    world.do_it(|tx| rescue(tx, t(0)));
    assert_eq!(sends(&world.claim(1, t(1))), [id]);
    world.sound();
}
