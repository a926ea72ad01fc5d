//! What becomes of an accepted message: which statuses it will get, when, and how Meta words them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::refusal::title;
use super::super::stamp::millis;
use super::fault::Fate;
use super::history::Told;
use super::people::Person;
use super::{Deed, World};
use crate::domain::time::Timestamp;

/// One status of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Status {
    Sent,
    Delivered,
    Read,
    Played,
    /// With Meta's code.
    Failed(u32),
}

impl Status {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Played => "played",
            Self::Failed(_) => "failed",
        }
    }
}

/// An accepted message, as far as its statuses need it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Sent {
    pub(super) person: usize,
    /// Whether it was sent to a number rather than a user id.
    pub(super) to_number: bool,
    pub(super) callback: Option<String>,
    pub(super) kind: String,
    /// The template's category; `None` for a free-form message.
    pub(super) category: Option<String>,
    /// The template's id.
    pub(super) template: Option<String>,
    /// Whether `delivered` is left out, so that `read` carries the price.
    pub(super) skips_delivered: bool,
    /// Whether it was read, or failed: there is nothing more to come but `played`.
    pub(super) done: bool,
    /// The text, caption or title, for whoever answers it.
    pub(super) text: String,
    /// Ids and titles of its buttons or rows.
    pub(super) choices: Vec<Choice>,
    #[serde(with = "millis")]
    pub(super) at: Timestamp,
    /// Counts the sends of the number from 1; 0 for what was never sent through the API.
    #[serde(default)]
    pub(super) number: u64,
    /// The statuses it got, in the order they were told.
    #[serde(default)]
    pub(super) told: Vec<Told>,
}

impl Sent {
    /// Whether a person who opens the chat reads it now.
    pub(super) fn readable(&self) -> bool {
        !self.done && self.kind != "reaction"
    }
}

/// Something a person can tap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Choice {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) tap: Tap,
}

/// What a tap comes back as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Tap {
    /// A reply button of an interactive message.
    Button,
    /// A row of a list.
    Row,
    /// A quick reply of a template.
    QuickReply,
}

impl World {
    /// Puts the statuses of an accepted message on the agenda; answers when it will be read, if ever.
    pub(super) fn plan_statuses(
        &mut self,
        now: Timestamp,
        wamid: &str,
        fate: Fate,
        body: &Value,
    ) -> Option<Timestamp> {
        let sent = self.sent.get(wamid)?;
        let (kind, reads) = (
            sent.kind.clone(),
            self.people.get(sent.person).is_some_and(|person| person.persona.reads),
        );
        let delays = self.config.delays.clone();
        let mut at = now + self.rng.span(delays.sent);
        match fate {
            Fate::Silent => return None,
            Fate::Fails(code) => {
                self.plan_status(at, wamid, Status::Failed(code));
                return None;
            }
            Fate::FailsFirst(code) => self.plan_status(at, wamid, Status::Failed(code)),
            Fate::Usual => self.plan_status(at, wamid, Status::Sent),
        }
        if kind == "reaction" {
            return None;
        }
        at = at + self.rng.span(delays.delivered);
        let skipped = reads && self.rng.chance(self.config.weather.delivered_skipped);
        if skipped {
            if let Some(sent) = self.sent.get_mut(wamid) {
                sent.skips_delivered = true;
            }
        } else {
            self.plan_status(at, wamid, Status::Delivered);
        }
        if !reads {
            return None;
        }
        at = at + self.rng.span(delays.read);
        self.plan_status(at, wamid, Status::Read);
        if body["audio"]["voice"] == json!(true) {
            let played = at + self.rng.span(delays.played);
            self.plan_status(played, wamid, Status::Played);
        }
        Some(at)
    }

    fn plan_status(&mut self, at: Timestamp, wamid: &str, status: Status) {
        self.plan(at, Deed::Status { wamid: wamid.to_owned(), status });
    }

    /// The `contacts` entry (if it has one) and the `statuses` entry of a status that is due.
    pub(super) fn status_entry(
        &self,
        at: Timestamp,
        wamid: &str,
        status: Status,
    ) -> Option<(Option<Value>, Value)> {
        let sent = self.sent.get(wamid)?;
        let person = self.people.get(sent.person)?;
        let failed = matches!(status, Status::Failed(_));
        let mut entry = Map::new();
        entry.insert("id".to_owned(), json!(wamid));
        entry.insert("status".to_owned(), json!(status.word()));
        entry.insert("timestamp".to_owned(), json!((at.millis() / 1000).to_string()));
        name_recipient(&mut entry, sent, person, at, failed);
        if self.office.settings.identity_check {
            entry.insert("recipient_identity_key_hash".to_owned(), json!(person.key()));
        }
        if let Some(callback) = &sent.callback {
            entry.insert("biz_opaque_callback_data".to_owned(), json!(callback));
        }
        match status {
            Status::Failed(code) => {
                entry.insert("errors".to_owned(), json!([error_entry(code)]));
            }
            Status::Sent | Status::Delivered => {
                entry.insert("pricing".to_owned(), pricing(sent));
            }
            Status::Read if sent.skips_delivered => {
                entry.insert("pricing".to_owned(), pricing(sent));
            }
            Status::Read | Status::Played => {}
        }
        let contact = (!failed).then(|| self.contact(person, at, status != Status::Sent));
        Some((contact, Value::Object(entry)))
    }
}

/// The number is there unless it is hidden, the user id unless a send to a number failed.
fn name_recipient(
    entry: &mut Map<String, Value>,
    sent: &Sent,
    person: &Person,
    at: Timestamp,
    failed: bool,
) {
    let known = if sent.to_number { person.persona.number.as_ref() } else { person.number(at) };
    if let Some(number) = known {
        entry.insert("recipient_id".to_owned(), json!(number));
    }
    if !(failed && sent.to_number) {
        entry.insert("recipient_user_id".to_owned(), json!(person.persona.user_id));
    }
}

fn pricing(sent: &Sent) -> Value {
    let (kind, category) = match &sent.category {
        Some(category) => ("regular", category.as_str()),
        None => ("free_customer_service", "service"),
    };
    json!({
        "billable": sent.category.is_some(), "pricing_model": "PMP", "type": kind, "category": category,
    })
}

/// The entry of `errors[]` for a code.
pub(in crate::sim) fn error_entry(code: u32) -> Value {
    let details = match code {
        131_026 => "Message Undeliverable.",
        131_047 => {
            "Message failed to send because more than 24 hours have passed since the customer last \
             replied to this number."
        }
        131_053 => "Downloading the media from its link failed.",
        132_015 => "The template was paused before the message went out.",
        131_009 => {
            "The message that was reacted to does not exist, is too old, or is a reaction itself."
        }
        _ => title(code).0,
    };
    json!({
        "code": code,
        "title": title(code).0,
        "message": title(code).0,
        "error_data": { "details": details },
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    })
}
