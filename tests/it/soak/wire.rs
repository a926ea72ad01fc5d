//! Where the program meets the run: the sender's way to Meta, and the machine's clocks.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use twoticks::clock::Wall;
use twoticks::domain::id::{PhoneNumberId, RequestId};
use twoticks::domain::outbox::Job;
use twoticks::domain::time::{Clock, Monotonic, Timestamp};
use twoticks::service::sender::core::Answer;
use twoticks::service::sender::transport::{Answering, Asking, Transport};

/// A request leaves with the first poll, as over HTTP; it is answered when the run says so.
#[derive(Clone, Default)]
pub(super) struct Wire(Arc<Mutex<Ends>>);

#[derive(Default)]
struct Ends {
    left: Vec<Job>,
    answers: BTreeMap<RequestId, Answer>,
}

impl Wire {
    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.0.lock().expect("one thread")
    }

    /// The requests that left since the last time.
    pub(super) fn left(&self) -> Vec<Job> {
        std::mem::take(&mut self.ends().left)
    }

    /// What the next poll of a request gives.
    pub(super) fn answer(&self, request: RequestId, answer: Answer) {
        self.ends().answers.insert(request, answer);
    }
}

impl Transport for Wire {
    fn perform(&self, job: &Job) -> Answering {
        let (wire, request, mut leaving) = (self.clone(), job.request, Some(job.clone()));
        Box::pin(poll_fn(move |_| {
            let mut ends = wire.ends();
            ends.left.extend(leaving.take());
            ends.answers.remove(&request).map_or(Poll::Pending, Poll::Ready)
        }))
    }

    fn standing(&self, _number: &PhoneNumberId) -> Asking {
        Box::pin(std::future::ready(None))
    }
}

/// What a request has come to by now.
pub(super) fn poll(answering: &mut Answering) -> Option<Answer> {
    match answering.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

/// The clocks that a process reads, set by the run; the wall clock by the rule of [`Wall`].
#[derive(Default)]
pub(super) struct Clocks(Mutex<Hands>);

#[derive(Default)]
struct Hands {
    system: Timestamp,
    mono: Monotonic,
    wall: Wall,
}

impl Clocks {
    pub(super) fn set(&self, system: Timestamp, mono: Monotonic) {
        let mut hands = self.0.lock().expect("one thread");
        (hands.system, hands.mono) = (system, mono);
    }
}

impl Clock for Clocks {
    fn now(&self) -> Timestamp {
        let hands = &mut *self.0.lock().expect("one thread");
        hands.wall.read(hands.system, hands.mono)
    }

    fn monotonic(&self) -> Monotonic {
        self.0.lock().expect("one thread").mono
    }
}
