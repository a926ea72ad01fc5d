//! A connection that only reads, for the threads that show things.

use std::path::Path;

use rusqlite::{Connection, InterruptHandle, Transaction, TransactionBehavior};

use super::error::Error;
use super::schema;

/// A reading connection. It cannot write, whatever it is asked.
#[derive(Debug)]
pub struct ReadConn {
    pub(super) conn: Connection,
}

impl ReadConn {
    /// Opens the database for reading. [`Error::Missing`] until a writer has made it; try again then.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self { conn: schema::open_for_reading(path)? })
    }

    /// Changes whenever another connection, of this process or another, has committed.
    pub fn data_version(&self) -> Result<i64, Error> {
        let mut query = self.conn.prepare_cached("PRAGMA data_version")?;
        Ok(query.query_row([], |row| row.get(0))?)
    }

    /// Stops a running query from another thread; it fails with [`Error::Interrupted`].
    pub fn interrupt_handle(&self) -> InterruptHandle {
        self.conn.get_interrupt_handle()
    }

    /// One view of the database for several queries. Keep it short: the WAL grows meanwhile.
    pub(super) fn snapshot(&self) -> Result<Transaction<'_>, Error> {
        Ok(Transaction::new_unchecked(&self.conn, TransactionBehavior::Deferred)?)
    }
}
