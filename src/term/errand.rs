//! What takes its time and belongs to neither the store nor the screen: posting an event to an address, saving
//! its body, the files of campaigns, looking at the whole set-up. Done one after the other on a thread of its own,
//! which begins with the first.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use tokio::runtime::Builder;

use super::campaign;
use super::opener::{self, Opener};
use super::run::Event;
use super::workshop::Workshop;
use crate::api::relay::{Relay, Target};
use crate::app::hooks::took as millis;
use crate::app::msg::{Msg, Ticket};
use crate::domain::campaign::{DryRun, Wish};
use crate::domain::id::{CampaignId, EventId, WaId};
use crate::domain::phone::display;
use crate::domain::template::Template;
use crate::domain::time::{Clock, Timestamp};
use crate::service::campaign::{confirm, remove_draft, try_out};
use crate::service::outgoing::whole;
use crate::service::reader::Reader;
use crate::service::thread::{OnPanic, Thread};
use crate::service::writer::Writer;
use crate::store::event::{self, Kept};

/// For an answer; a person is waiting.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Something to be done.
#[derive(Clone, Debug)]
pub(super) enum Errand {
    /// Post an event as it came.
    Post { event: EventId, url: String },
    /// Write the body of an event to a file that is not there yet.
    Save { event: EventId, path: String },
    /// Find out what a file comes to.
    Plan { ticket: Ticket, wish: Box<Wish>, template: Box<Template> },
    /// Store a campaign and let it run.
    Confirm { ticket: Ticket, run: Arc<DryRun>, again: bool },
    /// Send a row of a dry run, by its place in the plan, to another number.
    TryOut { run: Arc<DryRun>, row: usize, number: WaId },
    /// Write the rows that are left out to a file that is not there yet.
    SaveSkipped { run: Arc<DryRun>, path: String },
    /// Write what became of every row to a file that is not there yet.
    SaveResult { campaign: CampaignId, path: String },
    /// Remove a campaign that was never started.
    RemoveDraft(CampaignId),
    /// Show a file that the store names.
    OpenFile(String),
    /// Copy one to a place that is typed, under this name where that is a folder.
    SaveFile { path: String, to: String, name: String },
    /// Look at the whole set-up.
    Examine(Workshop),
}

/// The thread that does it.
pub(super) struct Errands {
    /// Dropped before the thread, which ends by that.
    jobs: Sender<Errand>,
    _thread: Thread,
}

impl Errands {
    pub(super) fn start(
        (reader, writer): (Reader, Writer),
        data_dir: Arc<Path>,
        (rate, opener): (Option<u32>, Option<String>),
        events: Sender<Event>,
        clock: Arc<dyn Clock>,
        on_panic: OnPanic,
    ) -> std::io::Result<Self> {
        let (jobs, waiting) = channel::<Errand>();
        let thread = Thread::start("errands", on_panic, move || {
            let mut opener = Opener::new(opener);
            for errand in waiting {
                let msg = run(errand, (&reader, &writer), &mut opener, &data_dir, rate, &*clock);
                if events.send(Event::Msg(msg)).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self { jobs, _thread: thread })
    }

    pub(super) fn give(&self, errand: Errand) {
        // The thread lives as long as this does.
        self.jobs.send(errand).ok();
    }
}

fn run(
    errand: Errand,
    (reader, writer): (&Reader, &Writer),
    opener: &mut Opener,
    data_dir: &Path,
    rate: Option<u32>,
    clock: &dyn Clock,
) -> Msg {
    let now = clock.now();
    match errand {
        Errand::Post { event, url } => Msg::Told(post(event, &url, reader, clock)),
        Errand::Save { event, path } => Msg::Told(save(event, Path::new(&path), reader)),
        Errand::Plan { ticket, wish, template } => {
            Msg::Planned(ticket, campaign::plan(reader, *wish, &template, rate, now))
        }
        Errand::Confirm { ticket, run, again } => {
            let begun = confirm(writer, data_dir, &run, again, now);
            Msg::Begun(ticket, begun.map_err(|error| error.to_string()))
        }
        Errand::TryOut { run, row, number } => {
            Msg::Told(tried_out(writer, data_dir, &run, row, &number, now))
        }
        Errand::SaveSkipped { run, path } => {
            let written = written(&path, |file| campaign::write_skipped(&run, file));
            Msg::Told(written.map(|path| format!("Saved as {path}.")))
        }
        Errand::SaveResult { campaign: id, path } => {
            let written = written(&path, |file| campaign::write_result(reader, id, file));
            Msg::Told(written.map(|path| format!("The result is saved as {path}.")))
        }
        Errand::RemoveDraft(id) => Msg::Told(match remove_draft(writer, id) {
            Ok(()) => Ok(format!("Campaign {id} was never started; it is removed.")),
            Err(error) => Err(error.to_string()),
        }),
        Errand::SaveFile { path, to, name } => {
            Msg::Told(opener::save(data_dir, &path, whole(&to), &name))
        }
        Errand::OpenFile(path) => Msg::Told(opener.open(data_dir, &path)),
        Errand::Examine(workshop) => Msg::Examined((workshop.doctor)()),
    }
}

fn tried_out(
    writer: &Writer,
    data_dir: &Path,
    run: &DryRun,
    row: usize,
    number: &WaId,
    now: Timestamp,
) -> Result<String, String> {
    let row = run.plan.rows.get(row).ok_or("the file has no such row")?;
    try_out(writer, data_dir, run, row, number, now)
        .map_err(|error| format!("Not sent: {error}"))?;
    Ok(format!("Row {} is on its way to {} as a test.", row.number, display(number)))
}

/// Writes a file that is not there yet; gives its path.
fn written<E: From<std::io::Error> + std::fmt::Display>(
    path: &str,
    write: impl FnOnce(File) -> Result<(), E>,
) -> Result<String, String> {
    let path = whole(path);
    let file = File::create_new(&path).map_err(|error| not_written(&path, &error))?;
    let shown = path.display();
    write(file).map_err(|error| format!("{shown}: {error}"))?;
    Ok(shown.to_string())
}

/// Why a file that is not to be there yet cannot be written.
pub(super) fn not_written(path: &Path, error: &std::io::Error) -> String {
    let shown = path.display();
    match error.kind() {
        ErrorKind::AlreadyExists if path.is_dir() => {
            format!("{shown} is a folder; go on to a name in it")
        }
        ErrorKind::AlreadyExists => format!("{shown} is there already; give another name"),
        ErrorKind::NotFound => format!("{shown}: there is no such folder"),
        _ => format!("{shown}: {error}"),
    }
}

fn kept(event: EventId, reader: &Reader) -> Result<Kept, String> {
    let kept = reader.ask_and_wait("errand", move |read| event::kept(read, event));
    let kept = kept.map_err(|error| error.to_string())?;
    if kept.body.is_empty() {
        return Err(format!("the body of #{event} was let go"));
    }
    Ok(kept)
}

fn post(event: EventId, url: &str, reader: &Reader, clock: &dyn Clock) -> Result<String, String> {
    let target = Target::parse(url)?;
    let kept = kept(event, reader)?;
    let relay = Relay::for_targets(ANSWER_WITHIN, [&target]).map_err(|error| error.to_string())?;
    let runtime =
        Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let begun = clock.monotonic();
    let posting = relay.post(&target, kept.body, kept.signature.as_ref());
    let answered = runtime.block_on(posting).map_err(|why| format!("{target}: {why}"))?;
    let took = millis(Some(clock.monotonic().since(begun)));
    let words = format!("#{event} > {target}: {} in {took} ms", answered.status);
    if answered.is_taken() { Ok(words) } else { Err(words) }
}

fn save(event: EventId, path: &Path, reader: &Reader) -> Result<String, String> {
    let kept = kept(event, reader)?;
    let told = |error: std::io::Error| not_written(path, &error);
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(told)?;
    file.write_all(&kept.body).map_err(told)?;
    Ok(format!("#{event} saved as {}.", path.display()))
}
