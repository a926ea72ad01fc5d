//! A template that somebody has begun to write, or to change, and not handed in.

use std::collections::BTreeMap;

/// What is being made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// A new template.
    New,
    /// A new one that begins like this one, by name and language.
    Like(String, String),
    /// This one is changed, by name and language.
    Change(String, String),
}

impl Purpose {
    /// Its kind in a word, and the template that it is about.
    #[must_use]
    pub fn parts(&self) -> (&'static str, &str, &str) {
        match self {
            Self::New => ("new", "", ""),
            Self::Like(name, language) => ("like", name, language),
            Self::Change(name, language) => ("change", name, language),
        }
    }

    /// The other way round; none for a word of a later version.
    #[must_use]
    pub fn of(word: &str, name: String, language: String) -> Option<Self> {
        match word {
            "new" => Some(Self::New),
            "like" => Some(Self::Like(name, language)),
            "change" => Some(Self::Change(name, language)),
            _ => None,
        }
    }
}

/// What stands in the fields of the editor, by the field's word.
pub type Fields = BTreeMap<String, String>;

/// Everything begun, by its purpose.
pub type Unfinished = BTreeMap<Purpose, Fields>;

/// The values filled in for templates that were not sent, by the template's name and the value's
/// [place](super::Place) as text.
pub type Begun = BTreeMap<String, Fields>;
