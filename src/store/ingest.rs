//! Webhooks into the store: the raw event, and each of its items, whatever their order and number.
//!
//! Everything in here must give the same database for the same set of items: facts are noted as facts,
//! messages are known by their wamid, and statuses go through the lattice of the state table.

mod echo;

use rusqlite::{OptionalExtension as _, params};

use super::account;
use super::catalogue;
use super::error::Error;
use super::event::{self, EffectKind};
use super::facts;
use super::merge;
use super::outbox;
use super::proof::{self, Applied};
use super::row;
use super::standing;
use super::stored::{self, NewRow, Writer};
use super::tally;
use super::wish;
use super::write::Tx;
use crate::domain::event::{InboundMessage, Item, ItemKind, PreferenceUpdate};
use crate::domain::hook::Head;
use crate::domain::id::{AccountId, EventId, MessageId, WabaId, Wamid};
use crate::domain::message::{Body, Direction, Priority};
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::domain::wish::{How, Wish};

/// One POST as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawPost {
    /// The bytes that were signed.
    pub body: Vec<u8>,
    /// SHA-256 of them: equal bodies are stored and applied once.
    pub sha256: [u8; 32],
    /// When it came in.
    pub received_at: Timestamp,
}

/// How a POST came, beside its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Came {
    /// Whose secret signed it, and its headers.
    pub head: Option<Head>,
    /// The signature.
    pub signature: Option<[u8; 32]>,
}

/// What storing a POST came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingested {
    /// The stored event.
    pub event: EventId,
    /// False when an equal body had been stored before; then nothing was applied.
    pub fresh: bool,
    /// Messages that were new.
    pub messages: Vec<MessageId>,
    /// Items that were not understood, named an unknown number or could not be applied; each is kept
    /// with its reason.
    pub unknown: u32,
    /// What is to be said of the last one that named an unknown number.
    pub unknown_number: Option<String>,
}

/// Where an item belongs.
#[derive(Clone, Copy)]
struct Place<'a> {
    account: AccountId,
    /// Of the account's user ids.
    scope: &'a str,
    event: EventId,
    item: &'a Item,
    now: Timestamp,
}

/// What an item did.
struct Effect {
    kind: EffectKind,
    message: Option<MessageId>,
    states: Option<(State, State)>,
    detail: Option<String>,
    until: Option<Timestamp>,
}

impl Effect {
    const fn of(kind: EffectKind) -> Self {
        Self { kind, message: None, states: None, detail: None, until: None }
    }

    fn because(kind: EffectKind, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..Self::of(kind) }
    }
}

/// [`ingest_came`] for a POST of which nothing is known but its body.
pub fn ingest(
    tx: &mut Tx<'_>,
    post: &RawPost,
    items: &[Item],
    now: Timestamp,
) -> Result<Ingested, Error> {
    ingest_came(tx, post, &Came::default(), items, now)
}

/// Stores a POST and applies its items. One item that cannot be applied does not cost the rest.
pub fn ingest_came(
    tx: &mut Tx<'_>,
    post: &RawPost,
    came: &Came,
    items: &[Item],
    now: Timestamp,
) -> Result<Ingested, Error> {
    let (event, fresh) = store_event(tx, post, came)?;
    tx.changes.events = true;
    apply_all(tx, event, fresh, if fresh { items } else { &[] }, now)
}

/// Applies the items of a stored event again, as an event of its own. What was applied before is known
/// already; what could not be, because its number had no account or an older version did not understand it,
/// may be now.
pub fn replay(
    tx: &mut Tx<'_>,
    of: EventId,
    items: &[Item],
    now: Timestamp,
) -> Result<Ingested, Error> {
    let written = tx
        .conn
        .prepare_cached(
            "INSERT INTO event (received_at, body, head, signature, replay_of)
             SELECT ?2, body, head, signature, id FROM event WHERE id = ?1",
        )?
        .execute(params![of.0, now.millis()])?;
    if written == 0 {
        return Err(Error::not_found("event", of.to_string()));
    }
    let event = EventId(tx.conn.last_insert_rowid());
    tx.changes.events = true;
    apply_all(tx, event, false, items, now)
}

/// The body of an event, for whoever applies it again in the same transaction.
pub fn body_of(tx: &Tx<'_>, event: EventId) -> Result<Vec<u8>, Error> {
    let body: Option<Vec<u8>> = tx
        .conn
        .prepare_cached(
            "SELECT b.body FROM event e JOIN event_body b ON b.id = e.body
             WHERE e.id = ?1 AND length(b.body) > 0",
        )?
        .query_row([event.0], |row| row.get(0))
        .optional()?;
    body.ok_or_else(|| Error::not_found("body of event", event.to_string()))
}

/// Applies a body that a person made of an event's, as an event of its own that says so.
pub fn inject(
    tx: &mut Tx<'_>,
    of: EventId,
    post: &RawPost,
    items: &[Item],
    now: Timestamp,
) -> Result<Ingested, Error> {
    let (event, fresh) = store_event(tx, post, &Came::default())?;
    tx.conn
        .prepare_cached("UPDATE event SET replay_of = ?2 WHERE id = ?1")?
        .execute([event.0, of.0])?;
    tx.changes.events = true;
    apply_all(tx, event, fresh, items, now)
}

fn apply_all(
    tx: &mut Tx<'_>,
    event: EventId,
    fresh: bool,
    items: &[Item],
    now: Timestamp,
) -> Result<Ingested, Error> {
    let mut done =
        Ingested { event, fresh, messages: Vec::new(), unknown: 0, unknown_number: None };
    for item in items {
        tx.trail.clear();
        let (account, effect) = match tx.apart(|tx| apply(tx, event, item, now))? {
            Ok(applied) => applied,
            Err(error) => {
                tx.trail.clear();
                (None, Effect::because(EffectKind::Failed, error.to_string()))
            }
        };
        note(tx, event, account, item, &effect)?;
        match effect.kind {
            EffectKind::Message => done.messages.extend(effect.message),
            EffectKind::UnknownNumber => {
                done.unknown += 1;
                done.unknown_number = effect.detail;
            }
            EffectKind::Unknown | EffectKind::Failed => done.unknown += 1,
            EffectKind::Status
            | EffectKind::Pending
            | EffectKind::Contact
            | EffectKind::Preference
            | EffectKind::Notice
            | EffectKind::Error => {}
        }
    }
    Ok(done)
}

/// One row per POST; a body that was there before is not stored again.
fn store_event(tx: &Tx<'_>, post: &RawPost, came: &Came) -> Result<(EventId, bool), Error> {
    let fresh = tx
        .conn
        .prepare_cached(
            "INSERT INTO event_body (sha256, body, total) VALUES (?1, ?2, length(?2) + coalesce(
                 (SELECT total FROM event_body ORDER BY id DESC LIMIT 1), 0))
             ON CONFLICT (sha256) DO NOTHING",
        )?
        .execute(params![post.sha256, post.body])?
        > 0;
    let body = if fresh {
        tx.conn.last_insert_rowid()
    } else {
        tx.conn
            .prepare_cached("SELECT id FROM event_body WHERE sha256 = ?1")?
            .query_row([post.sha256], |row| row.get(0))?
    };
    let head = came.head.as_ref().map(|head| head_id(tx, head)).transpose()?;
    let event = tx
        .conn
        .prepare_cached(
            "INSERT INTO event (received_at, body, head, signature) VALUES (?1, ?2, ?3, ?4)",
        )?
        .insert(params![post.received_at.millis(), body, head, came.signature])?;
    Ok((EventId(event), fresh))
}

/// Nearly all webhooks share theirs.
fn head_id(tx: &Tx<'_>, head: &Head) -> Result<i64, Error> {
    let known = tx
        .conn
        .prepare_cached("SELECT id FROM event_head WHERE secret = ?1 AND headers = ?2")?
        .query_row([&head.secret, &head.headers], |row| row.get(0))
        .optional()?;
    match known {
        Some(id) => Ok(id),
        None => Ok(tx
            .conn
            .prepare_cached("INSERT INTO event_head (secret, headers) VALUES (?1, ?2)")?
            .insert([&head.secret, &head.headers])?),
    }
}

fn note(
    tx: &Tx<'_>,
    event: EventId,
    account: Option<AccountId>,
    item: &Item,
    effect: &Effect,
) -> Result<(), Error> {
    tx.conn
        .prepare_cached(
            "INSERT INTO event_effect
                 (event, kind, account, message, from_state, to_state, field, detail, until, changes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            event.0,
            effect.kind as i64,
            account.map(|account| account.0),
            effect.message.map(|message| message.0),
            effect.states.map(|(from, _)| row::state_number(from)),
            effect.states.map(|(_, to)| row::state_number(to)),
            item.field,
            effect.detail,
            effect.until.map(Timestamp::millis),
            event::written(&tx.trail)
        ])?;
    Ok(())
}

fn apply(
    tx: &mut Tx<'_>,
    event: EventId,
    item: &Item,
    now: Timestamp,
) -> Result<(Option<AccountId>, Effect), Error> {
    let found = account_of(tx, item)?;
    let account = found.as_ref().map(|(account, _)| *account);
    let effect = match &item.kind {
        ItemKind::Template(update) => {
            let until = catalogue::update(tx, item.waba.as_ref(), update, now)?;
            Effect { until, ..Effect::because(EffectKind::Notice, &update.summary) }
        }
        ItemKind::Notice { summary, report } => {
            tx.changes.notices = true;
            if let (Some(report), Some(waba)) = (report, &item.waba) {
                account::fact::told(tx, waba, report, now)?;
            }
            Effect::because(EffectKind::Notice, summary)
        }
        ItemKind::Error { code, detail } => {
            Effect::because(EffectKind::Error, format!("{code}: {detail}"))
        }
        ItemKind::Unknown { reason } => Effect::because(EffectKind::Unknown, reason),
        ItemKind::Message(_)
        | ItemKind::Echo(_)
        | ItemKind::Status(_)
        | ItemKind::Identity(_)
        | ItemKind::Preference(_) => match &found {
            None => Effect::because(EffectKind::UnknownNumber, unknown_number(item)),
            Some((account, scope)) => {
                place(tx, &Place { account: *account, scope, event, item, now })?
            }
        },
    };
    Ok((account, effect))
}

/// The account an item names, by its number or, for what concerns a whole WABA, the first one of that.
fn account_of(tx: &Tx<'_>, item: &Item) -> Result<Option<(AccountId, String)>, Error> {
    if let Some(number) = &item.phone_number {
        return account::by_phone_number(tx.conn, number);
    }
    let mut query = tx
        .conn
        .prepare_cached("SELECT id, scope FROM account WHERE waba_id = ?1 ORDER BY id LIMIT 1")?;
    let found = query.query_row([item.waba.as_ref().map(WabaId::as_str)], |row| {
        Ok((AccountId(row.get(0)?), row.get(1)?))
    });
    Ok(found.optional()?)
}

fn unknown_number(item: &Item) -> String {
    match (&item.phone_number, &item.display_number) {
        (Some(id), Some(display)) => format!("no account has the number {display} (id {id})"),
        (Some(id), None) => format!("no account has the phone_number_id {id}"),
        (None, _) => "it names no business number".to_owned(),
    }
}

fn place(tx: &mut Tx<'_>, place: &Place<'_>) -> Result<Effect, Error> {
    match &place.item.kind {
        ItemKind::Message(message) => inbound(tx, place, message),
        ItemKind::Echo(message) => echo::echo(tx, place, message),
        ItemKind::Status(update) => {
            facts::sighted(tx, place.scope, &update.recipient, update.at, place.now)?;
            proof::recipient(tx, place.account, update, place.now)?;
            Ok(match proof::status(tx, place.account, update, place.event)? {
                Applied::To { message, from, to } => Effect {
                    message: Some(message),
                    states: Some((from, to)),
                    ..Effect::of(EffectKind::Status)
                },
                Applied::Pending => Effect {
                    detail: Some(update.wamid.to_string()),
                    ..Effect::of(EffectKind::Pending)
                },
            })
        }
        ItemKind::Identity(update) => {
            let known = match &update.change {
                Some(change) => {
                    facts::changed(tx, place.scope, &update.peer, change, update.at, place.now)?
                }
                None => facts::sighted(tx, place.scope, &update.peer, update.at, place.now)?,
            };
            Ok(match known {
                Some(_) => Effect::of(EffectKind::Contact),
                None => Effect::because(EffectKind::Unknown, "it identifies nobody"),
            })
        }
        ItemKind::Preference(update) => preference(tx, place, update),
        ItemKind::Template(_)
        | ItemKind::Notice { .. }
        | ItemKind::Error { .. }
        | ItemKind::Unknown { .. } => Ok(Effect::of(EffectKind::Notice)),
    }
}

fn preference(
    tx: &mut Tx<'_>,
    place: &Place<'_>,
    update: &PreferenceUpdate,
) -> Result<Effect, Error> {
    let known = facts::sighted(tx, place.scope, &update.peer, update.at, place.now)?;
    if known.is_none() {
        return Ok(Effect::because(EffectKind::Unknown, "it identifies nobody"));
    }
    let stop = match update.value.to_lowercase().as_str() {
        "stop" => true,
        "resume" | "signup" => false,
        _ => {
            let reason = format!("{:?} is no known wish about marketing", update.value);
            return Ok(Effect::because(EffectKind::Unknown, reason));
        }
    };
    let wish = Wish { at: update.at, stop, how: How::Chosen };
    wish::note(tx, place.account, &update.peer, &wish, place.now)?;
    Ok(Effect::because(EffectKind::Preference, &update.value))
}

fn inbound(tx: &mut Tx<'_>, place: &Place<'_>, message: &InboundMessage) -> Result<Effect, Error> {
    let known = match &message.change {
        Some(change) => {
            facts::changed(tx, place.scope, &message.from, change, message.at, place.now)?
        }
        None => facts::sighted(tx, place.scope, &message.from, message.at, place.now)?,
    };
    let Some(contact) = known else {
        return Ok(Effect::because(EffectKind::Unknown, "a message without a sender"));
    };
    let history = place.item.field == "history";
    if let Some(old) = standing::by_wamid(tx.conn, place.account, &message.wamid)? {
        return seen_again(tx, &old, history);
    }
    let anchor = message.change.as_ref().map(|change| facts::after_change(&message.from, change));
    let conversation = merge::conversation_with(tx, place.account, contact, place.now)?;
    let system = matches!(message.body, Body::System { .. });
    let row = NewRow {
        account: place.account,
        conversation,
        writer: if system { Writer::System } else { Writer::Contact },
        wamid: Some(&message.wamid),
        at: message.at,
        state: State::Received,
        body: &message.body,
        context: &message.context,
        reply_message: None,
        peer: Some(anchor.as_ref().unwrap_or(&message.from)),
        group: message.group.as_deref(),
        history,
        priority: Priority::Person,
        raw: Some(&place.item.raw),
    };
    let id = stored::insert(tx, &row, place.now)?;
    take_effect(tx, place.account, Direction::Inbound, &message.body, message.at, &message.wamid)?;
    heed_keyword(tx, place, message)?;
    outbox::free_contact(tx, place.account, contact, place.now)?;
    if message.body.is_own_message() && !history {
        tx.changes.arrivals.insert(conversation);
    }
    tx.touch(conversation);
    Ok(Effect { message: Some(id), ..Effect::of(EffectKind::Message) })
}

/// A message that is nothing but one of the config's words says what its author wants of marketing. What is
/// written in a group is said to others.
fn heed_keyword(tx: &mut Tx<'_>, place: &Place<'_>, message: &InboundMessage) -> Result<(), Error> {
    let said = match &message.body {
        Body::Text { text, .. } => text,
        // The button of a template says it as well.
        Body::Reply { title, .. } => title,
        _ => return Ok(()),
    };
    let Some(stop) = tx.rules.keywords.meant(said).filter(|_| message.group.is_none()) else {
        return Ok(());
    };
    let how = How::Wrote(said.trim().to_owned());
    let wish = Wish { at: message.at, stop, how };
    wish::note(tx, place.account, &message.from, &wish, place.now)
}

/// The message is there already. One that was first seen in a replay of the history, and now comes by
/// itself, counts as unread after all.
fn seen_again(tx: &mut Tx<'_>, old: &standing::Standing, history: bool) -> Result<Effect, Error> {
    let promoted = if history {
        0
    } else {
        tx.conn
            .prepare_cached("UPDATE message SET history = 0 WHERE id = ?1 AND history = 1")?
            .execute([old.id.0])?
    };
    if promoted > 0 {
        tally::reread(tx, old.conversation)?;
    }
    let detail = Some("known already".to_owned());
    let message = Some(old.id);
    Ok(Effect { message, detail, ..Effect::of(EffectKind::Status) })
}

/// What a message does to others, and what came before it does to it.
fn take_effect(
    tx: &mut Tx<'_>,
    account: AccountId,
    direction: Direction,
    body: &Body,
    at: Timestamp,
    wamid: &Wamid,
) -> Result<(), Error> {
    match body {
        Body::Reaction { target, emoji } => {
            stored::react(tx, account, direction, target, emoji.as_deref(), at, wamid)
        }
        Body::Edit { target, .. } | Body::Revoke { target } => {
            stored::apply_changes(tx, account, target)
        }
        Body::Text { .. }
        | Body::Media { .. }
        | Body::Location { .. }
        | Body::Contacts(_)
        | Body::Reply { .. }
        | Body::Interactive { .. }
        | Body::Template(_)
        | Body::Order { .. }
        | Body::System { .. }
        | Body::Welcome
        | Body::Unsupported { .. }
        | Body::Unknown { .. } => stored::apply_changes(tx, account, wamid),
    }
}
