//! What stands in the way of a message right now: the window, a wish of the recipient, the messaging limit, its
//! campaign, its template.
//! Asked when it is claimed, so that nothing forbidden is ever sent, and when somebody wants it released.

use std::time::Duration;

use rusqlite::{OptionalExtension as _, Row, params};

use crate::domain::id::{AccountId, ContactId, ConversationId, MessageId};
use crate::domain::message::Body;
use crate::domain::state::HoldReason;
use crate::domain::template::Category;
use crate::domain::time::Timestamp;
use crate::domain::window::{Outside, Window, window};
use crate::store::error::Error;
use crate::store::write::Tx;
use crate::store::{account, body, catalogue};

/// The messaging limit counts people in a rolling day (Meta, messaging limits).
pub const LIMIT_SPAN: Duration = Duration::from_secs(24 * 3600);

/// What the window and the wishes of a person make of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Free,
    Template,
    Marketing,
}

/// Whom a message is for, as far as the gate is concerned.
struct Asked {
    account: AccountId,
    contact: ContactId,
    sort: Sort,
    opted_out: bool,
    /// It is of a campaign that does not run.
    stopped: bool,
    /// Its template is one that Meta refuses now.
    barred: bool,
    window: Window,
}

impl Sort {
    const fn of(template: bool, marketing: bool) -> Self {
        match (template, marketing) {
            (false, _) => Self::Free,
            (true, false) => Self::Template,
            (true, true) => Self::Marketing,
        }
    }
}

impl Asked {
    /// From the conversation's columns.
    fn of(row: &Row<'_>, sort: Sort, now: Timestamp) -> rusqlite::Result<Self> {
        let time = |column: &str| -> rusqlite::Result<Option<Timestamp>> {
            Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
        };
        Ok(Self {
            account: AccountId(row.get("account")?),
            contact: ContactId(row.get("contact")?),
            sort,
            opted_out: time("opted_out")?.is_some(),
            stopped: row.get("stopped")?,
            barred: false,
            window: window(time("last_inbound")?, time("refused_at")?, now),
        })
    }

    /// What keeps it from going whatever the limits say.
    fn obstacle(&self, outside: Outside) -> Option<HoldReason> {
        if self.stopped {
            return Some(HoldReason::Campaign);
        }
        match self.sort {
            Sort::Marketing if self.opted_out => Some(HoldReason::OptedOut),
            Sort::Marketing | Sort::Template => self.barred.then_some(HoldReason::Template),
            Sort::Free => {
                let shut = self.window.is_shut() && outside == Outside::Refuse;
                shut.then_some(HoldReason::WindowClosed)
            }
        }
    }
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
    if let Some(reason) = asked.obstacle(tx.rules.outside) {
        return Ok(Gate::Shut(reason));
    }
    if asked.sort == Sort::Free || matches!(asked.window, Window::Open(_)) {
        return Ok(Gate::Open(None));
    }
    if is_full(tx, asked.account, asked.contact, now)? {
        return Ok(Gate::Shut(HoldReason::MessagingLimit));
    }
    Ok(Gate::Open(Some(asked.contact)))
}

/// Whether a person or a program may write a message now: what cannot go is refused before it is written. One
/// for a time to come may be free-form, since they may write until then.
///
/// # Errors
/// [`Error::Forbidden`] with the reason.
pub(super) fn admit(
    tx: &Tx<'_>,
    conversation: ConversationId,
    body: &Body,
    later: bool,
    now: Timestamp,
) -> Result<(), Error> {
    let category = match body {
        Body::Template(sent) => sent.category.as_ref().map(Category::name),
        _ => None,
    };
    let mut query = tx.conn.prepare_cached(
        "SELECT account, contact, last_inbound, refused_at, opted_out, 0 AS stopped
         FROM conversation WHERE id = ?1",
    )?;
    let template = matches!(body, Body::Template(_));
    let marketing = category.is_some_and(is_marketing);
    let sort = Sort::of(template, marketing);
    let asked = query.query_row([conversation.0], |row| Asked::of(row, sort, now))?;
    match asked.obstacle(tx.rules.outside) {
        Some(HoldReason::WindowClosed) if later => Ok(()),
        Some(reason) => Err(Error::Forbidden(reason)),
        None => Ok(()),
    }
}

fn asked(tx: &Tx<'_>, message: MessageId, now: Timestamp) -> Result<Asked, Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT m.account, c.contact, c.last_inbound, c.refused_at, c.opted_out, m.kind,
             m.category, m.sent ->> 'category' AS wanted, t.category AS told,
             coalesce(k.stage <> 1, 0) AS stopped, t.status, t.paused_until,
             -- What a listing of all templates does not have any more, nobody can be sent.
             k.id IS NOT NULL AND t.status IS NULL AND EXISTS (SELECT 1 FROM catalogue
                 WHERE account = m.account AND synced_at IS NOT NULL) AS gone
         FROM (SELECT *, iif(kind = ?2 AND json_valid(extra), extra, NULL) AS sent
               FROM message WHERE id = ?1) m
             JOIN conversation c ON c.id = m.conversation
             LEFT JOIN campaign k ON k.id = m.campaign
             LEFT JOIN template t ON t.account = m.account
                 AND t.name = m.sent ->> 'name' AND t.language = m.sent ->> 'language'",
    )?;
    let asked = query.query_row([message.0, body::TEMPLATE], |row| {
        let template = row.get::<_, i64>("kind")? == body::TEMPLATE;
        // Meta may have made it something else since it was written, or have billed it as something else.
        let mut marketing = false;
        for column in ["category", "wanted", "told"] {
            let category: Option<String> = row.get(column)?;
            marketing |= category.is_some_and(|category| is_marketing(&category));
        }
        let mut asked = Asked::of(row, Sort::of(template, marketing), now)?;
        let status: Option<String> = row.get("status")?;
        asked.barred = match status {
            Some(status) => catalogue::is_barred(&status, row.get("paused_until")?, now),
            None => row.get("gone")?,
        };
        Ok(asked)
    })?;
    Ok(asked)
}

/// Meta writes categories in capitals in the catalogue and small in prices, where it has more of them:
/// `marketing_lite`, `group_marketing`.
fn is_marketing(category: &str) -> bool {
    category.to_ascii_lowercase().contains("marketing")
}

/// Whether the messaging limit has no room for one more person. Those written to within the day have theirs.
/// People are counted only when the limit may be near: a campaign asks this for each of its messages.
fn is_full(
    tx: &Tx<'_>,
    account: AccountId,
    contact: ContactId,
    now: Timestamp,
) -> Result<bool, Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT a.scope FROM account a LEFT JOIN reached_count n ON n.scope = a.scope
         WHERE a.id = ?1 AND a.people_limit >= 0 AND coalesce(n.n, 0) >= a.people_limit",
    )?;
    let near: Option<String> = query.query_row([account.0], |row| row.get(0)).optional()?;
    let Some(scope) = near else { return Ok(false) };
    let since = (now - LIMIT_SPAN).millis();
    let mut query = tx.conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM reached WHERE scope = ?1 AND contact = ?2 AND at > ?3)",
    )?;
    if query.query_row(params![scope, contact.0, since], |row| row.get(0))? {
        return Ok(false);
    }
    forget(tx, &scope, now, 500)?;
    Ok(account::people(tx.conn, account, now)?.is_full())
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
    // More than come in, so that the table holds about a day.
    forget(tx, &scope, now, 2)
}

/// Lets go of some of those who were written to longer than a day ago, the first ones first.
fn forget(tx: &Tx<'_>, scope: &str, now: Timestamp, most: u32) -> Result<(), Error> {
    tx.conn
        .prepare_cached(
            "DELETE FROM reached WHERE scope = ?1 AND contact IN (
                 SELECT contact FROM reached WHERE scope = ?1 AND at <= ?2 ORDER BY at LIMIT ?3)",
        )?
        .execute(params![scope, (now - LIMIT_SPAN).millis(), most])?;
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
