//! The counters and newest-message columns of a conversation: kept up to date step by step, and computed
//! anew for merges, tests and `db check`.
//!
//! Unread is what the contact wrote after the person's mark, except what the person answered from the phone:
//! by Meta's time, everything before the newest echo. In the same second nobody knows, so that stays unread.

use rusqlite::{Connection, params};

use super::error::Error;
use super::row::state_number;
use super::wish;
use super::write::Tx;
use crate::domain::id::{ConversationId, MessageId};
use crate::domain::state::State;

/// What a conversation's row says about its messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) activity: i64,
    pub(super) shown: bool,
    pub(super) unread: i64,
    pub(super) failed: i64,
    pub(super) waiting: i64,
    pub(super) last_inbound: Option<i64>,
    pub(super) last_answer: Option<i64>,
    pub(super) preview: Option<i64>,
    pub(super) preview_at: Option<i64>,
    pub(super) first_unread: Option<i64>,
    pub(super) first_unread_at: Option<i64>,
    /// Follows from the wishes, not from the messages.
    pub(super) opted_out: Option<i64>,
}

/// Counts anew from the messages.
pub(super) fn recount(conn: &Connection, conversation: ConversationId) -> Result<Tally, Error> {
    let mut query = conn.prepare_cached(
        "WITH c AS (SELECT * FROM conversation WHERE id = ?1),
         own AS NOT MATERIALIZED (SELECT * FROM message WHERE conversation = ?1 AND own = 1),
         newest AS (SELECT id, at FROM own ORDER BY at DESC, id DESC LIMIT 1),
         echo AS (SELECT at FROM own WHERE author = 3 ORDER BY at DESC LIMIT 1),
         fresh AS NOT MATERIALIZED (SELECT own.id, own.at FROM own, c WHERE own.direction = 1
             AND own.history = 0 AND (own.at, own.id) > (c.read_at, c.read_id)
             AND own.at >= coalesce((SELECT at FROM echo), 0)),
         first AS (SELECT id, at FROM fresh ORDER BY at, id LIMIT 1)
         SELECT max(coalesce((SELECT at FROM newest), 0), coalesce(c.begun_at, 0)) AS activity,
             c.merged_into IS NULL AND (EXISTS (SELECT 1 FROM newest) OR c.begun_at IS NOT NULL
                 OR EXISTS (SELECT 1 FROM draft WHERE conversation = ?1)) AS shown,
             (SELECT count(*) FROM fresh) AS unread,
             (SELECT count(*) FROM own WHERE state IN (9, 10)) AS failed,
             (SELECT count(*) FROM own WHERE state BETWEEN 0 AND 3) AS waiting,
             (SELECT at FROM own WHERE direction = 1 AND author = 1 AND group_id IS NULL
                 ORDER BY at DESC LIMIT 1)
                 AS last_inbound,
             (SELECT at FROM own WHERE direction = 2 AND state NOT IN (9, 11)
                 ORDER BY at DESC LIMIT 1) AS last_answer,
             (SELECT id FROM newest) AS preview, (SELECT at FROM newest) AS preview_at,
             (SELECT id FROM first) AS first_unread, (SELECT at FROM first) AS first_unread_at
         FROM c",
    )?;
    let counted = query.query_row([conversation.0], read)?;
    Ok(Tally { opted_out: wish::opted_out(conn, conversation)?, ..counted })
}

/// What the row says.
pub(super) fn stored(conn: &Connection, conversation: ConversationId) -> Result<Tally, Error> {
    let mut query = conn.prepare_cached(
        "SELECT activity, shown, unread, failed, waiting, last_inbound, last_answer, preview,
             preview_at, first_unread, first_unread_at, opted_out
         FROM conversation WHERE id = ?1",
    )?;
    let read =
        |row: &rusqlite::Row<'_>| Ok(Tally { opted_out: row.get("opted_out")?, ..read(row)? });
    Ok(query.query_row([conversation.0], read)?)
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Tally> {
    Ok(Tally {
        activity: row.get("activity")?,
        shown: row.get("shown")?,
        unread: row.get("unread")?,
        failed: row.get("failed")?,
        waiting: row.get("waiting")?,
        last_inbound: row.get("last_inbound")?,
        last_answer: row.get("last_answer")?,
        preview: row.get("preview")?,
        preview_at: row.get("preview_at")?,
        first_unread: row.get("first_unread")?,
        first_unread_at: row.get("first_unread_at")?,
        opted_out: None,
    })
}

/// Counts anew and writes it down. For what is rare: merges, marks, moved messages.
pub(super) fn refresh(tx: &mut Tx<'_>, conversation: ConversationId) -> Result<(), Error> {
    let now = recount(tx.conn, conversation)?;
    tx.conn
        .prepare_cached(
            "UPDATE conversation SET activity = ?2, shown = ?3, unread = ?4, failed = ?5, waiting = ?6,
                 last_inbound = ?7, last_answer = ?8, preview = ?9, preview_at = ?10,
                 first_unread = ?11, first_unread_at = ?12, opted_out = ?13
             WHERE id = ?1",
        )?
        .execute(params![
            conversation.0,
            now.activity,
            now.shown,
            now.unread,
            now.failed,
            now.waiting,
            now.last_inbound,
            now.last_answer,
            now.preview,
            now.preview_at,
            now.first_unread,
            now.first_unread_at,
            now.opted_out
        ])?;
    tx.touch(conversation);
    Ok(())
}

/// The read mark moved, or an echo came: counts what comes after them.
pub(super) fn reread(tx: &mut Tx<'_>, conversation: ConversationId) -> Result<(), Error> {
    tx.conn
        .prepare_cached(
            "UPDATE conversation AS c SET (unread, first_unread_at) = (
                 SELECT count(*), min(m.at) FROM message m
                 WHERE m.conversation = c.id AND m.own = 1 AND m.direction = 1 AND m.history = 0
                     AND (m.at, m.id) > (c.read_at, c.read_id)
                     AND m.at >= coalesce((SELECT max(e.at) FROM message e
                         WHERE e.conversation = c.id AND e.own = 1 AND e.author = 3), 0))
             WHERE c.id = ?1",
        )?
        .execute([conversation.0])?;
    tx.conn
        .prepare_cached(
            "UPDATE conversation SET first_unread = (
                 SELECT min(id) FROM message WHERE conversation = ?1 AND own = 1 AND direction = 1
                     AND history = 0 AND at = first_unread_at
                     AND (at, message.id) > (read_at, read_id))
             WHERE id = ?1",
        )?
        .execute([conversation.0])?;
    tx.touch(conversation);
    Ok(())
}

/// What counts about a message that was just stored.
#[derive(Clone, Copy)]
pub(super) struct Added {
    pub(super) conversation: ConversationId,
    pub(super) id: MessageId,
    pub(super) at: i64,
    pub(super) state: State,
    /// By the contact, not by WhatsApp about them, and not in a group: only then does it open the window
    /// and ask for an answer.
    pub(super) to_us_alone: bool,
    /// An echo of the phone app.
    pub(super) echo: bool,
    pub(super) history: bool,
}

/// A message of its own was stored. Constant time, whatever the size of the conversation.
pub(super) fn added(tx: &mut Tx<'_>, message: Added) -> Result<(), Error> {
    let inbound = message.state == State::Received;
    let unread = inbound && !message.history && is_unread(tx, message)?;
    // One update, since each one moves the row in the indexes of the list.
    tx.conn
        .prepare_cached(
            "UPDATE conversation SET shown = 1, activity = max(activity, ?3),
                 preview = iif(preview IS NULL OR (?3, ?2) > (preview_at, preview), ?2, preview),
                 preview_at = iif(preview IS NULL OR (?3, ?2) > (preview_at, preview), ?3, preview_at),
                 last_inbound = iif(?4, max(coalesce(last_inbound, ?3), ?3), last_inbound),
                 last_answer = iif(?5, max(coalesce(last_answer, ?3), ?3), last_answer),
                 failed = failed + ?6, waiting = waiting + ?7, unread = unread + ?8,
                 first_unread = iif(?8 AND (first_unread IS NULL
                     OR (?3, ?2) < (first_unread_at, first_unread)), ?2, first_unread),
                 first_unread_at = iif(?8 AND (first_unread IS NULL
                     OR (?3, ?2) < (first_unread_at, first_unread)), ?3, first_unread_at)
             WHERE id = ?1",
        )?
        .execute(params![
            message.conversation.0,
            message.id.0,
            message.at,
            message.to_us_alone,
            !inbound && answers(message.state),
            is_failed(message.state),
            is_waiting(message.state),
            unread
        ])?;
    if message.echo {
        reread(tx, message.conversation)?;
    }
    tx.touch(message.conversation);
    Ok(())
}

/// Whether an inbound message comes after the person's mark and after what was answered from the phone.
fn is_unread(tx: &Tx<'_>, message: Added) -> Result<bool, Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT (?3, ?2) > (read_at, read_id) AND ?3 >= coalesce((SELECT max(at) FROM message
             WHERE conversation = ?1 AND own = 1 AND author = 3), 0)
         FROM conversation WHERE id = ?1",
    )?;
    let key = [message.conversation.0, message.id.0, message.at];
    Ok(query.query_row(key, |row| row.get(0))?)
}

/// An outbound message of its own went from one state to another.
pub(super) fn stepped(
    tx: &mut Tx<'_>,
    conversation: ConversationId,
    old: State,
    new: State,
) -> Result<(), Error> {
    let delta = |count: fn(State) -> bool| i64::from(count(new)) - i64::from(count(old));
    let (failed, waiting) = (delta(is_failed), delta(is_waiting));
    if failed != 0 || waiting != 0 {
        tx.conn
            .prepare_cached(
                "UPDATE conversation SET failed = failed + ?2, waiting = waiting + ?3 WHERE id = ?1",
            )?
            .execute([conversation.0, failed, waiting])?;
    }
    if answers(old) != answers(new) {
        tx.conn
            .prepare_cached(
                "UPDATE conversation SET last_answer = (SELECT at FROM message
                     WHERE conversation = ?1 AND own = 1 AND direction = 2 AND state NOT IN (9, 11)
                     ORDER BY at DESC LIMIT 1)
                 WHERE id = ?1",
            )?
            .execute([conversation.0])?;
    }
    tx.touch(conversation);
    Ok(())
}

const fn is_failed(state: State) -> bool {
    matches!(state, State::Failed | State::Uncertain)
}

const fn is_waiting(state: State) -> bool {
    state_number(state) <= state_number(State::Sending)
}

/// A message that failed or was withdrawn answers nobody.
const fn answers(state: State) -> bool {
    !matches!(state, State::Failed | State::Cancelled)
}
