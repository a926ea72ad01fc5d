//! Letting go of the bodies of old webhooks, some at a time. What they changed stays, and that they came.

use std::time::Duration;

use rusqlite::params;

use super::error::Error;
use super::write::Tx;
use crate::domain::hook::EffectKind;
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
const STEP: u32 = 100;

/// A body, and whether it may go.
struct Old {
    id: i64,
    /// The bytes of all bodies up to this one.
    total: i64,
    received: Timestamp,
    needed: bool,
}

/// Empties the oldest bodies that are too old or too many, and says whether there may be more of them. One with
/// an item that could not be applied stays as long as there is room: replaying it may do more one day.
pub fn prune(tx: &mut Tx<'_>, keep: &Keep, now: Timestamp) -> Result<bool, Error> {
    let newest: i64 = tx
        .conn
        .prepare_cached(
            "SELECT coalesce((SELECT total FROM event_body ORDER BY id DESC LIMIT 1), 0)",
        )?
        .query_row([], |row| row.get(0))?;
    // So many bytes came after it.
    let after = |total: i64| u64::try_from(newest - total).unwrap_or(0);
    let too_many = |total: i64| keep.bytes.is_some_and(|most| after(total) >= most);
    let old = oldest(tx)?;
    let looked_at = old.len();
    let mut upto = None;
    let mut gone = Vec::new();
    for Old { id, total, received, needed } in old {
        let age = now.since(received);
        let too_old = keep.age.is_some_and(|most| age > most);
        if age < LEAST || !(too_old || too_many(total)) {
            break;
        }
        if needed && !too_many(total) {
            tx.conn.prepare_cached("INSERT INTO event_kept VALUES (?1)")?.execute([id])?;
        } else {
            gone.push(id);
        }
        upto = Some(id);
    }
    let all = looked_at == STEP as usize && upto.is_some();
    if let Some(upto) = upto {
        tx.conn.prepare_cached("UPDATE event_pruned SET upto = ?1")?.execute([upto])?;
    }
    let crowded: Vec<i64> =
        kept(tx)?.into_iter().take_while(|(_, total)| too_many(*total)).map(|(id, _)| id).collect();
    let more = all || crowded.len() == STEP as usize;
    for id in gone.into_iter().chain(crowded) {
        tx.conn.prepare_cached("UPDATE event_body SET body = x'' WHERE id = ?1")?.execute([id])?;
        tx.conn.prepare_cached("DELETE FROM event_kept WHERE body = ?1")?.execute([id])?;
    }
    Ok(more)
}

/// The oldest bodies that were never looked at. One that came several times is as old as its first coming: were
/// it the last, one replay would keep all that came after it.
fn oldest(tx: &Tx<'_>) -> Result<Vec<Old>, Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT b.id, coalesce(b.total, 0),
             coalesce((SELECT min(e.received_at) FROM event e WHERE e.body = b.id), 0),
             EXISTS (SELECT 1 FROM event e JOIN event_effect f ON f.event = e.id
                     WHERE e.body = b.id AND f.kind IN (?2, ?3))
         FROM event_body b WHERE b.id > (SELECT upto FROM event_pruned) ORDER BY b.id LIMIT ?1",
    )?;
    let odd = [EffectKind::Unknown as i64, EffectKind::Failed as i64];
    let rows = query.query_map(params![STEP, odd[0], odd[1]], |row| {
        Ok(Old {
            id: row.get(0)?,
            total: row.get(1)?,
            received: Timestamp::from_millis(row.get(2)?),
            needed: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The oldest of those that stayed because they may be needed, with the bytes of all up to each.
fn kept(tx: &Tx<'_>) -> Result<Vec<(i64, i64)>, Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT k.body, coalesce(b.total, 0) FROM event_kept k JOIN event_body b ON b.id = k.body
         ORDER BY k.body LIMIT ?1",
    )?;
    let rows = query.query_map([STEP], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
