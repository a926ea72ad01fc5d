//! The queue screen: what waits, failed or is uncertain, what is marked of it, and in words why each
//! message is there and until when.

use std::collections::BTreeMap;
use std::time::Duration;

use super::action::{Action, Context};
use super::calm::Calm;
use super::list::List;
use super::model::Model;
use super::rows::{Tone, reason};
use super::when;
use crate::domain::health::{Condition, Pace, People, StopKind, Waiting};
use crate::domain::id::MessageId;
use crate::domain::message::{Author, Body, Message};
use crate::domain::outbox::Decision;
use crate::domain::page::QueueKey;
use crate::domain::queue::{QueueFilter, QueueRow, Recent};
use crate::domain::state::State;
use crate::domain::text;
use crate::domain::time::Timestamp;
use crate::domain::window::Outside;

/// The queue is read at most this often, however fast it moves.
pub const CALM: Duration = Duration::from_millis(250);

/// What waits for less than this is told to the second.
const NEAR: Duration = Duration::from_secs(3600);

/// What is marked to be decided about together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Marked {
    /// These, each as it was last seen.
    These(BTreeMap<MessageId, Mark>),
    /// Everything that this filter shows, held here or not.
    Group(QueueFilter),
}

/// A marked message as it was last seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its place in the queue.
    pub key: QueueKey,
    /// It was sent from the phone app, and only that can send it again.
    pub by_phone: bool,
}

impl Mark {
    /// The message as it is now.
    #[must_use]
    pub fn of(row: &QueueRow) -> Self {
        Self { key: row.key(), by_phone: row.message.author != Author::Operator }
    }
}

impl Default for Marked {
    fn default() -> Self {
        Self::These(BTreeMap::new())
    }
}

impl Marked {
    /// Whether nothing is marked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::These(ids) if ids.is_empty())
    }

    /// Whether a message is marked.
    #[must_use]
    pub fn has(&self, message: &Message) -> bool {
        match self {
            Self::These(ids) => ids.contains_key(&message.id),
            Self::Group(filter) => filter.states().contains(&message.state),
        }
    }

    /// Takes note of the messages that are shown now. One that should be among them and is not has left the
    /// queue, or its place in it, and is marked no more.
    pub(crate) fn follow(&mut self, shown: &List<QueueRow>) {
        let Self::These(marked) = self else { return };
        let rows = shown.page.rows();
        for row in rows {
            marked.entry(row.message.id).and_modify(|mark| *mark = Mark::of(row));
        }
        let first = rows.first().filter(|_| shown.page.more_before()).map(|row| row.key().place());
        let last = rows.last().filter(|_| shown.page.more_after()).map(|row| row.key().place());
        marked.retain(|id, mark| {
            let place = mark.key.place();
            let covered = shown.filter.states().contains(&mark.key.state)
                && first.is_none_or(|first| first <= place)
                && last.is_none_or(|last| place <= last);
            !covered || shown.page.index(*id).is_some()
        });
    }

    /// How many are marked.
    #[must_use]
    pub fn count(&self, counts: &Waiting) -> u32 {
        match self {
            Self::These(ids) => u32::try_from(ids.len()).unwrap_or(u32::MAX),
            Self::Group(filter) => filter.count(counts),
        }
    }
}

/// The screen of the queue.
#[derive(Debug, Default)]
pub struct Queue {
    /// The messages.
    pub list: List<QueueRow>,
    /// Those that are marked.
    pub marked: Marked,
    /// How many requests went out lately.
    pub recent: Recent,
    /// When it is read again.
    pub calm: Calm,
}

impl Queue {
    /// When the chart moves on by itself, while there is anything on it.
    #[must_use]
    pub fn turns(&self) -> Option<Timestamp> {
        let read = self.calm.read_at().filter(|_| !self.recent.is_still())?;
        let spans = read.millis().div_euclid(Recent::SPAN_MILLIS) + 1;
        Some(Timestamp::from_millis(spans * Recent::SPAN_MILLIS))
    }

    /// The message that keys act on.
    #[must_use]
    pub fn selected(&self) -> Option<&QueueRow> {
        self.list.selected_row()
    }
}

/// Why a message is in the queue, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// How grave it is.
    pub tone: Tone,
    /// What happens by itself, and when.
    pub until: Option<(&'static str, Timestamp)>,
    /// The reason in plain words, unsanitised; may be empty when the time says it all.
    pub words: String,
}

impl Why {
    /// As one sanitised line, with times spelled by `spell`.
    #[must_use]
    pub fn line(&self, spell: impl Fn(Timestamp) -> String) -> String {
        let until = self.until.map(|(what, at)| format!("{what} {}", spell(at)));
        let words = Some(self.words.as_str()).filter(|words| !words.is_empty());
        let parts: Vec<&str> = until.as_deref().into_iter().chain(words).collect();
        text::display_safe(&parts.join(": ")).into_owned()
    }
}

impl Model {
    /// How the account shown sends, in this process or another one.
    #[must_use]
    pub(crate) fn pace(&self) -> Option<&Pace> {
        self.health.pace_of(self.account_health()?)
    }
}

/// What keeps every message of an account waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halt {
    /// What it is, in plain words.
    words: &'static str,
    /// When a single message is tried.
    until: Option<Timestamp>,
}

impl Halt {
    /// The person has paused the account.
    pub const PAUSED: Self = Self { words: "sending is paused", until: None };

    /// What halts the account that is shown.
    #[must_use]
    pub fn of(model: &Model) -> Option<Self> {
        Self::from(model.is_paused(), model.pace(), model.now)
    }

    /// What halts an account. `paused`: the person paused it.
    #[must_use]
    pub fn from(paused: bool, pace: Option<&Pace>, now: Timestamp) -> Option<Self> {
        if paused {
            return Some(Self::PAUSED);
        }
        let pace = pace?;
        let Some(stop) = &pace.stop else {
            let until = pace.rests_until.filter(|at| *at > now)?;
            return Some(Self { words: "Meta asks to slow down", until: Some(until) });
        };
        let words = match stop.kind {
            StopKind::Trouble => "the account needs you",
            StopKind::Limited => "Meta limits its calls",
            StopKind::Offline => "Meta cannot be reached",
            StopKind::Circuit => "too many requests failed",
        };
        Some(Self { words, until: Some(stop.until).filter(|at| *at > now) })
    }
}

/// Why a message is in the queue. `halt`: what keeps all of its account waiting.
#[must_use]
pub fn why(row: &QueueRow, now: Timestamp, halt: Option<Halt>) -> Why {
    let message = &row.message;
    let trouble = || reason(message.state, message.trouble.as_ref());
    let plain = |tone, words| Why { tone, until: None, words };
    match message.state {
        State::Uncertain => {
            plain(Tone::Doubt, format!("not known whether it was accepted: {}", trouble()))
        }
        State::Failed if message.author == Author::PhoneApp => {
            plain(Tone::Failure, format!("{}; only the phone can send it again", trouble()))
        }
        State::Failed => plain(Tone::Failure, format!("{}{}", trouble(), tries(message))),
        State::Held => plain(Tone::Held, held(message)),
        State::Scheduled => Why {
            tone: Tone::Dim,
            until: message.not_before.map(|at| ("goes", at)),
            words: String::new(),
        },
        State::Sending => plain(Tone::Dim, "on its way".to_owned()),
        _ => waits(row, now, halt),
    }
}

fn tries(message: &Message) -> String {
    match message.tries {
        0 | 1 => String::new(),
        tries => format!(", after {tries} tries"),
    }
}

/// What holds a message.
pub(crate) fn held(message: &Message) -> String {
    match message.hold {
        Some(hold) if hold.when_possible => {
            format!("held: {}; goes by itself when that is over", hold.reason.words())
        }
        Some(hold) => format!("held: {}", hold.reason.words()),
        None => format!("held: {}", reason(message.state, message.trouble.as_ref())),
    }
}

/// Why a queued message is not on its way yet.
fn waits(row: &QueueRow, now: Timestamp, halt: Option<Halt>) -> Why {
    let message = &row.message;
    let at = message.not_before.filter(|at| *at > now);
    let (until, words) = match (&message.trouble, at) {
        (Some(trouble), at) => {
            let at = at.max(halt.and_then(|halt| halt.until));
            (at.map(|at| ("next try", at)), reason(message.state, Some(trouble)))
        }
        (None, Some(at)) => (Some(("waits until", at)), "they got too much for now".to_owned()),
        (None, None) if row.behind => (None, "waits behind an earlier message to them".to_owned()),
        (None, None) if row.uncertain.is_some() => {
            let id = row.uncertain.map_or(0, |uncertain| uncertain.0);
            let words = format!(
                "message {id} to them is uncertain: this one waits for a while behind it, to keep the order"
            );
            (None, words)
        }
        (None, None) => match halt {
            Some(Halt { words, until: Some(at) }) => (Some(("next try", at)), words.to_owned()),
            Some(Halt { words, until: None }) => (None, format!("waits: {words}")),
            None => (None, "waits for its turn".to_owned()),
        },
    };
    Why { tone: Tone::Dim, until, words }
}

/// A time that a message waits for: to the second when it is near.
#[must_use]
pub(crate) fn until(at: Timestamp, model: &Model) -> String {
    let zone = &model.settings.timezone;
    let left = at.since(model.now);
    if left < NEAR {
        return when::clock_seconds(at, zone);
    }
    format!("{}, in {}", when::near(at, model.now, zone), when::left(left))
}

/// What was done to messages by a decision.
#[must_use]
pub const fn done(decision: Decision) -> &'static str {
    match decision {
        Decision::Cancel => "withdrawn",
        Decision::SendAgain => "queued again",
        Decision::Release | Decision::WhenPossible => {
            "let go: at its time, or as soon as nothing stands in the way"
        }
        Decision::Hold => "held",
        Decision::Reschedule(_) => "given another time",
    }
}

/// What a person can decide about a message of the conversation shown, each with its word, and `Close` last.
#[must_use]
pub(crate) fn answers(model: &Model, message: &Message) -> Vec<(Action, &'static str)> {
    let mut answers = Vec::new();
    if needs_template(model, message) {
        answers.push((Action::Template, "template"));
    }
    if message.state == State::Held {
        answers.push((Action::SendAgain, "let go"));
    } else if message.can_go_again() {
        answers.push((Action::SendAgain, "send again"));
    }
    answers.push((Action::Drop, "drop"));
    if message.state == State::Scheduled {
        answers.push((Action::Reschedule, "other time"));
    }
    answers.push((Action::Close, "close"));
    answers
}

/// Whether a message that failed would not go again either, since only a template reaches them now.
fn needs_template(model: &Model, message: &Message) -> bool {
    let shut = model.shown().is_some_and(|row| row.window(model.now).is_shut());
    let template = matches!(message.body, Body::Template(_));
    message.state == State::Failed
        && message.can_go_again()
        && !template
        && shut
        && model.settings.outside == Outside::Refuse
}

/// The fact that matters for the decision about a message.
#[must_use]
pub(crate) fn stakes(model: &Model, message: &Message) -> &'static str {
    match message.state {
        State::Uncertain => {
            "Nobody can say whether it was accepted. Sent again, it may arrive twice. A status may still \
             come and settle it."
        }
        State::Failed if !message.can_go_again() => {
            "It was not sent from here, and only the phone can send it again. Dropped, it stays here as \
             withdrawn."
        }
        State::Failed if needs_template(model, message) => {
            "The 24-hour window is closed. Sent again, it is held until they write; a template reaches \
             them now."
        }
        State::Failed if message.wamid.is_some() => {
            "It was accepted and failed after that. Sent again, it goes out with a new request."
        }
        State::Failed => "It was not accepted. Sent again, it goes out with a new request.",
        State::Held => {
            "It is held. Let go, it goes at its time, or as soon as nothing stands in its way; dropped, it \
             stays here as withdrawn."
        }
        State::Scheduled => "It waits for its time. Dropped, it stays here as withdrawn.",
        _ => "It is not sent yet. Dropped, it stays here as withdrawn.",
    }
}

/// Whether the account sends, in a few words. Sanitised.
#[must_use]
pub(crate) fn sending(model: &Model) -> (Tone, String) {
    let zone = &model.settings.timezone;
    let health = model.account_health();
    if let Some(since) = health.and_then(|health| health.paused) {
        let key = model.keymap.key(Context::Queue, Action::Pause);
        let since = when::near(since, model.now, zone);
        return (Tone::Held, format!("paused since {since}, {key} resumes"));
    }
    let pace = model.pace();
    if let Some(stop) = pace.and_then(|pace| pace.stop.as_ref()) {
        let what = match stop.kind {
            StopKind::Trouble => {
                return (Tone::Failure, "stopped: the account needs you".to_owned());
            }
            StopKind::Limited => "Meta limits its calls",
            StopKind::Offline => "Meta cannot be reached",
            StopKind::Circuit => "breaker open",
        };
        let next = when::clock_seconds(stop.until, zone);
        return (Tone::Doubt, format!("{what}, next try {next}"));
    }
    match (&model.health.sender, pace) {
        (Condition::Up | Condition::Elsewhere, Some(Pace { rests_until: Some(until), .. }))
            if *until > model.now =>
        {
            let until = when::clock_seconds(*until, zone);
            (Tone::Doubt, format!("Meta asks to slow down, next at {until}"))
        }
        (Condition::Elsewhere, _) => (Tone::Said, "sent by another process".to_owned()),
        (Condition::Starting, _) => (Tone::Dim, "sender starts".to_owned()),
        (Condition::Off, _) => (Tone::Doubt, "sender off".to_owned()),
        (Condition::Down(_), _) => (Tone::Failure, "sender down".to_owned()),
        (Condition::Up, Some(pace)) if pace.used > 0 => (Tone::Said, "sending".to_owned()),
        (Condition::Up, _) => (Tone::Said, "ready".to_owned()),
    }
}

/// The breaker and the limits, each in a few words.
#[must_use]
pub(crate) fn limits(model: &Model) -> Vec<(Tone, String)> {
    let Some(health) = model.account_health() else { return Vec::new() };
    limits_of(model.pace(), health.people)
}

/// The breaker and the limits of an account, each in a few words.
#[must_use]
pub fn limits_of(pace: Option<&Pace>, people: People) -> Vec<(Tone, String)> {
    let mut facts = Vec::new();
    if let Some(pace) = pace {
        let open = pace.stop.as_ref().is_some_and(|stop| stop.kind == StopKind::Circuit);
        facts.push(if open {
            (Tone::Doubt, "breaker open".to_owned())
        } else {
            (Tone::Dim, "breaker closed".to_owned())
        });
        match pace.limited_people {
            0 => {}
            1 => facts.push((Tone::Doubt, "1 person got too much and waits".to_owned())),
            people => facts.push((Tone::Doubt, format!("{people} people got too much and wait"))),
        }
        if pace.unwritten > 0 {
            facts.push((Tone::Failure, format!("{} outcomes not stored yet", pace.unwritten)));
        }
    }
    let People { reached, limit } = people;
    let tone = if people.is_near() { Tone::Doubt } else { Tone::Dim };
    match limit {
        // Other programs may send too.
        Some(limit) => facts.push((tone, format!("at least {reached} of {limit} people in 24 h"))),
        None if reached > 0 => facts.push((tone, format!("at least {reached} people in 24 h"))),
        None => {}
    }
    facts
}
