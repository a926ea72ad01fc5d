//! What takes its time and belongs to neither the store nor the screen: posting an event to an address, saving
//! its body, looking at the whole set-up. Done one after the other on a thread of its own, which begins with the first.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use tokio::runtime::Builder;

use super::run::Event;
use super::workshop::Workshop;
use crate::api::relay::{Relay, Target};
use crate::app::hooks::took as millis;
use crate::app::msg::Msg;
use crate::domain::id::EventId;
use crate::domain::time::Clock;
use crate::service::reader::Reader;
use crate::service::thread::{OnPanic, Thread};
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
        reader: Reader,
        events: Sender<Event>,
        clock: Arc<dyn Clock>,
        on_panic: OnPanic,
    ) -> std::io::Result<Self> {
        let (jobs, waiting) = channel::<Errand>();
        let thread = Thread::start("errands", on_panic, move || {
            for errand in waiting {
                let done = run(errand, &reader, &*clock);
                if events.send(Event::Msg(done)).is_err() {
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

fn run(errand: Errand, reader: &Reader, clock: &dyn Clock) -> Msg {
    match errand {
        Errand::Post { event, url } => Msg::Told(post(event, &url, reader, clock)),
        Errand::Save { event, path } => Msg::Told(save(event, Path::new(&path), reader)),
        Errand::Examine(workshop) => Msg::Examined((workshop.doctor)()),
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
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(told)?;
    file.write_all(&kept.body).map_err(told)?;
    Ok(format!("#{event} saved as {}.", path.display()))
}
