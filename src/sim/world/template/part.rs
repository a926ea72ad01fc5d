//! The parts of a stored template: its components by kind, whatever the case their type is written in.

use serde_json::Value;

use super::variables::variables;

/// A template's components, or those of one card.
pub(super) struct Parts<'a> {
    pub(super) header: Option<&'a Value>,
    pub(super) body: Option<&'a Value>,
    pub(super) footer: Option<&'a Value>,
    pub(super) buttons: Vec<&'a Value>,
    /// The components of each card.
    pub(super) cards: Vec<&'a [Value]>,
    pub(super) offer: Option<&'a Value>,
}

impl<'a> Parts<'a> {
    pub(super) fn of(components: &'a [Value]) -> Self {
        let find = |kind: &str| components.iter().find(|one| word(one, "type") == kind);
        let list = |kind: &str, key: &str| {
            let list = find(kind).and_then(|one| one.get(key)).and_then(Value::as_array);
            list.into_iter().flatten()
        };
        let cards = list("CAROUSEL", "cards").filter_map(|card| card.get("components")?.as_array());
        Self {
            header: find("HEADER"),
            body: find("BODY"),
            footer: find("FOOTER"),
            buttons: list("BUTTONS", "buttons").collect(),
            cards: cards.map(Vec::as_slice).collect(),
            offer: find("LIMITED_TIME_OFFER").and_then(|one| one.get("limited_time_offer")),
        }
    }
}

/// A word such as `type` or `format` in capitals.
pub(super) fn word(of: &Value, key: &str) -> String {
    of.get(key).and_then(Value::as_str).unwrap_or("").to_ascii_uppercase()
}

/// A text field, empty when it is not there.
pub(super) fn text<'a>(of: &'a Value, key: &str) -> &'a str {
    of.get(key).and_then(Value::as_str).unwrap_or("")
}

/// Whether a send must give the button at this place a value: the end of its address, or the code.
pub(super) fn is_dynamic(button: &Value) -> bool {
    match word(button, "type").as_str() {
        "URL" => !variables(text(button, "url")).is_empty(),
        "OTP" => true,
        _ => false,
    }
}
