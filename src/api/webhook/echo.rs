//! Messages that went out elsewhere: echoes of the WhatsApp Business app, and the history it hands over.

use serde_json::Value;
use serde_json::value::RawValue;

use super::body::body;
use super::peer::{Contacts, contact, is_same, named};
use super::{Fields, Items, Place, array, json, message, object, read, status};
use crate::domain::event::{EchoMessage, ItemKind, Peer};
use crate::domain::state::State;

/// Reads one of `message_echoes[]`.
pub(super) fn echo(
    place: &Place,
    contacts: &Contacts<'_>,
    value: &Value,
) -> Result<EchoMessage, String> {
    let mut to = contacts.complete(named(value, "to"));
    if !to.is_identified() {
        to = contacts.only().cloned().ok_or("an echo does not say who it was sent to")?;
    }
    to_peer(place, to, value)
}

fn to_peer(place: &Place, to: Peer, value: &Value) -> Result<EchoMessage, String> {
    let history = value.get("history_context").unwrap_or(&Value::Null);
    Ok(EchoMessage {
        wamid: json::wamid(value, "id").ok_or("an echo has no id")?,
        to,
        at: message::time(place, value)?,
        body: body(value),
        context: message::context(value),
        state: json::text(history, "status").map_or(State::Sent, |word| state(&word)),
    })
}

/// The history spells states in capitals, and has two that statuses do not know.
fn state(word: &str) -> State {
    match word {
        "READ" => State::Read,
        "DELIVERED" => State::Delivered,
        "PLAYED" => State::Played,
        "PENDING" => State::Accepted,
        "ERROR" => State::Failed,
        _ => State::Sent,
    }
}

/// Reads the value of a `history` change: threads of old messages, errors, or a later list of media.
pub(super) fn history(value: &Fields<'_>, items: &mut Items) {
    for raw in value.get("history").and_then(|history| array(history)).unwrap_or_default() {
        match object(raw) {
            Some(chunk) => read_chunk(raw, &chunk, items),
            None => items.unknown(raw, "a piece of the history is no object"),
        }
    }
    let contacts = Contacts::of(value);
    items.each(value, "messages", |place, value| {
        if is_ours(place, value) {
            return echo(place, &contacts, value).map(ItemKind::Echo);
        }
        message::inbound(place, &contacts, value).map(ItemKind::Message)
    });
}

fn read_chunk(raw: &RawValue, chunk: &Fields<'_>, items: &mut Items) {
    let before = items.list.len();
    items.each(chunk, "errors", |_, value| Ok(status::error_item(value)));
    for raw in chunk.get("threads").and_then(|threads| array(threads)).unwrap_or_default() {
        match object(raw) {
            Some(thread) => read_thread(&thread, items),
            None => items.unknown(raw, "a thread of the history is no object"),
        }
    }
    if items.list.len() == before {
        let metadata = chunk.get("metadata").and_then(|metadata| read(metadata).ok());
        let progress = metadata.and_then(|metadata| json::text(&metadata, "progress"));
        let summary = match progress {
            Some(progress) => format!("history of the phone app: {progress} % handed over"),
            None => "history of the phone app: a piece without messages".to_owned(),
        };
        items.push(raw, ItemKind::Notice { summary, report: None });
    }
}

/// A thread is named after the person on its other side.
fn read_thread(thread: &Fields<'_>, items: &mut Items) {
    let id = thread.get("id").and_then(|id| read(id).ok()).unwrap_or(Value::Null);
    let mut peer = thread
        .get("context")
        .and_then(|context| read(context).ok())
        .map_or_else(Peer::default, |context| contact(&context));
    peer.wa_id = json::wa_id(&serde_json::json!({ "id": id }), "id").or(peer.wa_id);
    items.each(thread, "messages", |place, value| {
        let (from, to) = (named(value, "from"), named(value, "to"));
        let is_theirs = is_same(&from, &peer);
        if !is_theirs && (is_ours(place, value) || to.is_identified()) {
            let to = if peer.is_identified() { peer.clone() } else { to };
            return to_peer(place, to, value).map(ItemKind::Echo);
        }
        let from = if peer.is_identified() { peer.clone() } else { from };
        if !from.is_identified() {
            return Err("a message of the history does not say whose it is".to_owned());
        }
        message::from_peer(place, from, value).map(ItemKind::Message)
    });
}

/// Whether the business's own number wrote it.
fn is_ours(place: &Place, value: &Value) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let own = place.display_number.as_deref().map(digits).filter(|own| !own.is_empty());
    own.is_some() && own == json::text(value, "from").as_deref().map(digits)
}
