//! The queue as a person looks through it: what waits, what failed, what is uncertain.

use super::conversation::Contact;
use super::health::Waiting;
use super::id::MessageId;
use super::message::Message;
use super::page::QueueKey;
use super::state::State;
use super::time::Timestamp;

/// Which messages of the queue are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum QueueFilter {
    /// Everything that is not settled.
    #[default]
    All,
    /// Of unknown outcome.
    Uncertain,
    /// Failed.
    Failed,
    /// Held: they need a decision.
    Held,
    /// Queued, or being sent.
    Waiting,
    /// To go at a time to come.
    Scheduled,
}

impl QueueFilter {
    /// All filters, in the order of the tabs.
    pub const ALL: [Self; 6] =
        [Self::All, Self::Uncertain, Self::Failed, Self::Held, Self::Waiting, Self::Scheduled];

    /// The states shown, in the order of the list: what needs the person first.
    #[must_use]
    pub const fn states(self) -> &'static [State] {
        match self {
            Self::All => &[
                State::Uncertain,
                State::Failed,
                State::Held,
                State::Sending,
                State::Queued,
                State::Scheduled,
            ],
            Self::Uncertain => &[State::Uncertain],
            Self::Failed => &[State::Failed],
            Self::Held => &[State::Held],
            Self::Waiting => &[State::Sending, State::Queued],
            Self::Scheduled => &[State::Scheduled],
        }
    }

    /// The filter that shows only messages like those in this state.
    #[must_use]
    pub fn of(state: State) -> Option<Self> {
        Self::ALL.into_iter().skip(1).find(|filter| filter.states().contains(&state))
    }

    /// How many messages it shows.
    #[must_use]
    pub fn count(self, waiting: &Waiting) -> u32 {
        let of = |state: &State| match state {
            State::Uncertain => waiting.uncertain,
            State::Failed => waiting.failed,
            State::Held => waiting.held,
            State::Sending => waiting.sending,
            State::Queued => waiting.queued,
            State::Scheduled => waiting.scheduled,
            _ => 0,
        };
        self.states().iter().map(of).fold(0, u32::saturating_add)
    }

    /// The word on its tab.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Uncertain => "Uncertain",
            Self::Failed => "Failed",
            Self::Held => "Held",
            Self::Waiting => "Waiting",
            Self::Scheduled => "Scheduled",
        }
    }
}

/// A message in the queue, with whom it is for.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueRow {
    /// The message.
    pub message: Message,
    /// Whom it is for.
    pub contact: Contact,
    /// A queued message before which another one of its conversation has to go.
    pub behind: bool,
    /// The message of its conversation that a queued one waits behind since it is uncertain.
    pub uncertain: Option<MessageId>,
}

impl QueueRow {
    /// Its place in the queue.
    #[must_use]
    pub fn key(&self) -> QueueKey {
        let message = &self.message;
        let due = message.not_before.filter(|_| message.state == State::Scheduled);
        QueueKey { state: message.state, due: due.map_or(0, Timestamp::millis), id: message.id }
    }
}

impl QueueKey {
    /// Sorts keys as the list does.
    #[must_use]
    pub fn place(&self) -> (usize, i64, i64) {
        let order = QueueFilter::All.states();
        let state = order.iter().position(|listed| *listed == self.state).unwrap_or(order.len());
        let newest_first = matches!(self.state, State::Uncertain | State::Failed);
        (state, self.due, if newest_first { -self.id.0 } else { self.id.0 })
    }
}

/// How many requests went out lately, for a chart: equal spans of time, the last one not over yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recent {
    /// Requests in each span of [`Recent::SPAN_MILLIS`], oldest first.
    pub spans: Vec<u32>,
}

impl Recent {
    /// Milliseconds of one span.
    pub const SPAN_MILLIS: i64 = 5_000;
    /// Spans that are counted: four minutes.
    pub const SPANS: usize = 48;

    /// Whether nothing went out.
    #[must_use]
    pub fn is_still(&self) -> bool {
        self.spans.iter().all(|count| *count == 0)
    }
}

/// How far a decision about many messages has got: by id, so that none is met twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// The last one that was decided about.
    pub after: MessageId,
    /// The newest one there was when it began.
    pub last: MessageId,
}
