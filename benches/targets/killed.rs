//! T18: the first list after a process was killed in the middle of its work, at five million messages.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use twoticks::domain::conversation::{Draft, Filter};
use twoticks::domain::id::{AccountId, ConversationId};
use twoticks::domain::page::ListPage;
use twoticks::store::conversation::save_draft;
use twoticks::store::{ReadConn, WriteConn, list};

use crate::fill;
use crate::harness::{Target, figure, in_turn, ratio, timed};
use crate::shop::now;

/// The argument that makes this program write until it is killed.
pub(crate) const VICTIM: &str = "--write-until-killed";

/// What the victim says once its log is as long as it gets.
const LONG: &str = "the log is long";

/// The victim is killed with a log of at least this many bytes, out of the 7 MiB at which it is moved into
/// the file.
const LOG: u64 = 6 << 20;

/// Conversations that get a draft, as many as it takes; the newest has none, other targets look at it.
const DRAFTS: std::ops::Range<i64> = 2..5000;

/// A killed writer's log, the longest there is in normal running, against a store that was closed.
pub(crate) fn run(dir: &Path) -> bool {
    let path = fill::store(dir, 5_000_000);
    let log = path.with_file_name("twoticks.db-wal");
    let close = || WriteConn::open(&path, now()).expect("store").close().expect("close");
    close();
    let mut longest: u64 = 0;
    let [killed, clean] = in_turn([
        &mut || {
            kill_a_writer(&path);
            longest = longest.max(std::fs::metadata(&log).map_or(0, |file| file.len()));
            first_list(&path)
        },
        &mut || {
            close();
            first_list(&path)
        },
    ]);
    let mut store = WriteConn::open(&path, now()).expect("store");
    let forget = |tx: &mut twoticks::store::Tx<'_>| {
        DRAFTS.into_iter().try_for_each(|conversation| {
            let (id, seen) = (ConversationId(conversation), draft_about(conversation));
            save_draft(tx, id, &Draft::default(), &seen, now())
        })
    };
    store.write(forget).expect("drafts");
    store.close().expect("close");
    let list =
        ratio("first list after kill -9, 5M messages", "ms", killed, clean, Target::AtMost(5.0));
    let size = figure(
        "longest log that was left",
        "MiB",
        longest as f64 / f64::from(1 << 20),
        Target::AtMost(8.0),
    );
    list & size
}

/// Milliseconds from opening the store to its first 50 conversations.
fn first_list(path: &Path) -> f64 {
    let ((), took) = timed(|| {
        let read = ReadConn::open(path).expect("store");
        let page = ListPage::First;
        let found = list::conversations(&read, AccountId(1), Filter::All, "", page, 50, now());
        assert_eq!(found.expect("list").rows.len(), 50);
    });
    took.as_secs_f64() * 1e3
}

fn kill_a_writer(path: &Path) {
    let mut victim = Command::new(std::env::current_exe().expect("this program"))
        .arg(VICTIM)
        .arg(path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("victim");
    let mut said = String::new();
    BufReader::new(victim.stdout.take().expect("stdout")).read_line(&mut said).expect("victim");
    assert_eq!(said.trim_end(), LONG);
    victim.kill().expect("kill");
    victim.wait().expect("victim");
}

fn draft_about(conversation: i64) -> Draft {
    Draft { text: format!("half a thought about {conversation}"), reply_to: None }
}

/// Saves drafts until the log is long, says so, and waits for its end.
pub(crate) fn victim(path: &Path) {
    let mut store = WriteConn::open(path, now()).expect("store");
    let log = path.with_file_name("twoticks.db-wal");
    for conversation in DRAFTS {
        let (id, draft) = (ConversationId(conversation), draft_about(conversation));
        store.write(|tx| save_draft(tx, id, &draft, &Draft::default(), now())).expect("draft");
        if std::fs::metadata(&log).is_ok_and(|file| file.len() >= LOG) {
            break;
        }
    }
    println!("{LONG}");
    loop {
        std::thread::park();
    }
}
