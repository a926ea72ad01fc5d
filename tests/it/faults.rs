//! The disk fails at the n-th write, sync or cut of a file, once or from there on for ever: while `twoticks listen`
//! works, and while `twoticks send` begins. The process stays, says what it did not store, and once the disk is
//! well again everything is there, without a restart.
//!
//! `FAULTS=2000 cargo test --test it faults` is the long form.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;
use serde_json::json;
use twoticks::sim::WorldConfig;
use twoticks::store::{ReadConn, check};

use crate::power::build_shim;
use crate::shop::{Shop, write_config};

/// Up to which call each in its turn fails.
fn most() -> u64 {
    std::env::var("FAULTS").map_or(200, |count| count.parse().expect("FAULTS is a number"))
}

/// What becomes of a call that fails.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Half is written, and then there is no room.
    FullHalfway,
    /// Nothing is written: an error of the device.
    Broken,
    /// Nothing is written, and that is not told.
    Forgetful,
}

/// A number that the library reads or writes, in the order of `struct faults`.
#[derive(Clone, Copy)]
enum Number {
    Countdown,
    ForEver,
    Kind,
    Calls,
    Failed,
}

/// The disk of the processes that the library is preloaded into.
struct Disk {
    file: File,
    path: PathBuf,
    library: PathBuf,
    _dir: tempfile::TempDir,
}

impl Disk {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("directory");
        let (library, path) = (build_shim(dir.path()), dir.path().join("faults"));
        std::fs::write(&path, [0; 5 * 8]).expect("numbers");
        let file = File::options().read(true).write(true).open(&path).expect("numbers");
        Self { file, path, library, _dir: dir }
    }

    fn environment(&self) -> [(&str, &Path); 2] {
        [("LD_PRELOAD", &self.library), ("DISK_FAULTS", &self.path)]
    }

    fn set(&self, number: Number, value: u64) {
        self.file.write_all_at(&value.to_ne_bytes(), number as u64 * 8).expect("number");
    }

    fn get(&self, number: Number) -> u64 {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, number as u64 * 8).expect("number");
        u64::from_ne_bytes(bytes)
    }

    /// From now on the `nth` call fails.
    fn fail(&self, nth: u64, for_ever: bool, kind: Kind) {
        self.set(Number::Failed, 0);
        self.set(Number::ForEver, u64::from(for_ever));
        self.set(Number::Kind, kind as u64);
        self.set(Number::Countdown, nth);
    }

    fn heal(&self) {
        self.set(Number::Countdown, 0);
    }

    fn has_failed(&self) -> bool {
        self.get(Number::Failed) > 0
    }
}

/// A customer's message as Meta posts it, or something that nobody understands.
fn webhook(number: usize) -> Vec<u8> {
    if number % 4 == 3 {
        return format!("{{\"fault\":{number},\"text\":\"{}\"}}", "x".repeat(6_000)).into_bytes();
    }
    let (from, world) = (format!("1777{:06}7", number % 50), WorldConfig::default());
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": world.display_number,
            "phone_number_id": world.phone_number_id,
        },
        "contacts": [{"profile": {"name": "Ana"}, "wa_id": from}],
        "messages": [{
            "from": from, "id": format!("wamid.FAULT{number}"), "timestamp": "1800000000",
            "type": "text", "text": {"body": format!("fault {number}")},
        }],
    });
    let changes = json!([{"field": "messages", "value": value}]);
    let body = json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": world.waba_id, "changes": changes}],
    });
    body.to_string().into_bytes()
}

/// How often the store has each webhook of ours, or why that cannot be told.
fn copies(database: &Path, bodies: &[Vec<u8>]) -> Result<Vec<u32>, rusqlite::Error> {
    let conn = Connection::open(database)?;
    let mut query = conn.prepare("SELECT count(*) FROM event_body WHERE body = ?1")?;
    bodies.iter().map(|body| query.query_row([body], |row| row.get(0))).collect()
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the library is preloaded as Linux does it")]
fn whichever_call_fails_once_or_for_ever_nothing_is_promised_that_is_not_kept() {
    let (disk, mut shop) = (Disk::new(), Shop::open());
    let mut process = shop.start_with(&disk.environment());
    assert!(shop.is_heard());
    let (mut bodies, mut refusals) = (Vec::new(), 0);
    for nth in 1..=most() {
        for for_ever in [false, true] {
            // What the sender does falls between the webhooks, wherever that is.
            shop.write(1);
            let kind = if nth % 2 == 0 { Kind::FullHalfway } else { Kind::Broken };
            disk.fail(nth, for_ever, kind);
            let (first, mut refused) = (bodies.len(), Vec::new());
            while !disk.has_failed() {
                bodies.push(webhook(bodies.len()));
                match shop.post(bodies.last().expect("a body")) {
                    200 => {}
                    503 => refused.push(bodies.len() - 1),
                    other => panic!("call {nth}: answered {other}"),
                }
                assert!(bodies.len() - first < 500, "call {nth} never came");
            }
            if for_ever {
                for _ in 0..2 {
                    bodies.push(webhook(bodies.len()));
                    let answer = shop.post(bodies.last().expect("a body"));
                    assert_eq!(answer, 503, "call {nth}: nothing can be written");
                    refused.push(bodies.len() - 1);
                }
            }
            disk.heal();
            let stored = copies(&shop.database(), &bodies[first..]).expect("a sound store");
            for (number, times) in (first..).zip(stored) {
                let due = u32::from(!refused.contains(&number));
                assert_eq!(times, due, "call {nth}, for ever {for_ever}: webhook {number}");
            }
            for number in &refused {
                let answer = shop.post(&bodies[*number]);
                assert_eq!(answer, 200, "call {nth}, for ever {for_ever}: the disk is well again");
            }
            refusals += refused.len();
            shop.follow();
        }
        assert!(process.is_running(), "it ended at call {nth}");
    }
    shop.settle();
    assert!(process.is_running());
    process.end();
    let stored = copies(&shop.database(), &bodies).expect("a sound store");
    assert!(stored.iter().all(|times| *times == 1), "each once: {stored:?}");
    let conn = Connection::open(shop.database()).expect("store");
    let count = "SELECT count(*), count(DISTINCT text) FROM message WHERE text GLOB 'fault *'";
    let counts = conn.query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?)));
    let messages = (0..bodies.len()).filter(|number| number % 4 != 3).count();
    let messages = u32::try_from(messages).expect("a count");
    assert_eq!(counts, Ok((messages, messages)), "each webhook is applied");
    assert_eq!(shop.verify(0), 0, "it lived, so it knows of each message what became of it");
    println!("{} webhooks, {refusals} refused, {} calls", bodies.len(), disk.get(Number::Calls));
}

/// The test above sees what it looks for: a disk that forgets what it says it wrote.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the library is preloaded as Linux does it")]
fn a_disk_that_lies_is_seen_to_lose_what_was_promised() {
    let (disk, shop) = (Disk::new(), Shop::open());
    let mut process = shop.start_with(&disk.environment());
    assert!(shop.is_heard());
    disk.fail(1, true, Kind::Forgetful);
    let bodies: Vec<_> = (0..20).map(webhook).collect();
    let answered: Vec<_> = bodies.iter().filter(|body| shop.post(body) == 200).cloned().collect();
    assert!(!answered.is_empty(), "it believes its disk");
    process.end();
    let stored = copies(&shop.database(), &answered);
    assert!(stored.is_ok_and(|times| times.contains(&0)) || damaged(&shop.database()));
}

/// Whether it can be seen that the file is damaged.
fn damaged(database: &Path) -> bool {
    ReadConn::open(database)
        .and_then(|read| check::check(&read))
        .map_or(true, |found| !found.is_empty())
}

/// Writes a text for later on the shell.
fn send(home: &Path, text: &str, environment: &[(&str, &Path)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twoticks"));
    command.arg("--config").arg(home.join("config.toml"));
    command.args(["send", "+15551230001", text, "--at", "+1h"]);
    command.env_clear().env("HOME", home).envs(environment.iter().copied());
    command.stdin(Stdio::null()).output().expect("twoticks send")
}

/// Messages with this text. None without a store.
fn times(home: &Path, text: &str) -> u32 {
    let Ok(conn) = Connection::open(home.join("data/twoticks.db")) else { return 0 };
    let count = "SELECT count(*) FROM message WHERE text = ?1";
    // There may be no table yet.
    conn.query_row(count, [text], |row| row.get(0)).unwrap_or(0)
}

/// A home with a config and no data.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("directory");
    let world = WorldConfig::default();
    write_config(&home.path().join("config.toml"), "http://127.0.0.1:9", 0, &world);
    home
}

/// A start at which the `nth` call fails: what it says is so, and the next start goes on. Returns whether it failed.
fn begin(disk: &Disk, home: &Path, nth: u64, for_ever: bool) -> bool {
    let text = format!("text {nth} {for_ever}");
    let kind = if nth.is_multiple_of(2) { Kind::FullHalfway } else { Kind::Broken };
    disk.fail(nth, for_ever, kind);
    let sent = send(home, &text, &disk.environment());
    let failed = disk.has_failed();
    disk.heal();
    let said = String::from_utf8_lossy(&sent.stderr);
    let stored = times(home, &text);
    match sent.status.code() {
        Some(0) => assert_eq!(stored, 1, "call {nth}: {said}"),
        Some(1) => {
            assert!(failed, "call {nth}: {said}");
            // A sync that fails leaves what it was for in the log.
            let may_be = stored == 1 && said.contains("error: the message may be stored or not");
            assert!(stored == 0 || may_be, "call {nth}: {said}");
            assert!(said.contains("error: "), "call {nth}: {said}");
        }
        code => panic!("call {nth}: {code:?}: {said}"),
    }
    let sent = send(home, &format!("{text} again"), &[]);
    assert!(sent.status.success(), "call {nth}: {}", String::from_utf8_lossy(&sent.stderr));
    assert_eq!(times(home, &text), stored, "call {nth}");
    assert_eq!(times(home, &format!("{text} again")), 1, "call {nth}");
    failed
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the library is preloaded as Linux does it")]
fn whichever_call_of_a_start_fails_the_next_start_finds_all_that_was_promised() {
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let (disk, kept) = (Disk::new(), home());
                assert!(send(kept.path(), "first", &[]).status.success());
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let (nth, for_ever) = (number / 2 + 1, number % 2 == 1);
                    if nth > most() / 2 {
                        break;
                    }
                    begin(&disk, kept.path(), nth, for_ever);
                    // A new store takes far more calls, of which many are alike.
                    let new = home();
                    begin(&disk, new.path(), nth * 6, for_ever);
                    assert!(!damaged(&new.path().join("data/twoticks.db")), "call {nth}");
                }
                assert!(!damaged(&kept.path().join("data/twoticks.db")));
            });
        }
    });
}
