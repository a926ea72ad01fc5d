//! `twoticks listen`: listener and sender without the screen. A line for each thing that a webhook brings,
//! until it is asked to end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::follow::Seen;
use super::output::{self, json_line, line};
use super::services::{Backstage, check_secrets, on_panic, store_accounts};
use super::{Session, failed, post, say, told};
use crate::api::relay::Target;
use crate::app::hooks;
use crate::config::SecretSource;
use crate::domain::health::{Condition, Health};
use crate::domain::hook::Hook;
use crate::domain::hook_filter::{HookFilter, Only};
use crate::domain::text::{display_safe, display_safe_multiline};
use crate::domain::tunnel::{Registration, TunnelHealth};
use crate::error::{Error, Kind};
use crate::service::bus::{Interest, Subscription};
use crate::service::forward::{Forwarded, Forwarding};
use crate::service::reader::ReadError;
use crate::store::{ReadConn, event};
use crate::term::signal;

#[derive(Debug, Args)]
pub(super) struct Listen {
    /// Pass every webhook on to this address, as it came; may be given several times.
    #[arg(long, value_name = "URL", value_parser = post::target)]
    forward_to: Vec<Target>,
    /// Sign what is passed on anew with the secret that is there: in a variable (env:NAME), a file or a
    /// command's answer.
    #[arg(long, value_name = "SECRET", requires = "forward_to", value_parser = post::secret_source)]
    forward_secret: Option<SecretSource>,
    /// Pass only these on: fields, with a type or status if only that is meant, as in messages,statuses:failed.
    #[arg(long, value_name = "FIELDS", requires = "forward_to", value_parser = Only::parse)]
    forward_only: Option<Only>,
    /// Print the body of each webhook: on one line in place of the usual one, or laid out below it.
    #[arg(long, value_enum, value_name = "HOW", conflicts_with = "json")]
    print: Option<Print>,
    /// One JSON object per line.
    #[arg(long)]
    json: bool,
}

/// How bodies are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Print {
    Json,
    Pretty,
}

enum Heard {
    Forwarded(Forwarded),
    News,
    End,
    Panic(String),
}

pub(super) fn run(session: &Session, listen: &Listen) -> Result<(), Error> {
    check_secrets(session, session.account()?)?;
    let _log = session.start_log()?;
    store_accounts(session)?;
    let (told, heard) = channel();
    let ended = told.clone();
    let on_panic = on_panic(move |said| {
        // A command that has ended is leaving already; so below.
        ended.send(Heard::Panic(said)).ok();
    });
    let mut backstage = Backstage::prepare(session, Arc::clone(&on_panic))?;
    backstage.with_tunnel(session)?;
    if let Some(forwarding) = forwarding(session, listen)? {
        let tell = told.clone();
        let hear = move |forwarded| drop(tell.send(Heard::Forwarded(forwarded)));
        backstage.forward(forwarding, Arc::new(hear));
    }
    let asked = told.clone();
    let _signals = signal::start(false, on_panic, move |_| {
        asked.send(Heard::End).ok();
    })
    .map_err(|error| Error::failed("cannot listen for signals").because(&error))?;
    let news = backstage.bus.subscribe(Interest::Everything, move || {
        told.send(Heard::News).ok();
    });
    // What comes from now on is told, the first webhook too.
    let seen = ask(&backstage, Seen::now)?;
    backstage.go_live(session)?;
    let result = follow(&backstage, (&news, &heard), seen, listen);
    drop(news);
    backstage.stop();
    result
}

/// Where webhooks are to be passed on to.
fn forwarding(session: &Session, listen: &Listen) -> Result<Option<Forwarding>, Error> {
    if listen.forward_to.is_empty() {
        return Ok(None);
    }
    let own = session.config.listener.port;
    if let Some(target) =
        listen.forward_to.iter().find(|target| target.local_port() == Some(own) && own != 0)
    {
        return Err(Error::usage(format!("{target} is this listener itself"))
            .hint("name the port of the program that you develop"));
    }
    let secret = listen.forward_secret.as_ref();
    Ok(Some(Forwarding {
        targets: listen.forward_to.clone(),
        secret: secret.map(|source| post::fetch(session, source)).transpose()?,
        only: listen.forward_only.clone().unwrap_or_default(),
    }))
}

/// Prints what comes in until the end is asked for.
fn follow(
    backstage: &Backstage,
    (news, heard): (&Subscription, &Receiver<Heard>),
    mut seen: Seen,
    listen: &Listen,
) -> Result<(), Error> {
    let mut health = Health::default();
    let mut untaken = Untaken::default();
    tell_health(&mut health, backstage.bus.health());
    // Whoever would tell us anything is gone when this ends by itself.
    while let Ok(heard) = heard.recv() {
        match heard {
            Heard::End => {
                untaken.tell();
                return Err(Error::new(Kind::Interrupted, "ended by a signal"));
            }
            Heard::Panic(said) => return Err(Error::failed(said).hint("the log has more")),
            Heard::Forwarded(forwarded) => {
                untaken.note(&forwarded);
                tell_forwarded(&forwarded, listen)?;
                continue;
            }
            Heard::News => {}
        }
        let news = news.take();
        if let Some(now) = news.health {
            tell_health(&mut health, now);
        }
        if news.changes.is_empty() {
            continue;
        }
        let (fresh, now) = ask(backstage, move |read| seen.next(read, &HookFilter::default()))?;
        seen = now;
        for hook in &fresh {
            if hook.event().is_none() {
                for words in told::lines(hook) {
                    say(&words);
                }
            } else {
                print_as_asked(backstage, hook, listen)?;
            }
        }
    }
    Ok(())
}

fn ask<T: Send + 'static>(
    backstage: &Backstage,
    query: impl FnOnce(&ReadConn) -> Result<T, crate::store::Error> + Send + 'static,
) -> Result<T, Error> {
    backstage.reader.ask_and_wait("listen", query).map_err(|error| match error {
        ReadError::Store(error) => failed(error),
        ReadError::Dropped => Error::new(Kind::Interrupted, "interrupted"),
    })
}

fn print_as_asked(backstage: &Backstage, hook: &Hook, listen: &Listen) -> Result<(), Error> {
    let (Some(how), Some(event)) = (listen.print, hook.event()) else {
        return print(hook, listen.json);
    };
    let kept = ask(backstage, move |read| event::kept(read, event))?;
    let body = String::from_utf8_lossy(&kept.body);
    match how {
        Print::Json => match serde_json::from_str(&body) {
            Ok(value) => json_line(&value)?,
            Err(_no_json) => say(&format!("event {event} is no JSON; twoticks events show has it")),
        },
        Print::Pretty => {
            print(hook, false)?;
            line(&display_safe_multiline(&hooks::pretty(&body)))?;
        }
    }
    Ok(())
}

/// The events that were passed on and that a target has not taken.
#[derive(Default)]
struct Untaken(BTreeMap<String, BTreeSet<i64>>);

/// So many of their numbers are named at the end.
const NAMED: usize = 50;

impl Untaken {
    fn note(&mut self, forwarded: &Forwarded) {
        let events = self.0.entry(forwarded.to.to_string()).or_default();
        if forwarded.is_taken() {
            events.remove(&forwarded.event.0);
        } else {
            events.insert(forwarded.event.0);
        }
    }

    /// Says which, with what posts them again.
    fn tell(&self) {
        for (to, events) in self.0.iter().filter(|(_, events)| !events.is_empty()) {
            let named: Vec<String> = events.iter().take(NAMED).map(i64::to_string).collect();
            let more = if events.len() > NAMED { " ..." } else { "" };
            let count = match events.len() {
                1 => "1 event was".to_owned(),
                more => format!("{more} events were"),
            };
            say(&format!(
                "{count} not taken by {to}; to post again: twoticks events replay {}{more} --to {to}",
                named.join(" ")
            ));
        }
    }
}

/// Tells of a try to pass a webhook on. With bodies alone on stdout, it is talk.
fn tell_forwarded(forwarded: &Forwarded, listen: &Listen) -> Result<(), Error> {
    let Forwarded { event, to, answer, took, tries, again } = forwarded;
    if listen.json {
        return Ok(json_line(&json!({
            "event": event.0,
            "forwarded_to": to.to_string(),
            "status": answer.as_ref().ok(),
            "error": answer.as_ref().err(),
            "took_ms": output::millis(*took),
            "tries": tries,
            "again_in_ms": again.map(|again| u64::try_from(again.as_millis()).unwrap_or(u64::MAX)),
            "taken": forwarded.is_taken(),
        }))?);
    }
    let words = match answer {
        Ok(status) => format!("{status} in {} ms", hooks::took(Some(*took))),
        Err(why) => display_safe(why).into_owned(),
    };
    let then = match again {
        Some(again) => format!("; again in {:.1} s", again.as_secs_f64()),
        None if forwarded.is_taken() => String::new(),
        None => {
            let after = if *tries > 1 { format!(" after {tries} tries") } else { String::new() };
            format!("; given up{after}; again by: twoticks events replay {event} --to {to}")
        }
    };
    let words = format!("#{event} > {to}  {words}{then}");
    if listen.print == Some(Print::Json) {
        say(&words);
        return Ok(());
    }
    Ok(line(&words)?)
}

pub(super) fn print(hook: &Hook, json: bool) -> Result<(), Error> {
    if json {
        return Ok(json_line(&told::json(hook))?);
    }
    for words in told::lines(hook) {
        line(&words)?;
    }
    Ok(())
}

/// Says on stderr what changed with the listener and the sender.
fn tell_health(before: &mut Health, now: Health) {
    if before.listener != now.listener || before.listener_address != now.listener_address {
        let address = now.listener_address.as_deref().unwrap_or_default();
        say(format!("listener: {} {address}", condition(&now.listener)).trim_end());
    }
    if before.listener_rebuilt != now.listener_rebuilt {
        say("listener: it did not answer its own request and was built anew");
    }
    tell_tunnel(&before.tunnel, &now.tunnel);
    if before.sender != now.sender {
        say(&format!("sender: {}", condition(&now.sender)));
    }
    tell_stops(before, &now);
    let troubles = [
        (before.account_trouble.clone(), now.account_trouble.clone()),
        (before.store_trouble.clone(), now.store_trouble.clone()),
        (before.search_trouble.clone(), now.search_trouble.clone()),
        (before.net_trouble.clone(), now.net_trouble.clone()),
        (before.challenge_trouble.clone(), now.challenge_trouble.clone()),
    ];
    for (was, is) in troubles {
        if let Some(trouble) = is.as_ref().filter(|_| was != is) {
            say(&format!("trouble: {}", display_safe(trouble)));
        }
    }
    *before = now;
}

/// Says which accounts cannot send any more, and which can again.
fn tell_stops(before: &Health, now: &Health) {
    let said = |health: &Health| -> BTreeMap<String, String> {
        health.stops().map(|(account, stop)| (account.name.clone(), stop.words.clone())).collect()
    };
    let (before, now) = (said(before), said(now));
    for (name, words) in now.iter().filter(|(name, words)| before.get(*name) != Some(*words)) {
        say(&format!("trouble: {name}: {}", display_safe(words)));
    }
    for name in before.keys().filter(|name| !now.contains_key(*name)) {
        say(&format!("sender: {name} goes on"));
    }
}

fn tell_tunnel(before: &TunnelHealth, now: &TunnelHealth) {
    let Some(kind) = now.kind else { return };
    if before.url != now.url
        && let Some(url) = &now.url
    {
        say(&format!("tunnel: {kind} gives {}", display_safe(url)));
    }
    tell_registration(&before.registration, &now.registration);
    if before.condition == now.condition {
        return;
    }
    let words = display_safe(&condition(&now.condition)).into_owned();
    match (&now.condition, now.round_trip, &now.url) {
        (Condition::Up, Some(took), Some(url)) => say(&format!(
            "tunnel: {kind} ok, {} leads here and back in {} ms",
            display_safe(url),
            took.as_millis()
        )),
        _ => say(&format!("tunnel: {kind} {words}")),
    }
}

fn tell_registration(before: &Registration, now: &Registration) {
    if before == now {
        return;
    }
    match now {
        Registration::Unknown => {}
        Registration::Registered { .. } => say("tunnel: Meta posts there"),
        Registration::Asks { old } => {
            let old = display_safe(old.as_deref().unwrap_or("no address"));
            say(&format!("tunnel: Meta posts to {old}; to change that: twoticks webhook set"));
        }
        Registration::Trouble(why) => {
            say(&format!("tunnel: Meta is not told: {}", display_safe(why)));
        }
    }
}

fn condition(condition: &Condition) -> String {
    match condition {
        Condition::Starting => "starting".to_owned(),
        Condition::Up => "up".to_owned(),
        Condition::Elsewhere => "another process does it".to_owned(),
        Condition::Off => "off".to_owned(),
        Condition::Down(why) => format!("down: {why}"),
    }
}
