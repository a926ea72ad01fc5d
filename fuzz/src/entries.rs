//! Where bytes from outside come in, each with what must hold whatever they are. They panic when it does
//! not.

use std::collections::BTreeMap;
use std::path::Path;

use twoticks::api::{response, webhook as body};
use twoticks::config::{Source, parse};
use twoticks::domain::event::ItemKind;
use twoticks::domain::outbox::Outcome;
use twoticks::domain::text;

/// The body of a webhook: what is JSON gives at least one item, so that nothing is passed over in silence.
pub fn webhook(data: &[u8]) {
    if let Ok(items) = body::parse(data) {
        let has_entries = data.windows(7).any(|part| part == b"\"entry\"");
        assert!(!items.is_empty() || has_entries, "JSON without an item");
        for item in items {
            if let ItemKind::Unknown { reason } = &item.kind {
                assert!(!reason.is_empty(), "unknown without a reason");
            }
        }
    }
}

/// An answer of the API, its status in the first two bytes. Only a 2xx with a message's id is acceptance,
/// and a 2xx that says nothing is never a refusal.
pub fn answer(data: &[u8]) {
    let Some((status, answer)) = data.split_first_chunk() else { return };
    let status = 100 + u16::from_le_bytes(*status) % 500;
    let success = (200..300).contains(&status);
    let outcome = response::message_outcome(status, answer);
    if let Outcome::Accepted(accepted) = &outcome {
        assert!(success && accepted.wamid.is_some(), "{status}: {accepted:?}");
    }
    assert!(success || response::value(status, answer).is_err(), "{status} is no success");
    let _outcome = response::success_outcome(status, answer);
}

/// A config file: a config, or problems that each say where and what.
pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let env = BTreeMap::new();
    for private in [false, true] {
        let source = Source { text: &text, path: Path::new("/c/c.toml"), env: &env, private };
        match parse(&source) {
            Ok(config) => {
                let names: Vec<&str> =
                    config.accounts.iter().map(|account| account.name.as_str()).collect();
                let distinct: std::collections::BTreeSet<&&str> = names.iter().collect();
                assert_eq!(names.len(), distinct.len(), "two accounts of one name");
            }
            Err(problems) => {
                assert!(!problems.is_empty() && problems.iter().all(|one| !one.message.is_empty()));
            }
        }
    }
}

/// Text for the terminal: nothing in it can drive one, it is as wide as is said, and wrapped lines fit.
pub fn text(data: &[u8]) {
    let raw = String::from_utf8_lossy(data);
    let safe = text::display_safe(&raw);
    let lines = text::display_safe_multiline(&raw);
    assert!(!safe.chars().any(char::is_control), "{safe:?}");
    assert!(!lines.chars().any(|char| char.is_control() && char != '\n'), "{lines:?}");
    for hostile in ['\u{202e}', '\u{2066}', '\u{200b}', '\u{2028}', '\u{feff}'] {
        assert!(!safe.contains(hostile) && !lines.contains(hostile), "{hostile:?} stays");
    }
    assert_eq!(text::display_safe(&safe), safe, "not settled at once");
    let (cut, columns) = text::truncate(&safe, 20);
    assert!(columns <= 20 && text::width(&cut) == columns, "{cut:?} is not {columns} wide");
    for columns in [text::MIN_COLUMNS, 20, 80] {
        for line in text::wrap(&lines, columns) {
            let line = &lines[line.range];
            assert!(text::width(line) <= columns, "{line:?} is wider than {columns}");
        }
    }
    let name = text::file_name_safe(&raw);
    assert!(!name.is_empty() && !name.contains(['/', '\\', '\0']) && !name.starts_with('.'));
    let _spans = text::markup(&lines);
}
