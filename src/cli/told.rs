//! A stored webhook in words and as JSON: what it was, who it is about, and what it changed.

use serde_json::{Value, json};

use super::output;
use crate::app::hooks;
use crate::domain::hook::{Arrival, Facet, Fate, Hook, Subject};
use crate::domain::message::{Author, Direction};
use crate::domain::state::State;
use crate::domain::text::{ELLIPSIS, display_safe, truncate_with};
use crate::store::event::{Effect, EffectKind};

/// Columns of a message's text on its line.
const PREVIEW: usize = 72;

/// One line for each thing a request did, or one that says why it did nothing.
pub(super) fn lines(hook: &Hook) -> Vec<String> {
    let at = output::time(hook.at());
    let (row, subjects) = match &hook.fate {
        Fate::Passed(arrival) => return vec![format!("{at} {}", passed(arrival))],
        Fate::Stored { row, subjects, .. } => (row, subjects),
    };
    let head = match row.replay_of {
        Some(of) => format!("{at} #{} replay of #{of},", row.id),
        None => format!("{at} #{}", row.id),
    };
    let effects = row.effects.iter().zip(subjects);
    // Nearly every webhook repeats who it is about; that is news only when there is no other.
    let told: Vec<String> = effects
        .filter(|(effect, _)| effect.kind != EffectKind::Contact)
        .map(|(effect, subject)| format!("{head} {}", spell(effect, subject.as_ref())))
        .collect();
    if !told.is_empty() {
        return told;
    }
    let words = match row.effects.is_empty() {
        false => "contact: names or numbers were noted",
        true if row.duplicate => "the same webhook as one before: nothing changed",
        true => "an empty webhook: nothing changed",
    };
    vec![format!("{head} {words}")]
}

/// `401 bad signature, POST /webhook from 203.0.113.9`.
fn passed(arrival: &Arrival) -> String {
    let from = arrival.peer.as_deref().map(|peer| format!(" from {peer}")).unwrap_or_default();
    let Arrival { code, why, method, path, .. } = arrival;
    display_safe(&format!("{code} {why}, {method} {path}{from}")).into_owned()
}

/// A request with the names that every command uses.
pub(super) fn json(hook: &Hook) -> Value {
    match &hook.fate {
        Fate::Passed(arrival) => json!({
            "event": null,
            "request": hook.key.arrival,
            "received_at": output::time(arrival.at),
            "code": arrival.code,
            "took_ms": millis(hook),
            "size": arrival.length,
            "reason": arrival.why,
            "method": arrival.method,
            "path": arrival.path,
            "from": arrival.peer,
            "user_agent": arrival.agent,
        }),
        Fate::Stored { row, facets, subjects } => {
            let effects = row.effects.iter().zip(subjects);
            let effects: Vec<Value> =
                effects.map(|(effect, subject)| json_effect(effect, subject.as_ref())).collect();
            let changes = hooks::changes(row, subjects);
            json!({
                "event": row.id.0,
                "received_at": output::time(row.received_at),
                "code": hook.code(),
                "took_ms": millis(hook),
                "size": row.size,
                "duplicate": row.duplicate,
                "replay_of": row.replay_of.map(|of| of.0),
                "signed_by": row.head.as_ref().map(|head| head.secret.as_str()),
                "items": facets.iter().map(json_facet).collect::<Vec<_>>(),
                "effects": effects,
                "changes": changes.iter().map(json_change).collect::<Vec<_>>(),
            })
        }
    }
}

fn millis(hook: &Hook) -> Option<f64> {
    hook.took().map(output::millis)
}

fn json_facet(facet: &Facet) -> Value {
    json!({ "field": facet.field, "type": facet.kind, "code": facet.code, "who": facet.who })
}

fn json_change(change: &hooks::Change) -> Value {
    json!({
        "row": change.row,
        "column": change.column,
        "before": change.before,
        "after": change.after,
    })
}

/// `message from Ana (+15551230001): hello  (message 13)`, `status for Ana (+15551230001): sent -> delivered
/// (message 12)`.
fn spell(effect: &Effect, subject: Option<&Subject>) -> String {
    let words = match (effect.kind, subject, hooks::moved(effect)) {
        (EffectKind::Message, Some(subject), _) => {
            format!("{}: {}", message_of(subject), said(subject))
        }
        (EffectKind::Status, Some(subject), Some(moved)) => {
            format!("status for {}: {moved}", who(subject))
        }
        (EffectKind::Status, Some(subject), None) => {
            let detail = display_safe(effect.detail.as_deref().unwrap_or("no details"));
            format!("{}: {detail}", message_of(subject))
        }
        _ => display_safe(&hooks::spell(effect)).into_owned(),
    };
    match effect.message {
        Some(message) => format!("{words}  (message {message})"),
        None => words,
    }
}

fn message_of(subject: &Subject) -> String {
    let message = &subject.message;
    let group = if message.group.is_some() { " in a group" } else { "" };
    match (message.direction, message.author == Author::PhoneApp) {
        (Direction::Inbound, _) => format!("message from {}{group}", who(subject)),
        (Direction::Outbound, true) => format!("message from the phone to {}{group}", who(subject)),
        (Direction::Outbound, false) => format!("message to {}{group}", who(subject)),
    }
}

fn who(subject: &Subject) -> String {
    display_safe(&output::who(&subject.contact)).into_owned()
}

fn said(subject: &Subject) -> String {
    let words = output::words(&subject.message.body);
    let safe = display_safe(&words);
    truncate_with(&safe, PREVIEW, ELLIPSIS).0.into_owned()
}

fn json_effect(effect: &Effect, subject: Option<&Subject>) -> Value {
    let is_message = effect.kind == EffectKind::Message;
    json!({
        "kind": effect.kind.name(),
        "field": effect.field,
        "message": effect.message.map(|id| id.0),
        "conversation": subject.map(|subject| subject.message.conversation.0),
        "direction": subject.map(|subject| output::direction(subject.message.direction)),
        "contact": subject.map(|subject| output::contact(&subject.contact)),
        "from": effect.from.map(State::name),
        "to": effect.to.map(State::name),
        "text": subject.filter(|_| is_message).map(|subject| output::words(&subject.message.body)),
        "detail": effect.detail,
    })
}

#[cfg(test)]
mod tests {
    use super::{Direction, Effect, EffectKind, Fate, Hook, Subject};
    use crate::domain::conversation::Contact;
    use crate::domain::hook::HookKey;
    use crate::domain::id::{ContactId, ConversationId, EventId, MessageId, WaId};
    use crate::domain::message::{Author, Body, Context, LateProof, Message, SortKey};
    use crate::domain::state::State;
    use crate::domain::time::Timestamp;
    use crate::store::event::EventRow;

    fn effect(kind: EffectKind, message: Option<i64>) -> Effect {
        Effect {
            event: EventId(7),
            kind,
            account: None,
            message: message.map(MessageId),
            from: None,
            to: None,
            field: "messages".to_owned(),
            detail: None,
            changes: Vec::new(),
        }
    }

    fn ana(direction: Direction, words: &str) -> Subject {
        let (id, at) = (MessageId(5), Timestamp::from_secs(0));
        Subject {
            message: Message {
                id,
                conversation: ConversationId(3),
                key: SortKey { at: 0, id },
                direction,
                author: Author::Operator,
                wamid: None,
                at,
                state: State::Received,
                late_proof: LateProof::default(),
                tries: 0,
                not_before: None,
                trouble: None,
                hold: None,
                charge: None,
                body: Body::Text { text: words.to_owned(), preview_url: false },
                quote: None,
                context: Context::default(),
                group: None,
                reactions: Vec::new(),
                edited: false,
                revoked: false,
            },
            contact: Contact {
                id: ContactId(1),
                name: Some("Ana\u{1b}[2J".to_owned()),
                wa_id: Some(WaId::new("15551230001")),
                user_id: None,
                username: None,
            },
        }
    }

    fn told(effects: Vec<(Effect, Option<Subject>)>, duplicate: bool) -> Hook {
        let (effects, subjects) = effects.into_iter().unzip();
        let received_at = Timestamp::from_secs(0);
        let row = EventRow {
            id: EventId(7),
            received_at,
            size: 1,
            duplicate,
            took: None,
            head: None,
            replay_of: None,
            effects,
        };
        let fate = Fate::Stored { row, facets: Vec::new(), subjects };
        Hook { key: HookKey::of(EventId(7)), fate }
    }

    /// The lines of an event without their time and number.
    fn lines(effects: Vec<(Effect, Option<Subject>)>) -> Vec<String> {
        let lines = super::lines(&told(effects, false));
        let bare = |line: &String| line.split_once("#7 ").unwrap().1.to_owned();
        lines.iter().map(bare).collect()
    }

    #[test]
    fn a_line_names_who_wrote_and_what_it_changed() {
        let message =
            (effect(EffectKind::Message, Some(5)), Some(ana(Direction::Inbound, "a\nb\u{9b}")));
        let contact = (effect(EffectKind::Contact, None), None);
        let who = "Ana\u{fffd}[2J (+15551230001)";
        assert_eq!(
            lines(vec![contact.clone(), message]),
            [format!("message from {who}: a b\u{fffd}  (message 5)")]
        );
        let mut status = effect(EffectKind::Status, Some(4));
        (status.from, status.to) = (Some(State::Sent), Some(State::Delivered));
        let status = (status, Some(ana(Direction::Outbound, "hi")));
        assert_eq!(
            lines(vec![status, contact.clone()]),
            [format!("status for {who}: sent -> delivered  (message 4)")]
        );
        assert_eq!(lines(vec![contact]), ["contact: names or numbers were noted"]);
        let notice = Effect {
            field: "account_update".to_owned(),
            detail: Some("restricted".to_owned()),
            ..effect(EffectKind::Notice, None)
        };
        assert_eq!(lines(vec![(notice, None)]), ["notice, account_update: restricted"]);
    }

    #[test]
    fn a_webhook_that_came_twice_says_so() {
        let line = super::lines(&told(Vec::new(), true)).remove(0);
        assert_eq!(
            line,
            "1970-01-01T00:00:00.000Z #7 the same webhook as one before: nothing changed"
        );
    }

    #[test]
    fn a_long_text_does_not_fill_the_screen() {
        let long = (
            effect(EffectKind::Message, Some(5)),
            Some(ana(Direction::Inbound, &"x".repeat(4096))),
        );
        let line = lines(vec![long]).remove(0);
        assert!(line.len() < 140 && line.contains('…'), "{line}");
    }
}
