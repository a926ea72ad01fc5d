//! The inbox: everything behind the screen, the screen itself, and the order in which both end.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::services::{Backstage, api_config, on_panic, still_waiting};
use super::{Session, locale, say, tunnel};
use crate::app::msg::{Msg, QuitCause};
use crate::app::{self, Mode, Model, Setup};
use crate::config;
use crate::error::{Error, Kind};
use crate::service::bus::Bus;
use crate::service::thread::OnPanic;
use crate::store::account::Account;
use crate::term::effect::{By, Stage};
use crate::term::run::{Ending, Event, Loop, Opening};
use crate::term::tty::Tty;
use crate::term::workshop::{Doctor, Workshop};
use crate::term::{self, input, signal};
use crate::ui::{Borders, Colours, Glyphs, Theme};

/// The network part starts when the screen is full, or after this: its certificates cost more time than all
/// of the first frame.
const FULL: Duration = Duration::from_millis(250);

/// Opens the inbox of the config's account, or the first screen when there is none.
pub(super) fn run(session: &Session) -> Result<(), Error> {
    needs_terminal()?;
    let mode = match session.config.accounts.first() {
        None => Mode::NoAccount,
        Some(_) if session.is_simulated() => Mode::Demo,
        Some(_) => Mode::Live,
    };
    let behind = Behind::start(session)?;
    let _log = session.start_log()?;
    match show(session, mode, Some("twoticks"), behind, |_| Ok(()))? {
        Ending::StartDemo => super::demo::open(session),
        ending => finish(ending),
    }
}

/// The inbox is of no use without a terminal; saying so beats drawing into a file.
pub(super) fn needs_terminal() -> Result<(), Error> {
    const WITHOUT: &str = "twoticks listen receives and sends without one";
    if !std::io::stdout().is_terminal() {
        return Err(Error::usage("the inbox needs a terminal on stdout").hint(WITHOUT));
    }
    if std::env::var("TERM").is_ok_and(|term| term == "dumb") {
        let words = "the inbox needs a terminal that can place the cursor, and TERM says \"dumb\"";
        let hint =
            format!("use another, or set TERM to its name, such as xterm-256color; {WITHOUT}");
        return Err(Error::usage(words).hint(hint));
    }
    Ok(())
}

/// What the process ends with.
pub(super) fn finish(ending: Ending) -> Result<(), Error> {
    match ending {
        Ending::Quit | Ending::StartDemo => Ok(()),
        Ending::Signal => Err(Error::new(Kind::Interrupted, "ended by a signal")),
        Ending::Panic(said) => Err(Error::new(Kind::Panic, said).hint("the log has more")),
    }
}

/// What is behind the screen. It is started before all else, since the screen waits for what is read.
pub(super) struct Behind {
    backstage: Backstage,
    stored: Receiver<Vec<Account>>,
    told: Sender<Event>,
    events: Receiver<Event>,
    on_panic: OnPanic,
}

impl Behind {
    pub(super) fn start(session: &Session) -> Result<Self, Error> {
        let (told, events) = channel();
        let quit = told.clone();
        let on_panic = on_panic(move |said| {
            // A loop that has ended is leaving already.
            quit.send(Event::Msg(Msg::Quit(QuitCause::Panic(said)))).ok();
        });
        let backstage = Backstage::prepare(session, Arc::clone(&on_panic))?;
        let stored = backstage.ask_accounts();
        Ok(Self { backstage, stored, told, events, on_panic })
    }
}

/// Shows the inbox until it is left. `again` is what a person calls to go on with the same data, unless it is thrown
/// away; `started` is called once the services run.
pub(super) fn show(
    session: &Session,
    mode: Mode,
    again: Option<&str>,
    Behind { mut backstage, stored, told, events, on_panic }: Behind,
    started: impl FnOnce(&Backstage) -> Result<(), Error>,
) -> Result<Ending, Error> {
    let chosen = if mode == Mode::NoAccount { None } else { Some(session.account()?) };
    let keymap = session.keymap();
    let stage = Stage::new(
        (
            backstage.reader.clone(),
            backstage.writer.clone(),
            &backstage.bus,
            backstage.nudge.clone(),
            backstage.templates.clone(),
        ),
        told.clone(),
        Arc::clone(&session.clock),
        person(session),
        Arc::clone(&on_panic),
    )
    .map_err(no_threads)?
    .at(&api_config(&session.config).base_url, &session.paths.data)
    .opening_with(session.config.ui.opener.clone())
    .with(Workshop {
        office: backstage.office.clone(),
        switch: backstage.switch.clone(),
        tunnels: tunnel::starter(session),
        doctor: doctor(session, &backstage.bus),
    });
    let log = session.paths.log();
    let typed = told.clone();
    // Before the terminal is entered: a signal between the two would leave it as it is then.
    let signals = signal::start(true, Arc::clone(&on_panic), move |asked| {
        told.send(Event::Asked(asked)).ok();
    })
    .map_err(no_threads)?;
    let guard = term::enter(&log).map_err(no_terminal)?;
    let parking =
        input::start(on_panic, move |input| typed.send(Event::Msg(Msg::Input(input))).is_ok())
            .map_err(no_terminal)?;
    let size = crossterm::terminal::size().map_err(no_terminal)?;
    let theme = theme(&session.config);
    let stored = backstage.store_accounts(session, &stored)?;
    let account = chosen.and_then(|chosen| stored.get(&chosen.phone_number_id).copied());
    let setup = Setup {
        account,
        account_label: chosen.map_or_else(String::new, label),
        mode,
        size,
        config_path: session.config_file.display().to_string(),
        settings: settings(session, mode, theme.ellipsis()),
        keymap,
    };
    let model =
        Model::new(setup, session.clock.now()).kept_in(session.paths.data.display().to_string());
    let opening = Opening::ask(model, stage);
    let surface =
        Tty::new(parking, signals.away(), &session.paths.data, &log).map_err(no_terminal)?;
    let clock = Arc::clone(&session.clock);
    let mut inbox = Loop::begin(surface, opening, theme, events, clock).map_err(no_terminal)?;
    inbox.settle(FULL).map_err(no_terminal)?;
    backstage.with_tunnel(session)?;
    backstage.go_live(session)?;
    started(&backstage)?;
    let ending = inbox.run();
    // First the terminal, so that the prompt is back while the rest is put away.
    drop(guard);
    drop(inbox.into_surface());
    backstage.stop();
    // Until here a second signal ends what takes too long.
    drop(signals);
    if let Some(account) = account
        && let Some(waiting) = still_waiting(session, account, again)?
    {
        say(&waiting);
    }
    ending.map_err(no_terminal)
}

/// What the person at the keyboard brings along.
fn person(session: &Session) -> By {
    By {
        who: super::who(),
        read_receipts: session.config.ui.read_receipts,
        rate: session.config.sender.rate,
    }
}

/// Looks at the set-up as the command does, on a thread of its own.
fn doctor(session: &Session, bus: &Bus) -> Doctor {
    let (session, bus) = (session.clone(), bus.clone());
    Arc::new(move || super::doctor::on_screen(&session, &bus.health()))
}

fn no_terminal(error: impl std::error::Error + 'static) -> Error {
    Error::failed("the terminal cannot be used").because(&error)
}

fn no_threads(error: impl std::error::Error + 'static) -> Error {
    Error::failed("the system gives no more threads").because(&error)
}

fn label(account: &config::Account) -> String {
    match &account.number {
        Some(number) => format!("{} {number}", account.name),
        None => account.name.clone(),
    }
}

fn settings(session: &Session, mode: Mode, ellipsis: &'static str) -> app::Settings {
    let config = &session.config;
    app::Settings {
        bell: config.ui.bell,
        message_style: match config.ui.message_style {
            config::MessageStyle::Flat => app::MessageStyle::Flat,
            config::MessageStyle::Bubbles => app::MessageStyle::Bubbles,
        },
        ellipsis,
        timezone: config.timezone.clone(),
        outside: config.sender.outside_window,
        webhook_path: config.listener.path.clone(),
        shell: (mode != Mode::Demo).then(|| shell(session)),
    }
}

/// How a shell calls this program so that it has the same config.
pub(super) fn shell(session: &Session) -> String {
    let named = session.global.config.as_ref();
    named.map_or_else(
        || "twoticks".to_owned(),
        |file| format!("twoticks --config '{}'", file.display()),
    )
}

fn theme(config: &config::Config) -> Theme {
    let set = |name: &str| std::env::var(name).is_ok_and(|value| !value.is_empty());
    let true_colour =
        || std::env::var("COLORTERM").is_ok_and(|value| value == "truecolor" || value == "24bit");
    let colours = match config.ui.colour {
        config::Colour::Auto if set("NO_COLOR") => Colours::None,
        config::Colour::Auto if true_colour() => Colours::True,
        config::Colour::Auto | config::Colour::Sixteen => Colours::Sixteen,
        config::Colour::True => Colours::True,
        config::Colour::None => Colours::None,
    };
    let is_ascii = |charset| match charset {
        config::Charset::Auto => locale::is_plain(&locale::named()),
        config::Charset::Unicode => false,
        config::Charset::Ascii => true,
    };
    let borders = if is_ascii(config.ui.borders) { Borders::Ascii } else { Borders::Lines };
    let glyphs = if is_ascii(config.ui.glyphs) { Glyphs::Ascii } else { Glyphs::Unicode };
    Theme::new(colours, borders, glyphs)
}
