//! What of a template is to be filled in.

use std::collections::BTreeMap;
use std::fmt;

use super::variable::variables;
use super::{Button, Category, Header, MediaFormat, Template};

/// Where a value goes. Written as text (`1`, `first_name`, `header.1`, `header.media`, `header.location`,
/// `button.1`) it is the key of `--param` and the target of a column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The variable of a text header.
    HeaderText(String),
    /// The file of a header.
    HeaderMedia,
    /// The place of a location header.
    HeaderLocation,
    /// A variable of the body.
    Body(String),
    /// The button with this index, from 0. As text it counts from 1.
    Button(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeaderText(variable) => write!(f, "header.{variable}"),
            Self::HeaderMedia => f.write_str("header.media"),
            Self::HeaderLocation => f.write_str("header.location"),
            Self::Body(variable) => f.write_str(variable),
            Self::Button(index) => write!(f, "button.{}", index + 1),
        }
    }
}

/// The values for a template: what the form, `--param` and a row of a file all come to. A file is a path, a
/// link or a media id; a place is `latitude, longitude, name, address`.
pub type Filling = BTreeMap<Place, String>;

/// What a value has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Words in the header.
    HeaderText,
    /// Words in the body.
    BodyText,
    /// A file: a path, a link or a media id.
    Media(MediaFormat),
    /// `latitude, longitude, name, address`.
    Location,
    /// The end of a button's address.
    UrlSuffix,
    /// An offer code.
    OfferCode,
    /// A one-time password; it goes to the body and to the button.
    OneTimePassword,
    /// What a quick reply sends back to the business.
    Payload,
    /// What a flow sends back to the business.
    FlowToken,
    /// The article whose picture stands for the catalogue, by the shop's own id.
    Product,
}

impl Rule {
    /// Whether Meta refuses the message without it. For the rest Meta has a default.
    #[must_use]
    pub const fn is_required(self) -> bool {
        !matches!(self, Self::Payload | Self::FlowToken | Self::Product)
    }
}

/// One value to fill in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Where it goes.
    pub place: Place,
    /// What to call it in a form.
    pub label: String,
    /// Meta's example.
    pub example: Option<String>,
    /// What it has to be.
    pub rule: Rule,
}

/// Everything of a template that can be filled in, in the order of the form: header, body, buttons.
#[must_use]
pub fn slots(template: &Template) -> Vec<Slot> {
    if is_one_time_password(template) {
        return vec![one_time_password(template)];
    }
    let mut slots: Vec<Slot> = Vec::new();
    slots.extend(template.header.iter().flat_map(|header| header_slots(template, header)));
    slots.extend(variables(&template.body.text, template.parameters).into_iter().map(|variable| {
        Slot {
            place: Place::Body(variable.to_owned()),
            label: variable_label(variable),
            example: template.body.example(variable).map(str::to_owned),
            rule: Rule::BodyText,
        }
    }));
    slots.extend(
        template.buttons.iter().enumerate().filter_map(|(index, button)| of_button(index, button)),
    );
    slots
}

/// Whether the template is of the shape that Meta has for one-time passwords.
pub(super) fn is_one_time_password(template: &Template) -> bool {
    template.category == Category::Authentication
        && template.buttons.iter().any(|button| matches!(button, Button::Otp(_)))
}

/// Meta takes the code twice, for the body and for the button; it is one and the same.
fn one_time_password(template: &Template) -> Slot {
    let variable = variables(&template.body.text, template.parameters).first().copied();
    let variable = variable.unwrap_or("1");
    Slot {
        place: Place::Body(variable.to_owned()),
        label: "Code".to_owned(),
        example: template.body.example(variable).map(str::to_owned),
        rule: Rule::OneTimePassword,
    }
}

fn header_slots(template: &Template, header: &Header) -> Vec<Slot> {
    match header {
        Header::Text(text) => variables(&text.text, template.parameters)
            .into_iter()
            .map(|variable| Slot {
                place: Place::HeaderText(variable.to_owned()),
                label: format!("Header {}", variable_label(variable)),
                example: text.example(variable).map(str::to_owned),
                rule: Rule::HeaderText,
            })
            .collect(),
        Header::Media { format, example } => vec![Slot {
            place: Place::HeaderMedia,
            label: format!("Header {}", format.kind().name()),
            example: example.clone(),
            rule: Rule::Media(*format),
        }],
        Header::Location => vec![Slot {
            place: Place::HeaderLocation,
            label: "Header location".to_owned(),
            example: None,
            rule: Rule::Location,
        }],
        Header::Other(_) => Vec::new(),
    }
}

fn of_button(index: usize, button: &Button) -> Option<Slot> {
    let (what, example, rule) = match button {
        Button::Url { url, example, .. } => {
            let (base, _) = dynamic_url(url)?;
            // Meta writes the example as the whole address or as the variable alone.
            let example = example
                .as_deref()
                .map(|example| example.strip_prefix(base).unwrap_or(example).to_owned());
            ("end of the link", example, Rule::UrlSuffix)
        }
        Button::CopyCode { example, .. } => ("offer code", example.clone(), Rule::OfferCode),
        Button::QuickReply { .. } => ("payload", None, Rule::Payload),
        Button::Flow(_) => ("flow token", None, Rule::FlowToken),
        Button::Catalog { .. } => ("article", None, Rule::Product),
        Button::Otp(_) | Button::Phone { .. } | Button::VoiceCall { .. } | Button::Other { .. } => {
            return None;
        }
    };
    Some(Slot {
        place: Place::Button(index),
        label: format!("[{}] {what}", button.text()),
        example,
        rule,
    })
}

/// The fixed start of an address that ends in a variable, and the variable with its braces.
pub(super) fn dynamic_url(url: &str) -> Option<(&str, &str)> {
    let start = url.find("{{")?;
    url.split_at_checked(start)
}

fn variable_label(variable: &str) -> String {
    if variable.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("{{{{{variable}}}}}")
    } else {
        variable.to_owned()
    }
}
