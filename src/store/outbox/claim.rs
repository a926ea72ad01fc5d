//! Who may go next: one job per lane, persons before bulk, nothing out of order, and nothing that the gate
//! is shut for.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension as _, Row, params};

use super::Room;
use super::decide::hold;
use super::gate::{Gate, gate, reach};
use super::tend::tend;
use crate::domain::id::{
    AccountId, ContactId, ConversationId, MessageId, OutboxId, PhoneNumberId, RequestId, UploadId,
    Wamid,
};
use crate::domain::outbox::{Job, JobKind, MEDIA_LIFE, Recipient, Send};
use crate::domain::state::{Cause, State, Step};
use crate::domain::time::Timestamp;
use crate::store::error::Error;
use crate::store::standing::{self, Proof};
use crate::store::write::Tx;
use crate::store::{account, facts, lane, merge, message, row, upload};

/// A row of the outbox that may go.
struct Due {
    id: OutboxId,
    kind: i64,
    lane: i64,
    priority: i64,
    tries: u32,
    message: Option<MessageId>,
    wamid: Option<Wamid>,
}

/// Takes the jobs that are due and for which there is room, one per lane, persons first, and stores their
/// requests. `requests` are fresh random ids, one used per job. Lanes of messages in `excluded` are passed over.
/// A message that may not go now is held instead; none goes while the person has the account paused.
pub fn claim(
    tx: &mut Tx<'_>,
    account: AccountId,
    requests: &[RequestId],
    room: Room,
    excluded: &BTreeSet<ConversationId>,
    now: Timestamp,
) -> Result<Vec<Job>, Error> {
    let mut room = room;
    if account::paused(tx.conn, account)?.is_some() {
        room.messages = 0;
    } else if room.messages > 0 {
        come_due(tx, account, now)?;
    }
    let mut due: Vec<Due> = Vec::new();
    for (kind, priority) in [
        (lane::MESSAGE, 1),
        (lane::MESSAGE, 2),
        (lane::RECEIPT, 1),
        (lane::DOWNLOAD, 2),
        (lane::UPLOAD, 1),
        (lane::UPLOAD, 2),
    ] {
        let taken = due.iter().filter(|other| other.kind == kind).count();
        let room = room.of(kind).saturating_sub(taken);
        heads(tx, &Wanted { account, kind, priority, room, excluded, now }, &mut due)?;
    }
    take_all(tx, account, due, requests, now)
}

/// Takes the next message of one conversation, if it is due, and stores its request.
pub fn claim_in(
    tx: &mut Tx<'_>,
    account: AccountId,
    conversation: ConversationId,
    requests: &[RequestId],
    now: Timestamp,
) -> Result<Option<Job>, Error> {
    if account::paused(tx.conn, account)?.is_some() {
        return Ok(None);
    }
    come_due(tx, account, now)?;
    let conversation = merge::conversation_now(tx.conn, conversation)?;
    let mut query = tx.conn.prepare_cached(
        "SELECT id, lane, tries, message, wamid, priority FROM outbox
         WHERE head = 1 AND kind = ?1 AND lane = ?2 AND account = ?3 AND not_before <= ?4",
    )?;
    let found = query
        .query_row(params![lane::MESSAGE, conversation.0, account.0, now.millis()], |row| {
            read_due(row, lane::MESSAGE, row.get(5)?)
        })
        .optional()?;
    drop(query);
    let found = match found {
        None => upload_of(tx, conversation, now)?,
        found => found,
    };
    Ok(take_all(tx, account, found.into_iter().collect(), requests, now)?.pop())
}

/// The upload that the next message of a conversation waits for, if it is due.
fn upload_of(
    tx: &Tx<'_>,
    conversation: ConversationId,
    now: Timestamp,
) -> Result<Option<Due>, Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT u.id, u.lane, u.tries, u.message, u.wamid, u.priority
         FROM outbox o JOIN outbox u ON u.kind = ?1 AND u.lane = o.upload
         WHERE o.kind = ?2 AND o.lane = ?3 AND o.upload IS NOT NULL AND u.head = 1
             AND u.not_before <= ?4 LIMIT 1",
    )?;
    let asked = params![lane::UPLOAD, lane::MESSAGE, conversation.0, now.millis()];
    let found = query.query_row(asked, |row| read_due(row, lane::UPLOAD, row.get(5)?));
    Ok(found.optional()?)
}

/// Scheduled messages whose time came join the queue, or are held.
fn come_due(tx: &mut Tx<'_>, account: AccountId, now: Timestamp) -> Result<(), Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT id FROM message WHERE account = ?1 AND state = 0 AND not_before <= ?2
         ORDER BY not_before LIMIT 100",
    )?;
    let rows = query.query_map([account.0, now.millis()], |row| Ok(MessageId(row.get(0)?)))?;
    let due: Vec<MessageId> = rows.collect::<Result<_, _>>()?;
    drop(query);
    tend(tx, &due, now)
}

fn take_all(
    tx: &mut Tx<'_>,
    account: AccountId,
    due: Vec<Due>,
    requests: &[RequestId],
    now: Timestamp,
) -> Result<Vec<Job>, Error> {
    let phone_number = phone_number(tx, account)?;
    let mut jobs = Vec::with_capacity(due.len());
    for (row, request) in due.into_iter().zip(requests) {
        let taken = match tx.apart(|tx| take(tx, account, &row, *request, now))? {
            Ok(taken) => taken,
            Err(error) => {
                give_up(tx, &row, &error, now)?;
                None
            }
        };
        if let Some(kind) = taken {
            jobs.push(Job {
                id: row.id,
                account,
                phone_number: phone_number.clone(),
                request: *request,
                tries_used: row.tries,
                priority: row::priority(row.priority),
                kind,
            });
        }
    }
    Ok(jobs)
}

/// Which rows are wanted, and at most how many.
struct Wanted<'a> {
    account: AccountId,
    kind: i64,
    priority: i64,
    room: usize,
    excluded: &'a BTreeSet<ConversationId>,
    now: Timestamp,
}

fn heads(tx: &Tx<'_>, wanted: &Wanted<'_>, due: &mut Vec<Due>) -> Result<(), Error> {
    let Wanted { account, kind, priority, room, excluded, now } = *wanted;
    // The plus keeps the planner from gathering and sorting everything that is due.
    let mut query = tx.conn.prepare_cached(
        "SELECT id, lane, tries, message, wamid FROM outbox
         WHERE head = 1 AND account = ?1 AND kind = ?2 AND priority = ?3 AND +not_before <= ?4
         ORDER BY place",
    )?;
    let mut rows = query.query(params![account.0, kind, priority, now.millis()])?;
    let full = due.len() + room;
    while due.len() < full {
        let Some(row) = rows.next()? else { break };
        let found = read_due(row, kind, priority)?;
        let held = kind == lane::MESSAGE && excluded.contains(&ConversationId(found.lane));
        if !held && due.iter().all(|other| other.id != found.id) {
            due.push(found);
        }
    }
    Ok(())
}

fn read_due(row: &Row<'_>, kind: i64, priority: i64) -> rusqlite::Result<Due> {
    Ok(Due {
        id: OutboxId(row.get(0)?),
        kind,
        lane: row.get(1)?,
        priority,
        tries: row.get(2)?,
        message: row.get::<_, Option<i64>>(3)?.map(MessageId),
        wamid: row.get::<_, Option<String>>(4)?.map(Wamid::new),
    })
}

fn phone_number(tx: &Tx<'_>, account: AccountId) -> Result<PhoneNumberId, Error> {
    let mut query = tx.conn.prepare_cached("SELECT phone_number_id FROM account WHERE id = ?1")?;
    let number: Option<String> = query.query_row([account.0], |row| row.get(0)).optional()?;
    number.map(PhoneNumberId::new).ok_or_else(|| Error::not_found("account", account.to_string()))
}

/// Marks a row as under way. `None` when it cannot be sent at all: it is put aside, so that it does not come
/// up again for ever.
fn take(
    tx: &mut Tx<'_>,
    account: AccountId,
    due: &Due,
    request: RequestId,
    now: Timestamp,
) -> Result<Option<JobKind>, Error> {
    let mut outside = None;
    if let Some(message) = due.message.filter(|_| due.kind == lane::MESSAGE) {
        match gate(tx, message, now)? {
            Gate::Shut(reason) => {
                hold(tx, message, reason, now)?;
                return Ok(None);
            }
            Gate::Open(reached) => outside = reached,
        }
        if let Some(upload) = upload::missing(tx, account, message, now)? {
            upload::wait_for(tx, account, upload, due.id.0, due.lane)?;
            return Ok(None);
        }
    }
    tx.conn
        .prepare_cached("UPDATE outbox SET state = 2, head = 0, request = ?2 WHERE id = ?1")?
        .execute(params![due.id.0, request.0])?;
    tx.changes.outbox = true;
    match due.kind {
        lane::MESSAGE => {
            let taken = take_message(tx, account, due, request, now)?;
            if let Some(contact) = outside.filter(|_| taken.is_some()) {
                reach(tx, account, contact, now)?;
            }
            Ok(taken)
        }
        lane::UPLOAD => match upload::load(tx.conn, UploadId(due.lane))? {
            Some(upload) => Ok(Some(JobKind::MediaUpload(upload))),
            None => put_aside(tx, due).map(|()| None),
        },
        lane::RECEIPT => match &due.wamid {
            Some(wamid) => Ok(Some(JobKind::ReadReceipt { wamid: wamid.clone() })),
            None => put_aside(tx, due).map(|()| None),
        },
        _ => take_download(tx, due),
    }
}

fn take_message(
    tx: &mut Tx<'_>,
    account: AccountId,
    due: &Due,
    request: RequestId,
    now: Timestamp,
) -> Result<Option<JobKind>, Error> {
    let Some(id) = due.message else { return put_aside(tx, due).map(|()| None) };
    let mut message = standing::load(tx.conn, id)?;
    let proof = Proof { request: Some(request), ..Proof::at(now) };
    if standing::advance(tx, &mut message, Cause::Claim, &proof)? != Step::To(State::Sending) {
        // The row contradicts its message, which decides.
        return put_aside(tx, due).map(|()| None);
    }
    tx.conn
        .prepare_cached("UPDATE message SET request = ?2 WHERE id = ?1")?
        .execute(params![id.0, request.0])?;
    tx.conn
        .prepare_cached("INSERT INTO request (id, account, message, at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![request.0, account.0, id.0, now.millis()])?;
    match outgoing(tx, account, id) {
        Ok(send) => {
            if let Recipient::Phone(number) = &send.recipient {
                tx.conn
                    .prepare_cached("UPDATE request SET recipient = ?2 WHERE id = ?1")?
                    .execute(params![request.0, number.as_str()])?;
            }
            Ok(Some(JobKind::Message(send)))
        }
        Err(Error::Value(reason)) => {
            let proof = Proof { detail: Some(reason), ..proof };
            standing::advance(tx, &mut message, Cause::Refused, &proof)?;
            tx.conn
                .prepare_cached("UPDATE request SET outcome = 3, ended_at = at WHERE id = ?1")?
                .execute([request.0])?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Takes a row away that can never be carried out, so that it does not come up again and others of its lane
/// may go. Messages that waited for an upload ask for it anew.
fn put_aside(tx: &mut Tx<'_>, due: &Due) -> Result<(), Error> {
    tx.conn.prepare_cached("DELETE FROM outbox WHERE id = ?1")?.execute([due.id.0])?;
    if due.kind == lane::UPLOAD {
        upload::release(tx, UploadId(due.lane))?;
    }
    lane::settle(tx, due.kind, due.lane)
}

/// A row cannot be taken, and nobody foresaw why: the others go on without it, and its message, or those that
/// wait for its file, fail with the reason.
fn give_up(tx: &mut Tx<'_>, due: &Due, error: &Error, now: Timestamp) -> Result<(), Error> {
    let messages = match due.kind {
        lane::MESSAGE => due.message.into_iter().collect(),
        lane::UPLOAD => upload::waiting(tx, UploadId(due.lane))?,
        _ => Vec::new(),
    };
    for message in messages {
        fail(tx, message, &error.to_string(), now)?;
    }
    put_aside(tx, due)
}

/// A message that waits can never be sent, and says why. One that cannot even be read stays as it is.
pub(super) fn fail(tx: &mut Tx<'_>, id: MessageId, why: &str, now: Timestamp) -> Result<(), Error> {
    let failed = tx.apart(|tx| {
        let mut message = standing::load(tx.conn, id)?;
        if message.state == State::Scheduled {
            standing::advance(tx, &mut message, Cause::TimeCame, &Proof::at(now))?;
        }
        if message.state != State::Queued {
            return Ok(());
        }
        let proof = Proof { detail: Some(why.to_owned()), ..Proof::at(now) };
        standing::advance(tx, &mut message, Cause::Claim, &Proof::at(now))?;
        standing::advance(tx, &mut message, Cause::Refused, &proof).map(drop)
    });
    failed.map(drop)
}

/// For whoever begins to send: a queued message whose row was put aside, since it had lost its message, would
/// wait for ever and say nothing. It failed, and a person can send it again.
pub(super) fn fail_rowless(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT m.id FROM account a CROSS JOIN message m ON m.account = a.id
         WHERE m.state = 2 AND (m.state < 4 OR m.state IN (9, 10))
             AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.message = m.id AND +o.kind = 1)",
    )?;
    let rows = query.query_map([], |row| Ok(MessageId(row.get(0)?)))?;
    let lost: Vec<MessageId> = rows.collect::<Result<_, _>>()?;
    drop(query);
    for id in lost {
        fail(tx, id, "its place in the queue was lost", now)?;
    }
    Ok(())
}

fn outgoing(tx: &Tx<'_>, account: AccountId, id: MessageId) -> Result<Send, Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT m.conversation, c.contact, coalesce(q.wamid, m.reply_to)
         FROM message m JOIN conversation c ON c.id = m.conversation
             LEFT JOIN message q ON q.id = m.reply_message WHERE m.id = ?1",
    )?;
    let (conversation, contact, reply_to) = query.query_row([id.0], |row| {
        Ok((
            ConversationId(row.get(0)?),
            ContactId(row.get(1)?),
            row.get::<_, Option<String>>(2)?.map(Wamid::new),
        ))
    })?;
    let recipient = facts::address(tx.conn, account, contact)?.ok_or_else(|| {
        Error::Value("no number or user id of this contact is known any more".to_owned())
    })?;
    let mut body = message::body_of(tx.conn, id)?;
    if let Some(media) = body.file_mut()
        && let Some(id) = upload::media_id(tx.conn, account, media)?
    {
        media.id = Some(id);
    }
    Ok(Send { message: id, conversation, contact, recipient, body, reply_to })
}

fn take_download(tx: &mut Tx<'_>, due: &Due) -> Result<Option<JobKind>, Error> {
    let Some(message) = due.message else { return put_aside(tx, due).map(|()| None) };
    match message::body_of(tx.conn, message) {
        Ok(body) => {
            let Some(media) = body.file().cloned() else {
                return put_aside(tx, due).map(|()| None);
            };
            let mut query = tx.conn.prepare_cached("SELECT at FROM message WHERE id = ?1")?;
            let at = query.query_row([message.0], |row| row.get(0))?;
            let until = Timestamp::from_millis(at) + MEDIA_LIFE;
            Ok(Some(JobKind::MediaDownload { message, media, until }))
        }
        Err(Error::Value(_)) => put_aside(tx, due).map(|()| None),
        Err(error) => Err(error),
    }
}

/// Puts waiting jobs off, e.g. for a pair limit. Jobs under way or done are left alone.
pub fn defer(tx: &mut Tx<'_>, jobs: &[OutboxId], not_before: Timestamp) -> Result<(), Error> {
    for job in jobs {
        let message: Option<Option<i64>> = tx
            .conn
            .prepare_cached(
                "UPDATE outbox SET not_before = ?2 WHERE id = ?1 AND state = 1
                 RETURNING iif(kind = 1, message, NULL)",
            )?
            .query_row([job.0, not_before.millis()], |row| row.get(0))
            .optional()?;
        if let Some(Some(message)) = message {
            tx.conn
                .prepare_cached("UPDATE message SET not_before = ?2 WHERE id = ?1")?
                .execute([message, not_before.millis()])?;
            tx.touch(standing::load(tx.conn, MessageId(message))?.conversation);
        }
        tx.changes.outbox = true;
    }
    Ok(())
}
