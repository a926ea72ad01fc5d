//! The business numbers that messages are sent from.

pub mod fact;
pub mod pace;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::error::Error;
use super::outbox::LIMIT_SPAN;
use super::read::ReadConn;
use super::row;
use super::write::Tx;
use crate::domain::health::People;
use crate::domain::id::{AccountId, PhoneNumberId, WabaId};
use crate::domain::throttle::{Limits, PeopleLimit};
use crate::domain::time::Timestamp;

/// A business number as the config names it. Secrets are not stored here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// The name in the config.
    pub name: String,
    /// Meta's id of the number: what makes it the same account.
    pub phone_number: PhoneNumberId,
    /// The WABA it belongs to.
    pub waba: Option<WabaId>,
    /// The number as Meta displays it.
    pub display_number: Option<String>,
}

/// A stored account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Local id.
    pub id: AccountId,
    /// The name in the config.
    pub name: String,
    /// Meta's id of the number.
    pub phone_number: PhoneNumberId,
    /// The WABA it belongs to.
    pub waba: Option<WabaId>,
    /// The number as Meta displays it.
    pub display_number: Option<String>,
}

/// Writes down an account of the config, or brings the stored one up to date. Writes nothing when it is.
pub fn upsert_account(
    tx: &mut Tx<'_>,
    new: &NewAccount,
    now: Timestamp,
) -> Result<AccountId, Error> {
    let values = params![
        new.name,
        new.phone_number.as_str(),
        new.waba.as_ref().map(WabaId::as_str),
        new.display_number,
    ];
    let known = tx
        .conn
        .prepare_cached(
            "SELECT id FROM account WHERE phone_number_id = ?2 AND name = ?1
                 AND waba_id IS coalesce(?3, waba_id)
                 AND display_number IS coalesce(?4, display_number)",
        )?
        .query_row(values, |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(AccountId(id));
    }
    // The scope stays as it was first written: user ids have been stored under it.
    let scope = new.waba.as_ref().map_or_else(|| new.phone_number.as_str(), WabaId::as_str);
    let id = tx.conn.query_row(
        "INSERT INTO account (name, phone_number_id, waba_id, display_number, scope, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (phone_number_id) DO UPDATE SET name = excluded.name,
             waba_id = coalesce(excluded.waba_id, waba_id),
             display_number = coalesce(excluded.display_number, display_number)
         RETURNING id",
        params![
            new.name,
            new.phone_number.as_str(),
            new.waba.as_ref().map(WabaId::as_str),
            new.display_number,
            scope,
            now.millis()
        ],
        |row| row.get(0),
    )?;
    tx.changes.everything = true;
    Ok(AccountId(id))
}

/// All accounts, the oldest first.
pub fn accounts(read: &ReadConn) -> Result<Vec<Account>, Error> {
    let mut query = read.conn.prepare_cached(
        "SELECT id, name, phone_number_id, waba_id, display_number FROM account ORDER BY id",
    )?;
    let rows = query.query_map([], account)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        id: AccountId(row.get(0)?),
        name: row.get(1)?,
        phone_number: PhoneNumberId::new(row.get::<_, String>(2)?),
        waba: row.get::<_, Option<String>>(3)?.map(WabaId::new),
        display_number: row.get(4)?,
    })
}

/// Since when the person has had the account paused, if they have.
pub fn paused_since(read: &ReadConn, account: AccountId) -> Result<Option<Timestamp>, Error> {
    paused(&read.conn, account)
}

pub(super) fn paused(conn: &Connection, account: AccountId) -> Result<Option<Timestamp>, Error> {
    let mut query = conn.prepare_cached("SELECT paused_at FROM account WHERE id = ?1")?;
    let paused: Option<Option<i64>> = query.query_row([account.0], |row| row.get(0)).optional()?;
    Ok(paused.flatten().map(Timestamp::from_millis))
}

/// What Meta said last about the limits of an account.
pub fn limits(read: &ReadConn, account: AccountId) -> Result<Limits, Error> {
    limits_of(&read.conn, account)
}

pub(super) fn limits_of(conn: &Connection, account: AccountId) -> Result<Limits, Error> {
    let mut query =
        conn.prepare_cached("SELECT rate_limit, people_limit FROM account WHERE id = ?1")?;
    let found = query.query_row([account.0], |row| {
        let people: Option<i64> = row.get(1)?;
        Ok(Limits {
            rate: row.get(0)?,
            people: people.map(|most| {
                u32::try_from(most).map_or(PeopleLimit::Unlimited, PeopleLimit::AtMost)
            }),
        })
    });
    found.optional()?.ok_or_else(|| Error::not_found("account", account.to_string()))
}

/// Notes what Meta allows an account. What it does not say stays as it was.
pub(super) fn set_limits(tx: &mut Tx<'_>, account: AccountId, limits: Limits) -> Result<(), Error> {
    let people = limits.people.map(|people| match people {
        PeopleLimit::AtMost(most) => i64::from(most),
        PeopleLimit::Unlimited => -1,
    });
    tx.conn
        .prepare_cached(
            "UPDATE account SET rate_limit = coalesce(?2, rate_limit),
                 people_limit = coalesce(?3, people_limit) WHERE id = ?1",
        )?
        .execute(params![account.0, limits.rate, people])?;
    tx.changes.outbox = true;
    Ok(())
}

/// How much of the messaging limit is used.
pub fn people_reached(
    read: &ReadConn,
    account: AccountId,
    now: Timestamp,
) -> Result<People, Error> {
    people(&read.conn, account, now)
}

pub(super) fn people(
    conn: &Connection,
    account: AccountId,
    now: Timestamp,
) -> Result<People, Error> {
    let mut query = conn.prepare_cached(
        "SELECT coalesce((SELECT n FROM reached_count n WHERE n.scope = a.scope), 0)
             - (SELECT count(*) FROM reached r WHERE r.scope = a.scope AND r.at <= ?2), a.people_limit
         FROM account a WHERE a.id = ?1",
    )?;
    let since = (now - LIMIT_SPAN).millis();
    let found = query.query_row([account.0, since], |row| {
        let limit: Option<i64> = row.get(1)?;
        Ok(People {
            reached: row::count(row.get(0)?),
            limit: limit.and_then(|limit| u32::try_from(limit).ok()),
        })
    });
    found.optional()?.ok_or_else(|| Error::not_found("account", account.to_string()))
}

/// The account with this number and the scope of its user ids.
pub(super) fn by_phone_number(
    conn: &Connection,
    phone_number: &PhoneNumberId,
) -> Result<Option<(AccountId, String)>, Error> {
    let mut query =
        conn.prepare_cached("SELECT id, scope FROM account WHERE phone_number_id = ?1")?;
    let found = query
        .query_row([phone_number.as_str()], |row| Ok((AccountId(row.get(0)?), row.get(1)?)))
        .optional()?;
    Ok(found)
}

pub(super) fn scope(conn: &Connection, account: AccountId) -> Result<String, Error> {
    let mut query = conn.prepare_cached("SELECT scope FROM account WHERE id = ?1")?;
    query
        .query_row([account.0], |row| row.get(0))
        .optional()?
        .ok_or_else(|| Error::not_found("account", account.to_string()))
}
