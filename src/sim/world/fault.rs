//! Scripted trouble: what the next sends run into. Consumed one per send, in the order asked for.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What one send runs into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// Refused with this code of Meta's, whatever it says.
    Refuse(u32),
    /// Answered with this status and body and not accepted: an HTML page of the edge, say.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The body, sent as `text/html`.
        body: String,
    },
    /// Accepted, statuses and all, but the connection is closed without an answer.
    LoseAnswer,
    /// Not accepted, and the connection is closed without an answer: looks the same from outside.
    LoseRequest,
    /// Handled as usual; the answer comes this much later.
    Delay(Duration),
}

/// The faults still to come.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Faults(VecDeque<Fault>);

impl Faults {
    pub(super) fn add(&mut self, fault: &Fault, times: usize) {
        self.0.extend(std::iter::repeat_n(fault.clone(), times));
    }

    pub(super) fn take(&mut self) -> Option<Fault> {
        self.0.pop_front()
    }
}
