//! What people write: asked by a test or a person at the keyboard, in answer to the business, or out
//! of the blue. Everything leaves as a `messages` webhook and opens the 24-hour window.

use serde_json::{Map, Value, json};

use super::super::phrases::{self, Phrases};
use super::media::{Sample, webhook_sha256};
use super::status::{Choice, Sent, Status, Tap};
use super::{Deed, Direction, Inbound, World};
use crate::domain::time::Timestamp;

/// Something a person sends to the business.
#[derive(Clone, Debug, PartialEq)]
pub enum Words {
    /// A text.
    Text(String),
    /// A text that quotes the message with this id.
    Reply {
        /// The quoted message.
        to: String,
        /// The text.
        text: String,
    },
    /// A picture with or without a caption.
    Image(Sample, Option<String>),
    /// A voice message.
    Voice,
    /// A document.
    Document {
        /// Its name.
        filename: String,
        /// The text below it.
        caption: Option<String>,
    },
    /// A sticker.
    Sticker,
    /// A place on the map.
    Location {
        /// Degrees north.
        latitude: f64,
        /// Degrees east.
        longitude: f64,
        /// The place's name and address, if it has them.
        name: Option<(String, String)>,
    },
    /// An emoji on the message with this id; an empty one takes it back.
    Reaction {
        /// The message.
        to: String,
        /// The emoji.
        emoji: String,
    },
    /// A tap on a button or a row of the message with this id.
    Tap {
        /// The message.
        to: String,
        /// The id of the button or row.
        id: String,
        /// What is written on it.
        title: String,
        /// Whether it is a row of a list.
        row: bool,
    },
    /// A tap on a quick reply of the template message with this id.
    QuickReply {
        /// The message.
        to: String,
        /// The payload the button was sent with.
        payload: String,
        /// What is written on it.
        text: String,
    },
    /// Any other type with its body as JSON: an order, a system message, one that does not exist yet.
    Raw {
        /// The message's `type`.
        kind: String,
        /// The object under the key of that name.
        body: Value,
    },
}

/// Nobody of that name, number or user id is in the world.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is nobody called '{0}': give a number with its +, a user id or the name of a person"
)]
pub struct NobodyThere(pub String);

impl World {
    /// Somebody writes a text now. `who` is a number with its plus (made up if need be), a user id, a
    /// user name or the beginning of a name. Answers the message's id.
    pub fn say(&mut self, who: &str, text: &str, now: Timestamp) -> Result<String, NobodyThere> {
        self.say_words(who, &Words::Text(text.to_owned()), now)
    }

    /// The same for anything that can be sent.
    pub fn say_words(
        &mut self,
        who: &str,
        words: &Words,
        now: Timestamp,
    ) -> Result<String, NobodyThere> {
        self.live(now);
        let person = self.knows(who)?;
        Ok(self.write(now, person, words))
    }

    /// The person meant. One with a number is made up if need be.
    pub(in crate::sim) fn knows(&mut self, who: &str) -> Result<usize, NobodyThere> {
        let person = self.people.find(who).or_else(|| {
            let digits = super::recipient::read_number(who, "").ok()?;
            who.trim().starts_with('+').then(|| {
                let wa_id = super::recipient::wa_id(&digits);
                self.people.with_number(&wa_id, self.config.strangers)
            })
        });
        person.ok_or_else(|| NobodyThere(who.to_owned()))
    }

    /// A person writes at `at`; the webhook leaves at once.
    fn write(&mut self, at: Timestamp, person: usize, words: &Words) -> String {
        let mut message = Map::new();
        let (mut contact, mut peer) = (Value::Null, String::new());
        if let Some(writer) = self.people.get_mut(person) {
            writer.wrote = writer.wrote.max(Some(at));
            writer.sign(at, &mut message);
            peer = writer.persona.number.clone().unwrap_or_else(|| writer.persona.user_id.clone());
        }
        if let Some(writer) = self.people.get(person) {
            contact = self.contact(writer, at, true);
        }
        let wamid = self.new_wamid(&peer, Direction::Inbound);
        message.insert("id".to_owned(), json!(wamid));
        message.insert("timestamp".to_owned(), json!((at.millis() / 1000).to_string()));
        self.put_words(&mut message, words, at);
        self.inbound.insert(wamid.clone(), Inbound { person, marked_read: false });
        self.ledger.counts.inbound += 1;
        if self.office.blocked.contains(&person) {
            // What somebody writes who is blocked reaches nobody.
            return wamid;
        }
        let mut value = self.value();
        value.insert("contacts".to_owned(), json!([contact]));
        value.insert("messages".to_owned(), json!([message]));
        self.post("messages", value, at);
        wamid
    }

    /// A person wants no more marketing from the business, or wants it again.
    ///
    /// # Errors
    /// When there is nobody of that name.
    pub fn opt_out(&mut self, who: &str, stop: bool, now: Timestamp) -> Result<(), NobodyThere> {
        self.live(now);
        let index = self.knows(who)?;
        let Some(person) = self.people.get_mut(index) else { return Ok(()) };
        person.opted_out = stop;
        let word = if stop { "stop" } else { "resume" };
        let detail = format!("User requested to {word} marketing messages");
        let mut preference = json!({ "user_id": person.persona.user_id, "detail": detail,
            "category": "marketing_messages", "value": word, "timestamp": now.millis() / 1000 });
        if let Some(number) = person.number(now) {
            preference["wa_id"] = json!(number);
        }
        let contact = self.people.get(index).map(|person| self.contact(person, now, true));
        let mut value = self.value();
        value.insert("contacts".to_owned(), json!([contact]));
        value.insert("user_preferences".to_owned(), json!([preference]));
        self.post("user_preferences", value, now);
        Ok(())
    }

    /// A person gets a new phone, or installs the app anew: their key is another one. Where the number asks
    /// for keys, it is told.
    ///
    /// # Errors
    /// When there is nobody of that name.
    pub fn renew_key(&mut self, who: &str, now: Timestamp) -> Result<(), NobodyThere> {
        self.live(now);
        let index = self.knows(who)?;
        if let Some(person) = self.people.get_mut(index) {
            person.keys += 1;
        }
        let Some(person) = self.people.get(index) else { return Ok(()) };
        if !self.office.settings.identity_check {
            return Ok(());
        }
        let mut message = Map::new();
        person.sign(now, &mut message);
        let second = (now.millis() / 1000).to_string();
        let identity =
            json!({ "acknowledged": false, "created_timestamp": second, "hash": person.key() });
        let body = format!("{} changed their key", person.persona.name);
        let contact = self.contact(person, now, true);
        let peer = person.persona.user_id.clone();
        let body =
            json!({ "body": body, "type": "customer_identity_changed", "identity": identity });
        let wamid = self.new_wamid(&peer, Direction::Inbound);
        message.extend([
            ("id".to_owned(), json!(wamid)),
            ("timestamp".to_owned(), json!(second)),
            ("type".to_owned(), json!("system")),
            ("system".to_owned(), body),
        ]);
        let mut value = self.value();
        value.insert("contacts".to_owned(), json!([contact]));
        value.insert("messages".to_owned(), json!([message]));
        self.post("messages", value, now);
        Ok(())
    }

    /// A person opens the chat: everything that was sent to them is delivered and read now. Answers how
    /// many messages that were.
    ///
    /// # Errors
    /// When there is nobody of that name.
    pub fn read(&mut self, who: &str, now: Timestamp) -> Result<usize, NobodyThere> {
        self.live(now);
        let person = self.knows(who)?;
        let theirs =
            |wamid: &String| self.sent.get(wamid).is_some_and(|sent| sent.person == person);
        let pending: Vec<(i64, u64)> = self
            .agenda
            .iter()
            .filter(|(_, deed)| match deed {
                Deed::Status { wamid, status } => {
                    theirs(wamid) && !matches!(status, Status::Failed(_) | Status::Played)
                }
                _ => false,
            })
            .map(|(key, _)| *key)
            .collect();
        for key in pending {
            let deed = self.agenda.remove(&key);
            let earlier = |deed: &Deed| !matches!(deed, Deed::Status { status: Status::Read, .. });
            if let Some(deed) = deed.filter(earlier) {
                self.plan(now, deed);
            }
        }
        let unread = self.sent.iter().filter(|(_, sent)| sent.person == person && sent.readable());
        let unread: Vec<String> = unread.map(|(wamid, _)| wamid.clone()).collect();
        for wamid in &unread {
            self.plan(now, Deed::Status { wamid: wamid.clone(), status: Status::Read });
        }
        self.live(now);
        Ok(unread.len())
    }

    /// The latest message that was sent to a person.
    pub(in crate::sim) fn last_sent_to(
        &mut self,
        who: &str,
    ) -> Result<Option<String>, NobodyThere> {
        let person = self.knows(who)?;
        let theirs =
            self.sent.iter().filter(|(_, sent)| sent.person == person && sent.kind != "reaction");
        Ok(theirs.max_by_key(|(_, sent)| sent.at).map(|(wamid, _)| wamid.clone()))
    }

    fn put_words(&mut self, message: &mut Map<String, Value>, words: &Words, at: Timestamp) {
        let business = self.config.business_wa_id();
        let (kind, body) = match words {
            Words::Text(text) => ("text", json!({ "body": text })),
            Words::Reply { to, text } => {
                message.insert("context".to_owned(), json!({ "from": business, "id": to }));
                ("text", json!({ "body": text }))
            }
            Words::Image(sample, caption) => ("image", self.file(*sample, caption.as_deref(), at)),
            Words::Voice => {
                let mut body = self.file(Sample::Voice, None, at);
                body["voice"] = json!(true);
                ("audio", body)
            }
            Words::Document { filename, caption } => {
                let mut body = self.file(Sample::Invoice, caption.as_deref(), at);
                body["filename"] = json!(filename);
                ("document", body)
            }
            Words::Sticker => {
                let mut body = self.file(Sample::Sticker, None, at);
                body["animated"] = json!(false);
                ("sticker", body)
            }
            Words::Location { latitude, longitude, name } => {
                let mut body = json!({ "latitude": latitude, "longitude": longitude });
                if let Some((name, address)) = name {
                    body["name"] = json!(name);
                    body["address"] = json!(address);
                }
                ("location", body)
            }
            Words::Reaction { to, emoji } if emoji.is_empty() => {
                ("reaction", json!({ "message_id": to }))
            }
            Words::Reaction { to, emoji } => {
                ("reaction", json!({ "message_id": to, "emoji": emoji }))
            }
            Words::Tap { to, id, title, row } => {
                message.insert("context".to_owned(), json!({ "from": business, "id": to }));
                let kind = if *row { "list_reply" } else { "button_reply" };
                let reply = json!({ "id": id, "title": title });
                let body = [("type".to_owned(), json!(kind)), (kind.to_owned(), reply)];
                ("interactive", Value::Object(body.into_iter().collect()))
            }
            Words::QuickReply { to, payload, text } => {
                message.insert("context".to_owned(), json!({ "from": business, "id": to }));
                ("button", json!({ "payload": payload, "text": text }))
            }
            Words::Raw { kind, body } => (kind.as_str(), body.clone()),
        };
        message.insert("type".to_owned(), json!(kind));
        message.insert(kind.to_owned(), body);
    }

    /// The media object of a webhook; the file is on the shelf from then on.
    fn file(&mut self, sample: Sample, caption: Option<&str>, at: Timestamp) -> Value {
        let id = self.new_media_id();
        self.media.receive(id.clone(), sample, at);
        let hash = webhook_sha256(sample.bytes());
        let mut body = json!({ "id": id, "mime_type": sample.mime(), "sha256": hash });
        if let Some(caption) = caption {
            body["caption"] = json!(caption);
        }
        body
    }

    /// A persona answers the message with the id `to`.
    pub(super) fn answer(&mut self, at: Timestamp, person: usize, to: &str) {
        let Some(sent) = self.sent.get(to).cloned() else { return };
        let Some(writer) = self.people.get_mut(person) else { return };
        writer.answering = None;
        writer.turn += 1;
        let (turn, phrases) = (writer.turn, phrases::of(writer.persona.language));
        if let Some(choice) = self.rng.pick(&sent.choices).cloned() {
            let Choice { id, title, tap } = choice;
            let to = to.to_owned();
            let words = match tap {
                Tap::QuickReply => Words::QuickReply { to, payload: id, text: title },
                Tap::Button | Tap::Row => Words::Tap { to, id, title, row: tap == Tap::Row },
            };
            self.write(at, person, &words);
            return;
        }
        for words in self.choose_words(turn, phrases, &sent, to) {
            self.write(at, person, &words);
        }
    }

    /// What an answer consists of: mostly a text that fits, now and then something else.
    fn choose_words(&mut self, turn: u32, phrases: &Phrases, sent: &Sent, to: &str) -> Vec<Words> {
        let mut line = |from: &[&str]| {
            // In turn rather than at random, so that nobody repeats themselves at once.
            let start = self.rng.below(2);
            let index = usize::try_from(u64::from(turn) + start).unwrap_or(0) % from.len().max(1);
            from.get(index).copied().unwrap_or("👍").to_owned()
        };
        let text = line(phrases.answers_to(&sent.kind, &sent.text));
        let caption = line(phrases.photo);
        match self.rng.below(12) {
            0 => vec![Words::Reaction { to: to.to_owned(), emoji: "❤️".to_owned() }],
            1 => vec![
                Words::Reaction { to: to.to_owned(), emoji: "👍".to_owned() },
                Words::Text(text),
            ],
            2 => vec![Words::Image(Sample::Parcel, Some(caption))],
            3 => vec![Words::Voice],
            4 => vec![Words::Reply { to: to.to_owned(), text }],
            5 if turn > 2 => vec![Words::Location {
                latitude: -23.561_4,
                longitude: -46.655_9,
                name: Some(("MASP".to_owned(), "Av. Paulista, 1578, São Paulo".to_owned())),
            }],
            _ => vec![Words::Text(text)],
        }
    }

    pub(super) fn plan_unprompted(&mut self, now: Timestamp) {
        if let Some(every) = self.config.unprompted_every {
            let at = now + self.rng.span(every);
            self.plan(at, Deed::Unprompted);
        }
    }

    pub(super) fn speak_unprompted(&mut self, at: Timestamp) {
        let chatty = self.people.iter().filter(|(_, person)| person.persona.answers);
        let chatty: Vec<usize> = chatty.map(|(index, _)| index).collect();
        if let Some(index) = self.rng.pick(&chatty).copied() {
            let language = self.people.get(index).map(|person| person.persona.language);
            let openings = language.map_or(&[][..], |language| phrases::of(language).opening);
            if let Some(text) = self.rng.pick(openings) {
                self.write(at, index, &Words::Text((*text).to_owned()));
            }
        }
        self.plan_unprompted(at);
    }

    /// Takes in what a webhook of the past tells: who wrote when, which messages there are, which
    /// files can be fetched.
    pub(super) fn remember(&mut self, now: Timestamp, body: &Value) {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let values = list(&body["entry"]).into_iter().flat_map(|entry| list(&entry["changes"]));
        for value in values.map(|change| change["value"].clone()) {
            for message in list(&value["messages"]) {
                self.remember_message(now, &message);
            }
            for echo in list(&value["message_echoes"]) {
                let person = self.person_of(&echo["to"], &echo["to_user_id"]);
                let (Some(person), Some(id)) = (person, echo["id"].as_str()) else { continue };
                let sent = Sent {
                    person,
                    to_number: echo["to"].is_string(),
                    callback: None,
                    kind: echo["type"].as_str().unwrap_or("text").to_owned(),
                    category: None,
                    template: None,
                    skips_delivered: false,
                    done: false,
                    text: String::new(),
                    choices: Vec::new(),
                    at: seconds(&echo["timestamp"]).unwrap_or(now),
                    number: 0,
                    told: Vec::new(),
                };
                self.remember_file(sent.at, &echo);
                self.sent.insert(id.to_owned(), sent);
            }
        }
    }

    fn remember_message(&mut self, now: Timestamp, message: &Value) {
        let person = self.person_of(&message["from"], &message["from_user_id"]);
        let (Some(person), Some(id)) = (person, message["id"].as_str()) else { return };
        self.inbound.insert(id.to_owned(), Inbound { person, marked_read: false });
        let at = seconds(&message["timestamp"]).unwrap_or(now);
        if let Some(writer) = self.people.get_mut(person) {
            writer.wrote = writer.wrote.max(Some(at));
        }
        self.remember_file(at, message);
    }

    fn remember_file(&mut self, at: Timestamp, message: &Value) {
        let kind = message["type"].as_str().unwrap_or("");
        let media = &message[kind];
        let Some(id) = media["id"].as_str() else { return };
        let samples =
            [Sample::Parcel, Sample::Lamp, Sample::Voice, Sample::Invoice, Sample::Sticker];
        let same = |sample: &Sample| media["sha256"] == webhook_sha256(sample.bytes());
        if let Some(sample) = samples.into_iter().find(same) {
            self.media.receive(id.to_owned(), sample, at);
        }
    }

    fn person_of(&mut self, number: &Value, user_id: &Value) -> Option<usize> {
        let known = user_id.as_str().and_then(|user_id| self.people.with_user_id(user_id));
        known.or_else(|| {
            let number = number.as_str()?;
            Some(self.people.with_number(number, self.config.strangers))
        })
    }
}

fn seconds(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok().map(Timestamp::from_secs)
}
