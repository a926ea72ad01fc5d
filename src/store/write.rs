//! The one writing connection of a process, and how waiting jobs share one commit.

use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::error::Error;
use super::schema;
use super::text_index::DAMAGED;
use crate::domain::change::Changes;
use crate::domain::hook::RowChange;
use crate::domain::time::Timestamp;
use crate::domain::window::Outside;
use crate::domain::wish::Keywords;

/// Something to write. It may be run twice: when the commit it shared with others failed, it is run
/// again alone. What it finds out goes into what it captured, and counts only once [`Group`] says `Ok`.
pub type WriteJob = Box<dyn FnMut(&mut Tx<'_>) -> Result<(), Error> + Send>;

/// The pages that the WAL keeps room for when idle: 8 MiB of 4 KiB each. Overwriting is faster than growing,
/// and so much is read in no time by a process that starts after a crash.
pub(super) const LOG_FRAMES: i64 = 2048;

/// So many new messages may wait for the text index. Commits leave them to a quiet moment; one that finds
/// more takes them along, which costs a message far less than an index of its own would.
const INDEX_LAG: i64 = 256;

/// From this size on, in bytes, the writer sees to it that the log starts anew.
pub(super) const LONG_LOG: u64 = 16 << 20;

/// Ids of messages that one step adds to the text index, where many wait: after a crash, or since it was damaged.
const INDEX_STEP: i64 = 1_024;

/// What the person decided in the config about all that is sent and received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// What is done with a message outside the window that is no template.
    pub outside: Outside,
    /// The words by which contacts stop and allow marketing.
    pub keywords: Keywords,
}

/// The process's only connection that writes.
#[derive(Debug)]
pub struct WriteConn {
    pub(super) conn: Connection,
    rules: Rules,
    /// Whether the text index was found damaged, when last looked at.
    pub(super) search_damaged: Cell<bool>,
    /// The size of the log, in bytes, from which [`WriteConn::bound_log`] acts.
    pub(super) log_bound: u64,
}

/// A transaction in which one job runs.
#[derive(Debug)]
pub struct Tx<'a> {
    pub(super) conn: &'a Connection,
    pub(super) rules: &'a Rules,
    pub(super) changes: Changes,
    /// Columns that changed in rows which rarely do, for whoever keeps account of causes.
    pub(super) trail: Vec<RowChange>,
    /// Whether what fails takes back only itself. Otherwise any failure ends the whole transaction, and
    /// everything is run again with savepoints.
    pub(super) savepoints: bool,
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
        let conn = schema::open_for_writing(path, now)?;
        Ok(Self {
            conn,
            rules: Rules::default(),
            search_damaged: Cell::new(false),
            log_bound: LONG_LOG,
        })
    }

    /// What holds for all that is written from now on.
    #[must_use]
    pub fn with_rules(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    /// Runs all jobs in one transaction and commits it. A job that fails takes only itself back. When
    /// SQLite gives up the whole transaction, or the commit fails, each job is tried in one of its own. One
    /// that was alone already is tried again only if it is [`Error::Unconfirmed`]: that overwrites what it
    /// left in the log.
    pub fn commit_group(&mut self, jobs: &mut [WriteJob]) -> Group {
        // Savepoints copy every page that is changed within them, and hardly any job fails.
        let group = match self.together(jobs, false) {
            Err(Trouble::Job(_)) => self.together(jobs, true),
            done => done,
        };
        match group {
            Ok(group) => group,
            Err(Trouble::NotBegun(error)) => Group::failed(jobs.len(), &error),
            Err(Trouble::Job(error) | Trouble::Ended(error))
                if jobs.len() <= 1 && error != Error::Unconfirmed =>
            {
                Group::failed(jobs.len(), &error)
            }
            Err(trouble @ (Trouble::Job(_) | Trouble::Ended(_))) => {
                let unconfirmed = trouble.error() == Error::Unconfirmed;
                let mut all = Group { results: Vec::new(), changes: Changes::default() };
                for job in &mut *jobs {
                    let alone = self
                        .together(std::slice::from_mut(job), true)
                        .unwrap_or_else(|trouble| Group::failed(1, &trouble.error()));
                    all.results.extend(alone.results);
                    all.changes.merge(alone.changes);
                }
                // Only a commit that succeeds overwrites what the first one left in the log. What a job itself
                // refuses is not in it.
                if unconfirmed && all.results.iter().all(Result::is_err) {
                    let errors = all.results.iter_mut().filter_map(|result| result.as_mut().err());
                    errors
                        .filter(|error| error.ends_transaction())
                        .for_each(|error| *error = Error::Unconfirmed);
                }
                all
            }
        }
    }

    /// Runs one job in a transaction of its own and returns what it made. The job may be run twice.
    pub fn write<T>(
        &mut self,
        mut job: impl FnMut(&mut Tx<'_>) -> Result<T, Error>,
    ) -> Result<(T, Changes), Error> {
        let mut attempt = |savepoints| {
            self.transaction(|| {
                let mut tx = self.tx(savepoints);
                let made = job(&mut tx)?;
                Ok((made, tx.changes))
            })
        };
        match attempt(false) {
            Err(Trouble::Job(_)) => attempt(true),
            Err(Trouble::Ended(Error::Unconfirmed)) => {
                attempt(false).map_err(|_later| Trouble::Ended(Error::Unconfirmed))
            }
            done => done,
        }
        .map_err(Trouble::error)
    }

    fn together(&self, jobs: &mut [WriteJob], savepoints: bool) -> Result<Group, Trouble> {
        self.transaction(|| self.run_all(jobs, savepoints))
    }

    pub(super) fn transaction<T>(
        &self,
        body: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Trouble> {
        self.run("BEGIN IMMEDIATE").map_err(Trouble::NotBegun)?;
        let ended = match body() {
            Ok(made) => match self.commit() {
                Ok(()) => return Ok(made),
                Err(error) => Trouble::Ended(error),
            },
            Err(error) if self.conn.is_autocommit() || error.ends_transaction() => {
                Trouble::Ended(error)
            }
            Err(error) => Trouble::Job(error),
        };
        self.roll_back();
        Err(ended)
    }

    fn run_all(&self, jobs: &mut [WriteJob], savepoints: bool) -> Result<Group, Error> {
        let mut group =
            Group { results: Vec::with_capacity(jobs.len()), changes: Changes::default() };
        for job in jobs {
            let mut tx = self.tx(savepoints);
            if !savepoints {
                job(&mut tx)?;
                group.changes.merge(tx.changes);
                group.results.push(Ok(()));
                continue;
            }
            self.run("SAVEPOINT job")?;
            let done = job(&mut tx);
            let changes = tx.changes;
            match done {
                Ok(()) => {
                    self.run("RELEASE job")?;
                    group.changes.merge(changes);
                    group.results.push(Ok(()));
                }
                Err(error) if self.conn.is_autocommit() || error.ends_transaction() => {
                    return Err(error);
                }
                Err(error) => {
                    self.run("ROLLBACK TO job")?;
                    self.run("RELEASE job")?;
                    group.results.push(Err(error));
                }
            }
        }
        Ok(group)
    }

    fn tx(&self, savepoints: bool) -> Tx<'_> {
        let (changes, trail) = (Changes::default(), Vec::new());
        Tx { conn: &self.conn, rules: &self.rules, changes, trail, savepoints }
    }

    fn run(&self, sql: &str) -> Result<(), Error> {
        self.conn.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// Makes everything durable.
    fn commit(&self) -> Result<(), Error> {
        if self.unindexed()? >= INDEX_LAG {
            self.index_within()?;
        }
        self.run("COMMIT")
    }

    /// Makes new messages searchable. Cheap when there are none.
    pub fn index(&mut self) -> Result<(), Error> {
        while self.index_new()? {}
        Ok(())
    }

    /// One step; whether there was anything to do.
    fn index_new(&self) -> Result<bool, Error> {
        if self.unindexed()? == 0 {
            return Ok(false);
        }
        self.transaction(|| self.index_within()).map_err(Trouble::error)?;
        Ok(true)
    }

    /// At most so many messages are not in the text index yet. None in one that is damaged, which has no newest
    /// message: the triggers that follow edits leave it alone for the same reason.
    fn unindexed(&self) -> Result<i64, Error> {
        let mut query = self.conn.prepare_cached(
            "SELECT coalesce((SELECT max(id) FROM message), 0) - upto, upto < 0 FROM message_indexed",
        )?;
        let (behind, damaged) = query.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        self.search_damaged.set(damaged);
        Ok(if damaged { 0 } else { behind })
    }

    /// Takes new messages into the text index, so many in a step. What is stored together with it stands in any
    /// case.
    fn index_within(&self) -> Result<(), Error> {
        self.run("SAVEPOINT search")?;
        // FTS5 writes what it gathered when another savepoint begins, and at the commit if none does: too late.
        match self.index_step().and_then(|()| self.run("SAVEPOINT written")) {
            Ok(()) => {
                self.conn
                    .prepare_cached(
                        "UPDATE message_indexed
                         SET upto = min(upto + ?1, coalesce((SELECT max(id) FROM message), 0))",
                    )?
                    .execute([INDEX_STEP])?;
            }
            Err(Error::Corrupt(_) | Error::Sql(_)) if !self.conn.is_autocommit() => {
                self.run("ROLLBACK TO search")?;
                self.run("UPDATE message_indexed SET upto = -1")?;
                self.search_damaged.set(true);
            }
            Err(error) => return Err(error),
        }
        self.run("RELEASE search")
    }

    fn index_step(&self) -> Result<(), Error> {
        self.conn
            .prepare_cached(
                "INSERT INTO message_fts (rowid, text)
                 SELECT t.id, t.text FROM message_indexed i
                     CROSS JOIN message_text t ON t.id > i.upto AND t.id <= i.upto + ?1",
            )?
            .execute([INDEX_STEP])?;
        Ok(())
    }

    /// Leaves no transaction open. SQLite may have ended it already.
    fn roll_back(&self) {
        if !self.conn.is_autocommit() {
            // Nothing helps if this fails: SQLite ends the transaction with the connection at the latest.
            drop(self.conn.execute_batch("ROLLBACK"));
        }
    }

    /// A small step of upkeep for idle times: makes new messages searchable, moves what is in the
    /// WAL into the file as far as no reader needs it, and merges a little of the text index. Returns
    /// whether another step would do more.
    pub fn maintain(&mut self) -> Result<bool, Error> {
        self.unless_busy(|this| {
            let indexed = this.index_new()?;
            Ok(this.maintain_now()? || indexed)
        })
    }

    /// [`WriteConn::index`], unless another process is writing: it will do that too. Whether there was
    /// anything to index.
    pub fn index_if_free(&mut self) -> Result<bool, Error> {
        self.unless_busy(|this| this.index_new())
    }

    /// Does nothing while another process writes: its turn.
    fn unless_busy(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        self.conn.busy_timeout(Duration::ZERO)?;
        let more = step(self);
        self.conn.busy_timeout(schema::BUSY_TIMEOUT)?;
        match more {
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
        if self.search_damaged.get() {
            return Ok(done < log);
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
        self.index_new()?;
        self.conn.execute_batch("PRAGMA optimize")?;
        self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        self.conn.close().map_err(|(_, error)| error.into())
    }

    /// Compares the text index, brought up to date first, with the messages. A finding in plain words, or none.
    pub fn check_search(&self) -> Result<Option<String>, Error> {
        self.index_new()?;
        let check = "INSERT INTO message_fts (message_fts, rank) VALUES ('integrity-check', 1)";
        match self.conn.execute(check, []).map_err(Error::from) {
            Ok(_) => Ok(None),
            Err(Error::Corrupt(words) | Error::Sql(words)) => {
                Ok(Some(format!("{DAMAGED}: it does not match the messages: {words}")))
            }
            Err(error) => Err(error),
        }
    }

    #[cfg(test)]
    pub(super) fn raw(&self) -> &Connection {
        &self.conn
    }
}

/// Why a transaction came to nothing. All is rolled back.
pub(super) enum Trouble {
    /// The lock was not to be had: trying each job alone would only wait as often.
    NotBegun(Error),
    /// A job said no.
    Job(Error),
    /// SQLite gave up, or could not commit.
    Ended(Error),
}

impl Trouble {
    pub(super) fn error(self) -> Error {
        match self {
            Self::NotBegun(error) | Self::Job(error) | Self::Ended(error) => error,
        }
    }
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

    /// Runs one of several steps of a job of which each stands for itself. One that fails takes back only itself,
    /// and why is the inner result; without savepoints the job fails, and is run again with them.
    pub(super) fn apart<T>(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<Result<T, Error>, Error> {
        if !self.savepoints {
            return step(self).map(Ok);
        }
        self.conn.prepare_cached("SAVEPOINT step")?.execute([])?;
        let done = match step(self) {
            Err(error) if error.ends_transaction() || self.conn.is_autocommit() => {
                return Err(error);
            }
            done => done,
        };
        if done.is_err() {
            self.conn.prepare_cached("ROLLBACK TO step")?.execute([])?;
        }
        self.conn.prepare_cached("RELEASE step")?.execute([])?;
        Ok(done)
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
