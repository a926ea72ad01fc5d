//! `twoticks trigger`: a signed webhook of any kind, posted to our own listener or to another address, and
//! what was answered.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use serde_json::json;

use super::output::{json_line, line};
use super::post::{self, Poster};
use super::{Session, failed, find_message};
use crate::api::relay::{Answered, Target};
use crate::api::signature;
use crate::app::hooks::took as millis;
use crate::config::{Account, SecretSource};
use crate::domain::message::Direction;
use crate::domain::text::{display_safe, fill};
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind};
use crate::sim::trigger::{self, Scene};
use crate::store::message::newest_wamid;

/// Columns of a kind's name on its line.
const NAME: usize = 18;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags, as they are on the command line")]
pub(super) struct Trigger {
    /// What happens.
    #[arg(
        value_name = "KIND",
        hide_possible_values = false,
        value_parser = PossibleValuesParser::new(
            trigger::kinds().map(|kind| PossibleValue::new(kind.name).help(kind.about))
        ),
        required_unless_present = "raw",
        conflicts_with = "raw"
    )]
    kind: Option<String>,
    /// Post this file as it is instead.
    #[arg(long, value_name = "FILE")]
    raw: Option<PathBuf>,
    /// The address to post to; our own listener when left out.
    #[arg(long, value_name = "URL", value_parser = post::target)]
    to: Option<Target>,
    /// Who writes, or was written to.
    #[arg(long, value_name = "NUMBER", default_value = "+15551230001", allow_hyphen_values = true)]
    from: String,
    /// Their profile name.
    #[arg(long, value_name = "NAME", default_value = "Sheena Nelson")]
    name: String,
    /// Their business-scoped user id.
    #[arg(long, value_name = "ID")]
    user_id: Option<String>,
    /// What they say.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    body: Option<String>,
    /// The message that a status, a reaction, an answer, an edit or a deletion is about, by its id or wamid; the
    /// newest one when left out.
    #[arg(long, value_name = "ID")]
    message: Option<String>,
    /// The error code, in kinds that tell of an error.
    #[arg(long, value_name = "CODE")]
    code: Option<i64>,
    /// Set a field by its path: text.body=hi, contacts.0.profile.name=Ana. The value is JSON, or else text.
    #[arg(long, value_name = "PATH=VALUE", conflicts_with = "raw")]
    set: Vec<String>,
    /// So many, each with an id of its own.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    /// All in one webhook.
    #[arg(long)]
    batch: bool,
    /// Each webhook twice, as Meta does when an answer is late.
    #[arg(long)]
    duplicate: bool,
    /// In an order that follows from --seed.
    #[arg(long)]
    shuffle: bool,
    /// For --shuffle; the clock's when left out.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Sign with the secret that is there, in place of the account's app secret: in a variable (env:NAME), a
    /// file or a command's answer.
    #[arg(long, value_name = "SECRET", value_parser = post::secret_source)]
    secret: Option<SecretSource>,
    /// One JSON object per line.
    #[arg(long)]
    json: bool,
}

/// A webhook to post.
struct Post {
    /// What it is, for its line.
    name: String,
    body: Vec<u8>,
}

pub(super) fn run(session: &Session, trigger: &Trigger) -> Result<(), Error> {
    let account = session.account()?;
    let source = match (&trigger.secret, account.app_secrets.first()) {
        (Some(given), _) => given,
        (None, Some(own)) => own,
        (None, None) => {
            return Err(Error::usage(format!("the account {:?} has no app_secret", account.name))
                .hint("add it to the config, or name one with --secret"));
        }
    };
    let secret = post::fetch(session, source)?;
    let target = match &trigger.to {
        Some(target) => target.clone(),
        None => own_listener(session)?,
    };
    let mut posts = posts(session, account, trigger)?;
    if trigger.duplicate {
        posts = posts.into_iter().flat_map(|post| [copy(&post), post]).collect();
    }
    if trigger.shuffle {
        let seed = trigger.seed.unwrap_or_else(|| session.clock.now().millis().unsigned_abs());
        trigger::shuffle(&mut posts, seed);
    }
    let poster = Poster::new(target)?;
    let (mut refused, all) = (0_usize, posts.len());
    for post in posts {
        let signed = signature::sign(&secret, &post.body);
        let (answered, took) = poster.post(session, post.body, Some(&signed));
        refused += usize::from(!answered.as_ref().is_ok_and(Answered::is_taken));
        let took = millis(Some(took));
        if trigger.json {
            json_line(&json!({
                "kind": post.name,
                "to": poster.target().to_string(),
                "status": answered.as_ref().ok().map(|answered| answered.status),
                "answer": answered.as_ref().ok().map(|answered| &answered.body),
                "error": answered.as_ref().err(),
                "took_ms": took.parse::<f64>().ok(),
            }))?;
        } else if let Ok(answered) = &answered {
            let words = display_safe(&answered.body);
            let text =
                format!("{}  {took:>5} ms  {}  {words}", answered.status, fill(&post.name, NAME));
            line(text.trim_end())?;
        }
        // Nobody is there: the rest would meet with the same.
        if let Err(why) = answered {
            let to = poster.target();
            let hint = match trigger.to {
                Some(_) => {
                    "is that the address of a program that runs? Without --to it goes to the listener here"
                }
                None => "the inbox or twoticks listen has to run; --to names another address",
            };
            return Err(
                Error::failed(format!("{to} did not answer: {}", display_safe(&why))).hint(hint)
            );
        }
    }
    match refused {
        0 => Ok(()),
        some => Err(Error::new(Kind::Partial, format!("{some} of {all} were not taken"))),
    }
}

fn own_listener(session: &Session) -> Result<Target, Error> {
    let listener = &session.config.listener;
    if listener.port == 0 {
        return Err(Error::usage("listener.port is 0, so nobody knows where it listens")
            .hint("name the address with --to, or set a port"));
    }
    let address = std::net::SocketAddr::new(listener.address, listener.port);
    Target::parse(&format!("http://{address}{}", listener.path)).map_err(Error::usage)
}

fn copy(post: &Post) -> Post {
    Post { name: post.name.clone(), body: post.body.clone() }
}

fn posts(session: &Session, account: &Account, trigger: &Trigger) -> Result<Vec<Post>, Error> {
    let count = usize::try_from(trigger.count).unwrap_or(usize::MAX);
    if let Some(file) = &trigger.raw {
        let body = std::fs::read(file).map_err(|error| {
            Error::usage(format!("cannot read {}", file.display())).because(&error)
        })?;
        let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
        return Ok((0..count).map(|_| Post { name: name.clone(), body: body.clone() }).collect());
    }
    let name = trigger.kind.clone().unwrap_or_default();
    let kind =
        trigger::named(&name).ok_or_else(|| Error::usage(format!("there is no kind {name:?}")))?;
    let base = scene(session, account, trigger)?;
    let stamp = format!("{:x}.{:x}", base.at.millis(), std::process::id());
    let mut made = Vec::with_capacity(count);
    for number in 0..count {
        let scene = Scene { wamid: format!("wamid.TRIGGER.{stamp}.{number:x}"), ..base.clone() };
        let change = kind.change(&scene, &trigger.set).map_err(Error::usage)?;
        made.push((scene, change));
    }
    if trigger.batch {
        let changes: Vec<_> = made.into_iter().map(|(_, change)| change).collect();
        return Ok(vec![Post { name, body: trigger::body(&base, &changes) }]);
    }
    let single =
        |(scene, change)| Post { name: name.clone(), body: trigger::body(&scene, &[change]) };
    Ok(made.into_iter().map(single).collect())
}

/// What the webhooks are made from: the account's numbers, and the newest messages of the store unless one is
/// named.
fn scene(session: &Session, account: &Account, trigger: &Trigger) -> Result<Scene, Error> {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let from = digits(&trigger.from);
    if from.is_empty() {
        return Err(Error::usage(format!("{:?} is no number", trigger.from))
            .hint("write it with its country code, as in +15551230001"));
    }
    let (mut sent, mut received) = (trigger.message.clone(), trigger.message.clone());
    // Without a store, or without a message in it, the webhook is about one that nobody knows.
    if let Ok(read) = session.read()
        && let Ok(stored) = session.stored_account(&read)
    {
        if let Some(named) = &trigger.message {
            let known = find_message(&read, stored.id, named).map_err(failed)?;
            let wamid = known.and_then(|message| message.wamid).map(|wamid| wamid.to_string());
            sent = wamid.or(sent);
            received.clone_from(&sent);
        } else {
            let newest = |direction| newest_wamid(&read, stored.id, direction).map_err(failed);
            sent = newest(Direction::Outbound)?.map(|wamid| wamid.to_string());
            received = newest(Direction::Inbound)?.map(|wamid| wamid.to_string());
        }
    }
    let nobodys = || "wamid.TRIGGER.unknown".to_owned();
    Ok(Scene {
        waba: account.waba_id.clone().unwrap_or_else(|| "0".to_owned()),
        phone_number_id: account.phone_number_id.clone(),
        display_number: account.number.as_deref().map_or_else(|| "15550100000".to_owned(), digits),
        from,
        name: trigger.name.clone(),
        user_id: trigger.user_id.clone(),
        body: trigger.body.clone(),
        wamid: String::new(),
        sent: sent.unwrap_or_else(nobodys),
        received: received.unwrap_or_else(nobodys),
        code: trigger.code,
        at: Timestamp::from_millis(session.clock.now().millis()),
    })
}
