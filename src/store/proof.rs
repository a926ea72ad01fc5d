//! Evidence from Meta about outbound messages: which message a status is about, and those that come
//! before their message is known.

use rusqlite::{OptionalExtension as _, params};

use super::error::Error;
use super::facts;
use super::outbox;
use super::row;
use super::standing::{self, Proof, Standing};
use super::stored;
use super::write::Tx;
use crate::domain::event::{Pricing, StatusUpdate};
use crate::domain::id::{AccountId, EventId, MessageId, RequestId, WaId, Wamid};
use crate::domain::message::{Direction, LateProof};
use crate::domain::state::{Report, State, Step};
use crate::domain::time::Timestamp;

/// What a status came to.
pub(super) enum Applied {
    /// It moved its message, or not, from one state to another.
    To { message: MessageId, from: State, to: State },
    /// Its message is not known; it waits.
    Pending,
}

/// A status as it is applied or kept.
struct Status {
    wamid: Wamid,
    report: Report,
    request: Option<RequestId>,
    proof: Proof,
    category: Option<String>,
    price_kind: Option<String>,
}

/// Applies a status of Meta, or keeps it until its message is known.
pub(super) fn status(
    tx: &mut Tx<'_>,
    account: AccountId,
    update: &StatusUpdate,
    event: EventId,
) -> Result<Applied, Error> {
    let Pricing { category, kind } =
        update.pricing.clone().unwrap_or(Pricing { category: String::new(), kind: None });
    let detail = update
        .error
        .as_ref()
        .map(|error| error.details.clone().unwrap_or_else(|| error.title.clone()));
    let status = Status {
        wamid: update.wamid.clone(),
        report: update.report,
        request: update.request,
        proof: Proof {
            at: update.at,
            request: update.request,
            code: update.error.as_ref().map(|error| error.code),
            detail,
            event: Some(event),
            member: update.participant.clone().unwrap_or_default(),
        },
        category: Some(category).filter(|category| !category.is_empty()),
        price_kind: kind,
    };
    if let Some((message, earlier)) = find(tx, account, &status.wamid, status.request)? {
        apply(tx, message, earlier, status)
    } else {
        keep(tx, account, &status)?;
        Ok(Applied::Pending)
    }
}

/// A status tells, as the answer to its request would have, which number Meta made of the one typed. It
/// counts when the status names the request: that is known whatever comes first.
pub(super) fn recipient(
    tx: &mut Tx<'_>,
    account: AccountId,
    update: &StatusUpdate,
    now: Timestamp,
) -> Result<(), Error> {
    // Of a group message every member has statuses.
    let (Some(request), Some(reached), None) =
        (update.request, &update.recipient.wa_id, &update.participant)
    else {
        return Ok(());
    };
    let mut query =
        tx.conn.prepare_cached("SELECT recipient FROM request WHERE id = ?1 AND account = ?2")?;
    let typed: Option<Option<String>> =
        query.query_row(params![request.0, account.0], |row| row.get(0)).optional()?;
    drop(query);
    typed
        .flatten()
        .map_or(Ok(()), |typed| facts::alias(tx, &WaId::new(typed), reached, update.at, now))
}

/// The message of a status, and whether it is about a request that the message has left behind. The
/// request id proves more than the wamid: it is known before the answer came.
fn find(
    tx: &Tx<'_>,
    account: AccountId,
    wamid: &Wamid,
    request: Option<RequestId>,
) -> Result<Option<(Standing, bool)>, Error> {
    if let Some(message) = standing::by_wamid(tx.conn, account, wamid)?
        && !is_echo_of(tx, &message, request)?
    {
        let earlier = message.state.is_waiting();
        return Ok((message.direction == Direction::Outbound).then_some((message, earlier)));
    }
    let mut query = tx.conn.prepare_cached(
        "SELECT message, id FROM request WHERE id = ?1 AND +account = ?3
         UNION ALL SELECT message, id FROM request WHERE wamid = ?2 AND account = ?3 LIMIT 1",
    )?;
    let found = query
        .query_row(params![request.map(|r| r.0), wamid.as_str(), account.0], |row| {
            Ok((MessageId(row.get(0)?), RequestId(row.get(1)?)))
        })
        .optional()?;
    let Some((message, request)) = found else { return Ok(None) };
    let message = standing::load(tx.conn, message)?;
    let earlier = message.request != Some(request) || message.state.is_waiting();
    Ok(Some((message, earlier)))
}

/// Whether what was taken for a message of the phone app is what one of our requests, whose answer has not come,
/// made: the status names it.
fn is_echo_of(tx: &Tx<'_>, message: &Standing, request: Option<RequestId>) -> Result<bool, Error> {
    let Some(request) = request else { return Ok(false) };
    if message.by_operator || message.direction == Direction::Inbound {
        return Ok(false);
    }
    let mut query = tx.conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM request WHERE id = ?1 AND account = ?2 AND message <> ?3)",
    )?;
    Ok(query.query_row(params![request.0, message.account.0, message.id.0], |row| row.get(0))?)
}

fn apply(
    tx: &mut Tx<'_>,
    mut message: Standing,
    earlier: bool,
    mut status: Status,
) -> Result<Applied, Error> {
    let from = message.state;
    let request = request_of(tx, &message, &status)?;
    status.proof.request = request;
    if let Some(request) = request {
        prove_request(tx, request, &status.wamid, status.proof.at)?;
    }
    if status.report == Report::Failed {
        outbox::learn_refusal(tx, message.id, request, status.proof.code, status.proof.at)?;
    }
    let void = !earlier && status.report == Report::Failed && message.settled_from.is_some();
    let taken = standing::report(tx, &mut message, status.report, earlier, &status.proof)?;
    let settles = !void && (!earlier || matches!(taken, Step::To(_)));
    if earlier && settles {
        standing::adopt(tx, &mut message, request, from)?;
    }
    if settles && message.wamid.as_ref() != Some(&status.wamid) {
        name(tx, &mut message, &status.wamid)?;
    }
    // What it comes to depends on its other requests when this one failed, or one of them was proved.
    if matches!(taken, Step::To(to) if !to.is_accepted() || message.late_proof != LateProof::None) {
        message = standing::load(tx.conn, message.id)?;
        standing::settle(tx, &mut message)?;
    }
    tx.conn
        .prepare_cached(
            "UPDATE message SET category = ?2, price_kind = ?3
             WHERE id = ?1 AND ?2 IS NOT NULL
                 AND (coalesce(category, ''), coalesce(price_kind, '')) < (?2, coalesce(?3, ''))",
        )?
        .execute(params![message.id.0, status.category, status.price_kind])?;
    Ok(Applied::To { message: message.id, from, to: message.state })
}

/// The request that a status proves: the one it names if it is this message's, else the one that got its
/// wamid, else the current one.
fn request_of(
    tx: &Tx<'_>,
    message: &Standing,
    status: &Status,
) -> Result<Option<RequestId>, Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT id FROM request WHERE message = ?1 AND (id = ?2 OR wamid = ?3)
         ORDER BY id = ?2 DESC LIMIT 1",
    )?;
    let named = query
        .query_row(
            params![message.id.0, status.request.map(|r| r.0), status.wamid.as_str()],
            |row| row.get(0),
        )
        .optional()?;
    Ok(named.map(RequestId).or(message.request))
}

/// A status is as good as an answer 200: the request was accepted and has this wamid.
fn prove_request(
    tx: &Tx<'_>,
    request: RequestId,
    wamid: &Wamid,
    at: Timestamp,
) -> Result<(), Error> {
    tx.conn
        .prepare_cached(
            "UPDATE request SET outcome = 1, wamid = coalesce(wamid, ?2),
                 ended_at = coalesce(ended_at, ?3)
             WHERE id = ?1 AND (outcome <> 1 OR wamid IS NULL)",
        )?
        .execute(params![request.0, wamid.as_str(), at.millis()])?;
    Ok(())
}

fn keep(tx: &Tx<'_>, account: AccountId, status: &Status) -> Result<(), Error> {
    tx.conn
        .prepare_cached(
            "INSERT OR IGNORE INTO pending_status
                 (account, wamid, request, report, at, code, detail, member, category, price_kind, event)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            account.0,
            status.wamid.as_str(),
            status.request.map(|request| request.0),
            row::report_number(status.report),
            status.proof.at.millis(),
            status.proof.code,
            status.proof.detail,
            status.proof.member,
            status.category,
            status.price_kind,
            status.proof.event.map(|event| event.0)
        ])?;
    Ok(())
}

/// A message's wamid became known: what waited for it is applied.
pub(super) fn name(tx: &mut Tx<'_>, message: &mut Standing, wamid: &Wamid) -> Result<(), Error> {
    if let Some(other) = standing::by_wamid(tx.conn, message.account, wamid)?
        && other.id != message.id
    {
        if other.by_operator || other.direction == Direction::Inbound {
            // Two messages cannot be one: the request keeps the wamid as evidence.
            return Ok(());
        }
        absorb_echo(tx, message, &other)?;
    }
    message.wamid = Some(wamid.clone());
    tx.conn
        .prepare_cached("UPDATE message SET wamid = ?2 WHERE id = ?1")?
        .execute(params![message.id.0, wamid.as_str()])?;
    join_pending(tx, message, wamid)
}

/// Applies the statuses, edits and revokes that came before their message.
pub(super) fn join_pending(
    tx: &mut Tx<'_>,
    message: &Standing,
    wamid: &Wamid,
) -> Result<(), Error> {
    let mut query = tx.conn.prepare_cached(
        "DELETE FROM pending_status WHERE wamid = ?1 AND account = ?2
         RETURNING request, report, at, code, detail, member, category, price_kind, event",
    )?;
    let rows = query.query_map(params![wamid.as_str(), message.account.0], |row| {
        Ok(Status {
            wamid: wamid.clone(),
            report: row::report(row.get("report")?).map_err(row::unreadable)?,
            request: row::request_in(row, "request")?,
            proof: Proof {
                at: Timestamp::from_millis(row.get("at")?),
                request: row::request_in(row, "request")?,
                code: row.get("code")?,
                detail: row.get("detail")?,
                event: row.get::<_, Option<i64>>("event")?.map(EventId),
                member: row.get("member")?,
            },
            category: row.get("category")?,
            price_kind: row.get("price_kind")?,
        })
    })?;
    let pending: Vec<Status> = rows.collect::<Result<_, _>>()?;
    drop(query);
    for status in pending {
        if let Some((message, earlier)) = find(tx, message.account, wamid, status.request)? {
            apply(tx, message, earlier, status)?;
        }
    }
    stored::apply_changes(tx, message.account, wamid)
}

/// An echo turned out to be a message written here, whose answer came late: its evidence goes over.
fn absorb_echo(tx: &mut Tx<'_>, message: &mut Standing, echo: &Standing) -> Result<(), Error> {
    for sql in [
        "UPDATE timeline SET message = ?2 WHERE message = ?1",
        "UPDATE event_effect SET message = ?2 WHERE message = ?1",
        "UPDATE message SET reply_message = ?2 WHERE reply_message = ?1",
        "UPDATE draft SET reply_to = ?2 WHERE reply_to = ?1",
    ] {
        tx.conn.prepare_cached(sql)?.execute([echo.id.0, message.id.0])?;
    }
    for sql in [
        "DELETE FROM outbox WHERE message = ?1",
        "DELETE FROM media WHERE message = ?1",
        "DELETE FROM message_raw WHERE message = ?1",
        "DELETE FROM message WHERE id = ?1",
    ] {
        tx.conn.prepare_cached(sql)?.execute([echo.id.0])?;
    }
    super::tally::refresh(tx, echo.conversation)?;
    if let Some(report) = row::report_of(echo.state) {
        let taken = crate::domain::state::step(
            message.state,
            crate::domain::state::Cause::Reported(report),
        );
        standing::apply(tx, message, taken, &Proof::default())?;
    }
    Ok(())
}
