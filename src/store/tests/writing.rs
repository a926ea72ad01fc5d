use super::super::text_index::DAMAGED;
use super::*;
use crate::store::account::accounts;
use crate::store::search;
use crate::store::write::WriteJob;

fn rename(name: &str) -> WriteJob {
    let new = NewAccount {
        name: name.to_owned(),
        phone_number: PhoneNumberId::new(name),
        waba: None,
        display_number: None,
    };
    Box::new(move |tx| upsert_account(tx, &new, t(1)).map(drop))
}

fn names(world: &World) -> Vec<String> {
    accounts(&world.read).unwrap().into_iter().map(|account| account.name).collect()
}

#[test]
fn a_job_that_fails_takes_only_itself_back() {
    let mut world = World::new();
    let chat = world.begin("1");
    let failing: WriteJob = Box::new(move |tx| {
        tx.touch(chat);
        tx.conn.execute("UPDATE account SET name = 'spoiled'", [])?;
        Err(Error::not_found("message", "7"))
    });
    let mut jobs = [rename("a"), failing, rename("b")];
    let group = world.write.commit_group(&mut jobs);
    assert_eq!(group.results, [Ok(()), Err(Error::not_found("message", "7")), Ok(())]);
    assert!(group.changes.conversations.is_empty(), "what failed changed nothing");
    assert_eq!(names(&world), ["shop", "a", "b"]);
}

#[test]
fn a_new_or_renamed_account_is_told_and_a_known_one_is_not_written_again() {
    let mut world = World::new();
    let mut told = |name| world.write.commit_group(&mut [rename(name)]).changes.everything;
    assert!(told("a"));
    assert!(!told("a"));
    let new = NewAccount {
        name: "other".to_owned(),
        phone_number: PhoneNumberId::new("a"),
        waba: Some(WabaId::new("w")),
        display_number: None,
    };
    let (first, changes) = world.write.write(|tx| upsert_account(tx, &new, t(2))).unwrap();
    assert!(changes.everything);
    let lacking = NewAccount { waba: None, ..new };
    let (again, changes) = world.write.write(|tx| upsert_account(tx, &lacking, t(2))).unwrap();
    assert_eq!(first, again);
    assert!(changes.is_empty(), "what the config leaves out stays as it was");
}

#[test]
fn a_full_disk_fails_only_the_jobs_that_do_not_fit() {
    let mut world = World::new();
    let pages: i64 =
        world.write.raw().query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    world.write.raw().pragma_update(None, "max_page_count", pages + 10).unwrap();
    let huge: WriteJob = Box::new(|tx| {
        let post = RawPost { body: vec![7; 1 << 20], sha256: [9; 32], received_at: t(0) };
        ingest(tx, &post, &[], t(0)).map(drop)
    });
    let mut jobs = [rename("a"), huge, rename("b")];
    let group = world.write.commit_group(&mut jobs);
    assert_eq!(group.results, [Ok(()), Err(Error::Full), Ok(())]);
    assert_eq!(names(&world), ["shop", "a", "b"]);
    world.write.raw().pragma_update(None, "max_page_count", pages + 10_000).unwrap();
    let group = world.write.commit_group(&mut jobs[1..2]);
    assert_eq!(group.results, [Ok(())], "it works again without a restart");
    world.sound();
}

#[test]
fn a_job_may_be_run_twice_but_is_stored_once() {
    let mut world = World::new();
    let runs = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let shared = std::sync::Arc::clone(&runs);
    let mut inner = rename("a");
    let counted: WriteJob = Box::new(move |tx| {
        shared.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        inner(tx)
    });
    // Ends the shared transaction behind the engine's back, as SQLite does on an I/O error.
    let breaking: WriteJob = Box::new(|tx| {
        tx.conn.execute_batch("ROLLBACK")?;
        Err(Error::Io("disk".to_owned()))
    });
    let group = world.write.commit_group(&mut [counted, breaking]);
    assert_eq!(group.results, [Ok(()), Err(Error::Io("disk".to_owned()))]);
    assert_eq!(runs.load(std::sync::atomic::Ordering::Relaxed), 2);
    assert_eq!(names(&world), ["shop", "a"]);
}

#[test]
fn new_messages_are_searchable_after_a_quiet_moment_or_when_many_wait() {
    let mut world = World::new();
    let chat = world.begin("1");
    let found = |world: &World| search::search(&world.read, "parcel", None, 1000).unwrap().len();
    world.say(chat, "your parcel", t(1));
    assert_eq!(found(&world), 0, "a commit does not wait for the text index");
    world.write.index().unwrap();
    assert_eq!(found(&world), 1);
    for n in 0..300 {
        world.say(chat, "another parcel", t(n));
    }
    let some = found(&world);
    assert!(some > 200, "without a quiet moment only {some} were found");
    // As after a crash: whoever writes next finds the rest.
    world.write = WriteConn::open(&world.path(), t(0)).unwrap();
    world.write.maintain().unwrap();
    assert_eq!(found(&world), 301);
    world.sound();
}

/// Each commit failed once 256 messages waited for the index, and webhooks were refused for ever.
#[test]
fn a_damaged_text_index_keeps_no_message_from_being_stored_and_is_made_anew() {
    for damage in [
        "UPDATE message_fts_data SET block = x'00' WHERE id = 10",
        "UPDATE message_fts_data SET block = x'ff00ff00ff'",
        "DELETE FROM message_fts_data; UPDATE contact_fts_data SET block = x'00' WHERE id = 10",
    ] {
        let mut world = World::new();
        let chat = world.begin("1");
        let first = world.say(chat, "a first parcel", t(1));
        world.write.index().unwrap();
        world.write.raw().execute_batch(damage).unwrap();
        world.write = WriteConn::open(&world.path(), t(0)).unwrap();
        for n in 0..300 {
            world.say(chat, "your parcel", t(n));
        }
        world.write.index().unwrap();
        world.write.maintain().unwrap();
        assert!(world.write.is_search_damaged(), "{damage}");
        world.do_it(|tx| {
            let edit = "UPDATE message SET edited_text = 'an edited parcel' WHERE id = ?1";
            Ok(tx.conn.execute(edit, [first.0])?)
        });
        let found = check::check(&world.read).unwrap();
        assert!(!found.is_empty(), "{damage}");
        assert!(found.iter().all(|finding| finding.starts_with(DAMAGED)), "{damage}: {found:?}");

        world.write = WriteConn::open(&world.path(), t(0)).unwrap();
        world.write.repair_search().unwrap();
        assert!(!world.write.is_search_damaged(), "{damage}");
        world.sound();
        assert_eq!(world.write.check_search(), Ok(None));
        assert_eq!(search::search(&world.read, "parcel", None, 1000).unwrap().len(), 301);
        assert_eq!(search::search(&world.read, "edited", None, 1000).unwrap().len(), 1);
    }
}

#[test]
fn a_writer_that_finds_the_lock_taken_fails_all_jobs_as_busy() {
    let world = World::new();
    let mut other = WriteConn::open(&world.path(), t(0)).unwrap();
    other.raw().busy_timeout(std::time::Duration::ZERO).unwrap();
    world.write.raw().execute_batch("BEGIN IMMEDIATE").unwrap();
    let group = other.commit_group(&mut [rename("a"), rename("b")]);
    assert_eq!(group.results, [Err(Error::Busy), Err(Error::Busy)]);
    world.write.raw().execute_batch("ROLLBACK").unwrap();
    assert_eq!(other.commit_group(&mut [rename("a")]).results, [Ok(())]);
}

#[test]
fn two_writers_at_once_lose_nothing() {
    let mut world = World::new();
    let chat = world.begin("1");
    let (path, account) = (world.path(), world.account);
    let write_many = |mut conn: WriteConn| {
        for n in 0..100 {
            let new = NewMessage {
                account,
                conversation: chat,
                body: text("x"),
                reply_to: None,
                priority: Priority::Person,
            };
            conn.write(|tx| enqueue(tx, &new, t(n))).unwrap();
        }
    };
    let other = WriteConn::open(&path, t(0)).unwrap();
    let third = WriteConn::open(&path, t(0)).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| write_many(other));
        scope.spawn(|| write_many(third));
    });
    let before = world.read.data_version().unwrap();
    assert_eq!(super::super::list::conversation(&world.read, chat).unwrap().waiting, 200);
    world.say(chat, "y", t(1));
    assert_ne!(world.read.data_version().unwrap(), before);
    world.sound();
}

#[test]
fn a_backup_is_of_one_moment_while_others_write_and_replaces_nothing() {
    let mut world = World::new();
    let chat = world.begin("1");
    for n in 0..200 {
        world.say(chat, "some words to index", t(n));
    }
    let (path, account) = (world.path(), world.account);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut other = WriteConn::open(&path, t(0)).unwrap();
            let new = NewMessage {
                account,
                conversation: chat,
                body: text("more"),
                reply_to: None,
                priority: Priority::Person,
            };
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                other.write(|tx| enqueue(tx, &new, t(300))).unwrap();
            }
        });
        for n in 0..5 {
            let copy = world.path().with_file_name(format!("copy{n}.db"));
            world.read.back_up(&copy).unwrap();
            let read = ReadConn::open(&copy).unwrap();
            assert_eq!(check::check(&read).unwrap(), Vec::<String>::new());
            assert_eq!(accounts(&read).unwrap().len(), 1);
            let again = world.read.back_up(&copy).unwrap_err();
            assert_eq!(again, crate::store::BackUpError::Exists(copy));
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let left = std::fs::read_dir(world.dir.path()).unwrap().map(|entry| entry.unwrap().path());
    assert!(!left.into_iter().any(|path| path.extension().is_some_and(|last| last == "part")));
}

#[test]
fn upkeep_empties_the_log_and_comes_to_an_end() {
    let mut world = World::new();
    let chat = world.begin("1");
    for n in 0..50 {
        world.say(chat, "some words to index", t(n));
    }
    let steps = (0..1_000).take_while(|_| world.write.maintain().unwrap()).count();
    assert!(steps < 1_000);
    world.sound();
    let World { dir, write, read, .. } = world;
    drop(read);
    write.close().unwrap();
    let log = dir.path().join("twoticks.db-wal");
    assert!(!log.exists() || std::fs::metadata(log).unwrap().len() == 0);
}

#[test]
fn a_backlog_of_the_text_index_is_worked_off_in_small_steps() {
    let mut world = World::new();
    let chat = world.begin("1");
    world.fill(chat, 5_000, "your parcel");
    let found = |world: &World| search::search(&world.read, "parcel", None, 9_999).unwrap().len();
    assert_eq!(found(&world), 1_024, "the commit takes no more along");
    let steps = (0..100).take_while(|_| world.write.index_if_free().unwrap()).count();
    assert_eq!((steps, found(&world)), (2, 5_000));
    assert_eq!(world.write.check_search().unwrap(), None);
}

#[test]
fn a_copy_that_fails_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("a.db"), dir.path().join("a.db.bak"));
    std::fs::write(&from, vec![b'x'; 8192]).unwrap();
    let conn = rusqlite::Connection::open(&from).unwrap();
    assert!(crate::store::schema::back_up(&conn, &to).is_err());
    assert!(!to.exists());
}
