//! Who sends and who listens, when several processes share a data directory: one each.
//!
//! A role is an advisory lock on a file, which the system frees when its holder dies, however it dies.
//! Nobody waits for a lock: who wants a role tries again once a second, on a tick that is there anyway,
//! and the task that plays the role is handed it when it is free. A task that finds that it cannot play
//! the role gives it back by dropping its [`RoleGuard`], so that another process may, and wants it again
//! when it is worth another try.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// A role that this process holds. Dropping it gives the role back: it is free for any process, and this
/// one wants it no more until [`Seat::want`].
#[derive(Debug)]
pub struct RoleGuard {
    seat: Arc<Seat>,
    /// The lock lives as long as the open file.
    lock: Option<File>,
}

impl Drop for RoleGuard {
    fn drop(&mut self) {
        let mut holding = self.seat.holding();
        drop(self.lock.take());
        *holding = Holding::Unwanted;
    }
}

#[derive(Debug)]
enum Holding {
    Unwanted,
    Wanted,
    Free(File),
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
        {
            let mut holding = self.holding();
            if matches!(*holding, Holding::Unwanted) {
                *holding = Holding::Wanted;
            }
        }
        self.try_take();
    }

    /// Tries to take the role, if this process does not hold it. Never blocks. Says in the health when
    /// another process has it.
    pub fn try_take(&self) {
        let mut holding = self.holding();
        if !matches!(*holding, Holding::Wanted) {
            return;
        }
        match self.lock_file() {
            Ok(Some(lock)) => {
                *holding = Holding::Free(lock);
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
    pub async fn take(self: &Arc<Self>) -> RoleGuard {
        loop {
            let heard = self.taken.notified();
            {
                let mut holding = self.holding();
                match std::mem::replace(&mut *holding, Holding::Given) {
                    Holding::Free(lock) => {
                        return RoleGuard { seat: Arc::clone(self), lock: Some(lock) };
                    }
                    before => *holding = before,
                }
            }
            heard.await;
        }
    }

    fn holding(&self) -> MutexGuard<'_, Holding> {
        self.holding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, condition: Condition) {
        self.bus.update_health(|health| *self.role.condition(health) = condition);
    }

    fn lock_file(&self) -> io::Result<Option<File>> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&self.path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Role, Seat};
    use crate::domain::health::Condition;
    use crate::service::bus::Bus;

    fn take(seat: &Arc<Seat>) -> super::RoleGuard {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(seat.take())
    }

    fn seat(role: Role, dir: &tempfile::TempDir, bus: &Bus) -> Arc<Seat> {
        Arc::new(Seat::new(role, dir.path(), bus.clone()))
    }

    #[test]
    fn one_holder_at_a_time_and_the_next_takes_over() {
        let dir = tempfile::tempdir().unwrap();
        let (here, there) = (Bus::new(), Bus::new());
        let first = seat(Role::Sender, &dir, &here);
        let second = seat(Role::Sender, &dir, &there);
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
    fn a_role_given_back_can_be_had_by_others_and_then_again() {
        let dir = tempfile::tempdir().unwrap();
        let (here, there) = (Bus::new(), Bus::new());
        let first = seat(Role::Listener, &dir, &here);
        let second = seat(Role::Listener, &dir, &there);
        first.want();
        drop(take(&first));
        first.try_take();
        second.want();
        let guard = take(&second);
        first.want();
        assert_eq!(here.health().listener, Condition::Elsewhere);
        drop(guard);
        first.try_take();
        drop(take(&first));
        first.want();
        let _guard = take(&first);
    }

    #[test]
    fn of_many_who_want_a_role_at_once_exactly_one_has_it() {
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..100 {
            let seats: Vec<Arc<Seat>> =
                (0..4).map(|_| seat(Role::Sender, &dir, &Bus::new())).collect();
            std::thread::scope(|scope| {
                for seat in &seats {
                    scope.spawn(|| seat.want());
                }
            });
            let holders = seats
                .iter()
                .filter(|seat| matches!(*seat.holding(), super::Holding::Free(_)))
                .count();
            assert_eq!(holders, 1);
        }
    }

    #[test]
    fn the_roles_are_independent() {
        let dir = tempfile::tempdir().unwrap();
        let bus = Bus::new();
        for role in [Role::Sender, Role::Listener] {
            let seat = seat(role, &dir, &bus);
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
