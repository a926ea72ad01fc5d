//! A stored webhook in words and as JSON: what it was, who it is about, and what it changed.

use serde_json::{Value, json};

use super::output;
use crate::domain::conversation::Contact;
use crate::domain::id::ConversationId;
use crate::domain::message::{Author, Direction};
use crate::domain::state::State;
use crate::domain::text::{ELLIPSIS, display_safe, truncate_with};
use crate::store::event::{Effect, EffectKind, EventRow};
use crate::store::{Error, ReadConn, list, message};

/// Columns of a message's text on its line.
const PREVIEW: usize = 72;

/// The message of an effect, and whose conversation it is in.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    conversation: ConversationId,
    contact: Contact,
    direction: Direction,
    /// Written on the phone of the business, not here.
    from_phone: bool,
    in_group: bool,
    /// What it says, unsanitised.
    words: String,
}

/// An event with the subjects of its effects, in their order.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) row: EventRow,
    subjects: Vec<Option<Subject>>,
}

impl Told {
    /// Reads what an event is about.
    pub(super) fn read(read: &ReadConn, row: EventRow) -> Result<Self, Error> {
        let subjects = row.effects.iter().map(|effect| subject(read, effect));
        let subjects = subjects.collect::<Result<_, _>>()?;
        Ok(Self { row, subjects })
    }

    /// One line for each thing the event did.
    pub(super) fn lines(&self) -> Vec<String> {
        let head = format!("{} #{}", output::time(self.row.received_at), self.row.id);
        let effects = self.row.effects.iter().zip(&self.subjects);
        // Nearly every webhook repeats who it is about; that is news only when there is no other.
        let told: Vec<String> = effects
            .filter(|(effect, _)| effect.kind != EffectKind::Contact)
            .map(|(effect, subject)| format!("{head} {}", spell(effect, subject.as_ref())))
            .collect();
        if !told.is_empty() {
            return told;
        }
        let words = match self.row.effects.is_empty() {
            false => "contact: names or numbers were noted",
            true if self.row.duplicate => "the same webhook as one before: nothing changed",
            true => "an empty webhook: nothing changed",
        };
        vec![format!("{head} {words}")]
    }

    /// The event with the names that every command uses.
    pub(super) fn json(&self) -> Value {
        let effects = self.row.effects.iter().zip(&self.subjects);
        let effects: Vec<Value> =
            effects.map(|(effect, subject)| json_effect(effect, subject.as_ref())).collect();
        json!({
            "event": self.row.id.0,
            "received_at": output::time(self.row.received_at),
            "size": self.row.size,
            "duplicate": self.row.duplicate,
            "effects": effects,
        })
    }
}

fn subject(read: &ReadConn, effect: &Effect) -> Result<Option<Subject>, Error> {
    let Some(id) = effect.message else { return Ok(None) };
    let message = message::message(read, id)?;
    let row = list::conversation(read, message.conversation)?;
    Ok(Some(Subject {
        conversation: row.id,
        contact: row.contact,
        direction: message.direction,
        from_phone: message.author == Author::PhoneApp,
        in_group: message.group.is_some(),
        words: output::words(&message.body),
    }))
}

/// `message from Ana (+15551230001): hello  (message 13)`, `status for Ana (+15551230001): sent > delivered
/// (message 12)`.
fn spell(effect: &Effect, subject: Option<&Subject>) -> String {
    let detail = display_safe(effect.detail.as_deref().unwrap_or("no details")).into_owned();
    let field = display_safe(&effect.field).into_owned();
    let words = match (effect.kind, subject) {
        (EffectKind::Message, Some(subject)) => {
            format!("{}: {}", message_of(subject), said(subject))
        }
        (EffectKind::Status, Some(subject)) => match (effect.from, effect.to) {
            (Some(from), Some(to)) if from == to => {
                format!("status for {}: still {}", who(subject), to.name())
            }
            (Some(from), Some(to)) => {
                format!("status for {}: {} > {}", who(subject), from.name(), to.name())
            }
            _ => format!("{}: {detail}", message_of(subject)),
        },
        (EffectKind::Message, None) => format!("message: {detail}"),
        (EffectKind::Status, None) => format!("status: {detail}"),
        (EffectKind::Pending, _) => {
            format!("status for a message that is not known here, kept until it is: {detail}")
        }
        (EffectKind::Contact, _) => "contact: names or numbers were noted".to_owned(),
        (EffectKind::Preference, _) => format!("marketing preference: {detail}"),
        (EffectKind::Notice, _) => format!("notice, {field}: {detail}"),
        (EffectKind::Error, _) => format!("error, {field}: {detail}"),
        (EffectKind::Unknown, _) => format!("not understood, kept as it came, {field}: {detail}"),
        (EffectKind::UnknownNumber, _) => format!("not for an account of this config: {detail}"),
        (EffectKind::Failed, _) => {
            format!("could not be applied, kept as it came, {field}: {detail}")
        }
    };
    match effect.message {
        Some(message) => format!("{words}  (message {message})"),
        None => words,
    }
}

fn message_of(subject: &Subject) -> String {
    let group = if subject.in_group { " in a group" } else { "" };
    match (subject.direction, subject.from_phone) {
        (Direction::Inbound, _) => format!("message from {}{group}", who(subject)),
        (Direction::Outbound, true) => format!("message from the phone to {}{group}", who(subject)),
        (Direction::Outbound, false) => format!("message to {}{group}", who(subject)),
    }
}

fn who(subject: &Subject) -> String {
    display_safe(&output::who(&subject.contact)).into_owned()
}

fn said(subject: &Subject) -> String {
    let safe = display_safe(&subject.words);
    truncate_with(&safe, PREVIEW, ELLIPSIS).0.into_owned()
}

fn json_effect(effect: &Effect, subject: Option<&Subject>) -> Value {
    let is_message = effect.kind == EffectKind::Message;
    json!({
        "kind": kind(effect.kind),
        "field": effect.field,
        "message": effect.message.map(|id| id.0),
        "conversation": subject.map(|subject| subject.conversation.0),
        "direction": subject.map(|subject| output::direction(subject.direction)),
        "contact": subject.map(|subject| output::contact(&subject.contact)),
        "from": effect.from.map(State::name),
        "to": effect.to.map(State::name),
        "text": subject.filter(|_| is_message).map(|subject| subject.words.as_str()),
        "detail": effect.detail,
    })
}

const fn kind(kind: EffectKind) -> &'static str {
    match kind {
        EffectKind::Message => "message",
        EffectKind::Status => "status",
        EffectKind::Pending => "pending",
        EffectKind::Contact => "contact",
        EffectKind::Preference => "preference",
        EffectKind::Notice => "notice",
        EffectKind::Error => "error",
        EffectKind::Unknown => "unknown",
        EffectKind::UnknownNumber => "unknown_number",
        EffectKind::Failed => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::{Contact, ConversationId, Direction, Effect, EffectKind, EventRow, Subject, Told};
    use crate::domain::id::{ContactId, EventId, MessageId, WaId};
    use crate::domain::state::State;
    use crate::domain::time::Timestamp;

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
        }
    }

    fn ana(direction: Direction, words: &str) -> Subject {
        Subject {
            conversation: ConversationId(3),
            contact: Contact {
                id: ContactId(1),
                name: Some("Ana\u{1b}[2J".to_owned()),
                wa_id: Some(WaId::new("15551230001")),
                user_id: None,
                username: None,
            },
            direction,
            from_phone: false,
            in_group: false,
            words: words.to_owned(),
        }
    }

    fn told(effects: Vec<(Effect, Option<Subject>)>, duplicate: bool) -> Told {
        let (effects, subjects) = effects.into_iter().unzip();
        let received_at = Timestamp::from_secs(0);
        Told {
            row: EventRow { id: EventId(7), received_at, size: 1, duplicate, effects },
            subjects,
        }
    }

    /// The lines of an event without their time and number.
    fn lines(effects: Vec<(Effect, Option<Subject>)>) -> Vec<String> {
        let lines = told(effects, false).lines();
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
            [format!("status for {who}: sent > delivered  (message 4)")]
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
        let line = told(Vec::new(), true).lines().remove(0);
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
