//! Templates that somebody has begun to write: kept like drafts, so that leaving loses nothing.

use rusqlite::params;

use super::error::Error;
use super::read::ReadConn;
use super::write::Tx;
use crate::domain::id::AccountId;
use crate::domain::template::{Fields, Purpose, Unfinished};

/// Keeps what stands in the editor's fields in place of what was kept before; no fields: it is done with.
pub fn keep(
    tx: &mut Tx<'_>,
    account: AccountId,
    purpose: &Purpose,
    fields: &Fields,
) -> Result<(), Error> {
    let (made, name, language) = purpose.parts();
    tx.conn
        .prepare_cached(
            "DELETE FROM unfinished_template WHERE (account, made, name, language) = (?1, ?2, ?3, ?4)",
        )?
        .execute(params![account.0, made, name, language])?;
    let mut insert = tx
        .conn
        .prepare_cached("INSERT INTO unfinished_template VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for (field, text) in fields {
        insert.execute(params![account.0, made, name, language, field, text])?;
    }
    Ok(())
}

/// What is kept of the account.
pub fn unfinished(read: &ReadConn, account: AccountId) -> Result<Unfinished, Error> {
    let mut query = read.conn.prepare_cached(
        "SELECT made, name, language, field, text FROM unfinished_template WHERE account = ?1",
    )?;
    let mut rows = query.query([account.0])?;
    let mut kept = Unfinished::new();
    while let Some(row) = rows.next()? {
        let purpose = Purpose::of(&row.get::<_, String>(0)?, row.get(1)?, row.get(2)?);
        if let Some(purpose) = purpose {
            kept.entry(purpose).or_default().insert(row.get(3)?, row.get(4)?);
        }
    }
    Ok(kept)
}
