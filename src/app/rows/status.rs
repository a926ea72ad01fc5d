//! The lines under a message that say what became of it when the state slot alone does not.

use super::{Lines, Look, Tone};
use crate::app::{queue, when};
use crate::domain::error_code::{self, Class};
use crate::domain::event::Pricing;
use crate::domain::message::{Direction, LateProof, Message, Trouble};
use crate::domain::state::State;
use crate::domain::text;

/// Adds what has to be said about an outbound message.
pub(super) fn lines(message: &Message, look: &Look<'_>, lines: &mut Lines) {
    if message.direction == Direction::Inbound {
        return;
    }
    match message.state {
        State::Failed => {
            let why = reason(message.state, message.trouble.as_ref());
            let what = if message.can_go_again() { "send again" } else { "drop" };
            // Sent again, it would be refused again: only a template reaches them.
            let code = message.trouble.as_ref().and_then(|trouble| trouble.code);
            let shut = error_code::lookup(code, 0, None).class == Class::WindowClosed;
            let instead = if shut { look.template_key } else { "" };
            let keys = keys(&[
                (instead, "template"),
                (look.resend_key, what),
                (look.explain_key, "explain"),
            ]);
            with_keys(&why, &keys, Tone::Failure, look, lines);
        }
        State::Uncertain => {
            let why = reason(message.state, message.trouble.as_ref());
            let keys =
                keys(&[(look.resend_key, "send again or drop"), (look.explain_key, "explain")]);
            let known = "not known whether it was accepted";
            with_keys(&format!("{known}: {why}"), &keys, Tone::Doubt, look, lines);
        }
        State::Held => {
            let keys = keys(&[(look.resend_key, "decide")]);
            with_keys(&queue::held(message), &keys, Tone::Held, look, lines);
        }
        State::Scheduled => {
            if let Some(at) = message.not_before {
                let when = when::near(at, look.now, look.zone);
                let keys = keys(&[(look.resend_key, "change")]);
                with_keys(&format!("scheduled for {when}"), &keys, Tone::Dim, look, lines);
            }
        }
        State::Queued => waiting(message, look, lines),
        State::Cancelled => lines.cut("withdrawn", Tone::Dim, look),
        State::Accepted => {
            if let Some(trouble) = &message.trouble {
                lines.wrapped(&reason(message.state, Some(trouble)), Tone::Held);
            }
        }
        State::Sending
        | State::Sent
        | State::Delivered
        | State::Read
        | State::Played
        | State::Received => {}
    }
    match message.late_proof {
        LateProof::None => {}
        LateProof::WasSent => {
            lines.wrapped("was sent: proof came that an earlier request was accepted", Tone::Doubt);
        }
        LateProof::SentTwice => {
            lines.wrapped("sent twice: proof came that two requests were accepted", Tone::Doubt);
        }
    }
}

/// What Meta charges a message as, in a few words, unsanitised: the category and the type of a status's
/// `pricing` (Meta, pricing).
pub(crate) fn charged(charge: &Pricing) -> String {
    let words = match charge.kind.as_deref() {
        Some("regular") | None => "charged",
        Some("free_customer_service" | "free_group_customer_service") => "free",
        Some("free_entry_point") => "free after an ad,",
        Some(other) => return format!("{}: {other}", charge.category),
    };
    format!("{words} as {}", charge.category)
}

/// A reason with the keys that help: behind it where they fit, else on a row of their own.
fn with_keys(words: &str, keys: &str, tone: Tone, look: &Look<'_>, lines: &mut Lines) {
    let safe = text::display_safe(words);
    if text::width(&safe) + text::width(keys) <= lines.width {
        lines.cut(&format!("{safe}{keys}"), tone, look);
    } else {
        lines.wrapped(&safe, tone);
        lines.cut(keys.trim_start(), tone, look);
    }
}

/// Why a queued message is not on its way yet.
fn waiting(message: &Message, look: &Look<'_>, lines: &mut Lines) {
    let Some(trouble) = &message.trouble else { return };
    let mut words = reason(message.state, Some(trouble));
    if let Some(at) = message.not_before.filter(|at| *at > look.now) {
        words.push_str("; next try at ");
        words.push_str(&when::clock_seconds(at, look.zone));
    }
    lines.wrapped(&words, Tone::Dim);
}

/// The code and what it means in plain words; Meta's or our own words where no code says it better.
pub(crate) fn reason(state: State, trouble: Option<&Trouble>) -> String {
    match trouble {
        Some(Trouble { code: Some(code), .. }) => {
            let entry = error_code::shown(*code, state);
            format!("{code} {}", entry.plain)
        }
        Some(Trouble { code: None, detail }) if !detail.is_empty() => detail.clone(),
        _ => "no reason was given".to_owned(),
    }
}

/// `  R send again  x explain`, leaving out actions without a key.
fn keys(pairs: &[(&str, &str)]) -> String {
    let mut words = String::new();
    for (key, what) in pairs.iter().filter(|(key, _)| !key.is_empty()) {
        words.extend(["  ", key, " ", what]);
    }
    words
}
