//! `twoticks events`: the webhooks that were stored and the requests that were refused; one of them whole;
//! and one again, into the inbox or to an address.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use signal_hook::consts::SIGINT;
use signal_hook::flag;

use super::follow::Seen;
use super::output::{self, json_line, line};
use super::post::{self, Poster};
use super::services::{Backstage, on_panic};
use super::{Session, failed, listen, say, told};
use crate::api::relay::{Answered, Target};
use crate::api::signature;
use crate::app::hooks as words;
use crate::config::SecretSource;
use crate::domain::hook::{Budget, Fate, Hook, HookKey, LookedTo};
use crate::domain::hook_filter::{HookFilter, known_field};
use crate::domain::id::EventId;
use crate::domain::page::Page;
use crate::domain::text::{display_safe, display_safe_multiline, fill};
use crate::error::{Error, Kind};
use crate::service::hooks;
use crate::store::event::{self, Kept};
use crate::store::{ReadConn, WriteConn};

/// Rows that are read at once.
const PAGE: u32 = 200;

#[derive(Debug, Args)]
pub(super) struct Events {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List requests, newest first; refused ones too.
    List(List),
    /// Show an event: how it came, what it changed, and its body.
    Show {
        /// The number that the list shows.
        #[arg(value_name = "ID")]
        id: i64,
        /// The body as it came, byte for byte, and nothing else.
        #[arg(long, conflicts_with = "json")]
        raw: bool,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Apply events again, or post them to an address. Applying twice changes nothing.
    Replay {
        /// The numbers that the list shows.
        #[arg(value_name = "ID", required = true)]
        ids: Vec<i64>,
        /// Post them to this address instead, signed as they came.
        #[arg(long, value_name = "URL", value_parser = post::target)]
        to: Option<Target>,
        /// Sign them anew with the secret that is there: in a variable (env:NAME), a file or a command's answer.
        #[arg(long, value_name = "SECRET", requires = "to", value_parser = post::secret_source)]
        secret: Option<SecretSource>,
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
struct List {
    /// Words that must be found in what is told of a request or in its body.
    #[arg(value_name = "WORD")]
    words: Vec<String>,
    /// The field, such as messages or statuses.
    #[arg(long, value_name = "FIELD")]
    field: Option<String>,
    /// The type of message or the status: text, image, failed, ...
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// A part of the name, number or user id of whom it is about.
    #[arg(long, value_name = "WHO")]
    who: Option<String>,
    /// The HTTP status it was answered with.
    #[arg(long, value_name = "CODE")]
    code: Option<u16>,
    /// Not older than this: 15m, 2h, 7d.
    #[arg(long, value_name = "SPAN")]
    since: Option<String>,
    /// At most this many.
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Go on with what comes in, until it is interrupted.
    #[arg(long, short)]
    follow: bool,
    /// One JSON object per line.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(session: &Session, events: &Events) -> Result<(), Error> {
    match &events.what {
        What::List(list) => list_all(session, list),
        What::Show { id, raw, json } => show(session, EventId(*id), *raw, *json),
        What::Replay { ids, to: None, json, .. } => replay(session, ids, *json),
        What::Replay { ids, to: Some(to), secret, json } => {
            repost(session, ids, to, secret.as_ref(), *json)
        }
    }
}

fn filter(session: &Session, list: &List) -> Result<HookFilter, Error> {
    let now = session.clock.now();
    let since = list.since.as_ref().map(|since| format!("since:{since}")).unwrap_or_default();
    let lower = |text: &Option<String>| text.as_ref().map(|text| text.to_lowercase());
    let since = HookFilter::parse(&since, now).map_err(Error::usage)?.since;
    Ok(HookFilter {
        field: lower(&list.field),
        kind: lower(&list.kind),
        who: lower(&list.who),
        code: list.code,
        since,
        words: list.words.iter().map(|word| word.to_lowercase()).collect(),
    })
}

fn list_all(session: &Session, list: &List) -> Result<(), Error> {
    let filter = filter(session, list)?;
    let read = session.read()?;
    session.check_account(&read)?;
    let seen = Seen::now(&read).map_err(failed)?;
    let mut page = Page::First;
    let most = list.limit.unwrap_or(u32::MAX);
    let mut left = most;
    // A word may be in any body, and there may be a gigabyte of them: whoever waits can stop it.
    let stop = interruptible()?;
    while left > 0 {
        let budget = Budget::STEP;
        let found = hooks::hooks(&read, &filter, page, PAGE.min(left), budget).map_err(failed)?;
        for hook in &found.rows {
            tell(hook, list.json)?;
        }
        left = left.saturating_sub(u32::try_from(found.rows.len()).unwrap_or(u32::MAX));
        let lowest = found.rows.last().map(|hook| LookedTo { key: hook.key, at: hook.at() });
        let Some(looked) = found.looked.or(lowest).filter(|_| found.more_below) else { break };
        if stop.load(Ordering::SeqCst) {
            let back = output::time(looked.at);
            return Err(Error::new(
                Kind::Interrupted,
                format!("interrupted; looked back to {back}"),
            ));
        }
        page = Page::After(looked.key);
    }
    // From here on a signal ends it at once.
    stop.store(true, Ordering::SeqCst);
    if left == most && most > 0 {
        // One that this version does not know may be stored all the same.
        if let Some(field) = &list.field {
            known_field(field).map_err(|why| Error::usage(format!("--field: {why}")))?;
        }
        if !list.follow {
            let words = if filter.is_empty() { "nothing came in yet" } else { "nothing fits" };
            return Err(Error::new(Kind::Partial, words));
        }
    }
    if list.follow {
        follow(session, &filter, seen, list.json)?;
    }
    Ok(())
}

/// Is set by the first SIGINT; the next one ends the process, as every one does once it is set.
fn interruptible() -> Result<Arc<AtomicBool>, Error> {
    let stop = Arc::new(AtomicBool::new(false));
    let heard = flag::register_conditional_default(SIGINT, Arc::clone(&stop))
        .and_then(|_| flag::register(SIGINT, Arc::clone(&stop)));
    heard.map_err(|error| Error::failed("cannot hear signals").because(&error))?;
    Ok(stop)
}

/// Goes on with what comes in, whichever process hears it.
fn follow(session: &Session, filter: &HookFilter, mut seen: Seen, json: bool) -> Result<(), Error> {
    let _log = session.start_log()?;
    let (failed_at, panicked) = std::sync::mpsc::channel();
    let on_panic = on_panic(move |said| {
        // A command that has ended is leaving already.
        failed_at.send(said).ok();
    });
    let backstage = Backstage::prepare(session, Arc::clone(&on_panic))?;
    let news = backstage.bus.watch();
    loop {
        let wanted = filter.clone();
        let fresh = backstage.reader.ask_and_wait("events", move |read| seen.next(read, &wanted));
        let (fresh, now) = fresh.map_err(failed)?;
        seen = now;
        for hook in &fresh {
            tell(hook, json)?;
        }
        if let Ok(said) = panicked.try_recv() {
            return Err(Error::failed(said).hint("the log has more"));
        }
        drop(news.wait(None));
    }
}

fn tell(hook: &Hook, json: bool) -> Result<(), Error> {
    if json {
        return listen::print(hook, true);
    }
    let columns = words::columns(hook);
    let id = hook.event().map(|id| id.to_string()).unwrap_or_default();
    let took = words::took(hook.took());
    let text = format!(
        "{id:>7}  {}  {}  {took:>6}  {}  {}  {}  {}",
        output::time(hook.at()),
        hook.code(),
        fill(&columns.field, 10),
        fill(&columns.what, 18),
        fill(&columns.who, 20),
        columns.note
    );
    Ok(line(text.trim_end())?)
}

fn show(session: &Session, id: EventId, raw: bool, json: bool) -> Result<(), Error> {
    let read = session.read()?;
    let hook = hooks::hook(&read, HookKey::of(id)).map_err(no_event)?;
    let kept = event::kept(&read, id).map_err(failed)?;
    let Fate::Stored { row, subjects, .. } = &hook.fate else { return Ok(()) };
    if raw {
        use std::io::Write as _;
        let mut out = std::io::stdout().lock();
        out.write_all(&kept.body)?;
        return Ok(out.flush()?);
    }
    if json {
        let mut value = told::json(&hook);
        let headers = row.head.as_ref().map(|head| head.headers.clone());
        let extra = json!({
            "headers": headers,
            "signature": kept.signature.map(|signature| signature::header(&signature)),
            "body": body_json(&kept),
        });
        if let (Value::Object(value), Value::Object(extra)) = (&mut value, extra) {
            value.extend(extra);
        }
        return Ok(json_line(&value)?);
    }
    for words in told::lines(&hook) {
        line(&words)?;
    }
    let took = words::took(hook.took());
    line(&format!(
        "\nanswered  {}{}",
        hook.code(),
        if took.is_empty() { took } else { format!(" in {took} ms") }
    ))?;
    match &row.head {
        Some(head) => {
            line(&format!("signed    by the app secret of {}", display_safe(&head.secret)))?;
            for header in head.headers.lines() {
                line(&format!("          {}", display_safe(header)))?;
            }
        }
        None => line("signed    not known")?,
    }
    let changes = words::changes(row, subjects);
    if !changes.is_empty() {
        line("\nchanged")?;
        for change in changes {
            line(&format!("  {}", change_line(&change)))?;
        }
    }
    line("")?;
    if kept.body.is_empty() {
        return Ok(line(
            "The body was let go; [events] in the config says how long bodies are kept.",
        )?);
    }
    let body = String::from_utf8_lossy(&kept.body);
    Ok(line(&display_safe_multiline(&words::pretty(&body)))?)
}

fn change_line(change: &words::Change) -> String {
    let before = change.before.as_deref().unwrap_or("-");
    let after = change.after.as_deref().unwrap_or("-");
    format!("{}  {}  {before} -> {after}", change.row, change.column)
}

/// The body as JSON, or as text when it is none.
fn body_json(kept: &Kept) -> Value {
    if kept.body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(&kept.body)
        .unwrap_or_else(|_no_json| String::from_utf8_lossy(&kept.body).into_owned().into())
}

fn no_event(error: crate::store::Error) -> Error {
    match error {
        crate::store::Error::NotFound { .. } => Error::new(Kind::Partial, error.to_string())
            .hint("twoticks events list shows the numbers of those that are there"),
        error => failed(error),
    }
}

/// Applies events again.
fn replay(session: &Session, ids: &[i64], json: bool) -> Result<(), Error> {
    let path = session.paths.database();
    let read = session.read()?;
    let now = session.clock.now();
    let mut store = WriteConn::open(&path, now).map_err(|error| {
        Error::failed(format!("cannot open the database {}", path.display())).because(&error)
    })?;
    let mut missing = 0;
    for id in ids {
        match store.write(|tx| hooks::replay(tx, EventId(*id), now)) {
            Ok((done, _)) => {
                let hook = hooks::hook(&read, HookKey::of(done.event)).map_err(failed)?;
                listen::print(&hook, json)?;
            }
            Err(error @ crate::store::Error::NotFound { .. }) => {
                missing += 1;
                say(&format!("event {id}: {error}"));
            }
            Err(error) => return Err(failed(error)),
        }
    }
    store.close().map_err(failed)?;
    partly(missing)
}

/// Posts events to an address, as they came or signed anew.
fn repost(
    session: &Session,
    ids: &[i64],
    to: &Target,
    secret: Option<&SecretSource>,
    json: bool,
) -> Result<(), Error> {
    let secret = secret.map(|source| post::fetch(session, source)).transpose()?;
    let read = session.read()?;
    let poster = Poster::new(to.clone())?;
    let mut failures = 0;
    for id in ids {
        let kept = match kept_body(&read, EventId(*id)) {
            Ok(kept) => kept,
            Err(why) => {
                failures += 1;
                say(&format!("event {id}: {why}"));
                continue;
            }
        };
        let signed = match &secret {
            Some(secret) => Some(signature::sign(secret, &kept.body)),
            None => kept.signature,
        };
        let (answered, took) = poster.post(session, kept.body, signed.as_ref());
        let taken = answered.as_ref().is_ok_and(Answered::is_taken);
        failures += usize::from(!taken);
        if json {
            json_line(&json!({
                "event": id,
                "to": to.to_string(),
                "status": answered.as_ref().ok().map(|answered| answered.status),
                "error": answered.as_ref().err(),
                "took_ms": output::millis(took),
            }))?;
            continue;
        }
        let words = match answered {
            Ok(answered) => answered.status.to_string(),
            Err(why) => why,
        };
        line(&format!(
            "#{id} {} {} ms  {}",
            poster.target(),
            words::took(Some(took)),
            display_safe(&words)
        ))?;
    }
    partly(failures)
}

fn kept_body(read: &ReadConn, id: EventId) -> Result<Kept, String> {
    let kept = event::kept(read, id).map_err(|error| error.to_string())?;
    if kept.body.is_empty() {
        return Err("its body was let go".to_owned());
    }
    Ok(kept)
}

fn partly(failures: usize) -> Result<(), Error> {
    match failures {
        0 => Ok(()),
        1 => Err(Error::new(Kind::Partial, "1 event was not replayed")),
        more => Err(Error::new(Kind::Partial, format!("{more} events were not replayed"))),
    }
}
