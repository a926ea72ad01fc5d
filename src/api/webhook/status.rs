//! One entry of `statuses[]`, and the errors that statuses and values carry.

use serde_json::Value;

use super::peer::Contacts;
use super::{Place, json};
use crate::domain::event::{ErrorReport, ItemKind, Peer, Pricing, StatusUpdate};
use crate::domain::id::RequestId;
use crate::domain::state::Report;

/// Stands for "no code" where Meta gives none; no code of Meta's is negative.
const NO_CODE: i64 = -1;

/// Reads a status.
pub(super) fn status(
    place: &Place,
    contacts: &Contacts<'_>,
    value: &Value,
) -> Result<StatusUpdate, String> {
    let wamid = json::wamid(value, "id").ok_or("a status names no message")?;
    let word = json::text(value, "status").ok_or("a status does not say what happened")?;
    let report = report(&word).ok_or_else(|| format!("the status `{word}` is not known"))?;
    let at = json::timestamp(value, "timestamp")
        .or(place.time)
        .ok_or("a status has no readable time")?;
    Ok(StatusUpdate {
        wamid,
        report,
        at,
        recipient: contacts.complete(recipient(value)),
        participant: participant(value),
        request: json::text(value, "biz_opaque_callback_data")
            .and_then(|data| RequestId::parse(&data)),
        error: json::list(value, "errors").first().map(error),
        pricing: value.get("pricing").and_then(pricing),
    })
}

/// An error inside a webhook. Every key may be missing.
pub(super) fn error(value: &Value) -> ErrorReport {
    let data = value.get("error_data");
    ErrorReport {
        code: json::integer(value, "code").unwrap_or(NO_CODE),
        title: json::text(value, "title")
            .or_else(|| json::text(value, "message"))
            .unwrap_or_else(|| "Meta gives no reason".to_owned()),
        details: data.and_then(|data| json::text(data, "details").or_else(|| json::scalar(data))),
    }
}

/// An error without a message.
pub(super) fn error_item(value: &Value) -> ItemKind {
    let error = error(value);
    ItemKind::Error { code: error.code, detail: error.details.unwrap_or(error.title) }
}

fn report(word: &str) -> Option<Report> {
    Some(match word {
        "sent" => Report::Sent,
        "delivered" => Report::Delivered,
        "read" => Report::Read,
        "played" => Report::Played,
        "failed" => Report::Failed,
        _ => return None,
    })
}

/// In a group the recipient is the group, which is no person.
fn recipient(value: &Value) -> Peer {
    if json::text(value, "recipient_type").as_deref() == Some("group") {
        return Peer::default();
    }
    Peer {
        wa_id: json::wa_id(value, "recipient_id"),
        user_id: json::user_id(value, "recipient_user_id"),
        parent_user_id: json::user_id(value, "recipient_parent_user_id"),
        ..Peer::default()
    }
}

/// Meta's pages spell the first key both ways; a hidden number leaves only the user id.
fn participant(value: &Value) -> Option<String> {
    ["recipient_participant_id", "participant_recipient_id", "recipient_participant_user_id"]
        .iter()
        .find_map(|key| json::text(value, key))
}

fn pricing(value: &Value) -> Option<Pricing> {
    Some(Pricing { category: json::text(value, "category")?, kind: json::text(value, "type") })
}
