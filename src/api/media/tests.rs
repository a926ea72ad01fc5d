//! Downloads over loopback, and where the token may go.

use reqwest::Url;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{DownloadError, Downloaded, media_info, media_url, sha256_hex};
use crate::api::client::{Client, Settings};
use crate::domain::outbox::Outcome;

const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

fn client(base_url: &str) -> Client {
    let settings = Settings::new(SecretString::from("token"));
    Client::new(Settings { base_url: base_url.to_owned(), ..settings }).unwrap()
}

/// Fetches from a server that answers `reply`; the bytes that reached the sink come along.
fn fetch(
    reply: &'static str,
    announced: Option<&str>,
    limit: u64,
) -> (Result<Downloaded, DownloadError>, Vec<u8>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let client = client(&base);
        let url = format!("{base}/file?mid=1");
        let mut sink = Vec::new();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.unwrap());
            }
            stream.write_all(reply.as_bytes()).await.unwrap();
        };
        let (result, ()) = tokio::join!(client.download(&url, announced, limit, &mut sink), server);
        (result, sink)
    })
}

#[test]
fn a_file_comes_whole() {
    let (result, bytes) =
        fetch("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", Some(HELLO), 5);
    assert_eq!(result.unwrap(), Downloaded { size: 5, sha256: HELLO.to_owned() });
    assert_eq!(bytes, b"hello");
}

#[test]
fn a_file_that_is_not_what_was_announced_is_refused() {
    let told = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    for reply in [told, chunked] {
        let (result, bytes) = fetch(reply, None, 4);
        assert!(matches!(result, Err(DownloadError::TooBig { limit: 4 })), "{result:?}");
        assert!(bytes.is_empty());
    }
    let (result, _) = fetch(told, Some(&"0".repeat(64)), 5);
    let error = result.unwrap_err();
    assert!(matches!(error, DownloadError::Damaged { .. }), "{error}");
    assert!(matches!(error.into_outcome(), Outcome::RefusedForNow(_)));
}

#[test]
fn a_file_that_cannot_be_had_says_whether_it_may_come_back() {
    let gone = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
    let busy = "HTTP/1.1 503 Unavailable\r\ncontent-length: 0\r\n\r\n";
    let moved = "HTTP/1.1 302 Found\r\nlocation: http://example.com\r\ncontent-length: 0\r\n\r\n";
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello";
    let outcome = |reply| fetch(reply, None, 99).0.unwrap_err().into_outcome();
    assert!(matches!(outcome(gone), Outcome::RefusedForGood(_)));
    assert!(matches!(outcome(busy), Outcome::RefusedForNow(_)));
    assert!(matches!(outcome(moved), Outcome::RefusedForNow(_)));
    assert!(matches!(outcome(cut), Outcome::RefusedForNow(_)));
}

#[test]
fn the_token_goes_to_metas_hosts_alone() {
    let meta = Url::parse("https://graph.facebook.com/v26.0").unwrap();
    for url in [
        "https://graph.facebook.com/v26.0/1",
        "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1",
        "https://scontent.xx.fbcdn.net/v/t45",
        "https://mmg.whatsapp.net/x",
    ] {
        assert!(media_url(&meta, url).is_ok(), "{url}");
    }
    for url in [
        "http://lookaside.fbsbx.com/x",
        "https://lookaside.fbsbx.com:8443/x",
        "https://lookaside.fbsbx.com@evil.example/x",
        "https://user@lookaside.fbsbx.com/x",
        "https://lookaside.fbsbx.com.evil.example/x",
        "https://evilfbcdn.net/x",
        "https://fbcdn.net.evil.example/x",
        "https://graph.facebook.com:444/x",
        "http://graph.facebook.com/x",
        "http://127.0.0.1/x",
        "http://[::1]/x",
        "file:///etc/passwd",
        "data:,x",
        "x",
        "",
    ] {
        let refused = media_url(&meta, url);
        assert!(matches!(refused, Err(DownloadError::ForeignHost { .. })), "{url}");
    }
    let local = Url::parse("http://127.0.0.1:9000/v26.0").unwrap();
    for url in ["http://127.0.0.1:9001/x", "http://localhost/x", "https://lookaside.fbsbx.com/x"] {
        assert!(media_url(&local, url).is_ok(), "{url}");
    }
    for url in ["ftp://127.0.0.1/x", "http://example.com/x", "https://example.com/x"] {
        assert!(media_url(&local, url).is_err(), "{url}");
    }
}

#[test]
fn hashes_are_spelt_one_way() {
    let base64 = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    let url_safe = "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ";
    for text in [HELLO, &HELLO.to_uppercase(), base64, base64.trim_end_matches('='), url_safe] {
        assert_eq!(sha256_hex(text).as_deref(), Some(HELLO), "{text}");
    }
    for text in ["", "<HASH>", "SfInY0gGKTsJlUWbwxC1k+FAD0FZHv", HELLO.trim_start_matches('2')] {
        assert_eq!(sha256_hex(text), None, "{text}");
    }
}

#[test]
fn sizes_come_as_strings_or_numbers() {
    for size in ["303833", "\"303833\""] {
        let text = format!(r#"{{"url":"https://x","mime_type":"image/jpeg","file_size":{size}}}"#);
        let info = media_info(&serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!((info.size, info.sha256), (Some(303_833), None));
    }
    assert_eq!(media_info(&serde_json::json!({"id": "1"})), None);
}
