//! The listener's limited seats. Whoever comes when all are taken gets the seat of the connection that has
//! shown the least for the longest: first those that have not sent a whole head, then those whose body is on
//! its way. One whose webhook is being stored keeps its seat. So silent connections, however many, keep
//! nobody out who has something to say.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// What a connection is waited for; the first of these gives way first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// The head of a request.
    Head,
    /// A body.
    Body,
}

type Place = (Phase, u64);

#[derive(Debug, Default)]
struct Sitting {
    next: u64,
    /// Who may be asked to leave, in that order.
    idle: BTreeMap<Place, Arc<Notify>>,
}

#[derive(Debug)]
struct Room {
    sitting: Mutex<Sitting>,
    /// Somebody may be asked to leave again.
    idle_again: Notify,
}

impl Room {
    fn lock(&self) -> MutexGuard<'_, Sitting> {
        self.sitting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All seats.
#[derive(Debug)]
pub(super) struct Seats {
    free: Arc<Semaphore>,
    room: Arc<Room>,
}

impl Seats {
    pub(super) fn new(count: usize) -> Self {
        let room = Room { sitting: Mutex::default(), idle_again: Notify::new() };
        Self { free: Arc::new(Semaphore::new(count)), room: Arc::new(room) }
    }

    /// Waits for a seat, and asks somebody to leave when there is none.
    pub(super) async fn sit(&self) -> Occupant {
        loop {
            let idle_again = self.room.idle_again.notified();
            if let Ok(seat) = Arc::clone(&self.free).try_acquire_owned() {
                return self.occupant(seat);
            }
            self.make_room(1);
            tokio::select! {
                Ok(seat) = Arc::clone(&self.free).acquire_owned() => return self.occupant(seat),
                () = idle_again => {}
            }
        }
    }

    /// Asks so many to leave.
    pub(super) fn make_room(&self, count: usize) {
        let mut sitting = self.room.lock();
        for _ in 0..count {
            let Some((_, leave)) = sitting.idle.pop_first() else { break };
            leave.notify_one();
        }
    }

    fn occupant(&self, seat: OwnedSemaphorePermit) -> Occupant {
        let leave = Arc::new(Notify::new());
        let room = Arc::clone(&self.room);
        let occupant = Occupant { room, leave, place: Mutex::new(None), _seat: seat };
        occupant.wait_for(Phase::Head);
        occupant
    }
}

/// A connection on its seat. Dropping it frees the seat.
#[derive(Debug)]
pub(super) struct Occupant {
    room: Arc<Room>,
    leave: Arc<Notify>,
    place: Mutex<Option<Place>>,
    _seat: OwnedSemaphorePermit,
}

impl Occupant {
    /// From now on the connection is waited for, and may be asked to leave.
    pub(super) fn wait_for(&self, phase: Phase) {
        self.settle(Some(phase));
        self.room.idle_again.notify_waiters();
    }

    /// Keeps the seat until the next [`Occupant::wait_for`].
    pub(super) fn keep(&self) {
        self.settle(None);
    }

    /// Ends when the seat is wanted for somebody else.
    pub(super) async fn asked_to_leave(&self) {
        self.leave.notified().await;
    }

    fn settle(&self, phase: Option<Phase>) {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sitting = self.room.lock();
        if let Some(old) = place.take() {
            sitting.idle.remove(&old);
        }
        if let Some(phase) = phase {
            let new = (phase, sitting.next);
            sitting.next += 1;
            sitting.idle.insert(new, Arc::clone(&self.leave));
            *place = Some(new);
        }
    }
}

impl Drop for Occupant {
    fn drop(&mut self) {
        self.settle(None);
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::{Occupant, Phase, Seats};

    fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    fn sit(seats: &Seats) -> Option<Occupant> {
        match poll(std::pin::pin!(seats.sit())) {
            Poll::Ready(occupant) => Some(occupant),
            Poll::Pending => None,
        }
    }

    fn is_asked(occupant: &Occupant) -> bool {
        poll(std::pin::pin!(occupant.asked_to_leave())).is_ready()
    }

    #[test]
    fn the_one_that_showed_least_for_longest_gives_way() {
        let seats = Seats::new(4);
        let [body, stored, silent, late] =
            std::array::from_fn(|_| sit(&seats).expect("a free seat"));
        body.wait_for(Phase::Body);
        stored.keep();
        assert!(sit(&seats).is_none());
        assert!(is_asked(&silent) && !is_asked(&late) && !is_asked(&body));
        drop(silent);
        let fifth = sit(&seats).expect("its seat is free");
        drop((late, fifth));
        let others: Vec<_> = (0..2).map(|_| sit(&seats).unwrap()).collect();
        others.iter().for_each(Occupant::keep);
        assert!(sit(&seats).is_none());
        assert!(is_asked(&body), "bodies give way when no head is waited for");
        drop(body);
        assert!(sit(&seats).is_some());
        assert!(!is_asked(&stored), "what is being stored keeps its seat");
    }

    #[test]
    fn a_stored_webhook_s_connection_gives_way_once_it_is_idle_again() {
        let seats = Seats::new(1);
        let busy = sit(&seats).unwrap();
        busy.keep();
        let mut next = std::pin::pin!(seats.sit());
        assert!(poll(next.as_mut()).is_pending());
        assert!(!is_asked(&busy));
        busy.wait_for(Phase::Head);
        assert!(poll(next.as_mut()).is_pending());
        assert!(is_asked(&busy));
        drop(busy);
        assert!(poll(next.as_mut()).is_ready());
    }
}
