//! What became of requests: written down so that no answer is lost, however late it comes.

use std::time::Duration;

use rusqlite::{OptionalExtension as _, params};

use super::claim::fail_rowless;
use super::{Ended, Fetched, Uploaded, gate};
use crate::domain::error_code::{self, Class};
use crate::domain::event::Peer;
use crate::domain::id::{MessageId, RequestId};
use crate::domain::message::{Body, Direction, LateProof};
use crate::domain::outbox::{Acceptance, ApiError, Job, JobKind, Recipient, Send, Verdict};
use crate::domain::state::{Cause, Report, State, Step};
use crate::domain::time::Timestamp;
use crate::store::error::Error;
use crate::store::standing::{self, Proof, Standing};
use crate::store::write::Tx;
use crate::store::{account, catalogue, facts, lane, proof, righted, row, stored, upload, wish};

/// How a request ended, as stored.
#[derive(Clone, Copy)]
enum Outcome {
    Accepted = 1,
    Again = 2,
    Refused = 3,
    Unknown = 4,
}

/// Writes down what became of a message's request. A late answer is never lost: it counts as proof about an
/// earlier request when the message has moved on.
pub fn record(tx: &mut Tx<'_>, job: &Job, verdict: &Verdict, now: Timestamp) -> Result<(), Error> {
    let JobKind::Message(send) = &job.kind else {
        return Err(Error::Value("only a message's request has a verdict".to_owned()));
    };
    let mut message = standing::load(tx.conn, send.message)?;
    let current = message.request == Some(job.request) && !message.state.is_waiting();
    match verdict {
        Verdict::Accepted(acceptance) => {
            end_request(tx, job.request, Outcome::Accepted, None, now)?;
            accepted(tx, &mut message, job, send, acceptance, current, now)
        }
        Verdict::Retry { not_before, uses_try, error } => {
            end_request(tx, job.request, Outcome::Again, Some(error), now)?;
            not_reached(tx, job, send, now)?;
            answered(tx, &mut message, job, Cause::Deferred, error, current, now)?;
            if current && message.state == State::Queued {
                wait(tx, &message, *not_before, *uses_try)?;
            }
            Ok(())
        }
        Verdict::Failed(error) => {
            end_request(tx, job.request, Outcome::Refused, Some(error), now)?;
            not_reached(tx, job, send, now)?;
            learn_refusal(tx, send.message, Some(job.request), error.code, now)?;
            if names_media(error) {
                upload::forget(tx, job.account, send.message)?;
            }
            if current {
                count_try(tx, message.id)?;
            }
            answered(tx, &mut message, job, Cause::Refused, error, current, now)
        }
        Verdict::Uncertain(error) => {
            end_request(tx, job.request, Outcome::Unknown, Some(error), now)?;
            if current {
                count_try(tx, message.id)?;
            }
            answered(tx, &mut message, job, Cause::OutcomeUnknown, error, current, now)
        }
    }
}

/// Whether Meta refuses a value and says that it is the media: for an id that it does not know it has no code.
fn names_media(error: &ApiError) -> bool {
    let words = [Some(&error.message), error.details.as_ref()].into_iter().flatten();
    matches!(error.code, Some(100 | 131_008 | 131_009))
        && words.into_iter().any(|words| words.to_lowercase().contains("media"))
}

/// A template that did not go does not count against the messaging limit.
fn not_reached(tx: &Tx<'_>, job: &Job, send: &Send, now: Timestamp) -> Result<(), Error> {
    match send.body {
        Body::Template(_) => gate::unreach(tx, job.account, send.contact, now),
        _ => Ok(()),
    }
}

/// What Meta's refusal of a message, in its answer or in a status, tells of more than this message: that the
/// window is closed, that the person wants no marketing, that the template or the file is of no
/// use, that the account is in trouble. `request`: the one that was refused, where it is known.
pub(in crate::store) fn learn_refusal(
    tx: &mut Tx<'_>,
    message: MessageId,
    request: Option<RequestId>,
    code: Option<i64>,
    at: Timestamp,
) -> Result<(), Error> {
    let Some(code) = code else { return Ok(()) };
    let message = standing::load(tx.conn, message)?;
    match error_code::lookup(Some(code), 0, None).class {
        Class::WindowClosed => {
            // It was shut when that request went: what they write meanwhile opens it.
            let sent: Option<i64> = tx
                .conn
                .prepare_cached(
                    "SELECT max(at) FROM request WHERE message = ?1 AND id = coalesce(?2, id)",
                )?
                .query_row(params![message.id.0, request.map(|request| request.0)], |row| {
                    row.get(0)
                })?;
            tx.conn
                .prepare_cached(
                    "UPDATE conversation SET refused_at = max(coalesce(refused_at, 0), ?2)
                     WHERE id = ?1",
                )?
                .execute([message.conversation.0, sent.unwrap_or(at.millis())])?;
            tx.touch(message.conversation);
        }
        Class::OptedOut => {
            wish::refused(tx, message.account, message.id, at)?;
        }
        Class::Media => upload::forget(tx, message.account, message.id)?,
        Class::Template => catalogue::refused(tx, message.account, message.id, code, at)?,
        Class::Account => {
            let news = tx
                .conn
                .prepare_cached(
                    "UPDATE account SET trouble_code = ?2, trouble_at = ?3
                     WHERE id = ?1 AND coalesce(trouble_at, 0) < ?3",
                )?
                .execute([message.account.0, code, at.millis()])?;
            tx.changes.outbox |= news > 0;
        }
        _ => {}
    }
    Ok(())
}

/// Notes how long proof of messages whose outcome is unknown could have been heard so far.
pub fn hear(tx: &mut Tx<'_>, heard: &[(MessageId, Duration)]) -> Result<(), Error> {
    for (message, heard) in heard {
        let millis = i64::try_from(heard.as_millis()).unwrap_or(i64::MAX);
        tx.conn
            .prepare_cached(
                "UPDATE message SET heard = max(heard, ?2) WHERE id = ?1 AND state = 10",
            )?
            .execute([message.0, millis])?;
    }
    Ok(())
}

/// A proof that the request was accepted is not taken back by an answer that knows less.
fn end_request(
    tx: &Tx<'_>,
    request: RequestId,
    outcome: Outcome,
    error: Option<&ApiError>,
    now: Timestamp,
) -> Result<(), Error> {
    tx.conn
        .prepare_cached(
            "UPDATE request SET outcome = iif(outcome = 1, 1, ?2), ended_at = ?3, http_status = ?4,
                 code = ?5 WHERE id = ?1",
        )?
        .execute(params![
            request.0,
            outcome as i64,
            now.millis(),
            error.map(|error| i64::from(error.http_status)).filter(|status| *status > 0),
            error.and_then(|error| error.code)
        ])?;
    Ok(())
}

fn accepted(
    tx: &mut Tx<'_>,
    message: &mut Standing,
    job: &Job,
    send: &Send,
    acceptance: &Acceptance,
    current: bool,
    now: Timestamp,
) -> Result<(), Error> {
    if let Some(wamid) = &acceptance.wamid {
        tx.conn
            .prepare_cached("UPDATE request SET wamid = ?2 WHERE id = ?1")?
            .execute(params![job.request.0, wamid.as_str()])?;
    }
    let evidence = Proof { request: Some(job.request), ..Proof::at(now) };
    let mine = if current {
        count_try(tx, message.id)?;
        let evidence = Proof { detail: acceptance.remark(), ..evidence.clone() };
        standing::advance(tx, message, Cause::Accepted, &evidence)?;
        if evidence.detail.is_some() {
            remark_on(tx, message, &evidence)?;
        }
        true
    } else {
        earlier_accepted(tx, message, job.request, &evidence)?
    };
    if mine && message.late_proof != LateProof::None {
        standing::settle(tx, message)?;
    }
    if let Some(wamid) = acceptance.wamid.as_ref().filter(|_| mine) {
        if let Body::Reaction { target, emoji } = &send.body {
            let emoji = emoji.as_deref();
            stored::react(tx, job.account, Direction::Outbound, target, emoji, now, wamid)?;
        }
        proof::name(tx, message, wamid)?;
    } else if let Some(wamid) = &acceptance.wamid {
        // Statuses of the earlier request may have come before this answer.
        proof::join_pending(tx, message, wamid)?;
    }
    learn_recipient(tx, job, send, acceptance, now)
}

/// Meta holds a message that it accepted; what becomes of it takes the words away again.
fn remark_on(tx: &Tx<'_>, message: &Standing, evidence: &Proof) -> Result<(), Error> {
    tx.conn
        .prepare_cached("UPDATE message SET detail = ?2 WHERE id = ?1 AND state = ?3")?
        .execute(params![message.id.0, evidence.detail, row::state_number(State::Accepted)])?;
    Ok(())
}

/// The answer 200 to a request that the message has left behind. While no newer one has left, the message
/// is accepted after all, and is not sent again.
fn earlier_accepted(
    tx: &mut Tx<'_>,
    message: &mut Standing,
    request: RequestId,
    evidence: &Proof,
) -> Result<bool, Error> {
    let from = message.state;
    let settled = match standing::weigh_earlier(tx, message, Report::Sent, Some(request))? {
        // An answer proves less than a status.
        Step::To(_) => Step::To(State::Accepted),
        other => other,
    };
    standing::apply(tx, message, settled, evidence)?;
    standing::note(tx, message.id, State::Accepted, evidence, 0)?;
    let mine = matches!(settled, Step::To(_));
    if mine {
        standing::adopt(tx, message, Some(request), from)?;
    }
    Ok(mine)
}

/// The number Meta settled on decides; the one typed leads to it.
fn learn_recipient(
    tx: &mut Tx<'_>,
    job: &Job,
    send: &Send,
    acceptance: &Acceptance,
    now: Timestamp,
) -> Result<(), Error> {
    if let (Recipient::Phone(typed), Some(answered)) = (&send.recipient, &acceptance.wa_id) {
        facts::alias(tx, typed, answered, now, now)?;
    }
    let user = match &send.recipient {
        Recipient::User(user) => Some(user.clone()),
        Recipient::Phone(_) => None,
    };
    let peer = Peer {
        wa_id: acceptance.wa_id.clone(),
        user_id: acceptance.user_id.clone().or(user),
        ..Peer::default()
    };
    if peer.wa_id.is_some() && peer.user_id.is_some() {
        let scope = account::scope(tx.conn, job.account)?;
        facts::sighted(tx, &scope, &peer, now, now)?;
    }
    Ok(())
}

/// An answer that is no acceptance. When the message has moved on, it is only noted.
fn answered(
    tx: &mut Tx<'_>,
    message: &mut Standing,
    job: &Job,
    cause: Cause,
    error: &ApiError,
    current: bool,
    now: Timestamp,
) -> Result<(), Error> {
    let evidence = Proof {
        request: Some(job.request),
        code: error.code,
        detail: Some(error.details.clone().unwrap_or_else(|| error.message.clone())),
        ..Proof::at(now)
    };
    let taken =
        if current { standing::advance(tx, message, cause, &evidence)? } else { Step::Forbidden };
    match taken {
        Step::To(State::Failed | State::Queued) => standing::settle(tx, message),
        Step::To(_) | Step::WasSent | Step::SentTwice | Step::SentTwiceTo(_) => Ok(()),
        Step::Stay | Step::Forbidden => {
            tx.touch(message.conversation);
            standing::note(tx, message.id, message.state, &evidence, 0)
        }
    }
}

fn count_try(tx: &Tx<'_>, message: MessageId) -> Result<(), Error> {
    tx.conn
        .prepare_cached("UPDATE message SET tries = tries + 1 WHERE id = ?1")?
        .execute([message.0])?;
    Ok(())
}

/// A queued message waits for its next try.
fn wait(
    tx: &mut Tx<'_>,
    message: &Standing,
    not_before: Timestamp,
    uses_try: bool,
) -> Result<(), Error> {
    tx.conn
        .prepare_cached("UPDATE message SET tries = tries + ?2, not_before = ?3 WHERE id = ?1")?
        .execute(params![message.id.0, uses_try, not_before.millis()])?;
    tx.conn
        .prepare_cached(
            "UPDATE outbox SET tries = tries + ?2, not_before = ?3 WHERE message = ?1 AND kind = 1",
        )?
        .execute(params![message.id.0, uses_try, not_before.millis()])?;
    Ok(())
}

/// Writes down what became of a read receipt.
pub fn finish_receipt(tx: &mut Tx<'_>, job: &Job, ended: &Ended) -> Result<(), Error> {
    match ended {
        // A receipt that cannot be sent is given up: the message was read all the same.
        Ended::Done | Ended::GaveUp(_) => finish(tx, job),
        Ended::Retry { not_before, uses_try } => again(tx, job, *not_before, *uses_try),
    }
}

/// Writes down what became of fetching a file. Why it cannot be had is kept in plain words with the file,
/// and in Meta's in the timeline.
pub fn finish_download(
    tx: &mut Tx<'_>,
    job: &Job,
    fetched: &Fetched,
    now: Timestamp,
) -> Result<(), Error> {
    let JobKind::MediaDownload { message, .. } = &job.kind else {
        return Err(Error::Value("only a download brings a file".to_owned()));
    };
    let (copy, path, size, failure) = match fetched {
        Fetched::Retry { not_before, uses_try } => return again(tx, job, *not_before, *uses_try),
        Fetched::Stored { path, size } => {
            (1, Some(path), Some(i64::try_from(*size).unwrap_or(i64::MAX)), None)
        }
        Fetched::Failed(error) => (2, None, None, Some(error_code::media_reason(error))),
    };
    tx.conn
        .prepare_cached(
            "UPDATE media SET copy = ?2, path = ?3, size = ?4, failure = ?5
             WHERE message = ?1 AND copy <> 1",
        )?
        .execute(params![message.0, copy, path, size, failure])?;
    let message = standing::load(tx.conn, *message)?;
    if let Fetched::Failed(error) = fetched {
        let detail = error.details.as_deref().unwrap_or(&error.message);
        let evidence =
            Proof { code: error.code, detail: Some(format!("file: {detail}")), ..Proof::at(now) };
        standing::note(tx, message.id, message.state, &evidence, 0)?;
    }
    tx.touch(message.conversation);
    finish(tx, job)
}

/// Writes down what became of uploading a file. Those that wait for it go on, wait longer with the reason, or
/// fail with it.
pub fn finish_upload(
    tx: &mut Tx<'_>,
    job: &Job,
    uploaded: &Uploaded,
    now: Timestamp,
) -> Result<(), Error> {
    let JobKind::MediaUpload(file) = &job.kind else {
        return Err(Error::Value("only an upload brings a file to Meta".to_owned()));
    };
    let waiting = upload::waiting(tx, file.id)?;
    match uploaded {
        Uploaded::Arrived(media) => {
            waiting.into_iter().try_for_each(|message| delay(tx, message, None, None))?;
            upload::arrived(tx, file.id, media, now)?;
            finish(tx, job)
        }
        Uploaded::Retry { not_before, uses_try, error } => {
            let (words, until) = (file_words(error), Some(*not_before));
            waiting.into_iter().try_for_each(|message| delay(tx, message, Some(&words), until))?;
            again(tx, job, *not_before, *uses_try)
        }
        Uploaded::Failed(error) => {
            let evidence =
                Proof { code: error.code, detail: Some(file_words(error)), ..Proof::at(now) };
            for message in waiting {
                let mut message = standing::load(tx.conn, message)?;
                standing::advance(tx, &mut message, Cause::Claim, &Proof::at(now))?;
                standing::advance(tx, &mut message, Cause::Refused, &evidence)?;
            }
            finish(tx, job)
        }
    }
}

fn file_words(error: &ApiError) -> String {
    format!("file: {}", error.details.as_deref().unwrap_or(&error.message))
}

/// Why a queued message waits for its file, and until when; or that it does not any more.
fn delay(
    tx: &mut Tx<'_>,
    message: MessageId,
    words: Option<&str>,
    until: Option<Timestamp>,
) -> Result<(), Error> {
    let changed = tx
        .conn
        .prepare_cached(
            "UPDATE message SET detail = ?2, not_before = ?3
             WHERE id = ?1 AND state = 2 AND (detail IS NOT ?2 OR not_before IS NOT ?3)",
        )?
        .execute(params![message.0, words, until.map(Timestamp::millis)])?;
    if changed > 0 {
        tx.touch(standing::load(tx.conn, message)?.conversation);
    }
    Ok(())
}

/// The row leaves, if it is still this request's.
fn finish(tx: &mut Tx<'_>, job: &Job) -> Result<(), Error> {
    let gone: Option<(i64, i64)> = tx
        .conn
        .prepare_cached("DELETE FROM outbox WHERE id = ?1 AND request = ?2 RETURNING kind, lane")?
        .query_row(params![job.id.0, job.request.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    gone.map_or(Ok(()), |(kind, lane)| lane::settle(tx, kind, lane))
}

fn again(tx: &mut Tx<'_>, job: &Job, not_before: Timestamp, uses_try: bool) -> Result<(), Error> {
    let back: Option<(i64, i64)> = tx
        .conn
        .prepare_cached(
            "UPDATE outbox SET state = 1, request = NULL, not_before = ?3, tries = tries + ?4
             WHERE id = ?1 AND request = ?2 RETURNING kind, lane",
        )?
        .query_row(params![job.id.0, job.request.0, not_before.millis(), uses_try], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((kind, lane)) = back else { return Ok(()) };
    if kind == lane::RECEIPT {
        // A newer receipt says more than the one that comes back.
        tx.conn
            .prepare_cached(
                "DELETE FROM outbox WHERE id = ?1 AND EXISTS (SELECT 1 FROM outbox o
                     WHERE o.kind = ?2 AND o.lane = ?3 AND o.state = 1 AND o.id <> ?1)",
            )?
            .execute([job.id.0, kind, lane])?;
    }
    lane::settle(tx, kind, lane)
}

/// For whoever gains the sender role: every message an earlier holder was sending is uncertain now,
/// what is safe to repeat waits again, and nothing waits for a time that a wrong clock set. Returns the
/// messages.
pub fn rescue(tx: &mut Tx<'_>, now: Timestamp) -> Result<Vec<MessageId>, Error> {
    let mut query = tx.conn.prepare_cached(
        // Account by account, so that the index over unfinished messages serves.
        "SELECT m.id FROM account a CROSS JOIN message m ON m.account = a.id
         WHERE m.state = 3 AND (m.state < 4 OR m.state IN (9, 10)) ORDER BY m.id",
    )?;
    let rows = query.query_map([], |row| Ok(MessageId(row.get(0)?)))?;
    let messages: Vec<MessageId> = rows.collect::<Result<_, _>>()?;
    drop(query);
    for id in &messages {
        // One that cannot be read stops nobody from sending.
        drop(tx.apart(|tx| rescue_one(tx, *id, now))?);
    }
    fail_rowless(tx, now)?;
    righted::set_right(tx, now)?;
    let mut query = tx.conn.prepare_cached(
        "UPDATE outbox SET state = 1, request = NULL WHERE state = 2 AND kind <> 1
         RETURNING kind, lane",
    )?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let lanes: Vec<(i64, i64)> = rows.collect::<Result<_, _>>()?;
    drop(query);
    for (kind, lane) in lanes {
        lane::settle(tx, kind, lane)?;
    }
    Ok(messages)
}

fn rescue_one(tx: &mut Tx<'_>, id: MessageId, now: Timestamp) -> Result<(), Error> {
    let mut message = standing::load(tx.conn, id)?;
    let evidence = Proof {
        request: message.request,
        detail: Some("the program stopped while it was sending".to_owned()),
        ..Proof::at(now)
    };
    if let Some(request) = message.request {
        end_request(tx, request, Outcome::Unknown, None, now)?;
    }
    count_try(tx, id)?;
    standing::advance(tx, &mut message, Cause::OutcomeUnknown, &evidence).map(drop)
}
