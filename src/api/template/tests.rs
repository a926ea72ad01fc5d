//! Listings as Meta documents them, and what else may come.

use serde_json::json;

use super::template;
use crate::domain::template::{
    Button, Category, Example, Header, MediaFormat, OtpKind, ParameterFormat, Place, Quality, Rule,
    Status, slots,
};

fn example(variable: &str, value: &str) -> Example {
    Example { variable: variable.to_owned(), value: value.to_owned() }
}

#[test]
fn a_numbered_template_is_read_with_its_examples() {
    let read = template(&json!({
        "category": "MARKETING",
        "components": [
            {"type": "HEADER", "format": "TEXT", "text": "Our {{1}} is on!",
                "example": {"header_text": ["Summer Sale"]}},
            {"type": "BODY", "text": "Shop now through {{1}} and use code {{2}}.",
                "example": {"body_text": [["the end of August", "25OFF"]]}},
            {"type": "FOOTER", "text": "Tap below to stop"},
            {"type": "BUTTONS", "buttons": [
                {"type": "QUICK_REPLY", "text": "Stop"},
                {"type": "URL", "text": "Shop", "url": "https://a.example/shop?promo={{1}}",
                    "example": ["https://a.example/shop?promo=summer2023"]},
                {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+16467043595"}]},
        ],
        "id": "920070352646140", "language": "en_US", "name": "seasonal", "status": "APPROVED",
        "quality_score": {"score": "GREEN", "date": 1_700_000_000}, "rejected_reason": "NONE",
        "message_send_ttl_seconds": 43200,
    }))
    .unwrap();
    assert_eq!(read.meta_id.as_deref(), Some("920070352646140"));
    assert_eq!((&read.category, &read.status), (&Category::Marketing, &Status::Approved));
    assert_eq!((&read.quality, &read.reason), (&Quality::Green, &None));
    assert_eq!(read.parameters, ParameterFormat::Positional);
    assert_eq!(read.ttl_seconds, Some(43_200));
    assert_eq!(read.footer.as_deref(), Some("Tap below to stop"));
    assert_eq!(read.body.examples, [example("1", "the end of August"), example("2", "25OFF")]);
    let Some(Header::Text(header)) = &read.header else { panic!("{:?}", read.header) };
    assert_eq!(header.examples, [example("1", "Summer Sale")]);
    let link = slots(&read).into_iter().find(|slot| slot.place == Place::Button(1)).unwrap();
    assert_eq!(link.example.as_deref(), Some("summer2023"));
    assert!(read.other.is_empty());
}

#[test]
fn a_named_template_is_read_in_lower_case_too() {
    let read = template(&json!({
        "name": "greeting", "language": "de", "status": "paused", "category": "utility", "id": 17,
        "parameter_format": "named", "quality_score": "RED",
        "components": [
            {"type": "header", "format": "image", "example": {"header_handle": ["https://a.example/i"]}},
            {"type": "body", "text": "Hallo {{vorname}}",
                "example": {"body_text_named_params": [{"param_name": "vorname", "example": "Ida"}]}},
        ],
    }))
    .unwrap();
    assert_eq!(read.meta_id.as_deref(), Some("17"));
    assert_eq!((&read.status, &read.quality), (&Status::Paused, &Quality::Red));
    assert_eq!(read.parameters, ParameterFormat::Named);
    assert_eq!(read.body.examples, [example("vorname", "Ida")]);
    let image = Header::Media {
        format: MediaFormat::Image,
        example: Some("https://a.example/i".to_owned()),
    };
    assert_eq!(read.header, Some(image));
}

#[test]
fn the_button_of_a_one_time_password_is_known_as_a_link_too() {
    for button in [
        json!({"type": "OTP", "otp_type": "ONE_TAP", "text": "Copy",
            "supported_apps": [{"package_name": "com.a", "signature_hash": "K8a"}]}),
        json!({"type": "URL", "text": "Copy", "url":
            "https://www.whatsapp.com/otp/code/?otp_type=ONE_TAP&package_name=com.a&code=otp{{1}}"}),
    ] {
        let read = template(&json!({
            "name": "code", "language": "en", "category": "AUTHENTICATION", "status": "APPROVED",
            "components": [
                {"type": "BODY", "text": "*{{1}}* is your code.", "add_security_recommendation": true},
                {"type": "FOOTER", "text": "Expires in 10 minutes.", "code_expiration_minutes": 10},
                {"type": "BUTTONS", "buttons": [button]},
            ],
        }))
        .unwrap();
        let [Button::Otp(otp)] = &read.buttons[..] else { panic!("{:?}", read.buttons) };
        assert_eq!(otp.kind, OtpKind::OneTap);
        assert!(read.authentication.security_recommendation);
        assert_eq!(read.authentication.expires_minutes, Some(10));
        let rules: Vec<Rule> = slots(&read).iter().map(|slot| slot.rule).collect();
        assert_eq!(rules, [Rule::OneTimePassword]);
    }
}

#[test]
fn what_is_not_understood_is_kept_by_its_name() {
    let read = template(&json!({
        "name": "n", "language": "en", "status": "RESTING", "category": "LOYALTY",
        "quality_score": null, "parameter_format": 7,
        "components": [
            {"type": "BODY", "text": "Hi"},
            {"type": "CAROUSEL", "cards": []},
            {"type": "limited_time_offer"},
            {"type": "HEADER", "format": "GIF"},
            {"type": "BUTTONS", "buttons": [{"type": "MPM", "text": "View"}, {"text": 5}, null]},
            17,
        ],
    }))
    .unwrap();
    assert_eq!(read.other, ["CAROUSEL", "LIMITED_TIME_OFFER", "UNKNOWN"]);
    assert_eq!(read.header, Some(Header::Other("GIF".to_owned())));
    assert_eq!(read.status.name(), "RESTING");
    assert_eq!(read.buttons[0], Button::Other { kind: "MPM".to_owned(), text: "View".to_owned() });
    assert_eq!(read.buttons.len(), 3);
    for nothing in [json!(null), json!({}), json!({"name": "n"}), json!([1])] {
        assert_eq!(template(&nothing), None);
    }
}
