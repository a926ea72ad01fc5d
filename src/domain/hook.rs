//! A request at the listener as the inspector shows it: a webhook that was stored, with what it did, or one
//! that left no event.

use std::time::Duration;

use super::conversation::Contact;
use super::id::{AccountId, EventId, MessageId};
use super::message::Message;
use super::state::State;
use super::time::Timestamp;

/// The place of a request in the list. Stored events stand in the order of their ids; what left no event
/// stands after the newest event of its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HookKey {
    /// The event, or the one before.
    pub event: EventId,
    /// Counts those that left no event; 0 for an event.
    pub arrival: i64,
}

impl HookKey {
    /// The place of a stored event.
    #[must_use]
    pub const fn of(event: EventId) -> Self {
        Self { event, arrival: 0 }
    }
}

/// One stored POST as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Local id.
    pub id: EventId,
    /// When it came in.
    pub received_at: Timestamp,
    /// Bytes of its body; 0 once that was let go.
    pub size: u64,
    /// Whether an equal body came before it.
    pub duplicate: bool,
    /// From the end of its headers until it was durable, if that was noted.
    pub took: Option<Duration>,
    /// The account whose secret signed it, and its headers, as far as they are kept; unsanitised.
    pub head: Option<Head>,
    /// The event that was applied again; this one did not come in then.
    pub replay_of: Option<EventId>,
    /// What it changed, in the order of its items.
    pub effects: Vec<Effect>,
}

/// How a webhook came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The account of the config that the secret belongs to.
    pub secret: String,
    /// `name: value`, one on a line.
    pub headers: String,
}

/// What an item of an event did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EffectKind {
    /// A message was stored.
    Message = 1,
    /// A status was applied to a message.
    Status,
    /// A status waits for its message.
    Pending,
    /// A contact's identities or names became known.
    Contact,
    /// A contact's wish about marketing was noted.
    Preference,
    /// Something about the account, its templates or quality.
    Notice,
    /// An error without a message.
    Error,
    /// Not understood; the raw JSON is in the event.
    Unknown,
    /// It names a business number that is no account here.
    UnknownNumber,
    /// It was understood but could not be applied.
    Failed,
}

impl EffectKind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::Message,
        Self::Status,
        Self::Pending,
        Self::Contact,
        Self::Preference,
        Self::Notice,
        Self::Error,
        Self::Unknown,
        Self::UnknownNumber,
        Self::Failed,
    ];

    /// The word for it in `--json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Status => "status",
            Self::Pending => "pending",
            Self::Contact => "contact",
            Self::Preference => "preference",
            Self::Notice => "notice",
            Self::Error => "error",
            Self::Unknown => "unknown",
            Self::UnknownNumber => "unknown_number",
            Self::Failed => "failed",
        }
    }

    /// Whether the item was kept without being applied, so that applying it again may do more.
    #[must_use]
    pub const fn is_unapplied(self) -> bool {
        matches!(self, Self::Unknown | Self::UnknownNumber | Self::Failed)
    }
}

/// What an item of an event changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Which event.
    pub event: EventId,
    /// What happened.
    pub kind: EffectKind,
    /// The account, when there is one.
    pub account: Option<AccountId>,
    /// The message, when there is one.
    pub message: Option<MessageId>,
    /// The state before, for statuses.
    pub from: Option<State>,
    /// The state after.
    pub to: Option<State>,
    /// The webhook field.
    pub field: String,
    /// Words about it, unsanitised.
    pub detail: Option<String>,
    /// Columns of other rows that it changed.
    pub changes: Vec<RowChange>,
}

/// A column of a row, before and after. Texts are unsanitised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// The table.
    pub table: String,
    /// The row.
    pub id: i64,
    /// The column.
    pub column: String,
    /// What was in it; none when the row was new or the column empty.
    pub before: Option<String>,
    /// What is in it since.
    pub after: Option<String>,
}

/// A request that left no event. Its texts are a stranger's, cut to a bound and unsanitised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When its headers were there.
    pub at: Timestamp,
    /// The HTTP status it was answered with.
    pub code: u16,
    /// From then until the answer.
    pub took: Duration,
    /// What it was, or why it was refused, in plain words of ours.
    pub why: String,
    /// The method.
    pub method: String,
    /// The path, without the query, which may hold a token.
    pub path: String,
    /// Where it came from, as its headers say.
    pub peer: Option<String>,
    /// The program, as it says.
    pub agent: Option<String>,
    /// Bytes of its body, as it says.
    pub length: Option<u64>,
}

/// So many requests that left no event are kept; older ones make room.
pub const ARRIVALS: i64 = 1000;

/// The message of an effect and whose conversation it is in.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// The message as it is now.
    pub message: Message,
    /// Whose conversation it is in.
    pub contact: Contact,
}

/// What an item of a webhook is about, read from its body alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facet {
    /// `messages`, `statuses` for what Meta puts under `messages` too, or the webhook field.
    pub field: String,
    /// `text`, `image`, `delivered`, `failed`, ...; empty where there is nothing of the sort.
    pub kind: String,
    /// An error code that it names.
    pub code: Option<i64>,
    /// Whom it names: profile name, number, username or user id; unsanitised.
    pub who: Option<String>,
}

/// How far a search looked that ended before all was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookedTo {
    /// The last request that it looked at; it goes on behind it.
    pub key: HookKey,
    /// When that came in.
    pub at: Timestamp,
}

/// What a search may look at before it says how far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// So many requests.
    pub requests: u32,
    /// Bodies of so many bytes in all.
    pub bytes: u64,
}

impl Budget {
    /// A step of a search: some hundredths of a second, so that whoever waits behind it does not notice.
    pub const STEP: Self = Self { requests: 500, bytes: 4 << 20 };
}

/// One request, with everything that a list of them tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Hook {
    /// Its place.
    pub key: HookKey,
    /// What it came to.
    pub fate: Fate,
}

/// What a request came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// It was stored.
    Stored {
        /// The event.
        row: EventRow,
        /// Its items; none once the body was let go, nor when it is not understood.
        facets: Vec<Facet>,
        /// The messages of its effects, in their order.
        subjects: Vec<Option<Subject>>,
    },
    /// It left no event.
    Passed(Arrival),
}

impl Hook {
    /// When it came in.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        match &self.fate {
            Fate::Stored { row, .. } => row.received_at,
            Fate::Passed(arrival) => arrival.at,
        }
    }

    /// The HTTP status it was answered with.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match &self.fate {
            Fate::Stored { .. } => 200,
            Fate::Passed(arrival) => arrival.code,
        }
    }

    /// How long the answer took, if that was noted.
    #[must_use]
    pub const fn took(&self) -> Option<Duration> {
        match &self.fate {
            Fate::Stored { row, .. } => row.took,
            Fate::Passed(arrival) => Some(arrival.took),
        }
    }

    /// The stored event.
    #[must_use]
    pub const fn event(&self) -> Option<EventId> {
        match &self.fate {
            Fate::Stored { row, .. } => Some(row.id),
            Fate::Passed(_) => None,
        }
    }
}
