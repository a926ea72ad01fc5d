//! One word to many: stop. Set once, never taken back.
//!
//! Tasks await it; threads that block on a queue of their own are told through that queue instead.

use tokio::sync::watch;

/// Sets the word. Dropping it says it too, so that no task outlives its owner.
#[derive(Debug)]
pub struct Stop(watch::Sender<bool>);

/// Hears the word.
#[derive(Clone, Debug)]
pub struct Stopped(watch::Receiver<bool>);

impl Stop {
    /// A new word, not yet said.
    #[must_use]
    pub fn new() -> (Self, Stopped) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stopped(receiver))
    }

    /// Says it.
    pub fn set(&self) {
        self.0.send_replace(true);
    }
}

impl Stopped {
    /// Whether it was said.
    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Ends when it is said, at once if it was.
    pub async fn wait(&mut self) {
        // An error means that the owner is gone, which says the same.
        if self.0.wait_for(|said| *said).await.is_err() {
            tracing::debug!("stopped because the owner is gone");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Stop;

    #[test]
    fn heard_by_all_and_by_those_who_come_late() {
        let (stop, stopped) = Stop::new();
        let mut early = stopped.clone();
        assert!(!stopped.is_set());
        stop.set();
        assert!(stopped.is_set());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(early.wait());
        runtime.block_on(stopped.clone().wait());
    }

    #[test]
    fn a_lost_owner_stops_too() {
        let (stop, mut stopped) = Stop::new();
        drop(stop);
        assert!(stopped.is_set());
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(stopped.wait());
    }
}
