//! Passes webhooks on to the programs that a person develops, with the bytes and the signature they came
//! with, or signed anew.
//!
//! It reads what is stored, so whichever process listens, and whatever the target does, nothing waits for it
//! and nothing is lost by it: what was not taken can be replayed. Each target gets its events one after the
//! other. One that cannot be reached is tried again until the event is old; one that answers with trouble of
//! its own, a few times.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::bus::{Bus, Interest};
use super::hooks;
use super::reader::{ReadError, Reader};
use super::stop::Stopped;
use crate::api::relay::{Relay, Target};
use crate::api::signature;
use crate::domain::hook_filter::Only;
use crate::domain::id::EventId;
use crate::domain::time::{Clock, Timestamp};
use crate::store::event::{self, Kept};

/// For an answer, connecting included.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The first and the longest wait before another try.
const WAIT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// How old an event may get while its target cannot be reached: a program being developed is often away.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// Tries when the target answers with trouble of its own. Those behind wait meanwhile, some four seconds: a
/// program that fails for every event is still told of all of them soon.
const TRIES: u32 = 4;

/// Events that are read at once.
const PAGE: u32 = 32;

/// Where webhooks are passed on to.
#[derive(Clone, Debug)]
pub struct Forwarding {
    /// The addresses.
    pub targets: Vec<Target>,
    /// Signs anew; without it the signature is the one that came.
    pub secret: Option<SecretString>,
    /// Which webhooks.
    pub only: Only,
}

/// A try to pass an event on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// The event.
    pub event: EventId,
    /// The address.
    pub to: Target,
    /// The HTTP status, or why there is none.
    pub answer: Result<u16, String>,
    /// How long the answer took.
    pub took: Duration,
    /// Counts the tries, from 1.
    pub tries: u32,
    /// It is tried again after this.
    pub again: Option<Duration>,
}

impl Forwarded {
    /// Whether the target has it now.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.answer.as_ref().is_ok_and(|status| (200..300).contains(status))
    }
}

/// Hears of each try. Must not block.
pub type Told = Arc<dyn Fn(Forwarded) + Send + Sync>;

/// What forwarding needs.
pub(super) struct Parts {
    pub(super) forwarding: Forwarding,
    pub(super) told: Told,
    /// The newest event when the services started: later ones are passed on.
    pub(super) after: EventId,
    pub(super) reader: Reader,
    pub(super) bus: Bus,
    pub(super) clock: Arc<dyn Clock>,
}

/// Forwards until the word to stop.
pub(super) async fn run(parts: Parts, stopped: Stopped) {
    let relay = match Relay::for_targets(ANSWER_WITHIN, &parts.forwarding.targets) {
        Ok(relay) => relay,
        Err(error) => {
            tracing::error!(%error, "cannot forward");
            return;
        }
    };
    let parts = Arc::new(parts);
    let mut lines = JoinSet::new();
    for (number, target) in parts.forwarding.targets.iter().enumerate() {
        let line = Line {
            parts: Arc::clone(&parts),
            relay: relay.clone(),
            target: target.clone(),
            slot: format!("forward {number}"),
            stopped: stopped.clone(),
        };
        lines.spawn(line.run());
    }
    while let Some(ended) = lines.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "forwarding to a target failed");
        }
    }
}

/// One target and what it has had.
struct Line {
    parts: Arc<Parts>,
    relay: Relay,
    target: Target,
    slot: String,
    stopped: Stopped,
}

impl Line {
    async fn run(mut self) {
        let changed = Arc::new(Notify::new());
        let wake = Arc::clone(&changed);
        let news = self.parts.bus.subscribe(Interest::Everything, move || wake.notify_one());
        let mut last = self.parts.after;
        while !self.stopped.is_set() {
            drop(news.take());
            match self.read(last).await {
                Ok(rows) if !rows.is_empty() => {
                    for (event, received_at, kept) in rows {
                        last = event;
                        if let Some(kept) = kept {
                            self.pass(event, received_at, &kept).await;
                        }
                    }
                    continue;
                }
                Ok(_nothing_new) => {}
                Err(error) => tracing::debug!(%error, "events to forward cannot be read"),
            }
            tokio::select! {
                () = changed.notified() => {}
                () = self.stopped.wait() => {}
            }
        }
    }

    /// The next events; those to pass on with what is kept of them.
    async fn read(
        &self,
        last: EventId,
    ) -> Result<Vec<(EventId, Timestamp, Option<Kept>)>, ReadError> {
        let only = self.parts.forwarding.only.clone();
        self.parts
            .reader
            .ask(self.slot.clone(), move |read| {
                let rows = event::events_after(read, last, PAGE)?;
                let told = rows.into_iter().map(|row| {
                    let kept = event::kept(read, row.id)?;
                    // What a person applied again did not come in.
                    let wanted = row.replay_of.is_none()
                        && !kept.body.is_empty()
                        && only.fits(&hooks::facets(&kept.body));
                    Ok((row.id, row.received_at, wanted.then_some(kept)))
                });
                told.collect()
            })
            .await
    }

    /// Passes one event on, as often as it takes or makes sense.
    async fn pass(&mut self, event: EventId, received_at: Timestamp, kept: &Kept) {
        let clock = Arc::clone(&self.parts.clock);
        let signed = match &self.parts.forwarding.secret {
            Some(secret) => Some(signature::sign(secret, &kept.body)),
            None => kept.signature,
        };
        let mut wait = WAIT.0;
        for tries in 1.. {
            if self.stopped.is_set() {
                return;
            }
            let begun = clock.monotonic();
            let answer = self.relay.post(&self.target, kept.body.clone(), signed.as_ref()).await;
            let took = clock.monotonic().since(begun);
            let goes_on = match &answer {
                Ok(answered) => answered.may_pass() && tries < TRIES,
                Err(_) => clock.now().since(received_at) < PATIENCE,
            };
            let again = goes_on.then_some(wait);
            (self.parts.told)(Forwarded {
                event,
                to: self.target.clone(),
                answer: answer.map(|answered| answered.status),
                took,
                tries,
                again,
            });
            if !goes_on {
                return;
            }
            tokio::select! {
                () = sleep(wait) => wait = (wait * 2).min(WAIT.1),
                () = self.stopped.wait() => return,
            }
        }
    }
}
