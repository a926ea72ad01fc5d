//! What is posted to `/{phone-number-id}/messages`: a message of the domain in Meta's JSON.
//!
//! A body that Meta would surely refuse, or that this version cannot express, is an [`Unsendable`] and
//! never leaves the machine. Limits are in characters, as Meta counts them. Whether the window is open or
//! the contact wants the message is not decided here.

pub mod written;

mod template;

use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::domain::id::{RequestId, Wamid};
use crate::domain::media::CAPTION_MAX;
use crate::domain::message::{Body, Card, Media, MediaKind};
use crate::domain::outbox::{Recipient, Send};

/// Meta's limit of a text, in characters (send-messages).
const TEXT_MAX: usize = 4096;
/// Meta's limit of an interactive message's text, in characters (interactive messages).
const INTERACTIVE_MAX: usize = 1024;
/// Meta's limits of reply buttons: how many, and characters of a title (interactive reply buttons).
const BUTTONS_MAX: usize = 3;
const BUTTON_TITLE_MAX: usize = 20;
/// Meta's limit of contact cards in one message (contacts messages).
const CARDS_MAX: usize = 257;

/// Why a message cannot be sent as it is.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unsendable {
    /// Only contacts or WhatsApp itself write such messages, or this version cannot send them.
    #[error("a message of type `{0}` cannot be sent")]
    Kind(String),
    /// Nothing in it.
    #[error("the {0} is empty")]
    Empty(&'static str),
    /// Too much in it.
    #[error("the {what} has {is} {unit}, and Meta takes at most {max}; shorten it")]
    TooLong {
        /// Which part.
        what: &'static str,
        /// How much there is.
        is: usize,
        /// How much there may be.
        max: usize,
        /// Of what.
        unit: &'static str,
    },
    /// A file with neither an id nor a link.
    #[error("the {0} has neither a media id nor a link; upload it first")]
    NoFile(&'static str),
    /// A link that Meta would not fetch.
    #[error("the link `{0}` does not begin with http:// or https://")]
    BadLink(String),
    /// Meta takes no caption on this kind.
    #[error("Meta takes no caption on type `{0}`; send the words as a message of their own")]
    NoCaption(&'static str),
    /// A place that is not on Earth.
    #[error("{latitude}, {longitude} is no place: latitude is -90 to 90, longitude -180 to 180")]
    BadPlace {
        /// Degrees.
        latitude: String,
        /// Degrees.
        longitude: String,
    },
    /// A card that Meta would refuse.
    #[error("contact card {0} has no name, and Meta requires one")]
    NamelessCard(usize),
    /// Two buttons that could not be told apart.
    #[error("two buttons are called `{0}`; Meta requires different titles")]
    SameButtons(String),
}

/// The JSON that sends `send`. `request` comes back in `biz_opaque_callback_data` of every status.
pub fn message(send: &Send, request: RequestId) -> Result<Value, Unsendable> {
    let mut message = plain(&send.recipient, &send.body)?;
    message.insert("biz_opaque_callback_data".to_owned(), json!(request.to_string()));
    // Meta takes no context on a reaction: its target is in the body.
    if let Some(wamid) = &send.reply_to
        && !matches!(send.body, Body::Reaction { .. })
    {
        message.insert("context".to_owned(), json!({"message_id": wamid.as_str()}));
    }
    Ok(Value::Object(message))
}

/// What every message has, and what this one says.
fn plain(recipient: &Recipient, body: &Body) -> Result<Map<String, Value>, Unsendable> {
    let (kind, content) = content(body)?;
    let mut message = Map::new();
    let mut put = |key: &str, value: Value| message.insert(key.to_owned(), value);
    put("messaging_product", json!("whatsapp"));
    put("recipient_type", json!("individual"));
    match recipient {
        // Without the plus Meta prepends the business number's own country code.
        Recipient::Phone(number) => put("to", json!(format!("+{number}"))),
        Recipient::User(user) => put("recipient", json!(user.as_str())),
    };
    put("type", json!(kind));
    put(kind, content);
    Ok(message)
}

/// The JSON that marks `wamid`, and all before it in its conversation, as read.
#[must_use]
pub fn read_receipt(wamid: &Wamid) -> Value {
    json!({
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": wamid.as_str(),
    })
}

/// Meta's `type` and the object under the key of that name.
fn content(body: &Body) -> Result<(&'static str, Value), Unsendable> {
    let refuse = |kind: &str| Err(Unsendable::Kind(kind.to_owned()));
    match body {
        Body::Text { text, preview_url } => {
            within("text", text, TEXT_MAX)?;
            Ok(("text", json!({"body": text, "preview_url": preview_url})))
        }
        Body::Media { media: file, caption } => {
            Ok((file.kind.name(), media(file, caption.as_deref())?))
        }
        Body::Location { latitude, longitude, name, address } => {
            let place = location(*latitude, *longitude, name.as_deref(), address.as_deref())?;
            Ok(("location", place))
        }
        Body::Contacts(cards) => Ok(("contacts", contacts(cards)?)),
        // An empty emoji takes the reaction back.
        Body::Reaction { target, emoji } => Ok((
            "reaction",
            json!({"message_id": target.as_str(), "emoji": emoji.as_deref().unwrap_or_default()}),
        )),
        Body::Interactive { kind, text, options } => {
            Ok(("interactive", interactive(kind, text, options)?))
        }
        Body::Template(sent) => Ok(("template", template::template(sent)?)),
        Body::Reply { .. } => refuse("reply"),
        Body::Order { .. } => refuse("order"),
        Body::System { .. } => refuse("system"),
        Body::Edit { .. } => refuse("edit"),
        Body::Revoke { .. } => refuse("revoke"),
        Body::Welcome => refuse("request_welcome"),
        Body::Unsupported { .. } => refuse("unsupported"),
        Body::Unknown { kind } => refuse(kind),
    }
}

fn media(media: &Media, caption: Option<&str>) -> Result<Value, Unsendable> {
    let kind = media.kind.name();
    let mut file = Map::new();
    let mut put = |key: &str, value: Value| file.insert(key.to_owned(), value);
    match (&media.id, &media.url) {
        (Some(id), _) => put("id", json!(id.as_str())),
        (None, Some(link)) if is_web(link) => put("link", json!(link)),
        (None, Some(link)) => return Err(Unsendable::BadLink(link.clone())),
        (None, None) => return Err(Unsendable::NoFile(kind)),
    };
    if let Some(caption) = caption.filter(|caption| !caption.is_empty()) {
        match media.kind {
            MediaKind::Image | MediaKind::Video | MediaKind::Document => {
                within("caption", caption, CAPTION_MAX)?;
                put("caption", json!(caption));
            }
            MediaKind::Audio | MediaKind::Sticker => return Err(Unsendable::NoCaption(kind)),
        }
    }
    if media.kind == MediaKind::Document
        && let Some(name) = &media.file_name
    {
        put("filename", json!(name));
    }
    if media.kind == MediaKind::Audio && media.voice {
        put("voice", json!(true));
    }
    Ok(Value::Object(file))
}

fn is_web(link: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| {
        link.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

fn location(
    latitude: f64,
    longitude: f64,
    name: Option<&str>,
    address: Option<&str>,
) -> Result<Value, Unsendable> {
    if !(-90.0..=90.0).contains(&latitude) || !(-180.0..=180.0).contains(&longitude) {
        return Err(Unsendable::BadPlace {
            latitude: latitude.to_string(),
            longitude: longitude.to_string(),
        });
    }
    let mut place = json!({"latitude": latitude, "longitude": longitude});
    if let Some(place) = place.as_object_mut() {
        place.extend(name.map(|name| ("name".to_owned(), json!(name))));
        place.extend(address.map(|address| ("address".to_owned(), json!(address))));
    }
    Ok(place)
}

fn contacts(cards: &[Card]) -> Result<Value, Unsendable> {
    if cards.is_empty() {
        return Err(Unsendable::Empty("list of contact cards"));
    }
    at_most("message", cards.len(), CARDS_MAX, "contact cards")?;
    cards
        .iter()
        .enumerate()
        .map(|(index, card)| contact(card).ok_or(Unsendable::NamelessCard(index + 1)))
        .collect::<Result<Vec<_>, _>>()
        .map(Value::Array)
}

fn contact(card: &Card) -> Option<Value> {
    let name = card.name.as_deref().filter(|name| !name.is_empty())?;
    let mut contact = Map::new();
    // Older versions of Meta's page want one more part of the name beside the formatted one.
    contact.insert("name".to_owned(), json!({"formatted_name": name, "first_name": name}));
    if !card.phones.is_empty() {
        let phones = card.phones.iter().map(|phone| json!({"phone": phone})).collect();
        contact.insert("phones".to_owned(), Value::Array(phones));
    }
    if !card.emails.is_empty() {
        let emails = card.emails.iter().map(|email| json!({"email": email})).collect();
        contact.insert("emails".to_owned(), Value::Array(emails));
    }
    if let Some(company) = &card.company {
        contact.insert("org".to_owned(), json!({"company": company}));
    }
    Some(Value::Object(contact))
}

/// The interactive kinds that a text and a row of titles say in full.
fn interactive(kind: &str, text: &str, options: &[String]) -> Result<Value, Unsendable> {
    let action = match kind {
        "button" => json!({"buttons": buttons(options)?}),
        "location_request_message" => json!({"name": "send_location"}),
        "request_contact_info" => json!({"name": "request_contact_info"}),
        _ => return Err(Unsendable::Kind(format!("interactive {kind}"))),
    };
    within("text", text, INTERACTIVE_MAX)?;
    Ok(json!({"type": kind, "body": {"text": text}, "action": action}))
}

/// Reply buttons whose title is also their id: it comes back when the contact presses one.
fn buttons(titles: &[String]) -> Result<Vec<Value>, Unsendable> {
    if titles.is_empty() {
        return Err(Unsendable::Empty("list of buttons"));
    }
    at_most("message", titles.len(), BUTTONS_MAX, "buttons")?;
    for (index, title) in titles.iter().enumerate() {
        within("button", title, BUTTON_TITLE_MAX)?;
        if titles.iter().skip(index + 1).any(|other| other == title) {
            return Err(Unsendable::SameButtons(title.clone()));
        }
    }
    Ok(titles
        .iter()
        .map(|title| json!({"type": "reply", "reply": {"id": title, "title": title}}))
        .collect())
}

fn within(what: &'static str, text: &str, max: usize) -> Result<(), Unsendable> {
    if text.trim().is_empty() {
        return Err(Unsendable::Empty(what));
    }
    at_most(what, text.chars().count(), max, "characters")
}

const fn at_most(
    what: &'static str,
    is: usize,
    max: usize,
    unit: &'static str,
) -> Result<(), Unsendable> {
    if is > max { Err(Unsendable::TooLong { what, is, max, unit }) } else { Ok(()) }
}

#[cfg(test)]
mod table;
#[cfg(test)]
mod tests;
