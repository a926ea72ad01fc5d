//! The one thread of a process that writes to the store, and the handle that everybody else has.
//!
//! What waits is committed together, so that one flush of the disk answers many: persons and webhooks
//! first, bulk in small chunks behind them. Nobody is answered before the commit has returned. Queues are
//! bounded; a full one is an answer too. A store that cannot be opened or written fails the jobs at hand,
//! says so in the health, and is tried again with the next job, so that it recovers without a restart.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::oneshot;

use super::bell::Bell;
use super::bus::Bus;
use super::thread::{OnPanic, Thread, panic_message};
use crate::domain::change::Changes;
use crate::domain::time::Clock;
use crate::store::text_index::DAMAGED;
use crate::store::{self, Rules, Tx, WriteConn, WriteJob};

/// Who goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// A person waits, or the sender, whose requests are a person's too.
    Interactive,
    /// A webhook waits for its 200.
    Webhook,
    /// Imports and the like.
    Bulk,
}

const PRIORITIES: usize = 3;

/// Jobs that may wait, by priority. Beyond that the answer is [`WriteError::Full`]: for a webhook that is
/// a 503, and Meta is a better buffer than our memory.
const CAPACITY: [usize; PRIORITIES] = [4096, 1024, 1024];

/// Jobs of each priority in one commit. Bulk is few, because persons wait behind the commit.
const GROUP: [usize; PRIORITIES] = [512, 512, 16];

/// Without a job the database is opened after this: at the start others read it for the first frame.
const OPEN: Duration = Duration::from_millis(100);

/// How long the queue must have been empty before new messages are made searchable: long enough that a
/// webhook that follows the last one's answer need not wait for it.
const PAUSE: Duration = Duration::from_millis(20);

/// How long the queue must have been empty before upkeep starts.
const IDLE: Duration = Duration::from_millis(250);

/// Why a write did not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// Too many jobs wait.
    #[error("the store is too far behind; try again")]
    Full,
    /// The services are stopping.
    #[error("the program is stopping")]
    Closed,
    /// The job itself panicked; it was taken back, the others were not.
    #[error("an internal error was taken back: {0}")]
    Panicked(String),
    /// The store said no.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl WriteError {
    /// Whether the store as a whole is in trouble, so that another job would fail as well.
    #[must_use]
    pub const fn is_trouble(&self) -> bool {
        match self {
            Self::Full | Self::Closed => true,
            Self::Panicked(_) => false,
            Self::Store(error) => is_trouble(error),
        }
    }
}

const fn is_trouble(error: &store::Error) -> bool {
    use store::Error;
    match error {
        Error::Busy
        | Error::Full
        | Error::ReadOnly
        | Error::Io(_)
        | Error::Unconfirmed
        | Error::Corrupt(_)
        | Error::Foreign(_)
        | Error::Newer { .. }
        | Error::Missing(_)
        | Error::OldSqlite(_) => true,
        Error::NotFound { .. }
        | Error::Refused { .. }
        | Error::Stage { .. }
        | Error::Forbidden(_)
        | Error::Value(_)
        | Error::Dropped
        | Error::Sql(_) => false,
    }
}

/// A write under way: block on it with [`Pending::wait`], or await it. Dropping it changes nothing, the
/// write still happens.
#[derive(Debug)]
#[must_use = "a write that nobody waits for hides its failure"]
pub struct Pending<T>(oneshot::Receiver<Result<T, WriteError>>);

impl<T> Pending<T> {
    /// Blocks until the write is durable or failed. Not for async code.
    pub fn wait(self) -> Result<T, WriteError> {
        self.0.blocking_recv().unwrap_or(Err(WriteError::Closed))
    }

    /// The answer if it is there; asked again after that, it is [`WriteError::Closed`].
    pub fn poll_now(&mut self) -> Option<Result<T, WriteError>> {
        match self.0.try_recv() {
            Ok(answer) => Some(answer),
            Err(oneshot::error::TryRecvError::Empty) => None,
            Err(oneshot::error::TryRecvError::Closed) => Some(Err(WriteError::Closed)),
        }
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T, WriteError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|answer| answer.unwrap_or(Err(WriteError::Closed)))
    }
}

type Answer = Box<dyn FnOnce(Result<(), WriteError>) + Send>;

struct Queued {
    job: WriteJob,
    answer: Answer,
}

#[derive(Default)]
struct Queues {
    waiting: [VecDeque<Queued>; PRIORITIES],
    closed: bool,
}

impl Queues {
    fn is_empty(&self) -> bool {
        self.waiting.iter().all(VecDeque::is_empty)
    }

    fn take_group(&mut self) -> (Vec<WriteJob>, Vec<Answer>) {
        let mut group = (Vec::new(), Vec::new());
        for (queue, most) in self.waiting.iter_mut().zip(GROUP) {
            for queued in queue.drain(..most.min(queue.len())) {
                group.0.push(queued.job);
                group.1.push(queued.answer);
            }
        }
        group
    }
}

#[derive(Default)]
struct Shared {
    queues: Mutex<Queues>,
    work: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
    }
}

/// The handle: clone it for everybody who writes. What is written before the thread is started waits for it.
#[derive(Clone, Default)]
pub struct Writer(Arc<Shared>);

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    /// Hands over a job. It may run twice, when another that shared its commit or the commit itself failed,
    /// so what it reports it returns. Never blocks.
    pub fn run<T: Send + 'static>(
        &self,
        priority: Priority,
        job: impl FnMut(&mut Tx<'_>) -> Result<T, store::Error> + Send + 'static,
    ) -> Pending<T> {
        let (sender, receiver) = oneshot::channel();
        // Nobody may be waiting any more; the write stands all the same.
        self.run_and_tell(priority, job, move |answer| drop(sender.send(answer)));
        Pending(receiver)
    }

    /// The same, with the answer given to `tell` on the writer's thread, where it must not take long: all that
    /// is written waits meanwhile. Answers of one priority come in the order of the jobs.
    pub fn run_and_tell<T: Send + 'static>(
        &self,
        priority: Priority,
        mut job: impl FnMut(&mut Tx<'_>) -> Result<T, store::Error> + Send + 'static,
        tell: impl FnOnce(Result<T, WriteError>) + Send + 'static,
    ) {
        let made: Arc<Mutex<Option<Result<T, String>>>> = Arc::default();
        let making = Arc::clone(&made);
        let job: WriteJob = Box::new(move |tx| {
            let done = catch_unwind(AssertUnwindSafe(|| job(tx)));
            let (made, result) = match done {
                Ok(Ok(value)) => (Some(Ok(value)), Ok(())),
                Ok(Err(error)) => (None, Err(error)),
                Err(panic) => {
                    let message = panic_message(panic.as_ref());
                    tracing::error!(message, "a write job panicked");
                    (Some(Err(message.clone())), Err(store::Error::Sql(message)))
                }
            };
            *making.lock().unwrap_or_else(PoisonError::into_inner) = made;
            result
        });
        let answer: Answer = Box::new(move |result| {
            let made = made.lock().unwrap_or_else(PoisonError::into_inner).take();
            tell(match (result, made) {
                (_, Some(Err(message))) => Err(WriteError::Panicked(message)),
                (Ok(()), Some(Ok(value))) => Ok(value),
                (Ok(()), None) => Err(WriteError::Panicked("the job was not run".to_owned())),
                (Err(error), _) => Err(error),
            });
        });
        self.enqueue(priority, Queued { job, answer });
    }

    fn enqueue(&self, priority: Priority, new: Queued) {
        let index = priority as usize;
        let room = CAPACITY.get(index).copied().unwrap_or(0);
        let mut queues = self.0.lock();
        let refusal = if queues.closed {
            WriteError::Closed
        } else {
            match queues.waiting.get_mut(index) {
                Some(queue) if queue.len() < room => {
                    queue.push_back(new);
                    drop(queues);
                    self.0.work.notify_one();
                    return;
                }
                _ => WriteError::Full,
            }
        };
        drop(queues);
        (new.answer)(Err(refusal));
    }
}

/// Owns the writing thread. Dropping it lets what waits be written, closes the database and joins.
#[derive(Debug)]
pub struct WriterThread {
    writer: Writer,
    bell: Arc<Bell>,
    // Joined after `close` in `drop`.
    _thread: Thread,
}

impl WriterThread {
    /// Starts the thread; the database at `path` is opened there, so that a slow disk delays nobody, with the
    /// first job or soon.
    ///
    /// # Errors
    /// When the system gives no more threads.
    pub fn start(
        path: PathBuf,
        rules: Rules,
        bus: Bus,
        clock: Arc<dyn Clock>,
        on_panic: OnPanic,
    ) -> io::Result<Self> {
        Self::start_for(Writer::default(), path, rules, bus, clock, on_panic)
    }

    /// The same for a handle that somebody has already. Starts one thread at most for each.
    pub(super) fn start_for(
        writer: Writer,
        path: PathBuf,
        rules: Rules,
        bus: Bus,
        clock: Arc<dyn Clock>,
        on_panic: OnPanic,
    ) -> io::Result<Self> {
        let bell = Arc::new(Bell::beside(&path));
        let worker = Worker {
            shared: Arc::clone(&writer.0),
            path,
            rules,
            bus,
            bell: Arc::clone(&bell),
            clock,
            conn: None,
            search_damaged: false,
            mover: None,
            on_panic: Arc::clone(&on_panic),
        };
        let thread = Thread::start("writer", on_panic, move || worker.run())?;
        Ok(Self { writer, bell, _thread: thread })
    }

    /// What rings at the other processes with each commit.
    pub(super) fn bell(&self) -> Arc<Bell> {
        Arc::clone(&self.bell)
    }

    /// The handle for those who write.
    #[must_use]
    pub fn handle(&self) -> Writer {
        self.writer.clone()
    }

    /// Takes no more jobs. Those that wait are still written.
    pub fn close(&self) {
        self.writer.0.close();
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        self.close();
    }
}

struct Worker {
    shared: Arc<Shared>,
    path: PathBuf,
    rules: Rules,
    bus: Bus,
    bell: Arc<Bell>,
    clock: Arc<dyn Clock>,
    conn: Option<WriteConn>,
    /// What was told of the text index.
    search_damaged: bool,
    /// Moves a log that is too long for a commit to do it.
    mover: Option<Thread>,
    on_panic: OnPanic,
}

/// What there is to do once no job waits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Upkeep {
    Open,
    Index,
    Rest,
    Nothing,
}

impl Upkeep {
    const fn after(self) -> Option<Duration> {
        match self {
            Self::Open => Some(OPEN),
            Self::Index => Some(PAUSE),
            Self::Rest => Some(IDLE),
            Self::Nothing => None,
        }
    }
}

enum Turn {
    Work(Vec<WriteJob>, Vec<Answer>),
    Idle,
    End,
}

/// If the thread dies, whoever writes hears that instead of waiting for ever.
struct CloseOnDrop(Arc<Shared>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
        let waiting = std::mem::take(&mut self.0.lock().waiting);
        for queued in waiting.into_iter().flatten() {
            (queued.answer)(Err(WriteError::Closed));
        }
    }
}

impl Worker {
    fn run(mut self) {
        let _close = CloseOnDrop(Arc::clone(&self.shared));
        let mut upkeep = Upkeep::Open;
        loop {
            match self.next(upkeep) {
                Turn::Work(jobs, answers) => {
                    self.work(jobs, answers);
                    upkeep = Upkeep::Index;
                }
                Turn::Idle => upkeep = self.keep_up(upkeep),
                Turn::End => break,
            }
        }
        self.mover = None;
        if let Some(conn) = self.conn.take()
            && let Err(error) = conn.close()
        {
            tracing::warn!(%error, "closing the database");
        }
    }

    /// Blocks until there is work, the end, or nothing for a while when there is upkeep to do.
    fn next(&self, upkeep: Upkeep) -> Turn {
        let nothing_to_do = |queues: &mut Queues| queues.is_empty() && !queues.closed;
        let queues = self.shared.lock();
        let mut queues = if let Some(pause) = upkeep.after() {
            let waited = self.shared.work.wait_timeout_while(queues, pause, nothing_to_do);
            waited.unwrap_or_else(PoisonError::into_inner).0
        } else {
            let waited = self.shared.work.wait_while(queues, nothing_to_do);
            waited.unwrap_or_else(PoisonError::into_inner)
        };
        if !queues.is_empty() {
            let (jobs, answers) = queues.take_group();
            Turn::Work(jobs, answers)
        } else if queues.closed {
            Turn::End
        } else {
            Turn::Idle
        }
    }

    fn work(&mut self, mut jobs: Vec<WriteJob>, answers: Vec<Answer>) {
        let group = match self.conn() {
            Ok(conn) => conn.commit_group(&mut jobs),
            Err(error) => {
                self.report(Some(&error));
                for answer in answers {
                    answer(Err(error.clone().into()));
                }
                return;
            }
        };
        let trouble = group
            .results
            .iter()
            .find_map(|result| result.as_ref().err().filter(|error| is_trouble(error)))
            .cloned();
        self.report(trouble.as_ref());
        self.report_search();
        for (answer, result) in answers.into_iter().zip(group.results) {
            answer(result.map_err(WriteError::from));
        }
        self.bus.publish(&group.changes);
        if !group.changes.is_empty() {
            self.bell.ring();
        }
        match self.conn.as_mut().map(WriteConn::bound_log) {
            Some(Ok(true)) => self.move_log(),
            Some(Err(error)) => tracing::debug!(%error, "the log is not started anew"),
            None | Some(Ok(false)) => {}
        }
        // Not after `Unconfirmed`: closing could leave the log as it is to whoever opens it next, and the next
        // commit here overwrites it.
        if let Some(store::Error::ReadOnly | store::Error::Io(_) | store::Error::Corrupt(_)) =
            trouble
        {
            // The file may have been replaced or its disk mounted anew: look again with the next job.
            self.conn = None;
        }
    }

    /// Beside the jobs, which would wait for it otherwise.
    fn move_log(&mut self) {
        if self.mover.as_ref().is_some_and(|mover| !mover.is_finished()) {
            return;
        }
        let path = self.path.clone();
        let moving = move || {
            if let Err(error) = store::move_log(&path) {
                tracing::debug!(%error, "the log is not moved");
            }
        };
        self.mover = Thread::start("log", Arc::clone(&self.on_panic), moving).ok();
    }

    fn conn(&mut self) -> Result<&mut WriteConn, store::Error> {
        match &mut self.conn {
            Some(conn) => Ok(conn),
            none => {
                let conn = WriteConn::open(&self.path, self.clock.now())?;
                Ok(none.insert(conn.with_rules(self.rules.clone())))
            }
        }
    }

    fn report(&self, trouble: Option<&store::Error>) {
        if let Some(error) = trouble {
            tracing::warn!(%error, "the store cannot be written");
        }
        let trouble = trouble.map(ToString::to_string);
        self.bus.update_health(|health| health.store_trouble = trouble);
    }

    /// One small step, and what is to be done next.
    fn keep_up(&mut self, upkeep: Upkeep) -> Upkeep {
        if upkeep == Upkeep::Open {
            if let Err(error) = self.conn() {
                self.report(Some(&error));
            }
            return Upkeep::Index;
        }
        let Some(conn) = &mut self.conn else { return Upkeep::Nothing };
        let done = match upkeep {
            Upkeep::Index => conn.index_if_free().map(|words| {
                self.bus.publish(&Changes { words, ..Changes::default() });
                Upkeep::Rest
            }),
            Upkeep::Rest if conn.has_long_log().unwrap_or(false) => {
                self.move_log();
                return Upkeep::Rest;
            }
            Upkeep::Open | Upkeep::Rest | Upkeep::Nothing => {
                conn.maintain().map(|more| if more { Upkeep::Rest } else { Upkeep::Nothing })
            }
        };
        let next = done.unwrap_or_else(|error| {
            tracing::debug!(%error, "upkeep put off");
            Upkeep::Nothing
        });
        self.report_search();
        next
    }

    /// Says whether new messages can be searched for. Each commit and each quiet moment finds that out.
    fn report_search(&mut self) {
        let Some(damaged) = self.conn.as_ref().map(WriteConn::is_search_damaged) else { return };
        if std::mem::replace(&mut self.search_damaged, damaged) == damaged {
            return;
        }
        let words = format!("{DAMAGED}; twoticks db check --repair-search makes it anew");
        if damaged {
            tracing::error!("{words}");
        }
        self.bus.update_health(|health| health.search_trouble = damaged.then_some(words));
    }
}

#[cfg(test)]
mod tests;
