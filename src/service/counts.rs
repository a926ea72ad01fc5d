//! Keeps the numbers of the outbox, and what is not good of the accounts, in the health: read again when something changed, never by the clock.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use super::bus::{Bus, Interest, Subscription};
use super::reader::Reader;
use crate::domain::account::{Concern, concerns};
use crate::domain::health::{Health, Pace, People, Waiting};
use crate::domain::time::{Clock, Timestamp};
use crate::store::account::{Account, accounts, fact, pace, paused_since, people_reached};
use crate::store::outbox::queue_counts;
use crate::store::{Error, ReadConn};

/// How long the numbers may be behind. Counting after each of many webhooks would take the processor from the
/// next one.
const BEHIND: Duration = Duration::from_millis(50);

/// Counts while it lives.
pub(super) struct Counts {
    count: Arc<dyn Fn(Duration) + Send + Sync>,
    _subscription: Arc<OnceLock<Subscription>>,
}

impl Counts {
    /// Counts soon after each change from now on.
    pub(super) fn start(bus: &Bus, reader: &Reader, clock: &Arc<dyn Clock>) -> Self {
        let cell: Arc<OnceLock<Subscription>> = Arc::default();
        // The bus owns the wake-up, so that one must not own the subscription in turn.
        let weak = Arc::downgrade(&cell);
        let (telling, asking, clock) = (bus.clone(), reader.clone(), Arc::clone(clock));
        let count = Arc::new(move |soon: Duration| {
            let (weak, bus, clock) = (Weak::clone(&weak), telling.clone(), Arc::clone(&clock));
            asking.submit_at(clock.monotonic() + soon, "counts", move |conn| {
                if let Some(subscription) = weak.upgrade().as_deref().and_then(OnceLock::get) {
                    // What changed does not matter, only that the next change wakes again.
                    drop(subscription.take());
                }
                match conn.and_then(|conn| counted(conn, clock.now())) {
                    Ok(counted) => bus.update_health(|health| tell(health, counted)),
                    Err(error) => tracing::debug!(%error, "the outbox cannot be counted"),
                }
            });
        });
        let counting = Arc::clone(&count);
        let subscription = bus.subscribe(Interest::Stored, move || counting(BEHIND));
        if cell.set(subscription).is_err() {
            tracing::error!("the counts were started twice");
        }
        Self { count, _subscription: cell }
    }

    /// Counts without waiting for a change.
    pub(super) fn count(&self) {
        (self.count)(Duration::ZERO);
    }
}

/// What is counted of one account.
struct Counted {
    account: Account,
    waiting: Waiting,
    paused: Option<Timestamp>,
    people: People,
    concerns: Vec<Concern>,
    told: Option<Pace>,
}

fn counted(conn: &ReadConn, now: Timestamp) -> Result<Vec<Counted>, Error> {
    let counted = accounts(conn)?.into_iter().map(|account| {
        let waiting = queue_counts(conn, account.id)?;
        let paused = paused_since(conn, account.id)?;
        let people = people_reached(conn, account.id, now)?;
        let concerns = concerns(&fact::facts(conn, account.id)?, now);
        let told = pace::told(conn, account.id)?;
        Ok(Counted { account, waiting, paused, people, concerns, told })
    });
    counted.collect()
}

fn tell(health: &mut Health, counted: Vec<Counted>) {
    for Counted { account, waiting, paused, people, concerns, told: pace } in counted {
        let told = health.account_mut(account.id, &account.name);
        (told.waiting, told.paused, told.people) = (waiting, paused, people);
        (told.concerns, told.told) = (concerns, pace);
    }
}
