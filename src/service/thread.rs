//! Named threads that somebody owns and joins. Nothing in the services runs detached.
//!
//! A panic on one of them is caught at its root and told to whoever started the services, who leaves in
//! order; the thread never prints and never touches the terminal.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use tokio::task::{JoinError, JoinSet};

/// A panic that ended a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panicked {
    /// The thread's name.
    pub thread: String,
    /// What the panic said.
    pub message: String,
}

/// Who is told of a panic; called on the thread that panicked.
pub type OnPanic = Arc<dyn Fn(Panicked) + Send + Sync>;

/// A running thread. Dropping it waits for its end, so tell it to stop first.
#[derive(Debug)]
pub struct Thread {
    handle: Option<JoinHandle<()>>,
}

impl Thread {
    /// Starts a thread.
    ///
    /// # Errors
    /// When the system gives no more threads.
    pub fn start(
        name: &'static str,
        on_panic: OnPanic,
        body: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let handle = Builder::new().name(name.to_owned()).spawn(move || {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(body)) {
                let message = panic_message(panic.as_ref());
                tracing::error!(thread = name, message, "thread panicked");
                on_panic(Panicked { thread: name.to_owned(), message });
            }
        })?;
        Ok(Self { handle: Some(handle) })
    }

    /// Whether it has come to its end.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.handle.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for its end.
    pub fn join(mut self) {
        self.wait();
    }

    fn wait(&mut self) {
        if let Some(handle) = self.handle.take()
            && handle.join().is_err()
        {
            // The body's panics are caught above; this is one of the handler itself.
            tracing::error!("a thread's panic handler panicked");
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.wait();
    }
}

/// Waits for all tasks of the `name` part. Each that panics is told like a thread that did, after `failed`.
pub(super) async fn join_all(
    mut tasks: JoinSet<()>,
    name: &str,
    on_panic: &OnPanic,
    failed: impl Fn(),
) {
    while let Some(ended) = tasks.join_next().await {
        // Nobody cancels a single task, so that it panicked is all that can have happened.
        if let Err(panic) = ended.map_err(JoinError::try_into_panic) {
            let message =
                panic.map_or_else(|error| error.to_string(), |panic| panic_message(panic.as_ref()));
            tracing::error!(part = name, message, "a task panicked");
            failed();
            on_panic(Panicked { thread: name.to_owned(), message });
        }
    }
}

/// What a caught panic said.
#[must_use]
pub fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use tokio::task::JoinSet;

    use super::{OnPanic, Panicked, Thread, join_all};

    #[test]
    fn drop_waits_for_the_end() {
        let (sender, receiver) = mpsc::channel();
        let thread =
            Thread::start("quiet", Arc::new(|_| {}), move || sender.send(7).unwrap()).unwrap();
        drop(thread);
        assert_eq!(receiver.try_recv(), Ok(7));
    }

    #[test]
    fn a_task_that_panics_is_told_and_costs_no_other() {
        let (sender, receiver) = mpsc::channel();
        let (done, finished) = mpsc::channel();
        let told: OnPanic = Arc::new(move |panicked| sender.send(panicked).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            tasks.spawn(async { panic!("out of luck") });
            tasks.spawn(async move { done.send(7).unwrap() });
            join_all(tasks, "sender", &told, || {}).await;
        });
        let panicked = Panicked { thread: "sender".to_owned(), message: "out of luck".to_owned() };
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [panicked]);
        assert_eq!(finished.try_recv(), Ok(7));
    }

    #[test]
    fn a_panic_is_told_with_the_name() {
        let (sender, receiver) = mpsc::channel();
        let told = Arc::new(move |panicked| sender.send(panicked).unwrap());
        Thread::start("loud", told, || panic!("out of luck")).unwrap().join();
        let panicked = Panicked { thread: "loud".to_owned(), message: "out of luck".to_owned() };
        assert_eq!(receiver.try_recv(), Ok(panicked));
    }
}
