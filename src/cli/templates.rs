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
    FileSource, Header, MediaFormat, Status, Template, file_source, mime_type, obstacle,
};
use crate::domain::text::{self, display_safe};
use crate::error::{Error, Kind};
use crate::service::catalogue;
use crate::store::account::upsert_account;
use crate::store::catalogue::{Told, put, remove, settle};
use crate::store::{self, Tx, WriteConn};

/// The largest file that is uploaded as an example, in bytes: Meta's limit of a video (Meta, media).
const EXAMPLE_MAX: u64 = 16 << 20;

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
    let token = account.token.as_ref().ok_or_else(|| {
        Error::usage(format!("account {:?} has no token", account.name))
            .hint("set `token` of the account in the config")
    })?;
    let token = token.resolve(&session.env, &*session.clock).map_err(|error| {
        Error::usage(format!("the token of account {:?} cannot be had", account.name))
            .because(&error)
    })?;
    let client = network::client(session, token)?;
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

/// A call that changes something at Meta did not come back well. Without an answer it may have been carried out.
fn unchanged(what: &str, error: &CallError) -> Error {
    match error {
        CallError::NoAnswer(words) => {
            Error::new(Kind::Unknown, format!("it is not known whether Meta has {what}: {words}"))
                .hint("twoticks templates sync, then templates list, tells")
        }
        CallError::Refused(_) | CallError::NeverReached(_) => {
            Error::failed(format!("Meta has not {what}: {error}"))
        }
    }
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
        .map_err(|error| Error::failed(format!("cannot read {place}")).because(&error))?;
    let template = file::read(&text)
        .map_err(|words| Error::usage(format!("{place} is not right: {words}")))?;
    let mut found: Vec<String> = breaches(&template).iter().map(ToString::to_string).collect();
    if let Some(Header::Media { format, example: Some(example) }) = &template.header
        && let Err(words) = example_file(path, *format, example)
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

/// The example file of a header beside the template's file: its name, type and bytes.
fn example_file(
    beside: &Path,
    format: MediaFormat,
    example: &str,
) -> Result<(String, &'static str, Vec<u8>), String> {
    let FileSource::Path(path) = file_source(example) else {
        return Err(format!(
            "the example `{example}` is no file on this machine; save it and write its path"
        ));
    };
    let path = beside.parent().unwrap_or(Path::new("")).join(path);
    let place = path.display();
    let size = std::fs::metadata(&path).map_err(|error| format!("{place}: {error}"))?.len();
    if size > EXAMPLE_MAX {
        return Err(format!("{place} has {size} bytes, and Meta takes at most {EXAMPLE_MAX}"));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mime = mime_type(&name)
        .filter(|mime| ["application/pdf", "image/jpeg", "image/png", "video/mp4"].contains(mime))
        .ok_or_else(|| {
            format!("{place} is no {} that Meta takes: PDF, JPEG, PNG or MP4", format.kind().name())
        })?;
    let bytes = std::fs::read(&path).map_err(|error| format!("{place}: {error}"))?;
    Ok((name, mime, bytes))
}

/// Uploads the header's example, if there is one, and names it as Meta does.
fn with_example(shop: &Shop<'_>, path: &Path, template: &mut Template) -> Result<(), Error> {
    let Some(Header::Media { format, example: Some(example) }) = &mut template.header else {
        return Ok(());
    };
    let (name, mime, bytes) = example_file(path, *format, example).map_err(Error::usage)?;
    let app = shop.account.app_id.as_deref().ok_or_else(|| {
        Error::usage(format!("account {:?} has no app_id", shop.account.name))
            .hint("the example of a header is uploaded to the app: add its id to the config")
    })?;
    let handle = network::wait(shop.client.upload_example(app, &name, mime, bytes))?;
    *example = handle.map_err(|error| refused("the example cannot be uploaded", &error))?;
    Ok(())
}

fn create(session: &Session, path: &Path) -> Result<(), Error> {
    let mut template = check(path)?;
    let mut shop = shop(session)?;
    with_example(&shop, path, &mut template)?;
    let made = network::wait(shop.client.create_template(&shop.waba, &template))?;
    let made = made.map_err(|error| unchanged("taken the template", &error))?;
    reread(session, &mut shop, &made.id)?;
    let category = if made.category == template.category {
        String::new()
    } else {
        format!(", as {}", made.category.name().to_lowercase())
    };
    say(&format!(
        "{} {}: {}{category}; what becomes of it is told by webhook",
        template.name,
        template.language,
        made.status.name().to_lowercase()
    ));
    line(&made.id)?;
    Ok(())
}

/// Keeps what Meta makes of a template.
fn reread(session: &Session, shop: &mut Shop<'_>, id: &str) -> Result<(), Error> {
    let now = session.clock.now();
    match network::wait(shop.client.template(id))? {
        Ok(listed) => {
            let (account, told) = (shop.id, told(&listed));
            shop.write.write(|tx| put(tx, account, &told, now)).map_err(failed)?;
        }
        Err(error) => {
            say(&format!("it is at Meta, but not here yet ({error}): twoticks templates sync"));
        }
    }
    Ok(())
}

fn edit(session: &Session, name: &str, path: &Path) -> Result<(), Error> {
    let mut template = check(path)?;
    if template.name != name {
        return Err(Error::usage(format!(
            "{} says name = {:?}, not {name:?}; a template keeps its name",
            path.display(),
            template.name
        )));
    }
    let catalogue = read(session)?;
    let known = &find(&catalogue, name, Some(&template.language))?.template;
    let status = known.status.name().to_lowercase();
    if !matches!(
        known.status,
        Status::Approved | Status::Reinstated | Status::Rejected | Status::Paused | Status::Flagged
    ) {
        return Err(Error::failed(format!(
            "{name} is {status}, and Meta lets nobody change it so"
        ))
        .hint("a template can be changed when it is approved, rejected or paused"));
    }
    // An edit replaces all parts, so those that are not in the file would be gone.
    if let [kind, ..] = known.unmakeable()[..] {
        return Err(Error::failed(format!(
            "{name} has a part of type {kind}, which this version cannot write: the change would take it out"
        ))
        .hint("change it in WhatsApp Manager"));
    }
    let id = known.meta_id.clone().ok_or_else(|| {
        Error::failed(format!("Meta's id of {name} is not known")).hint("twoticks templates sync")
    })?;
    let recategorise = template.category != known.category;
    if recategorise && known.status != Status::Rejected {
        return Err(Error::usage(format!(
            "{name} is {} and stays it: Meta fixes the category of an approved template",
            known.category.name().to_lowercase()
        )));
    }
    let mut shop = shop(session)?;
    with_example(&shop, path, &mut template)?;
    network::wait(shop.client.edit_template(&id, &template, recategorise))?
        .map_err(|error| unchanged("taken the change", &error))?;
    reread(session, &mut shop, &id)?;
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
    let languages: Vec<&str> = gone.iter().map(|entry| &*entry.template.language).collect();
    let languages = languages.join(", ");
    if !yes {
        return Err(Error::usage(format!(
            "{name} ({languages}) would be deleted at Meta: nobody can be sent it any more, and the name \
             cannot be used again for 30 days"
        ))
        .hint("messages that are under way still arrive; add --yes to delete it"));
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
    network::wait(shop.client.delete_template(&shop.waba, name, id.as_deref()))?
        .map_err(|error| unchanged("deleted the template", &error))?;
    let account = shop.id;
    shop.write
        .write(|tx| remove(tx, account, name, language))
        .map_err(|error: store::Error| failed(error))?;
    say(&format!("{name} ({languages}) is deleted"));
    Ok(())
}
