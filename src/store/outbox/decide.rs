//! What a person decides about messages that wait, failed or are uncertain, one or many at a time.

use rusqlite::params;

use super::gate::{Gate, gate};
use crate::domain::id::{AccountId, MessageId};
use crate::domain::outbox::{Decided, Decision};
use crate::domain::state::{Cause, HoldReason, State, Step};
use crate::domain::time::Timestamp;
use crate::store::error::Error;
use crate::store::row;
use crate::store::standing::{self, Proof, Standing};
use crate::store::write::Tx;

/// Carries out one decision about many messages. What cannot be done about one of them is told, and does not
/// keep the others from it.
///
/// # Errors
/// When the store itself fails; then nothing was done.
pub fn decide(
    tx: &mut Tx<'_>,
    messages: &[MessageId],
    decision: Decision,
    now: Timestamp,
) -> Result<Decided, Error> {
    let mut decided = Decided::default();
    for message in messages {
        let done = match decision {
            Decision::Hold => hold(tx, *message, HoldReason::Person, now),
            Decision::Release => release(tx, *message, now),
            Decision::WhenPossible => when_possible(tx, *message, now),
            Decision::Cancel => cancel(tx, *message, now),
            Decision::SendAgain => send_again(tx, *message, now),
            Decision::Reschedule(at) => reschedule(tx, *message, at, now),
        };
        match done {
            Ok(()) => decided.done.push(*message),
            Err(error @ (Error::Refused { .. } | Error::Forbidden(_) | Error::NotFound { .. })) => {
                decided.refused.push((*message, error.to_string()));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(decided)
}

/// Sends a failed or uncertain message again, with a new request. Its tries start anew.
pub fn send_again(tx: &mut Tx<'_>, message: MessageId, now: Timestamp) -> Result<(), Error> {
    send_anew(tx, message, &Proof::at(now))
}

/// Sends an uncertain message again because the time that the config grants the proof is over. One that is
/// not uncertain any more is left alone.
pub fn send_unproved(
    tx: &mut Tx<'_>,
    message: MessageId,
    waited: &str,
    now: Timestamp,
) -> Result<(), Error> {
    if standing::load(tx.conn, message)?.state != State::Uncertain {
        return Ok(());
    }
    let detail = format!("sent again: no proof of the first request came in {waited}");
    send_anew(tx, message, &Proof { detail: Some(detail), ..Proof::at(now) })
}

fn send_anew(tx: &mut Tx<'_>, message: MessageId, proof: &Proof) -> Result<(), Error> {
    let mut message = standing::load(tx.conn, message)?;
    if !message.by_operator {
        let wanted = "sent again from here: it was sent from the phone";
        return Err(Error::Refused { state: message.state.name(), wanted });
    }
    step(tx, &mut message, Cause::SendAgain, proof, "sent again")?;
    // The earlier request keeps its wamid; whatever is reported of it is about an earlier request now.
    tx.conn
        .prepare_cached("UPDATE message SET tries = 0, request = NULL, wamid = NULL WHERE id = ?1")?
        .execute([message.id.0])?;
    tx.conn
        .prepare_cached("UPDATE outbox SET tries = 0 WHERE message = ?1 AND kind = 1")?
        .execute([message.id.0])?;
    Ok(())
}

/// Withdraws a message that is not accepted yet, failed or uncertain.
pub fn cancel(tx: &mut Tx<'_>, message: MessageId, now: Timestamp) -> Result<(), Error> {
    let mut message = standing::load(tx.conn, message)?;
    step(tx, &mut message, Cause::Cancel, &Proof::at(now), "withdrawn")
}

/// Holds a message that is scheduled or queued until it is released.
pub fn hold(
    tx: &mut Tx<'_>,
    message: MessageId,
    reason: HoldReason,
    now: Timestamp,
) -> Result<(), Error> {
    let mut message = standing::load(tx.conn, message)?;
    let proof = Proof { detail: Some(reason.words().to_owned()), ..Proof::at(now) };
    step(tx, &mut message, Cause::Hold(reason), &proof, "held")?;
    tx.conn
        .prepare_cached("UPDATE message SET hold = ?2, when_possible = ?3 WHERE id = ?1")?
        .execute(params![message.id.0, row::hold_number(reason), reason.passes()])?;
    Ok(())
}

/// Notes that a held message is held for another reason now.
pub(in crate::store) fn hold_for(
    tx: &mut Tx<'_>,
    message: MessageId,
    reason: HoldReason,
) -> Result<(), Error> {
    let news = tx
        .conn
        .prepare_cached(
            "UPDATE message SET hold = ?2, when_possible = ?3
             WHERE id = ?1 AND state = 1 AND hold IS NOT ?2",
        )?
        .execute(params![message.0, row::hold_number(reason), reason.passes()])?;
    if news > 0 {
        tx.touch(standing::load(tx.conn, message)?.conversation);
        tx.changes.outbox = true;
    }
    Ok(())
}

/// Lets a held message go: into the queue, if nothing stands in its way. One whose time is still to come waits
/// for it again, and what stands in its way is asked then.
pub fn release(tx: &mut Tx<'_>, message: MessageId, now: Timestamp) -> Result<(), Error> {
    let mut message = standing::load(tx.conn, message)?;
    let cause = if is_early(tx, message.id, now)? { Cause::WaitAgain } else { Cause::Release };
    if message.state == State::Held
        && cause == Cause::Release
        && let Gate::Shut(reason) = gate(tx, message.id, now)?
    {
        return Err(Error::Forbidden(reason));
    }
    step(tx, &mut message, cause, &Proof::at(now), "released")
}

/// Whether the time that a message was written for is still to come.
fn is_early(tx: &Tx<'_>, message: MessageId, now: Timestamp) -> Result<bool, Error> {
    let mut query = tx.conn.prepare_cached("SELECT scheduled_at FROM message WHERE id = ?1")?;
    let at: Option<i64> = query.query_row([message.0], |row| row.get(0))?;
    Ok(at.is_some_and(|at| at > now.millis()))
}

/// Releases a held message: at once, at its time, or as soon as nothing stands in its way any more.
pub fn when_possible(tx: &mut Tx<'_>, message: MessageId, now: Timestamp) -> Result<(), Error> {
    match release(tx, message, now) {
        Err(Error::Forbidden(reason)) => {
            tx.conn
                .prepare_cached("UPDATE message SET hold = ?2, when_possible = 1 WHERE id = ?1")?
                .execute([message.0, row::hold_number(reason)])?;
            let message = standing::load(tx.conn, message)?;
            tx.touch(message.conversation);
            tx.changes.outbox = true;
            Ok(())
        }
        done => done,
    }
}

/// Gives a scheduled message another time.
pub fn reschedule(
    tx: &mut Tx<'_>,
    message: MessageId,
    at: Timestamp,
    now: Timestamp,
) -> Result<(), Error> {
    let message = standing::load(tx.conn, message)?;
    if message.state != State::Scheduled {
        return Err(Error::Refused { state: message.state.name(), wanted: "given another time" });
    }
    tx.conn
        .prepare_cached("UPDATE message SET scheduled_at = ?2, not_before = ?2 WHERE id = ?1")?
        .execute([message.id.0, at.millis()])?;
    standing::note(tx, message.id, State::Scheduled, &Proof::at(now), 0)?;
    tx.touch(message.conversation);
    tx.changes.outbox = true;
    Ok(())
}

/// The person pauses an account: nothing is sent from it until they resume it. The queue stays as it is.
pub fn pause_account(tx: &mut Tx<'_>, account: AccountId, now: Timestamp) -> Result<(), Error> {
    set_paused(tx, account, Some(now))
}

/// The person lets a paused account send again.
pub fn resume_account(tx: &mut Tx<'_>, account: AccountId) -> Result<(), Error> {
    set_paused(tx, account, None)
}

fn set_paused(tx: &mut Tx<'_>, account: AccountId, at: Option<Timestamp>) -> Result<(), Error> {
    let known = tx
        .conn
        .prepare_cached("UPDATE account SET paused_at = ?2 WHERE id = ?1")?
        .execute(params![account.0, at.map(Timestamp::millis)])?;
    if known == 0 {
        return Err(Error::not_found("account", account.to_string()));
    }
    tx.changes.outbox = true;
    Ok(())
}

/// A step that a person asks for: refused in words when the table forbids it.
fn step(
    tx: &mut Tx<'_>,
    message: &mut Standing,
    cause: Cause,
    proof: &Proof,
    wanted: &'static str,
) -> Result<(), Error> {
    let state = message.state;
    match standing::advance(tx, message, cause, proof)? {
        Step::Forbidden => Err(Error::Refused { state: state.name(), wanted }),
        Step::To(_) | Step::Stay | Step::WasSent | Step::SentTwice | Step::SentTwiceTo(_) => Ok(()),
    }
}
