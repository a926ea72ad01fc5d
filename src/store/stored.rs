//! Putting messages into the store: columns, file, raw JSON, counters.

use rusqlite::params;

use super::body::{self, columns};
use super::error::Error;
use super::lane;
use super::row;
use super::tally;
use super::write::Tx;
use crate::domain::event::Peer;
use crate::domain::id::{AccountId, ConversationId, MessageId, UserId, WaId, Wamid};
use crate::domain::message::{Body, Context, Direction, Media, MediaCopy, Priority};
use crate::domain::state::State;
use crate::domain::time::Timestamp;

/// Who wrote a message, as stored. A contact is the conversation's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writer {
    Contact = 1,
    Operator = 2,
    PhoneApp = 3,
    System = 4,
}

/// A message on its way into the store.
pub(super) struct NewRow<'a> {
    pub(super) account: AccountId,
    pub(super) conversation: ConversationId,
    pub(super) writer: Writer,
    pub(super) wamid: Option<&'a Wamid>,
    pub(super) at: Timestamp,
    pub(super) state: State,
    pub(super) body: &'a Body,
    pub(super) context: &'a Context,
    pub(super) reply_message: Option<MessageId>,
    pub(super) peer: Option<&'a Peer>,
    pub(super) group: Option<&'a str>,
    pub(super) history: bool,
    pub(super) priority: Priority,
    pub(super) raw: Option<&'a str>,
}

pub(super) fn insert(
    tx: &mut Tx<'_>,
    new: &NewRow<'_>,
    now: Timestamp,
) -> Result<MessageId, Error> {
    let columns = columns(new.body);
    let own = new.body.is_own_message();
    let inbound = new.state == State::Received;
    let direction = if inbound { Direction::Inbound } else { Direction::Outbound };
    let forwarded = match (new.context.frequently_forwarded, new.context.forwarded) {
        (true, _) => 2,
        (false, true) => 1,
        (false, false) => 0,
    };
    let peer = |part: fn(&Peer) -> Option<&str>| new.peer.and_then(part);
    let id = tx
        .conn
        .prepare_cached(
            "INSERT INTO message (account, conversation, own, direction, author, wamid, at, state, kind,
                 text, extra, target, reply_to, reply_message, forwarded, history, priority, peer_wa,
                 peer_user, peer_parent, group_id, stored_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
                 ?19, ?20, ?21, ?22)",
        )?
        .insert(params![
            new.account.0,
            new.conversation.0,
            own,
            row::direction_number(direction),
            new.writer as i64,
            new.wamid.map(Wamid::as_str),
            new.at.millis(),
            row::state_number(new.state),
            columns.kind,
            columns.text,
            columns.extra,
            columns.target,
            new.context.reply_to.as_ref().map(Wamid::as_str),
            new.reply_message.map(|id| id.0),
            forwarded,
            new.history,
            row::priority_number(new.priority),
            peer(|peer| peer.wa_id.as_ref().map(WaId::as_str)),
            peer(|peer| peer.user_id.as_ref().map(UserId::as_str)),
            peer(|peer| peer.parent_user_id.as_ref().map(UserId::as_str)),
            new.group,
            now.millis()
        ])?;
    let id = MessageId(id);
    if let Some(media) = new.body.file() {
        insert_media(tx, new, id, media)?;
    }
    if let Some(raw) = new.raw {
        tx.conn
            .prepare_cached("INSERT INTO message_raw (message, json) VALUES (?1, ?2)")?
            .execute(params![id.0, raw])?;
    }
    if own {
        tally::added(
            tx,
            tally::Added {
                conversation: new.conversation,
                id,
                at: new.at.millis(),
                state: new.state,
                to_us_alone: new.writer == Writer::Contact && new.group.is_none(),
                echo: new.writer == Writer::PhoneApp,
                history: new.history,
            },
        )?;
    }
    Ok(id)
}

/// The file of a message. One that can be fetched is queued at once: its id expires.
fn insert_media(
    tx: &mut Tx<'_>,
    new: &NewRow<'_>,
    message: MessageId,
    media: &Media,
) -> Result<(), Error> {
    let (copy, path, size, failure) = match &media.copy {
        MediaCopy::Pending => (0, None, None, None),
        MediaCopy::Stored { path, size } => {
            (1, Some(path), Some(i64::try_from(*size).unwrap_or(i64::MAX)), None)
        }
        MediaCopy::Outside { path } => {
            return Err(Error::Value(format!("`{path}` is not in the data directory")));
        }
        MediaCopy::Failed(reason) => (2, None, None, Some(reason)),
    };
    tx.conn
        .prepare_cached(
            "INSERT INTO media (message, kind, media_id, url, mime_type, sha256, file_name, voice,
                 animated, copy, path, size, failure)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            message.0,
            row::media_kind_number(media.kind),
            media.id.as_ref().map(crate::domain::id::MediaId::as_str),
            media.url,
            media.mime_type,
            media.sha256,
            media.file_name,
            media.voice,
            media.animated,
            copy,
            path,
            size,
            failure
        ])?;
    let from_elsewhere = new.writer != Writer::Operator;
    if from_elsewhere && copy == 0 && (media.id.is_some() || media.url.is_some()) {
        tx.conn
            .prepare_cached(
                "INSERT INTO outbox (account, kind, lane, priority, place, not_before, state, message)
                 VALUES (?1, ?2, ?3, 2, ?3, 0, 1, ?3)",
            )?
            .execute([new.account.0, lane::DOWNLOAD, message.0])?;
        lane::settle(tx, lane::DOWNLOAD, message.0)?;
    }
    Ok(())
}

/// Brings reactions, edits and revokes to bear on a message, whichever came first.
pub(super) fn apply_changes(
    tx: &mut Tx<'_>,
    account: AccountId,
    target: &Wamid,
) -> Result<(), Error> {
    let mut known = tx.conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM message WHERE target = ?1 AND account = ?2 AND kind IN (?3, ?4))",
    )?;
    let any: bool = known
        .query_row(params![target.as_str(), account.0, body::EDIT, body::REVOKE], |row| {
            row.get(0)
        })?;
    if !any {
        return Ok(());
    }
    let rows = tx
        .conn
        .prepare_cached(
            "WITH t AS (SELECT id, direction FROM message
                        WHERE wamid = ?1 AND account = ?2 AND own = 1),
             edit AS (SELECT e.text, e.at, e.wamid FROM message e, t
                      WHERE e.target = ?1 AND e.account = ?2 AND e.kind = ?3
                          AND e.direction = t.direction
                      ORDER BY e.at DESC, e.wamid DESC LIMIT 1)
             UPDATE message SET
                 edited_text = (SELECT text FROM edit), edited_at = (SELECT at FROM edit),
                 edited_by = (SELECT wamid FROM edit),
                 revoked = EXISTS (SELECT 1 FROM message r, t WHERE r.target = ?1 AND r.account = ?2
                     AND r.kind = ?4 AND r.direction = t.direction)
             WHERE id = (SELECT id FROM t)",
        )?
        .execute(params![target.as_str(), account.0, body::EDIT, body::REVOKE])?;
    if rows > 0 {
        touch_target(tx, account, target)?;
    }
    Ok(())
}

/// A reaction: the newest of each side counts, by Meta's time and then by id.
pub(super) fn react(
    tx: &mut Tx<'_>,
    account: AccountId,
    direction: Direction,
    target: &Wamid,
    emoji: Option<&str>,
    at: Timestamp,
    wamid: &Wamid,
) -> Result<(), Error> {
    tx.conn
        .prepare_cached(
            "INSERT INTO reaction (account, target, direction, emoji, at, wamid)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET emoji = excluded.emoji, at = excluded.at, wamid = excluded.wamid
             WHERE (excluded.at, excluded.wamid) > (at, wamid)",
        )?
        .execute(params![
            account.0,
            target.as_str(),
            row::direction_number(direction),
            emoji.filter(|emoji| !emoji.is_empty()),
            at.millis(),
            wamid.as_str()
        ])?;
    touch_target(tx, account, target)
}

fn touch_target(tx: &mut Tx<'_>, account: AccountId, target: &Wamid) -> Result<(), Error> {
    if let Some(message) = super::standing::by_wamid(tx.conn, account, target)? {
        tx.touch(message.conversation);
    }
    Ok(())
}
