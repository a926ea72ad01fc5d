//! `twoticks demo`: the inbox on a simulator in the same process. Everything between the two goes over
//! loopback HTTP, as with Meta; nothing leaves the machine.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use clap::Args;
use tempfile::TempDir;

use super::Session;
use super::inbox::{Behind, finish, needs_terminal, show};
use super::services::on_panic;
use crate::app::Mode;
use crate::config::{Account, Config, Listener, SecretSource};
use crate::error::Error;
use crate::paths::{self, Paths};
use crate::service::bus::{Bus, Interest, Subscription};
use crate::service::thread::Thread;
use crate::sim::{self, Sim, SimConfig, WorldConfig};

/// The demo is the same every time; its people are not there to surprise anyone.
const SEED: u64 = 1;

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Keep the conversations and the simulator's state for the next time.
    #[arg(long)]
    keep: bool,
}

pub(super) fn run(session: &Session, demo: &Demo) -> Result<(), Error> {
    needs_terminal()?;
    let place = Place::new(&session.paths, demo.keep)?;
    let session = session.with_data(place.data());
    let _log = session.start_log()?;
    open_in(&session, &place)
}

/// The demo after the first screen, in the same process: with a data directory that is thrown away.
pub(super) fn open(session: &Session) -> Result<(), Error> {
    let place = Place::new(&session.paths, false)?;
    let session = session.with_data(place.data());
    session.paths.create_data()?;
    open_in(&session, &place)
}

fn open_in(session: &Session, place: &Place) -> Result<(), Error> {
    let failed = |error: io::Error| Error::failed("the simulator cannot start").because(&error);
    let state = place.state();
    let world = match &state {
        Some(file) => sim::load(file).map_err(failed)?,
        None => None,
    };
    let world = world.unwrap_or_else(|| sim::demo::world(SEED, session.clock.now()));
    let people = world.config().clone();
    let config = SimConfig { keep: state, ..SimConfig::default() };
    let sim = Arc::new(Sim::start(config, world, Arc::clone(&session.clock)).map_err(failed)?);
    let session = session.with_config(demo_config(&session.config, &people, &sim)?);
    let mut introduction = None;
    let again = match place {
        Place::Passing(_) => None,
        Place::Kept { .. } => Some("twoticks demo --keep"),
    };
    let behind = Behind::start(&session)?;
    let ending = show(&session, Mode::Demo, again, behind, |backstage| {
        introduction = Some(Introduction::start(&backstage.bus, Arc::clone(&sim)).map_err(failed)?);
        Ok(())
    });
    drop(introduction);
    finish(ending?)
}

/// The screen is set as the person has it; everything else is the simulator's.
fn demo_config(config: &Config, people: &WorldConfig, sim: &Sim) -> Result<Config, Error> {
    let base_url = sim.base_url().parse().map_err(|error: url::ParseError| {
        Error::failed("the simulator has no address").because(&error)
    })?;
    let literal = |secret: &str| Some(SecretSource::Literal(secret.to_owned().into()));
    let account = Account {
        name: people.verified_name.clone(),
        phone_number_id: people.phone_number_id.clone(),
        waba_id: Some(people.waba_id.clone()),
        app_id: Some(people.app_id.clone()),
        number: Some(people.display_number.clone()),
        token: literal(&people.token),
        app_secrets: literal(&people.app_secret).into_iter().collect(),
        verify_tokens: literal(&people.verify_token).into_iter().collect(),
    };
    let listener = Listener {
        enabled: true,
        address: std::net::Ipv4Addr::LOCALHOST.into(),
        port: 0,
        path: "/webhook".to_owned(),
    };
    Ok(Config { accounts: vec![account], base_url, simulator: true, listener, ..config.clone() })
}

/// Where a demo's data lies, and who may use it.
enum Place {
    /// Gone when the demo ends.
    Passing(TempDir),
    /// Kept, and used by one demo at a time: two simulators would overwrite each other's state.
    Kept { paths: Paths, _lock: File },
}

impl Place {
    fn new(paths: &Paths, keep: bool) -> Result<Self, Error> {
        if !keep {
            let dir = tempfile::Builder::new().prefix("twoticks-demo-").tempdir();
            return dir.map(Self::Passing).map_err(|error| {
                Error::failed("cannot make a directory for the demo").because(&error)
            });
        }
        let paths = Paths { data: paths.data.join("demo") };
        paths.create_data()?;
        let file = paths.data.join("demo.lock");
        let lock = paths::append_private(&file).map_err(|error| {
            Error::failed(format!("cannot open {}", file.display())).because(&error)
        })?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::Error(error) => {
                Error::failed(format!("{} cannot be locked", file.display())).because(&error)
            }
            TryLockError::WouldBlock => Error::failed("the kept demo is open already")
                .hint("look for it in another terminal, or run twoticks demo without --keep"),
        })?;
        Ok(Self::Kept { paths, _lock: lock })
    }

    fn data(&self) -> &Path {
        match self {
            Self::Passing(dir) => dir.path(),
            Self::Kept { paths, .. } => &paths.data,
        }
    }

    /// The file of the simulator's state, if it is kept.
    fn state(&self) -> Option<std::path::PathBuf> {
        match self {
            Self::Passing(_) => None,
            Self::Kept { paths, .. } => Some(paths.data.join("simulator.json")),
        }
    }
}

enum Word {
    News,
    End,
}

/// Tells the simulator where to post webhooks as soon as the listener is up.
struct Introduction {
    word: Sender<Word>,
    _thread: Thread,
}

impl Introduction {
    fn start(bus: &Bus, sim: Arc<Sim>) -> io::Result<Self> {
        let (word, words) = channel();
        let woken = word.clone();
        let news = bus.subscribe(Interest::Everything, move || {
            // A thread that has done its work needs no news.
            woken.send(Word::News).ok();
        });
        // The listener may have been faster.
        word.send(Word::News).ok();
        let bus = bus.clone();
        let complain = on_panic(|said| tracing::error!(said, "the demo"));
        let thread = Thread::start("demo", complain, move || introduce(&bus, &news, &words, &sim))?;
        Ok(Self { word, _thread: thread })
    }
}

impl Drop for Introduction {
    fn drop(&mut self) {
        self.word.send(Word::End).ok();
    }
}

fn introduce(bus: &Bus, news: &Subscription, words: &Receiver<Word>, sim: &Sim) {
    while let Ok(Word::News) = words.recv() {
        drop(news.take());
        let Some(address) = bus.health().listener_address else { continue };
        if let Err(error) = sim.set_webhook(&format!("http://{address}/webhook")) {
            tracing::error!(%error, "the simulator does not take the listener's address");
        }
        return;
    }
}
