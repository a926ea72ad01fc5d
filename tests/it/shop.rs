//! A shop with a queue to send, its `twoticks listen` as a process of its own, and Meta as the simulator plays it:
//! for tests in which something befalls the process. What must hold after all of it is in [`Shop::verify`].

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde_json::Value;
use twoticks::clock::SystemClock;
use twoticks::domain::id::{AccountId, ConversationId, EventId, PhoneNumberId, WaId, WabaId};
use twoticks::domain::message::{Body, Media, MediaCopy, MediaKind, NewMessage, Priority};
use twoticks::domain::state::State;
use twoticks::domain::time::{Clock, Monotonic, Timestamp};
use twoticks::service::bell::Bell;
use twoticks::sim::{Delays, Sim, SimConfig, Strangers, World, WorldConfig};
use twoticks::store::account::NewAccount;
use twoticks::store::{ReadConn, WriteConn, check, event, message, outbox};

use crate::target::{post, read_all, sign_with, status};

/// Longer than any step takes on a slow machine; a step that takes longer hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// One message in so many has a file, which goes up before it.
const FILE_EVERY: usize = 5;

/// The file of all of them.
const FILE: &str = "media/out-menu.png";

/// Requests that may be under way at once: with each kill at most so many become uncertain.
pub(crate) const IN_FLIGHT: u32 = 32;

/// The machine's clock, moved forward at will, so that what Meta tries again in an hour comes now.
pub(crate) struct Ahead {
    pub(crate) system: SystemClock,
    pub(crate) by: AtomicI64,
}

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.system.now().millis() + self.by.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Monotonic {
        self.system.monotonic()
    }
}

/// See the module.
pub(crate) struct Shop {
    dir: tempfile::TempDir,
    clock: Arc<Ahead>,
    pub(crate) sim: Sim,
    store: WriteConn,
    account: AccountId,
    /// What was queued, and where.
    pub(crate) written: BTreeMap<String, ConversationId>,
    answered: Answered,
    port: u16,
    app_secret: String,
}

/// The webhooks that were answered 200, as the simulator's log has them.
#[derive(Default)]
struct Answered {
    next: u64,
    bodies: Vec<Value>,
}

impl Answered {
    /// Takes what came since the last time. The log keeps the latest 2,000.
    fn follow(&mut self, world: &World) {
        for entry in world.log_since(self.next) {
            let number = entry["number"].as_u64().expect("a number");
            assert!(self.next == 0 || number == self.next, "the log has let go of {}", self.next);
            self.next = number + 1;
            if entry["kind"] == "webhook" && entry["status"] == 200 {
                self.bodies.push(entry["request"].clone());
            }
        }
    }

    /// Those that are not in the store.
    fn lost<'a>(&'a self, stored: &BTreeSet<String>) -> Vec<&'a Value> {
        self.bodies.iter().filter(|body| !stored.contains(&body.to_string())).collect()
    }

    /// How far each message got by them.
    fn reached(&self) -> BTreeMap<String, usize> {
        let mut reached = BTreeMap::new();
        for body in &self.bodies {
            let statuses = body.pointer("/entry/0/changes/0/value/statuses");
            for status in statuses.and_then(Value::as_array).into_iter().flatten() {
                let far = FAR.iter().position(|state| status["status"] == state.name());
                let (wamid, far) = (status["id"].as_str().expect("an id"), far.expect("a state"));
                let known = reached.entry(wamid.to_owned()).or_insert(far);
                *known = far.max(*known);
            }
        }
        reached
    }
}

/// How far a message gets, in order.
const FAR: [State; 3] = [State::Sent, State::Delivered, State::Read];

/// The bodies of all webhooks in the store.
pub(crate) fn stored(read: &ReadConn) -> BTreeSet<String> {
    let mut bodies = BTreeSet::new();
    let mut after = EventId(0);
    loop {
        let page = event::events_after(read, after, 500).expect("events");
        let Some(last) = page.last() else { return bodies };
        after = last.id;
        for row in &page {
            let (_, body) = event::event(read, row.id).expect("event");
            let body: Value = serde_json::from_slice(&body).expect("JSON");
            bodies.insert(body.to_string());
        }
    }
}

/// A Meta that takes a thousand messages a second, and whose webhooks follow at once.
pub(crate) fn hasty() -> WorldConfig {
    let millis = |least, most| (Duration::from_millis(least), Duration::from_millis(most));
    WorldConfig {
        rate_per_second: 1_000,
        strangers: Strangers::WindowOpen,
        delays: Delays {
            sent: millis(0, 20),
            delivered: millis(0, 40),
            read: millis(0, 60),
            ..Delays::default()
        },
        ..WorldConfig::default()
    }
}

impl Shop {
    pub(crate) fn open() -> Self {
        let dir = tempfile::tempdir().expect("directory");
        let clock = Arc::new(Ahead { system: SystemClock::new(), by: AtomicI64::new(0) });
        let world = hasty();
        let (phone_number, waba) = (world.phone_number_id.clone(), world.waba_id.clone());
        let app_secret = world.app_secret.clone();
        let sim = Sim::start(SimConfig::default(), World::new(41, world.clone()), {
            let clock: Arc<dyn Clock> = Arc::clone(&clock) as _;
            clock
        })
        .expect("simulator");
        let port = free_port();
        sim.set_webhook(&format!("http://127.0.0.1:{port}/webhook")).expect("webhook");
        write_config(&dir.path().join("config.toml"), &sim.base_url(), port, &world);
        let data = dir.path().join("data");
        std::fs::create_dir_all(data.join("media")).expect("data directory");
        std::fs::write(data.join(FILE), b"pixels").expect("file");
        let mut store = WriteConn::open(&data.join("twoticks.db"), clock.now()).expect("store");
        let new = NewAccount {
            name: "shop".into(),
            phone_number: PhoneNumberId::new(phone_number),
            waba: Some(WabaId::new(waba)),
            display_number: Some(world.display_number.clone()),
        };
        let now = clock.now();
        let (account, _) = store
            .write(|tx| twoticks::store::account::upsert_account(tx, &new, now))
            .expect("account");
        let (written, answered) = (BTreeMap::new(), Answered::default());
        Self { dir, clock, sim, store, account, written, answered, port, app_secret }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.dir.path().join("data/twoticks.db")
    }

    /// Queues `count` texts, each different, each to somebody else. Some stand below a file, which is another
    /// one each time, as far as anybody can tell.
    pub(crate) fn write(&mut self, count: usize) {
        let (account, now, from) = (self.account, self.clock.now(), self.written.len());
        let (made, _) = self
            .store
            .write(|tx| {
                (from..from + count)
                    .map(|n| {
                        let number = WaId::new(format!("1555{n:06}7"));
                        let conversation = twoticks::store::conversation::begin_conversation(
                            tx, account, &number, now,
                        )?;
                        let text = format!("message number {n}");
                        let body = body(n, &text);
                        let priority = Priority::Person;
                        let new =
                            NewMessage { account, conversation, body, reply_to: None, priority };
                        outbox::enqueue(tx, &new, now)?;
                        Ok((text, conversation))
                    })
                    .collect::<Result<Vec<_>, _>>()
            })
            .expect("queue");
        self.written.extend(made);
        Bell::beside(&self.database()).ring();
    }

    pub(crate) fn start(&self) -> Reaped {
        self.start_with(&[])
    }

    /// Starts it with these variables.
    pub(crate) fn start_with(&self, variables: &[(&str, &Path)]) -> Reaped {
        let child = Command::new(env!("CARGO_BIN_EXE_twoticks"))
            .arg("--config")
            .arg(self.dir.path().join("config.toml"))
            .arg("listen")
            .env_clear()
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Reaped(child.expect("twoticks listen"))
    }

    /// Whether it listens, or begins to within the patience.
    pub(crate) fn is_heard(&self) -> bool {
        let end = self.clock.monotonic() + PATIENCE;
        while self.clock.monotonic() < end {
            if self.post(b"{}") == 200 {
                return true;
            }
        }
        false
    }

    /// Posts a webhook of the app and returns the answer's code; 0 when nobody answers.
    pub(crate) fn post(&self, body: &[u8]) -> u16 {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return 0 };
        stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
        // It may have answered and closed before it read all.
        stream.write_all(&post(body, &sign_with(&self.app_secret, body))).ok();
        status(&read_all(&mut stream))
    }

    /// Messages whose request was under way: each is uncertain to whoever starts next.
    pub(crate) fn sending(&self) -> u32 {
        let read = ReadConn::open(&self.database()).expect("store");
        outbox::queue_counts(&read, self.account).expect("counts").sending
    }

    pub(crate) fn queued(&self) -> u32 {
        let read = ReadConn::open(&self.database()).expect("store");
        outbox::queue_counts(&read, self.account).expect("counts").queued
    }

    /// Waits until Meta has accepted so many messages, and takes note of every webhook meanwhile: those that were
    /// refused while the process was dead come in thousands, and the simulator's log lets go of what is old.
    pub(crate) fn reach(&mut self, goal: u64) -> bool {
        let answered = &mut self.answered;
        self.sim.wait_until(PATIENCE, |world| {
            answered.follow(world);
            world.counts().accepted >= goal
        })
    }

    /// Takes note of the webhooks that were answered so far.
    pub(crate) fn follow(&mut self) {
        self.sim.with_world(|world| self.answered.follow(world));
    }

    pub(crate) fn accepted(&self) -> u64 {
        self.sim.with_world(|world| world.counts().accepted)
    }

    /// How often Meta accepted each text.
    fn acceptances(&self) -> BTreeMap<String, usize> {
        self.sim.with_world(|world| {
            let mut seen = BTreeMap::new();
            for accepted in world.accepted() {
                let body = &accepted.body;
                let text = body.pointer("/text/body").or_else(|| body.pointer("/image/caption"));
                let text = text.and_then(|text| text.as_str()).expect("a text").to_owned();
                *seen.entry(text).or_insert(0) += 1;
            }
            seen
        })
    }

    /// Waits until the process has sent what was queued and heard everything. How long that takes depends on how much
    /// there is, so it is given up only when nothing happens any more.
    pub(crate) fn settle(&mut self) {
        let read = ReadConn::open(&self.database()).expect("store");
        let (sim, answered, account) = (&self.sim, &mut self.answered, self.account);
        let queue = || outbox::queue_counts(&read, account).expect("counts");
        let is_empty = || queue().queued + queue().sending == 0;
        loop {
            let before = sim.with_world(|world| world.counts().accepted);
            let moved = sim.wait_until(PATIENCE, |world| {
                answered.follow(world);
                world.counts().accepted > before || is_empty()
            });
            assert!(moved, "the queue does not empty: {:?}", queue());
            if is_empty() {
                break;
            }
        }
        // Webhooks refused while the process was dead are due again within the hour.
        self.clock.by.fetch_add(3_600_000, Ordering::SeqCst);
        sim.tick();
        loop {
            let before = sim.with_world(|world| world.counts().posted);
            let moved = sim.wait_until(PATIENCE, |world| {
                answered.follow(world);
                world.counts().posted > before || world.is_idle()
            });
            assert!(moved, "webhooks are still on their way");
            if sim.with_world(|world| world.is_idle()) {
                break;
            }
        }
    }

    /// Nothing is lost, nothing was accepted twice, and what is shown is what Meta did. At least so many customers
    /// were heard. Returns how many messages are uncertain.
    pub(crate) fn verify(&self, customers: usize) -> usize {
        let accepted = self.acceptances();
        let twice: Vec<_> = accepted.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "accepted more than once: {twice:?}");
        let read = ReadConn::open(&self.database()).expect("store");
        let mut stored = stored(&read);
        assert_eq!(self.answered.lost(&stored), [&Value::Null; 0], "answered 200 and not stored");
        let heard =
            self.answered.bodies.iter().filter(|body| body.to_string().contains("customer "));
        assert!(heard.count() >= customers, "each customer was heard");
        let reached = self.answered.reached();
        // The control: one that is not there is missed.
        stored.remove(&self.answered.bodies[0].to_string());
        assert!(!self.answered.lost(&stored).is_empty());
        let mut uncertain = 0;
        for (text, conversation) in &self.written {
            let rows = message::messages(
                &read,
                *conversation,
                twoticks::domain::page::MessagePage::Newest,
                10,
            )
            .expect("conversation");
            let ours: Vec<_> =
                rows.messages.iter().filter(|row| said(&row.body) == Some(text)).collect();
            let [one] = ours.as_slice() else {
                panic!("{text:?} is in the store {} times", ours.len())
            };
            match one.state {
                State::Uncertain => {
                    uncertain += 1;
                    assert!(
                        !accepted.contains_key(text),
                        "{text:?} was accepted, its status came, and it is still uncertain"
                    );
                }
                state => {
                    assert!(state.is_accepted(), "{text:?} ended as {}: {one:?}", state.name());
                    assert!(accepted.contains_key(text), "{text:?} is said to be {}", state.name());
                    let wamid = one.wamid.as_ref().map(ToString::to_string).unwrap_or_default();
                    let far = FAR.iter().position(|known| *known == state);
                    assert_eq!(far, reached.get(&wamid).copied(), "{text:?} is {}", state.name());
                }
            }
        }
        let findings = check::check(&read).expect("check");
        assert!(findings.is_empty(), "{findings:#?}");
        println!(
            "{} messages, {} accepted, {uncertain} uncertain, {} webhooks",
            self.written.len(),
            accepted.len(),
            self.answered.bodies.len()
        );
        uncertain
    }
}

fn body(n: usize, text: &str) -> Body {
    let text = text.to_owned();
    if !n.is_multiple_of(FILE_EVERY) {
        return Body::Text { text, preview_url: false };
    }
    let media = Media {
        kind: MediaKind::Image,
        id: None,
        url: None,
        mime_type: Some("image/png".to_owned()),
        sha256: Some(format!("{n:064x}")),
        file_name: Some("menu.png".to_owned()),
        voice: false,
        animated: false,
        copy: MediaCopy::Stored { path: FILE.to_owned(), size: 6 },
    };
    Body::Media { media, caption: Some(text) }
}

/// What a message of ours says.
fn said(body: &Body) -> Option<&str> {
    match body {
        Body::Text { text, .. } => Some(text),
        Body::Media { caption, .. } => caption.as_deref(),
        _ => None,
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    listener.local_addr().expect("address").port()
}

pub(crate) fn write_config(path: &Path, base_url: &str, port: u16, world: &WorldConfig) {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let text = format!(
        "data_dir = \"data\"\nbase_url = \"{base_url}\"\n\
         [listener]\nport = {port}\n\
         [sender]\nrate = 1000\nin_flight = {IN_FLIGHT}\n\
         [[account]]\nname = \"shop\"\nphone_number_id = \"{}\"\nwaba_id = \"{}\"\nnumber = \"{}\"\n\
         token = \"{}\"\napp_secret = \"{}\"\nverify_token = \"{}\"\n",
        world.phone_number_id,
        world.waba_id,
        world.display_number,
        world.token,
        world.app_secret,
        world.verify_token,
    );
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).expect("config");
    file.write_all(text.as_bytes()).expect("config");
}

/// A child that does not outlive the test, whatever becomes of it.
pub(crate) struct Reaped(pub(crate) Child);

impl Reaped {
    pub(crate) fn is_running(&mut self) -> bool {
        self.0.try_wait().expect("a child").is_none()
    }

    pub(crate) fn end(&mut self) {
        self.0.kill().expect("SIGKILL");
        self.0.wait().expect("wait");
    }
}

impl Drop for Reaped {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
