//! Templates for the people of a file: the plan as stored, and its messages as they come into being.
//!
//! All rows are stored before the first is sent, in steps of [`STEP`], so that nothing else waits long for the
//! store. Whoever sends turns rows into messages a little ahead of what goes ([`feed`]): a row and its message
//! are one commit, so a kill forgets nobody and writes to nobody twice, and a pause concerns few messages.

mod feed;
mod question;

#[cfg(test)]
pub(super) use feed::WAITING;
pub use feed::{AHEAD, feed};
#[cfg(test)]
pub(super) use question::hungry_sql;
pub use question::{campaign, campaigns, capacity, earlier, hungry, outcomes, people};

use rusqlite::{OptionalExtension as _, params};
use serde_json::json;

use super::body::columns;
use super::error::Error;
use super::outbox::{cancel, free, hold, hold_for};
use super::write::Tx;
use crate::domain::campaign::Stage;
use crate::domain::id::{AccountId, CampaignId, MessageId, WaId};
use crate::domain::message::{Body, Media, MediaCopy};
use crate::domain::state::HoldReason;
use crate::domain::template::SentTemplate;
use crate::domain::time::Timestamp;

/// Rows that are stored, or removed, in one transaction.
pub const STEP: usize = 500;

/// A campaign that is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCampaign {
    /// Whose.
    pub account: AccountId,
    /// The SHA-256 of the file.
    pub sha256: [u8; 32],
    /// The file's name.
    pub file: String,
    /// The template's name.
    pub template: String,
    /// The template's language.
    pub language: String,
    /// The file's rows.
    pub rows: usize,
    /// Those of them that are sent.
    pub good: usize,
    /// The same file may be sent the same template again.
    pub again: bool,
}

/// A row of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRow {
    /// Its number as a spreadsheet counts.
    pub number: u32,
    /// What stands in the column of the phone numbers.
    pub typed: String,
    /// Whom it goes to, where that can be told.
    pub to: Option<WaId>,
    /// What they are sent, or why nothing.
    pub what: Result<SentTemplate, String>,
}

/// What became of the wish to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is this one.
    New(CampaignId),
    /// The same file was given before, with the same template.
    Earlier(CampaignId),
}

/// Begins a campaign without rows. Nothing of it is sent before [`start`].
pub fn begin(tx: &mut Tx<'_>, new: &NewCampaign, now: Timestamp) -> Result<Begun, Error> {
    let file = (new.account, &new.sha256, new.template.as_str(), new.language.as_str());
    if let Some(earlier) = question::same_file(tx.conn, file)?.filter(|_| !new.again) {
        return Ok(Begun::Earlier(earlier));
    }
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let id = tx
        .conn
        .prepare_cached(
            "INSERT INTO campaign (account, sha256, file, template, language, stage, at, rows, good)
             VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8)",
        )?
        .insert(params![
            new.account.0,
            new.sha256,
            new.file,
            new.template,
            new.language,
            now.millis(),
            count(new.rows),
            count(new.good)
        ])?;
    tx.changes.outbox = true;
    Ok(Begun::New(CampaignId(id)))
}

/// Adds rows to a campaign that has begun.
///
/// # Errors
/// [`Error::Refused`] once it was started: whoever confirmed it saw other rows.
pub fn add(tx: &mut Tx<'_>, id: CampaignId, rows: &[NewRow]) -> Result<(), Error> {
    expect(stage(tx, id)?, &[Stage::Draft], "given more rows")?;
    let mut insert = tx.conn.prepare_cached(
        "INSERT INTO campaign_row (campaign, row, typed, number, skip, text, extra, media)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for row in rows {
        let to = row.to.as_ref().map(WaId::as_str);
        let (content, skip) = match &row.what {
            Ok(sent) => (content(sent)?, None),
            Err(words) => (Content::default(), Some(words)),
        };
        insert.execute(params![
            id.0,
            row.number,
            row.typed,
            to,
            skip,
            content.text,
            content.extra,
            content.media
        ])?;
    }
    Ok(())
}

#[derive(Default)]
struct Content {
    text: Option<String>,
    extra: Option<String>,
    media: Option<String>,
}

fn content(sent: &SentTemplate) -> Result<Content, Error> {
    let body = Body::Template(Box::new(sent.clone()));
    let media = body.file().map(media_json).transpose()?;
    let columns = columns(&body);
    Ok(Content { text: columns.text, extra: columns.extra, media })
}

/// What a message needs of a file that Meta fetches or has, or that is to go up from the data directory.
fn media_json(media: &Media) -> Result<String, Error> {
    let (path, size) = match &media.copy {
        MediaCopy::Stored { path, size } => (Some(path), Some(*size)),
        MediaCopy::Outside { path } => {
            return Err(Error::Value(format!("`{path}` is not in the data directory")));
        }
        MediaCopy::Pending | MediaCopy::Failed(_) => (None, None),
    };
    let value = json!({
        "kind": super::row::media_kind_number(media.kind),
        "id": media.id.as_ref().map(crate::domain::id::MediaId::as_str),
        "url": media.url,
        "file_name": media.file_name,
        "mime_type": media.mime_type,
        "sha256": media.sha256,
        "path": path,
        "size": size,
    });
    Ok(value.to_string())
}

/// All rows are there: whoever sends begins. Unless `again`, the same file must not have been started
/// meanwhile: two that began at the same moment did not see each other then.
///
/// # Errors
/// [`Error::Value`] when rows are missing, [`Error::Stage`] when it was started before.
pub fn start(tx: &mut Tx<'_>, id: CampaignId, again: bool) -> Result<Begun, Error> {
    expect(stage(tx, id)?, &[Stage::Draft], "started")?;
    let mut query = tx.conn.prepare_cached(
        "SELECT (SELECT count(*) FROM campaign_row r WHERE r.campaign = c.id) = c.rows
             AND (SELECT count(*) FROM campaign_row r WHERE r.campaign = c.id AND r.skip IS NULL) = c.good
         FROM campaign c WHERE c.id = ?1",
    )?;
    let whole: bool = query.query_row([id.0], |row| row.get(0))?;
    drop(query);
    if !whole {
        return Err(Error::Value(format!("not all rows of campaign {id} are stored")));
    }
    if let Some(earlier) = question::same_as(tx.conn, id)?.filter(|_| !again) {
        return Ok(Begun::Earlier(earlier));
    }
    set_stage(tx, id, Stage::Running)?;
    Ok(Begun::New(id))
}

/// Removes some of what is left of an earlier try to store the same: it was interrupted before it was started.
/// Returns whether nothing is left.
pub fn sweep(tx: &mut Tx<'_>, new: &NewCampaign) -> Result<bool, Error> {
    let mut query = tx.conn.prepare_cached(
        "SELECT id FROM campaign WHERE account = ?1 AND sha256 = ?2 AND template = ?3
             AND language = ?4 AND stage = 0 LIMIT 1",
    )?;
    let found = query
        .query_row(params![new.account.0, new.sha256, new.template, new.language], |row| row.get(0))
        .optional()?;
    drop(query);
    match found {
        None => Ok(true),
        Some(id) => discard(tx, CampaignId(id)).map(|_| false),
    }
}

/// Removes some rows of a campaign that was never started, and at last itself. Returns whether it is gone.
///
/// # Errors
/// [`Error::Refused`] when it was started.
pub fn discard(tx: &mut Tx<'_>, id: CampaignId) -> Result<bool, Error> {
    expect(stage(tx, id)?, &[Stage::Draft], "discarded")?;
    let gone = tx
        .conn
        .prepare_cached(
            "DELETE FROM campaign_row WHERE campaign = ?1 AND row IN
                 (SELECT row FROM campaign_row WHERE campaign = ?1 ORDER BY row LIMIT ?2)",
        )?
        .execute(params![id.0, i64::try_from(STEP).unwrap_or(i64::MAX)])?;
    if gone >= STEP {
        return Ok(false);
    }
    tx.conn.prepare_cached("DELETE FROM campaign WHERE id = ?1")?.execute([id.0])?;
    tx.changes.outbox = true;
    Ok(true)
}

/// Nothing more of it goes until it is resumed. What is under way ends as it ends; what a person holds stays held.
///
/// # Errors
/// [`Error::Refused`] unless it runs.
pub fn pause(tx: &mut Tx<'_>, id: CampaignId, now: Timestamp) -> Result<(), Error> {
    expect(stage(tx, id)?, &[Stage::Running], "paused")?;
    set_stage(tx, id, Stage::Paused)?;
    settle(tx, id, Stage::Paused, now).map(|_| ())
}

/// It goes on where it was.
///
/// # Errors
/// [`Error::Refused`] unless it is paused.
pub fn resume(tx: &mut Tx<'_>, id: CampaignId, now: Timestamp) -> Result<(), Error> {
    expect(stage(tx, id)?, &[Stage::Paused], "resumed")?;
    set_stage(tx, id, Stage::Running)?;
    settle(tx, id, Stage::Running, now).map(|_| ())
}

/// Nothing more of it goes: messages that wait are taken back, and rows that are none yet never become one.
///
/// # Errors
/// [`Error::Stage`] unless it runs or is paused, and when it is done: what went out was not cancelled.
pub fn cancel_campaign(tx: &mut Tx<'_>, id: CampaignId, now: Timestamp) -> Result<(), Error> {
    expect(stage(tx, id)?, &[Stage::Running, Stage::Paused], "cancelled")?;
    let campaign = question::standing(tx.conn, id)?;
    if campaign.is_done() {
        return Err(Error::Stage { stage: campaign.state(), wanted: "cancelled" });
    }
    set_stage(tx, id, Stage::Cancelled)?;
    settle(tx, id, Stage::Cancelled, now).map(|_| ())
}

/// Brings some of a campaign's messages to where its stage wants them, and says whether there may be more. They
/// are few, since few are written ahead, unless a person sent all that failed again; [`feed`] does the rest then,
/// and the gate lets none go meanwhile.
fn settle(tx: &mut Tx<'_>, id: CampaignId, stage: Stage, now: Timestamp) -> Result<bool, Error> {
    let astray = astray(tx, id, stage)?;
    let more = astray.len() >= STEP;
    for (message, held) in astray {
        match stage {
            Stage::Draft => {}
            Stage::Running => free(tx, message, now)?,
            Stage::Paused if held => hold_for(tx, message, HoldReason::Campaign)?,
            Stage::Paused => hold(tx, message, HoldReason::Campaign, now)?,
            Stage::Cancelled => cancel(tx, message, now)?,
        }
    }
    Ok(more)
}

/// The messages of a campaign that its stage does not want where they are, and whether they are held: when it
/// runs, those that waited for that; when it is paused, those that would go by themselves; when it is
/// cancelled, all that wait. `m` is the message; the numbers are those of row.rs.
const ASTRAY: [(Stage, &str); 3] = [
    (Stage::Running, "m.state = 1 AND m.hold = 5"),
    (Stage::Paused, "(m.state IN (0, 2) OR m.state = 1 AND m.hold IN (4, 6))"),
    (Stage::Cancelled, "m.state IN (0, 1, 2)"),
];

/// What of `ASTRAY` belongs to a stage. The index is named, since with the statistics of a moment at which all
/// that waits is one campaign's SQLite takes another, and walks what waits of all.
fn astray_in(select: &str, stage: Stage, campaign: &str) -> String {
    let which = ASTRAY.iter().find(|(of, _)| *of == stage).map_or("false", |(_, which)| which);
    format!(
        "SELECT {select} FROM message m INDEXED BY message_campaign
         WHERE m.campaign = {campaign} AND m.state < 4 AND {which}"
    )
}

/// What [`astray`] asks of a paused campaign.
#[cfg(test)]
pub(in crate::store) fn astray_sql() -> String {
    astray_in("m.id", Stage::Paused, "?1")
}

fn astray(tx: &Tx<'_>, id: CampaignId, stage: Stage) -> Result<Vec<(MessageId, bool)>, Error> {
    let sql = format!("{} LIMIT ?2", astray_in("m.id, m.state = 1", stage, "?1"));
    let mut query = tx.conn.prepare_cached(&sql)?;
    let most = i64::try_from(STEP).unwrap_or(i64::MAX);
    let rows = query.query_map([id.0, most], |row| Ok((MessageId(row.get(0)?), row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The campaigns with such messages.
fn unsettled(select: &str) -> String {
    let of = |(stage, _): &(Stage, &str)| {
        format!(
            "SELECT {select} FROM campaign c WHERE c.stage = {} AND EXISTS ({})",
            stage_number(*stage),
            astray_in("1", *stage, "c.id")
        )
    };
    ASTRAY.iter().map(of).collect::<Vec<_>>().join(" UNION ALL ")
}

fn stage(tx: &Tx<'_>, id: CampaignId) -> Result<Stage, Error> {
    let mut query = tx.conn.prepare_cached("SELECT stage FROM campaign WHERE id = ?1")?;
    let stage: Option<i64> = query.query_row([id.0], |row| row.get(0)).optional()?;
    stage.map(stage_of).ok_or_else(|| Error::not_found("campaign", id.to_string()))
}

fn expect(stage: Stage, wanted: &[Stage], what: &'static str) -> Result<(), Error> {
    if wanted.contains(&stage) {
        return Ok(());
    }
    Err(Error::Stage { stage: stage.name(), wanted: what })
}

fn set_stage(tx: &mut Tx<'_>, id: CampaignId, stage: Stage) -> Result<(), Error> {
    tx.conn
        .prepare_cached("UPDATE campaign SET stage = ?2 WHERE id = ?1")?
        .execute([id.0, stage_number(stage)])?;
    tx.changes.outbox = true;
    Ok(())
}

const fn stage_number(stage: Stage) -> i64 {
    match stage {
        Stage::Draft => 0,
        Stage::Running => 1,
        Stage::Paused => 2,
        Stage::Cancelled => 3,
    }
}

const fn stage_of(number: i64) -> Stage {
    match number {
        0 => Stage::Draft,
        1 => Stage::Running,
        2 => Stage::Paused,
        _ => Stage::Cancelled,
    }
}
