//! What the senders of all accounts have to say, gathered into the health.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::core::Reason;
use crate::domain::health::Condition;
use crate::service::bus::Bus;

/// The notices of all accounts, by name.
#[derive(Debug)]
pub(super) struct Board {
    bus: Bus,
    notices: Mutex<BTreeMap<String, Reason>>,
}

impl Board {
    pub(super) fn new(bus: Bus) -> Self {
        Self { bus, notices: Mutex::default() }
    }

    /// What keeps an account from sending; `None` takes it back.
    pub(super) fn say(&self, account: &str, reason: Option<&Reason>) {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        if notices.get(account) == reason {
            return;
        }
        match reason {
            Some(reason) => notices.insert(account.to_owned(), reason.clone()),
            None => notices.remove(account),
        };
        let trouble = notices.iter().find_map(|(account, reason)| match reason {
            Reason::Trouble(words) => Some(format!("{account}: {words}")),
            Reason::Limited | Reason::Offline(_) | Reason::Silent => None,
        });
        let condition = notices.iter().find_map(|(account, reason)| match reason {
            Reason::Offline(words) => Some(Condition::Down(format!("{account}: {words}"))),
            Reason::Limited => {
                let words = "Meta limits its calls for a while; the queue waits";
                Some(Condition::Down(format!("{account}: {words}")))
            }
            Reason::Silent => {
                let words =
                    "Meta does not say whether messages arrive; the queue waits and tries again";
                Some(Condition::Down(format!("{account}: {words}")))
            }
            Reason::Trouble(_) => None,
        });
        drop(notices);
        self.bus.update_health(|health| {
            health.account_trouble = trouble;
            health.sender = condition.unwrap_or(Condition::Up);
        });
    }
}
