//! What Meta says of an account, as facts: the newest of each kind and subject is how it is, whatever the
//! order in which they became known. The limits of sending follow from them.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{limits_of, set_limits};
use crate::domain::account::{self, Fact, FactKind, Saying, Standing};
use crate::domain::event::AccountReport;
use crate::domain::id::{AccountId, WabaId};
use crate::domain::throttle::COEXISTENCE_RATE;
use crate::domain::time::Timestamp;
use crate::store::error::Error;
use crate::store::read::ReadConn;
use crate::store::write::Tx;

/// What was said last comes first; of two at the same time, what a webhook told.
const NEWEST: &str = "last_at DESC, told DESC, at DESC, value, detail";

/// How the account is: the newest fact of each kind and subject, in the order of the kinds.
pub fn facts(read: &ReadConn, account: AccountId) -> Result<Vec<Fact>, Error> {
    newest(&read.conn, account)
}

fn newest(conn: &Connection, account: AccountId) -> Result<Vec<Fact>, Error> {
    let mut query = conn.prepare_cached(&format!(
        "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY kind, subject ORDER BY {NEWEST}) AS n
             FROM account_fact WHERE account = ?1) WHERE n = 1 ORDER BY kind, subject"
    ))?;
    let rows = query.query_map([account.0], fact)?;
    let mut facts: Vec<Fact> = rows.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    facts.sort_by_key(|fact| fact.saying.kind);
    Ok(facts)
}

/// What was news of the account, the newest first.
pub fn history(read: &ReadConn, account: AccountId, limit: u32) -> Result<Vec<Fact>, Error> {
    let mut query = read.conn.prepare_cached(
        "SELECT * FROM account_fact WHERE account = ?1
         ORDER BY at DESC, told DESC, kind, subject, value, detail LIMIT ?2",
    )?;
    let rows = query.query_map(params![account.0, limit], fact)?;
    Ok(rows.filter_map(Result::transpose).collect::<Result<_, _>>()?)
}

/// Kinds that a later version wrote are left out.
fn fact(row: &Row<'_>) -> rusqlite::Result<Option<Fact>> {
    let Some(kind) = FactKind::named(&row.get::<_, String>("kind")?) else { return Ok(None) };
    Ok(Some(Fact {
        saying: Saying {
            kind,
            subject: row.get("subject")?,
            value: row.get("value")?,
            detail: row.get("detail")?,
            until: row.get::<_, Option<i64>>("until")?.map(Timestamp::from_millis),
        },
        at: Timestamp::from_millis(row.get("at")?),
        last_at: Timestamp::from_millis(row.get("last_at")?),
        told: row.get("told")?,
    }))
}

/// When Meta was last asked about the account and answered.
pub fn asked_at(read: &ReadConn, account: AccountId) -> Result<Option<Timestamp>, Error> {
    let mut query = read.conn.prepare_cached("SELECT asked_at FROM account WHERE id = ?1")?;
    let asked: Option<Option<i64>> = query.query_row([account.0], |row| row.get(0)).optional()?;
    Ok(asked.flatten().map(Timestamp::from_millis))
}

/// Keeps what Meta answered about the account. What it says again is no news, only later.
pub fn asked(
    tx: &mut Tx<'_>,
    account: AccountId,
    standing: &Standing,
    now: Timestamp,
) -> Result<(), Error> {
    for said in &standing.sayings {
        let again = tx
            .conn
            .prepare_cached(
                "UPDATE account_fact SET last_at = max(last_at, ?6)
                 WHERE (account, kind, subject, told, value, detail) = (?1, ?2, ?3, 0, ?4, ?5)
                     AND at = (SELECT at FROM account_fact f WHERE f.account = ?1 AND f.kind = ?2
                               AND f.subject = ?3 ORDER BY f.at DESC, f.told DESC LIMIT 1)",
            )?
            .execute(params![
                account.0,
                said.kind.name(),
                said.subject,
                said.value,
                said.detail,
                now.millis()
            ])?;
        if again == 0 {
            note(tx, account, said, now, false)?;
        }
    }
    tx.conn
        .prepare_cached(
            "UPDATE account SET asked_at = ?2, display_number = coalesce(display_number, ?3)
             WHERE id = ?1",
        )?
        .execute(params![account.0, now.millis(), standing.display_number])?;
    tx.changes.accounts = true;
    follow(tx, account)
}

fn note(
    tx: &Tx<'_>,
    account: AccountId,
    said: &Saying,
    at: Timestamp,
    told: bool,
) -> Result<(), Error> {
    tx.conn
        .prepare_cached(
            "INSERT OR IGNORE INTO account_fact VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?4)",
        )?
        .execute(params![
            account.0,
            said.kind.name(),
            said.subject,
            at.millis(),
            told,
            said.value,
            said.detail,
            said.until.map(Timestamp::millis),
        ])?;
    Ok(())
}

/// Keeps what a webhook tells. What is said of the business or the account holds for each of its numbers, the
/// rest for the number that is named.
pub(in crate::store) fn told(
    tx: &mut Tx<'_>,
    waba: &WabaId,
    report: &AccountReport,
    now: Timestamp,
) -> Result<(), Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT id, display_number, phone_number_id FROM account WHERE waba_id = ?1",
    )?;
    let rows = query.query_map([waba.as_str()], |row| {
        Ok((AccountId(row.get(0)?), row.get::<_, Option<String>>(1)?, row.get::<_, String>(2)?))
    })?;
    let numbers: Vec<_> = rows.collect::<Result<_, _>>()?;
    drop(query);
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let named = report.display_number.as_deref().map(digits);
    let at = report.at.unwrap_or(now);
    // The sender asks what else is new.
    (tx.changes.accounts, tx.changes.outbox) = (true, true);
    for (account, display, id) in &numbers {
        let is_it = match (&report.phone_number, &named, display) {
            (Some(wanted), _, _) => wanted.as_str() == id,
            (None, Some(named), Some(display)) => *named == digits(display),
            // One that names nobody, or a number that is not known here.
            (None, Some(_), None) => numbers.len() == 1,
            (None, None, _) => true,
        };
        // What names a number is about that alone, but for the limits, which the business has.
        let of_one = report.phone_number.is_some() || named.is_some();
        for said in &report.sayings {
            if is_it || (said.kind.is_shared() && !of_one) || said.kind == FactKind::Limit {
                note(tx, *account, said, at, true)?;
            }
        }
        follow(tx, *account)?;
    }
    Ok(())
}

/// Derives anew what the account may send.
fn follow(tx: &mut Tx<'_>, account: AccountId) -> Result<(), Error> {
    let facts = newest(tx.conn, account)?;
    let mut limits = account::limits(facts.iter().map(|fact| &fact.saying));
    let known = limits_of(tx.conn, account)?;
    let knows_app = facts.iter().any(|fact| fact.saying.kind == FactKind::PhoneApp);
    if !knows_app && known.rate == Some(COEXISTENCE_RATE) {
        // Noted before there were facts, and never raised.
        limits.rate = None;
    }
    let other = limits.rate.is_some_and(|rate| Some(rate) != known.rate);
    if other || limits.people.is_some_and(|people| Some(people) != known.people) {
        set_limits(tx, account, limits)?;
    }
    Ok(())
}
