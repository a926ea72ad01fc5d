//! `twoticks db`: where the database is, whether it is sound, and a copy of it.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::output::line;
use super::{Session, failed};
use crate::domain::time::Timestamp;
use crate::error::Error;
use crate::store::{BackUpError, ReadConn, WriteConn, check};

#[derive(Debug, Args)]
pub(super) struct Db {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Look for damage and contradictions. Reads the whole file.
    Check,
    /// Copy the database to a new file while it is in use. Files of messages in `media/` are not in it.
    Backup {
        /// The file to make; one that is there already is left alone.
        file: PathBuf,
    },
    /// Print where the database is.
    Path,
}

pub(super) fn run(session: &Session, db: &Db) -> Result<(), Error> {
    match &db.what {
        What::Path => {
            // Good from any directory, however the config spells it.
            let path = session.paths.database();
            let path = std::path::absolute(&path).unwrap_or(path);
            Ok(line(&path.display().to_string())?)
        }
        What::Backup { file } => back_up(&session.read()?, file),
        What::Check => {
            let findings =
                findings(&session.paths.database(), &session.read()?, session.clock.now())?;
            for finding in &findings {
                line(finding)?;
            }
            if findings.is_empty() {
                super::say("the database is sound");
                return Ok(());
            }
            Err(Error::failed(format!("the database has {} faults", findings.len()))
                .hint(
                "keep a copy of the file, and of the -wal and -shm beside it, before doing anything \
                 else",
            ))
        }
    }
}

fn back_up(read: &ReadConn, file: &Path) -> Result<(), Error> {
    read.back_up(file).map_err(|error| {
        let hint = match &error {
            BackUpError::Exists(_) => "name a file that is not there yet",
            BackUpError::File(..) | BackUpError::Store(_) => {
                "nothing was left behind; see that its directory is there and has room"
            }
        };
        Error::failed(format!("no backup was made: {error}")).hint(hint)
    })?;
    Ok(line(&file.display().to_string())?)
}

/// Everything that is wrong with the database. The text index is compared by a writer, since SQLite lets
/// nobody else do that.
fn findings(path: &Path, read: &ReadConn, now: Timestamp) -> Result<Vec<String>, Error> {
    let mut findings = check::check(read).map_err(failed)?;
    let write = WriteConn::open(path, now).map_err(failed)?;
    findings.extend(write.check_search().map_err(failed)?);
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_index_that_does_not_match_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("twoticks.db");
        let now = Timestamp::from_secs(1_700_000_000);
        drop(WriteConn::open(&path, now).unwrap());
        let read = ReadConn::open(&path).unwrap();
        assert_eq!(findings(&path, &read, now).unwrap(), Vec::<String>::new());
        let raw = rusqlite::Connection::open(&path).unwrap();
        raw.execute("INSERT INTO message_fts (rowid, text) VALUES (1, 'nobody wrote this')", [])
            .unwrap();
        let found = findings(&path, &read, now).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("the search index does not match"), "{found:?}");
    }
}
