//! The HTTP face over the real store: what is answered is on the disk, and what is not there is not answered.

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};

use super::super::ingest::Ingest;
use super::{Server, Sink, limits, sign, status};
use crate::clock::SystemClock;
use crate::service::bus::Bus;
use crate::service::thread::OnPanic;
use crate::service::writer::{Priority, WriterThread};
use crate::store::event::events;
use crate::store::{ReadConn, Rules};

fn writer(path: &Path, bus: &Bus) -> WriterThread {
    let on_panic: OnPanic = Arc::new(|panicked| panic!("{panicked:?}"));
    let clock = Arc::new(SystemClock::new());
    WriterThread::start(path.to_owned(), Rules::default(), bus.clone(), clock, on_panic).unwrap()
}

fn ingest(writer: &WriterThread, bus: &Bus) -> Ingest {
    Ingest::new(writer.handle(), bus.clone(), Arc::new(SystemClock::new()))
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
        (0..4).map(|n| sink.store(format!("{{\"n\":{n}}}").into_bytes())).collect();
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
