//! What can go wrong with the store, told apart by what helps.

use std::path::PathBuf;

use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_FSYNC;

use crate::domain::state::HoldReason;

/// A failed read or write. The words are for people; the variants are for decisions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another process held the database for longer than the busy timeout.
    #[error(
        "the database is busy: another process has been writing for more than 5 seconds; try again"
    )]
    Busy,
    /// No room left on the disk, or the database reached its page limit.
    #[error("the disk is full: free some space, nothing already stored is lost")]
    Full,
    /// The file or its directory cannot be written.
    #[error("the database is read-only: check who owns its file and directory")]
    ReadOnly,
    /// The operating system failed a read or write.
    #[error("the disk failed while the database was in use: {0}")]
    Io(String),
    /// What was written could not be made durable. It does not count, and yet stands in the log's file until
    /// something else is written: when that never happens, whoever opens the database next finds it done.
    #[error(
        "the disk could not confirm what was written: it may be stored all the same, so look before you do it again"
    )]
    Unconfirmed,
    /// The file is damaged or no database.
    #[error(
        "the database is damaged or not a database: {0}; restore a backup, or see twoticks doctor"
    )]
    Corrupt(String),
    /// The file belongs to another program.
    #[error("{0} is an SQLite database of another program; choose another --data-dir")]
    Foreign(PathBuf),
    /// A newer version of the program has written the file.
    #[error(
        "the database has schema {found}, this version knows {known}: use the newer twoticks that wrote it"
    )]
    Newer {
        /// Found in the file.
        found: i64,
        /// The newest that this version knows.
        known: i64,
    },
    /// A reader came before the database was made.
    #[error("there is no database at {0} yet")]
    Missing(PathBuf),
    /// The linked SQLite is older than the first one without the WAL-reset bug.
    #[error("SQLite {0} can damage a database in WAL mode; 3.51.3 or newer is needed")]
    OldSqlite(&'static str),
    /// What was asked for is not in the store.
    #[error("no such {what}: {id}")]
    NotFound {
        /// The domain word.
        what: &'static str,
        /// What was looked for.
        id: String,
    },
    /// The state of a message does not allow it.
    #[error("a message that is {state} cannot be {wanted}")]
    Refused {
        /// Where it stands.
        state: &'static str,
        /// What was wanted: `sent again`, `withdrawn`, ...
        wanted: &'static str,
    },
    /// The stage of a campaign does not allow it.
    #[error("a campaign that is {stage} cannot be {wanted}")]
    Stage {
        /// Where it stands.
        stage: &'static str,
        /// What was wanted: `paused`, `resumed`, ...
        wanted: &'static str,
    },
    /// Something stands in the way of sending a message.
    #[error("it cannot be sent now: {}", .0.words())]
    Forbidden(HoldReason),
    /// A stored value that this version cannot read.
    #[error("unreadable value in the database: {0}")]
    Value(String),
    /// Whoever was asked answers no more: the program is stopping, or has a newer question.
    #[error("the query was dropped")]
    Dropped,
    /// Anything else SQLite says.
    #[error("database error: {0}")]
    Sql(String),
}

impl Error {
    /// Whether SQLite may have given up the whole transaction, or no other job can succeed in it.
    pub(super) const fn ends_transaction(&self) -> bool {
        matches!(
            self,
            Self::Busy
                | Self::Full
                | Self::ReadOnly
                | Self::Io(_)
                | Self::Unconfirmed
                | Self::Corrupt(_)
        )
    }

    pub(super) fn not_found(what: &'static str, id: impl Into<String>) -> Self {
        Self::NotFound { what, id: id.into() }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let Some(code) = error.sqlite_error_code() else {
            return match error {
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..) => Self::Value(error.to_string()),
                other => Self::Sql(other.to_string()),
            };
        };
        if error.sqlite_error().is_some_and(|error| error.extended_code == SQLITE_IOERR_FSYNC) {
            return Self::Unconfirmed;
        }
        match code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy,
            ErrorCode::DiskFull => Self::Full,
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => Self::ReadOnly,
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::OutOfMemory => {
                Self::Io(error.to_string())
            }
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                Self::Corrupt(error.to_string())
            }
            _ => Self::Sql(error.to_string()),
        }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => {
                Self::ReadOnly
            }
            _ => Self::Io(error.to_string()),
        }
    }
}
