//! The jump box: conversations by name or number, ranked as they are typed; with `>` in front, commands.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32String};

use super::action::{Action, Context, TABLE, works_in};
use super::composer::Editor;
use super::describe;
use super::wait::Wait;
use crate::domain::conversation::Conversation;

/// At most this many rows are asked for and kept.
pub const LIMIT: u32 = 50;

/// The box with what was typed and what it finds.
#[derive(Debug)]
pub struct JumpBox {
    /// What was typed.
    pub editor: Editor,
    /// What it finds, best first.
    pub hits: Vec<Hit>,
    /// The selected hit.
    pub selected: usize,
    /// The pending query.
    pub wait: Wait<()>,
    /// The context under the box, whose commands are offered.
    pub under: Context,
    /// Conversations to rank.
    candidates: Vec<Conversation>,
}

/// A row of the box.
#[derive(Clone, Debug, PartialEq)]
pub enum Hit {
    /// Open this conversation.
    Conversation(Box<Conversation>),
    /// Begin a conversation with the number that was typed.
    Begin(String),
    /// Carry out this action.
    Command(Action),
}

impl JumpBox {
    /// A box over `under` that knows the conversations of the list already.
    #[must_use]
    pub fn new(text: &str, under: Context, known: &[Conversation]) -> Self {
        let mut jump = Self {
            editor: Editor::new(text, false),
            hits: Vec::new(),
            selected: 0,
            wait: Wait::default(),
            under,
            candidates: known.to_vec(),
        };
        jump.rank();
        jump
    }

    /// The text to search the store for; none while a command is typed.
    #[must_use]
    pub fn wanted(&self) -> Option<String> {
        let text = self.editor.text();
        (!text.starts_with('>')).then(|| text.trim().to_owned())
    }

    /// Takes what the store found beside what is known.
    pub fn found(&mut self, rows: Vec<Conversation>) {
        for row in rows {
            match self.candidates.iter_mut().find(|known| known.id == row.id) {
                Some(known) => *known = row,
                None => self.candidates.push(row),
            }
        }
        let kept = self.hits.get(self.selected).cloned();
        self.rank();
        // What arrives late must not slip another row under the selection.
        if let Some(place) = kept.and_then(|kept| self.hits.iter().position(|hit| *hit == kept)) {
            self.selected = place;
        }
    }

    /// Moves the selection.
    pub fn step(&mut self, by: isize) {
        let last = self.hits.len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(by).min(last);
    }

    /// Ranks again after the text changed.
    pub fn rank(&mut self) {
        let text = self.editor.text();
        self.selected = 0;
        self.hits = match text.strip_prefix('>') {
            Some(command) => commands(command.trim(), self.under),
            None => conversations(text.trim(), &self.candidates),
        };
        self.hits.truncate(usize::try_from(LIMIT).unwrap_or(usize::MAX));
    }
}

fn commands(text: &str, under: Context) -> Vec<Hit> {
    let offered = TABLE.iter().filter(|entry| works_in(entry, under));
    let name = text.to_lowercase().replace(' ', "-");
    let mut found =
        ranked(text, offered, |entry| format!("{} {}", entry.name.replace('-', " "), entry.doc));
    // Who types a name means it, whatever else has these words.
    found.sort_by_key(|entry| (entry.name != name, !entry.name.starts_with(&name)));
    found.into_iter().map(|entry| Hit::Command(entry.action)).collect()
}

fn conversations(text: &str, candidates: &[Conversation]) -> Vec<Hit> {
    let found = match digits(text) {
        Some(digits) => candidates.iter().filter(|row| has_digits(row, &digits)).collect(),
        None => ranked(text, candidates.iter(), |row| haystack(row)),
    };
    let mut hits: Vec<_> =
        found.into_iter().map(|row| Hit::Conversation(Box::new(row.clone()))).collect();
    if looks_like_a_number(text) {
        hits.push(Hit::Begin(text.to_owned()));
    }
    hits
}

/// Orders by how well they match, keeps those that match at all; with no text all, as they come.
fn ranked<T>(text: &str, items: impl Iterator<Item = T>, words: impl Fn(&T) -> String) -> Vec<T> {
    if text.is_empty() {
        return items.collect();
    }
    let pattern = Pattern::parse(text, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut scored: Vec<_> = items
        .filter_map(|item| {
            let words = Utf32String::from(words(&item));
            pattern.score(words.slice(..), &mut matcher).map(|score| (score, item))
        })
        .collect();
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().map(|(_, item)| item).collect()
}

/// Name, username, and the number both as it is shown and as bare digits.
fn haystack(row: &Conversation) -> String {
    let contact = &row.contact;
    let mut words = String::new();
    for part in [contact.name.as_deref(), contact.username.as_deref()].into_iter().flatten() {
        words.push_str(part);
        words.push(' ');
    }
    if let Some(number) = &contact.wa_id {
        words.push_str(&describe::handle(contact));
        words.push(' ');
        words.push_str(number.as_str());
    }
    words
}

/// The digits of a text that is a part of a number, or a whole one: nobody means digits that lie apart.
fn digits(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let plain = text.chars().all(|c| c.is_ascii_digit() || "+ -().".contains(c));
    (plain && !digits.is_empty()).then_some(digits)
}

/// Whether these digits stand side by side in the number or in the name.
fn has_digits(row: &Conversation, digits: &str) -> bool {
    let contact = &row.contact;
    contact.wa_id.as_ref().is_some_and(|number| number.as_str().contains(digits))
        || contact.name.as_deref().is_some_and(|name| name.contains(digits))
        || contact.username.as_deref().is_some_and(|name| name.contains(digits))
}

/// Whether the text can only be meant as a number: a plus, then digits and what people put between them.
fn looks_like_a_number(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('+') else { return false };
    rest.chars().filter(char::is_ascii_digit).count() >= 7
        && rest.chars().all(|c| c.is_ascii_digit() || " -().".contains(c))
}

#[cfg(test)]
mod tests {
    use super::{Hit, JumpBox};
    use crate::app::action::Context;
    use crate::app::fixture::world;

    #[test]
    fn a_command_that_is_typed_whole_comes_before_those_that_begin_with_it() {
        for (text, first) in [(">template", "template"), (">Next unread", "next-unread")] {
            let jump = JumpBox::new(text, Context::List, &[]);
            let Some(Hit::Command(action)) = jump.hits.first() else { panic!("{:?}", jump.hits) };
            assert_eq!(crate::app::action::entry(*action).unwrap().name, first);
        }
    }

    /// 5582 once found every number that has a 5, a 5, an 8 and a 2 in this order.
    #[test]
    fn digits_stand_side_by_side_in_what_they_find() {
        let rows = world().conversations;
        let found = |text: &str| {
            let jump = JumpBox::new(text, Context::List, &rows);
            let numbers = jump.hits.into_iter().filter_map(|hit| match hit {
                Hit::Conversation(row) => row.contact.wa_id.map(|id| id.to_string()),
                _ => None,
            });
            numbers.collect::<Vec<_>>()
        };
        for text in ["5511", "+55 (11)", "55 11"] {
            assert!(!found(text).is_empty(), "{text}");
        }
        assert_eq!(found("5582"), [""; 0], "they stand in all of them, but apart");
    }
}
