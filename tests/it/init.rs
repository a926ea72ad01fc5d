//! `twoticks init` on a machine that has an account already, and Meta with more than one number.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use crate::cli::twoticks;
use crate::doctor::{Facts, NUMBER, meta};
use crate::terminal::Terminal;

const SECOND: &str = "100000000000002";

struct Machine {
    home: tempfile::TempDir,
    facts: Arc<Mutex<Facts>>,
    url: String,
}

impl Machine {
    /// With one account, `shop`, whose secrets were typed.
    fn with_a_shop() -> Self {
        let facts = Arc::new(Mutex::new(Facts::new()));
        let url = format!("http://127.0.0.1:{}", meta(Arc::clone(&facts)));
        let machine = Self { home: tempfile::tempdir().unwrap(), facts, url };
        machine.init(&["--token", "-", "--app-secret", "-"], "the-token\nthe-secret\n", 0);
        assert_eq!(machine.file(&format!("{NUMBER}.token")), "the-token");
        machine
    }

    fn home(&self) -> &Path {
        self.home.path()
    }

    fn dir(&self) -> PathBuf {
        self.home().join(".config/twoticks")
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir().join(name)).unwrap()
    }

    fn config(&self) -> String {
        self.file("config.toml")
    }

    /// Meta knows these numbers from now on, by this token.
    fn meta_has(&self, numbers: &[&'static str], token: &'static str) {
        let mut facts = self.facts.lock().unwrap();
        (facts.numbers, facts.token) = (numbers.to_vec(), token);
    }

    /// Runs it without questions, with these lines on its input; what it said.
    #[track_caller]
    fn init(&self, args: &[&str], typed: &str, code: i32) -> String {
        let line = [&["init", "--no-questions", "--base-url", self.url.as_str()], args].concat();
        let mut command = twoticks(self.home(), &line);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        said
    }

    /// The names of the accounts, as every command reads them.
    #[track_caller]
    fn accounts(&self) -> Vec<String> {
        let file = self.dir().join("config.toml");
        let config = twoticks::config::load(&file, true, &std::collections::BTreeMap::new());
        config.unwrap().accounts.into_iter().map(|account| account.name).collect()
    }
}

#[test]
fn a_second_number_took_the_name_and_the_token_of_the_first() {
    let machine = Machine::with_a_shop();
    machine.meta_has(&[NUMBER, SECOND], "the-second");
    let number = ["--phone-number-id", SECOND];
    machine.init(&[&["--token", "-"], number.as_slice()].concat(), "the-second\n", 0);
    assert_eq!(machine.accounts(), ["shop", "shop-2"], "Meta has one name for both");
    assert_eq!(machine.file(&format!("{NUMBER}.token")), "the-token");
    assert_eq!(machine.file(&format!("{SECOND}.token")), "the-second");
    let secret = format!("app_secret = \"file:{NUMBER}.app-secret\"");
    assert_eq!(machine.config().matches(&secret).count(), 2, "one app, one secret");

    let both = machine.config();
    machine.init(&number, "", 0);
    assert_eq!(machine.config(), both, "and it was named anew when run again");
}

#[test]
fn a_name_that_another_number_has_is_refused_with_nothing_changed() {
    let machine = Machine::with_a_shop();
    machine.meta_has(&[NUMBER, SECOND], "the-second");
    let before = machine.config();
    for by in ["--name", "--account"] {
        let args = ["--token", "-", by, "shop", "--phone-number-id", SECOND];
        let said = machine.init(&args, "the-second\n", 2);
        assert!(said.contains(&format!("account \"shop\" is number {NUMBER}")), "{said}");
    }
    assert_eq!(machine.config(), before);
    assert_eq!(machine.file(&format!("{NUMBER}.token")), "the-token");
}

#[test]
fn a_known_number_among_several_was_asked_for_again() {
    let machine = Machine::with_a_shop();
    machine.meta_has(&[SECOND, NUMBER], "the-new");
    machine.init(&["--token", "-"], "the-new\n", 0);
    assert_eq!(machine.file(&format!("{NUMBER}.token")), "the-new");
    assert_eq!(machine.accounts(), ["shop"]);

    let before = machine.config();
    let mut init =
        Terminal::start(machine.home(), &["init", "--base-url", machine.url.as_str()], &[]);
    init.resize(200, 30);
    for question in ["The access token.", "(Enter keeps 100000000000001)", "The app secret."] {
        init.until_text(question);
        init.send("\r");
    }
    init.until_text("written: ");
    assert_eq!(init.end(), 0);
    assert_eq!(machine.config(), before);
}

/// It was looked for, and nothing could be set up anywhere but in the usual place.
#[test]
fn a_config_that_is_named_and_not_there_yet_is_made() {
    let machine = Machine::with_a_shop();
    machine.meta_has(&[NUMBER], "the-token");
    let named = machine.home().join("other.toml");
    let mut command = twoticks(machine.home(), &["--config", named.to_str().unwrap(), "init"]);
    command.args(["--no-questions", "--base-url", machine.url.as_str(), "--token", "env:A_TOKEN"]);
    command.args(["--app-secret", "env:A_SECRET"]);
    command.env("A_TOKEN", "the-token").env("A_SECRET", "the-secret");
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("cannot read the config"), "{said}");
    assert!(named.exists() && output.status.success(), "{said}");
}

/// It said that the token is not taken, and to make a new one.
#[test]
fn a_network_that_is_down_says_nothing_of_the_token() {
    let machine = Machine::with_a_shop();
    let port = crate::tunnel::free_port();
    let url = format!("http://127.0.0.1:{port}");
    let before = machine.config();
    let mut command = twoticks(machine.home(), &["init", "--base-url", &url]);
    command.args(["--no-questions", "--token", "env:SOME_TOKEN"]).env("SOME_TOKEN", "a");
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("nothing was checked") && said.contains("--no-check"), "{said}");
    assert!(!said.contains("make a new one"), "{said}");
    assert_eq!(machine.config(), before);
}

#[test]
fn what_init_says_is_about_what_it_was_given() {
    let machine = Machine::with_a_shop();
    let other = machine.home().join("other.toml");
    let other = other.to_str().unwrap();
    let secrets = ["--config", other, "--token", "-", "--app-secret", "-"];
    let said = machine.init(&secrets, "the-token\nthe-secret\n", 0);
    assert!(said.contains(&format!("next: twoticks --config '{other}' doctor")), "{said}");
    let said = machine.init(&["--name", "x\ny"], "", 2);
    assert!(said.contains("--name \"x\\ny\""), "{said}");
    let run = |args: &[&str]| twoticks(machine.home(), args).output().unwrap();
    let wrong = run(&["init", "--no-questions", "--base-url", "ftp://x"]);
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(said.starts_with("error: --base-url \"ftp://x\": must be an https address"), "{said}");
    let example = run(&["init", "--example"]);
    let example = String::from_utf8(example.stdout).unwrap();
    assert!(example.contains("[ui]") && example.contains("glyphs = "), "{example}");
}
