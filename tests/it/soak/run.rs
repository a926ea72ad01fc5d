//! One run: the machine with its sender, its listener and its store on one side, Meta on the other, a
//! network in between, and a queue of what happens next. Everything is on one thread and on one time.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;
use twoticks::api::{request, response, signature, webhook};
use twoticks::domain::id::{
    AccountId, ConversationId, MessageId, PhoneNumberId, RequestId, UserId, WaId, WabaId,
};
use twoticks::domain::message::{Body, NewMessage, Priority};
use twoticks::domain::outbox::{ApiError, Decision, Job, JobKind, Outcome};
use twoticks::domain::state::{HoldReason, State};
use twoticks::domain::time::{Clock as _, Monotonic, Timestamp};
use twoticks::service::sender::core::{Answer, Core, Done, Now, Policy, Step};
use twoticks::service::sender::entropy::Entropy as _;
use twoticks::service::sender::errand;
use twoticks::service::sender::transport::{Answering, Transport as _};
use twoticks::sim::{
    Delays, Delivery, Language, Method, Persona, PostOutcome, Request, Sample, Strangers, Weather,
    WebhookPost, Words, World, WorldConfig,
};
use twoticks::store::account::NewAccount;
use twoticks::store::conversation::{begin_conversation, begin_conversation_with_user, mark_read};
use twoticks::store::dump::logical_dump;
use twoticks::store::ingest::{RawPost, ingest};
use twoticks::store::outbox::Terms;
use twoticks::store::{Error, ReadConn, WriteConn, outbox};

use super::dice::Dice;
use super::plan::{Act, PEOPLE, TROUBLE, plan};
use super::watch::Watch;
use super::wire::{Clocks, Wire, poll};

/// Meta's clock when a run begins.
const BEGIN: Timestamp = Timestamp::from_secs(1_800_000_000);

/// After all is mended: longer than any wait of Meta's and of ours.
const HEALING: Duration = Duration::from_secs(4 * 3600);

/// A fault that is left over costs no more than this: the longest wait that a refusal leads to.
const FAULT: Duration = Duration::from_secs(600);

/// How long the sender waits for an answer, and for a connection.
const TIMEOUT: Duration = Duration::from_secs(30);
const NO_ROUTE: Duration = Duration::from_secs(10);

/// How much two requests may change their distance on the way to Meta: what the limiter allows for.
const JITTER: Duration = Duration::from_millis(8);

/// Messages per second.
pub(super) const RATE: u32 = 20;

/// A mistake put in on purpose, to see that it is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    None,
    /// What nobody knows the fate of is sent again by itself.
    RepeatsUnknown,
    /// Now and then a webhook is answered 200 and not stored.
    ForgetsWebhooks,
    /// A message waits for no other of its conversation.
    Overtakes,
}

/// The sender's process: gone with all it knew when it dies.
struct Sender {
    core: Core,
    /// When it began: its monotonic clock starts there.
    began: Duration,
    wake: Option<Duration>,
    /// Its requests, which go with it.
    under_way: BTreeMap<RequestId, (Box<Job>, Answering)>,
}

/// What the core waits for from the store.
enum Work {
    Look(outbox::Room, std::collections::BTreeSet<ConversationId>),
    Claim(outbox::Room, std::collections::BTreeSet<ConversationId>),
    Write(Box<Done>),
    Tend(bool),
    Hear(Vec<(MessageId, Duration)>),
}

enum Event {
    Act(Act),
    /// A process with this number of the sender has its turn, its errand done, or an answer.
    Errand(u64, Work),
    Answer(u64, Box<Job>, Answer),
    /// A request reaches Meta.
    Arrive(u64, Box<Job>),
    /// A webhook reaches the listener.
    Post(WebhookPost),
    /// The listener's answer reaches Meta.
    Settled(u64, PostOutcome),
    /// A sender starts.
    Start,
    /// What another process wrote is noticed.
    Noticed,
    /// A sender that was asked to stop has had its time.
    Ended(u64),
}

pub(super) struct Run {
    dice: Dice,
    time: Duration,
    events: BTreeMap<(Duration, u64), Event>,
    planned: u64,
    meta: World,
    secret: Vec<SecretString>,
    store: WriteConn,
    read: ReadConn,
    account: AccountId,
    new_account: NewAccount,
    phone_number: String,
    token: String,
    sender: Option<Sender>,
    process: u64,
    /// How far the machine's wall clock is ahead of Meta's, in milliseconds.
    ahead: i64,
    /// The furthest it ever was: what is planned may be planned for then.
    furthest: i64,
    clocks: Clocks,
    wire: Wire,
    network: bool,
    listener: bool,
    store_works: bool,
    /// When the writer has done all that it was given so far.
    written: Duration,
    turns: usize,
    flaw: Flaw,
    watch: Watch,
}

fn personas() -> Vec<Persona> {
    let numbers = ["15551230001", "15551230002", "554799990003", "5215512340004", "4915112340005"];
    (0..PEOPLE)
        .map(|index| Persona {
            name: format!("Person {index}"),
            username: None,
            number: (index + 1 < PEOPLE).then(|| {
                numbers.get(index).map_or_else(|| format!("1555123{index:04}"), |n| (*n).to_owned())
            }),
            user_id: format!("BR.100{index}"),
            language: Language::English,
            answers: index == 1,
            reads: index % 3 != 2,
            window_open: true,
        })
        .collect()
}

/// The number as a person types it, where Meta's spelling is another.
const TYPED: [(usize, &str); 2] = [(2, "5547999990003"), (3, "525512340004")];

impl Run {
    pub(super) fn new(seed: u64, dir: &Path, template: &[u8], flaw: Flaw) -> Self {
        let mut dice = Dice::new(seed);
        let config = WorldConfig {
            people: personas(),
            strangers: Strangers::WindowOpen,
            rate_per_second: RATE,
            delays: Delays {
                sent: (Duration::from_millis(1), dice.millis(1, 2_000)),
                delivered: (Duration::ZERO, dice.millis(0, 5_000)),
                read: (Duration::ZERO, dice.millis(0, 60_000)),
                ..Delays::default()
            },
            weather: Weather {
                duplicated: *dice.pick(&[0, 0, 100, 500]),
                shuffled_within: *dice.pick(&[Duration::ZERO, Duration::from_secs(20)]),
                delivered_skipped: *dice.pick(&[0, 300]),
            },
            statuses_per_post: *dice.pick(&[1, 8]),
            unprompted_every: None,
            ..WorldConfig::default()
        };
        let path = dir.join("twoticks.db");
        std::fs::write(&path, template).expect("template");
        let mut store = WriteConn::open(&path, BEGIN).expect("store");
        let read = ReadConn::open(&path).expect("store");
        let new_account = NewAccount {
            name: "shop".to_owned(),
            phone_number: PhoneNumberId::new(config.phone_number_id.clone()),
            waba: Some(WabaId::new(config.waba_id.clone())),
            display_number: None,
        };
        let ((ids, _), _) = store
            .write(|tx| errand::begin(tx, std::slice::from_ref(&new_account), BEGIN))
            .expect("account");
        let acts = plan(&mut dice);
        let watch = Watch::new(&path);
        let mut run = Self {
            secret: vec![SecretString::from(config.app_secret.clone())],
            phone_number: config.phone_number_id.clone(),
            token: config.token.clone(),
            meta: World::new(dice.roll(), config),
            dice,
            time: Duration::ZERO,
            events: BTreeMap::new(),
            planned: 0,
            store,
            read,
            account: ids[0],
            new_account,
            sender: None,
            process: 0,
            ahead: 0,
            furthest: 0,
            clocks: Clocks::default(),
            wire: Wire::default(),
            network: true,
            listener: true,
            store_works: true,
            written: Duration::ZERO,
            turns: 0,
            flaw,
            watch,
        };
        run.plan(Duration::ZERO, Event::Start);
        for (at, act) in acts {
            run.plan(at, Event::Act(act));
        }
        run
    }

    /// Goes through the troubles, mends all, and lets things settle. What was found, if anything.
    pub(super) fn finish(mut self) -> Result<Watch, String> {
        self.until(TROUBLE)?;
        let mended = [
            Act::Webhooks(true),
            Act::Token(true),
            Act::Network(true),
            Act::Listener(true),
            Act::Store(true),
            Act::Paused(false),
            // A clock that was set back for good would put off what is planned by as much.
            Act::Clock(self.furthest - self.ahead),
        ];
        for act in mended {
            self.act(act)?;
        }
        // Whoever holds a message lets it go in the end.
        for id in self.watch.in_state(&[State::Held]) {
            self.decide_about(id, Decision::WhenPossible)?;
        }
        self.heal()?;
        let held = self.watch.settled(&self.store, &self.read, &self.meta)?;
        if !held.is_empty() {
            self.reopen(held)?;
        }
        self.watch.end = logical_dump(&self.read).map_err(|error| error.to_string())?;
        Ok(self.watch)
    }

    /// Lets all that is under way come to its end.
    fn heal(&mut self) -> Result<(), String> {
        let faults = u32::try_from(self.meta.faults_waiting()).expect("a few");
        self.until(self.time + HEALING + FAULT * faults)
    }

    /// By the machine's clock the windows of these are closed: it is set right, and once that is believed, the
    /// customers write again.
    fn reopen(&mut self, held: Vec<MessageId>) -> Result<(), String> {
        let ahead = Duration::from_millis(u64::try_from(self.ahead).unwrap_or_default());
        self.act(Act::Clock(-self.ahead))?;
        // While it is behind what it said before, it goes at half its speed.
        self.until(self.time + 2 * ahead + Duration::from_secs(60))?;
        for id in held {
            self.decide_about(id, Decision::WhenPossible)?;
        }
        for person in 0..PEOPLE {
            self.act(Act::Say { person, picture: false })?;
        }
        self.heal()?;
        match self.watch.settled(&self.store, &self.read, &self.meta)?.first() {
            Some(id) => Err(format!("message {id} is held although they wrote")),
            None => Ok(()),
        }
    }

    fn until(&mut self, end: Duration) -> Result<(), String> {
        loop {
            let event = self.events.first_key_value().map(|((at, _), _)| *at);
            let meta = self.meta.due().map(|due| due.since(BEGIN));
            let wake = self.sender.as_ref().and_then(|sender| sender.wake);
            let next = [event, meta, wake].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.turns += 1;
            if self.turns > 200_000 {
                return Err("it spins".to_owned());
            }
            self.time = self.time.max(next);
            self.watch.time = self.time;
            for post in self.meta.advance(self.meta_now()) {
                self.watch.posted(&post);
                let way = self.dice.millis(5, 200);
                self.plan(way, Event::Post(post));
            }
            while let Some(entry) =
                self.events.first_entry().filter(|entry| entry.key().0 <= self.time)
            {
                let event = entry.remove();
                self.handle(event)?;
            }
            self.turn()?;
        }
        self.time = end;
        Ok(())
    }

    fn plan(&mut self, after: Duration, event: Event) {
        self.planned += 1;
        self.events.insert((self.time + after, self.planned), event);
    }

    fn meta_now(&self) -> Timestamp {
        BEGIN + self.time
    }

    /// The clocks of the machine as its processes read them.
    fn now(&mut self) -> Now {
        let began = self.sender.as_ref().map_or(Duration::ZERO, |sender| sender.began);
        let mono = Monotonic(self.time.saturating_sub(began));
        let system = Timestamp::from_millis(self.meta_now().millis() + self.ahead);
        self.clocks.set(system, mono);
        let now = Now { wall: self.clocks.now(), mono: self.clocks.monotonic() };
        self.watch.clock_says(now.wall);
        now
    }

    fn handle(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Act(act) => return self.act(act),
            Event::Start => self.start()?,
            Event::Noticed => {
                if let Some(sender) = &mut self.sender {
                    sender.core.changed();
                }
            }
            Event::Ended(process) if process == self.process => self.die()?,
            Event::Ended(_) => {}
            Event::Errand(process, work) => {
                if process == self.process && self.sender.is_some() {
                    self.errand(work)?;
                }
            }
            Event::Answer(process, job, answer) => {
                let now = self.now();
                let random = self.dice.roll();
                let answer = match answer {
                    Answer::Outcome(Outcome::Unknown { .. })
                        if self.flaw == Flaw::RepeatsUnknown =>
                    {
                        Answer::Outcome(Outcome::RefusedForNow(ApiError::default()))
                    }
                    other => other,
                };
                if let Some(sender) = self.sender.as_mut().filter(|_| process == self.process) {
                    if matches!(answer, Answer::Outcome(Outcome::Unknown { .. })) {
                        self.watch.unknown(&job);
                    }
                    self.wire.answer(job.request, answer);
                    let request = sender.under_way.remove(&job.request);
                    let (job, mut answering) = request.ok_or("an answer to no request")?;
                    let answer = poll(&mut answering).ok_or("an answer that does not arrive")?;
                    sender.core.answered(*job, answer, now, random);
                }
            }
            Event::Arrive(process, job) => return self.arrive(process, job),
            Event::Post(post) => return self.post(&post),
            Event::Settled(id, outcome) => {
                self.meta.webhook_answered(self.meta_now(), id, outcome);
            }
        }
        Ok(())
    }

    /// A sender begins: what an earlier one left is uncertain, and its requests count.
    fn start(&mut self) -> Result<(), String> {
        if self.sender.is_some() {
            return Ok(());
        }
        if !self.store_works {
            self.plan(Duration::from_secs(1), Event::Start);
            return Ok(());
        }
        self.process += 1;
        // A new process knows nothing of what an earlier one read from the clock.
        self.clocks = Clocks::default();
        let system = Timestamp::from_millis(self.meta_now().millis() + self.ahead);
        self.clocks.set(system, Monotonic::default());
        let now = Now { wall: self.clocks.now(), mono: self.clocks.monotonic() };
        self.watch.clock_says(now.wall);
        let new = self.new_account.clone();
        let (_, changes) = self
            .store
            .write(|tx| errand::begin(tx, std::slice::from_ref(&new), now.wall))
            .map_err(|error| format!("a sender cannot begin: {error}"))?;
        self.watch.changed(&changes)?;
        let requests = errand::recent_requests(&self.read, self.account, now.wall)
            .map_err(|error| error.to_string())?;
        let policy = Policy::with_rate(RATE);
        let core = Core::new(self.account, policy, &requests, now);
        self.watch.began(self.ahead);
        self.sender =
            Some(Sender { core, began: self.time, wake: None, under_way: BTreeMap::new() });
        Ok(())
    }

    /// The sender's process is gone. What it had handed to the store may still be done, what it had given
    /// to the network may still arrive; it hears of neither.
    fn die(&mut self) -> Result<(), String> {
        self.sender = None;
        let mine: Vec<(Duration, u64)> = self
            .events
            .iter()
            .filter(|(_, event)| match event {
                Event::Errand(process, _)
                | Event::Answer(process, ..)
                | Event::Arrive(process, _) => *process == self.process,
                _ => false,
            })
            .map(|(key, _)| *key)
            .collect();
        for key in mine {
            match self.events.remove(&key) {
                Some(Event::Errand(_, work)) if self.dice.once_in(2) => self.orphan(&work)?,
                Some(event @ Event::Arrive(..)) if self.dice.once_in(2) => {
                    self.events.insert(key, event);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// An errand whose sender is dead before it hears that it is done.
    fn orphan(&mut self, work: &Work) -> Result<(), String> {
        if !self.store_works {
            return Ok(());
        }
        let now = self.now();
        let account = self.account;
        let ids: Vec<_> = match work {
            Work::Claim(room, _) => (0..room.total()).map(|_| self.dice.request()).collect(),
            _ => Vec::new(),
        };
        let done = self.store.write(|tx| match work {
            Work::Claim(room, excluded) => {
                errand::claim(tx, account, None, &ids, *room, excluded, now.wall).map(drop)
            }
            Work::Write(done) => errand::write(tx, done),
            Work::Hear(heard) => errand::hear(tx, heard),
            Work::Look(..) | Work::Tend(_) => Ok(()),
        });
        let ((), changes) = done.map_err(|error| format!("an errand nobody waits for: {error}"))?;
        self.watch.changed(&changes)
    }

    /// Lets the core do what it wants to do now.
    fn turn(&mut self) -> Result<(), String> {
        let now = self.now();
        let listener = self.listener;
        self.watch.hears(listener);
        let Some(sender) = &mut self.sender else { return Ok(()) };
        sender.core.listener(listener, now);
        let steps = sender.core.next(now);
        let settled = sender.core.is_settled();
        let deadline = sender.core.deadline(now);
        let began = sender.began;
        for step in steps {
            self.carry_out(step)?;
        }
        // Timers are a little late.
        let late = self.dice.within(Duration::from_millis(3));
        if let Some(sender) = &mut self.sender {
            let wake = deadline.map(|at| (began + at.0).max(self.time) + late);
            sender.wake = wake;
        }
        if settled && self.watch.stopping == Some(self.process) {
            self.die()?;
        }
        Ok(())
    }

    fn carry_out(&mut self, step: Step) -> Result<(), String> {
        let took =
            if self.dice.once_in(50) { self.dice.millis(0, 300) } else { self.dice.millis(0, 4) };
        match step {
            Step::Look { room, excluded } => {
                self.plan(took, Event::Errand(self.process, Work::Look(room, excluded)));
            }
            Step::Claim { room, excluded } => self.queue(took, Work::Claim(room, excluded)),
            Step::Write(done) => self.queue(took, Work::Write(done)),
            Step::Tend { windows } => self.queue(took, Work::Tend(windows)),
            Step::Resend(messages) => return Err(format!("nobody asked to resend {messages:?}")),
            Step::Hear(heard) => self.queue(took, Work::Hear(heard)),
            Step::Start(job) => {
                let mut answering = self.wire.perform(&job);
                if poll(&mut answering).is_some() {
                    return Err("an answer before its request".to_owned());
                }
                if let Some(sender) = &mut self.sender {
                    sender.under_way.insert(job.request, (job, answering));
                }
                for job in self.wire.left() {
                    self.leave(job)?;
                }
            }
        }
        Ok(())
    }

    /// A request leaves the machine, if there is a network.
    fn leave(&mut self, job: Job) -> Result<(), String> {
        self.watch.leaves(&job)?;
        let way = Duration::from_millis(20) + self.dice.within(JITTER);
        if self.network {
            self.plan(way, Event::Arrive(self.process, Box::new(job)));
        } else {
            let wait = self.dice.within(NO_ROUTE);
            let gone = Outcome::NeverReached("no route to host".to_owned());
            self.plan(wait, Event::Answer(self.process, Box::new(job), Answer::Outcome(gone)));
        }
        Ok(())
    }

    /// The writer takes one thing after the other.
    fn queue(&mut self, took: Duration, work: Work) {
        self.written = self.written.max(self.time + took);
        self.plan(self.written.saturating_sub(self.time), Event::Errand(self.process, work));
    }

    fn errand(&mut self, work: Work) -> Result<(), String> {
        let now = self.now();
        let account = self.account;
        let works = self.store_works;
        let Some(sender) = &mut self.sender else { return Ok(()) };
        match work {
            Work::Look(..) | Work::Claim(..) if !works => sender.core.store_failed(now),
            Work::Write(done) if !works => sender.core.not_written(done, now),
            Work::Tend(_) if !works => sender.core.tended(None, now),
            Work::Hear(_) if !works => sender.core.noted(),
            Work::Tend(windows) => {
                let overdue = errand::overdue(&self.read, account, windows, now.wall)
                    .map_err(|error| format!("overdue: {error}"))?;
                let ((), changes) = self
                    .store
                    .write(|tx| errand::tend(tx, &overdue.messages, now.wall))
                    .map_err(|error| format!("tend: {error}"))?;
                sender.core.tended(Some(&overdue), now);
                if changes.outbox {
                    sender.core.changed();
                }
                self.watch.changed(&changes)?;
            }
            Work::Hear(heard) => {
                self.store
                    .write(|tx| errand::hear(tx, &heard))
                    .map_err(|error| format!("hear: {error}"))?;
                sender.core.noted();
            }
            Work::Look(room, excluded) => {
                let (unresolved, due) = errand::look(&self.read, account, None, room, &excluded)
                    .map_err(|error| format!("look: {error}"))?;
                sender.core.looked(&unresolved, due, now);
            }
            Work::Claim(room, mut excluded) => {
                if self.flaw == Flaw::Overtakes {
                    excluded.clear();
                }
                let ids: Vec<_> = (0..room.total()).map(|_| self.dice.request()).collect();
                let (jobs, changes) = self
                    .store
                    .write(|tx| errand::claim(tx, account, None, &ids, room, &excluded, now.wall))
                    .map_err(|error| format!("claim: {error}"))?;
                sender.core.claimed(jobs, room, now);
                if changes.outbox {
                    sender.core.changed();
                }
                self.watch.changed(&changes)?;
            }
            Work::Write(done) => {
                let ((), changes) = self
                    .store
                    .write(|tx| errand::write(tx, &done))
                    .map_err(|error| format!("write {done:?}: {error}"))?;
                sender.core.written(&done);
                if changes.outbox {
                    sender.core.changed();
                }
                self.watch.changed(&changes)?;
            }
        }
        Ok(())
    }

    /// A request reaches Meta, and its answer sets out.
    fn arrive(&mut self, process: u64, job: Box<Job>) -> Result<(), String> {
        let back = self.dice.millis(20, 400);
        let body = match &job.kind {
            JobKind::Message(send) => request::message(send, job.request).expect("a text"),
            JobKind::ReadReceipt { wamid } => request::read_receipt(wamid),
            JobKind::MediaDownload { .. } => {
                let answer = if self.dice.once_in(4) {
                    Answer::Outcome(Outcome::RefusedForNow(ApiError::default()))
                } else {
                    Answer::Stored { path: "media/x".to_owned(), size: 1 }
                };
                self.plan(back, Event::Answer(process, job, answer));
                return Ok(());
            }
            JobKind::MediaUpload(_) => unreachable!("no message of the soak has a file of its own"),
        };
        let path = format!("/v25.0/{}/messages", self.phone_number);
        let request = Request::new(Method::Post, &path, body.to_string())
            .with_header("Authorization", format!("Bearer {}", self.token));
        let before = self.meta.counts().accepted;
        let answer = self.meta.handle(self.meta_now(), &request);
        if let JobKind::Message(send) = &job.kind {
            let newest =
                self.meta.accepted().back().filter(|_| self.meta.counts().accepted > before);
            let accepted = newest.map(|entry| entry.wamid.clone());
            self.watch.arrived(send.conversation, self.time)?;
            self.watch.taken(&job, accepted)?;
        }
        let classify = match job.kind {
            JobKind::Message(_) => response::message_outcome,
            _ => response::success_outcome,
        };
        let lost = |words: &str| Outcome::Unknown { detail: words.to_owned(), error: None };
        let (back, outcome) = match answer.delivery {
            // One HTTP exchange has one answer, whatever comes after it.
            Delivery::Now | Delivery::Twice => (back, classify(answer.status, &answer.body)),
            Delivery::After(span) if back + span < TIMEOUT => {
                (back + span, classify(answer.status, &answer.body))
            }
            Delivery::After(_) => (TIMEOUT, lost("no answer within 30 s")),
            Delivery::Lost | Delivery::Cut => (back, lost("the connection broke")),
        };
        self.plan(back, Event::Answer(process, job, Answer::Outcome(outcome)));
        Ok(())
    }

    /// A webhook reaches the machine: proved, parsed and stored as the listener does it, then answered.
    fn post(&mut self, post: &WebhookPost) -> Result<(), String> {
        let back = self.dice.millis(5, 100);
        let outcome = if !self.listener {
            PostOutcome::Failed("connection refused".to_owned())
        } else if !self.store_works {
            PostOutcome::Answered(503)
        } else if self.flaw == Flaw::ForgetsWebhooks && self.dice.once_in(20) {
            self.watch.heard(post);
            PostOutcome::Answered(200)
        } else {
            signature::verify(&self.secret, Some(post.signature.as_bytes()), &post.body)
                .map_err(|error| format!("webhook {}: {error}", post.id))?;
            let items = webhook::parse(&post.body).map_err(|error| error.to_string())?;
            let received_at = self.now().wall;
            let sha256 = signature::sha256(&post.body);
            let raw = RawPost { body: post.body.clone(), sha256, received_at };
            let (done, changes) = self
                .store
                .write(|tx| ingest(tx, &raw, &items, received_at))
                .map_err(|error| format!("webhook {}: {error}", post.id))?;
            if done.unknown > 0 {
                return Err(format!("webhook {} was not understood", post.id));
            }
            if changes.outbox
                && let Some(sender) = &mut self.sender
            {
                sender.core.changed();
            }
            self.watch.heard(post);
            self.watch.changed(&changes)?;
            // Now and then the answer is lost on its way back.
            if self.dice.once_in(30) {
                PostOutcome::Failed("reset".to_owned())
            } else {
                PostOutcome::Answered(200)
            }
        };
        self.plan(back, Event::Settled(post.id, outcome));
        Ok(())
    }

    fn act(&mut self, act: Act) -> Result<(), String> {
        self.watch.note(|| format!("{act:?}"));
        match act {
            Act::Write { person, count } => {
                for _ in 0..count {
                    self.write(person)?;
                }
            }
            Act::Spread { count } => {
                for stranger in 0..count {
                    self.write(1000 + stranger)?;
                }
            }
            Act::Later { person, wait } => {
                let at = self.now().wall + wait;
                self.write_on(person, &Terms { at: Some(at) })?;
            }
            Act::Arrange(decision) => self.arrange(decision)?,
            Act::Paused(paused) => self.pause(paused)?,
            Act::Say { person, picture } => {
                let words = if picture {
                    Words::Image(Sample::Parcel, None)
                } else {
                    Words::Text("hello".to_owned())
                };
                let name = format!("BR.100{person}");
                let now = self.meta_now();
                let wamid = self.meta.say_words(&name, &words, now).map_err(|e| e.to_string())?;
                self.watch.said.push(wamid);
            }
            Act::Read { person } => self.read(person)?,
            Act::Decide { again } => self.decide(again)?,
            Act::Withdraw => self.withdraw()?,
            Act::Fault(fault, times) => self.meta.fail_next(&fault, times),
            Act::Webhooks(on) => self.meta.set_webhooks(on),
            Act::Token(good) => self.meta.expire_token(!good),
            Act::Network(up) => self.network = up,
            Act::Listener(up) => self.listener = up,
            Act::Store(works) => self.store_works = works,
            Act::Kill(gap) => {
                self.die()?;
                self.plan(gap, Event::Start);
            }
            Act::Stop(gap) => {
                let now = self.now();
                if let Some(sender) = &mut self.sender {
                    sender.core.stop(now);
                    self.watch.stopping = Some(self.process);
                    self.plan(Duration::from_secs(5), Event::Ended(self.process));
                    self.plan(Duration::from_secs(5) + gap, Event::Start);
                }
            }
            Act::Clock(by) => {
                self.ahead += by;
                self.furthest = self.furthest.max(self.ahead);
                self.watch.stepped();
            }
        }
        Ok(())
    }

    fn conversation(&mut self, person: usize) -> Result<ConversationId, String> {
        let (account, now) = (self.account, self.now().wall);
        let typed = TYPED.iter().find(|(index, _)| *index == person).map(|(_, typed)| *typed);
        let number = match (typed, personas().get(person)) {
            (Some(typed), _) => Some(typed.to_owned()),
            (None, Some(persona)) => persona.number.clone(),
            (None, None) => Some(format!("4915200{person:05}")),
        };
        let begun = self.store.write(|tx| {
            if let Some(number) = &number {
                return begin_conversation(tx, account, &WaId::new(number.clone()), now);
            }
            let user = UserId::new(format!("BR.100{person}"));
            begin_conversation_with_user(tx, account, &user, now)
        });
        begun.map(|(id, _)| id).map_err(|error| format!("begin: {error}"))
    }

    fn write(&mut self, person: usize) -> Result<(), String> {
        self.write_on(person, &Terms::default())
    }

    /// A person writes. Another process than the sender's, so that it is noticed within a second.
    fn write_on(&mut self, person: usize, terms: &Terms) -> Result<(), String> {
        let conversation = self.conversation(person)?;
        let now = self.now().wall;
        let text = format!("text {}", self.watch.written.len());
        let body = Body::Text { text: text.clone(), preview_url: false };
        let (account, priority) = (self.account, Priority::Person);
        let new = NewMessage { account, conversation, body, reply_to: None, priority };
        let shut = terms.at.is_none() && self.watch.is_shut(conversation);
        let (id, changes) = match self.store.write(|tx| outbox::enqueue_on(tx, &new, terms, now)) {
            Err(Error::Forbidden(HoldReason::WindowClosed)) if shut => return Ok(()),
            Ok(_) if shut => return Err(format!("{text} is written for a closed window")),
            done => done.map_err(|error| format!("enqueue: {error}"))?,
        };
        self.watch.wrote(id, conversation, text, terms.at);
        self.watch.changed(&changes)?;
        let noticed = self.dice.millis(1, 1_000);
        self.plan(noticed, Event::Noticed);
        Ok(())
    }

    fn read(&mut self, person: usize) -> Result<(), String> {
        let Some(wamid) = self.watch.last_heard(&format!("BR.100{person}")) else { return Ok(()) };
        let found = twoticks::store::message::message_by_wamid(&self.read, self.account, &wamid)
            .map_err(|error| error.to_string())?
            .ok_or_else(|| format!("{wamid} was answered 200 and is not there"))?;
        let now = self.now().wall;
        let ((), changes) = self
            .store
            .write(|tx| mark_read(tx, found.conversation, found.id, true, now))
            .map_err(|error| format!("mark read: {error}"))?;
        self.watch.changed(&changes)?;
        self.plan(Duration::from_millis(500), Event::Noticed);
        Ok(())
    }

    fn decide(&mut self, again: bool) -> Result<(), String> {
        let open = self.watch.undecided();
        if open.is_empty() {
            return Ok(());
        }
        let id = *self.dice.pick(&open);
        let now = self.now().wall;
        let done = self.store.write(|tx| {
            if again { outbox::send_again(tx, id, now) } else { outbox::cancel(tx, id, now) }
        });
        let ((), changes) = done.map_err(|error| format!("decide about {id}: {error}"))?;
        self.watch.decided(id, again);
        self.watch.changed(&changes)?;
        self.plan(Duration::from_millis(500), Event::Noticed);
        Ok(())
    }

    /// Decides about a message that may be so decided about.
    fn arrange(&mut self, decision: Decision) -> Result<(), String> {
        let now = self.now().wall;
        let (states, decision): (&[State], _) = match decision {
            Decision::Release | Decision::WhenPossible => (&[State::Held], decision),
            Decision::Reschedule(_) => {
                let at = now + self.dice.within(TROUBLE);
                (&[State::Scheduled], Decision::Reschedule(at))
            }
            _ => (&[State::Scheduled, State::Queued], decision),
        };
        let open = self.watch.in_state(states);
        if open.is_empty() {
            return Ok(());
        }
        let id = *self.dice.pick(&open);
        self.decide_about(id, decision)
    }

    fn decide_about(&mut self, id: MessageId, decision: Decision) -> Result<(), String> {
        let now = self.now().wall;
        let (done, changes) = self
            .store
            .write(|tx| outbox::decide(tx, &[id], decision, now))
            .map_err(|error| format!("{decision:?} {id}: {error}"))?;
        // A window that closed, or that a stepping clock closes, stands in the way of a release alone.
        if !done.refused.is_empty() && decision != Decision::Release {
            return Err(format!("{decision:?}: {:?}", done.refused));
        }
        if done.refused.is_empty() {
            self.watch.arranged(id, decision);
        }
        self.watch.changed(&changes)?;
        self.plan(Duration::from_millis(500), Event::Noticed);
        Ok(())
    }

    fn pause(&mut self, paused: bool) -> Result<(), String> {
        let (account, now) = (self.account, self.now().wall);
        let done = self.store.write(|tx| {
            if paused {
                outbox::pause_account(tx, account, now)
            } else {
                outbox::resume_account(tx, account)
            }
        });
        done.map_err(|error| format!("pause {paused}: {error}"))?;
        self.watch.paused(paused);
        let noticed = self.dice.millis(1, 1_000);
        self.plan(noticed, Event::Noticed);
        Ok(())
    }

    fn withdraw(&mut self) -> Result<(), String> {
        let waiting = self.watch.waiting();
        if waiting.is_empty() {
            return Ok(());
        }
        let id: MessageId = *self.dice.pick(&waiting);
        let now = self.now().wall;
        let ((), changes) = self
            .store
            .write(|tx| outbox::cancel(tx, id, now))
            .map_err(|error| format!("withdraw {id}: {error}"))?;
        self.watch.decided(id, false);
        self.watch.changed(&changes)?;
        self.plan(Duration::from_millis(500), Event::Noticed);
        Ok(())
    }
}
