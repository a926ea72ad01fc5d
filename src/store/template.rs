//! A sent template in the columns of its message: the body's text in `text`, the file above it in `media`,
//! the rest as JSON. Rows of older versions have a name and a language alone.

use serde_json::{Value, json};

use super::error::Error;
use crate::domain::message::Media;
use crate::domain::template::{
    Category, SentAction, SentButton, SentHeader, SentTemplate, TextParameter,
};

pub(super) fn extra(sent: &SentTemplate) -> Value {
    let values: Vec<Value> = sent.values.iter().map(value_json).collect();
    let buttons: Vec<Value> = sent.buttons.iter().map(button_json).collect();
    json!({
        "name": sent.name,
        "language": sent.language,
        "category": sent.category.as_ref().map(Category::name),
        "header": sent.header.as_ref().map(header_json),
        "values": values,
        "footer": sent.footer,
        "buttons": buttons,
    })
}

fn value_json(value: &TextParameter) -> Value {
    json!({"name": value.name, "text": value.text})
}

fn header_json(header: &SentHeader) -> Value {
    match header {
        SentHeader::Text { text, value } => {
            json!({"kind": "text", "text": text, "value": value.as_ref().map(value_json)})
        }
        SentHeader::Media(_) => json!({"kind": "media"}),
        SentHeader::Location { latitude, longitude, name, address } => json!({
            "kind": "location",
            "latitude": latitude,
            "longitude": longitude,
            "name": name,
            "address": address,
        }),
    }
}

fn button_json(button: &SentButton) -> Value {
    let (action, value) = match &button.action {
        SentAction::Reply { payload } => ("reply", payload.as_ref()),
        SentAction::Url { suffix, .. } => ("url", suffix.as_ref()),
        SentAction::Phone { number } => ("phone", Some(number)),
        SentAction::CopyCode { code } => ("copy_code", Some(code)),
        SentAction::OneTimePassword { code } => ("one_time_password", Some(code)),
        SentAction::Flow { token } => ("flow", token.as_ref()),
        SentAction::Catalog { product } => ("catalog", product.as_ref()),
        SentAction::VoiceCall => ("voice_call", None),
        SentAction::ContactInfo => ("contact_info", None),
    };
    let url = match &button.action {
        SentAction::Url { url, .. } => Some(url),
        _ => None,
    };
    json!({"text": button.text, "action": action, "value": value, "url": url})
}

/// The template again. What is missing was not known; what is there and cannot be read is an error.
pub(super) fn sent(
    extra: &Value,
    text: String,
    media: Option<Media>,
) -> Result<SentTemplate, Error> {
    let bad = |what: &str| Error::Value(format!("the {what} of a sent template"));
    let all = |key: &str| extra.get(key).and_then(Value::as_array).into_iter().flatten();
    Ok(SentTemplate {
        name: string(extra, "name").unwrap_or_default(),
        language: string(extra, "language").unwrap_or_default(),
        category: string(extra, "category").map(|word| Category::named(&word)),
        header: match extra.get("header").filter(|header| !header.is_null()) {
            None => None,
            Some(header) => Some(sent_header(header, media).ok_or_else(|| bad("header"))?),
        },
        text,
        values: all("values").map(value).collect::<Option<_>>().ok_or_else(|| bad("values"))?,
        footer: string(extra, "footer"),
        buttons: all("buttons").map(button).collect::<Option<_>>().ok_or_else(|| bad("buttons"))?,
    })
}

fn sent_header(header: &Value, media: Option<Media>) -> Option<SentHeader> {
    Some(match header.get("kind")?.as_str()? {
        "text" => SentHeader::Text {
            text: string(header, "text")?,
            value: header.get("value").and_then(value),
        },
        "media" => SentHeader::Media(media?),
        "location" => SentHeader::Location {
            latitude: header.get("latitude")?.as_f64()?,
            longitude: header.get("longitude")?.as_f64()?,
            name: string(header, "name"),
            address: string(header, "address"),
        },
        _ => return None,
    })
}

fn value(value: &Value) -> Option<TextParameter> {
    Some(TextParameter { name: string(value, "name"), text: string(value, "text")? })
}

fn button(button: &Value) -> Option<SentButton> {
    let value = string(button, "value");
    let action = match button.get("action")?.as_str()? {
        "reply" => SentAction::Reply { payload: value },
        "url" => SentAction::Url { url: string(button, "url")?, suffix: value },
        "phone" => SentAction::Phone { number: value? },
        "copy_code" => SentAction::CopyCode { code: value? },
        "one_time_password" => SentAction::OneTimePassword { code: value? },
        "flow" => SentAction::Flow { token: value },
        "catalog" => SentAction::Catalog { product: value },
        "voice_call" => SentAction::VoiceCall,
        "contact_info" => SentAction::ContactInfo,
        _ => return None,
    };
    Some(SentButton { text: string(button, "text")?, action })
}

fn string(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned)
}
