//! A message: who wrote it, what it says, where it stands.

use super::event::Pricing;
use super::id::{
    AccountId, ContactId, ConversationId, EventId, MediaId, MessageId, RequestId, Wamid,
};
use super::state::{HoldReason, State};
use super::template::{SentHeader, SentTemplate};
use super::time::Timestamp;

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the contact to the account.
    Inbound,
    /// From the account to the contact.
    Outbound,
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Author {
    /// The contact.
    Contact(ContactId),
    /// A person or a program through this store.
    Operator,
    /// Somebody in the WhatsApp Business app on a coexistence number; arrives as an echo.
    PhoneApp,
    /// WhatsApp itself: a number changed, a security code changed.
    System,
}

/// The kinds of media that Meta carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// JPEG or PNG.
    Image,
    /// MP4 or 3GP.
    Video,
    /// A sound file or a voice note.
    Audio,
    /// Any file.
    Document,
    /// WebP.
    Sticker,
}

impl MediaKind {
    /// Meta's word, which is also ours.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Document => "document",
            Self::Sticker => "sticker",
        }
    }
}

/// A file that belongs to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// Its kind.
    pub kind: MediaKind,
    /// Meta's id; inbound ids expire after 7 days.
    pub id: Option<MediaId>,
    /// For inbound media the address in the webhook (good for 5 minutes); for outbound media a public link.
    pub url: Option<String>,
    /// As declared by the other side.
    pub mime_type: Option<String>,
    /// SHA-256 as lowercase hex, whatever spelling it came in.
    pub sha256: Option<String>,
    /// The name of a document, unsanitised.
    pub file_name: Option<String>,
    /// Recorded with the microphone button.
    pub voice: bool,
    /// An animated sticker.
    pub animated: bool,
    /// Where our copy is.
    pub copy: MediaCopy,
}

impl Media {
    /// A file of which only the kind is known.
    #[must_use]
    pub const fn new(kind: MediaKind) -> Self {
        Self {
            kind,
            id: None,
            url: None,
            mime_type: None,
            sha256: None,
            file_name: None,
            voice: false,
            animated: false,
            copy: MediaCopy::Pending,
        }
    }
}

/// What has become of our own copy of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaCopy {
    /// Not fetched yet.
    Pending,
    /// In the data directory, at this path relative to it, with this many bytes.
    Stored {
        /// Relative to the data directory.
        path: String,
        /// Bytes.
        size: u64,
    },
    /// A file to be sent, at this path of this machine. It is brought into the data directory before the
    /// message is written, so that it can be sent later as it is now.
    Outside {
        /// As the person named it.
        path: String,
    },
    /// It cannot be had; the reason in plain words.
    Failed(String),
}

/// One person on a shared contact card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// The formatted name; may be missing.
    pub name: Option<String>,
    /// Phone numbers as written.
    pub phones: Vec<String>,
    /// E-mail addresses as written.
    pub emails: Vec<String>,
    /// The company.
    pub company: Option<String>,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderItem {
    /// The shop's own article id.
    pub retailer_id: String,
    /// Pieces.
    pub quantity: f64,
    /// Price of one piece.
    pub price: f64,
    /// ISO 4217 code.
    pub currency: String,
}

/// What the contact picked in an interactive message or a template's buttons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReplyKind {
    /// A reply button of an interactive message.
    Button,
    /// A row of a list.
    List,
    /// A filled-in flow.
    Flow,
    /// A quick-reply button of a template.
    TemplateButton,
    /// The answer to a request to call.
    CallPermission,
}

/// The content of a message. Text in here is as it came: sinks sanitise it.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Plain text, with WhatsApp's markup.
    Text {
        /// At most 4,096 characters when sent (Meta, send-messages).
        text: String,
        /// Whether Meta is asked to render the first link. Outbound only.
        preview_url: bool,
    },
    /// A file with an optional caption.
    Media {
        /// The file.
        media: Media,
        /// At most 1,024 characters when sent.
        caption: Option<String>,
    },
    /// A place.
    Location {
        /// Degrees.
        latitude: f64,
        /// Degrees.
        longitude: f64,
        /// What the place is called.
        name: Option<String>,
        /// Its address.
        address: Option<String>,
    },
    /// Contact cards.
    Contacts(Vec<Card>),
    /// An emoji on an earlier message; `None` takes it back.
    Reaction {
        /// The message reacted to, which may be unknown here.
        target: Wamid,
        /// The emoji.
        emoji: Option<String>,
    },
    /// A choice the contact made.
    Reply {
        /// What was offered.
        kind: ReplyKind,
        /// The id or payload given when it was offered.
        id: Option<String>,
        /// The text the contact saw.
        title: String,
        /// The second line of a list row, or a flow's answers as JSON.
        detail: Option<String>,
    },
    /// Buttons, lists and the like, as sent by us or echoed from elsewhere.
    Interactive {
        /// Meta's `interactive.type`.
        kind: String,
        /// The body text.
        text: String,
        /// The buttons' or rows' titles.
        options: Vec<String>,
    },
    /// A template, as rendered when it was sent.
    Template(Box<SentTemplate>),
    /// A cart sent to the shop.
    Order {
        /// The words that came with it.
        text: Option<String>,
        /// What is wanted.
        items: Vec<OrderItem>,
    },
    /// WhatsApp's own words about the contact.
    System {
        /// Meta's `system.type`, e.g. `user_changed_number`.
        kind: String,
        /// The sentence.
        text: String,
    },
    /// The text of an earlier message was changed.
    Edit {
        /// The message it changes.
        target: Wamid,
        /// The new text or caption.
        text: String,
    },
    /// An earlier message was deleted for everyone.
    Revoke {
        /// The message it removes.
        target: Wamid,
    },
    /// The contact opened the chat for the first time.
    Welcome,
    /// Meta itself does not pass the content on.
    Unsupported {
        /// Meta's `unsupported.type`, when given.
        kind: Option<String>,
        /// Meta's error code, when given (131051, 131060).
        code: Option<i64>,
        /// Meta's explanation, when given.
        detail: Option<String>,
    },
    /// A type that this version does not know; the raw JSON is kept beside it.
    Unknown {
        /// Meta's word for it.
        kind: String,
    },
}

impl Body {
    /// A text as a person wrote it. WhatsApp shows a preview of its first link, if there is one.
    #[must_use]
    pub fn written(text: String) -> Self {
        let preview_url = text.contains("https://") || text.contains("http://");
        Self::Text { text, preview_url }
    }

    /// The file that belongs to it: its own, or the one above a template's text.
    #[must_use]
    pub fn file(&self) -> Option<&Media> {
        match self {
            Self::Media { media, .. } => Some(media),
            Self::Template(sent) => match &sent.header {
                Some(SentHeader::Media(media)) => Some(media),
                _ => None,
            },
            _ => None,
        }
    }

    /// The same, to be changed.
    pub fn file_mut(&mut self) -> Option<&mut Media> {
        match self {
            Self::Media { media, .. } => Some(media),
            Self::Template(sent) => match &mut sent.header {
                Some(SentHeader::Media(media)) => Some(media),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether there is something of it to show, and not only that it came.
    #[must_use]
    pub const fn is_shown(&self) -> bool {
        !matches!(self, Self::Unsupported { .. } | Self::Unknown { .. })
    }

    /// Whether the body stands as a message of its own in the conversation. Reactions, edits and revokes
    /// change another message instead.
    #[must_use]
    pub const fn is_own_message(&self) -> bool {
        !matches!(self, Self::Reaction { .. } | Self::Edit { .. } | Self::Revoke { .. })
    }
}

/// Where a quoted or forwarded message came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The message it answers.
    pub reply_to: Option<Wamid>,
    /// Forwarded at most five times.
    pub forwarded: bool,
    /// Forwarded more than five times.
    pub frequently_forwarded: bool,
}

/// Whether a message that was sent again or withdrawn turned out to have been accepted before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LateProof {
    /// Nothing of the kind is known.
    #[default]
    None,
    /// A request that was given up had been accepted.
    WasSent,
    /// Two requests were accepted.
    SentTwice,
}

/// Why an outbound message failed, waits or is uncertain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// Meta's error code, when there is one.
    pub code: Option<i64>,
    /// Meta's or our words, unsanitised.
    pub detail: String,
}

/// What holds a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hold {
    /// Why.
    pub reason: HoldReason,
    /// It goes on by itself when the reason is gone.
    pub when_possible: bool,
}

/// The message that another one answers, as far as it is known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Its id at Meta.
    pub wamid: Wamid,
    /// The message, when it is in the store.
    pub message: Option<MessageId>,
    /// Who wrote it, when it is in the store.
    pub direction: Option<Direction>,
    /// A line of it, unsanitised; empty when it is not in the store.
    pub preview: String,
}

/// One reaction on a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// Whether it is the contact's or ours.
    pub direction: Direction,
    /// The emoji, unsanitised.
    pub emoji: String,
}

/// The fixed place of a message in its conversation: Meta's time in milliseconds, then arrival. Set when
/// the message is stored and never changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SortKey {
    /// Meta's time for inbound messages, the time of writing for outbound ones; milliseconds.
    pub at: i64,
    /// The local id, which grows with arrival.
    pub id: MessageId,
}

/// A message with everything that a conversation shows of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Local id.
    pub id: MessageId,
    /// The conversation it is in.
    pub conversation: ConversationId,
    /// Its place there.
    pub key: SortKey,
    /// Which way it went.
    pub direction: Direction,
    /// Who wrote it.
    pub author: Author,
    /// Meta's id, once known.
    pub wamid: Option<Wamid>,
    /// When it was written, by Meta's clock for inbound messages.
    pub at: Timestamp,
    /// Where it stands.
    pub state: State,
    /// Whether a proof came late.
    pub late_proof: LateProof,
    /// Requests made so far that counted as a try.
    pub tries: u32,
    /// When it may be tried next, while it waits.
    pub not_before: Option<Timestamp>,
    /// Why it failed, waits or is uncertain.
    pub trouble: Option<Trouble>,
    /// What holds it, while it is held.
    pub hold: Option<Hold>,
    /// What it says.
    pub body: Body,
    /// The message it answers.
    pub quote: Option<Quote>,
    /// Forwarded, and how often.
    pub context: Context,
    /// Meta's id of the group it was written in, if any. It is shown in its author's conversation.
    pub group: Option<String>,
    /// Reactions on it.
    pub reactions: Vec<Reaction>,
    /// The text was changed after sending.
    pub edited: bool,
    /// It was deleted for everyone; the body stays in the store and is shown as deleted.
    pub revoked: bool,
    /// As what Meta charges it, once a status has told.
    pub charge: Option<Pricing>,
}

impl Message {
    /// Whether it can be sent once more: it failed or is uncertain, and it was sent from here. What was
    /// written in the phone app only the phone can send again.
    #[must_use]
    pub const fn can_go_again(&self) -> bool {
        matches!(self.state, State::Failed | State::Uncertain)
            && matches!(self.author, Author::Operator)
    }
}

/// One step in the life of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    /// The state it came to.
    pub state: State,
    /// When, by the clock of whoever proved it: Meta's for statuses, ours for the rest.
    pub at: Timestamp,
    /// The request it belongs to.
    pub request: Option<RequestId>,
    /// Meta's error code.
    pub code: Option<i64>,
    /// Words about it, unsanitised.
    pub detail: Option<String>,
    /// The stored webhook that proved it.
    pub event: Option<EventId>,
}

/// A message to be written to the store and sent when its turn comes.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMessage {
    /// The account it is sent from.
    pub account: AccountId,
    /// The conversation it goes to.
    pub conversation: ConversationId,
    /// What it says.
    pub body: Body,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// Whether a person waits for it or a program sends many.
    pub priority: Priority,
}

/// Who goes first: a person's message precedes bulk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// A person wrote it.
    Person,
    /// A program sends many.
    Bulk,
}
