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
use crate::error::Error;
use crate::paths;
use crate::sim::{Sim, SimConfig, World, WorldConfig};
use crate::term::signal;

/// The first line of a config that we wrote ourselves and may write again.
const MARK: &str = "# Written by twoticks sim; written again each time it starts.";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
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
    /// Write a config that the inbox, listen and send can use with it.
    #[arg(long, value_name = "FILE")]
    write_config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Drive {
    /// Let somebody write to the business.
    Say {
        /// A number with its plus, a user id or a name.
        from: String,
        /// What they write.
        text: String,
        #[command(flatten)]
        running: Running,
    },
    /// Let the next requests fail, or the webhooks stop.
    #[command(group = ArgGroup::new("what").required(true).multiple(true)
        .args(["code", "status", "lose", "delay", "webhooks", "token"]))]
    Fail {
        /// Refuse with this error code of Meta's.
        #[arg(long, value_name = "CODE")]
        code: Option<u32>,
        /// Answer with this HTTP status and no usable body.
        #[arg(long, value_name = "STATUS")]
        status: Option<u16>,
        /// Lose the request, or the answer to it.
        #[arg(long, value_name = "request|answer", value_parser = ["request", "answer"])]
        lose: Option<String>,
        /// Answer this many milliseconds late.
        #[arg(long, value_name = "MS")]
        delay: Option<u64>,
        /// Switch the webhooks off or on.
        #[arg(long, value_name = "on|off", value_parser = ["on", "off"])]
        webhooks: Option<String>,
        /// Let the token expire, or be valid again.
        #[arg(long, value_name = "expired|valid", value_parser = ["expired", "valid"])]
        token: Option<String>,
        /// How many requests.
        #[arg(long, value_name = "N", default_value_t = 1)]
        times: u32,
        #[command(flatten)]
        running: Running,
    },
}

/// Which simulator is meant.
#[derive(Debug, Args)]
struct Running {
    /// The port of the running simulator; with --config it is known.
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
}

pub(super) fn run(global: &Global, simulate: Simulate) -> Result<(), Error> {
    match simulate.drive {
        None => serve(simulate.serve),
        Some(Drive::Say { from, text, running }) => {
            let answer = post(
                address(global, &running)?,
                "/_sim/say",
                &json!({ "from": from, "text": text }),
            )?;
            Ok(line(answer["id"].as_str().unwrap_or_default())?)
        }
        Some(Drive::Fail { code, status, lose, delay, webhooks, token, times, running }) => {
            let mut body = Map::new();
            let fields = [
                ("code", code.map(Value::from)),
                ("status", status.map(Value::from)),
                ("lose", lose.map(Value::from)),
                ("delay_ms", delay.map(Value::from)),
                ("webhooks", webhooks.map(Value::from)),
                ("token", token.map(Value::from)),
                ("times", Some(times.into())),
            ];
            let given = fields.into_iter().filter_map(|(key, value)| Some((key, value?)));
            body.extend(given.map(|(key, value)| (key.to_owned(), value)));
            post(address(global, &running)?, "/_sim/fail", &Value::Object(body)).map(|_| ())
        }
    }
}

fn serve(options: Serve) -> Result<(), Error> {
    let world = match &options.state {
        Some(file) => crate::sim::load(file)
            .map_err(|error| Error::usage("cannot use the state file").because(&error))?,
        None => None,
    };
    let world = world.unwrap_or_else(|| World::new(options.seed, WorldConfig::default()));
    let people = world.config().clone();
    let webhook = match (options.webhook, &options.write_config) {
        (Some(url), _) => Some(url),
        (None, Some(_)) => Some(format!("http://127.0.0.1:{}/webhook", free_port()?)),
        (None, None) => None,
    };
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port.unwrap_or(0)));
    let config =
        SimConfig { listen, webhook: webhook.clone(), keep: options.state, ..SimConfig::default() };
    let sim = Sim::start(config, world, Arc::new(SystemClock::new()))
        .map_err(|error| Error::failed(format!("cannot start on {listen}")).because(&error))?;
    if let (Some(file), Some(webhook)) = (&options.write_config, &webhook) {
        write_config(file, &people, &sim.base_url(), webhook)?;
        say(&format!("config: {}", file.display()));
    }
    say(&format!("webhooks go to: {}", webhook.as_deref().unwrap_or("nowhere; see --webhook")));
    let (told, asked) = channel();
    let on_panic = Arc::new(|_| ());
    let _signals = signal::start(false, on_panic, move |_| {
        // Nobody hears it twice.
        told.send(()).ok();
    })
    .map_err(|error| Error::failed("cannot listen for signals").because(&error))?;
    line(&sim.base_url())?;
    // Either somebody asks us to end, or the thread that would tell us is gone.
    asked.recv().ok();
    sim.stop().map_err(|error| Error::failed("the state was not kept").because(&error))?;
    Ok(())
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
    for (name, secret) in secrets(people) {
        write_private(&data.join(name), secret).map_err(failed)?;
    }
    let name = data.file_name().unwrap_or_default().to_string_lossy().into_owned();
    write_private(file, &config_text(&name, people, base_url, webhook)?).map_err(failed)
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
    let lines = [
        MARK.to_owned(),
        format!("data_dir = {data:?}"),
        format!("base_url = {base_url:?}"),
        "simulator = true".to_owned(),
        String::new(),
        "[[account]]".to_owned(),
        "name = \"simulator\"".to_owned(),
        format!("phone_number_id = {:?}", people.phone_number_id),
        format!("waba_id = {:?}", people.waba_id),
        format!("app_id = {:?}", people.app_id),
        format!("number = {:?}", people.display_number),
        format!("token = {:?}", format!("file:{data}/token")),
        format!("app_secret = {:?}", format!("file:{data}/app-secret")),
        format!("verify_token = {:?}", format!("file:{data}/verify-token")),
        String::new(),
        "[listener]".to_owned(),
        format!("address = {host:?}"),
        format!("port = {port}"),
        format!("path = {:?}", url.path()),
        String::new(),
    ];
    Ok(lines.join("\n"))
}

/// Writes a file that only the owner may read, whole or not at all.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
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

/// One request to our own simulator, over HTTP/1.0 so that the answer ends with the connection.
fn post(address: SocketAddr, path: &str, body: &Value) -> Result<Value, Error> {
    let body = body.to_string();
    let exchange = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        let length = body.len();
        write!(
            stream,
            "POST {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\n\
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
