//! Hot queries go straight to their rows: no walk over a large table, no sort of everything.

use super::*;
use crate::store::{campaign, merge, outbox};

#[test]
fn no_hot_query_walks_a_large_table_or_sorts() {
    let world = World::new();
    let hot = [
        "SELECT message, id FROM request WHERE id = ?1 AND +account = ?3
         UNION ALL SELECT message, id FROM request WHERE wamid = ?2 AND account = ?3 LIMIT 1",
        "SELECT id FROM outbox WHERE head = 1 AND account = ?1 AND kind = ?2 AND priority = ?3
             AND +not_before <= ?4 ORDER BY place",
        "SELECT not_before FROM outbox WHERE head = 1 AND account = ?1 ORDER BY not_before",
        "SELECT m.id FROM account a CROSS JOIN message m ON m.account = a.id
         WHERE m.state = 3 AND (m.state < 4 OR m.state IN (9, 10))",
        "SELECT id FROM message WHERE conversation = ?1 AND own = 1 AND (at, id) < (?2, ?3)
         ORDER BY at DESC, id DESC LIMIT ?4",
        "SELECT id FROM message WHERE wamid = ?1 AND account = ?2",
        "SELECT id FROM message WHERE target = ?1 AND account = ?2",
        "SELECT c.id FROM conversation c JOIN contact k ON k.id = c.contact
         WHERE c.account = ?1 AND c.shown = 1 AND (c.unread > 0 OR c.marked_unread = 1)
             AND (c.activity, c.id) < (?2, ?3) ORDER BY c.activity DESC, c.id DESC LIMIT ?4",
        "SELECT c.id FROM conversation c JOIN contact k ON k.id = c.contact
         WHERE c.account = ?1 AND c.shown = 1 AND (c.activity, c.id) < (?2, ?3)
         ORDER BY c.activity DESC, c.id DESC LIMIT ?4",
        "SELECT c.id FROM conversation c JOIN contact k ON k.id = c.contact
         WHERE c.account = ?1 AND c.shown = 1 AND c.unanswered = 1 AND +c.last_inbound > ?3
             AND (c.refused_at IS NULL OR c.refused_at < c.last_inbound)
             AND (c.last_inbound, c.id) > (?4, ?5) ORDER BY c.last_inbound ASC, c.id ASC LIMIT ?6",
        "SELECT count(*), min(w.last_inbound) FROM (SELECT c.last_inbound FROM conversation c
             WHERE c.account = ?1 AND c.shown = 1 AND c.unanswered = 1 AND c.last_inbound > ?3
             AND (c.refused_at IS NULL OR c.refused_at < c.last_inbound)
             ORDER BY c.last_inbound LIMIT ?2) AS w",
        "SELECT max(at) FROM message WHERE conversation = ?1 AND own = 1 AND author = 3",
        "SELECT conversation FROM message
         WHERE account = ?1 AND state IN (?2, ?3) AND (state < 4 OR state IN (9, 10))",
        "SELECT id FROM message WHERE account = ?1
             AND state = 9 AND (state < 4 OR state IN (9, 10)) AND ?2 = ?2
             AND id < ?3 ORDER BY id DESC LIMIT ?4",
        "SELECT id FROM message WHERE account = ?1
             AND state = 2 AND (state < 4 OR state IN (9, 10)) AND ?2 = ?2
             AND id >= ?3 ORDER BY id ASC LIMIT ?4",
        "SELECT id FROM message WHERE account = ?1 AND state = 0
             AND (not_before, id) > (?2, ?3) ORDER BY not_before ASC, id ASC LIMIT ?4",
        "SELECT id FROM message WHERE account = ?1 AND state = 0
             AND (not_before, id) < (?2, ?3) ORDER BY not_before DESC, id DESC LIMIT ?4",
        "SELECT count(*) FROM request WHERE account = ?1 AND at >= ?2 AND at < ?3",
        "SELECT r.row FROM campaign c JOIN campaign_row r ON r.campaign = c.id AND r.row > c.fed
         WHERE c.id = ?1 AND r.skip IS NULL ORDER BY r.row LIMIT ?2",
        "SELECT row FROM campaign_row WHERE campaign = ?1 AND row > ?2 ORDER BY row LIMIT ?3",
        "SELECT id FROM campaign WHERE account = ?1 AND sha256 = ?2 AND template = ?3
             AND language = ?4 AND stage > 0 ORDER BY id DESC LIMIT 1",
        "SELECT id FROM timeline WHERE message = ?1 AND at = ?2 AND state = ?3 AND report > 0",
    ];
    for sql in hot {
        let mut query = world.read.conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        for number in 1..=query.parameter_count() {
            query.raw_bind_parameter(number, 1).unwrap();
        }
        let mut steps = query.raw_query();
        while let Some(step) = steps.next().unwrap() {
            let step: String = step.get(3).unwrap();
            // Accounts are few, and `w` ends at its limit; everything else grows.
            let few = ["SCAN a", "SCAN w"].contains(&step.as_str());
            let walks = step.starts_with("SCAN") && !few && !step.contains("INDEX");
            assert!(!walks && !step.contains("TEMP B-TREE"), "{step} in {sql}");
        }
    }
}

/// With the statistics of a moment at which all that waited was one campaign's, SQLite took the index over what
/// waits of all accounts: at every piece of news the whole queue was walked.
#[test]
fn a_campaign_is_looked_up_by_itself_whatever_the_statistics_say() {
    let world = World::new();
    world
        .write
        .raw()
        .execute_batch(
            "ANALYZE;
             DELETE FROM sqlite_stat1 WHERE tbl = 'message';
             INSERT INTO sqlite_stat1 VALUES ('message', 'message_campaign', '190 190 190 190'),
                 ('message', 'message_open', '190 190 190');",
        )
        .unwrap();
    // Statistics are read when a connection is opened.
    let read = ReadConn::open(&world.path()).unwrap();
    let hot = [campaign::WAITING.to_owned(), campaign::hungry_sql(), campaign::astray_sql()];
    for sql in &hot {
        let mut query = read.conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        for number in 1..=query.parameter_count() {
            query.raw_bind_parameter(number, 1).unwrap();
        }
        let mut steps = query.raw_query();
        let mut looked_up = false;
        while let Some(step) = steps.next().unwrap() {
            let step: String = step.get(3).unwrap();
            assert!(!step.contains("message_open") && step != "SCAN message", "{step} in {sql}");
            looked_up |= step.contains("INDEX message_campaign (campaign=?");
        }
        assert!(looked_up, "{sql}");
    }
}

/// It once walked everything that waits, by its kind: each page of a long queue took as long as all of it.
#[test]
fn who_waits_behind_whom_is_looked_up_by_message() {
    let world = World::new();
    let sql = format!("EXPLAIN QUERY PLAN {}", outbox::BEHIND);
    let mut query = world.read.conn.prepare(&sql).unwrap();
    let steps = query.query_map(["[]"], |row| row.get::<_, String>(3)).unwrap();
    let steps: Vec<String> = steps.collect::<Result<_, _>>().unwrap();
    assert!(steps[0].contains("outbox_message (message=?)"), "{steps:?}");
}

/// Who waits is found by when they wrote, not by walking all who wait: most of these windows closed long ago.
#[test]
fn windows_that_close_are_looked_up_by_when_the_contact_wrote() {
    let world = World::new();
    let sql = "EXPLAIN QUERY PLAN SELECT c.id FROM conversation c
         WHERE c.account = ?1 AND c.shown = 1 AND c.unanswered = 1 AND c.last_inbound > ?2
         ORDER BY c.last_inbound LIMIT ?3";
    let mut query = world.read.conn.prepare(sql).unwrap();
    let steps = query.query_map([1, 1, 1], |row| row.get::<_, String>(3)).unwrap();
    let steps: Vec<String> = steps.collect::<Result<_, _>>().unwrap();
    assert!(steps[0].contains("conversation_closing (account=? AND last_inbound>?)"), "{steps:?}");
}

/// The numbers above the queue are kept and not counted at each look, so a wrong one would stay.
#[test]
fn a_number_above_the_queue_that_is_wrong_is_found() {
    let mut world = World::new();
    let conversation = world.begin("1");
    world.say(conversation, "hello", t(1));
    world.sound();
    world.write.raw().execute("UPDATE queue_count SET n = n + 1 WHERE state = 2", []).unwrap();
    let wrong = format!("numbers above the queue are wrong for account: {}", world.account);
    assert_eq!(check::check(&world.read).unwrap(), [wrong]);
}

/// It decides whether messages are held, and nothing told when it was off.
#[test]
fn a_wrong_number_of_people_written_to_was_not_found() {
    let world = World::new();
    let wrong = "INSERT INTO reached_count SELECT scope, 7 FROM account";
    world.write.raw().execute(wrong, []).unwrap();
    let found =
        format!("number of people written to in a day is wrong for account: {}", world.account);
    assert_eq!(check::check(&world.read).unwrap(), [found]);
}

/// The inspector's pages, and letting go of old bodies, on a log of any length: each query goes along a key.
#[test]
fn the_inspector_and_the_pruning_walk_no_more_than_they_show() {
    let world = World::new();
    for sql in [
        "SELECT id, 0 FROM event WHERE (id, 0) < (?1, ?2) AND id <= ?1 ORDER BY id DESC LIMIT ?3",
        "SELECT id, 0 FROM event WHERE (id, 0) > (?1, ?2) AND id >= ?1 ORDER BY id ASC LIMIT ?3",
        "SELECT after, id FROM arrival WHERE (after, id) < (?1, ?2)
             ORDER BY after DESC, id DESC LIMIT ?3",
        "SELECT after, id FROM arrival WHERE (after, id) >= (?1, ?2)
             ORDER BY after ASC, id ASC LIMIT ?3",
        "SELECT e.id, length(b.body), EXISTS (SELECT 1 FROM event o WHERE o.body = e.body AND o.id < e.id),
             h.secret FROM event e JOIN event_body b ON b.id = e.body
             LEFT JOIN event_head h ON h.id = e.head WHERE e.id < ?1 ORDER BY e.id DESC LIMIT ?2",
        "SELECT * FROM event_effect WHERE event = ?1 ORDER BY id",
        "SELECT b.id, (SELECT max(e.received_at) FROM event e WHERE e.body = b.id),
             EXISTS (SELECT 1 FROM event e JOIN event_effect f ON f.event = e.id
                     WHERE e.body = b.id AND f.kind >= 8)
             FROM event_body b WHERE b.id > ?1 ORDER BY b.id LIMIT ?2",
        "DELETE FROM arrival WHERE id <= ?1",
        "UPDATE event SET took = ?2 WHERE id = ?1",
    ] {
        let mut query = world.read.conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        for number in 1..=query.parameter_count() {
            query.raw_bind_parameter(number, 1).unwrap();
        }
        let mut steps = query.raw_query();
        while let Some(step) = steps.next().unwrap() {
            let step: String = step.get(3).unwrap();
            let walks = step.starts_with("SCAN") || step.contains("TEMP B-TREE");
            assert!(!walks, "{step} in {sql}");
        }
    }
}

/// It once walked everything that was ever begun: writing to so many new people took the longer for each.
#[test]
fn what_was_begun_with_a_contact_is_looked_up_by_its_identities() {
    let world = World::new();
    let mut query =
        world.read.conn.prepare(&format!("EXPLAIN QUERY PLAN {}", merge::BEGUN)).unwrap();
    let steps = query.query_map([1], |row| row.get::<_, String>(3)).unwrap();
    let steps: Vec<String> = steps.collect::<Result<_, _>>().unwrap();
    let found = "SEARCH b USING PRIMARY KEY (account=? AND kind=? AND scope=? AND value=?)";
    assert!(steps.iter().any(|step| step == found), "{steps:?}");
    assert!(steps[0].contains("identity_contact (contact=?)"), "{steps:?}");
}

/// A list of more than two numbers in the condition of an index or a trigger is a table to SQLite, which it
/// once made and dropped for each message that was written and each step of its state.
#[test]
fn writing_a_message_made_a_table_for_the_states_in_a_condition() {
    let world = World::new();
    for sql in [
        "UPDATE message SET state = 4 WHERE id = 1",
        "INSERT INTO message (account, conversation, own, direction, author, at, state, kind, stored_at)
         VALUES (1, 1, 1, 2, 2, 1, 2, 1, 1)",
    ] {
        let mut query = world.write.raw().prepare(&format!("EXPLAIN {sql}")).unwrap();
        let steps = query.query_map([], |row| row.get::<_, String>(1)).unwrap();
        let steps: Vec<String> = steps.collect::<Result<_, _>>().unwrap();
        assert!(steps.iter().any(|step| step == "IdxInsert"), "{steps:?}");
        assert!(steps.iter().all(|step| step != "OpenEphemeral"), "{sql}: {steps:?}");
    }
}
