//! The calls over loopback: what goes out, and what is made of the answers.

use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Created, PAGE};
use crate::api::client::{API_VERSION, CallError, Client, Settings};
use crate::api::template::template;
use crate::domain::id::{PhoneNumberId, WabaId};
use crate::domain::template::{Category, Status};

const TOKEN: &str = "EAAJBsecretsecretsecret";

/// Reads one request whole.
async fn take(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    loop {
        read.push(stream.read_u8().await.unwrap());
        let Some(end) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
            .unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        read.extend(body);
        return String::from_utf8_lossy(&read).into_owned();
    }
}

/// Makes a call of a server that answers these, one to each request; returns the requests too.
fn exchange<T>(
    replies: &[(u16, Value)],
    call: impl AsyncFnOnce(Client) -> Result<T, CallError>,
) -> (Result<T, CallError>, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let settings = Settings::new(SecretString::from(TOKEN));
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let client = Client::new(Settings { base_url, ..settings }).unwrap();
        let server = async {
            let mut requests = Vec::new();
            for (status, body) in replies {
                let (mut stream, _) = listener.accept().await.unwrap();
                requests.push(take(&mut stream).await);
                let body = body.to_string();
                let length = body.len();
                let reply = format!(
                    "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
                );
                stream.write_all(reply.as_bytes()).await.unwrap();
            }
            requests
        };
        tokio::join!(call(client), server)
    })
}

fn waba() -> WabaId {
    WabaId::new("102290129340398")
}

fn line(request: &str) -> String {
    let line = request.lines().next().unwrap();
    line.replace(&format!("/{API_VERSION}"), "").replace(" HTTP/1.1", "")
}

fn body(request: &str) -> Value {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn row(name: &str) -> Value {
    json!({"id": "1", "name": name, "language": "en", "status": "APPROVED", "category": "UTILITY",
        "components": [{"type": "BODY", "text": "Hi"}]})
}

#[test]
fn a_listing_follows_the_cursors_to_the_last_page() {
    let next = "https://graph.facebook.com/next";
    let replies = [
        (
            200,
            json!({"data": [row("a"), row("b")], "paging": {"cursors": {"after": "C1"}, "next": next}}),
        ),
        (
            200,
            json!({"data": [row("c"), {"odd": true}], "paging": {"cursors": {"after": "C/2="}, "next": next}}),
        ),
        // The last page has a cursor too.
        (200, json!({"data": [row("d")], "paging": {"cursors": {"before": "B", "after": "C3"}}})),
    ];
    let mut heard = Vec::new();
    let (all, requests) = exchange(&replies, async |client| {
        client.templates(&waba(), |count| heard.push(count)).await
    });
    let all = all.unwrap();
    let names: Vec<_> = all.templates.iter().map(|each| each.template.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c", "d"]);
    assert_eq!(serde_json::from_str::<Value>(&all.templates[0].raw).unwrap(), row("a"));
    assert_eq!(all.unreadable, [json!({"odd": true}).to_string()]);
    assert_eq!(heard, [2, 3, 4]);
    let first = line(&requests[0]);
    assert!(first.starts_with("GET /102290129340398/message_templates?fields="), "{first}");
    assert!(first.contains("components") && first.contains(&format!("limit={PAGE}")), "{first}");
    assert!(!first.contains("after="), "{first}");
    assert!(line(&requests[1]).ends_with("&after=C1"));
    assert!(line(&requests[2]).ends_with("&after=C%2F2%3D"));
}

#[test]
fn a_listing_that_goes_in_circles_or_breaks_off_is_no_listing() {
    let page = json!({"data": [row("a")], "paging": {"cursors": {"after": "C1"}, "next": "x"}});
    let again = [(200, page.clone()), (200, page.clone())];
    let (all, _) = exchange(&again, async |client| client.templates(&waba(), |_| ()).await);
    assert!(all.unwrap_err().to_string().contains("circles"));
    let refused = json!({"error": {"message": "(#4) limit", "code": 4, "type": "OAuthException"}});
    let broken = [(200, page), (400, refused)];
    let (all, _) = exchange(&broken, async |client| client.templates(&waba(), |_| ()).await);
    let Err(CallError::Refused(error)) = all else { panic!() };
    assert_eq!(error.code, Some(4));
    let (page, _) = exchange(&[(200, json!({"success": true}))], async |client| {
        client.template_page(&waba(), None).await
    });
    assert!(matches!(page, Err(CallError::NoAnswer(_))), "{page:?}");
}

#[test]
fn a_long_page_is_read_whole() {
    let mut long = row("long");
    long["components"][0]["text"] = json!("x".repeat(400_000));
    let (page, _) = exchange(&[(200, json!({"data": [long]}))], async |client| {
        client.template_page(&waba(), None).await
    });
    assert_eq!(page.unwrap().templates[0].template.body.text.len(), 400_000);
}

#[test]
fn a_template_is_handed_in_once_with_all_its_parts() {
    let made = template(&json!({
        "name": "seasonal", "language": "en_US", "category": "MARKETING", "parameter_format": "POSITIONAL",
        "message_send_ttl_seconds": 43200,
        "components": [
            {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::aW1"]}},
            {"type": "BODY", "text": "Hi {{1}}, {{2}} now", "example": {"body_text": [["Ana", "30%"]]}},
            {"type": "FOOTER", "text": "Bye"},
            {"type": "BUTTONS", "buttons": [
                {"type": "QUICK_REPLY", "text": "Stop"},
                {"type": "URL", "text": "Shop", "url": "https://a.example/{{1}}", "example": ["x"]},
                {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+1555"},
                {"type": "COPY_CODE", "example": "30OFF"}]}],
    }))
    .unwrap();
    let reply = [(200, json!({"id": "77", "status": "PENDING", "category": "UTILITY"}))];
    let (created, requests) =
        exchange(&reply, async |client| client.create_template(&waba(), &made).await);
    let expected =
        Created { id: "77".to_owned(), status: Status::Pending, category: Category::Utility };
    assert_eq!(created.unwrap(), expected);
    assert_eq!(line(&requests[0]), "POST /102290129340398/message_templates");
    let expected = json!({
        "name": "seasonal", "language": "en_US", "category": "MARKETING",
        "parameter_format": "positional", "message_send_ttl_seconds": 43200,
        "components": [
            {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::aW1"]}},
            {"type": "BODY", "text": "Hi {{1}}, {{2}} now", "example": {"body_text": [["Ana", "30%"]]}},
            {"type": "FOOTER", "text": "Bye"},
            {"type": "BUTTONS", "buttons": [
                {"type": "QUICK_REPLY", "text": "Stop"},
                {"type": "URL", "text": "Shop", "url": "https://a.example/{{1}}", "example": ["x"]},
                {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+1555"},
                {"type": "COPY_CODE", "example": "30OFF"}]}],
    });
    assert_eq!(body(&requests[0]), expected);
}

#[test]
fn names_and_passwords_are_handed_in_in_their_own_shape() {
    let named = template(&json!({
        "name": "n", "language": "en", "category": "UTILITY", "parameter_format": "NAMED",
        "components": [
            {"type": "HEADER", "format": "TEXT", "text": "For {{who}}",
                "example": {"header_text_named_params": [{"param_name": "who", "example": "Ana"}]}},
            {"type": "BODY", "text": "Hi {{who}}!",
                "example": {"body_text_named_params": [{"param_name": "who", "example": "Ana"}]}}],
    }))
    .unwrap();
    let code = template(&json!({
        "name": "c", "language": "en_US", "category": "AUTHENTICATION",
        "components": [
            {"type": "BODY", "add_security_recommendation": true},
            {"type": "FOOTER", "code_expiration_minutes": 10},
            {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "ONE_TAP", "text": "Copy Code",
                "autofill_text": "Autofill", "package_name": "com.a", "signature_hash": "K8a"}]}],
    }))
    .unwrap();
    for (made, expected) in [
        (
            named,
            json!({
                "name": "n", "language": "en", "category": "UTILITY", "parameter_format": "named",
                "components": [
                    {"type": "HEADER", "format": "TEXT", "text": "For {{who}}",
                        "example": {"header_text_named_params": [{"param_name": "who", "example": "Ana"}]}},
                    {"type": "BODY", "text": "Hi {{who}}!",
                        "example": {"body_text_named_params": [{"param_name": "who", "example": "Ana"}]}}],
            }),
        ),
        (
            code,
            json!({
                "name": "c", "language": "en_US", "category": "AUTHENTICATION",
                "components": [
                    {"type": "BODY", "add_security_recommendation": true},
                    {"type": "FOOTER", "code_expiration_minutes": 10},
                    {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "ONE_TAP",
                        "text": "Copy Code", "autofill_text": "Autofill",
                        "supported_apps": [{"package_name": "com.a", "signature_hash": "K8a"}]}]}],
            }),
        ),
    ] {
        assert_eq!(crate::api::template::create(&made), expected);
    }
}

#[test]
fn a_refused_template_says_why() {
    let error = json!({"error": {"message": "Invalid parameter", "type": "OAuthException", "code": 100,
        "error_subcode": 2_388_299, "error_user_msg": "Variables can't be at the start or end"}});
    let made = template(&row("a")).unwrap();
    let (created, _) =
        exchange(&[(400, error)], async |client| client.create_template(&waba(), &made).await);
    let Err(CallError::Refused(error)) = created else { panic!() };
    assert_eq!((error.code, error.subcode), (Some(100), Some(2_388_299)));
    let (created, _) =
        exchange(&[(200, json!({}))], async |client| client.create_template(&waba(), &made).await);
    assert!(matches!(created, Err(CallError::NoAnswer(_))), "{created:?}");
}

#[test]
fn edits_and_deletions_name_what_they_mean() {
    let success = [(200, json!({"success": true}))];
    let made = template(&row("a")).unwrap();
    let (edited, requests) =
        exchange(&success, async |client| client.edit_template("77", &made, false).await);
    edited.unwrap();
    assert_eq!(line(&requests[0]), "POST /77");
    assert_eq!(body(&requests[0]), json!({"components": [{"type": "BODY", "text": "Hi"}]}));
    let (deleted, requests) =
        exchange(&success, async |client| client.delete_template(&waba(), "a", None).await);
    deleted.unwrap();
    assert_eq!(line(&requests[0]), "DELETE /102290129340398/message_templates?name=a");
    let (deleted, requests) =
        exchange(&success, async |client| client.delete_template(&waba(), "a", Some("77")).await);
    deleted.unwrap();
    assert_eq!(line(&requests[0]), "DELETE /102290129340398/message_templates?name=a&hsm_id=77");
    let (deleted, _) = exchange(&[(200, json!({"success": false}))], async |client| {
        client.delete_template(&waba(), "a", None).await
    });
    assert!(matches!(deleted, Err(CallError::NoAnswer(_))), "{deleted:?}");
}

#[test]
fn one_template_can_be_asked_for() {
    let (got, requests) = exchange(&[(200, row("a"))], async |client| client.template("77").await);
    assert_eq!(got.unwrap().template.name, "a");
    assert!(line(&requests[0]).starts_with("GET /77?fields="));
}

#[test]
fn an_example_goes_up_in_two_steps() {
    let id = "upload:MTphdHRhY2htZW50Og==?sig=ARZqkGCA_uQMxC8nHKI";
    let replies = [(200, json!({"id": id})), (200, json!({"h": "4::aW1hZ2U="}))];
    let (handle, requests) = exchange(&replies, async |client| {
        client.upload_example("634974688087057", "a b.jpg", "image/jpeg", b"bytes".to_vec()).await
    });
    assert_eq!(handle.unwrap(), "4::aW1hZ2U=");
    assert_eq!(
        line(&requests[0]),
        "POST /634974688087057/uploads?file_name=a+b.jpg&file_length=5&file_type=image%2Fjpeg"
    );
    assert_eq!(line(&requests[1]), format!("POST /{id}"));
    let head = requests[1].to_lowercase();
    assert!(head.contains("file_offset: 0\r\n"), "{head}");
    assert!(head.contains("authorization: oauth eaajb"), "{head}");
    assert_eq!(head.matches("authorization").count(), 1, "{head}");
    assert!(requests[1].ends_with("\r\n\r\nbytes"));
}

#[test]
fn the_token_goes_to_no_other_place_than_an_upload() {
    for id in ["../other", "upload:a/../../b", "//evil.example/upload:", "@evil.example", "77"] {
        let (handle, requests) = exchange(&[(200, json!({"id": id}))], async |client| {
            client.upload_example("1", "a.jpg", "image/jpeg", b"bytes".to_vec()).await
        });
        assert!(matches!(handle, Err(CallError::NoAnswer(_))), "{id}: {handle:?}");
        assert_eq!(requests.len(), 1);
    }
}

#[test]
fn a_file_to_send_goes_up_as_a_form() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.png");
    std::fs::write(&path, b"pixels").unwrap();
    let (id, requests) = exchange(&[(200, json!({"id": "4490709327384033"}))], async |client| {
        let file = tokio::fs::File::open(&path).await.unwrap();
        let number = PhoneNumberId::new("106540352242922");
        client.upload_media(&number, "Férias.png", "image/png", file, 6).await
    });
    assert_eq!(id.unwrap().as_str(), "4490709327384033");
    assert_eq!(line(&requests[0]), "POST /106540352242922/media");
    let form = requests[0].split_once("\r\n\r\n").unwrap().1;
    for part in [
        "name=\"messaging_product\"\r\n\r\nwhatsapp\r\n",
        "name=\"type\"\r\n\r\nimage/png\r\n",
        "content-type: image/png\r\n\r\npixels\r\n",
    ] {
        assert!(form.to_lowercase().contains(&part.to_lowercase()), "{part} is not in {form}");
    }
}
