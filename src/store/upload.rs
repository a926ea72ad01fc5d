//! Files that go out: which message waits for which, and Meta's ids of them.
//!
//! A message whose file Meta does not have, or not any more, is found out when it is claimed: it then waits
//! with its lane until the file is there. So it does not matter how long it was scheduled or held, and a
//! process that dies meanwhile leaves a message that waits and a file that goes up once more.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::Error;
use super::read::ReadConn;
use super::write::Tx;
use super::{lane, message};
use crate::domain::id::{AccountId, MediaId, MessageId, UploadId};
use crate::domain::message::{Media, MediaCopy};
use crate::domain::outbox::{UPLOAD_LIFE, Upload};
use crate::domain::time::Timestamp;

/// What an upload is known by, the content and what it is declared to be, and where the file is.
struct File<'a> {
    sha256: &'a str,
    mime_type: &'a str,
    path: &'a str,
    size: u64,
}

/// The file of ours that has to go up before its message; none for one that Meta has or fetches.
fn ours(media: &Media) -> Option<File<'_>> {
    let MediaCopy::Stored { path, size } = &media.copy else { return None };
    if media.id.is_some() || media.url.is_some() {
        return None;
    }
    Some(File {
        sha256: media.sha256.as_deref().unwrap_or(path),
        mime_type: media.mime_type.as_deref().unwrap_or("application/octet-stream"),
        path,
        size: *size,
    })
}

/// Meta's id of a file of ours, as of the newest upload.
pub(super) fn media_id(
    conn: &Connection,
    account: AccountId,
    media: &Media,
) -> Result<Option<MediaId>, Error> {
    let Some(file) = ours(media) else { return Ok(None) };
    let mut query = conn.prepare_cached(
        "SELECT media_id FROM upload WHERE account = ?1 AND sha256 = ?2 AND mime_type = ?3",
    )?;
    let found: Option<Option<String>> = query
        .query_row(params![account.0, file.sha256, file.mime_type], |row| row.get(0))
        .optional()?;
    Ok(found.flatten().map(MediaId::new))
}

/// Meta refused a message for its file: the id that it has of ours is of no use any more, unless it is newer than
/// the message's request. The next try uploads the file anew.
pub(super) fn forget(tx: &Tx<'_>, account: AccountId, message: MessageId) -> Result<(), Error> {
    let Ok(body) = message::body_of(tx.conn, message) else { return Ok(()) };
    let Some(file) = body.file().and_then(ours) else { return Ok(()) };
    tx.conn
        .prepare_cached(
            "UPDATE upload SET media_id = NULL, uploaded_at = NULL
             WHERE account = ?1 AND sha256 = ?2 AND mime_type = ?3
                 AND uploaded_at <= (SELECT max(at) FROM request WHERE message = ?4)",
        )?
        .execute(params![account.0, file.sha256, file.mime_type, message.0])?;
    Ok(())
}

/// The upload that a message has to wait for: its file is ours, and Meta has no id of it that is still good.
pub(super) fn missing(
    tx: &Tx<'_>,
    account: AccountId,
    message: MessageId,
    now: Timestamp,
) -> Result<Option<UploadId>, Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT 1 FROM media WHERE message = ?1 AND copy = 1 AND media_id IS NULL AND url IS NULL",
    )?;
    if !query.exists([message.0])? {
        return Ok(None);
    }
    // What cannot be read fails with its reason when it is taken.
    let Ok(body) = message::body_of(tx.conn, message) else { return Ok(None) };
    let Some(media) = body.file() else { return Ok(None) };
    let Some(file) = ours(media) else { return Ok(None) };
    let (id, uploaded_at): (i64, Option<i64>) = tx
        .conn
        .prepare_cached(
            "INSERT INTO upload (account, sha256, mime_type, path, file_name, size)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET path = excluded.path RETURNING id, uploaded_at",
        )?
        .query_row(
            params![
                account.0,
                file.sha256,
                file.mime_type,
                file.path,
                media.file_name.as_deref().unwrap_or(media.kind.name()),
                i64::try_from(file.size).unwrap_or(i64::MAX)
            ],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
    let good_since = (now - UPLOAD_LIFE).millis();
    let is_good = uploaded_at.is_some_and(|at| at > good_since);
    Ok((!is_good).then_some(UploadId(id)))
}

/// Queues the upload, if it is not, and lets a message's outbox row and its lane wait for it.
pub(super) fn wait_for(
    tx: &mut Tx<'_>,
    account: AccountId,
    upload: UploadId,
    row: i64,
    lane: i64,
) -> Result<(), Error> {
    let queued = tx
        .conn
        .prepare_cached(
            "INSERT INTO outbox (account, kind, lane, priority, place, not_before, state)
             SELECT ?1, ?2, ?3, o.priority, o.place, 0, 1 FROM outbox o WHERE o.id = ?4
                 AND NOT EXISTS (SELECT 1 FROM outbox u WHERE u.kind = ?2 AND u.lane = ?3)",
        )?
        .execute(params![account.0, lane::UPLOAD, upload.0, row])?;
    if queued > 0 {
        lane::settle(tx, lane::UPLOAD, upload.0)?;
    }
    tx.conn
        .prepare_cached("UPDATE outbox SET upload = ?2 WHERE id = ?1")?
        .execute([row, upload.0])?;
    lane::settle(tx, lane::MESSAGE, lane)
}

/// The copies of files that a message may still need, as paths relative to the data directory: those of messages
/// that are not through or can be sent again, and of rows of campaigns that are no messages yet.
pub fn needed(read: &ReadConn) -> Result<BTreeSet<String>, Error> {
    // Account by account, so that the index over unfinished messages serves.
    let mut query = read.conn.prepare_cached(
        "SELECT d.path FROM account a
             CROSS JOIN message m ON m.account = a.id AND (m.state < 4 OR m.state IN (9, 10))
             CROSS JOIN media d ON d.message = m.id
         WHERE m.direction = 2 AND d.path IS NOT NULL
         UNION SELECT json_extract(r.media, '$.path') FROM campaign c
             CROSS JOIN campaign_row r ON r.campaign = c.id AND r.row > c.fed
         WHERE c.stage < 3 AND r.media IS NOT NULL AND json_extract(r.media, '$.path') IS NOT NULL",
    )?;
    let rows = query.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What is to go up.
pub(super) fn load(conn: &Connection, id: UploadId) -> Result<Option<Upload>, Error> {
    let mut query =
        conn.prepare_cached("SELECT path, size, mime_type, file_name FROM upload WHERE id = ?1")?;
    let found = query.query_row([id.0], |row| {
        Ok(Upload {
            id,
            path: row.get(0)?,
            size: u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0),
            mime_type: row.get(2)?,
            file_name: row.get(3)?,
        })
    });
    Ok(found.optional()?)
}

/// The messages that wait for an upload.
pub(super) fn waiting(tx: &Tx<'_>, id: UploadId) -> Result<Vec<MessageId>, Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT message FROM outbox WHERE upload = ?1 AND message IS NOT NULL ORDER BY place",
    )?;
    let rows = query.query_map([id.0], |row| Ok(MessageId(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// It is there: keeps Meta's id, and lets those go that waited for it.
pub(super) fn arrived(
    tx: &mut Tx<'_>,
    id: UploadId,
    media: &MediaId,
    now: Timestamp,
) -> Result<(), Error> {
    tx.conn
        .prepare_cached("UPDATE upload SET media_id = ?2, uploaded_at = ?3 WHERE id = ?1")?
        .execute(params![id.0, media.as_str(), now.millis()])?;
    release(tx, id)
}

/// Lets those go that waited for it.
pub(super) fn release(tx: &mut Tx<'_>, id: UploadId) -> Result<(), Error> {
    let mut query = tx
        .conn
        .prepare_cached("UPDATE outbox SET upload = NULL WHERE upload = ?1 RETURNING lane")?;
    let rows = query.query_map([id.0], |row| row.get(0))?;
    let lanes: BTreeSet<i64> = rows.collect::<Result<_, _>>()?;
    drop(query);
    lanes.into_iter().try_for_each(|lane| lane::settle(tx, lane::MESSAGE, lane))
}
