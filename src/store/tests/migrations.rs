use super::*;
use crate::domain::health::Waiting;
use crate::store::schema;

#[test]
fn a_fresh_file_is_private_and_set_up_as_it_must_be() {
    let world = World::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        for name in ["twoticks.db", "twoticks.db-wal", "twoticks.db-shm"] {
            let mode = std::fs::metadata(world.dir.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }
    let pragma = |name: &str| -> String {
        let sql = format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
        world.write.raw().query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(pragma("journal_mode"), "wal");
    assert_eq!(pragma("synchronous"), "2");
    assert_eq!(pragma("foreign_keys"), "1");
    assert_eq!(pragma("trusted_schema"), "0");
    assert_eq!(pragma("user_version"), schema::newest().to_string());
    world.sound();
}

#[test]
fn a_newer_database_is_refused_untouched() {
    let world = World::new();
    world.write.raw().pragma_update(None, "user_version", 99).unwrap();
    let newer = Error::Newer { found: 99, known: schema::newest() };
    assert_eq!(WriteConn::open(&world.path(), t(0)).unwrap_err(), newer);
    assert_eq!(ReadConn::open(&world.path()).unwrap_err(), newer);
    assert_eq!(std::fs::read_dir(world.dir.path()).unwrap().count(), 3, "no copy was made");
}

#[test]
fn a_database_of_another_program_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE theirs (x)").unwrap();
    assert_eq!(WriteConn::open(&path, t(0)).unwrap_err(), Error::Foreign(path.clone()));
    std::fs::write(&path, vec![b'x'; 4096]).unwrap();
    assert!(matches!(WriteConn::open(&path, t(0)), Err(Error::Corrupt(_))));
}

#[test]
fn a_reader_before_the_writer_is_told_to_come_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("twoticks.db");
    assert_eq!(ReadConn::open(&path).unwrap_err(), Error::Missing(path.clone()));
    std::fs::write(&path, "").unwrap();
    assert_eq!(ReadConn::open(&path).unwrap_err(), Error::Missing(path.clone()));
    let _write = WriteConn::open(&path, t(0)).unwrap();
    assert!(ReadConn::open(&path).is_ok());
}

#[test]
fn an_older_file_is_copied_before_it_is_changed() {
    let mut world = World::new();
    let path = world.path();
    let newest = schema::newest();
    let mut steps = schema::STEPS.to_vec();
    steps.push("CREATE TABLE later (x INTEGER) STRICT;");
    let mut conn = rusqlite::Connection::open(&path).unwrap();
    schema::migrate(&mut conn, &path, &steps, t(7)).unwrap();
    assert_eq!(schema::version(&conn).unwrap(), newest + 1);
    let copy = path.with_file_name(format!("twoticks.db.v{newest}-{}.bak", t(7).millis()));
    let copied = rusqlite::Connection::open(&copy).unwrap();
    assert_eq!(schema::version(&copied).unwrap(), newest);
    let accounts: i64 =
        copied.query_row("SELECT count(*) FROM account", [], |row| row.get(0)).unwrap();
    assert_eq!(accounts, 1);
    assert!(world.write.write(|_| Ok(())).is_ok());
}

#[test]
fn a_step_that_fails_leaves_the_schema_as_it_was() {
    let world = World::new();
    let path = world.path();
    let mut steps = schema::STEPS.to_vec();
    steps.push("CREATE TABLE later (x INTEGER) STRICT; SELECT nonsense;");
    let mut conn = rusqlite::Connection::open(&path).unwrap();
    assert!(schema::migrate(&mut conn, &path, &steps, t(7)).is_err());
    assert_eq!(schema::version(&conn).unwrap(), schema::newest());
    let later: bool = conn
        .query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'later')", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert!(!later);
}

#[test]
fn what_is_held_stays_held_for_its_reason_when_there_are_more_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("twoticks.db");
    let mut conn = rusqlite::Connection::open(&path).unwrap();
    let step =
        schema::STEPS.iter().position(|step| step.contains("hold BETWEEN 1 AND 99")).unwrap();
    schema::migrate(&mut conn, &path, &schema::STEPS[..step], t(0)).unwrap();
    conn.execute_batch(
        "INSERT INTO account (id, name, phone_number_id, scope, created_at) VALUES (1, 'a', '1', 'a', 0);
         INSERT INTO contact (id, created_at) VALUES (1, 0);
         INSERT INTO conversation (id, account, contact, created_at, activity) VALUES (1, 1, 1, 0, 0);
         INSERT INTO campaign (id, account, sha256, file, template, language, stage, at, rows, good)
             VALUES (1, 1, zeroblob(32), 'f', 't', 'en', 2, 0, 1, 1);
         INSERT INTO message (account, conversation, own, direction, author, kind, stored_at, at, state,
                 hold, when_possible, campaign)
             VALUES (1, 1, 1, 2, 2, 1, 0, 1, 1, 3, 0, NULL), (1, 1, 1, 2, 2, 1, 0, 2, 1, 4, 1, NULL),
                    (1, 1, 1, 2, 2, 1, 0, 3, 1, 3, 0, 1), (1, 1, 1, 2, 2, 1, 0, 4, 2, NULL, 0, NULL);",
    )
    .unwrap();
    drop(conn);
    let write = WriteConn::open(&path, t(1)).unwrap();
    let mut query = write.raw().prepare("SELECT hold FROM message ORDER BY at").unwrap();
    let held = query.query_map([], |row| row.get(0)).unwrap();
    let held: Vec<Option<i64>> = held.collect::<Result<_, _>>().unwrap();
    // Nothing told the third one from what a person held.
    assert_eq!(held, [Some(3), Some(4), Some(5), None]);
}

#[test]
fn the_numbers_above_the_queue_are_counted_when_they_are_first_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("twoticks.db");
    let mut conn = rusqlite::Connection::open(&path).unwrap();
    schema::migrate(&mut conn, &path, &schema::STEPS[..6], t(0)).unwrap();
    conn.execute_batch(
        "INSERT INTO account (id, name, phone_number_id, scope, created_at) VALUES (1, 'a', '1', 'a', 0);
         INSERT INTO contact (id, created_at) VALUES (1, 0);
         INSERT INTO conversation (id, account, contact, created_at, activity) VALUES (1, 1, 1, 0, 0);
         INSERT INTO message (account, conversation, own, direction, author, kind, stored_at, at, state)
             VALUES (1, 1, 1, 2, 2, 1, 0, 1, 9), (1, 1, 1, 2, 2, 1, 0, 2, 9),
                    (1, 1, 1, 2, 2, 1, 0, 3, 10), (1, 1, 1, 2, 2, 1, 0, 4, 6);",
    )
    .unwrap();
    drop(conn);
    let _write = WriteConn::open(&path, t(1)).unwrap();
    let read = ReadConn::open(&path).unwrap();
    let expected = Waiting { failed: 2, uncertain: 1, ..Waiting::default() };
    assert_eq!(crate::store::outbox::queue_counts(&read, AccountId(1)).unwrap(), expected);
}
