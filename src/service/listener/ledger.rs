//! What became of requests, written down a moment after they were answered: how long stored webhooks took,
//! and the metadata of requests that left no event, so that another process sees them too.
//!
//! Nobody waits for it. A flood is told in part, since both lists have a bound; what is dropped was counted
//! in the health.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use crate::domain::hook::Arrival;
use crate::domain::id::EventId;
use crate::service::stop::Stopped;
use crate::service::writer::{Priority, Writer};
use crate::store::event::{Answered, note_answers};

/// How long notes are gathered before they are written.
const GATHER: Duration = Duration::from_millis(250);

/// Notes of each sort in one write.
const BOUND: usize = 256;

/// Gathers notes.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    notes: Mutex<Notes>,
    more: Notify,
}

#[derive(Debug, Default)]
struct Notes {
    answered: Answered,
    /// The newest event that was stored here.
    newest: Option<EventId>,
}

impl Ledger {
    /// A webhook was durable after this time.
    pub(super) fn stored(&self, event: EventId, took: Duration) {
        let mut notes = self.lock();
        notes.newest = notes.newest.max(Some(event));
        if notes.answered.took.len() < BOUND {
            notes.answered.took.push((event, took));
        }
        drop(notes);
        self.more.notify_one();
    }

    /// A request left no event.
    pub(super) fn passed(&self, arrival: Arrival) {
        let mut notes = self.lock();
        let after = notes.newest;
        if notes.answered.passed.len() < BOUND {
            notes.answered.passed.push((after, arrival));
        }
        drop(notes);
        self.more.notify_one();
    }

    /// Writes notes down until the word to stop, and then the last ones.
    pub(super) async fn keep(&self, writer: Writer, mut stopped: Stopped) {
        let mut ends = false;
        while !ends {
            tokio::select! {
                () = self.more.notified() => {}
                () = stopped.wait() => ends = true,
            }
            if !ends {
                tokio::select! {
                    () = sleep(GATHER) => {}
                    () = stopped.wait() => ends = true,
                }
            }
            let answered = std::mem::take(&mut self.lock().answered);
            if answered == Answered::default() {
                continue;
            }
            let job = writer.run(Priority::Bulk, move |tx| note_answers(tx, &answered));
            if let Err(error) = job.await {
                tracing::debug!(%error, "answers are not noted");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
