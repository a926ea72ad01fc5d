//! Carries out what one account's [`Core`] decides: reads and writes the store through its threads, makes
//! the requests, waits. Every task is in one set; dropping it cancels them, and what was under way is then
//! found `sending` by the next sender, who calls it uncertain.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::sleep;

use super::Shared;
use super::allowance::Allowance;
use super::core::{Answer, Core, Done, Now, Policy, Step};
use super::entropy::Entropy;
use super::errand;
use super::telling::Telling;
use super::transport::Transport;
use crate::domain::account::{self, Standing};
use crate::domain::health::{Condition, Pace};
use crate::domain::id::{AccountId, PhoneNumberId, RequestId};
use crate::domain::outbox::{Job, JobKind, Outcome, Throttle};
use crate::domain::throttle::Limits;
use crate::domain::time::{Monotonic, Timestamp};
use crate::domain::window::Outside;
use crate::service::bus::Interest;
use crate::service::reader::ReadError;
use crate::service::stop::Stopped;
use crate::service::writer::{Priority, WriteError};
use crate::store::outbox::{Overdue, Room, SentRequest, Unresolved};

/// How long requests in flight may still take once the word to stop is said.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// The least time between two accounts of how fast it goes.
const TELL: Duration = Duration::from_millis(250);

/// One account's sender.
pub(super) struct Driver {
    pub(super) account: AccountId,
    pub(super) name: String,
    pub(super) policy: Policy,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) entropy: Box<dyn Entropy>,
    pub(super) shared: Shared,
    pub(super) try_now: watch::Receiver<u64>,
    /// What was told of the account last, and when.
    pub(super) told: Option<(Monotonic, Pace)>,
    /// What the other processes were told.
    pub(super) telling: Telling,
    /// Its number at Meta, when to ask what is allowed, and how many messages came in so far.
    pub(super) phone_number: PhoneNumberId,
    pub(super) allowance: Allowance,
    pub(super) came_in: u64,
}

enum Event {
    Looked(Result<(Vec<Unresolved>, Option<Timestamp>), ReadError>),
    Claimed(Room, Result<Vec<Job>, WriteError>),
    Answered(Box<Job>, Answer),
    Written(Box<Done>, Result<(), WriteError>),
    Tended(Result<Overdue, String>),
    Resent(Result<(), WriteError>),
    Noted(Result<(), WriteError>),
    Allowed(Option<Standing>),
    StandingKept(Result<(), WriteError>),
    Told(Result<(), WriteError>),
}

/// What is under way.
#[derive(Default)]
struct Tasks {
    set: JoinSet<Event>,
    /// The jobs of requests, in case one panics.
    requests: HashMap<Id, (AbortHandle, Box<Job>)>,
}

impl Tasks {
    /// Files are fetched and uploaded anew by whoever sends next.
    fn drop_files(&mut self) {
        self.requests.retain(|_, (request, job)| {
            let file = matches!(job.kind, JobKind::MediaDownload { .. } | JobKind::MediaUpload(_));
            if file {
                request.abort();
            }
            !file
        });
    }
}

impl Driver {
    /// Works until the word to stop, and then until everything in flight is written down, or too late.
    pub(super) async fn run(mut self, mut stopped: Stopped) {
        let changes = Arc::new(Notify::new());
        let woken = Arc::clone(&changes);
        let subscription = self.shared.bus.subscribe(Interest::Sending, move || woken.notify_one());
        let Some(requests) = self.recent_requests(&mut stopped).await else { return };
        let mut core = Core::new(self.account, self.policy, &requests, self.now());
        core.allowed(self.known_limits().await, self.now());
        self.came_in = self.shared.bus.came_in(&self.phone_number);
        let mut tasks = Tasks::default();
        while !stopped.is_set() {
            let wait = self.turn(&mut core, &mut tasks);
            tokio::select! {
                biased;
                () = stopped.wait() => break,
                Some(event) = tasks.set.join_next_with_id() => self.take(&mut core, &mut tasks, event),
                () = changes.notified() => {
                    let changes = subscription.take().changes;
                    if changes.notices && changes.accounts {
                        // A webhook names an event; the quality behind it is told to who asks.
                        self.allowance.complained(self.now().mono);
                    }
                    core.changed();
                }
                Ok(()) = self.try_now.changed() => core.try_now(self.now()),
                () = wait_for(wait) => {}
            }
        }
        core.stop(self.now());
        tasks.drop_files();
        let settle = async {
            loop {
                let wait = self.turn(&mut core, &mut tasks);
                if core.is_settled() {
                    break;
                }
                tokio::select! {
                    Some(event) = tasks.set.join_next_with_id() => {
                        self.take(&mut core, &mut tasks, event);
                    }
                    () = wait_for(wait) => {}
                }
            }
        };
        if tokio::time::timeout(LAST_ANSWERS, settle).await.is_err() {
            let (messages, unwritten) = (core.in_flight(), core.unwritten());
            tracing::warn!(
                account = %self.name,
                messages,
                unwritten,
                "stopped with messages in flight: uncertain from now on"
            );
        }
    }

    /// Starts what is to be done now; returns how long to wait for the next turn if nothing happens.
    fn turn(&mut self, core: &mut Core, tasks: &mut Tasks) -> Option<Duration> {
        let now = self.now();
        let listener = self.shared.bus.health().listener;
        let counts = matches!(listener, Condition::Up | Condition::Elsewhere | Condition::Off);
        core.listener(counts, now);
        let came_in = self.shared.bus.came_in(&self.phone_number);
        let since = came_in.saturating_sub(std::mem::replace(&mut self.came_in, came_in));
        core.came_in(u32::try_from(since).unwrap_or(u32::MAX), now);
        self.ask_limits(core, tasks, now);
        for step in core.next(now) {
            self.carry_out(step, tasks);
        }
        let now = self.now();
        let tell = self.tell(core, tasks, now);
        let ask = self.allowance.deadline().filter(|_| self.policy.only.is_none());
        let deadlines = [core.deadline(now), tell, ask];
        deadlines.into_iter().flatten().min().map(|deadline| deadline.since(now.mono))
    }

    /// Asks Meta what it allows the number, when it is time. A sender of one conversation goes by what is known.
    fn ask_limits(&mut self, core: &Core, tasks: &mut Tasks, now: Now) {
        let may = self.policy.only.is_none() && core.paused().is_none();
        if may && self.allowance.ask(now.mono) {
            let asking = self.transport.standing(&self.phone_number);
            tasks.set.spawn(async move { Event::Allowed(asking.await) });
        }
    }

    /// What Meta said of the number in an earlier process.
    async fn known_limits(&mut self) -> Limits {
        let account = self.account;
        let asked = self
            .shared
            .reader
            .ask(format!("limits {account}"), move |conn| errand::limits(conn, account));
        asked.await.unwrap_or_else(|error| {
            tracing::debug!(%error, "the limits of the number are not known");
            Limits::default()
        })
    }

    /// Tells how the account does: what changes at once, and how fast it goes a few times a second while it
    /// goes. Returns when to tell again.
    fn tell(&mut self, core: &Core, tasks: &mut Tasks, now: Now) -> Option<Monotonic> {
        let pace = core.gauge(now);
        let mut again = (pace.used > 0).then(|| now.mono + TELL);
        if !core.is_stopping() {
            match self.telling.next(&pace, now.mono) {
                Ok(Some(news)) => self.tell_others(tasks, news),
                Ok(None) => {}
                Err(later) => again = Some(again.map_or(later, |again| again.min(later))),
            }
        }
        if let Some((at, told)) = &self.told {
            let same = |pace: &Pace| Pace { used: 0, limited_people: 0, ..pace.clone() };
            if pace == *told {
                return again;
            }
            if same(&pace) == same(told) && *at + TELL > now.mono {
                let at = *at + TELL;
                return Some(again.map_or(at, |again| again.min(at)));
            }
        }
        self.shared.bus.update_health(|health| {
            health.account_mut(self.account, &self.name).pace = Some(pace.clone());
        });
        self.told = Some((now.mono, pace));
        again
    }

    /// Tells the processes that do not send.
    fn tell_others(&self, tasks: &mut Tasks, pace: Pace) {
        let (writer, account) = (self.shared.writer.clone(), self.account);
        let told = writer.run(Priority::Interactive, move |tx| errand::tell(tx, account, &pace));
        tasks.set.spawn(async move { Event::Told(told.await) });
    }

    fn carry_out(&mut self, step: Step, tasks: &mut Tasks) {
        let Shared { writer, reader, clock, .. } = self.shared.clone();
        let (account, only) = (self.account, self.policy.only);
        match step {
            Step::Look { room, excluded } => {
                tasks.set.spawn(async move {
                    let look = reader.ask(format!("sender {account}"), move |conn| {
                        errand::look(conn, account, only, room, &excluded)
                    });
                    Event::Looked(look.await)
                });
            }
            Step::Claim { room, excluded } => {
                let ids: Vec<RequestId> =
                    (0..room.total()).map(|_| self.entropy.request()).collect();
                tasks.set.spawn(async move {
                    let claim = writer.run(Priority::Interactive, move |tx| {
                        errand::claim(tx, account, only, &ids, room, &excluded, clock.now())
                    });
                    Event::Claimed(room, claim.await)
                });
            }
            Step::Start(job) => {
                let answering = self.transport.perform(&job);
                let kept = job.clone();
                let handle = tasks.set.spawn(async move { Event::Answered(job, answering.await) });
                tasks.requests.insert(handle.id(), (handle, kept));
            }
            Step::Tend { windows } => {
                // What is sent all the same needs no look at its window.
                let windows = windows && self.policy.outside == Outside::Refuse;
                let (shared, now) = (self.shared.clone(), clock.now());
                tasks
                    .set
                    .spawn(async move { Event::Tended(tend(shared, account, windows, now).await) });
            }
            Step::Resend(messages) => {
                let waited = self.policy.resend_after.unwrap_or_default();
                tasks.set.spawn(async move {
                    let resend = writer.run(Priority::Interactive, move |tx| {
                        errand::resend(tx, &messages, waited, clock.now())
                    });
                    Event::Resent(resend.await)
                });
            }
            Step::Hear(heard) => {
                tasks.set.spawn(async move {
                    let noted =
                        writer.run(Priority::Interactive, move |tx| errand::hear(tx, &heard));
                    Event::Noted(noted.await)
                });
            }
            Step::Write(done) => {
                let writing = done.clone();
                tasks.set.spawn(async move {
                    let write =
                        writer.run(Priority::Interactive, move |tx| errand::write(tx, &writing));
                    Event::Written(done, write.await)
                });
            }
        }
    }

    fn take(&mut self, core: &mut Core, tasks: &mut Tasks, first: Result<(Id, Event), JoinError>) {
        let mut next = Some(first);
        while let Some(event) = next {
            match event {
                Ok((id, event)) => {
                    tasks.requests.remove(&id);
                    self.heed(core, tasks, event);
                }
                Err(error) if error.is_cancelled() => {}
                Err(error) => {
                    tracing::error!(%error, "a task of the sender failed");
                    if let Some((_, job)) = tasks.requests.remove(&error.id()) {
                        let detail = "an internal error while sending; see the log".to_owned();
                        let outcome = Outcome::Unknown { detail, error: None };
                        self.heed(core, tasks, Event::Answered(job, Answer::Outcome(outcome)));
                    } else {
                        core.store_failed(self.now());
                    }
                }
            }
            next = tasks.set.try_join_next_with_id();
        }
    }

    fn heed(&mut self, core: &mut Core, tasks: &mut Tasks, event: Event) {
        let now = self.now();
        match event {
            Event::Looked(Ok((unresolved, due))) => core.looked(&unresolved, due, now),
            Event::Looked(Err(error)) => {
                tracing::debug!(%error, "the sender cannot read the outbox");
                core.store_failed(now);
            }
            Event::Claimed(room, Ok(jobs)) => core.claimed(jobs, room, now),
            Event::Claimed(_, Err(error)) => {
                tracing::warn!(%error, "the sender cannot claim");
                core.store_failed(now);
            }
            Event::Answered(job, answer) => {
                log(&job, &answer);
                if let Answer::Outcome(Outcome::Throttled(limit, _)) = &answer
                    && *limit != Throttle::Pair
                {
                    self.allowance.complained(now.mono);
                }
                core.answered(*job, answer, now, self.entropy.bits());
            }
            Event::Tended(Ok(overdue)) => core.tended(Some(&overdue), now),
            Event::Tended(Err(error)) => {
                tracing::debug!(error, "the sender cannot tend its messages");
                core.tended(None, now);
            }
            Event::Resent(result) => {
                if let Err(error) = result {
                    tracing::warn!(%error, "uncertain messages are not sent again yet");
                }
            }
            Event::Noted(result) => {
                if let Err(error) = result {
                    tracing::debug!(%error, "what was heard is not noted");
                }
                core.noted();
            }
            Event::Allowed(standing) => {
                self.allowance.answered(standing.is_some(), now.mono);
                if let Some(standing) = standing {
                    core.allowed(account::limits(&standing.sayings), now);
                    let (writer, account) = (self.shared.writer.clone(), self.account);
                    tasks.set.spawn(async move {
                        let keep = writer.run(Priority::Interactive, move |tx| {
                            errand::keep(tx, account, &standing, now.wall)
                        });
                        Event::StandingKept(keep.await)
                    });
                }
            }
            Event::StandingKept(result) => {
                if let Err(error) = result {
                    tracing::debug!(%error, "what Meta says of the number is not noted");
                }
            }
            Event::Told(result) => {
                if let Err(error) = result {
                    tracing::debug!(%error, "the other processes are not told");
                    self.telling.failed();
                }
            }
            Event::Written(done, Ok(())) => core.written(&done),
            Event::Written(done, Err(error)) => {
                tracing::warn!(job = %done.job.id, %error, "an outcome is not written down yet");
                core.not_written(done, now);
            }
        }
    }

    /// `None` when stopped first. Without them the limits could be exceeded, so there is no other way on.
    async fn recent_requests(&mut self, stopped: &mut Stopped) -> Option<Vec<SentRequest>> {
        let account = self.account;
        loop {
            let now = self.shared.clock.now();
            let asked = self.shared.reader.ask(format!("requests {account}"), move |conn| {
                errand::recent_requests(conn, account, now)
            });
            match asked.await {
                Ok(requests) => return Some(requests),
                Err(error) => tracing::warn!(%error, "the sender cannot read its requests"),
            }
            tokio::select! {
                () = sleep(super::BEGIN_RETRY.0) => {}
                () = stopped.wait() => return None,
            }
        }
    }

    fn now(&self) -> Now {
        let clock = &self.shared.clock;
        Now { wall: clock.now(), mono: clock.monotonic() }
    }
}

async fn wait_for(wait: Option<Duration>) {
    match wait {
        Some(wait) => sleep(wait).await,
        None => std::future::pending().await,
    }
}

/// Looks for messages that time did something to, and brings them to where they belong.
async fn tend(
    Shared { reader, writer, .. }: Shared,
    account: AccountId,
    windows: bool,
    now: Timestamp,
) -> Result<Overdue, String> {
    let look = reader
        .ask(format!("tend {account}"), move |conn| errand::overdue(conn, account, windows, now));
    let overdue = look.await.map_err(|error| error.to_string())?;
    if !overdue.messages.is_empty() {
        let messages = overdue.messages.clone();
        writer
            .run(Priority::Interactive, move |tx| errand::tend(tx, &messages, now))
            .await
            .map_err(|error| error.to_string())?;
    }
    Ok(overdue)
}

/// The fate of a request, without a word of its content.
fn log(job: &Job, answer: &Answer) {
    let (fate, code) = match answer {
        Answer::Stored { .. } => ("stored", None),
        Answer::Uploaded(_) => ("uploaded", None),
        Answer::Outcome(outcome) => match outcome {
            Outcome::Accepted(_) => ("accepted", None),
            Outcome::Throttled(_, error) => ("throttled", error.code),
            Outcome::RefusedForNow(error) => ("refused for now", error.code),
            Outcome::RefusedForGood(error) => ("refused", error.code),
            Outcome::AccountTrouble(error) => ("account trouble", error.code),
            Outcome::NeverReached(_) => ("never reached", None),
            Outcome::Unknown { error, .. } => ("unknown", error.as_ref().and_then(|e| e.code)),
        },
    };
    tracing::info!(job = %job.id, request = %job.request, fate, code, "request");
}
