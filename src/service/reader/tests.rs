use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::{ReadError, ReaderThread};
use crate::clock::SystemClock;
use crate::domain::time::{Clock as _, Timestamp};
use crate::store::{self, WriteConn};

fn start(path: std::path::PathBuf, on_tick: super::OnTick) -> ReaderThread {
    let clock = Arc::new(SystemClock::new());
    ReaderThread::start(path, clock, on_tick, Arc::new(|panicked| panic!("{panicked:?}"))).unwrap()
}

#[test]
fn the_newest_query_of_a_slot_wins() {
    let dir = tempfile::tempdir().unwrap();
    let thread = start(dir.path().join("db"), Box::new(|_| {}));
    let reader = thread.handle();
    let (release, released) = mpsc::channel::<()>();
    let (begun, has_begun) = mpsc::channel();
    reader.submit("first", move |_| {
        begun.send(()).unwrap();
        released.recv().ok();
    });
    has_begun.recv().unwrap();
    let (answers, answered) = mpsc::channel();
    for n in 0..100 {
        let answers = answers.clone();
        reader.submit(if n % 2 == 0 { "even" } else { "odd" }, move |_| answers.send(n).unwrap());
    }
    drop((answers, release));
    assert_eq!(answered.iter().collect::<Vec<_>>(), [98, 99]);
}

#[test]
fn a_missing_database_is_an_answer_until_it_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let thread = start(path.clone(), Box::new(|_| {}));
    let reader = thread.handle();
    assert!(matches!(
        reader.ask_and_wait("q", |_| Ok(())),
        Err(ReadError::Store(store::Error::Missing(_)))
    ));
    drop(WriteConn::open(&path, Timestamp::from_secs(1)).unwrap());
    assert_eq!(reader.ask_and_wait("q", |_| Ok(7)), Ok(7));
}

#[test]
fn a_panic_in_a_query_does_not_end_the_reader() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    drop(WriteConn::open(&path, Timestamp::from_secs(1)).unwrap());
    let thread = start(path, Box::new(|_| {}));
    let reader = thread.handle();
    let lost: Result<(), _> = reader.ask_and_wait("q", |_| panic!("out of luck"));
    assert_eq!(lost, Err(ReadError::Dropped));
    assert_eq!(reader.ask_and_wait("q", |_| Ok(7)), Ok(7));
}

#[test]
fn what_is_asked_for_at_a_time_is_not_answered_before() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(SystemClock::new());
    let asked = Arc::clone(&clock);
    let ignored = Arc::new(|panicked| panic!("{panicked:?}"));
    let path = dir.path().join("db");
    let thread = ReaderThread::start(path, clock, Box::new(|_| {}), ignored).unwrap();
    let (answers, answered) = mpsc::channel();
    let due = asked.monotonic() + Duration::from_millis(30);
    let clock = Arc::clone(&asked);
    thread.handle().submit_at(due, "later", move |_| answers.send(clock.monotonic()).unwrap());
    assert!(answered.recv().unwrap() >= due);
}
