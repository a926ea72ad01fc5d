//! Tells those who care what changed in the store and how the services are doing.
//!
//! What is told is a hint: it is merged, bounded by the number of conversations, and who hears it reads
//! again. Each subscriber is woken once and then not again until it has taken its news, so a flood of
//! webhooks costs a slow screen one wake-up. Wake-ups are called outside the lock and must not block.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use crate::domain::change::Changes;
use crate::domain::health::Health;
use crate::domain::id::PhoneNumberId;

/// What a subscriber wants to be woken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// All changes and the health.
    Everything,
    /// All changes. Not the health, which changes with each webhook.
    Stored,
    /// Only what may give the sender work: changes of the outbox, and whether the listener hears.
    Sending,
    /// Only changes of the catalogue of templates.
    Templates,
}

/// What happened since the news were last taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// What changed in the store.
    pub changes: Changes,
    /// The health as it is now, if it changed.
    pub health: Option<Health>,
}

impl News {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.health.is_none()
    }
}

type Wake = Arc<dyn Fn() + Send + Sync>;

struct Subscriber {
    interest: Interest,
    changes: Changes,
    health: bool,
    woken: bool,
    wake: Wake,
}

#[derive(Default)]
struct State {
    health: Health,
    /// Messages that came in, by the number they came to.
    came_in: BTreeMap<PhoneNumberId, u64>,
    next_id: u64,
    subscribers: BTreeMap<u64, Subscriber>,
}

/// The meeting point of those who change things and those who show them. Clones are the same bus.
#[derive(Clone, Default)]
pub struct Bus(Arc<Mutex<State>>);

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bus").finish_non_exhaustive()
    }
}

impl Bus {
    /// A bus without subscribers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls `wake` when there is news, once until the news are taken.
    #[must_use = "dropping the subscription ends it"]
    pub fn subscribe(
        &self,
        interest: Interest,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Subscription {
        let mut state = self.lock();
        let id = state.next_id;
        state.next_id += 1;
        let subscriber = Subscriber {
            interest,
            changes: Changes::default(),
            health: false,
            woken: false,
            wake: Arc::new(wake),
        };
        state.subscribers.insert(id, subscriber);
        drop(state);
        Subscription { bus: self.clone(), id }
    }

    /// For a thread that blocks until there is news.
    #[must_use = "dropping the watcher ends it"]
    pub fn watch(&self) -> Watcher {
        let (sender, tokens) = mpsc::sync_channel(1);
        let wake = Wakes(sender);
        let told = wake.clone();
        let subscription = self.subscribe(Interest::Everything, move || told.wake());
        Watcher { tokens, wake, subscription }
    }

    /// Tells that the store changed.
    pub fn publish(&self, changes: &Changes) {
        if changes.is_empty() {
            return;
        }
        self.tell(|subscriber| {
            let wanted = match subscriber.interest {
                Interest::Everything | Interest::Stored => true,
                Interest::Sending => changes.outbox || changes.everything,
                Interest::Templates => changes.templates || changes.everything,
            };
            if wanted {
                subscriber.changes.merge(changes.clone());
            }
            wanted
        });
    }

    /// Changes the health; tells it if it differs.
    pub fn update_health(&self, change: impl FnOnce(&mut Health)) {
        let listener_changed = {
            let mut state = self.lock();
            let before = state.health.clone();
            change(&mut state.health);
            if state.health == before {
                return;
            }
            state.health.listener != before.listener
        };
        self.tell(|subscriber| match subscriber.interest {
            Interest::Everything => {
                subscriber.health = true;
                true
            }
            Interest::Sending => listener_changed,
            Interest::Stored | Interest::Templates => false,
        });
    }

    /// Messages came in at a number; they count against its limit. Nobody is woken for it.
    pub fn note_arrivals(&self, numbers: impl IntoIterator<Item = PhoneNumberId>) {
        let mut state = self.lock();
        for number in numbers {
            *state.came_in.entry(number).or_default() += 1;
        }
    }

    /// How many messages came in at a number since the start.
    #[must_use]
    pub fn came_in(&self, number: &PhoneNumberId) -> u64 {
        self.lock().came_in.get(number).copied().unwrap_or_default()
    }

    /// The health as it is now.
    #[must_use]
    pub fn health(&self) -> Health {
        self.lock().health.clone()
    }

    fn tell(&self, mut note: impl FnMut(&mut Subscriber) -> bool) {
        let mut wakes: Vec<Wake> = Vec::new();
        for subscriber in self.lock().subscribers.values_mut() {
            if note(subscriber) && !subscriber.woken {
                subscriber.woken = true;
                wakes.push(Arc::clone(&subscriber.wake));
            }
        }
        for wake in wakes {
            wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place on the bus. Dropping it ends it.
#[derive(Debug)]
pub struct Subscription {
    bus: Bus,
    id: u64,
}

impl Subscription {
    /// Takes the news; from now on the next one wakes again.
    #[must_use]
    pub fn take(&self) -> News {
        let mut state = self.bus.lock();
        let health = state.health.clone();
        let Some(subscriber) = state.subscribers.get_mut(&self.id) else { return News::default() };
        subscriber.woken = false;
        News {
            changes: std::mem::take(&mut subscriber.changes),
            health: std::mem::take(&mut subscriber.health).then_some(health),
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.bus.lock().subscribers.remove(&self.id);
    }
}

/// A subscription for a thread that blocks.
#[derive(Debug)]
pub struct Watcher {
    tokens: mpsc::Receiver<()>,
    wake: Wakes,
    subscription: Subscription,
}

#[derive(Clone, Debug)]
struct Wakes(mpsc::SyncSender<()>);

impl Wakes {
    fn wake(&self) {
        // Full means that a token is waiting, and disconnected that nobody is: both are fine.
        self.0.try_send(()).ok();
    }
}

impl Watcher {
    /// Ends the wait from another thread, without news.
    pub fn waker(&self) -> impl Fn() + Send + 'static + use<> {
        let wake = self.wake.clone();
        move || wake.wake()
    }

    /// Blocks until there is news, or the time is over; then the news are empty.
    #[must_use]
    pub fn wait(&self, timeout: Option<Duration>) -> News {
        let token = match timeout {
            Some(timeout) => self.tokens.recv_timeout(timeout).is_ok(),
            None => self.tokens.recv().is_ok(),
        };
        if token { self.subscription.take() } else { News::default() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::{Bus, Interest};
    use crate::domain::change::Changes;
    use crate::domain::health::Condition;
    use crate::domain::id::{AccountId, ConversationId};

    fn conversation(id: i64) -> Changes {
        Changes { conversations: [ConversationId(id)].into(), ..Changes::default() }
    }

    fn counting(bus: &Bus, interest: Interest) -> (Arc<AtomicUsize>, super::Subscription) {
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        let subscription = bus.subscribe(interest, move || {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        (count, subscription)
    }

    #[test]
    fn a_thousand_changes_are_one_wake_up() {
        let bus = Bus::new();
        let (wakes, subscription) = counting(&bus, Interest::Everything);
        (0..1000).for_each(|n| bus.publish(&conversation(n % 10)));
        assert_eq!(wakes.load(Ordering::Relaxed), 1);
        assert_eq!(subscription.take().changes.conversations.len(), 10);
        assert!(subscription.take().is_empty());
        bus.publish(&conversation(1));
        assert_eq!(wakes.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn the_sender_sleeps_through_what_is_not_for_it() {
        let bus = Bus::new();
        let (wakes, subscription) = counting(&bus, Interest::Sending);
        bus.publish(&conversation(1));
        bus.update_health(|health| {
            health.account_mut(AccountId(1), "shop").waiting.queued = 3;
        });
        assert_eq!(wakes.load(Ordering::Relaxed), 0);
        bus.publish(&Changes { outbox: true, ..Changes::default() });
        assert_eq!(wakes.load(Ordering::Relaxed), 1);
        assert!(subscription.take().changes.outbox);
        bus.update_health(|health| health.listener = Condition::Up);
        assert_eq!(wakes.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn who_counts_what_is_stored_was_woken_by_its_own_report() {
        let bus = Bus::new();
        let (wakes, subscription) = counting(&bus, Interest::Stored);
        bus.update_health(|health| {
            health.account_mut(AccountId(1), "shop").waiting.queued = 3;
        });
        assert_eq!(wakes.load(Ordering::Relaxed), 0);
        bus.publish(&conversation(1));
        assert_eq!(wakes.load(Ordering::Relaxed), 1);
        assert!(subscription.take().health.is_none());
    }

    #[test]
    fn health_is_told_only_when_it_differs() {
        let bus = Bus::new();
        let watcher = bus.watch();
        bus.update_health(|health| health.sender = Condition::Starting);
        assert!(watcher.wait(Some(Duration::ZERO)).is_empty());
        bus.update_health(|health| health.sender = Condition::Up);
        assert_eq!(watcher.wait(None).health.unwrap().sender, Condition::Up);
    }

    #[test]
    fn a_dropped_subscription_is_forgotten() {
        let bus = Bus::new();
        let (wakes, subscription) = counting(&bus, Interest::Everything);
        drop(subscription);
        bus.publish(&conversation(1));
        assert_eq!(wakes.load(Ordering::Relaxed), 0);
    }
}
