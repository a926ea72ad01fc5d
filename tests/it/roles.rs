//! Several processes on one data directory: exactly one sends and one listens. When it is killed, another
//! one takes over within seconds; the rest queue, and the status bar says who does what.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use twoticks::clock::SystemClock;
use twoticks::domain::time::Clock as _;

use crate::cli::{Running, twoticks};
use crate::terminal::{Terminal, signal_to};

/// Far more than anything takes on a slow machine; what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// How soon another process has taken over.
const TAKEN_OVER: Duration = Duration::from_secs(5);

/// A process without a screen, and what it says on stderr.
pub(crate) struct Listen {
    child: Child,
    talk: Receiver<String>,
}

impl Listen {
    pub(crate) fn start(home: &Path, config: &str) -> Self {
        let mut child = twoticks(home, &["--config", config, "listen"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (tell, talk) = channel();
        thread::Builder::new()
            .name("talk".to_owned())
            .spawn(move || lines.map_while(Result::ok).try_for_each(|line| tell.send(line)))
            .unwrap();
        Self { child, talk }
    }

    /// Reads what it says until all of `wanted` were said.
    #[track_caller]
    pub(crate) fn until(&self, wanted: &[&str]) {
        let mut wanted = wanted.to_vec();
        while !wanted.is_empty() {
            let line = self.talk.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{wanted:?}"));
            wanted.retain(|words| !line.starts_with(words));
        }
    }
}

impl Drop for Listen {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn inbox(home: &Path, config: &str) -> Terminal {
    let inbox = Terminal::start(home, &["--config", config], &[]);
    inbox.resize(120, 24);
    inbox
}

fn send(home: &Path, config: &str, text: &str) -> Output {
    let args = ["--config", config, "send", "+15551230001", text, "--wait", "read"];
    twoticks(home, &args).output().unwrap()
}

#[track_caller]
fn assert_read(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains(" read"), "{output:?}");
}

#[test]
fn one_sends_and_one_listens_and_whoever_is_left_takes_over_from_the_killed() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let config = home.join("c.toml");
    let config = config.to_str().unwrap();
    let _sim = Running::start(home, &["sim", "--write-config", config]);
    let clock = SystemClock::new();

    let first = inbox(home, config);
    first.until("both roles", |screen| {
        let shown = screen.contents();
        shown.contains("hook ok") && !shown.contains("elsewhere")
    });
    let both_elsewhere = ["listener: another process does it", "sender: another process does it"];
    let listen = Listen::start(home, config);
    listen.until(&both_elsewhere);
    assert_read(&send(home, config, "the inbox sends this"));

    first.signal(Signal::KILL);
    let killed = clock.monotonic();
    listen.until(&["listener: up", "sender: up"]);
    let took = clock.monotonic().since(killed);
    let second = inbox(home, config);
    second.until_text("hook, sender elsewhere");
    assert_read(&send(home, config, "listen sends this"));

    drop(listen);
    let killed = clock.monotonic();
    second.until("both roles", |screen| {
        let shown = screen.contents();
        shown.contains("hook ok") && !shown.contains("elsewhere")
    });
    let took_again = clock.monotonic().since(killed);
    let third = inbox(home, config);
    third.until_text("hook, sender elsewhere");
    assert_read(&send(home, config, "the second inbox sends this"));
    // One of two: the machine may be busy with other things once.
    assert!(took.min(took_again) <= TAKEN_OVER, "{took:?} {took_again:?}");
    for inbox in [second, third] {
        inbox.signal(Signal::TERM);
        assert_eq!(inbox.end(), 130);
    }
}

/// Only the process that sent knew why nothing went: the others said that each message waits for its turn.
#[test]
fn why_nothing_goes_is_said_by_the_processes_that_do_not_send() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let config = home.join("c.toml");
    let config = config.to_str().unwrap();
    let _sim = Running::start(home, &["sim", "--write-config", config]);
    let run =
        |args: &[&str]| twoticks(home, &[&["--config", config], args].concat()).output().unwrap();
    let out = |args: &[&str]| String::from_utf8(run(args).stdout).unwrap();
    assert!(run(&["outbox", "status"]).status.code() == Some(1), "nothing is stored yet");
    let listen = Listen::start(home, config);
    listen.until(&["listener: up", "sender: up"]);
    let mut inbox = inbox(home, config);
    inbox.until_text("sender elsewhere");
    assert!(run(&["sim", "fail", "--token", "expired"]).status.success());
    for number in ["+15551230001", "+15551230002", "+15551230003"] {
        assert!(run(&["send", number, "hello"]).status.success());
    }
    listen.until(&["trouble: "]);
    inbox.until_text("! Account:");
    inbox.until_text("put it in the config");
    inbox.send("3");
    inbox.until("the reason in the queue", |screen| {
        let shown = screen.contents();
        shown.contains("stopped: the account needs you") && !shown.contains("waits for its turn")
    });
    let queue = run(&["outbox", "list"]);
    let (shown, said) =
        (String::from_utf8_lossy(&queue.stdout), String::from_utf8_lossy(&queue.stderr));
    // Those that were under way when it stopped know the answer that stopped it.
    let reason = shown.contains("the account needs you") || shown.contains("190 The access token");
    assert!(reason && !shown.contains("its turn"), "{shown}");
    assert!(said.contains("nothing is sent: ") && said.contains("put it in the config"), "{said}");
    let status = out(&["outbox", "status"]);
    assert!(status.contains("stopped: ") && status.contains("breaker closed"), "{status}");
    let status: serde_json::Value =
        serde_json::from_str(&out(&["outbox", "status", "--json"])).unwrap();
    assert_eq!(status["stop"]["kind"], "trouble", "{status}");
    assert_eq!((&status["queued"], &status["sender"]), (&3.into(), &true.into()), "{status}");
    let args = ["send", "+15551230004", "hello", "--wait", "accepted", "--timeout", "3s"];
    let waited = run(&args);
    let said = String::from_utf8_lossy(&waited.stderr);
    assert!(waited.status.code() == Some(4) && said.contains("put it in the config"), "{said}");

    // The account works again: nobody says otherwise.
    assert!(run(&["sim", "fail", "--token", "valid"]).status.success());
    inbox.send("1");
    inbox.until("no trouble", |screen| !screen.contents().contains("! Account:"));
    let status = out(&["outbox", "status"]);
    assert!(status.contains(": goes, up to "), "{status}");
    signal_to(listen.child.id(), Signal::TERM);
    inbox.until("the sender's role", |screen| !screen.contents().contains("sender elsewhere"));
    inbox.signal(Signal::TERM);
    assert_eq!(inbox.end(), 130);
    let status = out(&["outbox", "status"]);
    assert!(status.contains("no process sends now"), "{status}");
}
