//! The command line: what can be asked for, and what every command shares. stdout carries data, stderr
//! carries talk; exit codes are those of [`crate::error::Kind`]. Only commands that exist are listed.

mod accounts;
mod campaigns;
mod chats;
mod db;
mod demo;
mod doctor;
mod events;
mod export;
mod follow;
mod inbox;
mod init;
mod keys;
mod listen;
mod locale;
mod network;
mod outbox;
mod output;
mod post;
mod recipient;
mod search;
mod send;
mod services;
mod shell;
mod sim;
mod stats;
mod templates;
mod told;
mod trigger;
mod tunnel;
mod webhook;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use clap_complete::CompleteEnv;
use clap_complete::engine::ArgValueCompleter;

use crate::app::keymap::{KeyError, Keymap, SendKey};
use crate::clock::SystemClock;
use crate::config::{self, Config, Problem};
use crate::domain::id::{AccountId, MessageId, Wamid};
use crate::domain::message::Message;
use crate::domain::time::Clock;
use crate::domain::tunnel::Kind as TunnelKind;
use crate::error::{Error, Kind};
use crate::logging::{self, LogGuard};
use crate::paths::{self, Paths};
use crate::service::tunnel::guard;
use crate::store::account::Account;
use crate::store::{self, ReadConn, message};

/// A WhatsApp Business inbox in the terminal.
///
/// Without a command it opens the inbox.
#[derive(Debug, Parser)]
#[command(name = "twoticks", version, max_term_width = 100, disable_help_subcommand = true)]
struct CommandLine {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Flags of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
struct Global {
    /// The config file.
    #[arg(long, global = true, value_name = "FILE", env = "TWOTICKS_CONFIG", hide_env = true)]
    config: Option<PathBuf>,
    /// Where the database, media and logs lie.
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Which account of the config, by name; the first when left out.
    #[arg(long, global = true, value_name = "NAME", env = "TWOTICKS_ACCOUNT", hide_env = true,
        add = ArgValueCompleter::new(shell::accounts))]
    account: Option<String>,
    /// For the inbox and listen: what brings webhooks here, in place of the config's tunnel.kind.
    #[arg(long, global = true, value_name = "KIND", value_parser = tunnel::kind)]
    tunnel: Option<TunnelKind>,
    /// How much is logged: error, warn, info, debug or trace.
    #[arg(long, global = true, value_name = "LEVEL", value_parser = level)]
    log_level: Option<tracing::Level>,
}

fn level(text: &str) -> Result<tracing::Level, String> {
    config::LEVELS
        .iter()
        .find(|(word, _)| *word == text)
        .map(|(_, level)| *level)
        .ok_or_else(|| "must be one of error, warn, info, debug, trace".to_owned())
}

/// The arguments of a command are put together when it is called, or its help: those of all take longer than
/// what most commands do.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum Command {
    /// Open the inbox on the built-in simulator, with sample conversations.
    Demo(demo::Demo),
    /// Set up an account: asks for the token, finds the rest, checks it and writes the config.
    Init(init::Init),
    /// Look at every part of the set-up: what is right, what is wrong, what to do.
    Doctor(doctor::Doctor),
    /// Print what Meta says of the accounts, now and before, and show or edit their profile.
    Accounts(accounts::Accounts),
    /// Print or set where Meta posts webhooks.
    Webhook(webhook::Webhook),
    /// Send a message and follow what becomes of it.
    Send(send::Send),
    /// Receive and send without the screen, one line per message, status or notice.
    Listen(listen::Listen),
    /// Post a signed webhook of any kind, to the listener or to another address.
    Trigger(trigger::Trigger),
    /// List stored webhooks and refused requests, show one, or apply or post one again.
    Events(events::Events),
    /// List what waits, failed or is uncertain, and decide about it.
    Outbox(outbox::Outbox),
    /// Fetch, list, show, make, change and delete templates, and send one to many.
    Templates(templates::Templates),
    /// List templates sent to the people of a file, follow, pause, resume or cancel one.
    Campaigns(campaigns::Campaigns),
    /// List conversations, show one, or stop marketing for its contact.
    Chats(chats::Chats),
    /// Find messages by their words, over everything.
    Search(search::Search),
    /// Run the Cloud API simulator, or drive a running one.
    Sim(sim::Simulate),
    /// Count what was sent and received, how fast, and what failed.
    Stats(stats::Stats),
    /// Print the key table, or what this terminal sends for a key.
    Keys(keys::Keys),
    /// Check the database, copy it while it is in use, or print where it is.
    Db(db::Db),
    /// Print what a shell has to read to complete commands, accounts, templates and conversations.
    Completions(shell::Completions),
    /// Print the man page.
    Man,
}

/// What every command has at hand.
#[derive(Clone)]
struct Session {
    global: Global,
    /// Variables of the environment that begin with `TWOTICKS_`.
    env: BTreeMap<String, String>,
    config: Config,
    /// Where the config was read from, or would have been.
    config_file: PathBuf,
    paths: Paths,
    clock: Arc<dyn Clock>,
}

/// Runs the program with these arguments, the program's name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    harden();
    let args: Vec<OsString> = args.into_iter().collect();
    // Not a command for people: only the tunnel calls it.
    if let [_, first, line @ ..] = args.as_slice()
        && first == guard::COMMAND
    {
        return tunnel::guard(line);
    }
    // A shell asks what could come next; it is answered, and that is all.
    let completing = CompleteEnv::with_factory(CommandLine::command).var(shell::VARIABLE);
    let here = std::env::current_dir().ok();
    match completing.try_complete(args.clone(), here.as_deref()) {
        Ok(true) => return ExitCode::SUCCESS,
        Ok(false) => {}
        Err(error) => return explain(&error),
    }
    let line = match CommandLine::try_parse_from(args) {
        Ok(line) => line,
        Err(error) => return explain(&error),
    };
    match dispatch(line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if error.kind != Kind::BrokenPipe {
                // Nobody is left to tell when stderr is gone as well.
                writeln!(std::io::stderr(), "{error}").ok();
            }
            ExitCode::from(error.kind.exit_code())
        }
    }
}

/// Files of ours are for the owner alone, and a crash leaves no image of the memory with its secrets.
fn harden() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable).ok();
}

/// Help and the version are data, mistakes are talk.
fn explain(error: &clap::Error) -> ExitCode {
    // A reader of the help that went away is no failure.
    error.print().ok();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(Kind::Usage.exit_code()),
    }
}

fn dispatch(line: CommandLine) -> Result<(), Error> {
    let open = || Session::open(line.global.clone());
    match line.command {
        None => inbox::run(&open()?),
        Some(Command::Demo(demo)) => demo::run(&open()?, &demo),
        Some(Command::Init(init)) => init::run(&line.global, &init),
        Some(Command::Doctor(doctor)) => doctor::run(&line.global, &doctor),
        Some(Command::Accounts(accounts)) => accounts::run(&open()?, &accounts),
        Some(Command::Webhook(webhook)) => webhook::run(&open()?, &webhook),
        Some(Command::Send(send)) => send::run(&open()?, &send),
        Some(Command::Listen(listen)) => listen::run(&open()?, &listen),
        Some(Command::Trigger(trigger)) => trigger::run(&open()?, &trigger),
        Some(Command::Events(events)) => events::run(&open()?, &events),
        Some(Command::Outbox(outbox)) => outbox::run(&open()?, &outbox),
        Some(Command::Templates(templates)) => templates::run(&open()?, &templates),
        Some(Command::Campaigns(campaigns)) => campaigns::run(&open()?, &campaigns),
        Some(Command::Chats(chats)) => chats::run(&open()?, &chats),
        Some(Command::Search(search)) => search::run(&open()?, &search),
        Some(Command::Sim(simulate)) => sim::run(&line.global, simulate),
        Some(Command::Stats(wanted)) => stats::run(&open()?, &wanted),
        Some(Command::Keys(keys)) => keys::run(&open()?, &keys),
        Some(Command::Db(db)) => db::run(&open()?, &db),
        Some(Command::Completions(completions)) => shell::completions(&completions),
        Some(Command::Man) => shell::man(),
    }
}

impl Session {
    /// Reads the config. What is unwise in it is said on stderr.
    fn open(global: Global) -> Result<Self, Error> {
        let session = Self::read_config(global, true)?;
        for warning in &session.config.warnings {
            say(&format!("warning: {}: {warning}", session.config_file.display()));
        }
        Ok(session)
    }

    /// Reads the config and says nothing. `needed`: one that was named has to be there.
    fn read_config(global: Global, needed: bool) -> Result<Self, Error> {
        // Not `vars`, which panics on what is not UTF-8.
        let env: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with("TWOTICKS_"))
            .collect();
        let file = paths::config_file(global.config.clone())?;
        let named = needed && global.config.is_some();
        let mut config = config::load_checked(&file, named, &env, wrong_keys)?;
        if let Some(kind) = global.tunnel {
            config.tunnel.kind = kind;
            if let Some(missing) = config.tunnel.missing() {
                return Err(Error::usage(format!("--tunnel {}: {missing}", kind.name())));
            }
        }
        let paths = Paths::resolve(global.data_dir.clone().or_else(|| config.data_dir.clone()))?;
        let clock = Arc::new(SystemClock::new());
        Ok(Self { global, env, config, config_file: file, paths, clock })
    }

    /// The same with another data directory.
    fn with_data(&self, data: &Path) -> Self {
        Self { paths: Paths { data: data.to_owned() }, ..self.clone() }
    }

    /// The same with another config.
    fn with_config(&self, config: Config) -> Self {
        // What was named on the command line was an account of the other config.
        let global = Global { account: None, ..self.global.clone() };
        Self { global, config, ..self.clone() }
    }

    /// Whether a simulator answers, not Meta. The config says so: a proxy to Meta may be on this machine too.
    const fn is_simulated(&self) -> bool {
        self.config.simulator
    }

    /// The account of the config that `--account` names, or the first.
    fn account(&self) -> Result<&config::Account, Error> {
        let wanted = self.global.account.as_deref();
        let all = &self.config.accounts;
        let found = all.iter().find(|account| wanted.is_none_or(|name| account.name == name));
        found.ok_or_else(|| {
            let names: Vec<String> = all.iter().map(|account| account.name.clone()).collect();
            no_account(wanted, &names)
        })
    }

    /// The keys in force. Those of the config were found to be right when it was read.
    fn keymap(&self) -> Keymap {
        keymap(&self.config).unwrap_or_default()
    }

    /// Starts the log, in a data directory that is there from now on.
    fn start_log(&self) -> Result<LogGuard, Error> {
        self.paths.create_data()?;
        let level = self.global.log_level.unwrap_or(self.config.log.level);
        let guard = logging::start(&self.paths.log(), level, self.config.log.days)?;
        crate::term::panic::install(self.paths.log());
        Ok(guard)
    }

    /// A reader on the database, which must be there.
    fn read(&self) -> Result<ReadConn, Error> {
        let path = self.paths.database();
        if !path.exists() {
            let message = format!("there is no database at {} yet", path.display());
            return Err(Error::failed(message).hint(
                "the inbox, listen and send make it; --data-dir or --config name another place",
            ));
        }
        ReadConn::open(&path).map_err(|error| {
            let message = format!("cannot open the database {}", path.display());
            Error::failed(message).because(&error)
        })
    }

    /// Says that there is no account of the name, where one is named and the command concerns all.
    fn check_account(&self, read: &ReadConn) -> Result<(), Error> {
        self.global.account.as_ref().map_or(Ok(()), |_name| self.stored_account(read).map(drop))
    }

    /// The account in the store that `--account` names, or the first.
    fn stored_account(&self, read: &ReadConn) -> Result<Account, Error> {
        let accounts = store::account::accounts(read).map_err(failed)?;
        let wanted = self.global.account.as_deref();
        let names: Vec<String> = accounts.iter().map(|account| account.name.clone()).collect();
        accounts
            .into_iter()
            .find(|account| wanted.is_none_or(|name| account.name == name))
            .ok_or_else(|| no_account(wanted, &names))
    }
}

fn keymap(config: &Config) -> Result<Keymap, Vec<KeyError>> {
    let send_key = match config.ui.send_key {
        config::SendKey::Enter => SendKey::Enter,
        config::SendKey::CtrlS => SendKey::CtrlS,
    };
    let own = config.keys.iter().map(|own| (own.action.clone(), own.keys.clone()));
    Keymap::new(send_key, &own.collect())
}

/// What is wrong with the keys of a config, each on the line of the binding that causes it.
fn wrong_keys(config: &Config) -> Vec<Problem> {
    if config.keys.is_empty() {
        return Vec::new();
    }
    let errors = keymap(config).err().unwrap_or_default();
    let problem = |error: KeyError| {
        let of = |action: &str| config.keys.iter().find(|own| own.action == action);
        let cause = error.actions().into_iter().find_map(of)?;
        Some(Problem { place: cause.place.clone(), message: error.to_string() })
    };
    errors.into_iter().filter_map(problem).collect()
}

/// A message by its id or wamid.
fn find_message(
    read: &ReadConn,
    account: AccountId,
    id: &str,
) -> Result<Option<Message>, store::Error> {
    match id.parse() {
        Ok(number) => match message::message(read, MessageId(number)) {
            Ok(found) => Ok(Some(found)),
            Err(store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        },
        Err(_not_ours) => message::message_by_wamid(read, account, &Wamid::new(id)),
    }
}

fn no_account(wanted: Option<&str>, names: &[String]) -> Error {
    match wanted {
        Some(name) if !names.is_empty() => Error::usage(format!("there is no account {name:?}"))
            .hint(format!("there are: {}", names.join(", "))),
        _ => Error::usage("no account is set up")
            .hint("set one up: twoticks init, or try it without one: twoticks demo"),
    }
}

/// What the store says is for people already.
fn failed(error: impl std::error::Error) -> Error {
    Error::failed(error.to_string())
}

/// Who is at the keyboard, by their name on this machine.
fn who() -> String {
    let named = |name: &&str| std::env::var(name).ok().filter(|who| !who.trim().is_empty());
    let found = ["USER", "LOGNAME", "USERNAME"].iter().find_map(named);
    found.unwrap_or_else(|| "somebody at this machine".to_owned())
}

/// Says something on stderr.
fn say(text: &str) {
    // Talk that nobody hears is no failure.
    writeln!(std::io::stderr(), "{text}").ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
