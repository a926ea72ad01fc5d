//! Each outbound kind against a golden file in `tests/fixtures/requests`, compared as JSON, and each
//! refusal by its words.

use std::path::Path;

use serde_json::Value;

use super::{Unsendable, message, read_receipt};
use crate::domain::id::{
    ContactId, ConversationId, MediaId, MessageId, RequestId, UserId, WaId, Wamid,
};
use crate::domain::message::{Body, Card, Media, MediaKind, OrderItem};
use crate::domain::outbox::{Recipient, Send};
use crate::domain::template::SentTemplate;

const REQUEST: RequestId = RequestId([0x0f; 16]);

fn send(body: Body) -> Send {
    Send {
        message: MessageId(1),
        conversation: ConversationId(1),
        contact: ContactId(1),
        recipient: Recipient::Phone(WaId::new("16505551234")),
        body,
        reply_to: None,
    }
}

fn text(text: &str) -> Body {
    Body::Text { text: text.to_owned(), preview_url: false }
}

fn media(kind: MediaKind) -> Media {
    Media { id: Some(MediaId::new("1003383421387256")), ..Media::new(kind) }
}

fn linked(kind: MediaKind, link: &str) -> Media {
    Media { id: None, url: Some(link.to_owned()), ..media(kind) }
}

fn file(media: Media, caption: Option<&str>) -> Body {
    Body::Media { media, caption: caption.map(str::to_owned) }
}

fn golden(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/requests")
        .join(format!("{name}.json"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap()
}

fn cases() -> Vec<(&'static str, Send)> {
    let document = Media { file_name: Some("menu.pdf".to_owned()), ..media(MediaKind::Document) };
    let voice = Media { voice: true, ..media(MediaKind::Audio) };
    let reaction = |emoji: Option<&str>| Body::Reaction {
        target: Wamid::new("wamid.HBgLM..."),
        emoji: emoji.map(str::to_owned),
    };
    let interactive = |kind: &str, text: &str, options: &[&str]| Body::Interactive {
        kind: kind.to_owned(),
        text: text.to_owned(),
        options: options.iter().map(|option| (*option).to_owned()).collect(),
    };
    let card = Card {
        name: Some("John Smith".to_owned()),
        phones: vec!["+1 (940) 555-1234".to_owned(), "+1 (650) 555-1234".to_owned()],
        emails: vec!["test@fb.com".to_owned()],
        company: Some("WhatsApp".to_owned()),
    };
    let quoting = Some(Wamid::new("wamid.PREVIOUS"));
    vec![
        ("text", send(text("text-message-content"))),
        (
            "text-preview",
            send(Body::Text {
                text: "Please visit https://youtu.be/hpltvTEiRrY.".to_owned(),
                preview_url: true,
            }),
        ),
        ("text-reply", Send { reply_to: quoting.clone(), ..send(text("Yes, in \"green\" 💚")) }),
        (
            "text-user",
            Send {
                recipient: Recipient::User(UserId::new("US.13491208655302741918")),
                ..send(text("Hello"))
            },
        ),
        ("image-id", send(file(media(MediaKind::Image), None))),
        (
            "image-link",
            send(file(linked(MediaKind::Image, "https://example.com/a.png"), Some("Taj Mahal"))),
        ),
        (
            "video-link",
            send(file(linked(MediaKind::Video, "https://example.com/a.mp4"), Some("A clip"))),
        ),
        ("audio-id", send(file(media(MediaKind::Audio), None))),
        ("audio-voice", send(file(voice, None))),
        ("document-id", send(file(document, Some("Today")))),
        ("sticker-id", send(file(media(MediaKind::Sticker), None))),
        (
            "location",
            send(Body::Location {
                latitude: 37.758_056,
                longitude: -122.425_332,
                name: Some("META HQ".to_owned()),
                address: Some("1 Hacker Way, Menlo Park, CA 94025".to_owned()),
            }),
        ),
        ("contacts", send(Body::Contacts(vec![card]))),
        ("reaction", Send { reply_to: quoting, ..send(reaction(Some("😀"))) }),
        ("reaction-removed", send(reaction(None))),
        ("interactive-button", send(interactive("button", "Which one?", &["Red", "Green"]))),
        (
            "interactive-location-request",
            send(interactive("location_request_message", "Where are you?", &[])),
        ),
        (
            "interactive-contact-request",
            send(interactive("request_contact_info", "May we call you?", &[])),
        ),
        (
            "template",
            send(Body::Template(Box::new(SentTemplate {
                name: "hello_world".to_owned(),
                language: "en_US".to_owned(),
                text: "Hello World".to_owned(),
                ..SentTemplate::default()
            }))),
        ),
    ]
}

#[test]
fn requests_match_their_golden_files() {
    for (name, send) in cases() {
        assert_eq!(message(&send, REQUEST), Ok(golden(name)), "{name}");
    }
    let wamid = Wamid::new("wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQUYzMjEzNDM2RTZGQ0MzMDJBRgA=");
    assert_eq!(read_receipt(&wamid), golden("read"));
}

#[test]
fn every_golden_file_is_used() {
    let used: Vec<_> = cases().into_iter().map(|(name, _)| name).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/requests");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let stem = name.trim_end_matches(".json");
        assert!(used.contains(&stem) || stem == "read", "{name}");
    }
}

#[test]
fn exactly_one_address_goes_out() {
    for (name, send) in cases() {
        let sent = message(&send, REQUEST).unwrap();
        assert_ne!(sent.get("to").is_some(), sent.get("recipient").is_some(), "{name}");
    }
}

#[test]
fn limits_count_characters() {
    for (body, max) in
        [(text as fn(&str) -> Body, 4096), (|text| file(media(MediaKind::Image), Some(text)), 1024)]
    {
        assert!(message(&send(body(&"é".repeat(max))), REQUEST).is_ok());
        let refused = message(&send(body(&"é".repeat(max + 1))), REQUEST).unwrap_err();
        assert!(matches!(refused, Unsendable::TooLong { .. }), "{refused}");
    }
}

#[test]
fn what_meta_would_refuse_never_leaves() {
    let place =
        |latitude, longitude| Body::Location { latitude, longitude, name: None, address: None };
    let buttons = |options: &[&str]| Body::Interactive {
        kind: "button".to_owned(),
        text: "?".to_owned(),
        options: options.iter().map(|option| (*option).to_owned()).collect(),
    };
    let list = Body::Interactive { kind: "list".to_owned(), text: "?".to_owned(), options: vec![] };
    let order = Body::Order {
        text: None,
        items: vec![OrderItem {
            retailer_id: "a".to_owned(),
            quantity: 1.0,
            price: 1.0,
            currency: "USD".to_owned(),
        }],
    };
    let cases = [
        (text(" \n"), "the text is empty"),
        (
            text(&"x".repeat(5000)),
            "the text has 5000 characters, and Meta takes at most 4096; shorten it",
        ),
        (
            file(Media { id: None, ..media(MediaKind::Image) }, None),
            "the image has neither a media id nor a link; upload it first",
        ),
        (
            file(linked(MediaKind::Image, "file:///etc/passwd"), None),
            "the link `file:///etc/passwd` does not begin with http:// or https://",
        ),
        (
            file(media(MediaKind::Audio), Some("listen")),
            "Meta takes no caption on type `audio`; send the words as a message of their own",
        ),
        (place(91.0, 0.0), "91, 0 is no place: latitude is -90 to 90, longitude -180 to 180"),
        (place(0.0, f64::NAN), "0, NaN is no place: latitude is -90 to 90, longitude -180 to 180"),
        (Body::Contacts(vec![]), "the list of contact cards is empty"),
        (
            Body::Contacts(vec![Card::default()]),
            "contact card 1 has no name, and Meta requires one",
        ),
        (buttons(&[]), "the list of buttons is empty"),
        (
            buttons(&["a", "b", "c", "d"]),
            "the message has 4 buttons, and Meta takes at most 3; shorten it",
        ),
        (buttons(&["a", "a"]), "two buttons are called `a`; Meta requires different titles"),
        (list, "a message of type `interactive list` cannot be sent"),
        (order, "a message of type `order` cannot be sent"),
        (Body::Welcome, "a message of type `request_welcome` cannot be sent"),
    ];
    for (body, words) in cases {
        assert_eq!(message(&send(body), REQUEST).unwrap_err().to_string(), words);
    }
}
