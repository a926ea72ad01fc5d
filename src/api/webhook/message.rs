//! One entry of `messages[]`: who wrote it, when, and what it answers.
//!
//! A message is never lost for its content; only one without an id, a time or a writer is no message.

use serde_json::Value;

use super::body::body;
use super::peer::{Contacts, named};
use super::{Place, json};
use crate::domain::event::{IdentityChange, InboundMessage, Peer};
use crate::domain::message::Context;
use crate::domain::time::Timestamp;

/// Reads a message of a contact.
pub(super) fn inbound(
    place: &Place,
    contacts: &Contacts<'_>,
    value: &Value,
) -> Result<InboundMessage, String> {
    let mut from = contacts.complete(named(value, "from"));
    if !from.is_identified() {
        from = contacts.only().cloned().ok_or("a message does not say who wrote it")?;
    }
    from_peer(place, from, value)
}

/// Reads a message of a contact who is already known.
pub(super) fn from_peer(
    place: &Place,
    from: Peer,
    value: &Value,
) -> Result<InboundMessage, String> {
    Ok(InboundMessage {
        wamid: json::wamid(value, "id").ok_or("a message has no id")?,
        at: time(place, value)?,
        body: body(value),
        context: context(value),
        group: json::text(value, "group_id"),
        change: change(&from, value),
        from,
    })
}

/// Meta's time of a message, else that of its entry.
pub(super) fn time(place: &Place, value: &Value) -> Result<Timestamp, String> {
    json::timestamp(value, "timestamp")
        .or(place.time)
        .ok_or_else(|| "a message has no readable time".to_owned())
}

/// What a message answers, and whether it was forwarded.
pub(super) fn context(value: &Value) -> Context {
    let context = value.get("context").unwrap_or(&Value::Null);
    Context {
        reply_to: json::wamid(context, "id"),
        forwarded: json::flag(context, "forwarded"),
        frequently_forwarded: json::flag(context, "frequently_forwarded"),
    }
}

/// A system message that says a number or a user id was replaced. Whom the message is from is the old one.
fn change(from: &Peer, value: &Value) -> Option<IdentityChange> {
    let system = value.get("system")?;
    let kind = json::text(system, "type")?;
    if !matches!(
        kind.as_str(),
        "user_changed_number" | "customer_changed_number" | "user_changed_user_id"
    ) {
        return None;
    }
    let new_wa_id = json::wa_id(system, "wa_id")
        .or_else(|| json::wa_id(system, "new_wa_id"))
        .filter(|new| from.wa_id.as_ref() != Some(new));
    let new_user_id =
        json::user_id(system, "user_id").filter(|new| from.user_id.as_ref() != Some(new));
    Some(IdentityChange {
        old_wa_id: new_wa_id.as_ref().and(from.wa_id.clone()),
        old_user_id: new_user_id.as_ref().and(from.user_id.clone()),
        new_wa_id,
        new_user_id,
    })
}
