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

/// What a mutation starts from: what fuzzing starts from too.
const SEEDS: [&[u8]; 8] = [
    include_bytes!("fixtures/webhooks-own/status-read.json"),
    include_bytes!("fixtures/webhooks-own/context-reply.json"),
    include_bytes!("../fuzz/seeds/answer/accepted"),
    include_bytes!("../fuzz/seeds/answer/refused"),
    include_bytes!("../config.example.toml"),
    b"[[account]]\nphone_number_id = \"1\"\napp_secret = [\"env:A\", \"env:B\"]\n[keys]\nquit = []\n",
    include_bytes!("../fuzz/seeds/text/hostile"),
    include_bytes!("../fuzz/seeds/text/markup"),
];

/// A seed in which some bytes are changed, and some are repeated or left out.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0_usize..4, 0_usize..64);
    (0..SEEDS.len(), vec(change, 0..6)).prop_map(|(seed, changes)| {
        let mut bytes = SEEDS.get(seed).copied().unwrap_or_default().to_vec();
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
