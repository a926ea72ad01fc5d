//! Rows become messages, some ahead of what goes.

use rusqlite::{OptionalExtension as _, params};
use serde_json::Value;

use super::{settle, stage_of, unsettled};
use crate::domain::campaign::Stage;
use crate::domain::event::Peer;
use crate::domain::id::{AccountId, CampaignId, ConversationId, MediaId, WaId};
use crate::domain::message::{Media, MediaCopy, NewMessage, Priority};
use crate::domain::state::HoldReason;
use crate::domain::time::Timestamp;
use crate::store::body::{self, Columns};
use crate::store::error::Error;
use crate::store::outbox::enqueue;
use crate::store::write::Tx;
use crate::store::{account, facts, merge, row};

/// Messages of a campaign that may wait at a time. At the highest rate they are gone in a fifth of a second, and
/// to hold or take back as many is one short transaction.
pub const AHEAD: i64 = 200;

/// Rows that become messages in one transaction.
const STEP: i64 = 40;

struct Next {
    row: i64,
    number: WaId,
    columns: Columns,
    media: Option<Media>,
}

/// Turns the next rows of the running campaigns of an account into messages, as far as few enough wait, and
/// puts right what came back into the queue of one that no longer runs. Returns whether there is more to do
/// at once.
pub fn feed(tx: &mut Tx<'_>, account: AccountId, now: Timestamp) -> Result<bool, Error> {
    let mut more = false;
    for id in running(tx, account)? {
        more |= feed_one(tx, account, id, now)?;
    }
    for (id, stage) in stragglers(tx, account)? {
        more |= settle(tx, id, stage, now)?;
    }
    Ok(more)
}

/// What `campaign.fed` is once every row is a message or was left out: more than any row's number.
const ALL: i64 = 1 << 32;

/// Campaigns that run and have rows which are no messages yet, the oldest first.
fn running(tx: &Tx<'_>, account: AccountId) -> Result<Vec<CampaignId>, Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT id FROM campaign WHERE account = ?1 AND stage = 1 AND fed < 4294967296 ORDER BY id",
    )?;
    let rows = query.query_map([account.0], |row| Ok(CampaignId(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Campaigns with messages that are not where their stage wants them: those were under way then, and came back
/// for another try, or were too many for one step.
fn stragglers(tx: &Tx<'_>, account: AccountId) -> Result<Vec<(CampaignId, Stage)>, Error> {
    let sql = format!("SELECT id, stage FROM ({}) WHERE account = ?1", unsettled("c.*"));
    let mut query = tx.conn.prepare_cached(&sql)?;
    let rows =
        query.query_map([account.0], |row| Ok((CampaignId(row.get(0)?), stage_of(row.get(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn feed_one(
    tx: &mut Tx<'_>,
    account: AccountId,
    id: CampaignId,
    now: Timestamp,
) -> Result<bool, Error> {
    let room = AHEAD - waiting(tx, id)?;
    // Every step is a commit of its own: none for a handful.
    if room < STEP {
        return Ok(false);
    }
    let rows = next(tx, id)?;
    let full = i64::try_from(rows.len()).unwrap_or(STEP) >= STEP;
    let last = rows.last().map(|next| next.row).filter(|_| full);
    for next in rows {
        let row = next.row;
        if let Err(error) = tx.apart(|tx| write(tx, account, id, next, now))? {
            drop_row(tx, id, row, &format!("it cannot be written: {error}"))?;
        }
    }
    tx.conn
        .prepare_cached("UPDATE campaign SET fed = ?2 WHERE id = ?1")?
        .execute([id.0, last.unwrap_or(ALL)])?;
    tx.changes.outbox = true;
    Ok(full && room >= 2 * STEP)
}

/// Messages that wait for their turn, or for what passes by itself. What a person holds, or what waits for its
/// contact, holds nobody up.
fn waiting(tx: &Tx<'_>, id: CampaignId) -> Result<i64, Error> {
    let mut query = tx.conn.prepare_cached(WAITING)?;
    let [limit, template] =
        [HoldReason::MessagingLimit, HoldReason::Template].map(row::hold_number);
    Ok(query.query_row([id.0, limit, template], |row| row.get(0))?)
}

/// The index is named for the reason that [`astray_in`](super::astray_in) gives.
pub(in crate::store) const WAITING: &str =
    "SELECT count(*) FROM message INDEXED BY message_campaign
     WHERE campaign = ?1 AND state < 4 AND (state <> 1 OR hold = ?2 OR hold = ?3)";

fn next(tx: &Tx<'_>, id: CampaignId) -> Result<Vec<Next>, Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT r.row, r.number, r.text, r.extra, r.media FROM campaign c
             JOIN campaign_row r ON r.campaign = c.id AND r.row > c.fed
         WHERE c.id = ?1 AND r.skip IS NULL ORDER BY r.row LIMIT ?2",
    )?;
    let rows = query.query_map([id.0, STEP], |row| {
        let columns =
            Columns { kind: body::TEMPLATE, text: row.get(2)?, extra: row.get(3)?, target: None };
        let media: Option<String> = row.get(4)?;
        Ok(Next {
            row: row.get(0)?,
            number: WaId::new(row.get::<_, String>(1)?),
            columns,
            media: media.as_deref().and_then(media_of),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn media_of(json: &str) -> Option<Media> {
    let value: Value = serde_json::from_str(json).ok()?;
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let kind = row::media_kind(value.get("kind")?.as_i64()?).ok()?;
    Some(Media {
        id: text("id").map(MediaId::new),
        url: text("url"),
        mime_type: text("mime_type"),
        sha256: text("sha256"),
        file_name: text("file_name"),
        copy: match (text("path"), value.get("size").and_then(Value::as_u64)) {
            (Some(path), Some(size)) => MediaCopy::Stored { path, size },
            _ => MediaCopy::Pending,
        },
        ..Media::new(kind)
    })
}

/// Makes one row a message, or leaves it out for what became known since the plan was made.
fn write(
    tx: &mut Tx<'_>,
    account: AccountId,
    id: CampaignId,
    next: Next,
    now: Timestamp,
) -> Result<(), Error> {
    let conversation = conversation(tx, account, &next.number, now)?;
    if let Some(first) = same_person(tx, id, conversation)? {
        return drop_row(tx, id, next.row, &format!("duplicate of row {first}"));
    }
    let body = body::body(next.columns, next.media)?;
    let priority = Priority::Bulk;
    let new = NewMessage { account, conversation, body, reply_to: None, priority };
    let message = match enqueue(tx, &new, now) {
        Err(Error::Forbidden(reason)) => {
            return drop_row(tx, id, next.row, reason.words());
        }
        message => message?,
    };
    tx.conn
        .prepare_cached("UPDATE message SET campaign = ?2 WHERE id = ?1")?
        .execute([message.0, id.0])?;
    tx.conn
        .prepare_cached(
            "UPDATE campaign_row SET message = ?3, text = NULL, extra = NULL, media = NULL
             WHERE campaign = ?1 AND row = ?2",
        )?
        .execute([id.0, next.row, message.0])?;
    Ok(())
}

/// The conversation with a number. A message that is written in it shows it; until then it stays hidden.
fn conversation(
    tx: &mut Tx<'_>,
    account: AccountId,
    number: &WaId,
    now: Timestamp,
) -> Result<ConversationId, Error> {
    let scope = account::scope(tx.conn, account)?;
    let known = facts::known_as(tx.conn, number)?;
    let peer = Peer { wa_id: Some(known), ..Peer::default() };
    let contact = facts::sighted(tx, &scope, &peer, now, now)?
        .ok_or_else(|| Error::Value(format!("nobody has the number {number}")))?;
    merge::conversation_with(tx, account, contact, now)
}

/// The row by which a campaign has written in this conversation already: two numbers that turned out to be one
/// person's.
fn same_person(
    tx: &Tx<'_>,
    id: CampaignId,
    conversation: ConversationId,
) -> Result<Option<i64>, Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT (SELECT r.row FROM campaign_row r WHERE r.campaign = ?2 AND r.message = m.id)
         FROM message m WHERE m.conversation = ?1 AND m.kind = 8 AND m.direction = 2 AND m.campaign = ?2
         LIMIT 1",
    )?;
    Ok(query.query_row([conversation.0, id.0], |row| row.get(0)).optional()?)
}

fn drop_row(tx: &Tx<'_>, id: CampaignId, row: i64, words: &str) -> Result<(), Error> {
    tx.conn
        .prepare_cached(
            "UPDATE campaign_row SET skip = ?3, text = NULL, extra = NULL, media = NULL
             WHERE campaign = ?1 AND row = ?2",
        )?
        .execute(params![id.0, row, words])?;
    tx.conn
        .prepare_cached("UPDATE campaign SET dropped = dropped + 1 WHERE id = ?1")?
        .execute([id.0])?;
    Ok(())
}
