//! A connection that only reads, for the threads that show things.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::error::Error;
use super::schema;
use super::words::Vocabulary;

/// Why there is no copy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackUpError {
    /// Something has its name.
    #[error("{} is already there", .0.display())]
    Exists(PathBuf),
    /// The file cannot be made, or not removed.
    #[error("{path}: {why}", path = .0.display(), why = .1)]
    File(PathBuf, String),
    /// Reading or writing failed.
    #[error(transparent)]
    Store(Error),
}

/// A reading connection. It cannot write, whatever it is asked.
#[derive(Debug)]
pub struct ReadConn {
    pub(super) conn: Connection,
    pub(super) vocabulary: Vocabulary,
}

impl ReadConn {
    /// Opens the database for reading. [`Error::Missing`] until a writer has made it; try again then.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self { conn: schema::open_for_reading(path)?, vocabulary: Vocabulary::default() })
    }

    /// Changes whenever another connection, of this process or another, has committed.
    pub fn data_version(&self) -> Result<i64, Error> {
        let mut query = self.conn.prepare_cached("PRAGMA data_version")?;
        Ok(query.query_row([], |row| row.get(0))?)
    }

    /// Copies the whole database, as it is at one moment, to a new file (0600) while others use it. It is at
    /// `to` when it is whole and not before; a file that is there already is left alone.
    pub fn back_up(&self, to: &Path) -> Result<(), BackUpError> {
        if to.symlink_metadata().is_ok() {
            return Err(BackUpError::Exists(to.to_owned()));
        }
        let mut part = to.as_os_str().to_owned();
        part.push(".part");
        let part = Path::new(&part);
        // One that a crash left behind.
        match std::fs::remove_file(part) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(BackUpError::File(part.to_owned(), error.to_string()));
            }
            _ => {}
        }
        schema::create_private(part)
            .map_err(|error| BackUpError::File(part.to_owned(), error.to_string()))?;
        // What others write meanwhile would make SQLite begin again.
        let copied = self.snapshot().and_then(|snapshot| {
            snapshot.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
            schema::back_up(&snapshot, part)
        });
        // A link, unlike a rename, never replaces what somebody put there meanwhile.
        let placed = copied.map_err(BackUpError::Store).and_then(|()| {
            std::fs::hard_link(part, to).map_err(|error| match error.kind() {
                std::io::ErrorKind::AlreadyExists => BackUpError::Exists(to.to_owned()),
                _ => BackUpError::File(to.to_owned(), error.to_string()),
            })
        });
        match std::fs::remove_file(part) {
            Err(error) if placed.is_ok() => {
                Err(BackUpError::File(part.to_owned(), error.to_string()))
            }
            _ => placed,
        }
    }

    /// One view of the database for several queries. Keep it short: the WAL grows meanwhile.
    pub(super) fn snapshot(&self) -> Result<Transaction<'_>, Error> {
        Ok(Transaction::new_unchecked(&self.conn, TransactionBehavior::Deferred)?)
    }
}
