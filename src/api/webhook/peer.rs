//! Who somebody is: the `contacts` beside messages and statuses, matched by number or user id and never by
//! index, since either list may be the longer one.

use serde_json::Value;
use serde_json::value::RawValue;

use super::{Fields, array, json, read};
use crate::domain::event::Peer;

/// The `contacts` of a change, each with its JSON.
pub(super) struct Contacts<'a>(Vec<(Peer, &'a RawValue)>);

impl<'a> Contacts<'a> {
    /// Those in `fields`. One that cannot be read tells nothing and is left out: the people in messages and
    /// statuses are named there too.
    pub(super) fn of(fields: &Fields<'a>) -> Self {
        let list = fields.get("contacts").and_then(|contacts| array(contacts)).unwrap_or_default();
        Self(
            list.into_iter()
                .filter_map(|raw| Some((contact(&read(raw).ok()?), raw)))
                .filter(|(peer, _)| peer.is_identified())
                .collect(),
        )
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(Peer, &'a RawValue)> {
        self.0.iter()
    }

    /// `peer` with what its contact adds.
    pub(super) fn complete(&self, peer: Peer) -> Peer {
        match self.0.iter().find(|(contact, _)| is_same(contact, &peer)) {
            Some((contact, _)) => merge(peer, contact),
            None => peer,
        }
    }

    /// The contact, when there is exactly one: whoever a message without any sender is from.
    pub(super) fn only(&self) -> Option<&Peer> {
        match self.0.as_slice() {
            [(peer, _)] => Some(peer),
            _ => None,
        }
    }
}

/// Whether two peers share a number or a user id.
pub(super) fn is_same(one: &Peer, other: &Peer) -> bool {
    fn equal<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
        one.is_some() && one == other
    }
    equal(one.user_id.as_ref(), other.user_id.as_ref())
        || equal(one.wa_id.as_ref(), other.wa_id.as_ref())
        || equal(one.parent_user_id.as_ref(), other.parent_user_id.as_ref())
}

/// The peer in an object that spells the keys as `contacts` does.
pub(super) fn contact(value: &Value) -> Peer {
    let profile = value.get("profile").unwrap_or(&Value::Null);
    Peer {
        wa_id: json::wa_id(value, "wa_id"),
        user_id: json::user_id(value, "user_id"),
        parent_user_id: json::user_id(value, "parent_user_id"),
        username: json::text(profile, "username").or_else(|| json::text(value, "username")),
        name: json::text(profile, "name"),
    }
}

/// The peer in `{prefix}`, `{prefix}_user_id` and `{prefix}_parent_user_id`, as messages (`from`) and
/// echoes (`to`) have it.
pub(super) fn named(value: &Value, prefix: &str) -> Peer {
    Peer {
        wa_id: json::wa_id(value, prefix),
        user_id: json::user_id(value, &format!("{prefix}_user_id")),
        parent_user_id: json::user_id(value, &format!("{prefix}_parent_user_id")),
        ..Peer::default()
    }
}

fn merge(peer: Peer, contact: &Peer) -> Peer {
    Peer {
        wa_id: peer.wa_id.or_else(|| contact.wa_id.clone()),
        user_id: peer.user_id.or_else(|| contact.user_id.clone()),
        parent_user_id: peer.parent_user_id.or_else(|| contact.parent_user_id.clone()),
        username: peer.username.or_else(|| contact.username.clone()),
        name: peer.name.or_else(|| contact.name.clone()),
    }
}
