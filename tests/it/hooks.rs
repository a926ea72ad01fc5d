//! The developer's side of webhooks: made to order, listed, shown, replayed, and passed on to a program that
//! is not ours and checks the signature itself.

#![expect(
    clippy::disallowed_methods,
    reason = "what reads a child's words, and a server that is not ours, end with the test; a loop over \
              processes needs a deadline"
)]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use twoticks::app::hooks as words;
use twoticks::domain::hook::{EffectKind, Fate, HookKey};
use twoticks::domain::time::Timestamp;
use twoticks::service::hooks;
use twoticks::sim::trigger::{self, Scene};
use twoticks::store::ingest::{RawPost, ingest};
use twoticks::store::{Tx, WriteConn, event};

use crate::cli::twoticks;
use crate::payloads::{Inbox, PHONE_NUMBER};

const SECRET: &str = "the secret of the app";
const OTHER: &str = "the secret of the program";

/// Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

fn scene(nth: usize) -> Scene {
    Scene {
        waba: "102290129340398".to_owned(),
        phone_number_id: PHONE_NUMBER.to_owned(),
        display_number: "551155500199".to_owned(),
        from: "15551230001".to_owned(),
        name: "Sheena".to_owned(),
        user_id: None,
        body: None,
        wamid: format!("wamid.{nth}"),
        sent: "wamid.sent".to_owned(),
        received: "wamid.received".to_owned(),
        code: None,
        at: Timestamp::from_secs(1_780_000_000 + i64::try_from(nth).expect("fits")),
    }
}

#[test]
fn every_kind_is_taken_and_told_with_the_rows_it_changed() {
    let inbox = Inbox::open();
    let made = |name: &str, scene: &Scene| {
        let change = trigger::named(name).expect("kind").change(scene, &[]).expect("change");
        trigger::body(scene, &[change])
    };
    // What statuses, edits and deletions are about.
    let sent = Scene { wamid: "wamid.sent".to_owned(), ..scene(0) };
    let received = Scene { wamid: "wamid.received".to_owned(), ..scene(0) };
    inbox.post(&[("echo".into(), made("echo", &sent)), ("text".into(), made("text", &received))]);
    for (nth, kind) in trigger::kinds().enumerate() {
        let body = made(kind.name, &scene(nth + 1));
        inbox.post(&[(kind.name.to_owned(), body)]);
        let read = inbox.read();
        let newest = event::newest(&read).expect("newest");
        let hook = hooks::hook(&read, HookKey::of(newest)).expect("hook");
        let columns = words::columns(&hook);
        let Fate::Stored { row, subjects, facets } = hook.fate else { panic!("{}", kind.name) };
        assert!(!row.effects.is_empty() && !facets.is_empty(), "{}", kind.name);
        assert!(
            !row.effects.iter().any(|effect| effect.kind.is_unapplied()),
            "{}: {row:?}",
            kind.name
        );
        assert!(!columns.what.is_empty() && columns.field != "-", "{}: {columns:?}", kind.name);
        let whom = match kind.name.split('-').next() {
            Some("template") => "order_update en_US",
            Some("number" | "security") => "+551155500199",
            _ => "",
        };
        assert!(columns.who.contains(whom), "{}: {columns:?}", kind.name);
        let changes = words::changes(&row, &subjects);
        let changes_rows = row
            .effects
            .iter()
            .any(|effect| matches!(effect.kind, EffectKind::Message | EffectKind::Preference));
        assert!(!changes_rows || !changes.is_empty(), "{}: {row:?}", kind.name);
        if ["sent", "delivered", "read", "failed"].contains(&kind.name) {
            assert!(
                changes.iter().any(|change| change.column == "state"),
                "{}: {changes:?}",
                kind.name
            );
        }
    }
}

/// A home with a config and secrets.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("directory");
        let config = "base_url = \"http://127.0.0.1:9\"\n[[account]]\nname = \"shop\"\n\
            phone_number_id = \"100\"\nwaba_id = \"200\"\nnumber = \"+1 555 010 0000\"\n\
            app_secret = \"file:app-secret\"\n[listener]\nport = 0\n";
        let home = Self(dir);
        home.write("c.toml", config);
        home.write("app-secret", SECRET);
        home.write("program-secret", OTHER);
        home
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.file(name);
        std::fs::write(&path, text).expect("file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("mode");
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    fn command(&self, args: &[&str]) -> std::process::Command {
        let config = self.file("c.toml");
        let mut all = vec!["--config", config.to_str().expect("text")];
        all.extend(args);
        let mut command = twoticks(self.path(), &all);
        command.current_dir(self.path());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("run")
    }

    /// The lines of stdout as JSON.
    fn json(&self, args: &[&str]) -> Vec<Value> {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `twoticks listen`, with its address.
struct Listening {
    child: Child,
    url: String,
    lines: Receiver<String>,
    talk: Receiver<String>,
    threads: Vec<JoinHandle<()>>,
}

impl Listening {
    fn start(home: &Home, args: &[&str]) -> Self {
        let mut all = vec!["listen"];
        all.extend(args);
        let mut child = home
            .command(&all)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("listen");
        let (out, lines) = channel();
        let (talk, talked) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("stdout"));
        let stderr = BufReader::new(child.stderr.take().expect("stderr"));
        let threads = vec![
            std::thread::spawn(move || {
                stdout.lines().map_while(Result::ok).for_each(|line| drop(out.send(line)));
            }),
            std::thread::spawn(move || {
                stderr.lines().map_while(Result::ok).for_each(|line| drop(talk.send(line)));
            }),
        ];
        let address = loop {
            let line = talked.recv_timeout(PATIENCE).expect("it listens");
            if let Some(address) = line.strip_prefix("listener: up ") {
                break address.to_owned();
            }
        };
        Self { child, url: format!("http://{address}/webhook"), lines, talk: talked, threads }
    }

    /// The first line that has all of these.
    fn line(&self, parts: &[&str]) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("a line");
            if parts.iter().all(|part| line.contains(part)) {
                return line;
            }
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

#[test]
fn what_was_triggered_and_what_was_refused_is_listed_shown_and_replayed() {
    let home = Home::new();
    let listening = Listening::start(&home, &[]);
    let to = ["--to", &listening.url, "--json"];
    let with = |args: &'static [&'static str]| -> Vec<&str> { [args, &to].concat() };
    let posted = home.json(&with(&["trigger", "text", "--count", "3", "--duplicate", "--shuffle"]));
    assert_eq!(posted.len(), 6);
    assert!(posted.iter().all(|post| post["status"] == 200), "{posted:?}");
    let batch = home.json(&with(&["trigger", "image", "--count", "4", "--batch"]));
    assert_eq!(batch.len(), 1);
    home.write("raw.json", "{\"object\":\"tomorrow\"}");
    home.json(&with(&["trigger", "--raw", "raw.json"]));
    let refused = home.run(&with(&["trigger", "text", "--secret", "file:program-secret"]));
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");

    // What `listen` refused is noted a moment later, and seen by another process.
    let deadline = std::time::Instant::now() + PATIENCE;
    let list = loop {
        let list = home.json(&["events", "list", "--json"]);
        if list.iter().any(|row| row["code"] == 401) {
            break list;
        }
        assert!(std::time::Instant::now() < deadline, "{list:?}");
    };
    assert_eq!(list.len(), 9, "{list:?}");
    let duplicates = list.iter().filter(|row| row["duplicate"] == true).count();
    assert_eq!(duplicates, 3);
    assert_eq!(list[0]["reason"], "bad signature");
    assert_eq!(list[1]["items"][0]["field"], "");
    assert_eq!(list[2]["changes"].as_array().expect("changes").len(), 12, "{}", list[2]);

    let images = home.json(&["events", "list", "--type", "image", "--who", "sheena", "--json"]);
    assert_eq!(images.len(), 1);
    let id = images[0]["event"].to_string();
    let shown = home.json(&["events", "show", &id, "--json"]).remove(0);
    assert_eq!(shown["signed_by"], "shop");
    assert!(shown["headers"].as_str().expect("headers").contains("content-type: application/json"));
    assert_eq!(shown["body"]["entry"][0]["changes"].as_array().expect("changes").len(), 4);
    let raw = home.run(&["events", "show", &id, "--raw"]).stdout;
    assert_eq!(shown["signature"], signed(SECRET, &raw), "the very bytes, and their signature");

    let again = home.json(&["events", "replay", &id, "--json"]).remove(0);
    assert_eq!(again["replay_of"].to_string(), id);
    assert!(
        again["effects"]
            .as_array()
            .expect("effects")
            .iter()
            .all(|effect| { effect["kind"] == "status" && effect["detail"] == "known already" })
    );
    let reposted = home.json(&["events", "replay", &id, "--to", &listening.url, "--json"]);
    assert_eq!(reposted[0]["status"], 200, "its signature still fits");
    let missing = home.run(&["events", "replay", "999"]);
    assert_eq!(missing.status.code(), Some(3), "{missing:?}");
}

/// Words were looked for in what the list tells alone, and a long look could not say how far it came.
#[test]
fn the_shell_looks_into_every_body_and_says_how_far_when_it_is_stopped() {
    const EVENTS: i64 = 3_000;
    let home = Home::new();
    twoticks::paths::create_dir(&home.file("data")).expect("directory");
    let now = Timestamp::from_secs(1_780_000_000);
    let mut store = WriteConn::open(&home.file("data/twoticks.db"), now).expect("store");
    let posts = (1..=EVENTS).map(|nth| {
        let word = if nth == 2 { r"agulha n\u00famero 7" } else { "palha" };
        let body = format!(r#"{{"object":"{word}","nth":{nth}}}"#).into_bytes();
        let sha256 = twoticks::api::signature::sha256(&body);
        RawPost { body, sha256, received_at: Timestamp::from_secs(1_780_000_000 + nth) }
    });
    let posts: Vec<RawPost> = posts.collect();
    let keep =
        |tx: &mut Tx<'_>| posts.iter().try_for_each(|post| ingest(tx, post, &[], now).map(drop));
    store.write(keep).expect("stored");
    store.close().expect("closed");

    let list = ["--data-dir", "data", "events", "list"];
    let found = home.json(&[&list[..], &["AGULHA", "número", "--json"]].concat());
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["event"], 2);

    let mut child = home
        .command(&list)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("events list");
    // More rows than the pipe holds: it cannot end before they are read.
    let mut rows = BufReader::new(child.stdout.take().expect("stdout")).lines();
    rows.next().expect("a row").expect("text");
    crate::terminal::signal_to(child.id(), rustix::process::Signal::INT);
    let told = rows.map_while(Result::ok).count() + 1;
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(told < 3_000, "{told}");
    let said = text(&output.stderr);
    assert!(said.contains("interrupted; looked back to 2026-05-2"), "{said}");
}

fn signed(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("key");
    mac.update(body);
    let mut signature = "sha256=".to_owned();
    for byte in mac.finalize().into_bytes() {
        write!(signature, "{byte:02x}").expect("text takes all");
    }
    signature
}

/// What the program got.
struct Got {
    signature: String,
    body: Vec<u8>,
}

/// A program that is being developed: it answers 503 so many times, and then 200.
fn program(mut trouble: u32) -> (String, Receiver<Got>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let url = format!("http://{}/hook", listener.local_addr().expect("address"));
    let (give, got) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let Some(one) = request(&stream) else { continue };
            let status = if trouble > 0 { "503 Busy" } else { "200 OK" };
            trouble = trouble.saturating_sub(1);
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            (&stream).write_all(answer.as_bytes()).ok();
            if give.send(one).is_err() {
                break;
            }
        }
    });
    (url, got)
}

fn request(stream: &TcpStream) -> Option<Got> {
    let mut reader = BufReader::new(stream);
    let (mut signature, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            if line == "\r\n" {
                break;
            }
            continue;
        };
        match name.to_lowercase().as_str() {
            "x-hub-signature-256" => value.clone_into(&mut signature),
            "content-length" => length = value.parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Got { signature, body })
}

#[test]
fn a_program_that_is_not_ours_gets_what_it_wants_and_checks_the_signature() {
    let home = Home::new();
    let (first, got_first) = program(2);
    let (second, got_second) = program(0);
    let only = "messages,statuses:failed";
    let listening = Listening::start(
        &home,
        &["--forward-to", &first, "--forward-to", &second, "--forward-only", only],
    );
    let post = |kind: &str| {
        let body = "ação 👍";
        home.json(&["trigger", kind, "--body", body, "--to", &listening.url, "--json"]);
    };
    post("text");
    post("delivered");
    post("failed");
    let wait = |got: &Receiver<Got>| got.recv_timeout(PATIENCE).expect("forwarded");
    let tries: Vec<Got> = (0..4).map(|_| wait(&got_first)).collect();
    for one in &tries {
        assert_eq!(one.signature, signed(SECRET, &one.body));
    }
    assert!(tries[0].body == tries[1].body && tries[1].body == tries[2].body, "tried again");
    assert!(text(&tries[2].body).contains(r"a\u00e7\u00e3o"), "as it was signed");
    assert!(text(&tries[3].body).contains("131047"), "what is not wanted is passed over");
    let pair = [wait(&got_second), wait(&got_second)];
    assert_eq!((&pair[0].body, &pair[1].body), (&tries[0].body, &tries[3].body));
    listening.line(&["#1 > ", &first, "503 in ", "again in "]);
    listening.line(&["#3 > ", &first, "200 in "]);
    drop(listening);

    let (third, got_third) = program(0);
    let anew = ["--forward-to", &third, "--forward-secret", "file:program-secret"];
    let listening = Listening::start(&home, &anew);
    home.json(&["trigger", "account-alert", "--to", &listening.url, "--json"]);
    let one = wait(&got_third);
    assert_eq!(one.signature, signed(OTHER, &one.body));
    assert!(text(&one.body).contains("account_alerts"), "only what came since it began");
}

/// An event that was answered 500 to the last was given up without a word.
#[test]
fn what_a_program_does_not_take_is_said_with_what_posts_it_again() {
    let home = Home::new();
    let (url, got) = program(5);
    let mut listening = Listening::start(&home, &["--forward-to", &url]);
    for kind in ["text", "image", "sticker"] {
        home.json(&["trigger", kind, "--to", &listening.url, "--json"]);
    }
    let again = format!("twoticks events replay 1 --to {url}");
    let given_up = listening.line(&["#1 > ", "given up"]);
    let words = format!("; given up after 4 tries; again by: {again}");
    assert!(given_up.contains("503 in ") && given_up.ends_with(&words), "{given_up}");
    listening.line(&["#3 > ", "200 in "]);
    assert_eq!(got.iter().take(7).count(), 7, "four, two and one");
    crate::terminal::signal_to(listening.child.id(), rustix::process::Signal::TERM);
    listening.child.wait().expect("it ends");
    let said: Vec<String> = listening.talk.iter().collect();
    let end = format!("1 event was not taken by {url}; to post again: {again}");
    assert!(said.contains(&end), "{said:#?}");
    let reposted = home.run(&["events", "replay", "1", "--to", &url]);
    assert_eq!(reposted.status.code(), Some(0), "{reposted:?}");
}

#[test]
fn what_cannot_be_passed_on_is_refused_before_it_listens() {
    let home = Home::new();
    for (args, said) in [
        (&["--forward-to", "http://example.com/hook"][..], "must be https"),
        (&["--forward-only", "messages"], "--forward-to"),
        (
            &["--forward-to", "http://127.0.0.1:1/", "--forward-secret", "hunter2"],
            "does not belong",
        ),
        (&["--forward-to", "http://127.0.0.1:1/", "--forward-only", ","], "empty part"),
    ] {
        let output = home.run(&[&["listen"], args].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
        assert!(text(&output.stderr).contains(said), "{args:?}: {output:?}");
    }
}
