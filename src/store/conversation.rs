//! What a person does to a conversation: begin it, mark it, leave a draft.

use rusqlite::{OptionalExtension as _, params};

use super::error::Error;
use super::write::Tx;
use super::{account, facts, lane, merge, tally};
use crate::domain::conversation::Draft;
use crate::domain::event::Peer;
use crate::domain::id::{AccountId, ConversationId, MessageId, UserId, WaId, Wamid};
use crate::domain::time::Timestamp;

/// Finds the conversation with a number (digits only), or begins it. One whose number WhatsApp spells otherwise
/// is found too.
pub fn begin_conversation(
    tx: &mut Tx<'_>,
    account: AccountId,
    number: &WaId,
    now: Timestamp,
) -> Result<ConversationId, Error> {
    let number = facts::known_as(tx.conn, number)?;
    begin(tx, account, &Peer { wa_id: Some(number), ..Peer::default() }, now)
}

/// Finds the conversation with a business-scoped user id, or begins it.
pub fn begin_conversation_with_user(
    tx: &mut Tx<'_>,
    account: AccountId,
    user: &UserId,
    now: Timestamp,
) -> Result<ConversationId, Error> {
    begin(tx, account, &Peer { user_id: Some(user.clone()), ..Peer::default() }, now)
}

fn begin(
    tx: &mut Tx<'_>,
    account: AccountId,
    peer: &Peer,
    now: Timestamp,
) -> Result<ConversationId, Error> {
    let scope = account::scope(tx.conn, account)?;
    let contact = facts::sighted(tx, &scope, peer, now, now)?
        .ok_or_else(|| Error::Value("nobody to begin a conversation with".to_owned()))?;
    let id = merge::conversation_with(tx, account, contact, now)?;
    let begun = tx
        .conn
        .prepare_cached("UPDATE conversation SET begun_at = ?2 WHERE id = ?1 AND shown = 0")?
        .execute([id.0, now.millis()])?;
    if begun > 0 {
        facts::begun(tx, account, &scope, peer, now)?;
        tally::refresh(tx, id)?;
    }
    Ok(id)
}

/// Keeps what is typed; an empty draft is removed. `seen` is the draft that it came of. When another
/// process, or two conversations that became one, stored something else meanwhile, both texts are kept
/// ([`Draft::joined`]).
pub fn save_draft(
    tx: &mut Tx<'_>,
    conversation: ConversationId,
    draft: &Draft,
    seen: &Draft,
    now: Timestamp,
) -> Result<(), Error> {
    let id = merge::conversation_now(tx.conn, conversation)?;
    let draft = Draft::joined(seen, draft, &stored_draft(tx, id)?);
    if draft.is_empty() {
        tx.conn.prepare_cached("DELETE FROM draft WHERE conversation = ?1")?.execute([id.0])?;
    } else {
        tx.conn
            .prepare_cached("INSERT OR REPLACE INTO draft VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![id.0, draft.text, draft.reply_to.map(|id| id.0), now.millis()])?;
    }
    tx.conn
        .prepare_cached(
            "UPDATE conversation SET shown = preview IS NOT NULL OR begun_at IS NOT NULL
                 OR EXISTS (SELECT 1 FROM draft WHERE conversation = ?1) WHERE id = ?1",
        )?
        .execute([id.0])?;
    tx.touch(id);
    Ok(())
}

fn stored_draft(tx: &Tx<'_>, conversation: ConversationId) -> Result<Draft, Error> {
    let mut query =
        tx.conn.prepare_cached("SELECT text, reply_to FROM draft WHERE conversation = ?1")?;
    let found = query.query_row([conversation.0], |row| {
        Ok(Draft { text: row.get(0)?, reply_to: row.get::<_, Option<_>>(1)?.map(MessageId) })
    });
    Ok(found.optional()?.unwrap_or_default())
}

/// Everything up to this message has been seen. With `send_receipt` Meta is told of the newest inbound
/// one; receipts that still wait are replaced by it.
pub fn mark_read(
    tx: &mut Tx<'_>,
    conversation: ConversationId,
    up_to: MessageId,
    send_receipt: bool,
    now: Timestamp,
) -> Result<(), Error> {
    let id = merge::conversation_now(tx.conn, conversation)?;
    let mut query =
        tx.conn.prepare_cached("SELECT at FROM message WHERE id = ?1 AND conversation = ?2")?;
    let at: i64 = query
        .query_row([up_to.0, id.0], |row| row.get(0))
        .optional()?
        .ok_or_else(|| Error::not_found("message", up_to.to_string()))?;
    drop(query);
    let newest = newest_unread(tx, id, at, up_to)?;
    let moved = tx
        .conn
        .prepare_cached(
            "UPDATE conversation SET marked_unread = 0,
                 read_id = iif((?2, ?3) > (read_at, read_id), ?3, read_id),
                 read_at = iif((?2, ?3) > (read_at, read_id), ?2, read_at)
             WHERE id = ?1 AND (marked_unread = 1 OR (?2, ?3) > (read_at, read_id))",
        )?
        .execute([id.0, at, up_to.0])?;
    if moved > 0 {
        tally::reread(tx, id)?;
    }
    match newest {
        Some((account, wamid, message)) if send_receipt => {
            queue_receipt(tx, account, id, &wamid, message, now)
        }
        _ => Ok(()),
    }
}

/// The newest inbound message between the old mark and the new one.
fn newest_unread(
    tx: &Tx<'_>,
    conversation: ConversationId,
    at: i64,
    up_to: MessageId,
) -> Result<Option<(AccountId, Wamid, MessageId)>, Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT m.account, m.wamid, m.id FROM message m JOIN conversation c ON c.id = m.conversation
         WHERE m.conversation = ?1 AND m.own = 1 AND m.direction = 1 AND m.history = 0
             AND m.wamid IS NOT NULL AND (m.at, m.id) <= (?2, ?3)
             AND (m.at, m.id) > (c.read_at, c.read_id)
         ORDER BY m.at DESC, m.id DESC LIMIT 1",
    )?;
    let found = query.query_row([conversation.0, at, up_to.0], |row| {
        let wamid = Wamid::new(row.get::<_, String>(1)?);
        Ok((AccountId(row.get(0)?), wamid, MessageId(row.get(2)?)))
    });
    Ok(found.optional()?)
}

fn queue_receipt(
    tx: &mut Tx<'_>,
    account: AccountId,
    conversation: ConversationId,
    wamid: &Wamid,
    message: MessageId,
    now: Timestamp,
) -> Result<(), Error> {
    tx.conn
        .prepare_cached("DELETE FROM outbox WHERE kind = ?1 AND lane = ?2 AND state = 1")?
        .execute([lane::RECEIPT, conversation.0])?;
    tx.conn
        .prepare_cached(
            "INSERT INTO outbox (account, kind, lane, priority, place, not_before, state, wamid)
             VALUES (?1, ?2, ?3, 1, ?4, ?5, 1, ?6)",
        )?
        .execute(params![
            account.0,
            lane::RECEIPT,
            conversation.0,
            message.0,
            now.millis(),
            wamid.as_str()
        ])?;
    lane::settle(tx, lane::RECEIPT, conversation.0)
}

/// Shows the conversation as unread until it is read again.
pub fn mark_unread(tx: &mut Tx<'_>, conversation: ConversationId) -> Result<(), Error> {
    let id = merge::conversation_now(tx.conn, conversation)?;
    tx.conn
        .prepare_cached("UPDATE conversation SET marked_unread = 1 WHERE id = ?1")?
        .execute([id.0])?;
    tx.touch(id);
    Ok(())
}
