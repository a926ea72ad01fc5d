//! The config: what the person wrote, checked whole. Every key may come from the environment as
//! `TWOTICKS_...` instead. All mistakes are reported at once, each with its line and what to write; an
//! unknown key is a mistake. Secrets are only named here ([`SecretSource`]).
//!
//! `config.example.toml` documents every key, and a test holds it to that.

mod keyring;
mod marketing;
mod read;
mod secret;
mod settings;
#[cfg(test)]
mod tests;
mod tool;
mod tunnel;
mod zone;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;

use toml::de::{DeTable, DeValue};
use url::{Host, Url};

use crate::domain::window::Outside;
use crate::error::Error;
use read::{Document, Section};

pub use crate::domain::graph::{ADDRESS as META, VERSION as API_VERSION};
pub use keyring::{Keyring, KeyringError};
pub use read::{At, Place, Problem, duration};
pub use secret::{SecretError, SecretSource};
pub use settings::{
    Account, Charset, Colour, Config, Events, KeyBinding, Listener, Log, MessageStyle, Register,
    SendKey, Sender, Tunnel, Ui,
};

/// The words for how much is logged.
pub const LEVELS: [(&str, tracing::Level); 5] = [
    ("error", tracing::Level::ERROR),
    ("warn", tracing::Level::WARN),
    ("info", tracing::Level::INFO),
    ("debug", tracing::Level::DEBUG),
    ("trace", tracing::Level::TRACE),
];
/// Proof of a message takes some time to come; whoever resends sooner sends most of them twice.
const LEAST_RESEND: Duration = Duration::from_secs(30);
/// What is done with a text outside the window.
const OUTSIDE: [(&str, Outside); 2] = [("refuse", Outside::Refuse), ("send", Outside::Send)];
/// Variables that stand for flags of the command line, not for keys of the file.
const GLOBAL_VARIABLES: [&str; 2] = ["TWOTICKS_CONFIG", "TWOTICKS_ACCOUNT"];

/// Reads the config file, if it is there, and the environment. `named` files must be there.
pub fn load(path: &Path, named: bool, env: &BTreeMap<String, String>) -> Result<Config, Error> {
    load_checked(path, named, env, |_| Vec::new())
}

/// The same; `check` finds what only others can know to be wrong, and all is reported together.
pub fn load_checked(
    path: &Path,
    named: bool,
    env: &BTreeMap<String, String>,
    check: impl FnOnce(&Config) -> Vec<Problem>,
) -> Result<Config, Error> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => String::new(),
        Err(error) => {
            let message = format!("cannot read the config {}", path.display());
            let hint = match error.kind() {
                std::io::ErrorKind::NotFound => {
                    "there is no such file; check the name, or leave --config out for the usual place"
                }
                _ => "check that it is a text file that you may read",
            };
            return Err(Error::usage(message).because(&error).hint(hint));
        }
    };
    let source = Source { text: &text, path, env, private: is_private(path) };
    let checked = parse_checked(&source, check);
    checked.map_err(|problems| {
        Error::usage(format!("the config {} is not right:{}", path.display(), listed(&problems)))
            .hint("twoticks init --example prints a config that explains every key")
    })
}

/// Problems, each on a line of its own with its place; a line break goes before each.
#[must_use]
pub fn listed(problems: &[Problem]) -> String {
    let line = |problem: &Problem| format!("\n  {}: {}", problem.place, problem.message);
    problems.iter().map(line).collect()
}

/// What a config is read from.
pub struct Source<'a> {
    /// The file's text.
    pub text: &'a str,
    /// The file's place; relative paths in it start from its directory.
    pub path: &'a Path,
    /// Variables of the environment that begin with `TWOTICKS_`.
    pub env: &'a BTreeMap<String, String>,
    /// Only the owner may read the file.
    pub private: bool,
}

impl Source<'_> {
    /// The directory that relative paths start from.
    fn base(&self) -> &Path {
        self.path.parent().unwrap_or_else(|| Path::new(""))
    }
}

/// The bits of a file's mode that give rights to others are the lowest six.
#[cfg(unix)]
const OTHERS_BITS: u32 = 6;

#[cfg(unix)]
fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).is_ok_and(|found| found.mode().trailing_zeros() >= OTHERS_BITS)
}

#[cfg(not(unix))]
const fn is_private(_: &Path) -> bool {
    true
}

/// Reads a config, or says everything that is wrong with it, in the order of the file.
pub fn parse(source: &Source<'_>) -> Result<Config, Vec<Problem>> {
    parse_checked(source, |_| Vec::new())
}

fn parse_checked(
    source: &Source<'_>,
    check: impl FnOnce(&Config) -> Vec<Problem>,
) -> Result<Config, Vec<Problem>> {
    let mut document = Document::new(source.text, source.env);
    let config = read_all(source, &mut document);
    document.problems.extend(check(&config));
    if document.problems.is_empty() {
        return Ok(config);
    }
    document.problems.sort_by(|a, b| a.place.cmp(&b.place));
    Err(document.problems)
}

/// Every key there is, as `section.key`.
#[must_use]
pub fn schema() -> Vec<String> {
    let env = BTreeMap::new();
    let source =
        Source { text: "[[account]]", path: Path::new("config.toml"), env: &env, private: true };
    let mut document = Document::new(source.text, &env);
    read_all(&source, &mut document);
    document.schema
}

fn read_all(source: &Source<'_>, document: &mut Document<'_>) -> Config {
    let (root, errors) = DeTable::parse_recoverable(source.text);
    for error in errors {
        // Only the message: the text around it may hold a secret.
        let place = document.line(&error.span().unwrap_or_default());
        document.problem(place, error.message().to_owned());
    }
    let broken: Vec<Place> = document.problems.iter().map(|one| one.place.clone()).collect();
    let mut top = Section::new("", Some(root.get_ref()), true);
    let data_dir = top.text(document, "data_dir").map(|found| match found.place {
        Place::Line(_) => source.base().join(found.value),
        Place::Env(_) => found.value.into(),
    });
    let base_url = top.parsed(document, "base_url", base_url);
    let simulator = top.flag(document, "simulator").unwrap_or(false);
    let api_version = top.parsed(document, "api_version", api_version);
    let timezone = top.parsed(document, "timezone", |name| {
        zone::named(name).ok_or_else(|| {
            "must be a zone of the tz database, such as \"Europe/Berlin\"".to_owned()
        })
    });
    let mut warnings = Vec::new();
    let accounts = accounts(source, document, &mut top, &mut warnings);
    let mut config = Config {
        accounts,
        data_dir,
        base_url: base_url.unwrap_or_else(meta),
        simulator,
        api_version: api_version.unwrap_or_else(|| API_VERSION.to_owned()),
        timezone: timezone.unwrap_or_else(zone::local),
        listener: listener(document, &mut top),
        tunnel: tunnel::read(document, &mut top),
        events: events(document, &mut top),
        sender: sender(document, &mut top),
        marketing: marketing::read(document, &mut top),
        ui: ui(document, &mut top),
        keys: keys(document, &mut top),
        log: log(document, &mut top),
        warnings,
    };
    top.finish(document);
    // What is made of a line that cannot be read is no mistake of its own.
    let mut number = 0;
    document.problems.retain(|problem| {
        number += 1;
        number <= broken.len() || !broken.contains(&problem.place)
    });
    document.check_environment(&GLOBAL_VARIABLES, &mut config.warnings);
    config
}

/// The sections below read whatever is there and fall back on their defaults; a mistake has been noted by
/// then, so that a config with a wrong default in it is never used.
fn listener(document: &mut Document<'_>, top: &mut Section<'_, '_>) -> Listener {
    let table = top.table(document, "listener");
    let mut section = Section::new("listener", table, true);
    let listener = Listener {
        enabled: section.flag(document, "enabled").unwrap_or(true),
        address: section
            .parsed(document, "address", |text| {
                text.parse()
                    .map_err(|_wrong| "must be an IP address such as \"127.0.0.1\"".to_owned())
            })
            .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        port: section.integer(document, "port", &(0..=65_535)).unwrap_or(8787),
        path: section
            .parsed(document, "path", |text| {
                let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
                if text.starts_with('/') && text.chars().all(plain) {
                    return Ok(text.to_owned());
                }
                Err("must begin with a slash and hold letters, digits and - _ . ~ only".to_owned())
            })
            .unwrap_or_else(|| "/webhook".to_owned()),
    };
    section.finish(document);
    listener
}

fn events(document: &mut Document<'_>, top: &mut Section<'_, '_>) -> Events {
    let table = top.table(document, "events");
    let mut section = Section::new("events", table, true);
    // Nothing is let go with 0.
    let some = |number: u32| (number > 0).then_some(number);
    let events = Events {
        keep_days: some(section.integer(document, "keep_days", &(0..=3650)).unwrap_or(30)),
        keep_mb: some(section.integer(document, "keep_mb", &(0..=1_000_000)).unwrap_or(1024)),
    };
    section.finish(document);
    events
}

fn sender(document: &mut Document<'_>, top: &mut Section<'_, '_>) -> Sender {
    let table = top.table(document, "sender");
    let mut section = Section::new("sender", table, true);
    let mut span = |document: &mut Document<'_>, key, low, high, default| {
        let range = Duration::from_millis(low)..=Duration::from_secs(high);
        section.span(document, key, &range).unwrap_or(Duration::from_secs(default))
    };
    let base_delay = span(document, "base_delay", 10, 3600, 2);
    let max_delay = span(document, "max_delay", 10, 24 * 3600, 300);
    let connect_timeout = span(document, "connect_timeout", 100, 300, 10);
    let timeout = span(document, "timeout", 100, 600, 30);
    let sender = Sender {
        rate: section.integer(document, "rate", &(1..=1000)),
        resend_after: section.parsed(document, "uncertain", uncertain).flatten(),
        attempts: section.integer(document, "attempts", &(1..=100)).unwrap_or(5),
        base_delay,
        max_delay,
        in_flight: section.integer(document, "in_flight", &(1..=1000)),
        connect_timeout,
        timeout,
        outside_window: section.word(document, "outside_window", &OUTSIDE).unwrap_or_default(),
    };
    section.finish(document);
    sender
}

/// What is done about uncertain messages: `ask`, or `resend-after` with a span.
fn uncertain(text: &str) -> Result<Option<Duration>, String> {
    if text == "ask" {
        return Ok(None);
    }
    let wanted = "must be \"ask\", or \"resend-after\" with a span such as \"resend-after 10m\"";
    let span = text.strip_prefix("resend-after ").ok_or(wanted)?;
    let span = duration(span.trim()).map_err(|_no_span| wanted)?;
    if span < LEAST_RESEND {
        return Err(format!("must leave at least {LEAST_RESEND:?} for proof to come"));
    }
    Ok(Some(span))
}

fn ui(document: &mut Document<'_>, top: &mut Section<'_, '_>) -> Ui {
    const CHARSETS: [(&str, Charset); 3] =
        [("auto", Charset::Auto), ("unicode", Charset::Unicode), ("ascii", Charset::Ascii)];
    let table = top.table(document, "ui");
    let mut section = Section::new("ui", table, true);
    let send_keys = [("enter", SendKey::Enter), ("ctrl-s", SendKey::CtrlS)];
    let styles = [("flat", MessageStyle::Flat), ("bubbles", MessageStyle::Bubbles)];
    let colours = [
        ("auto", Colour::Auto),
        ("true", Colour::True),
        ("16", Colour::Sixteen),
        ("none", Colour::None),
    ];
    let ui = Ui {
        bell: section.flag(document, "bell").unwrap_or(true),
        read_receipts: section.flag(document, "read_receipts").unwrap_or(true),
        send_key: section.word(document, "send_key", &send_keys).unwrap_or(SendKey::Enter),
        message_style: section
            .word(document, "message_style", &styles)
            .unwrap_or(MessageStyle::Flat),
        borders: section.word(document, "borders", &CHARSETS).unwrap_or(Charset::Auto),
        glyphs: section.word(document, "glyphs", &CHARSETS).unwrap_or(Charset::Auto),
        colour: section.word(document, "colour", &colours).unwrap_or(Colour::Auto),
        opener: section.text(document, "opener").map(|found| found.value),
    };
    section.finish(document);
    ui
}

fn log(document: &mut Document<'_>, top: &mut Section<'_, '_>) -> Log {
    let table = top.table(document, "log");
    let mut section = Section::new("log", table, true);
    let log = Log {
        level: section.word(document, "level", &LEVELS).unwrap_or(tracing::Level::INFO),
        days: section.integer(document, "days", &(1..=365)).unwrap_or(7),
    };
    section.finish(document);
    log
}

/// `[keys]` has the names of actions as keys, which only the screen knows.
fn keys(document: &mut Document<'_>, top: &mut Section<'_, '_>) -> Vec<KeyBinding> {
    let Some(table) = top.table(document, "keys") else { return Vec::new() };
    let mut bindings = Vec::new();
    for (action, value) in table {
        let place = document.line(&action.span());
        let keys = match value.get_ref() {
            DeValue::String(key) => Some(vec![key.to_string()]),
            DeValue::Array(keys) => keys
                .iter()
                .map(|key| key.get_ref().as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>(),
            _ => None,
        };
        let action = action.get_ref().to_string();
        if let Some(keys) = keys {
            bindings.push(KeyBinding { action, keys, place });
        } else {
            let wanted = "must be a key in quotes or a list of them, [] for none";
            document.problem(place, format!("keys.{action}: {wanted}"));
        }
    }
    bindings
}

/// `[[account]]`, each with its own keys. Variables of the environment complete or replace those of a single
/// account; with several it could not be told which is meant.
fn accounts(
    source: &Source<'_>,
    document: &mut Document<'_>,
    top: &mut Section<'_, '_>,
    warnings: &mut Vec<String>,
) -> Vec<Account> {
    let mut tables: Vec<Option<(&DeTable<'_>, Place)>> = Vec::new();
    if let Some(value) = top.value("account") {
        let place = document.line(&value.span());
        match value.get_ref() {
            DeValue::Array(array) if array.iter().all(|one| one.get_ref().is_table()) => {
                for one in array {
                    let place = document.line(&one.span());
                    tables.extend(one.get_ref().as_table().map(|table| Some((table, place))));
                }
            }
            _ => document.problem(place, "write [[account]] in double brackets"),
        }
    }
    let from_env = source.env.keys().any(|name| name.starts_with("TWOTICKS_ACCOUNT_"));
    if tables.is_empty() && from_env {
        tables.push(None);
    }
    let environment = tables.len() <= 1;
    let mut accounts: Vec<Account> = Vec::new();
    for entry in tables {
        let place = entry.as_ref().map(|(_, place)| place.clone());
        let account = account(source, document, entry, environment, warnings);
        if let Some(place) = place
            && accounts.iter().any(|other| other.name == account.name)
        {
            document.problem(place, format!("two accounts are called {:?}", account.name));
        }
        accounts.push(account);
    }
    warnings.extend(unverifiable(&accounts));
    accounts
}

/// Warnings for accounts whose webhooks would all be refused although others are taken. The secrets of an
/// account are those of its app, so they serve every account with the same `app_id`.
fn unverifiable(accounts: &[Account]) -> Vec<String> {
    let has_secret = |account: &Account| !account.app_secrets.is_empty();
    if !accounts.iter().any(has_secret) {
        return Vec::new();
    }
    let of_same_app =
        |one: &Account, other: &Account| one.app_id.is_some() && one.app_id == other.app_id;
    accounts
        .iter()
        .filter(|account| {
            !has_secret(account)
                && !accounts.iter().any(|other| of_same_app(account, other) && has_secret(other))
        })
        .map(|account| {
            format!(
                "account {:?} has no app_secret, nor has another one with its app_id: if its app is \
                 not one of the others, its webhooks are refused",
                account.name
            )
        })
        .collect()
}

fn account(
    source: &Source<'_>,
    document: &mut Document<'_>,
    entry: Option<(&DeTable<'_>, Place)>,
    environment: bool,
    warnings: &mut Vec<String>,
) -> Account {
    let (table, place) = entry
        .map_or((None, Place::Env("TWOTICKS_ACCOUNT_...".to_owned())), |(table, place)| {
            (Some(table), place)
        });
    let mut section = Section::new("account", table, environment);
    let name = section.text(document, "name").map(|found| found.value);
    let id = |section: &mut Section<'_, '_>, document: &mut Document<'_>, key| {
        section.parsed(document, key, |text| {
            if text.bytes().all(|byte| byte.is_ascii_digit()) {
                return Ok(text.to_owned());
            }
            Err("must be Meta's id: digits only, in quotes".to_owned())
        })
    };
    let problems = document.problems.len();
    let phone_number_id = id(&mut section, document, "phone_number_id");
    if phone_number_id.is_none() && document.problems.len() == problems {
        let message =
            "account.phone_number_id is missing; the API set-up page of your app shows it";
        document.problem(place, message);
    }
    let account = Account {
        name: name.unwrap_or_else(|| "default".to_owned()),
        phone_number_id: phone_number_id.unwrap_or_default(),
        waba_id: id(&mut section, document, "waba_id"),
        app_id: id(&mut section, document, "app_id"),
        number: section.text(document, "number").map(|found| found.value),
        token: {
            let written = section.text(document, "token");
            written.and_then(|text| secret(source, document, "token", text, warnings))
        },
        app_secrets: secrets(source, document, &mut section, "app_secret", warnings),
        verify_tokens: secrets(source, document, &mut section, "verify_token", warnings),
    };
    section.finish(document);
    account
}

/// One secret, or a list of them while one replaces another.
fn secrets(
    source: &Source<'_>,
    document: &mut Document<'_>,
    section: &mut Section<'_, '_>,
    key: &'static str,
    warnings: &mut Vec<String>,
) -> Vec<SecretSource> {
    let written = section.texts(document, key);
    written.into_iter().filter_map(|text| secret(source, document, key, text, warnings)).collect()
}

fn secret(
    source: &Source<'_>,
    document: &mut Document<'_>,
    key: &'static str,
    At { value, place }: At<String>,
    warnings: &mut Vec<String>,
) -> Option<SecretSource> {
    let parsed = match SecretSource::parse(&value, source.base()) {
        Ok(parsed) => parsed,
        Err(wanted) => {
            document.problem(place, format!("account.{key}: {wanted}"));
            return None;
        }
    };
    if let (SecretSource::Literal(_), Place::Line(line)) = (&parsed, &place) {
        if !source.private {
            let file = source.path.display();
            let message = format!(
                "account.{key} holds the secret itself, and others may read the file; write \
                 env:NAME or file:PATH, or run: chmod 600 {file}"
            );
            document.problem(place, message);
            return None;
        }
        warnings.push(format!(
            "line {line}: account.{key} holds the secret itself; env:NAME or file:PATH is safer"
        ));
    }
    Some(parsed)
}

/// Reads the address of the API.
///
/// # Errors
/// What it must be instead.
pub fn base_url(text: &str) -> Result<Url, String> {
    let url: Url = text
        .trim_end_matches('/')
        .parse()
        .map_err(|error| format!("is no address ({error}); the default is \"{META}\""))?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err("must be https: the token would travel in the clear".to_owned()),
        _ => Err(format!("must be an https address; the default is \"{META}\"")),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn api_version(text: &str) -> Result<String, String> {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.strip_prefix('v')
        .and_then(|rest| rest.split_once('.'))
        .filter(|(major, minor)| number(major) && number(minor))
        .map(|_| text.to_owned())
        .ok_or_else(|| format!("must look like \"{API_VERSION}\""))
}

fn meta() -> Url {
    #[expect(clippy::expect_used, reason = "a constant that the tests parse")]
    META.parse().expect("Meta's address is one")
}
