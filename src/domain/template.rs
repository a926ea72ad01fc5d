//! Message templates: what one is made of, what of it is to be filled in, and what was sent of it.
//!
//! Meta's words for categories, statuses and the like are ours too; what is not known is kept by its word.
//! Limits are in characters, as Meta counts them. Text in here is as it came: sinks sanitise it.

mod check;
mod file;
mod fill;
mod obstacle;
pub mod rules;
mod sent;
mod slot;
mod unfinished;
mod variable;
mod word;
mod work;

pub use check::{Flaw, check, flaws, wanted};
pub use file::{
    EXAMPLE_MAX, FileSource, example_too_big, example_type, file_source, file_too_big, mime_type,
    named_file,
};
pub use fill::{fill, render};
pub use obstacle::{Obstacle, obstacle};
pub use sent::{SentAction, SentButton, SentHeader, SentTemplate, TextParameter};
pub use slot::{Filling, Place, Rule, Slot, place, slots};
pub use unfinished::{Begun, Fields, Purpose, Unfinished};
pub use variable::{Piece, pieces, variables};
pub use word::{Category, MediaFormat, OtpKind, ParameterFormat, Quality, Status};
pub use work::{
    Refusal, STILL_ARRIVE, Work, Worked, change, consequences, unchangeable, undeletable,
};

/// A template as Meta holds it, or as one is to be made. Name and language together name one at Meta.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Meta's id; none for one that was not handed in yet.
    pub meta_id: Option<String>,
    /// Its name: at most 512 of `a-z`, `0-9` and `_`.
    pub name: String,
    /// Its language code with an underscore, such as `pt_BR`.
    pub language: String,
    /// What it is for, which decides its price.
    pub category: Category,
    /// Whether Meta lets it be sent.
    pub status: Status,
    /// What Meta makes of the answers to it.
    pub quality: Quality,
    /// Why Meta rejected it, in Meta's word.
    pub reason: Option<String>,
    /// How its variables are named.
    pub parameters: ParameterFormat,
    /// What stands above the body.
    pub header: Option<Header>,
    /// The body, with WhatsApp's markup.
    pub body: Text,
    /// The line below the body. It has no variables.
    pub footer: Option<String>,
    /// The buttons in their order; their places in it are their indexes at Meta.
    pub buttons: Vec<Button>,
    /// What an authentication template has Meta write.
    pub authentication: Authentication,
    /// How long Meta tries to deliver it, in seconds; -1 for 30 days, none for the category's default.
    pub ttl_seconds: Option<i64>,
    /// The types of components that this version does not know how to fill, such as `CAROUSEL`.
    pub other: Vec<String>,
}

/// A text with variables in double braces, and Meta's examples for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// Such as `Hi {{1}}` or `Hi {{first_name}}`.
    pub text: String,
    /// One for each variable, where given.
    pub examples: Vec<Example>,
}

impl Text {
    /// The example for a variable.
    #[must_use]
    pub fn example(&self, variable: &str) -> Option<&str> {
        let example = self.examples.iter().find(|example| example.variable == variable)?;
        Some(&example.value)
    }
}

/// What a variable may hold, for Meta's reviewers and for the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The variable's number or name, without the braces.
    pub variable: String,
    /// Such as `Pablo`.
    pub value: String,
}

/// What stands above the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// A line of text with at most one variable.
    Text(Text),
    /// A file.
    Media {
        /// What kind of file.
        format: MediaFormat,
        /// A link to the example when Meta tells of it; the handle of an upload when one is made.
        example: Option<String>,
    },
    /// A place on a map.
    Location,
    /// A format that this version cannot fill, by Meta's word.
    Other(String),
}

/// A button below the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Button {
    /// Answers with its text.
    QuickReply {
        /// What is on it.
        text: String,
    },
    /// Opens a website.
    Url {
        /// What is on it.
        text: String,
        /// The address; one variable may stand at its end.
        url: String,
        /// An example of the whole address, or of the variable alone.
        example: Option<String>,
    },
    /// Calls a number.
    Phone {
        /// What is on it.
        text: String,
        /// The number, as Meta has it.
        number: String,
    },
    /// Copies an offer code.
    CopyCode {
        /// What is on it. Meta writes it, in the template's language.
        text: String,
        /// An example of a code.
        example: Option<String>,
    },
    /// Copies or fills in a one-time password.
    Otp(Otp),
    /// Opens a flow.
    Flow(Flow),
    /// Shows the shop's catalogue.
    Catalog {
        /// What is on it.
        text: String,
    },
    /// Calls the business inside WhatsApp.
    VoiceCall {
        /// What is on it.
        text: String,
    },
    /// Asks for the person's number. There is nothing to fill in, and Meta writes what is on it.
    ContactInfo {
        /// What is on it.
        text: String,
    },
    /// A type that this version cannot fill.
    Other {
        /// Meta's word for the type.
        kind: String,
        /// What is on it.
        text: String,
    },
}

impl Button {
    /// What is on it.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::QuickReply { text }
            | Self::Url { text, .. }
            | Self::Phone { text, .. }
            | Self::CopyCode { text, .. }
            | Self::Catalog { text }
            | Self::VoiceCall { text }
            | Self::ContactInfo { text }
            | Self::Other { text, .. } => text,
            Self::Otp(otp) => &otp.text,
            Self::Flow(flow) => &flow.text,
        }
    }
}

impl Template {
    /// Meta's words for the parts that this version can neither make nor keep: whoever wrote the template
    /// anew would take them out.
    #[must_use]
    pub fn unmakeable(&self) -> Vec<&str> {
        let header = match &self.header {
            Some(Header::Other(kind)) => Some(kind),
            _ => None,
        };
        let buttons = self.buttons.iter().filter_map(|button| match button {
            Button::Other { kind, .. } => Some(kind),
            _ => None,
        });
        self.other.iter().chain(header).chain(buttons).map(String::as_str).collect()
    }
}

/// The button of an authentication template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Otp {
    /// How the code gets into the app.
    pub kind: OtpKind,
    /// What is on it. Meta writes a default when it is empty.
    pub text: String,
    /// What is on it where the app can be filled in.
    pub autofill_text: Option<String>,
    /// The Android apps that may be filled in, each a package name and the hash of its signing key.
    pub apps: Vec<(String, String)>,
    /// That Meta's terms of zero-tap were accepted.
    pub zero_tap_terms: bool,
}

/// A button that opens a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// What is on it.
    pub text: String,
    /// Which flow.
    pub target: Option<FlowTarget>,
    /// `navigate` or `data_exchange`.
    pub action: Option<String>,
    /// The screen that opens first.
    pub screen: Option<String>,
}

/// How a flow is named when a template is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowTarget {
    /// By Meta's id.
    Id(String),
    /// By its name.
    Name(String),
    /// By its whole definition, as JSON.
    Json(String),
}

/// What Meta itself writes into an authentication template. Nothing of it for the other categories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Authentication {
    /// The body ends with the advice not to share the code.
    pub security_recommendation: bool,
    /// The footer says after how many minutes the code expires, 1 to 90.
    pub expires_minutes: Option<u32>,
}

#[cfg(test)]
mod tests;
