//! The sender's decisions for one account: what to do now, and when to look again. No clock, no waiting,
//! no randomness of its own, no I/O: a driver carries out the [`Step`]s and says what came of them.
//!
//! Invariants: a job is started at most once per claim; a message waits for its slot claimed, but never
//! longer than `AHEAD` in the normal case, so that a killed process leaves few uncertain; what was claimed
//! ends in exactly one [`Done`], which is kept until the store has taken it.

mod circuit;
mod heed;
mod policy;
mod stage;
mod step;
mod tending;
mod weigh;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use self::circuit::Circuit;
use self::heed::Pause;
pub use self::policy::Policy;
use self::stage::{Due, Looked, Stage};
pub use self::step::{Answer, Done, End, Now, Reason, Step};
use self::tending::Tending;
use self::weigh::{ended, offline_verdict, without_doubt};
use super::hold::Holds;
use super::pace;
use crate::domain::id::{AccountId, ConversationId, MessageId, RequestId};
use crate::domain::outbox::{Acceptance, ApiError, Job, JobKind, Outcome, Verdict, verdict};
use crate::domain::throttle::Limits;
use crate::domain::time::{Monotonic, Timestamp};
use crate::store::outbox::{Ended, Fetched, Overdue, Room, SentRequest, Unresolved, Uploaded};

/// How far ahead of their slots messages are claimed.
const AHEAD: Duration = Duration::from_millis(40);

/// More are claimed when what is claimed lasts no longer than this: long enough to hide a slow commit, and so
/// much less than [`AHEAD`] that one commit claims many.
const REFILL: Duration = Duration::from_millis(20);

/// Read receipts under way at a time.
const RECEIPTS: usize = 4;

/// Files being fetched and uploaded at a time.
const FILES: usize = 4;

/// Before the store is asked again after it failed, and before a lane is looked at again that seemed due
/// and was not to be had. Both are wake-ups that something else usually makes needless.
const SECOND_LOOK: Duration = Duration::from_secs(1);

/// The first and the longest wait before an outcome that the store refused is offered to it again.
const WRITE_RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(4));

/// The state of one account's sending.
#[derive(Debug)]
pub struct Core {
    account: AccountId,
    policy: Policy,
    pace: pace::Pace,
    holds: Holds,
    tending: Tending,
    began: Timestamp,
    /// The newest trouble of the account that a status reported.
    trouble_known: Option<Timestamp>,
    stage: Stage,
    due: Due,
    /// The uncertain messages are known as of the last change.
    holds_known: bool,
    looked: Looked,
    store_retry: Option<Monotonic>,
    pause: Option<Pause>,
    /// The end of the number's last rest by the wall clock, to tell.
    rests_until: Option<Timestamp>,
    /// Whether it rested when last asked for work.
    rested: bool,
    ready: VecDeque<Job>,
    /// When the messages that are under way went.
    went: BTreeMap<RequestId, Monotonic>,
    parked: VecDeque<Job>,
    messages: usize,
    receipts: usize,
    files: usize,
    circuit: Circuit,
    to_write: VecDeque<Box<Done>>,
    /// What is to be noted of uncertain messages, and how many notes are under way.
    to_note: Vec<Step>,
    notes: usize,
    unwritten: Vec<(Monotonic, Box<Done>)>,
    stopping: bool,
}

impl Core {
    /// Starts from the requests that earlier senders made, newest limits' worth of them.
    #[must_use]
    pub fn new(account: AccountId, policy: Policy, requests: &[SentRequest], now: Now) -> Self {
        let ages =
            requests.iter().map(|request| (request.conversation, now.wall.since(request.at)));
        let pace = pace::Pace::new(policy.rate(None), ages, now.mono);
        Self {
            account,
            policy,
            pace,
            holds: Holds::new(policy.resend_after),
            tending: Tending::default(),
            began: now.wall,
            trouble_known: None,
            stage: Stage::Idle,
            due: Due::Unknown,
            holds_known: false,
            looked: Looked::Never,
            store_retry: None,
            pause: None,
            rests_until: None,
            rested: false,
            ready: VecDeque::new(),
            went: BTreeMap::new(),
            parked: VecDeque::new(),
            messages: 0,
            receipts: 0,
            files: 0,
            circuit: Circuit::default(),
            to_write: VecDeque::new(),
            to_note: Vec::new(),
            notes: 0,
            unwritten: Vec::new(),
            stopping: false,
        }
    }

    /// The account.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// The answer to [`Step::Hear`].
    pub const fn noted(&mut self) {
        self.notes = self.notes.saturating_sub(1);
    }

    /// The answer to [`Step::Tend`]; `None` when the store is in trouble.
    pub fn tended(&mut self, overdue: Option<&Overdue>, now: Now) {
        self.tending.done(overdue, now);
        let Some(overdue) = overdue else { return };
        // A webhook may have raised or lowered them since they were asked for.
        if overdue.limits.rate.is_some() {
            self.allowed(overdue.limits, now);
        }
        if let Some((code, at)) = overdue.trouble {
            self.reported_trouble(code, at, now);
        }
    }

    /// Why nothing is sent, if so.
    #[must_use]
    pub fn paused(&self) -> Option<&Reason> {
        self.pause.as_ref().map(|pause| &pause.reason)
    }

    /// The outbox changed.
    pub fn changed(&mut self) {
        self.due = Due::Now;
        self.holds_known = false;
        if self.looked == Looked::InDoubt {
            self.looked = Looked::Fully;
        }
        self.tending.changed();
    }

    /// Whether time counts for uncertain messages: the listener hears statuses now, or nobody ever will.
    pub fn listener(&mut self, counts: bool, now: Now) {
        self.holds.listener(counts, now.mono);
    }

    /// What Meta allows the number, as it said just now or earlier.
    pub fn allowed(&mut self, limits: Limits, now: Now) {
        self.pace.set_limit(self.policy.rate(limits.rate), now.mono);
    }

    /// So many messages came in: they count against the number's limit too.
    pub fn came_in(&mut self, messages: u32, now: Now) {
        self.pace.came_in(messages, now.mono);
    }

    /// The person acted on the account's trouble: try at once. A rest of the number that Meta asked for ends soon;
    /// as long as it would rest of itself it still does.
    pub fn try_now(&mut self, now: Now) {
        let rest = self.pace.rest_less(now.mono);
        self.rests_until = self.rests_until.map(|_| now.wall + rest);
        if let Some(pause) = &mut self.pause {
            (pause.until, pause.until_wall) = (now.mono, now.wall);
        }
        self.store_retry = None;
        self.changed();
    }

    /// Claims no more, and gives back what has not been started. Files on their way are dropped: the next
    /// sender begins them anew, so nobody has to wait for them.
    pub fn stop(&mut self, now: Now) {
        self.stopping = true;
        self.files = self.parked.iter().filter(|job| is_file(job)).count();
        self.hear(self.holds.all_heard(now.mono));
        self.give_back(now, &ApiError::default());
    }

    /// Whether it claims no more.
    #[must_use]
    pub const fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// Messages whose requests are under way.
    #[must_use]
    pub const fn in_flight(&self) -> usize {
        self.messages
    }

    /// Outcomes that are known and that the store has refused to write down so far.
    #[must_use]
    pub const fn unwritten(&self) -> usize {
        self.unwritten.len()
    }

    /// Whether all that was claimed is written down.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.stage == Stage::Idle && self.under_way() == 0 && self.notes == 0
    }

    /// What is to be done now. Call it again after each answer and at [`Core::deadline`].
    #[must_use]
    pub fn next(&mut self, now: Now) -> Vec<Step> {
        let mut steps = Vec::new();
        let again = self.unwritten.extract_if(.., |(due, _)| *due <= now.mono);
        steps.extend(again.map(|(_, done)| Step::Write(done)));
        steps.extend(self.to_write.drain(..).map(Step::Write));
        steps.append(&mut self.to_note);
        if !self.stopping {
            self.tend(now, &mut steps);
        }
        if self.is_open(now) {
            self.start(now, &mut steps);
            steps.extend(self.ask(now));
        }
        steps
    }

    /// When to call [`Core::next`] at the latest, if nothing else happens. None is never.
    #[must_use]
    pub fn deadline(&self, now: Now) -> Option<Monotonic> {
        let write = self.unwritten.iter().map(|(due, _)| *due).min();
        let tend = if self.stopping { None } else { self.tend_deadline(now) };
        [write, tend, self.work_deadline(now)].into_iter().flatten().min()
    }

    fn work_deadline(&self, now: Now) -> Option<Monotonic> {
        if self.stopping {
            return None;
        }
        if let Some(pause) = self.pause.as_ref().filter(|pause| pause.until > now.mono) {
            return Some(pause.until);
        }
        let slot = (!self.ready.is_empty()).then(|| self.pace.next_slot(now.mono));
        slot.into_iter().chain(self.ask_deadline(now)).min()
    }

    /// When there is something to ask the store. While an answer is awaited, that one comes first.
    fn ask_deadline(&self, now: Now) -> Option<Monotonic> {
        let probing = self.pause.is_some() && self.messages + self.ready.len() > 0;
        if self.stage != Stage::Idle || probing {
            return None;
        }
        let claim = match self.due {
            Due::Unknown => Some(now.mono),
            _ if self.room() == 0 => None,
            Due::Now => Some(self.claim_time(now)),
            Due::At(due) => due.map(|due| due.max(self.claim_time(now))),
        };
        let freed = [
            self.holds.next_end(now.mono),
            self.pace.next_free_pair(),
            self.pace.rest_end(now.mono),
        ];
        let ask = claim.into_iter().chain(freed.into_iter().flatten()).min();
        ask.map(|ask| ask.max(self.store_retry.unwrap_or_default()))
    }

    /// The answer to [`Step::Look`].
    pub fn looked(&mut self, unresolved: &[Unresolved], due: Option<Timestamp>, now: Now) {
        self.stage = Stage::Idle;
        self.holds_known = true;
        let before = std::mem::replace(&mut self.looked, Looked::Fully);
        let freed = self.holds.refresh(unresolved, now);
        let is_due = due.is_some_and(|due| due <= now.wall);
        if freed || (before == Looked::Never && is_due) {
            self.due = Due::Now;
        }
        if self.due == Due::Unknown {
            if is_due {
                self.looked = Looked::InDoubt;
            }
            self.due = if is_due && before != Looked::InDoubt {
                // It may have come between the claim and this look: another claim tells.
                Due::Now
            } else {
                Due::At(due.map(|due| {
                    // One that seems due and was not to be had waits for another of its lane, whose end
                    // will be heard of; the second look is for the case that it is not.
                    let wait = if is_due { SECOND_LOOK } else { due.since(now.wall) };
                    now.mono + wait
                }))
            };
        }
    }

    /// The answer to [`Step::Claim`].
    pub fn claimed(&mut self, jobs: Vec<Job>, room: Room, now: Now) {
        self.stage = Stage::Idle;
        let mut left = room;
        for job in jobs {
            let (left, queue) = match &job.kind {
                JobKind::Message(_) => (&mut left.messages, &mut self.ready),
                JobKind::ReadReceipt { .. } => {
                    self.receipts += 1;
                    (&mut left.receipts, &mut self.parked)
                }
                JobKind::MediaDownload { .. } | JobKind::MediaUpload(_) => {
                    self.files += 1;
                    (&mut left.files, &mut self.parked)
                }
            };
            *left = left.saturating_sub(1);
            queue.push_back(job);
        }
        // Fewer of a kind than asked for are all there are, unless the outbox changed meanwhile.
        let filled = |asked: usize, left: usize| asked > 0 && left == 0;
        let more = filled(room.messages, left.messages)
            || filled(room.receipts, left.receipts)
            || filled(room.files, left.files);
        if more || self.due == Due::Now {
            self.due = Due::Now;
        } else {
            self.due = Due::Unknown;
        }
        if self.stopping {
            self.give_back(now, &ApiError::default());
        } else if !self.is_open(now) {
            // The account stopped while the store claimed.
            let message =
                self.pause.as_ref().map_or_else(String::new, |pause| pause.reason.words());
            self.give_back(now, &ApiError { message, ..ApiError::default() });
        } else if self.pace.is_resting(now.mono) && self.pace.slots_within(now.mono, AHEAD) == 0 {
            let message = "the number was too fast, and rests".to_owned();
            let parked = std::mem::take(&mut self.parked);
            self.give_back(now, &ApiError { message, ..ApiError::default() });
            self.parked = parked;
        }
    }

    /// [`Step::Look`] or [`Step::Claim`] failed: the store is in trouble.
    pub fn store_failed(&mut self, now: Now) {
        self.stage = Stage::Idle;
        self.due = Due::Now;
        self.store_retry = Some(now.mono + SECOND_LOOK);
    }

    /// The answer to [`Step::Start`]. `random` is any 64 random bits.
    pub fn answered(&mut self, job: Job, answer: Answer, now: Now, random: u64) {
        if let JobKind::MediaDownload { until, .. } = job.kind {
            let fetched = self.fetched(answer, job.tries_used, until, now, random);
            return self.done(job, End::Download(fetched), now);
        }
        if let JobKind::MediaUpload(_) = job.kind {
            let uploaded = self.uploaded(answer, job.tries_used, now, random);
            return self.done(job, End::Upload(uploaded), now);
        }
        let outcome = match answer {
            Answer::Outcome(outcome) => outcome,
            Answer::Stored { .. } | Answer::Uploaded(_) => Outcome::Accepted(Acceptance::default()),
        };
        if let Some(went) = self.went.remove(&job.request) {
            self.pace.answered(went, now.mono);
        }
        let conversation = conversation(&job);
        let wait = self.heed(&outcome, conversation, now);
        // Neither without a network nor while the circuit is open does a message use up its tries.
        let offline = matches!(outcome, Outcome::NeverReached(_))
            || matches!(outcome, Outcome::RefusedForNow(_)) && self.is_broken();
        let safe_to_repeat = conversation.is_none();
        let outcome = if safe_to_repeat { without_doubt(outcome) } else { outcome };
        let mut verdict =
            verdict(outcome, job.tries_used, &self.policy.retry, wait, now.wall, random);
        if offline {
            verdict = offline_verdict(verdict, now);
        }
        if let (JobKind::Message(send), Verdict::Uncertain(_)) = (&job.kind, &verdict) {
            self.holds.add(send.message, send.conversation, now.mono);
        }
        let end = match job.kind {
            JobKind::Message(_) => End::Message(verdict),
            JobKind::ReadReceipt { .. }
            | JobKind::MediaDownload { .. }
            | JobKind::MediaUpload(_) => End::Receipt(ended(verdict)),
        };
        self.done(job, end, now);
    }

    /// The answer to [`Step::Write`].
    pub fn written(&mut self, done: &Done) {
        match done.job.kind {
            JobKind::Message(_) => self.messages = self.messages.saturating_sub(1),
            JobKind::ReadReceipt { .. } => self.receipts = self.receipts.saturating_sub(1),
            JobKind::MediaDownload { .. } | JobKind::MediaUpload(_) => {
                self.files = self.files.saturating_sub(1);
            }
        }
        if let (JobKind::Message(send), End::Message(Verdict::Uncertain(_))) =
            (&done.job.kind, &done.end)
        {
            // Its proof may have come before its outcome was written down: then it holds nothing.
            self.holds.stored(send.message);
            self.changed();
        }
    }

    /// The answer to [`Step::Write`] when the store refuses it, for whatever reason: it is tried again until it
    /// is taken, for what is known must not be forgotten.
    pub fn not_written(&mut self, mut done: Box<Done>, now: Now) {
        let wait = (WRITE_RETRY.0 * 2_u32.saturating_pow(done.refused)).min(WRITE_RETRY.1);
        done.refused = (done.refused + 1).min(8);
        self.unwritten.push((now.mono + wait, done));
    }

    /// Not paused, or paused long enough for one probe.
    fn is_open(&self, now: Now) -> bool {
        !self.stopping && self.pause.as_ref().is_none_or(|pause| pause.until <= now.mono)
    }

    fn hear(&mut self, heard: Vec<(MessageId, Duration)>) {
        if !heard.is_empty() {
            self.notes += 1;
            self.to_note.push(Step::Hear(heard));
        }
    }

    /// What time does to messages that wait, whether or not the account can send.
    fn tend(&mut self, now: Now, steps: &mut Vec<Step>) {
        if let Some(windows) = self.tending.start(now) {
            steps.push(Step::Tend { windows });
        }
        let unproved = self.holds.unproved(now.mono);
        if !unproved.is_empty() {
            steps.push(Step::Resend(unproved));
        }
    }

    fn tend_deadline(&self, now: Now) -> Option<Monotonic> {
        self.tending.deadline(now).into_iter().chain(self.holds.next_unproved(now.mono)).min()
    }

    fn start(&mut self, now: Now, steps: &mut Vec<Step>) {
        while !self.ready.is_empty() && self.pace.take(now.mono) {
            let Some(job) = self.ready.pop_front() else { break };
            if let Some(pair) = conversation(&job) {
                self.pace.take_pair(pair, now.mono);
            }
            self.messages += 1;
            self.went.insert(job.request, now.mono);
            steps.push(Step::Start(Box::new(job)));
        }
        steps.extend(self.parked.drain(..).map(|job| Step::Start(Box::new(job))));
    }

    /// Whether to look or to claim now.
    fn ask(&mut self, now: Now) -> Option<Step> {
        if self.stage != Stage::Idle || self.store_retry.is_some_and(|retry| retry > now.mono) {
            return None;
        }
        self.store_retry = None;
        self.notice_freed(now);
        let look = match self.due {
            Due::Unknown => true,
            Due::Now => {
                !self.holds_known && (self.looked == Looked::Never || !self.holds.is_empty())
            }
            Due::At(due) => {
                if due.is_none_or(|due| due > now.mono) {
                    return None;
                }
                false
            }
        };
        let excluded = self.excluded();
        if look {
            self.stage = Stage::Looking;
            self.holds.look();
            let messages = usize::from(!self.rests_alone(now));
            let room = Room { messages, ..self.room_now(now) };
            return Some(Step::Look { room, excluded });
        }
        let room = self.room_now(now);
        if room.messages == 0 && !self.rests_alone(now) {
            return None;
        }
        self.stage = Stage::Claiming;
        self.due = Due::Unknown;
        Some(Step::Claim { room, excluded })
    }

    /// Lanes that were excluded and are not any more may have due jobs.
    fn notice_freed(&mut self, now: Now) {
        let pairs = self.pace.free_pairs(now.mono);
        let ended = self.holds.expire(now.mono);
        let rests = self.pace.is_resting(now.mono);
        let rested = std::mem::replace(&mut self.rested, rests) && !rests;
        if (pairs || rested || !ended.is_empty()) && self.due != Due::Unknown {
            self.due = Due::Now;
        }
        self.hear(ended);
    }

    fn excluded(&self) -> BTreeSet<ConversationId> {
        self.holds.lanes().chain(self.pace.blocked_pairs()).collect()
    }

    /// Messages rest, and there is room for what no limit of messages concerns.
    fn rests_alone(&self, now: Now) -> bool {
        self.policy.only.is_none()
            && self.pace.is_resting(now.mono)
            && (self.receipts < RECEIPTS || self.files < FILES)
    }

    /// What to claim at most: of each kind what can be started soon, and one of each to probe.
    fn room_now(&self, now: Now) -> Room {
        let most = |number: usize| if self.pause.is_some() { 1 } else { number };
        Room {
            messages: self.limit(now),
            receipts: most(RECEIPTS).saturating_sub(self.receipts),
            files: most(FILES).saturating_sub(self.files),
        }
    }

    /// As many messages as have slots soon, and fit; none while enough are claimed.
    fn limit(&self, now: Now) -> usize {
        if self.pause.is_some() {
            return usize::from(self.messages + self.ready.len() == 0);
        }
        if self.refill_time(now) > now.mono {
            return 0;
        }
        let slots = self.pace.slots_within(now.mono, AHEAD);
        slots.saturating_sub(self.ready.len()).min(self.room())
    }

    /// When the next claim makes sense.
    fn claim_time(&self, now: Now) -> Monotonic {
        if self.limit(now) > 0 || self.rests_alone(now) {
            now.mono
        } else {
            self.refill_time(now).max(now.mono)
        }
    }

    /// [`REFILL`] ahead of the first slot that nothing is claimed for.
    fn refill_time(&self, now: Now) -> Monotonic {
        let slot = self.pace.slot_after(now.mono, self.ready.len());
        Monotonic(slot.0.saturating_sub(REFILL))
    }

    fn room(&self) -> usize {
        self.policy.in_flight(self.pace.limit()).saturating_sub(self.messages + self.ready.len())
    }

    fn under_way(&self) -> usize {
        self.messages + self.receipts + self.files + self.ready.len()
    }

    /// What was claimed and not started goes back; its requests surely never left.
    fn give_back(&mut self, now: Now, error: &ApiError) {
        let jobs: Vec<Job> = self.ready.drain(..).chain(self.parked.drain(..)).collect();
        for job in jobs {
            let not_before = now.wall;
            let end = match job.kind {
                JobKind::Message(_) => {
                    self.messages += 1;
                    let error = error.clone();
                    End::Message(Verdict::Retry { not_before, uses_try: false, error })
                }
                JobKind::ReadReceipt { .. } => {
                    End::Receipt(Ended::Retry { not_before, uses_try: false })
                }
                JobKind::MediaDownload { .. } => {
                    End::Download(Fetched::Retry { not_before, uses_try: false })
                }
                JobKind::MediaUpload(_) => {
                    let error = error.clone();
                    End::Upload(Uploaded::Retry { not_before, uses_try: false, error })
                }
            };
            self.done(job, end, now);
        }
    }

    fn done(&mut self, job: Job, end: End, now: Now) {
        self.to_write.push_back(Box::new(Done { job, end, at: now.wall, refused: 0 }));
    }
}

const fn is_file(job: &Job) -> bool {
    matches!(job.kind, JobKind::MediaDownload { .. } | JobKind::MediaUpload(_))
}

const fn conversation(job: &Job) -> Option<ConversationId> {
    match &job.kind {
        JobKind::Message(send) => Some(send.conversation),
        JobKind::ReadReceipt { .. } | JobKind::MediaDownload { .. } | JobKind::MediaUpload(_) => {
            None
        }
    }
}

#[cfg(test)]
mod tests;
