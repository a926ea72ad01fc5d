//! The demo: a small shop with a past of ten days and people who answer.
//!
//! The past is told in webhooks, as a coexistence number's would be: what people wrote as `messages`,
//! what the shop wrote as `smb_message_echoes` with their statuses. So it comes in through the same
//! door as everything else, and nothing of the demo is known to the rest of the program.

mod cast;
mod scripts;

use std::time::Duration;

use serde_json::{Map, Value, json};

use self::scripts::{Fate, Line, SCRIPTS, Script};
use super::config::{Persona, WorldConfig};
use super::rng::Rng;
use super::world::{Direction, Sample, World, error_entry, media_id, wamid, webhook_sha256};
use crate::domain::time::Timestamp;

/// The demo's shop: its people answer, and every few minutes somebody writes unasked.
pub fn config() -> WorldConfig {
    WorldConfig {
        people: cast::people(),
        unprompted_every: Some((Duration::from_secs(100), Duration::from_secs(420))),
        ..WorldConfig::default()
    }
}

/// A fresh demo world at `now`, with its past on the way to whoever listens.
pub fn world(seed: u64, now: Timestamp) -> World {
    let config = config();
    let past = history(now, &config);
    let mut world = World::new(seed, config);
    world.backfill(now, &past);
    world
}

/// The shop's past as webhook bodies, one per conversation and each in the order of its times: the
/// oldest about ten days before `now`, the latest a few minutes.
pub fn history(now: Timestamp, config: &WorldConfig) -> Vec<Value> {
    let mut rng = Rng::new(0x10_7a_50_11);
    let tell = |script: &Script| {
        let persona = config.people.iter().find(|one| one.name == script.who)?;
        Some(
            Teller { now, config, persona, rng: &mut rng, ids: Vec::new(), changes: Vec::new() }
                .tell(script),
        )
    };
    SCRIPTS.iter().filter_map(tell).collect()
}

/// Turns one script into one webhook.
struct Teller<'a> {
    now: Timestamp,
    config: &'a WorldConfig,
    persona: &'a Persona,
    rng: &'a mut Rng,
    /// The id of each line told so far, for those that quote it.
    ids: Vec<String>,
    changes: Vec<Value>,
}

impl Teller<'_> {
    fn tell(mut self, script: &Script) -> Value {
        for (minutes, line) in script.lines {
            let at = self.now - Duration::from_secs(u64::from(*minutes) * 60);
            self.tell_line(at, line);
        }
        let entry = json!({ "id": self.config.waba_id, "changes": self.changes });
        json!({ "object": "whatsapp_business_account", "entry": [entry] })
    }

    fn tell_line(&mut self, at: Timestamp, line: &Line) {
        match line {
            Line::In(text) => self.inbound(at, "text", &json!({ "body": text }), None),
            Line::InReply(text, to) => {
                self.inbound(at, "text", &json!({ "body": text }), Some(*to));
            }
            Line::InFile(kind, sample, caption) => {
                let mut body = self.file(*sample, caption);
                if *kind == "audio" {
                    body["voice"] = json!(true);
                }
                self.inbound(at, kind, &body, None);
            }
            Line::InRaw(kind, body) => {
                let body = serde_json::from_str(body).unwrap_or(Value::Null);
                self.inbound(at, kind, &body, None);
            }
            Line::Unsupported(what) => self.unsupported(at, what),
            Line::React(emoji, to) => {
                let body = json!({ "message_id": self.ids.get(*to), "emoji": emoji });
                self.inbound(at, "reaction", &body, None);
            }
            Line::Out(text, fate) => {
                self.outbound(at, "text", &json!({ "body": text }), None, *fate);
            }
            Line::OutReply(text, to, fate) => {
                self.outbound(at, "text", &json!({ "body": text }), Some(*to), *fate);
            }
            Line::OutFile(kind, sample, caption, fate) => {
                let body = self.file(*sample, caption);
                self.outbound(at, kind, &body, None, *fate);
            }
            Line::OutReact(emoji, to) => {
                let body = json!({ "message_id": self.ids.get(*to), "emoji": emoji });
                self.outbound(at, "reaction", &body, None, Fate::Sent);
            }
        }
    }

    /// A media object; a document is named by its caption.
    fn file(&mut self, sample: Sample, caption: &str) -> Value {
        let hash = webhook_sha256(sample.bytes());
        let mut body =
            json!({ "id": media_id(self.rng), "mime_type": sample.mime(), "sha256": hash });
        match sample {
            Sample::Invoice => body["filename"] = json!(caption),
            Sample::Sticker => body["animated"] = json!(false),
            Sample::Voice => {}
            Sample::Parcel | Sample::Lamp => {
                if !caption.is_empty() {
                    body["caption"] = json!(caption);
                }
            }
        }
        body
    }

    fn inbound(&mut self, at: Timestamp, kind: &str, body: &Value, quotes: Option<usize>) {
        let mut message = self.message(at, Direction::Inbound);
        if let Some(number) = &self.persona.number {
            message["from"] = json!(number);
        }
        message["from_user_id"] = json!(self.persona.user_id);
        message["type"] = json!(kind);
        message[kind] = body.clone();
        if let Some(id) = quotes.and_then(|line| self.ids.get(line)) {
            message["context"] = json!({ "from": self.config.business_wa_id(), "id": id });
        }
        self.receive(&message);
    }

    fn unsupported(&mut self, at: Timestamp, what: &str) {
        let mut message = self.message(at, Direction::Inbound);
        if let Some(number) = &self.persona.number {
            message["from"] = json!(number);
        }
        message["from_user_id"] = json!(self.persona.user_id);
        message["type"] = json!("unsupported");
        message["unsupported"] = json!({ "type": what });
        message["errors"] = json!([error_entry(131_051)]);
        self.receive(&message);
    }

    fn receive(&mut self, message: &Value) {
        let mut profile = json!({ "name": self.persona.name });
        if let Some(username) = &self.persona.username {
            profile["username"] = json!(username);
        }
        let mut contact = json!({ "profile": profile, "user_id": self.persona.user_id });
        if let Some(number) = &self.persona.number {
            contact["wa_id"] = json!(number);
        }
        let parts = json!({ "contacts": [contact], "messages": [message] });
        self.change("messages", parts);
    }

    fn outbound(
        &mut self,
        at: Timestamp,
        kind: &str,
        body: &Value,
        quotes: Option<usize>,
        fate: Fate,
    ) {
        let mut message = self.message(at, Direction::Outbound);
        message["from"] = json!(self.config.business_wa_id());
        if let Some(number) = &self.persona.number {
            message["to"] = json!(number);
        }
        message["to_user_id"] = json!(self.persona.user_id);
        message["type"] = json!(kind);
        message[kind] = body.clone();
        if let Some(id) = quotes.and_then(|line| self.ids.get(line)) {
            message["context"] = json!({ "id": id });
        }
        let id = message["id"].clone();
        self.change("smb_message_echoes", json!({ "message_echoes": [message] }));
        let steps: &[(&str, u64)] = match fate {
            Fate::Sent => &[],
            Fate::Delivered => &[("delivered", 2)],
            Fate::Read => &[("delivered", 2), ("read", 45)],
            Fate::Failed(_) => &[("failed", 3)],
        };
        let statuses: Vec<Value> = steps
            .iter()
            .map(|(word, after)| {
                let secs = (at + Duration::from_secs(*after)).millis() / 1000;
                let mut status = json!({ "id": id, "status": word, "timestamp": secs.to_string() });
                if let Some(number) = &self.persona.number {
                    status["recipient_id"] = json!(number);
                }
                if let Fate::Failed(code) = fate {
                    status["errors"] = json!([error_entry(code)]);
                } else {
                    status["recipient_user_id"] = json!(self.persona.user_id);
                }
                status
            })
            .collect();
        if !statuses.is_empty() {
            self.change("messages", json!({ "statuses": statuses }));
        }
    }

    /// The parts every message has; its id is remembered for lines that quote it.
    fn message(&mut self, at: Timestamp, direction: Direction) -> Value {
        let peer = self.persona.number.as_ref().unwrap_or(&self.persona.user_id);
        let id = wamid(self.rng, peer, direction);
        self.ids.push(id.clone());
        json!({ "id": id, "timestamp": (at.millis() / 1000).to_string() })
    }

    fn change(&mut self, field: &str, parts: Value) {
        let mut value = Map::new();
        value.insert("messaging_product".to_owned(), json!("whatsapp"));
        let metadata = json!({
            "display_phone_number": self.config.business_wa_id(),
            "phone_number_id": self.config.phone_number_id,
        });
        value.insert("metadata".to_owned(), metadata);
        if let Value::Object(parts) = parts {
            value.extend(parts);
        }
        self.changes.push(json!({ "field": field, "value": value }));
    }
}

#[cfg(test)]
mod tests;
