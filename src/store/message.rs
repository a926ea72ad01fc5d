//! Messages of a conversation: pages, one by id, timeline, raw JSON.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::body::{self, Columns};
use super::error::Error;
use super::list;
use super::merge;
use super::read::ReadConn;
use super::row::{self, Named, Names, get};
use super::wish;
use crate::domain::conversation::Conversation;
use crate::domain::event::Pricing;
use crate::domain::id::{AccountId, ContactId, ConversationId, EventId, MediaId, MessageId, Wamid};
use crate::domain::message::{
    Author, Body, Context, Direction, Hold, Media, MediaCopy, Message, Quote, Reaction, SortKey,
    TimelineEntry, Trouble,
};
use crate::domain::page::MessagePage;
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::domain::wish::Wish;

/// A page of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageRows {
    /// Its row, as of the same snapshot.
    pub conversation: Conversation,
    /// Oldest first.
    pub messages: Vec<Message>,
    /// More before these.
    pub more_before: bool,
    /// More after these.
    pub more_after: bool,
    /// What they said about marketing lately, oldest first.
    pub wishes: Vec<Wish>,
}

/// Everything that [`read_message`] needs, so that a page is one query and three look-ups.
const SELECT: &str = "SELECT m.*, c.contact, f.kind AS file_kind, f.media_id, f.url, f.mime_type,
     f.sha256, f.file_name, f.voice, f.animated, f.copy, f.path, f.size, f.failure
     FROM message m JOIN conversation c ON c.id = m.conversation
     LEFT JOIN media f ON f.message = m.id";

/// A page of a conversation; an id that was merged away resolves.
pub fn messages(
    read: &ReadConn,
    conversation: ConversationId,
    page: MessagePage,
    limit: u32,
) -> Result<MessageRows, Error> {
    let snapshot = read.snapshot()?;
    let id = merge::conversation_now(&snapshot, conversation)?;
    let mut rows = match page {
        MessagePage::Newest => before(&snapshot, id, None, limit)?,
        MessagePage::Before(key) => {
            let mut rows = before(&snapshot, id, Some(key), limit)?;
            rows.more_after = true;
            rows
        }
        MessagePage::After(key) => {
            let mut rows = after(&snapshot, id, key, limit, ">")?;
            rows.more_before = true;
            rows
        }
        MessagePage::Around(message) => around(&snapshot, id, message, limit)?,
        MessagePage::Trouble => match in_trouble(&snapshot, id)? {
            Some(message) => around(&snapshot, id, message, limit)?,
            None => before(&snapshot, id, None, limit)?,
        },
    };
    complete(&snapshot, &mut rows.messages)?;
    Ok(MessageRows {
        conversation: list::row(&snapshot, id)?,
        messages: rows.messages,
        more_before: rows.more_before,
        more_after: rows.more_after,
        wishes: wish::wishes(&snapshot, id)?,
    })
}

struct Page {
    messages: Vec<Message>,
    more_before: bool,
    more_after: bool,
}

fn around(
    conn: &Connection,
    conversation: ConversationId,
    message: MessageId,
    limit: u32,
) -> Result<Page, Error> {
    let key = key_of(conn, message)?;
    let older = before(conn, conversation, Some(key), limit / 2)?;
    let newer = after(conn, conversation, key, limit - limit / 2, ">=")?;
    let mut messages = older.messages;
    messages.extend(newer.messages);
    Ok(Page { messages, more_before: older.more_before, more_after: newer.more_after })
}

/// The newest message of a conversation that failed or is uncertain. Looks at all of the account's: they are
/// fewer than the messages of a long conversation.
fn in_trouble(conn: &Connection, conversation: ConversationId) -> Result<Option<MessageId>, Error> {
    let mut query = conn.prepare_cached(
        "SELECT m.id FROM message m JOIN conversation c ON c.account = m.account
         WHERE c.id = ?1 AND m.state IN (9, 10) AND (m.state < 4 OR m.state IN (9, 10))
             AND +m.conversation = ?1 AND m.own = 1
         ORDER BY m.at DESC, m.id DESC LIMIT 1",
    )?;
    Ok(query.query_row([conversation.0], |row| row.get(0).map(MessageId)).optional()?)
}

fn key_of(conn: &Connection, message: MessageId) -> Result<SortKey, Error> {
    let mut query = conn.prepare_cached("SELECT at FROM message WHERE id = ?1")?;
    let at = query.query_row([message.0], |row| row.get(0)).optional()?;
    at.map(|at| SortKey { at, id: message })
        .ok_or_else(|| Error::not_found("message", message.to_string()))
}

fn before(
    conn: &Connection,
    conversation: ConversationId,
    key: Option<SortKey>,
    limit: u32,
) -> Result<Page, Error> {
    let key = key.unwrap_or(SortKey { at: i64::MAX, id: MessageId(i64::MAX) });
    let sql = format!(
        "{SELECT} WHERE m.conversation = ?1 AND m.own = 1 AND (m.at, m.id) < (?2, ?3)
         ORDER BY m.at DESC, m.id DESC LIMIT ?4"
    );
    let (mut messages, more_before) = page(conn, &sql, conversation, key, limit)?;
    messages.reverse();
    Ok(Page { messages, more_before, more_after: false })
}

fn after(
    conn: &Connection,
    conversation: ConversationId,
    key: SortKey,
    limit: u32,
    than: &str,
) -> Result<Page, Error> {
    let sql = format!(
        "{SELECT} WHERE m.conversation = ?1 AND m.own = 1 AND (m.at, m.id) {than} (?2, ?3)
         ORDER BY m.at, m.id LIMIT ?4"
    );
    let (messages, more_after) = page(conn, &sql, conversation, key, limit)?;
    Ok(Page { messages, more_before: false, more_after })
}

/// One row more than wanted tells whether there are more.
fn page(
    conn: &Connection,
    sql: &str,
    conversation: ConversationId,
    key: SortKey,
    limit: u32,
) -> Result<(Vec<Message>, bool), Error> {
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let bounds = params![conversation.0, key.at, key.id.0, i64::from(limit) + 1];
    let mut messages = read_all(conn, sql, bounds)?;
    let more = messages.len() > wanted;
    messages.truncate(wanted);
    Ok((messages, more))
}

fn read_all(conn: &Connection, sql: &str, params: &[&dyn ToSql]) -> Result<Vec<Message>, Error> {
    let mut query = conn.prepare_cached(sql)?;
    let names = Names::of(&query);
    let mut rows = query.query(params)?;
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        messages.push(read_message(&names.on(row))?);
    }
    Ok(messages)
}

/// One message.
pub fn message(read: &ReadConn, id: MessageId) -> Result<Message, Error> {
    let snapshot = read.snapshot()?;
    one(&snapshot, "m.id = ?1", params![id.0])?
        .ok_or_else(|| Error::not_found("message", id.to_string()))
}

/// The message with Meta's id.
pub fn message_by_wamid(
    read: &ReadConn,
    account: AccountId,
    wamid: &Wamid,
) -> Result<Option<Message>, Error> {
    let snapshot = read.snapshot()?;
    one(&snapshot, "m.wamid = ?1 AND m.account = ?2", params![wamid.as_str(), account.0])
}

/// Meta's id of the newest message of a direction that has one.
pub fn newest_wamid(
    read: &ReadConn,
    account: AccountId,
    direction: Direction,
) -> Result<Option<Wamid>, Error> {
    let mut query = read.conn.prepare_cached(
        "SELECT wamid FROM message WHERE account = ?1 AND direction = ?2 AND wamid IS NOT NULL
         ORDER BY id DESC LIMIT 1",
    )?;
    let found = query
        .query_row(params![account.0, row::direction_number(direction)], |row| {
            row.get::<_, String>(0)
        })
        .optional()?;
    Ok(found.map(Wamid::new))
}

fn one(
    conn: &Connection,
    condition: &str,
    params: &[&dyn ToSql],
) -> Result<Option<Message>, Error> {
    let mut found = read_all(conn, &format!("{SELECT} WHERE {condition}"), params)?;
    complete(conn, &mut found)?;
    Ok(found.pop())
}

/// Messages by their ids, those that are there, in the order of the ids.
pub(super) fn by_ids(conn: &Connection, ids: &[MessageId]) -> Result<Vec<Message>, Error> {
    let ids = row::json_list(ids.iter().map(|id| id.0));
    let mut found = read_all(
        conn,
        &format!("{SELECT} WHERE m.id IN (SELECT value FROM json_each(?1)) ORDER BY m.id"),
        params![ids],
    )?;
    complete(conn, &mut found)?;
    Ok(found)
}

/// What a message says.
pub(super) fn body_of(conn: &Connection, id: MessageId) -> Result<Body, Error> {
    let mut query = conn.prepare_cached(&format!("{SELECT} WHERE m.id = ?1"))?;
    let names = Names::of(&query);
    let mut rows = query.query([id.0])?;
    let row = rows.next()?.ok_or_else(|| Error::not_found("message", id.to_string()))?;
    read_body(&names.on(row))
}

fn read_message(row: &Named<'_>) -> Result<Message, Error> {
    let id = MessageId(get(row, "id")?);
    let at: i64 = get(row, "at")?;
    let code: Option<i64> = get(row, "code")?;
    let detail: Option<String> = get(row, "detail")?;
    let trouble = (code.is_some() || detail.is_some())
        .then(|| Trouble { code, detail: detail.unwrap_or_default() });
    let state = row::state_in(row, "state")?;
    let forwarded: i64 = get(row, "forwarded")?;
    let reply_to = row::wamid_in(row, "reply_to")?;
    Ok(Message {
        id,
        conversation: ConversationId(get(row, "conversation")?),
        key: SortKey { at, id },
        direction: row::direction(get(row, "direction")?),
        author: match get::<i64>(row, "author")? {
            1 => Author::Contact(ContactId(get(row, "contact")?)),
            2 => Author::Operator,
            3 => Author::PhoneApp,
            _ => Author::System,
        },
        wamid: row::wamid_in(row, "wamid")?,
        at: Timestamp::from_millis(at),
        state,
        late_proof: row::late_proof(get(row, "late_proof")?),
        tries: get(row, "tries")?,
        not_before: get::<Option<i64>>(row, "not_before")?.map(Timestamp::from_millis),
        trouble,
        hold: get::<Option<i64>>(row, "hold")?
            .filter(|_| state == State::Held)
            .and_then(row::hold)
            .map(|reason| {
                get(row, "when_possible").map(|when_possible| Hold { reason, when_possible })
            })
            .transpose()?,
        // A body that this version cannot read is shown as unknown, never as an error of the whole page.
        body: read_body(row).unwrap_or(Body::Unknown { kind: "unreadable".to_owned() }),
        quote: reply_to.clone().map(|wamid| Quote {
            wamid,
            message: get(row, "reply_message").ok().flatten().map(MessageId),
            direction: None,
            preview: String::new(),
        }),
        context: Context {
            reply_to,
            forwarded: forwarded > 0,
            frequently_forwarded: forwarded > 1,
        },
        group: get(row, "group_id")?,
        reactions: Vec::new(),
        edited: get::<Option<i64>>(row, "edited_at")?.is_some(),
        revoked: get(row, "revoked")?,
        charge: charge(row)?,
    })
}

/// As what it is charged. The category alone is what it was written as.
fn charge(row: &Named<'_>) -> Result<Option<Pricing>, Error> {
    let Some(kind) = get::<Option<String>>(row, "price_kind")? else { return Ok(None) };
    let category = get::<Option<String>>(row, "category")?;
    Ok(category.map(|category| Pricing { category, kind: Some(kind) }))
}

/// The body with its newest text.
fn read_body(row: &Named<'_>) -> Result<Body, Error> {
    let edited: Option<String> = get(row, "edited_text")?;
    let kind: i64 = get(row, "kind")?;
    let columns = Columns {
        kind,
        text: edited.or(get(row, "text")?),
        extra: get(row, "extra")?,
        target: get(row, "target")?,
    };
    let media = match kind {
        body::MEDIA => Some(read_media(row)?),
        body::TEMPLATE if get::<Option<i64>>(row, "file_kind")?.is_some() => Some(read_media(row)?),
        _ => None,
    };
    body::body(columns, media)
}

fn read_media(row: &Named<'_>) -> Result<Media, Error> {
    let kind = get::<Option<i64>>(row, "file_kind")?
        .ok_or_else(|| Error::Value("a file message without its file".to_owned()))?;
    let copy = match get::<i64>(row, "copy")? {
        1 => MediaCopy::Stored {
            path: get(row, "path")?,
            size: u64::try_from(get::<i64>(row, "size")?).unwrap_or(0),
        },
        2 => MediaCopy::Failed(get(row, "failure")?),
        _ => MediaCopy::Pending,
    };
    Ok(Media {
        kind: row::media_kind(kind)?,
        id: get::<Option<String>>(row, "media_id")?.map(MediaId::new),
        url: get(row, "url")?,
        mime_type: get(row, "mime_type")?,
        sha256: get(row, "sha256")?,
        file_name: get(row, "file_name")?,
        voice: get(row, "voice")?,
        animated: get(row, "animated")?,
        copy,
    })
}

/// Adds reactions and quotes to messages of one account, each kind with one query.
fn complete(conn: &Connection, messages: &mut [Message]) -> Result<(), Error> {
    let Some(first) = messages.first() else { return Ok(()) };
    let mut query = conn.prepare_cached("SELECT account FROM message WHERE id = ?1")?;
    let account = AccountId(query.query_row([first.id.0], |row| row.get(0))?);
    let own = messages.iter().filter_map(|m| m.wamid.as_ref());
    let mut reactions = reactions(conn, account, own)?;
    let answered: BTreeSet<&Wamid> =
        messages.iter().filter_map(|m| m.quote.as_ref()).map(|quote| &quote.wamid).collect();
    let quotes = quotes(conn, account, answered)?;
    for message in messages {
        if let Some(found) = message.wamid.as_ref().and_then(|id| reactions.remove(id.as_str())) {
            message.reactions = found;
        }
        if let Some(quote) = &mut message.quote
            && let Some(known) = quotes.get(quote.wamid.as_str())
        {
            quote.clone_from(known);
        }
    }
    Ok(())
}

fn reactions<'a>(
    conn: &Connection,
    account: AccountId,
    wamids: impl Iterator<Item = &'a Wamid>,
) -> Result<BTreeMap<String, Vec<Reaction>>, Error> {
    let wamids = row::json_list(wamids.map(Wamid::as_str));
    let mut query = conn.prepare_cached(
        "SELECT target, direction, emoji FROM reaction
         WHERE target IN (SELECT value FROM json_each(?1)) AND account = ?2 AND emoji IS NOT NULL
         ORDER BY target, direction",
    )?;
    let mut rows = query.query(params![wamids, account.0])?;
    let mut found: BTreeMap<String, Vec<Reaction>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        found
            .entry(row.get(0)?)
            .or_default()
            .push(Reaction { direction: row::direction(row.get(1)?), emoji: row.get(2)? });
    }
    Ok(found)
}

fn quotes(
    conn: &Connection,
    account: AccountId,
    wamids: BTreeSet<&Wamid>,
) -> Result<BTreeMap<String, Quote>, Error> {
    if wamids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let wamids = row::json_list(wamids.into_iter().map(Wamid::as_str));
    let messages = read_all(
        conn,
        &format!("{SELECT} WHERE m.wamid IN (SELECT value FROM json_each(?1)) AND m.account = ?2"),
        params![wamids, account.0],
    )?;
    let quote = |message: Message| {
        let wamid = message.wamid?;
        let preview =
            if message.revoked { "deleted".to_owned() } else { body::line(&message.body) };
        let quote = Quote {
            wamid: wamid.clone(),
            message: Some(message.id),
            direction: Some(message.direction),
            preview,
        };
        Some((wamid.to_string(), quote))
    };
    Ok(messages.into_iter().filter_map(quote).collect())
}

/// All steps of a message, oldest first.
pub fn timeline(read: &ReadConn, message: MessageId) -> Result<Vec<TimelineEntry>, Error> {
    let mut query = read.conn.prepare_cached(
        // Meta's times are whole seconds: within one, our own steps came first.
        "SELECT state, at, request, code, detail, event FROM timeline WHERE message = ?1
         ORDER BY at / 1000, report > 0, iif(report > 0, state, 0), id",
    )?;
    let mut rows = query.query([message.0])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(TimelineEntry {
            state: row::state_in(row, "state")?,
            at: Timestamp::from_millis(get(row, "at")?),
            request: row::request_in(row, "request")?,
            code: get(row, "code")?,
            detail: get(row, "detail")?,
            event: get::<Option<i64>>(row, "event")?.map(EventId),
        });
    }
    Ok(entries)
}

/// The JSON of a message as it came, if it came.
pub fn raw(read: &ReadConn, message: MessageId) -> Result<Option<String>, Error> {
    let mut query = read.conn.prepare_cached("SELECT json FROM message_raw WHERE message = ?1")?;
    Ok(query.query_row([message.0], |row| row.get(0)).optional()?)
}
