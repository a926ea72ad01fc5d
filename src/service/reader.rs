//! The thread that reads the store for the screen, the command line and the sender.
//!
//! Every kind of query has one slot, and the newest wins: holding a key never queues two hundred pages.
//! Readers never wait for writers. About once a second the thread looks whether the database changed
//! and does what has to be done that often; there is no other regular wake-up in the process.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::thread::{OnPanic, Thread, panic_message};
use crate::domain::time::{Clock, Monotonic};
use crate::store::{self, ReadConn};

/// So much longer than a second that the process wakes at most once a second, with all else that wakes it.
pub const TICK: Duration = Duration::from_millis(1150);

/// What a query is about. A newer query replaces one of the same slot that has not begun.
pub type Slot = Cow<'static, str>;

type Query = Box<dyn FnOnce(Result<&ReadConn, store::Error>) + Send>;

/// Done on every tick; is told whether the database changed since the last one.
pub type OnTick = Box<dyn FnMut(bool) + Send>;

#[derive(Default)]
struct Slots {
    waiting: VecDeque<(Slot, Query)>,
    /// Those that begin to wait at a time.
    later: Vec<(Monotonic, Slot, Query)>,
    closed: bool,
}

impl Slots {
    /// Has those wait whose time has come.
    fn ripen(&mut self, now: Monotonic) {
        let due = self.later.extract_if(.., |(due, ..)| *due <= now);
        self.waiting.extend(due.map(|(_, slot, query)| (slot, query)));
    }

    /// When the next one begins to wait.
    fn next_due(&self) -> Option<Monotonic> {
        self.later.iter().map(|(due, ..)| *due).min()
    }
}

#[derive(Default)]
struct Shared {
    slots: Mutex<Slots>,
    work: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        let mut slots = self.lock();
        slots.closed = true;
        slots.waiting.clear();
        slots.later.clear();
        drop(slots);
        self.work.notify_all();
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// A newer query of the same slot took its place, or the services are stopping.
    #[error("the query was dropped")]
    Dropped,
    /// The store said no.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The handle: clone it for everybody who reads.
#[derive(Clone)]
pub struct Reader(Arc<Shared>);

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl Reader {
    /// Hands over a query, which runs on the reader's thread with its connection, or with the reason why
    /// there is none. One that waits in the same slot is dropped unrun. Never blocks.
    pub fn submit(
        &self,
        slot: impl Into<Slot>,
        query: impl FnOnce(Result<&ReadConn, store::Error>) + Send + 'static,
    ) {
        let slot = slot.into();
        let query: Query = Box::new(query);
        let mut slots = self.0.lock();
        if slots.closed {
            return;
        }
        let waiting = slots.waiting.iter_mut().find(|(taken, _)| *taken == slot);
        let replaced = if let Some((_, waiting)) = waiting {
            Some(std::mem::replace(waiting, query))
        } else {
            slots.waiting.push_back((slot, query));
            None
        };
        drop(slots);
        // Dropped outside the lock: it may own anything.
        drop(replaced);
        self.0.work.notify_one();
    }

    /// The same at a time to come, for what changes often and need not be known at once. Meanwhile the thread
    /// is free for others.
    pub(super) fn submit_at(
        &self,
        due: Monotonic,
        slot: impl Into<Slot>,
        query: impl FnOnce(Result<&ReadConn, store::Error>) + Send + 'static,
    ) {
        let mut slots = self.0.lock();
        if !slots.closed {
            slots.later.push((due, slot.into(), Box::new(query)));
            drop(slots);
            self.0.work.notify_one();
        }
    }

    /// Asks and awaits the answer.
    pub async fn ask<T: Send + 'static>(
        &self,
        slot: impl Into<Slot>,
        query: impl FnOnce(&ReadConn) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, ReadError> {
        self.send(slot, query).await.unwrap_or(Err(ReadError::Dropped))
    }

    /// Asks and blocks until the answer is there. Not for async code, nor for the screen's thread.
    pub fn ask_and_wait<T: Send + 'static>(
        &self,
        slot: impl Into<Slot>,
        query: impl FnOnce(&ReadConn) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, ReadError> {
        self.send(slot, query).blocking_recv().unwrap_or(Err(ReadError::Dropped))
    }

    fn send<T: Send + 'static>(
        &self,
        slot: impl Into<Slot>,
        query: impl FnOnce(&ReadConn) -> Result<T, store::Error> + Send + 'static,
    ) -> oneshot::Receiver<Result<T, ReadError>> {
        let (sender, receiver) = oneshot::channel();
        self.submit(slot, move |conn| {
            // Nobody may be waiting any more.
            sender.send(conn.and_then(query).map_err(ReadError::from)).ok();
        });
        receiver
    }
}

/// Owns the reading thread. Dropping it drops what waits and joins.
#[derive(Debug)]
pub struct ReaderThread {
    reader: Reader,
    // Joined after `close` in `drop`.
    _thread: Thread,
}

impl ReaderThread {
    /// Starts the thread on the database at `path`, which need not exist yet.
    ///
    /// # Errors
    /// When the system gives no more threads.
    pub fn start(
        path: PathBuf,
        clock: Arc<dyn Clock>,
        on_tick: OnTick,
        on_panic: OnPanic,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let due = clock.monotonic() + TICK;
        let worker = Worker {
            shared: Arc::clone(&shared),
            path,
            clock,
            on_tick,
            conn: None,
            version: None,
            due,
        };
        let thread = Thread::start("reader", on_panic, move || worker.run())?;
        Ok(Self { reader: Reader(shared), _thread: thread })
    }

    /// The handle for those who read.
    #[must_use]
    pub fn handle(&self) -> Reader {
        self.reader.clone()
    }
}

impl Drop for ReaderThread {
    fn drop(&mut self) {
        self.reader.0.close();
    }
}

struct Worker {
    shared: Arc<Shared>,
    path: PathBuf,
    clock: Arc<dyn Clock>,
    on_tick: OnTick,
    conn: Option<ReadConn>,
    version: Option<i64>,
    due: Monotonic,
}

enum Turn {
    Query(Query),
    Tick,
    End,
}

/// If the thread dies, whoever asks hears that instead of waiting for ever.
struct CloseOnDrop(Arc<Shared>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Worker {
    fn run(mut self) {
        let _close = CloseOnDrop(Arc::clone(&self.shared));
        loop {
            match self.next() {
                Turn::Query(query) => self.answer(query),
                Turn::Tick => self.tick(),
                Turn::End => break,
            }
            // A steady stream of queries must not starve the tick.
            if self.clock.monotonic() >= self.due {
                self.tick();
            }
        }
    }

    fn next(&self) -> Turn {
        let mut slots = self.shared.lock();
        let mut now = self.clock.monotonic();
        loop {
            slots.ripen(now);
            if slots.closed {
                return Turn::End;
            }
            if let Some((_, query)) = slots.waiting.pop_front() {
                return Turn::Query(query);
            }
            if self.due <= now {
                return Turn::Tick;
            }
            let due = slots.next_due().map_or(self.due, |due| due.min(self.due));
            let waited = self.shared.work.wait_timeout(slots, due.since(now));
            let (after, waited) = waited.unwrap_or_else(PoisonError::into_inner);
            slots = after;
            // A clock that a test moves may stand still.
            now = if waited.timed_out() { due } else { self.clock.monotonic() };
        }
    }

    fn answer(&mut self, query: Query) {
        let conn = open(&mut self.conn, &self.path);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| query(conn))) {
            tracing::error!(message = panic_message(panic.as_ref()), "a query panicked");
            self.conn = None;
        }
    }

    fn tick(&mut self) {
        self.due = self.clock.monotonic() + TICK;
        let version = open(&mut self.conn, &self.path).and_then(ReadConn::data_version);
        let changed = match version {
            // Before the first look anything may have happened.
            Ok(version) => self.version.replace(version).is_none_or(|before| before != version),
            Err(error) => {
                tracing::debug!(%error, "the store cannot be read");
                self.conn = None;
                // Whatever comes in its place is news.
                self.version.take().is_some()
            }
        };
        (self.on_tick)(changed);
    }
}

fn open<'a>(
    conn: &'a mut Option<ReadConn>,
    path: &std::path::Path,
) -> Result<&'a ReadConn, store::Error> {
    match conn {
        Some(conn) => Ok(conn),
        none => Ok(none.insert(ReadConn::open(path)?)),
    }
}

#[cfg(test)]
mod tests;
