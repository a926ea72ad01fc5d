//! The table of templates in `tests/templates`: each as Meta lists it, filled in, against what the customer
//! sees and a request written by hand from Meta's pages.

use std::path::Path;

use serde_json::{Value, json};

use super::message;
use crate::api::template;
use crate::domain::id::{ContactId, ConversationId, MessageId, RequestId, WaId};
use crate::domain::message::Body;
use crate::domain::outbox::{Recipient, Send};
use crate::domain::template::{
    Button, Filling, Header, ParameterFormat, SentAction, SentHeader, SentTemplate, Template, fill,
    obstacle, place,
};

const REQUEST: RequestId = RequestId([0x0f; 16]);

fn cases() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/templates");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: &Path| -> Vec<Value> {
        let bytes = std::fs::read(path).unwrap();
        serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{path:?}: {error}"))
    };
    files.iter().flat_map(|path| read(path)).collect()
}

fn read(case: &Value) -> Template {
    template::template(&case["template"]).unwrap()
}

fn filling(case: &Value, template: &Template) -> Filling {
    let values = case["filling"].as_object().unwrap();
    values
        .iter()
        .map(|(key, value)| {
            let place = place(template, key)
                .unwrap_or_else(|| panic!("{} has no place {key}", template.name));
            (place, value.as_str().unwrap().to_owned())
        })
        .collect()
}

/// What is compared of a message as the customer sees it.
fn sees(sent: &SentTemplate) -> Value {
    let header = sent.header.as_ref().map(|header| match header {
        SentHeader::Text { text, .. } => text.clone(),
        SentHeader::Media(media) => {
            let name = media.file_name.as_deref().unwrap_or_default();
            format!("[{}] {name}", media.kind.name()).trim_end().to_owned()
        }
        SentHeader::Location { latitude, longitude, .. } => {
            format!("[location] {latitude:.5}, {longitude:.5}")
        }
    });
    let buttons: Vec<String> = sent
        .buttons
        .iter()
        .map(|button| match &button.action {
            SentAction::Url { url, suffix: Some(_) } => format!("{} {url}", button.text),
            SentAction::CopyCode { code } | SentAction::OneTimePassword { code } => {
                format!("{} {code}", button.text)
            }
            _ => button.text.clone(),
        })
        .collect();
    json!({"header": header, "body": sent.text, "footer": sent.footer, "buttons": buttons})
}

#[test]
fn each_template_is_sent_as_meta_documents() {
    let mut sendable = 0;
    for case in cases() {
        let template = read(&case);
        let name = &template.name;
        if let Some(words) = case.get("obstacle") {
            assert_eq!(*words, obstacle(&template).unwrap().to_string(), "{name}");
            continue;
        }
        assert_eq!(obstacle(&template), None, "{name}");
        let filled = fill(&template, &filling(&case, &template))
            .unwrap_or_else(|flaws| panic!("{name}: {flaws:?}"));
        assert_eq!(sees(&filled), case["sees"], "{name}");
        let send = Send {
            message: MessageId(1),
            conversation: ConversationId(1),
            contact: ContactId(1),
            recipient: Recipient::Phone(WaId::new("16505551234")),
            body: Body::Template(Box::new(filled)),
            reply_to: None,
        };
        let expected = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": "+16505551234",
            "type": "template",
            "template": case["request"],
            "biz_opaque_callback_data": REQUEST.to_string(),
        });
        assert_eq!(message(&send, REQUEST), Ok(expected), "{name}");
        sendable += 1;
    }
    assert!(sendable >= 40, "{sendable}");
}

#[test]
fn a_template_without_its_values_never_leaves() {
    for case in cases() {
        let template = read(&case);
        for key in filling(&case, &template).keys() {
            let mut values = filling(&case, &template);
            values.remove(key);
            let optional = matches!(
                slot(&template, &key.to_string()),
                Some(rule) if !rule.is_required()
            );
            assert_eq!(fill(&template, &values).is_ok(), optional, "{} {key}", template.name);
        }
    }
}

fn slot(template: &Template, key: &str) -> Option<crate::domain::template::Rule> {
    let slots = crate::domain::template::slots(template);
    slots.into_iter().find(|slot| slot.place.to_string() == key).map(|slot| slot.rule)
}

#[test]
fn the_table_has_every_kind_of_part() {
    let templates: Vec<Template> = cases().iter().map(read).collect();
    let has = |what: &dyn Fn(&Template) -> bool| templates.iter().any(what);
    let headers: [fn(&Header) -> bool; 4] = [
        |header| matches!(header, Header::Text(_)),
        |header| matches!(header, Header::Media { .. }),
        |header| matches!(header, Header::Location),
        |header| matches!(header, Header::Other(_)),
    ];
    for (index, is) in headers.iter().enumerate() {
        assert!(has(&|template| template.header.as_ref().is_some_and(is)), "header {index}");
    }
    let buttons: [fn(&Button) -> bool; 10] = [
        |button| matches!(button, Button::QuickReply { .. }),
        |button| matches!(button, Button::Url { .. }),
        |button| matches!(button, Button::Phone { .. }),
        |button| matches!(button, Button::CopyCode { .. }),
        |button| matches!(button, Button::Otp(_)),
        |button| matches!(button, Button::Flow(_)),
        |button| matches!(button, Button::Catalog { .. }),
        |button| matches!(button, Button::VoiceCall { .. }),
        |button| matches!(button, Button::ContactInfo { .. }),
        |button| matches!(button, Button::Other { .. }),
    ];
    for (index, is) in buttons.iter().enumerate() {
        assert!(has(&|template| template.buttons.iter().any(is)), "button {index}");
    }
    assert!(has(&|template| template.parameters == ParameterFormat::Named));
    assert!(has(&|template| !template.other.is_empty()));
    let ids: std::collections::BTreeSet<_> =
        templates.iter().map(|template| template.meta_id.clone()).collect();
    assert_eq!(ids.len(), templates.len(), "two have the same id");
}
