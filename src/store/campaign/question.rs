//! Questions about campaigns, and about the people of a plan.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{stage_of, unsettled};
use crate::domain::campaign::{Campaign, Capacity, Counts, Known, Outcome, Stage};
use crate::domain::id::{AccountId, CampaignId, ContactId, MessageId, WaId};
use crate::domain::state::State;
use crate::domain::throttle::STANDARD_RATE;
use crate::domain::time::Timestamp;
use crate::domain::window::{Window, window};
use crate::store::error::Error;
use crate::store::facts;
use crate::store::outbox::{LIMIT_SPAN, queue_counts};
use crate::store::read::ReadConn;
use crate::store::{account, row, wish};

/// What Meta answers for somebody whom the business blocked.
const BLOCKED: i64 = 130_403;

const SELECT: &str = "SELECT id, account, file, template, language, stage, at, rows, good, dropped
     FROM campaign";

/// The campaigns of an account, the newest first.
pub fn campaigns(read: &ReadConn, account: AccountId, limit: u32) -> Result<Vec<Campaign>, Error> {
    let snapshot = read.snapshot()?;
    let mut query = snapshot
        .prepare_cached(&format!("{SELECT} WHERE account = ?1 ORDER BY id DESC LIMIT ?2"))?;
    let rows = query.query_map(params![account.0, limit], read_campaign)?;
    let found: Vec<(Campaign, u32)> = rows.collect::<Result<_, _>>()?;
    drop(query);
    found.into_iter().map(|found| counted(&snapshot, found)).collect()
}

/// One campaign.
///
/// # Errors
/// [`Error::NotFound`] for an unknown id.
pub fn campaign(read: &ReadConn, id: CampaignId) -> Result<Campaign, Error> {
    let snapshot = read.snapshot()?;
    standing(&snapshot, id)
}

/// The same within a transaction.
pub(super) fn standing(conn: &Connection, id: CampaignId) -> Result<Campaign, Error> {
    let mut query = conn.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
    let found = query.query_row([id.0], read_campaign).optional()?;
    drop(query);
    let found = found.ok_or_else(|| Error::not_found("campaign", id.to_string()))?;
    counted(conn, found)
}

/// The campaign that sent, or sends, the same template to the people of the same file; of several the one that
/// reached the most, which says best what another one would repeat.
pub fn earlier(
    read: &ReadConn,
    account: AccountId,
    sha256: &[u8; 32],
    template: &str,
    language: &str,
) -> Result<Option<Campaign>, Error> {
    let mut query = read.conn.prepare_cached(
        "SELECT id FROM campaign WHERE account = ?1 AND sha256 = ?2 AND template = ?3
             AND language = ?4 AND stage > 0",
    )?;
    let rows = query.query_map(params![account.0, sha256, template, language], |row| {
        Ok(CampaignId(row.get(0)?))
    })?;
    let ids: Vec<CampaignId> = rows.collect::<Result<_, _>>()?;
    let found = ids.into_iter().map(|id| campaign(read, id)).collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter().max_by_key(|found| (found.counts.accepted, found.id)))
}

pub(super) fn same_file(
    conn: &Connection,
    (account, sha256, template, language): (AccountId, &[u8; 32], &str, &str),
) -> Result<Option<CampaignId>, Error> {
    let mut query = conn.prepare_cached(
        "SELECT id FROM campaign WHERE account = ?1 AND sha256 = ?2 AND template = ?3
             AND language = ?4 AND stage > 0 ORDER BY id DESC LIMIT 1",
    )?;
    let found = query.query_row(params![account.0, sha256, template, language], |row| row.get(0));
    Ok(found.optional()?.map(CampaignId))
}

/// The newest other one that was started, of the same file with the same template.
pub(super) fn same_as(conn: &Connection, id: CampaignId) -> Result<Option<CampaignId>, Error> {
    let mut query = conn.prepare_cached(
        "SELECT o.id FROM campaign c JOIN campaign o ON o.account = c.account AND o.sha256 = c.sha256
             AND o.template = c.template AND o.language = c.language
         WHERE c.id = ?1 AND o.id <> c.id AND o.stage > 0 ORDER BY o.id DESC LIMIT 1",
    )?;
    Ok(query.query_row([id.0], |row| row.get(0)).optional()?.map(CampaignId))
}

fn read_campaign(row: &Row<'_>) -> rusqlite::Result<(Campaign, u32)> {
    let campaign = Campaign {
        id: CampaignId(row.get(0)?),
        account: AccountId(row.get(1)?),
        file: row.get(2)?,
        template: row.get(3)?,
        language: row.get(4)?,
        stage: stage_of(row.get(5)?),
        at: Timestamp::from_millis(row.get(6)?),
        rows: row.get(7)?,
        good: row.get(8)?,
        counts: Counts::default(),
    };
    Ok((campaign, row.get(9)?))
}

fn counted(conn: &Connection, (mut campaign, dropped): (Campaign, u32)) -> Result<Campaign, Error> {
    let mut query =
        conn.prepare_cached("SELECT state, n FROM campaign_count WHERE campaign = ?1")?;
    let mut rows = query.query([campaign.id.0])?;
    let mut counts = Counts { dropped, ..Counts::default() };
    let mut written = 0_u32;
    while let Some(found) = rows.next()? {
        let n = row::count(found.get(1)?);
        written += n;
        match row::state(found.get(0)?)? {
            State::Scheduled | State::Queued | State::Received => counts.waiting += n,
            State::Held => {
                counts.waiting += n;
                counts.held += n;
            }
            State::Sending => counts.sending += n,
            State::Accepted | State::Sent => counts.accepted += n,
            State::Delivered => {
                counts.accepted += n;
                counts.delivered += n;
            }
            State::Read | State::Played => {
                counts.accepted += n;
                counts.delivered += n;
                counts.read += n;
            }
            State::Failed => counts.failed += n,
            State::Uncertain => counts.uncertain += n,
            State::Cancelled => counts.cancelled += n,
        }
    }
    let unwritten = campaign.good.saturating_sub(written + dropped);
    if campaign.stage == Stage::Cancelled {
        counts.cancelled += unwritten;
    } else {
        counts.unwritten = unwritten;
    }
    campaign.counts = counts;
    Ok(campaign)
}

/// The accounts for which [`super::feed`] may have something to do.
pub fn hungry(read: &ReadConn) -> Result<Vec<AccountId>, Error> {
    let mut query = read.conn.prepare_cached(&hungry_sql())?;
    let rows = query.query_map([], |row| Ok(AccountId(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(in crate::store) fn hungry_sql() -> String {
    format!(
        "SELECT account FROM campaign WHERE stage = 1 AND fed < 4294967296 UNION {}",
        unsettled("c.account")
    )
}

/// What became of the rows of a campaign, in the order of the file, from the one after `after` on.
pub fn outcomes(
    read: &ReadConn,
    id: CampaignId,
    after: u32,
    limit: u32,
) -> Result<Vec<Outcome>, Error> {
    let mut query = read.conn.prepare_cached(
        "SELECT r.row, r.typed, r.number, r.skip, r.message, m.state, m.code, m.detail,
             (SELECT max(t.at) FROM timeline t WHERE t.message = r.message), c.stage
         FROM campaign_row r JOIN campaign c ON c.id = r.campaign
             LEFT JOIN message m ON m.id = r.message
         WHERE r.campaign = ?1 AND r.row > ?2 ORDER BY r.row LIMIT ?3",
    )?;
    let rows = query.query_map(params![id.0, after, limit], |row| {
        let skip: Option<String> = row.get(3)?;
        let state: Option<i64> = row.get(5)?;
        let state = state.map(row::state).transpose().map_err(row::unreadable)?;
        let cancelled = stage_of(row.get(9)?) == Stage::Cancelled;
        Ok(Outcome {
            row: row.get(0)?,
            typed: row.get(1)?,
            to: row.get::<_, Option<String>>(2)?.map(WaId::new),
            message: row.get::<_, Option<i64>>(4)?.map(MessageId),
            state: match (&skip, state) {
                (Some(_), _) => "skipped",
                (None, Some(state)) => state.name(),
                (None, None) if cancelled => State::Cancelled.name(),
                (None, None) => "waiting",
            },
            code: row.get(6)?,
            reason: match skip {
                Some(words) => Some(words),
                None => row.get(7)?,
            },
            at: row.get::<_, Option<i64>>(8)?.map(Timestamp::from_millis),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What the store knows of these numbers, in their order.
pub fn people(
    read: &ReadConn,
    account: AccountId,
    numbers: &[WaId],
    now: Timestamp,
) -> Result<Vec<Known>, Error> {
    let snapshot = read.snapshot()?;
    let scope = account::scope(&snapshot, account)?;
    let since = (now - LIMIT_SPAN).millis();
    numbers
        .iter()
        .map(|number| {
            let mut known = Known::default();
            // Whoever is known by two spellings is one person all the same: what either said counts.
            for contact in facts::owners(&snapshot, number)? {
                let also = person(&snapshot, account, contact, (&scope, since), now)?;
                known.contact = known.contact.or(also.contact);
                known.opted_out |= also.opted_out;
                known.blocked |= also.blocked;
                known.free |= also.free;
            }
            Ok(known)
        })
        .collect()
}

fn person(
    conn: &Connection,
    account: AccountId,
    contact: ContactId,
    (scope, since): (&str, i64),
    now: Timestamp,
) -> Result<Known, Error> {
    let mut known = Known { contact: Some(contact), ..Known::default() };
    let mut query = conn.prepare_cached(
        "SELECT id, last_inbound, refused_at FROM conversation WHERE account = ?1 AND contact = ?2",
    )?;
    let time = |row: &Row<'_>, column: usize| -> rusqlite::Result<Option<Timestamp>> {
        Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
    };
    let found = query
        .query_row([account.0, contact.0], |row| {
            Ok((row.get::<_, i64>(0)?, window(time(row, 1)?, time(row, 2)?, now)))
        })
        .optional()?;
    if let Some((conversation, window)) = found {
        known.free = matches!(window, Window::Open(_));
        let mut query = conn.prepare_cached(
            "SELECT state = 9 AND code = ?2 FROM message WHERE conversation = ?1 AND own = 1
             ORDER BY at DESC, id DESC LIMIT 1",
        )?;
        let blocked: Option<Option<bool>> =
            query.query_row([conversation, BLOCKED], |row| row.get(0)).optional()?;
        known.blocked = blocked.flatten().unwrap_or(false);
    }
    known.opted_out = wish::stopped(conn, account, contact)?;
    let mut query = conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM reached WHERE scope = ?1 AND contact = ?2 AND at > ?3)",
    )?;
    known.free |=
        query.query_row::<bool, _, _>(params![scope, contact.0, since], |row| row.get(0))?;
    Ok(known)
}

/// What Meta allows an account right now, and what waits before a campaign. `most` is the rate of the config.
pub fn capacity(
    read: &ReadConn,
    account: AccountId,
    most: Option<u32>,
    now: Timestamp,
) -> Result<Capacity, Error> {
    let limits = account::limits(read, account)?;
    let rate = limits.rate.unwrap_or(STANDARD_RATE);
    let scope = account::scope(&read.conn, account)?;
    let mut query =
        read.conn.prepare_cached("SELECT min(at) FROM reached WHERE scope = ?1 AND at > ?2")?;
    let since = (now - LIMIT_SPAN).millis();
    let oldest: Option<i64> = query.query_row(params![scope, since], |row| row.get(0))?;
    Ok(Capacity {
        rate: most.map_or(rate, |most| most.min(rate)),
        people: account::people_reached(read, account, now)?,
        frees_at: oldest.map(|at| Timestamp::from_millis(at) + LIMIT_SPAN),
        waiting: queue_counts(read, account)?.queued,
    })
}
