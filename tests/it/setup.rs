//! Setting up on a clean machine, as a person does it: questions on a terminal, against the simulator.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use twoticks::clock::SystemClock;
use twoticks::domain::time::Clock as _;

use crate::cli::{Running, twoticks};
use crate::terminal::Terminal;
use crate::tunnel::free_port;

/// From nothing to the first message.
const WITHIN: Duration = Duration::from_secs(120);

const NUMBER: &str = "106540352242922";

/// The keyring of the machine that the tests run on is no business of theirs.
const NO_TOOLS: &[(&str, &str)] = &[("PATH", "/nowhere")];

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
    // The port that a config has without a word may be taken by the inbox of whoever runs this.
    let port = free_port().to_string();
    let address = format!("http://127.0.0.1:{port}/webhook");
    let sim = Running::start(home, &["sim", "--webhook", &address]);
    let mut init = Terminal::start(home, &["init", "--base-url", sim.first_line()], NO_TOOLS);
    init.resize(120, 30);
    init.until_text("The access token.");
    init.send("a wrong one\r");
    init.until_text("the token is not taken");
    let asked = |screen: &vt100::Screen| screen.contents().matches("The access token.").count();
    init.until("the question again", |screen| asked(screen) == 2);
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
    let wanted =
        ["[[account]]", "name = \"loja-sol\"", NUMBER, "token = \"file:106540352242922.token\""];
    assert!(
        wanted.iter().all(|words| config.contains(words)) && !config.contains("simulator-"),
        "{config}"
    );
    assert_eq!(file(home, &format!("{NUMBER}.token")), "simulator-token");
    assert_eq!(file(home, &format!("{NUMBER}.verify-token")).len(), 32);
    let token = home.join(".config/twoticks").join(format!("{NUMBER}.token"));
    let mode = std::fs::metadata(token).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);

    let mut doctor = twoticks(home, &["doctor", "--json"]);
    let report = said(&doctor.env("TWOTICKS_LISTENER_PORT", port).output().unwrap(), 0);
    let findings: Vec<Value> =
        report.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(findings.iter().all(|finding| finding["verdict"] != "wrong"), "{report}");
    said(&run(home, &["send", "+15551230001", "the first message"]), 0);
    assert!(clock.monotonic().since(begun) <= WITHIN);
}

/// It was once shown: nothing but the question itself turned the echo off.
#[test]
fn a_secret_that_is_typed_while_another_is_checked_is_not_shown() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let sim = Running::start(home, &["sim"]);
    let mut init = Terminal::start(home, &["init", "--base-url", sim.first_line()], NO_TOOLS);
    init.resize(120, 30);
    init.until_text("The access token.");
    init.send("a wrong one\rsimulator-token\rsimulator-app-secret\r");
    init.until_text("What you call it [loja-sol]");
    init.send("seen\r");
    init.until_text("written: ");
    assert_eq!(init.end(), 0);
    let shown = String::from_utf8_lossy(&init.bytes()).into_owned();
    assert!(!shown.contains("simulator-"), "no secret is shown: {shown}");
    assert!(shown.contains("seen"), "a name is: {shown}");
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

/// A simulator, and the config that it wrote.
fn shop(home: &Path) -> (Running, String) {
    let config = home.join("c.toml").display().to_string();
    (Running::start(home, &["sim", "--write-config", &config]), config)
}

/// What bash itself offers after `chats show`, with what `completions` prints.
fn by_bash(home: &Path, config: &str) -> String {
    let script = "eval \"$(twoticks completions bash)\"\n\
        COMP_WORDS=(twoticks --config \"$1\" chats show ''); COMP_CWORD=5\n\
        _clap_complete_twoticks twoticks '' show; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let program = Path::new(env!("CARGO_BIN_EXE_twoticks")).parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::iter::once(program).chain(std::env::split_paths(&path));
    let mut command = Command::new("bash");
    command.args(["-c", script, "bash", config]).env_clear().env("HOME", home);
    command.env("PATH", std::env::join_paths(dirs).unwrap());
    said(&command.output().unwrap(), 0)
}

#[test]
fn the_shell_is_told_what_could_come_next_and_how_everything_is_called() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let (_sim, config) = shop(home);
    said(&run(home, &["--config", &config, "send", "+15551230001", "hi"]), 0);
    for shell in ["bash", "zsh", "fish"] {
        let script = said(&run(home, &["completions", shell]), 0);
        assert!(script.contains("twoticks") && script.contains("TWOTICKS_COMPLETE"), "{script}");
    }
    let next = |words: &[&str]| {
        let mut command = twoticks(home, &[&["--", "twoticks"], words].concat());
        command.env("TWOTICKS_COMPLETE", "fish").env("TWOTICKS_CONFIG", &config);
        said(&command.output().unwrap(), 0)
    };
    assert!(next(&["do"]).contains("doctor"));
    assert!(next(&["--account", ""]).contains("simulator"));
    assert!(next(&["chats", "show", ""]).contains("+15551230001"));
    said(&run(home, &["--config", &config, "templates", "sync"]), 0);
    for words in [&["send", "--template", "ped"][..], &["templates", "show", "ped"]] {
        assert!(next(words).contains("pedido_enviado"), "{words:?}: {}", next(words));
    }
    // The config that is typed goes before the one of the environment.
    let mut command = twoticks(home, &["--", "twoticks", "--config", &config, "chats", "show", ""]);
    command.env("TWOTICKS_COMPLETE", "fish");
    assert!(said(&command.output().unwrap(), 0).contains("+15551230001"));
    assert!(by_bash(home, &config).lines().any(|word| word == "+15551230001"));
    let page = said(&run(home, &["man"]), 0);
    assert!(!page.contains("(1)\n"), "there are no pages of its commands: {page}");
    assert!(page.contains(".TH twoticks") && page.contains("TWOTICKS CHATS EXPORT"), "{page}");
}

#[test]
fn what_was_written_is_found_and_exported() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let (_sim, config) = shop(home);
    let asked = |args: &[&str], code: i32| {
        let line = [&["--config", config.as_str()], args].concat();
        let output = run(home, &line);
        said(&output, code);
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    asked(&["send", "+15551230001", "=a café & <b>bread</b>"], 0);
    let hit: Value = serde_json::from_str(&asked(&["search", "cafe", "--json"], 0)).unwrap();
    assert!(hit["excerpt"].as_str().unwrap().contains("café") && hit["direction"] == "outbound");
    assert!(asked(&["search", "tea"], 3).contains("nothing has \"tea\""));
    let lines = asked(&["chats", "export", "--all"], 0);
    let row: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(row["text"], "=a café & <b>bread</b>");
    assert_eq!(row["contact"]["wa_id"], "15551230001");
    let table = asked(&["chats", "export", "+15551230001", "--format", "csv"], 0);
    assert!(table.starts_with("conversation,name,") && table.contains("'=a café"), "{table}");
    let page = asked(&["chats", "export", "1", "--format", "html"], 0);
    assert!(page.contains("&lt;b&gt;bread") && !page.contains("<b>bread"), "{page}");
    let text = asked(&["chats", "export", "1", "--format", "md"], 0);
    assert!(text.contains("\\=a café \\& \\<b\\>bread"), "{text}");
    assert!(asked(&["chats", "export", "+15559999999"], 3).contains("no conversation"));
    assert!(asked(&["chats", "export"], 2).contains("or --all"));
    assert!(asked(&["send", "+15551230001"], 2).contains("--template NAME"));
    assert!(asked(&["search", ""], 2).contains("nothing to look for"));
}

/// One mistake was told as two: what is left of a broken line, and the cause beside what it caused.
#[test]
fn a_config_that_cannot_be_read_is_one_finding() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let broken = home.join("broken.toml");
    std::fs::write(&broken, "a = [1\n").unwrap();
    let missing = home.join("missing.toml");
    for (file, words) in [(&broken, "unclosed array"), (&missing, "No such file")] {
        let output = run(home, &["--config", file.to_str().unwrap(), "doctor"]);
        let told = said(&output, 1);
        let wrong: Vec<&str> = told.lines().filter(|line| line.contains("WRONG")).collect();
        assert_eq!(wrong.len(), 1, "{told}");
        assert!(wrong[0].contains(words), "{told}");
    }
}

#[test]
fn an_address_that_meta_cannot_verify_is_told_apart_from_a_token_that_is_wrong() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let (_sim, config) = shop(home);
    let set = |url: &str, code: i32| {
        let line = ["--config", config.as_str(), "webhook", "set", "--yes", "--url", url];
        let output = run(home, &line);
        said(&output, code);
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(set("nonsense", 2).contains("--url \"nonsense\" is no address"));
    let nobody = format!("http://127.0.0.1:{}/webhook", free_port());
    let told = set(&nobody, 1);
    assert!(told.contains("(#2200)") && !told.contains("(code 2200)"), "{told}");
    assert!(told.contains("repeat a challenge"), "{told}");
}
