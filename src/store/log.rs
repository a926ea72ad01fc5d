//! The write-ahead log: how long it gets, and who moves it into the file.
//!
//! In the ordinary run a commit that finds many pages in the log moves them. Behind somebody who reads for long
//! they cannot be moved, and the log grows; whoever commits next after that would have to move all of it, and
//! everybody who writes would wait. So a log that has become too long for that is left to a thread of its own
//! ([`move_log`]): SQLite lets one move the log while another adds to it.

use std::path::Path;
use std::time::Duration;

use super::error::Error;
use super::schema;
use super::write::{LONG_LOG, WriteConn};

/// How long the writer waits for readers then; they take some milliseconds, and the next commit waits as well.
const LOG_WAIT: Duration = Duration::from_millis(25);

/// Pages that a commit moves at most: those that SQLite lets come together, and what a large commit adds.
const MOST_MOVED: i64 = schema::LOG_PAGES + 1_000;

/// A page in the log: its 4 KiB and what stands before them.
const FRAME: u64 = 4_096 + 24;

impl WriteConn {
    /// For after each commit. Starts the log anew when it has become long: readers that follow one another
    /// without a gap keep SQLite from it, so the writer waits for them, for `LOG_WAIT` at most. Tried again when
    /// it has grown by as much. Returns whether so many pages wait in it that [`move_log`] has to be called on
    /// another thread; commits leave it alone meanwhile.
    pub fn bound_log(&mut self) -> Result<bool, Error> {
        let size = self.log_size();
        let long = self.is_long(size)?;
        self.let_commits_move_it(!long)?;
        if long || size < self.log_bound {
            return Ok(long);
        }
        self.conn.busy_timeout(LOG_WAIT)?;
        let busy = self.conn.query_row("PRAGMA wal_checkpoint(RESTART)", [], |row| row.get(0));
        self.conn.busy_timeout(schema::BUSY_TIMEOUT)?;
        self.log_bound = if busy? { size + LONG_LOG } else { LONG_LOG };
        Ok(false)
    }

    fn let_commits_move_it(&self, may: bool) -> Result<(), Error> {
        let pages = if may { schema::LOG_PAGES } else { 0 };
        let mut ask = self.conn.prepare_cached("PRAGMA wal_autocheckpoint")?;
        if ask.query_row([], |row| row.get::<_, i64>(0))? != pages {
            self.conn.pragma_update(None, "wal_autocheckpoint", pages)?;
        }
        Ok(())
    }

    /// Whether more pages wait in the log than one step of the writer should move.
    pub fn has_long_log(&self) -> Result<bool, Error> {
        self.is_long(self.log_size())
    }

    fn log_size(&self) -> u64 {
        let log = self.conn.path().map(|path| format!("{path}-wal"));
        log.and_then(|log| std::fs::metadata(log).ok()).map_or(0, |file| file.len())
    }

    fn is_long(&self, size: u64) -> Result<bool, Error> {
        if size / FRAME <= MOST_MOVED.unsigned_abs() {
            return Ok(false);
        }
        let mut ask = self.conn.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?;
        let (log, moved): (i64, i64) = ask.query_row([], |row| Ok((row.get(1)?, row.get(2)?)))?;
        Ok(log - moved > MOST_MOVED)
    }
}

/// Moves what is in the log into the file, as far as no reader needs it, while others write.
pub fn move_log(path: &Path) -> Result<(), Error> {
    let conn = schema::open_beside(path)?;
    Ok(conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?)
}
