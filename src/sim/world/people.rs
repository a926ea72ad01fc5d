//! The people of a world: who they are, what of them the business can see, and when they last wrote.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::config::{Language, Persona, Strangers};
use super::super::signed::sha256;
use super::super::stamp::maybe_millis;
use super::{World, base64, recipient};
use crate::domain::time::Timestamp;

/// How long after a customer's message free text reaches them.
const WINDOW: Duration = Duration::from_secs(24 * 3600);
/// How long after their last message the number of a person with a user name is still told.
const NEAR: Duration = Duration::from_secs(30 * 24 * 3600);

/// One person and what has happened with them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Person {
    pub(super) persona: Persona,
    /// Whether the number leads to anybody.
    pub(super) on_whatsapp: bool,
    /// Whether the person wants no marketing from the business.
    pub(super) opted_out: bool,
    /// When the person last wrote to the business.
    #[serde(with = "maybe_millis")]
    pub(super) wrote: Option<Timestamp>,
    /// How many answers the person has given; picks the next phrase.
    pub(super) turn: u32,
    /// The agenda's key of the answer under way, so that a second message postpones it.
    pub(super) answering: Option<(i64, u64)>,
    /// How often they got a new key: with another phone, or the app installed anew.
    #[serde(default)]
    pub(super) keys: u32,
    /// Whether the business took the number out of its contact book.
    #[serde(default)]
    pub(super) forgotten: bool,
}

impl Person {
    fn new(persona: Persona) -> Self {
        let on_whatsapp = !persona.number.as_deref().unwrap_or("").ends_with("0404");
        Self {
            persona,
            on_whatsapp,
            opted_out: false,
            wrote: None,
            turn: 0,
            answering: None,
            keys: 0,
            forgotten: false,
        }
    }

    /// Whether free text reaches the person at `now`.
    pub(super) fn window_open(&self, now: Timestamp) -> bool {
        self.wrote.map_or(self.persona.window_open, |wrote| now < wrote + WINDOW)
    }

    /// The number, unless it is hidden from the business: that of a person with a user name is, when the
    /// business has forgotten it and they have not written for long.
    pub(super) fn number(&self, at: Timestamp) -> Option<&String> {
        let near = self.wrote.is_some_and(|wrote| at < wrote + NEAR);
        let told = self.persona.username.is_none() || !self.forgotten || near;
        self.persona.number.as_ref().filter(|_| told)
    }

    /// What `identity_key_hash` is: the same until they get a new key.
    pub(super) fn key(&self) -> String {
        let hash = sha256(format!("{} {}", self.persona.user_id, self.keys).as_bytes());
        base64(hash.get(..9).unwrap_or(&hash))
    }

    /// The entry of `contacts[]` in a webhook. A hidden number is left out, not null.
    pub(super) fn contact(&self, at: Timestamp, with_username: bool) -> Value {
        let mut profile = json!({ "name": self.persona.name });
        if let (true, Some(username)) = (with_username, &self.persona.username) {
            profile["username"] = json!(username);
        }
        let mut contact = json!({ "profile": profile, "user_id": self.persona.user_id });
        if let Some(number) = self.number(at) {
            contact["wa_id"] = json!(number);
        }
        contact
    }

    /// The `from` and `from_user_id` of a message of this person.
    pub(super) fn sign(&self, at: Timestamp, message: &mut Map<String, Value>) {
        if let Some(number) = self.number(at) {
            message.insert("from".to_owned(), json!(number));
        }
        message.insert("from_user_id".to_owned(), json!(self.persona.user_id));
    }
}

impl World {
    /// The entry of `contacts[]` for a person, with their key when the number asks for keys.
    pub(super) fn contact(&self, person: &Person, at: Timestamp, with_username: bool) -> Value {
        let mut contact = person.contact(at, with_username);
        if self.office.settings.identity_check {
            contact["identity_key_hash"] = json!(person.key());
        }
        contact
    }
}

/// All people, found by number, user id or name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct People {
    all: Vec<Person>,
    by_number: BTreeMap<String, usize>,
    by_user_id: BTreeMap<String, usize>,
}

impl People {
    pub(super) fn add(&mut self, persona: Persona) -> usize {
        let index = self.all.len();
        if let Some(number) = &persona.number {
            self.by_number.insert(number.clone(), index);
        }
        self.by_user_id.insert(persona.user_id.clone(), index);
        self.all.push(Person::new(persona));
        index
    }

    pub(super) fn get(&self, index: usize) -> Option<&Person> {
        self.all.get(index)
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut Person> {
        self.all.get_mut(index)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Person)> {
        self.all.iter().enumerate()
    }

    pub(super) fn with_user_id(&self, user_id: &str) -> Option<usize> {
        self.by_user_id.get(user_id).copied()
    }

    /// Whoever has this `wa_id`; a stranger is made up on the first call.
    pub(super) fn with_number(&mut self, wa_id: &str, strangers: Strangers) -> usize {
        if let Some(index) = self.by_number.get(wa_id) {
            return *index;
        }
        let test_range = wa_id.starts_with("1555123");
        let unreachable = strangers == Strangers::Unreachable && !test_range;
        let somebody = recipient::possible(wa_id) && !unreachable;
        let index = self.add(Persona {
            name: format!(
                "Visitor {}",
                wa_id.get(wa_id.len().saturating_sub(4)..).unwrap_or(wa_id)
            ),
            username: None,
            number: Some(wa_id.to_owned()),
            user_id: format!("{}.9{wa_id:0>17}", country(wa_id)),
            language: language(wa_id),
            answers: false,
            reads: true,
            window_open: test_range || strangers == Strangers::WindowOpen,
        });
        if let Some(person) = self.get_mut(index) {
            person.on_whatsapp &= somebody;
        }
        index
    }

    /// A person by number, user id, user name, or the beginning of their name.
    pub(super) fn find(&self, who: &str) -> Option<usize> {
        let digits: String = who.chars().filter(char::is_ascii_digit).collect();
        let is_number = !who.chars().any(char::is_alphabetic) && digits.len() >= 7;
        if is_number {
            return self.by_number.get(&recipient::wa_id(&digits)).copied();
        }
        let wanted = who.trim().to_lowercase();
        self.with_user_id(who).or_else(|| {
            self.all.iter().position(|person| {
                let username = person.persona.username.as_deref().unwrap_or("").to_lowercase();
                !wanted.is_empty()
                    && (person.persona.name.to_lowercase().starts_with(&wanted)
                        || username == wanted
                        || username.strip_prefix('@') == Some(&wanted))
            })
        })
    }
}

/// The ISO country of a made-up person's user id.
fn country(wa_id: &str) -> &'static str {
    match language(wa_id) {
        Language::Portuguese => "BR",
        Language::Spanish => "MX",
        Language::Hindi => "IN",
        Language::German => "DE",
        Language::French => "FR",
        Language::Hebrew => "IL",
        Language::Arabic => "EG",
        Language::Japanese => "JP",
        Language::Chinese => "TW",
        Language::Korean => "KR",
        Language::English => "US",
    }
}

/// What a stranger with this number most likely writes in.
fn language(wa_id: &str) -> Language {
    let spoken = [
        ("972", Language::Hebrew),
        ("971", Language::Arabic),
        ("966", Language::Arabic),
        ("886", Language::Chinese),
        ("351", Language::Portuguese),
        ("55", Language::Portuguese),
        ("52", Language::Spanish),
        ("54", Language::Spanish),
        ("34", Language::Spanish),
        ("33", Language::French),
        ("49", Language::German),
        ("20", Language::Arabic),
        ("91", Language::Hindi),
        ("81", Language::Japanese),
        ("82", Language::Korean),
        ("86", Language::Chinese),
    ];
    let known = spoken.iter().find(|(code, _)| wa_id.starts_with(code));
    known.map_or(Language::English, |(_, language)| *language)
}
