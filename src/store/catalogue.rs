//! The templates of each account: as Meta told of them, what webhooks changed since, and what became of the
//! messages sent from them.
//!
//! Status, quality, category and text each stand with the time they are of. The newest telling wins, whether
//! it came by webhook or with the whole catalogue, so neither undoes the other by coming late. A webhook that
//! lost, or is about a template that is not here, is reason to fetch the catalogue again.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::{OptionalExtension as _, Row, params};
use serde_json::Value;

use super::body;
use super::error::Error;
use super::message;
use super::read::ReadConn;
use super::row;
use super::write::Tx;
use crate::domain::catalogue::Tally;
use crate::domain::event::{TemplateChange, TemplateUpdate};
use crate::domain::id::{AccountId, ConversationId, MessageId, WabaId};
use crate::domain::message::Body;
use crate::domain::state::State;
use crate::domain::template::{Category, Quality, SentTemplate, Status, Template};
use crate::domain::time::Timestamp;

/// How far this machine's clock may be from Meta's, in milliseconds: a webhook that is older than a fetched
/// catalogue by less counts as newer.
const SKEW: i64 = 60_000;

/// How many of a conversation's newest templates tell which are used most with it.
const LOOK_BACK: u32 = 200;

/// A template as Meta told of it, to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// As far as it was understood.
    pub template: Template,
    /// All of it, as it came.
    pub json: String,
}

/// A template as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Meta's JSON, with the text that webhooks told of since.
    pub json: String,
    /// Its name.
    pub name: String,
    /// Its language code.
    pub language: String,
    /// Whether it may be sent.
    pub status: Status,
    /// Why not, when Meta says.
    pub reason: Option<String>,
    /// When a pause is over.
    pub paused_until: Option<Timestamp>,
    /// What customers make of it.
    pub quality: Quality,
    /// What it is for.
    pub category: Category,
    /// What became of the messages sent from it.
    pub tally: Tally,
    /// When one was written last.
    pub last_used: Option<Timestamp>,
    /// How many of the newest ones in the conversation asked for are from it.
    pub used_here: u32,
    /// The newest one sent in that conversation; if there is none, to anybody.
    pub last: Option<SentTemplate>,
}

/// When Meta was last asked for all templates of an account, and since when something is known to be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Age {
    /// None for never.
    pub synced_at: Option<Timestamp>,
    /// A webhook told of a template that is not here, or of more than it said.
    pub lacks_at: Option<Timestamp>,
}

/// Ends what [`put`] began: `told` is the whole catalogue, which Meta was asked for from `asked_at` on. What is
/// not in it is gone, unless a webhook told of it since.
pub fn settle(
    tx: &mut Tx<'_>,
    account: AccountId,
    told: &[Told],
    asked_at: Timestamp,
) -> Result<(), Error> {
    let names = row::json_list(told.iter().map(|Told { template, .. }| {
        Value::from(vec![&*template.name, &*template.language]).to_string()
    }));
    tx.conn
        .prepare_cached(
            "DELETE FROM template WHERE account = ?1 AND status_at <= ?2
                 AND json_array(name, language) NOT IN (SELECT value FROM json_each(?3))",
        )?
        .execute(params![account.0, asked_at.millis() - SKEW, names])?;
    tx.conn
        .prepare_cached(
            "INSERT INTO catalogue (account, synced_at) VALUES (?1, ?2)
             ON CONFLICT (account) DO UPDATE SET synced_at = excluded.synced_at,
                 lacks_at = iif(lacks_at > excluded.synced_at, lacks_at, NULL)",
        )?
        .execute(params![account.0, asked_at.millis()])?;
    tx.changes.templates = true;
    tx.changes.outbox = true;
    Ok(())
}

/// Puts one template, as Meta told it when asked at `asked_at`, in place of what is kept of it.
pub fn put(
    tx: &mut Tx<'_>,
    account: AccountId,
    told: &Told,
    asked_at: Timestamp,
) -> Result<(), Error> {
    let template = &told.template;
    tx.conn
        .prepare_cached(
            "INSERT INTO template (account, name, language, meta_id, json, status, status_at, reason,
                 quality, quality_at, category, category_at, text_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?10, ?7, ?8, ?10, ?9, ?10, ?10)
             ON CONFLICT DO UPDATE SET
                 meta_id = excluded.meta_id,
                 json = iif(text_at > excluded.text_at, json, excluded.json),
                 text_at = max(text_at, excluded.text_at),
                 -- The catalogue does not say until when; while it says paused, the webhook's word stands.
                 paused_until = iif(status_at > excluded.status_at OR status = excluded.status,
                                    paused_until, NULL),
                 reason = iif(status_at > excluded.status_at, reason,
                              coalesce(excluded.reason, iif(status = excluded.status, reason, NULL))),
                 status = iif(status_at > excluded.status_at, status, excluded.status),
                 status_at = max(status_at, excluded.status_at),
                 quality = iif(quality_at > excluded.quality_at, quality, excluded.quality),
                 quality_at = max(quality_at, excluded.quality_at),
                 category = iif(category_at > excluded.category_at, category, excluded.category),
                 category_at = max(category_at, excluded.category_at)",
        )?
        .execute(params![
            account.0,
            template.name,
            template.language,
            template.meta_id,
            told.json,
            template.status.name(),
            template.reason,
            template.quality.name(),
            template.category.name(),
            asked_at.millis() - SKEW,
        ])?;
    tx.changes.templates = true;
    Ok(())
}

/// Forgets a template that was deleted at Meta by `now`, in one language or in all. A listing that is under way may
/// still have it and put it back, so that another one is to follow.
pub fn remove(
    tx: &mut Tx<'_>,
    account: AccountId,
    name: &str,
    language: Option<&str>,
    now: Timestamp,
) -> Result<(), Error> {
    lacks(tx, account, now)?;
    tx.conn
        .prepare_cached(
            "DELETE FROM template WHERE account = ?1 AND name = ?2 AND language = coalesce(?3, language)",
        )?
        .execute(params![account.0, name, language])?;
    tx.changes.templates = true;
    Ok(())
}

/// What a webhook told of a template, for every account of its WABA. Returns until when it lasts, if it says
/// so.
pub(super) fn update(
    tx: &mut Tx<'_>,
    waba: Option<&WabaId>,
    update: &TemplateUpdate,
    now: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let at = update.at.unwrap_or(now);
    let mut query = tx.conn.prepare_cached("SELECT id FROM account WHERE waba_id = ?1")?;
    let rows = query.query_map([waba.map(WabaId::as_str)], |row| row.get(0).map(AccountId))?;
    let accounts: Vec<AccountId> = rows.collect::<Result<_, _>>()?;
    let until = match &update.change {
        TemplateChange::Status { pause_hours: Some(hours), .. } => {
            Some(at + Duration::from_secs(u64::from(*hours) * 3600))
        }
        _ => None,
    };
    for account in accounts {
        if !change(tx, account, update, at, until)? {
            lacks(tx, account, now)?;
        }
    }
    tx.changes.templates = true;
    tx.changes.notices = true;
    // What waited for the template may go, or has to wait.
    tx.changes.outbox = true;
    Ok(until)
}

/// Whether Meta refuses every message with a template that stands so. A pause is over at its hour, also when the
/// word of it is late.
pub(super) fn is_barred(status: &str, paused_until: Option<i64>, now: Timestamp) -> bool {
    let status = Status::named(status);
    let over = status == Status::Paused && paused_until.is_some_and(|until| until <= now.millis());
    status.refusal().is_some() && !over
}

/// Meta refused a message for its template as such, by this code: it counts as what the catalogue would have said
/// then, and the catalogue is fetched for what is so.
pub(super) fn refused(
    tx: &mut Tx<'_>,
    account: AccountId,
    message: MessageId,
    code: i64,
    at: Timestamp,
) -> Result<(), Error> {
    let status = match code {
        132_001 => Status::Deleted,
        132_015 => Status::Paused,
        132_016 => Status::Disabled,
        _ => return Ok(()),
    };
    let news = tx
        .conn
        .prepare_cached(
            "UPDATE template SET status = ?2, status_at = ?3 - ?4, reason = NULL, paused_until = NULL
             WHERE status_at <= ?3 AND (status <> ?2 OR paused_until <= ?3)
                 AND (account, name, language) = (
                     SELECT account, extra ->> 'name', extra ->> 'language' FROM message
                     WHERE id = ?1 AND kind = ?5 AND json_valid(extra))",
        )?
        .execute(params![message.0, status.name(), at.millis(), SKEW, body::TEMPLATE])?;
    if news > 0 {
        lacks(tx, account, at)?;
        tx.changes.templates = true;
        tx.changes.outbox = true;
    }
    Ok(())
}

/// Whether it was the newest that is known of the template.
fn change(
    tx: &Tx<'_>,
    account: AccountId,
    update: &TemplateUpdate,
    at: Timestamp,
    until: Option<Timestamp>,
) -> Result<bool, Error> {
    let (name, language) = (update.name.as_str(), update.language.as_str());
    let changed = match &update.change {
        TemplateChange::Status { status: Status::Deleted, .. } => {
            tx.conn
                .prepare_cached(
                    "DELETE FROM template WHERE account = ?1 AND name = ?2 AND language = ?3
                         AND status_at <= ?4",
                )?
                .execute(params![account.0, name, language, at.millis()])?;
            return Ok(true);
        }
        TemplateChange::Status { status, reason, .. } => tx
            .conn
            .prepare_cached(
                "UPDATE template SET status = ?5, reason = ?6, paused_until = ?7, status_at = ?4
                 WHERE account = ?1 AND name = ?2 AND language = ?3 AND status_at <= ?4",
            )?
            .execute(params![
                account.0,
                name,
                language,
                at.millis(),
                status.name(),
                reason,
                until.map(Timestamp::millis)
            ])?,
        TemplateChange::Quality(quality) => tx
            .conn
            .prepare_cached(
                "UPDATE template SET quality = ?5, quality_at = ?4
                 WHERE account = ?1 AND name = ?2 AND language = ?3 AND quality_at <= ?4",
            )?
            .execute(params![account.0, name, language, at.millis(), quality.name()])?,
        TemplateChange::Category(category) => tx
            .conn
            .prepare_cached(
                "UPDATE template SET category = ?5, category_at = ?4
                 WHERE account = ?1 AND name = ?2 AND language = ?3 AND category_at <= ?4",
            )?
            .execute(params![account.0, name, language, at.millis(), category.name()])?,
        TemplateChange::CategorySoon => 1,
        TemplateChange::Text { header, body, footer } => {
            let parts = [("HEADER", header), ("BODY", body), ("FOOTER", footer)];
            retext(tx, account, update, at, &parts)?;
            // Its examples and buttons may be others too: only the catalogue tells.
            0
        }
    };
    Ok(changed > 0)
}

/// Notes that Meta knows more of the account's templates than is kept here.
fn lacks(tx: &Tx<'_>, account: AccountId, now: Timestamp) -> Result<(), Error> {
    tx.conn
        .prepare_cached(
            "INSERT INTO catalogue (account, lacks_at) VALUES (?1, ?2)
             ON CONFLICT (account) DO UPDATE SET lacks_at = max(coalesce(lacks_at, 0), excluded.lacks_at)",
        )?
        .execute(params![account.0, now.millis()])?;
    Ok(())
}

/// Writes the new words into Meta's JSON. They count as those of a catalogue asked for at that moment, since
/// they are not all that changed: the one that is fetched for the rest must win.
fn retext(
    tx: &Tx<'_>,
    account: AccountId,
    update: &TemplateUpdate,
    at: Timestamp,
    parts: &[(&str, &Option<String>)],
) -> Result<(), Error> {
    let at = at.millis() - SKEW;
    let key = params![account.0, update.name, update.language, at];
    let json: Option<String> = tx
        .conn
        .prepare_cached(
            "SELECT json FROM template WHERE account = ?1 AND name = ?2 AND language = ?3 AND text_at <= ?4",
        )?
        .query_row(key, |row| row.get(0))
        .optional()?;
    let Some(json) = json else { return Ok(()) };
    let mut value: Value = serde_json::from_str(&json)
        .map_err(|error| Error::Value(format!("template {}: {error}", update.name)))?;
    let components = value.get_mut("components").and_then(Value::as_array_mut);
    for component in components.into_iter().flatten() {
        let kind = component.get("type").and_then(Value::as_str).unwrap_or_default();
        let text = parts.iter().find(|(part, _)| part.eq_ignore_ascii_case(kind));
        if let (Some((_, Some(text))), Some(fields)) = (text, component.as_object_mut()) {
            fields.insert("text".to_owned(), Value::from(text.as_str()));
        }
    }
    tx.conn
        .prepare_cached(
            "UPDATE template SET json = ?5, text_at = ?4
             WHERE account = ?1 AND name = ?2 AND language = ?3",
        )?
        .execute(params![account.0, update.name, update.language, at, value.to_string()])?;
    Ok(())
}

/// How old the catalogue of an account is.
pub fn age(read: &ReadConn, account: AccountId) -> Result<Age, Error> {
    let mut query =
        read.conn.prepare_cached("SELECT synced_at, lacks_at FROM catalogue WHERE account = ?1")?;
    let time = |row: &Row<'_>, column| {
        Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
    };
    let age = query
        .query_row([account.0], |row| Ok(Age { synced_at: time(row, 0)?, lacks_at: time(row, 1)? }))
        .optional()?;
    Ok(age.unwrap_or_default())
}

/// All templates of an account by name and language, with what became of the messages sent from them, above
/// all in `conversation` when one is given.
pub fn templates(
    read: &ReadConn,
    account: AccountId,
    conversation: Option<ConversationId>,
) -> Result<Vec<Kept>, Error> {
    let snapshot = read.snapshot()?;
    let mut tallies = tallies(&snapshot, account)?;
    let here = match conversation {
        Some(conversation) => used_in(&snapshot, conversation)?,
        None => BTreeMap::new(),
    };
    let mut query = snapshot.prepare_cached(
        "SELECT json, name, language, status, reason, paused_until, quality, category
         FROM template WHERE account = ?1 ORDER BY name, language",
    )?;
    let mut rows = query.query([account.0])?;
    let mut kept = Vec::new();
    while let Some(row) = rows.next()? {
        let key: Key = (row.get(1)?, row.get(2)?);
        let tally = tallies.remove(&key);
        let used = match (&tally, here.get(&key)) {
            (_, Some(used)) => Some(used.newest),
            (Some(_), None) => newest(&snapshot, account, &key)?,
            (None, None) => None,
        };
        let last = used.map(|(id, _)| sent(&snapshot, id)).transpose()?.flatten();
        kept.push(Kept {
            json: row.get(0)?,
            status: Status::named(&row.get::<_, String>(3)?),
            reason: row.get(4)?,
            paused_until: row.get::<_, Option<i64>>(5)?.map(Timestamp::from_millis),
            quality: Quality::named(&row.get::<_, String>(6)?),
            category: Category::named(&row.get::<_, String>(7)?),
            tally: tally.unwrap_or_default(),
            last_used: used.map(|(_, at)| Timestamp::from_millis(at)),
            used_here: here.get(&key).map_or(0, |used| used.count),
            last,
            name: key.0,
            language: key.1,
        });
    }
    Ok(kept)
}

/// Name and language.
type Key = (String, String);

/// What became of the messages of each template.
fn tallies(conn: &rusqlite::Connection, account: AccountId) -> Result<BTreeMap<Key, Tally>, Error> {
    let mut query = conn.prepare_cached(
        "SELECT name, language, state, code, n FROM template_count WHERE account = ?1 AND n > 0",
    )?;
    let mut rows = query.query([account.0])?;
    let mut tallies: BTreeMap<Key, Tally> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let tally = tallies.entry((row.get(0)?, row.get(1)?)).or_default();
        let n = u64::try_from(row.get::<_, i64>(4)?).unwrap_or(0);
        let state = row::state(row.get(2)?)?;
        let (sent, delivered, read) = match state {
            State::Sent => (n, 0, 0),
            State::Delivered => (n, n, 0),
            State::Read | State::Played => (n, n, n),
            State::Failed => {
                tally.failed += n;
                tally.reasons.push((row.get(3)?, n));
                (0, 0, 0)
            }
            State::Scheduled
            | State::Held
            | State::Queued
            | State::Sending
            | State::Accepted
            | State::Uncertain
            | State::Cancelled
            | State::Received => (0, 0, 0),
        };
        tally.sent += sent;
        tally.delivered += delivered;
        tally.read += read;
    }
    for tally in tallies.values_mut() {
        tally.reasons.sort_by_key(|(code, n)| (std::cmp::Reverse(*n), *code));
    }
    Ok(tallies)
}

/// How often a template is among a conversation's newest, and the newest one of it: its message and time.
struct Used {
    count: u32,
    newest: (i64, i64),
}

fn used_in(
    conn: &rusqlite::Connection,
    conversation: ConversationId,
) -> Result<BTreeMap<Key, Used>, Error> {
    let mut query = conn.prepare_cached(
        "SELECT extra ->> 'name', extra ->> 'language', id, at FROM message
         WHERE conversation = ?1 AND kind = 8 AND direction = 2 ORDER BY at DESC LIMIT ?2",
    )?;
    let mut rows = query.query(params![conversation.0, LOOK_BACK])?;
    let mut used: BTreeMap<Key, Used> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let [name, language] = [row.get::<_, Option<String>>(0)?, row.get(1)?];
        let key = (name.unwrap_or_default(), language.unwrap_or_default());
        let newest = (row.get(2)?, row.get(3)?);
        used.entry(key).or_insert(Used { count: 0, newest }).count += 1;
    }
    Ok(used)
}

/// The newest message of a template and its time.
fn newest(
    conn: &rusqlite::Connection,
    account: AccountId,
    (name, language): &Key,
) -> Result<Option<(i64, i64)>, Error> {
    let mut query = conn.prepare_cached(
        "SELECT id, at FROM message WHERE account = ?1 AND extra ->> 'name' = ?2
             AND extra ->> 'language' = ?3 AND kind = 8 AND direction = 2 ORDER BY at DESC LIMIT 1",
    )?;
    let found = query
        .query_row(params![account.0, name, language], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found)
}

/// What was sent with a message.
fn sent(conn: &rusqlite::Connection, message: i64) -> Result<Option<SentTemplate>, Error> {
    // One that an older version wrote in another way has no values to offer.
    Ok(match message::body_of(conn, MessageId(message)) {
        Ok(Body::Template(sent)) => Some(*sent),
        Ok(_) | Err(Error::Value(_)) => None,
        Err(error) => return Err(error),
    })
}
