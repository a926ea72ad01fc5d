//! `twoticks listen` as whoever reaches its port meets it, and what it costs the process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use rustix::process::{Pid, Signal};
use twoticks::clock::SystemClock;
use twoticks::domain::time::Clock as _;
use twoticks::store::ReadConn;

pub(crate) const SECRET: &str = "meatyhamhock";
pub(crate) const VERIFY_TOKEN: &str = "open sesame";
pub(crate) const NUMBER: &str = "100000000000001";

/// Somebody without rights of their own.
const NOBODY: u32 = 65_534;

/// Far more than anything takes on a slow machine; what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that listens on a port of its own.
pub(crate) struct Target {
    child: Child,
    home: tempfile::TempDir,
    pub(crate) address: SocketAddr,
    good: AtomicUsize,
    clock: SystemClock,
    secret: String,
    told: Arc<Mutex<String>>,
}

/// What a process has of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    /// The most memory it ever had, in KiB.
    pub(crate) peak: usize,
    pub(crate) threads: usize,
    pub(crate) files: usize,
}

impl Target {
    pub(crate) fn start() -> Self {
        Self::with_config(&config_text(""))
    }

    /// Starts it with this config, which has to leave the port to the system.
    pub(crate) fn with_config(config: &str) -> Self {
        Self::start_with(&[], config)
    }

    /// Starts it with so many file descriptors.
    pub(crate) fn with_files(files: u32) -> Self {
        let limit = format!("ulimit -n {files}; exec \"$0\" \"$@\"");
        Self::start_with(&["sh", "-c", &limit], &config_text(""))
    }

    /// Starts it with this config, whose app secret is another.
    pub(crate) fn signing(secret: &str, config: &str) -> Self {
        Self::begin(&[], config, secret)
    }

    /// Starts it by way of this command.
    pub(crate) fn start_with(wrap: &[&str], text: &str) -> Self {
        Self::begin(wrap, text, SECRET)
    }

    fn begin(wrap: &[&str], text: &str, secret: &str) -> Self {
        let target = Self::launch(wrap, text, secret, |_, _| {});
        // The first webhook makes what the process keeps from then on.
        target.good(Duration::from_secs(1));
        target
    }

    /// Starts it by way of this shell line, as a user for whom the modes of files count.
    pub(crate) fn for_nobody(line: &str) -> Self {
        let target =
            Self::launch(&["sh", "-c", line], &config_text(""), SECRET, |home, command| {
                if is_root() {
                    for path in [home, &home.join("c.toml")] {
                        std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
                    }
                    command.uid(NOBODY).gid(NOBODY);
                }
            });
        target.good(Duration::from_secs(1));
        target
    }

    /// Ends it in order.
    pub(crate) fn end(&mut self) {
        let pid = Pid::from_child(&self.child);
        rustix::process::kill_process(pid, Signal::TERM).unwrap();
        self.child.wait().unwrap();
    }

    /// A command of that user.
    pub(crate) fn as_nobody(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.home());
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    fn launch(
        wrap: &[&str],
        text: &str,
        secret: &str,
        prepare: impl FnOnce(&Path, &mut Command),
    ) -> Self {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("c.toml");
        write_private(&config, text);
        let mut line: Vec<&str> = wrap.to_vec();
        line.extend([env!("CARGO_BIN_EXE_twoticks"), "--config"]);
        let mut command = Command::new(line[0]);
        command.args(&line[1..]).arg(&config).arg("listen").env_clear().env("HOME", home.path());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        let out = std::fs::File::create(home.path().join("out")).unwrap();
        command.stdin(Stdio::null()).stdout(out).stderr(Stdio::piped());
        prepare(home.path(), &mut command);
        let mut child = command.spawn().unwrap();
        let mut talk = BufReader::new(child.stderr.take().unwrap());
        let told = Arc::<Mutex<String>>::default();
        let address = loop {
            let mut line = String::new();
            assert_ne!(talk.read_line(&mut line).unwrap(), 0, "it ended");
            told.lock().unwrap().push_str(&line);
            if let Some((_, address)) = line.split_once("listener: up ") {
                break address.trim().parse().unwrap();
            }
        };
        // Read to its end, so that it never waits for a reader.
        let hearing = Arc::clone(&told);
        thread::Builder::new()
            .name("talk".to_owned())
            .spawn(move || {
                let lines = talk.lines().map_while(Result::ok);
                lines.for_each(|line| hearing.lock().unwrap().push_str(&(line + "\n")));
            })
            .unwrap();
        let (good, clock) = (AtomicUsize::new(0), SystemClock::new());
        Self { child, home, address, good, clock, secret: secret.to_owned(), told }
    }

    /// What it said on stderr so far.
    pub(crate) fn told(&self) -> String {
        self.told.lock().unwrap().clone()
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Another command on the same config and data.
    pub(crate) fn beside(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_twoticks"));
        command.arg("--config").arg(self.home().join("c.toml")).args(args);
        command.env_clear().env("HOME", self.home()).stdin(Stdio::null());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.output().unwrap()
    }

    /// What it printed so far.
    pub(crate) fn printed(&self) -> Vec<u8> {
        std::fs::read(self.home().join("out")).unwrap()
    }

    /// Posts until it has printed this.
    #[track_caller]
    pub(crate) fn until_printed(&self, wanted: &str) {
        let end = self.clock.monotonic() + PATIENCE;
        while !String::from_utf8_lossy(&self.printed()).contains(wanted) {
            let printed = self.printed();
            let printed = String::from_utf8_lossy(&printed);
            assert!(self.clock.monotonic() < end, "it never printed {wanted:?}:\n{printed}");
            self.good(PATIENCE);
        }
    }

    pub(crate) fn read(&self) -> ReadConn {
        ReadConn::open(&self.database()).unwrap()
    }

    /// Posts until it has said this on stderr.
    #[track_caller]
    pub(crate) fn until_told(&self, wanted: &str) {
        let end = self.clock.monotonic() + PATIENCE;
        while !self.told().contains(wanted) {
            assert!(self.clock.monotonic() < end, "it never said {wanted:?}:\n{}", self.told());
            self.post(b"{}", "wrong");
        }
    }

    /// Posts this webhook until it is taken. It has been refused with 503 alone before.
    #[track_caller]
    pub(crate) fn until_taken(&self, body: &[u8]) {
        let end = self.clock.monotonic() + PATIENCE;
        loop {
            match self.post(body, &self.secret) {
                200 => return,
                503 => assert!(self.clock.monotonic() < end, "not mended:\n{}", self.told()),
                other => panic!("{other}"),
            }
        }
    }

    /// Posts a webhook and returns the answer's code.
    pub(crate) fn post(&self, body: &[u8], secret: &str) -> u16 {
        status(&self.raw(&post(body, &sign_with(secret, body))))
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.home.path().join("data/twoticks.db")
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// All that is answered to these bytes until it closes.
    pub(crate) fn raw(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        // It may have answered and closed before it read all.
        stream.write_all(request).ok();
        read_all(&mut stream)
    }

    /// Posts webhooks as Meta does until one is answered within `bound`; that only every fifth is so slow
    /// may be the machine's fault.
    #[track_caller]
    pub(crate) fn good(&self, bound: Duration) {
        let mut slowest = Duration::ZERO;
        for _ in 0..5 {
            let number = self.good.fetch_add(1, Ordering::Relaxed);
            let body = format!("{{\"good\":{number}}}");
            let begun = self.clock.monotonic();
            let signature = sign_with(&self.secret, body.as_bytes());
            let answer = self.raw(&post(body.as_bytes(), &signature));
            let took = self.clock.monotonic().since(begun);
            assert_eq!(status(&answer), 200, "{}", String::from_utf8_lossy(&answer));
            if took <= bound {
                return;
            }
            slowest = slowest.max(took);
        }
        panic!("five webhooks took up to {slowest:?}, none less than {bound:?}");
    }

    /// How many good webhooks were posted.
    pub(crate) fn posted(&self) -> usize {
        self.good.load(Ordering::Relaxed)
    }

    pub(crate) fn usage(&self) -> Usage {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse().unwrap()
        };
        Usage { peak: number("VmHWM:"), threads: number("Threads:"), files: self.files() }
    }

    /// Open files. The process does not let itself be looked into; then its connections are counted.
    fn files(&self) -> usize {
        match std::fs::read_dir(format!("/proc/{}/fd", self.child.id())) {
            Ok(files) => files.count(),
            Err(_not_ours) => connections(self.address.port()),
        }
    }

    /// It is alive, answers within `bound`, and has no more of the system than `before`.
    #[track_caller]
    pub(crate) fn unharmed(&self, before: Usage, bound: Duration) {
        self.good(bound);
        let end = self.clock.monotonic() + PATIENCE;
        loop {
            let now = self.usage();
            if now.threads <= before.threads && now.files <= before.files {
                let grown = now.peak.saturating_sub(before.peak);
                assert!(grown <= 32 << 10, "{grown} KiB more: {before:?} {now:?}");
                return;
            }
            assert!(self.clock.monotonic() < end, "not given back: {before:?} {now:?}");
            self.good(PATIENCE);
        }
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Drop for Target {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A config that listens on any free port. `account` is added to its account.
pub(crate) fn config_text(account: &str) -> String {
    format!(
        "data_dir = \"data\"\n[listener]\nport = 0\n[[account]]\nname = \"shop\"\n\
         phone_number_id = \"{NUMBER}\"\napp_secret = \"{SECRET}\"\n\
         verify_token = \"{VERIFY_TOKEN}\"\n{account}"
    )
}

pub(crate) fn write_private(path: &Path, text: &str) {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// Until the other side closes, in whatever way.
pub(crate) fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) => {
            let cut = matches!(
                error.kind(),
                std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe
            );
            assert!(cut, "{error}");
        }
    }
    answer
}

pub(crate) fn sign(body: &[u8]) -> String {
    sign_with(SECRET, body)
}

pub(crate) fn sign_with(secret: &str, body: &[u8]) -> String {
    let mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    let bytes = mac.chain_update(body).finalize().into_bytes();
    bytes.iter().fold("sha256=".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

pub(crate) fn post(body: &[u8], signature: &str) -> Vec<u8> {
    let mut request = format!(
        "POST /webhook HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\
         X-Hub-Signature-256: {signature}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// The code of the first answer; 0 without one.
pub(crate) fn status(answer: &[u8]) -> u16 {
    let answer = String::from_utf8_lossy(answer);
    let code = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    code.and_then(|code| code.parse().ok()).unwrap_or(0)
}

/// Connections that somebody on this machine serves on `port`.
fn connections(port: u16) -> usize {
    let (established, closing) = ("01", "08");
    let local = format!(":{port:04X}");
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|row| {
            row.get(1).is_some_and(|address| address.ends_with(&local))
                && row.get(3).is_some_and(|state| [established, closing].contains(state))
        })
        .count()
}
