//! What of a template is to be filled in.

use std::collections::BTreeMap;
use std::fmt;

use super::variable::variables;
use super::{Button, Category, Header, MediaFormat, Template};

/// Characters of a header (Meta, template components; sending, `text` of a header parameter).
pub(super) const HEADER_MAX: usize = 60;
/// Characters of a body (Meta, template components).
pub(super) const BODY_MAX: usize = 1024;
/// Characters of a value in a template that has nothing but a body (Meta, `text` of a body parameter).
const BODY_ALONE_MAX: usize = 32_768;
/// Characters of an offer code and of a one-time password (Meta, coupon and authentication templates).
pub(super) const CODE_MAX: usize = 15;

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
    /// How many characters it may have, where Meta names a number.
    pub max: Option<usize>,
    /// What stands before it and is not typed: the fixed start of a link.
    pub before: Option<String>,
}

impl Slot {
    fn new(place: Place, label: String, example: Option<String>, rule: Rule) -> Self {
        let max = match rule {
            Rule::HeaderText => Some(HEADER_MAX),
            Rule::OfferCode | Rule::OneTimePassword => Some(CODE_MAX),
            _ => None,
        };
        Self { place, label, example, rule, max, before: None }
    }
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
        let example = template.body.example(variable).map(str::to_owned);
        let place = Place::Body(variable.to_owned());
        Slot {
            max: Some(body_max(template)),
            ..Slot::new(place, variable_label(variable), example, Rule::BodyText)
        }
    }));
    slots.extend(
        template.buttons.iter().enumerate().filter_map(|(index, button)| of_button(index, button)),
    );
    slots
}

/// Characters of the filled-in body. A body that stands alone may be longer.
pub(super) const fn body_max(template: &Template) -> usize {
    let alone =
        template.header.is_none() && template.footer.is_none() && template.buttons.is_empty();
    if alone { BODY_ALONE_MAX } else { BODY_MAX }
}

/// The place that `key` names: as [`Place`] is written, for a template that has it.
#[must_use]
pub fn place(template: &Template, key: &str) -> Option<Place> {
    slots(template).into_iter().map(|slot| slot.place).find(|place| place.to_string() == key)
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
    let example = template.body.example(variable).map(str::to_owned);
    let place = Place::Body(variable.to_owned());
    Slot::new(place, "Code".to_owned(), example, Rule::OneTimePassword)
}

fn header_slots(template: &Template, header: &Header) -> Vec<Slot> {
    match header {
        Header::Text(text) => variables(&text.text, template.parameters)
            .into_iter()
            .map(|variable| {
                let place = Place::HeaderText(variable.to_owned());
                let label = format!("Header {}", variable_label(variable));
                let example = text.example(variable).map(str::to_owned);
                Slot::new(place, label, example, Rule::HeaderText)
            })
            .collect(),
        Header::Media { format, example } => {
            let label = format!("Header {}", format.kind().name());
            vec![Slot::new(Place::HeaderMedia, label, example.clone(), Rule::Media(*format))]
        }
        Header::Location => {
            let label = "Header location".to_owned();
            vec![Slot::new(Place::HeaderLocation, label, None, Rule::Location)]
        }
        Header::Other(_) => Vec::new(),
    }
}

fn of_button(index: usize, button: &Button) -> Option<Slot> {
    let slot = |what: &str, example: Option<String>, rule: Rule| {
        let label = format!("[{}] {what}", button.text());
        Slot::new(Place::Button(index), label, example, rule)
    };
    Some(match button {
        Button::Url { url, example, .. } => {
            let (base, _) = dynamic_url(url)?;
            // Meta writes the example as the whole address or as the variable alone.
            let end = |example: &String| example.strip_prefix(base).unwrap_or(example).to_owned();
            Slot {
                before: Some(base.to_owned()),
                ..slot("end of the link", example.as_ref().map(end), Rule::UrlSuffix)
            }
        }
        Button::CopyCode { example, .. } => slot("offer code", example.clone(), Rule::OfferCode),
        Button::QuickReply { .. } => slot("payload", None, Rule::Payload),
        Button::Flow(_) => slot("flow token", None, Rule::FlowToken),
        Button::Catalog { .. } => slot("article", None, Rule::Product),
        Button::Otp(_)
        | Button::Phone { .. }
        | Button::VoiceCall { .. }
        | Button::ContactInfo { .. }
        | Button::Other { .. } => return None,
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
