use std::collections::BTreeMap;

use super::{KeyError, Keymap, Lookup, SendKey, parse_key, parse_sequence};
use crate::app::action::{Action, Context, TABLE, works_in};
use crate::app::msg::{Key, KeyCode};

fn own(pairs: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    pairs
        .iter()
        .map(|(name, keys)| ((*name).to_owned(), keys.iter().map(|k| (*k).to_owned()).collect()))
        .collect()
}

fn lookup(map: &Keymap, context: Context, keys: &str) -> Lookup {
    map.lookup(context, &parse_sequence(keys).unwrap())
}

#[test]
fn the_table_binds_without_conflict() {
    for send_key in [SendKey::Enter, SendKey::CtrlS] {
        let map = Keymap::new(send_key, &BTreeMap::new()).unwrap();
        for entry in TABLE {
            for context in Context::ALL.into_iter().filter(|c| works_in(entry, *c)) {
                assert!(!map.keys(context, entry.action).is_empty(), "{} {context:?}", entry.name);
            }
        }
    }
}

#[test]
fn keys_are_written_as_they_are_read() {
    for text in [
        "a",
        "A",
        "?",
        "-",
        "Ctrl-G",
        "Alt-Enter",
        "Shift-Tab",
        "Space",
        "F12",
        "Ctrl-Left",
        "Ctrl-_",
    ] {
        assert_eq!(parse_key(text).unwrap().to_string(), text);
    }
    for text in ["", "Hyper-A", "F0", "F99", "Retrun", "Ctrl-"] {
        assert_eq!(parse_key(text), None, "{text}");
    }
    let shifted = Key { code: KeyCode::Char('P'), ctrl: true, alt: false, shift: true };
    assert_eq!(super::normal(shifted), parse_key("Ctrl-P").unwrap());
}

#[test]
fn sequences_wait_for_their_last_key() {
    let map = Keymap::default();
    assert_eq!(lookup(&map, Context::List, "g"), Lookup::Pending);
    assert_eq!(lookup(&map, Context::List, "g g"), Lookup::Matched(Action::Top));
    assert_eq!(lookup(&map, Context::List, "g x"), Lookup::NotFound);
    assert_eq!(lookup(&map, Context::Compose, "Ctrl-X Ctrl-E"), Lookup::Matched(Action::Editor));
    assert_eq!(lookup(&map, Context::Compose, "g"), Lookup::NotFound);
}

#[test]
fn ctrl_k_jumps_or_deletes_by_context() {
    let map = Keymap::default();
    assert_eq!(lookup(&map, Context::List, "Ctrl-K"), Lookup::Matched(Action::Jump));
    assert_eq!(lookup(&map, Context::Compose, "Ctrl-K"), Lookup::Matched(Action::DeleteToEnd));
    assert_eq!(lookup(&map, Context::Compose, "Ctrl-P"), Lookup::Matched(Action::Jump));
}

#[test]
fn own_keys_replace_the_defaults() {
    let map = Keymap::new(SendKey::Enter, &own(&[("quit", &["Q"]), ("copy", &[])])).unwrap();
    assert_eq!(lookup(&map, Context::List, "q"), Lookup::NotFound);
    assert_eq!(lookup(&map, Context::List, "Q"), Lookup::Matched(Action::Quit));
    assert_eq!(lookup(&map, Context::Chat, "y"), Lookup::NotFound);
}

#[test]
fn another_send_key_swaps_enter() {
    let map = Keymap::new(SendKey::CtrlS, &BTreeMap::new()).unwrap();
    assert_eq!(lookup(&map, Context::Compose, "Enter"), Lookup::Matched(Action::Newline));
    assert_eq!(lookup(&map, Context::Compose, "Ctrl-S"), Lookup::Matched(Action::Send));
}

#[test]
fn every_error_is_reported_at_once() {
    let errors = Keymap::new(
        SendKey::Enter,
        &own(&[
            ("quitt", &["q"]),
            ("copy", &["Hyper-Y"]),
            ("send", &["s"]),
            ("reply", &["R"]),
            ("read", &["g"]),
        ]),
    )
    .unwrap_err();
    let conflict = |action: &str, key: &str, other: &str| KeyError::Conflict {
        action: action.into(),
        key: key.into(),
        other: other.into(),
    };
    assert!(errors.contains(&KeyError::UnknownAction("quitt".into())));
    assert!(errors.contains(&KeyError::BadKey { action: "copy".into(), key: "Hyper-Y".into() }));
    assert!(errors.contains(&KeyError::Text { action: "send".into(), key: "s".into() }));
    assert!(errors.contains(&conflict("resend", "R", "reply")), "{errors:?}");
    assert!(errors.contains(&conflict("read", "g", "top")), "{errors:?}");
}
