//! Opening the file and bringing its schema up to date.
//!
//! One numbered SQL file per step, each applied in one IMMEDIATE transaction that also sets `user_version`.
//! A file of a newer version is refused untouched; a file of an older one is copied before the first step.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::Error;
use crate::domain::time::Timestamp;

/// `tick` in ASCII: tells `file` and us whose database it is.
const APPLICATION_ID: i64 = 0x7469_636b;

/// All steps, in order; the number of the last one is the schema's version. Append only.
pub(super) const STEPS: &[&str] = &[
    include_str!("schema/0001_start.sql"),
    include_str!("schema/0002_sending.sql"),
    include_str!("schema/0003_templates.sql"),
    include_str!("schema/0004_window.sql"),
    include_str!("schema/0005_callback.sql"),
    include_str!("schema/0006_hooks.sql"),
    include_str!("schema/0007_queue_count.sql"),
    include_str!("schema/0008_marks.sql"),
    include_str!("schema/0009_open.sql"),
    include_str!("schema/0010_account.sql"),
    include_str!("schema/0011_uploads.sql"),
    include_str!("schema/0012_campaign.sql"),
    include_str!("schema/0013_unfinished.sql"),
    include_str!("schema/0014_hold.sql"),
    include_str!("schema/0015_pace.sql"),
];

/// The first version without the bug that damages a WAL database when two connections checkpoint and
/// write at once (sqlite.org/wal.html#walresetbug).
const SQLITE_FLOOR: i32 = 3_051_003;

/// Pages in the log from which on a commit moves them into the file.
pub(super) const LOG_PAGES: i64 = 1_792;

/// How long to wait for another process to finish a write.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The newest schema that this version knows.
pub(super) fn newest() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// Opens for reading and writing, creates the file (0600) when there is none, and migrates it.
pub(super) fn open_for_writing(path: &Path, now: Timestamp) -> Result<Connection, Error> {
    if rusqlite::version_number() < SQLITE_FLOOR {
        return Err(Error::OldSqlite(rusqlite::version()));
    }
    create_private(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    refuse_foreign(&conn, path)?;
    conn.pragma_update(None, "journal_mode", "wal")?;
    conn.pragma_update(None, "synchronous", "full")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    // A checkpoint writes each page once however often it is in the log, so fewer are cheaper; what a killed
    // process leaves, at most some 7 MiB, is read by the next one before its first answer. The file keeps its
    // size, because overwriting is faster than growing.
    conn.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    conn.pragma_update(None, "journal_size_limit", 8 << 20)?;
    conn.pragma_update(None, "cache_size", -16_384)?;
    // Else each savepoint of a large transaction makes and removes a file.
    conn.pragma_update(None, "temp_store", "memory")?;
    keep_plans(&conn)?;
    conn.set_prepared_statement_cache_capacity(256);
    migrate(&mut conn, path, STEPS, now)?;
    Ok(conn)
}

/// Opens what somebody in this process has open for writing already.
pub(super) fn open_beside(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.pragma_update(None, "synchronous", "full")?;
    Ok(conn)
}

/// Opens for reading only. [`Error::Missing`] until a writer has made the file and its schema.
pub(super) fn open_for_reading(path: &Path) -> Result<Connection, Error> {
    if !path.exists() {
        return Err(Error::Missing(path.to_owned()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.pragma_update(None, "query_only", true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    keep_plans(&conn)?;
    conn.set_prepared_statement_cache_capacity(64);
    refuse_foreign(&conn, path)?;
    let found = version(&conn)?;
    if found > newest() {
        return Err(Error::Newer { found, known: newest() });
    }
    if found < newest() {
        return Err(Error::Missing(path.to_owned()));
    }
    Ok(conn)
}

/// Makes plans independent of bound values. Otherwise SQLite compiles a cached statement anew whenever a
/// value changes that might have allowed a partial index, which costs more than most of them take to run.
fn keep_plans(conn: &Connection) -> Result<(), Error> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Made by us with explicit rights, whatever the umask: SQLite gives its `-wal` and `-shm` the same.
pub(super) fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn refuse_foreign(conn: &Connection, path: &Path) -> Result<(), Error> {
    let owner: i64 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if owner == APPLICATION_ID {
        return Ok(());
    }
    let empty: bool =
        conn.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
    if owner == 0 && empty { Ok(()) } else { Err(Error::Foreign(path.to_owned())) }
}

pub(super) fn version(conn: &Connection) -> Result<i64, Error> {
    Ok(conn.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Applies what is missing of `steps`. Two processes may arrive here at once: each step looks again once it
/// holds the write lock.
pub(super) fn migrate(
    conn: &mut Connection,
    path: &Path,
    steps: &[&str],
    now: Timestamp,
) -> Result<(), Error> {
    let known = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    let found = version(conn)?;
    if found > known {
        return Err(Error::Newer { found, known });
    }
    if found > 0 && found < known {
        back_up(conn, &backup_path(path, found, now))?;
    }
    for (step, sql) in (1_i64..).zip(steps) {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if version(&tx)? >= step {
            continue;
        }
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", step)?;
        tx.commit()?;
    }
    Ok(())
}

/// `twoticks.db` becomes `twoticks.db.v1-1700000000000.bak`.
fn backup_path(path: &Path, version: i64, now: Timestamp) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".v{version}-{}.bak", now.millis()));
    path.with_file_name(name)
}

/// Copies the whole database, what still stands in the WAL included, to a new private file. Leaves nothing
/// behind when that fails: on a full disk it is tried again and again.
pub(super) fn back_up(conn: &Connection, to: &Path) -> Result<(), Error> {
    create_private(to)?;
    conn.backup("main", to, None::<fn(rusqlite::backup::Progress)>).map_err(|error| {
        // The failure of the copy is what is told.
        drop(std::fs::remove_file(to));
        error.into()
    })
}
