//! What a commit costs beside the flush is the pages it writes into the log. Their number does not depend on
//! the machine, so it is bounded here; a page takes some microseconds, and the bench `stall` measures what that
//! comes to, checkpoints included.

use super::*;

/// Messages of one commit: the most that the writer takes together.
const GROUP: i64 = 512;

/// Pages that a commit of so many may log, its share of the text index and of merging it included.
const MOST_LOGGED: i64 = 1_000;

/// The pages in the log.
fn log(world: &World) -> i64 {
    let ask = "PRAGMA wal_checkpoint(NOOP)";
    world.write.raw().query_row(ask, [], |row| row.get(1)).unwrap()
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
