//! The client against servers that misbehave, on loopback. Each server is a few bytes on a raw socket.

use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::{API_VERSION, CallError, Client, Settings, SetupError, at, base_url};
use crate::domain::id::{
    ContactId, ConversationId, MessageId, PhoneNumberId, RequestId, WaId, Wamid,
};
use crate::domain::message::Body;
use crate::domain::outbox::{Acceptance, Outcome, Recipient, Send, Throttle};

const TOKEN: &str = "EAAJBsecretsecretsecret";

fn run<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

/// A client that waits long enough for a loaded machine.
fn client(base_url: &str) -> Client {
    client_that_waits(base_url, Duration::from_secs(30))
}

fn client_that_waits(base_url: &str, timeout: Duration) -> Client {
    Client::new(Settings {
        base_url: base_url.to_owned(),
        timeout,
        ..Settings::new(SecretString::from(TOKEN))
    })
    .unwrap()
}

fn send() -> Send {
    Send {
        message: MessageId(1),
        conversation: ConversationId(1),
        contact: ContactId(1),
        recipient: Recipient::Phone(WaId::new("16505551234")),
        body: Body::Text { text: "Hi".to_owned(), preview_url: false },
        reply_to: None,
    }
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    (listener, base)
}

/// An address where nobody answers. The port is ours as long as the socket is held: one that was given back
/// may be another test's server by the time it is called.
fn refusing() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let base = format!("http://{}", socket.local_addr().unwrap());
    (socket, base)
}

/// Reads one request whole.
async fn take(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.unwrap();
        read.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok())
                .unwrap_or(0);
            if count == 0 || body.len() >= length {
                return text;
            }
        }
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}")
}

/// Sends one message to a server that answers `reply` to its first request, and returns the request too.
async fn exchange(reply: &str) -> (Outcome, String) {
    let (listener, base) = listen().await;
    let client = client(&base);
    let number = PhoneNumberId::new("106540352242922");
    let message = send();
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = take(&mut stream).await;
        stream.write_all(reply.as_bytes()).await.unwrap();
        request
    };
    tokio::join!(client.send_message(&number, &message, RequestId([7; 16])), server)
}

fn unknown(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Unknown { detail, .. } => detail,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_goes_out_once_and_whole() {
    let accepted = r#"{"messages":[{"id":"wamid.A"}]}"#;
    let (outcome, request) = run(exchange(&answer("200 OK", "", accepted)));
    let expected = Acceptance { wamid: Some(Wamid::new("wamid.A")), ..Acceptance::default() };
    assert_eq!(outcome, Outcome::Accepted(expected));
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let path = format!("POST /{API_VERSION}/106540352242922/messages HTTP/1.1");
    assert_eq!(head.lines().next(), Some(path.as_str()));
    let head = head.to_lowercase();
    for header in [
        "content-type: application/json",
        &format!("authorization: bearer {}", TOKEN.to_lowercase()),
        concat!("user-agent: twoticks/", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(head.lines().any(|line| line == header), "{header} in {head}");
    }
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["to"], "+16505551234");
    assert_eq!(body["biz_opaque_callback_data"], "07".repeat(16));
}

#[test]
fn a_read_receipt_asks_for_success() {
    run(async {
        let (listener, base) = listen().await;
        let client = client(&base);
        let (number, wamid) = (PhoneNumberId::new("1"), Wamid::new("wamid.IN"));
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let request = take(&mut stream).await;
            let reply = answer("200 OK", "", r#"{"success":true}"#);
            stream.write_all(reply.as_bytes()).await.unwrap();
            request
        };
        let (outcome, request) = tokio::join!(client.mark_read(&number, &wamid), server);
        assert_eq!(outcome, Outcome::Accepted(Acceptance::default()));
        assert!(request.contains("wamid.IN") && request.contains("read"), "{request}");
    });
}

#[test]
fn a_silent_server_leaves_it_unknown() {
    run(async {
        let (listener, base) = listen().await;
        let client = client_that_waits(&base, Duration::from_millis(200));
        let (number, message) = (PhoneNumberId::new("1"), send());
        let outcome = client.send_message(&number, &message, RequestId([7; 16])).await;
        assert_eq!(unknown(&outcome), "no answer from 127.0.0.1 within 200 ms");
        drop(listener);
    });
}

/// Every upload was cut off after the time that an answer may take: 16 MB never went up a slow line.
#[test]
fn a_file_that_goes_up_for_longer_than_an_answer_may_take_was_cut_off() {
    run(async {
        let (listener, base) = listen().await;
        let timeout = Duration::from_millis(100);
        let client = client_that_waits(&base, timeout);
        // More than the buffers of both sockets hold.
        let bytes = vec![7; 24 * 1024 * 1024];
        let upload = client.upload_to("upload:1?sig=2", bytes);
        tokio::pin!(upload);
        let begun = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            stream
        };
        let mut stream = tokio::select! {
            stream = begun => stream,
            done = &mut upload => panic!("{done:?}"),
        };
        // The line is slow: nothing is read for several times as long.
        let early = tokio::time::timeout(5 * timeout, &mut upload).await;
        assert!(early.is_err(), "{early:?}");
        let server = async {
            let mut read = 0;
            let mut chunk = vec![0; 1024 * 1024];
            while read < 24 * 1024 * 1024 {
                read += stream.read(&mut chunk).await.unwrap();
            }
            let reply = answer("200 OK", "", r#"{"h":"4::a"}"#);
            stream.write_all(reply.as_bytes()).await.unwrap();
        };
        let (done, ()) = tokio::join!(upload, server);
        assert_eq!(done.unwrap()["h"], "4::a");
    });
}

#[test]
fn a_closed_port_was_never_reached() {
    run(async {
        let (_held, base) = refusing();
        let outcome =
            client(&base).send_message(&PhoneNumberId::new("1"), &send(), RequestId([7; 16])).await;
        let Outcome::NeverReached(detail) = outcome else { panic!("{outcome:?}") };
        assert!(detail.starts_with("cannot connect to 127.0.0.1: "), "{detail}");
    });
}

#[test]
fn a_failed_handshake_was_never_reached() {
    run(async {
        let (listener, base) = listen().await;
        let client = client(&base.replace("http:", "https:"));
        let (number, message) = (PhoneNumberId::new("1"), send());
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"HTTP/1.1 400 This is no TLS\r\n\r\n").await.unwrap();
        };
        let (outcome, ()) =
            tokio::join!(client.send_message(&number, &message, RequestId([7; 16])), server);
        assert!(matches!(outcome, Outcome::NeverReached(_)), "{outcome:?}");
    });
}

#[test]
fn a_reset_after_the_request_leaves_it_unknown() {
    run(async {
        let (listener, base) = listen().await;
        let client = client(&base);
        let (number, message) = (PhoneNumberId::new("1"), send());
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            take(&mut stream).await;
            drop(stream);
            // No second request may come: what was read may have been accepted.
            tokio::time::timeout(Duration::from_millis(100), listener.accept()).await.is_err()
        };
        let (outcome, alone) =
            tokio::join!(client.send_message(&number, &message, RequestId([7; 16])), server);
        assert!(
            unknown(&outcome).starts_with("the connection to 127.0.0.1 broke: "),
            "{outcome:?}"
        );
        assert!(alone, "the request was sent a second time");
    });
}

#[test]
fn answers_that_prove_nothing_leave_it_unknown() {
    let html = answer("502 Bad Gateway", "content-type: text/html\r\n", "<html>nope</html>");
    let empty = answer("200 OK", "", "{}");
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{\"messages\":[".to_owned();
    let nonsense = "SSH-2.0-OpenSSH_9.9\r\n".to_owned();
    for reply in [html, empty, cut, nonsense] {
        let (outcome, _) = run(exchange(&reply));
        unknown(&outcome);
    }
}

#[test]
fn an_answer_without_end_is_cut() {
    run(async {
        let (listener, base) = listen().await;
        let client = client(&base);
        let (number, message) = (PhoneNumberId::new("1"), send());
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            take(&mut stream).await;
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n";
            stream.write_all(head).await.unwrap();
            while stream.write_all(&[b' '; 16 * 1024]).await.is_ok() {}
        };
        let (outcome, ()) =
            tokio::join!(client.send_message(&number, &message, RequestId([7; 16])), server);
        assert_eq!(
            unknown(&outcome),
            "HTTP 200, but the answer names no message id (an empty body)"
        );
    });
}

#[test]
fn redirects_are_not_followed() {
    run(async {
        let (target, target_url) = listen().await;
        let location = format!("location: {target_url}/elsewhere\r\n");
        let (outcome, _) = exchange(&answer("307 Temporary Redirect", &location, "")).await;
        assert!(matches!(outcome, Outcome::RefusedForNow(_)), "{outcome:?}");
        let (outcome, _) = exchange(&answer("302 Found", &location, "")).await;
        unknown(&outcome);
        let came = tokio::time::timeout(Duration::from_millis(50), target.accept()).await;
        assert!(came.is_err(), "a redirect was followed");
    });
}

#[test]
fn an_error_of_metas_is_read_through_the_wire() {
    let body = r#"{"error":{"code":131009,"message":"m","error_data":"to is not a number"}}"#;
    let (outcome, _) = run(exchange(&answer("400 Bad Request", "", body)));
    let Outcome::RefusedForGood(error) = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.details.as_deref(), Some("to is not a number"));
}

#[test]
fn the_token_is_never_shown() {
    let quoted =
        format!(r#"{{"error":{{"code":190,"message":"Malformed access token {TOKEN}"}}}}"#);
    let (outcome, _) = run(exchange(&answer("401 Unauthorized", "", &quoted)));
    let Outcome::AccountTrouble(error) = &outcome else { panic!("{outcome:?}") };
    assert_eq!(error.message, "Malformed access token [token]");
    let (client, lost) = run(async {
        let (_held, base) = refusing();
        let client = client(&base);
        let lost = client.debug_token().await.unwrap_err();
        (client, lost)
    });
    assert!(matches!(lost, CallError::NeverReached(_)), "{lost}");
    let settings = Settings::new(SecretString::from(TOKEN));
    for shown in [
        format!("{outcome:?}"),
        format!("{client:?}"),
        format!("{settings:?}"),
        format!("{lost:?} {lost}"),
    ] {
        assert!(!shown.contains("secret"), "{shown}");
    }
}

#[test]
fn an_unsendable_body_never_leaves() {
    let message = Send { body: Body::Welcome, ..send() };
    let client = client("http://127.0.0.1:1");
    let outcome = run(client.send_message(&PhoneNumberId::new("1"), &message, RequestId([7; 16])));
    assert!(matches!(outcome, Outcome::RefusedForGood(_)), "{outcome:?}");
}

#[test]
fn an_id_cannot_leave_its_place_in_the_path() {
    let base = base_url("https://graph.facebook.com").unwrap();
    let url = at(&base, &["../../x?y=#z", "messages"]);
    assert_eq!(url.as_str(), "https://graph.facebook.com/v25.0/..%2F..%2Fx%3Fy=%23z/messages");
}

#[test]
fn addresses_are_checked() {
    for (text, expected) in [
        ("https://graph.facebook.com", "https://graph.facebook.com/v25.0"),
        ("https://graph.facebook.com/v25.0", "https://graph.facebook.com/v25.0"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000/v25.0"),
        ("http://localhost:9000/", "http://localhost:9000/v25.0"),
        ("http://[::1]:9000/v1", "http://[::1]:9000/v1"),
    ] {
        assert_eq!(base_url(text).unwrap().as_str(), expected);
    }
    for text in [
        "graph.facebook.com",
        "",
        "http://graph.facebook.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "https://graph.facebook.com/?a=b",
        "https://graph.facebook.com/#a",
    ] {
        let error = base_url(text).unwrap_err().to_string();
        assert!(error.starts_with(&format!("`base_url` = `{text}` ")), "{error}");
    }
    let error = base_url("https://user:hunter2@example.com").unwrap_err().to_string();
    assert!(!error.contains("hunter2") && error.contains("example.com"), "{error}");
}

#[test]
fn tokens_are_checked_and_not_shown() {
    for token in ["", "secret\n", "secret\0"] {
        let settings = Settings::new(SecretString::from(token));
        let error = Client::new(settings).unwrap_err();
        assert!(matches!(error, SetupError::BadToken(_)));
        assert!(!error.to_string().contains("secret"));
    }
}

#[test]
fn what_the_headers_say_about_waiting_is_told() {
    let slow = r#"{"error":{"code":80007,"message":"(#80007) Rate limit issues"}}"#;
    let headers = "retry-after: 30\r\nx-business-use-case-usage: {\"2\":[{\"type\":\"whatsapp\",\
        \"call_count\":100,\"estimated_time_to_regain_access\":19}]}\r\n";
    let (outcome, _) = run(exchange(&answer("400 Bad Request", headers, slow)));
    let Outcome::Throttled(Throttle::Account, error) = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.advice.wait(), Some(Duration::from_secs(19 * 60)), "the longer of the two");
    assert_eq!(error.advice.used, Some(100));
    // What is said about calls is not about how fast a number may go.
    let fast = r#"{"error":{"code":130429,"message":"(#130429) Rate limit hit"}}"#;
    let (outcome, _) = run(exchange(&answer("400 Bad Request", headers, fast)));
    let Outcome::Throttled(Throttle::Number, error) = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.advice.wait(), Some(Duration::from_secs(30)));
}

#[test]
fn a_connection_that_nobody_takes_never_reached_meta() {
    run(async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        // The system completes connections until its queue is full, and leaves the next one unanswered.
        let mut queue = Vec::new();
        while let Ok(stream) =
            tokio::time::timeout(Duration::from_millis(500), TcpStream::connect(address)).await
        {
            queue.push(stream.unwrap());
            assert!(queue.len() < 1_000, "the queue never fills");
        }
        let client = Client::new(Settings {
            base_url: format!("http://{address}"),
            connect_timeout: Duration::from_millis(500),
            ..Settings::new(SecretString::from(TOKEN))
        })
        .unwrap();
        let number = PhoneNumberId::new("106540352242922");
        let outcome = client.send_message(&number, &send(), RequestId([7; 16])).await;
        let Outcome::NeverReached(detail) = outcome else { panic!("{outcome:?}") };
        assert!(detail.starts_with("no connection to 127.0.0.1 within"), "{detail}");
    });
}
