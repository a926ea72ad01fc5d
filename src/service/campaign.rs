//! Campaigns in the background: a confirmed plan is stored, and whoever has the sender's role keeps as many of
//! its rows in the queue as are needed soon. Nothing polls: it is woken by what changes in the store.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::Notify;

use super::bus::{Bus, Interest};
use super::outgoing::{self, take_in};
use super::reader::{ReadError, Reader};
use super::stop::Stopped;
use super::writer::{Priority, WriteError, Writer};
use crate::domain::campaign::{DryRun, Mapping, Plan, Row, Sheet, Wish, fingerprint};
use crate::domain::health::Condition;
use crate::domain::id::{AccountId, CampaignId, MessageId, WaId};
use crate::domain::message::{self, Body, Media, MediaCopy, NewMessage};
use crate::domain::phone::Country;
use crate::domain::template::{Header, Place, SentHeader, SentTemplate, Template, file_too_big};
use crate::domain::time::{Clock, Timestamp};
use crate::store::campaign::{
    self, Begun, NewCampaign, NewRow, STEP, add, begin, discard, start, sweep,
};
use crate::store::conversation::begin_conversation;
use crate::store::outbox::enqueue;
use crate::store::{self, ReadConn, account};

/// What the task needs.
pub(super) struct Parts {
    /// Without it nothing is written ahead: this process sends for one conversation alone.
    pub(super) automatic: bool,
    pub(super) writer: Writer,
    pub(super) reader: Reader,
    pub(super) bus: Bus,
    pub(super) clock: Arc<dyn Clock>,
}

/// Works until the word to stop.
pub(super) async fn run(parts: Parts, mut stopped: Stopped) {
    if !parts.automatic {
        return stopped.wait().await;
    }
    let news = Arc::new(Notify::new());
    let bell = Arc::clone(&news);
    let subscription = parts.bus.subscribe(Interest::Everything, move || bell.notify_one());
    loop {
        drop(subscription.take());
        if parts.bus.health().sender == Condition::Up {
            tokio::select! {
                () = feed(&parts) => {}
                () = stopped.wait() => break,
            }
        }
        tokio::select! {
            () = news.notified() => {}
            () = stopped.wait() => break,
        }
    }
}

/// Rows become messages until enough wait. A store in trouble is tried again with the next news, and that it
/// is well again is news.
async fn feed(parts: &Parts) {
    let hungry = parts.reader.ask("campaigns", campaign::hungry).await.unwrap_or_default();
    for account in hungry {
        while feed_step(parts, account).await {}
    }
}

async fn feed_step(parts: &Parts, account: AccountId) -> bool {
    let now = parts.clock.now();
    let fed = parts.writer.run(Priority::Bulk, move |tx| campaign::feed(tx, account, now)).await;
    fed.unwrap_or_else(|error| {
        tracing::warn!(%error, "a campaign does not go on");
        false
    })
}

/// Who can be asked about the store: a connection, or the thread that has one, which others ask in between.
pub trait Asked {
    /// The answer, waited for.
    ///
    /// # Errors
    /// When the store says no, or the services are stopping.
    fn ask<T: Send + 'static>(
        &self,
        query: impl FnOnce(&ReadConn) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, store::Error>;
}

impl Asked for ReadConn {
    fn ask<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Self) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, store::Error> {
        query(self)
    }
}

impl Asked for Reader {
    fn ask<T: Send + 'static>(
        &self,
        query: impl FnOnce(&ReadConn) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, store::Error> {
        self.ask_and_wait("dry run", query).map_err(|error| match error {
            ReadError::Store(error) => error,
            ReadError::Dropped => store::Error::Dropped,
        })
    }
}

/// Why a file comes to no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DryRunError {
    /// The file, or what was said of its columns; each in plain words.
    #[error("{}", .0.join("\n"))]
    Wrong(Vec<String>),
    /// The store cannot be asked.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Finds out what a file would come to, and changes nothing. `rate` is the most that the config allows in a
/// second. Takes a good part of a second for ten thousand rows: not for the screen's thread.
pub fn dry_run(
    asked: &impl Asked,
    wish: Wish,
    template: &Template,
    bytes: &[u8],
    rate: Option<u32>,
    now: Timestamp,
) -> Result<DryRun, DryRunError> {
    let mut sheet =
        Sheet::read(bytes).map_err(|error| DryRunError::Wrong(vec![error.to_string()]))?;
    let mut mapping = Mapping::new(template, &sheet, &wish.columns, &wish.constants)
        .map_err(|errors| DryRunError::Wrong(errors.iter().map(ToString::to_string).collect()))?;
    find_files(&mut mapping, template, &sheet, &wish.path)?;
    let country = match wish.country {
        None => own_country(asked, wish.account)?,
        country => country,
    };
    let mut plan = Plan::new(template, &sheet, &mapping, country);
    sheet.rows = Vec::new();
    let numbers: Vec<WaId> = plan.numbers().cloned().collect();
    let mut known = Vec::with_capacity(numbers.len());
    for some in numbers.chunks(STEP) {
        let (some, account) = (some.to_vec(), wish.account);
        known.extend(asked.ask(move |read| campaign::people(read, account, &some, now))?);
    }
    plan.learn(&known);
    let sha256 = fingerprint(bytes);
    let (account, name, language) =
        (wish.account, template.name.clone(), template.language.clone());
    Ok(DryRun {
        sha256,
        sheet,
        mapping,
        country,
        plan,
        capacity: asked.ask(move |read| campaign::capacity(read, account, rate, now))?,
        earlier: asked
            .ask(move |read| campaign::earlier(read, account, &sha256, &name, &language))?,
        wish,
    })
}

/// Looks at the files of this machine that are to be sent. One that is named for all lies where it says, seen from
/// here; what the cells name, seen from the folder of the file that they stand in.
fn find_files(
    mapping: &mut Mapping,
    template: &Template,
    sheet: &Sheet,
    file: &str,
) -> Result<(), DryRunError> {
    let Some(Header::Media { format, .. }) = &template.header else { return Ok(()) };
    let judge = |path: &Path| {
        let (whole, size) = outgoing::look(path)?;
        file_too_big(*format, size).map_or(Ok(whole), Err)
    };
    if let Some(path) = mapping.common_path().map(str::to_owned) {
        let found = judge(&outgoing::whole(&path)).map_err(|words| {
            DryRunError::Wrong(vec![format!("{}: {path}: {words}", Place::HeaderMedia)])
        })?;
        mapping.found(found);
    }
    let folder = outgoing::whole(file);
    let folder = folder.parent().unwrap_or(Path::new(""));
    for path in mapping.paths(sheet) {
        let found = judge(&folder.join(outgoing::whole(&path)));
        mapping.files.insert(path, found);
    }
    Ok(())
}

/// Where the account's own number is from.
fn own_country(asked: &impl Asked, id: AccountId) -> Result<Option<Country>, store::Error> {
    let accounts = asked.ask(account::accounts)?;
    let own = accounts.into_iter().find(|account| account.id == id);
    let display = own.and_then(|account| account.display_number).unwrap_or_default();
    let digits: String = display.chars().filter(char::is_ascii_digit).collect();
    Ok(Country::of_number(&WaId::new(digits)))
}

/// Why a plan was not stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The same file was given before with the same template.
    #[error("the file was sent with this template before: campaign {0}")]
    Earlier(CampaignId),
    /// A file that is to be sent is gone, or cannot be copied; which, and why.
    #[error("{0}")]
    File(String),
    /// The store said no.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Stores a confirmed plan and lets it run. Blocks until it is durable: not for async code, nor for the
/// screen's thread. The files that are sent are copied first, each once. When it fails, nothing of it is sent.
/// `again`: although the same file was given before.
pub fn confirm(
    writer: &Writer,
    data_dir: &Path,
    run: &DryRun,
    again: bool,
    now: Timestamp,
) -> Result<CampaignId, PlanError> {
    let plan = &run.plan;
    let copies = Copies::of(data_dir, run)?;
    let begun = NewCampaign {
        account: run.wish.account,
        sha256: run.sha256,
        file: run.file().to_owned(),
        template: plan.template.name.clone(),
        language: plan.template.language.clone(),
        rows: plan.rows.len(),
        good: plan.good(),
        again,
    };
    let same = begun.clone();
    let sweeping = || {
        let same = same.clone();
        writer.run(Priority::Bulk, move |tx| sweep(tx, &same)).wait()
    };
    while !sweeping()? {}
    let id = match writer.run(Priority::Interactive, move |tx| begin(tx, &begun, now)).wait()? {
        Begun::New(id) => id,
        Begun::Earlier(id) => return Err(PlanError::Earlier(id)),
    };
    let started = fill(writer, plan, &copies, (id, again));
    if !matches!(started, Ok(Begun::New(_)))
        && let Err(error) = remove_draft(writer, id)
    {
        // It stays a draft, which is never sent.
        tracing::warn!(%error, "a campaign that was not started cannot be removed");
    }
    match started? {
        Begun::New(id) => Ok(id),
        Begun::Earlier(id) => Err(PlanError::Earlier(id)),
    }
}

/// Removes a campaign that was never started. Blocks until it is gone.
///
/// # Errors
/// When it was started, or is gone already.
pub fn remove_draft(writer: &Writer, id: CampaignId) -> Result<(), WriteError> {
    while !writer.run(Priority::Bulk, move |tx| discard(tx, id)).wait()? {}
    Ok(())
}

fn fill(
    writer: &Writer,
    plan: &Plan,
    copies: &Copies,
    (id, again): (CampaignId, bool),
) -> Result<Begun, WriteError> {
    for rows in plan.rows.chunks(STEP) {
        let rows: Vec<NewRow> = rows
            .iter()
            .map(|row| NewRow {
                number: row.number,
                typed: row.typed.clone(),
                to: row.to.clone(),
                what: match &row.skip {
                    None => Ok(copies.rendered(plan, row)),
                    Some(skip) => Err(skip.to_string()),
                },
            })
            .collect();
        writer.run(Priority::Bulk, move |tx| add(tx, id, &rows)).wait()?;
    }
    writer.run(Priority::Interactive, move |tx| start(tx, id, again)).wait()
}

/// The files that go with a plan, by what the rows call them, as they are kept.
struct Copies(BTreeMap<String, Media>);

impl Copies {
    fn of(data_dir: &Path, run: &DryRun) -> Result<Self, PlanError> {
        let mut copies = Self(BTreeMap::new());
        if matches!(run.plan.template.header, Some(Header::Media { .. })) {
            let good = run.plan.rows.iter().filter(|row| row.skip.is_none());
            good.into_iter().try_for_each(|row| copies.take(data_dir, run, row))?;
        }
        Ok(copies)
    }

    /// Copies the file of a row, if it has one that is not there yet.
    fn take(&mut self, data_dir: &Path, run: &DryRun, row: &Row) -> Result<(), PlanError> {
        let Some(SentHeader::Media(media)) = run.plan.preview(row).header else { return Ok(()) };
        let MediaCopy::Outside { path } = &media.copy else { return Ok(()) };
        if self.0.contains_key(path) {
            return Ok(());
        }
        let path = path.clone();
        let whole = run.mapping.files.get(&path).and_then(|found| found.as_ref().ok());
        let copy = MediaCopy::Outside { path: whole.unwrap_or(&path).clone() };
        let kept = take_in(data_dir, Media { copy, ..media });
        self.0.insert(path, kept.map_err(|error| PlanError::File(error.to_string()))?);
        Ok(())
    }

    /// What the person of a row is sent.
    fn rendered(&self, plan: &Plan, row: &Row) -> SentTemplate {
        let mut sent = plan.preview(row);
        if let Some(SentHeader::Media(media)) = &mut sent.header
            && let MediaCopy::Outside { path } = &media.copy
            && let Some(kept) = self.0.get(path)
        {
            *media = kept.clone();
        }
        sent
    }
}

/// Sends one row to another number, to see how it looks there. Returns its message once it is stored.
///
/// # Errors
/// When the file of the row is gone, or the store says no; in the second case perhaps because of what the number
/// asked for.
pub fn try_out(
    writer: &Writer,
    data_dir: &Path,
    run: &DryRun,
    row: &Row,
    number: &WaId,
    now: Timestamp,
) -> Result<MessageId, PlanError> {
    let mut copies = Copies(BTreeMap::new());
    copies.take(data_dir, run, row)?;
    let body = Body::Template(Box::new(copies.rendered(&run.plan, row)));
    let (account, number) = (run.wish.account, number.clone());
    let stored = writer.run(Priority::Interactive, move |tx| {
        let conversation = begin_conversation(tx, account, &number, now)?;
        let (body, priority) = (body.clone(), message::Priority::Person);
        enqueue(tx, &NewMessage { account, conversation, body, reply_to: None, priority }, now)
    });
    Ok(stored.wait()?)
}
