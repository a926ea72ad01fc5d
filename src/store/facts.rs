//! What became known about who is who, and the contacts that follow from it.
//!
//! Facts are only ever added, as "the earliest" or "the newest" of their kind, so that their set does not
//! depend on the order in which they came. [`resolve`] derives identities and contacts from them.

mod resolve;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::Error;
use super::merge;
use super::write::Tx;
use crate::domain::event::{IdentityChange, Peer};
use crate::domain::hook::RowChange;
use crate::domain::id::{AccountId, ContactId, UserId, WaId};
use crate::domain::outbox::Recipient;
use crate::domain::phone::other_spelling;
use crate::domain::time::Timestamp;

pub(super) const PHONE: i64 = 1;
pub(super) const USER: i64 = 2;
pub(super) const PARENT: i64 = 3;

const NAME: i64 = 1;
const USERNAME: i64 = 2;

/// Something a person is known by. User ids mean something only within a scope; numbers and the user ids
/// of linked portfolios mean the same everywhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ident {
    pub(super) kind: i64,
    pub(super) scope: String,
    pub(super) value: String,
}

impl Ident {
    pub(super) fn phone(number: &WaId) -> Self {
        Self { kind: PHONE, scope: String::new(), value: number.to_string() }
    }

    pub(super) fn user(scope: &str, user: &UserId) -> Self {
        Self { kind: USER, scope: scope.to_owned(), value: user.to_string() }
    }

    fn parent(user: &UserId) -> Self {
        Self { kind: PARENT, scope: String::new(), value: user.to_string() }
    }

    /// Itself, and a number also as WhatsApp, or whoever types it, may spell it.
    pub(super) fn spellings(&self) -> impl Iterator<Item = Self> {
        let number = (self.kind == PHONE).then(|| WaId::new(self.value.clone()));
        let other = number.and_then(|number| other_spelling(&number));
        std::iter::once(self.clone()).chain(other.map(|number| Self::phone(&number)))
    }
}

/// What facts about a peer are kept under.
pub(super) fn first_ident(scope: &str, peer: &Peer) -> Option<Ident> {
    idents(scope, peer).into_iter().next()
}

/// A peer's identities, the one that decides first: a user id is never given to somebody else.
fn idents(scope: &str, peer: &Peer) -> Vec<Ident> {
    let user = peer.user_id.as_ref().map(|user| Ident::user(scope, user));
    let phone = peer.wa_id.as_ref().map(Ident::phone);
    let parent = peer.parent_user_id.as_ref().map(Ident::parent);
    [user, phone, parent].into_iter().flatten().collect()
}

/// Whose an identity was at a time.
pub(super) fn owner(conn: &Connection, ident: &Ident, at: i64) -> Result<Option<ContactId>, Error> {
    let mut query = conn.prepare_cached(
        "SELECT contact FROM identity WHERE kind = ?1 AND scope = ?2 AND value = ?3 AND valid_from <= ?4
         ORDER BY valid_from DESC LIMIT 1",
    )?;
    let owner = query
        .query_row(params![ident.kind, ident.scope, ident.value, at.max(0)], |row| row.get(0))
        .optional()?;
    Ok(owner.map(ContactId))
}

/// Whose a number is, in each way it may be spelled; whoever has it as it stands comes first.
pub(super) fn owners(conn: &Connection, number: &WaId) -> Result<Vec<ContactId>, Error> {
    let mut owners = Vec::with_capacity(2);
    for ident in Ident::phone(number).spellings() {
        owners.extend(owner(conn, &ident, i64::MAX)?.filter(|found| !owners.contains(found)));
    }
    Ok(owners)
}

/// How a number that a person typed is known: as it stands, or else as WhatsApp spells it for somebody who
/// wrote before. As it stands for a stranger.
pub(super) fn known_as(conn: &Connection, number: &WaId) -> Result<WaId, Error> {
    for ident in Ident::phone(number).spellings() {
        if owner(conn, &ident, i64::MAX)?.is_some() {
            return Ok(WaId::new(ident.value));
        }
    }
    Ok(number.clone())
}

/// A peer was seen at a time: notes what belongs together, and finds or makes the contact. `None` when
/// nothing in the peer identifies anybody.
pub(super) fn sighted(
    tx: &mut Tx<'_>,
    scope: &str,
    peer: &Peer,
    at: Timestamp,
    now: Timestamp,
) -> Result<Option<ContactId>, Error> {
    let idents = idents(scope, peer);
    let Some((first, rest)) = idents.split_first() else { return Ok(None) };
    let mut contact = owner(tx.conn, first, at.millis())?;
    let mut news = contact.is_none();
    for other in rest {
        news |= link(tx.conn, first, other, 1, at)?;
    }
    if news {
        resolve::resolve(tx, &idents, now)?;
        contact = owner(tx.conn, first, at.millis())?;
    }
    if let Some(contact) = contact {
        name(tx, contact, first, peer, at)?;
    }
    Ok(contact)
}

/// A peer gave up an identity for another at a time.
pub(super) fn changed(
    tx: &mut Tx<'_>,
    scope: &str,
    peer: &Peer,
    change: &IdentityChange,
    at: Timestamp,
    now: Timestamp,
) -> Result<Option<ContactId>, Error> {
    let person = after_change(peer, change);
    let old_phone = change.old_wa_id.as_ref().map(Ident::phone);
    let old_user = change.old_user_id.as_ref().map(|user| Ident::user(scope, user));
    let new_phone = change.new_wa_id.as_ref().map(Ident::phone);
    let new_user = change.new_user_id.as_ref().map(|user| Ident::user(scope, user));
    let mut seeds = Vec::new();
    for (old, new) in [
        (&old_phone, new_phone.as_ref().or(new_user.as_ref())),
        (&old_user, new_user.as_ref().or(new_phone.as_ref())),
    ] {
        if let (Some(old), Some(new)) = (old, new)
            && old != new
        {
            note_change(tx.conn, old, new, at)?;
            seeds.extend([old.clone(), new.clone()]);
        }
    }
    if !seeds.is_empty() {
        resolve::resolve(tx, &seeds, now)?;
    }
    sighted(tx, scope, &person, at, now)
}

/// Who the peer of a change is from then on: the new identities, and of the old ones what was not given up.
pub(super) fn after_change(peer: &Peer, change: &IdentityChange) -> Peer {
    let kept = |old: Option<&WaId>| peer.wa_id.clone().filter(|number| Some(number) != old);
    let kept_user = |old: Option<&UserId>| peer.user_id.clone().filter(|user| Some(user) != old);
    let wa_id = change.new_wa_id.clone().or_else(|| kept(change.old_wa_id.as_ref()));
    let user_id = change.new_user_id.clone().or_else(|| kept_user(change.old_user_id.as_ref()));
    if wa_id.is_none() && user_id.is_none() {
        // Only what was given up is known: the message is still the same person's.
        return peer.clone();
    }
    Peer { wa_id, user_id, ..peer.clone() }
}

/// A number as typed turned out to be another one at Meta.
pub(super) fn alias(
    tx: &mut Tx<'_>,
    typed: &WaId,
    answered: &WaId,
    at: Timestamp,
    now: Timestamp,
) -> Result<(), Error> {
    let (typed, answered) = (Ident::phone(typed), Ident::phone(answered));
    if typed != answered && link(tx.conn, &typed, &answered, 2, at)? {
        resolve::resolve(tx, &[typed, answered], now)?;
    }
    Ok(())
}

/// Notes the earliest time of a link; true when that is news.
fn link(conn: &Connection, a: &Ident, b: &Ident, how: i64, at: Timestamp) -> Result<bool, Error> {
    let mut insert = conn.prepare_cached(
        "INSERT INTO identity_link (a_kind, a_scope, a_value, b_kind, b_scope, b_value, how, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT DO UPDATE SET at = excluded.at WHERE excluded.at < at",
    )?;
    let written = insert.execute(params![
        a.kind,
        a.scope,
        a.value,
        b.kind,
        b.scope,
        b.value,
        how,
        at.millis()
    ])?;
    Ok(written > 0)
}

fn note_change(conn: &Connection, old: &Ident, new: &Ident, at: Timestamp) -> Result<(), Error> {
    conn.prepare_cached(
        "INSERT OR IGNORE INTO identity_change VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        old.kind,
        old.scope,
        old.value,
        new.kind,
        new.scope,
        new.value,
        at.millis()
    ])?;
    Ok(())
}

/// Notes the names a peer carried, and shows them if they are the newest.
fn name(
    tx: &mut Tx<'_>,
    contact: ContactId,
    ident: &Ident,
    peer: &Peer,
    at: Timestamp,
) -> Result<(), Error> {
    let carried = [(NAME, &peer.name), (USERNAME, &peer.username)]
        .map(|(what, text)| (what, text.as_deref().filter(|text| !text.is_empty())));
    if carried.iter().all(|(_, text)| text.is_none()) {
        return Ok(());
    }
    let mut query = tx.conn.prepare_cached("SELECT name, username FROM contact WHERE id = ?1")?;
    let shown: [Option<String>; 2] =
        query.query_row([contact.0], |row| Ok([row.get(0)?, row.get(1)?]))?;
    drop(query);
    let mut stale = false;
    let mut elsewhere = Vec::new();
    for ((what, text), shown) in carried.into_iter().zip(shown) {
        let Some(text) = text else { continue };
        if let Some(other) = last_bearer(tx.conn, ident, what, text)?.filter(|c| *c != contact) {
            // A name goes with the stretch of a number in which it was last seen.
            elsewhere.push(other);
        }
        let mut insert = tx.conn.prepare_cached(
            "INSERT INTO profile (kind, scope, value, what, text, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET at = excluded.at WHERE excluded.at > at",
        )?;
        insert.execute(params![ident.kind, ident.scope, ident.value, what, text, at.millis()])?;
        stale |= shown.as_deref() != Some(text);
    }
    if stale {
        refresh_contact(tx, contact)?;
    }
    elsewhere.into_iter().try_for_each(|other| refresh_contact(tx, other))
}

/// Who had an identity when a name was last seen with it.
fn last_bearer(
    conn: &Connection,
    ident: &Ident,
    what: i64,
    text: &str,
) -> Result<Option<ContactId>, Error> {
    if ident.kind != PHONE {
        return Ok(None);
    }
    let mut query = conn.prepare_cached(
        "SELECT at FROM profile WHERE kind = ?1 AND scope = ?2 AND value = ?3 AND what = ?4
             AND text = ?5",
    )?;
    let at: Option<i64> = query
        .query_row(params![ident.kind, ident.scope, ident.value, what, text], |row| row.get(0))
        .optional()?;
    at.map_or(Ok(None), |at| owner(conn, ident, at))
}

/// Derives what lists show of a contact from the facts about its identities.
pub(super) fn refresh_contact(tx: &mut Tx<'_>, contact: ContactId) -> Result<(), Error> {
    let mut names = tx.conn.prepare_cached(
        "SELECT p.text FROM identity i JOIN profile p
             ON p.kind = i.kind AND p.scope = i.scope AND p.value = i.value
         WHERE i.contact = ?1 AND p.what = ?2 AND p.at >= i.valid_from AND p.at < i.valid_to
         ORDER BY p.at DESC, p.text DESC LIMIT 1",
    )?;
    let mut newest = |what: i64| -> Result<Option<String>, Error> {
        Ok(names.query_row([contact.0, what], |row| row.get(0)).optional()?)
    };
    let (name, username) = (newest(NAME)?, newest(USERNAME)?);
    let phone = current_phone(tx.conn, contact)?;
    let user = current_user(tx.conn, contact, None)?;
    let before = shown(tx.conn, contact)?;
    let changed = tx
        .conn
        .prepare_cached(
            "UPDATE contact SET name = ?2, username = ?3, wa_id = ?4, user_id = ?5 WHERE id = ?1
             AND (name IS NOT ?2 OR username IS NOT ?3 OR wa_id IS NOT ?4 OR user_id IS NOT ?5)",
        )?
        .execute(params![contact.0, name, username, phone, user])?;
    if changed > 0 {
        for ((column, before), after) in SHOWN.into_iter().zip(before).zip(shown(tx.conn, contact)?)
        {
            if before != after {
                let (table, column) = ("contact".to_owned(), column.to_owned());
                tx.trail.push(RowChange { table, id: contact.0, column, before, after });
            }
        }
        merge::touch_conversations(tx, contact)?;
    }
    Ok(())
}

/// The columns of a contact that lists show.
const SHOWN: [&str; 4] = ["name", "username", "wa_id", "user_id"];

fn shown(conn: &Connection, contact: ContactId) -> Result<[Option<String>; 4], Error> {
    let mut query =
        conn.prepare_cached("SELECT name, username, wa_id, user_id FROM contact WHERE id = ?1")?;
    Ok(query
        .query_row([contact.0], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?)
}

/// The number that reaches a contact now: not given up, and Meta's spelling before a typed one.
fn current_phone(conn: &Connection, contact: ContactId) -> Result<Option<String>, Error> {
    let mut query = conn.prepare_cached(
        "SELECT i.value FROM identity i WHERE i.contact = ?1 AND i.kind = 1 AND i.valid_to = ?2
         ORDER BY EXISTS (SELECT 1 FROM identity_link l WHERE l.a_kind = 1 AND l.a_scope = ''
                          AND l.a_value = i.value AND l.b_kind = 1 AND l.how = 2),
                  i.valid_from DESC, i.value DESC LIMIT 1",
    )?;
    Ok(query.query_row([contact.0, resolve::FOREVER], |row| row.get(0)).optional()?)
}

/// The user id of a contact now, within a scope if given.
fn current_user(
    conn: &Connection,
    contact: ContactId,
    scope: Option<&str>,
) -> Result<Option<String>, Error> {
    let mut query = conn.prepare_cached(
        "SELECT i.value FROM identity i WHERE i.contact = ?1 AND i.kind = 2
             AND (?2 IS NULL OR i.scope = ?2)
         ORDER BY EXISTS (SELECT 1 FROM identity_change c WHERE c.kind = 2 AND c.scope = i.scope
                          AND c.old_value = i.value),
                  (SELECT max(l.at) FROM identity_link l WHERE l.a_kind = 2 AND l.a_scope = i.scope
                   AND l.a_value = i.value) DESC,
                  i.scope, i.value DESC LIMIT 1",
    )?;
    Ok(query.query_row(params![contact.0, scope], |row| row.get(0)).optional()?)
}

/// How a message to a contact is addressed: by number while one is known, else by user id.
pub(super) fn address(
    conn: &Connection,
    account: AccountId,
    contact: ContactId,
) -> Result<Option<Recipient>, Error> {
    if let Some(number) = current_phone(conn, contact)? {
        return Ok(Some(Recipient::Phone(WaId::new(number))));
    }
    let scope = super::account::scope(conn, account)?;
    Ok(current_user(conn, contact, Some(&scope))?.map(|user| Recipient::User(UserId::new(user))))
}

/// Whom a message that is written to a contact now is for. Should the contact turn out to be two people,
/// this tells which of them was meant.
pub(super) fn addressee(
    conn: &Connection,
    account: AccountId,
    contact: ContactId,
) -> Result<Peer, Error> {
    Ok(match address(conn, account, contact)? {
        Some(Recipient::Phone(number)) => Peer { wa_id: Some(number), ..Peer::default() },
        Some(Recipient::User(user)) => Peer { user_id: Some(user), ..Peer::default() },
        None => Peer::default(),
    })
}

/// A person began a conversation with a peer.
pub(super) fn begun(
    tx: &Tx<'_>,
    account: AccountId,
    scope: &str,
    peer: &Peer,
    at: Timestamp,
) -> Result<(), Error> {
    let Some(ident) = first_ident(scope, peer) else { return Ok(()) };
    tx.conn
        .prepare_cached(
            "INSERT INTO begun (account, kind, scope, value, at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET at = excluded.at WHERE excluded.at < at",
        )?
        .execute(params![account.0, ident.kind, ident.scope, ident.value, at.millis()])?;
    Ok(())
}
