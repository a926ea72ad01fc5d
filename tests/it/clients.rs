//! Client libraries that are not ours, unmodified and used as their own documentation says, against
//! `twoticks sim`: they send a text, a template and a picture and read back the statuses.
//!
//! `.ci/run` installs them. Where they are missing a test says so and passes, unless skipping is forbidden.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::cli::Running;

/// Longer than Python takes to start on a busy machine, and the simulated people to read.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where `.ci/run` puts the libraries.
fn libraries() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target")).join("clients")
}

fn skips(missing: &Path) -> bool {
    if missing.exists() {
        return false;
    }
    let reason = format!("no client library at {}: .ci/run installs it", missing.display());
    assert!(std::env::var_os("NO_SKIPS").is_none(), "{reason}");
    println!("skipped: {reason}");
    true
}

/// A client that runs until it is dropped.
struct Client {
    child: Child,
    lines: Receiver<String>,
}

impl Client {
    fn start(mut command: Command, simulator: &str, port: u16) -> Self {
        let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sim/box.png");
        command.args([simulator, &port.to_string()]).arg(picture);
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = channel();
        std::thread::Builder::new()
            .spawn(move || {
                for line in out.lines().map_while(Result::ok) {
                    if tell.send(line).is_err() {
                        return;
                    }
                }
            })
            .unwrap();
        Self { child, lines }
    }

    /// Waits until each of the three messages was sent, delivered and read.
    fn sees_everything(&self) {
        let mut sent = BTreeMap::new();
        let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let done = |sent: &BTreeMap<String, String>, seen: &BTreeMap<String, Vec<String>>| {
            sent.len() == 3
                && sent.values().all(|id| {
                    let words = seen.get(id).cloned().unwrap_or_default();
                    ["sent", "delivered", "read"]
                        .iter()
                        .all(|word| words.iter().any(|one| one == word))
                })
        };
        while !done(&sent, &seen) {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("the client fell silent: {sent:?} {seen:?}"));
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["sent", kind, id] => drop(sent.insert((*kind).to_owned(), (*id).to_owned())),
                ["status", id, word] => {
                    seen.entry((*id).to_owned()).or_default().push((*word).to_owned());
                }
                _ => panic!("the client says {line:?}"),
            }
        }
        let kinds: Vec<&str> = sent.keys().map(String::as_str).collect();
        assert_eq!(kinds, ["image", "template", "text"]);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A simulator that posts to a port which is free for the client.
fn simulator(home: &Path) -> (Running, u16) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let webhook = format!("http://127.0.0.1:{port}/");
    (Running::start(home, &["sim", "--webhook", &webhook]), port)
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients").join(name)
}

#[test]
fn a_python_library_sends_and_reads_back_statuses() {
    let python = libraries().join("python/bin/python");
    if skips(&python) {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let (sim, port) = simulator(home.path());
    let mut command = Command::new(python);
    command.arg(script("inbox.py"));
    Client::start(command, sim.first_line(), port).sees_everything();
}

#[test]
fn a_javascript_library_sends_and_reads_back_statuses() {
    let modules = libraries().join("node/node_modules");
    if skips(&modules) {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let (sim, port) = simulator(home.path());
    let mut command = Command::new("node");
    command.arg(script("inbox.mjs")).env("MODULES", modules.parent().unwrap());
    Client::start(command, sim.first_line(), port).sees_everything();
}
