//! What stands in the way of a message right now: the window, a wish of the recipient, the messaging limit.
//! Asked when it is claimed, so that nothing forbidden is ever sent, and when somebody wants it released.

use std::time::Duration;

use rusqlite::{OptionalExtension as _, params};

use crate::domain::id::{AccountId, ContactId, MessageId};
use crate::domain::state::HoldReason;
use crate::domain::time::Timestamp;
use crate::domain::window::{Window, window};
use crate::store::account;
use crate::store::body;
use crate::store::error::Error;
use crate::store::write::Tx;

/// The messaging limit counts people in a rolling day (Meta, messaging limits).
pub const LIMIT_SPAN: Duration = Duration::from_secs(24 * 3600);

/// Whom a message is for, as far as the gate is concerned.
struct Asked {
    account: AccountId,
    contact: ContactId,
    template: bool,
    marketing: bool,
    window: Window,
}

/// Whether a message may go now.
pub(super) enum Gate {
    /// It may. `Some` when it reaches somebody outside the window, which counts against the limit.
    Open(Option<ContactId>),
    /// It may not.
    Shut(HoldReason),
}

/// Looks at a message that is about to go.
pub(super) fn gate(tx: &Tx<'_>, message: MessageId, now: Timestamp) -> Result<Gate, Error> {
    let asked = asked(tx, message, now)?;
    if !asked.template {
        let closed = matches!(asked.window, Window::Closed(_));
        return Ok(if closed { Gate::Shut(HoldReason::WindowClosed) } else { Gate::Open(None) });
    }
    if asked.marketing && opted_out(tx, asked.account, asked.contact)? {
        return Ok(Gate::Shut(HoldReason::OptedOut));
    }
    if matches!(asked.window, Window::Open(_)) {
        return Ok(Gate::Open(None));
    }
    if is_full(tx, asked.account, asked.contact, now)? {
        return Ok(Gate::Shut(HoldReason::MessagingLimit));
    }
    Ok(Gate::Open(Some(asked.contact)))
}

fn asked(tx: &Tx<'_>, message: MessageId, now: Timestamp) -> Result<Asked, Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT m.account, c.contact, m.kind, m.category, c.last_inbound, c.refused_at
         FROM message m JOIN conversation c ON c.id = m.conversation WHERE m.id = ?1",
    )?;
    let asked = query.query_row([message.0], |row| {
        let time = |column: &str| -> rusqlite::Result<Option<Timestamp>> {
            Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
        };
        let last_inbound = time("last_inbound")?;
        Ok(Asked {
            account: AccountId(row.get("account")?),
            contact: ContactId(row.get("contact")?),
            template: row.get::<_, i64>("kind")? == body::TEMPLATE,
            marketing: row
                .get::<_, Option<String>>("category")?
                .is_some_and(|category| category.starts_with("marketing")),
            window: match (window(last_inbound, now), time("refused_at")?) {
                // Meta said that it is closed, and nobody has written since.
                (Window::Unknown, Some(refused)) => Window::Closed(refused),
                (window, _) => window,
            },
        })
    })?;
    Ok(asked)
}

/// Whether the newest wish that the contact told the account is to hear no more marketing.
fn opted_out(tx: &Tx<'_>, account: AccountId, contact: ContactId) -> Result<bool, Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT p.wish FROM identity i JOIN preference p
             ON p.account = ?1 AND p.kind = i.kind AND p.scope = i.scope AND p.value = i.value
         WHERE i.contact = ?2 AND i.valid_from <= p.at AND p.at < i.valid_to
         ORDER BY p.at DESC, p.wish = 'stop' DESC LIMIT 1",
    )?;
    let wish: Option<String> =
        query.query_row([account.0, contact.0], |row| row.get(0)).optional()?;
    Ok(wish.is_some_and(|wish| wish == "stop"))
}

/// Whether the messaging limit has no room for one more person. Those written to within the day have theirs.
fn is_full(
    tx: &Tx<'_>,
    account: AccountId,
    contact: ContactId,
    now: Timestamp,
) -> Result<bool, Error> {
    let people = account::people(tx.conn, account, now)?;
    if people.limit.is_none_or(|limit| people.reached < limit) {
        return Ok(false);
    }
    let scope = account::scope(tx.conn, account)?;
    let mut query = tx.conn.prepare_cached(
        "SELECT NOT EXISTS (SELECT 1 FROM reached WHERE scope = ?1 AND contact = ?2 AND at > ?3)",
    )?;
    let since = (now - LIMIT_SPAN).millis();
    Ok(query.query_row(params![scope, contact.0, since], |row| row.get(0))?)
}

/// A template is on its way to somebody outside the window.
pub(super) fn reach(
    tx: &Tx<'_>,
    account: AccountId,
    contact: ContactId,
    now: Timestamp,
) -> Result<(), Error> {
    let scope = account::scope(tx.conn, account)?;
    tx.conn
        .prepare_cached(
            "INSERT INTO reached (scope, contact, at) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET at = max(at, excluded.at)",
        )?
        .execute(params![scope, contact.0, now.millis()])?;
    Ok(())
}

/// A request to somebody outside the window came to nothing: unless another one counts, they were not
/// written to.
pub(super) fn unreach(
    tx: &Tx<'_>,
    account: AccountId,
    contact: ContactId,
    now: Timestamp,
) -> Result<(), Error> {
    let scope = account::scope(tx.conn, account)?;
    tx.conn
        .prepare_cached(
            "DELETE FROM reached WHERE scope = ?1 AND contact = ?2 AND NOT EXISTS (
                 SELECT 1 FROM conversation c
                     JOIN account a ON a.id = c.account AND a.scope = ?1
                     JOIN message m ON m.conversation = c.id AND m.own = 1 AND m.kind = ?3
                     JOIN request r ON r.message = m.id
                 WHERE c.contact = ?2 AND r.at > ?4 AND r.outcome IN (0, 1, 4))",
        )?
        .execute(params![scope, contact.0, body::TEMPLATE, (now - LIMIT_SPAN).millis()])?;
    Ok(())
}
