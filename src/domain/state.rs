//! The states of a message and the one table that says how they follow each other.
//!
//! Everything that moves a message goes through [`step`]: the sender, the listener, the person. What the
//! table does not list does not happen.

/// Where a message stands. Outbound messages use all but `Received`; inbound ones only that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Waits for its time.
    Scheduled,
    /// Needs a decision: the window closed, the contact opted out, a limit is used up, or the person said so.
    Held,
    /// In the store, not yet sent.
    Queued,
    /// Claimed: a request id is stored and the request may be on its way.
    Sending,
    /// Meta answered 200 with a wamid. Not yet sent.
    Accepted,
    /// Meta's `sent` status.
    Sent,
    /// Meta's `delivered` status.
    Delivered,
    /// Meta's `read` status.
    Read,
    /// Meta's `played` status: a voice message was listened to.
    Played,
    /// Refused for good, or out of tries.
    Failed,
    /// The request may or may not have been accepted. Only evidence or the person moves it on.
    Uncertain,
    /// Withdrawn by the person before it was accepted.
    Cancelled,
    /// An inbound message.
    Received,
}

impl State {
    /// All states, in the order of their stored numbers.
    pub const ALL: [Self; 13] = [
        Self::Scheduled,
        Self::Held,
        Self::Queued,
        Self::Sending,
        Self::Accepted,
        Self::Sent,
        Self::Delivered,
        Self::Read,
        Self::Played,
        Self::Failed,
        Self::Uncertain,
        Self::Cancelled,
        Self::Received,
    ];

    /// The word used on the screen, in `--json` and in the docs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Held => "held",
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Played => "played",
            Self::Failed => "failed",
            Self::Uncertain => "uncertain",
            Self::Cancelled => "cancelled",
            Self::Received => "received",
        }
    }

    /// Whether Meta is known to have accepted the message.
    #[must_use]
    pub const fn is_accepted(self) -> bool {
        matches!(self, Self::Accepted | Self::Sent | Self::Delivered | Self::Read | Self::Played)
    }

    /// Whether no request of the message is under way: all that it ever had are behind it, the last one
    /// included, and what Meta reports is about one of those.
    #[must_use]
    pub const fn is_waiting(self) -> bool {
        matches!(self, Self::Scheduled | Self::Held | Self::Queued)
    }

    /// How far an accepted message got; statuses only ever raise it.
    const fn rank(self) -> u8 {
        match self {
            Self::Accepted => 1,
            Self::Sent => 2,
            Self::Delivered => 3,
            Self::Read => 4,
            Self::Played => 5,
            _ => 0,
        }
    }
}

/// What a status webhook reports of an outbound message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Report {
    /// On its way to the recipient.
    Sent,
    /// On the recipient's device. Meta may skip it when the chat is open.
    Delivered,
    /// Seen. Comes only when the recipient has read receipts on.
    Read,
    /// A voice message was listened to for the first time.
    Played,
    /// Not delivered; a later `Delivered` or `Read` overrides it.
    Failed,
}

impl Report {
    /// The state that the report proves.
    #[must_use]
    pub const fn state(self) -> State {
        match self {
            Self::Sent => State::Sent,
            Self::Delivered => State::Delivered,
            Self::Read => State::Read,
            Self::Played => State::Played,
            Self::Failed => State::Failed,
        }
    }
}

/// Why a message may not go now and needs a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HoldReason {
    /// The 24-hour customer service window is closed.
    WindowClosed,
    /// The contact does not want marketing messages.
    OptedOut,
    /// The person holds it.
    Person,
    /// As many people as Meta allows in 24 hours were written to outside the window.
    MessagingLimit,
    /// The campaign that it is of does not run.
    Campaign,
    /// Meta lets nobody be sent its template for now.
    Template,
}

impl HoldReason {
    /// Whether it passes without a decision: the message goes on by itself then.
    #[must_use]
    pub const fn passes(self) -> bool {
        matches!(self, Self::MessagingLimit | Self::Template)
    }

    /// In plain words, as the timeline and the screen say it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::WindowClosed => "the 24-hour window is closed: only a template reaches them",
            Self::OptedOut => "they do not want marketing messages",
            Self::Person => "by hand",
            Self::MessagingLimit => "the limit of people in 24 hours is used up",
            Self::Campaign => "its campaign is paused",
            Self::Template => "Meta does not let its template be sent now",
        }
    }

    /// The word in `--json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WindowClosed => "window_closed",
            Self::OptedOut => "opted_out",
            Self::Person => "person",
            Self::MessagingLimit => "messaging_limit",
            Self::Campaign => "campaign",
            Self::Template => "template",
        }
    }
}

/// What moves a message from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A scheduled message's time came.
    TimeCame,
    /// It may not go now.
    Hold(HoldReason),
    /// The reason for holding it is gone, or the person decides to send it now.
    Release,
    /// It is let go before its time has come.
    WaitAgain,
    /// The person withdraws it.
    Cancel,
    /// The sender takes it, with a new request id.
    Claim,
    /// The answer 200 with a wamid.
    Accepted,
    /// Surely not accepted, and it may pass later: connect errors, throttles, passing trouble.
    Deferred,
    /// A refusal that will not pass, or tries used up.
    Refused,
    /// No one can say whether it was accepted: a time-out, a reset, an unreadable answer, or the process
    /// died while sending.
    OutcomeUnknown,
    /// A status webhook for the message's current request.
    Reported(Report),
    /// A status webhook proves that an *earlier* request of this message was accepted.
    EarlierReported(Report),
    /// The person says "send again".
    SendAgain,
}

/// What [`step`] decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The message is now in this state.
    To(State),
    /// Evidence that changes nothing: a duplicate, or older news.
    Stay,
    /// The message stays, and shows that a withdrawn request was accepted after all: "was sent".
    WasSent,
    /// The message stays, and shows that two of its requests were accepted: "sent twice".
    SentTwice,
    /// The same, and it is now in this state: the other request got further.
    SentTwiceTo(State),
    /// The table does not allow it; the caller has a bug or lost a race.
    Forbidden,
}

/// The table of states.
#[must_use]
pub const fn step(state: State, cause: Cause) -> Step {
    match cause {
        Cause::TimeCame => match state {
            State::Scheduled => Step::To(State::Queued),
            _ => Step::Forbidden,
        },
        Cause::Hold(_) => match state {
            State::Scheduled | State::Queued => Step::To(State::Held),
            _ => Step::Forbidden,
        },
        Cause::Release => match state {
            State::Held => Step::To(State::Queued),
            _ => Step::Forbidden,
        },
        Cause::WaitAgain => match state {
            State::Held => Step::To(State::Scheduled),
            _ => Step::Forbidden,
        },
        Cause::Cancel => match state {
            State::Scheduled | State::Held | State::Queued | State::Failed | State::Uncertain => {
                Step::To(State::Cancelled)
            }
            _ => Step::Forbidden,
        },
        Cause::Claim => match state {
            State::Queued => Step::To(State::Sending),
            _ => Step::Forbidden,
        },
        Cause::Accepted => accepted(state),
        Cause::Deferred => no_acceptance(state, State::Queued),
        Cause::Refused => no_acceptance(state, State::Failed),
        Cause::OutcomeUnknown => no_acceptance(state, State::Uncertain),
        Cause::Reported(report) => reported(state, report),
        Cause::EarlierReported(report) => earlier_reported(state, report),
        Cause::SendAgain => match state {
            State::Failed | State::Uncertain => Step::To(State::Queued),
            _ => Step::Forbidden,
        },
    }
}

/// The answer 200. A status may have come first; then the answer only adds the wamid.
const fn accepted(state: State) -> Step {
    match state {
        State::Sending | State::Uncertain => Step::To(State::Accepted),
        State::Accepted
        | State::Sent
        | State::Delivered
        | State::Read
        | State::Played
        | State::Failed => Step::Stay,
        State::Cancelled => Step::WasSent,
        State::Scheduled | State::Held | State::Queued | State::Received => Step::Forbidden,
    }
}

/// An answer other than 200, or none. A status that came first knows better.
const fn no_acceptance(state: State, leads_to: State) -> Step {
    match state {
        State::Sending => Step::To(leads_to),
        State::Accepted
        | State::Sent
        | State::Delivered
        | State::Read
        | State::Played
        | State::Failed => Step::Stay,
        State::Scheduled
        | State::Held
        | State::Queued
        | State::Uncertain
        | State::Cancelled
        | State::Received => Step::Forbidden,
    }
}

const fn reported(state: State, report: Report) -> Step {
    match state {
        State::Sending | State::Uncertain => Step::To(report.state()),
        State::Accepted | State::Sent | State::Delivered | State::Read | State::Played => {
            match report {
                Report::Failed => match state {
                    State::Accepted | State::Sent => Step::To(State::Failed),
                    _ => Step::Stay,
                },
                _ if report.state().rank() > state.rank() => Step::To(report.state()),
                _ => Step::Stay,
            }
        }
        // `sent` does not undo a failure, `delivered` and later do: the message did arrive.
        State::Failed => match report {
            Report::Delivered | Report::Read | Report::Played => Step::To(report.state()),
            Report::Sent | Report::Failed => Step::Stay,
        },
        State::Cancelled => match report {
            Report::Failed => Step::Stay,
            _ => Step::WasSent,
        },
        State::Scheduled | State::Held | State::Queued | State::Received => Step::Forbidden,
    }
}

/// Proof about an earlier request of a message that was sent again or withdrawn. While the new request
/// has not left, the proof settles the message and nothing is sent a second time. What arrived stays so,
/// whichever request it was.
const fn earlier_reported(state: State, report: Report) -> Step {
    match report {
        Report::Failed => Step::Stay,
        Report::Sent | Report::Delivered | Report::Read | Report::Played => match state {
            State::Scheduled | State::Held | State::Queued | State::Failed => {
                Step::To(report.state())
            }
            // While a second request may be on its way, what it comes to decides the state.
            State::Cancelled | State::Sending | State::Uncertain => Step::WasSent,
            State::Accepted | State::Sent | State::Delivered | State::Read | State::Played => {
                // That it was sent may still come to nothing, that it arrived not.
                let arrived = !matches!(report, Report::Sent);
                if arrived && report.state().rank() > state.rank() {
                    Step::SentTwiceTo(report.state())
                } else {
                    Step::SentTwice
                }
            }
            State::Received => Step::Forbidden,
        },
    }
}

#[cfg(test)]
pub(crate) mod tests;
