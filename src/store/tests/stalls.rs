//! What a commit costs beside the flush is the pages it writes into the log. Their number does not depend on
//! the machine, so it is bounded here; a page takes some microseconds, and the bench `stall` measures what that
//! comes to, checkpoints included.

use super::*;
use crate::store::move_log;

/// Messages of one commit: the most that the writer takes together.
const GROUP: i64 = 512;

/// Pages that a commit of so many may log, its share of the text index and of merging it included.
const MOST_LOGGED: i64 = 1_000;

/// Pages that a commit may move from the log into the file: what SQLite lets come together before it moves
/// them, and what this commit logged itself.
const MOST_MOVED: i64 = 1_792 + MOST_LOGGED;

/// The pages in the log, and how many of them are in the file already.
fn log_and_moved(world: &World) -> (i64, i64) {
    let ask = "PRAGMA wal_checkpoint(NOOP)";
    world.write.raw().query_row(ask, [], |row| Ok((row.get(1)?, row.get(2)?))).unwrap()
}

/// The pages in the log.
fn log(world: &World) -> i64 {
    log_and_moved(world).0
}

/// The pages that a step logs.
fn logged(world: &mut World, step: impl FnOnce(&mut World)) -> i64 {
    let before = log(world);
    step(world);
    let after = log(world);
    // A log that began anew counts from nothing.
    if after < before { after } else { after - before }
}

/// Commits of as many messages as fit into one, of words that all say and words that few say; now and then a
/// quiet moment. Returns the most pages that a step logs.
fn flood(world: &mut World, commits: i64) -> i64 {
    let conversation = world.begin("1");
    let account = world.account;
    let mut most = 0;
    for commit in 0..commits {
        let pages = logged(world, |world| {
            world.do_it(|tx| {
                tx.conn.execute(
                    "WITH RECURSIVE n (i) AS (VALUES (?1) UNION ALL SELECT i + 1 FROM n WHERE i < ?1 + ?2 - 1)
                     INSERT INTO message (account, conversation, own, direction, author, kind, text,
                         stored_at, at, state)
                     SELECT ?3, ?4, 1, 1, 1, 1, printf('the %x parcel %x arrives %x at %x on %x and %x',
                         i % 7, i * 7919 % 30011, i * 104729 % 30011, i, i % 365, i * 31 % 1009), i, i, 12
                     FROM n",
                    rusqlite::params![commit * GROUP, GROUP, account.0, conversation.0],
                )?;
                Ok(())
            });
        });
        most = most.max(pages);
        if commit % 5 == 4 {
            most = most.max(logged(world, |world| {
                world.write.maintain().unwrap();
            }));
        }
    }
    most
}

#[test]
fn no_commit_pays_for_a_whole_merge() {
    let mut world = World::new();
    let most = flood(&mut world, 120);
    assert!(most <= MOST_LOGGED, "{most} pages");
}

/// The test sees what it looks for.
#[test]
fn an_index_that_is_merged_at_once_would_stall_a_commit() {
    let mut world = World::new();
    let at_once =
        "INSERT INTO message_fts (message_fts, rank) VALUES ('automerge', 0), ('crisismerge', 4)";
    world.write.raw().execute(at_once, []).unwrap();
    let most = flood(&mut world, 120);
    assert!(most > MOST_LOGGED, "{most} pages");
}

/// Webhooks in one commit as the writer makes them. Returns the pages that it moved, and whether the log is to be
/// moved by somebody else.
fn webhooks(world: &mut World, commit: i64, bounded: bool) -> (i64, bool) {
    let before = log_and_moved(world);
    world.do_it(|tx| {
        for number in commit * 64..(commit + 1) * 64 {
            let wamid = format!("wamid.{number}");
            let from = phone(&format!("4915{:09}", number * 7919 % 30_011));
            let words = format!("the parcel {number} arrives at {}", number * 104_729 % 1_009);
            let item = heard(&wamid, from, t(number), &words);
            let mut sha256 = [0; 32];
            sha256[..8].copy_from_slice(&number.to_be_bytes());
            let body = wamid.into_bytes().repeat(80);
            ingest(tx, &RawPost { body, sha256, received_at: t(number) }, &[item], t(number))?;
        }
        Ok(())
    });
    let long = bounded && world.write.bound_log().unwrap();
    let after = log_and_moved(world);
    // A log that began anew was in the file as a whole.
    let moved = if after < before { before.0 - before.1 + after.1 } else { after.1 - before.1 };
    (moved, long)
}

/// Webhooks while readers follow one another: without a gap, so that the log is never free to begin anew, or not.
/// Returns the most pages that a step moved, and how many in all.
fn flow(world: &mut World, gaps: bool, bounded: bool) -> (i64, i64) {
    let (mut most, mut all) = (0, 0);
    let mut reader = None;
    for commit in 0..150_i64 {
        let (moved, _) = webhooks(world, commit, bounded);
        most = most.max(moved);
        all += moved;
        if commit % 3 == 0 {
            let next = ReadConn::open(&world.path()).unwrap();
            next.conn.execute_batch("BEGIN; SELECT count(*) FROM account").unwrap();
            // The one before it ends only now.
            reader = Some(next);
        } else if gaps {
            reader = None;
        }
    }
    drop(reader);
    (most, all)
}

/// Webhooks while somebody reads for so long that the log grows far beyond what a commit may move, and some after
/// that, with `beside` in between. Returns the most pages that a commit moved.
fn long_read(world: &mut World, mut beside: impl FnMut(&mut World, bool)) -> i64 {
    let mut commits = 0..;
    world.read.conn.execute_batch("BEGIN; SELECT count(*) FROM account").unwrap();
    let mut most = 0;
    while log(world) < 4 * MOST_MOVED {
        let (moved, long) = webhooks(world, commits.next().unwrap(), true);
        most = most.max(moved);
        beside(world, long);
    }
    world.read.conn.execute_batch("COMMIT").unwrap();
    for commit in commits.take(20) {
        let (moved, long) = webhooks(world, commit, true);
        most = most.max(moved);
        beside(world, long);
    }
    most
}

#[test]
fn no_commit_pays_for_what_a_long_read_kept_in_the_log() {
    let mut world = World::new();
    let mut moved_beside = 0;
    let most = long_read(&mut world, |world, long| {
        if long {
            let before = log_and_moved(world).1;
            move_log(&world.path()).unwrap();
            moved_beside += log_and_moved(world).1 - before;
        }
    });
    assert!(most <= MOST_MOVED, "{most} pages");
    assert!(moved_beside > 3 * MOST_MOVED, "{moved_beside} pages");
    let (left, moved) = log_and_moved(&world);
    assert!(left <= MOST_MOVED && left - moved <= MOST_MOVED, "it began anew: {left}, {moved}");
    world.sound();
}

/// The test sees what it looks for.
#[test]
fn a_commit_that_moves_all_that_a_long_read_kept_would_stall() {
    let most = long_read(&mut World::new(), |world, _| {
        world.write.raw().pragma_update(None, "wal_autocheckpoint", 1792).unwrap();
    });
    assert!(most > MOST_MOVED, "{most} pages");
}

#[test]
fn no_commit_pays_for_a_long_checkpoint_while_webhooks_flow() {
    for gaps in [true, false] {
        let (most, all) = flow(&mut World::new(), gaps, true);
        assert!(most <= MOST_MOVED, "{most} pages with gaps: {gaps}");
        assert!(all > 3 * MOST_MOVED, "only {all} pages are moved: it shows nothing");
    }
}

/// The test sees what it looks for.
#[test]
fn a_log_that_is_left_to_itself_would_stall_a_commit() {
    let mut world = World::new();
    world.write.raw().pragma_update(None, "wal_autocheckpoint", 4 * MOST_MOVED).unwrap();
    let (most, _) = flow(&mut world, true, false);
    assert!(most > MOST_MOVED, "{most} pages");
}
