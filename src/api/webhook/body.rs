//! The content of a message, whichever way it went.
//!
//! What cannot be read leaves a body of kind unknown or unsupported, never nothing.

use serde_json::Value;

use super::{json, status};
use crate::api::media::sha256_hex;
use crate::domain::id::MediaId;
use crate::domain::message::{Body, Card, Media, MediaCopy, MediaKind, OrderItem, ReplyKind};
use crate::domain::template::SentTemplate;

/// Meta's types whose content lies under a key of the same name, for messages that name no type.
const KINDS: [&str; 15] = [
    "text",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "reaction",
    "interactive",
    "button",
    "order",
    "system",
    "edit",
    "revoke",
];

/// The body of a message of any direction.
pub(super) fn body(value: &Value) -> Body {
    let kind = json::text(value, "type")
        .or_else(|| KINDS.iter().find(|kind| value.get(kind).is_some()).map(ToString::to_string))
        .unwrap_or_else(|| "unknown".to_owned());
    let content = value.get(&kind).unwrap_or(&Value::Null);
    read(&kind, content, value).unwrap_or_else(|| without_content(kind, value))
}

fn read(kind: &str, content: &Value, value: &Value) -> Option<Body> {
    match kind {
        "text" => Some(Body::Text { text: string(content, "body")?, preview_url: false }),
        "image" => media(MediaKind::Image, content),
        "video" => media(MediaKind::Video, content),
        "audio" | "voice" => media(MediaKind::Audio, content),
        "document" => media(MediaKind::Document, content),
        "sticker" => media(MediaKind::Sticker, content),
        "location" => location(content),
        "contacts" => Some(Body::Contacts(content.as_array()?.iter().map(card).collect())),
        "reaction" => Some(Body::Reaction {
            target: json::wamid(content, "message_id")?,
            emoji: json::text(content, "emoji"),
        }),
        "interactive" => interactive(content),
        "button" => Some(Body::Reply {
            kind: ReplyKind::TemplateButton,
            id: json::text(content, "payload"),
            title: json::text(content, "text").or_else(|| json::text(content, "payload"))?,
            detail: None,
        }),
        "template" => template(content),
        "order" => order(content),
        "system" if content.is_object() => Some(Body::System {
            kind: json::text(content, "type").unwrap_or_else(|| "unknown".to_owned()),
            text: string(content, "body").unwrap_or_default(),
        }),
        "edit" => edit(content),
        "revoke" => Some(Body::Revoke { target: json::wamid(content, "original_message_id")? }),
        "request_welcome" => Some(Body::Welcome),
        "unsupported" | "unknown" | "errors" => {
            Some(unsupported(json::text(content, "type"), value))
        }
        _ => None,
    }
}

/// A type that is not known, or whose content is not as documented. Errors in its place say why Meta left
/// the content out.
fn without_content(kind: String, value: &Value) -> Body {
    if json::list(value, "errors").is_empty() {
        Body::Unknown { kind }
    } else {
        unsupported(Some(kind), value)
    }
}

fn unsupported(kind: Option<String>, value: &Value) -> Body {
    let error = json::list(value, "errors").first();
    let report = error.map(status::error);
    Body::Unsupported {
        kind,
        code: error.and_then(|error| json::integer(error, "code")),
        detail: report.map(|report| report.details.unwrap_or(report.title)),
    }
}

/// A string that may be empty.
fn string(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) => Some(text.clone()),
        other => json::scalar(other),
    }
}

fn media(kind: MediaKind, content: &Value) -> Option<Body> {
    let id = json::text(content, "id").map(MediaId::new);
    let url = json::text(content, "url").or_else(|| json::text(content, "link"));
    if !content.is_object() {
        return None;
    }
    let copy = if id.is_none() && url.is_none() {
        MediaCopy::Failed("Meta gave neither an id nor an address for it".to_owned())
    } else {
        MediaCopy::Pending
    };
    let media = Media {
        kind,
        id,
        url,
        mime_type: json::text(content, "mime_type"),
        sha256: json::text(content, "sha256").and_then(|text| sha256_hex(&text)),
        file_name: json::text(content, "filename"),
        voice: json::flag(content, "voice"),
        animated: json::flag(content, "animated"),
        copy,
    };
    Some(Body::Media { media, caption: json::text(content, "caption") })
}

fn location(content: &Value) -> Option<Body> {
    Some(Body::Location {
        latitude: json::number(content, "latitude")?,
        longitude: json::number(content, "longitude")?,
        name: json::text(content, "name"),
        address: json::text(content, "address"),
    })
}

fn card(value: &Value) -> Card {
    let name = value.get("name").unwrap_or(&Value::Null);
    let parts = || {
        let parts: Vec<_> = ["first_name", "middle_name", "last_name"]
            .iter()
            .filter_map(|part| json::text(name, part))
            .collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    };
    Card {
        name: json::text(name, "formatted_name").or_else(parts),
        phones: json::list(value, "phones")
            .iter()
            .filter_map(|phone| json::text(phone, "phone").or_else(|| json::text(phone, "wa_id")))
            .collect(),
        emails: json::list(value, "emails")
            .iter()
            .filter_map(|email| json::text(email, "email"))
            .collect(),
        company: value.get("org").and_then(|org| json::text(org, "company")),
    }
}

fn interactive(content: &Value) -> Option<Body> {
    let kind = json::text(content, "type")?;
    let part = content.get(&kind).unwrap_or(&Value::Null);
    let (reply, id, title, detail) = match kind.as_str() {
        "button_reply" => {
            (ReplyKind::Button, json::text(part, "id"), json::text(part, "title")?, None)
        }
        "list_reply" => (
            ReplyKind::List,
            json::text(part, "id"),
            json::text(part, "title")?,
            json::text(part, "description"),
        ),
        "nfm_reply" => (
            ReplyKind::Flow,
            json::text(part, "name"),
            json::text(part, "body").or_else(|| json::text(part, "name")).unwrap_or_default(),
            json::text(part, "response_json"),
        ),
        "call_permission_reply" => (
            ReplyKind::CallPermission,
            None,
            json::text(part, "response").unwrap_or_else(|| "answered".to_owned()),
            None,
        ),
        _ => return offered(kind, content),
    };
    Some(Body::Reply { kind: reply, id, title, detail })
}

/// An interactive message as a business sends it, seen in echoes and history.
fn offered(kind: String, content: &Value) -> Option<Body> {
    let action = content.get("action")?;
    let buttons = json::list(action, "buttons")
        .iter()
        .filter_map(|button| button.get("reply").and_then(|reply| json::text(reply, "title")));
    let rows = json::list(action, "sections")
        .iter()
        .flat_map(|section| json::list(section, "rows"))
        .filter_map(|row| json::text(row, "title"));
    Some(Body::Interactive {
        kind,
        text: content.get("body").and_then(|body| json::text(body, "text")).unwrap_or_default(),
        options: buttons.chain(rows).collect(),
    })
}

fn template(content: &Value) -> Option<Body> {
    let language = content.get("language");
    Some(Body::Template(Box::new(SentTemplate {
        name: json::text(content, "name")?,
        language: language
            .and_then(|language| json::text(language, "code").or_else(|| json::scalar(language)))
            .unwrap_or_default(),
        ..SentTemplate::default()
    })))
}

fn order(content: &Value) -> Option<Body> {
    let items = content.get("product_items")?.as_array()?;
    let item = |item: &Value| OrderItem {
        retailer_id: json::text(item, "product_retailer_id").unwrap_or_default(),
        quantity: json::number(item, "quantity").unwrap_or(1.0),
        price: json::number(item, "item_price").unwrap_or(0.0),
        currency: json::text(item, "currency").unwrap_or_default(),
    };
    Some(Body::Order { text: json::text(content, "text"), items: items.iter().map(item).collect() })
}

fn edit(content: &Value) -> Option<Body> {
    let message = content.get("message")?;
    let kind = json::text(message, "type").unwrap_or_else(|| "text".to_owned());
    let part = message.get(&kind)?;
    Some(Body::Edit {
        target: json::wamid(content, "original_message_id")?,
        text: string(part, "body").or_else(|| string(part, "caption")).unwrap_or_default(),
    })
}
