//! Data on stdout: lines for people, or one JSON object per line with fields in snake case and times in
//! RFC 3339 UTC. What customers wrote is sanitised before it reaches a terminal.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::app::describe;
use crate::app::when::rfc3339;
use crate::domain::conversation::{Contact, Conversation};
use crate::domain::message::{Author, Body, Direction, Message, TimelineEntry};
use crate::domain::time::Timestamp;
use crate::domain::window::Window;

/// JSON for stdout. On a terminal, characters that could drive it are escaped, which JSON allows.
pub(super) fn json_text(value: &Value) -> String {
    let text = value.to_string();
    if io::stdout().is_terminal() { ascii_safe(&text) } else { text }
}

/// Writes one JSON object, as [`json_text`] puts it.
pub(super) fn json_line(value: &Value) -> io::Result<()> {
    line(&json_text(value))
}

/// Writes one line for a person. The parts of it that others wrote must be sanitised by now.
pub(super) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// JSON with everything escaped that is not a plain character: C1, bidi, invisible.
fn ascii_safe(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if c == ' ' || c.is_alphanumeric() || c.is_ascii_graphic() {
            safe.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            write!(safe, "\\u{unit:04x}").ok();
        }
    }
    safe
}

/// RFC 3339 in UTC, to the millisecond.
pub(super) fn time(at: Timestamp) -> String {
    rfc3339(at)
}

pub(super) const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    }
}

const fn author(author: Author) -> &'static str {
    match author {
        Author::Contact(_) => "contact",
        Author::Operator => "operator",
        Author::PhoneApp => "phone_app",
        Author::System => "system",
    }
}

/// `Ana (+15551230001)`: the name and the number, username or user id, as far as they are known. Unsanitised.
pub(super) fn who(contact: &Contact) -> String {
    let address = contact
        .wa_id
        .as_ref()
        .map(|number| format!("+{number}"))
        .or_else(|| contact.username.as_deref().and_then(describe::username))
        .or_else(|| contact.user_id.as_ref().map(ToString::to_string));
    match (&contact.name, address) {
        (Some(name), Some(address)) => format!("{name} ({address})"),
        (Some(name), None) => name.clone(),
        (None, Some(address)) => address,
        (None, None) => "?".to_owned(),
    }
}

/// A contact with the names that every command uses.
pub(super) fn contact(contact: &Contact) -> Value {
    json!({
        "name": contact.name,
        "wa_id": contact.wa_id.as_ref().map(ToString::to_string),
        "user_id": contact.user_id.as_ref().map(ToString::to_string),
        "username": contact.username,
    })
}

/// A conversation with the names that every command uses.
pub(super) fn conversation(row: &Conversation, now: Timestamp) -> Value {
    let (word, until) = match row.window(now) {
        Window::Open(until) => ("open", Some(until)),
        Window::Closed(_) => ("closed", None),
        Window::Refused(_) => ("refused", None),
        Window::Unknown => ("unknown", None),
    };
    json!({
        "conversation": row.id.0,
        "name": row.contact.name,
        "wa_id": row.contact.wa_id.as_ref().map(ToString::to_string),
        "user_id": row.contact.user_id.as_ref().map(ToString::to_string),
        "username": row.contact.username,
        "activity_at": time(row.activity),
        "unread": row.unread,
        "marked_unread": row.marked_unread,
        "unanswered": row.unanswered,
        "failed": row.failed,
        "waiting": row.waiting,
        "window": word,
        "window_until": until.map(time),
        "opted_out": row.opted_out.is_some(),
        "opted_out_at": row.opted_out.map(time),
        "preview": row.preview.as_ref().map(|preview| json!({
            "message": preview.message.0,
            "direction": direction(preview.direction),
            "state": preview.state.name(),
            "text": preview.text,
            "at": time(preview.at),
        })),
    })
}

/// Milliseconds with three digits behind the point.
pub(super) fn millis(took: Duration) -> f64 {
    (took.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

/// A message with the names that every command uses.
pub(super) fn message(message: &Message) -> Value {
    json!({
        "message": message.id.0,
        "conversation": message.conversation.0,
        "direction": direction(message.direction),
        "author": author(message.author),
        "state": message.state.name(),
        "wamid": message.wamid.as_ref().map(ToString::to_string),
        "at": time(message.at),
        "tries": message.tries,
        "error": message.trouble.as_ref().map(|trouble| json!({
            "code": trouble.code,
            "detail": trouble.detail,
        })),
        "type": kind(&message.body),
        "text": text(&message.body),
        "group": message.group,
        "reply_to": message.context.reply_to.as_ref().map(ToString::to_string),
    })
}

/// The same, with the whole path of its file where there is one.
pub(super) fn message_with_file(of: &Message, data: &Path) -> Value {
    let mut value = message(of);
    if let Value::Object(fields) = &mut value {
        fields.insert("file".to_owned(), file(of, data).into());
    }
    value
}

/// The whole path of the file of a message.
pub(super) fn file(message: &Message, data: &Path) -> Option<String> {
    Some(data.join(describe::stored_file(message)?).display().to_string())
}

/// A step in the life of a message.
pub(super) fn step(message: crate::domain::id::MessageId, entry: &TimelineEntry) -> Value {
    json!({
        "message": message.0,
        "state": entry.state.name(),
        "at": time(entry.at),
        "request": entry.request.map(|request| request.to_string()),
        "code": entry.code,
        "detail": entry.detail,
        "event": entry.event.map(|event| event.0),
    })
}

/// Meta's word for the type of a body.
fn kind(body: &Body) -> &str {
    match body {
        Body::Text { .. } => "text",
        Body::Media { media, .. } => media.kind.name(),
        Body::Location { .. } => "location",
        Body::Contacts(_) => "contacts",
        Body::Reaction { .. } => "reaction",
        Body::Reply { .. } => "reply",
        Body::Interactive { .. } => "interactive",
        Body::Template(_) => "template",
        Body::Order { .. } => "order",
        Body::System { .. } => "system",
        Body::Edit { .. } => "edit",
        Body::Revoke { .. } => "revoke",
        Body::Welcome => "request_welcome",
        Body::Unsupported { .. } => "unsupported",
        Body::Unknown { kind } => kind,
    }
}

/// The words in a body, as they came.
fn text(body: &Body) -> Option<&str> {
    match body {
        Body::Text { text, .. }
        | Body::Interactive { text, .. }
        | Body::System { text, .. }
        | Body::Edit { text, .. } => Some(text),
        Body::Media { media, caption } => caption.as_deref().or(media.file_name.as_deref()),
        Body::Location { name, address, .. } => name.as_deref().or(address.as_deref()),
        Body::Contacts(cards) => cards.first().and_then(|card| card.name.as_deref()),
        Body::Reaction { emoji, .. } => emoji.as_deref(),
        Body::Reply { title, .. } => Some(title),
        Body::Template(sent) => Some(&sent.text),
        Body::Order { text, .. } => text.as_deref(),
        Body::Unsupported { detail, .. } => detail.as_deref(),
        Body::Revoke { .. } | Body::Welcome | Body::Unknown { .. } => None,
    }
}

/// A body as one or more lines for a person, unsanitised: its words, with its type in front unless it is
/// text.
pub(super) fn words(body: &Body) -> String {
    match (body, text(body)) {
        (Body::Text { text, .. }, _) => text.clone(),
        (body, Some(text)) => format!("[{}] {text}", kind(body)),
        (body, None) => format!("[{}]", kind(body)),
    }
}

#[cfg(test)]
mod tests {
    use super::{ascii_safe, time, who};
    use crate::domain::conversation::Contact;
    use crate::domain::id::{ContactId, UserId};
    use crate::domain::time::Timestamp;

    #[test]
    fn a_username_has_one_at_however_it_came() {
        for username in ["ana", "@ana", " @@ana "] {
            let contact = Contact {
                id: ContactId(1),
                name: Some("Ana".to_owned()),
                wa_id: None,
                user_id: Some(UserId::new("US.1")),
                username: Some(username.to_owned()),
            };
            assert_eq!(who(&contact), "Ana (@ana)");
        }
    }

    #[test]
    fn times_are_rfc_3339_in_utc() {
        assert_eq!(time(Timestamp::from_millis(1_700_000_000_007)), "2023-11-14T22:13:20.007Z");
        assert_eq!(time(Timestamp::from_secs(0)), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn json_on_a_terminal_stays_json_and_drives_nothing() {
        let value = serde_json::json!({ "text": "a\u{9b}31m\u{202e}é😀\u{7f}" });
        let safe = ascii_safe(&value.to_string());
        assert!(!safe.chars().any(|c| c.is_control() || c == '\u{202e}'), "{safe}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
    }
}
