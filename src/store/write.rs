//! The one writing connection of a process, and how waiting jobs share one commit.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::error::Error;
use super::schema;
use crate::domain::change::Changes;
use crate::domain::time::Timestamp;

/// Something to write. It may be run twice: when the commit it shared with others failed, it is run
/// again alone. What it finds out goes into what it captured, and counts only once [`Group`] says `Ok`.
pub type WriteJob = Box<dyn FnMut(&mut Tx<'_>) -> Result<(), Error> + Send>;

/// The pages that the WAL keeps room for when idle: 8 MiB of 4 KiB each. Overwriting is faster than growing,
/// and so much is read in no time by a process that starts after a crash.
pub(super) const LOG_FRAMES: i64 = 2048;

/// The process's only connection that writes.
#[derive(Debug)]
pub struct WriteConn {
    conn: Connection,
}

/// A transaction in which one job runs.
#[derive(Debug)]
pub struct Tx<'a> {
    pub(super) conn: &'a Connection,
    pub(super) changes: Changes,
}

/// What became of jobs that were handed over together.
#[derive(Debug)]
pub struct Group {
    /// One result per job, in order. `Ok` only when it is durable.
    pub results: Vec<Result<(), Error>>,
    /// What the jobs that are durable changed.
    pub changes: Changes,
}

impl WriteConn {
    /// Opens the database, creating or migrating it. `now` names the copy that is made before a migration.
    pub fn open(path: &Path, now: Timestamp) -> Result<Self, Error> {
        Ok(Self { conn: schema::open_for_writing(path, now)? })
    }

    /// Runs all jobs in one transaction and commits it. A job that fails takes only itself back. When
    /// SQLite gives up the whole transaction, or the commit fails, each job is tried in one of its own.
    pub fn commit_group(&mut self, jobs: &mut [WriteJob]) -> Group {
        match self.together(jobs) {
            Ok(group) => group,
            Err(Together::NotBegun(error)) => Group::failed(jobs.len(), &error),
            Err(Together::Ended(error)) if jobs.len() <= 1 => Group::failed(jobs.len(), &error),
            Err(Together::Ended(_)) => {
                let mut all = Group { results: Vec::new(), changes: Changes::default() };
                for job in jobs {
                    let alone = match self.together(std::slice::from_mut(job)) {
                        Ok(group) => group,
                        Err(Together::NotBegun(error) | Together::Ended(error)) => {
                            Group::failed(1, &error)
                        }
                    };
                    all.results.extend(alone.results);
                    all.changes.merge(alone.changes);
                }
                all
            }
        }
    }

    /// Runs one job in a transaction of its own and returns what it made.
    pub fn write<T>(
        &mut self,
        mut job: impl FnMut(&mut Tx<'_>) -> Result<T, Error>,
    ) -> Result<(T, Changes), Error> {
        self.conn.execute_batch("BEGIN IMMEDIATE")?;
        let mut tx = Tx { conn: &self.conn, changes: Changes::default() };
        let done = job(&mut tx);
        let changes = tx.changes;
        let done = done.and_then(|made| {
            self.commit()?;
            Ok(made)
        });
        if done.is_err() {
            self.roll_back();
        }
        Ok((done?, changes))
    }

    fn together(&self, jobs: &mut [WriteJob]) -> Result<Group, Together> {
        self.conn.execute_batch("BEGIN IMMEDIATE").map_err(|e| Together::NotBegun(e.into()))?;
        let run = self.run_all(jobs).and_then(|group| {
            self.commit()?;
            Ok(group)
        });
        run.map_err(|error| {
            self.roll_back();
            Together::Ended(error)
        })
    }

    fn run_all(&self, jobs: &mut [WriteJob]) -> Result<Group, Error> {
        let mut group =
            Group { results: Vec::with_capacity(jobs.len()), changes: Changes::default() };
        for job in jobs {
            self.conn.prepare_cached("SAVEPOINT job")?.execute([])?;
            let mut tx = Tx { conn: &self.conn, changes: Changes::default() };
            let done = job(&mut tx);
            let changes = tx.changes;
            match done {
                Ok(()) => {
                    self.conn.prepare_cached("RELEASE job")?.execute([])?;
                    group.changes.merge(changes);
                    group.results.push(Ok(()));
                }
                Err(error) if self.conn.is_autocommit() || error.ends_transaction() => {
                    return Err(error);
                }
                Err(error) => {
                    self.conn.prepare_cached("ROLLBACK TO job")?.execute([])?;
                    self.conn.prepare_cached("RELEASE job")?.execute([])?;
                    group.results.push(Err(error));
                }
            }
        }
        Ok(group)
    }

    /// Makes new messages searchable, all of a group at once, and everything durable.
    fn commit(&self) -> Result<(), Error> {
        let indexed = self
            .conn
            .prepare_cached(
                "INSERT INTO message_fts (rowid, text)
                 SELECT id, text FROM message_text WHERE id > (SELECT upto FROM message_indexed)",
            )?
            .execute([])?;
        if indexed > 0 {
            self.conn
                .prepare_cached("UPDATE message_indexed SET upto = (SELECT max(id) FROM message)")?
                .execute([])?;
        }
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    /// Leaves no transaction open. SQLite may have ended it already.
    fn roll_back(&self) {
        if !self.conn.is_autocommit() {
            // Nothing helps if this fails: SQLite ends the transaction with the connection at the latest.
            drop(self.conn.execute_batch("ROLLBACK"));
        }
    }

    /// A small step of upkeep for idle times: moves what is in the WAL into the file as far as no reader
    /// needs it, and merges a little of the text index. Returns whether another step would do more.
    pub fn maintain(&mut self) -> Result<bool, Error> {
        self.conn.busy_timeout(Duration::ZERO)?;
        let more = self.maintain_now();
        self.conn.busy_timeout(schema::BUSY_TIMEOUT)?;
        match more {
            // Another process writes: its turn.
            Err(Error::Busy) => Ok(false),
            other => other,
        }
    }

    fn maintain_now(&self) -> Result<bool, Error> {
        let (log, done): (i64, i64) =
            self.conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
                Ok((row.get(1)?, row.get(2)?))
            })?;
        if done == log && log > LOG_FRAMES {
            // It grew while somebody read for long; SQLite itself cuts it with the next commit only. A
            // reader in the way is answered in the row, and the next idle time tries again.
            self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
        let before = self.conn.total_changes();
        self.conn
            .execute("INSERT INTO message_fts (message_fts, rank) VALUES ('merge', 16)", [])?;
        // The FTS5 manual: fewer than two changes mean that there was nothing to merge.
        let merged = self.conn.total_changes().saturating_sub(before) >= 2;
        Ok(merged || done < log)
    }

    /// The last thing before the end: statistics for the query planner, and an empty WAL.
    pub fn close(self) -> Result<(), Error> {
        self.conn.execute_batch("PRAGMA optimize")?;
        self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        self.conn.close().map_err(|(_, error)| error.into())
    }

    /// Compares the text index with the messages. A finding in plain words, or none.
    pub fn check_search(&self) -> Result<Option<String>, Error> {
        let check = "INSERT INTO message_fts (message_fts, rank) VALUES ('integrity-check', 1)";
        match self.conn.execute(check, []).map_err(Error::from) {
            Ok(_) => Ok(None),
            Err(Error::Corrupt(words)) => {
                Ok(Some(format!("the search index does not match the messages: {words}")))
            }
            Err(error) => Err(error),
        }
    }

    #[cfg(test)]
    pub(super) fn raw(&self) -> &Connection {
        &self.conn
    }
}

enum Together {
    /// The lock was not to be had: trying each alone would only wait as often.
    NotBegun(Error),
    /// All is rolled back.
    Ended(Error),
}

impl Group {
    fn failed(count: usize, error: &Error) -> Self {
        Self { results: vec![Err(error.clone()); count], changes: Changes::default() }
    }
}

impl Tx<'_> {
    /// Changes whenever another process has committed. This process writes through one connection alone,
    /// so its own commits do not count.
    pub fn data_version(&self) -> Result<i64, Error> {
        let mut query = self.conn.prepare_cached("PRAGMA data_version")?;
        Ok(query.query_row([], |row| row.get(0))?)
    }

    /// As if the disk had room for so many pages more.
    #[cfg(test)]
    pub(crate) fn leave_room_for_test(&self, pages: i64) -> Result<(), Error> {
        let used: i64 = self.conn.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        let set = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        self.conn.query_row(&format!("PRAGMA max_page_count = {}", used + pages), [], set)?;
        Ok(())
    }

    pub(super) fn touch(&mut self, conversation: crate::domain::id::ConversationId) {
        self.changes.conversations.insert(conversation);
    }
}
