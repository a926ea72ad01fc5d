//! What was sent of a template: as the customer sees it, with the values that Meta was given.
//!
//! It is kept with the message, so that history stays true when the template changes or goes.

use super::{Category, Filling, Place};
use crate::domain::message::Media;

/// A template as rendered when it was sent. Of one sent elsewhere, and of rows of older versions, only some
/// of it is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SentTemplate {
    /// Its name.
    pub name: String,
    /// Its language code.
    pub language: String,
    /// What it was for, when known.
    pub category: Option<Category>,
    /// What stood above the body.
    pub header: Option<SentHeader>,
    /// The body with its values, with WhatsApp's markup; empty when not known.
    pub text: String,
    /// The values in it, in Meta's order.
    pub values: Vec<TextParameter>,
    /// The line below the body.
    pub footer: Option<String>,
    /// The buttons in their order, which is their index.
    pub buttons: Vec<SentButton>,
}

impl SentTemplate {
    /// The values again, for one that is to be sent like it. Files that were uploaded are not among them:
    /// their ids expire.
    #[must_use]
    pub fn filling(&self) -> Filling {
        let mut filling = Filling::new();
        let number = |index: usize| (index + 1).to_string();
        for (index, value) in self.values.iter().enumerate() {
            let variable = value.name.clone().unwrap_or_else(|| number(index));
            filling.insert(Place::Body(variable), value.text.clone());
        }
        match &self.header {
            Some(SentHeader::Text { value: Some(value), .. }) => {
                let variable = value.name.clone().unwrap_or_else(|| number(0));
                filling.insert(Place::HeaderText(variable), value.text.clone());
            }
            Some(SentHeader::Media(media)) => {
                if let Some(url) = &media.url {
                    filling.insert(Place::HeaderMedia, url.clone());
                }
            }
            Some(SentHeader::Location { latitude, longitude, name, address }) => {
                let parts = [Some(latitude.to_string()), Some(longitude.to_string())];
                let words = [name.clone(), address.clone()];
                let place: Vec<String> = parts.into_iter().chain(words).flatten().collect();
                filling.insert(Place::HeaderLocation, place.join(", "));
            }
            Some(SentHeader::Text { value: None, .. }) | None => {}
        }
        for (index, button) in self.buttons.iter().enumerate() {
            let value = match &button.action {
                SentAction::Reply { payload } => payload.clone(),
                SentAction::Url { suffix, .. } => suffix.clone(),
                SentAction::CopyCode { code } => Some(code.clone()),
                SentAction::Flow { token } => token.clone(),
                SentAction::Catalog { product } => product.clone(),
                // A one-time password is never good twice.
                SentAction::OneTimePassword { .. }
                | SentAction::Phone { .. }
                | SentAction::VoiceCall
                | SentAction::ContactInfo => None,
            };
            if let Some(value) = value {
                filling.insert(Place::Button(index), value);
            }
        }
        if self.category == Some(Category::Authentication) {
            filling.clear();
        }
        filling
    }
}

/// A value for a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextParameter {
    /// The variable's name; none where variables are numbered.
    pub name: Option<String>,
    /// The value.
    pub text: String,
}

/// What stood above the body.
#[derive(Clone, Debug, PartialEq)]
pub enum SentHeader {
    /// A line of text.
    Text {
        /// With its value in place.
        text: String,
        /// The value, if there was a variable.
        value: Option<TextParameter>,
    },
    /// A file.
    Media(Media),
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
}

/// A button that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentButton {
    /// What was on it.
    pub text: String,
    /// What it does, and the value that Meta was given for it.
    pub action: SentAction,
}

/// What a button does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentAction {
    /// Answers; the payload comes back with the answer.
    Reply {
        /// None for Meta's default, the button's text.
        payload: Option<String>,
    },
    /// Opens a website.
    Url {
        /// The whole address.
        url: String,
        /// The end of it that was filled in.
        suffix: Option<String>,
    },
    /// Calls a number.
    Phone {
        /// The number.
        number: String,
    },
    /// Copies an offer code.
    CopyCode {
        /// The code.
        code: String,
    },
    /// Copies or fills in a one-time password.
    OneTimePassword {
        /// The password.
        code: String,
    },
    /// Opens a flow.
    Flow {
        /// What comes back with its answers; none for Meta's default, `unused`.
        token: Option<String>,
    },
    /// Shows the shop's catalogue.
    Catalog {
        /// The article whose picture stands for it; none for Meta's choice.
        product: Option<String>,
    },
    /// Calls the business inside WhatsApp.
    VoiceCall,
    /// Asks for the person's number.
    ContactInfo,
}
