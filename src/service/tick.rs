//! What is done once a second, on the reader's tick: hear of what another process wrote, try to take free
//! roles, try the store again while it is in trouble, see whether the thread of the network still turns, and
//! notice that the machine slept.

use std::sync::Arc;
use std::time::Duration;

use super::bell::Others;
use super::bus::Bus;
use super::pulse::{Asker, Pulse, STUCK};
use super::role::Seat;
use super::writer::{Pending, Priority, Writer};
use crate::domain::change::Changes;
use crate::domain::time::{Clock, Monotonic, Timestamp};
use crate::store::account::{NewAccount, upsert_account};
use crate::store::prune::{Keep, prune};

/// Ticks, of about a second, until old bodies are looked for: first when the start is over, then hourly.
const FIRST_REST: u32 = 60;
const REST: u32 = 3_400;

/// By so much may the wall clock get ahead between two ticks: it is corrected a little all the time.
const ADJUSTED: Duration = Duration::from_secs(2);

/// The machine's clocks as they were last read. Waits are counted by the forward-only one, which stands still
/// while a laptop sleeps: what was waited for until a time of day is then overdue, and nobody is woken for it.
#[derive(Clone, Copy, Debug)]
struct Clocks {
    wall: Timestamp,
    mono: Monotonic,
}

impl Clocks {
    fn read(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), mono: clock.monotonic() }
    }

    /// Whether the time of day went on without us since the last reading.
    fn leapt(&mut self, now: Self) -> bool {
        let before = std::mem::replace(self, now);
        now.wall.since(before.wall) > now.mono.since(before.mono) + ADJUSTED
    }
}

/// The work of a tick.
pub(super) struct Tick {
    writer: Writer,
    bus: Bus,
    others: Others,
    clock: Arc<dyn Clock>,
    accounts: Vec<NewAccount>,
    seats: [Arc<Seat>; 2],
    first: bool,
    storing: Option<Pending<()>>,
    keep: Keep,
    pruning: Option<Pending<bool>>,
    /// Ticks until bodies are looked through again.
    rest: u32,
    asker: Asker,
    clocks: Clocks,
}

/// What a tick looks after.
pub(super) struct Parts {
    pub(super) writer: Writer,
    pub(super) bus: Bus,
    pub(super) others: Others,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) accounts: Vec<NewAccount>,
    pub(super) seats: [Arc<Seat>; 2],
    pub(super) keep: Keep,
    pub(super) pulse: Arc<Pulse>,
}

impl Tick {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { writer, bus, others, clock, accounts, seats, keep, pulse } = parts;
        let clocks = Clocks::read(&*clock);
        Self {
            writer,
            bus,
            others,
            clocks,
            clock,
            accounts,
            seats,
            first: true,
            storing: None,
            keep,
            pruning: None,
            rest: FIRST_REST,
            asker: Asker::new(pulse),
        }
    }

    /// `changed`: somebody wrote since the last tick, this process included.
    pub(super) fn run(&mut self, changed: bool) {
        let first = std::mem::take(&mut self.first);
        if first {
            self.store_accounts();
        }
        if first || changed {
            self.others.look();
        }
        if self.clocks.leapt(Clocks::read(&*self.clock)) {
            tracing::info!("the machine slept, or its clock was set forward");
            self.bus.publish(&Changes { everything: true, ..Changes::default() });
        }
        self.seats.iter().for_each(|seat| seat.try_take());
        self.prune();
        self.watch_the_net();
        match self.storing.as_mut().map(Pending::poll_now) {
            Some(Some(Err(error))) => {
                tracing::debug!(%error, "the accounts are not stored yet");
                self.store_accounts();
            }
            Some(Some(Ok(()))) => self.storing = None,
            // A write that succeeds is what takes the trouble back.
            None if self.bus.health().store_trouble.is_some() => self.store_accounts(),
            Some(None) | None => {}
        }
    }

    /// Lets go of old bodies: a step a tick while there are any, and then not for an hour.
    fn prune(&mut self) {
        match self.pruning.as_mut().map(Pending::poll_now) {
            Some(None) => return,
            Some(Some(Ok(true))) => self.rest = 0,
            Some(Some(_)) => self.rest = REST,
            None => {}
        }
        self.pruning = None;
        if self.rest > 0 {
            self.rest -= 1;
            return;
        }
        let (keep, now) = (self.keep, self.clock.now());
        self.pruning = Some(self.writer.run(Priority::Bulk, move |tx| prune(tx, &keep, now)));
    }

    fn watch_the_net(&mut self) {
        let Some(turns) = self.asker.tick() else { return };
        let stuck = (!turns).then(|| STUCK.to_owned());
        if self.bus.health().net_trouble != stuck {
            if stuck.is_some() {
                tracing::error!("the thread of the network does not answer");
            }
            self.bus.update_health(|health| health.net_trouble = stuck);
        }
    }

    fn store_accounts(&mut self) {
        let (accounts, now) = (self.accounts.clone(), self.clock.now());
        self.storing = Some(self.writer.run(Priority::Interactive, move |tx| {
            accounts.iter().try_for_each(|account| upsert_account(tx, account, now).map(drop))
        }));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Clocks, Monotonic, Timestamp};
    use crate::service::listener::probe::Probing;
    use crate::service::pulse;
    use crate::service::reader::TICK;

    /// All that wakes a process that nobody uses and that hears nothing.
    #[test]
    fn an_idle_minute_has_at_most_sixty_wake_ups() {
        let a_minute = |every: Duration| 60.0 / every.as_secs_f64();
        let ticks = a_minute(TICK);
        // The task that answers.
        let pulse = ticks / f64::from(pulse::EVERY);
        // The listener is connected to, reads and answers.
        let probe = 3.0 * a_minute(Probing::default().every);
        let clock_on_the_screen = 1.0;
        let all = ticks + pulse + probe + clock_on_the_screen;
        assert!(all <= 60.0, "{all}");
    }

    #[test]
    fn a_machine_that_slept_is_noticed_and_a_corrected_clock_is_not() {
        let at = |wall, mono| Clocks {
            wall: Timestamp::from_secs(1_000_i64 + wall),
            mono: Monotonic(Duration::from_secs(mono)),
        };
        let mut clocks = at(0, 0);
        assert!(!clocks.leapt(at(1, 1)));
        assert!(!clocks.leapt(at(3, 2)), "set forward by a second");
        assert!(!clocks.leapt(at(2, 3)), "set back");
        assert!(!clocks.leapt(at(62, 63)), "a slow minute");
        assert!(clocks.leapt(at(36_062, 64)), "ten hours");
        assert!(!clocks.leapt(at(36_063, 65)), "once");
    }

    #[test]
    fn what_another_process_wrote_is_looked_for_about_once_a_second() {
        assert!((1_000..=1_200).contains(&TICK.as_millis()), "{TICK:?}");
    }
}
