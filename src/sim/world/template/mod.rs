//! The templates of the business account: what a catalogue keeps of each, the edges that list and
//! change them, and what becomes of them over time.

mod archive;
mod create;
mod edge;
pub(super) mod example;
mod fill;
mod life;
mod part;
mod text;
mod variables;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::config::{Template, TemplateStatus};
use super::super::refusal::Refusal;
use super::super::signed::{hex, sha256};
use crate::domain::time::Timestamp;

pub(super) use self::fill::{Filled, fill};
pub use self::life::TemplateChange;
pub(super) use self::life::Turn;

/// What becomes of the sends of a template that Meta paces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Pacing {
    /// Held sends wait for [`TemplateChange::Release`] or [`TemplateChange::Drop`].
    Wait,
    /// They go out after a while.
    Release,
    /// They fail with 132015 after a while, and the template is paused.
    Drop,
}

/// One template: a name in one language.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Digits, the same in every world for a template the world began with.
    pub(super) id: String,
    /// Its place in the list; later ones come first.
    order: u64,
    pub(super) template: Template,
    previous_category: Option<String>,
    ttl_seconds: Option<i64>,
    quality_at: i64,
    /// How often it was paused for its quality; the third time disables it.
    pauses: u8,
    /// When it was edited while approved, in milliseconds.
    edited: Vec<i64>,
    pacing: Option<Pacing>,
    /// Sends that were answered `held_for_quality_assessment`.
    held: Vec<String>,
    /// Whether its sends are refused for what it says (132007).
    violates: bool,
    /// Whether its components changed since it was last approved.
    changed: bool,
    /// What it was before it was archived.
    #[serde(default)]
    archived: Option<TemplateStatus>,
}

/// All templates of the account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Catalogue {
    entries: Vec<Entry>,
    next: u64,
    /// Names with a language that were deleted, and until when they cannot be used again.
    locked: Vec<(String, String, i64)>,
    /// When templates were created within the last hour, in milliseconds.
    created: Vec<i64>,
    /// Quality events so far: they come in one of two fields by turns.
    quality_events: u64,
}

impl Catalogue {
    pub(super) fn new(templates: &[Template]) -> Self {
        let mut catalogue = Self::default();
        for template in templates {
            catalogue.add(stable_id(template), template.clone(), None);
        }
        catalogue
    }

    fn add(&mut self, id: String, template: Template, ttl_seconds: Option<i64>) {
        let name = template.name.as_str();
        let pacing = match () {
            () if name.contains("pacing_drop") => Some(Pacing::Drop),
            () if name.contains("pacing") => Some(Pacing::Release),
            () => None,
        };
        let entry = Entry {
            id,
            order: self.next,
            template,
            previous_category: None,
            ttl_seconds,
            quality_at: 0,
            pauses: 0,
            edited: Vec::new(),
            pacing,
            held: Vec::new(),
            violates: false,
            changed: false,
            archived: None,
        };
        self.next += 1;
        self.entries.push(entry);
    }

    /// Takes the templates of another number of the account over. Which sends wait is this number's own.
    pub(super) fn follow(&mut self, other: Self) {
        let own = std::mem::replace(self, other);
        for entry in own.entries.into_iter().filter(|entry| !entry.held.is_empty()) {
            if let Some(same) = self.with_id_mut(&entry.id) {
                (same.held, same.pacing) = (entry.held, entry.pacing);
            }
        }
    }

    pub(super) fn with_id(&self, id: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    fn with_id_mut(&mut self, id: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.id == id)
    }

    pub(super) fn find(&self, name: &str, language: &str) -> Option<&Entry> {
        let found =
            |entry: &&Entry| entry.template.name == name && entry.template.language == language;
        self.entries.iter().find(found)
    }

    /// The template that a send names, if Meta lets it be sent.
    pub(super) fn sendable(&self, name: &str, language: &str) -> Result<&Entry, Refusal> {
        let missing = || {
            Refusal::new(132_001, format!("template name ({name}) does not exist in {language}"))
        };
        let entry = self.find(name, language).ok_or_else(missing)?;
        match entry.template.status {
            TemplateStatus::Approved | TemplateStatus::Flagged if entry.violates => {
                Err(Refusal::new(132_007, "The template's content violates a policy."))
            }
            TemplateStatus::Approved | TemplateStatus::Flagged => Ok(entry),
            TemplateStatus::Paused => Err(Refusal::new(
                132_015,
                format!("template name ({name}) in {language} is paused due to low quality"),
            )),
            TemplateStatus::Disabled => Err(Refusal::new(
                132_016,
                format!("template name ({name}) in {language} is disabled"),
            )),
            TemplateStatus::Pending
            | TemplateStatus::Rejected
            | TemplateStatus::InAppeal
            | TemplateStatus::PendingDeletion
            | TemplateStatus::LimitExceeded
            | TemplateStatus::Archived => Err(missing()),
        }
    }

    /// Whether sends of this template are held at the moment.
    pub(super) fn holds(&self, id: &str) -> bool {
        self.with_id(id).is_some_and(|entry| entry.pacing.is_some())
    }

    /// Every template of that name, in the language given or in all.
    fn ids(&self, name: &str, language: Option<&str>) -> Vec<String> {
        let meant = |entry: &&Entry| {
            entry.template.name == name
                && language.is_none_or(|language| entry.template.language == language)
        };
        self.entries.iter().filter(meant).map(|entry| entry.id.clone()).collect()
    }
}

impl Entry {
    /// Everything Meta tells of it.
    fn object(&self) -> Value {
        let Template { name, language, category, status, quality, named, .. } = &self.template;
        let mut object = Map::new();
        let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
        put("id", json!(self.id));
        put("name", json!(name));
        put("language", json!(language));
        put("category", json!(category));
        put("status", json!(status.word()));
        put("parameter_format", json!(if *named { "NAMED" } else { "POSITIONAL" }));
        put("sub_category", json!("CUSTOM"));
        put("components", json!(self.template.components));
        let mut score = json!({ "score": quality.word() });
        if self.quality_at > 0 {
            score["date"] = json!(self.quality_at);
        }
        put("quality_score", score);
        let reason = self.template.rejected_reason.as_deref().unwrap_or("NONE");
        put("rejected_reason", json!(reason));
        if let Some(previous) = &self.previous_category {
            put("previous_category", json!(previous));
        }
        if let Some(seconds) = self.ttl_seconds {
            put("message_send_ttl_seconds", json!(seconds));
        }
        Value::Object(object)
    }
}

/// An id that follows from name and language, so that equal catalogues have equal ids everywhere.
fn stable_id(template: &Template) -> String {
    let hash = hex(&sha256(format!("{} {}", template.name, template.language).as_bytes()));
    let number = hash.get(..12).and_then(|part| u64::from_str_radix(part, 16).ok()).unwrap_or(0);
    // Sixteen digits, the first of them no zero; a double still holds it exactly.
    (1_000_000_000_000_000 + number % 8_000_000_000_000_000).to_string()
}

/// The template's id as webhooks spell it: a number.
fn number(id: &str) -> Value {
    json!(id.parse::<u64>().unwrap_or(0))
}

/// Whole seconds, as the fields of an account count time.
const fn seconds(at: Timestamp) -> i64 {
    at.millis() / 1000
}
