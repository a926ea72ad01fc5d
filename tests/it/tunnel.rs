//! The tunnel as a person has it: a real ssh server that lets events in, tools that print, die, hang and change
//! their address, and nothing that is left behind by whatever ends the program.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use secrecy::SecretString;
use twoticks::clock::SystemClock;
use twoticks::domain::health::{Condition, Health};
use twoticks::domain::id::PhoneNumberId;
use twoticks::domain::time::Clock as _;
use twoticks::domain::tunnel::{Kind, Level, Registration};
use twoticks::service::callback::Consent;
use twoticks::service::listener::ListenerConfig;
use twoticks::service::listener::http::Limits;
use twoticks::service::sender::core::Policy;
use twoticks::service::tunnel::{Proving, TunnelConfig};
use twoticks::service::{AccountConfig, ApiConfig, ServiceConfig, Services};
use twoticks::store::callback::{self, Change, Deed};
use twoticks::store::prune::Keep;
use twoticks::store::{ReadConn, Rules, WriteConn, account, event};

use crate::cli::{Running, twoticks};
use crate::meta::serve;
use crate::target::{NUMBER, SECRET, config_text, post, read_all, sign, status, write_private};
use crate::terminal::{Terminal, signal_to};
use crate::webhook::Places;

/// Far more than anything takes on a slow machine; what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// How soon a tunnel that was killed is back.
const BACK_WITHIN: Duration = Duration::from_secs(10);

/// `twoticks listen` with what it says on stderr.
struct Listen {
    child: Child,
    talk: Receiver<String>,
    said: Vec<String>,
}

impl Listen {
    /// Starts it with this config, and this directory before the others of PATH.
    fn start(home: &Path, config: &str, tools: &Path, args: &[&str]) -> Self {
        let file = home.join("c.toml");
        write_private(&file, config);
        let mut line = vec!["--config", file.to_str().unwrap(), "listen"];
        line.extend(args);
        let mut command = twoticks(home, &line);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let dirs = std::iter::once(tools.to_owned()).chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(dirs).unwrap());
        command.env("TWOTICKS_LOG_LEVEL", "debug").env("WHATSAPP_TOKEN", "not for tools");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (tell, talk) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        for (name, mut lines) in [
            ("talk", Box::new(stderr) as Box<dyn Iterator<Item = std::io::Result<String>> + Send>),
            ("data", Box::new(stdout)),
        ] {
            let tell = tell.clone();
            thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || {
                    while let Some(Ok(line)) = lines.next() {
                        if tell.send(line).is_err() {
                            break;
                        }
                    }
                })
                .unwrap();
        }
        Self { child, talk, said: Vec::new() }
    }

    /// The next line that has all of `wanted`.
    #[track_caller]
    fn until(&mut self, wanted: &[&str]) -> String {
        loop {
            let line = self.talk.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("never {wanted:?}: {:#?}", self.said));
            self.said.push(line.clone());
            if wanted.iter().all(|words| line.contains(words)) {
                return line;
            }
        }
    }
}

impl Drop for Listen {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub(crate) fn script(dir: &Path, name: &str, body: &str) {
    let file = dir.join(name);
    std::fs::write(&file, format!("#!/bin/sh\n{body}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Processes that have this in their command line.
fn processes(mark: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if id != std::process::id() && String::from_utf8_lossy(&line).contains(mark) {
            found.push(id);
        }
    }
    found
}

#[track_caller]
pub(crate) fn until_none(mark: &str) {
    let clock = SystemClock::new();
    let end = clock.monotonic() + PATIENCE;
    while let left @ [_, ..] = processes(mark).as_slice() {
        assert!(clock.monotonic() < end, "left behind: {left:?}");
        thread::yield_now();
    }
}

/// An OpenSSH server on loopback, for whoever runs the test.
pub(crate) struct Server {
    child: Child,
    port: u16,
    dir: tempfile::TempDir,
}

impl Server {
    /// None where there is no such server, unless skipping is forbidden.
    pub(crate) fn start() -> Option<Self> {
        let server = Path::new("/usr/sbin/sshd");
        let client = Command::new("ssh").arg("-V").stderr(Stdio::null()).status();
        if !server.exists() || client.is_err() {
            let reason = "no OpenSSH here: apt install openssh-server openssh-client";
            assert!(std::env::var_os("NO_SKIPS").is_none(), "{reason}");
            println!("skipped: {reason}");
            return None;
        }
        // Root's server wants it, and only booting makes it.
        std::fs::create_dir_all("/run/sshd").ok();
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        for name in ["host", "user"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f", &at(name)])
                .status()
                .unwrap();
            assert!(made.success());
        }
        let port = free_port();
        std::fs::copy(dir.path().join("user.pub"), dir.path().join("authorized")).unwrap();
        let host = std::fs::read_to_string(dir.path().join("host.pub")).unwrap();
        std::fs::write(dir.path().join("known"), format!("[127.0.0.1]:{port} {host}")).unwrap();
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
             StrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\n\
             AllowTcpForwarding yes\n",
            at("host"),
            at("authorized")
        );
        std::fs::write(dir.path().join("config"), config).unwrap();
        let child = Command::new(server)
            .args(["-D", "-e", "-f", &at("config")])
            .stderr(std::fs::File::create(dir.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let server = Self { child, port, dir };
        let clock = SystemClock::new();
        let end = clock.monotonic() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = std::fs::read_to_string(server.dir.path().join("log")).unwrap();
            assert!(clock.monotonic() < end, "the ssh server does not start: {log}");
            thread::yield_now();
        }
        Some(server)
    }

    fn destination() -> String {
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        format!("{}@127.0.0.1", String::from_utf8(user).unwrap().trim())
    }

    /// What ssh needs to know of it.
    fn args(&self) -> Vec<String> {
        let at = |name: &str| self.dir.path().join(name).display().to_string();
        let (port, known) = (self.port.to_string(), at("known"));
        let args = ["-F", "none", "-p", &port, "-i", &at("user"), "-oIdentitiesOnly=yes"];
        let known = format!("-oUserKnownHostsFile={known}");
        args.into_iter().map(str::to_owned).chain([known]).collect()
    }

    /// The config of a tunnel to it whose far end is this port.
    fn tunnel(&self, remote: u16) -> String {
        format!(
            "[tunnel]\ndestination = {:?}\nremote = \"127.0.0.1:{remote}\"\n\
             public_url = \"http://127.0.0.1:{remote}\"\nregister = \"never\"\nargs = {:?}\n",
            Self::destination(),
            self.args()
        )
    }

    /// The same as the screen starts it, where the person is to be asked about Meta.
    pub(crate) fn asking(&self, remote: u16) -> TunnelConfig {
        TunnelConfig {
            kind: Kind::Ssh,
            public_url: Some(format!("http://127.0.0.1:{remote}").parse().unwrap()),
            destination: Some(Self::destination()),
            remote: format!("127.0.0.1:{remote}"),
            command: None,
            args: self.args(),
            guard: PathBuf::from(env!("CARGO_BIN_EXE_twoticks")),
            withheld: Vec::new(),
            proving: Proving::default(),
            register: Some(Consent::Remembered),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn message(id: &str, text: &str) -> String {
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"messages","value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"1","phone_number_id":"{NUMBER}"}},"contacts":[{{"profile":{{"name":"Ana"}},"wa_id":"15551230001"}}],"messages":[{{"from":"15551230001","id":"wamid.{id}","timestamp":"1750030073","type":"text","text":{{"body":"{text}"}}}}]}}}}]}}]}}"#
    )
}

#[track_caller]
fn deliver(port: u16, body: &str) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = post(body.as_bytes(), &sign(body.as_bytes()));
    std::io::Write::write_all(&mut stream, &request).unwrap();
    assert_eq!(status(&read_all(&mut stream)), 200);
}

#[test]
fn events_come_in_through_ssh_which_comes_back_when_killed_and_goes_when_we_are() {
    let Some(server) = Server::start() else { return };
    let home = tempfile::tempdir().unwrap();
    let remote = free_port();
    let config = config_text("") + &server.tunnel(remote);
    let mut listen = Listen::start(home.path(), &config, home.path(), &["--tunnel", "ssh"]);
    let ok = listen.until(&["tunnel: ssh ok"]);
    assert!(
        ok.contains(&format!("http://127.0.0.1:{remote}/webhook")) && ok.contains(" ms"),
        "{ok}"
    );
    deliver(remote, &message("1", "through the tunnel"));
    listen.until(&["through the tunnel"]);

    let clock = SystemClock::new();
    let mark = format!("127.0.0.1:{remote}:127.0.0.1:");
    let took = [0, 1].map(|_| {
        let killed = clock.monotonic();
        // The guard has the same words in its line.
        let is_ssh = |id: &u32| {
            std::fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name == "ssh\n")
        };
        let tool = processes(&mark).into_iter().find(is_ssh).unwrap();
        signal_to(tool, Signal::KILL);
        listen.until(&["tunnel: ssh down"]);
        listen.until(&["tunnel: ssh ok"]);
        clock.monotonic().since(killed)
    });
    // One of two: the machine may be busy with other things once.
    assert!(took.iter().min().unwrap() <= &BACK_WITHIN, "{took:?}");
    deliver(remote, &message("2", "and again"));
    listen.until(&["and again"]);
    let read = ReadConn::open(&home.path().join("data/twoticks.db")).unwrap();
    assert_eq!(event::events(&read, None, 10).unwrap().len(), 2, "self-tests are not kept");

    signal_to(listen.child.id(), Signal::KILL);
    until_none(&mark);
}

#[test]
fn a_tunnel_ends_with_the_program() {
    let Some(server) = Server::start() else { return };
    let home = tempfile::tempdir().unwrap();
    let remote = free_port();
    let config = config_text("") + &server.tunnel(remote);
    let mut listen = Listen::start(home.path(), &config, home.path(), &["--tunnel", "ssh"]);
    listen.until(&["tunnel: ssh ok"]);
    signal_to(listen.child.id(), Signal::TERM);
    assert_eq!(listen.child.wait().unwrap().code(), Some(130));
    assert_eq!(processes(&format!("127.0.0.1:{remote}:127.0.0.1:")), [0; 0]);
}

#[test]
fn ssh_says_why_it_cannot_and_what_helps() {
    let Some(server) = Server::start() else { return };
    let home = tempfile::tempdir().unwrap();
    std::fs::write(server.dir.path().join("authorized"), "").unwrap();
    let config = config_text("") + &server.tunnel(free_port());
    let mut listen = Listen::start(home.path(), &config, home.path(), &["--tunnel", "ssh"]);
    listen.until(&["tunnel: ssh down: ssh ended with code 255", "Permission denied", "ssh-add -l"]);
}

/// What cloudflared prints, with an address that changes with each start.
const CLOUDFLARED: &str = r#"
echo "$@" >> args; env >> env
n=$(wc -l < args)
say() { echo "2025-05-28T14:03:52Z INF $1" >&2; }
say "Thank you for trying Cloudflare Tunnel. [...] the Cloudflare Online Services Terms of Use (https://www.cloudflare.com/website-terms/), [...] following: https://developers.cloudflare.com/cloudflare-one/connections/connect-apps"
say "Requesting new quick Tunnel on trycloudflare.com..."
if [ "$n" = 2 ]; then
    echo '2025-05-28T14:03:52Z ERR Error requesting new quick Tunnel error="failed to request quick Tunnel: 429 Too Many Requests"' >&2
    exit 1
fi
say "+--------------------------------------------------------------------------------------------+"
say "|  Your quick Tunnel has been created! Visit it at (it may take some time to be reachable):  |"
say "|  https://start-$n.invalid.trycloudflare.com                                                 |"
say "+--------------------------------------------------------------------------------------------+"
if [ "$n" = 1 ]; then exit 3; fi
say "|  https://changed.invalid.trycloudflare.com                                                 |"
exec cat
"#;

#[test]
fn cloudflared_dies_is_refused_and_changes_its_address() {
    let home = tempfile::tempdir().unwrap();
    let tools = home.path().join("tools");
    std::fs::create_dir(&tools).unwrap();
    let body = CLOUDFLARED.replacen('\n', &format!("\ncd '{}'\n", home.path().display()), 1);
    script(&tools, "cloudflared", &body);
    let config =
        config_text("token = \"env:WHATSAPP_TOKEN\"\n") + "[tunnel]\nkind = \"cloudflared\"\n";
    let mut listen = Listen::start(home.path(), &config, &tools, &[]);
    listen.until(&["tunnel: cloudflared down: cloudflared ended with code 3"]);
    listen.until(&["down: cloudflared ended with code 1", "429", "wait some minutes"]);
    listen.until(&["cloudflared gives https://changed.invalid.trycloudflare.com/webhook"]);
    let args = std::fs::read_to_string(home.path().join("args")).unwrap();
    assert!(args.starts_with("tunnel --no-autoupdate --url http://127.0.0.1:"), "{args}");
    let env = std::fs::read_to_string(home.path().join("env")).unwrap();
    assert!(!env.contains("not for tools") && !env.contains("TWOTICKS_"), "{env}");
}

#[test]
fn ngrok_prints_its_address_and_what_it_lacks() {
    let home = tempfile::tempdir().unwrap();
    let tools = home.path().join("tools");
    std::fs::create_dir(&tools).unwrap();
    let first = tools.join("first");
    script(
        &tools,
        "ngrok",
        &format!(
            "if ! [ -e '{0}' ]; then : > '{0}'\n\
             echo 'ERROR:  authentication failed: Usage of ngrok requires a verified account and authtoken.' >&2\n\
             echo 'ERROR:  ERR_NGROK_4018' >&2; exit 1; fi\n\
             echo 't=2026-08-10T07:20:40+0000 lvl=info msg=\"starting web service\" obj=web addr=127.0.0.1:4040 allow_hosts=[]'\n\
             echo 't=2026-08-10T07:20:40+0000 lvl=info msg=\"started tunnel\" obj=tunnels name=command_line addr=http://localhost:8501 url=https://stop.invalid'\n\
             exec cat",
            first.display()
        ),
    );
    let mut listen = Listen::start(home.path(), &config_text(""), &tools, &["--tunnel", "ngrok"]);
    listen.until(&["tunnel: ngrok down", "ngrok config add-authtoken TOKEN"]);
    listen.until(&["tunnel: ngrok gives https://stop.invalid/webhook"]);
}

#[test]
fn a_tool_that_is_not_there_is_named_with_what_installs_it() {
    let home = tempfile::tempdir().unwrap();
    let mut listen =
        Listen::start(home.path(), &config_text(""), home.path(), &["--tunnel", "cloudflared"]);
    listen.until(&["tunnel: cloudflared down: cloudflared is not installed: brew install"]);
    let wrong = twoticks(home.path(), &["listen", "--tunnel", "ssh"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("tunnel.destination"), "{wrong:?}");
}

/// The services with a tunnel that is quick to lose its patience.
struct Desk {
    services: Services,
    home: tempfile::TempDir,
}

impl Desk {
    fn start(command: &str) -> Self {
        Self::telling(command, None)
    }

    /// One that tells Meta, which is on this port, of its address.
    fn telling(command: &str, meta: Option<u16>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let account = AccountConfig {
            name: "shop".to_owned(),
            phone_number_id: PhoneNumberId::new(NUMBER),
            waba_id: None,
            app_id: None,
            display_number: None,
            token: meta.map(|_port| SecretString::from("token")),
            app_secrets: vec![SecretString::from(SECRET)],
            verify_tokens: vec![SecretString::from("verify")],
        };
        let second = Duration::from_secs(1);
        let config = ServiceConfig {
            data_dir: home.path().to_owned(),
            database: home.path().join("twoticks.db"),
            accounts: vec![account],
            api: ApiConfig {
                base_url: format!("http://127.0.0.1:{}", meta.unwrap_or(9)),
                connect_timeout: second,
                timeout: second,
            },
            listener: ListenerConfig {
                enabled: true,
                address: SocketAddr::from(([127, 0, 0, 1], 0)),
                path: "/webhook".to_owned(),
                limits: Limits::default(),
            },
            keep: Keep::default(),
            sender: Policy::default(),
            rules: Rules::default(),
        };
        let tunnel = TunnelConfig {
            kind: Kind::Command,
            public_url: None,
            destination: None,
            remote: String::new(),
            command: Some(command.replace("{home}", home.path().to_str().unwrap())),
            args: Vec::new(),
            guard: PathBuf::from(env!("CARGO_BIN_EXE_twoticks")),
            withheld: Vec::new(),
            proving: Proving {
                address: second * 2,
                answer: second * 2,
                every: Duration::from_millis(50),
                again: Duration::from_millis(50),
                patience: second,
                silence: second,
            },
            register: meta.map(|_port| Consent::At(Level::Number)),
        };
        let clock = Arc::new(SystemClock::new());
        let mut services =
            Services::start(config, clock, Arc::new(|panic| panic!("{panic:?}"))).unwrap();
        services.set_tunnel(Some(tunnel));
        services.start_net().unwrap();
        Self { services, home }
    }

    #[track_caller]
    fn until(&self, what: &str, is: impl Fn(&Health) -> bool) -> Health {
        let news = self.services.bus().watch();
        loop {
            let health = self.services.health();
            if is(&health) {
                return health;
            }
            let heard = news.wait(Some(PATIENCE));
            assert!(!heard.is_empty(), "never {what}: {:?}", health.tunnel);
        }
    }
}

#[test]
fn a_tool_that_hangs_without_an_address_is_started_anew() {
    let desk = Desk::start(
        "if mkdir {home}/first || mkdir {home}/second; then echo waiting for a licence; exec cat; \
         else echo http://127.0.0.1:{port}; exec cat; fi",
    );
    // It never said what the tool waits for.
    desk.until("down", |health| {
        let has = |why: &str| why.contains("waiting for a licence; it has to print one");
        matches!(&health.tunnel.condition, Condition::Down(why) if has(why))
    });
    let health = desk.until("up", |health| health.tunnel.condition == Condition::Up);
    assert_eq!(health.tunnel.restarts, 2);
    assert!(health.tunnel.round_trip.is_some());
}

/// Passes on what a client sends, and the answers.
fn pass(client: TcpStream, there: &str) -> (TcpStream, TcpStream) {
    let inside = TcpStream::connect(there).unwrap();
    for (mut from, mut to) in [
        (client.try_clone().unwrap(), inside.try_clone().unwrap()),
        (inside.try_clone().unwrap(), client.try_clone().unwrap()),
    ] {
        thread::Builder::new()
            .name("pass".to_owned())
            .spawn(move || {
                std::io::copy(&mut from, &mut to).ok();
                to.shutdown(std::net::Shutdown::Write).ok();
            })
            .unwrap();
    }
    (client, inside)
}

#[test]
fn the_new_address_of_a_command_was_ignored() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let entrance = format!("http://{}", proxy.local_addr().unwrap());
    let places = Arc::new(Mutex::new(Places::default()));
    let meta = Arc::clone(&places);
    let port = serve(move |asked| meta.lock().unwrap().answer(asked));
    let desk = Desk::telling(
        &format!(
            "mkfifo {{home}}/go; echo {entrance}; read go < {{home}}/go; \
             echo moved to http://127.0.0.1:{{port}}; exec cat"
        ),
        Some(port),
    );
    let health = desk.until("listening", |health| health.listener_address.is_some());
    let listener = health.listener_address.unwrap();
    let (open, there) = (Arc::new(AtomicBool::new(true)), listener.clone());
    let is_open = Arc::clone(&open);
    thread::Builder::new()
        .name("proxy".to_owned())
        .spawn(move || {
            for client in proxy.incoming().flatten() {
                if is_open.load(Ordering::SeqCst) {
                    pass(client, &there);
                }
            }
        })
        .unwrap();
    let leads = |health: &Health, to: &str| {
        health.tunnel.condition == Condition::Up
            && health.tunnel.url.as_ref().is_some_and(|url| url.contains(to))
            && matches!(health.tunnel.registration, Registration::Registered { .. })
    };
    desk.until("up", |health| leads(health, &entrance));

    // Both lead here: what the tool printed later may be a stranger's, who passes our questions on.
    std::fs::write(desk.home.path().join("go"), "\n").unwrap();
    until_proved_again(&desk.home.path().join("twoticks.db"), 5);
    assert!(leads(&desk.services.health(), &entrance));
    assert_eq!(places.lock().unwrap().told, 1);

    open.store(false, Ordering::SeqCst);
    let moved = desk.until("moved", |health| leads(health, &listener));
    assert_eq!((moved.tunnel.restarts, places.lock().unwrap().told), (0, 2));
}

#[test]
fn a_tunnel_that_goes_silent_is_started_anew() {
    // The first one leads to the listener at first, and then to somebody who never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = silent.local_addr().unwrap().port();
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let entrance = proxy.local_addr().unwrap().port();
    let desk = Desk::start(&format!(
        "if mkdir {{home}}/first; then echo http://127.0.0.1:{entrance}; \
         else echo http://127.0.0.1:{{port}}; fi; exec cat"
    ));
    let health = desk.until("listening", |health| health.listener_address.is_some());
    let listener = health.listener_address.unwrap();
    // Three requests get through, the rest is held and never answered.
    thread::Builder::new()
        .name("proxy".to_owned())
        .spawn(move || {
            let mut held = Vec::new();
            for (count, client) in proxy.incoming().flatten().enumerate() {
                let there =
                    if count < 3 { listener.clone() } else { format!("127.0.0.1:{nowhere}") };
                held.push(pass(client, &there));
            }
        })
        .unwrap();
    desk.until("up", |health| health.tunnel.condition == Condition::Up);
    let down = desk.until("down", |health| matches!(health.tunnel.condition, Condition::Down(_)));
    assert_eq!(down.tunnel.round_trip, None);
    let again = desk.until("up again", |health| {
        health.tunnel.condition == Condition::Up && health.tunnel.restarts > 0
    });
    assert!(again.tunnel.url.unwrap().contains(&again.listener_address.unwrap()));
    drop(silent);
}

/// Waits until the tunnel was proved so often again.
#[track_caller]
fn until_proved_again(database: &Path, times: usize) {
    let clock = SystemClock::new();
    let read = ReadConn::open(database).unwrap();
    let proved = || callback::running(&read, clock.now()).unwrap().map(|address| address.proved_at);
    for _ in 0..times {
        let (last, end) = (proved(), clock.monotonic() + PATIENCE);
        while proved() == last {
            assert!(clock.monotonic() < end, "no proof more");
            thread::yield_now();
        }
    }
}

#[test]
fn meta_was_told_again_with_every_proof_although_it_had_refused() {
    let places = Arc::new(Mutex::new(Places { refuses: Some(200), ..Places::default() }));
    let meta = Arc::clone(&places);
    let port = serve(move |asked| meta.lock().unwrap().answer(asked));
    let desk = Desk::telling("echo http://127.0.0.1:{port}; exec cat", Some(port));
    desk.until("refused", |health| {
        matches!(&health.tunnel.registration, Registration::Trouble(why) if why.contains("200"))
    });
    let (clock, database) = (SystemClock::new(), desk.home.path().join("twoticks.db"));
    until_proved_again(&database, 5);
    let read = ReadConn::open(&database).unwrap();
    assert_eq!(places.lock().unwrap().told, 1);

    // A person's word is a reason to ask again.
    places.lock().unwrap().refuses = None;
    let mut store = WriteConn::open(&database, clock.now()).unwrap();
    let word =
        Change { deed: Deed::Set, level: Level::Number, old: None, new: None, at: clock.now() };
    let account = account::accounts(&read).unwrap().remove(0).id;
    store.write(|tx| callback::note_change(tx, account, &word)).unwrap();
    desk.until("registered", |health| {
        matches!(health.tunnel.registration, Registration::Registered { .. })
    });
}

#[test]
fn what_the_tool_started_goes_with_it() {
    let mark = format!("tunnel-test-{}", std::process::id());
    let desk = Desk::start(&format!(
        "sh -c 'trap \"\" TERM HUP; echo http://127.0.0.1:{{port}}; cat; : {mark}' & sh -c 'cat; : {mark}'; wait"
    ));
    desk.until("up", |health| health.tunnel.condition == Condition::Up);
    assert!(processes(&mark).len() >= 2);
    desk.services.stop();
    until_none(&mark);
}

#[test]
fn the_status_bar_says_how_the_tunnel_does() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("c.toml");
    let mut config = config_text("");
    write!(
        config,
        "[tunnel]\nkind = \"command\"\ncommand = \"echo http://127.0.0.1:{{port}}; exec cat\"\n"
    )
    .unwrap();
    write_private(&file, &config);
    let inbox = Terminal::start(home.path(), &["--config", file.to_str().unwrap()], &[]);
    inbox.resize(140, 30);
    inbox.until_text("tunnel command ok");
    inbox.signal(Signal::TERM);
    assert_eq!(inbox.end(), 130);
}

/// What `twoticks webhook` prints, and that it succeeds.
#[track_caller]
fn webhook(home: &Path, args: &[&str]) -> String {
    let file = home.join("c.toml");
    let line = [&["--config", file.to_str().unwrap(), "webhook"], args].concat();
    let output = twoticks(home, &line).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn meta_is_told_of_a_new_address_once_the_person_said_so_and_of_the_old_one_when_asked() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let file = home.join("c.toml");
    let written = file.to_str().unwrap();
    let _sim = Running::start(home, &["sim", "--write-config", written]);
    let config = std::fs::read_to_string(&file).unwrap();
    let old = config.lines().find_map(|line| line.strip_prefix("port = ")).unwrap().to_owned();
    let listen = |port: u16| {
        std::fs::remove_file(&file).unwrap();
        let tunnel =
            "[tunnel]\nkind = \"command\"\ncommand = \"echo http://127.0.0.1:{port}; cat\"\n";
        let config = config.replace(&format!("port = {old}"), &format!("port = {port}"));
        Listen::start(home, &(config + tunnel), home, &[])
    };
    let effective = |what: &str| {
        let shown = webhook(home, &["show", "--json"]);
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        shown[what].as_str().map(str::to_owned)
    };
    let address = |port: &str| Some(format!("http://127.0.0.1:{port}/webhook"));

    let first = free_port();
    let mut running = listen(first);
    running
        .until(&[&format!("tunnel: Meta posts to http://127.0.0.1:{old}/webhook; to change that")]);
    assert_eq!(effective("tunnel"), address(&first.to_string()));
    webhook(home, &["set", "--yes"]);
    running.until(&["tunnel: Meta posts there"]);
    assert_eq!(effective("number"), address(&first.to_string()));
    let say = ["--config", written, "sim", "say", "+15551230001", "to the new address"];
    assert!(twoticks(home, &say).status().unwrap().success());
    running.until(&["to the new address"]);
    signal_to(running.child.id(), Signal::TERM);
    running.child.wait().unwrap();
    assert_eq!(effective("tunnel"), None, "no tunnel runs any more");

    let second = free_port();
    let mut running = listen(second);
    running.until(&["tunnel: Meta posts there"]);
    assert_eq!(effective("number"), address(&second.to_string()));
    webhook(home, &["put-back"]);
    assert_eq!((effective("number"), effective("app")), (None, address(&old)));
}
