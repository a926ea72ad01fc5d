//! Following the requests at the listener as they come, whichever process hears them.

use crate::domain::hook::Hook;
use crate::domain::hook_filter::HookFilter;
use crate::domain::id::EventId;
use crate::service::hooks;
use crate::store::{Error, ReadConn, event};

/// Events that are read at once.
const PAGE: u32 = 100;

/// How far they were told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    event: EventId,
    arrival: i64,
}

impl Seen {
    /// All that there are.
    pub(super) fn now(read: &ReadConn) -> Result<Self, Error> {
        Ok(Self { event: event::newest(read)?, arrival: event::newest_arrival(read)? })
    }

    /// What came since and fits, oldest first.
    pub(super) fn next(
        mut self,
        read: &ReadConn,
        filter: &HookFilter,
    ) -> Result<(Vec<Hook>, Self), Error> {
        let mut fresh = Vec::new();
        loop {
            let rows = event::events_after(read, self.event, PAGE)?;
            let Some(last) = rows.last() else { break };
            self.event = last.id;
            for row in rows {
                let body = event::kept(read, row.id)?.body;
                let hook = hooks::told(read, row, &body)?;
                fresh.extend(filter.fits(&hook, &body).then_some(hook));
            }
        }
        for key in event::arrivals_after(read, self.arrival)? {
            self.arrival = key.arrival;
            let hook = hooks::hook(read, key)?;
            fresh.extend(filter.fits(&hook, &[]).then_some(hook));
        }
        fresh.sort_by_key(|hook| hook.key);
        Ok((fresh, self))
    }
}
