//! The entries of the fuzz targets on stable: arbitrary bytes, and real shapes with bytes changed.

#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::string_slice,
    missing_docs,
    unreachable_pub,
    reason = "a test crate"
)]

#[path = "../fuzz/src/entries.rs"]
mod entries;

use proptest::collection::vec;
use proptest::prelude::*;

/// What a mutation starts from.
const SEEDS: [&str; 6] = [
    r#"{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{
        "metadata":{"phone_number_id":"1"},"contacts":[{"profile":{"name":"A"},"wa_id":"1"}],
        "messages":[{"from":"1","id":"w","timestamp":"1","type":"text","text":{"body":"x\ud83d\ude00"}}],
        "statuses":[{"id":"w","status":"read","timestamp":"1","recipient_id":"1"}]}}]}]}"#,
    r#"xx{"messages":[{"id":"wamid.1"}],"contacts":[{"input":"1","wa_id":"1"}]}"#,
    r#"xx{"error":{"message":"m","code":131026,"error_data":{"details":"d"},"fbtrace_id":"f"}}"#,
    include_str!("../config.example.toml"),
    "[[account]]\nphone_number_id = \"1\"\napp_secret = [\"env:A\", \"env:B\"]\n[keys]\nquit = []\n",
    "\u{1b}[31mred\u{1b}]0;t\u{7} \u{202e}abc 👨‍👩‍👧‍👦 ـعربي Z\u{300}\u{301} *bold _both_* ```code``` 日本語",
];

/// A seed in which some bytes are changed, and some are repeated or left out.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0_usize..4, 0_usize..64);
    (0..SEEDS.len(), vec(change, 0..6)).prop_map(|(seed, changes)| {
        let mut bytes = SEEDS.get(seed).copied().unwrap_or_default().as_bytes().to_vec();
        for (at, byte, how, length) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            let end = (at + length).min(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let again = bytes[at..end].to_vec();
                    drop(bytes.splice(at..at, again));
                }
                _ => bytes.truncate(end),
            }
        }
        bytes
    })
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..512), ".{0,200}".prop_map(String::into_bytes), mutated()]
}

proptest! {
    #[test]
    fn a_webhook_s_body_may_be_anything(data in any_bytes()) {
        entries::webhook(&data);
    }

    #[test]
    fn an_answer_may_be_anything(data in any_bytes()) {
        entries::answer(&data);
    }

    #[test]
    fn a_config_may_be_anything(data in any_bytes()) {
        entries::config(&data);
    }

    #[test]
    fn a_text_may_be_anything(data in any_bytes()) {
        entries::text(&data);
    }
}
