use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use super::{CAPACITY, Pending, Priority, WriteError, Writer, WriterThread};
use crate::clock::SystemClock;
use crate::domain::id::{PhoneNumberId, WaId};
use crate::domain::message::{Body, NewMessage};
use crate::domain::time::{Clock as _, Timestamp};
use crate::service::bus::Bus;
use crate::store::Rules;
use crate::store::account::{NewAccount, upsert_account};
use crate::store::conversation::begin_conversation;
use crate::store::ingest::{RawPost, ingest};
use crate::store::outbox::enqueue;
use crate::{domain, store};

struct Setup {
    dir: tempfile::TempDir,
    bus: Bus,
    thread: WriterThread,
}

fn start_at(name: &str) -> Setup {
    let dir = tempfile::tempdir().unwrap();
    let bus = Bus::new();
    let thread = WriterThread::start(
        dir.path().join(name),
        Rules::default(),
        bus.clone(),
        Arc::new(SystemClock::new()),
        Arc::new(|panicked| panic!("{panicked:?}")),
    )
    .unwrap();
    Setup { dir, bus, thread }
}

/// Keeps the writer busy until the returned sender is dropped, so that what is handed over meanwhile
/// waits together.
fn occupy(writer: &Writer) -> (mpsc::Sender<()>, Pending<()>) {
    let (release, released) = mpsc::channel::<()>();
    let (begun, has_begun) = mpsc::channel();
    let pending = writer.run(Priority::Interactive, move |_| {
        begun.send(()).ok();
        released.recv().ok();
        Ok(())
    });
    has_begun.recv().unwrap();
    (release, pending)
}

#[test]
fn persons_and_webhooks_precede_bulk_which_comes_in_chunks() {
    let setup = start_at("db");
    let writer = setup.thread.handle();
    let (release, first) = occupy(&writer);
    let order = Arc::new(Mutex::new(Vec::new()));
    let note = |priority, what: u32| {
        let order = Arc::clone(&order);
        writer.run(priority, move |_| {
            order.lock().unwrap().push((priority, what));
            Ok(what)
        })
    };
    let bulk: Vec<_> = (0..40).map(|n| note(Priority::Bulk, n)).collect();
    let webhook = note(Priority::Webhook, 0);
    let person = note(Priority::Interactive, 0);
    drop(release);
    first.wait().unwrap();
    assert_eq!(person.wait(), Ok(0));
    assert_eq!(webhook.wait(), Ok(0));
    for (n, pending) in (0..).zip(bulk) {
        assert_eq!(pending.wait(), Ok(n));
    }
    let order = order.lock().unwrap();
    assert_eq!(order[..2], [(Priority::Interactive, 0), (Priority::Webhook, 0)]);
    assert!(order[2..].iter().map(|(_, n)| *n).eq(0..40));
}

#[test]
fn a_panic_takes_back_its_own_job_only() {
    let setup = start_at("db");
    let writer = setup.thread.handle();
    let (release, first) = occupy(&writer);
    let before = writer.run(Priority::Interactive, |_| Ok(1));
    let bad: Pending<u32> = writer.run(Priority::Interactive, |_| panic!("out of luck"));
    let after = writer.run(Priority::Interactive, |_| Ok(2));
    drop(release);
    first.wait().unwrap();
    assert_eq!(before.wait(), Ok(1));
    assert_eq!(bad.wait(), Err(WriteError::Panicked("out of luck".to_owned())));
    assert_eq!(after.wait(), Ok(2));
}

#[test]
fn a_job_that_fails_is_answered_with_its_error() {
    let setup = start_at("db");
    let refused = store::Error::Refused { state: "read", wanted: "withdrawn" };
    let failing = refused.clone();
    let writer = setup.thread.handle();
    let pending: Pending<()> = writer.run(Priority::Bulk, move |_| Err(failing.clone()));
    assert_eq!(pending.wait(), Err(WriteError::Store(refused)));
    assert_eq!(setup.bus.health().store_trouble, None);
}

#[test]
fn after_a_quiet_moment_new_messages_can_be_found_and_that_is_told() {
    let setup = start_at("db");
    let news = setup.bus.watch();
    let account = NewAccount {
        name: "shop".to_owned(),
        phone_number: PhoneNumberId::new("1065"),
        waba: None,
        display_number: None,
    };
    let at = Timestamp::from_secs(1);
    let written = setup.thread.handle().run(Priority::Interactive, move |tx| {
        let account = upsert_account(tx, &account, at)?;
        let new = NewMessage {
            account,
            conversation: begin_conversation(tx, account, &WaId::new("49"), at)?,
            body: Body::Text { text: "your parcel".to_owned(), preview_url: false },
            reply_to: None,
            priority: domain::message::Priority::Person,
        };
        enqueue(tx, &new, at)
    });
    let id = written.wait().unwrap();
    loop {
        let told = news.wait(Some(Duration::from_secs(20)));
        assert!(!told.is_empty(), "nothing is told any more");
        if told.changes.words {
            break;
        }
    }
    let read = store::ReadConn::open(&setup.dir.path().join("db")).unwrap();
    assert_eq!(store::search::search(&read, "parcel", None, 5).unwrap()[0].message, id);
}

#[test]
fn a_full_queue_answers_at_once() {
    let setup = start_at("db");
    let writer = setup.thread.handle();
    let (release, first) = occupy(&writer);
    let room = CAPACITY[Priority::Webhook as usize];
    let waiting: Vec<_> = (0..room).map(|_| writer.run(Priority::Webhook, |_| Ok(()))).collect();
    assert_eq!(writer.run(Priority::Webhook, |_| Ok(())).wait(), Err(WriteError::Full));
    let person = writer.run(Priority::Interactive, |_| Ok(()));
    drop(release);
    first.wait().unwrap();
    assert_eq!(person.wait(), Ok(()));
    assert!(waiting.into_iter().all(|pending| pending.wait().is_ok()));
}

#[test]
fn closing_writes_what_waits_and_refuses_the_rest() {
    let setup = start_at("db");
    let writer = setup.thread.handle();
    let (release, first) = occupy(&writer);
    let waiting = writer.run(Priority::Bulk, |_| Ok(1));
    setup.thread.close();
    assert_eq!(writer.run(Priority::Interactive, |_| Ok(())).wait(), Err(WriteError::Closed));
    drop(release);
    first.wait().unwrap();
    assert_eq!(waiting.wait(), Ok(1));
}

#[test]
fn a_store_that_cannot_be_opened_recovers_without_a_restart() {
    let setup = start_at("not yet/db");
    let writer = setup.thread.handle();
    let failed = writer.run(Priority::Interactive, |_| Ok(())).wait().unwrap_err();
    assert!(failed.is_trouble(), "{failed}");
    assert!(setup.bus.health().store_trouble.is_some());
    std::fs::create_dir(setup.dir.path().join("not yet")).unwrap();
    assert_eq!(writer.run(Priority::Interactive, |_| Ok(3)).wait(), Ok(3));
    assert_eq!(setup.bus.health().store_trouble, None);
}

/// Pages that wait in the log.
fn waiting_in_log(setup: &Setup) -> i64 {
    let other = rusqlite::Connection::open(setup.dir.path().join("db")).unwrap();
    let ask = "PRAGMA wal_checkpoint(NOOP)";
    other.query_row(ask, [], |row| Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?)).unwrap()
}

#[test]
fn a_log_that_grew_behind_a_long_read_is_moved_beside_the_jobs() {
    let setup = start_at("db");
    let (writer, clock) = (setup.thread.handle(), SystemClock::new());
    writer.run(Priority::Interactive, |_| Ok(())).wait().unwrap();
    let reader = rusqlite::Connection::open(setup.dir.path().join("db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM account").unwrap();
    let received_at = Timestamp::from_secs(1);
    for n in 0..16_u8 {
        let post = RawPost { body: vec![n; 1 << 20], sha256: [n; 32], received_at };
        let stored = writer.run(Priority::Webhook, move |tx| ingest(tx, &post, &[], received_at));
        stored.wait().unwrap();
    }
    assert!(waiting_in_log(&setup) > 4_000, "the reader is in the way");
    reader.execute_batch("COMMIT").unwrap();
    let end = clock.monotonic() + Duration::from_secs(20);
    while waiting_in_log(&setup) > 500 {
        assert!(clock.monotonic() < end, "{} pages wait", waiting_in_log(&setup));
        writer.run(Priority::Interactive, |_| Ok(())).wait().unwrap();
    }
}
