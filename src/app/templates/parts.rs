//! The parts of a template that are chosen from a few: what stands above the text, and what the buttons do.

use crate::domain::template::{
    Button, Filling, Flow, FlowTarget, Header, MediaFormat, Place, Rule, Template, slots,
};

/// What stands above the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderKind {
    /// Nothing.
    None,
    /// A line of text.
    Text,
    /// A file.
    Media(MediaFormat),
    /// A place.
    Location,
    /// Something that this version cannot make. It stays.
    Other,
}

impl HeaderKind {
    /// Those that can be chosen.
    pub const ALL: [Self; 6] = [
        Self::None,
        Self::Text,
        Self::Media(MediaFormat::Image),
        Self::Media(MediaFormat::Video),
        Self::Media(MediaFormat::Document),
        Self::Location,
    ];

    /// That of a template.
    #[must_use]
    pub const fn of(header: Option<&Header>) -> Self {
        match header {
            None => Self::None,
            Some(Header::Text(_)) => Self::Text,
            Some(Header::Media { format, .. }) => Self::Media(*format),
            Some(Header::Location) => Self::Location,
            Some(Header::Other(_)) => Self::Other,
        }
    }

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Text => "text",
            Self::Media(MediaFormat::Image) => "image",
            Self::Media(MediaFormat::Video) => "video",
            Self::Media(MediaFormat::Document) => "document",
            Self::Location => "location",
            Self::Other => "one that cannot be made here",
        }
    }

    /// The other way round.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::Other]).find(|kind| kind.name() == word)
    }
}

/// What a button does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ButtonKind {
    /// There is none.
    None,
    /// Answers with its text.
    Reply,
    /// Opens a website.
    Link,
    /// Calls a number.
    Phone,
    /// Copies an offer code.
    Code,
    /// Opens a flow.
    Flow,
    /// Shows the catalogue.
    Catalog,
    /// Calls the business inside WhatsApp.
    Call,
    /// Asks for the person's number.
    Contact,
    /// As it was; there are no fields for what it has.
    Kept,
}

impl ButtonKind {
    /// Those that can be chosen.
    pub const ALL: [Self; 9] = [
        Self::None,
        Self::Reply,
        Self::Link,
        Self::Phone,
        Self::Code,
        Self::Flow,
        Self::Catalog,
        Self::Call,
        Self::Contact,
    ];

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Reply => "quick reply",
            Self::Link => "link",
            Self::Phone => "phone call",
            Self::Code => "copies an offer code",
            Self::Flow => "flow",
            Self::Catalog => "catalogue",
            Self::Call => "call on WhatsApp",
            Self::Contact => "asks for contact info",
            Self::Kept => "as it is",
        }
    }

    /// The other way round.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::Kept]).find(|kind| kind.name() == word)
    }

    /// Whether there is something to write on it. Meta labels the others itself.
    #[must_use]
    pub const fn has_text(self) -> bool {
        !matches!(self, Self::None | Self::Code | Self::Contact | Self::Kept)
    }

    /// What it needs beside its text; empty for nothing.
    #[must_use]
    pub const fn value_name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Phone => "number",
            Self::Code => "example code",
            Self::Flow => "flow id",
            _ => "",
        }
    }
}

/// A button as it was when the editor opened.
#[derive(Clone, Debug)]
pub struct Kept(pub Button);

/// A button in fields: its kind, its value, and the example for that.
#[must_use]
pub fn kept(button: &Button) -> (ButtonKind, &str, &str) {
    match button {
        Button::QuickReply { .. } => (ButtonKind::Reply, "", ""),
        Button::Url { url, example, .. } => {
            (ButtonKind::Link, url, example.as_deref().unwrap_or_default())
        }
        Button::Phone { number, .. } => (ButtonKind::Phone, number, ""),
        Button::CopyCode { example, .. } => {
            (ButtonKind::Code, example.as_deref().unwrap_or_default(), "")
        }
        Button::Flow(Flow { target: Some(FlowTarget::Id(id)), .. }) => (ButtonKind::Flow, id, ""),
        Button::Catalog { .. } => (ButtonKind::Catalog, "", ""),
        Button::VoiceCall { .. } => (ButtonKind::Call, "", ""),
        Button::ContactInfo { .. } => (ButtonKind::Contact, "", ""),
        Button::Flow(_) | Button::Otp(_) | Button::Other { .. } => (ButtonKind::Kept, "", ""),
    }
}

/// The button of these fields; none where there is none.
#[must_use]
pub fn button(
    kind: ButtonKind,
    kept: Option<&Kept>,
    (text, value, example): (String, String, String),
) -> Option<Button> {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    Some(match kind {
        ButtonKind::None => return None,
        ButtonKind::Reply => Button::QuickReply { text },
        ButtonKind::Link => {
            let example = some(example).filter(|_| value.contains("{{"));
            Button::Url { text, url: value, example }
        }
        ButtonKind::Phone => Button::Phone { text, number: value },
        ButtonKind::Code => Button::CopyCode { text, example: some(value) },
        ButtonKind::Flow => {
            let target = some(value).map(FlowTarget::Id);
            match kept {
                Some(Kept(Button::Flow(flow))) => {
                    Button::Flow(Flow { text, target, ..flow.clone() })
                }
                _ => Button::Flow(Flow { text, target, action: None, screen: None }),
            }
        }
        ButtonKind::Catalog => Button::Catalog { text },
        ButtonKind::Call => Button::VoiceCall { text },
        ButtonKind::Contact => Button::ContactInfo { text },
        ButtonKind::Kept => kept?.0.clone(),
    })
}

/// The examples of a template as the values of a message.
#[must_use]
pub fn filling(template: &Template) -> Filling {
    let with_example = |place: Place, example: Option<String>| Some((place, example?));
    slots(template)
        .into_iter()
        .filter(|slot| slot.rule != Rule::Location)
        .filter_map(|slot| with_example(slot.place, slot.example))
        .collect()
}
