//! Scripted trouble: what the next sends, or calls of another edge, run into. Consumed one per call, in
//! the order asked for.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::http::Delivery;

/// What one send runs into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// Refused with this code of Meta's, whatever it says.
    Refuse(u32),
    /// Answered with this status and body: an HTML page of the edge, say.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The body, sent as `text/html`.
        body: String,
        /// Whether the message is accepted all the same, statuses and all.
        #[serde(default)]
        accepted: bool,
    },
    /// Accepted, statuses and all, but the connection is closed without an answer.
    LoseAnswer,
    /// Not accepted, and the connection is closed without an answer: looks the same from outside.
    LoseRequest,
    /// Accepted, and the connection is closed in the middle of the answer.
    CutAnswer,
    /// Accepted once, and the answer is written twice.
    AnswerTwice,
    /// Handled as usual; the answer comes this much later.
    Delay(Duration),
    /// Accepted, and `failed` with this code is all that follows.
    Fail(u32),
    /// Accepted, reported `failed` with this code, and delivered after all.
    FailThenDeliver(u32),
    /// Accepted, and no status ever follows.
    NoStatuses,
}

impl Fault {
    /// What becomes of the message once it is accepted.
    pub(super) const fn fate(&self) -> Fate {
        match self {
            Self::Fail(code) => Fate::Fails(*code),
            Self::FailThenDeliver(code) => Fate::FailsFirst(*code),
            Self::NoStatuses => Fate::Silent,
            _ => Fate::Usual,
        }
    }

    /// What becomes of the answer on its way.
    pub(super) const fn delivery(&self) -> Delivery {
        match self {
            Self::LoseRequest | Self::LoseAnswer => Delivery::Lost,
            Self::CutAnswer => Delivery::Cut,
            Self::AnswerTwice => Delivery::Twice,
            Self::Delay(span) => Delivery::After(*span),
            Self::Refuse(_)
            | Self::Answer { .. }
            | Self::Fail(_)
            | Self::FailThenDeliver(_)
            | Self::NoStatuses => Delivery::Now,
        }
    }
}

/// What becomes of an accepted message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Usual,
    Fails(u32),
    FailsFirst(u32),
    Silent,
}

/// The faults still to come, each with the edge it waits for; `None` for sends.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Faults(VecDeque<(Option<String>, Fault)>);

impl Faults {
    pub(super) fn add(&mut self, edge: Option<&str>, fault: &Fault, times: usize) {
        let one = (edge.map(str::to_owned), fault.clone());
        self.0.extend(std::iter::repeat_n(one, times));
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The next one for a send.
    pub(super) fn take(&mut self) -> Option<Fault> {
        let index = self.0.iter().position(|(edge, _)| edge.is_none())?;
        self.0.remove(index).map(|(_, fault)| fault)
    }

    /// The next one for a call of the edge at this path.
    pub(super) fn take_for(&mut self, path: &[&str]) -> Option<Fault> {
        let meant = |(edge, _): &(Option<String>, Fault)| {
            edge.as_deref().is_some_and(|edge| edge == "any" || path.last() == Some(&edge))
        };
        let index = self.0.iter().position(meant)?;
        self.0.remove(index).map(|(_, fault)| fault)
    }
}
