//! Templates in Meta's JSON: read from a listing, where anything may be missing or new; written to make
//! one; and the calls that do so.

mod call;
mod write;

use std::borrow::Cow;

use serde_json::Value;
use url::Url;

use super::json;
use crate::domain::template::{
    Authentication, Button, Category, Example, Flow, FlowTarget, Header, MediaFormat, Otp, OtpKind,
    ParameterFormat, Quality, Status, Template, Text,
};

pub use call::{Created, Listed, TemplatePage};
pub use write::{create, edit};

/// The address that Meta turns the button of a one-time password into.
const OTP_URL: &str = "https://www.whatsapp.com/otp/";

/// Reads one template of a listing. What is not understood leaves its type in `other`. `None` for what has no
/// name or no language, which nothing can be done with.
#[must_use]
pub fn template(value: &Value) -> Option<Template> {
    let word = |key: &str| json::text(value, key);
    let category = word("category")
        .map_or_else(|| Category::Other(String::new()), |category| Category::named(&category));
    let mut template = Template {
        meta_id: word("id"),
        name: word("name")?,
        language: word("language")?,
        category,
        status: word("status").map_or(Status::Other(String::new()), |word| Status::named(&word)),
        quality: quality(value.get("quality_score")),
        reason: word("rejected_reason").filter(|reason| reason != "NONE"),
        parameters: word("parameter_format")
            .and_then(|word| ParameterFormat::named(&word))
            .unwrap_or_default(),
        header: None,
        body: Text::default(),
        footer: None,
        buttons: Vec::new(),
        authentication: Authentication::default(),
        ttl_seconds: json::integer(value, "message_send_ttl_seconds"),
        other: Vec::new(),
    };
    for component in json::list(value, "components") {
        read(component, &mut template);
    }
    Some(template)
}

/// The score comes as a word or inside an object.
fn quality(score: Option<&Value>) -> Quality {
    let word = score.and_then(|score| json::text(score, "score").or_else(|| json::scalar(score)));
    word.map_or(Quality::Unknown, |word| Quality::named(&word))
}

fn read(component: &Value, template: &mut Template) {
    let kind = json::text(component, "type").unwrap_or_else(|| "UNKNOWN".to_owned());
    let kind = kind.to_ascii_uppercase();
    match kind.as_str() {
        "HEADER" => template.header = Some(header(component)),
        "BODY" => {
            template.body = text(component, "body_text");
            template.authentication.security_recommendation =
                json::flag(component, "add_security_recommendation");
        }
        "FOOTER" => {
            template.footer = json::text(component, "text");
            template.authentication.expires_minutes =
                json::integer(component, "code_expiration_minutes")
                    .and_then(|minutes| u32::try_from(minutes).ok());
        }
        "BUTTONS" => {
            let buttons = json::list(component, "buttons");
            template.buttons.extend(buttons.iter().map(|value| button(value, &template.category)));
        }
        _ => template.other.push(kind),
    }
}

fn header(component: &Value) -> Header {
    let format = json::text(component, "format").unwrap_or_else(|| "TEXT".to_owned());
    if format.eq_ignore_ascii_case("TEXT") {
        return Header::Text(text(component, "header_text"));
    }
    if format.eq_ignore_ascii_case("LOCATION") {
        return Header::Location;
    }
    match MediaFormat::named(&format) {
        Some(format) => {
            let example = component.get("example").unwrap_or(&Value::Null);
            let example = json::list(example, "header_handle").first().and_then(json::scalar);
            Header::Media { format, example }
        }
        None => Header::Other(format),
    }
}

/// The text of a component with its examples, which are under `key` or `{key}_named_params`.
fn text(component: &Value, key: &str) -> Text {
    let example = component.get("example").unwrap_or(&Value::Null);
    let named = json::list(example, &format!("{key}_named_params"));
    let mut examples: Vec<Example> = named
        .iter()
        .filter_map(|example| {
            Some(Example {
                variable: json::text(example, "param_name")?,
                value: json::text(example, "example")?,
            })
        })
        .collect();
    if examples.is_empty() {
        let values = json::list(example, key);
        // A body's examples are a list of sets, of which there is one; a header's are a list.
        let values = values.first().and_then(Value::as_array).map_or(values, Vec::as_slice);
        examples.extend(values.iter().enumerate().filter_map(|(index, value)| {
            Some(Example { variable: (index + 1).to_string(), value: json::scalar(value)? })
        }));
    }
    Text { text: json::text(component, "text").unwrap_or_default(), examples }
}

fn button(value: &Value, category: &Category) -> Button {
    let kind = json::text(value, "type").unwrap_or_default().to_ascii_uppercase();
    let text = json::text(value, "text").unwrap_or_default();
    let word = |key: &str| json::text(value, key);
    match kind.as_str() {
        "QUICK_REPLY" => Button::QuickReply { text },
        "URL" => {
            let url = word("url").unwrap_or_default();
            if *category == Category::Authentication && url.starts_with(OTP_URL) {
                return Button::Otp(otp_of_url(text, &url));
            }
            Button::Url { text, url, example: example(value) }
        }
        "PHONE_NUMBER" => Button::Phone { text, number: word("phone_number").unwrap_or_default() },
        "COPY_CODE" => Button::CopyCode { text, example: example(value) },
        "OTP" => Button::Otp(Otp {
            kind: word("otp_type")
                .and_then(|word| OtpKind::named(&word))
                .unwrap_or(OtpKind::CopyCode),
            text,
            autofill_text: word("autofill_text"),
            apps: apps(value),
            zero_tap_terms: json::flag(value, "zero_tap_terms_accepted"),
        }),
        "FLOW" => Button::Flow(Flow {
            text,
            target: word("flow_id")
                .map(FlowTarget::Id)
                .or_else(|| word("flow_name").map(FlowTarget::Name))
                .or_else(|| word("flow_json").map(FlowTarget::Json)),
            action: word("flow_action").map(|action| action.to_ascii_lowercase()),
            screen: word("navigate_screen"),
        }),
        "CATALOG" => Button::Catalog { text },
        "VOICE_CALL" => Button::VoiceCall { text },
        "REQUEST_CONTACT_INFO" => Button::ContactInfo { text },
        _ => Button::Other { kind, text },
    }
}

/// A button's example is a string or a list of one.
fn example(value: &Value) -> Option<String> {
    let example = value.get("example")?;
    json::scalar(example).or_else(|| json::scalar(example.as_array()?.first()?))
}

/// The apps beside each other, as they were once given, or in a list.
fn apps(value: &Value) -> Vec<(String, String)> {
    let app = |value: &Value| {
        Some((json::text(value, "package_name")?, json::text(value, "signature_hash")?))
    };
    let listed: Vec<_> = json::list(value, "supported_apps").iter().filter_map(app).collect();
    if listed.is_empty() { app(value).into_iter().collect() } else { listed }
}

/// In a listing the button of a one-time password is a link that says which kind it is.
fn otp_of_url(text: String, url: &str) -> Otp {
    let kind = Url::parse(url).ok().and_then(|url| {
        let pairs = url.query_pairs().find(|(key, _)| key == "otp_type");
        pairs.and_then(|(_, word): (_, Cow<'_, str>)| OtpKind::named(&word))
    });
    Otp {
        kind: kind.unwrap_or(OtpKind::CopyCode),
        text,
        autofill_text: None,
        apps: Vec::new(),
        zero_tap_terms: false,
    }
}

#[cfg(test)]
mod tests;
