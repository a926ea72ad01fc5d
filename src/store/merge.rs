//! Contacts and conversations that turn out to be one, and messages that turn out to be another person's.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::Error;
use super::facts::{self, Ident, owner};
use super::tally;
use super::unfinished::sent_to;
use super::wish;
use super::write::Tx;
use super::{account, lane};
use crate::domain::conversation::Draft;
use crate::domain::event::Peer;
use crate::domain::id::{AccountId, ContactId, ConversationId, MessageId, UserId, WaId};
use crate::domain::time::Timestamp;

/// The contact that an id leads to now.
pub(super) fn contact_now(conn: &Connection, id: ContactId) -> Result<ContactId, Error> {
    let mut query =
        conn.prepare_cached("SELECT coalesce(merged_into, id) FROM contact WHERE id = ?1")?;
    let found = query.query_row([id.0], |row| row.get(0)).optional()?;
    found.map(ContactId).ok_or_else(|| Error::not_found("contact", id.to_string()))
}

/// The conversation that an id leads to now.
pub(super) fn conversation_now(
    conn: &Connection,
    id: ConversationId,
) -> Result<ConversationId, Error> {
    let mut query =
        conn.prepare_cached("SELECT coalesce(merged_into, id) FROM conversation WHERE id = ?1")?;
    let found = query.query_row([id.0], |row| row.get(0)).optional()?;
    found.map(ConversationId).ok_or_else(|| Error::not_found("conversation", id.to_string()))
}

/// The conversation of an account with a contact; made when there is none, and shown once it has something.
pub(super) fn conversation_with(
    tx: &Tx<'_>,
    account: AccountId,
    contact: ContactId,
    now: Timestamp,
) -> Result<ConversationId, Error> {
    let mut query = tx
        .conn
        .prepare_cached("SELECT id FROM conversation WHERE account = ?1 AND contact = ?2")?;
    let found = query.query_row([account.0, contact.0], |row| row.get(0)).optional()?;
    if let Some(id) = found {
        return Ok(ConversationId(id));
    }
    let mut insert = tx.conn.prepare_cached(
        "INSERT INTO conversation (account, contact, created_at, activity) VALUES (?1, ?2, ?3, 0)",
    )?;
    let id = ConversationId(insert.insert(params![account.0, contact.0, now.millis()])?);
    // They may have said what they want of marketing before they said anything else.
    wish::refresh_one(tx, id)?;
    Ok(id)
}

/// Whom a message that is written in a conversation now is for.
pub(super) fn addressee(
    conn: &Connection,
    account: AccountId,
    conversation: ConversationId,
) -> Result<Peer, Error> {
    let mut query = conn.prepare_cached("SELECT contact FROM conversation WHERE id = ?1")?;
    let contact = ContactId(query.query_row([conversation.0], |row| row.get(0))?);
    facts::addressee(conn, account, contact)
}

/// Tells that what is shown of a contact changed.
pub(super) fn touch_conversations(tx: &mut Tx<'_>, contact: ContactId) -> Result<(), Error> {
    for (id, _) in conversations_of(tx.conn, contact)? {
        tx.touch(id);
    }
    Ok(())
}

pub(super) fn conversations_of(
    conn: &Connection,
    contact: ContactId,
) -> Result<Vec<(ConversationId, AccountId)>, Error> {
    let mut query = conn.prepare_cached(
        "SELECT id, account FROM conversation WHERE contact = ?1 AND merged_into IS NULL",
    )?;
    let rows = query
        .query_map([contact.0], |row| Ok((ConversationId(row.get(0)?), AccountId(row.get(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Two contacts are one: the loser's id leads to the winner from now on, and its conversations go over.
pub(super) fn merge_contacts(
    tx: &mut Tx<'_>,
    loser: ContactId,
    winner: ContactId,
) -> Result<(), Error> {
    tx.conn
        .prepare_cached("UPDATE contact SET merged_into = ?2 WHERE id = ?1 OR merged_into = ?1")?
        .execute([loser.0, winner.0])?;
    for sql in [
        "INSERT INTO reached SELECT scope, ?2, at FROM reached WHERE contact = ?1
         ON CONFLICT DO UPDATE SET at = max(at, excluded.at)",
        "DELETE FROM reached WHERE contact = ?1 AND ?2",
    ] {
        tx.conn.prepare_cached(sql)?.execute([loser.0, winner.0])?;
    }
    for (theirs, account) in conversations_of(tx.conn, loser)? {
        let mut query = tx
            .conn
            .prepare_cached("SELECT id FROM conversation WHERE account = ?1 AND contact = ?2")?;
        let ours = query.query_row([account.0, winner.0], |row| row.get(0)).optional()?;
        if let Some(ours) = ours {
            merge_conversations(tx, theirs, ConversationId(ours))?;
        } else {
            tx.conn
                .prepare_cached("UPDATE conversation SET contact = ?2 WHERE id = ?1")?
                .execute([theirs.0, winner.0])?;
            tx.touch(theirs);
        }
    }
    Ok(())
}

fn merge_conversations(
    tx: &mut Tx<'_>,
    loser: ConversationId,
    winner: ConversationId,
) -> Result<(), Error> {
    for sql in [
        "UPDATE message SET conversation = ?2 WHERE conversation = ?1",
        "UPDATE conversation SET merged_into = ?2 WHERE id = ?1 OR merged_into = ?1",
        // Nothing that was unread may pass as read: the mark goes before the first unread of either.
        "UPDATE conversation AS c SET (read_at, read_id) = (
             SELECT coalesce(first_unread_at, read_at), coalesce(first_unread - 1, read_id)
             FROM conversation WHERE id IN (?1, ?2)
             ORDER BY first_unread_at IS NULL, first_unread_at, first_unread, read_at DESC, read_id DESC
             LIMIT 1)
         WHERE id = ?2
             AND EXISTS (SELECT 1 FROM conversation WHERE id IN (?1, ?2) AND read_at <> -1)",
        "UPDATE conversation AS c SET marked_unread = max(c.marked_unread, l.marked_unread),
             refused_at = coalesce(max(c.refused_at, l.refused_at), c.refused_at, l.refused_at)
         FROM (SELECT * FROM conversation WHERE id = ?1) AS l WHERE c.id = ?2",
    ] {
        tx.conn.prepare_cached(sql)?.execute([loser.0, winner.0])?;
    }
    merge_drafts(tx.conn, loser, winner)?;
    tx.conn
        .prepare_cached(
            "UPDATE OR REPLACE unfinished_template SET made = ?2
             WHERE made = ?1 AND account = (SELECT account FROM conversation WHERE id = ?3)",
        )?
        .execute(params![sent_to(loser), sent_to(winner), winner.0])?;
    lane::move_lanes(tx, loser, winner)?;
    tally::refresh(tx, loser)?;
    tally::refresh(tx, winner)
}

/// Both texts are kept, the older one first.
fn merge_drafts(
    conn: &Connection,
    loser: ConversationId,
    winner: ConversationId,
) -> Result<(), Error> {
    let mut query = conn.prepare_cached(
        "SELECT text, reply_to, at FROM draft WHERE conversation IN (?1, ?2) ORDER BY at, conversation",
    )?;
    let rows = query.query_map([loser.0, winner.0], |row| {
        let reply_to = row.get::<_, Option<_>>(1)?.map(MessageId);
        Ok((Draft { text: row.get(0)?, reply_to }, row.get::<_, i64>(2)?))
    })?;
    let drafts: Vec<_> = rows.collect::<Result<_, _>>()?;
    let Some((_, at)) = drafts.last() else { return Ok(()) };
    let draft = drafts.iter().fold(Draft::default(), |older, (newer, _)| {
        Draft::joined(&Draft::default(), newer, &older)
    });
    conn.prepare_cached("DELETE FROM draft WHERE conversation = ?1")?.execute([loser.0])?;
    conn.prepare_cached("INSERT OR REPLACE INTO draft VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![winner.0, draft.text, draft.reply_to.map(|id| id.0), at])?;
    Ok(())
}

/// Whom a message was from or written to.
struct Anchored {
    message: i64,
    at: i64,
    wa_id: Option<String>,
    user: Option<String>,
}

/// A stretch of a contact's identities turned out to be somebody else's: each of its messages goes to
/// whoever had the identity when it was written.
pub(super) fn rehome(tx: &mut Tx<'_>, contact: ContactId) -> Result<(), Error> {
    for (conversation, account) in conversations_of(tx.conn, contact)? {
        let scope = account::scope(tx.conn, account)?;
        let mut query = tx.conn.prepare_cached(
            "SELECT id, at, peer_wa, peer_user FROM message
             WHERE conversation = ?1 AND (peer_wa IS NOT NULL OR peer_user IS NOT NULL)",
        )?;
        let rows = query.query_map([conversation.0], |row| {
            Ok(Anchored {
                message: row.get(0)?,
                at: row.get(1)?,
                wa_id: row.get(2)?,
                user: row.get(3)?,
            })
        })?;
        let anchored: Vec<Anchored> = rows.collect::<Result<_, _>>()?;
        drop(query);
        let mut affected = BTreeSet::new();
        for message in anchored {
            let ident = match (&message.user, &message.wa_id) {
                (Some(user), _) => Ident::user(&scope, &UserId::new(user)),
                (None, Some(number)) => Ident::phone(&WaId::new(number)),
                (None, None) => continue,
            };
            let Some(theirs) = owner(tx.conn, &ident, message.at)? else { continue };
            if theirs == contact {
                continue;
            }
            let at = Timestamp::from_millis(message.at);
            let home = conversation_with(tx, account, theirs, at)?;
            tx.conn
                .prepare_cached("UPDATE message SET conversation = ?2 WHERE id = ?1")?
                .execute([message.message, home.0])?;
            lane::follow(tx, MessageId(message.message), conversation, home)?;
            affected.extend([conversation, home]);
        }
        affected.into_iter().try_for_each(|id| tally::refresh(tx, id))?;
    }
    Ok(())
}

/// When a person began a conversation with a contact, by account. From few to many: the accounts are few, and
/// everything that was ever begun must not be walked for each new contact.
pub(super) const BEGUN: &str = "SELECT b.account, min(b.at) FROM identity i
     CROSS JOIN account a
     CROSS JOIN begun b ON b.account = a.id AND b.kind = i.kind AND b.scope = i.scope AND b.value = i.value
     WHERE i.contact = ?1 AND i.valid_from <= b.at AND b.at < i.valid_to
     GROUP BY b.account";

/// Derives from the facts which conversations of a contact a person began, and when.
pub(super) fn rebegin(tx: &mut Tx<'_>, contact: ContactId) -> Result<(), Error> {
    let mut query = tx.conn.prepare_cached(BEGUN)?;
    let rows = query.query_map([contact.0], |row| Ok((AccountId(row.get(0)?), row.get(1)?)))?;
    let begun: BTreeMap<AccountId, i64> = rows.collect::<Result<_, _>>()?;
    drop(query);
    for (account, at) in &begun {
        conversation_with(tx, *account, contact, Timestamp::from_millis(*at))?;
    }
    for (conversation, account) in conversations_of(tx.conn, contact)? {
        let changed = tx
            .conn
            .prepare_cached(
                "UPDATE conversation SET begun_at = ?2 WHERE id = ?1 AND begun_at IS NOT ?2",
            )?
            .execute(params![conversation.0, begun.get(&account)])?;
        if changed > 0 {
            tally::refresh(tx, conversation)?;
        }
    }
    Ok(())
}
