//! Where a message stands, and every step it takes: through the state table, into the timeline, the
//! counters and the outbox, all at once.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::Error;
use super::lane;
use super::row;
use super::tally;
use super::write::Tx;
use crate::domain::id::{AccountId, ConversationId, EventId, MessageId, RequestId, Wamid};
use crate::domain::message::{Direction, LateProof};
use crate::domain::state::{Cause, Report, State, Step, step};
use crate::domain::time::Timestamp;

/// What the steps of a message need to know of it.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) id: MessageId,
    pub(super) account: AccountId,
    pub(super) conversation: ConversationId,
    pub(super) own: bool,
    pub(super) direction: Direction,
    /// Written through this store, not in the phone app.
    pub(super) by_operator: bool,
    pub(super) state: State,
    pub(super) late_proof: LateProof,
    pub(super) request: Option<RequestId>,
    pub(super) wamid: Option<Wamid>,
    /// Where proof about an earlier request found it, while that proof may still come to nothing.
    pub(super) settled_from: Option<State>,
}

/// What a step rests on.
#[derive(Clone, Debug, Default)]
pub(super) struct Proof {
    pub(super) at: Timestamp,
    pub(super) request: Option<RequestId>,
    pub(super) code: Option<i64>,
    pub(super) detail: Option<String>,
    pub(super) event: Option<EventId>,
    /// The group member that a status is of.
    pub(super) member: String,
}

impl Proof {
    pub(super) fn at(at: Timestamp) -> Self {
        Self { at, ..Self::default() }
    }
}

pub(super) fn load(conn: &Connection, id: MessageId) -> Result<Standing, Error> {
    find(conn, "id = ?1", [id.0])?.ok_or_else(|| Error::not_found("message", id.to_string()))
}

pub(super) fn by_wamid(
    conn: &Connection,
    account: AccountId,
    wamid: &Wamid,
) -> Result<Option<Standing>, Error> {
    find(conn, "wamid = ?1 AND account = ?2", params![wamid.as_str(), account.0])
}

fn find(
    conn: &Connection,
    condition: &str,
    params: impl rusqlite::Params,
) -> Result<Option<Standing>, Error> {
    let mut query = conn.prepare_cached(&format!(
        "SELECT id, account, conversation, own, direction, author, state, late_proof, request, wamid,
             settled_from
         FROM message WHERE {condition}"
    ))?;
    let found = query.query_row(params, |row| {
        Ok(Standing {
            id: MessageId(row.get("id")?),
            account: AccountId(row.get("account")?),
            conversation: ConversationId(row.get("conversation")?),
            own: row.get("own")?,
            direction: row::direction(row.get("direction")?),
            by_operator: row.get::<_, i64>("author")? == 2,
            state: row::state(row.get("state")?).map_err(row::unreadable)?,
            late_proof: row::late_proof(row.get("late_proof")?),
            request: row::request_in(row, "request")?,
            wamid: row.get::<_, Option<String>>("wamid")?.map(Wamid::new),
            settled_from: row
                .get::<_, Option<i64>>("settled_from")?
                .map(row::state)
                .transpose()
                .map_err(row::unreadable)?,
        })
    });
    Ok(found.optional()?)
}

/// Takes a step that is no status: every step is a row in the timeline.
pub(super) fn advance(
    tx: &mut Tx<'_>,
    message: &mut Standing,
    cause: Cause,
    proof: &Proof,
) -> Result<Step, Error> {
    let taken = step(message.state, cause);
    apply(tx, message, taken, proof)?;
    if !matches!(taken, Step::Stay | Step::Forbidden) {
        note(tx, message.id, message.state, proof, 0)?;
    }
    Ok(taken)
}

/// What the table decided, without a row in the timeline.
pub(super) fn apply(
    tx: &mut Tx<'_>,
    message: &mut Standing,
    taken: Step,
    proof: &Proof,
) -> Result<(), Error> {
    if let Step::To(state) | Step::SentTwiceTo(state) = taken {
        move_to(tx, message, state, proof)?;
    }
    prove_late(tx, message)
}

/// Whether proof came late follows from what is known of all requests by now, so that it does not depend on the
/// order in which that came. A request that failed counts only if it was sent or arrived as well.
fn prove_late(tx: &mut Tx<'_>, message: &mut Standing) -> Result<(), Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT count(*), coalesce(sum(r.id = (SELECT request FROM timeline
                 WHERE message = ?1 AND state = 3 ORDER BY id DESC LIMIT 1)), 0)
         FROM request r WHERE r.message = ?1 AND r.outcome = 1
             AND (NOT EXISTS (SELECT 1 FROM timeline f WHERE f.message = ?1 AND f.request = r.id
                      AND f.state = 9 AND f.report > 0)
                  OR EXISTS (SELECT 1 FROM timeline t WHERE t.message = ?1 AND t.request = r.id
                      AND t.state BETWEEN 5 AND 8 AND t.report > 0))",
    )?;
    let (proved, newest): (i64, bool) =
        query.query_row([message.id.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    drop(query);
    let late = match proved {
        0 => LateProof::None,
        1 if newest && message.state != State::Cancelled => LateProof::None,
        1 => LateProof::WasSent,
        _ => LateProof::SentTwice,
    };
    if message.late_proof == late {
        return Ok(());
    }
    message.late_proof = late;
    tx.conn
        .prepare_cached("UPDATE message SET late_proof = ?2 WHERE id = ?1")?
        .execute([message.id.0, row::late_proof_number(late)])?;
    tx.touch(message.conversation);
    Ok(())
}

fn move_to(
    tx: &mut Tx<'_>,
    message: &mut Standing,
    state: State,
    proof: &Proof,
) -> Result<(), Error> {
    let old = message.state;
    message.state = state;
    // Trouble belongs to the state that it explains; what was accepted has none.
    let trouble = !state.is_accepted() && state != State::Sending;
    tx.conn
        .prepare_cached(
            "UPDATE message SET state = ?2, code = ?3, detail = ?4,
                 not_before = iif(?2 = 0, scheduled_at, NULL), heard = 0,
                 hold = iif(?2 IN (1, 4, 5), hold, NULL),
                 when_possible = iif(?2 IN (1, 4, 5), when_possible, 0),
                 settled_from = iif(?2 IN (4, 5), settled_from, NULL) WHERE id = ?1",
        )?
        .execute(params![
            message.id.0,
            row::state_number(state),
            proof.code.filter(|_| trouble),
            proof.detail.as_deref().filter(|_| trouble)
        ])?;
    if !matches!(state, State::Accepted | State::Sent) {
        message.settled_from = None;
    }
    if message.own {
        tally::stepped(tx, message.conversation, old, state)?;
    }
    tx.touch(message.conversation);
    keep_outbox(tx, message)
}

/// A message has a live outbox row exactly while it is queued or sending.
pub(super) fn keep_outbox(tx: &mut Tx<'_>, message: &Standing) -> Result<(), Error> {
    let sql = match message.state {
        State::Sending => return Ok(()),
        State::Queued => {
            "INSERT INTO outbox (account, kind, lane, priority, place, not_before, state, message, tries)
             SELECT account, 1, conversation, priority, id, 0, 1, id, tries FROM message WHERE id = ?1
                 AND NOT EXISTS (SELECT 1 FROM outbox WHERE message = ?1 AND kind = 1)"
        }
        State::Scheduled
        | State::Held
        | State::Accepted
        | State::Sent
        | State::Delivered
        | State::Read
        | State::Played
        | State::Failed
        | State::Uncertain
        | State::Cancelled
        | State::Received => "DELETE FROM outbox WHERE message = ?1 AND kind = 1",
    };
    let changed = tx.conn.prepare_cached(sql)?.execute([message.id.0])?;
    if message.state == State::Queued {
        tx.conn
            .prepare_cached(
                "UPDATE outbox SET state = 1, request = NULL, not_before = 0
                 WHERE message = ?1 AND kind = 1 AND state = 2",
            )?
            .execute([message.id.0])?;
    } else if changed == 0 {
        return Ok(());
    }
    lane::settle(tx, lane::MESSAGE, message.conversation.0)
}

/// A row in the timeline. `report` tells statuses of Meta (1) and those about an earlier request (2).
pub(super) fn note(
    tx: &Tx<'_>,
    message: MessageId,
    state: State,
    proof: &Proof,
    report: i64,
) -> Result<(), Error> {
    tx.conn
        .prepare_cached(
            "INSERT INTO timeline (message, state, at, request, code, detail, event, report, member)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            message.0,
            row::state_number(state),
            proof.at.millis(),
            proof.request.map(|request| request.0),
            proof.code,
            proof.detail,
            proof.event.map(|event| event.0),
            report,
            proof.member
        ])?;
    Ok(())
}

/// Applies a status. Each one is kept in the timeline once, also when it changes nothing, so that the
/// timeline does not depend on their order. `earlier`: it is about a request that the message has left
/// behind.
pub(super) fn report(
    tx: &mut Tx<'_>,
    message: &mut Standing,
    report: Report,
    earlier: bool,
    proof: &Proof,
) -> Result<Step, Error> {
    let state = report.state();
    let known: bool = tx
        .conn
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM timeline WHERE message = ?1 AND at = ?2 AND state = ?3
                 AND report > 0 AND member = ?4 AND request IS ?5)",
        )?
        .query_row(
            params![
                message.id.0,
                proof.at.millis(),
                row::state_number(state),
                proof.member,
                proof.request.map(|request| request.0)
            ],
            |row| row.get(0),
        )?;
    if known {
        if state == State::Failed && proof.code.is_some() {
            tell_more(tx, message, proof)?;
        }
        return Ok(Step::Stay);
    }
    if report == Report::Failed
        && !earlier
        && let Some(from) = message.settled_from
    {
        note(tx, message.id, state, proof, 2)?;
        return fall_back(tx, message, from, proof);
    }
    note(tx, message.id, state, proof, if earlier { 2 } else { 1 })?;
    let taken = if earlier {
        weigh_earlier(tx, message, report, proof.request)?
    } else {
        step(message.state, Cause::Reported(report))
    };
    apply(tx, message, taken, proof)?;
    if message.state == State::Failed && report == Report::Failed {
        explain_failure(tx, message)?;
    }
    tx.touch(message.conversation);
    Ok(taken)
}

/// One failure may be told twice, as an echo does that knows no reason: the lowest code is kept.
fn tell_more(tx: &mut Tx<'_>, message: &Standing, proof: &Proof) -> Result<(), Error> {
    let told = tx
        .conn
        .prepare_cached(
            "UPDATE timeline SET code = ?4, detail = ?5, event = ?6
             WHERE message = ?1 AND at = ?2 AND state = 9 AND report > 0 AND member = ?3
                 AND request IS ?7 AND (code IS NULL OR (code, coalesce(detail, '')) > (?4, coalesce(?5, '')))",
        )?
        .execute(params![
            message.id.0,
            proof.at.millis(),
            proof.member,
            proof.code,
            proof.detail,
            proof.event.map(|event| event.0),
            proof.request.map(|request| request.0)
        ])?;
    if told > 0 && message.state == State::Failed {
        explain_failure(tx, message)?;
        tx.touch(message.conversation);
    }
    Ok(())
}

/// An earlier request was accepted, which settled the message, and now it failed after all: the message is
/// again where that proof found it, as if the failure had been heard first.
fn fall_back(
    tx: &mut Tx<'_>,
    message: &mut Standing,
    from: State,
    proof: &Proof,
) -> Result<Step, Error> {
    let left = Proof { code: None, detail: None, ..proof.clone() };
    move_to(tx, message, from, &left)?;
    // The newest request is the current one again; one that waits has none.
    tx.conn
        .prepare_cached(
            "UPDATE message SET (request, wamid) =
                 (SELECT id, wamid FROM request WHERE message = ?1 AND ?2 ORDER BY at DESC LIMIT 1)
             WHERE id = ?1",
        )?
        .execute(params![message.id.0, !from.is_waiting()])?;
    tx.conn
        .prepare_cached(
            "UPDATE message SET (code, detail) = (SELECT code, detail FROM timeline
                 WHERE message = ?1 AND state = ?2 AND report <> 2 ORDER BY at DESC, id DESC LIMIT 1)
             WHERE id = ?1",
        )?
        .execute([message.id.0, row::state_number(from)])?;
    *message = load(tx.conn, message.id)?;
    prove_late(tx, message)?;
    tx.touch(message.conversation);
    Ok(Step::To(from))
}

/// Of several failures reported, the earliest explains the message.
fn explain_failure(tx: &Tx<'_>, message: &Standing) -> Result<(), Error> {
    tx.conn
        .prepare_cached(
            "UPDATE message SET (code, detail) = (
                 SELECT code, detail FROM timeline WHERE message = ?1 AND state = 9 AND report = 1
                 ORDER BY at, code, detail LIMIT 1)
             WHERE id = ?1
                 AND EXISTS (SELECT 1 FROM timeline WHERE message = ?1 AND state = 9 AND report = 1)",
        )?
        .execute([message.id.0])?;
    Ok(())
}

/// What proof about an earlier request comes to. One that Meta reported as failed was accepted, yet reached
/// nobody: that it was sent settles nothing then, only that it arrived does.
pub(super) fn weigh_earlier(
    tx: &Tx<'_>,
    message: &Standing,
    report: Report,
    request: Option<RequestId>,
) -> Result<Step, Error> {
    let taken = step(message.state, Cause::EarlierReported(report));
    if report != Report::Sent || !matches!(taken, Step::To(_)) {
        return Ok(taken);
    }
    let failed: bool = tx
        .conn
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM timeline
                 WHERE message = ?1 AND state = 9 AND report > 0 AND request = ?2)",
        )?
        .query_row(params![message.id.0, request.map(|request| request.0)], |row| row.get(0))?;
    Ok(if failed { Step::Stay } else { taken })
}

/// What is known of all requests settles a message: one that arrived whatever the others came to, and when the
/// newest came to nothing, one that was sent and did not fail.
pub(super) fn settle(tx: &mut Tx<'_>, message: &mut Standing) -> Result<(), Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT state, at, request, event FROM timeline t
         WHERE message = ?1 AND report > 0 AND (state BETWEEN 6 AND 8 OR state = 5
             AND NOT EXISTS (SELECT 1 FROM timeline f WHERE f.message = ?1 AND f.state = 9
                 AND f.report > 0 AND f.request IS t.request))
         ORDER BY state DESC, at LIMIT 1",
    )?;
    let found = query
        .query_row([message.id.0], |row| {
            let proof = Proof {
                at: Timestamp::from_millis(row.get(1)?),
                request: row::request_in(row, "request")?,
                event: row.get::<_, Option<i64>>(3)?.map(EventId),
                ..Proof::default()
            };
            Ok((row.get::<_, i64>(0)?, proof))
        })
        .optional()?;
    drop(query);
    let Some((state, proof)) = found else { return Ok(()) };
    let Some(report) = row::report_of(row::state(state)?) else { return Ok(()) };
    let from = message.state;
    let earlier = message.request != proof.request || from.is_waiting();
    let cause = if earlier { Cause::EarlierReported(report) } else { Cause::Reported(report) };
    let taken = step(from, cause);
    apply(tx, message, taken, &proof)?;
    if earlier && matches!(taken, Step::To(_)) {
        adopt(tx, message, proof.request, from)?;
        // Its statuses find the message by its wamid; those of the newer request are about another now.
        tx.conn
            .prepare_cached(
                "UPDATE message SET wamid = (SELECT r.wamid FROM request r WHERE r.id = request
                     AND NOT EXISTS (SELECT 1 FROM message o
                         WHERE o.wamid = r.wamid AND o.account = r.account AND o.id <> ?1))
                 WHERE id = ?1",
            )?
            .execute([message.id.0])?;
        *message = load(tx.conn, message.id)?;
    }
    Ok(())
}

/// An earlier request turned out to be the one that was accepted: it is the message's current one again.
/// `from` is the state that the proof found.
pub(super) fn adopt(
    tx: &Tx<'_>,
    message: &mut Standing,
    request: Option<RequestId>,
    from: State,
) -> Result<(), Error> {
    if matches!(message.state, State::Accepted | State::Sent) {
        message.settled_from = Some(from);
    }
    message.request = request.or(message.request);
    tx.conn
        .prepare_cached("UPDATE message SET request = ?2, settled_from = ?3 WHERE id = ?1")?
        .execute(params![
            message.id.0,
            message.request.map(|request| request.0),
            message.settled_from.map(row::state_number)
        ])?;
    Ok(())
}
