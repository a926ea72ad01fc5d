//! Setting up on a clean machine, as a person does it: questions on a terminal, against the simulator.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use serde_json::Value;
use twoticks::clock::SystemClock;
use twoticks::domain::time::Clock as _;

use crate::cli::{Running, twoticks};
use crate::terminal::Terminal;

/// From nothing to the first message.
const WITHIN: Duration = Duration::from_secs(120);

const NUMBER: &str = "106540352242922";

fn run(home: &Path, args: &[&str]) -> Output {
    twoticks(home, args).output().unwrap()
}

#[track_caller]
fn said(output: &Output, code: i32) -> String {
    let all = [output.stdout.as_slice(), &output.stderr].concat();
    let all = String::from_utf8(all).unwrap();
    assert_eq!(output.status.code(), Some(code), "{all}");
    all
}

fn file(home: &Path, name: &str) -> String {
    std::fs::read_to_string(home.join(".config/twoticks").join(name)).unwrap()
}

#[test]
fn from_nothing_to_the_first_message_in_two_minutes() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let clock = SystemClock::new();
    let begun = clock.monotonic();
    let sim = Running::start(home, &["sim", "--webhook", "http://127.0.0.1:8787/webhook"]);
    let mut init = Terminal::start(home, &["init", "--base-url", sim.first_line()], &[]);
    init.resize(120, 30);
    init.until_text("The access token.");
    init.send("a wrong one\r");
    init.until_text("the token is not taken");
    init.send("simulator-token\r");
    init.until_text("token: valid");
    init.until_text("number: 106540352242922");
    init.until_text("The app secret.");
    init.send("mistyped\x15simulator-app-secret\r");
    init.until_text("it is the app's");
    init.until_text("What you call it [loja-sol]");
    init.send("\r");
    init.until_text("written: ");
    assert_eq!(init.end(), 0);
    let shown = String::from_utf8_lossy(&init.bytes()).into_owned();
    assert!(!shown.contains("simulator-"), "no secret is shown: {shown}");

    let config = file(home, "config.toml");
    let wanted = ["[[account]]", "name = \"loja-sol\"", NUMBER, "token = \"file:loja-sol.token\""];
    assert!(
        wanted.iter().all(|words| config.contains(words)) && !config.contains("simulator-"),
        "{config}"
    );
    assert_eq!(file(home, "loja-sol.token"), "simulator-token");
    assert_eq!(file(home, "loja-sol.verify-token").len(), 32);
    let mode = std::fs::metadata(home.join(".config/twoticks/loja-sol.token")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);

    let report = said(&run(home, &["doctor", "--json"]), 0);
    let findings: Vec<Value> =
        report.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(findings.iter().all(|finding| finding["verdict"] != "wrong"), "{report}");
    said(&run(home, &["send", "+15551230001", "the first message"]), 0);
    assert!(clock.monotonic().since(begun) <= WITHIN);
}

#[test]
fn without_questions_it_says_which_flag_is_missing_and_changes_what_is_there() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let sim = Running::start(home, &["sim"]);
    let url = sim.first_line().to_owned();
    let missing = said(&run(home, &["init", "--base-url", &url]), 2);
    assert!(missing.contains("--token is missing"), "{missing}");
    let in_history = said(&run(home, &["init", "--token", "EAAG"]), 2);
    assert!(in_history.contains("must be env:NAME"), "{in_history}");
    let secrets = home.join("secrets");
    std::fs::write(&secrets, "simulator-token\n").unwrap();
    std::fs::set_permissions(&secrets, std::fs::Permissions::from_mode(0o600)).unwrap();
    let token = format!("file:{}", secrets.display());
    let init = |more: &[&str]| {
        let mut line = vec!["init", "--base-url", url.as_str(), "--token", token.as_str()];
        line.extend(more);
        run(home, &line)
    };
    let wrong = said(&init(&["--app-secret", "command:echo another"]), 1);
    assert!(wrong.contains("not the secret of app") && !home.join(".config").exists(), "{wrong}");
    let elsewhere = said(&init(&["--app-secret", "command:echo x", "--phone-number-id", "9"]), 1);
    assert!(elsewhere.contains("not in this WABA") && elsewhere.contains(NUMBER), "{elsewhere}");

    let right = ["--app-secret", "command:echo simulator-app-secret", "--name", "shop"];
    said(&init(&right), 0);
    let path = home.join(".config/twoticks/config.toml");
    let mine = file(home, "config.toml") + "\n# mine\n[sender]\nrate = 7 # slow\n";
    std::fs::write(&path, &mine).unwrap();
    said(&init(&["--name", "renamed"]), 0);
    assert_eq!(file(home, "config.toml"), mine.replace("\"shop\"", "\"renamed\""));
}
