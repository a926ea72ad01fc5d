//! The index of what messages say, as the writer keeps it. All that is in it follows from the messages, so one that
//! is damaged may keep nothing from being stored: it is left alone from then on, until somebody makes it anew.

use super::error::Error;
use super::write::{Trouble, WriteConn};

/// The indexes that can be made anew.
pub(super) const INDEXES: [&str; 2] = ["message_fts", "contact_fts"];

/// With what a finding of [`super::check::check`] begins that [`WriteConn::repair_search`] mends.
pub const DAMAGED: &str = "the search index is damaged";

impl WriteConn {
    /// Whether the text index was found damaged, and new messages are not in it.
    #[must_use]
    pub fn is_search_damaged(&self) -> bool {
        self.search_damaged.get()
    }

    /// Makes the indexes of messages and contacts anew from these. Others can write meanwhile.
    pub fn repair_search(&mut self) -> Result<(), Error> {
        self.transaction(|| {
            for index in INDEXES {
                let table = "SELECT sql FROM sqlite_schema WHERE name = ?1";
                let sql: String = self.conn.query_row(table, [index], |row| row.get(0))?;
                self.conn.execute_batch(&format!("DROP TABLE {index}; {sql};"))?;
            }
            self.conn.execute_batch(
                "INSERT INTO message_fts (message_fts, rank) VALUES ('automerge', 8);
                 INSERT INTO message_fts (message_fts, rank) VALUES ('crisismerge', 32);
                 INSERT INTO contact_fts (contact_fts) VALUES ('rebuild');
                 UPDATE message_indexed SET upto = 0;",
            )?;
            Ok(())
        })
        .map_err(Trouble::error)?;
        self.index()
    }
}
