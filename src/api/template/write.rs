//! A template in the JSON that makes or changes one.

use serde_json::{Map, Value, json};

use crate::domain::template::{
    Button, Category, Example, Flow, FlowTarget, Header, Otp, OtpKind, ParameterFormat, Template,
    Text, variables,
};

/// What creates the template. Nothing is checked here: that is `domain::template::rules`' work.
#[must_use]
pub fn create(template: &Template) -> Value {
    let mut json = Map::new();
    let mut put = |key: &str, value: Value| json.insert(key.to_owned(), value);
    put("name", json!(template.name));
    put("language", json!(template.language));
    put("category", json!(template.category.name()));
    if has_variables(template) {
        put("parameter_format", json!(template.parameters.name().to_lowercase()));
    }
    put("components", components(template));
    if let Some(seconds) = template.ttl_seconds {
        put("message_send_ttl_seconds", json!(seconds));
    }
    Value::Object(json)
}

/// What changes it: the components as a whole, and the category where `category` says so. Name and language
/// are fixed, and so is the category of an approved template.
#[must_use]
pub fn edit(template: &Template, category: bool) -> Value {
    let mut json = Map::new();
    if category {
        json.insert("category".to_owned(), json!(template.category.name()));
    }
    json.insert("components".to_owned(), components(template));
    if let Some(seconds) = template.ttl_seconds {
        json.insert("message_send_ttl_seconds".to_owned(), json!(seconds));
    }
    Value::Object(json)
}

fn has_variables(template: &Template) -> bool {
    let header = match &template.header {
        Some(Header::Text(text)) => text.text.as_str(),
        _ => "",
    };
    [header, &template.body.text]
        .iter()
        .any(|text| !variables(text, template.parameters).is_empty())
}

fn components(template: &Template) -> Value {
    let mut components: Vec<Value> = Vec::new();
    components.extend(template.header.as_ref().map(|each| header(each, template.parameters)));
    components.push(body(template));
    components.extend(footer(template));
    if !template.buttons.is_empty() {
        let buttons: Vec<Value> = template.buttons.iter().map(button).collect();
        components.push(json!({"type": "BUTTONS", "buttons": buttons}));
    }
    Value::Array(components)
}

fn header(header: &Header, format: ParameterFormat) -> Value {
    match header {
        Header::Text(text) => {
            let mut json = json!({"type": "HEADER", "format": "TEXT", "text": text.text});
            let numbered = json!(numbered(text));
            give_example(&mut json, examples_of(text, format, "header_text", &numbered));
            json
        }
        Header::Media { format, example } => {
            let mut json = json!({"type": "HEADER", "format": format.name()});
            give_example(
                &mut json,
                example.as_ref().map(|handle| json!({"header_handle": [handle]})),
            );
            json
        }
        Header::Location => json!({"type": "HEADER", "format": "LOCATION"}),
        Header::Other(format) => json!({"type": "HEADER", "format": format}),
    }
}

/// Meta writes the body and the footer of a template for one-time passwords itself.
fn is_written_by_meta(template: &Template) -> bool {
    template.category == Category::Authentication
        && template.buttons.iter().any(|button| matches!(button, Button::Otp(_)))
}

fn body(template: &Template) -> Value {
    if is_written_by_meta(template) {
        let advice = template.authentication.security_recommendation;
        return json!({"type": "BODY", "add_security_recommendation": advice});
    }
    let text = &template.body;
    let mut json = json!({"type": "BODY", "text": text.text});
    // A body's examples are one set in a list of sets.
    let numbered = json!([numbered(text)]);
    give_example(&mut json, examples_of(text, template.parameters, "body_text", &numbered));
    json
}

fn footer(template: &Template) -> Option<Value> {
    if is_written_by_meta(template) {
        let minutes = template.authentication.expires_minutes?;
        return Some(json!({"type": "FOOTER", "code_expiration_minutes": minutes}));
    }
    let text = template.footer.as_ref()?;
    Some(json!({"type": "FOOTER", "text": text}))
}

/// The examples of numbered variables, in the order of the numbers.
fn numbered(text: &Text) -> Vec<&str> {
    let number = |example: &&Example| example.variable.parse::<u32>().unwrap_or(u32::MAX);
    let mut examples: Vec<&Example> = text.examples.iter().collect();
    examples.sort_by_key(number);
    examples.into_iter().map(|example| example.value.as_str()).collect()
}

fn examples_of(text: &Text, format: ParameterFormat, key: &str, numbered: &Value) -> Option<Value> {
    if text.examples.is_empty() {
        return None;
    }
    Some(match format {
        ParameterFormat::Positional => json!({ key: numbered }),
        ParameterFormat::Named => {
            let named = |example: &Example| json!({"param_name": example.variable, "example": example.value});
            let named: Vec<Value> = text.examples.iter().map(named).collect();
            json!({ format!("{key}_named_params"): named })
        }
    })
}

fn give_example(json: &mut Value, example: Option<Value>) {
    if let (Some(json), Some(example)) = (json.as_object_mut(), example) {
        json.insert("example".to_owned(), example);
    }
}

fn button(button: &Button) -> Value {
    match button {
        Button::QuickReply { text } => json!({"type": "QUICK_REPLY", "text": text}),
        Button::Url { text, url, example } => {
            let mut json = json!({"type": "URL", "text": text, "url": url});
            give_example(&mut json, example.as_ref().map(|example| json!([example])));
            json
        }
        Button::Phone { text, number } => {
            json!({"type": "PHONE_NUMBER", "text": text, "phone_number": number})
        }
        // Meta writes what is on it.
        Button::CopyCode { example, .. } => json!({"type": "COPY_CODE", "example": example}),
        Button::Otp(otp) => one_time_password(otp),
        Button::Flow(each) => flow(each),
        Button::Catalog { text } => json!({"type": "CATALOG", "text": text}),
        Button::VoiceCall { text } => json!({"type": "VOICE_CALL", "text": text}),
        Button::ContactInfo { .. } => json!({"type": "REQUEST_CONTACT_INFO"}),
        Button::Other { kind, text } => json!({"type": kind, "text": text}),
    }
}

fn one_time_password(otp: &Otp) -> Value {
    let mut json = Map::new();
    let mut put = |key: &str, value: Value| json.insert(key.to_owned(), value);
    put("type", json!("OTP"));
    put("otp_type", json!(otp.kind.name()));
    if !otp.text.is_empty() {
        put("text", json!(otp.text));
    }
    if let Some(text) = &otp.autofill_text {
        put("autofill_text", json!(text));
    }
    if !otp.apps.is_empty() {
        let app = |(package, hash): &(String, String)| json!({"package_name": package, "signature_hash": hash});
        put("supported_apps", Value::Array(otp.apps.iter().map(app).collect()));
    }
    if otp.kind == OtpKind::ZeroTap {
        put("zero_tap_terms_accepted", json!(otp.zero_tap_terms));
    }
    Value::Object(json)
}

fn flow(flow: &Flow) -> Value {
    let mut json = Map::new();
    let mut put = |key: &str, value: &str| json.insert(key.to_owned(), json!(value));
    put("type", "FLOW");
    put("text", &flow.text);
    match &flow.target {
        Some(FlowTarget::Id(id)) => put("flow_id", id),
        Some(FlowTarget::Name(name)) => put("flow_name", name),
        Some(FlowTarget::Json(definition)) => put("flow_json", definition),
        None => None,
    };
    if let Some(action) = &flow.action {
        put("flow_action", action);
    }
    if let Some(screen) = &flow.screen {
        put("navigate_screen", screen);
    }
    Value::Object(json)
}
