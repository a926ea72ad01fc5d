//! Who watches a run: told what happens on both sides, looks into the file with eyes of its own, and says
//! what must never be.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use twoticks::domain::change::Changes;
use twoticks::domain::id::{ConversationId, MessageId, RequestId, Wamid};
use twoticks::domain::message::{Body, LateProof};
use twoticks::domain::outbox::{Decision, Job, JobKind};
use twoticks::domain::state::State;
use twoticks::domain::time::Timestamp;
use twoticks::sim::{WebhookPost, World};
use twoticks::store::{ReadConn, WriteConn, check, message};

use super::run::RATE;

/// Meta: one message to the same person per 6 s, 45 ahead.
const PAIR_COST: Duration = Duration::from_secs(6);
const PAIR_AHEAD: Duration = Duration::from_secs(44 * 6);

/// How long an uncertain message holds those behind it, of time in which the listener was up, and at most.
const HOLD: Duration = Duration::from_secs(30);

/// For so long after a customer wrote, anything may be written to them.
const WINDOW: Duration = Duration::from_secs(24 * 3600);

/// What was claimed before the account was paused has left by then.
const LAST_CLAIM: Duration = Duration::from_secs(2);

/// A message that a person wrote.
pub(super) struct Written {
    conversation: ConversationId,
    text: String,
    state: State,
    /// How often a person said "send", and whether anything was decided since the state was seen.
    wanted: usize,
    decided: bool,
    /// The request that set out last, and those that Meta accepted, with its ids of them.
    newest: Option<RequestId>,
    accepted: Vec<(RequestId, String)>,
    /// Since when nobody knows what became of it, in time with a listener.
    uncertain: Option<Duration>,
    /// Not to go before this time of the machine's clock.
    not_before: Option<Timestamp>,
    /// It has waited outside the queue: those behind it may have gone ahead.
    stood_aside: bool,
}

pub(super) struct Watch {
    pub(super) time: Duration,
    pub(super) said: Vec<String>,
    pub(super) written: BTreeMap<MessageId, Written>,
    /// The sender that was asked to stop.
    pub(super) stopping: Option<u64>,
    peek: Connection,
    /// What Meta posted of each of its ids, and what was answered 200.
    posted: BTreeMap<String, BTreeSet<String>>,
    heard: BTreeMap<String, BTreeSet<String>>,
    /// Inbound messages that were answered 200, by their writer.
    inbound: BTreeMap<String, String>,
    arrivals: VecDeque<Duration>,
    pairs: BTreeMap<ConversationId, Duration>,
    last_step: Option<Duration>,
    /// What the machine's clock says, and the latest that it ever said.
    wall: Timestamp,
    clock: Timestamp,
    /// Since when the person has the account paused.
    paused: Option<Duration>,
    listener_up: Duration,
    up_since: Option<Duration>,
    trace: Option<Vec<String>>,
    pub(super) fastest: usize,
    /// What is stored in the end.
    pub(super) end: String,
}

fn rank(state: State) -> u8 {
    match state {
        State::Accepted => 1,
        State::Sent => 2,
        State::Delivered => 3,
        State::Read => 4,
        State::Played => 5,
        _ => 0,
    }
}

impl Watch {
    pub(super) fn new(path: &Path) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        Self {
            time: Duration::ZERO,
            said: Vec::new(),
            written: BTreeMap::new(),
            stopping: None,
            peek: Connection::open_with_flags(path, flags).expect("store"),
            posted: BTreeMap::new(),
            heard: BTreeMap::new(),
            inbound: BTreeMap::new(),
            arrivals: VecDeque::new(),
            pairs: BTreeMap::new(),
            last_step: None,
            wall: Timestamp::default(),
            clock: Timestamp::default(),
            paused: None,
            listener_up: Duration::ZERO,
            up_since: None,
            trace: std::env::var_os("SOAK_SEED").map(|_| Vec::new()),
            fastest: 0,
            end: String::new(),
        }
    }

    /// A line for whoever replays the run.
    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let line = format!("{:>12.6} {}", self.time.as_secs_f64(), line());
            println!("{line}");
            trace.push(line);
        }
    }

    pub(super) fn wrote(
        &mut self,
        id: MessageId,
        conversation: ConversationId,
        text: String,
        not_before: Option<Timestamp>,
    ) {
        self.note(|| format!("wrote {id} in {conversation}"));
        let written = Written {
            conversation,
            text,
            state: State::Queued,
            wanted: 1,
            decided: false,
            newest: None,
            accepted: Vec::new(),
            uncertain: None,
            not_before,
            stood_aside: false,
        };
        self.written.insert(id, written);
    }

    pub(super) fn decided(&mut self, id: MessageId, again: bool) {
        self.note(|| format!("decided {id}: again = {again}"));
        let written = self.written.get_mut(&id).expect("a message written here");
        written.wanted += usize::from(again);
        written.decided = true;
        written.uncertain = None;
    }

    /// A person decided about a message that waits.
    pub(super) fn arranged(&mut self, id: MessageId, decision: Decision) {
        self.note(|| format!("{decision:?} of {id}"));
        let written = self.written.get_mut(&id).expect("a message written here");
        written.decided = true;
        if let Decision::Reschedule(at) = decision {
            written.not_before = Some(at);
        }
    }

    pub(super) fn paused(&mut self, paused: bool) {
        self.paused = paused.then_some(self.time);
    }

    pub(super) fn clock_says(&mut self, now: Timestamp) {
        self.wall = now;
        self.clock = self.clock.max(now);
    }

    /// Whether the window of a conversation is closed by the machine's clock: the customer wrote, and that is a
    /// day ago. A mere reaction may or may not open one, so it says nothing.
    pub(super) fn is_shut(&self, conversation: ConversationId) -> bool {
        let newest: Option<i64> = self
            .peek
            .prepare_cached(
                "SELECT max(at) FROM message WHERE conversation = ?1 AND direction = 1 AND own = 1",
            )
            .expect("query")
            .query_row([conversation.0], |row| row.get(0))
            .expect("the newest message");
        newest.is_some_and(|at| Timestamp::from_millis(at) + WINDOW <= self.wall)
    }

    pub(super) fn in_state(&self, states: &[State]) -> Vec<MessageId> {
        let found = self.written.iter().filter(|(_, written)| states.contains(&written.state));
        found.map(|(id, _)| *id).collect()
    }

    pub(super) fn undecided(&self) -> Vec<MessageId> {
        self.in_state(&[State::Failed, State::Uncertain])
    }

    pub(super) fn waiting(&self) -> Vec<MessageId> {
        self.in_state(&[State::Scheduled, State::Held, State::Queued])
    }

    pub(super) fn last_heard(&self, person: &str) -> Option<Wamid> {
        self.inbound.get(person).map(Wamid::new)
    }

    pub(super) fn hears(&mut self, up: bool) {
        match self.up_since {
            None if up => self.up_since = Some(self.time),
            Some(since) if !up => {
                self.listener_up += self.time.saturating_sub(since);
                self.up_since = None;
            }
            _ => {}
        }
    }

    fn listened(&self) -> Duration {
        self.listener_up
            + self.up_since.map_or(Duration::ZERO, |since| self.time.saturating_sub(since))
    }

    pub(super) fn stepped(&mut self) {
        self.last_step = Some(self.time);
    }

    /// A sender begins. Ages of stored requests are told by the wall clock alone, so that one that stepped
    /// lately excuses what the limits have forgotten, and how old an uncertain message is.
    pub(super) fn began(&mut self, ahead: i64) {
        self.note(|| format!("a sender begins, clock ahead by {ahead} ms"));
        if self.last_step.is_some_and(|at| self.time.saturating_sub(at) < Duration::from_secs(600))
        {
            self.arrivals.clear();
            self.pairs.clear();
            for written in self.written.values_mut() {
                written.uncertain = None;
            }
        }
    }

    /// Looks at the messages of what changed: ticks never go back.
    pub(super) fn changed(&mut self, changes: &Changes) -> Result<(), String> {
        let mut seen = Vec::new();
        for conversation in &changes.conversations {
            let mut query = self
                .peek
                .prepare_cached(
                    "SELECT id, state FROM message WHERE conversation = ?1 AND author = 2",
                )
                .expect("query");
            let rows = query
                .query_map([conversation.0], |row| {
                    Ok((MessageId(row.get(0)?), row.get::<_, u8>(1)?))
                })
                .expect("messages");
            let shut = self.is_shut(*conversation);
            seen.extend(rows.map(|row| (row.expect("message"), shut)));
        }
        let listened = self.listened();
        for ((id, number), shut) in seen {
            let state = State::ALL[usize::from(number)];
            let Some(written) = self.written.get_mut(&id) else { continue };
            let old = std::mem::replace(&mut written.state, state);
            written.stood_aside |= matches!(state, State::Scheduled | State::Held);
            let decided = std::mem::take(&mut written.decided);
            if old == state {
                continue;
            }
            if state == State::Uncertain && written.uncertain.is_none() {
                written.uncertain = Some(listened);
            }
            let settled = rank(old) > 0 || old == State::Cancelled;
            let fails = state == State::Failed && rank(old) < 3;
            let wrong = settled && rank(state) <= rank(old) && !(fails && rank(old) > 0);
            self.note(|| format!("{id} {} -> {}", old.name(), state.name()));
            if state == State::Held && !shut && !decided {
                return Err(format!("message {id} is held, and its window is open"));
            }
            if state == State::Sending && shut {
                return Err(format!("message {id} sets out for a closed window"));
            }
            if wrong && !decided {
                return Err(format!("message {id} went from {} to {}", old.name(), state.name()));
            }
        }
        Ok(())
    }

    /// A request sets out: nothing written earlier in its conversation may still be on its way.
    pub(super) fn leaves(&mut self, job: &Job) -> Result<(), String> {
        let JobKind::Message(send) = &job.kind else { return Ok(()) };
        self.note(|| format!("{} leaves as {}", send.message, job.request));
        let written = self.written.get_mut(&send.message).expect("a message written here");
        written.newest = Some(job.request);
        let written = &self.written[&send.message];
        if written.not_before.is_some_and(|at| at > self.clock) {
            return Err(format!("message {} leaves before its time", send.message));
        }
        let paused = self.paused.map(|since| self.time.saturating_sub(since));
        if paused.is_some_and(|span| span > LAST_CLAIM) {
            return Err(format!("message {} leaves a paused account", send.message));
        }
        let (listened, of) = (self.listened(), written.conversation);
        for (id, earlier) in self.written.range(..send.message) {
            if earlier.conversation != of || earlier.wanted > 1 || earlier.stood_aside {
                continue;
            }
            let overtaken = match earlier.state {
                State::Queued | State::Sending => true,
                State::Uncertain => {
                    earlier.uncertain.is_some_and(|heard| listened.saturating_sub(heard) < HOLD)
                }
                _ => false,
            };
            if overtaken {
                let state = earlier.state.name();
                return Err(format!("message {} overtook {id}, which is {state}", send.message));
            }
        }
        Ok(())
    }

    /// Nobody knows what became of a request.
    pub(super) fn unknown(&mut self, job: &Job) {
        let JobKind::Message(send) = &job.kind else { return };
        let since = self.listened();
        if let Some(written) = self.written.get_mut(&send.message) {
            written.uncertain.get_or_insert(since);
        }
    }

    /// A request reaches Meta: neither limit may be exceeded.
    pub(super) fn arrived(&mut self, pair: ConversationId, time: Duration) -> Result<(), String> {
        self.arrivals.push_back(time);
        while self
            .arrivals
            .front()
            .is_some_and(|first| time.saturating_sub(*first) >= Duration::from_secs(1))
        {
            self.arrivals.pop_front();
        }
        self.fastest = self.fastest.max(self.arrivals.len());
        if self.arrivals.len() > RATE as usize {
            return Err(format!("{} requests within a second", self.arrivals.len()));
        }
        let owed = self.pairs.entry(pair).or_default();
        if owed.saturating_sub(time) > PAIR_AHEAD {
            return Err(format!("conversation {pair} exceeds the pair limit"));
        }
        *owed = (*owed).max(time) + PAIR_COST;
        Ok(())
    }

    /// What Meta did with a request.
    pub(super) fn taken(&mut self, job: &Job, accepted: Option<String>) -> Result<(), String> {
        let (JobKind::Message(send), Some(wamid)) = (&job.kind, accepted) else { return Ok(()) };
        self.note(|| format!("{} accepted as {wamid}", send.message));
        let written = self.written.get_mut(&send.message).expect("a message written here");
        written.accepted.push((job.request, wamid));
        if written.accepted.len() > written.wanted {
            return Err(format!(
                "message {} was accepted {} times and wanted {} times",
                send.message,
                written.accepted.len(),
                written.wanted
            ));
        }
        Ok(())
    }

    pub(super) fn posted(&mut self, post: &WebhookPost) {
        for (wamid, status) in statuses(post) {
            self.posted.entry(wamid).or_default().insert(status);
        }
    }

    /// A webhook was stored and answered 200.
    pub(super) fn heard(&mut self, post: &WebhookPost) {
        self.note(|| format!("heard webhook {} (attempt {})", post.id, post.attempt));
        for (wamid, status) in statuses(post) {
            self.heard.entry(wamid).or_default().insert(status);
        }
        let body: Value = serde_json::from_slice(&post.body).expect("a webhook");
        for message in list(&body["entry"][0]["changes"][0]["value"]["messages"]) {
            let text = |key: &str| message[key].as_str().unwrap_or_default().to_owned();
            self.inbound.insert(text("from_user_id"), text("id"));
        }
    }

    /// All is mended and has had its time: nothing is lost, nothing waits, and what is shown is true. Gives what is
    /// held, since by the machine's clock its window is closed.
    pub(super) fn settled(
        &self,
        store: &WriteConn,
        read: &ReadConn,
        meta: &World,
    ) -> Result<Vec<MessageId>, String> {
        if !meta.is_idle() || self.heard != self.posted {
            return Err(format!("{} webhooks are not through", meta.webhooks_waiting()));
        }
        let count =
            |sql: &str| -> i64 { self.peek.query_row(sql, [], |row| row.get(0)).expect("count") };
        let jobs = count("SELECT count(*) FROM outbox");
        if jobs > 0 {
            return Err(format!("{jobs} jobs are stuck in the outbox"));
        }
        let own = count("SELECT count(*) FROM message WHERE author = 2");
        if usize::try_from(own) != Ok(self.written.len()) {
            return Err(format!("{} messages were written, {own} are stored", self.written.len()));
        }
        let (stored, said) =
            (count("SELECT count(*) FROM message WHERE direction = 1"), meta.counts().inbound);
        if u64::try_from(stored) != Ok(said) {
            return Err(format!("customers wrote {said} messages, {stored} are stored"));
        }
        let mut held = Vec::new();
        for (id, written) in &self.written {
            let message = message::message(read, *id).map_err(|error| error.to_string())?;
            if !matches!(&message.body, Body::Text { text, .. } if *text == written.text) {
                return Err(format!("message {id} says {:?}", message.body));
            }
            if message.state == State::Held && self.is_shut(message.conversation) {
                held.push(*id);
                continue;
            }
            self.honest(written, message.state, message.late_proof).map_err(|why| {
                let (state, times) = (message.state.name(), written.accepted.len());
                format!("message {id} is {state} after {times} acceptances: {why}")
            })?;
        }
        let mut findings = check::check(read).map_err(|error| error.to_string())?;
        findings.extend(store.check_search().map_err(|error| error.to_string())?);
        if findings.is_empty() { Ok(held) } else { Err(findings.join("; ")) }
    }

    /// Whether what is shown of a message is what Meta did with it.
    fn honest(&self, written: &Written, state: State, late: LateProof) -> Result<(), String> {
        let none = BTreeSet::new();
        let told = |wamid: &String| self.heard.get(wamid).unwrap_or(&none);
        let proved = |told: &BTreeSet<String>| told.iter().any(|status| status != "failed");
        let of: Vec<_> = written.accepted.iter().map(|(_, wamid)| told(wamid)).collect();
        let proofs = of.iter().filter(|told| proved(told)).count();
        if proofs > 1 && late != LateProof::SentTwice {
            return Err(format!("{proofs} of its requests are proved, and it shows {late:?}"));
        }
        let hidden = proofs > 0 && late == LateProof::None;
        let newest = written.accepted.last().filter(|(id, _)| written.newest == Some(*id));
        match state {
            State::Cancelled | State::Uncertain if hidden => {
                return Err("it was sent, and that is hidden".to_owned());
            }
            State::Cancelled => return Ok(()),
            // Nobody knows of the newest of its requests, whatever became of the others.
            State::Uncertain if newest.is_none_or(|(_, wamid)| told(wamid).is_empty()) => {
                return Ok(());
            }
            State::Failed if of.is_empty() => return Ok(()),
            _ if of.is_empty() => return Err("Meta never accepted it".to_owned()),
            _ => {}
        }
        let reported: Vec<_> = of.iter().map(|told| highest(told)).collect();
        let arrived = reported.iter().flatten().copied().filter(|state| rank(*state) >= 3).max();
        let allowed: &[State] = match (arrived, newest.and(reported.last())) {
            // What arrived did, whichever request it was.
            (Some(state), _) => &[state],
            (None, Some(Some(State::Sent))) => &[State::Sent],
            (None, Some(None)) => &[State::Accepted],
            // The newest came to nothing: another that was sent shows, and one of which nothing was heard may.
            (None, _) if reported.contains(&Some(State::Sent)) => &[State::Sent],
            (None, _) if reported.contains(&None) => &[State::Accepted, State::Failed],
            (None, _) => &[State::Failed],
        };
        let shown = allowed.contains(&state);
        if shown { Ok(()) } else { Err(format!("Meta reported {reported:?}")) }
    }
}

/// The state that a set of statuses proves, whatever their order.
fn highest(statuses: &BTreeSet<String>) -> Option<State> {
    let words = [
        ("played", State::Played),
        ("read", State::Read),
        ("delivered", State::Delivered),
        ("failed", State::Failed),
        ("sent", State::Sent),
    ];
    words.into_iter().find(|(word, _)| statuses.contains(*word)).map(|(_, state)| state)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The wamids and words of a webhook's statuses.
fn statuses(post: &WebhookPost) -> Vec<(String, String)> {
    let body: Value = serde_json::from_slice(&post.body).expect("a webhook");
    let value = &body["entry"][0]["changes"][0]["value"]["statuses"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    list(value).iter().map(|one| (text(&one["id"]), text(&one["status"]))).collect()
}
