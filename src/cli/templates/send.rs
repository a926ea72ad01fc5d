//! `twoticks templates send`: a template for the people of a CSV file. What would be sent is said first, and
//! nothing is before the person has typed the number of messages.

use std::fs::File;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::find;
use crate::app::describe::count;
use crate::app::{moment, when};
use crate::cli::campaigns;
use crate::cli::output::{self, json_line, line};
use crate::cli::send as cli_send;
use crate::cli::services::{Backstage, check_secrets, on_panic, store_accounts};
use crate::cli::{Session, failed, say};
use crate::config;
use crate::domain::campaign::{DryRun, Row, Wish};
use crate::domain::catalogue::Catalogue;
use crate::domain::phone::{Country, display};
use crate::domain::template::{Place, SentTemplate, Template, obstacle};
use crate::domain::text::{display_safe, display_safe_multiline};
use crate::error::{Error, Kind};
use crate::service::campaign::{DryRunError, PlanError, confirm, dry_run};
use crate::service::catalogue;
use crate::store::ReadConn;
use crate::term::campaign::{contents, write_skipped};

/// Rows that are left out and told one by one; there may be thousands.
const TOLD: usize = 20;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "independent flags of the command line")]
pub(super) struct Send {
    /// The template's name.
    name: String,
    /// The file: its first row names the columns.
    #[arg(long, value_name = "FILE")]
    csv: PathBuf,
    /// What is in which column: phone=Telefone, 1=Nome, header.1=#3. Columns whose names say it need none.
    #[arg(long = "map", value_name = "KEY=COLUMN", value_delimiter = ',')]
    maps: Vec<String>,
    /// A value for all: 2=SOL10; for those whose cell is empty, where there is a column too.
    #[arg(long = "param", value_name = "KEY=VALUE")]
    params: Vec<String>,
    /// The template's language; needed when it has several.
    #[arg(long, value_name = "LANGUAGE")]
    lang: Option<String>,
    /// Where numbers without a country code are from: BR or +55. Your own number's country when left out.
    #[arg(long, value_name = "COUNTRY")]
    country: Option<String>,
    /// Send, if it is this many messages.
    #[arg(long, value_name = "COUNT")]
    yes: Option<usize>,
    /// Only say what would be sent.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Send what the first good row's person would get to this number of yours, and nothing else.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["yes", "dry_run", "no_wait", "again"])]
    test: Option<String>,
    /// Wait until the test got this far.
    #[arg(long, value_enum, value_name = "STATE", requires = "test")]
    wait: Option<cli_send::Wait>,
    /// How long to wait for that, 60s when left out.
    #[arg(long, value_name = "SPAN", requires = "test", value_parser = config::duration)]
    timeout: Option<Duration>,
    /// Send although this file was sent with this template before.
    #[arg(long)]
    again: bool,
    /// Queue it and end; the inbox or twoticks listen sends it.
    #[arg(long)]
    no_wait: bool,
    /// Write the rows that are left out to a new CSV file, with the reasons.
    #[arg(long, value_name = "FILE")]
    skipped: Option<PathBuf>,
    /// One JSON object per line: the rows, then the sum.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(session: &Session, send: &Send) -> Result<(), Error> {
    let run = find_out(session, send)?;
    if let Some(path) = &send.skipped {
        save_skipped(path, &run)?;
    }
    if send.json {
        tell_json(&run)?;
    } else {
        tell(session, &run)?;
    }
    let good = run.plan.good();
    if good == 0 {
        return Err(Error::new(Kind::Partial, "no row can be sent"));
    }
    if let Some(to) = &send.test {
        return try_out(session, send, &run, to);
    }
    if let Some(earlier) = run.earlier.as_ref().filter(|_| !send.again) {
        let was = if earlier.is_done() { "was sent" } else { "is being sent" };
        let words = format!(
            "{} {was} with {} before: campaign {}, {} of {} accepted",
            display_safe(run.file()),
            send.name,
            earlier.id,
            earlier.counts.accepted,
            earlier.good
        );
        return refuse(
            send,
            Error::new(Kind::Partial, words).hint(format!(
                "twoticks campaigns show {} shows it; --again sends it once more",
                earlier.id
            )),
        );
    }
    if !agreed(send, good)? {
        return Ok(());
    }
    go(session, send, &run)
}

/// Sends the first good row to somebody else, as any message is sent.
fn try_out(session: &Session, send: &Send, run: &DryRun, to: &str) -> Result<(), Error> {
    let row = run.plan.rows.iter().find(|row| row.skip.is_none());
    let row = row.ok_or_else(|| Error::new(Kind::Partial, "no row can be sent"))?;
    let value = |(place, value): (&Place, &String)| {
        let whole = run.mapping.files.get(value).and_then(|found| found.as_ref().ok());
        (place.clone(), whole.unwrap_or(value).clone())
    };
    let template = &run.plan.template;
    say(&format!("row {} goes to {} as a test", row.number, display_safe(to)));
    let message = cli_send::Send::template(
        to,
        (&template.name, &template.language),
        &row.filling.iter().map(value).collect(),
        (send.wait, send.timeout),
        send.json,
    );
    cli_send::run(session, &message)
}

/// For a dry run what stands in the way is worth saying; otherwise it ends here.
fn refuse(send: &Send, error: Error) -> Result<(), Error> {
    if !send.dry_run {
        return Err(error);
    }
    say(&error.to_string().replacen("error: ", "note: ", 1));
    Ok(())
}

fn find_out(session: &Session, send: &Send) -> Result<DryRun, Error> {
    let account = session.account()?;
    let ids = {
        session.paths.create_data()?;
        store_accounts(session)?
    };
    let account = ids.get(&account.phone_number_id).copied();
    let account = account.ok_or_else(|| Error::failed("the account was not stored"))?;
    let read = session.read()?;
    let catalogue = catalogue::read(&read, account, None).map_err(failed)?;
    let template = template(&catalogue, &send.name, send.lang.as_deref())?;
    let named = send.country.as_deref().map(|text| {
        Country::named(text).ok_or_else(|| {
            Error::usage(format!("--country {text:?} is no country"))
                .hint("write its two letters or its calling code, such as BR or +55")
        })
    });
    let wish = Wish {
        account,
        path: send.csv.to_string_lossy().into_owned(),
        template: template.name.clone(),
        language: Some(template.language.clone()),
        // As in the dialog, one without a column is not said at all.
        columns: pairs("--map", "phone=Telefone", &send.maps)?
            .into_iter()
            .filter(|(_, column)| !column.is_empty())
            .collect(),
        constants: pairs("--param", "2=SOL10", &send.params)?,
        country: named.transpose()?,
    };
    let bytes = contents(&send.csv).map_err(|error| {
        Error::usage(format!("cannot read {}", send.csv.display())).because(&error)
    })?;
    plan(session, &read, wish, template, &bytes, &send.csv)
}

fn plan(
    session: &Session,
    read: &ReadConn,
    wish: Wish,
    template: &Template,
    bytes: &[u8],
    path: &Path,
) -> Result<DryRun, Error> {
    let (rate, now) = (session.config.sender.rate, session.clock.now());
    dry_run(read, wish, template, bytes, rate, now).map_err(|error| match error {
        DryRunError::Wrong(words) => {
            let lines: Vec<String> =
                words.iter().map(|words| format!("\n  {}", display_safe(words))).collect();
            Error::usage(format!("{} cannot be sent as it is:{}", path.display(), lines.concat()))
        }
        DryRunError::Store(error) => failed(error),
    })
}

/// The template that is meant, if it can be sent at all.
fn template<'a>(
    catalogue: &'a Catalogue,
    name: &str,
    language: Option<&str>,
) -> Result<&'a Template, Error> {
    let template = &find(catalogue, name, language)?.template;
    match obstacle(template) {
        None => Ok(template),
        Some(obstacle) => {
            let words = format!("{name} {} cannot be sent: {obstacle}", template.language);
            Err(Error::failed(words).hint("twoticks templates list shows which can"))
        }
    }
}

fn pairs(flag: &str, example: &str, all: &[String]) -> Result<Vec<(String, String)>, Error> {
    let pair = |text: &String| -> Result<(String, String), Error> {
        let (key, value) = text.split_once('=').ok_or_else(|| {
            Error::usage(format!("{flag} {text:?} has no =; write it as in {flag} {example}"))
        })?;
        Ok((key.trim().to_owned(), value.trim().to_owned()))
    };
    let pairs: Vec<(String, String)> = all.iter().map(pair).collect::<Result<_, Error>>()?;
    let twice = pairs
        .iter()
        .enumerate()
        .find(|(at, (key, _))| pairs.iter().take(*at).any(|(earlier, _)| earlier == key));
    match twice {
        Some((_, (key, _))) => Err(Error::usage(format!("{flag} {key}=... is there twice"))
            .hint("each value is given once")),
        None => Ok(pairs),
    }
}

/// Whether the person typed the number of messages. Where nobody can be asked nothing is sent.
fn agreed(send: &Send, good: usize) -> Result<bool, Error> {
    if let Some(yes) = send.yes {
        if yes == good {
            return Ok(true);
        }
        return Err(Error::usage(format!("{good} messages would be sent, not {yes}"))
            .hint(format!("nothing was sent; --yes {good} sends them")));
    }
    if send.dry_run || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        say(&format!("nothing was sent; --yes {good} sends them"));
        return Ok(false);
    }
    let mut err = io::stderr().lock();
    write!(err, "Type {good} to send {good} messages: ")?;
    err.flush()?;
    drop(err);
    let mut typed = String::new();
    io::stdin().lock().read_line(&mut typed)?;
    if typed.trim().replace([',', '.', ' '], "") == good.to_string() {
        return Ok(true);
    }
    Err(Error::new(Kind::Interrupted, "nothing was sent"))
}

/// Stores it, and sends it unless another process does.
fn go(session: &Session, send: &Send, run: &DryRun) -> Result<(), Error> {
    check_secrets(session, session.account()?)?;
    let _log = session.start_log()?;
    let backstage =
        Backstage::prepare(session, on_panic(|said| tracing::error!(said, "while sending")))?;
    let now = session.clock.now();
    let data_dir = &session.paths.data;
    let stored = confirm(&backstage.writer, data_dir, run, send.again, now);
    let id = stored.map_err(|error| match error {
        PlanError::Earlier(id) => {
            Error::new(Kind::Partial, format!("{error}")).hint(format!("campaigns show {id}"))
        }
        PlanError::File(words) => Error::failed(words),
        PlanError::Write(error) => Error::failed("the campaign was not stored").because(&error),
    })?;
    say(&format!("campaign {id}: {} messages are queued", count(run.plan.good())));
    if send.no_wait {
        backstage.stop();
        say("the inbox or twoticks listen sends them");
        return Ok(());
    }
    campaigns::follow(session, backstage, id, send.json)
}

fn tell(session: &Session, run: &DryRun) -> Result<(), Error> {
    let plan = &run.plan;
    let template = &plan.template;
    let category = template.category.name().to_lowercase();
    line(&format!(
        "template   {} {}, {}",
        display_safe(&template.name),
        display_safe(&template.language),
        display_safe(&category)
    ))?;
    let rows = count(plan.rows.len());
    line(&format!("file       {}, {rows} rows", display_safe(run.file())))?;
    let code = run.country.map_or_else(String::new, |country| {
        format!("; numbers without a country code are +{}", country.code())
    });
    line(&format!("columns    {}{code}", display_safe(&run.mapping.words(&run.sheet))))?;
    let good = plan.good();
    line(&format!("will send  {}", count(good)))?;
    let groups: Vec<String> = plan
        .skipped()
        .iter()
        .map(|(group, n)| format!("{}: {}", display_safe(&group.to_string()), count(*n)))
        .collect();
    let skipped = count(plan.rows.len() - good);
    line(format!("skipped    {skipped}  {}", groups.join(", ")).trim_end())?;
    tell_time(session, run)?;
    for warning in run.warnings() {
        line(&format!("note       {}", display_safe(&warning)))?;
    }
    let left_out = plan.rows.iter().filter_map(|row| Some((row, row.skip.as_ref()?)));
    for (row, skip) in left_out.clone().take(TOLD) {
        let words = format!("row {}: {}: skip: {skip}", row.number, row.typed);
        line(&format!("  {}", display_safe(&words)))?;
    }
    let more = left_out.count().saturating_sub(TOLD);
    if more > 0 {
        line(&format!("  and {more} more; --skipped FILE writes them all"))?;
    }
    if let Some(row) = plan.rows.iter().find(|row| row.skip.is_none()) {
        let to = row.to.as_ref().map(display).unwrap_or_default();
        line(&format!("preview    row {}, {to}:", row.number))?;
        for text in preview(&plan.preview(row)) {
            line(&format!("  | {text}"))?;
        }
    }
    Ok(())
}

fn tell_time(session: &Session, run: &DryRun) -> Result<(), Error> {
    let (estimate, people) = (run.estimate(), run.capacity.people);
    if let Some(limit) = people.limit {
        let zone = &session.config.timezone;
        let from = estimate
            .frees_at
            .map_or_else(|| "tomorrow".to_owned(), |at| when::near(at, session.clock.now(), zone));
        let later = if estimate.later == 0 {
            String::new()
        } else {
            format!(", {} from {from} on", count(estimate.later))
        };
        line(&format!(
            "limit      {limit} people in 24 hours, {} used: {} now{later}",
            people.reached,
            count(estimate.now)
        ))?;
    }
    let ends = moment::spelled(session.clock.now() + estimate.whole(), &session.config.timezone);
    let days = match estimate.days {
        0 => String::new(),
        1 => ", the rest a day later".to_owned(),
        days => format!(", the rest within {days} days"),
    };
    Ok(line(&format!(
        "takes      about {} at {} a second{days}: until {ends}",
        when::takes(estimate.takes),
        run.capacity.rate
    ))?)
}

/// The lines of a message as its reader sees them.
fn preview(sent: &SentTemplate) -> Vec<String> {
    let header = sent.header.as_ref().map(|header| match header {
        crate::domain::template::SentHeader::Text { text, .. } => text.clone(),
        crate::domain::template::SentHeader::Media(media) => format!("[{}]", media.kind.name()),
        crate::domain::template::SentHeader::Location { name, .. } => {
            format!("[location] {}", name.clone().unwrap_or_default())
        }
    });
    let buttons: Vec<String> =
        sent.buttons.iter().map(|button| format!("( {} )", button.text)).collect();
    let parts = [header, Some(sent.text.clone()), sent.footer.clone(), Some(buttons.join(" "))];
    parts
        .iter()
        .flatten()
        .flat_map(|part| {
            let safe = display_safe_multiline(part).into_owned();
            safe.lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .filter(|line| !line.is_empty())
        .collect()
}

fn row_json(run: &DryRun, row: &Row) -> Value {
    json!({
        "row": row.number,
        "typed": row.typed,
        "wa_id": row.to.as_ref().map(ToString::to_string),
        "result": if row.skip.is_some() { "skip" } else { "ok" },
        "group": row.skip.as_ref().map(|skip| skip.group().to_string()),
        "reason": row.skip.as_ref().map(ToString::to_string),
        "text": row.skip.is_none().then(|| run.plan.preview(row).text),
    })
}

fn tell_json(run: &DryRun) -> Result<(), Error> {
    for row in &run.plan.rows {
        json_line(&row_json(run, row))?;
    }
    let (estimate, people) = (run.estimate(), run.capacity.people);
    let groups: serde_json::Map<String, Value> =
        run.plan.skipped().into_iter().map(|(group, n)| (group.to_string(), n.into())).collect();
    Ok(json_line(&json!({
        "template": run.plan.template.name,
        "language": run.plan.template.language,
        "file": run.file(),
        "columns": run.mapping.words(&run.sheet),
        "country_code": run.country.map(Country::code),
        "rows": run.plan.rows.len(),
        "good": run.plan.good(),
        "skipped": run.plan.rows.len() - run.plan.good(),
        "reasons": groups,
        "rate": run.capacity.rate,
        "limit": people.limit,
        "reached": people.reached,
        "now": estimate.now,
        "later": estimate.later,
        "later_from": estimate.frees_at.map(output::time),
        "seconds": estimate.takes.as_secs_f64(),
        "days": estimate.days,
        "warnings": run.warnings(),
        "earlier": run.earlier.as_ref().map(|earlier| earlier.id.0),
    }))?)
}

/// A new file: one that is there already is somebody's.
fn save_skipped(path: &Path, run: &DryRun) -> Result<(), Error> {
    let saved = File::create_new(path).and_then(|file| write_skipped(run, file));
    saved.map_err(|error| Error::failed(format!("cannot write {}", path.display())).because(&error))
}
