//! A message's content as columns: a kind, the text that is searched, and the rest as JSON.

use serde_json::{Value, json};

use super::error::Error;
use super::template;
use crate::domain::id::Wamid;
use crate::domain::message::{Body, Card, Media, OrderItem, ReplyKind};

/// What `message` holds of a body; a file has a row in `media` besides.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Columns {
    pub(super) kind: i64,
    pub(super) text: Option<String>,
    pub(super) extra: Option<String>,
    pub(super) target: Option<String>,
}

pub(super) const TEXT: i64 = 1;
pub(super) const MEDIA: i64 = 2;
pub(super) const REACTION: i64 = 5;
pub(super) const TEMPLATE: i64 = 8;
pub(super) const EDIT: i64 = 11;
pub(super) const REVOKE: i64 = 12;

impl Columns {
    fn new(kind: i64, text: Option<&str>, extra: &Value) -> Self {
        let extra = (!extra.is_null()).then(|| extra.to_string());
        Self { kind, text: text.map(str::to_owned), extra, target: None }
    }

    fn at(self, target: &Wamid) -> Self {
        Self { target: Some(target.to_string()), ..self }
    }
}

pub(super) fn columns(body: &Body) -> Columns {
    match body {
        Body::Text { text, preview_url } => {
            let extra = if *preview_url { json!({"preview_url": true}) } else { Value::Null };
            Columns::new(TEXT, Some(text), &extra)
        }
        Body::Media { caption, .. } => Columns::new(MEDIA, caption.as_deref(), &Value::Null),
        Body::Location { latitude, longitude, name, address } => Columns::new(
            3,
            name.as_deref(),
            &json!({"latitude": latitude, "longitude": longitude, "address": address}),
        ),
        Body::Contacts(cards) => {
            let names: Vec<&str> = cards.iter().filter_map(|card| card.name.as_deref()).collect();
            let cards: Vec<Value> = cards.iter().map(card_json).collect();
            Columns::new(4, Some(&names.join(", ")), &Value::Array(cards))
        }
        Body::Reaction { target, emoji } => {
            Columns::new(REACTION, emoji.as_deref(), &Value::Null).at(target)
        }
        Body::Reply { kind, id, title, detail } => Columns::new(
            6,
            Some(title),
            &json!({"kind": reply_kind_name(*kind), "id": id, "detail": detail}),
        ),
        Body::Interactive { kind, text, options } => {
            Columns::new(7, Some(text), &json!({"kind": kind, "options": options}))
        }
        Body::Template(sent) => Columns::new(TEMPLATE, Some(&sent.text), &template::extra(sent)),
        Body::Order { text, items } => {
            let items: Vec<Value> = items.iter().map(item_json).collect();
            Columns::new(9, text.as_deref(), &Value::Array(items))
        }
        Body::System { kind, text } => Columns::new(10, Some(text), &json!({"kind": kind})),
        Body::Edit { target, text } => Columns::new(EDIT, Some(text), &Value::Null).at(target),
        Body::Revoke { target } => Columns::new(REVOKE, None, &Value::Null).at(target),
        Body::Welcome => Columns::new(13, None, &Value::Null),
        Body::Unsupported { kind, code, detail } => {
            Columns::new(14, None, &json!({"kind": kind, "code": code, "detail": detail}))
        }
        Body::Unknown { kind } => Columns::new(15, None, &json!({"kind": kind})),
    }
}

fn card_json(card: &Card) -> Value {
    json!({"name": card.name, "phones": card.phones, "emails": card.emails, "company": card.company})
}

fn item_json(item: &OrderItem) -> Value {
    json!({
        "retailer_id": item.retailer_id,
        "quantity": item.quantity,
        "price": item.price,
        "currency": item.currency,
    })
}

const fn reply_kind_name(kind: ReplyKind) -> &'static str {
    match kind {
        ReplyKind::Button => "button",
        ReplyKind::List => "list",
        ReplyKind::Flow => "flow",
        ReplyKind::TemplateButton => "template_button",
        ReplyKind::CallPermission => "call_permission",
    }
}

fn reply_kind(name: &str) -> Option<ReplyKind> {
    [
        ReplyKind::Button,
        ReplyKind::List,
        ReplyKind::Flow,
        ReplyKind::TemplateButton,
        ReplyKind::CallPermission,
    ]
    .into_iter()
    .find(|kind| reply_kind_name(*kind) == name)
}

/// The body again. `media` is the file of a message that has one.
pub(super) fn body(columns: Columns, media: Option<Media>) -> Result<Body, Error> {
    let Columns { kind, text, extra, target } = columns;
    let bad = |what: &str| Error::Value(format!("message of kind {kind} without {what}"));
    let extra: Value = match extra {
        None => Value::Null,
        Some(json) => serde_json::from_str(&json)
            .map_err(|error| Error::Value(format!("message details: {error}")))?,
    };
    let target = target.map(Wamid::new);
    let string = |key: &str| extra.get(key).and_then(Value::as_str).map(str::to_owned);
    Ok(match kind {
        TEXT => Body::Text {
            text: text.ok_or_else(|| bad("text"))?,
            preview_url: extra.get("preview_url").and_then(Value::as_bool).unwrap_or(false),
        },
        MEDIA => Body::Media { media: media.ok_or_else(|| bad("file"))?, caption: text },
        3 => Body::Location {
            latitude: number(&extra, "latitude").ok_or_else(|| bad("latitude"))?,
            longitude: number(&extra, "longitude").ok_or_else(|| bad("longitude"))?,
            name: text,
            address: string("address"),
        },
        4 => Body::Contacts(list(&extra).iter().map(card).collect()),
        REACTION => Body::Reaction { target: target.ok_or_else(|| bad("target"))?, emoji: text },
        6 => Body::Reply {
            kind: string("kind")
                .and_then(|name| reply_kind(&name))
                .ok_or_else(|| bad("kind of reply"))?,
            id: string("id"),
            title: text.unwrap_or_default(),
            detail: string("detail"),
        },
        7 => Body::Interactive {
            kind: string("kind").unwrap_or_default(),
            text: text.unwrap_or_default(),
            options: strings(extra.get("options")),
        },
        TEMPLATE => {
            Body::Template(Box::new(template::sent(&extra, text.unwrap_or_default(), media)?))
        }
        9 => Body::Order { text, items: list(&extra).iter().map(item).collect() },
        10 => Body::System {
            kind: string("kind").unwrap_or_default(),
            text: text.unwrap_or_default(),
        },
        EDIT => Body::Edit {
            target: target.ok_or_else(|| bad("target"))?,
            text: text.unwrap_or_default(),
        },
        REVOKE => Body::Revoke { target: target.ok_or_else(|| bad("target"))? },
        13 => Body::Welcome,
        14 => Body::Unsupported {
            kind: string("kind"),
            code: extra.get("code").and_then(Value::as_i64),
            detail: string("detail"),
        },
        15 => Body::Unknown { kind: string("kind").unwrap_or_default() },
        _ => return Err(Error::Value(format!("message kind {kind}"))),
    })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let values = value.map_or(&[][..], list);
    values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn number(value: &Value, key: &str) -> Option<f64> {
    value.get(key).and_then(Value::as_f64)
}

fn card(value: &Value) -> Card {
    let string = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    Card {
        name: string("name"),
        phones: strings(value.get("phones")),
        emails: strings(value.get("emails")),
        company: string("company"),
    }
}

fn item(value: &Value) -> OrderItem {
    let string = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    OrderItem {
        retailer_id: string("retailer_id"),
        quantity: number(value, "quantity").unwrap_or_default(),
        price: number(value, "price").unwrap_or_default(),
        currency: string("currency"),
    }
}

/// One line that stands for a body in lists and quotes. Text as it came; sinks sanitise it.
pub(super) fn line(body: &Body) -> String {
    let text = match body {
        Body::Text { text, .. } | Body::Interactive { text, .. } | Body::System { text, .. } => {
            text
        }
        Body::Template(sent) if sent.text.is_empty() => &sent.name,
        Body::Template(sent) => &sent.text,
        Body::Edit { text, .. } => text,
        Body::Media { media, caption } => {
            let own = caption.as_deref().or(media.file_name.as_deref()).unwrap_or_default();
            return labelled(media.kind.name(), own);
        }
        Body::Location { name, address, .. } => {
            return labelled(
                "location",
                name.as_deref().or(address.as_deref()).unwrap_or_default(),
            );
        }
        Body::Contacts(cards) => {
            let name = cards.iter().find_map(|card| card.name.as_deref());
            return labelled("contact", name.unwrap_or_default());
        }
        Body::Reaction { emoji, .. } => return emoji.clone().unwrap_or_default(),
        Body::Reply { title, .. } => title,
        Body::Order { text, .. } => return labelled("order", text.as_deref().unwrap_or_default()),
        Body::Revoke { .. } => "deleted",
        Body::Welcome => "opened the chat",
        Body::Unsupported { kind, .. } => {
            let kind = kind.as_deref().unwrap_or("message");
            return labelled(kind, "not passed on by WhatsApp");
        }
        Body::Unknown { kind } => return labelled(kind, "not shown by this version"),
    };
    first_line(text)
}

/// `[image] look`, as the conversation shows it.
fn labelled(kind: &str, words: &str) -> String {
    format!("[{kind}] {}", first_line(words)).trim_end().to_owned()
}

/// At most the first 200 characters of the first line that says anything.
fn first_line(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.chars().take(200).collect()
}
