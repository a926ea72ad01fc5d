//! The disk is in trouble while webhooks come in: what is answered 200 is stored, what is not stored is
//! answered 503, and once there is room again everything goes on without a restart.

use std::collections::BTreeSet;
use std::fs::{File, Permissions};
use std::os::unix::fs::FileExt as _;
use std::os::unix::fs::PermissionsExt as _;

use rusqlite::Connection;
use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::target::{SECRET, Target, config_text};

/// The process may make no file longer than this, as on a full disk: every write beyond fails.
fn room(target: &Target, bytes: Option<u64>) {
    let pid = Pid::from_raw(i32::try_from(target.id()).expect("a process")).expect("a process");
    prlimit(Some(pid), Resource::Fsize, Rlimit { current: bytes, maximum: None }).expect("limit");
}

fn stored(target: &Target) -> BTreeSet<Vec<u8>> {
    let conn = Connection::open(target.database()).expect("store");
    let mut query = conn.prepare("SELECT body FROM event_body").expect("query");
    let rows = query.query_map([], |row| row.get(0)).expect("bodies");
    rows.map(|row| row.expect("body")).collect()
}

fn body(number: usize) -> Vec<u8> {
    format!("{{\"disk\":{number},\"text\":\"{}\"}}", "x".repeat(6_000)).into_bytes()
}

#[test]
fn whichever_write_fails_a_webhook_is_stored_or_answered_503_and_room_mends_it() {
    // Otherwise the system ends the process for the first write beyond its limit.
    let ignore = "trap '' XFSZ; exec \"$0\" \"$@\"";
    let target = Target::start_with(&["sh", "-c", ignore], &config_text(""));
    let log = target.database().with_extension("db-wal");
    let (mut refused, mut answered) = (0, BTreeSet::new());
    for failing in 0..40 {
        let body = body(failing);
        // The log grows by pages of 4 KiB and 24 bytes each: the first write to fail is another each time.
        let length = std::fs::metadata(&log).map_or(0, |file| file.len());
        room(&target, Some(length + (failing as u64 % 8) * 4_120));
        let mut answer = target.post(&body, SECRET);
        if answer != 200 {
            assert_eq!(answer, 503);
            refused += 1;
            assert!(!stored(&target).contains(&body), "it was not promised, and is there");
            room(&target, None);
            answer = target.post(&body, SECRET);
        }
        assert_eq!(answer, 200, "there is room again");
        room(&target, None);
        answered.insert(body);
    }
    assert!(refused >= 20, "the disk was full only {refused} times");
    assert!(answered.is_subset(&stored(&target)));
    assert!(target.beside(&["db", "check"]).status.success());
}

#[test]
fn who_writes_for_too_long_elsewhere_costs_a_503_and_no_webhook() {
    let target = Target::start();
    let other = Connection::open(target.database()).expect("store");
    other.execute_batch("BEGIN IMMEDIATE").expect("lock");
    let body = body(0);
    assert_eq!(target.post(&body, SECRET), 503, "it waits for the lock, and not for ever");
    other.execute_batch("ROLLBACK").expect("unlock");
    assert_eq!(target.post(&body, SECRET), 200);
    assert!(stored(&target).contains(&body));
}

/// Sets the mode of the database and of its log.
fn allow(target: &Target, mode: u32) {
    let database = target.database();
    for path in [&database, &database.with_extension("db-wal")] {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("permissions");
    }
}

/// The same for a process of another user, which only that user may limit.
fn room_of_nobody(target: &Target, bytes: &str) {
    let mut limit = target.as_nobody("prlimit");
    limit.args(["--pid", &target.id().to_string(), &format!("--fsize={bytes}:")]);
    assert!(limit.status().expect("prlimit").success());
}

#[test]
fn a_database_that_becomes_read_only_costs_503s_until_it_can_be_written_again() {
    let target = Target::for_nobody("trap '' XFSZ; exec \"$0\" \"$@\"");
    let before = stored(&target);
    // A write that fails makes it look at its file anew, as after a disk that was mounted anew.
    room_of_nobody(&target, "0");
    assert_eq!(target.post(&body(0), SECRET), 503);
    allow(&target, 0o400);
    room_of_nobody(&target, "unlimited");
    for number in 0..3 {
        assert_eq!(target.post(&body(number), SECRET), 503, "{}", target.told());
    }
    assert_eq!(stored(&target), before, "nothing is half-written");
    target.until_told("the database is read-only: check who owns its file and directory");
    allow(&target, 0o600);
    for number in 0..3 {
        target.until_taken(&body(number));
    }
    let stored = stored(&target);
    assert_eq!(stored.len(), before.len() + 3, "each once, and nothing else");
    assert!((0..3).all(|number| stored.contains(&body(number))));
    assert!(target.beside(&["db", "check"]).status.success());
}

/// Whoever runs has its files open; SQLite makes its log anew at a start.
#[test]
fn a_directory_that_becomes_read_only_stops_nobody_who_runs_and_a_start_says_what_helps() {
    let mut target = Target::for_nobody("exec \"$0\" \"$@\"");
    let before = stored(&target);
    let data = target.home().join("data");
    let mode = |mode| {
        std::fs::set_permissions(&data, Permissions::from_mode(mode)).expect("permissions");
    };
    mode(0o500);
    for number in 0..3 {
        assert_eq!(target.post(&body(number), SECRET), 200, "{}", target.told());
    }
    assert_eq!(stored(&target).len(), before.len() + 3);
    mode(0o700);
    target.end();
    mode(0o500);
    let mut listen = target.as_nobody(env!("CARGO_BIN_EXE_twoticks"));
    listen.arg("--config").arg(target.home().join("c.toml")).arg("listen");
    let refused = listen.env_clear().env("HOME", target.home()).output().expect("listen");
    let words = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{words}");
    assert!(words.contains("read-only: check who owns its file and directory"), "{words}");
    mode(0o700);
    assert_eq!(stored(&target).len(), before.len() + 3, "nothing is lost by it");
    assert!(target.beside(&["db", "check"]).status.success());
}

#[test]
fn damage_that_is_met_while_it_runs_costs_503s_until_the_file_is_well_again() {
    let target = Target::start();
    let before = stored(&target);
    let other = Connection::open(target.database()).expect("store");
    let ask = |sql: &str| {
        let found = other.query_row(sql, [], |row| row.get::<_, u32>(0));
        u64::from(found.expect("a number"))
    };
    let size = ask("PRAGMA page_size");
    let place = (ask("SELECT rootpage FROM sqlite_schema WHERE name = 'event_body'") - 1) * size;
    other.busy_timeout(std::time::Duration::from_secs(20)).expect("timeout");
    assert_eq!(ask("PRAGMA wal_checkpoint(TRUNCATE)"), 0, "all of it is in the file");
    let file = File::options().read(true).write(true).open(target.database()).expect("file");
    let mut page = vec![0; usize::try_from(size).expect("a size")];
    file.read_exact_at(&mut page, place).expect("page");
    file.write_all_at(&vec![0xff; page.len()], place).expect("damage");
    // Whoever has read the page before reads it again once somebody else has written.
    other.execute("UPDATE account SET name = name", []).expect("a commit");
    for number in 0..3 {
        assert_eq!(target.post(&body(number), SECRET), 503, "{}", target.told());
    }
    target.until_told("the database is damaged");
    file.write_all_at(&page, place).expect("repair");
    for number in 0..3 {
        target.until_taken(&body(number));
    }
    let stored = stored(&target);
    assert_eq!(stored.len(), before.len() + 3, "each once, and nothing else");
    assert!((0..3).all(|number| stored.contains(&body(number))));
    assert!(target.beside(&["db", "check"]).status.success());
}
