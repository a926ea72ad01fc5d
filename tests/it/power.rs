//! The power is cut while webhooks come in. What a process writes and syncs is written down by a library
//! preloaded into it; disks are made of that as they may look after a cut at any step: what was synced is
//! there, of the rest each write is there, or not, or in part. On none of them may a webhook be missing that
//! was answered 200 by then.
//!
//! Not modelled: a disk that lies about its syncs, and a directory that forgets its newest files.
//! `CUTS=20000 cargo test --test it power` is the long form.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use rusqlite::Connection;

use crate::target::{SECRET, Target, config_text};

/// Threads that post, and what each of them posts.
const POSTERS: usize = 8;
const POSTS: usize = 25;

fn cuts() -> usize {
    std::env::var("CUTS").map_or(400, |count| count.parse().expect("CUTS is a number"))
}

/// A step of the process, and how long the notes were with it.
struct Step {
    what: u8,
    file: usize,
    at: usize,
    bytes: Vec<u8>,
    end: u64,
}

/// A file on the disk: what is surely there, and what was written since the last sync.
#[derive(Default)]
struct Disk {
    synced: Vec<u8>,
    pending: Vec<(u8, usize, Vec<u8>)>,
}

fn put(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if file.len() < at + bytes.len() {
        file.resize(at + bytes.len(), 0);
    }
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

impl Disk {
    fn sync(&mut self) {
        for (what, at, bytes) in self.pending.drain(..) {
            match what {
                b't' => self.synced.resize(at, 0),
                _ => put(&mut self.synced, at, &bytes),
            }
        }
    }

    /// How it may look when the power goes now.
    fn cut(&self, mut dice: impl FnMut(u64) -> u64) -> Vec<u8> {
        let mut file = self.synced.clone();
        for (what, at, bytes) in &self.pending {
            match (what, dice(3)) {
                (_, 0) => {}
                (b't', _) => file.resize(*at, 0),
                (_, 1) => put(&mut file, *at, bytes),
                _ => {
                    for (number, sector) in bytes.chunks(512).enumerate() {
                        if dice(2) == 0 {
                            put(&mut file, at + number * 512, sector);
                        }
                    }
                }
            }
        }
        file
    }
}

/// The library that is preloaded.
pub(crate) fn build_shim(dir: &Path) -> PathBuf {
    let (source, library) = (dir.join("shim.c"), dir.join("shim.so"));
    std::fs::write(&source, include_str!("power/shim.c")).expect("source");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .output()
        .expect("cc, which SQLite is built with as well");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    library
}

fn read_notes(path: &Path) -> Vec<Step> {
    let notes = std::fs::read(path).expect("notes");
    let number = |at: usize, size: usize| {
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(&notes[at..at + size]);
        usize::try_from(u64::from_le_bytes(bytes)).expect("a size")
    };
    let (mut steps, mut at) = (Vec::new(), 0);
    while at + 14 <= notes.len() {
        let length = number(at + 10, 4);
        let end = at + 14 + length;
        let bytes = notes[at + 14..end].to_vec();
        steps.push(Step {
            what: notes[at],
            file: usize::from(notes[at + 1]) - 1,
            at: number(at + 2, 8),
            bytes,
            end: end as u64,
        });
        at = end;
    }
    steps
}

/// The bodies that the database still has, or what is wrong with it.
fn bodies(dir: &Path, disks: &[Vec<u8>; 2]) -> Result<BTreeSet<Vec<u8>>, rusqlite::Error> {
    let database = dir.join("cut.db");
    for (name, bytes) in ["cut.db", "cut.db-wal", "cut.db-shm"].iter().zip(disks) {
        std::fs::write(dir.join(name), bytes).expect("image");
    }
    std::fs::remove_file(dir.join("cut.db-shm")).ok();
    let conn = Connection::open(&database)?;
    let sound: String = conn.query_row("PRAGMA quick_check", [], |row| row.get(0))?;
    if sound != "ok" {
        return Err(rusqlite::Error::InvalidColumnName(sound));
    }
    let mut query = conn.prepare("SELECT body FROM event_body")?;
    query.query_map([], |row| row.get(0))?.collect()
}

/// Of `count` cuts, those after which something answered 200 was missing, or the database damaged.
/// `log_is_synced` false is a machine on which the syncs of the log do nothing.
fn losses(
    steps: &[Step],
    answered: &[(Vec<u8>, u64)],
    count: usize,
    log_is_synced: bool,
) -> Vec<String> {
    let dir = tempfile::tempdir_in(Path::new("/dev/shm")).or_else(|_| tempfile::tempdir());
    let dir = dir.expect("directory");
    let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
    let mut dice = |bound: u64| {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        bits % bound
    };
    let first = answered.iter().map(|(_, at)| *at).min().expect("an answer");
    let begin = steps.iter().position(|step| step.end >= first).expect("a step");
    let mut places: Vec<usize> = (0..count)
        .map(|_| begin + usize::try_from(dice((steps.len() - begin) as u64)).expect("a place"))
        .collect();
    places.sort_unstable();
    let mut disks = [Disk::default(), Disk::default()];
    let (mut done, mut lost) = (0_usize, Vec::new());
    for place in places {
        for step in &steps[done..done.max(place + 1)] {
            let disk = &mut disks[step.file];
            match step.what {
                b's' if step.file == 1 && !log_is_synced => {}
                b's' => disk.sync(),
                what => disk.pending.push((what, step.at, step.bytes.clone())),
            }
        }
        done = done.max(place + 1);
        let images = [disks[0].cut(&mut dice), disks[1].cut(&mut dice)];
        match bodies(dir.path(), &images) {
            Err(error) => lost.push(format!("cut after step {place}: damaged: {error}")),
            Ok(there) => {
                let due = answered.iter().filter(|(_, at)| *at <= steps[place].end);
                let missing = due.filter(|(body, _)| !there.contains(body)).count();
                if missing > 0 {
                    lost.push(format!("cut after step {place}: {missing} webhooks are missing"));
                }
            }
        }
    }
    lost
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the library is preloaded as Linux does it")]
fn a_power_cut_loses_no_webhook_that_was_answered_200() {
    let dir = tempfile::tempdir().expect("directory");
    let (library, notes) = (build_shim(dir.path()), dir.path().join("notes"));
    let (preload, to) =
        (format!("LD_PRELOAD={}", library.display()), format!("POWER_NOTES={}", notes.display()));
    let target = Target::start_with(&["env", &preload, &to], &config_text(""));
    let answered = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for poster in 0..POSTERS {
            let (target, answered, notes) = (&target, &answered, &notes);
            scope.spawn(move || {
                for number in 0..POSTS {
                    let text = "x".repeat((poster * 397 + number * 131) % 3_000);
                    let body = format!("{{\"cut\":\"{poster}-{number}\",\"text\":\"{text}\"}}");
                    assert_eq!(target.post(body.as_bytes(), SECRET), 200);
                    // Whatever was done for it is in the notes by now.
                    let length = std::fs::metadata(notes).expect("notes").len();
                    answered.lock().expect("answers").push((body.into_bytes(), length));
                }
            });
        }
    });
    let answered = answered.into_inner().expect("answers");
    drop(target);
    let steps = read_notes(&notes);
    let syncs = steps.iter().filter(|step| step.what == b's' && step.file == 1).count();
    assert!(syncs > 0, "the library saw no sync of the log");
    let lost = losses(&steps, &answered, cuts(), true);
    assert!(lost.is_empty(), "{} of {} cuts lost something: {lost:#?}", lost.len(), cuts());
    // That the test can see a loss: the same, had the log not been synced before the answer.
    let control = losses(&steps, &answered, 20, false);
    assert!(control.len() >= 10, "without syncs only {} of 20 cuts lost something", control.len());
    println!("{} steps, {syncs} syncs, {} answers, {} cuts", steps.len(), answered.len(), cuts());
}
