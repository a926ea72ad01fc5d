//! What the senders of all accounts have to say, gathered into the health.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::health::{Condition, Pace, StopKind};
use crate::domain::id::AccountId;
use crate::service::bus::Bus;

/// What keeps accounts from sending, by name.
#[derive(Debug)]
pub(super) struct Board {
    bus: Bus,
    notices: Mutex<BTreeMap<String, (StopKind, String)>>,
}

impl Board {
    pub(super) fn new(bus: Bus) -> Self {
        Self { bus, notices: Mutex::default() }
    }

    /// How an account does: what keeps it from sending, and how fast it goes.
    pub(super) fn tell(&self, account: AccountId, name: &str, pace: Pace) {
        let stop = pace.stop.as_ref().map(|stop| (stop.kind, stop.words.clone()));
        self.bus.update_health(|health| health.account_mut(account, name).pace = Some(pace));
        self.say(name, stop);
    }

    /// What keeps an account from sending; `None` takes it back.
    pub(super) fn say(&self, account: &str, stop: Option<(StopKind, String)>) {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        if notices.get(account) == stop.as_ref() {
            return;
        }
        match stop {
            Some(stop) => notices.insert(account.to_owned(), stop),
            None => notices.remove(account),
        };
        let first = |trouble: bool| {
            let mut found =
                notices.iter().filter(|(_, (kind, _))| (*kind == StopKind::Trouble) == trouble);
            found.next().map(|(account, (_, words))| format!("{account}: {words}"))
        };
        let (trouble, condition) = (first(true), first(false).map(Condition::Down));
        drop(notices);
        self.bus.update_health(|health| {
            health.account_trouble = trouble;
            health.sender = condition.unwrap_or(Condition::Up);
        });
    }
}
