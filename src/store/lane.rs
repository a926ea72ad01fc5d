//! Lanes of the outbox: one job of a lane at a time, in the order written, persons before bulk.
//!
//! `head` marks the one waiting row of an idle lane that may go next, so that a claim looks at heads alone,
//! however long the lanes are; none has it while that row waits for an upload. Every change of a lane ends
//! in [`settle`].

use rusqlite::params;

use super::error::Error;
use super::write::Tx;
use crate::domain::id::{ConversationId, MessageId};

pub(super) const MESSAGE: i64 = 1;
pub(super) const RECEIPT: i64 = 2;
pub(super) const DOWNLOAD: i64 = 3;
pub(super) const UPLOAD: i64 = 4;

/// Marks anew who is next in a lane.
pub(super) fn settle(tx: &mut Tx<'_>, kind: i64, lane: i64) -> Result<(), Error> {
    tx.changes.outbox = true;
    for sql in [
        "UPDATE outbox SET head = 0 WHERE kind = ?1 AND lane = ?2 AND head = 1",
        "UPDATE outbox SET head = 1
         WHERE id = (SELECT id FROM outbox WHERE kind = ?1 AND lane = ?2 AND state = 1
                     ORDER BY priority, place, id LIMIT 1)
             AND upload IS NULL
             AND NOT EXISTS (SELECT 1 FROM outbox WHERE kind = ?1 AND lane = ?2 AND state = 2)",
    ] {
        tx.conn.prepare_cached(sql)?.execute([kind, lane])?;
    }
    Ok(())
}

/// A conversation's lanes go over to the one it was merged into.
pub(super) fn move_lanes(
    tx: &mut Tx<'_>,
    from: ConversationId,
    to: ConversationId,
) -> Result<(), Error> {
    for kind in [MESSAGE, RECEIPT] {
        let moved = tx
            .conn
            .prepare_cached("UPDATE outbox SET lane = ?3, head = 0 WHERE kind = ?1 AND lane = ?2")?
            .execute(params![kind, from.0, to.0])?;
        if moved > 0 {
            settle(tx, kind, to.0)?;
        }
    }
    Ok(())
}

/// What is to be done about a message goes with it into another conversation.
pub(super) fn follow(
    tx: &mut Tx<'_>,
    message: MessageId,
    from: ConversationId,
    to: ConversationId,
) -> Result<(), Error> {
    for kind in [MESSAGE, RECEIPT] {
        let moved = tx
            .conn
            .prepare_cached(
                "UPDATE outbox SET lane = ?3, head = 0 WHERE message = ?1 AND kind = ?2",
            )?
            .execute(params![message.0, kind, to.0])?;
        if moved > 0 {
            settle(tx, kind, from.0)?;
            settle(tx, kind, to.0)?;
        }
    }
    Ok(())
}
