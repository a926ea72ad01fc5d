//! What the items of a webhook are about, in the few words that lists and filters need.

use serde_json::Value;

use super::json;
use super::notice::inner;
use crate::domain::event::{Item, ItemKind, Peer};
use crate::domain::hook::Facet;

/// Where Meta says what happened to an account, a number or a template.
const TELLING: [&str; 6] =
    ["event", "decision", "status", "new_quality_score", "new_category", "correct_category"];

/// What each item is about, in their order.
#[must_use]
pub fn facets(items: &[Item]) -> Vec<Facet> {
    items.iter().map(facet).collect()
}

fn facet(item: &Item) -> Facet {
    let raw: Value = serde_json::from_str(&item.raw).unwrap_or(Value::Null);
    let word = |key: &str| json::text(&raw, key).unwrap_or_default();
    let first_error =
        || json::list(&raw, "errors").first().and_then(|error| json::integer(error, "code"));
    let field = item.field.clone();
    match &item.kind {
        ItemKind::Message(message) => {
            Facet { field, kind: word("type"), code: first_error(), who: who(&message.from) }
        }
        ItemKind::Echo(message) => {
            Facet { field, kind: word("type"), code: None, who: who(&message.to) }
        }
        ItemKind::Status(update) => Facet {
            field: "statuses".to_owned(),
            kind: word("status"),
            code: update.error.as_ref().map(|error| error.code),
            who: who(&update.recipient),
        },
        // Beside messages and statuses, which have a field of their own.
        ItemKind::Identity(update) => {
            let field = if field == "messages" { "contacts".to_owned() } else { field };
            Facet { field, kind: String::new(), code: None, who: who(&update.peer) }
        }
        ItemKind::Preference(update) => {
            Facet { field, kind: update.value.clone(), code: None, who: who(&update.peer) }
        }
        ItemKind::Error { code, .. } => {
            Facet { field, kind: "error".to_owned(), code: Some(*code), who: None }
        }
        ItemKind::Notice { .. } | ItemKind::Template(_) => {
            let alert = inner(&raw, "alert_info", "alert_type");
            let words = TELLING.into_iter().map(word).chain(alert);
            let kind = words.into_iter().find(|kind| !kind.is_empty()).unwrap_or_default();
            let who = match &item.kind {
                ItemKind::Template(update) => Some(format!("{} {}", update.name, update.language)),
                _ => ["display_phone_number", "phone_number"]
                    .into_iter()
                    .find_map(|key| json::text(&raw, key))
                    .map(|number| format!("+{}", number.trim_start_matches('+'))),
            };
            Facet { field, kind, code: None, who }
        }
        ItemKind::Unknown { .. } => Facet { field, kind: word("type"), code: None, who: None },
    }
}

fn who(peer: &Peer) -> Option<String> {
    let number = peer.wa_id.as_ref().map(|number| format!("+{number}"));
    let user = || peer.user_id.as_ref().map(ToString::to_string);
    peer.name
        .clone()
        .filter(|name| !name.trim().is_empty())
        .or(number)
        .or_else(|| peer.username.as_ref().map(|name| format!("@{}", name.trim_start_matches('@'))))
        .or_else(user)
}
