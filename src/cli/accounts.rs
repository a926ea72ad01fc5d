//! `twoticks accounts`: what Meta says of each account, now and before, and the profile that customers see.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::{json_line, line, time};
use super::services::new_account;
use super::{Session, failed, network, say};
use crate::api::client::{CallError, Client};
use crate::config;
use crate::domain::account::{Fact, concerns};
use crate::domain::id::PhoneNumberId;
use crate::domain::profile::{Part, ProfileChange, websites};
use crate::domain::text::{self, display_safe};
use crate::domain::time::Timestamp;
use crate::error::Error;
use crate::service::picture::Picture;
use crate::store::account::{self, Account, fact, upsert_account};
use crate::store::{ReadConn, WriteConn};

#[derive(Debug, Args)]
pub(super) struct Accounts {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the accounts, with what Meta says of each that is not good.
    List {
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Print what Meta says of the account: name, quality, limits, restrictions.
    Show {
        /// What it said before as well, the newest first.
        #[arg(long)]
        history: bool,
        /// How much of the history.
        #[arg(long, value_name = "N", default_value_t = 100, requires = "history")]
        limit: u32,
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Ask Meta how the account is now.
    Fetch {
        /// One JSON object per line, as show prints it.
        #[arg(long)]
        json: bool,
    },
    /// Print the profile that customers see.
    Profile {
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Change the profile that customers see. What is not named stays; an empty text takes it away.
    Edit(Edit),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Edit {
    /// The line under the name, at most 139 characters.
    #[arg(long, value_name = "TEXT")]
    about: Option<String>,
    /// At most 256 characters.
    #[arg(long, value_name = "TEXT")]
    address: Option<String>,
    /// At most 256 characters.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// At most 128 characters.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// A website; given twice for two, which is the most.
    #[arg(long = "website", value_name = "URL")]
    websites: Option<Vec<String>>,
    /// What kind of business it is, such as RETAIL.
    #[arg(long, value_name = "WORD")]
    vertical: Option<String>,
    /// A JPEG or PNG of at most 5 MiB.
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
}

impl Edit {
    fn change(&self) -> ProfileChange {
        let websites = self.websites.as_ref().map(|sites| sites.join(" "));
        let vertical = self.vertical.as_ref().map(|word| word.to_uppercase());
        let parts =
            [&self.about, &self.address, &self.description, &self.email, &websites, &vertical];
        let texts = Part::ALL.into_iter().zip(parts);
        let texts = texts.filter_map(|(part, text)| Some((part, text.clone()?))).collect();
        ProfileChange { texts, picture: None }
    }
}

pub(super) fn run(session: &Session, accounts: &Accounts) -> Result<(), Error> {
    match &accounts.what {
        What::List { json } => list(session, *json),
        What::Show { history: false, json, .. } => show(session, *json),
        What::Show { history: true, limit, json } => history(session, *limit, *json),
        What::Fetch { json } => fetch(session, *json),
        What::Profile { json } => profile(session, *json),
        What::Edit(wanted) => edit(session, wanted),
    }
}

/// A client for the account that is meant.
fn client(session: &Session) -> Result<(&config::Account, Client), Error> {
    let account = session.account()?;
    Ok((account, network::client_of(session, account)?))
}

fn fetch(session: &Session, as_json: bool) -> Result<(), Error> {
    let (account, client) = client(session)?;
    let number = PhoneNumberId::new(&account.phone_number_id);
    let asked = network::wait(client.phone_number(&number))?;
    let found = asked.map_err(|error| {
        Error::failed(format!("Meta does not say how the account is: {error}"))
            .hint("what is known stays; twoticks doctor looks for the cause")
    })?;
    session.paths.create_data()?;
    let now = session.clock.now();
    let mut write = WriteConn::open(&session.paths.database(), now).map_err(failed)?;
    let (new, standing) = (new_account(account), found.standing());
    write
        .write(|tx| {
            let id = upsert_account(tx, &new, now)?;
            fact::asked(tx, id, &standing, now)
        })
        .map_err(failed)?;
    write.close().map_err(failed)?;
    show(session, as_json)
}

fn list(session: &Session, as_json: bool) -> Result<(), Error> {
    let read = session.read()?;
    let now = session.clock.now();
    session.check_account(&read)?;
    let wanted = session.global.account.as_deref();
    let accounts = account::accounts(&read).map_err(failed)?;
    for account in accounts.into_iter().filter(|one| wanted.is_none_or(|name| one.name == name)) {
        let facts = fact::facts(&read, account.id).map_err(failed)?;
        let asked_at = fact::asked_at(&read, account.id).map_err(failed)?;
        let concerns = concerns(&facts, now);
        if as_json {
            json_line(&json!({
                "account": account.name,
                "phone_number_id": account.phone_number.to_string(),
                "waba_id": account.waba.as_ref().map(ToString::to_string),
                "number": account.display_number,
                "asked_at": asked_at.map(time),
                "facts": facts.iter().map(as_object).collect::<Vec<_>>(),
                "concerns": concerns.iter().map(|concern| json!({
                    "kind": concern.kind.name(), "grave": concern.grave, "says": concern.words,
                })).collect::<Vec<_>>(),
            }))?;
            continue;
        }
        let number = account.display_number.as_deref().unwrap_or("");
        let first = concerns.first().map_or_else(
            || if asked_at.is_some() { "good" } else { "not asked yet" }.to_owned(),
            |concern| concern.words.clone(),
        );
        let name = display_safe(&account.name);
        let words = format!("{}  {:<20} {first}", text::pad(&name, 20), number);
        line(&display_safe(&words))?;
        for concern in concerns.iter().skip(1) {
            line(&display_safe(&format!("{:<43}{}", "", concern.words)))?;
        }
    }
    Ok(())
}

fn profile(session: &Session, as_json: bool) -> Result<(), Error> {
    let (account, client) = client(session)?;
    let number = PhoneNumberId::new(&account.phone_number_id);
    let profile = network::wait(client.profile(&number))?
        .map_err(|error| Error::failed(format!("the profile cannot be had: {error}")))?;
    if as_json {
        let sites: Vec<&str> = websites(profile.text(Part::Websites)).collect();
        let mut object = json!({ "account": account.name, "picture_url": profile.picture_url });
        for part in Part::ALL {
            let text = profile.text(part);
            object[part.name()] = match part {
                Part::Websites => json!(sites),
                _ => json!((!text.is_empty()).then_some(text)),
            };
        }
        return Ok(json_line(&object)?);
    }
    for part in Part::ALL {
        let text = text::display_safe_multiline(profile.text(part)).replace('\n', "\n            ");
        line(format!("{:<12}{text}", part.name()).trim_end())?;
    }
    let picture = display_safe(profile.picture_url.as_deref().unwrap_or_default()).into_owned();
    Ok(line(format!("{:<12}{picture}", "picture").trim_end())?)
}

fn edit(session: &Session, wanted: &Edit) -> Result<(), Error> {
    let mut change = wanted.change();
    let mut flaws = change.flaws();
    let picture = wanted.picture.as_ref().map(|file| Picture::read(file));
    let picture = picture.transpose().unwrap_or_else(|flaw| {
        flaws.push(flaw);
        None
    });
    if !flaws.is_empty() {
        return Err(Error::usage(flaws.join("\n")).hint("nothing was changed"));
    }
    let (account, client) = client(session)?;
    let refused = |what: &str, error: &CallError| {
        Error::failed(format!("{what}: {error}")).hint("twoticks accounts profile shows how it is")
    };
    if let Some(picture) = picture {
        let app = account.app_id.as_ref().ok_or_else(|| {
            Error::usage(format!("account {:?} has no app_id", account.name))
                .hint("pictures are uploaded to the app: add its id to the config")
        })?;
        let (name, mime) = (picture.name(), picture.mime);
        let uploaded = network::wait(client.upload_example(app, &name, mime, picture.bytes))?;
        change.picture =
            Some(uploaded.map_err(|error| refused("the picture was not uploaded", &error))?);
    }
    let number = PhoneNumberId::new(&account.phone_number_id);
    network::wait(client.set_profile(&number, &change))?
        .map_err(|error| refused("the profile was not changed", &error))?;
    profile(session, false)
}

fn stored(session: &Session) -> Result<(ReadConn, Account), Error> {
    let read = session.read()?;
    let account = session.stored_account(&read)?;
    Ok((read, account))
}

fn show(session: &Session, as_json: bool) -> Result<(), Error> {
    let (read, account) = stored(session)?;
    let facts = fact::facts(&read, account.id).map_err(failed)?;
    if facts.is_empty() {
        say("nothing is known of it yet: twoticks accounts fetch");
    }
    if let Some(at) = fact::asked_at(&read, account.id).map_err(failed)?.filter(|_| !as_json) {
        say(&format!("asked at {}", time(at)));
    }
    print(&facts, as_json, session.clock.now())
}

fn history(session: &Session, limit: u32, as_json: bool) -> Result<(), Error> {
    let (read, account) = stored(session)?;
    let facts = fact::history(&read, account.id, limit).map_err(failed)?;
    print(&facts, as_json, session.clock.now())
}

fn print(facts: &[Fact], as_json: bool, now: Timestamp) -> Result<(), Error> {
    for fact in facts {
        if as_json {
            json_line(&as_object(fact))?;
            continue;
        }
        let said = &fact.saying;
        let parts = [&said.subject, &said.value, &said.detail];
        let parts: Vec<&str> =
            parts.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        let until = said.until.map_or_else(String::new, |until| format!(", until {}", time(until)));
        let mark = if fact.concern(now).is_some() { "!" } else { " " };
        let how = if fact.told { "told" } else { "asked" };
        let words = format!(
            "{mark} {:<16} {}{until}  ({how} {})",
            said.kind.title(),
            parts.join("  "),
            time(fact.at)
        );
        line(&display_safe(&words))?;
    }
    Ok(())
}

fn as_object(fact: &Fact) -> Value {
    let said = &fact.saying;
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    json!({
        "kind": said.kind.name(),
        "subject": some(&said.subject),
        "value": said.value,
        "detail": some(&said.detail),
        "at": time(fact.at),
        "last_at": time(fact.last_at),
        "until": said.until.map(time),
        "source": if fact.told { "webhook" } else { "asked" },
    })
}
