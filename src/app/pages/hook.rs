//! A request at the listener in its parts.

use super::{Ink, Line, Page};
use crate::app::Model;
use crate::app::hooks;
use crate::app::inspector::Part;
use crate::domain::error_code;
use crate::domain::hook::{EventRow, Fate, Hook};
use crate::domain::state::State;
use crate::domain::text;

/// So many things that one event did are told. It may be a thousand, and the page is made with each key.
const MOST: usize = 100;

/// Who signed it and how long it is, for its line.
#[must_use]
pub fn hook_facts(hook: &Hook) -> String {
    match &hook.fate {
        Fate::Passed(arrival) => text::display_safe(&arrival.why).into_owned(),
        Fate::Stored { row, .. } => {
            let signed = match &row.head {
                Some(head) => format!("signed by {}", text::display_safe(&head.secret)),
                None if row.replay_of.is_some() => "made here".to_owned(),
                None => "signature not noted".to_owned(),
            };
            format!("{signed}  {} B", row.size)
        }
    }
}

/// A part of the selected request, for this width.
#[must_use]
pub fn hook_part(model: &Model, part: Part, width: usize) -> Vec<Line> {
    let mut page = Page::new(width, model);
    if let Some(hook) = model.hooks.selected() {
        lines_of(model, hook, part, &mut page);
    }
    page.lines
}

/// All parts of the selected request.
pub(super) fn whole(model: &Model, page: &mut Page) {
    let Some(hook) = model.hooks.selected() else { return };
    for part in [Part::Effects, Part::Diff, Part::Headers, Part::Body] {
        page.heading(match part {
            Part::Effects => "What it did",
            Part::Diff => "Rows, before and after",
            Part::Headers => "How it came",
            Part::Body => "Body",
        });
        lines_of(model, hook, part, page);
    }
}

fn lines_of(model: &Model, hook: &Hook, part: Part, page: &mut Page) {
    match (&hook.fate, part) {
        (Fate::Passed(arrival), Part::Headers) => {
            let code = arrival.code.to_string();
            let length = arrival.length.map(|length| format!("{length} B"));
            for (name, words) in [
                ("Answer", Some(code.as_str())),
                ("Because", Some(&*arrival.why)),
                ("Asked", Some(&*format!("{} {}", arrival.method, arrival.path))),
                ("From", arrival.peer.as_deref()),
                ("Program", arrival.agent.as_deref()),
                ("Length", length.as_deref()),
            ] {
                if let Some(words) = words {
                    page.fact(name, words, Ink::Plain);
                }
            }
        }
        (Fate::Passed(arrival), Part::Effects) => page.wrapped(remedy(&arrival.why), Ink::Plain),
        (Fate::Passed(_), Part::Diff) => page.wrapped("Nothing was changed.", Ink::Dim),
        (Fate::Passed(_), Part::Body) => {
            page.wrapped("Nothing of its body is kept, since nobody knows who sent it.", Ink::Dim);
        }
        (Fate::Stored { row, .. }, Part::Headers) => {
            let took = hooks::took(row.took);
            if !took.is_empty() {
                page.fact("Answer", &format!("200 after {took} ms"), Ink::Plain);
            }
            let Some(head) = &row.head else {
                return page.wrapped("Its headers are not known.", Ink::Dim);
            };
            page.fact("Signed", &format!("by the app secret of {}", head.secret), Ink::Plain);
            for header in head.headers.lines() {
                page.wrapped(header, Ink::Plain);
            }
            let body = model.hooks.shown_body();
            if let Some(signature) = body.and_then(|body| body.signature.as_ref()) {
                page.wrapped(&format!("x-hub-signature-256: {signature}"), Ink::Dim);
            }
        }
        (Fate::Stored { row, facets, subjects }, Part::Effects) => {
            let all = hooks::effects(row, subjects);
            for line in all.iter().take(MOST) {
                page.wrapped(line, Ink::Plain);
            }
            rest(page, all.len(), row);
            for code in facets.iter().filter_map(|facet| facet.code).take(MOST) {
                let entry = error_code::shown(code, State::Failed);
                page.fact(&code.to_string(), &format!("{}.", entry.plain), Ink::Bad);
                page.fact("Helps", &format!("{}.", entry.remedy), Ink::Plain);
            }
        }
        (Fate::Stored { row, subjects, .. }, Part::Diff) => {
            let changes = hooks::changes(row, subjects);
            if changes.is_empty() {
                page.wrapped("No row was changed.", Ink::Dim);
            }
            for change in changes.iter().take(MOST) {
                let before = change.before.as_deref().unwrap_or("-");
                let after = change.after.as_deref().unwrap_or("-");
                let words = format!("{}  {}  {before} -> {after}", change.row, change.column);
                page.wrapped(&words, Ink::Plain);
            }
            rest(page, changes.len(), row);
        }
        (Fate::Stored { .. }, Part::Body) => match model.hooks.shown_body() {
            Some(body) => {
                for line in &body.lines {
                    let (cut, _) = text::truncate_with(line, page.width, page.ellipsis);
                    page.lines.push(Line(vec![(Ink::Plain, cut.into_owned())]));
                }
            }
            None => page.wrapped("loading", Ink::Dim),
        },
    }
}

/// What is left out of so many.
fn rest(page: &mut Page, all: usize, row: &EventRow) {
    if let Some(more) = all.checked_sub(MOST).filter(|more| *more > 0) {
        let words = format!("{more} more; twoticks events show {} tells all of them.", row.id);
        page.wrapped(&words, Ink::Dim);
    }
}

/// What helps against a refusal.
fn remedy(why: &str) -> &'static str {
    match why {
        "bad signature" => {
            "It was not signed with the app secret of any account here. If it came from Meta, app_secret is \
             that of another app; if not, somebody found the address."
        }
        "wrong verify token" => {
            "The verify token that was typed at Meta is not the verify_token of the config."
        }
        "wrong path" => "Nothing answers there; listener.path in the config is the path that does.",
        "wrong method" => {
            "Webhooks are posted, and the challenge is a GET; nothing else is answered."
        }
        "too large" => "Meta's webhooks have at most 3 MB.",
        "the store could not take it" => {
            "It was signed, and will be delivered again: the disk may be full, or the database locked."
        }
        "challenge answered" => "Meta asked whether the address is yours, and was told so.",
        "self-test answered" => "A test event of the program itself: the way in works.",
        _ => "It did not come in whole and in time.",
    }
}
