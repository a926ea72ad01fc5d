//! What the inspector tells of requests: the stored rows, and what their bodies say, which is read anew from
//! them and stored nowhere a second time. Replaying, too.

use crate::api::{signature, webhook};
use crate::domain::event::{Item, ItemKind};
use crate::domain::hook::{Budget, Facet, Fate, Hook, HookKey, LookedTo};
use crate::domain::hook_filter::HookFilter;
use crate::domain::id::EventId;
use crate::domain::page::Page;
use crate::domain::time::Timestamp;
use crate::store::event::{self, EventRow};
use crate::store::ingest::{self, Ingested, RawPost};
use crate::store::{Error, ReadConn, Tx};

/// Places that are read at once while rows are looked for.
const STEP: u32 = 200;

/// A page of requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hooks {
    /// Newest first.
    pub rows: Vec<Hook>,
    /// Newer ones above these.
    pub more_above: bool,
    /// Older ones below these.
    pub more_below: bool,
    /// The search for fitting ones ended here, before all were looked at. It goes on with what lies behind.
    pub looked: Option<LookedTo>,
}

/// A page of the requests that fit. No more than `budget` is looked at, so that a filter that fits nothing costs
/// no more on millions.
pub fn hooks(
    read: &ReadConn,
    filter: &HookFilter,
    page: Page<HookKey>,
    limit: u32,
    budget: Budget,
) -> Result<Hooks, Error> {
    if filter.is_empty() {
        let places = event::places(read, page, limit)?;
        let rows = places.keys.iter().map(|key| hook(read, *key)).collect::<Result<_, _>>()?;
        let (more_above, more_below) = (places.more_above, places.more_below);
        return Ok(Hooks { rows, more_above, more_below, looked: None });
    }
    let below = |from, limit| search(read, filter, from, true, limit, budget);
    let above = |key, limit| search(read, filter, Page::Before(key), false, limit, budget);
    Ok(match page {
        Page::First => below(Page::First, limit)?,
        Page::After(key) => Hooks { more_above: true, ..below(Page::After(key), limit)? },
        Page::Before(key) => Hooks { more_below: true, ..above(key, limit)? },
        Page::Around(key) => {
            let mut found = above(key, limit / 2)?;
            let here = whole(read, key).ok().filter(|(hook, body)| filter.fits(hook, body));
            let rest = below(Page::After(key), limit - limit / 2)?;
            found.rows.extend(here.map(|(hook, _)| hook));
            found.rows.extend(rest.rows);
            Hooks { more_below: rest.more_below, looked: rest.looked, ..found }
        }
    })
}

/// Walks along all places and keeps those that fit.
fn search(
    read: &ReadConn,
    filter: &HookFilter,
    from: Page<HookKey>,
    down: bool,
    limit: u32,
    budget: Budget,
) -> Result<Hooks, Error> {
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut found = Hooks::default();
    let mut page = from;
    let mut left = budget;
    loop {
        let mut places = event::places(read, page, STEP.min(left.requests.max(1)))?;
        if !down {
            places.keys.reverse();
        }
        let mut more = if down { places.more_below } else { places.more_above };
        for key in &places.keys {
            let (hook, body) = whole(read, *key)?;
            left.requests = left.requests.saturating_sub(1);
            left.bytes = left.bytes.saturating_sub(u64::try_from(body.len()).unwrap_or(u64::MAX));
            let at = hook.at();
            // Received times follow the places but for a little; what is much older ends the search.
            if down && filter.since.is_some_and(|since| at.millis() + SLACK < since.millis()) {
                more = false;
                break;
            }
            if filter.fits(&hook, &body) {
                if found.rows.len() == wanted {
                    return Ok(finish(found, down, true, None));
                }
                found.rows.push(hook);
            }
            let is_last = !more && places.keys.last() == Some(key);
            if (left.requests == 0 || left.bytes == 0) && !is_last {
                return Ok(finish(found, down, true, Some(LookedTo { key: *key, at })));
            }
        }
        let Some(last) = places.keys.last().filter(|_| more) else {
            return Ok(finish(found, down, false, None));
        };
        page = if down { Page::After(*last) } else { Page::Before(*last) };
    }
}

/// By so much a clock may have been set back between two requests, in milliseconds.
const SLACK: i64 = 3_600_000;

fn finish(mut found: Hooks, down: bool, more: bool, looked: Option<LookedTo>) -> Hooks {
    found.looked = looked;
    if down {
        Hooks { more_below: more, ..found }
    } else {
        found.rows.reverse();
        Hooks { more_above: more, ..found }
    }
}

/// One request.
pub fn hook(read: &ReadConn, key: HookKey) -> Result<Hook, Error> {
    whole(read, key).map(|(hook, _)| hook)
}

/// One request and what is kept of its body.
fn whole(read: &ReadConn, key: HookKey) -> Result<(Hook, Vec<u8>), Error> {
    if key.arrival != 0 {
        let fate = Fate::Passed(event::arrival(read, key.arrival)?);
        return Ok((Hook { key, fate }, Vec::new()));
    }
    let (row, body) = event::event(read, key.event)?;
    Ok((told(read, row, &body)?, body))
}

/// What is told of an event.
pub fn told(read: &ReadConn, row: EventRow, body: &[u8]) -> Result<Hook, Error> {
    let subjects = row.effects.iter().map(|effect| event::subject(read, effect));
    let subjects = subjects.collect::<Result<_, _>>()?;
    let key = HookKey::of(row.id);
    Ok(Hook { key, fate: Fate::Stored { row, facets: facets(body), subjects } })
}

/// What the items of a body are about; nothing when it cannot be read.
#[must_use]
pub fn facets(body: &[u8]) -> Vec<Facet> {
    webhook::parse(body).map_or_else(|_unread| Vec::new(), |items| webhook::facets(&items))
}

/// The items of a body. One that cannot be read is one item that says so.
pub(super) fn items(body: &[u8]) -> Vec<Item> {
    webhook::parse(body).unwrap_or_else(|error| vec![unknown(body, error.to_string())])
}

/// A whole body as one item that was not understood.
pub(super) fn unknown(body: &[u8], reason: String) -> Item {
    Item {
        waba: None,
        phone_number: None,
        display_number: None,
        field: String::new(),
        kind: ItemKind::Unknown { reason },
        raw: String::from_utf8_lossy(body).into_owned(),
    }
}

/// Applies an event again. What it did before is known and changes nothing.
pub fn replay(tx: &mut Tx<'_>, event: EventId, now: Timestamp) -> Result<Ingested, Error> {
    let body = ingest::body_of(tx, event)?;
    ingest::replay(tx, event, &items(&body), now)
}

/// Applies what a person made of the body of an event.
pub fn replay_edited(
    tx: &mut Tx<'_>,
    event: EventId,
    body: &[u8],
    now: Timestamp,
) -> Result<Ingested, Error> {
    let sha256 = signature::sha256(body);
    let post = RawPost { body: body.to_vec(), sha256, received_at: now };
    ingest::inject(tx, event, &post, &items(body), now)
}
