//! Marked secrets, texts and numbers go through every path, those that fail as well, with the log at its most
//! talkative. Afterwards everything that was written anywhere is searched for them.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;
use twoticks::api::{Client, Settings};
use twoticks::clock::SystemClock;
use twoticks::config;
use twoticks::sim::{Fault, Sim, SimConfig, Strangers, World, WorldConfig, escaped};

use rustix::process::Signal;

use crate::panic::goes_down_with;
use crate::target::{Target, post, sign_with, write_private};
use crate::terminal::Terminal;

const TOKEN: &str = "EAAmarkedTOKENmarkedTOKENmarkedTOKENmarked";
const APP_SECRET: &str = "markedAPPSECRET0123456789abcdef";
const VERIFY_TOKEN: &str = "markedVERIFYTOKEN";
const FORWARD_SECRET: &str = "markedFORWARDSECRET";
/// What people write, both ways.
const WORDS: &str = "markedWORDS";
/// Somebody who writes, and somebody who is written to.
const NUMBERS: [&str; 2] = ["15551239871", "15551239872"];

const PATIENCE: Duration = Duration::from_secs(60);

/// All files below, with what is in them. A socket holds nothing.
fn files(dir: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(dir).expect("directory") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.is_file() {
            let bytes = std::fs::read(&path).expect("file");
            found.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

/// What a command wrote.
struct Said {
    what: String,
    code: Option<i32>,
    out: String,
    err: String,
}

fn said(what: &str, output: &Output) -> Said {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    Said { what: what.to_owned(), code: output.status.code(), out, err }
}

fn twoticks(home: &Path, config: &Path, args: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twoticks"));
    command.arg("--config").arg(config).args(["--log-level", "trace"]).args(args);
    command.env_clear().env("HOME", home).stdin(Stdio::null());
    said(&args.join(" "), &command.output().expect("twoticks"))
}

fn config_text(base_url: &str, world: &WorldConfig) -> String {
    format!(
        "data_dir = \"data\"\nbase_url = \"{base_url}\"\n[log]\nlevel = \"trace\"\n\
         [listener]\nport = 0\n[[account]]\nname = \"shop\"\nphone_number_id = \"{}\"\n\
         waba_id = \"{}\"\nnumber = \"{}\"\ntoken = \"{TOKEN}\"\napp_secret = \"{APP_SECRET}\"\n\
         verify_token = \"{VERIFY_TOKEN}\"\n",
        world.phone_number_id, world.waba_id, world.display_number
    )
}

/// Everything that reaches the listener's port, good and bad.
fn knock(target: &Target) {
    let get = |query: &str| {
        format!("GET /webhook?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    };
    for token in [VERIFY_TOKEN, "wrong", &format!("{VERIFY_TOKEN}x")] {
        let query = format!("hub.mode=subscribe&hub.challenge=77&hub.verify_token={token}");
        target.raw(get(&query).as_bytes());
    }
    let text = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [{
        "field": "messages", "value": { "metadata": { "phone_number_id": "999" },
        "messages": [{ "from": NUMBERS[0], "id": "wamid.x", "timestamp": "1", "type": "text",
                       "text": { "body": WORDS } }] } }] }] });
    let unknown_number = escaped(&text);
    let broken = format!("{{\"from\":\"{}\",\"text\":\"{WORDS}", NUMBERS[0]);
    for body in [unknown_number.as_slice(), broken.as_bytes()] {
        assert_eq!(target.post(body, APP_SECRET), 200);
        assert_eq!(target.post(body, "wrong"), 401);
        let mut cut = post(body, &sign_with(APP_SECRET, body));
        cut.truncate(cut.len() - 3);
        target.connect().set_nodelay(true).expect("socket");
        std::io::Write::write_all(&mut target.connect(), &cut).expect("socket");
    }
}

/// Sends that pass and sends that fail in every way, and questions with and without an answer.
fn send_and_ask(sim: &Sim, to: &str, run: impl Fn(&[&str]) -> Said) -> Vec<Said> {
    let mut all = vec![run(&["send", to, WORDS, "--wait", "sent", "--json"])];
    let quoted =
        format!("{{\"error\":{{\"code\":131026,\"message\":\"No {WORDS} {TOKEN} {to}\"}}}}");
    let answer = |status: u16| Fault::Answer { status, body: quoted.clone(), accepted: false };
    for fault in [Fault::Refuse(131_026), answer(400), Fault::LoseAnswer, Fault::CutAnswer] {
        sim.with_world(|world| world.fail_next(&fault, 1));
        all.push(run(&["send", to, WORDS, "--timeout", "5s", "--json"]));
        sim.with_world(|world| world.fail_next(&fault, 1));
        all.push(run(&["send", to, WORDS, "--timeout", "5s"]));
    }
    assert!(sim.wait_until(PATIENCE, World::is_idle));
    for args in [
        &["chats", "list", "--json"][..],
        &["chats", "show", to, "--json"],
        &["chats", "show", "+10000000000", "--json"],
        &["db", "check"],
        &["send", "no number", WORDS, "--json"],
        &["--account", "other", "send", to, WORDS],
    ] {
        all.push(run(args));
    }
    all
}

/// Every other command, those that ask Meta as well; none ends as wrong usage.
fn everything_else(home: &Path, to: &str, hook: &str, run: impl Fn(&[&str]) -> Said) -> Vec<Said> {
    let file = |name: &str, text: &str| {
        let path = home.join(name);
        write_private(&path, text);
        path.to_str().expect("path").to_owned()
    };
    let photo = file("photo.txt", WORDS);
    let resign = format!("file:{}", file("resign", FORWARD_SECRET));
    let (token, secret) = (file("token", TOKEN), file("secret", APP_SECRET));
    let (token, secret) = (format!("file:{token}"), format!("file:{secret}"));
    let people = file("people.csv", &format!("phone,name\n{to},{WORDS}\n"));
    let verify = format!("file:{}", file("verify", VERIFY_TOKEN));
    let mut all = Vec::new();
    for args in [
        &["doctor"][..],
        &["doctor", "--json"],
        &["webhook", "show", "--json"],
        &["webhook", "set", "--yes", "--url", "https://example.org/webhook"],
        &["webhook", "put-back"],
        &["accounts", "fetch"],
        &["accounts", "list", "--json"],
        &["accounts", "show", "--history", "--json"],
        &["accounts", "profile", "--json"],
        &["accounts", "edit", "--about", WORDS],
        &["trigger", "text", "--from", to, "--body", WORDS, "--to", hook],
        &["trigger", "image", "--from", to, "--to", hook],
        &["events", "list", "--json"],
        &["events", "show", "1"],
        &["events", "show", "2", "--json"],
        &["events", "replay", "1", "2"],
        &["events", "replay", "2", "--to", hook, "--secret", &resign],
        &["templates", "sync"],
        &["templates", "list", "--json"],
        &["templates", "send", "hello_world", "--csv", &people, "--dry-run"],
        &["campaigns", "list", "--json"],
        &["send", to, "--media", &photo, "--caption", WORDS, "--json"],
        &["outbox", "list", "--json"],
        &["outbox", "status", "--json"],
        &["outbox", "retry", "--all-failed"],
        &["search", WORDS, "--json"],
        &["stats", "--json"],
        &["chats", "export", "--all", "--format", "csv"],
        &["chats", "export", "--all", "--format", "html"],
        &["keys", "--json"],
        &["db", "path"],
    ] {
        let said = run(args);
        assert!(matches!(said.code, Some(0 | 1 | 3 | 4)), "{args:?}: {}\n{}", said.out, said.err);
        all.push(said);
    }
    let new = home.join("new.toml");
    write_private(&new, "");
    all.push(twoticks(
        home,
        &new,
        &[
            "init",
            "--no-questions",
            "--no-check",
            "--name",
            "second",
            "--token",
            &token,
            "--app-secret",
            &secret,
            "--verify-token",
            &verify,
            "--phone-number-id",
            "42",
            "--waba-id",
            "43",
            "--app-id",
            "44",
        ],
    ));
    let said = all.last().expect("init");
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    all
}

/// What a line says without what numbers are written with, so that no way to spell one hides it.
fn bare(line: &str) -> String {
    line.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.' | '\u{a0}')).collect()
}

/// The inbox at the three sizes, with all that has to do with what failed.
fn screens(home: &Path, config: &Path) -> Said {
    let args = ["--config", config.to_str().expect("path"), "--log-level", "trace"];
    let mut terminal = Terminal::start(home, &args, &[]);
    terminal.until_text(" All ");
    let mut out = String::new();
    for (cols, rows) in [(80, 24), (120, 36), (200, 50)] {
        terminal.resize(cols, rows);
        for keys in [
            "1", "l", "o", "\x1b", "x", "\x1b", "3", "x", "\x1b", "?", "\x1b", "2", "\r", "\x1b",
            "4", "\r", "\x1b", "5", "1", "A", "\t", "\x1b", "D", "\x1b", "T", "\x1b",
        ] {
            terminal.send(keys);
            out.push_str(&String::from_utf8_lossy(&terminal.bytes()));
            out.push_str(&terminal.screen());
        }
    }
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.end(), 130);
    out.push_str(&String::from_utf8_lossy(&terminal.bytes()));
    Said { what: "the screen".to_owned(), code: None, out, err: String::new() }
}

/// A panic of whoever holds all secrets and says what it holds.
fn panicking(home: &Path, config: &Path) -> Said {
    let log = home.join("data/log");
    let terminal = goes_down_with("telling", &log, config.to_str().expect("path"));
    assert_eq!(terminal.end(), 101);
    let out = String::from_utf8_lossy(&terminal.bytes()).into_owned();
    assert!(out.contains("all it holds"), "{out}");
    Said { what: "a panic".to_owned(), code: None, out, err: String::new() }
}

#[test]
fn no_secret_no_text_and_no_full_number_is_where_it_does_not_belong() {
    let world = WorldConfig {
        token: TOKEN.to_owned(),
        app_secret: APP_SECRET.to_owned(),
        verify_token: VERIFY_TOKEN.to_owned(),
        strangers: Strangers::WindowOpen,
        ..WorldConfig::default()
    };
    let clock = Arc::new(SystemClock::new());
    let sim = Sim::start(SimConfig::default(), World::new(3, world.clone()), clock).expect("sim");
    let text = config_text(&sim.base_url(), &world);
    let target = Target::signing(APP_SECRET, &text);
    sim.set_webhook(&format!("http://{}/webhook", target.address)).expect("webhook");
    assert_eq!(sim.verify_webhook(), Ok(()));
    knock(&target);
    sim.say(&format!("+{}", NUMBERS[0]), WORDS).expect("said");

    let to = format!("+{}", NUMBERS[1]);
    let config = target.home().join("c.toml");
    let run = |args: &[&str]| twoticks(target.home(), &config, args);
    let mut all = send_and_ask(&sim, &to, run);
    let hook = format!("http://{}/webhook", target.address);
    all.extend(everything_else(target.home(), &to, &hook, run));
    sim.with_world(|world| world.expire_token(true));
    all.push(run(&["send", &to, WORDS, "--timeout", "5s", "--json"]));
    // A config with everything wrong, and an address where nobody is.
    let other = target.home().join("other.toml");
    write_private(&other, &config_text("http://127.0.0.1:9", &world).replace("data\"", "data2\""));
    all.push(twoticks(target.home(), &other, &["send", &to, WORDS, "--timeout", "5s", "--json"]));
    let wrong = target.home().join("wrong.toml");
    write_private(&wrong, &text.replace("[listener]", "nonsense = 1\n[listener]\nprot = 1"));
    all.push(twoticks(target.home(), &wrong, &["db", "path"]));
    all.push(Said {
        what: "listen".to_owned(),
        code: None,
        out: String::from_utf8_lossy(&target.printed()).into_owned(),
        err: String::new(),
    });
    all.push(screens(target.home(), &config));
    all.push(panicking(target.home(), &config));
    let loaded = config::load(&config, true, &std::collections::BTreeMap::new()).expect("config");
    let settings = Settings::new(SecretString::from(TOKEN));
    let client = Client::new(settings.clone()).expect("client");
    all.push(Said {
        what: "Debug".to_owned(),
        code: None,
        out: format!("{loaded:?} {settings:?} {client:?}"),
        err: String::new(),
    });
    let home = target.home().to_owned();
    let mut logs = Vec::new();
    files(&home.join("data/log"), &mut logs);
    files(&home.join("data2/log"), &mut logs);
    assert!(logs.iter().map(|(_, text)| text.lines().count()).sum::<usize>() > 50, "no log");
    let mut stored = Vec::new();
    files(&home.join("data"), &mut stored);

    for secret in [TOKEN, APP_SECRET, VERIFY_TOKEN, FORWARD_SECRET] {
        for Said { what, out, err, .. } in &all {
            assert!(
                !out.contains(secret) && !err.contains(secret),
                "{secret} in {what}:\n{out}{err}"
            );
        }
        for (path, text) in &stored {
            assert!(!text.contains(secret), "{secret} in {path}");
        }
    }
    for private in [WORDS, NUMBERS[0], NUMBERS[1]] {
        for (path, text) in &logs {
            let told = |line: &&str| line.contains(private) || bare(line).contains(private);
            let line = text.lines().find(told);
            assert_eq!(line, None, "{private} in {path}");
        }
    }
    // The search itself finds what is there, however it is spelled.
    assert!(bare("to +1 (555) 123-9871.").contains(NUMBERS[0]));
    assert!(all.iter().any(|said| said.out.contains(WORDS)), "people see their texts");
    assert!(stored.iter().any(|(_, text)| text.contains(WORDS)), "the store has them");
    drop(target);
}
