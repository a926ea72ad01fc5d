//! How an account sends, told by the process that holds the sender role to those that do not.

use rusqlite::{OptionalExtension as _, Row, params};

use crate::domain::health::{Pace, Stop, StopKind};
use crate::domain::id::AccountId;
use crate::domain::time::Timestamp;
use crate::store::error::Error;
use crate::store::read::ReadConn;
use crate::store::write::Tx;

/// Tells how an account sends from now on.
pub fn tell(tx: &mut Tx<'_>, account: AccountId, pace: &Pace) -> Result<(), Error> {
    let stop = pace.stop.as_ref();
    tx.conn
        .prepare_cached("INSERT OR REPLACE INTO pace VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
        .execute(params![
            account.0,
            pace.limit,
            pace.limited_people,
            pace.rests_until.map(Timestamp::millis),
            stop.map(|stop| stop.kind.name()),
            stop.map(|stop| stop.words.as_str()),
            stop.map(|stop| stop.until.millis()),
        ])?;
    tx.changes.accounts = true;
    Ok(())
}

/// Forgets what a sender told that ended.
pub fn forget(tx: &mut Tx<'_>) -> Result<(), Error> {
    if tx.conn.execute("DELETE FROM pace", [])? > 0 {
        tx.changes.accounts = true;
    }
    Ok(())
}

/// How an account sends, as whoever sends told last.
pub fn told(read: &ReadConn, account: AccountId) -> Result<Option<Pace>, Error> {
    let mut query = read.conn.prepare_cached("SELECT * FROM pace WHERE account = ?1")?;
    Ok(query.query_row([account.0], pace).optional()?)
}

fn pace(row: &Row<'_>) -> rusqlite::Result<Pace> {
    let time =
        |column| row.get::<_, Option<i64>>(column).map(|time| time.map(Timestamp::from_millis));
    let kind = row.get::<_, Option<String>>("stop")?;
    let kind = kind.as_deref().and_then(StopKind::named);
    let words = row.get::<_, Option<String>>("stop_words")?;
    let stop = match (kind, words, time("stop_until")?) {
        (Some(kind), Some(words), Some(until)) => Some(Stop { kind, words, until }),
        _ => None,
    };
    Ok(Pace {
        used: 0,
        limit: row.get("rate")?,
        rests_until: time("rests_until")?,
        limited_people: row.get("limited_people")?,
        stop,
        unwritten: 0,
    })
}
