//! Requests at the listener in words: the columns of the list, what each changed, and the body made readable.
//! What comes out is sanitised.

use std::time::Duration;

use super::describe;
use crate::domain::hook::{Effect, EffectKind, EventRow, Facet, Fate, Hook, Subject};
use crate::domain::{shell, text};

/// Columns of the list, and what there is to note.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// The webhook field, `-` when there is none.
    pub field: String,
    /// The type, the status with its error, or why it was refused.
    pub what: String,
    /// Whom it concerns, or where it came from.
    pub who: String,
    /// What is out of the ordinary: duplicates, replays, what was not understood.
    pub note: String,
    /// Something is wrong with it.
    pub bad: bool,
}

/// The columns of a request.
#[must_use]
pub fn columns(hook: &Hook) -> Columns {
    match &hook.fate {
        Fate::Passed(arrival) => {
            let bad = arrival.code >= 400;
            let peer = arrival.peer.as_deref().unwrap_or("-");
            Columns {
                field: "-".to_owned(),
                what: text::display_safe(&arrival.why).into_owned(),
                who: text::display_safe(peer).into_owned(),
                note: text::display_safe(&format!("{} {}", arrival.method, arrival.path))
                    .into_owned(),
                bad,
            }
        }
        Fate::Stored { row, facets, subjects } => stored(row, facets, subjects),
    }
}

fn stored(row: &EventRow, facets: &[Facet], subjects: &[Option<Subject>]) -> Columns {
    // `contacts` beside a message repeats who it is about; it is news only when there is nothing else.
    let main = facets.iter().position(|facet| facet.field != "contacts").unwrap_or(0);
    let facet = facets.get(main);
    let effect = row.effects.get(main).or(row.effects.first());
    let field = facet.map(|facet| facet.field.clone()).filter(|field| !field.is_empty());
    let field = field.or_else(|| effect.map(|effect| effect.field.clone()));
    let subject = subjects.get(main).and_then(Option::as_ref);
    let who = subject.map(|subject| describe::name(&subject.contact)).or_else(|| {
        let who = facet.and_then(|facet| facet.who.as_deref());
        who.map(|who| text::display_safe(who).into_owned())
    });
    // What Meta tells is about nobody, and says itself what about.
    let told = effect.filter(|effect| effect.kind == EffectKind::Notice);
    let told = told.and_then(|effect| effect.detail.as_deref());
    let who = who.or_else(|| Some(text::display_safe(told?).into_owned()));
    let others = facets.iter().filter(|facet| facet.field != "contacts").count().saturating_sub(1);
    let mut notes = Vec::new();
    if let Some(of) = row.replay_of {
        notes.push(format!("replay of {of}"));
    } else if row.duplicate {
        notes.push("dup".to_owned());
    }
    if others > 0 {
        notes.push(format!("+{others} more"));
    }
    let mut kinds: Vec<EffectKind> = row.effects.iter().map(|effect| effect.kind).collect();
    kinds.dedup();
    notes.extend(kinds.iter().filter_map(|kind| remark(*kind)).map(str::to_owned));
    Columns {
        field: text::display_safe(field.as_deref().unwrap_or("-")).into_owned(),
        what: what(facet, effect),
        who: who.unwrap_or_else(|| "-".to_owned()),
        note: notes.join(", "),
        bad: row.effects.iter().any(|effect| effect.kind.is_unapplied()),
    }
}

const fn remark(kind: EffectKind) -> Option<&'static str> {
    match kind {
        EffectKind::Unknown => Some("not understood"),
        EffectKind::UnknownNumber => Some("no account"),
        EffectKind::Failed => Some("not applied"),
        EffectKind::Pending => Some("waits"),
        _ => None,
    }
}

fn what(facet: Option<&Facet>, effect: Option<&Effect>) -> String {
    let words = match (facet, effect) {
        (Some(Facet { kind, code: Some(code), .. }), _) => format!("{kind} {code}"),
        (Some(facet), _) if !facet.kind.is_empty() => facet.kind.clone(),
        (_, Some(effect)) => match (&effect.detail, effect.to) {
            (_, Some(to)) => to.name().to_owned(),
            (Some(detail), None) if effect.kind != EffectKind::Pending => detail.clone(),
            _ => effect.kind.name().to_owned(),
        },
        _ => "-".to_owned(),
    };
    text::display_safe(words.trim()).into_owned()
}

/// `4 ms`, `0.3 ms`, `1.2 s`; nothing while it is not known.
#[must_use]
pub fn took(took: Option<Duration>) -> String {
    let Some(took) = took else { return String::new() };
    let micros = took.as_micros();
    match micros {
        0..10_000 => format!("{}.{}", micros / 1000, micros % 1000 / 100),
        _ => (micros / 1000).to_string(),
    }
}

/// A row that a request changed, as `before -> after`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// `message.4411`.
    pub row: String,
    /// The column.
    pub column: String,
    /// What was in it; none when the row or what is in the column is new.
    pub before: Option<String>,
    /// What is in it since.
    pub after: Option<String>,
}

/// The rows that an event changed. Of a new message, the columns that are never changed again.
#[must_use]
pub fn changes(row: &EventRow, subjects: &[Option<Subject>]) -> Vec<Change> {
    let mut all = Vec::new();
    let none = None;
    for (at, effect) in row.effects.iter().enumerate() {
        of_effect(effect, subjects.get(at).unwrap_or(&none).as_ref(), &mut all);
    }
    all
}

fn of_effect(effect: &Effect, subject: Option<&Subject>, all: &mut Vec<Change>) {
    let change = |row: &str, column: &str, before: Option<&str>, after: Option<&str>| Change {
        row: text::display_safe(row).into_owned(),
        column: column.to_owned(),
        before: before.map(|text| text::display_safe(text).into_owned()),
        after: after.map(|text| text::display_safe(text).into_owned()),
    };
    let message = effect.message.map(|id| format!("message.{id}")).unwrap_or_default();
    match (effect.kind, subject) {
        (EffectKind::Message, Some(subject)) => {
            let found = &subject.message;
            let conversation = format!("conversation.{}", found.conversation);
            let wamid = found.wamid.as_ref().map(ToString::to_string);
            all.push(change(&message, "conversation", None, Some(&conversation)));
            all.push(change(&message, "wamid", None, wamid.as_deref()));
            all.push(change(&message, "says", None, Some(&describe::line(found))));
        }
        (EffectKind::Status, _) => {
            if let (Some(from), Some(to)) = (effect.from, effect.to) {
                all.push(change(&message, "state", Some(from.name()), Some(to.name())));
            }
        }
        (EffectKind::Pending, _) => {
            all.push(change("pending_status", "wamid", None, effect.detail.as_deref()));
        }
        (EffectKind::Preference, _) => {
            all.push(change("wish", "stop", None, effect.detail.as_deref()));
        }
        _ => {}
    }
    for row in &effect.changes {
        all.push(change(
            &format!("{}.{}", row.table, row.id),
            &row.column,
            row.before.as_deref(),
            row.after.as_deref(),
        ));
    }
}

/// One line for each thing that an event did, without whom it is about.
#[must_use]
pub fn effects(row: &EventRow, subjects: &[Option<Subject>]) -> Vec<String> {
    let none = None;
    let told = row.effects.iter().enumerate().map(|(at, effect)| {
        let subject = subjects.get(at).unwrap_or(&none).as_ref();
        let who = subject.map(|subject| describe::name(&subject.contact));
        text::display_safe(&effect_line(effect, who.as_deref().unwrap_or("?"))).into_owned()
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() {
        let words = if row.duplicate {
            "An equal webhook came before: it was kept and changed nothing."
        } else {
            "There was nothing in it to apply."
        };
        return vec![words.to_owned()];
    }
    told
}

fn effect_line(effect: &Effect, who: &str) -> String {
    let Some(id) = effect.message else { return spell(effect) };
    match (effect.kind, moved(effect)) {
        (EffectKind::Message, _) => format!("message {id} stored, with {who}"),
        (EffectKind::Status, Some(moved)) => format!("message {id} to {who}: {moved}"),
        _ => format!("{}  (message {id})", spell(effect)),
    }
}

/// What a status did to the state of its message: `sent -> delivered`, `still read`.
#[must_use]
pub fn moved(effect: &Effect) -> Option<String> {
    let (from, to) = (effect.from?, effect.to?);
    Some(if from == to {
        format!("still {}", to.name())
    } else {
        format!("{} -> {}", from.name(), to.name())
    })
}

/// What an item did, in the words of the screen and of the commands, without the message that it is about;
/// unsanitised.
#[must_use]
pub fn spell(effect: &Effect) -> String {
    let detail = effect.detail.as_deref().unwrap_or("no details");
    // A body that is no webhook has no field.
    let field = if effect.field.is_empty() { String::new() } else { format!(", {}", effect.field) };
    match effect.kind {
        EffectKind::Message => format!("message: {detail}"),
        EffectKind::Status => format!("status: {detail}"),
        EffectKind::Pending => {
            format!("status for a message that is not known here, kept until it is: {detail}")
        }
        EffectKind::Contact => "contact: names or numbers were noted".to_owned(),
        EffectKind::Preference => format!("marketing preference: {detail}"),
        EffectKind::Notice => format!("notice{field}: {detail}"),
        EffectKind::Error => format!("error{field}: {detail}"),
        EffectKind::Unknown => format!("not understood, kept as it came{field}: {detail}"),
        EffectKind::UnknownNumber => format!("not for an account of this config: {detail}"),
        EffectKind::Failed => format!("could not be applied, kept as it came{field}: {detail}"),
    }
}

/// JSON with a line for each element, in the order it came; anything else as it is. Nothing is changed but
/// white space outside of texts.
#[must_use]
pub fn pretty(body: &str) -> String {
    if serde_json::from_str::<serde::de::IgnoredAny>(body).is_err() {
        return body.to_owned();
    }
    let mut out = String::with_capacity(body.len() * 2);
    let mut depth = 0_usize;
    let mut chars = body.chars().peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth.min(MOST_INDENT)));
    };
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                out.push(c);
                while let Some(inner) = chars.next() {
                    out.push(inner);
                    match inner {
                        '\\' => out.extend(chars.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '{' | '[' => {
                out.push(c);
                while chars.peek().is_some_and(char::is_ascii_whitespace) {
                    chars.next();
                }
                // An empty one stays on its line.
                if let Some(end) = chars.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

/// Deeper nesting is not indented further.
const MOST_INDENT: usize = 24;

/// The command that posts a webhook again, for a shell.
#[must_use]
pub fn curl(url: &str, signature: Option<&str>, body: &str) -> String {
    let header = |signature| shell::quoted(&format!("X-Hub-Signature-256: {signature}"));
    let headers: Vec<String> = signature.map(header).into_iter().collect();
    shell::curl(url, &headers, body)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Effect, EffectKind, curl, pretty, spell, took};
    use crate::domain::id::EventId;

    #[test]
    fn what_is_no_json_stays_as_it_is() {
        let body = "hello  world, \"a b\" [ c ]";
        assert_eq!(pretty(body), body);
    }

    #[test]
    fn a_body_is_laid_out_and_says_the_same() {
        let body = r#"{"b":[1,{"a":"x, \"y\": {[\\"}],"c":{},"d":[ ],"e":-1.5e3}"#;
        let laid_out = pretty(body);
        assert_eq!(
            laid_out,
            "{\n  \"b\": [\n    1,\n    {\n      \"a\": \"x, \\\"y\\\": {[\\\\\"\n    }\n  ],\n  \"c\": {},\n  \"d\": [],\n  \"e\": -1.5e3\n}"
        );
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&laid_out), read(body));
        assert_eq!(pretty(&laid_out), laid_out, "twice is once");
    }

    #[test]
    fn what_is_no_json_ends_all_the_same() {
        for body in ["", "\"", "{", "]]]]", "\"\\", "not json", &"[".repeat(10_000)] {
            assert!(pretty(body).len() <= body.len() * 60 + 10, "{body:.20}");
        }
    }

    #[test]
    fn a_command_for_the_shell_survives_quotes() {
        let command = curl("http://127.0.0.1:1/x", Some("sha256=ab"), "{\"a\":\"it's $HOME\"}");
        assert!(command.contains(r#"--data-raw '{"a":"it'\''s $HOME"}'"#), "{command}");
        assert!(command.contains("-H 'X-Hub-Signature-256: sha256=ab'"), "{command}");
    }

    #[test]
    fn what_is_no_webhook_has_no_field_to_be_named() {
        let effect = Effect {
            event: EventId(1),
            kind: EffectKind::Unknown,
            account: None,
            message: None,
            from: None,
            to: None,
            field: String::new(),
            detail: Some("the body is no JSON".to_owned()),
            changes: Vec::new(),
        };
        assert_eq!(spell(&effect), "not understood, kept as it came: the body is no JSON");
        let effect = Effect { field: "tomorrow".to_owned(), ..effect };
        assert!(spell(&effect).contains("as it came, tomorrow: the body"));
    }

    #[test]
    fn short_times_keep_a_digit() {
        assert_eq!(took(Some(Duration::from_micros(320))), "0.3");
        assert_eq!(took(Some(Duration::from_micros(12_900))), "12");
        assert_eq!(took(None), "");
    }
}
