//! `twoticks outbox`: what waits, failed or is uncertain, and deciding about it. Works beside an open inbox:
//! everything goes through the store, and whoever holds the sender role hears of it.

use std::collections::BTreeMap;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::output::{self, json_line, line};
use super::services::rules;
use super::{Session, failed};
use crate::app::describe;
use crate::app::queue::{self, Halt, why};
use crate::domain::error_code;
use crate::domain::id::{AccountId, MessageId};
use crate::domain::message::Message;
use crate::domain::outbox::{Decided, Decision};
use crate::domain::page::QueuePage;
use crate::domain::queue::{QueueFilter, QueueRow};
use crate::domain::state::State;
use crate::domain::text::display_safe;
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind};
use crate::service::bell::Bell;
use crate::store::account::{pace, paused_since, people_reached};
use crate::store::outbox::{
    browse, decide, decide_some, pause_account, queue_counts, recent, resume_account,
};
use crate::store::{ReadConn, WriteConn};

/// Spans of the chart that make a minute.
const MINUTE: usize = 12;

/// Rows that are read at once.
const PAGE: u32 = 200;

#[derive(Debug, Args)]
pub(super) struct Outbox {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List messages that are not settled, those that need you first.
    List {
        /// Only those in this state.
        #[arg(long, value_enum, value_name = "STATE")]
        state: Option<Listed>,
        /// At most this many.
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Say how the account sends: what stops it, the breaker, the rate and the limits.
    Status {
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Send failed messages again, and let held ones go as soon as nothing stands in their way.
    Retry {
        /// The messages, by their ids or wamids.
        #[arg(value_name = "ID", required_unless_present = "all_failed")]
        ids: Vec<String>,
        /// All that failed.
        #[arg(long, conflicts_with = "ids")]
        all_failed: bool,
    },
    /// Withdraw messages that are not accepted yet.
    Cancel {
        /// The messages, by their ids or wamids.
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
    },
    /// Decide about messages of unknown outcome.
    #[command(group(clap::ArgGroup::new("how").required(true)))]
    Resolve {
        /// The messages, by their ids or wamids.
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
        /// Send them again; they may arrive twice.
        #[arg(long, group = "how")]
        resend: bool,
        /// Leave it at that; proof that still comes is shown.
        #[arg(long, group = "how")]
        drop: bool,
    },
    /// Send nothing from the account until it is resumed.
    Pause,
    /// Let the account send again.
    Resume,
}

/// A state of messages that are not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Listed {
    Uncertain,
    Failed,
    Held,
    Queued,
    Sending,
    Scheduled,
}

impl Listed {
    const fn state(self) -> State {
        match self {
            Self::Uncertain => State::Uncertain,
            Self::Failed => State::Failed,
            Self::Held => State::Held,
            Self::Queued => State::Queued,
            Self::Sending => State::Sending,
            Self::Scheduled => State::Scheduled,
        }
    }
}

pub(super) fn run(session: &Session, outbox: &Outbox) -> Result<(), Error> {
    let read = session.read()?;
    let account = session.stored_account(&read)?.id;
    match &outbox.what {
        What::List { state, limit, json } => {
            list(&read, account, session.clock.now(), *state, limit.unwrap_or(u32::MAX), *json)
        }
        What::Status { json } => status(session, &read, *json),
        What::Retry { all_failed: true, .. } => retry_all(session, account),
        What::Retry { ids, .. } => decide_each(session, &read, account, ids, retry),
        What::Cancel { ids } => decide_each(session, &read, account, ids, |_| Ok(Decision::Cancel)),
        What::Resolve { ids, resend, .. } => {
            let decision = if *resend { Decision::SendAgain } else { Decision::Cancel };
            decide_each(session, &read, account, ids, |message| resolve(message, decision))
        }
        What::Pause => {
            let now = session.clock.now();
            let mut store = open(session)?;
            store.write(|tx| pause_account(tx, account, now)).map_err(failed)?;
            hand_over(session, store)?;
            super::say("sending is paused; twoticks outbox resume lets it go on");
            Ok(())
        }
        What::Resume => {
            let mut store = open(session)?;
            store.write(|tx| resume_account(tx, account)).map_err(failed)?;
            hand_over(session, store)?;
            super::say("sending goes on");
            Ok(())
        }
    }
}

fn list(
    read: &ReadConn,
    account: AccountId,
    now: Timestamp,
    state: Option<Listed>,
    limit: u32,
    json: bool,
) -> Result<(), Error> {
    let wanted = state.map(Listed::state);
    let filter = wanted.and_then(QueueFilter::of).unwrap_or_default();
    let paused = paused_since(read, account).map_err(failed)?.is_some();
    let sending = pace::told(read, account).map_err(failed)?;
    let halt = Halt::from(paused, sending.as_ref(), now);
    if let Some(stop) = sending.as_ref().and_then(|sending| sending.stop.as_ref()) {
        super::say(&format!("nothing is sent: {}", display_safe(&stop.words)));
    }
    let mut page = QueuePage::First;
    let mut left = limit;
    while left > 0 {
        let found = browse(read, account, filter, page, PAGE).map_err(failed)?;
        for row in &found.rows {
            if left == 0 || wanted.is_some_and(|wanted| wanted != row.message.state) {
                continue;
            }
            left -= 1;
            if json {
                json_line(&object(row, now, halt))?;
            } else {
                line(&text_line(row, now, halt))?;
            }
        }
        let Some(last) = found.rows.last().filter(|_| found.more_below) else { break };
        page = QueuePage::After(last.key());
    }
    Ok(())
}

/// How the account sends, as far as the store knows: whoever holds the sender role tells it there.
fn status(session: &Session, read: &ReadConn, json: bool) -> Result<(), Error> {
    let account = session.stored_account(read)?;
    let now = session.clock.now();
    let paused = paused_since(read, account.id).map_err(failed)?;
    let pace = pace::told(read, account.id).map_err(failed)?;
    let people = people_reached(read, account.id, now).map_err(failed)?;
    let waiting = queue_counts(read, account.id).map_err(failed)?;
    let recent = recent(read, account.id, now).map_err(failed)?;
    let minute: u32 = recent.spans.iter().rev().take(MINUTE).sum();
    let stop = pace.as_ref().and_then(|pace| pace.stop.as_ref());
    let rests = pace.as_ref().and_then(|pace| pace.rests_until).filter(|at| *at > now);
    if json {
        let stop = stop.map(|stop| {
            json!({ "kind": stop.kind.name(), "words": stop.words, "until": output::time(stop.until) })
        });
        return Ok(json_line(&json!({
            "account": account.name,
            "sender": pace.is_some(),
            "paused_since": paused.map(output::time),
            "stop": stop,
            "rests_until": rests.map(output::time),
            "rate_limit": pace.as_ref().map(|pace| pace.limit),
            "limited_people": pace.as_ref().map(|pace| pace.limited_people),
            "people_reached": people.reached,
            "people_limit": people.limit,
            "requests_last_minute": minute,
            "scheduled": waiting.scheduled,
            "held": waiting.held,
            "queued": waiting.queued,
            "sending": waiting.sending,
            "failed": waiting.failed,
            "uncertain": waiting.uncertain,
        }))?);
    }
    let goes = match (paused, &pace, stop, rests) {
        (Some(since), ..) => {
            format!("paused since {}; twoticks outbox resume lets it go on", output::time(since))
        }
        (None, None, ..) => "no process sends now; the inbox or twoticks listen does".to_owned(),
        (None, Some(_), Some(stop), _) if stop.until > now => {
            format!("stopped: {}; next try {}", stop.words, output::time(stop.until))
        }
        (None, Some(_), Some(stop), _) => format!("stopped: {}", stop.words),
        (None, Some(_), None, Some(until)) => {
            format!("Meta asks to slow down, next at {}", output::time(until))
        }
        (None, Some(pace), None, None) => format!("goes, up to {}/s", pace.limit),
    };
    line(&format!("{}: {}", display_safe(&account.name), display_safe(&goes)))?;
    for (_, words) in queue::limits_of(pace.as_ref(), people) {
        line(&format!("  {words}"))?;
    }
    line(&format!("  {minute} requests in the last minute"))?;
    for filter in QueueFilter::ALL.into_iter().skip(1) {
        let count = filter.count(&waiting);
        if count > 0 {
            line(&format!("  {count} {}", filter.name().to_lowercase()))?;
        }
    }
    Ok(())
}

/// The message with whom it is for, why it is there and what helps.
fn object(row: &QueueRow, now: Timestamp, halt: Option<Halt>) -> Value {
    let message = &row.message;
    let mut value = output::message(message);
    let why = why(row, now, halt);
    // Without a code there is nothing of Meta's to explain: whether it was accepted is not known.
    let told = message.trouble.as_ref().filter(|trouble| trouble.code.is_some());
    let known = told.map(|trouble| {
        let entry = error_code::lookup(trouble.code, 0, None);
        json!({ "plain": entry.plain, "remedy": entry.remedy })
    });
    if let Some(fields) = value.as_object_mut() {
        fields.extend([
            ("name".to_owned(), json!(row.contact.name)),
            ("wa_id".to_owned(), json!(row.contact.wa_id.as_ref().map(ToString::to_string))),
            ("user_id".to_owned(), json!(row.contact.user_id.as_ref().map(ToString::to_string))),
            ("until".to_owned(), json!(why.until.map(|(_, at)| output::time(at)))),
            ("why".to_owned(), json!(why.words)),
            ("explanation".to_owned(), json!(known)),
        ]);
    }
    value
}

/// `    12  2023-11-14T22:13:20.007Z  failed     Ana: text`, and why on a line of its own.
fn text_line(row: &QueueRow, now: Timestamp, halt: Option<Halt>) -> String {
    let message = &row.message;
    let name = describe::name(&row.contact);
    let text = describe::line(message);
    let at = output::time(message.at);
    let why = why(row, now, halt).line(output::time);
    let settles = row.uncertain.map(|id| format!("; twoticks outbox resolve {id} settles that"));
    let settles = settles.unwrap_or_default();
    format!(
        "{:>6}  {at}  {:<9}  {}: {text}\n        {why}{settles}",
        message.id.0,
        message.state.name(),
        display_safe(&name)
    )
}

/// What trying again means for a message.
fn retry(message: &Message) -> Result<Decision, String> {
    match message.state {
        State::Failed => Ok(Decision::SendAgain),
        State::Held => Ok(Decision::WhenPossible),
        State::Uncertain => {
            let id = message.id;
            Err(format!(
                "it may have been accepted: twoticks outbox resolve {id} --resend sends it again, --drop \
                 leaves it at that"
            ))
        }
        state => Err(format!("it is {}, not failed", state.name())),
    }
}

fn resolve(message: &Message, decision: Decision) -> Result<Decision, String> {
    match message.state {
        State::Uncertain => Ok(decision),
        state => Err(format!("it is {}: only what is uncertain is resolved", state.name())),
    }
}

/// Decides about messages one by one, and tells of each that could not be decided about.
fn decide_each(
    session: &Session,
    read: &ReadConn,
    account: AccountId,
    ids: &[String],
    of: impl Fn(&Message) -> Result<Decision, String>,
) -> Result<(), Error> {
    let mut wanted: BTreeMap<MessageId, Decision> = BTreeMap::new();
    let mut refused = Vec::new();
    for id in ids {
        let found = super::find_message(read, account, id).map_err(failed)?;
        match found.as_ref().map(&of) {
            None => refused.push(format!("there is no message {id:?}")),
            Some(Err(reason)) => refused.push(format!("message {id}: {reason}")),
            Some(Ok(decision)) => {
                wanted.extend(found.map(|message| (message.id, decision)));
            }
        }
    }
    let now = session.clock.now();
    let mut store = open(session)?;
    for decision in [Decision::SendAgain, Decision::WhenPossible, Decision::Cancel] {
        let of = wanted.iter().filter(|(_, chosen)| **chosen == decision);
        let ids: Vec<MessageId> = of.map(|(id, _)| *id).collect();
        if !ids.is_empty() {
            let (decided, _) = store.write(|tx| decide(tx, &ids, decision, now)).map_err(failed)?;
            tell(decided.done.len(), decision);
            told(&decided, &mut refused);
        }
    }
    hand_over(session, store)?;
    conclude(&refused)
}

fn retry_all(session: &Session, account: AccountId) -> Result<(), Error> {
    let now = session.clock.now();
    let mut store = open(session)?;
    let mut sweep = None;
    let mut done = 0;
    let mut refused = Vec::new();
    loop {
        let group = (account, QueueFilter::Failed);
        let step = store.write(|tx| decide_some(tx, group, Decision::SendAgain, sweep, now));
        let ((decided, rest), _) = step.map_err(failed)?;
        done += decided.done.len();
        told(&decided, &mut refused);
        sweep = rest;
        if sweep.is_none() {
            break;
        }
    }
    hand_over(session, store)?;
    if done == 0 && refused.is_empty() {
        return Err(Error::new(Kind::Partial, "no message failed"));
    }
    tell(done, Decision::SendAgain);
    conclude(&refused)
}

fn tell(done: usize, decision: Decision) {
    match done {
        0 => {}
        1 => super::say(&format!("1 message {}", queue::done(decision))),
        more => super::say(&format!("{more} messages {}", queue::done(decision))),
    }
}

fn told(decided: &Decided, refused: &mut Vec<String>) {
    let of = decided.refused.iter().map(|(id, reason)| format!("message {id}: {reason}"));
    refused.extend(of);
}

/// What could not be done is an error, whatever else was.
fn conclude(refused: &[String]) -> Result<(), Error> {
    if refused.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> =
        refused.iter().map(|why| format!("\n  {}", display_safe(why))).collect();
    Err(Error::new(Kind::Partial, format!("not everything could be done:{}", lines.concat()))
        .hint("twoticks outbox list shows the ids and where each message stands"))
}

/// Closes the store; whoever sends hears at once that there is something to do.
pub(super) fn hand_over(session: &Session, store: WriteConn) -> Result<(), Error> {
    store.close().map_err(failed)?;
    Bell::beside(&session.paths.database()).ring();
    Ok(())
}

fn open(session: &Session) -> Result<WriteConn, Error> {
    let path = session.paths.database();
    WriteConn::open(&path, session.clock.now()).map(|conn| conn.with_rules(rules(session))).map_err(
        |error| {
            Error::failed(format!("cannot open the database {}", path.display())).because(&error)
        },
    )
}
