//! What Meta posts: the exact bytes of a webhook and the signature over them.
//!
//! Meta signs the body as it travels, with non-ASCII escaped as `\uXXXX` and `/` as `\/`, so a
//! listener that parses and writes the JSON again before it verifies gets another signature.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The bytes Meta would send for `body`.
pub fn escaped(body: &Value) -> Vec<u8> {
    let plain = body.to_string();
    let mut out = String::with_capacity(plain.len() + 64);
    for letter in plain.chars() {
        match letter {
            '/' => out.push_str("\\/"),
            _ if letter.is_ascii() => out.push(letter),
            _ => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    write!(out, "\\u{unit:04x}").unwrap_or_default();
                }
            }
        }
    }
    out.into_bytes()
}

/// The value of `X-Hub-Signature-256` for a body: `sha256=` and the lowercase hex of its HMAC.
pub fn signature(app_secret: &str, body: &[u8]) -> String {
    // HMAC takes a key of any length.
    let mac = Hmac::<Sha256>::new_from_slice(app_secret.as_bytes()).map(|mut mac| {
        mac.update(body);
        hex(&mac.finalize().into_bytes())
    });
    format!("sha256={}", mac.unwrap_or_default())
}

pub(super) fn sha256(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        write!(out, "{byte:02x}").unwrap_or_default();
        out
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{escaped, signature};

    #[test]
    fn bodies_are_escaped_as_meta_does() {
        let body = escaped(&json!({ "a": "äöå 👍 https://x/y" }));
        let text = String::from_utf8(body).unwrap();
        assert_eq!(text, r#"{"a":"\u00e4\u00f6\u00e5 \ud83d\udc4d https:\/\/x\/y"}"#);
    }

    #[test]
    fn the_signature_covers_the_escaped_bytes() {
        // From `printf '%s' '{"a":"\u00e4"}' | openssl dgst -sha256 -hmac secret`.
        let body = escaped(&json!({ "a": "ä" }));
        assert_eq!(body, br#"{"a":"\u00e4"}"#);
        assert_eq!(
            signature("secret", &body),
            "sha256=b78ab4033415318a0fa14a82d6f5ca348bb74e377eed416f314566864d116718"
        );
    }
}
