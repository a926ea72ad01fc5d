//! The core against a small outbox and a scripted Meta on virtual time.

mod advice;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::heed::{LIMITED, TROUBLE};
use super::{Answer, Core, Done, End, Now, Policy, Reason, Step};
use crate::domain::id::{
    AccountId, ContactId, ConversationId, MessageId, OutboxId, PhoneNumberId, RequestId, WaId,
    Wamid,
};
use crate::domain::message::{Body, Media, MediaKind, Priority};
use crate::domain::outbox::{
    Acceptance, ApiError, Job, JobKind, MEDIA_LIFE, Outcome, Recipient, Send, Throttle, Verdict,
};
use crate::domain::throttle::Limits;
use crate::domain::time::{Monotonic, Timestamp};
use crate::store::outbox::{Ended, Fetched, Overdue, Room, Unresolved};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    Queued { not_before: Timestamp, tries: u32 },
    Sending { tries: u32 },
    Accepted,
    Failed,
    Uncertain { since: Timestamp },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum File {
    Waits { not_before: Timestamp, tries: u32 },
    UnderWay,
    Failed,
}

type Script = Box<dyn FnMut(Now, &Job) -> (Duration, Outcome)>;

/// One account's world: an outbox with a lane per conversation, and a Meta that answers by script.
struct World {
    core: Core,
    now: Now,
    rows: BTreeMap<i64, (ConversationId, Row)>,
    script: Script,
    flights: Vec<(Monotonic, Job, Answer)>,
    sent: Vec<(Monotonic, i64)>,
    receipts: Vec<i64>,
    files: BTreeMap<i64, File>,
    /// What was noted of uncertain messages.
    heard: BTreeMap<i64, Duration>,
    /// What a look after the messages brings, and how often it was asked for.
    overdue: Overdue,
    tended: usize,
    store_down: bool,
    /// Messages and lanes that another process commits just before the next look.
    late: Vec<(i64, i64)>,
    turns: usize,
    /// How long the wall clock went on while the other stood still.
    slept: Duration,
}

#[test]
fn what_is_due_when_the_machine_wakes_goes_at_once() {
    let mut world = World::new(Policy::default(), at_once);
    world.enqueue([(1, 1)]);
    let not_before = world.now.wall + Duration::from_hours(10);
    world.rows.get_mut(&1).unwrap().1 = Row::Queued { not_before, tries: 0 };
    world.overdue.next = Some(not_before);
    world.run(Duration::from_secs(5));
    assert_eq!(world.sent, []);
    world.slept = Duration::from_hours(11);
    world.pass(Duration::from_secs(1));
    world.core.changed();
    let before = world.tended;
    world.run(Duration::from_secs(3));
    assert_eq!((world.sent.len(), world.tended > before), (1, true));
}

fn accepted() -> Outcome {
    let wamid = Some(Wamid::new("wamid.x"));
    Outcome::Accepted(Acceptance { wamid, ..Acceptance::default() })
}

fn error(code: i64) -> ApiError {
    ApiError { code: Some(code), http_status: 400, ..ApiError::default() }
}

fn at_once(_: Now, _: &Job) -> (Duration, Outcome) {
    (Duration::from_millis(150), accepted())
}

impl World {
    fn new(policy: Policy, script: impl FnMut(Now, &Job) -> (Duration, Outcome) + 'static) -> Self {
        let now = Now {
            wall: Timestamp::from_secs(1_000_000),
            mono: Monotonic(Duration::from_secs(3600)),
        };
        let mut core = Core::new(AccountId(1), policy, &[], now);
        core.listener(true, now);
        Self {
            core,
            now,
            rows: BTreeMap::new(),
            script: Box::new(script),
            flights: Vec::new(),
            sent: Vec::new(),
            receipts: Vec::new(),
            files: BTreeMap::new(),
            heard: BTreeMap::new(),
            overdue: Overdue::default(),
            tended: 0,
            store_down: false,
            late: Vec::new(),
            turns: 0,
            slept: Duration::ZERO,
        }
    }

    fn enqueue(&mut self, messages: impl IntoIterator<Item = (i64, i64)>) {
        self.insert(messages);
        self.core.changed();
    }

    fn insert(&mut self, messages: impl IntoIterator<Item = (i64, i64)>) {
        for (message, lane) in messages {
            let row = Row::Queued { not_before: self.now.wall, tries: 0 };
            self.rows.insert(message, (ConversationId(lane), row));
        }
    }

    fn enqueue_again(&mut self, messages: impl IntoIterator<Item = i64>) {
        for id in messages {
            self.rows.get_mut(&id).unwrap().1 = Row::Queued { not_before: self.now.wall, tries: 0 };
        }
        self.core.changed();
    }

    /// The first of each lane that is not settled, if it is queued and due.
    fn due(
        &self,
        excluded: &BTreeSet<ConversationId>,
    ) -> Vec<(i64, ConversationId, Timestamp, u32)> {
        let mut lanes = BTreeSet::new();
        let heads = self.rows.iter().filter(|(_, (lane, row))| {
            matches!(row, Row::Queued { .. } | Row::Sending { .. }) && lanes.insert(*lane)
        });
        heads
            .filter(|(_, (lane, _))| !excluded.contains(lane))
            .filter_map(|(id, (lane, row))| match row {
                Row::Queued { not_before, tries } => Some((*id, *lane, *not_before, *tries)),
                _ => None,
            })
            .collect()
    }

    fn due_files(&self) -> Vec<(i64, Timestamp, u32)> {
        let waiting = self.files.iter().filter_map(|(id, file)| match file {
            File::Waits { not_before, tries } => Some((*id, *not_before, *tries)),
            File::UnderWay | File::Failed => None,
        });
        waiting.collect()
    }

    fn attach(&mut self, ids: impl IntoIterator<Item = i64>) {
        let file = File::Waits { not_before: self.now.wall, tries: 0 };
        self.files.extend(ids.into_iter().map(|id| (id, file)));
        self.core.changed();
    }

    fn carry_out(&mut self, step: Step) {
        match step {
            Step::Look { .. } | Step::Claim { .. } if self.store_down => {
                self.core.store_failed(self.now);
            }
            Step::Look { room, excluded } => {
                let late = std::mem::take(&mut self.late);
                self.insert(late);
                let due = self.due(&excluded).into_iter().map(|(_, _, due, _)| due);
                let due = due.filter(|_| room.messages > 0);
                let files = self.due_files().into_iter().map(|(_, due, _)| due);
                let due = due.chain(files.filter(|_| room.files > 0)).min();
                let unresolved: Vec<_> = self
                    .rows
                    .iter()
                    .filter_map(|(id, (lane, row))| match row {
                        Row::Uncertain { since } => Some(Unresolved {
                            message: MessageId(*id),
                            conversation: *lane,
                            since: *since,
                            heard: self.heard.get(id).copied().unwrap_or_default(),
                        }),
                        _ => None,
                    })
                    .collect();
                self.core.looked(&unresolved, due, self.now);
            }
            Step::Claim { room, excluded } => {
                let due = self.due(&excluded);
                let due = due.into_iter().filter(|(_, _, due, _)| *due <= self.now.wall);
                let mut jobs: Vec<Job> = due
                    .take(room.messages)
                    .map(|(id, lane, _, tries)| job(id, lane, tries))
                    .collect();
                for job in &jobs {
                    let row = self.rows.get_mut(&job.id.0).unwrap();
                    row.1 = Row::Sending { tries: job.tries_used };
                }
                let files =
                    self.due_files().into_iter().filter(|(_, due, _)| *due <= self.now.wall);
                for (id, _, tries) in files.take(room.files) {
                    self.files.insert(id, File::UnderWay);
                    jobs.push(file(id, tries));
                }
                let any = !jobs.is_empty();
                self.core.claimed(jobs, room, self.now);
                if any {
                    self.core.changed();
                }
            }
            Step::Start(job) => {
                let (latency, outcome) = (self.script)(self.now, &job);
                match job.kind {
                    JobKind::Message(_) => self.sent.push((self.now.mono, job.id.0)),
                    _ => self.receipts.push(job.id.0),
                }
                self.flights.push((self.now.mono + latency, *job, Answer::Outcome(outcome)));
            }
            Step::Tend { .. } => {
                self.tended += 1;
                let overdue = (!self.store_down).then(|| self.overdue.clone());
                self.core.tended(overdue.as_ref(), self.now);
            }
            Step::Hear(heard) => {
                self.heard.extend(heard.into_iter().map(|(id, heard)| (id.0, heard)));
                self.core.noted();
            }
            Step::Resend(messages) => {
                self.enqueue_again(messages.into_iter().map(|id| id.0));
            }
            Step::Write(done) if self.store_down => self.core.not_written(done, self.now),
            Step::Write(done) => {
                self.write(&done);
                self.core.written(&done);
                self.core.changed();
            }
        }
    }

    fn write(&mut self, done: &Done) {
        if let End::Download(fetched) = &done.end {
            let tries = done.job.tries_used;
            let file = match fetched {
                Fetched::Retry { not_before, uses_try } => {
                    File::Waits { not_before: *not_before, tries: tries + u32::from(*uses_try) }
                }
                Fetched::Stored { .. } | Fetched::Failed(_) => File::Failed,
            };
            self.files.insert(done.job.id.0, file);
        }
        let End::Message(verdict) = &done.end else { return };
        let row = &mut self.rows.get_mut(&done.job.id.0).unwrap().1;
        let Row::Sending { tries } = *row else { panic!("{row:?} is written by {done:?}") };
        *row = match verdict {
            Verdict::Accepted(_) => Row::Accepted,
            Verdict::Failed(_) => Row::Failed,
            Verdict::Uncertain(_) => Row::Uncertain { since: done.at },
            Verdict::Retry { not_before, uses_try, .. } => {
                Row::Queued { not_before: *not_before, tries: tries + u32::from(*uses_try) }
            }
        };
    }

    /// Runs until nothing is left to do, or the time is over.
    fn run(&mut self, span: Duration) {
        let end = self.now.mono + span;
        loop {
            self.turns += 1;
            assert!(self.turns < 200_000, "the core spins");
            let steps = self.core.next(self.now);
            if !steps.is_empty() {
                for step in steps {
                    self.carry_out(step);
                }
                continue;
            }
            let landing = self.flights.iter().map(|(at, ..)| *at).min();
            let next = self.core.deadline(self.now).into_iter().chain(landing).min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.pass(next.since(self.now.mono).max(Duration::from_nanos(1)));
            for (_, job, answer) in self.flights.extract_if(.., |(at, ..)| *at <= self.now.mono) {
                let random =
                    if is_file(&job) { 15_485_863 * u64::try_from(self.turns).unwrap() } else { 7 };
                self.core.answered(job, answer, self.now, random);
            }
        }
        if self.now.mono < end {
            self.pass(end.since(self.now.mono));
        }
    }

    /// Wall time has whole milliseconds, so it is derived and not summed.
    fn pass(&mut self, span: Duration) {
        self.now.mono = self.now.mono + span;
        let since = self.now.mono.since(Monotonic(Duration::from_secs(3600)));
        self.now.wall = Timestamp::from_secs(1_000_000) + since + self.slept;
    }

    fn rows_are(&self, row: Row) -> bool {
        self.rows.values().all(|(_, is)| *is == row)
    }

    fn lane(&self, lane: i64) -> Vec<i64> {
        let of_lane = |id: &i64| self.rows[id].0 == ConversationId(lane);
        self.sent.iter().map(|(_, id)| *id).filter(of_lane).collect()
    }
}

fn job(id: i64, lane: ConversationId, tries: u32) -> Job {
    Job {
        id: OutboxId(id),
        account: AccountId(1),
        phone_number: PhoneNumberId::new("1"),
        request: RequestId([0; 16]),
        tries_used: tries,
        priority: Priority::Person,
        kind: JobKind::Message(Send {
            message: MessageId(id),
            conversation: lane,
            contact: ContactId(lane.0),
            recipient: Recipient::Phone(WaId::new("15551230001")),
            body: Body::Text { text: "hi".to_owned(), preview_url: false },
            reply_to: None,
        }),
    }
}

fn file(id: i64, tries: u32) -> Job {
    let media = Media::new(MediaKind::Image);
    let until = Timestamp::from_secs(1_000_000) + MEDIA_LIFE;
    let kind = JobKind::MediaDownload { message: MessageId(id), media, until };
    Job { kind, ..job(id, ConversationId(id), tries) }
}

fn is_file(job: &Job) -> bool {
    matches!(job.kind, JobKind::MediaDownload { .. })
}

fn fastest_second(sent: &[(Monotonic, i64)]) -> usize {
    (0..sent.len())
        .map(|first| {
            let start = sent[first].0;
            sent[first..]
                .iter()
                .take_while(|(at, _)| at.since(start) < Duration::from_secs(1))
                .count()
        })
        .max()
        .unwrap_or(0)
}

#[test]
fn no_second_exceeds_the_rate_and_hardly_a_slot_is_lost() {
    for rate in [80, 1000] {
        let mut world = World::new(Policy::with_rate(rate), at_once);
        world.enqueue((0..i64::from(rate) * 2).map(|n| (n, n)));
        world.run(Duration::from_secs(60));
        assert!(world.rows_are(Row::Accepted));
        assert!(fastest_second(&world.sent) <= usize::try_from(rate).unwrap());
        let took = world.sent.last().unwrap().0.since(world.sent[0].0);
        assert!(took <= Duration::from_millis(2030 * 100 / 97), "{rate}/s took {took:?}");
    }
}

#[test]
fn a_lane_keeps_its_order_through_retries_and_holds_no_other() {
    let mut failures = 0;
    let script = move |_: Now, job: &Job| {
        let fails = job.id == OutboxId(1) && failures < 2;
        failures += i32::from(fails);
        let outcome = if fails { Outcome::RefusedForNow(error(131_016)) } else { accepted() };
        (Duration::from_millis(100), outcome)
    };
    let mut world = World::new(Policy::default(), script);
    world.enqueue([(1, 1), (2, 1), (3, 2), (4, 1), (5, 2)]);
    world.run(Duration::from_secs(60));
    assert_eq!(world.lane(1), [1, 1, 1, 2, 4]);
    assert_eq!(world.lane(2), [3, 5]);
    assert!(world.rows_are(Row::Accepted));
}

/// Reliability at size: 1,000 conversations of five messages, of which one in twenty fails for ever.
#[test]
fn lanes_that_fail_for_ever_keep_their_order_and_slow_no_other_of_a_thousand() {
    let fails = |id: i64| id / 10 % 20 == 0;
    let run = |any: bool| {
        let script = move |_: Now, job: &Job| {
            let fails = any && fails(job.id.0);
            let outcome = if fails { Outcome::RefusedForNow(error(131_016)) } else { accepted() };
            (Duration::from_millis(150), outcome)
        };
        let mut world = World::new(Policy::with_rate(1000), script);
        world.enqueue((0..1000).flat_map(|lane| (0..5).map(move |n| (lane * 10 + n, lane))));
        world.run(Duration::from_secs(3600));
        let begun = world.sent[0].0;
        let others = world.sent.iter().filter(|(_, id)| !fails(*id));
        let took = others.map(|(at, _)| at.since(begun)).max().unwrap();
        (world, took)
    };
    let (_, undisturbed) = run(false);
    let (world, took) = run(true);
    assert!(took <= undisturbed * 11 / 10, "{took:?} instead of {undisturbed:?}");
    let mut last = BTreeMap::new();
    for (_, id) in &world.sent {
        let before = last.insert(id / 10, *id);
        assert!(before.is_none_or(|before| before <= *id), "{id} after {before:?}");
    }
    for (id, (_, row)) in &world.rows {
        let wanted = if fails(*id) { Row::Failed } else { Row::Accepted };
        assert_eq!(*row, wanted, "{id}");
    }
}

#[test]
fn what_another_process_wrote_between_the_claim_and_the_look_goes_at_once() {
    let mut world = World::new(Policy::default(), at_once);
    world.run(Duration::from_secs(1));
    world.late = vec![(1, 1)];
    world.core.changed();
    world.run(Duration::from_millis(200));
    assert!(world.late.is_empty(), "it looked");
    assert_eq!(world.lane(1), [1]);
}

#[test]
fn tries_run_out() {
    let mut world = World::new(Policy::default(), |_, _| {
        (Duration::ZERO, Outcome::RefusedForNow(error(131_016)))
    });
    world.enqueue([(1, 1)]);
    world.run(Duration::from_secs(600));
    assert_eq!(world.sent.len(), 5);
    assert!(world.rows_are(Row::Failed));
}

#[test]
fn an_uncertain_message_holds_its_lane_while_proof_could_come() {
    let unknown = |_: Now, job: &Job| {
        let outcome = if job.id == OutboxId(1) {
            Outcome::Unknown { detail: "no answer".to_owned(), error: None }
        } else {
            accepted()
        };
        (Duration::from_millis(100), outcome)
    };
    let mut world = World::new(Policy::default(), unknown);
    world.enqueue([(1, 1), (2, 1), (3, 2)]);
    world.run(Duration::from_secs(29));
    assert_eq!(world.lane(1), [1]);
    assert_eq!(world.lane(2), [3]);
    world.core.listener(false, world.now);
    world.run(Duration::from_secs(500));
    assert_eq!(world.lane(1), [1], "nobody listened");
    world.core.listener(true, world.now);
    world.run(Duration::from_secs(2));
    assert_eq!(world.lane(1), [1, 2]);
    assert!(matches!(world.rows[&1].1, Row::Uncertain { .. }), "never sent again by itself");
}

#[test]
fn proof_frees_the_lane_at_once() {
    let mut world = World::new(Policy::default(), |_, job| {
        let unknown = Outcome::Unknown { detail: "no answer".to_owned(), error: None };
        (Duration::ZERO, if job.id == OutboxId(1) { unknown } else { accepted() })
    });
    world.enqueue([(1, 1), (2, 1)]);
    world.run(Duration::from_secs(1));
    assert_eq!(world.lane(1), [1]);
    world.rows.get_mut(&1).unwrap().1 = Row::Accepted;
    world.core.changed();
    world.run(Duration::from_secs(1));
    assert_eq!(world.lane(1), [1, 2]);
}

#[test]
fn the_pair_limit_slows_one_lane_and_no_other() {
    let mut world = World::new(Policy::default(), |_, _| (Duration::from_millis(1), accepted()));
    world.enqueue((0..47).map(|n| (n, 1)).chain([(100, 2)]));
    world.run(Duration::from_secs(5));
    assert_eq!(world.lane(1).len(), 45);
    assert_eq!(world.lane(2), [100]);
    world.run(Duration::from_secs(2));
    assert_eq!(world.lane(1).len(), 46);
    world.run(Duration::from_secs(6));
    assert_eq!(world.lane(1).len(), 47);
}

#[test]
fn a_broken_account_keeps_its_queue_and_is_probed_slowly() {
    let mut world = World::new(Policy::default(), |now, _| {
        let fixed = now.wall >= Timestamp::from_secs(1_000_000 + 200);
        let outcome = if fixed { accepted() } else { Outcome::AccountTrouble(error(190)) };
        (Duration::from_millis(100), outcome)
    });
    world.enqueue((0..100).map(|n| (n, n)));
    world.run(Duration::from_secs(20));
    let first = world.sent.len();
    assert!(first <= 32, "{first}");
    assert!(matches!(world.core.paused(), Some(Reason::Trouble(_))));
    assert!(world.rows.values().all(|(_, row)| matches!(row, Row::Queued { tries: 0, .. })));
    world.run(Duration::from_secs(175));
    // Probes after 30, 60 and 120 s; the last of them may have found it mended.
    assert!(world.sent.len() - first <= 3, "{}", world.sent.len() - first);
    world.run(TROUBLE.1);
    assert!(world.rows_are(Row::Accepted));
    assert_eq!(world.core.paused(), None);
}

#[test]
fn the_person_can_have_a_broken_account_tried_at_once() {
    let mut tries = 0;
    let mut world = World::new(Policy::default(), move |_, _| {
        tries += 1;
        (Duration::ZERO, if tries == 1 { Outcome::AccountTrouble(error(190)) } else { accepted() })
    });
    world.enqueue([(1, 1)]);
    world.run(Duration::from_secs(1));
    assert_eq!(world.sent.len(), 1);
    world.core.try_now(world.now);
    world.run(Duration::from_secs(1));
    assert!(world.rows_are(Row::Accepted));
}

#[test]
fn being_offline_uses_up_no_tries() {
    let mut world = World::new(Policy::default(), |now, _| {
        let online = now.wall >= Timestamp::from_secs(1_000_000 + 3600);
        let gone = Outcome::NeverReached("the network is down".to_owned());
        (Duration::ZERO, if online { accepted() } else { gone })
    });
    world.enqueue((0..10).map(|n| (n, n)));
    world.run(Duration::from_secs(3600));
    assert!(matches!(world.core.paused(), Some(Reason::Offline(_))));
    assert!(world.sent.len() < 100, "{}", world.sent.len());
    world.run(Duration::from_secs(120));
    assert!(world.rows_are(Row::Accepted));
}

#[test]
fn throttles_use_up_no_tries() {
    for (limit, code) in
        [(Throttle::Number, 130_429), (Throttle::Pair, 131_056), (Throttle::Account, 4)]
    {
        let mut throttled = 0;
        let mut world = World::new(Policy::default(), move |_, _| {
            throttled += 1;
            let outcome =
                if throttled <= 8 { Outcome::Throttled(limit, error(code)) } else { accepted() };
            (Duration::ZERO, outcome)
        });
        world.enqueue([(1, 1)]);
        world.run(LIMITED.1 * 10);
        assert!(world.rows_are(Row::Accepted), "{limit:?}");
        assert_eq!(world.sent.len(), 9);
    }
}

#[test]
fn little_is_claimed_ahead_of_its_slot() {
    let mut world = World::new(Policy::default(), at_once);
    world.enqueue((0..100).map(|n| (n, n)));
    for _ in 0..200 {
        world.run(Duration::from_millis(5));
        let sending =
            world.rows.values().filter(|(_, row)| matches!(row, Row::Sending { .. })).count();
        // What has slots within 40 ms.
        assert!(sending <= world.flights.len() + 4);
    }
}

#[test]
fn what_is_claimed_while_the_account_stops_goes_back_at_once() {
    for (trouble, span) in [
        (Outcome::AccountTrouble(error(190)), TROUBLE.0),
        (Outcome::Throttled(Throttle::Number, error(130_429)), Duration::from_secs(1)),
    ] {
        let mut world = World::new(Policy::default(), |_, _| (Duration::from_secs(20), accepted()));
        world.enqueue([(1, 1)]);
        world.run(Duration::from_secs(1));
        let (_, first, _) = world.flights.remove(0);
        world.enqueue([(2, 2)]);
        let claim = loop {
            world.pass(Duration::from_millis(1));
            let mut steps = world.core.next(world.now);
            let claims = |step: &Step| matches!(step, Step::Claim { .. });
            let claim = steps.extract_if(.., |step| claims(step)).next();
            for step in steps {
                world.carry_out(step);
            }
            if let Some(claim) = claim {
                break claim;
            }
        };
        world.core.answered(first, Answer::Outcome(trouble), world.now, 7);
        world.carry_out(claim);
        world.run(span / 2);
        assert!(matches!(world.rows[&2].1, Row::Queued { tries: 0, .. }), "{:?}", world.rows[&2]);
        assert_eq!(world.lane(2).len(), 0);
        world.run(span * 3);
        assert_eq!(world.lane(2).len(), 1);
    }
}

#[test]
fn a_probe_without_an_answer_does_not_make_a_limit_last_longer() {
    let mut tries = 0;
    let mut world = World::new(Policy::default(), move |_, _| {
        tries += 1;
        let lost = Outcome::Unknown { detail: "no answer".to_owned(), error: None };
        let limited = Outcome::Throttled(Throttle::Account, error(4));
        (Duration::ZERO, if tries == 1 { limited } else { lost })
    });
    world.enqueue((0..10).map(|n| (n, n)));
    world.run(LIMITED.0 * 5 + Duration::from_secs(1));
    let first = world.sent[0].0;
    let probes = world.sent.iter().map(|(at, _)| at.since(first)).filter(|after| !after.is_zero());
    let after: Vec<_> = probes.collect();
    assert_eq!(after.len(), 5, "{after:?}");
    assert!(after.windows(2).all(|two| two[1] < two[0] + LIMITED.0 * 2), "{after:?}");
    assert!(matches!(world.core.paused(), Some(Reason::Limited(_))));
}

#[test]
fn in_flight_has_a_cap() {
    let policy = Policy { in_flight: Some(5), ..Policy::default() };
    let mut world = World::new(policy, |_, _| (Duration::from_secs(10), accepted()));
    world.enqueue((0..20).map(|n| (n, n)));
    world.run(Duration::from_secs(9));
    assert_eq!(world.flights.len(), 5);
    world.run(Duration::from_secs(60));
    assert!(world.rows_are(Row::Accepted));
}

#[test]
fn what_is_known_is_written_when_the_store_can_again() {
    let mut world = World::new(Policy::default(), at_once);
    world.enqueue([(1, 1), (2, 2)]);
    world.run(Duration::from_millis(50));
    world.store_down = true;
    world.run(Duration::from_secs(10));
    assert!(world.rows_are(Row::Sending { tries: 0 }));
    world.store_down = false;
    world.run(Duration::from_secs(2));
    assert!(world.rows_are(Row::Accepted));
    assert_eq!(world.sent.len(), 2);
}

#[test]
fn stopping_gives_back_what_was_not_started() {
    let mut world = World::new(Policy::default(), at_once);
    world.enqueue((0..50).map(|n| (n, n)));
    world.run(Duration::from_millis(100));
    world.core.stop(world.now);
    world.run(Duration::from_secs(1));
    assert!(world.core.is_settled());
    assert!(
        world
            .rows
            .values()
            .all(|(_, row)| matches!(row, Row::Accepted | Row::Queued { tries: 0, .. }))
    );
    assert!(world.rows.values().any(|(_, row)| matches!(row, Row::Queued { .. })));
    assert_eq!(world.core.deadline(world.now), None);
}

#[test]
fn nothing_to_do_is_nothing_to_wake_for() {
    let mut world = World::new(Policy::default(), at_once);
    world.run(Duration::from_secs(1));
    assert_eq!(world.core.deadline(world.now), None);
    world.enqueue([(1, 1)]);
    // What a change brings is looked at once more, and that is all.
    world.run(Duration::from_secs(31));
    assert_eq!(world.core.deadline(world.now), None);
    assert!(world.tended <= 4, "{}", world.tended);
}

#[test]
fn a_restart_keeps_to_the_limits() {
    let mut world = World::new(Policy::default(), at_once);
    let requests: Vec<_> = (0..80)
        .map(|n| crate::store::outbox::SentRequest {
            at: world.now.wall - Duration::from_millis(100),
            conversation: ConversationId(n),
        })
        .collect();
    world.core = Core::new(AccountId(1), Policy::default(), &requests, world.now);
    world.enqueue([(1000, 1000)]);
    world.run(Duration::from_millis(890));
    assert_eq!(world.sent, []);
    world.run(Duration::from_secs(1));
    assert!(world.rows_are(Row::Accepted));
}

#[test]
fn receipts_are_repeated_without_doubt() {
    let mut world = World::new(Policy::default(), |_, _| {
        (Duration::ZERO, Outcome::Unknown { detail: "no answer".to_owned(), error: None })
    });
    let receipt = JobKind::ReadReceipt { wamid: Wamid::new("wamid.y") };
    let claimed = Job { kind: receipt, ..job(9, ConversationId(1), 0) };
    for step in world.core.next(world.now) {
        world.carry_out(step);
    }
    world.core.claimed(vec![claimed.clone()], Room { receipts: 1, ..Room::default() }, world.now);
    let Some(Step::Start(job)) = world.core.next(world.now).into_iter().next() else { panic!() };
    assert_eq!(*job, claimed);
    let outcome = Outcome::Unknown { detail: "no answer".to_owned(), error: None };
    world.core.answered(*job, Answer::Outcome(outcome), world.now, 0);
    let steps = world.core.next(world.now);
    let written = steps.iter().find_map(|step| match step {
        Step::Write(done) => Some(done.end.clone()),
        _ => None,
    });
    assert_eq!(
        written,
        Some(End::Receipt(Ended::Retry { not_before: world.now.wall, uses_try: true }))
    );
}

#[test]
fn what_waited_for_a_sender_goes_at_once() {
    let mut world = World::new(Policy::default(), at_once);
    let row = Row::Queued { not_before: world.now.wall, tries: 0 };
    world.rows.insert(1, (ConversationId(1), row));
    let start = world.now.mono;
    world.run(Duration::from_secs(2));
    assert_eq!(world.sent, [(start, 1)]);
}

#[test]
fn what_an_earlier_sender_left_uncertain_holds_its_lane_however_the_start_goes() {
    for (heard_first, broken_first) in [(false, false), (true, false), (true, true)] {
        let mut world = World::new(Policy::default(), at_once);
        let (left, queued) = (
            Row::Uncertain { since: world.now.wall },
            Row::Queued { not_before: world.now.wall, tries: 0 },
        );
        world.rows.insert(1, (ConversationId(1), left));
        world.rows.insert(2, (ConversationId(1), queued));
        if heard_first {
            world.core.changed();
        }
        if broken_first {
            world.store_down = true;
            world.run(Duration::from_secs(3));
            world.store_down = false;
        }
        world.run(Duration::from_secs(29));
        assert!(world.sent.is_empty(), "{:?}", world.sent);
        world.run(Duration::from_secs(3));
        assert_eq!(world.sent.len(), 1);
    }
}

#[test]
fn a_file_that_cannot_be_fetched_does_not_pause_messages() {
    for wrong in [
        Outcome::RefusedForNow(ApiError { http_status: 403, ..ApiError::default() }),
        Outcome::NeverReached("connection refused".to_owned()),
        Outcome::Throttled(Throttle::Account, error(4)),
    ] {
        let script = move |_: Now, job: &Job| {
            let outcome = if is_file(job) { wrong.clone() } else { accepted() };
            (Duration::from_millis(100), outcome)
        };
        let mut world = World::new(Policy::default(), script);
        world.attach([1000]);
        for n in 0..100 {
            world.enqueue([(n, n)]);
            world.run(Duration::from_secs(1));
            assert_eq!(world.core.paused(), None);
        }
        assert!(world.rows_are(Row::Accepted));
        assert_ne!(world.files[&1000], File::Failed);
    }
}

#[test]
fn a_slow_file_does_not_keep_a_broken_account_from_its_probe() {
    let mut tries = 0;
    let mut world = World::new(Policy::default(), move |_, job| {
        if is_file(job) {
            return (Duration::from_secs(3600), Outcome::NeverReached("cut".to_owned()));
        }
        tries += 1;
        (Duration::ZERO, if tries == 1 { Outcome::AccountTrouble(error(190)) } else { accepted() })
    });
    world.attach([1000]);
    world.run(Duration::from_secs(1));
    world.enqueue([(1, 1)]);
    world.run(Duration::from_secs(40));
    assert!(world.rows_are(Row::Accepted));
    assert_eq!(world.core.paused(), None);
}

#[test]
fn a_file_is_asked_for_as_long_as_its_id_is_good() {
    let mut world = World::new(Policy::default(), |_, _| {
        (Duration::ZERO, Outcome::RefusedForNow(ApiError::default()))
    });
    world.attach([1]);
    world.run(MEDIA_LIFE.saturating_sub(Duration::from_secs(3600)));
    assert!(matches!(world.files[&1], File::Waits { .. }));
    world.run(Duration::from_secs(2 * 3600));
    assert_eq!(world.files[&1], File::Failed);

    let mut world =
        World::new(Policy::default(), |_, _| (Duration::ZERO, Outcome::RefusedForGood(error(33))));
    world.attach([1]);
    world.run(Duration::from_secs(1));
    assert_eq!(world.files[&1], File::Failed);
}

#[test]
fn files_that_wait_for_their_turn_wait_in_the_store() {
    let mut world = World::new(Policy::default(), |_, _| {
        (Duration::from_secs(600), Outcome::NeverReached("slow".to_owned()))
    });
    world.attach(0..50);
    world.run(Duration::from_secs(1));
    let turns = world.turns;
    world.run(Duration::from_secs(500));
    assert!(world.turns < turns + 10, "it asks again and again");
    let under_way = world.files.values().filter(|file| **file == File::UnderWay).count();
    assert_eq!(under_way, super::FILES);
}

#[test]
fn an_account_that_hears_nothing_about_its_messages_rests() {
    let mut world = World::new(Policy::default(), |now, _| {
        let mended = now.wall >= Timestamp::from_secs(1_000_000 + 600);
        let lost = Outcome::Unknown { detail: "no answer".to_owned(), error: None };
        (Duration::from_millis(100), if mended { accepted() } else { lost })
    });
    world.enqueue((0..200).map(|n| (n, n)));
    world.run(Duration::from_secs(29));
    assert_eq!(world.core.paused(), Some(&Reason::Circuit));
    let first = world.sent.len();
    assert!(first <= 32, "{first}");
    world.run(Duration::from_secs(560));
    assert!(world.sent.len() - first <= 5, "one at a time: {}", world.sent.len() - first);
    world.run(Duration::from_secs(400));
    assert_eq!(world.core.paused(), None);
    assert!(world.rows.values().all(|(_, row)| !matches!(row, Row::Queued { .. })));
}

#[test]
fn quitting_waits_for_no_file() {
    let mut world = World::new(Policy::default(), |_, job| {
        let slow = Duration::from_secs(if is_file(job) { 3600 } else { 2 });
        (slow, accepted())
    });
    world.attach(0..10);
    world.enqueue([(1, 1)]);
    world.run(Duration::from_secs(1));
    world.core.stop(world.now);
    assert!(!world.core.is_settled(), "the message is still under way");
    world.flights.retain(|(_, job, _)| !is_file(job));
    world.run(Duration::from_secs(2));
    assert!(world.core.is_settled());
    assert!(world.rows_are(Row::Accepted));
}

#[test]
fn an_outcome_that_the_store_refuses_is_offered_until_it_is_taken() {
    let mut world = World::new(Policy::default(), at_once);
    world.enqueue([(1, 1)]);
    world.run(Duration::from_millis(50));
    world.store_down = true;
    world.run(Duration::from_secs(3600));
    assert_eq!(world.core.unwritten(), 1);
    assert!(world.turns < 20_000, "{} turns in an hour", world.turns);
    world.store_down = false;
    world.run(super::WRITE_RETRY.1);
    assert!(world.rows_are(Row::Accepted));
    assert_eq!(world.core.unwritten(), 0);
}

#[test]
fn the_circuit_opens_and_one_probe_at_a_time_finds_out_when_it_may_close() {
    let mut world = World::new(Policy::default(), |now, _| {
        let mended = now.wall >= Timestamp::from_secs(1_000_000 + 200);
        let down = Outcome::RefusedForNow(error(131_016));
        (Duration::from_millis(100), if mended { accepted() } else { down })
    });
    world.enqueue((0..100).map(|n| (n, n)));
    world.run(Duration::from_secs(5));
    assert_eq!(world.core.paused(), Some(&Reason::Circuit));
    let opened = world.sent.len();
    assert!((10..=32).contains(&opened), "{opened}");
    let stop = world.core.gauge(world.now).stop.unwrap();
    assert!(stop.until.since(world.now.wall) <= Duration::from_secs(30), "{stop:?}");
    world.run(Duration::from_secs(190));
    // After 30, 60 and 120 s; the last of them is the one that closes it.
    assert_eq!(world.sent.len() - opened, 2);
    let waits: Vec<u64> = world.sent[opened..]
        .iter()
        .map(|(at, _)| at.since(world.sent[opened - 1].0).as_secs())
        .collect();
    assert_eq!(waits, [30, 90], "doubled");
    let tries = |row: &Row| match row {
        Row::Queued { tries, .. } => Some(*tries),
        _ => None,
    };
    let lost: u32 = world.rows.values().filter_map(|(_, row)| tries(row)).sum();
    assert!(lost <= u32::try_from(opened).unwrap(), "probes and those who wait lose none: {lost}");
    world.run(Duration::from_secs(400));
    assert_eq!(world.core.paused(), None);
    assert!(world.rows_are(Row::Accepted));
}

#[test]
fn a_limit_slows_its_own_bucket_and_nothing_else() {
    // 131056 is about one person, 130429 about the number for a moment, 4 and 80007 about all its calls.
    for (code, limit, others) in [
        (131_056, Throttle::Pair, true),
        (130_429, Throttle::Number, false),
        (4, Throttle::Account, false),
        (80_007, Throttle::Account, false),
    ] {
        let mut refused = false;
        let mut world = World::new(Policy::default(), move |_, job| {
            let first = job.id == OutboxId(1) && !std::mem::replace(&mut refused, true);
            let throttled = Outcome::Throttled(limit, error(code));
            (Duration::ZERO, if first { throttled } else { accepted() })
        });
        world.enqueue([(1, 1)]);
        world.run(Duration::from_millis(100));
        world.enqueue([(2, 2)]);
        world.run(Duration::from_millis(500));
        assert_eq!(world.lane(2).len(), usize::from(others), "{code}");
        let gauge = world.core.gauge(world.now);
        assert_eq!(gauge.rests_until.is_some(), limit == Throttle::Number, "{code}");
        assert_eq!(gauge.limited_people, u32::from(limit == Throttle::Pair), "{code}");
        assert_eq!(gauge.stop.is_some(), limit == Throttle::Account, "{code}");
        let Row::Queued { tries, .. } = world.rows[&1].1 else { panic!("{code}") };
        assert_eq!(tries, 0, "{code} uses up no try");
        world.run(LIMITED.0 * 2);
        assert!(world.rows_are(Row::Accepted), "{code}");
    }
}

#[test]
fn the_rate_follows_what_meta_allows_and_never_exceeds_what_the_person_set() {
    let allowed = |rate| Limits { rate: Some(rate), people: None };
    for (policy, said, rate) in [
        (Policy::default(), 20, 20),
        (Policy::default(), 1000, 1000),
        (Policy::with_rate(50), 1000, 50),
        (Policy::with_rate(1000), 80, 80),
    ] {
        let mut world = World::new(policy, |_, _| (Duration::from_millis(50), accepted()));
        world.core.allowed(allowed(said), world.now);
        world.enqueue((0..i64::from(rate) * 3).map(|n| (n, n)));
        world.run(Duration::from_secs(10));
        assert!(world.rows_are(Row::Accepted));
        assert!(fastest_second(&world.sent) <= usize::try_from(rate).unwrap());
        let took = world.sent.last().unwrap().0.since(world.sent[0].0);
        assert!(took <= Duration::from_millis(3050 * 100 / 97), "{rate}/s took {took:?}");
        assert_eq!(world.core.gauge(world.now).limit, rate);
    }
}

#[test]
fn a_lowered_rate_counts_from_its_first_second() {
    let mut world = World::new(Policy::default(), at_once);
    world.enqueue((0..200).map(|n| (n, n)));
    world.run(Duration::from_millis(700));
    let before = world.sent.len();
    world.core.allowed(Limits { rate: Some(20), people: None }, world.now);
    world.run(Duration::from_secs(30));
    assert!(world.rows_are(Row::Accepted));
    assert!(fastest_second(&world.sent[before..]) <= 20);
    let pause = world.sent[before].0.since(world.sent[before - 1].0);
    assert!(pause >= Duration::from_secs(1), "{pause:?}");
}

#[test]
fn what_comes_in_counts_against_the_rate() {
    let mut world = World::new(Policy::default(), at_once);
    world.enqueue((0..400).map(|n| (n, n)));
    let mut came_in = Vec::new();
    for _ in 0..20 {
        world.core.came_in(4, world.now);
        came_in.extend([(world.now.mono, -1); 4]);
        world.run(Duration::from_millis(100));
    }
    let mut both = [world.sent.clone(), came_in].concat();
    both.sort_unstable();
    assert!(fastest_second(&both) <= 84, "{}", fastest_second(&both));
    assert!((70..=90).contains(&world.sent.len()), "half of two seconds: {}", world.sent.len());
    assert!(world.core.gauge(world.now).used >= 60);
    // A flood stalls it for a second, not for as long as it would have taken to send.
    world.core.came_in(10_000, world.now);
    let before = world.sent.len();
    world.run(Duration::from_secs(2));
    assert!(world.sent.len() - before >= 60, "{}", world.sent.len() - before);
}

#[test]
fn an_uncertain_message_is_sent_again_after_a_while_only_if_the_config_says_so() {
    let unknown = |_: Now, _: &Job| {
        (Duration::ZERO, Outcome::Unknown { detail: "no answer".to_owned(), error: None })
    };
    let mut world = World::new(Policy::default(), unknown);
    world.enqueue([(1, 1)]);
    world.run(Duration::from_secs(24 * 3600));
    assert_eq!(world.sent.len(), 1, "it asks");

    let policy = Policy { resend_after: Some(Duration::from_secs(600)), ..Policy::default() };
    let mut world = World::new(policy, unknown);
    world.enqueue([(1, 1)]);
    world.run(Duration::from_secs(300));
    world.core.listener(false, world.now);
    world.run(Duration::from_secs(3600));
    assert_eq!(world.sent.len(), 1, "nobody could have heard the proof");
    world.core.listener(true, world.now);
    world.run(Duration::from_secs(299));
    assert_eq!(world.sent.len(), 1);
    world.run(Duration::from_secs(2));
    assert_eq!(world.sent.len(), 2);
}

#[test]
fn what_was_heard_of_an_uncertain_message_is_noted_when_its_time_is_over_and_at_the_end() {
    let unknown = |_: Now, _: &Job| {
        (Duration::ZERO, Outcome::Unknown { detail: "no answer".to_owned(), error: None })
    };
    let mut world = World::new(Policy::default(), unknown);
    world.enqueue([(1, 1)]);
    world.run(Duration::from_secs(20));
    world.enqueue([(2, 2)]);
    world.run(Duration::from_secs(11));
    assert_eq!(world.heard.keys().copied().collect::<Vec<_>>(), [1]);
    world.core.stop(world.now);
    world.run(Duration::from_secs(1));
    assert!(world.core.is_settled());
    let heard = world.heard[&2];
    assert!(heard > Duration::from_secs(10) && heard <= Duration::from_secs(11), "{heard:?}");
}

#[test]
fn trouble_that_a_status_reports_pauses_the_account() {
    let mut world = World::new(Policy::default(), at_once);
    world.overdue.trouble = Some((131_042, world.now.wall - Duration::from_secs(60)));
    world.enqueue([(1, 1)]);
    world.run(Duration::from_secs(2));
    assert_eq!(world.core.paused(), None, "that was before this sender began");
    world.overdue.trouble = Some((131_042, world.now.wall));
    world.core.changed();
    world.run(Duration::from_secs(2));
    assert!(matches!(world.core.paused(), Some(Reason::Trouble(_))));
    world.enqueue([(2, 2)]);
    world.run(Duration::from_secs(20));
    assert_eq!(world.sent.len(), 1);
    world.run(TROUBLE.0);
    assert!(world.rows_are(Row::Accepted), "a probe finds that it is mended");
    assert_eq!(world.core.paused(), None);
}

#[test]
fn messages_are_tended_when_their_time_comes_even_while_the_account_cannot_send() {
    let mut world =
        World::new(Policy::default(), |_, _| (Duration::ZERO, Outcome::AccountTrouble(error(190))));
    world.enqueue([(1, 1)]);
    world.run(Duration::from_secs(40));
    let due = world.now.wall + Duration::from_secs(100);
    world.overdue.next = Some(due);
    world.core.changed();
    world.run(Duration::from_secs(2));
    world.run(Duration::from_secs(97));
    assert!(matches!(world.core.paused(), Some(Reason::Trouble(_))));
    let before = world.tended;
    world.overdue.next = None;
    world.run(Duration::from_secs(3));
    assert_eq!(world.tended, before + 1, "woken for the time");
}
