//! The one thread on which everything asynchronous happens: a small tokio runtime with the tasks of
//! the sender, the listener and the tunnel. Nothing is detached, the store is never touched here, and the end is bounded.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::JoinSet;

use super::bell::{Bell, Others};
use super::bus::Bus;
use super::pulse::Pulse;
use super::stop::Stop;
use super::thread::{OnPanic, Thread, join_all};
use super::{bell, campaign, catalogue, forward, listener, office, sender, tunnel};

/// Threads for name look-ups and files.
const BLOCKING_THREADS: usize = 4;

/// How long a name look-up that cannot be cancelled may delay the end.
const LAST_LOOK_UP: Duration = Duration::from_millis(200);

/// What the network part does.
pub(super) struct Work {
    pub(super) sender: sender::Parts,
    pub(super) listener: listener::Parts,
    pub(super) templates: catalogue::Parts,
    pub(super) campaigns: campaign::Parts,
    pub(super) office: office::Parts,
    pub(super) tunnel: Option<(tunnel::Parts, tunnel::Switched)>,
    pub(super) forward: Option<forward::Parts>,
    /// Hears of what other processes wrote.
    pub(super) hearing: (Arc<Bell>, Others),
    /// Answers whether it still turns.
    pub(super) pulse: Arc<Pulse>,
}

/// The running network part. Dropping it stops and joins: at most some seconds, for answers under way.
#[derive(Debug)]
pub(super) struct Net {
    stop: Stop,
    // Joined after the word to stop in `drop`.
    _thread: Thread,
}

impl Net {
    pub(super) fn start(work: Work, bus: Bus, on_panic: OnPanic) -> io::Result<Self> {
        let (stop, stopped) = Stop::new();
        let tell = OnPanic::clone(&on_panic);
        let thread = Thread::start("net", on_panic, move || {
            let built = Builder::new_current_thread()
                .enable_io()
                .enable_time()
                .max_blocking_threads(BLOCKING_THREADS)
                .thread_name("net-blocking")
                .build();
            let runtime = match built {
                Ok(runtime) => runtime,
                Err(error) => return bus.update_health(|health| down(health, &error)),
            };
            runtime.block_on(async {
                let mut tasks = JoinSet::new();
                tasks.spawn(work.pulse.answer(stopped.clone()));
                let (own, others) = work.hearing;
                tasks.spawn(bell::run(own, others, stopped.clone()));
                tasks.spawn(sender::run(work.sender, stopped.clone()));
                tasks.spawn(listener::run(work.listener, stopped.clone()));
                tasks.spawn(catalogue::run(work.templates, stopped.clone()));
                tasks.spawn(campaign::run(work.campaigns, stopped.clone()));
                tasks.spawn(office::run(work.office, stopped.clone()));
                if let Some((tunnel, wanted)) = work.tunnel {
                    tasks.spawn(tunnel::keep(tunnel, wanted, stopped.clone()));
                }
                if let Some(forward) = work.forward {
                    tasks.spawn(forward::run(forward, stopped));
                }
                join_all(tasks, "net", &tell, || {}).await;
            });
            runtime.shutdown_timeout(LAST_LOOK_UP);
        })?;
        Ok(Self { stop, _thread: thread })
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        self.stop.set();
    }
}

fn down(health: &mut crate::domain::health::Health, error: &io::Error) {
    use crate::domain::health::Condition;
    let words = format!("the network part cannot start: {error}");
    health.sender = Condition::Down(words.clone());
    health.listener = Condition::Down(words);
}
