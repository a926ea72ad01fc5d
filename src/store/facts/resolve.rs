//! From facts to contacts.
//!
//! A number is cut into stretches, where it was given up or taken, and where another user id appeared on it.
//! Stretches and user ids are nodes, links and changes are edges, and each connected part is one contact.
//! The result depends on the set of facts alone; existing contacts keep their ids as far as possible.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, params};

use super::{Ident, PHONE, USER, refresh_contact};
use crate::domain::id::ContactId;
use crate::domain::time::Timestamp;
use crate::store::error::Error;
use crate::store::merge;
use crate::store::wish;
use crate::store::write::Tx;

/// The end of a stretch that has not ended.
pub(super) const FOREVER: i64 = i64::MAX;

struct Link {
    a: Ident,
    b: Ident,
    at: i64,
}

#[derive(Clone)]
struct Change {
    old: Ident,
    new: Ident,
    at: i64,
}

/// A stretch of an identity and, once known, whose it was.
struct Node {
    ident: Ident,
    from: i64,
    to: i64,
    part: usize,
}

/// Derives anew everything that hangs together with these identities.
pub(super) fn resolve(tx: &mut Tx<'_>, seeds: &[Ident], now: Timestamp) -> Result<(), Error> {
    let Facts { idents, links, changes } = gather(tx.conn, seeds)?;
    let changes = without_repeats(changes);
    let mut nodes = cut(&idents, &links, &changes);
    join(&mut nodes, &links, &changes);
    let before = stored(tx.conn, &idents)?;
    let owners = assign(tx, &nodes, &before, now)?;
    write(tx, &idents, &nodes, &before, &owners)
}

/// What is known about some identities.
struct Facts {
    idents: BTreeSet<Ident>,
    links: Vec<Link>,
    changes: Vec<Change>,
}

/// All facts that hang together with the seeds.
fn gather(conn: &Connection, seeds: &[Ident]) -> Result<Facts, Error> {
    let mut idents: BTreeSet<Ident> = seeds.iter().cloned().collect();
    let mut open: Vec<Ident> = idents.iter().cloned().collect();
    let mut links = BTreeSet::new();
    let mut changes = BTreeSet::new();
    while let Some(ident) = open.pop() {
        let found_links = pairs(
            conn,
            "SELECT a_kind, a_scope, a_value, b_kind, b_scope, b_value, at FROM identity_link
             WHERE (a_kind, a_scope, a_value) = (?1, ?2, ?3)
             UNION ALL
             SELECT a_kind, a_scope, a_value, b_kind, b_scope, b_value, at FROM identity_link
             WHERE (b_kind, b_scope, b_value) = (?1, ?2, ?3)",
            &ident,
        )?;
        let found_changes = pairs(
            conn,
            "SELECT kind, scope, old_value, new_kind, new_scope, new_value, at FROM identity_change
             WHERE (kind, scope, old_value) = (?1, ?2, ?3)
             UNION ALL
             SELECT kind, scope, old_value, new_kind, new_scope, new_value, at FROM identity_change
             WHERE (new_kind, new_scope, new_value) = (?1, ?2, ?3)",
            &ident,
        )?;
        for (a, b, _) in found_links.iter().chain(&found_changes) {
            for other in [a, b] {
                if idents.insert(other.clone()) {
                    open.push(other.clone());
                }
            }
        }
        links.extend(found_links);
        changes.extend(found_changes);
    }
    let links = links.into_iter().map(|(a, b, at)| Link { a, b, at }).collect();
    let changes = changes.into_iter().map(|(old, new, at)| Change { old, new, at }).collect();
    Ok(Facts { idents, links, changes })
}

fn pairs(conn: &Connection, sql: &str, ident: &Ident) -> Result<Vec<(Ident, Ident, i64)>, Error> {
    let mut query = conn.prepare_cached(sql)?;
    let rows = query.query_map(params![ident.kind, ident.scope, ident.value], |row| {
        let a = Ident { kind: row.get(0)?, scope: row.get(1)?, value: row.get(2)? };
        let b = Ident { kind: row.get(3)?, scope: row.get(4)?, value: row.get(5)? };
        Ok((a, b, row.get(6)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One change may be told twice, at slightly different times: the first counts, until there is a way back.
fn without_repeats(mut changes: Vec<Change>) -> Vec<Change> {
    changes.sort_by(|a, b| (a.at, &a.old, &a.new).cmp(&(b.at, &b.old, &b.new)));
    let mut kept: Vec<Change> = Vec::new();
    for change in &changes {
        let last = kept.iter().rev().find(|k| k.old == change.old && k.new == change.new);
        let repeats = last.is_some_and(|last| {
            !changes
                .iter()
                .any(|back| back.old == change.new && last.at < back.at && back.at <= change.at)
        });
        if !repeats {
            kept.push(change.clone());
        }
    }
    kept
}

/// Cuts every number into stretches; a user id is one stretch.
fn cut(idents: &BTreeSet<Ident>, links: &[Link], changes: &[Change]) -> Vec<Node> {
    let mut nodes = Vec::new();
    for ident in idents {
        let mut cuts = BTreeSet::from([0]);
        if ident.kind == PHONE {
            cuts.extend(
                changes.iter().filter(|c| c.old == *ident || c.new == *ident).map(|c| c.at.max(0)),
            );
            for at in other_users(ident, links, &cuts) {
                cuts.insert(at);
            }
        }
        let ends = cuts.iter().skip(1).copied().chain([FOREVER]).collect::<Vec<_>>();
        for (from, to) in cuts.into_iter().zip(ends) {
            let part = nodes.len();
            nodes.push(Node { ident: ident.clone(), from, to, part });
        }
    }
    nodes
}

/// When a second user id of one scope appeared within a stretch of a number: somebody else has it now.
fn other_users(number: &Ident, links: &[Link], cuts: &BTreeSet<i64>) -> Vec<i64> {
    let mut seen: BTreeMap<(i64, &str), Vec<i64>> = BTreeMap::new();
    for link in links.iter().filter(|link| link.a.kind == USER && link.b == *number) {
        let stretch = cuts.range(..=link.at.max(0)).next_back().copied().unwrap_or(0);
        seen.entry((stretch, &link.a.scope)).or_default().push(link.at);
    }
    let mut found = Vec::new();
    for times in seen.values_mut() {
        times.sort_unstable();
        found.extend(times.iter().skip(1).filter(|at| Some(*at) != times.first()));
    }
    found
}

fn at(nodes: &[Node], ident: &Ident, at: i64) -> Option<usize> {
    nodes.iter().position(|node| node.ident == *ident && node.from <= at && at < node.to)
}

/// Gives all nodes of one person the same part number.
fn join(nodes: &mut [Node], links: &[Link], changes: &[Change]) {
    let linked = links.iter().map(|l| (at(nodes, &l.a, l.at.max(0)), at(nodes, &l.b, l.at.max(0))));
    let moved = changes.iter().map(|c| {
        // A number was theirs until just before; a user id has no end.
        let before = if c.old.kind == PHONE { c.at - 1 } else { c.at.max(0) };
        (at(nodes, &c.old, before), at(nodes, &c.new, c.at.max(0)))
    });
    let edges: Vec<_> = linked.chain(moved).collect();
    for edge in edges {
        let part = |index: Option<usize>| index.and_then(|i| nodes.get(i)).map(|node| node.part);
        if let (Some(keep), Some(gone)) = (part(edge.0), part(edge.1)) {
            for node in nodes.iter_mut().filter(|node| node.part == gone) {
                node.part = keep;
            }
        }
    }
}

/// A row of `identity` as it stands.
#[derive(Clone, PartialEq, Eq)]
struct Stored {
    ident: Ident,
    from: i64,
    to: i64,
    contact: ContactId,
}

fn stored(conn: &Connection, idents: &BTreeSet<Ident>) -> Result<Vec<Stored>, Error> {
    let mut query = conn.prepare_cached(
        "SELECT valid_from, valid_to, contact FROM identity
         WHERE kind = ?1 AND scope = ?2 AND value = ?3 ORDER BY valid_from",
    )?;
    let mut all = Vec::new();
    for ident in idents {
        let rows = query.query_map(params![ident.kind, ident.scope, ident.value], |row| {
            Ok(Stored {
                ident: ident.clone(),
                from: row.get(0)?,
                to: row.get(1)?,
                contact: ContactId(row.get(2)?),
            })
        })?;
        for row in rows {
            all.push(row?);
        }
    }
    Ok(all)
}

/// Which contact each part is. A contact goes on as the part that has its earliest stretch; a part that
/// several contacts lead to goes on as the oldest of them, and the others are merged into it.
fn assign(
    tx: &mut Tx<'_>,
    nodes: &[Node],
    before: &[Stored],
    now: Timestamp,
) -> Result<BTreeMap<usize, ContactId>, Error> {
    let mut claims: BTreeMap<ContactId, (i64, &Ident, usize)> = BTreeMap::new();
    for row in before {
        let overlapping =
            nodes.iter().filter(|n| n.ident == row.ident && n.from < row.to && row.from < n.to);
        for node in overlapping {
            let claim = (node.from.max(row.from), &node.ident, node.part);
            claims.entry(row.contact).and_modify(|c| *c = claim.min(*c)).or_insert(claim);
        }
    }
    let mut owners = BTreeMap::new();
    for (contact, (_, _, part)) in claims {
        match owners.get(&part) {
            None => {
                owners.insert(part, contact);
            }
            Some(winner) => merge::merge_contacts(tx, contact, *winner)?,
        }
    }
    for node in nodes {
        if let Entry::Vacant(vacant) = owners.entry(node.part) {
            let mut insert =
                tx.conn.prepare_cached("INSERT INTO contact (created_at) VALUES (?1)")?;
            vacant.insert(ContactId(insert.insert([now.millis()])?));
        }
    }
    Ok(owners)
}

/// Writes the identities down, and moves messages that turn out to be somebody else's.
fn write(
    tx: &mut Tx<'_>,
    idents: &BTreeSet<Ident>,
    nodes: &[Node],
    before: &[Stored],
    owners: &BTreeMap<usize, ContactId>,
) -> Result<(), Error> {
    let after: Vec<Stored> = nodes
        .iter()
        .filter_map(|node| {
            let contact = *owners.get(&node.part)?;
            Some(Stored { ident: node.ident.clone(), from: node.from, to: node.to, contact })
        })
        .collect();
    if after != before {
        for ident in idents {
            tx.conn
                .prepare_cached(
                    "DELETE FROM identity WHERE kind = ?1 AND scope = ?2 AND value = ?3",
                )?
                .execute(params![ident.kind, ident.scope, ident.value])?;
        }
        let mut insert =
            tx.conn.prepare_cached("INSERT INTO identity VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
        for row in &after {
            let Ident { kind, scope, value } = &row.ident;
            insert.execute(params![kind, scope, value, row.from, row.to, row.contact.0])?;
        }
        drop(insert);
        for loser in losers(tx.conn, before, &after)? {
            merge::rehome(tx, loser)?;
        }
    }
    let contacts: BTreeSet<ContactId> = owners.values().copied().collect();
    if after != before {
        contacts.iter().try_for_each(|contact| merge::rebegin(tx, *contact))?;
        contacts.iter().try_for_each(|contact| wish::refresh(tx, *contact))?;
    }
    contacts.into_iter().try_for_each(|contact| refresh_contact(tx, contact))
}

/// Contacts that a stretch was taken from, and that still stand.
fn losers(
    conn: &Connection,
    before: &[Stored],
    after: &[Stored],
) -> Result<BTreeSet<ContactId>, Error> {
    let mut losers = BTreeSet::new();
    for was in before {
        let contact = merge::contact_now(conn, was.contact)?;
        let lost = after.iter().any(|is| {
            is.ident == was.ident && is.from < was.to && was.from < is.to && is.contact != contact
        });
        if lost {
            losers.insert(contact);
        }
    }
    Ok(losers)
}
