//! Keeps the numbers of the outbox in the health: read again when something changed, never by the clock.

use std::sync::{Arc, OnceLock, Weak};

use super::bus::{Bus, Interest, Subscription};
use super::reader::Reader;
use crate::store::account::accounts;
use crate::store::outbox::queue_counts;
use crate::store::{Error, ReadConn};

/// Counts while it lives.
pub(super) struct Counts {
    _subscription: Arc<OnceLock<Subscription>>,
}

impl Counts {
    pub(super) fn start(bus: &Bus, reader: &Reader) -> Self {
        let cell: Arc<OnceLock<Subscription>> = Arc::default();
        // The bus owns the wake-up, so that one must not own the subscription in turn.
        let weak = Arc::downgrade(&cell);
        let (telling, asking) = (bus.clone(), reader.clone());
        let recount = move || {
            let (weak, bus) = (Weak::clone(&weak), telling.clone());
            asking.submit("counts", move |conn| {
                if let Some(subscription) = weak.upgrade().as_deref().and_then(OnceLock::get) {
                    // What changed does not matter, only that the next change wakes again.
                    drop(subscription.take());
                }
                match conn.and_then(count) {
                    Ok((queue, failed)) => bus.update_health(|health| {
                        health.queue = queue;
                        health.failed = failed;
                    }),
                    Err(error) => tracing::debug!(%error, "the outbox cannot be counted"),
                }
            });
        };
        recount();
        let subscription = bus.subscribe(Interest::Everything, recount);
        if cell.set(subscription).is_err() {
            tracing::error!("the counts were started twice");
        }
        Self { _subscription: cell }
    }
}

/// Waiting or under way, and failed or uncertain, over all accounts.
fn count(conn: &ReadConn) -> Result<(u32, u32), Error> {
    let mut sum = (0_u32, 0_u32);
    for account in accounts(conn)? {
        let counts = queue_counts(conn, account.id)?;
        sum.0 = sum.0.saturating_add(counts.queued).saturating_add(counts.sending);
        sum.1 = sum.1.saturating_add(counts.failed).saturating_add(counts.uncertain);
    }
    Ok(sum)
}
