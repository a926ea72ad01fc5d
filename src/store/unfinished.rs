//! Templates that somebody has begun to write, and values that somebody has begun to fill in for a conversation:
//! kept like drafts, so that leaving loses nothing.

use rusqlite::params;

use super::error::Error;
use super::merge::conversation_now;
use super::read::ReadConn;
use super::write::Tx;
use crate::domain::id::{AccountId, ConversationId};
use crate::domain::template::{Begun, Fields, Purpose, Unfinished};

/// Keeps what stands in the editor's fields in place of what was kept before; no fields: it is done with.
pub fn keep(
    tx: &mut Tx<'_>,
    account: AccountId,
    purpose: &Purpose,
    fields: &Fields,
) -> Result<(), Error> {
    put(tx, account, purpose.parts(), fields)
}

/// Keeps the values filled in for the template of this name, in place of those kept before; no values: it is
/// sent, or nothing stands there any more.
pub fn keep_values(
    tx: &mut Tx<'_>,
    conversation: ConversationId,
    name: &str,
    values: &Fields,
) -> Result<(), Error> {
    let conversation = conversation_now(tx.conn, conversation)?;
    let mut query = tx.conn.prepare_cached("SELECT account FROM conversation WHERE id = ?1")?;
    let account = AccountId(query.query_row([conversation.0], |row| row.get(0))?);
    drop(query);
    // Whatever language it is sent in, the values are the same.
    put(tx, account, (&sent_to(conversation), name, ""), values)
}

/// What stands for values that are filled in for a conversation, among what is made.
pub(super) fn sent_to(conversation: ConversationId) -> String {
    format!("send {conversation}")
}

fn put(
    tx: &Tx<'_>,
    account: AccountId,
    (made, name, language): (&str, &str, &str),
    fields: &Fields,
) -> Result<(), Error> {
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

/// The values that are kept for templates in a conversation.
pub fn values(read: &ReadConn, conversation: ConversationId) -> Result<Begun, Error> {
    let conversation = conversation_now(&read.conn, conversation)?;
    let mut query = read.conn.prepare_cached(
        "SELECT u.name, u.field, u.text FROM conversation c
         JOIN unfinished_template u ON u.account = c.account AND u.made = ?2 WHERE c.id = ?1",
    )?;
    let mut rows = query.query(params![conversation.0, sent_to(conversation)])?;
    let mut kept = Begun::new();
    while let Some(row) = rows.next()? {
        kept.entry(row.get(0)?).or_default().insert(row.get(1)?, row.get(2)?);
    }
    Ok(kept)
}

/// What is kept of the account's templates.
pub fn unfinished(read: &ReadConn, account: AccountId) -> Result<Unfinished, Error> {
    let mut query = read.conn.prepare_cached(
        "SELECT made, name, language, field, text FROM unfinished_template
         WHERE account = ?1 AND made IN ('new', 'like', 'change')",
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
