//! Where Meta was told to post, by whose word, and what stood there before; and the public address that this
//! data directory's listener has now.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::error::Error;
use super::read::ReadConn;
use super::write::Tx;
use crate::domain::id::AccountId;
use crate::domain::time::Timestamp;
use crate::domain::tunnel::Level;

/// What was done about an account's callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The tunnel's address was set.
    Set,
    /// The person wants none of it.
    Declined,
    /// What stood there before the first change was put back.
    PutBack,
}

/// A change of where Meta posts, or the word not to change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What was done.
    pub deed: Deed,
    /// Where at Meta.
    pub level: Level,
    /// What stood there, if anything.
    pub old: Option<String>,
    /// What stands there now, if anything.
    pub new: Option<String>,
    /// When.
    pub at: Timestamp,
}

const DEEDS: [Deed; 3] = [Deed::Set, Deed::Declined, Deed::PutBack];
const LEVELS: [Level; 3] = [Level::Number, Level::Waba, Level::App];

fn number<T: PartialEq>(all: &[T], one: &T) -> i64 {
    let place = all.iter().position(|known| known == one).unwrap_or_default();
    i64::try_from(place).unwrap_or_default()
}

fn named<T: Copy>(all: &[T], place: i64) -> rusqlite::Result<T> {
    let found = usize::try_from(place).ok().and_then(|place| all.get(place)).copied();
    found.ok_or(rusqlite::Error::IntegralValueOutOfRange(0, place))
}

/// Writes down a change.
pub fn note_change(tx: &mut Tx<'_>, account: AccountId, change: &Change) -> Result<(), Error> {
    note(tx, account, change).map(|_intent| ())
}

/// A change that is noted and that Meta may not have heard of yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent(i64);

/// Writes down what is about to be changed. Nothing when the account's newest change is the same: that one may
/// have been carried out, and is never taken back.
pub fn intend(
    tx: &mut Tx<'_>,
    account: AccountId,
    change: &Change,
) -> Result<Option<Intent>, Error> {
    let newest = changes_in(tx, account)?.into_iter().next();
    let same = |newest: &Change| Change { at: change.at, ..newest.clone() } == *change;
    if newest.as_ref().is_some_and(same) {
        return Ok(None);
    }
    note(tx, account, change).map(Some)
}

/// Takes an intent back that surely came to nothing.
pub fn withdraw(tx: &mut Tx<'_>, intent: Intent) -> Result<(), Error> {
    tx.conn.prepare_cached("DELETE FROM callback_change WHERE id = ?1")?.execute([intent.0])?;
    Ok(())
}

fn note(tx: &Tx<'_>, account: AccountId, change: &Change) -> Result<Intent, Error> {
    tx.conn
        .prepare_cached(
            "INSERT INTO callback_change (account, deed, level, old_url, new_url, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            account.0,
            number(&DEEDS, &change.deed),
            number(&LEVELS, &change.level),
            change.old,
            change.new,
            change.at.millis()
        ])?;
    Ok(Intent(tx.conn.last_insert_rowid()))
}

/// All changes of an account's callback, the newest first.
pub fn changes(read: &ReadConn, account: AccountId) -> Result<Vec<Change>, Error> {
    all(&read.conn, account)
}

/// The same, for whoever is about to make another.
pub fn changes_in(tx: &mut Tx<'_>, account: AccountId) -> Result<Vec<Change>, Error> {
    all(tx.conn, account)
}

fn all(conn: &Connection, account: AccountId) -> Result<Vec<Change>, Error> {
    let mut query = conn.prepare_cached(
        "SELECT deed, level, old_url, new_url, at FROM callback_change WHERE account = ?1 ORDER BY id DESC",
    )?;
    let rows = query.query_map([account.0], change)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A number that is another once a callback of any account was changed or decided about.
pub fn last_word(read: &ReadConn) -> Result<i64, Error> {
    let mut query = read.conn.prepare_cached("SELECT coalesce(max(id), 0) FROM callback_change")?;
    Ok(query.query_row([], |row| row.get(0))?)
}

fn change(row: &Row<'_>) -> rusqlite::Result<Change> {
    Ok(Change {
        deed: named(&DEEDS, row.get(0)?)?,
        level: named(&LEVELS, row.get(1)?)?,
        old: row.get(2)?,
        new: row.get(3)?,
        at: Timestamp::from_millis(row.get(4)?),
    })
}

/// Of each level that is ours, in Meta's order, the first of our changes since it was last put back: what stood
/// there before us is its `old`.
#[must_use]
pub fn ours(changes: &[Change]) -> Vec<&Change> {
    let first = |level: Level| {
        let of_level = changes.iter().filter(move |change| change.level == level);
        let since = of_level.take_while(|change| change.deed != Deed::PutBack);
        since.filter(|change| change.deed == Deed::Set).last()
    };
    LEVELS.into_iter().filter_map(first).collect()
}

/// How old a proof may be. A tunnel that runs gives one every half minute; the address of one that ended may be
/// somebody else's by now.
const FRESH: Duration = Duration::from_secs(120);

/// A public address that was proved to lead to the listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The tunnel's kind.
    pub kind: String,
    /// The address with its path.
    pub url: String,
    /// When it was proved last.
    pub proved_at: Timestamp,
}

/// Keeps the address for other processes, or forgets it.
pub fn set_address(tx: &mut Tx<'_>, address: Option<&Address>) -> Result<(), Error> {
    match address {
        Some(Address { kind, url, proved_at }) => tx
            .conn
            .prepare_cached(
                "INSERT INTO tunnel (id, kind, url, proved_at) VALUES (1, ?1, ?2, ?3)
                 ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, url = excluded.url,
                     proved_at = excluded.proved_at",
            )?
            .execute(params![kind, url, proved_at.millis()])?,
        None => tx.conn.prepare_cached("DELETE FROM tunnel")?.execute([])?,
    };
    Ok(())
}

/// The address of the tunnel that runs, in whichever process. One whose last proof is older than two minutes
/// does not: it ended without a word.
pub fn running(read: &ReadConn, now: Timestamp) -> Result<Option<Address>, Error> {
    let mut query =
        read.conn.prepare_cached("SELECT kind, url, proved_at FROM tunnel WHERE id = 1")?;
    let found = query.query_row([], |row| {
        Ok(Address {
            kind: row.get(0)?,
            url: row.get(1)?,
            proved_at: Timestamp::from_millis(row.get(2)?),
        })
    });
    Ok(found.optional()?.filter(|address| now.since(address.proved_at) <= FRESH))
}
