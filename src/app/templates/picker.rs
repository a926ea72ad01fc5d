//! Choosing a template: one row for each name, ranked as a word is typed, with the languages it is there in.

use std::cmp::Reverse;
use std::sync::Arc;

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32String};

use super::category;
use super::languages::Languages;
use crate::app::composer::Editor;
use crate::domain::catalogue::{Catalogue, Entry};
use crate::domain::id::{ConversationId, WaId};
use crate::domain::template::{Category, Header, Template, obstacle};

/// The templates of one name.
#[derive(Clone, Debug)]
pub struct Family {
    /// Their places in the catalogue, the customer's language first.
    versions: Vec<usize>,
    /// Which of them is shown.
    chosen: usize,
    /// Which of them is shown while no language is typed: the first, or what was chosen by hand.
    kept: usize,
    /// What is searched of them.
    words: Words,
}

#[derive(Clone, Debug)]
struct Words {
    name: Utf32String,
    /// Category and languages.
    facts: Utf32String,
    /// What the customer would read.
    text: Utf32String,
}

/// Why the picker opened by itself, in plain words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Somebody is about to write where only a template may be sent.
    Shut(String),
    /// A text was refused; that is said on when the picker is closed.
    Refused(String),
}

/// The picker, with what was typed and what it finds.
#[derive(Debug)]
pub struct Picker {
    /// Who it is sent to.
    pub conversation: ConversationId,
    /// Why it opened by itself.
    pub cause: Option<Cause>,
    /// What was typed.
    pub editor: Editor,
    /// The families found, best first, as places in `families`.
    hits: Vec<usize>,
    /// The selected hit.
    selected: usize,
    /// All, the most used with this customer first.
    families: Vec<Family>,
    catalogue: Option<Arc<Catalogue>>,
    customer: Option<Customer>,
}

/// What decides which template suits a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// Their number, which tells what is written in their country.
    pub number: Option<WaId>,
    /// They want no marketing.
    pub opted_out: bool,
}

impl Picker {
    /// For a conversation with a customer, over what is known of both.
    #[must_use]
    pub fn new(
        conversation: ConversationId,
        customer: Option<Customer>,
        catalogue: Option<Arc<Catalogue>>,
    ) -> Self {
        let mut picker = Self {
            conversation,
            cause: None,
            editor: Editor::new("", false),
            hits: Vec::new(),
            selected: 0,
            families: Vec::new(),
            catalogue,
            customer,
        };
        picker.sort();
        picker
    }

    /// Takes the catalogue as it is now. What was chosen by hand stays.
    pub fn know(&mut self, catalogue: Arc<Catalogue>) {
        let moved = self.selected > 0 || !self.editor.is_empty();
        let kept = self.selected().filter(|_| moved).map(|entry| entry.template.name.clone());
        let chosen: Vec<(String, String)> = self
            .families
            .iter()
            .filter(|family| family.kept > 0)
            .filter_map(|family| self.chosen(family))
            .map(|entry| (entry.template.name.clone(), entry.template.language.clone()))
            .collect();
        self.catalogue = Some(catalogue);
        self.sort();
        for (name, language) in chosen {
            self.choose(&name, &language);
        }
        self.rank();
        if let Some(kept) = kept {
            let at = self.hits().position(|entry| entry.template.name == kept);
            self.selected = at.unwrap_or(0);
        }
    }

    /// Takes what is known of the customer now.
    pub fn meet(&mut self, customer: Customer) {
        if self.customer.as_ref() == Some(&customer) {
            return;
        }
        self.customer = Some(customer);
        if let Some(catalogue) = self.catalogue.clone() {
            self.know(catalogue);
        }
    }

    /// Nothing is offered before both are known: the language of a customer may be another than it seems.
    fn sort(&mut self) {
        if let (Some(catalogue), Some(customer)) = (&self.catalogue, &self.customer) {
            self.families = families(catalogue, customer);
        }
        self.rank();
    }

    fn choose(&mut self, name: &str, language: &str) {
        let Some(catalogue) = &self.catalogue else { return };
        let is = |place: &usize| {
            catalogue.entries.get(*place).is_some_and(|entry| {
                entry.template.name == name && entry.template.language == language
            })
        };
        for family in &mut self.families {
            if let Some(at) = family.versions.iter().position(is) {
                (family.chosen, family.kept) = (at, at);
            }
        }
    }

    /// Whether the catalogue has come, and it is known whom to write to.
    #[must_use]
    pub const fn is_loaded(&self) -> bool {
        self.catalogue.is_some() && self.customer.is_some()
    }

    /// Whether there is nothing to choose from, whatever is typed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.families.is_empty()
    }

    /// How many names there are, and how many of them can be sent as they are shown, as `can_go` says.
    #[must_use]
    pub fn counts(&self, can_go: impl Fn(&Entry) -> bool) -> (usize, usize) {
        let sendable = |family: &&Family| self.chosen(family).is_some_and(&can_go);
        (self.families.len(), self.families.iter().filter(sendable).count())
    }

    fn chosen(&self, family: &Family) -> Option<&Entry> {
        let place = *family.versions.get(family.chosen)?;
        self.catalogue.as_ref()?.entries.get(place)
    }

    /// What is found, best first, each in the language chosen.
    pub fn hits(&self) -> impl Iterator<Item = &Entry> {
        self.hits.iter().filter_map(|hit| self.chosen(self.families.get(*hit)?))
    }

    /// The languages of a hit in their order, and which of them is chosen.
    #[must_use]
    pub fn languages(&self, hit: usize) -> (Vec<&str>, usize) {
        let family = self.hits.get(hit).and_then(|hit| self.families.get(*hit));
        let Some((family, catalogue)) = family.zip(self.catalogue.as_ref()) else {
            return (Vec::new(), 0);
        };
        let language =
            |place: &usize| Some(catalogue.entries.get(*place)?.template.language.as_str());
        (family.versions.iter().filter_map(language).collect(), family.chosen)
    }

    /// Which hit is selected.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.selected
    }

    /// The selected template.
    #[must_use]
    pub fn selected(&self) -> Option<&Entry> {
        self.hits().nth(self.selected)
    }

    /// Moves the selection.
    pub fn step(&mut self, by: isize) {
        let last = self.hits.len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(by).min(last);
    }

    /// Chooses the next or the previous language of the selected template.
    pub fn turn(&mut self, forward: bool) {
        let family = self.hits.get(self.selected).and_then(|hit| self.families.get_mut(*hit));
        if let Some(family) = family {
            let count = family.versions.len();
            family.chosen =
                if forward { family.chosen + 1 } else { family.chosen + count - 1 } % count;
            family.kept = family.chosen;
        }
    }

    /// Ranks again after the text changed.
    pub fn rank(&mut self) {
        self.selected = 0;
        let typed = self.editor.text();
        let words: Vec<&str> = typed.split_whitespace().collect();
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut scored: Vec<(u32, usize)> = self
            .families
            .iter()
            .enumerate()
            .filter_map(|(at, family)| Some((family.words.score(&words, &mut matcher)?, at)))
            .collect();
        scored.sort_by_key(|(score, at)| (Reverse(*score), *at));
        self.hits = scored.into_iter().map(|(_, at)| at).collect();
        // Who types a language wants it, as long as it stands there: the name of a template may begin with one.
        let Some(catalogue) = &self.catalogue else { return };
        for family in &mut self.families {
            let typed = words.iter().find_map(|word| {
                family.versions.iter().position(|place| {
                    let entry = catalogue.entries.get(*place);
                    entry.is_some_and(|entry| entry.template.language.eq_ignore_ascii_case(word))
                })
            });
            family.chosen = typed.unwrap_or(family.kept);
        }
    }
}

impl Words {
    fn new<'a>(versions: impl Iterator<Item = &'a Template>) -> Self {
        let (mut name, mut facts, mut text) = (String::new(), String::new(), String::new());
        for template in versions {
            name.clone_from(&template.name);
            let shown = category(&template.category);
            for part in [template.category.name(), &shown, &template.language] {
                facts.extend([part, " "]);
            }
            if let Some(Header::Text(header)) = &template.header {
                text.extend([header.text.as_str(), "\n"]);
            }
            text.extend([template.body.text.as_str(), "\n"]);
        }
        Self {
            name: Utf32String::from(name),
            facts: Utf32String::from(facts),
            text: Utf32String::from(text),
        }
    }

    /// How well all the words match; none if one of them does not. A name counts for more than a fact, a
    /// fact for more than the text, which has to have the word as it stands: in a long text a few scattered
    /// letters are found everywhere.
    fn score(&self, words: &[&str], matcher: &mut Matcher) -> Option<u32> {
        let mut sum = 0;
        for word in words {
            let loose = Pattern::parse(word, CaseMatching::Ignore, Normalization::Smart);
            let exact =
                Pattern::new(word, CaseMatching::Ignore, Normalization::Smart, AtomKind::Substring);
            let name = loose.score(self.name.slice(..), matcher).map(|score| 2_000 + score);
            let fact = || exact.score(self.facts.slice(..), matcher).map(|score| 1_000 + score);
            let found = name.or_else(fact);
            sum += match found {
                Some(score) => score,
                None => exact.score(self.text.slice(..), matcher)?,
            };
        }
        Some(sum)
    }
}

/// All names of the catalogue: what was used with this customer first, then what was used lately, then what
/// is sent most; what cannot be sent comes last.
fn families(catalogue: &Catalogue, customer: &Customer) -> Vec<Family> {
    let blocked = |entry: &Entry| {
        let unwanted = customer.opted_out && entry.template.category == Category::Marketing;
        unwanted || obstacle(&entry.template).is_some()
    };
    let languages = Languages::of(catalogue, customer.number.as_ref());
    let mut by_name: std::collections::BTreeMap<&str, Vec<usize>> =
        std::collections::BTreeMap::new();
    for (place, entry) in catalogue.entries.iter().enumerate() {
        by_name.entry(&entry.template.name).or_default().push(place);
    }
    let entry = |place: &usize| catalogue.entries.get(*place);
    let mut families: Vec<_> = by_name
        .into_values()
        .map(|mut versions| {
            versions.sort_by_key(|place| {
                entry(place).map(|entry| (blocked(entry), languages.rank(&entry.template.language)))
            });
            let all = || versions.iter().filter_map(entry);
            let key = (
                all().all(blocked),
                Reverse(all().map(|entry| entry.used_here).sum::<u32>()),
                Reverse(all().filter_map(|entry| entry.last_used).max()),
                Reverse(all().map(|entry| entry.tally.sent).sum::<u64>()),
            );
            let words = Words::new(all().map(|entry| &entry.template));
            (key, Family { versions, chosen: 0, kept: 0, words })
        })
        .collect();
    families.sort_by_key(|(key, _)| *key);
    families.into_iter().map(|(_, family)| family).collect()
}
