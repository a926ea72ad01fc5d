//! Big stores, filled by plain SQL in one transaction: only what the measured questions touch.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use twoticks::domain::time::Timestamp;
use twoticks::store::{Error, ReadConn, WriteConn};

/// When the newest message of every filled store was written, in milliseconds UTC.
pub(crate) const NEWEST: i64 = 1_795_000_000_000;

/// Conversations of every filled store, so that only the messages differ.
pub(crate) const CONVERSATIONS: u32 = 100_000;

/// A word that stands in many messages.
pub(crate) const COMMON: &str = "bababa";

/// How the newest message begins; it is the largest conversation's.
pub(crate) const NEWEST_TEXT: &str = "the newest of all";

/// How many messages the largest conversation, number 1, holds of `messages` in all.
pub(crate) const fn biggest(messages: u32) -> u32 {
    messages / 10
}

/// The store with this many messages under `dir`, made on first use and kept for the next run.
pub(crate) fn store(dir: &Path, messages: u32) -> PathBuf {
    let home = dir.join(format!("store-{messages}"));
    let path = home.join("twoticks.db");
    if home.join("filled").exists() {
        bring_up_to_date(&path);
        return path;
    }
    if home.exists() {
        std::fs::remove_dir_all(&home).expect("remove the half-filled store");
    }
    std::fs::create_dir_all(&home).expect("directory");
    drop(WriteConn::open(&path, Timestamp::from_millis(NEWEST)).expect("schema"));
    eprintln!("filling {messages} messages into {}", path.display());
    fill(&path, messages);
    settle(&path);
    std::fs::write(home.join("filled"), "").expect("mark");
    path
}

/// A store that was kept may be of an earlier schema. The copy that is made before a migration is as large as
/// the store and of no use here.
fn bring_up_to_date(path: &Path) {
    if !matches!(ReadConn::open(path), Err(Error::Missing(_))) {
        return;
    }
    let store = WriteConn::open(path, Timestamp::from_millis(NEWEST)).expect("schema");
    store.close().expect("close");
    for entry in path.parent().expect("directory").read_dir().expect("files") {
        let file = entry.expect("a file").path();
        if file.extension().is_some_and(|extension| extension == "bak") {
            std::fs::remove_file(file).expect("remove the copy");
        }
    }
}

fn fill(path: &Path, messages: u32) {
    let conn = Connection::open(path).expect("open");
    conn.execute_batch(
        "PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE;",
    )
    .expect("begin");
    conn.execute(
        "INSERT INTO account (id, name, phone_number_id, waba_id, display_number, scope, created_at)
         VALUES (1, 'bench', '106540352242922', '102290129340398', '+55 11 5550-0199', '102290129340398', 0)",
        [],
    )
    .expect("account");
    people(&conn);
    // The index over random ids is sorted at the end: kept up to date it would cost most of the time.
    let index: String = conn
        .query_row("SELECT sql FROM sqlite_schema WHERE name = 'message_wamid'", [], |row| {
            row.get(0)
        })
        .expect("index");
    conn.execute_batch("DROP INDEX message_wamid").expect("drop index");
    letters(&conn, messages);
    conn.execute_batch(&index).expect("index");
    conn.execute_batch(
        "UPDATE conversation SET
            preview = (SELECT id FROM message WHERE conversation = conversation.id AND own = 1
                       ORDER BY at DESC, id DESC LIMIT 1),
            last_inbound = (SELECT max(at) FROM message WHERE conversation = conversation.id
                            AND own = 1 AND direction = 1),
            last_answer = (SELECT max(at) FROM message WHERE conversation = conversation.id
                           AND own = 1 AND direction = 2);
         UPDATE conversation SET
            preview_at = (SELECT at FROM message WHERE id = conversation.preview), shown = 1;
         UPDATE conversation SET activity = coalesce(preview_at, activity),
            read_at = coalesce(preview_at, -1), read_id = coalesce(preview, -1);
         COMMIT; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA optimize;",
    )
    .expect("finish");
}

/// The text index, which every commit brings up to date, and upkeep that a program in use does bit by bit, so that an idle one finds nothing to do.
fn settle(path: &Path) {
    let mut store = WriteConn::open(path, Timestamp::from_millis(NEWEST)).expect("store");
    store.write(|_| Ok(())).expect("text index");
    while store.maintain().expect("upkeep") {}
    store.close().expect("close");
}

/// Names in several scripts, as an inbox has them.
const NAMES: [&str; 8] = [
    "Ana Lúcia",
    "田中 美咲",
    "محمد علي",
    "Олена Шевченко",
    "Zé 🛠️ Obras",
    "דנה לוי",
    "Priya रानी",
    "Łukasz",
];

fn people(conn: &Connection) {
    let mut contact = conn
        .prepare("INSERT INTO contact (id, name, wa_id, created_at) VALUES (?1, ?2, ?3, 0)")
        .expect("contact");
    let mut identity = conn
        .prepare(
            "INSERT INTO identity (kind, scope, value, valid_from, valid_to, contact)
             VALUES (1, '', ?1, ?2, ?3, ?4)",
        )
        .expect("identity");
    let mut conversation = conn
        .prepare(
            "INSERT INTO conversation (id, account, contact, created_at, activity) VALUES (?1, 1, ?1, 0, 0)",
        )
        .expect("conversation");
    for n in 1..=CONVERSATIONS {
        let wa_id = format!("5511{:09}", 900_000_000 + n);
        let name = format!("{} {}", NAMES[n as usize % NAMES.len()], word(n / 7));
        contact.execute(params![n, name, wa_id]).expect("contact");
        identity.execute(params![wa_id, i64::MIN, i64::MAX, n]).expect("identity");
        conversation.execute(params![n]).expect("conversation");
    }
}

fn letters(conn: &Connection, messages: u32) {
    let mut message = conn
        .prepare(
            "INSERT INTO message (account, conversation, own, direction, author, wamid, at, state, kind, text, stored_at)
             VALUES (1, ?1, 1, ?2, ?2, ?3, ?4, ?5, 1, ?6, ?4)",
        )
        .expect("message");
    let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
    for n in 0..messages {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let drawn = (bits >> 33) as u32;
        // One message in ten goes to the first conversation, the newest too; the rest spread over the others.
        let conversation = if (n + 1) % (messages / biggest(messages)) == 0 {
            1
        } else {
            2 + drawn % (CONVERSATIONS - 1)
        };
        let (direction, state) = if drawn.is_multiple_of(2) { (1, 12) } else { (2, 7) };
        let at = NEWEST - i64::from(messages - n) * 1000;
        let words: Vec<&str> = (0..10).map(|k| word(drawn.rotate_left(k * 3) ^ n)).collect();
        let text = if n + 1 == messages { NEWEST_TEXT.to_owned() } else { words.join(" ") };
        message
            .execute(params![
                conversation,
                direction,
                format!("wamid.HBgNNTUxMTk4ODg4{bits:016x}{n:08x}"),
                at,
                state,
                text,
            ])
            .expect("message");
    }
}

/// A word out of a few thousand, small numbers more often than large ones.
fn word(n: u32) -> &'static str {
    const SYLLABLES: [&str; 16] = [
        "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu",
        "ve",
    ];
    static WORDS: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
    let words = WORDS.get_or_init(|| {
        (0..4096_usize)
            .map(|n| {
                [n & 15, n >> 4 & 15, n >> 8].iter().map(|at| SYLLABLES[*at]).collect::<String>()
            })
            .collect()
    });
    let low = n % 4096;
    &words[((low * low) / 4096) as usize]
}
