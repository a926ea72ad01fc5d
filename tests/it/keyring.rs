//! Secrets in the system's keyring, by a tool that stands in for `secret-tool`.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::cli::twoticks;
use crate::doctor::{Facts, NUMBER, meta};
use crate::terminal::Terminal;

/// Keeps entries as files beside itself, with what it was called with.
const TOOL: &str = r#"cd "${0%/*}" && echo "$*" >> called
case "$1" in
  lookup) [ -f "entry-$5" ] || exit 1; cat "entry-$5"; echo ;;
  store) cat > "entry-$6" ;;
esac"#;

struct Machine {
    home: tempfile::TempDir,
    url: String,
}

impl Machine {
    fn new() -> Self {
        let url = format!("http://127.0.0.1:{}", meta(Arc::new(Mutex::new(Facts::new()))));
        let machine = Self { home: tempfile::tempdir().unwrap(), url };
        std::fs::create_dir(machine.tools()).unwrap();
        machine.tool_is(TOOL);
        machine
    }

    fn tools(&self) -> PathBuf {
        self.home.path().join("tools")
    }

    fn tool_is(&self, script: &str) {
        let tool = self.tools().join("secret-tool");
        std::fs::write(&tool, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The tools of the system, with ours before them.
    fn path(&self) -> String {
        let path = std::env::var("PATH").unwrap();
        format!("{}:{path}", self.tools().display())
    }

    fn entry(&self, name: &str) -> PathBuf {
        self.tools().join(format!("entry-{name}"))
    }

    #[track_caller]
    fn kept(&self, name: &str) -> String {
        std::fs::read_to_string(self.entry(name)).unwrap()
    }

    fn dir(&self) -> PathBuf {
        self.home.path().join(".config/twoticks")
    }

    fn config(&self) -> String {
        std::fs::read_to_string(self.dir().join("config.toml")).unwrap()
    }

    #[track_caller]
    fn init(&self, args: &[&str], typed: &str, code: i32) -> String {
        let line = ["init", "--no-questions", "--base-url", self.url.as_str()];
        let mut command = twoticks(self.home.path(), &[&line, args].concat());
        command.env("PATH", self.path()).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It may have ended without reading.
        child.stdin.take().unwrap().write_all(typed.as_bytes()).ok();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        said
    }
}

#[test]
fn what_is_typed_is_kept_in_the_keyring_and_nobody_else_sees_it() {
    let machine = Machine::new();
    let (token, secret) = (format!("{NUMBER}.token"), format!("{NUMBER}.app-secret"));
    std::fs::write(machine.entry(&token), "of somebody else").unwrap();
    let typed = ["--token", "-", "--app-secret", "-"];
    machine.init(&[&["--keyring"], typed.as_slice()].concat(), "the-token\nthe-secret\n", 0);
    assert_eq!(machine.kept(&token), "of somebody else", "it is not written over");
    let token = format!("{token}-2");
    assert_eq!(
        (machine.kept(&token), machine.kept(&secret)),
        ("the-token".into(), "the-secret".into())
    );
    let config = machine.config();
    for wanted in
        [format!("token = \"keyring:{token}\""), format!("app_secret = \"keyring:{secret}\"")]
    {
        assert!(config.contains(&wanted), "{wanted}: {config}");
    }
    assert_eq!(std::fs::read_dir(machine.dir()).unwrap().count(), 1, "no file beside the config");
    let called = std::fs::read_to_string(machine.tools().join("called")).unwrap();
    assert!(called.contains("store --label=twoticks ") && !called.contains("the-"), "{called}");

    machine.init(&[], "", 0);
    assert_eq!(machine.config(), config, "found there, and nothing changed");
    machine.init(&typed, "the-token\nthe-secret\n", 0);
    assert_eq!(machine.config(), config, "an account keeps to the keyring");

    machine.tool_is(&format!("[ $1 = store ] && {{ echo canary >&2; exit 7; }}\n{TOOL}"));
    let said = machine.init(&typed, "the-token\nthe-secret\n", 1);
    assert!(said.contains("exit status: 7") && said.contains("file:PATH"), "{said}");
    assert!(!said.contains("canary") && !said.contains("the-token"), "{said}");
    machine.tool_is("[ $1 = lookup ] && echo less || cat > /dev/null");
    let said = machine.init(&typed, "the-token\nthe-secret\n", 1);
    assert!(said.contains("gives something else back"), "{said}");
    assert_eq!(machine.config(), config);
}

#[test]
fn the_keyring_is_offered_where_its_tool_is() {
    let machine = Machine::new();
    let home = machine.home.path();
    let path = machine.path();
    let args = ["init", "--base-url", machine.url.as_str(), "--name", "shop"];
    let mut init = Terminal::start(home, &args, &[("PATH", &path)]);
    init.resize(120, 30);
    init.until_text("The access token.");
    init.send("the-token\r");
    init.until_text("The app secret.");
    init.send("the-secret\r");
    init.until_text("the system's keyring (secret-tool)");
    init.send("y\r");
    init.until_text("written: ");
    assert_eq!(init.end(), 0);
    assert_eq!(machine.kept(&format!("{NUMBER}.token")), "the-token");
    assert_eq!(machine.kept(&format!("{NUMBER}.verify-token")).len(), 32);
    assert!(!machine.config().contains("file:"), "{}", machine.config());
}

/// What doctor says of a token in the keyring, and what helps.
#[track_caller]
fn told(home: &Path, path: &str) -> (String, String) {
    let file = home.join("c.toml");
    let config = format!(
        "base_url = \"http://127.0.0.1:{}\"\n[[account]]\nname = \"shop\"\n\
         phone_number_id = \"1\"\ntoken = \"keyring:it's mine\"\n",
        crate::tunnel::free_port()
    );
    std::fs::write(&file, config).unwrap();
    let mut command: Command =
        twoticks(home, &["--config", file.to_str().unwrap(), "doctor", "--json"]);
    let output = command.env("PATH", path).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(!said.contains("canary"), "{said}");
    let mut rows = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let token = rows.find(|row| row["check"] == "token").unwrap();
    let words = |key: &str| token[key].as_str().unwrap_or_default().to_owned();
    (words("says"), words("remedy"))
}

#[test]
fn a_keyring_that_does_not_give_the_secret_is_told_with_what_helps() {
    let machine = Machine::new();
    let home = machine.home.path();
    let store = r"secret-tool store --label='twoticks it'\''s mine' service twoticks account 'it'\''s mine'";
    for (script, says, remedy) in [
        ("exit 1", "gave no \"it's mine\"", store),
        ("echo canary; echo canary >&2; exit 1", "is locked", "unlock it"),
        (r"printf 'canary\377'", "is no text", store),
        ("echo canary; exec tail -f /dev/null", "within 10 s", "unlock it"),
        ("echo", "gave an empty secret", "put it there"),
    ] {
        machine.tool_is(script);
        let (said, helps) = told(home, &machine.path());
        assert!(said.contains(says) && helps.contains(remedy), "{script}: {said}; {helps}");
    }
    let (said, helps) = told(home, "/nowhere");
    assert!(said.contains("secret-tool is not installed"), "{said}");
    assert!(helps.contains("libsecret-tools") && helps.contains("file:PATH"), "{helps}");
}
