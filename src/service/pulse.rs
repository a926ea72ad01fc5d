//! Whether the thread of the network still turns. A task there that does not yield stops the sender and the
//! listener at once, the listener's own probe included: only another thread can notice. The tick asks now and
//! then, a task there answers, and nobody waits for the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

use super::stop::Stopped;

/// Ticks between two questions, and for the answer. A tick is about a second.
pub(super) const EVERY: u32 = 50;
const PATIENCE: u32 = 10;

/// What is said when there is no answer.
pub(super) const STUCK: &str =
    "the network part hangs: nothing is sent or received; restart, and see the log";

/// The question and its answer.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    ask: Notify,
    answers: AtomicU64,
}

impl Pulse {
    /// Answers on the thread that is asked about, until the word to stop.
    pub(super) async fn answer(self: Arc<Self>, mut stopped: Stopped) {
        // The first answer says that there is somebody to be asked.
        self.answers.fetch_add(1, Ordering::Relaxed);
        loop {
            tokio::select! {
                () = self.ask.notified() => {
                    self.answers.fetch_add(1, Ordering::Relaxed);
                }
                () = stopped.wait() => break,
            }
        }
        self.answers.store(0, Ordering::Relaxed);
    }
}

/// Who asks.
#[derive(Debug)]
pub(super) struct Asker {
    pulse: Arc<Pulse>,
    ticks: u32,
    /// The answers there were when it was asked.
    before: Option<u64>,
}

impl Asker {
    pub(super) const fn new(pulse: Arc<Pulse>) -> Self {
        Self { pulse, ticks: 0, before: None }
    }

    /// A second has passed. Tells when it is known whether the thread turns.
    pub(super) fn tick(&mut self) -> Option<bool> {
        self.ticks += 1;
        let answers = self.pulse.answers.load(Ordering::Relaxed);
        match self.before {
            None if self.ticks >= EVERY && answers > 0 => {
                (self.ticks, self.before) = (0, Some(answers));
                self.pulse.ask.notify_one();
                None
            }
            None => None,
            Some(before) if before != answers => {
                (self.ticks, self.before) = (0, None);
                Some(true)
            }
            Some(_) => (self.ticks >= PATIENCE).then_some(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::{Asker, EVERY, PATIENCE, Pulse};
    use crate::service::stop::Stop;

    #[test]
    fn a_task_that_does_not_yield_is_noticed_from_outside_and_so_is_its_end() {
        let pulse = Arc::new(Pulse::default());
        let mut asker = Asker::new(Arc::clone(&pulse));
        assert!((0..5 * EVERY).all(|_| asker.tick().is_none()), "nobody is there to be asked");
        let (stop, stopped) = Stop::new();
        let (begun, has_begun) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let (turning, turns) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(async move {
                    let answering = pulse.answer(stopped);
                    let hanging = async {
                        tokio::task::yield_now().await;
                        begun.send(()).unwrap();
                        released.recv().unwrap();
                        turning.send(()).unwrap();
                    };
                    tokio::join!(answering, hanging);
                });
            });
            has_begun.recv().unwrap();
            assert_eq!(asker.tick(), None, "it is asked");
            let told: Vec<_> = (0..PATIENCE).map(|_| asker.tick()).collect();
            assert_eq!(told.last(), Some(&Some(false)));
            assert!(told[..told.len() - 1].iter().all(Option::is_none), "not before its time");
            release.send(()).unwrap();
            turns.recv().unwrap();
            while asker.tick() != Some(true) {
                std::thread::yield_now();
            }
            stop.set();
        });
        assert!((0..5 * EVERY).all(|_| asker.tick().is_none()), "it ended in order");
    }
}
