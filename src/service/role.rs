//! Who sends and who listens, when several processes share a data directory: one each.
//!
//! A role is an advisory lock on a file, which the system frees when its holder dies, however it dies.
//! Nobody waits for a lock: who wants a role tries again once a second, on a tick that is there anyway,
//! and the task that plays the role is handed it when it is free.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use super::bus::Bus;
use crate::domain::health::{Condition, Health};

/// A part that exactly one process plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Works off the outbox.
    Sender,
    /// Receives webhooks.
    Listener,
}

impl Role {
    const fn file_name(self) -> &'static str {
        match self {
            Self::Sender => "sender.lock",
            Self::Listener => "listener.lock",
        }
    }

    const fn condition(self, health: &mut Health) -> &mut Condition {
        match self {
            Self::Sender => &mut health.sender,
            Self::Listener => &mut health.listener,
        }
    }
}

/// A role that this process holds. Dropping it frees the role.
#[derive(Debug)]
pub struct RoleGuard(#[expect(dead_code, reason = "the lock lives as long as the file")] File);

#[derive(Debug)]
enum Holding {
    Unwanted,
    Wanted,
    Free(RoleGuard),
    Given,
}

/// One role of one data directory, as this process sees it.
#[derive(Debug)]
pub struct Seat {
    role: Role,
    path: PathBuf,
    bus: Bus,
    holding: Mutex<Holding>,
    taken: Notify,
}

impl Seat {
    /// A seat in `data_dir`, neither wanted nor taken yet.
    #[must_use]
    pub fn new(role: Role, data_dir: &std::path::Path, bus: Bus) -> Self {
        Self {
            role,
            path: data_dir.join(role.file_name()),
            bus,
            holding: Mutex::new(Holding::Unwanted),
            taken: Notify::new(),
        }
    }

    /// From now on this process wants the role; before, [`Seat::try_take`] does nothing.
    pub fn want(&self) {
        let mut holding = self.holding.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*holding, Holding::Unwanted) {
            *holding = Holding::Wanted;
        }
        drop(holding);
        self.try_take();
    }

    /// Tries to take the role, if this process does not hold it. Never blocks. Says in the health when
    /// another process has it.
    pub fn try_take(&self) {
        let mut holding = self.holding.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*holding, Holding::Wanted) {
            return;
        }
        match self.lock_file() {
            Ok(Some(guard)) => {
                *holding = Holding::Free(guard);
                self.taken.notify_one();
            }
            Ok(None) => self.say(Condition::Elsewhere),
            Err(error) => self.say(Condition::Down(format!(
                "cannot lock {}: {error}; check the directory's owner and free space",
                self.path.display()
            ))),
        }
    }

    /// Waits for the role.
    pub async fn take(&self) -> RoleGuard {
        loop {
            let heard = self.taken.notified();
            {
                let mut holding = self.holding.lock().unwrap_or_else(PoisonError::into_inner);
                match std::mem::replace(&mut *holding, Holding::Given) {
                    Holding::Free(guard) => return guard,
                    before => *holding = before,
                }
            }
            heard.await;
        }
    }

    fn say(&self, condition: Condition) {
        self.bus.update_health(|health| *self.role.condition(health) = condition);
    }

    fn lock_file(&self) -> io::Result<Option<RoleGuard>> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&self.path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(RoleGuard(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Role, Seat};
    use crate::domain::health::Condition;
    use crate::service::bus::Bus;

    fn take(seat: &Seat) -> super::RoleGuard {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(seat.take())
    }

    #[test]
    fn one_holder_at_a_time_and_the_next_takes_over() {
        let dir = tempfile::tempdir().unwrap();
        let (here, there) = (Bus::new(), Bus::new());
        let first = Seat::new(Role::Sender, dir.path(), here.clone());
        let second = Seat::new(Role::Sender, dir.path(), there.clone());
        first.try_take();
        first.want();
        let guard = take(&first);
        second.want();
        assert_eq!(there.health().sender, Condition::Elsewhere);
        first.try_take();
        assert_eq!(here.health().sender, Condition::Starting, "held here, so nothing to say");
        drop(guard);
        second.try_take();
        let _guard = take(&second);
    }

    #[test]
    fn the_roles_are_independent() {
        let dir = tempfile::tempdir().unwrap();
        let bus = Bus::new();
        for role in [Role::Sender, Role::Listener] {
            let seat = Seat::new(role, dir.path(), bus.clone());
            seat.want();
            let _guard = take(&seat);
        }
        assert_eq!(bus.health(), crate::domain::health::Health::default());
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_said() {
        let bus = Bus::new();
        Seat::new(Role::Listener, std::path::Path::new("/nonexistent"), bus.clone()).want();
        assert!(matches!(bus.health().listener, Condition::Down(_)));
    }
}
