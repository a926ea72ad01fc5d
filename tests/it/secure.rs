//! The simulator posts to https addresses: to one whose certificate is trusted, and not to one whose is not,
//! which it says with what helps. A real TLS server on loopback stands for the bot that is being developed.

#![expect(
    clippy::disallowed_methods,
    reason = "the program of somebody else has threads of its own"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};
use serde_json::Value;

use twoticks::clock::SystemClock;
use twoticks::domain::time::Clock as _;

use crate::cli::twoticks;

/// Far more than anything takes on a slow machine; what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

/// A program of somebody else's that takes webhooks over TLS: its port, and the heads and bodies that came.
/// A connection whose handshake fails tells nothing.
fn bot() -> (u16, Receiver<String>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = vec![CertificateDer::from_pem_file(fixture("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(fixture("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (told, came) = channel();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (config, told) = (Arc::clone(&config), told.clone());
            thread::spawn(move || {
                let mut client = client.unwrap();
                client.set_read_timeout(Some(PATIENCE)).unwrap();
                let mut session = ServerConnection::new(config).unwrap();
                let mut stream = Stream::new(&mut session, &mut client);
                while let Some(request) = request(&mut stream) {
                    told.send(request).ok();
                    if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_err() {
                        return;
                    }
                }
            });
        }
    });
    (port, came)
}

/// The next request, head and body; none at the end.
fn request(stream: &mut impl std::io::Read) -> Option<String> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes.clone()).unwrap();
    let length = head.lines().find_map(|line| {
        line.to_lowercase().strip_prefix("content-length:")?.trim().parse::<usize>().ok()
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    bytes.extend(body);
    Some(String::from_utf8(bytes).unwrap())
}

/// A simulator that posts there, trusting this authority if any; ended when dropped.
struct Sim {
    child: Child,
    config: PathBuf,
    home: tempfile::TempDir,
}

impl Sim {
    fn start(port: u16, trusts: Option<&Path>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("c.toml");
        let url = format!("https://127.0.0.1:{port}/hook");
        let args = ["sim", "--webhook", &url, "--write-config", config.to_str().unwrap()];
        let mut command: Command = twoticks(home.path(), &args);
        if let Some(authority) = trusts {
            command.env("SSL_CERT_FILE", authority);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        assert!(line.starts_with("http://127.0.0.1:"), "{line}");
        child.stdout = Some(out.into_inner());
        Self { child, config, home }
    }

    fn run(&self, args: &[&str]) -> String {
        let mut all = vec!["--config", self.config.to_str().unwrap(), "sim"];
        all.extend(args);
        let output = twoticks(self.home.path(), &all).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{args:?}: {err}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The first webhook in the log that says this, once it is there.
    fn webhook(&self, says: impl Fn(&Value) -> bool) -> Value {
        let clock = SystemClock::new();
        let begun = clock.monotonic();
        loop {
            let log = self.run(&["log", "--json"]);
            let mut lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            if let Some(found) = lines.find(|line| line["kind"] == "webhook" && says(line)) {
                return found;
            }
            assert!(
                clock.monotonic().since(begun) < PATIENCE,
                "no such webhook in the log:\n{log}"
            );
            thread::yield_now();
        }
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn a_webhook_goes_to_an_https_address_whose_certificate_is_trusted() {
    let (port, came) = bot();
    let sim = Sim::start(port, Some(&fixture("authority.pem")));
    sim.run(&["say", "+15551230001", "hello over tls"]);
    let request = came.recv_timeout(PATIENCE).unwrap();
    assert!(request.starts_with("POST /hook HTTP/1.1"), "{request}");
    assert!(request.contains("X-Hub-Signature-256: sha256="), "{request}");
    assert!(request.contains("hello over tls"), "{request}");
    let logged = sim.webhook(|line| line["status"] == 200);
    assert_eq!(logged["target"], format!("https://127.0.0.1:{port}/hook"));
}

#[test]
fn an_address_with_a_certificate_of_its_own_gets_nothing_and_the_log_says_why() {
    let (port, came) = bot();
    let sim = Sim::start(port, None);
    sim.run(&["say", "+15551230001", "nobody hears this"]);
    let logged = sim.webhook(|line| line["error"].is_string());
    let why = logged["error"].as_str().unwrap();
    assert!(why.contains("certificate") && why.contains("SSL_CERT_FILE"), "{why}");
    assert!(came.try_recv().is_err(), "nothing went to a server that nobody vouches for");
}
