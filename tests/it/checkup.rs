//! `twoticks doctor` on the simulator, whole: nothing is wrong while nothing is, and what the simulator, its
//! listener or its tunnel is made to do is named with its remedy.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use crate::cli::{Running, twoticks};
use crate::target::read_all;
use crate::terminal::signal_to;

/// A simulator and `listen` with a tunnel, at a config of theirs.
struct Shop {
    home: tempfile::TempDir,
    sim: Option<Running>,
    listen: Child,
}

impl Shop {
    fn open() -> Self {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("c.toml");
        let sim = Running::start(home.path(), &["sim", "--write-config", file.to_str().unwrap()]);
        let tunnel =
            "[tunnel]\nkind = \"command\"\ncommand = \"echo http://127.0.0.1:{port}; exec cat\"\n";
        let mut config = std::fs::OpenOptions::new().append(true).open(&file).unwrap();
        config.write_all(tunnel.as_bytes()).unwrap();
        let mut listen = twoticks(home.path(), &["--config", file.to_str().unwrap(), "listen"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut talk = BufReader::new(listen.stderr.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("tunnel: command ok") {
            line.clear();
            assert_ne!(talk.read_line(&mut line).unwrap(), 0, "it ended");
        }
        // Left open: the program must not find its reader gone.
        listen.stderr = Some(talk.into_inner());
        Self { home, sim: Some(sim), listen }
    }

    fn config(&self) -> String {
        self.home.path().join("c.toml").to_str().unwrap().to_owned()
    }

    #[track_caller]
    fn run(&self, args: &[&str]) -> std::process::Output {
        let config = self.config();
        let line = [&["--config", &config], args].concat();
        twoticks(self.home.path(), &line).output().unwrap()
    }

    #[track_caller]
    fn drive(&self, args: &[&str]) {
        let output = self.run(&[&["sim"], args].concat());
        assert!(output.status.success(), "{args:?}: {output:?}");
    }

    /// The exit code and what was found out.
    fn doctor(&self) -> (Option<i32>, Vec<Value>) {
        let output = self.run(&["doctor", "--json"]);
        let said = String::from_utf8(output.stdout).unwrap();
        let read = |line: &str| serde_json::from_str(line).unwrap();
        (output.status.code(), said.lines().map(read).collect())
    }

    /// Exactly this is wrong.
    #[track_caller]
    fn only(&self, check: &str, says: &str, remedy: &str) {
        let (code, findings) = self.doctor();
        let wrong = wrong(&findings);
        let has = |finding: &Value, key: &str, words: &str| {
            finding[key].as_str().unwrap_or_default().contains(words)
        };
        let named = wrong.iter().any(|finding| {
            finding["check"] == check
                && has(finding, "says", says)
                && has(finding, "remedy", remedy)
        });
        assert!(named && wrong.len() == 1 && code == Some(1), "{check}: {code:?} {wrong:#?}");
    }

    #[track_caller]
    fn nothing(&self) {
        let (code, findings) = self.doctor();
        assert_eq!((wrong(&findings), code), (Vec::new(), Some(0)));
    }

    fn end_listener(&mut self) {
        signal_to(self.listen.id(), Signal::TERM);
        self.listen.wait().unwrap();
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.listen.kill().ok();
        self.listen.wait().ok();
    }
}

fn wrong(findings: &[Value]) -> Vec<&Value> {
    findings.iter().filter(|finding| finding["verdict"] == "wrong").collect()
}

/// One call to the simulator as Meta's API has it.
fn call(home: &Path, method: &str, path: &str) {
    let config: toml::Table =
        std::fs::read_to_string(home.join("c.toml")).unwrap().parse().unwrap();
    let base = config["base_url"].as_str().unwrap();
    let host = base.strip_prefix("http://").unwrap();
    let waba = config["account"][0]["waba_id"].as_str().unwrap();
    let token = std::fs::read_to_string(home.join("c.data/token")).unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    let request = format!(
        "{method} /v26.0/{waba}/{path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {}\r\n\
         content-length: 0\r\nconnection: close\r\n\r\n",
        token.trim()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let answer = String::from_utf8(read_all(&mut stream)).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// Its own tests ask a stand-in that says what they want to hear; this one is the whole.
#[test]
fn doctor_finds_nothing_wrong_with_the_simulator_and_names_whatever_is_broken_there() {
    let mut shop = Shop::open();
    let (code, findings) = shop.doctor();
    assert_eq!((wrong(&findings), code), (Vec::new(), Some(0)));
    for check in [
        "config",
        "permissions",
        "database",
        "listener",
        "tunnel",
        "network",
        "clock",
        "token",
        "number",
        "waba",
        "subscription",
        "app secret",
        "webhook",
    ] {
        let right = findings
            .iter()
            .any(|finding| finding["check"] == check && finding["verdict"] == "right");
        assert!(right, "{check}: {findings:#?}");
    }
    let says = |check: &str| {
        let found = findings.iter().find(|finding| finding["check"] == check).unwrap();
        found["says"].as_str().unwrap().to_owned()
    };
    assert!(says("listener").contains("twoticks answers"), "{}", says("listener"));
    assert!(says("tunnel").contains("leads here and back"), "{}", says("tunnel"));
    let redacted = String::from_utf8(shop.run(&["doctor", "--redact"]).stdout).unwrap();
    assert!(redacted.contains("account-1: the simulator answers"), "{redacted}");

    shop.drive(&["fail", "--token", "expired"]);
    shop.only("token", "expired", "Generate token");
    shop.drive(&["fail", "--token", "valid"]);
    shop.drive(&["fail", "--scopes", "whatsapp_business_messaging"]);
    let (_, findings) = shop.doctor();
    let lacks = wrong(&findings)
        .iter()
        .any(|finding| finding["says"].as_str().unwrap().contains("whatsapp_business_management"));
    assert!(lacks, "{findings:#?}");
    shop.drive(&["fail", "--scopes", "whatsapp_business_messaging,whatsapp_business_management"]);
    shop.drive(&["number", "--quality", "RED"]);
    shop.only(
        "number",
        "quality is RED: people block or report it, and Meta has flagged it",
        "less",
    );
    shop.drive(&["number", "--quality", "GREEN"]);
    call(shop.home.path(), "DELETE", "subscribed_apps");
    shop.only("subscription", "not subscribed", "webhook set --level waba");
    call(shop.home.path(), "POST", "subscribed_apps");
    shop.nothing();

    let secret = shop.home.path().join("c.data/app-secret");
    let right = std::fs::read(&secret).unwrap();
    std::fs::write(&secret, "another secret").unwrap();
    let (_, findings) = shop.doctor();
    let checks: Vec<&str> =
        wrong(&findings).iter().map(|finding| finding["check"].as_str().unwrap()).collect();
    assert_eq!(checks, ["listener", "tunnel", "app secret"], "it runs with the one from before");
    std::fs::write(&secret, right).unwrap();

    shop.end_listener();
    shop.nothing();
    shop.sim.take();
    shop.only("network", "no simulator answers", "twoticks sim");
}
