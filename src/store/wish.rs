//! Who wants no marketing: the wishes as facts, and what follows from them for a conversation.

use std::collections::BTreeSet;
use std::time::Duration;

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
const SHOWN: usize = 100;

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
    if news == 0 {
        return Ok(());
    }
    let mut contacts = BTreeSet::new();
    for ident in ident.spellings() {
        contacts.extend(facts::owner(tx.conn, &ident, wish.at.millis())?);
    }
    for contact in contacts {
        refresh(tx, contact)?;
        merge::touch_conversations(tx, contact)?;
        if !wish.stop {
            outbox::free_contact(tx, account, contact, now)?;
        }
    }
    Ok(())
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
    let mut query = conn.prepare_cached(
        "SELECT account, contact FROM conversation WHERE id = ?1 AND merged_into IS NULL",
    )?;
    let found = query
        .query_row([conversation.0], |row| Ok((AccountId(row.get(0)?), ContactId(row.get(1)?))))
        .optional()?;
    let Some((account, contact)) = found else { return Ok(None) };
    Ok(newest(conn, account, contact)?.filter(|wish| wish.stop).map(|wish| wish.at.millis()))
}

/// Whether a contact wants no marketing from an account, from the facts: they may have said it before there was
/// a conversation.
pub(super) fn stopped(
    conn: &Connection,
    account: AccountId,
    contact: ContactId,
) -> Result<bool, Error> {
    Ok(newest(conn, account, contact)?.is_some_and(|wish| wish.stop))
}

fn newest(
    conn: &Connection,
    account: AccountId,
    contact: ContactId,
) -> Result<Option<Wish>, Error> {
    Ok(said(conn, account, contact, 1)?.pop())
}

/// What whoever the conversation is with said about marketing lately, oldest first.
pub(super) fn wishes(conn: &Connection, conversation: ConversationId) -> Result<Vec<Wish>, Error> {
    let mut query =
        conn.prepare_cached("SELECT account, contact FROM conversation WHERE id = ?1")?;
    let found = query
        .query_row([conversation.0], |row| Ok((AccountId(row.get(0)?), ContactId(row.get(1)?))))
        .optional()?;
    found.map_or(Ok(Vec::new()), |(account, contact)| said(conn, account, contact, SHOWN))
}

/// The newest wishes of a contact, oldest first: those that were said by one of its identities while it was
/// theirs, a number spelled in every way WhatsApp may have it.
fn said(
    conn: &Connection,
    account: AccountId,
    contact: ContactId,
    most: usize,
) -> Result<Vec<Wish>, Error> {
    let mut identities = conn.prepare_cached(
        "SELECT kind, scope, value, valid_from, valid_to FROM identity WHERE contact = ?1",
    )?;
    let mut wishes = conn.prepare_cached(
        "SELECT at, stop, how, said, value FROM wish
         WHERE account = ?1 AND kind = ?2 AND scope = ?3 AND value = ?4 AND at >= ?5 AND at < ?6
         ORDER BY at DESC, stop DESC, how DESC, said DESC LIMIT ?7",
    )?;
    // Two spellings that are known to be one person's find each other's wishes.
    let mut found: BTreeSet<(i64, bool, i64, String, String)> = BTreeSet::new();
    let mut rows = identities.query([contact.0])?;
    while let Some(row) = rows.next()? {
        let ident = Ident { kind: row.get(0)?, scope: row.get(1)?, value: row.get(2)? };
        let (from, to): (i64, i64) = (row.get(3)?, row.get(4)?);
        for Ident { kind, scope, value } in ident.spellings() {
            let asked = params![account.0, kind, scope, value, from, to, size(most)];
            let rows = wishes.query_map(asked, |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })?;
            found.extend(rows.collect::<Result<Vec<_>, _>>()?);
        }
    }
    let told = found.into_iter().rev().take(most).map(|(at, stop, how, said, _)| {
        let how = match how {
            2 => How::Wrote(said),
            3 => How::Refused,
            4 => How::Decided(said),
            _ => How::Chosen,
        };
        Wish { at: Timestamp::from_millis(at), stop, how }
    });
    let mut told: Vec<Wish> = told.collect();
    told.reverse();
    Ok(told)
}

fn size(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
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
    let after = newest.map(|at| at + Duration::from_millis(1));
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
