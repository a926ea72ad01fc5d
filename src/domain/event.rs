//! What a webhook says, once its JSON is read: a flat list of items, each standing alone, so that one bad
//! entry never costs the rest of its batch.

use super::account::Saying;
use super::id::{PhoneNumberId, RequestId, UserId, WaId, WabaId, Wamid};
use super::message::{Body, Context};
use super::state::{Report, State};
use super::template::{Category, Quality, Status};
use super::time::Timestamp;

/// One message, one status, or one notice out of a POST.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The WABA named by the entry.
    pub waba: Option<WabaId>,
    /// The business number named by the metadata. Some fields have none.
    pub phone_number: Option<PhoneNumberId>,
    /// The number as Meta displays it, when given.
    pub display_number: Option<String>,
    /// The webhook field, `messages`, `account_update`, ...
    pub field: String,
    /// What it says.
    pub kind: ItemKind,
    /// The JSON of this item alone, as it came.
    pub raw: String,
}

/// What an [`Item`] says.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemKind {
    /// A contact wrote.
    Message(InboundMessage),
    /// Something was sent from the WhatsApp Business app, or is replayed from its history.
    Echo(EchoMessage),
    /// An outbound message got further, or failed.
    Status(StatusUpdate),
    /// Identities of one person, said outside a message: `user_id_update`, or `contacts` beside statuses.
    Identity(IdentityUpdate),
    /// A contact stops, resumes or signs up for marketing messages.
    Preference(PreferenceUpdate),
    /// What Meta holds of a template changed.
    Template(TemplateUpdate),
    /// Anything else that concerns the account or its quality: kept raw, shown as a notice.
    Notice {
        /// One line in plain words.
        summary: String,
        /// What it says of the account that is to be kept.
        report: Option<AccountReport>,
    },
    /// An error without a message: `value.errors[]`.
    Error {
        /// Meta's code.
        code: i64,
        /// Meta's words.
        detail: String,
    },
    /// A field, type or shape that this version does not know, or an entry that is not well-formed.
    Unknown {
        /// What was not understood.
        reason: String,
    },
}

/// What a webhook says of a number or its account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountReport {
    /// The number it is about, as Meta displays it; the whole account when it names none.
    pub display_number: Option<String>,
    /// Likewise, by Meta's id.
    pub phone_number: Option<PhoneNumberId>,
    /// Meta's time, to the second; none in some shapes.
    pub at: Option<Timestamp>,
    /// What it says.
    pub sayings: Vec<Saying>,
}

/// What a webhook tells about who somebody is. Every field may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// The number, unless it is hidden.
    pub wa_id: Option<WaId>,
    /// The business-scoped user id.
    pub user_id: Option<UserId>,
    /// The user id of linked portfolios.
    pub parent_user_id: Option<UserId>,
    /// The username. Shown, never a key.
    pub username: Option<String>,
    /// The profile name, unsanitised.
    pub name: Option<String>,
}

impl Peer {
    /// Whether anything in it can serve to find or make a contact.
    #[must_use]
    pub const fn is_identified(&self) -> bool {
        self.wa_id.is_some() || self.user_id.is_some() || self.parent_user_id.is_some()
    }
}

/// A message from a contact.
#[derive(Clone, Debug, PartialEq)]
pub struct InboundMessage {
    /// Meta's id.
    pub wamid: Wamid,
    /// Who wrote it.
    pub from: Peer,
    /// Meta's time.
    pub at: Timestamp,
    /// What it says.
    pub body: Body,
    /// What it answers, and whether it was forwarded.
    pub context: Context,
    /// The group it was written in, if any; kept for later, such messages are shown by author.
    pub group: Option<String>,
    /// The contact's number or user id changed with this message.
    pub change: Option<IdentityChange>,
}

/// A message that went out elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct EchoMessage {
    /// Meta's id.
    pub wamid: Wamid,
    /// Who it was sent to.
    pub to: Peer,
    /// Meta's time.
    pub at: Timestamp,
    /// What it says.
    pub body: Body,
    /// What it answers.
    pub context: Context,
    /// `Sent` for echoes; what the history says for replayed ones.
    pub state: State,
}

/// What a status says of one message.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusUpdate {
    /// The message.
    pub wamid: Wamid,
    /// What happened to it.
    pub report: Report,
    /// Meta's time.
    pub at: Timestamp,
    /// Who it went to, as far as the status says.
    pub recipient: Peer,
    /// The group member the status is of; each has one.
    pub participant: Option<String>,
    /// Our request id, if the callback data holds one.
    pub request: Option<RequestId>,
    /// The first error of a failure.
    pub error: Option<ErrorReport>,
    /// What it cost.
    pub pricing: Option<Pricing>,
}

/// An error inside a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorReport {
    /// Meta's code.
    pub code: i64,
    /// Meta's short words.
    pub title: String,
    /// Meta's longer words, when given.
    pub details: Option<String>,
}

/// The price class of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pricing {
    /// `marketing`, `utility`, `service`, ...
    pub category: String,
    /// `regular`, `free_customer_service`, ...; missing in old shapes.
    pub kind: Option<String>,
}

/// A contact's number or user id was replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityChange {
    /// The number given up.
    pub old_wa_id: Option<WaId>,
    /// The number taken.
    pub new_wa_id: Option<WaId>,
    /// The user id given up.
    pub old_user_id: Option<UserId>,
    /// The user id taken.
    pub new_user_id: Option<UserId>,
}

/// Identities said outside a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityUpdate {
    /// Who they are now.
    pub peer: Peer,
    /// What was replaced.
    pub change: Option<IdentityChange>,
    /// Meta's time.
    pub at: Timestamp,
}

/// What a contact wants of marketing messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreferenceUpdate {
    /// Who.
    pub peer: Peer,
    /// `stop`, `resume` or `signup`, as Meta says it.
    pub value: String,
    /// Meta's time.
    pub at: Timestamp,
}

/// A change of one template, in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateUpdate {
    /// The template's name.
    pub name: String,
    /// Its language code with an underscore.
    pub language: String,
    /// What changed.
    pub change: TemplateChange,
    /// Meta's time, to the second; none in some shapes.
    pub at: Option<Timestamp>,
    /// One line in plain words, without a time of day.
    pub summary: String,
}

/// What changed of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateChange {
    /// Whether it may be sent.
    Status {
        /// What it is now.
        status: Status,
        /// Why, when Meta says.
        reason: Option<String>,
        /// How long a pause lasts, in hours, by Meta's rules.
        pause_hours: Option<u8>,
    },
    /// What customers make of it.
    Quality(Quality),
    /// What it is for.
    Category(Category),
    /// It will be for something else within a day.
    CategorySoon,
    /// What it says. Parts that the webhook does not name stay as they were.
    Text {
        /// The line above the body.
        header: Option<String>,
        /// The body.
        body: Option<String>,
        /// The line below it.
        footer: Option<String>,
    },
}

/// Something that Meta told of the account or its templates, for a person to hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tidings {
    /// Grows with each.
    pub number: i64,
    /// One line in plain words, unsanitised.
    pub words: String,
    /// Until when it lasts, if it says so.
    pub until: Option<Timestamp>,
}
