//! Letting go of the bodies of old webhooks, some at a time. What they changed stays, and that they came.

use std::time::Duration;

use rusqlite::params;

use super::error::Error;
use super::write::Tx;
use crate::domain::time::Timestamp;

/// How long bodies are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// No longer than this; as long as there is room when none.
    pub age: Option<Duration>,
    /// No more bytes than this; any number when none.
    pub bytes: Option<u64>,
}

impl Default for Keep {
    /// Thirty days, and a gigabyte.
    fn default() -> Self {
        Self { age: Some(Duration::from_secs(30 * 24 * 3600)), bytes: Some(1 << 30) }
    }
}

/// Whatever their size, bodies are kept for this long: they may be about to be passed on or looked at.
const LEAST: Duration = Duration::from_secs(3600);

/// Bodies in one transaction, so that nothing else waits long for the store.
const STEP: i64 = 100;

/// Empties the oldest bodies that are too old or too many, and says whether there may be more of them. One with
/// an item that could not be applied stays: replaying it may do more one day.
pub fn prune(tx: &mut Tx<'_>, keep: &Keep, now: Timestamp) -> Result<bool, Error> {
    let newest: i64 = tx
        .conn
        .prepare_cached(
            "SELECT coalesce((SELECT total FROM event_body ORDER BY id DESC LIMIT 1), 0)",
        )?
        .query_row([], |row| row.get(0))?;
    let oldest = {
        let mut query = tx.conn.prepare_cached(
            "SELECT b.id, coalesce(b.total, 0),
                 (SELECT max(e.received_at) FROM event e WHERE e.body = b.id),
                 EXISTS (SELECT 1 FROM event e JOIN event_effect f ON f.event = e.id
                         WHERE e.body = b.id AND f.kind >= 8)
             FROM event_body b WHERE b.id > (SELECT upto FROM event_pruned) ORDER BY b.id LIMIT ?1",
        )?;
        let rows = query.query_map([STEP], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get::<_, Option<i64>>(2)?, row.get(3)?))
        })?;
        rows.collect::<Result<Vec<(i64, i64, Option<i64>, bool)>, _>>()?
    };
    let mut upto = None;
    let mut done = 0;
    for (id, total, received, needed) in oldest {
        let at = received.map_or(Timestamp::default(), Timestamp::from_millis);
        let age = now.since(at);
        let too_old = keep.age.is_some_and(|most| age > most);
        // So many bytes came after it.
        let after = u64::try_from(newest - total).unwrap_or(0);
        let too_many = keep.bytes.is_some_and(|most| after >= most);
        if age < LEAST || !(too_old || too_many) {
            break;
        }
        if !needed {
            tx.conn
                .prepare_cached("UPDATE event_body SET body = x'' WHERE id = ?1")?
                .execute([id])?;
        }
        upto = Some(id);
        done += 1;
    }
    if let Some(upto) = upto {
        tx.conn.prepare_cached("UPDATE event_pruned SET upto = ?1")?.execute(params![upto])?;
    }
    Ok(done == STEP)
}
