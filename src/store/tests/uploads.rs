use std::time::Duration;

use super::*;
use crate::domain::id::MediaId;
use crate::domain::message::{Media, MediaCopy, MediaKind};
use crate::domain::outbox::UPLOAD_LIFE;
use crate::domain::template::{SentHeader, SentTemplate};
use crate::store::outbox::{
    Uploaded, cancel, claim_in, finish_upload, next_due, next_due_in, rescue, send_again,
};

const ROOM: Room = Room { messages: 9, receipts: 9, files: 9 };

/// A template with a file of ours above it.
fn body(sha256: &str) -> Body {
    let file = Media {
        kind: MediaKind::Image,
        id: None,
        url: None,
        mime_type: Some("image/png".to_owned()),
        sha256: Some(sha256.to_owned()),
        file_name: Some("a.png".to_owned()),
        voice: false,
        animated: false,
        copy: MediaCopy::Stored { path: format!("media/out-{sha256}.png"), size: 5 },
    };
    Body::Template(Box::new(SentTemplate {
        name: "new".to_owned(),
        language: "en".to_owned(),
        header: Some(SentHeader::Media(file)),
        text: "Look!".to_owned(),
        ..SentTemplate::default()
    }))
}

fn send(world: &mut World, to: ConversationId, body: Body, at: Timestamp) -> MessageId {
    let account = world.account;
    let new =
        NewMessage { account, conversation: to, body, reply_to: None, priority: Priority::Person };
    world.do_it(|tx| enqueue(tx, &new, at))
}

fn uploads(jobs: &[Job]) -> Vec<&str> {
    jobs.iter()
        .filter_map(|job| match &job.kind {
            JobKind::MediaUpload(upload) => Some(upload.path.as_str()),
            _ => None,
        })
        .collect()
}

fn finish(world: &mut World, job: &Job, uploaded: &Uploaded, at: Timestamp) {
    world.do_it(|tx| finish_upload(tx, job, uploaded, at));
}

fn arrived(id: &str) -> Uploaded {
    Uploaded::Arrived(MediaId::new(id))
}

/// Claims until nothing more is due, as the sender does.
fn claim_all(world: &mut World, at: Timestamp) -> Vec<Job> {
    let mut all = Vec::new();
    for _ in 0..8 {
        all.extend(world.claim(4, at));
        let due = next_due(&world.read, world.account, ROOM, &BTreeSet::new()).unwrap();
        if due.is_none_or(|due| due > at) {
            return all;
        }
    }
    panic!("something is due that is not to be had");
}

fn media_of(job: &Job) -> Option<&str> {
    let JobKind::Message(send) = &job.kind else { return None };
    send.body.file()?.id.as_ref().map(MediaId::as_str)
}

#[test]
fn a_file_goes_up_once_before_all_its_messages() {
    let mut world = World::new();
    let (a, b) = (world.begin("1"), world.begin("2"));
    let first = send(&mut world, a, body("f1"), t(1));
    let second = send(&mut world, b, body("f1"), t(1));
    let behind = world.say(a, "and this", t(1));
    let jobs = claim_all(&mut world, t(2));
    assert_eq!(uploads(&jobs), ["media/out-f1.png"]);
    assert_eq!(jobs.len(), 1, "nobody goes before the file is there: {jobs:?}");
    assert_eq!(world.state(first), State::Queued);
    world.sound();
    finish(&mut world, &jobs[0], &arrived("m1"), t(3));
    world.sound();
    let jobs = claim_all(&mut world, t(4));
    assert_eq!(sends(&jobs), [first, second], "the one behind waits for its turn");
    assert!(jobs.iter().all(|job| media_of(job) == Some("m1")), "{jobs:?}");
    for job in &jobs {
        world.record(job, &accepted(&format!("wamid.{}", job.id)), t(5));
    }
    assert_eq!(sends(&claim_all(&mut world, t(6))), [behind]);
    // A later one finds it there.
    let later = send(&mut world, b, body("f1"), t(7));
    let jobs = claim_all(&mut world, t(8));
    assert_eq!((sends(&jobs), media_of(&jobs[0])), (vec![later], Some("m1")));
    world.sound();
}

#[test]
fn a_kill_loses_nothing_and_repeats_only_the_upload() {
    let mut world = World::new();
    let a = world.begin("1");
    let id = send(&mut world, a, body("f1"), t(1));
    let killed = claim_all(&mut world, t(2));
    assert_eq!(uploads(&killed).len(), 1);
    // Killed while the file was on its way: no message is in doubt.
    assert!(world.do_it(|tx| rescue(tx, t(3))).is_empty());
    assert_eq!(world.state(id), State::Queued);
    let jobs = claim_all(&mut world, t(4));
    assert_eq!(uploads(&jobs).len(), 1);
    finish(&mut world, &jobs[0], &arrived("m1"), t(5));
    // An answer from before the kill changes nothing any more.
    let error = ApiError::default();
    let late = Uploaded::Retry { not_before: t(99), uses_try: true, error };
    finish(&mut world, &killed[0], &late, t(5));
    // Killed between the upload and the message: it goes, and the file does not go up again.
    assert!(world.do_it(|tx| rescue(tx, t(6))).is_empty());
    let jobs = claim_all(&mut world, t(7));
    assert_eq!((sends(&jobs), media_of(&jobs[0])), (vec![id], Some("m1")));
    world.sound();
}

#[test]
fn an_id_that_ran_out_is_not_sent() {
    let mut world = World::new();
    let a = world.begin("1");
    send(&mut world, a, body("f1"), t(1));
    let jobs = claim_all(&mut world, t(1));
    finish(&mut world, &jobs[0], &arrived("m1"), t(1));
    let jobs = claim_all(&mut world, t(1) + UPLOAD_LIFE - Duration::from_secs(1));
    assert_eq!(media_of(&jobs[0]), Some("m1"));
    world.record(&jobs[0], &accepted("wamid.1"), t(2));
    send(&mut world, a, body("f1"), t(2));
    let late = t(1) + UPLOAD_LIFE;
    let jobs = claim_all(&mut world, late);
    assert_eq!(uploads(&jobs).len(), 1, "{jobs:?}");
    finish(&mut world, &jobs[0], &arrived("m2"), late);
    assert_eq!(media_of(&claim_all(&mut world, late)[0]), Some("m2"));
    world.sound();
}

#[test]
fn a_file_that_waits_says_why_and_one_that_is_refused_fails_its_messages() {
    let mut world = World::new();
    let (a, b) = (world.begin("1"), world.begin("2"));
    let ids = [send(&mut world, a, body("f1"), t(1)), send(&mut world, b, body("f1"), t(1))];
    let behind = world.say(a, "and this", t(1));
    let job = claim_all(&mut world, t(2)).remove(0);
    let error = ApiError { message: "no network".to_owned(), ..ApiError::default() };
    let later = Uploaded::Retry { not_before: t(9), uses_try: true, error };
    finish(&mut world, &job, &later, t(3));
    for id in ids {
        let message = world.message(id);
        assert_eq!((message.state, message.not_before), (State::Queued, Some(t(9))));
        assert_eq!(message.trouble.unwrap().detail, "file: no network");
    }
    assert!(claim_all(&mut world, t(8)).is_empty());
    let job = claim_all(&mut world, t(9)).remove(0);
    assert_eq!(job.tries_used, 1);
    let words = "Media upload error".to_owned();
    let error = ApiError { code: Some(131_053), message: words, ..ApiError::default() };
    finish(&mut world, &job, &Uploaded::Failed(error), t(10));
    for id in ids {
        let message = world.message(id);
        assert_eq!(message.state, State::Failed);
        let trouble = message.trouble.unwrap();
        assert_eq!(trouble.code, Some(131_053));
        assert_eq!(trouble.detail, "file: Media upload error");
    }
    world.sound();
    assert_eq!(sends(&claim_all(&mut world, t(11))), [behind]);
}

#[test]
fn a_message_withdrawn_while_its_file_goes_up_stays_withdrawn() {
    let mut world = World::new();
    let a = world.begin("1");
    let id = send(&mut world, a, body("f1"), t(1));
    let behind = world.say(a, "only this", t(1));
    let job = claim_all(&mut world, t(2)).remove(0);
    world.do_it(|tx| cancel(tx, id, t(3)));
    assert_eq!(sends(&claim_all(&mut world, t(4))), [behind]);
    finish(&mut world, &job, &arrived("m1"), t(5));
    assert_eq!(world.state(id), State::Cancelled);
    world.sound();
}

#[test]
fn a_sender_of_one_conversation_uploads_what_it_waits_for() {
    let mut world = World::new();
    let (a, b) = (world.begin("1"), world.begin("2"));
    send(&mut world, b, body("f2"), t(1));
    let id = send(&mut world, a, body("f1"), t(1));
    let account = world.account;
    let next = |world: &mut World, request: u8, at| {
        world.do_it(|tx| claim_in(tx, account, a, &[RequestId([request; 16])], at))
    };
    assert_eq!(next(&mut world, 200, t(2)), None, "it is found to wait");
    assert_eq!(next_due_in(&world.read, account, a).unwrap(), Some(Timestamp::from_millis(0)));
    let job = next(&mut world, 201, t(2)).unwrap();
    assert_eq!(uploads(std::slice::from_ref(&job)), ["media/out-f1.png"]);
    assert_eq!(next_due_in(&world.read, account, a).unwrap(), None);
    finish(&mut world, &job, &arrived("m1"), t(3));
    let job = next(&mut world, 202, t(4)).unwrap();
    assert_eq!((sends(std::slice::from_ref(&job)), media_of(&job)), (vec![id], Some("m1")));
    world.sound();
}

#[test]
fn a_file_that_went_up_by_a_clock_that_was_ahead_goes_up_again() {
    let mut world = World::new();
    let a = world.begin("1");
    let ahead = 365 * 24 * 3600;
    send(&mut world, a, body("f1"), t(ahead));
    let jobs = claim_all(&mut world, t(ahead + 1));
    finish(&mut world, &jobs[0], &arrived("m1"), t(ahead + 2));
    let jobs = claim_all(&mut world, t(ahead + 3));
    world.record(&jobs[0], &accepted("wamid.1"), t(ahead + 4));
    world.do_it(|tx| rescue(tx, t(100)));
    send(&mut world, a, body("f1"), t(101));
    assert_eq!(uploads(&claim_all(&mut world, t(102))), ["media/out-f1.png"]);
    world.sound();
}

/// "Send again" took the same id for 29 days, and was refused the same way.
#[test]
fn a_file_that_meta_has_lost_was_never_uploaded_again() {
    let lost = Verdict::Failed(ApiError {
        code: Some(100),
        message: "Invalid parameter".to_owned(),
        details: Some("Param image['id'] is not a media id.".to_owned()),
        ..ApiError::default()
    });
    for refusal in [lost, refused(131_053)] {
        let mut world = World::new();
        let a = world.begin("1");
        let id = send(&mut world, a, body("aa"), t(1));
        let upload = claim_all(&mut world, t(2)).remove(0);
        finish(&mut world, &upload, &arrived("m1"), t(3));
        let job = claim_all(&mut world, t(4)).remove(0);
        assert_eq!(media_of(&job), Some("m1"));
        world.record(&job, &refusal, t(5));
        assert_eq!(world.state(id), State::Failed);
        world.do_it(|tx| send_again(tx, id, t(6)));
        let again = claim_all(&mut world, t(7));
        assert_eq!(uploads(&again), ["media/out-aa.png"]);
        finish(&mut world, &again[0], &arrived("m2"), t(8));
        let job = claim_all(&mut world, t(9)).remove(0);
        assert_eq!(media_of(&job), Some("m2"));
        world.sound();
    }
}

#[test]
fn an_upload_that_is_gone_from_the_store_is_asked_for_anew_by_its_messages() {
    let mut world = World::new();
    let (a, b) = (world.begin("1"), world.begin("2"));
    let first = send(&mut world, a, body("f1"), t(1));
    let other = send(&mut world, b, body("f2"), t(1));
    // The messages wait for their uploads from now on.
    let account = world.account;
    let room = Room { messages: 9, receipts: 0, files: 0 };
    let requests = [RequestId([77; 16]), RequestId([78; 16])];
    let jobs = world.do_it(|tx| claim(tx, account, &requests, room, &BTreeSet::new(), t(1)));
    assert!(jobs.is_empty(), "{jobs:?}");
    let raw = world.write.raw();
    raw.execute_batch("PRAGMA foreign_keys = off").unwrap();
    assert_eq!(raw.execute("DELETE FROM upload WHERE sha256 = 'f1'", []).unwrap(), 1);
    raw.execute_batch("PRAGMA foreign_keys = on").unwrap();
    let jobs = claim_all(&mut world, t(2));
    assert_eq!(uploads(&jobs).len(), 2, "{jobs:?}");
    for (job, id) in jobs.iter().zip(["m2", "m1"]) {
        finish(&mut world, job, &arrived(id), t(3));
    }
    let mut sent = sends(&claim_all(&mut world, t(4)));
    sent.sort_unstable();
    assert_eq!(sent, [first, other]);
    world.sound();
}
