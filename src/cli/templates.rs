//! `twoticks templates`: fetch the account's templates, list and show them, hand new ones in, change and delete
//! them. Each call to Meta is made once and waited for.

mod file;
mod send;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use clap_complete::engine::ArgValueCompleter;
use serde_json::{Value, json};

use super::output::{self, json_line, line};
use super::services::new_account;
use super::{Session, failed, network, say, shell};
use crate::api::client::{CallError, Client};
use crate::api::template::Listed;
use crate::config;
use crate::domain::catalogue::{Catalogue, Entry};
use crate::domain::id::{AccountId, WabaId};
use crate::domain::template::rules::{Part, breaches};
use crate::domain::template::{
    FileSource, Header, Refusal, STILL_ARRIVE, Status, Template, Work, Worked, change,
    consequences, example_too_big, file_source, obstacle, undeletable,
};
use crate::domain::text::{self, display_safe};
use crate::error::{Error, Kind};
use crate::service::catalogue;
use crate::service::workshop::Workshop;
use crate::store::account::upsert_account;
use crate::store::catalogue::{Told, put, remove, settle};
use crate::store::{self, Tx, WriteConn};

#[derive(Debug, Args)]
pub(super) struct Templates {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Fetch all templates from Meta.
    Sync,
    /// List the templates as they were last fetched, with what became of the messages sent from them.
    List {
        /// Only those whose status is this, such as approved.
        #[arg(long, value_name = "STATUS")]
        status: Option<String>,
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Print a template as TOML that create takes.
    Show {
        /// Its name.
        #[arg(add = ArgValueCompleter::new(shell::templates))]
        name: String,
        /// Which language; needed when it has several.
        #[arg(long, value_name = "LANGUAGE")]
        lang: Option<String>,
        /// One JSON object, with Meta's own words.
        #[arg(long)]
        json: bool,
    },
    /// Send a template to the people of a CSV file. Without --yes it says what would be sent, and asks.
    Send(send::Send),
    /// Check a TOML file against Meta's rules and hand it in for review.
    Create {
        /// The file.
        file: PathBuf,
        /// Only check it.
        #[arg(long)]
        check: bool,
    },
    /// Replace what a template says by what a TOML file says; Meta reviews it again.
    Edit {
        /// Its name.
        #[arg(add = ArgValueCompleter::new(shell::templates))]
        name: String,
        /// The file, with the template's name and language.
        file: PathBuf,
    },
    /// Delete a template at Meta.
    Delete {
        /// Its name.
        #[arg(add = ArgValueCompleter::new(shell::templates))]
        name: String,
        /// One language alone; all of them when left out.
        #[arg(long, value_name = "LANGUAGE")]
        lang: Option<String>,
        /// Do it. Without this it only says what would come of it.
        #[arg(long)]
        yes: bool,
    },
}

pub(super) fn run(session: &Session, templates: &Templates) -> Result<(), Error> {
    match &templates.what {
        What::Sync => sync(session),
        What::List { status, json } => list(session, status.as_deref(), *json),
        What::Show { name, lang, json } => show(session, name, lang.as_deref(), *json),
        What::Send(send) => send::run(session, send),
        What::Create { file, check: true } => check(file).map(drop),
        What::Create { file, check: false } => create(session, file),
        What::Edit { name, file } => edit(session, name, file),
        What::Delete { name, lang, yes } => delete(session, name, lang.as_deref(), *yes),
    }
}

/// The account at Meta, and in the store.
struct Shop<'a> {
    account: &'a config::Account,
    client: Client,
    waba: WabaId,
    write: WriteConn,
    id: AccountId,
}

fn shop(session: &Session) -> Result<Shop<'_>, Error> {
    let account = session.account()?;
    let waba = account.waba_id.clone().ok_or_else(|| {
        Error::usage(format!("account {:?} has no waba_id", account.name))
            .hint("templates belong to the WhatsApp Business account: add its id to the config")
    })?;
    let client = network::client_of(session, account)?;
    session.paths.create_data()?;
    let now = session.clock.now();
    let mut write = WriteConn::open(&session.paths.database(), now).map_err(failed)?;
    let new = new_account(account);
    let (id, _) = write.write(|tx| upsert_account(tx, &new, now)).map_err(failed)?;
    Ok(Shop { account, client, waba: WabaId::new(waba), write, id })
}

fn told(listed: &Listed) -> Told {
    Told { template: listed.template.clone(), json: listed.raw.clone() }
}

fn refused(what: &str, error: &CallError) -> Error {
    Error::failed(format!("{what}: {error}"))
}

/// Does it at Meta, and keeps what Meta makes of the template. `what` says it as done.
fn carry_out(
    session: &Session,
    shop: &mut Shop<'_>,
    work: Work,
    what: &str,
) -> Result<Worked, Error> {
    let asked_at = session.clock.now();
    let app = shop.account.app_id.as_deref();
    let workshop = Workshop { client: &shop.client, waba: &shop.waba, app };
    let outcome = network::wait(workshop.carry_out(work))?;
    let outcome = outcome.map_err(|refusal| unchanged(what, &refusal))?;
    if let Some(listed) = &outcome.listed {
        let (account, told) = (shop.id, told(listed));
        shop.write.write(|tx| put(tx, account, &told, asked_at)).map_err(failed)?;
    } else if outcome.worked != Worked::Deleted {
        say("it is at Meta, but not here yet: twoticks templates sync");
    }
    Ok(outcome.worked)
}

/// Work at Meta did not come back well. Without an answer it may have been carried out.
fn unchanged(what: &str, refusal: &Refusal) -> Error {
    let words = &refusal.words;
    if refusal.unknown {
        return Error::new(
            Kind::Unknown,
            format!("it is not known whether Meta has {what}: {words}"),
        )
        .hint("twoticks templates sync, then templates list, tells");
    }
    Error::failed(format!("Meta has not {what}: {words}"))
}

fn sync(session: &Session) -> Result<(), Error> {
    let mut shop = shop(session)?;
    let asked_at = session.clock.now();
    let found = network::wait(shop.client.templates(&shop.waba, |_| {}))?;
    let found = found.map_err(|error| {
        refused("the templates cannot be fetched", &error).hint("what was fetched before stays")
    })?;
    let all: Vec<Told> = found.templates.iter().map(told).collect();
    let id = shop.id;
    for step in all.chunks(catalogue::STEP) {
        shop.write
            .write(|tx: &mut Tx<'_>| step.iter().try_for_each(|one| put(tx, id, one, asked_at)))
            .map_err(failed)?;
    }
    shop.write.write(|tx: &mut Tx<'_>| settle(tx, id, &all, asked_at)).map_err(failed)?;
    for unreadable in &found.unreadable {
        say(&format!("not understood: {}", display_safe(unreadable)));
    }
    say(&format!("{} templates", all.len()));
    Ok(())
}

fn read(session: &Session) -> Result<Catalogue, Error> {
    let read = session.read()?;
    let account = session.stored_account(&read)?;
    catalogue::read(&read, account.id, None).map_err(failed)
}

fn list(session: &Session, status: Option<&str>, json: bool) -> Result<(), Error> {
    let catalogue = read(session)?;
    if catalogue.synced_at.is_none() {
        say("the templates were never fetched: twoticks templates sync");
    }
    let wanted = status.map(Status::named);
    let entries = catalogue
        .entries
        .iter()
        .filter(|entry| wanted.as_ref().is_none_or(|status| entry.template.status == *status));
    for entry in entries {
        if json {
            json_line(&as_json(entry))?;
        } else {
            line(&list_line(entry))?;
        }
    }
    Ok(())
}

/// The columns a name and language are given; a longer one takes what it needs.
const NAME: usize = 40;

fn list_line(entry: &Entry) -> String {
    let template = &entry.template;
    let name = display_safe(&format!("{} {}", template.name, template.language)).into_owned();
    let padding = " ".repeat(NAME.saturating_sub(text::width(&name)));
    let why = obstacle(template).map_or_else(String::new, |obstacle| format!("  {obstacle}"));
    let tally = &entry.tally;
    let read = (tally.read * 100).checked_div(tally.sent).unwrap_or(0);
    let sent = if tally.sent + tally.failed == 0 {
        "never sent".to_owned()
    } else {
        format!("sent {}  read {read} %  failed {}", tally.sent, tally.failed)
    };
    let words = [
        template.category.name().to_lowercase(),
        template.status.name().to_lowercase(),
        template.quality.name().to_lowercase(),
    ];
    let words = words.map(|word| display_safe(&word).into_owned());
    format!(
        "{name}{padding}  {:<14}  {:<16}  {:<7}  {sent}{}",
        words[0],
        words[1],
        words[2],
        display_safe(&why)
    )
}

fn as_json(entry: &Entry) -> Value {
    let template = &entry.template;
    json!({
        "name": template.name,
        "language": template.language,
        "id": template.meta_id,
        "category": template.category.name().to_lowercase(),
        "status": template.status.name().to_lowercase(),
        "quality": template.quality.name().to_lowercase(),
        "reason": template.reason,
        "paused_until": entry.paused_until.map(output::time),
        "obstacle": obstacle(template).map(|obstacle| obstacle.to_string()),
        "text": template.body.text,
        "sent": entry.tally.sent,
        "delivered": entry.tally.delivered,
        "read": entry.tally.read,
        "failed": entry.tally.failed,
        "failures": entry.tally.reasons.iter()
            .map(|(code, count)| json!({"code": code, "count": count}))
            .collect::<Vec<_>>(),
        "last_used_at": entry.last_used.map(output::time),
    })
}

/// The one template that is meant.
pub(super) fn find<'a>(
    catalogue: &'a Catalogue,
    name: &str,
    language: Option<&str>,
) -> Result<&'a Entry, Error> {
    let named: Vec<&Entry> =
        catalogue.entries.iter().filter(|entry| entry.template.name == name).collect();
    let fits = |entry: &&&Entry| language.is_none_or(|wanted| entry.template.language == wanted);
    let found: Vec<&&Entry> = named.iter().filter(fits).collect();
    let languages: Vec<&str> = named.iter().map(|entry| &*entry.template.language).collect();
    match (found.as_slice(), languages.as_slice()) {
        ([one], _) => Ok(one),
        (_, []) => {
            let hint = match catalogue.synced_at {
                None => "the templates were never fetched: twoticks templates sync",
                Some(_) => {
                    "twoticks templates list shows what there is, templates sync fetches it again"
                }
            };
            Err(Error::new(Kind::Partial, format!("there is no template {name:?}")).hint(hint))
        }
        ([], languages) => {
            let wanted = language.unwrap_or_default();
            let words = format!("the template {name:?} is not there in {wanted:?}");
            Err(Error::new(Kind::Partial, words)
                .hint(format!("it is in: {}", languages.join(", "))))
        }
        (_, languages) => Err(Error::usage(format!("the template {name:?} has several languages"))
            .hint(format!("add --lang with one of: {}", languages.join(", ")))),
    }
}

fn show(session: &Session, name: &str, language: Option<&str>, json: bool) -> Result<(), Error> {
    let catalogue = read(session)?;
    let entry = find(&catalogue, name, language)?;
    if json {
        return Ok(json_line(&as_json(entry))?);
    }
    let template = &entry.template;
    let mut head = format!(
        "# {} by Meta, quality {}",
        template.status.name().to_lowercase(),
        template.quality.name().to_lowercase()
    );
    if let Some(id) = &template.meta_id {
        // Writing to a string cannot fail.
        write!(head, ", id {id}").ok();
    }
    for kind in template.unmakeable() {
        write!(head, "\n# it has a part of type {kind}, which is not in this file").ok();
    }
    let safe: Vec<String> = head.lines().map(|line| display_safe(line).into_owned()).collect();
    line(&safe.join("\n"))?;
    let text = text::display_safe_multiline(&file::write(template)).into_owned();
    Ok(line(text.trim_end())?)
}

/// What a file says, if Meta will take it.
fn check(path: &Path) -> Result<Template, Error> {
    let place = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::usage(format!("cannot read {place}")).because(&error))?;
    let mut template = file::read(&text)
        .map_err(|words| Error::usage(format!("{place} is not right: {words}")))?;
    let mut found: Vec<String> = breaches(&template).iter().map(ToString::to_string).collect();
    if let Some(Header::Media { example: Some(example), .. }) = &mut template.header
        && let Err(words) = place_example(path, example)
    {
        found.push(format!("{}: {words}", Part::Header));
    }
    if found.is_empty() {
        say(&format!("{place}: Meta's rules are kept"));
        return Ok(template);
    }
    let lines: Vec<String> = found.iter().map(|words| format!("\n  {words}")).collect();
    Err(Error::usage(format!("Meta would refuse {place}:{}", lines.concat())))
}

/// Finds the example of a header, which is named from where the template's file is. One behind a link is looked
/// at when it is fetched.
fn place_example(beside: &Path, example: &mut String) -> Result<(), String> {
    match file_source(example) {
        FileSource::Link(_) => return Ok(()),
        FileSource::Id(id) => {
            return Err(format!("the example `{id}` is neither a file of this machine nor a link"));
        }
        FileSource::Path(_) => {}
    }
    let path = beside.parent().unwrap_or(Path::new("")).join(example.trim());
    let place = path.display().to_string();
    let size = std::fs::metadata(&path).map_err(|error| format!("{place}: {error}"))?.len();
    example_too_big(&place, size).map_or(Ok(()), Err)?;
    *example = place;
    Ok(())
}

/// The example of a header is uploaded to the app of the account.
fn needs_app(shop: &Shop<'_>, template: &Template) -> Result<(), Error> {
    let uploads = matches!(template.header, Some(Header::Media { .. }));
    if uploads && shop.account.app_id.is_none() {
        return Err(Error::usage(format!("account {:?} has no app_id", shop.account.name))
            .hint("the example of a header is uploaded to the app: add its id to the config"));
    }
    Ok(())
}

fn create(session: &Session, path: &Path) -> Result<(), Error> {
    let template = check(path)?;
    let mut shop = shop(session)?;
    needs_app(&shop, &template)?;
    let work = Work::Create(Box::new(template.clone()));
    let worked = carry_out(session, &mut shop, work, "taken the template")?;
    let Worked::Created { id, status, category } = worked else { return Ok(()) };
    let category = if category == template.category {
        String::new()
    } else {
        format!(", as {}", category.name().to_lowercase())
    };
    say(&format!(
        "{} {}: {}{category}; what becomes of it is told by webhook",
        template.name,
        template.language,
        status.name().to_lowercase()
    ));
    line(&id)?;
    Ok(())
}

fn edit(session: &Session, name: &str, path: &Path) -> Result<(), Error> {
    let template = check(path)?;
    if template.name != name {
        return Err(Error::usage(format!(
            "{} says name = {:?}, not {name:?}; a template keeps its name",
            path.display(),
            template.name
        )));
    }
    let catalogue = read(session)?;
    let known = &find(&catalogue, name, Some(&template.language))?.template;
    let work = change(known, template.clone())
        .map_err(|refusal| Error::failed(format!("{name} cannot be changed: {}", refusal.words)))?;
    let mut shop = shop(session)?;
    needs_app(&shop, &template)?;
    carry_out(session, &mut shop, work, "taken the change")?;
    say(&format!("{name} {} is changed; Meta reviews it again", template.language));
    Ok(())
}

fn delete(session: &Session, name: &str, language: Option<&str>, yes: bool) -> Result<(), Error> {
    let catalogue = read(session)?;
    let gone: Vec<&Entry> = catalogue
        .entries
        .iter()
        .filter(|entry| entry.template.name == name)
        .filter(|entry| language.is_none_or(|wanted| entry.template.language == wanted))
        .collect();
    if gone.is_empty() {
        find(&catalogue, name, language)?;
    }
    if let Some((entry, words)) =
        gone.iter().find_map(|entry| Some((entry, undeletable(&entry.template)?)))
    {
        let language = &entry.template.language;
        return Err(Error::new(
            Kind::Partial,
            format!("{name} {language} is not deleted: {words}"),
        ));
    }
    let languages: Vec<&str> = gone.iter().map(|entry| &*entry.template.language).collect();
    let languages = languages.join(", ");
    if !yes {
        return Err(Error::usage(consequences(name, &languages))
            .hint(format!("{STILL_ARRIVE}; add --yes to delete it")));
    }
    let id = match language {
        None => None,
        Some(_) => {
            Some(gone.iter().find_map(|entry| entry.template.meta_id.clone()).ok_or_else(|| {
                Error::failed(format!("Meta's id of {name} is not known"))
                    .hint("twoticks templates sync")
            })?)
        }
    };
    let mut shop = shop(session)?;
    let only = language.map(str::to_owned).zip(id);
    let work = Work::Delete { name: name.to_owned(), only };
    carry_out(session, &mut shop, work, "deleted the template")?;
    let (account, now) = (shop.id, session.clock.now());
    shop.write
        .write(|tx| remove(tx, account, name, language, now))
        .map_err(|error: store::Error| failed(error))?;
    say(&format!("{name} ({languages}) is deleted"));
    Ok(())
}
