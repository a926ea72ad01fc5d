//! `twoticks sim`: the Cloud API simulator on its own, a config to use it with, and words to a running one.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;

use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Map, Value, json};

use super::output::line;
use super::{Global, say};
use crate::clock::SystemClock;
use crate::config;
use crate::error::{Error, Kind};
use crate::paths;
use crate::sim::{Scenario, Sim, SimConfig, World, WorldConfig};
use crate::term::signal;

/// The first line of a config that we wrote ourselves and may write again.
const MARK: &str = "# Written by twoticks sim; written again each time it starts.";

/// What a scenario looks like, for the long help.
const SCENARIO: &str = "\
A scenario says which accounts and people there are, all of it optional, and
what happens when. Each step has a time in seconds from the start and one
thing to do, in the words of the commands above (delay_ms and shuffle_ms for
--delay and --shuffle); `account` names another account than the first one.
Two accounts with the same waba_id are two numbers of one account:

  [[account]]
  name = \"Loja Sol\"

  [[account]]
  name = \"Loja Lua\"
  number = \"+55 21 5550-0200\"

  [[person]]
  name = \"Kim\"
  username = \"@kim.moves\"

  [[step]]
  at = 5
  say = { from = \"+15551230001\", text = \"hi\" }

  [[step]]
  at = 10
  fail = { lose = \"answer\", times = 3 }

  [[step]]
  at = 20.5
  account = \"Loja Lua\"
  template = { name = \"boas_vindas\", do = \"quality\", value = \"RED\" }";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_long_help = SCENARIO)]
pub(super) struct Simulate {
    #[command(flatten)]
    serve: Serve,
    #[command(subcommand)]
    drive: Option<Drive>,
}

#[derive(Debug, Args)]
struct Serve {
    /// The port to listen on, on 127.0.0.1; a free one when left out.
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Where to post webhooks.
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// What its chances follow from; the same seed gives the same world.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Keep the world in this file, and go on from it.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Go through the steps of this TOML file, each at its time; --help shows one.
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Write a config that the inbox, listen and send can use with it.
    #[arg(long, value_name = "FILE")]
    write_config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Drive {
    /// Let somebody write to the business.
    Say {
        /// A number with its plus, a user id, a user name or a name.
        from: String,
        /// What they write; the caption of a picture or a document.
        #[arg(required_unless_present = "kind")]
        text: Option<String>,
        /// image, voice, sticker, document, location, or any other type with --body.
        #[arg(long, value_name = "TYPE")]
        kind: Option<String>,
        /// The object of that type, as JSON.
        #[arg(long, value_name = "JSON", requires = "kind")]
        body: Option<String>,
        /// Quote the message with this id.
        #[arg(long, value_name = "ID")]
        reply_to: Option<String>,
        #[command(flatten)]
        running: Running,
    },
    /// Let somebody open the chat: all that was sent to them is read.
    Read {
        /// Who it is.
        from: String,
        #[command(flatten)]
        running: Running,
    },
    /// Let somebody put an emoji on a message; an empty one takes it back.
    React {
        /// Who it is.
        from: String,
        /// The emoji.
        emoji: String,
        /// The message; the latest that was sent to them when left out.
        #[arg(long, value_name = "ID")]
        to: Option<String>,
        #[command(flatten)]
        running: Running,
    },
    /// Let somebody stop marketing messages, or resume them.
    OptOut {
        /// Who it is.
        from: String,
        /// They want them again.
        #[arg(long)]
        resume: bool,
        #[command(flatten)]
        running: Running,
    },
    /// Let somebody get a new phone: the key that the identity check compares is another one.
    NewPhone {
        /// Who it is.
        from: String,
        #[command(flatten)]
        running: Running,
    },
    /// Decide what becomes of a template: its review, pauses, quality, category, held sends.
    Template {
        /// Its name, for every language it is written in.
        name: String,
        /// approve, reject [REASON], pause, unpause, disable, flag, quality COLOUR, category NAME,
        /// hold, release, drop (of held sends), violates on|off.
        action: String,
        /// What goes with it: RED, MARKETING, on.
        value: Option<String>,
        /// In this language alone.
        #[arg(long, value_name = "LANG")]
        lang: Option<String>,
        #[command(flatten)]
        running: Running,
    },
    /// Decide what becomes of the number: its quality, messaging limit, throughput.
    #[command(group = ArgGroup::new("what").required(true).args(["quality", "limit", "throughput"]))]
    Number {
        /// GREEN, YELLOW, RED or UNKNOWN.
        #[arg(long, value_name = "COLOUR")]
        quality: Option<String>,
        /// `TIER_250`, `TIER_2K`, `TIER_10K`, `TIER_100K` or `TIER_UNLIMITED`.
        #[arg(long, value_name = "TIER")]
        limit: Option<String>,
        /// 1,000 messages a second, or 80.
        #[arg(long, value_name = "high|standard", value_parser = ["high", "standard"])]
        throughput: Option<String>,
        #[command(flatten)]
        running: Running,
    },
    /// Let the next sends run into trouble, or the webhooks, or all calls.
    Fail(Box<Fail>),
    /// Move the simulator's time on, e.g. 25h: what falls due happens.
    Advance {
        /// How far.
        #[arg(value_name = "SPAN", value_parser = config::duration)]
        by: std::time::Duration,
        #[command(flatten)]
        running: Running,
    },
    /// Show the requests it got with its answers, and the webhooks it posted.
    Log {
        /// One JSON object per line, bodies included.
        #[arg(long)]
        json: bool,
        /// Wait for more, until it is stopped.
        #[arg(long)]
        follow: bool,
        #[command(flatten)]
        running: Running,
    },
}

/// Trouble, one kind at a time.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(false)
    .args(["code", "status", "lose", "twice", "delay_ms", "failed", "failed_then_delivered",
        "no_statuses", "webhooks", "token", "duplicates", "shuffle_ms", "skip_delivered", "scopes"]))]
struct Fail {
    /// Refuse with this error code of Meta's.
    #[arg(long, value_name = "CODE")]
    code: Option<u32>,
    /// Answer with this HTTP status and no usable body.
    #[arg(long, value_name = "STATUS")]
    status: Option<u16>,
    /// With --status: the body, in place of a page of HTML.
    #[arg(long, value_name = "TEXT", requires = "status")]
    body: Option<String>,
    /// With --status: accept the message all the same.
    #[arg(long, requires = "status")]
    accepted: bool,
    /// Lose the request, the answer to it, or half of the answer.
    #[arg(long, value_name = "request|answer|half", value_parser = ["request", "answer", "half"])]
    lose: Option<String>,
    /// Answer twice.
    #[arg(long)]
    twice: bool,
    /// Answer this many milliseconds late; the statuses do not wait.
    #[arg(long = "delay", value_name = "MS")]
    delay_ms: Option<u32>,
    /// Accept it, and report with this code that it failed.
    #[arg(long, value_name = "CODE")]
    failed: Option<u32>,
    /// Accept it, report with this code that it failed, and deliver it after all.
    #[arg(long, value_name = "CODE")]
    failed_then_delivered: Option<u32>,
    /// Accept it, and never report anything.
    #[arg(long)]
    no_statuses: bool,
    /// Switch the webhooks off or on.
    #[arg(long, value_name = "on|off", value_parser = ["on", "off"])]
    webhooks: Option<String>,
    /// Let the token expire, or be valid again.
    #[arg(long, value_name = "expired|valid", value_parser = ["expired", "valid"])]
    token: Option<String>,
    /// So many in a hundred webhooks come twice, from now on.
    #[arg(long, value_name = "PERCENT")]
    duplicates: Option<u16>,
    /// Webhooks wait up to this long, so that they overtake each other, from now on.
    #[arg(long = "shuffle", value_name = "MS")]
    shuffle_ms: Option<u32>,
    /// So many in a hundred `delivered` are left out before a `read`, from now on.
    #[arg(long, value_name = "PERCENT")]
    skip_delivered: Option<u16>,
    /// The permissions of the token from now on, with commas; nothing for none.
    #[arg(long, value_name = "LIST")]
    scopes: Option<String>,
    /// How many calls; one when left out.
    #[arg(long, value_name = "N")]
    times: Option<u32>,
    /// Calls of this edge rather than sends: `message_templates`, `media`, `any`.
    #[arg(long, value_name = "EDGE")]
    on: Option<String>,
    #[command(flatten)]
    running: Running,
}

impl Fail {
    /// The words of `/_sim/fail` and of a scenario.
    fn body(&self) -> Value {
        let yes = |flag: bool| flag.then_some(Value::Bool(true));
        let text = |text: &Option<String>| text.clone().map(Value::from);
        let fields = [
            ("code", self.code.map(Value::from)),
            ("status", self.status.map(Value::from)),
            ("body", text(&self.body)),
            ("accepted", yes(self.accepted)),
            ("lose", text(&self.lose)),
            ("twice", yes(self.twice)),
            ("delay_ms", self.delay_ms.map(Value::from)),
            ("failed", self.failed.map(Value::from)),
            ("failed_then_delivered", self.failed_then_delivered.map(Value::from)),
            ("no_statuses", yes(self.no_statuses)),
            ("webhooks", text(&self.webhooks)),
            ("token", text(&self.token)),
            ("duplicates", self.duplicates.map(Value::from)),
            ("shuffle_ms", self.shuffle_ms.map(Value::from)),
            ("skip_delivered", self.skip_delivered.map(Value::from)),
            ("scopes", text(&self.scopes)),
            ("times", self.times.map(Value::from)),
            ("on", text(&self.on)),
        ];
        let given = fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Value::Object(given.collect::<Map<_, _>>())
    }
}

/// Which simulator is meant.
#[derive(Debug, Args)]
struct Running {
    /// The port of the running simulator; with --config it is known.
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// One of its accounts by name or id; the first one when left out.
    #[arg(long = "of", value_name = "ACCOUNT")]
    account: Option<String>,
}

pub(super) fn run(global: &Global, simulate: Simulate) -> Result<(), Error> {
    let Some(drive) = simulate.drive else { return serve(simulate.serve) };
    let (running, path, body) = match drive {
        Drive::Log { json, follow, running } => {
            return log(address(global, &running)?, json, follow);
        }
        Drive::Say { from, text, kind, body, reply_to, running } => {
            let body = body.as_deref().map(serde_json::from_str::<Value>).transpose();
            let body = body.map_err(|error| Error::usage("--body is no JSON").because(&error))?;
            let caption = text.as_ref().filter(|_| kind.is_some());
            let said = json!({ "from": from, "text": text, "caption": caption, "kind": kind,
                "body": body, "to": reply_to });
            (running, "say", said)
        }
        Drive::Read { from, running } => (running, "read", json!({ "from": from })),
        Drive::React { from, emoji, to, running } => {
            (running, "say", json!({ "from": from, "kind": "reaction", "emoji": emoji, "to": to }))
        }
        Drive::OptOut { from, resume, running } => {
            (running, "opt_out", json!({ "from": from, "resume": resume }))
        }
        Drive::NewPhone { from, running } => (running, "new_phone", json!({ "from": from })),
        Drive::Template { name, action, value, lang, running } => {
            let turn = json!({ "name": name, "language": lang, "do": action, "value": value });
            (running, "template", turn)
        }
        Drive::Number { quality, limit, throughput, running } => {
            let turn = json!({ "quality": quality, "limit": limit, "throughput": throughput });
            (running, "number", turn)
        }
        Drive::Fail(fail) => {
            let body = fail.body();
            (fail.running, "fail", body)
        }
        Drive::Advance { by, running } => (running, "advance", json!({ "seconds": by.as_secs() })),
    };
    let mut body = body;
    if let Some(account) = &running.account {
        body["account"] = json!(account);
    }
    let answer = post(address(global, &running)?, &format!("/_sim/{path}"), &body)?;
    if let Some(id) = answer["id"].as_str() {
        line(id)?;
    }
    if let Some(read) = answer["read"].as_u64() {
        say(&format!("{read} messages read"));
    }
    Ok(())
}

/// Prints the log, and what is added to it when `follow` is set.
fn log(address: SocketAddr, json: bool, follow: bool) -> Result<(), Error> {
    let (mut from, mut wait) = (0, "");
    loop {
        let page = ask(address, "GET", &format!("/_sim/log?from={from}{wait}"), "")?;
        for entry in page["entries"].as_array().into_iter().flatten() {
            line(&if json { entry.to_string() } else { log_line(entry) })?;
        }
        if !follow {
            return Ok(());
        }
        from = page["next"].as_u64().unwrap_or(from);
        wait = "&follow=1";
    }
}

/// `14:03:07 POST /v25.0/1065/messages 200`
fn log_line(entry: &Value) -> String {
    let text = |key: &str| entry[key].as_str().unwrap_or("");
    let at = text("at");
    let time = at.split_once('T').map_or(at, |(_, time)| time);
    let time = time.get(..8).unwrap_or(time);
    let status = match (entry["status"].as_u64(), entry["error"].as_str()) {
        (Some(status), _) => status.to_string(),
        (None, error) => error.unwrap_or("?").to_owned(),
    };
    let code = entry["answer"]["error"]["code"].as_u64();
    let code = code.map_or_else(String::new, |code| format!(" code {code}"));
    if text("kind") == "webhook" {
        let field = entry["request"]["entry"][0]["changes"][0]["field"].as_str().unwrap_or("");
        return format!("{time} webhook {field} to {} {status}", text("target"));
    }
    format!("{time} {} {} {status}{code}", text("method"), text("target"))
}

fn serve(options: Serve) -> Result<(), Error> {
    let scenario = options.scenario.as_deref().map(read_scenario).transpose()?;
    let world = match &options.state {
        Some(file) => crate::sim::load(file)
            .map_err(|error| Error::usage("cannot use the state file").because(&error))?,
        None => None,
    };
    let plain = crate::sim::plain();
    let config = match &scenario {
        Some(scenario) => scenario.world(&plain).map_err(Error::usage)?,
        None => plain,
    };
    let world = world.unwrap_or_else(|| World::new(options.seed, config));
    let people = world.config().clone();
    let webhook = match (options.webhook, &options.write_config) {
        (Some(url), _) => Some(url),
        (None, Some(file)) => {
            let port = known_port(file).map_or_else(free_port, Ok)?;
            Some(format!("http://127.0.0.1:{port}/webhook"))
        }
        (None, None) => None,
    };
    // A world that was kept knows where its webhooks went.
    let goes_to = webhook.clone().or_else(|| world.callback().map(str::to_owned));
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port.unwrap_or(0)));
    let config =
        SimConfig { listen, webhook: webhook.clone(), keep: options.state, ..SimConfig::default() };
    let sim = Sim::start(config, world, Arc::new(SystemClock::new()))
        .map_err(|error| cannot_start(listen, &error))?;
    if let (Some(scenario), Some(file)) = (&scenario, &options.scenario) {
        sim.play(scenario).map_err(|why| Error::usage(format!("{}: {why}", file.display())))?;
        say(&format!("scenario: {} steps", scenario.len()));
    }
    if let (Some(file), Some(webhook)) = (&options.write_config, &webhook) {
        write_config(file, &people, &sim.base_url(), webhook)?;
        say(&format!("config: {}", file.display()));
    }
    // Before anything is said of it: whoever reads that may end it.
    let (told, asked) = channel();
    let on_panic = Arc::new(|_| ());
    let _signals = signal::start(false, on_panic, move |_| {
        // Nobody hears it twice.
        told.send(()).ok();
    })
    .map_err(|error| Error::failed("cannot listen for signals").because(&error))?;
    say(&format!("webhooks go to: {}", goes_to.as_deref().unwrap_or("nowhere; see --webhook")));
    line(&sim.base_url())?;
    // Either somebody asks us to end, or the thread that would tell us is gone.
    asked.recv().ok();
    sim.stop().map_err(|error| Error::failed("the state was not kept").because(&error))?;
    Err(Error::new(Kind::Interrupted, "ended by a signal"))
}

fn read_scenario(file: &Path) -> Result<Scenario, Error> {
    let wrong = |why: &dyn std::fmt::Display| {
        Error::usage(format!("the scenario {} cannot be used: {why}", file.display()))
            .hint("`twoticks sim --help` shows what one looks like")
    };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(&error))?;
    Scenario::parse(&text).map_err(|why| wrong(&why))
}

fn cannot_start(listen: SocketAddr, error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::InvalidInput => {
            Error::usage(error.to_string()).hint("such as --webhook http://127.0.0.1:8787/webhook")
        }
        std::io::ErrorKind::AddrInUse => Error::failed(format!("port {} is taken", listen.port()))
            .hint("end the program that has it, or name another one with --port"),
        _ => Error::failed(format!("cannot start on {listen}")).because(error),
    }
}

/// Where the listener of a config that we wrote earlier is: who listens there is found again.
fn known_port(file: &Path) -> Option<u16> {
    let text = std::fs::read_to_string(file).ok().filter(|text| text.starts_with(MARK))?;
    let table: toml::Table = text.parse().ok()?;
    table.get("listener")?.get("port")?.as_integer().and_then(|port| u16::try_from(port).ok())
}

fn free_port() -> Result<u16, Error> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| Error::failed("no port is free on 127.0.0.1").because(&error))
}

/// Writes the config, its data directory beside it, and the secrets in there. A file that somebody else
/// wrote is left alone.
fn write_config(
    file: &Path,
    people: &WorldConfig,
    base_url: &str,
    webhook: &str,
) -> Result<(), Error> {
    let failed = |error: std::io::Error| {
        Error::failed(format!("cannot write {}", file.display())).because(&error)
    };
    match std::fs::read_to_string(file) {
        Ok(text) if text.starts_with(MARK) => std::fs::remove_file(file).map_err(failed)?,
        Ok(_) => {
            let message = format!("{} is a config of your own", file.display());
            return Err(Error::usage(message).hint("name another file with --write-config"));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let data = file.with_extension("data");
    paths::create_dir(&data).map_err(failed)?;
    for (number, account) in accounts(people) {
        for (name, secret) in secrets(account) {
            write_private(&data.join(format!("{name}{number}")), secret).map_err(failed)?;
        }
    }
    let name = data.file_name().unwrap_or_default().to_string_lossy().into_owned();
    write_private(file, &config_text(&name, people, base_url, webhook)?).map_err(failed)
}

/// Every account with what its files end in: nothing, `-2`, `-3`.
fn accounts(first: &WorldConfig) -> impl Iterator<Item = (String, &WorldConfig)> {
    let others = (2..).zip(&first.others);
    let others = others.map(|(number, account)| (format!("-{number}"), account));
    std::iter::once((String::new(), first)).chain(others)
}

fn secrets(people: &WorldConfig) -> [(&'static str, &str); 3] {
    [
        ("token", &people.token),
        ("app-secret", &people.app_secret),
        ("verify-token", &people.verify_token),
    ]
}

fn config_text(
    data: &str,
    people: &WorldConfig,
    base_url: &str,
    webhook: &str,
) -> Result<String, Error> {
    let url: url::Url = webhook.parse().map_err(|error: url::ParseError| {
        Error::usage(format!("{webhook:?} is no address")).because(&error)
    })?;
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(Error::usage(format!("{webhook:?} names no host")));
    };
    let host = if host == "localhost" { "127.0.0.1" } else { host.trim_matches(['[', ']']) };
    // Debug of a string is TOML's basic string for everything that occurs here.
    let mut lines = vec![
        MARK.to_owned(),
        format!("data_dir = {data:?}"),
        format!("base_url = {base_url:?}"),
        "simulator = true".to_owned(),
        String::new(),
    ];
    for (number, account) in accounts(people) {
        // The one account of a plain simulator is no shop of that name.
        let name = if people.others.is_empty() { "simulator" } else { &account.verified_name };
        lines.extend([
            "[[account]]".to_owned(),
            format!("name = {name:?}"),
            format!("phone_number_id = {:?}", account.phone_number_id),
            format!("waba_id = {:?}", account.waba_id),
            format!("app_id = {:?}", account.app_id),
            format!("number = {:?}", account.display_number),
            format!("token = {:?}", format!("file:{data}/token{number}")),
            format!("app_secret = {:?}", format!("file:{data}/app-secret{number}")),
            format!("verify_token = {:?}", format!("file:{data}/verify-token{number}")),
            String::new(),
        ]);
    }
    lines.extend([
        "[listener]".to_owned(),
        format!("address = {host:?}"),
        format!("port = {port}"),
        format!("path = {:?}", url.path()),
        String::new(),
    ]);
    Ok(lines.join("\n"))
}

/// Writes a file that only the owner may read, whole or not at all.
pub(super) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    // One that a crash left behind.
    std::fs::remove_file(&beside).ok();
    paths::create_private(Path::new(&beside))?.write_all(text.as_bytes())?;
    std::fs::rename(beside, path)
}

/// Where the running simulator is: the port given, or the config's address if that is on this machine.
fn address(global: &Global, running: &Running) -> Result<SocketAddr, Error> {
    if let Some(port) = running.port {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    let unknown =
        || Error::usage("which simulator?").hint("give its --port, or the --config that it wrote");
    let file = global.config.as_ref().ok_or_else(unknown)?;
    let config = config::load(file, true, &std::collections::BTreeMap::new())?;
    config
        .base_url
        .socket_addrs(|| None)
        .ok()
        .and_then(|addresses| addresses.into_iter().find(|address| address.ip().is_loopback()))
        .ok_or_else(unknown)
}

fn post(address: SocketAddr, path: &str, body: &Value) -> Result<Value, Error> {
    ask(address, "POST", path, &body.to_string())
}

/// One request to our own simulator, over HTTP/1.0 so that the answer ends with the connection.
fn ask(address: SocketAddr, method: &str, path: &str, body: &str) -> Result<Value, Error> {
    let exchange = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer = exchange().map_err(|error| {
        Error::failed(format!("no simulator answers on {address}")).because(&error)
    })?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let value: Value = serde_json::from_str(body).unwrap_or_default();
    if head.split(' ').nth(1) == Some("200") {
        return Ok(value);
    }
    let why = value["error"].as_str().unwrap_or("it gave no reason");
    Err(Error::failed(format!("the simulator refused: {why}")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt as _;

    use secrecy::ExposeSecret as _;

    use super::{WorldConfig, write_config};
    use crate::config::load;

    #[test]
    fn the_config_it_writes_is_private_and_whole() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("c.toml");
        let people = WorldConfig::default();
        let env = BTreeMap::new();
        for port in [4001_u16, 4002] {
            let webhook = format!("http://127.0.0.1:{port}/hook");
            write_config(&file, &people, "http://127.0.0.1:4000", &webhook).unwrap();
            let config = load(&file, true, &env).unwrap();
            assert!(config.warnings.is_empty());
            assert!(config.simulator);
            assert_eq!((config.listener.port, config.listener.path.as_str()), (port, "/hook"));
            assert_eq!(config.data_dir, Some(dir.path().join("c.data")));
            let token = config.accounts[0].token.as_ref().unwrap();
            assert_eq!(
                token.resolve(&env, &crate::clock::SystemClock::new()).unwrap().expose_secret(),
                people.token
            );
        }
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_config_of_the_persons_own_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("c.toml");
        std::fs::write(&file, "# mine\n").unwrap();
        let error = write_config(
            &file,
            &WorldConfig::default(),
            "http://127.0.0.1:1",
            "http://127.0.0.1:2/w",
        );
        assert!(error.is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "# mine\n");
    }
}
