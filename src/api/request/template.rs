//! The `template` object of a message: the values for each component, as Meta documents them.

use serde_json::{Map, Value, json};

use super::{Unsendable, media};
use crate::domain::template::{SentAction, SentButton, SentHeader, SentTemplate, TextParameter};

/// Meta takes no component for a part that has nothing to fill in.
pub(super) fn template(sent: &SentTemplate) -> Result<Value, Unsendable> {
    let mut components = Vec::new();
    if let Some(header) = sent.header.as_ref().map(header).transpose()?.flatten() {
        components.push(json!({"type": "header", "parameters": [header]}));
    }
    if !sent.values.is_empty() {
        let values: Vec<Value> = sent.values.iter().map(text).collect();
        components.push(json!({"type": "body", "parameters": values}));
    }
    components.extend(sent.buttons.iter().enumerate().filter_map(|(index, button)| {
        let (sub_type, parameter) = parameter(button)?;
        let index = index.to_string();
        let mut component = json!({"type": "button", "sub_type": sub_type, "index": index});
        if let (Some(component), Some(parameter)) = (component.as_object_mut(), parameter) {
            component.insert("parameters".to_owned(), json!([parameter]));
        }
        Some(component)
    }));
    let mut template = Map::new();
    template.insert("name".to_owned(), json!(sent.name));
    template.insert("language".to_owned(), json!({"code": sent.language}));
    if !components.is_empty() {
        template.insert("components".to_owned(), Value::Array(components));
    }
    Ok(Value::Object(template))
}

fn header(header: &SentHeader) -> Result<Option<Value>, Unsendable> {
    Ok(match header {
        SentHeader::Text { value, .. } => value.as_ref().map(text),
        SentHeader::Media(file) => {
            let kind = file.kind.name();
            Some(json!({"type": kind, kind: media(file, None)?}))
        }
        SentHeader::Location { latitude, longitude, name, address } => {
            // Unlike a location message, Meta's pages have the degrees as strings here.
            let mut place = Map::new();
            let mut put = |key: &str, value: String| place.insert(key.to_owned(), json!(value));
            put("latitude", latitude.to_string());
            put("longitude", longitude.to_string());
            name.as_ref().map(|name| put("name", name.clone()));
            address.as_ref().map(|address| put("address", address.clone()));
            Some(json!({"type": "location", "location": place}))
        }
    })
}

/// Named variables are named; numbered ones go by their order, and Meta refuses a name for them.
fn text(parameter: &TextParameter) -> Value {
    match &parameter.name {
        Some(name) => json!({"type": "text", "parameter_name": name, "text": parameter.text}),
        None => json!({"type": "text", "text": parameter.text}),
    }
}

/// The button's `sub_type` and its parameter, for a button that goes into the request.
fn parameter(button: &SentButton) -> Option<(&'static str, Option<Value>)> {
    let (sub_type, parameter) = match &button.action {
        SentAction::Reply { payload } => {
            ("quick_reply", json!({"type": "payload", "payload": payload.as_ref()?}))
        }
        SentAction::Url { suffix, .. } => {
            ("url", json!({"type": "text", "text": suffix.as_ref()?}))
        }
        SentAction::CopyCode { code } => {
            ("copy_code", json!({"type": "coupon_code", "coupon_code": code}))
        }
        // To Meta the button of a one-time password is a link that ends in it.
        SentAction::OneTimePassword { code } => ("url", json!({"type": "text", "text": code})),
        SentAction::Flow { token } => {
            // Meta refuses a flow's template without the component, and takes this for no token.
            let token = token.as_deref().unwrap_or("unused");
            ("flow", json!({"type": "action", "action": {"flow_token": token}}))
        }
        SentAction::Catalog { product: None } => return Some(("catalog", None)),
        SentAction::Catalog { product: Some(product) } => {
            let action = json!({"thumbnail_product_retailer_id": product});
            ("catalog", json!({"type": "action", "action": action}))
        }
        SentAction::Phone { .. } | SentAction::VoiceCall | SentAction::ContactInfo => return None,
    };
    Some((sub_type, Some(parameter)))
}
