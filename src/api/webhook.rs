//! What Meta posts, as a flat list of items that stand alone.
//!
//! Nothing in here trusts a shape: every entry, change, message and status is cut out of the body as text
//! first and read by itself, so that a bad one becomes an [`ItemKind::Unknown`] with its own JSON and costs
//! none of the others. Texts in items are as they came; sinks sanitise them. Verify the signature over the
//! raw bytes before anything here sees them.

mod body;
mod echo;
mod facet;
mod field;
mod message;
mod notice;
mod peer;
mod report;
mod status;
mod template;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

pub use facet::facets;

use super::json;
use crate::domain::event::{Item, ItemKind};
use crate::domain::id::{PhoneNumberId, WabaId};
use crate::domain::time::Timestamp;

/// What Meta calls a webhook of WhatsApp.
const OBJECT: &str = "whatsapp_business_account";

/// The body is no JSON at all. It is to be kept as it came all the same.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the body is not JSON: {reason}")]
pub struct NotJson {
    /// What was expected, and where.
    pub reason: String,
}

/// The fields of a JSON object, each still text.
type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// The fields of which something is shown or acted on, in Meta's words: those to subscribe an app to.
pub fn fields() -> impl Iterator<Item = &'static str> {
    field::names()
}

/// Reads a webhook's body. Bytes that are not UTF-8 are replaced. The items come in the order of the body;
/// identities learnt from `contacts` come after the messages and statuses beside them.
pub fn parse(body: &[u8]) -> Result<Vec<Item>, NotJson> {
    let text = String::from_utf8_lossy(body);
    let whole: &RawValue = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| NotJson { reason: error.to_string() })?;
    let mut items = Items { place: Place::default(), list: Vec::new() };
    envelope(whole, &mut items);
    Ok(items.list)
}

fn envelope(whole: &RawValue, items: &mut Items) {
    let Some(fields) = object(whole) else {
        return items.unknown(whole, "the body is JSON, but no object");
    };
    match fields.get("object").and_then(|object| scalar(object)) {
        Some(object) if object == OBJECT => {}
        Some(object) => {
            return items.unknown(whole, format!("the object is `{object}`, not `{OBJECT}`"));
        }
        None => return items.unknown(whole, "the body names no object"),
    }
    let Some(entries) = fields.get("entry").and_then(|entries| array(entries)) else {
        return items.unknown(whole, "the body has no list of entries");
    };
    for raw in entries {
        items.place = Place::default();
        entry(raw, items);
    }
}

fn entry(raw: &RawValue, items: &mut Items) {
    let Some(fields) = object(raw) else {
        return items.unknown(raw, "an entry is no object");
    };
    items.place.waba = fields.get("id").and_then(|id| scalar(id)).map(WabaId::new);
    items.place.time = fields.get("time").and_then(|time| {
        let time = read(time).ok()?;
        json::timestamp(&serde_json::json!({"time": time}), "time")
    });
    let Some(changes) = fields.get("changes").and_then(|changes| array(changes)) else {
        return items.unknown(raw, "an entry has no list of changes");
    };
    for raw in changes {
        change(raw, items);
    }
}

fn change(raw: &RawValue, items: &mut Items) {
    items.place.phone_number = None;
    items.place.display_number = None;
    items.place.field = String::new();
    let Some(fields) = object(raw) else {
        return items.unknown(raw, "a change is no object");
    };
    items.place.field = fields.get("field").and_then(|field| scalar(field)).unwrap_or_default();
    let Some(raw_value) = fields.get("value").copied() else {
        return items.unknown(raw, "a change has no value");
    };
    let Some(value) = object(raw_value) else {
        return items.unknown(raw, "the value of a change is no object");
    };
    if let Some(metadata) = value.get("metadata").and_then(|metadata| read(metadata).ok()) {
        items.place.phone_number = json::text(&metadata, "phone_number_id").map(PhoneNumberId::new);
        items.place.display_number = json::text(&metadata, "display_phone_number");
    }
    let before = items.list.len();
    field::read(raw_value, &value, items);
    if items.list.len() == before {
        items.unknown(raw, "there is nothing in it that this version knows");
    }
}

/// Where in the body the reader is: what all items from there share.
#[derive(Clone, Default)]
struct Place {
    waba: Option<WabaId>,
    /// The entry's own time, for items that have none.
    time: Option<Timestamp>,
    phone_number: Option<PhoneNumberId>,
    display_number: Option<String>,
    field: String,
}

/// The items so far.
struct Items {
    place: Place,
    list: Vec<Item>,
}

impl Items {
    fn push(&mut self, raw: &RawValue, kind: ItemKind) {
        self.list.push(Item {
            waba: self.place.waba.clone(),
            phone_number: self.place.phone_number.clone(),
            display_number: self.place.display_number.clone(),
            field: self.place.field.clone(),
            kind,
            raw: raw.get().to_owned(),
        });
    }

    fn unknown(&mut self, raw: &RawValue, reason: impl Into<String>) {
        self.push(raw, ItemKind::Unknown { reason: reason.into() });
    }

    /// Reads each element of the list at `key` by itself; one that cannot be read is unknown.
    fn each<F>(&mut self, fields: &Fields<'_>, key: &str, item: F)
    where
        F: Fn(&Place, &Value) -> Result<ItemKind, String>,
    {
        let Some(raw) = fields.get(key) else { return };
        let Some(elements) = array(raw) else {
            if raw.get() != "null" {
                self.unknown(raw, format!("`{key}` is no list"));
            }
            return;
        };
        for raw in elements {
            match read(raw).and_then(|value| item(&self.place, &value)) {
                Ok(kind) => self.push(raw, kind),
                Err(reason) => self.unknown(raw, reason),
            }
        }
    }
}

/// The fields of an object, without looking into them; of two with one name the last.
fn object(raw: &RawValue) -> Option<Fields<'_>> {
    serde_json::from_str(raw.get()).ok()
}

/// The elements of an array, without looking into them.
fn array(raw: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(raw.get()).ok()
}

/// The value in `raw`; the reason when it nests too deep to be read (128 levels).
fn read(raw: &RawValue) -> Result<Value, String> {
    serde_json::from_str(raw.get())
        .or_else(|_surrogates| serde_json::from_str(&mend_surrogates(raw.get())))
        .map_err(|error| error.to_string())
}

fn scalar(raw: &RawValue) -> Option<String> {
    read(raw).ok().as_ref().and_then(json::scalar)
}

/// `text` with each half of a surrogate pair that stands alone replaced by U+FFFD: a name cut in the middle
/// of an emoji is no reason to lose a message.
fn mend_surrogates(text: &str) -> Cow<'_, str> {
    let mut mended = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        mended.push_str(before);
        let (escape, length) = match (unit(after), after.get(5..).and_then(second_unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (after.get(..11), 11),
            (Some(0xD800..=0xDFFF), _) => (Some("ufffd"), 5),
            (Some(_), _) => (after.get(..5), 5),
            (None, _) => {
                let length = after.chars().next().map_or(0, char::len_utf8);
                (after.get(..length), length)
            }
        };
        mended.push('\\');
        mended.push_str(escape.unwrap_or_default());
        rest = after.get(length..).unwrap_or_default();
    }
    if mended.is_empty() {
        return Cow::Borrowed(text);
    }
    mended.push_str(rest);
    Cow::Owned(mended)
}

/// The UTF-16 unit in an escape `uXXXX`, its backslash already taken.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix('u')?.get(..4)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex { u16::from_str_radix(digits, 16).ok() } else { None }
}

fn second_unit(text: &str) -> Option<u16> {
    unit(text.strip_prefix('\\')?)
}

#[cfg(test)]
mod tests;
