//! Templates for many: stored whole before any is sent, a message per row and never two, whatever is decided
//! or cut off in between.

use super::catalogue::{status, told};
use super::{BTreeSet, World, accepted, heard, keywords, phone, refused, t, unknown};
use crate::domain::campaign::{Campaign, Stage};
use crate::domain::health::Waiting;
use crate::domain::id::{CampaignId, MediaId, RequestId, WaId};
use crate::domain::message::{Media, MediaCopy, MediaKind, Priority};
use crate::domain::outbox::{ApiError, Job, JobKind, UPLOAD_LIFE, Verdict};
use crate::domain::state::HoldReason;
use crate::domain::template::{Category, SentHeader, SentTemplate, Status};
use crate::domain::throttle::{Limits, PeopleLimit};
use crate::domain::time::Timestamp;
use crate::store::Error;
use crate::store::account::set_limits;
use crate::store::campaign::{
    AHEAD, Begun, NewCampaign, NewRow, add, begin, campaign, campaigns, cancel_campaign, discard,
    earlier, feed, hungry, outcomes, pause, people, resume, start, sweep,
};
use crate::store::outbox::{
    Room, Uploaded, cancel, claim, finish_upload, hold, release, rescue, send_again,
};
use crate::store::upload::needed;

fn sent(name: &str) -> SentTemplate {
    SentTemplate {
        name: "cupom".to_owned(),
        language: "pt_BR".to_owned(),
        category: Some(Category::Marketing),
        text: format!("Oi {name}"),
        ..SentTemplate::default()
    }
}

fn number(n: u32) -> WaId {
    WaId::new(format!("1555{n:07}"))
}

/// Row 3 and every tenth after it is bad.
fn rows(count: u32) -> Vec<NewRow> {
    (2..2 + count)
        .map(|row| {
            let bad = row % 10 == 3;
            NewRow {
                number: row,
                typed: format!("+1555{row:07}"),
                to: (!bad).then(|| number(row)),
                what: if bad { Err("bad number".to_owned()) } else { Ok(sent("Ana")) },
            }
        })
        .collect()
}

impl World {
    fn new_campaign(&self, rows: &[NewRow]) -> NewCampaign {
        NewCampaign {
            account: self.account,
            sha256: [7; 32],
            file: "vip.csv".to_owned(),
            template: "cupom".to_owned(),
            language: "pt_BR".to_owned(),
            rows: rows.len(),
            good: rows.iter().filter(|row| row.what.is_ok()).count(),
            again: false,
        }
    }

    fn begin_campaign(&mut self, rows: &[NewRow]) -> CampaignId {
        let new = NewCampaign { again: true, ..self.new_campaign(rows) };
        let Begun::New(id) = self.do_it(|tx| begin(tx, &new, t(1))) else {
            panic!("there was one before")
        };
        id
    }

    fn run_campaign(&mut self, rows: &[NewRow]) -> CampaignId {
        let id = self.begin_campaign(rows);
        for some in rows.chunks(7) {
            self.do_it(|tx| add(tx, id, some));
        }
        assert_eq!(self.do_it(|tx| start(tx, id, true)), Begun::New(id));
        id
    }

    fn feed_all(&mut self, now: i64) {
        let account = self.account;
        while self.do_it(|tx| feed(tx, account, t(now))) {}
    }

    fn seen(&self, id: CampaignId) -> Campaign {
        campaign(&self.read, id).unwrap()
    }

    fn waiting(&self) -> Waiting {
        crate::store::outbox::queue_counts(&self.read, self.account).unwrap()
    }

    /// Claims up to so many messages, with requests that no other time has.
    fn take(&mut self, limit: usize, now: i64) -> Vec<Job> {
        let request = |at: usize| {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&now.to_be_bytes());
            id[8..].copy_from_slice(&u64::try_from(at).unwrap().to_be_bytes());
            RequestId(id)
        };
        let requests: Vec<RequestId> = (0..limit).map(request).collect();
        let (account, room) = (self.account, Room { messages: limit, ..Room::default() });
        self.do_it(|tx| claim(tx, account, &requests, room, &BTreeSet::new(), t(now)))
    }

    /// Claims up to so many and lets Meta take them.
    fn go(&mut self, limit: usize, now: i64) -> usize {
        let jobs = self.take(limit, now);
        for (at, job) in jobs.iter().enumerate() {
            self.record(job, &accepted(&format!("wamid.{now}.{at}")), t(now));
        }
        jobs.len()
    }
}

#[test]
fn every_good_row_becomes_one_message_and_the_numbers_are_those_of_a_recount() {
    let mut world = World::new();
    let rows = rows(30);
    let id = world.run_campaign(&rows);
    assert_eq!(hungry(&world.read).unwrap(), [world.account]);
    world.feed_all(2);
    assert!(hungry(&world.read).unwrap().is_empty());
    let counts = world.seen(id).counts;
    assert_eq!((counts.waiting, counts.unwritten, world.seen(id).good), (27, 0, 27));
    world.sound();
    let jobs = world.take(20, 3);
    for (at, job) in jobs.iter().enumerate() {
        let verdict = match at {
            0 => refused(131_026),
            1 => unknown(),
            _ => accepted(&format!("wamid.{at}")),
        };
        world.record(job, &verdict, t(4));
    }
    let counts = world.seen(id).counts;
    let seen = (counts.accepted, counts.failed, counts.uncertain, counts.waiting);
    assert_eq!(seen, (18, 1, 1, 7));
    world.go(20, 5);
    assert_eq!(world.seen(id).state(), "done");
    world.sound();
    let result = outcomes(&world.read, id, 0, 100).unwrap();
    assert_eq!(result.len(), 30);
    let states: Vec<&str> = result.iter().take(4).map(|row| row.state).collect();
    assert_eq!(states, ["failed", "skipped", "uncertain", "accepted"]);
    assert_eq!(result[0].code, Some(131_026));
    assert_eq!(result[1].reason.as_deref(), Some("bad number"));
    assert!(result[1].to.is_none() && result[3].at.is_some());
    assert_eq!(outcomes(&world.read, id, 30, 100).unwrap().len(), 1);
}

#[test]
fn few_are_written_ahead_and_persons_go_first() {
    let mut world = World::new();
    let rows: Vec<NewRow> = rows(600).into_iter().filter(|row| row.what.is_ok()).collect();
    let id = world.run_campaign(&rows);
    world.feed_all(2);
    let ahead = u32::try_from(AHEAD).unwrap();
    assert_eq!(world.seen(id).counts.waiting, ahead);
    assert_eq!(world.seen(id).counts.unwritten, 540 - ahead);
    let friend = world.begin("15559999999");
    let text = world.queue(friend, "hi", Priority::Person, t(3));
    assert_eq!(super::sends(&world.take(1, 3)), [text]);
    world.sound();
}

#[test]
fn a_file_is_recognised_and_a_half_stored_one_is_never_sent() {
    let mut world = World::new();
    let rows = rows(12);
    let half = world.begin_campaign(&rows);
    world.do_it(|tx| add(tx, half, &rows[..5]));
    // The process died here.
    assert_eq!(world.seen(half).stage, Stage::Draft);
    assert!(hungry(&world.read).unwrap().is_empty());
    let missing = world.write.write(|tx| start(tx, half, false)).unwrap_err();
    assert!(missing.to_string().contains("not all rows"), "{missing}");
    let whole = world.run_campaign(&rows);
    let new = world.new_campaign(&rows);
    assert_eq!(world.do_it(|tx| begin(tx, &new, t(2))), Begun::Earlier(whole));
    let known = earlier(&world.read, world.account, &[7; 32], "cupom", "pt_BR").unwrap();
    assert_eq!(known.map(|known| known.id), Some(whole));
    assert!(earlier(&world.read, world.account, &[7; 32], "other", "pt_BR").unwrap().is_none());
    let again = NewCampaign { again: true, ..new };
    assert!(matches!(world.do_it(|tx| begin(tx, &again, t(2))), Begun::New(_)));
    let mut steps = 0;
    while !world.do_it(|tx| sweep(tx, &again)) {
        steps += 1;
        assert!(steps < 5);
    }
    assert!(campaign(&world.read, half).is_err(), "what was interrupted gives way");
    assert_eq!(campaigns(&world.read, world.account, 9).unwrap().len(), 1);
    let started = world.write.write(|tx| discard(tx, whole)).unwrap_err();
    assert!(matches!(started, Error::Stage { stage: "running", .. }), "{started}");
    world.sound();
}

/// Neither saw the other when it began, and everybody was written to twice.
#[test]
fn two_starts_of_the_same_file_at_the_same_moment_were_both_sent() {
    let mut world = World::new();
    let rows = rows(12);
    let both = [world.begin_campaign(&rows), world.begin_campaign(&rows)];
    for id in both {
        world.do_it(|tx| add(tx, id, &rows));
    }
    assert_eq!(world.do_it(|tx| start(tx, both[0], false)), Begun::New(both[0]));
    assert_eq!(world.do_it(|tx| start(tx, both[1], false)), Begun::Earlier(both[0]));
    assert_eq!(world.seen(both[1]).stage, Stage::Draft, "it may be removed");
    assert_eq!(world.do_it(|tx| start(tx, both[1], true)), Begun::New(both[1]), "as asked for");
    world.sound();
}

#[test]
fn the_same_person_twice_in_the_rows_is_refused_by_the_store_itself() {
    let mut world = World::new();
    let mut rows = rows(2);
    rows[1] = NewRow { number: 3, ..rows[0].clone() };
    let id = world.begin_campaign(&rows);
    assert!(world.write.write(|tx| add(tx, id, &rows)).is_err());
    assert!(outcomes(&world.read, id, 0, 9).unwrap().is_empty());
}

#[test]
fn a_pause_stops_what_waits_and_a_resume_goes_on_where_it_was() {
    let mut world = World::new();
    let rows = rows(300);
    let id = world.run_campaign(&rows);
    world.feed_all(2);
    world.go(10, 3);
    let under_way = world.take(1, 4);
    world.do_it(|tx| pause(tx, id, t(5)));
    assert!(world.take(10, 6).is_empty());
    world.feed_all(6);
    let counts = world.seen(id).counts;
    assert_eq!((counts.accepted, counts.sending, counts.held), (10, 1, 189));
    // What was under way comes back for another try: it waits like the others.
    let later = Verdict::Retry { not_before: t(7), uses_try: false, error: ApiError::default() };
    world.record(&under_way[0], &later, t(7));
    assert_eq!(hungry(&world.read).unwrap(), [world.account]);
    assert!(world.take(10, 8).is_empty(), "a claim that comes first does not send it");
    world.feed_all(8);
    assert!(hungry(&world.read).unwrap().is_empty());
    assert_eq!(world.seen(id).counts.held, 190);
    assert!(matches!(
        world.write.write(|tx| pause(tx, id, t(9))),
        Err(Error::Stage { stage: "paused", wanted: "paused" })
    ));
    world.sound();
    world.do_it(|tx| resume(tx, id, t(9)));
    for now in 10.. {
        world.feed_all(now);
        if world.seen(id).is_done() {
            break;
        }
        assert!(world.go(100, now) > 0, "{:?}", world.seen(id));
    }
    assert_eq!(world.seen(id).counts.accepted, 270);
    world.sound();
}

#[test]
fn a_campaign_that_is_done_cannot_be_cancelled_any_more() {
    let mut world = World::new();
    let id = world.run_campaign(&rows(3));
    world.feed_all(2);
    assert_eq!(world.go(9, 3), 2);
    let refused = world.write.write(|tx| cancel_campaign(tx, id, t(4))).unwrap_err();
    assert_eq!(refused.to_string(), "a campaign that is done cannot be cancelled");
    assert_eq!(world.seen(id).state(), "done");
}

#[test]
fn a_cancel_takes_back_what_waits_and_nobody_else_is_written_to() {
    let mut world = World::new();
    let id = world.run_campaign(&rows(300));
    world.feed_all(2);
    world.go(10, 3);
    let under_way = world.take(2, 4);
    world.do_it(|tx| cancel_campaign(tx, id, t(5)));
    world.feed_all(5);
    let later = Verdict::Retry { not_before: t(6), uses_try: false, error: ApiError::default() };
    world.record(&under_way[0], &later, t(6));
    world.record(&under_way[1], &accepted("wamid.late"), t(6));
    assert!(world.take(10, 7).is_empty());
    world.feed_all(7);
    let counts = world.seen(id).counts;
    assert_eq!((counts.accepted, counts.cancelled, counts.waiting), (11, 259, 0));
    assert!(world.seen(id).is_done());
    assert_eq!((world.waiting().queued, world.waiting().held), (0, 0));
    world.sound();
}

#[test]
fn who_opts_out_between_plan_and_message_is_left_out() {
    let mut world = World::new().under(keywords());
    let id = world.run_campaign(&rows(3));
    world.post(&[heard("wamid.stop", phone("15550000002"), t(1), "STOP")]);
    let known = people(&world.read, world.account, &[number(2), number(4)], t(2)).unwrap();
    assert!(known[0].opted_out && known[0].free && known[0].contact.is_some());
    assert_eq!(known[1], crate::domain::campaign::Known::default());
    world.feed_all(2);
    let counts = world.seen(id).counts;
    assert_eq!((counts.waiting, counts.dropped), (1, 1));
    let result = outcomes(&world.read, id, 0, 9).unwrap();
    assert_eq!(result[0].state, "skipped");
    world.go(1, 3);
    assert_eq!(world.seen(id).state(), "done");
    world.sound();
}

/// A file has people's numbers as they write them, and WhatsApp tells of them with a digit more or less.
#[test]
fn who_said_stop_under_the_other_spelling_of_their_number_got_marketing() {
    for (said, listed) in [
        ("553188887777", "5531988887777"),
        ("5531988887777", "553188887777"),
        ("5215512345678", "525512345678"),
        ("525512345678", "5215512345678"),
        ("5491123456789", "541123456789"),
        ("541123456789", "5491123456789"),
    ] {
        for known_before in [false, true] {
            let mut world = World::new().under(keywords());
            if known_before {
                // Somebody typed it once; nothing was sent that would tell how WhatsApp spells it.
                world.begin(listed);
            }
            let mut row = rows(1);
            row[0].to = Some(WaId::new(listed));
            let id = world.run_campaign(&row);
            world.post(&[heard("wamid.stop", phone(said), t(1), "STOP")]);
            let known = people(&world.read, world.account, &[WaId::new(listed)], t(2)).unwrap();
            assert!(known[0].opted_out && known[0].free && known[0].contact.is_some(), "{listed}");
            world.feed_all(2);
            assert_eq!(world.seen(id).counts.dropped, 1, "{said} is {listed}");
            assert!(world.take(9, 3).is_empty());
            world.sound();
            world.post(&[heard("wamid.start", phone(said), t(4), "START")]);
            let again = people(&world.read, world.account, &[WaId::new(listed)], t(5)).unwrap();
            assert!(!again[0].opted_out, "{listed}");
            world.sound();
        }
    }
}

#[test]
fn who_blocked_us_under_the_other_spelling_is_known_and_written_to_in_the_one_conversation() {
    let mut world = World::new();
    let chat = world.begin("553188887777");
    let typed = WaId::new("5531988887777");
    assert_eq!(world.begin(typed.as_str()), chat, "the conversation there is");
    let found = crate::store::list::find_conversation(&world.read, world.account, &typed).unwrap();
    assert_eq!(found.map(|found| found.id), Some(chat));
    world.template(chat, false, t(1));
    let job = world.take(1, 2);
    world.record(&job[0], &refused(130_403), t(3));
    let known = people(&world.read, world.account, &[typed], t(4)).unwrap();
    assert!(known[0].blocked);
}

#[test]
fn who_is_blocked_is_known() {
    let mut world = World::new();
    let id = world.run_campaign(&rows(1));
    world.feed_all(2);
    let job = world.take(1, 3);
    world.record(&job[0], &refused(130_403), t(4));
    assert_eq!(world.seen(id).counts.failed, 1);
    let known = people(&world.read, world.account, &[number(2)], t(5)).unwrap();
    assert!(known[0].blocked);
}

#[test]
fn the_messaging_limit_holds_few_and_frees_the_rest_in_time() {
    let mut world = World::new();
    let account = world.account;
    let limits = Limits { rate: None, people: Some(PeopleLimit::AtMost(5)) };
    world.do_it(|tx| set_limits(tx, account, limits));
    let id = world.run_campaign(&rows(300));
    world.feed_all(2);
    for round in 0..30 {
        world.go(100, 3 + round);
        world.feed_all(3 + round);
    }
    let counts = world.seen(id).counts;
    assert_eq!((counts.accepted, counts.held), (5, 195));
    assert_eq!(counts.unwritten, 70, "no more are written ahead than the limit holds");
    world.sound();
}

/// What the limit held of a paused campaign took all the room there was, and could not go.
#[test]
fn what_the_limit_holds_of_a_paused_campaign_kept_another_one_from_going() {
    let mut world = World::new();
    let account = world.account;
    let limit = |people| Limits { rate: None, people: Some(PeopleLimit::AtMost(people)) };
    world.do_it(|tx| set_limits(tx, account, limit(5)));
    let first = world.run_campaign(&rows(50));
    world.feed_all(2);
    assert_eq!(world.go(50, 3), 5);
    world.do_it(|tx| pause(tx, first, t(4)));
    let others: Vec<NewRow> = rows(90).split_off(60);
    let second = world.run_campaign(&others);
    world.feed_all(5);
    assert_eq!(world.go(50, 6), 0);
    world.do_it(|tx| set_limits(tx, account, limit(10)));
    world.tend_at(t(7));
    assert_eq!(world.go(50, 8), 5);
    assert_eq!(world.seen(second).counts.accepted, 5);
    world.sound();
    // When it is resumed it waits for the limit again.
    world.do_it(|tx| resume(tx, first, t(9)));
    assert_eq!(world.go(50, 10), 0);
    world.do_it(|tx| set_limits(tx, account, limit(12)));
    world.tend_at(t(11));
    assert_eq!(world.go(50, 12), 2);
    assert_eq!(world.seen(first).counts.accepted, 7);
    world.sound();
}

/// They took their place among those whom the limit holds, for good.
#[test]
fn who_opts_out_while_the_limit_holds_their_message_kept_others_from_going() {
    let mut world = World::new().under(keywords());
    let account = world.account;
    let limit = |people| Limits { rate: None, people: Some(PeopleLimit::AtMost(people)) };
    world.do_it(|tx| set_limits(tx, account, limit(0)));
    let id = world.run_campaign(&rows(4));
    world.feed_all(2);
    assert_eq!(world.go(9, 3), 0);
    world.post(&[heard("wamid.stop", phone("15550000002"), t(4), "STOP")]);
    world.do_it(|tx| set_limits(tx, account, limit(1)));
    world.tend_at(t(5));
    world.tend_at(t(6));
    let first = outcomes(&world.read, id, 0, 1).unwrap()[0].message.unwrap();
    assert_eq!(world.held(first), Some(HoldReason::OptedOut));
    assert_eq!(world.go(9, 7), 1, "the next one has the place");
    world.sound();
}

/// Resuming let it go, although somebody had asked for it to stay.
#[test]
fn what_a_person_held_in_a_campaign_went_when_that_was_paused_and_resumed() {
    let mut world = World::new();
    let id = world.run_campaign(&rows(4));
    world.feed_all(2);
    let first = outcomes(&world.read, id, 0, 1).unwrap()[0].message.unwrap();
    world.do_it(|tx| hold(tx, first, HoldReason::Person, t(3)));
    world.do_it(|tx| pause(tx, id, t(4)));
    let other = outcomes(&world.read, id, 3, 1).unwrap()[0].message.unwrap();
    assert_eq!(world.held(other), Some(HoldReason::Campaign));
    let refused = world.write.write(|tx| release(tx, other, t(5))).unwrap_err();
    assert_eq!(refused.to_string(), "it cannot be sent now: its campaign is paused");
    world.do_it(|tx| resume(tx, id, t(6)));
    assert_eq!(world.held(first), Some(HoldReason::Person));
    assert_eq!(world.go(9, 7), 2);
    assert_eq!(world.held(first), Some(HoldReason::Person));
    world.do_it(|tx| release(tx, first, t(8)));
    assert_eq!(world.go(9, 9), 1);
    world.sound();
}

/// All that failed sent again, and then a pause: everything at once kept webhooks waiting for seconds.
#[test]
fn a_campaign_with_much_in_the_queue_is_paused_resumed_and_cancelled_in_steps() {
    let mut world = World::new();
    let id = world.run_campaign(&rows(1300));
    for now in 2..20 {
        world.feed_all(now);
        for job in world.take(200, now) {
            world.record(&job, &refused(131_026), t(now));
        }
    }
    assert_eq!(world.seen(id).counts.failed, 1170);
    let failed: Vec<_> = outcomes(&world.read, id, 0, 2000).unwrap();
    let mut failed = failed.iter().filter_map(|row| row.message);
    world.do_it(|tx| failed.try_for_each(|message| send_again(tx, message, t(20))));
    let held = |world: &World| world.seen(id).counts.held;
    world.do_it(|tx| pause(tx, id, t(21)));
    assert_eq!(held(&world), 500);
    assert!(world.take(3, 22).is_empty(), "the rest does not go either");
    world.feed_all(22);
    assert_eq!((held(&world), hungry(&world.read).unwrap().len()), (1170, 0));
    world.do_it(|tx| resume(tx, id, t(23)));
    assert_eq!(held(&world), 670);
    world.feed_all(24);
    assert_eq!((held(&world), hungry(&world.read).unwrap().len()), (0, 0));
    world.do_it(|tx| cancel_campaign(tx, id, t(25)));
    assert_eq!(world.seen(id).counts.cancelled, 500);
    world.feed_all(26);
    assert_eq!((world.seen(id).counts.cancelled, hungry(&world.read).unwrap().len()), (1170, 0));
    world.sound();
}

/// Everybody else of the campaign was a failed request.
#[test]
fn a_template_that_meta_pauses_burned_the_rest_of_its_campaign() {
    let mut world = World::new();
    world.sync(&[told("cupom", "pt_BR")], t(0));
    let id = world.run_campaign(&rows(300));
    world.feed_all(1);
    assert_eq!(world.go(20, 100), 20);
    world.hear("cupom", status(Status::Paused, Some(3)), t(101));
    for now in 102..110 {
        assert!(world.go(50, now) == 0, "nothing goes");
        world.feed_all(now);
    }
    let counts = world.seen(id).counts;
    assert_eq!((counts.held, counts.failed, counts.unwritten), (180, 0, 70));
    let message = outcomes(&world.read, id, 26, 1).unwrap()[0].message.unwrap();
    assert_eq!(world.held(message), Some(HoldReason::Template));
    world.sound();
    // Its hour comes, and no word of it.
    let ends = 101 + 3 * 3600;
    assert_eq!(world.tend_at(t(120)), Some(t(ends)), "the sender wakes for it");
    world.tend_at(t(ends));
    assert_eq!(world.seen(id).counts.held, 0);
    let job = world.take(1, ends + 1).remove(0);
    // It is paused all the same: the answer says so, and one message is enough to know.
    world.record(&job, &refused(132_015), t(ends + 2));
    assert_eq!(world.go(50, ends + 3), 0);
    world.hear("cupom", status(Status::Approved, None), t(ends + 60));
    world.tend_at(t(ends + 61));
    for now in ends + 62.. {
        world.feed_all(now);
        if world.seen(id).is_done() {
            break;
        }
        assert!(world.go(100, now) > 0, "{:?}", world.seen(id));
    }
    let counts = world.seen(id).counts;
    assert_eq!((counts.accepted, counts.failed), (269, 1));
    world.sound();
}

#[test]
fn a_template_that_is_gone_or_disabled_holds_the_rest_of_its_campaign() {
    for code in [0, 132_001, 132_016] {
        let mut world = World::new();
        world.sync(&[told("cupom", "pt_BR")], t(0));
        let id = world.run_campaign(&rows(30));
        world.feed_all(1);
        if code == 0 {
            // A listing does not have it any more.
            world.sync(&[], t(200));
        } else {
            let job = world.take(1, 200).remove(0);
            world.record(&job, &refused(code), t(201));
        }
        assert_eq!(world.go(50, 202), 0, "{code}");
        assert_eq!(world.go(50, 203), 0);
        assert!(world.seen(id).counts.held > 0);
        // A listing that was asked for after that says that it may be sent.
        world.sync(&[told("cupom", "pt_BR")], t(300));
        world.tend_at(t(301));
        assert!(world.go(50, 302) > 20, "{code}");
        world.sound();
    }
}

/// The newest was told, which had been cancelled at once: "0 of 400 accepted" invites to send it again.
#[test]
fn of_two_campaigns_of_a_file_the_one_that_reached_nobody_was_told() {
    let mut world = World::new();
    let rows = rows(4);
    let first = world.run_campaign(&rows);
    world.feed_all(2);
    assert_eq!(world.go(9, 3), 3);
    let second = world.run_campaign(&rows);
    world.do_it(|tx| cancel_campaign(tx, second, t(4)));
    let known = earlier(&world.read, world.account, &[7; 32], "cupom", "pt_BR").unwrap().unwrap();
    assert_eq!((known.id, known.counts.accepted), (first, 3));
}

/// The same file above every row.
fn with_file(rows: Vec<NewRow>) -> Vec<NewRow> {
    let file = Media {
        kind: MediaKind::Image,
        id: None,
        url: None,
        mime_type: Some("image/png".to_owned()),
        sha256: Some("f1".to_owned()),
        file_name: Some("promo.png".to_owned()),
        voice: false,
        animated: false,
        copy: MediaCopy::Stored { path: "media/out-f1.png".to_owned(), size: 5 },
    };
    let with = |row: NewRow| {
        let what = row
            .what
            .map(|sent| SentTemplate { header: Some(SentHeader::Media(file.clone())), ..sent });
        NewRow { what, ..row }
    };
    rows.into_iter().map(with).collect()
}

impl World {
    /// The upload that the messages wait for, once all that are due were found to wait.
    fn upload(&mut self, at: Timestamp) -> Job {
        for _ in 0..6 {
            let mut jobs = self.claim(6, at);
            if let Some(job) = jobs.pop() {
                assert!(matches!(job.kind, JobKind::MediaUpload(_)) && jobs.is_empty(), "{job:?}");
                return job;
            }
        }
        panic!("nothing goes up");
    }

    fn went_up(&mut self, job: &Job, id: &str, at: Timestamp) {
        let arrived = Uploaded::Arrived(MediaId::new(id));
        self.do_it(|tx| finish_upload(tx, job, &arrived, at));
    }
}

fn ids(jobs: &[Job]) -> Vec<Option<&str>> {
    fn id(job: &Job) -> Option<&str> {
        let JobKind::Message(send) = &job.kind else { panic!("{job:?}") };
        send.body.file().unwrap().id.as_ref().map(MediaId::as_str)
    }
    jobs.iter().map(id).collect()
}

#[test]
fn the_file_of_a_campaign_goes_up_once_whatever_is_cut_off_and_anew_when_its_id_ran_out() {
    let mut world = World::new();
    world.run_campaign(&with_file(rows(20)));
    let copy = BTreeSet::from(["media/out-f1.png".to_owned()]);
    assert_eq!(needed(&world.read).unwrap(), copy, "rows that are no messages yet need it");
    world.feed_all(2);
    world.upload(t(2));
    // Killed while it went up: no message is in doubt, and it goes up once more.
    assert!(world.do_it(|tx| rescue(tx, t(3))).is_empty());
    let up = world.upload(t(3));
    world.went_up(&up, "m1", t(4));
    assert!(world.do_it(|tx| rescue(tx, t(4))).is_empty());
    let jobs = world.claim(6, t(5));
    assert_eq!(ids(&jobs), [Some("m1"); 6]);
    for job in &jobs {
        world.record(job, &accepted(&format!("wamid.{}", job.id)), t(6));
    }
    // The rest was held back for longer than Meta keeps a file.
    let late = t(4) + UPLOAD_LIFE;
    let up = world.upload(late);
    world.went_up(&up, "m2", late);
    assert_eq!(ids(&world.claim(20, late)), [Some("m2"); 12]);
    world.sound();
}

#[test]
fn a_copy_is_needed_until_all_that_it_stands_above_are_through() {
    let mut world = World::new();
    let id = world.run_campaign(&with_file(rows(2)));
    let is_needed = |world: &World| !needed(&world.read).unwrap().is_empty();
    world.feed_all(2);
    assert!(is_needed(&world), "its messages wait");
    let up = world.upload(t(2));
    world.went_up(&up, "m1", t(3));
    let jobs = world.claim(6, t(4));
    world.record(&jobs[0], &Verdict::Failed(ApiError::default()), t(5));
    assert!(is_needed(&world), "what failed can be sent again");
    let message = outcomes(&world.read, id, 0, 9).unwrap()[0].message.unwrap();
    world.do_it(|tx| cancel(tx, message, t(7)));
    assert!(!is_needed(&world));
    // Nobody is sent what a cancelled campaign had not come to.
    let rows = with_file(rows(20));
    let new = NewCampaign { again: true, ..world.new_campaign(&rows) };
    let Begun::New(other) = world.do_it(|tx| begin(tx, &new, t(8))) else { panic!("not again") };
    world.do_it(|tx| add(tx, other, &rows));
    world.do_it(|tx| start(tx, other, true));
    assert!(is_needed(&world));
    world.do_it(|tx| cancel_campaign(tx, other, t(9)));
    assert!(!is_needed(&world));
    world.sound();
}

#[test]
fn a_row_that_cannot_be_read_is_left_out_with_the_reason_and_the_others_go() {
    let mut world = World::new();
    let rows = rows(60);
    let id = world.run_campaign(&rows);
    let sql = "UPDATE campaign_row SET extra = '{' WHERE campaign = ?1 AND row IN (2, 30)";
    assert_eq!(world.write.raw().execute(sql, [id.0]).unwrap(), 2);
    world.feed_all(2);
    let (seen, good) = (world.seen(id), rows.iter().filter(|row| row.what.is_ok()).count());
    let good = u32::try_from(good).unwrap();
    assert_eq!((seen.counts.waiting, seen.counts.unwritten), (good - 2, 0));
    let first = outcomes(&world.read, id, 0, 1).unwrap().remove(0);
    assert_eq!(first.state, "skipped");
    assert!(first.reason.is_some_and(|why| why.contains("it cannot be written: unreadable value")));
    for now in 3..20 {
        world.go(20, now);
    }
    assert_eq!(world.seen(id).state(), "done");
    world.sound();
}
