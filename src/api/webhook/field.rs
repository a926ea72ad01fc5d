//! The value of one change, by its field: conversations, echoes, history, identities, preferences, and
//! notices for the rest.

use serde_json::Value;
use serde_json::value::RawValue;

use super::peer::{Contacts, contact, is_same};
use super::{Fields, Items, Place, echo, json, message, notice, report, status, template};
use crate::domain::event::{IdentityChange, IdentityUpdate, ItemKind, Peer, PreferenceUpdate};
use crate::domain::id::UserId;
use crate::domain::time::Timestamp;

type Read = fn(&Fields<'_>, &mut Items);

/// The fields that hold items of their own, each with what reads it. Others are about templates, or notices.
const READERS: [(&str, Read); 6] = [
    ("messages", conversation),
    ("smb_message_echoes", echoes),
    ("history", echo::history),
    ("user_preferences", preferences),
    ("user_id_update", user_ids),
    ("smb_app_state_sync", phone_book),
];

/// Every field of which something is shown or acted on.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let read = READERS.iter().map(|(name, _)| *name);
    read.chain(template::FIELDS).chain(notice::LINES.iter().map(|(name, _)| *name))
}

/// Reads `value`, whose text is `raw`, into `items`.
pub(super) fn read(raw: &RawValue, value: &Fields<'_>, items: &mut Items) {
    let field = items.place.field.as_str();
    let reader = READERS.iter().find(|(name, _)| *name == field);
    // A change that does not name its field is known by what is in it.
    let nameless = || {
        let talks = ["messages", "statuses"].iter().any(|key| value.contains_key(*key));
        field.is_empty() && talks
    };
    if let Some((_, read)) = reader {
        read(value, items);
    } else if nameless() {
        conversation(value, items);
    } else {
        let kind = notice_or_unknown(field, raw, items.place.time);
        items.push(raw, kind);
    }
}

fn echoes(value: &Fields<'_>, items: &mut Items) {
    let contacts = Contacts::of(value);
    items.each(value, "message_echoes", |place, value| {
        echo::echo(place, &contacts, value).map(ItemKind::Echo)
    });
}

fn preferences(value: &Fields<'_>, items: &mut Items) {
    let contacts = Contacts::of(value);
    items.each(value, "user_preferences", |place, value| {
        preference(place, &contacts, value).map(ItemKind::Preference)
    });
}

fn user_ids(value: &Fields<'_>, items: &mut Items) {
    let contacts = Contacts::of(value);
    items.each(value, "user_id_update", |place, value| {
        user_id(place, &contacts, value).map(ItemKind::Identity)
    });
}

fn phone_book(value: &Fields<'_>, items: &mut Items) {
    items.each(value, "state_sync", |_, value| {
        Ok(ItemKind::Notice { summary: notice::phone_book(value), report: None })
    });
}

/// Messages, statuses and errors; then the people named beside them that no message stands for.
fn conversation(value: &Fields<'_>, items: &mut Items) {
    let contacts = Contacts::of(value);
    let before = items.list.len();
    items.each(value, "messages", |place, value| {
        message::inbound(place, &contacts, value).map(ItemKind::Message)
    });
    items.each(value, "statuses", |place, value| {
        status::status(place, &contacts, value).map(ItemKind::Status)
    });
    items.each(value, "errors", |_, value| Ok(status::error_item(value)));
    let mut writers = Vec::new();
    let mut newest: Option<Timestamp> = None;
    for item in items.list.iter().skip(before) {
        match &item.kind {
            ItemKind::Message(message) => {
                writers.push(message.from.clone());
                newest = newest.max(Some(message.at));
            }
            ItemKind::Status(status) => newest = newest.max(Some(status.at)),
            ItemKind::Echo(_)
            | ItemKind::Identity(_)
            | ItemKind::Preference(_)
            | ItemKind::Template(_)
            | ItemKind::Notice { .. }
            | ItemKind::Error { .. }
            | ItemKind::Unknown { .. } => {}
        }
    }
    let Some(at) = newest.or(items.place.time) else { return };
    for (peer, raw) in contacts.iter() {
        let is_writer = writers.iter().any(|writer| is_same(writer, peer));
        if !is_writer && tells_something(peer) {
            let update = IdentityUpdate { peer: peer.clone(), change: None, at };
            items.push(raw, ItemKind::Identity(update));
        }
    }
}

/// A lone number or user id tells nothing that the status beside it does not.
fn tells_something(peer: &Peer) -> bool {
    let ids = [peer.wa_id.is_some(), peer.user_id.is_some(), peer.parent_user_id.is_some()];
    let count = ids.iter().filter(|is_there| **is_there).count();
    count > 1 || peer.username.is_some() || peer.name.is_some()
}

fn preference(
    place: &Place,
    contacts: &Contacts<'_>,
    value: &Value,
) -> Result<PreferenceUpdate, String> {
    let peer = contacts.complete(contact(value));
    if !peer.is_identified() {
        return Err("a preference does not say whose it is".to_owned());
    }
    Ok(PreferenceUpdate {
        peer,
        value: json::text(value, "value").ok_or("a preference has no value")?,
        at: json::timestamp(value, "timestamp")
            .or(place.time)
            .ok_or("a preference has no readable time")?,
    })
}

fn user_id(
    place: &Place,
    contacts: &Contacts<'_>,
    value: &Value,
) -> Result<IdentityUpdate, String> {
    let part = |key: &str, part: &str| -> Option<UserId> {
        value.get(key).and_then(|change| json::user_id(change, part))
    };
    let peer = contacts.complete(Peer {
        wa_id: json::wa_id(value, "wa_id"),
        user_id: part("user_id", "current"),
        parent_user_id: part("parent_user_id", "current"),
        ..Peer::default()
    });
    if !peer.is_identified() {
        return Err("a changed user id does not say what it is now".to_owned());
    }
    let change = peer.user_id.clone().map(|new| IdentityChange {
        old_wa_id: None,
        new_wa_id: None,
        old_user_id: part("user_id", "previous"),
        new_user_id: Some(new),
    });
    Ok(IdentityUpdate {
        peer,
        change,
        at: json::timestamp(value, "timestamp")
            .or(place.time)
            .ok_or("a changed user id has no readable time")?,
    })
}

fn notice_or_unknown(field: &str, raw: &RawValue, at: Option<Timestamp>) -> ItemKind {
    let value = match super::read(raw) {
        Ok(value) => value,
        Err(reason) => return ItemKind::Unknown { reason },
    };
    if let Some(update) = template::update(field, &value, at) {
        return ItemKind::Template(update);
    }
    match notice::summary(field, &value) {
        Some(summary) => ItemKind::Notice { summary, report: report::report(field, &value, at) },
        None if template::FIELDS.contains(&field) => {
            ItemKind::Unknown { reason: "it does not say which template, or what of it".to_owned() }
        }
        None => ItemKind::Unknown { reason: format!("the webhook field `{field}` is not known") },
    }
}
