//! The sender's errands to the store: what each of the core's wishes comes to there. Who runs them, on which
//! thread and at what time, is the driver's.

use std::collections::BTreeSet;
use std::time::Duration;

use super::core::{Done, End};
use crate::domain::account::Standing;
use crate::domain::health::Pace;
use crate::domain::id::{AccountId, ConversationId, MessageId, RequestId};
use crate::domain::outbox::Job;
use crate::domain::throttle::Limits;
use crate::domain::time::Timestamp;
use crate::store::account::{NewAccount, fact, limits as limits_of, pace, upsert_account};
use crate::store::outbox::{self, Overdue, Room, SentRequest, Unresolved};
use crate::store::{Error, ReadConn, Tx};

/// What whoever gains the sender role does first: learns the accounts' ids, and settles what an earlier
/// holder left. The messages are those that are uncertain from now on.
pub fn begin(
    tx: &mut Tx<'_>,
    accounts: &[NewAccount],
    now: Timestamp,
) -> Result<(Vec<AccountId>, Vec<MessageId>), Error> {
    let ids = accounts.iter().map(|account| upsert_account(tx, account, now));
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    pace::forget(tx)?;
    Ok((ids, outbox::rescue(tx, now)?))
}

/// The requests that still count against a limit.
pub fn recent_requests(
    read: &ReadConn,
    account: AccountId,
    now: Timestamp,
) -> Result<Vec<SentRequest>, Error> {
    outbox::recent_requests(read, account, now)
}

/// What Meta said last of the number's limits.
pub fn limits(read: &ReadConn, account: AccountId) -> Result<Limits, Error> {
    limits_of(read, account)
}

/// Keeps what Meta says of the number now.
pub fn keep(
    tx: &mut Tx<'_>,
    account: AccountId,
    standing: &Standing,
    now: Timestamp,
) -> Result<(), Error> {
    fact::asked(tx, account, standing, now)
}

/// Tells the other processes how the account sends.
pub fn tell(tx: &mut Tx<'_>, account: AccountId, told: &Pace) -> Result<(), Error> {
    pace::tell(tx, account, told)
}

/// Tells them that this process sends no more.
pub fn end(tx: &mut Tx<'_>) -> Result<(), Error> {
    pace::forget(tx)
}

/// What is uncertain, and when the next job is due; in one conversation alone if `only` says so.
pub fn look(
    read: &ReadConn,
    account: AccountId,
    only: Option<ConversationId>,
    room: Room,
    excluded: &BTreeSet<ConversationId>,
) -> Result<(Vec<Unresolved>, Option<Timestamp>), Error> {
    let due = match only {
        Some(lane) if excluded.contains(&lane) => None,
        Some(lane) => outbox::next_due_in(read, account, lane)?,
        None => outbox::next_due(read, account, room, excluded)?,
    };
    Ok((outbox::unresolved(read, account)?, due))
}

/// Claims jobs under fresh `requests`.
pub fn claim(
    tx: &mut Tx<'_>,
    account: AccountId,
    only: Option<ConversationId>,
    requests: &[RequestId],
    room: Room,
    excluded: &BTreeSet<ConversationId>,
    now: Timestamp,
) -> Result<Vec<Job>, Error> {
    match only {
        Some(lane) if excluded.contains(&lane) => Ok(Vec::new()),
        Some(lane) => Ok(outbox::claim_in(tx, account, lane, requests, now)?.into_iter().collect()),
        None => outbox::claim(tx, account, requests, room, excluded, now),
    }
}

/// Looks for messages that time did something to.
pub fn overdue(
    read: &ReadConn,
    account: AccountId,
    windows: bool,
    now: Timestamp,
) -> Result<Overdue, Error> {
    outbox::overdue(read, account, windows, now)
}

/// Brings such messages to where they belong now.
pub fn tend(tx: &mut Tx<'_>, messages: &[MessageId], now: Timestamp) -> Result<(), Error> {
    outbox::tend(tx, messages, now)
}

/// Sends uncertain messages again for which no proof came while it could have for as long as `waited`.
pub fn resend(
    tx: &mut Tx<'_>,
    messages: &[MessageId],
    waited: Duration,
    now: Timestamp,
) -> Result<(), Error> {
    let waited = format!("{waited:?}");
    messages.iter().try_for_each(|message| outbox::send_unproved(tx, *message, &waited, now))
}

/// Notes how long proof of uncertain messages could have been heard.
pub fn hear(tx: &mut Tx<'_>, heard: &[(MessageId, Duration)]) -> Result<(), Error> {
    outbox::hear(tx, heard)
}

/// Writes down what became of a job.
pub fn write(tx: &mut Tx<'_>, done: &Done) -> Result<(), Error> {
    match &done.end {
        End::Message(verdict) => outbox::record(tx, &done.job, verdict, done.at),
        End::Receipt(ended) => outbox::finish_receipt(tx, &done.job, ended),
        End::Upload(uploaded) => outbox::finish_upload(tx, &done.job, uploaded, done.at),
        End::Download(fetched) => outbox::finish_download(tx, &done.job, fetched, done.at),
    }
}
