//! The HTTP face over the real store: what is answered is on the disk, and what is not there is not answered.

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};

use super::super::http::Seen;
use super::super::ingest::Ingest;
use super::super::ledger::Ledger;
use super::{Server, Sink, limits, sign, status};
use crate::clock::SystemClock;
use crate::domain::time::{Monotonic, Timestamp};
use crate::service::bus::Bus;
use crate::service::stop::Stop;
use crate::service::thread::OnPanic;
use crate::service::writer::{Priority, WriterThread};
use crate::store::event::{arrival, arrivals_after, events};
use crate::store::{ReadConn, Rules, WriteConn};

fn writer(path: &Path, bus: &Bus) -> WriterThread {
    let on_panic: OnPanic = Arc::new(|panicked| panic!("{panicked:?}"));
    let clock = Arc::new(SystemClock::new());
    WriterThread::start(path.to_owned(), Rules::default(), bus.clone(), clock, on_panic).unwrap()
}

fn ingest(writer: &WriterThread, bus: &Bus) -> Ingest {
    Ingest::new(
        (writer.handle(), bus.clone()),
        Arc::new(SystemClock::new()),
        vec!["old".to_owned(), "shop".to_owned()],
        Arc::default(),
    )
}

fn seen() -> Seen {
    Seen {
        secret: 1,
        signature: sign(b"").into_bytes(),
        headers: String::new(),
        begun: Monotonic::default(),
    }
}

#[test]
fn what_was_refused_is_noted_without_its_body_and_how_long_the_rest_took() {
    let dir = tempfile::tempdir().unwrap();
    let (path, bus) = (dir.path().join("db"), Bus::new());
    let writer = writer(&path, &bus);
    let ledger = Arc::new(Ledger::default());
    let sink = Ingest::new(
        (writer.handle(), bus.clone()),
        Arc::new(SystemClock::new()),
        vec!["old".to_owned(), "shop".to_owned()],
        Arc::clone(&ledger),
    );
    let server = Server::over(limits(), Arc::default(), Arc::new(sink));
    assert_eq!(status(&server.post(b"{\"secret words\":1}", &sign(b"other"))), 401);
    assert_eq!(status(&server.post(b"{}", &sign(b"{}"))), 200);
    let query = "hub.mode=subscribe&hub.challenge=1&hub.verify_token=guess";
    let get =
        format!("GET /webhook?{query} HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 203.0.113.9\r\n\r\n");
    assert_eq!(status(&server.raw(get.as_bytes())), 403);
    let (stop, stopped) = Stop::new();
    stop.set();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(ledger.keep(writer.handle(), stopped));
    let read = ReadConn::open(&path).unwrap();
    let rows = events(&read, None, 10).unwrap();
    assert!(rows[0].took.is_some());
    assert_eq!(rows[0].head.as_ref().unwrap().secret, "shop");
    let arrivals: Vec<_> = arrivals_after(&read, 0)
        .unwrap()
        .into_iter()
        .map(|key| arrival(&read, key.arrival).unwrap())
        .collect();
    let told: Vec<_> = arrivals.iter().map(|a| (a.code, a.why.as_str(), a.path.as_str())).collect();
    assert_eq!(told, [(401, "bad signature", "/webhook"), (403, "wrong verify token", "/webhook")]);
    assert_eq!(arrivals[1].peer.as_deref(), Some("203.0.113.9"));
    drop(read);
    writer.close();
    let file = std::fs::read(&path).unwrap_or_default();
    let log = std::fs::read(path.with_extension("db-wal")).unwrap_or_default();
    for never in ["secret words", "guess"] {
        let bytes = never.as_bytes();
        let has = |file: &[u8]| file.windows(bytes.len()).any(|part| part == bytes);
        assert!(!has(&file) && !has(&log), "{never}");
    }
}

#[test]
fn a_full_disk_is_a_503_and_room_on_it_a_200_again() {
    let dir = tempfile::tempdir().unwrap();
    let (path, bus) = (dir.path().join("db"), Bus::new());
    let writer = writer(&path, &bus);
    let room = |pages| {
        let limit =
            writer.handle().run(Priority::Interactive, move |tx| tx.leave_room_for_test(pages));
        limit.wait().unwrap();
    };
    let server = Server::over(limits(), Arc::default(), Arc::new(ingest(&writer, &bus)));
    let body = format!("\"{}\"", "x".repeat(1 << 20)).into_bytes();
    room(10);
    for _ in 0..2 {
        assert_eq!(status(&server.post(&body, &sign(&body))), 503);
        assert!(bus.health().store_trouble.is_some());
    }
    assert_eq!(server.refused().store, 2);
    room(10_000);
    assert_eq!(status(&server.post(&body, &sign(&body))), 200);
    assert_eq!(bus.health().store_trouble, None);
    assert_eq!(events(&ReadConn::open(&path).unwrap(), None, 10).unwrap().len(), 1);
}

#[test]
fn a_damaged_database_is_a_503_and_a_backup_in_its_place_a_200_again() {
    let dir = tempfile::tempdir().unwrap();
    let (path, backup, bus) = (dir.path().join("db"), dir.path().join("backup"), Bus::new());
    WriteConn::open(&backup, Timestamp::default()).unwrap().close().unwrap();
    let damaged = vec![b'x'; 8192];
    std::fs::write(&path, &damaged).unwrap();
    let writer = writer(&path, &bus);
    let server = Server::over(limits(), Arc::default(), Arc::new(ingest(&writer, &bus)));
    for _ in 0..2 {
        assert_eq!(status(&server.post(b"{}", &sign(b"{}"))), 503);
        let trouble = bus.health().store_trouble.expect("it is said");
        assert!(trouble.contains("damaged") && trouble.contains("restore a backup"), "{trouble}");
    }
    assert_eq!(
        std::fs::read(&path).unwrap(),
        damaged,
        "it is left as it is, for whoever repairs it"
    );
    std::fs::rename(&backup, &path).unwrap();
    assert_eq!(status(&server.post(b"{}", &sign(b"{}"))), 200);
    assert_eq!(bus.health().store_trouble, None);
    assert_eq!(events(&ReadConn::open(&path).unwrap(), None, 10).unwrap().len(), 1);
}

/// How often a WAL database was committed to: a counter in the header of its index
/// (sqlite.org/walformat.html, `iChange`).
fn commits(path: &Path) -> u32 {
    let index = std::fs::read(path.with_extension("db-shm")).unwrap();
    u32::from_ne_bytes(index[8..12].try_into().unwrap())
}

#[test]
fn webhooks_that_wait_together_share_one_commit() {
    let dir = tempfile::tempdir().unwrap();
    let (path, bus) = (dir.path().join("twoticks.db"), Bus::new());
    let writer = writer(&path, &bus);
    let (release, released) = mpsc::channel::<()>();
    let (begun, has_begun) = mpsc::channel();
    let busy = writer.handle().run(Priority::Interactive, move |_| {
        begun.send(()).ok();
        released.recv().ok();
        Ok(())
    });
    has_begun.recv().unwrap();
    let before = commits(&path);
    let sink = ingest(&writer, &bus);
    let mut waiting: Vec<_> =
        (0..4).map(|n| sink.store(format!("{{\"n\":{n}}}").into_bytes(), seen())).collect();
    for answer in &mut waiting {
        let polled = answer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(polled, Poll::Pending, "nothing is promised before the commit");
    }
    drop(release);
    busy.wait().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for answer in waiting {
        assert_eq!(runtime.block_on(answer), Ok(()));
    }
    assert_eq!(commits(&path) - before, 1);
    assert_eq!(events(&ReadConn::open(&path).unwrap(), None, 10).unwrap().len(), 4);
}
