//! The command line as scripts meet it: exit codes, what goes to stdout and what to stderr.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::Signal;
use serde_json::Value;
use twoticks::clock::SystemClock;
use twoticks::domain::time::Clock as _;

use crate::terminal::{PATIENCE, signal_to};

/// The program with a home of its own.
pub(crate) fn twoticks(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twoticks"));
    command.args(args).env_clear().env("HOME", home).env("TZ", "UTC").stdin(Stdio::null());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

fn run(home: &Path, args: &[&str]) -> Output {
    twoticks(home, args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[track_caller]
fn assert_code(output: &Output, code: i32) {
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "stdout:\n{out}\nstderr:\n{err}");
}

/// A program that runs until it is dropped.
pub(crate) struct Running {
    child: Child,
    first_line: String,
}

impl Running {
    /// Starts it and waits for its first line on stdout.
    pub(crate) fn start(home: &Path, args: &[&str]) -> Self {
        let mut child = twoticks(home, args).stdout(Stdio::piped()).spawn().unwrap();
        let mut first_line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut first_line).unwrap();
        // Left open: the program must not find its reader gone.
        child.stdout = Some(out.into_inner());
        Self { child, first_line: first_line.trim_end().to_owned() }
    }

    /// Starts `listen` and waits until it hears.
    fn listening(home: &Path, config: &str) -> Self {
        let args = ["--config", config, "listen"];
        let mut child =
            twoticks(home, &args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut talk = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("listener: up") {
            line.clear();
            assert_ne!(talk.read_line(&mut line).unwrap(), 0, "it ended");
        }
        child.stderr = Some(talk.into_inner());
        Self { child, first_line: line.trim_end().to_owned() }
    }

    /// What it said first: the address of a simulator.
    pub(crate) fn first_line(&self) -> &str {
        &self.first_line
    }

    /// Asks it to end and returns the exit code.
    fn end(mut self, signal: Signal) -> Option<i32> {
        signal_to(self.child.id(), signal);
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The lines of stdout as JSON.
fn objects(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn help_lists_the_commands_there_are() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), &["--help"]);
    assert_code(&output, 0);
    let help = text(&output.stdout);
    let (_, after) = help.split_once("Commands:\n").unwrap();
    let (list, _) = after.split_once("\n\n").unwrap();
    let names: Vec<&str> = list
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(
        names,
        [
            "demo",
            "init",
            "doctor",
            "accounts",
            "webhook",
            "send",
            "listen",
            "trigger",
            "events",
            "outbox",
            "templates",
            "campaigns",
            "chats",
            "search",
            "sim",
            "stats",
            "keys",
            "db",
            "completions",
            "man"
        ]
    );
}

#[test]
fn the_version_is_data() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), &["--version"]);
    assert_code(&output, 0);
    assert_eq!(text(&output.stdout), format!("twoticks {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_is_2_and_says_so_on_stderr() {
    let home = tempfile::tempdir().unwrap();
    for args in [
        &["nonsense"][..],
        &["--log-level", "loud"],
        &["send"],
        &["send", "+15551230001", "hi", "--wait", "soon"],
        &["chats", "list", "--config", "missing.toml"],
        &["sim", "--webhook", "foo"],
        &["sim", "--webhook", "ftp://example.com/"],
    ] {
        let output = run(home.path(), args);
        assert_code(&output, 2);
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn all_mistakes_of_a_config_are_told_at_once() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("c.toml");
    std::fs::write(
        &file,
        "[listener]\nprot = 1\n[sender]\nrate = 0\n[keys]\nquitt = \"Q\"\nquit = \"j\"\n",
    )
    .unwrap();
    let output = run(home.path(), &["--config", file.to_str().unwrap(), "keys"]);
    assert_code(&output, 2);
    let talk = text(&output.stderr);
    assert!(talk.contains("line 2: no such key: listener.prot; did you mean \"port\"?"), "{talk}");
    assert!(talk.contains("line 4: sender.rate = 0"), "{talk}");
    assert!(talk.contains("line 6: [keys] quitt: no action has this name"), "{talk}");
    assert!(talk.contains("line 7: [keys]") && talk.contains("\"j\" is also"), "{talk}");
}

#[test]
fn without_an_account_sending_is_refused_with_the_way_out() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), &["send", "+15551230001", "hi"]);
    assert_code(&output, 2);
    assert!(text(&output.stderr).contains("hint: set one up: twoticks init"), "{output:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let home = tempfile::tempdir().unwrap();
    let mut child = twoticks(home.path(), &["keys"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[test]
fn keys_are_printed_for_people_and_programs() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), &["keys"]);
    assert_code(&output, 0);
    assert!(text(&output.stdout).contains("next-unread"));
    let output = run(home.path(), &["keys", "--json"]);
    assert!(objects(&output).iter().any(|row| row["action"] == "quit"));
}

#[test]
fn the_simulator_a_listener_and_a_message_that_is_read() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("c.toml");
    let config = config.to_str().unwrap();
    let sim = Running::start(home.path(), &["sim", "--write-config", config]);
    assert!(sim.first_line.starts_with("http://127.0.0.1:"), "{}", sim.first_line);

    // Alone, without a listener, a message is accepted.
    let send = ["--config", config, "send", "+15551230001", "hello", "--json"];
    let output = run(home.path(), &send);
    assert_code(&output, 0);
    let states: Vec<Value> = objects(&output).iter().map(|step| step["state"].clone()).collect();
    assert!(states.contains(&"queued".into()) && states.contains(&"accepted".into()), "{states:?}");

    let listen = Running::start(home.path(), &["--config", config, "listen", "--json"]);
    let output = run(
        home.path(),
        &["--config", config, "send", "+15551230001", "hi", "--wait", "read", "--json"],
    );
    assert_code(&output, 0);
    let steps = objects(&output);
    let states: Vec<&str> = steps.iter().filter_map(|step| step["state"].as_str()).collect();
    assert_eq!(states.first(), Some(&"queued"));
    assert_eq!(states.last(), Some(&"read"));
    assert!(states.contains(&"accepted"), "{states:?}");

    let output = run(home.path(), &["--config", config, "sim", "say", "+15551230001", "and you?"]);
    assert_code(&output, 0);
    let output = run(home.path(), &["--config", config, "chats", "list", "--json"]);
    assert_code(&output, 0);
    assert_eq!(objects(&output).len(), 1);
    let output = run(home.path(), &["--config", config, "chats", "show", "+15551230001", "--json"]);
    assert_code(&output, 0);
    assert!(objects(&output).iter().any(|message| message["text"] == "hi"));
    let output = run(home.path(), &["--config", config, "db", "check"]);
    assert_code(&output, 0);

    assert_eq!(listen.end(Signal::TERM), Some(130));
    assert_eq!(sim.end(Signal::INT), Some(130));
}

#[test]
fn a_message_whose_fate_is_unknown_is_4() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("c.toml");
    let config = config.to_str().unwrap();
    let _sim = Running::start(home.path(), &["sim", "--write-config", config]);
    let fail = run(home.path(), &["--config", config, "sim", "fail", "--lose", "answer"]);
    assert_code(&fail, 0);
    let output =
        run(home.path(), &["--config", config, "send", "+15551230001", "hi", "--timeout", "20s"]);
    assert_code(&output, 4);
    // And one that is refused for good is 1.
    let fail = run(home.path(), &["--config", config, "sim", "fail", "--code", "131026"]);
    assert_code(&fail, 0);
    let output = run(home.path(), &["--config", config, "send", "+15551230002", "hi"]);
    assert_code(&output, 1);
    assert!(text(&output.stderr).contains("131026"), "{output:?}");
}

#[test]
fn an_interrupted_send_waits_for_the_answer_and_leaves_nothing_uncertain() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("c.toml");
    let config = config.to_str().unwrap();
    let _sim = Running::start(home.path(), &["sim", "--write-config", config]);
    let clock = SystemClock::new();
    for (sent, signal) in [(1, Signal::INT), (2, Signal::TERM)] {
        let fail = run(home.path(), &["--config", config, "sim", "fail", "--delay", "3000"]);
        assert_code(&fail, 0);
        let child = twoticks(home.path(), &["--config", config, "send", "+15551230001", "hi"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Before the request has left, a signal puts the message back.
        let end = clock.monotonic() + PATIENCE;
        let asked = || {
            let log = run(home.path(), &["--config", config, "sim", "log", "--json"]);
            text(&log.stdout).matches("/messages\"").count()
        };
        while asked() < sent {
            assert!(clock.monotonic() < end, "nothing was asked");
        }
        signal_to(child.id(), signal);
        let output = child.wait_with_output().unwrap();
        assert_code(&output, 130);
        let said = text(&output.stderr);
        assert!(said.contains("interrupted; message") && said.contains("is accepted"), "{said}");
    }
}

#[test]
fn ids_that_are_printed_are_taken_by_every_command() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("c.toml");
    let config = config.to_str().unwrap();
    let _sim = Running::start(home.path(), &["sim", "--write-config", config]);
    let command = |args: &[&str]| run(home.path(), &[&["--config", config][..], args].concat());
    for to in ["+15551230001", "US.13491208655302741918"] {
        assert_code(&command(&["send", to, "hi", "--at", "+1h"]), 0);
    }
    let listed = objects(&command(&["chats", "list", "--json"]));
    assert_eq!(listed.len(), 2);
    for row in &listed {
        let number = row["wa_id"].as_str().map(|number| format!("+{number}"));
        let user = row["user_id"].as_str().map(str::to_owned);
        let ids = [Some(row["conversation"].to_string()), number, user];
        assert!(ids.iter().flatten().count() >= 2, "{row}");
        for id in ids.iter().flatten() {
            let shown = command(&["chats", "show", id, "--json"]);
            assert_code(&shown, 0);
            assert!(
                objects(&shown)
                    .iter()
                    .all(|message| message["conversation"] == row["conversation"])
            );
            assert_code(&command(&["chats", "export", id]), 0);
            assert_code(&command(&["chats", "opt-out", id]), 0);
            assert_code(&command(&["send", id, "again", "--at", "+1h"]), 0);
        }
    }
    // One that is well written and not there is the same to all of them.
    for args in [
        &["chats", "show", "999"][..],
        &["chats", "show", "US.999"],
        &["chats", "opt-in", "+15551239999"],
        &["send", "999", "hi"],
    ] {
        assert_code(&command(args), 3);
    }
}

#[test]
fn a_text_is_read_from_stdin_and_an_empty_one_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("c.toml");
    let config = config.to_str().unwrap();
    let _sim = Running::start(home.path(), &["sim", "--write-config", config]);
    let send = |said: &str| {
        let args = ["--config", config, "send", "+15551230001", "-", "--at", "+1h"];
        let mut command = twoticks(home.path(), &args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(said.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    assert_code(&send(" \n"), 2);
    assert_code(&send("two\nlines\n"), 0);
    let shown = run(home.path(), &["--config", config, "chats", "show", "1", "--json"]);
    let texts: Vec<Value> = objects(&shown).iter().map(|row| row["text"].clone()).collect();
    assert_eq!(texts, ["two\nlines"]);
}

#[test]
fn the_readme_lists_every_command_as_its_help_does() {
    let home = tempfile::tempdir().unwrap();
    let help = text(&run(home.path(), &["--help"]).stdout);
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let (list, _) = list.split_once("\n\n").unwrap();
    let words = |list: &str| list.split_whitespace().collect::<Vec<_>>().join(" ");
    let readme = include_str!("../../README.md");
    let (_, told) = readme.split_once("## Commands\n\n```\n").unwrap();
    let (told, _) = told.split_once("\n```").unwrap();
    assert_eq!(words(told), words(list));
}

#[test]
fn a_template_of_the_simulator_is_paused_from_the_shell() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("c.toml");
    let config = config.to_str().unwrap();
    let _sim = Running::start(home.path(), &["sim", "--write-config", config]);
    let template = |args: &[&str]| {
        run(home.path(), &[&["--config", config, "sim", "template"], args].concat())
    };
    assert_code(&template(&["boas_vindas", "quality", "RED", "--lang", "pt_BR"]), 0);
    assert_code(&template(&["boas_vindas", "pause"]), 0);
    let unknown = template(&["no_such", "pause"]);
    assert_code(&unknown, 1);
    assert!(text(&unknown.stderr).contains("'no_such'"), "{unknown:?}");
    assert_code(&template(&["boas_vindas", "quality"]), 1);
}

#[test]
fn a_running_simulator_is_driven_and_watched_from_the_shell() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("c.toml");
    let config = config.to_str().unwrap();
    let _sim = Running::start(home.path(), &["sim", "--write-config", config]);
    let sim = |args: &[&str]| run(home.path(), &[&["--config", config, "sim"], args].concat());
    let said = sim(&["say", "Kim", "hello", "--kind", "image"]);
    assert!(text(&said.stdout).starts_with("wamid."), "{said:?}");
    let early = sim(&["react", "+15551230001", "👍"]);
    assert_code(&early, 1);
    assert!(text(&early.stderr).contains("nothing was sent"), "{early:?}");
    assert_code(&run(home.path(), &["--config", config, "send", "+15551230001", "hi"]), 0);
    for args in [
        &["react", "+15551230001", "👍"][..],
        &["read", "+15551230001"],
        &["opt-out", "+15551230001"],
        &["number", "--quality", "RED"],
        &["fail", "--code", "4", "--on", "message_templates"],
        &["advance", "25h"],
    ] {
        assert_code(&sim(args), 0);
    }
    assert_code(&sim(&["say", "+15551230001", "hi", "--of", "nobody"]), 1);
    let log = objects(&sim(&["log", "--json"]));
    let send = log.iter().find(|entry| entry["target"].as_str().unwrap().ends_with("/messages"));
    let send = send.unwrap();
    assert_eq!(send["request"]["text"]["body"], "hi");
    assert_eq!(send["status"], 200);
    let lines = text(&sim(&["log"]).stdout);
    assert!(lines.lines().any(|line| line.ends_with("/messages 200")), "{lines}");
    assert!(!lines.contains("simulator-token"), "{lines}");
}

#[test]
fn a_scenario_sets_up_several_accounts_and_their_config() {
    let home = tempfile::tempdir().unwrap();
    let (config, scenario) = (home.path().join("c.toml"), home.path().join("s.toml"));
    let steps = "[[account]]\nname = \"Loja Sol\"\n[[account]]\nname = \"Loja Lua\"\n\
        [[person]]\nname = \"Kim\"\nusername = \"kim.moves\"\n\
        [[step]]\nat = 0\naccount = \"Loja Lua\"\nsay = { from = \"Kim\", text = \"hi\" }\n";
    std::fs::write(&scenario, steps).unwrap();
    let (config, scenario) = (config.to_str().unwrap(), scenario.to_str().unwrap());
    let args = ["sim", "--write-config", config, "--scenario", scenario];
    let _sim = Running::start(home.path(), &args);
    let written = std::fs::read_to_string(config).unwrap();
    assert_eq!(written.matches("[[account]]").count(), 2, "{written}");
    let sent = run(
        home.path(),
        &["--config", config, "--account", "Loja Lua", "send", "+15551230001", "hi"],
    );
    assert_code(&sent, 0);
    let said =
        run(home.path(), &["--config", config, "sim", "say", "Kim", "hi", "--of", "Loja Lua"]);
    assert_code(&said, 0);
}

#[test]
fn the_keys_stand_in_columns_however_many_an_action_has() {
    let home = tempfile::tempdir().unwrap();
    let table = text(&run(home.path(), &["keys"]).stdout);
    let rows = objects(&run(home.path(), &["keys", "--json"]));
    let lines: Vec<&str> = table.lines().filter(|line| line.starts_with("  ")).collect();
    assert_eq!(lines.len(), rows.len());
    let mut columns = std::collections::BTreeSet::new();
    for (line, row) in lines.iter().zip(&rows) {
        let (keys, name, doc) = (&row["keys"], &row["action"], &row["doc"]);
        assert!(line.starts_with(&format!("  {} ", keys.as_str().unwrap())), "{line}");
        let name = line.find(&format!("  {} ", name.as_str().unwrap())).unwrap();
        columns.insert((name, line.len() - doc.as_str().unwrap().len()));
    }
    assert_eq!(columns.len(), 1, "{table}");
}

#[test]
fn a_refused_reply_leaves_no_empty_conversation_behind() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("c.toml");
    let config = config.to_str().unwrap();
    let _sim = Running::start(home.path(), &["sim", "--write-config", config]);
    assert_code(&run(home.path(), &["--config", config, "send", "+15551230001", "hi"]), 0);
    for to in ["+15551230002", "US.13491208655302741918"] {
        // Of another conversation, and not there.
        for (id, code) in [("1", 2), ("77", 3), ("wamid.unknown", 3)] {
            let send = ["--config", config, "send", to, "me too", "--reply-to", id];
            let output = run(home.path(), &send);
            assert_code(&output, code);
            assert!(text(&output.stderr).contains("hint: "), "{output:?}");
        }
    }
    let listed = run(home.path(), &["--config", config, "chats", "list", "--json"]);
    assert_eq!(objects(&listed).len(), 1);
    // Where the message is, a reply goes.
    let send = ["--config", config, "send", "+15551230001", "me too", "--reply-to", "1"];
    assert_code(&run(home.path(), &send), 0);
}

#[test]
fn what_is_heard_names_who_wrote_and_what_it_changed() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("c.toml");
    let config = config.to_str().unwrap();
    let _sim = Running::start(home.path(), &["sim", "--write-config", config]);
    let say = ["--config", config, "sim", "say", "+15551230001", "and\u{1b}[2J you?"];
    assert_code(&run(home.path(), &say), 0);
    let mut listen = Running::start(home.path(), &["--config", config, "listen"]);
    let said = listen.first_line.as_str();
    assert!(
        said.contains(" message from Visitor 0001 (+15551230001): and\u{fffd}[2J you?"),
        "{said}"
    );
    assert!(said.ends_with("  (message 1)"), "{said}");
    assert_code(&run(home.path(), &["--config", config, "send", "1", "hi"]), 0);
    let mut out = BufReader::new(listen.child.stdout.take().unwrap());
    let mut steps = Vec::new();
    while !steps.last().is_some_and(|step: &String| step.contains("> read")) {
        let mut line = String::new();
        assert_ne!(out.read_line(&mut line).unwrap(), 0, "{steps:?}");
        steps.push(line);
    }
    assert_eq!(steps.len(), 3, "{steps:?}");
    for step in steps {
        assert!(step.contains(" status for Visitor 0001 (+15551230001): "), "{step}");
    }
}

#[test]
fn a_database_that_is_not_there_yet_is_said_once_with_what_makes_it() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), &["chats", "list"]);
    assert_code(&output, 1);
    let said = text(&output.stderr);
    assert_eq!(said.matches("no database").count(), 1, "{said}");
    assert!(said.contains("hint: the inbox, listen and send make it"), "{said}");
}

#[test]
fn the_path_of_the_database_is_good_from_any_directory() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("c.toml"), "data_dir = \"data\"\n").unwrap();
    let mut command = twoticks(home.path(), &["--config", "c.toml", "db", "path"]);
    let output = command.current_dir(home.path()).output().unwrap();
    assert_code(&output, 0);
    let path = home.path().canonicalize().unwrap().join("data/twoticks.db");
    assert_eq!(text(&output.stdout).trim_end(), path.to_str().unwrap());
}

#[test]
fn a_scenario_file_drives_the_simulator() {
    let home = tempfile::tempdir().unwrap();
    let (config, file) = (home.path().join("c.toml"), home.path().join("s.toml"));
    let (config, scenario) = (config.to_str().unwrap(), file.to_str().unwrap());
    let start = ["sim", "--write-config", config, "--scenario", scenario];
    for (steps, words) in [
        ("[[step]]\nat = 0\nfail = { lose = \"all\" }\n", "step 1: lose = \"all\""),
        ("[[step]]\nat = 0\nsay = { from = \"Ana\", text = \"hi\" }\n", "step 1: there is nobody"),
        ("[[steps]]\n", "unknown field `steps`"),
    ] {
        std::fs::write(&file, steps).unwrap();
        let output = run(home.path(), &start);
        assert_code(&output, 2);
        let told = text(&output.stderr);
        assert!(told.contains("s.toml") && told.contains(words), "{told}");
    }
    let steps = "[[step]]\nat = 0\nfail = { status = 503, accepted = true }\n\
                 [[step]]\nat = 0\nsay = { from = \"+15551230003\", text = \"hello\" }\n";
    std::fs::write(&file, steps).unwrap();
    let _sim = Running::start(home.path(), &start);
    let _listen = Running::start(home.path(), &["--config", config, "listen", "--json"]);
    // The answer says nothing; the status that names the request proves it.
    let send = ["--config", config, "send", "+15551230001", "hi", "--wait", "sent", "--json"];
    let output = run(home.path(), &send);
    assert_code(&output, 0);
    let fail = ["--config", config, "sim", "fail", "--failed", "131049"];
    assert_code(&run(home.path(), &fail), 0);
    let send = ["--config", config, "send", "+15551230002", "hi", "--wait", "sent"];
    let output = run(home.path(), &send);
    assert_code(&output, 1);
    let wrong = run(home.path(), &["--config", config, "sim", "fail", "--duplicates", "200"]);
    assert_code(&wrong, 1);
    assert!(text(&wrong.stderr).contains("0 to 100 per cent"), "{wrong:?}");
}

/// It said that webhooks go nowhere. And `timeout` signals a process twice at once, which ended it before the
/// state was written.
#[test]
fn a_world_that_is_kept_knows_where_its_webhooks_go() {
    let home = tempfile::tempdir().unwrap();
    let url = "http://127.0.0.1:9/webhook";
    let start = |args: &[&str]| {
        let args = [&["sim", "--state", "world.json"], args].concat();
        let mut command = twoticks(home.path(), &args);
        command.current_dir(home.path());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut talk = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = talk.next().unwrap().unwrap();
        signal_to(child.id(), Signal::TERM);
        signal_to(child.id(), Signal::TERM);
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert_eq!(talk.next().unwrap().unwrap(), "error: ended by a signal");
        first
    };
    let goes_there = format!("webhooks go to: {url}");
    assert_eq!(start(&["--webhook", url]), goes_there);
    assert_eq!(start(&[]), goes_there);
}

#[test]
fn a_backup_is_a_whole_database_and_overwrites_nothing() {
    let home = tempfile::tempdir().unwrap();
    let (config, copy) = (home.path().join("c.toml"), home.path().join("copy.db"));
    let (config, copy) = (config.to_str().unwrap(), copy.to_str().unwrap());
    let _sim = Running::start(home.path(), &["sim", "--write-config", config]);
    let send = ["--config", config, "send", "+15551230001", "kept", "--wait", "accepted"];
    assert_code(&run(home.path(), &send), 0);
    // The listener holds the database open, and writes the statuses of that message.
    let _listen = Running::start(home.path(), &["--config", config, "listen", "--json"]);
    let backup = ["--config", config, "db", "backup", copy];
    let output = run(home.path(), &backup);
    assert_code(&output, 0);
    assert_eq!(text(&output.stdout).trim_end(), copy);
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(copy).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let before = std::fs::read(copy).unwrap();
    let output = run(home.path(), &backup);
    assert_code(&output, 1);
    assert!(text(&output.stderr).contains("is already there"), "{output:?}");
    assert_eq!(std::fs::read(copy).unwrap(), before, "untouched");
    let nowhere = home.path().join("no/such/place.db");
    let output = run(home.path(), &["--config", config, "db", "backup", nowhere.to_str().unwrap()]);
    assert_code(&output, 1);
    assert!(text(&output.stderr).contains("no/such/place.db"), "{output:?}");
    // A data directory made of the copy alone has everything.
    let data = home.path().join("restored");
    std::fs::create_dir(&data).unwrap();
    std::fs::rename(copy, data.join("twoticks.db")).unwrap();
    let restored = ["--config", config, "--data-dir", data.to_str().unwrap()];
    let show = [&restored[..], &["chats", "show", "+15551230001", "--json"]].concat();
    let output = run(home.path(), &show);
    assert_code(&output, 0);
    assert!(objects(&output).iter().any(|message| message["text"] == "kept"), "{output:?}");
    assert_code(&run(home.path(), &[&restored[..], &["db", "check"]].concat()), 0);
    // Where nothing was ever stored there is nothing to copy.
    let empty = home.path().join("empty");
    let empty = ["--config", config, "--data-dir", empty.to_str().unwrap(), "db", "backup", copy];
    assert_ne!(run(home.path(), &empty).status.code(), Some(0));
    assert!(!Path::new(copy).exists());
}

#[test]
fn the_outbox_is_listed_and_decided_about_from_the_shell() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("c.toml");
    let config = config.to_str().unwrap();
    let _sim = Running::start(home.path(), &["sim", "--write-config", config]);
    let on = |args: &[&str]| run(home.path(), &[&["--config", config], args].concat());
    // A status would settle what is uncertain.
    assert_code(&on(&["sim", "fail", "--webhooks", "off"]), 0);
    assert_code(&on(&["sim", "fail", "--lose", "answer"]), 0);
    assert_code(&on(&["send", "+15551230001", "one", "--timeout", "20s"]), 4);
    assert_code(&on(&["sim", "fail", "--code", "131026"]), 0);
    assert_code(&on(&["send", "+15551230002", "two"]), 1);

    let output = on(&["outbox", "list", "--json"]);
    assert_code(&output, 0);
    let rows = objects(&output);
    let states: Vec<&str> = rows.iter().filter_map(|row| row["state"].as_str()).collect();
    assert_eq!(states, ["uncertain", "failed"]);
    assert_eq!(rows[1]["error"]["code"], 131_026);
    let plain = rows[1]["explanation"]["plain"].as_str().unwrap();
    assert!(plain.contains("cannot receive it"), "{plain}");
    assert!(rows[0]["explanation"].is_null(), "Meta said nothing of it: {}", rows[0]);
    let ids: Vec<String> = rows.iter().map(|row| row["message"].to_string()).collect();
    let [uncertain, failed] = ids.as_slice() else { panic!("{ids:?}") };

    // What might arrive twice is not merely retried.
    let output = on(&["outbox", "retry", uncertain, failed]);
    assert_code(&output, 3);
    let talk = text(&output.stderr);
    assert!(talk.contains("1 message queued again"), "{talk}");
    assert!(talk.contains(&format!("message {uncertain}: it may have been accepted")), "{talk}");
    assert!(output.stdout.is_empty());
    let output = on(&["outbox", "list", "--state", "queued"]);
    assert_code(&output, 0);
    assert!(text(&output.stdout).contains("two"), "{output:?}");

    assert_code(&on(&["outbox", "cancel", failed]), 0);
    let output = on(&["outbox", "cancel", failed]);
    assert_code(&output, 3);
    assert!(text(&output.stderr).contains("cancelled"), "{output:?}");
    assert_code(&on(&["outbox", "resolve", uncertain]), 2);
    assert_code(&on(&["outbox", "resolve", uncertain, "--resend", "--drop"]), 2);
    assert_code(&on(&["outbox", "resolve", failed, "--drop"]), 3);
    assert_code(&on(&["outbox", "resolve", uncertain, "--drop"]), 0);
    assert!(objects(&on(&["outbox", "list", "--json"])).is_empty());

    assert_code(&on(&["outbox", "retry", "--all-failed"]), 3);
    assert_code(&on(&["outbox", "retry"]), 2);
    let output = on(&["outbox", "retry", "999", "wamid.unknown"]);
    assert_code(&output, 3);
    assert!(text(&output.stderr).contains("there is no message \"wamid.unknown\""), "{output:?}");
    assert_code(&on(&["outbox", "pause"]), 0);
    assert_code(&on(&["outbox", "resume"]), 0);
}

#[test]
fn a_message_for_later_is_scheduled_and_goes_when_its_time_comes() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("c.toml");
    let config = config.to_str().unwrap();
    let _sim = Running::start(home.path(), &["sim", "--write-config", config]);
    let send = |words: &[&str]| {
        run(home.path(), &[&["--config", config, "send", "+15551230001"], words].concat())
    };
    for wrong in ["soon", "2001-01-01T00:00:00Z", "25:00", "+", "+0s"] {
        let output = send(&["hi", "--at", wrong]);
        assert_code(&output, 2);
        assert!(text(&output.stderr).contains("--at"), "{wrong}: {output:?}");
    }
    let output = send(&["tomorrow", "--at", "+1h", "--json"]);
    assert_code(&output, 0);
    let steps = objects(&output);
    assert_eq!(steps.len(), 1, "{steps:?}");
    assert_eq!(steps[0]["state"], "scheduled");
    assert!(text(&output.stderr).contains("is scheduled for"), "{output:?}");

    // One that is waited for goes by itself, before the other.
    let output = send(&["now", "--at", "+2s", "--wait", "accepted", "--json"]);
    assert_code(&output, 0);
    let steps = objects(&output);
    let states: Vec<&str> = steps.iter().filter_map(|step| step["state"].as_str()).collect();
    assert_eq!(states, ["scheduled", "queued", "sending", "accepted"]);

    // And one that is not due within the wait is still there.
    let output = send(&["later", "--at", "+1h", "--wait", "accepted", "--timeout", "1s"]);
    assert_code(&output, 4);
    assert!(text(&output.stderr).contains("still scheduled"), "{output:?}");
}

#[test]
fn nothing_found_is_3_and_a_wrong_name_is_2() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("c.toml");
    let config = config.to_str().unwrap();
    let _sim = Running::start(home.path(), &["sim", "--write-config", config]);
    let run = |args: &[&str]| run(home.path(), &[&["--config", config], args].concat());
    assert_code(&run(&["send", "+15551230001", "hi"]), 0);
    // It says something once the statuses come.
    let listen = Running::start(home.path(), &["--config", config, "listen", "--json"]);
    for (args, code, says) in [
        (&["events", "list"][..], 0, ""),
        (&["events", "list", "--field", "statuses"], 0, ""),
        (&["events", "list", "--field", "calls"], 3, "nothing fits"),
        (&["events", "list", "--who", "zzzz"], 3, "nothing fits"),
        (&["events", "list", "--type", "nope"], 3, "nothing fits"),
        (&["events", "list", "--field", "statusses"], 2, "did you mean \"statuses\"?"),
        (&["events", "list", "--field", "nope"], 2, "there are messages, statuses"),
        (&["search", "hi"], 0, ""),
        (&["search", "nowhere"], 3, "nothing has"),
        (&["accounts", "list"], 0, ""),
    ] {
        let output = run(args);
        assert_code(&output, code);
        assert!(text(&output.stderr).contains(says), "{args:?}: {output:?}");
    }
    for args in
        [&["events", "list"][..], &["search", "hi"], &["accounts", "list"], &["outbox", "status"]]
    {
        let output = run(&[&["--account", "nope"], args].concat());
        assert_code(&output, 2);
        assert!(text(&output.stderr).contains("there is no account \"nope\""), "{output:?}");
    }
    assert_eq!(listen.end(Signal::INT), Some(130));
}

#[test]
fn what_failed_is_explained_in_plain_words_by_send() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("c.toml");
    let config = config.to_str().unwrap();
    let _sim = Running::start(home.path(), &["sim", "--write-config", config]);
    let fail = run(home.path(), &["--config", config, "sim", "fail", "--code", "131026"]);
    assert_code(&fail, 0);
    let output = run(home.path(), &["--config", config, "send", "+15551230002", "hi"]);
    assert_code(&output, 1);
    for said in [text(&output.stdout), text(&output.stderr)] {
        assert!(said.contains("131026: The person cannot receive it: not on WhatsApp"), "{said}");
        assert!(said.contains("(Meta: "), "{said}");
    }
    assert!(text(&output.stderr).contains("ask them to update WhatsApp"), "{output:?}");
}

#[test]
fn a_file_is_sent_with_its_words_and_as_an_answer() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("c.toml");
    let config = config.to_str().unwrap();
    let sim = Running::start(home.path(), &["sim", "--write-config", config]);
    let run = |args: &[&str]| run(home.path(), &[&["--config", config], args].concat());
    let file = |name: &str, bytes: &[u8]| {
        let path = home.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (to, photo) = ("+15551230001", file("Férias.png", b"\x89PNG pixels"));
    assert_code(&run(&["send", to, "hello"]), 0);
    let listen = Running::listening(home.path(), config);
    let first = run(&[
        "send",
        to,
        "--media",
        &photo,
        "--caption",
        "at the sea",
        "--wait",
        "read",
        "--json",
    ]);
    assert_code(&first, 0);
    let steps = objects(&first);
    assert_eq!(steps.last().unwrap()["state"], "read");
    let id = steps[0]["message"].to_string();
    let sound = file("hello.ogg", b"OggS sound");
    let second = ["send", to, "--media", &sound, "--reply-to", &id, "--wait", "delivered"];
    assert_code(&run(&second), 0);
    let menu = "https://example.org/menu.pdf";
    assert_code(&run(&["send", to, "--media", menu, "--caption", "the menu"]), 0);
    let notes = file("notes.txt", b"notes");
    assert_code(&run(&["send", to, "--media", &notes, "--at", "+2h"]), 0);

    let shown = objects(&run(&["chats", "show", to, "--json"]));
    let ours: Vec<(&str, Option<&str>)> = shown
        .iter()
        .filter(|message| message["direction"] == "outbound")
        .map(|message| (message["type"].as_str().unwrap(), message["text"].as_str()))
        .collect();
    let kinds: Vec<&str> = ours.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, ["text", "image", "audio", "document", "document"], "{shown:?}");
    assert_eq!(ours[1].1, Some("at the sea"));
    let scheduled = shown.iter().filter(|message| message["state"] == "scheduled").count();
    assert_eq!(scheduled, 1, "{shown:?}");
    // What reached Meta: each file once, the answer with what it answers, the link as it is.
    let log = text(&run(&["sim", "log", "--json"]).stdout);
    let posted: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let to_messages = |kind: &str| {
        let found = posted.iter().map(|entry| &entry["request"]);
        found.filter(|body| body["type"] == kind).cloned().collect::<Vec<_>>()
    };
    let uploads = log.lines().filter(|line| line.contains("/media\"")).count();
    assert_eq!(uploads, 2, "{log}");
    assert_eq!(to_messages("image")[0]["image"]["caption"], "at the sea");
    assert!(to_messages("audio")[0]["context"]["message_id"].is_string(), "{log}");
    assert_eq!(to_messages("document")[0]["document"]["link"], menu);

    // What Meta would refuse never leaves, and leaves no message behind.
    let before = objects(&run(&["chats", "show", to, "--json"])).len();
    let (big, fake) = (file("big.png", b""), file("fake.png", b"some text"));
    std::fs::File::options().write(true).open(&big).unwrap().set_len(6 << 20).unwrap();
    let too_many = "x".repeat(1025);
    for (args, says) in [
        (&["--media", "/nowhere/a.png"][..], "cannot be read"),
        (&["--media", &big], "Meta takes at most 5 MB"),
        (&["--media", &fake], "neither a JPEG nor a PNG"),
        (&["--media", &sound, "--caption", "listen"], "no caption on type audio"),
        (&["--media", &photo, "--caption", &too_many], "1025 characters"),
        (&["--media", "1003383421387256"], "is a media id"),
        (&["--caption", "alone"], "--media"),
        (&["words", "--media", &photo], "cannot be used with"),
    ] {
        let output = run(&[&["send", to], args].concat());
        assert_code(&output, 2);
        assert!(text(&output.stderr).contains(says), "{args:?}: {output:?}");
    }
    assert_eq!(objects(&run(&["chats", "show", to, "--json"])).len(), before);
    drop((listen, sim));
}
