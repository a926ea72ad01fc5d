//! Answers in every shape that Meta documents, that its captures show, and that a proxy can make of them.

use super::{error, message_outcome, success_outcome, value};
use crate::domain::id::{UserId, WaId, Wamid};
use crate::domain::outbox::{Acceptance, ApiError, Outcome, Throttle};

/// One word for an outcome, so that a table can be read.
fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted(_) => "accepted",
        Outcome::Throttled(Throttle::Number, _) => "throttled number",
        Outcome::Throttled(Throttle::Pair, _) => "throttled pair",
        Outcome::Throttled(Throttle::Account, _) => "throttled account",
        Outcome::RefusedForNow(_) => "for now",
        Outcome::RefusedForGood(_) => "for good",
        Outcome::AccountTrouble(_) => "account",
        Outcome::NeverReached(_) => "never reached",
        Outcome::Unknown { .. } => "unknown",
    }
}

fn read(status: u16, body: &str) -> ApiError {
    error(status, &serde_json::from_str(body).unwrap()).unwrap()
}

#[test]
fn an_acceptance_holds_what_meta_settled_on() {
    let phone = r#"{"messaging_product":"whatsapp","contacts":[{"input":"+5511987654321",
        "wa_id":"551187654321 "}],"messages":[{"id":"wamid.A","message_status":"accepted"}]}"#;
    assert_eq!(
        message_outcome(200, phone.as_bytes()),
        Outcome::Accepted(Acceptance {
            wamid: Some(Wamid::new("wamid.A")),
            wa_id: Some(WaId::new("551187654321")),
            user_id: None,
            message_status: Some("accepted".to_owned()),
        })
    );
    let user =
        r#"{"contacts":[{"input":"US.13","user_id":"US.13"}],"messages":[{"id":"wamid.B"}]}"#;
    assert_eq!(
        message_outcome(201, user.as_bytes()),
        Outcome::Accepted(Acceptance {
            wamid: Some(Wamid::new("wamid.B")),
            wa_id: None,
            user_id: Some(UserId::new("US.13")),
            message_status: None,
        })
    );
    let bare = Outcome::Accepted(Acceptance {
        wamid: Some(Wamid::new("wamid.C")),
        ..Acceptance::default()
    });
    assert_eq!(message_outcome(200, br#"{"messages":[{"id":"wamid.C"}]}"#), bare);
}

#[test]
fn every_answer_has_its_class() {
    let html = "<!DOCTYPE html><title>Bad gateway</title>";
    let code = |code: i64| {
        format!(r#"{{"error":{{"message":"m","type":"OAuthException","code":{code}}}}}"#)
    };
    let cases = [
        // A 2xx is an acceptance only with a message id.
        (200, "{}".to_owned(), "unknown"),
        (200, String::new(), "unknown"),
        (204, String::new(), "unknown"),
        (200, html.to_owned(), "unknown"),
        (200, r#"{"messages":[]}"#.to_owned(), "unknown"),
        (200, r#"{"messages":[{"id":""}]}"#.to_owned(), "unknown"),
        (200, r#"{"messages":[{"id":null}]}"#.to_owned(), "unknown"),
        (200, r#"{"messages":[{"id":"wamid.A"}"#.to_owned(), "unknown"),
        (200, r#"{"success":true}"#.to_owned(), "unknown"),
        // The code decides, whatever the status.
        (200, code(131_047), "for good"),
        (400, code(130_429), "throttled number"),
        (400, code(131_056), "throttled pair"),
        (429, code(4), "throttled account"),
        (400, code(80_007), "throttled account"),
        (500, code(131_057), "throttled account"),
        (503, code(2), "for now"),
        (500, code(131_016), "for now"),
        (503, code(133_004), "for now"),
        (400, code(131_009), "for good"),
        (401, code(190), "account"),
        (400, code(1), "unknown"),
        (500, code(131_000), "unknown"),
        (400, r#"{"error":{"code":"190"}}"#.to_owned(), "account"),
        // No code: the status, and doubt where it proves nothing.
        (500, r#"{"error":{"message":"oops"}}"#.to_owned(), "unknown"),
        (500, html.to_owned(), "unknown"),
        (502, html.to_owned(), "unknown"),
        (504, String::new(), "unknown"),
        (408, html.to_owned(), "unknown"),
        (401, html.to_owned(), "account"),
        (407, html.to_owned(), "account"),
        (429, html.to_owned(), "throttled account"),
        (413, html.to_owned(), "for good"),
        // A redirect is not followed; those that a processed POST can be answered with are in doubt.
        (301, String::new(), "for now"),
        (307, html.to_owned(), "for now"),
        (308, String::new(), "for now"),
        (302, String::new(), "unknown"),
        (303, String::new(), "unknown"),
    ];
    for (status, body, expected) in cases {
        let outcome = message_outcome(status, body.as_bytes());
        assert_eq!(word(&outcome), expected, "{status} {body}: {outcome:?}");
    }
}

#[test]
fn a_message_id_beats_an_error_beside_it() {
    let both = r#"{"messages":[{"id":"wamid.A"}],"error":{"code":131047}}"#;
    assert_eq!(word(&message_outcome(200, both.as_bytes())), "accepted");
    assert_eq!(word(&message_outcome(400, both.as_bytes())), "for good");
}

#[test]
fn the_whole_envelope_is_read() {
    let full = r#"{"error":{"message":"(#130429) Rate limit hit","type":"OAuthException","code":130429,
        "error_data":{"messaging_product":"whatsapp","details":"Throughput has been reached."},
        "error_subcode":2494055,"fbtrace_id":"Az8or2yhqkZfEZ-_4Qn_Bam"}}"#;
    assert_eq!(
        read(400, full),
        ApiError {
            code: Some(130_429),
            subcode: Some(2_494_055),
            message: "(#130429) Rate limit hit".to_owned(),
            details: Some("Throughput has been reached.".to_owned()),
            http_status: 400,
            trace: Some("Az8or2yhqkZfEZ-_4Qn_Bam".to_owned()),
            ..ApiError::default()
        }
    );
}

#[test]
fn the_envelope_comes_in_many_shapes() {
    let details = |body: &str| read(400, body).details;
    let string = r#"{"error":{"code":100,"message":"m","error_data":"Parameter to is required"}}"#;
    assert_eq!(details(string).as_deref(), Some("Parameter to is required"));
    let user = r#"{"error":{"code":100,"message":"m","error_user_msg":"Zu lang"}}"#;
    assert_eq!(details(user).as_deref(), Some("Zu lang"));
    for body in [
        r#"{"error":{"code":100,"message":"m"}}"#,
        r#"{"error":{"code":100,"message":"m","error_data":null}}"#,
        r#"{"error":{"code":100,"message":"m","error_data":{}}}"#,
        r#"{"error":{"code":100,"message":"m","error_data":[1]}}"#,
    ] {
        assert_eq!(details(body), None, "{body}");
    }
    let word = read(400, r#"{"error":"invalid_request","error_description":"no token"}"#);
    assert_eq!((word.code, word.message.as_str()), (None, "invalid_request"));
    assert_eq!(word.details.as_deref(), Some("no token"));
    let list = read(400, r#"{"errors":[{"code":131051,"title":"Unsupported"}]}"#);
    assert_eq!((list.code, list.message.as_str()), (Some(131_051), "Unsupported"));
    let empty = read(400, r#"{"error":{}}"#);
    assert_eq!(empty.message, "HTTP 400 with an error that has no message");
    for none in ["{}", "[]", "1", r#"{"error":null}"#, r#"{"errors":[]}"#] {
        assert_eq!(error(400, &serde_json::from_str(none).unwrap()), None, "{none}");
    }
}

#[test]
fn broken_bytes_do_not_hide_the_code() {
    let mut body = br#"{"error":{"code":190,"message":"Session expir"#.to_vec();
    body.extend_from_slice(b"\xff\xfe\"}}");
    assert_eq!(word(&message_outcome(401, &body)), "account");
}

#[test]
fn a_page_is_described_and_not_quoted() {
    let Outcome::Unknown { error: Some(error), .. } =
        message_outcome(502, b"  <html><script>alert(1)</script></html>")
    else {
        panic!("not unknown");
    };
    assert_eq!(error.message, "HTTP 502 without an error of Meta's (40 bytes of HTML)");
    assert_eq!(error.http_status, 502);
}

#[test]
fn a_receipt_succeeds_only_if_it_says_so() {
    for (body, expected) in [
        (r#"{"success":true}"#, "accepted"),
        (r#"{"success":"true"}"#, "accepted"),
        (r#"{"success":false}"#, "unknown"),
        ("{}", "unknown"),
        ("", "unknown"),
        (r#"{"error":{"code":131009}}"#, "for good"),
    ] {
        assert_eq!(word(&success_outcome(200, body.as_bytes())), expected, "{body}");
    }
}

#[test]
fn a_value_is_an_answer_without_an_error() {
    assert!(value(200, br#"{"id":"1"}"#).is_ok());
    for (status, body) in [
        (200, &br#"{"error":{"code":100}}"#[..]),
        (200, b"<html>"),
        (404, b"{}"),
        (302, b""),
        (400, br#"{"error":{"code":100,"error_subcode":33}}"#),
    ] {
        assert_eq!(value(status, body).unwrap_err().http_status, status);
    }
}
