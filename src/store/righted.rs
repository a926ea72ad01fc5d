//! What was written while the machine's clock was ahead, after it was set right.
//!
//! Times that Meta gives are Meta's. Those that we give stand in the database as well, and the newest of them
//! counts: one of the year 2030 would be the newest for years.

use std::time::Duration;

use super::error::Error;
use super::write::Tx;
use crate::domain::outbox::LONGEST_WAIT;
use crate::domain::time::Timestamp;

/// So much may a time be ahead of ours: other processes and Meta have clocks of their own.
const AHEAD: Duration = Duration::from_secs(60);

/// Nothing is put off for longer than [`LONGEST_WAIT`]: what is due later than that was put off while the wall clock
/// was wrong, and is due now. What happened later than now happened now, or has to happen again.
pub(super) fn set_right(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Error> {
    let latest = (now + LONGEST_WAIT).millis();
    for sql in [
        "UPDATE message SET not_before = NULL WHERE id IN
             (SELECT message FROM outbox WHERE state = 1 AND kind = 1 AND not_before > ?1)",
        "UPDATE outbox SET not_before = 0 WHERE state = 1 AND not_before > ?1",
    ] {
        tx.conn.prepare_cached(sql)?.execute([latest])?;
    }
    let ahead = (now + AHEAD).millis();
    for sql in [
        "UPDATE reached SET at = ?1 WHERE scope IN (SELECT scope FROM reached_count) AND at > ?2",
        "UPDATE OR REPLACE account_fact SET at = min(at, ?1), last_at = ?1
         WHERE told = 0 AND last_at > ?2",
        "UPDATE template SET status_at = min(status_at, ?1), quality_at = min(quality_at, ?1),
             category_at = min(category_at, ?1), text_at = min(text_at, ?1)
         WHERE max(status_at, quality_at, category_at, text_at) > ?2",
        "UPDATE catalogue SET lacks_at = ?1 WHERE lacks_at > ?2",
    ] {
        tx.conn.prepare_cached(sql)?.execute([now.millis(), ahead])?;
    }
    for sql in [
        "UPDATE account SET asked_at = NULL WHERE asked_at > ?1",
        "UPDATE catalogue SET synced_at = NULL WHERE synced_at > ?1",
        // Longer ago than any file is kept at Meta.
        "UPDATE upload SET uploaded_at = 0 WHERE uploaded_at > ?1",
    ] {
        tx.conn.prepare_cached(sql)?.execute([ahead])?;
    }
    Ok(())
}
