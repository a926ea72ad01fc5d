//! Proof that a webhook comes from Meta: `X-Hub-Signature-256` over the raw bytes, and the verify token of
//! the subscription's GET.
//!
//! Everything secret is compared in constant time. The caller verifies before it parses: Meta signs the
//! body exactly as transmitted, so nothing may be decoded or written anew in between.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The name of the header, in lower case.
pub const HEADER: &str = "x-hub-signature-256";

const PREFIX: &[u8] = b"sha256=";

/// Why a body is not taken for Meta's. Names no part of the body, the header or a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadSignature {
    /// There is nothing to check with.
    #[error("no app secret is configured, so no webhook can be verified; set `app_secret`")]
    NoSecret,
    /// The header is not there.
    #[error("the request has no X-Hub-Signature-256 header")]
    Missing,
    /// The header is not `sha256=` and 64 lowercase hex digits.
    #[error("the X-Hub-Signature-256 header is not `sha256=` and 64 lowercase hex digits")]
    Malformed,
    /// No secret gives this signature.
    #[error("the signature does not fit the body; is `app_secret` that of the subscribed app?")]
    Mismatch,
}

/// Verifies `header` over `body` with every one of `secrets` (several while a secret is being replaced)
/// and answers which one fits. An empty secret proves nothing and is passed over.
pub fn verify(
    secrets: &[SecretString],
    header: Option<&[u8]>,
    body: &[u8],
) -> Result<usize, BadSignature> {
    if secrets.iter().all(|secret| secret.expose_secret().is_empty()) {
        return Err(BadSignature::NoSecret);
    }
    let header = header.ok_or(BadSignature::Missing)?;
    let given = parse(header).ok_or(BadSignature::Malformed)?;
    let fits = |secret: &SecretString| {
        let secret = secret.expose_secret().as_bytes();
        !secret.is_empty() && mac(secret, body).is_some_and(|mac| mac.verify_slice(&given).is_ok())
    };
    // All are tried, whichever fits, so that the time tells nothing about them.
    let found = secrets.iter().enumerate().fold(None, |found, (index, secret)| {
        let fits = fits(secret).then_some(index);
        found.or(fits)
    });
    found.ok_or(BadSignature::Mismatch)
}

/// Whether `given` is the verify token, in time that depends on neither of them. An empty token matches
/// nothing.
#[must_use]
pub fn token_matches(token: &SecretString, given: &[u8]) -> bool {
    let token = token.expose_secret().as_bytes();
    if token.is_empty() {
        return false;
    }
    // Both sides go through an HMAC of fixed length first, so that not even the length shows.
    let (Some(expected), Some(given)) = (mac(token, token), mac(token, given)) else {
        return false;
    };
    given.verify_slice(&expected.finalize().into_bytes()).is_ok()
}

/// The value of the header for these bytes.
#[must_use]
pub fn header(signature: &[u8; 32]) -> String {
    signature.iter().fold("sha256=".to_owned(), |mut header, byte| {
        // Writing to a string cannot fail.
        write!(header, "{byte:02x}").ok();
        header
    })
}

/// The signature of a body.
#[must_use]
pub fn sign(secret: &SecretString, body: &[u8]) -> [u8; 32] {
    mac(secret.expose_secret().as_bytes(), body)
        .map_or([0; 32], |mac| mac.finalize().into_bytes().into())
}

/// The SHA-256 of a body, by which equal bodies are known.
#[must_use]
pub fn sha256(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}

/// `None` never happens with HMAC, which takes keys of any length; its signature allows for it.
fn mac(key: &[u8], message: &[u8]) -> Option<Hmac<Sha256>> {
    Hmac::<Sha256>::new_from_slice(key).ok().map(|mac| mac.chain_update(message))
}

/// The bytes of a header's value; `None` unless it is `sha256=` and 64 lowercase hex digits.
#[must_use]
pub fn parse(header: &[u8]) -> Option<[u8; 32]> {
    let digits = header.strip_prefix(PREFIX)?;
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(bytes)
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::{BadSignature, sha256, token_matches, verify};

    /// Computed with `printf '%s' '{"a":"\u00e4"}' | openssl dgst -sha256 -hmac meatyhamhock`.
    const BODY: &[u8] = br#"{"a":"\u00e4"}"#;
    const SIGNED: &str = "sha256=43dfe83768166717730e94e46bbb45c104f15cba547dffbac26c1acf325c401d";

    fn secrets(names: &[&str]) -> Vec<SecretString> {
        names.iter().map(|name| SecretString::from(*name)).collect()
    }

    #[test]
    fn secrets_are_compared_by_what_takes_the_same_time_whatever_differs() {
        let code = include_str!("signature.rs").split("#[cfg(test)]").next().unwrap();
        let code: Vec<&str> =
            code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let code = code.join("\n");
        assert_eq!(code.matches(".verify_slice(").count(), 2, "the signature, and the token");
        for early in ["==", ".eq(", ".cmp(", "starts_with", "all(|byte"] {
            assert!(!code.contains(early), "{early} may end at the first difference");
        }
    }

    #[test]
    fn a_good_signature_names_its_secret() {
        let header = Some(SIGNED.as_bytes());
        assert_eq!(verify(&secrets(&["meatyhamhock"]), header, BODY), Ok(0));
        assert_eq!(verify(&secrets(&["", "new", "meatyhamhock"]), header, BODY), Ok(2));
    }

    #[test]
    fn the_body_is_taken_as_it_was_sent() {
        let header = Some(SIGNED.as_bytes());
        let rewritten = "{\"a\":\"ä\"}".as_bytes();
        assert_eq!(
            verify(&secrets(&["meatyhamhock"]), header, rewritten),
            Err(BadSignature::Mismatch)
        );
    }

    #[test]
    fn everything_else_is_refused() {
        let key = secrets(&["meatyhamhock"]);
        let upper = SIGNED.to_uppercase();
        let hex = SIGNED.trim_start_matches("sha256=");
        let malformed = [
            String::new(),
            hex.to_owned(),
            format!("sha1={hex}"),
            format!("SHA256={hex}"),
            format!(" sha256={hex}"),
            format!("sha256={hex} "),
            format!("sha256={hex}0"),
            format!("sha256={}", hex.trim_end_matches('d')),
            format!("sha256={}", upper.trim_start_matches("SHA256=")),
            format!("sha256={}", "é".repeat(32)),
        ];
        for header in malformed {
            let verdict = verify(&key, Some(header.as_bytes()), BODY);
            assert_eq!(verdict, Err(BadSignature::Malformed), "{header}");
        }
        assert_eq!(verify(&key, None, BODY), Err(BadSignature::Missing));
        let zeros = format!("sha256={}", "0".repeat(64));
        assert_eq!(verify(&key, Some(zeros.as_bytes()), BODY), Err(BadSignature::Mismatch));
        let other = secrets(&["other"]);
        assert_eq!(verify(&other, Some(SIGNED.as_bytes()), BODY), Err(BadSignature::Mismatch));
    }

    #[test]
    fn an_empty_secret_signs_nothing() {
        // HMAC-SHA-256 of the empty body with the empty key: anybody can compute it.
        let forged = "sha256=b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
        for keys in [secrets(&[]), secrets(&[""])] {
            let verdict = verify(&keys, Some(forged.as_bytes()), b"");
            assert_eq!(verdict, Err(BadSignature::NoSecret));
        }
        let mixed = secrets(&["", "real"]);
        assert_eq!(verify(&mixed, Some(forged.as_bytes()), b""), Err(BadSignature::Mismatch));
    }

    #[test]
    fn verify_tokens_match_whole() {
        let token = SecretString::from("meatyhamhock");
        assert!(token_matches(&token, b"meatyhamhock"));
        for given in [&b""[..], b"meatyhamhoc", b"meatyhamhock ", b"MEATYHAMHOCK", b"\xff"] {
            assert!(!token_matches(&token, given));
        }
        assert!(!token_matches(&SecretString::from(""), b""));
    }

    #[test]
    fn equal_bodies_have_equal_hashes() {
        assert_eq!(sha256(b"a"), sha256(b"a"));
        assert_ne!(sha256(b"a"), sha256(b"b"));
    }
}
