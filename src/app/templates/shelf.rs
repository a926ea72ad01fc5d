//! The templates of the account as a list: which are shown, in which order, and which is selected.

use std::cmp::Reverse;

use super::category;
use crate::domain::catalogue::{Catalogue, Entry, Tally};
use crate::domain::error_code;
use crate::domain::state::State;
use crate::domain::template::obstacle;

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// By name, then language.
    #[default]
    Name,
    /// The last used first.
    LastUse,
    /// The most sent first.
    Sent,
    /// The best read first.
    Read,
    /// The most failed first.
    Failed,
    /// What cannot be sent first.
    Status,
}

impl Sort {
    /// The one after it, round and round.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Name => Self::LastUse,
            Self::LastUse => Self::Sent,
            Self::Sent => Self::Read,
            Self::Read => Self::Failed,
            Self::Failed => Self::Status,
            Self::Status => Self::Name,
        }
    }

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::LastUse => "last use",
            Self::Sent => "sent",
            Self::Read => "read",
            Self::Failed => "failed",
            Self::Status => "status",
        }
    }
}

/// The screen of the templates.
#[derive(Debug, Default)]
pub struct Shelf {
    /// What it is sorted by.
    pub sort: Sort,
    /// Only those with this in their name, language, category, status or text; empty for all.
    pub sought: String,
    /// The selected template, by name and language.
    selected: Option<(String, String)>,
    /// Where the selection was, for when it is no longer there.
    index: usize,
}

impl Shelf {
    /// What is shown of a catalogue, in order.
    #[must_use]
    pub fn rows<'a>(&self, catalogue: &'a Catalogue) -> Vec<&'a Entry> {
        let sought = self.sought.to_lowercase();
        let words: Vec<&str> = sought.split_whitespace().collect();
        let mut rows: Vec<&Entry> =
            catalogue.entries.iter().filter(|entry| fits(entry, &words)).collect();
        match self.sort {
            Sort::Name => {}
            Sort::LastUse => rows.sort_by_key(|entry| Reverse(entry.last_used)),
            Sort::Sent => rows.sort_by_key(|entry| Reverse(entry.tally.sent)),
            Sort::Read => rows.sort_by_key(|entry| Reverse(share(entry.tally.read, &entry.tally))),
            Sort::Failed => rows.sort_by_key(|entry| Reverse(entry.tally.failed)),
            Sort::Status => rows.sort_by_key(|entry| {
                (obstacle(&entry.template).is_none(), entry.template.status.name().to_owned())
            }),
        }
        rows
    }

    /// Where the selection is among the rows.
    #[must_use]
    pub fn at(&self, rows: &[&Entry]) -> usize {
        let is = |entry: &&Entry| {
            self.selected.as_ref().is_some_and(|(name, language)| {
                entry.template.name == *name && entry.template.language == *language
            })
        };
        rows.iter().position(is).unwrap_or_else(|| self.index.min(rows.len().saturating_sub(1)))
    }

    /// Moves the selection.
    pub fn step(&mut self, by: isize, rows: &[&Entry]) {
        let to = self.at(rows).saturating_add_signed(by).min(rows.len().saturating_sub(1));
        self.index = to;
        self.selected = rows
            .get(to)
            .map(|entry| (entry.template.name.clone(), entry.template.language.clone()));
    }

    /// Selects a template, once it is there.
    pub fn select(&mut self, name: &str, language: &str) {
        self.selected = Some((name.to_owned(), language.to_owned()));
    }

    /// Shows the rows from the top again.
    pub fn from_the_top(&mut self) {
        self.index = 0;
        self.selected = None;
    }
}

/// Whether every word is somewhere in the template.
fn fits(entry: &Entry, words: &[&str]) -> bool {
    let template = &entry.template;
    let facts = [
        template.name.as_str(),
        &template.language,
        template.category.name(),
        &category(&template.category),
        template.status.name(),
        &template.body.text,
    ];
    words.iter().all(|word| facts.iter().any(|fact| fact.to_lowercase().contains(word)))
}

/// How much of what was sent, in percent; none when nothing was sent.
#[must_use]
pub fn share(part: u64, tally: &Tally) -> Option<u64> {
    part.saturating_mul(100).checked_div(tally.sent)
}

/// Why messages of it failed, the most frequent first, each in plain words.
#[must_use]
pub fn reasons(tally: &Tally) -> Vec<String> {
    let said = |(code, count): &(i64, u64)| match code {
        0 => format!("{count}x for no reason that was told"),
        code => format!("{count}x {code} {}", error_code::shown(*code, State::Failed).plain),
    };
    tally.reasons.iter().take(3).map(said).collect()
}
