//! Who wants no marketing: the wishes as facts, and what follows from them for a conversation.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::Error;
use super::facts::{self, Ident};
use super::write::Tx;
use super::{account, merge, outbox};
use crate::domain::event::Peer;
use crate::domain::id::{AccountId, ContactId, ConversationId, MessageId, UserId, WaId};
use crate::domain::time::Timestamp;
use crate::domain::wish::{How, Wish};

/// How many of the newest wishes of a conversation are shown.
const SHOWN: i64 = 100;

/// The wishes of whoever a conversation is with, each with the stretch of the identity it was said by.
const WISHES: &str = "FROM conversation c JOIN identity i ON i.contact = c.contact
     JOIN wish w ON w.account = c.account AND w.kind = i.kind AND w.scope = i.scope AND w.value = i.value
     WHERE c.id = ?1 AND i.valid_from <= w.at AND w.at < i.valid_to";

/// Notes what a peer wants, whom it is about follows. Noting it again changes nothing.
pub(super) fn note(
    tx: &mut Tx<'_>,
    account: AccountId,
    peer: &Peer,
    wish: &Wish,
    now: Timestamp,
) -> Result<(), Error> {
    let scope = account::scope(tx.conn, account)?;
    let Some(ident) = facts::first_ident(&scope, peer) else { return Ok(()) };
    let (how, said) = match &wish.how {
        How::Chosen => (1, ""),
        How::Wrote(word) => (2, word.as_str()),
        How::Refused => (3, ""),
        How::Decided(who) => (4, who.as_str()),
    };
    let Ident { kind, scope, value } = &ident;
    let news = tx
        .conn
        .prepare_cached("INSERT OR IGNORE INTO wish VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
        .execute(params![account.0, kind, scope, value, wish.at.millis(), wish.stop, how, said])?;
    let contact = facts::owner(tx.conn, &ident, wish.at.millis())?;
    let Some(contact) = contact.filter(|_| news > 0) else { return Ok(()) };
    refresh(tx, contact)?;
    merge::touch_conversations(tx, contact)?;
    if wish.stop { Ok(()) } else { outbox::free_contact(tx, account, contact, now) }
}

/// Derives anew whether the conversations of a contact take marketing.
pub(super) fn refresh(tx: &mut Tx<'_>, contact: ContactId) -> Result<(), Error> {
    for (conversation, _) in merge::conversations_of(tx.conn, contact)? {
        if refresh_one(tx, conversation)? {
            tx.touch(conversation);
            tx.changes.outbox = true;
        }
    }
    Ok(())
}

/// The same for one conversation; says whether that is news.
pub(super) fn refresh_one(tx: &Tx<'_>, conversation: ConversationId) -> Result<bool, Error> {
    let changed = tx
        .conn
        .prepare_cached(
            "UPDATE conversation SET opted_out = ?2 WHERE id = ?1 AND opted_out IS NOT ?2",
        )?
        .execute(params![conversation.0, opted_out(tx.conn, conversation)?])?;
    Ok(changed > 0)
}

/// Since when whoever the conversation is with wants no marketing, from the facts.
pub(super) fn opted_out(
    conn: &Connection,
    conversation: ConversationId,
) -> Result<Option<i64>, Error> {
    let mut query = conn.prepare_cached(&format!(
        "SELECT iif(w.stop, w.at, NULL) {WISHES} AND c.merged_into IS NULL
         ORDER BY w.at DESC, w.stop DESC LIMIT 1"
    ))?;
    Ok(query.query_row([conversation.0], |row| row.get(0)).optional()?.flatten())
}

/// What whoever the conversation is with said about marketing lately, oldest first.
pub(super) fn wishes(conn: &Connection, conversation: ConversationId) -> Result<Vec<Wish>, Error> {
    let mut query = conn.prepare_cached(&format!(
        "SELECT w.at, w.stop, w.how, w.said {WISHES}
         ORDER BY w.at DESC, w.stop DESC, w.how DESC, w.said DESC LIMIT ?2"
    ))?;
    let rows = query.query_map([conversation.0, SHOWN], |row| {
        let said: String = row.get(3)?;
        let how = match row.get(2)? {
            2 => How::Wrote(said),
            3 => How::Refused,
            4 => How::Decided(said),
            _ => How::Chosen,
        };
        Ok(Wish { at: Timestamp::from_millis(row.get(0)?), stop: row.get(1)?, how })
    })?;
    let mut wishes: Vec<Wish> = rows.collect::<Result<_, _>>()?;
    wishes.reverse();
    Ok(wishes)
}

/// Meta refused a message because the person it was written to wants no marketing.
pub(super) fn refused(
    tx: &mut Tx<'_>,
    account: AccountId,
    message: MessageId,
    at: Timestamp,
) -> Result<(), Error> {
    let mut query =
        tx.conn.prepare_cached("SELECT peer_wa, peer_user FROM message WHERE id = ?1")?;
    let peer = query.query_row([message.0], |row| {
        Ok(Peer {
            wa_id: row.get::<_, Option<String>>(0)?.map(WaId::new),
            user_id: row.get::<_, Option<String>>(1)?.map(UserId::new),
            ..Peer::default()
        })
    })?;
    drop(query);
    note(tx, account, &peer, &Wish { at, stop: true, how: How::Refused }, at)
}

/// The person at the keyboard decides whether a contact gets marketing: undoes what the contact said, or says
/// it for them. It counts from now on, whatever the clocks say. `who` is kept with it.
///
/// # Errors
/// [`Error::NotFound`] for an unknown conversation.
pub fn decide(
    tx: &mut Tx<'_>,
    conversation: ConversationId,
    stop: bool,
    who: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let conversation = merge::conversation_now(tx.conn, conversation)?;
    let mut query = tx.conn.prepare_cached("SELECT account FROM conversation WHERE id = ?1")?;
    let account = AccountId(query.query_row([conversation.0], |row| row.get(0))?);
    drop(query);
    let newest = wishes(tx.conn, conversation)?.last().map(|wish| wish.at);
    let after = newest.map(|at| Timestamp::from_millis(at.millis() + 1));
    let wish = Wish {
        at: after.map_or(now, |after| after.max(now)),
        stop,
        how: How::Decided(who.to_owned()),
    };
    let peer = merge::addressee(tx.conn, account, conversation)?;
    if peer == Peer::default() {
        return Err(Error::Value("no number or user id of this contact is known".to_owned()));
    }
    note(tx, account, &peer, &wish, now)
}
