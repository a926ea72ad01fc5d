//! `twoticks db`: where the database is, whether it is sound, and a copy of it.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::output::line;
use super::{Session, failed};
use crate::domain::time::Timestamp;
use crate::error::Error;
use crate::store::text_index::DAMAGED;
use crate::store::{BackUpError, ReadConn, WriteConn, check};

#[derive(Debug, Args)]
pub(super) struct Db {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Look for damage and contradictions. Reads the whole file.
    Check {
        /// First make the index of the search anew from the messages. Nobody else can write meanwhile.
        #[arg(long)]
        repair_search: bool,
    },
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
        What::Check { repair_search } => {
            let (path, now) = (session.paths.database(), session.clock.now());
            if *repair_search {
                let repaired = WriteConn::open(&path, now).and_then(|mut w| w.repair_search());
                repaired.map_err(failed)?;
            }
            let findings = findings(&path, &session.read()?, now)?;
            for finding in &findings {
                line(finding)?;
            }
            if findings.is_empty() {
                super::say("the database is sound");
                return Ok(());
            }
            Err(Error::failed(format!("the database has {} faults", findings.len())).hint(
                if findings.iter().all(|finding| finding.starts_with(DAMAGED)) {
                    "no message is lost; twoticks db check --repair-search makes the index anew"
                } else {
                    "keep a copy of the file, and of the -wal and -shm beside it, before doing \
                     anything else"
                },
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
    match write.check_search() {
        Ok(found) => findings.extend(found),
        // What else was found is worth knowing all the more.
        Err(error) => findings.push(error.to_string()),
    }
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
        assert!(found[0].contains("it does not match the messages"), "{found:?}");
        WriteConn::open(&path, now).unwrap().repair_search().unwrap();
        assert_eq!(findings(&path, &read, now).unwrap(), Vec::<String>::new());
    }
}
