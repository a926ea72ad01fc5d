//! `POST /{phone-number-id}/messages`: a send is checked, throttled, accepted, and its fate planned.

use serde_json::{Value, json};

use super::super::http::{Request, Response};
use super::super::refusal::Refusal;
use super::check::{Checked, Known, To, check, product};
use super::fault::{Fate, Fault};
use super::field::Field;
use super::ledger::{Accepted, Refused, keep};
use super::recipient;
use super::status::{Choice, Sent, Tap};
use super::{Deed, Direction, World};
use crate::domain::time::Timestamp;

/// A send that was let in: where it goes and what its answer says.
struct Admitted {
    person: usize,
    input: String,
    to_number: bool,
}

impl World {
    /// Handles a call of the messages endpoint, scripted faults included.
    pub(super) fn messages(
        &mut self,
        now: Timestamp,
        request: &Request,
        marketing: bool,
    ) -> Response {
        let read = request.parameters().and_then(|body| self.marketing(body, marketing));
        let body = match read {
            Ok(body) => body,
            Err(refusal) => return self.refuse_send(now, &refusal, Value::Null),
        };
        if body.get("status").is_some() {
            return match self.mark_read(&body) {
                Ok(()) => Response::json(200, &json!({ "success": true })),
                Err(refusal) => self.refuse(&refusal),
            };
        }
        self.ledger.arrivals.add(now);
        let Some(fault) = self.faults.take() else { return self.send(now, body, Fate::Usual) };
        let fate = fault.fate();
        let delivery = fault.delivery();
        let response = match fault {
            Fault::Refuse(code) => self.refuse_send(now, &Refusal::new(code, "Scripted."), body),
            Fault::Answer { status, body: text, accepted } => {
                if accepted {
                    self.send(now, body, fate);
                } else {
                    self.ledger.counts.refused += 1;
                    keep(&mut self.ledger.refused, Refused { at: now, code: 0, status, body });
                }
                Response::html(status, text)
            }
            Fault::LoseRequest => Response::json(500, &Value::Null),
            _ => self.send(now, body, fate),
        };
        Response { delivery, ..response }
    }

    /// The body of a send; on the edge for marketing it must be a marketing template, and two more keys
    /// are known.
    fn marketing(&self, mut body: Value, marketing: bool) -> Result<Value, Refusal> {
        if !marketing {
            return Ok(body);
        }
        let root = Field::root(&body)?;
        if root.get("product_policy").is_some() {
            root.one_of("product_policy", &["CLOUD_API_FALLBACK", "STRICT"])?;
        }
        root.flag("message_activity_sharing")?;
        if body["type"] != "template" {
            let text = "The endpoint is for marketing template messages only.";
            return Err(Refusal::new(131_055, text));
        }
        let part = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or("");
        let found = self.templates.find(part("/template/name"), part("/template/language/code"));
        if found.is_some_and(|entry| entry.template.category != "MARKETING") {
            return Err(Refusal::new(134_100, "The template is not of the category MARKETING."));
        }
        if let Some(map) = body.as_object_mut() {
            map.remove("product_policy");
            map.remove("message_activity_sharing");
        }
        Ok(body)
    }

    fn refuse_send(&mut self, now: Timestamp, refusal: &Refusal, body: Value) -> Response {
        self.ledger.counts.refused += 1;
        let (code, status) = (refusal.code, refusal.status);
        keep(&mut self.ledger.refused, Refused { at: now, code, status, body });
        self.refuse(refusal)
    }

    fn send(&mut self, now: Timestamp, body: Value, fate: Fate) -> Response {
        match self.admit(now, &body) {
            Err(refusal) => self.refuse_send(now, &refusal, body),
            Ok((admitted, sent)) => {
                let answer = self.accept(now, &admitted, sent, body, fate);
                Response::json(200, &answer)
            }
        }
    }

    /// Whether Meta takes this send now: shape, recipient, then the two throttles.
    fn admit(&mut self, now: Timestamp, body: &Value) -> Result<(Admitted, Sent), Refusal> {
        let known = Known { media: &self.media, templates: &self.templates };
        let Checked { to, kind, callback, filled } = check(body, &known)?;
        let admitted = match to {
            To::Number(to) => {
                let digits = recipient::read_number(to, &self.config.country_code)?;
                let wa_id = recipient::wa_id(&digits);
                let own = self.config.business_wa_id();
                if wa_id == own || digits == own {
                    return Err(Refusal::new(131_021, "The recipient is the sending number."));
                }
                let person = self.people.with_number(&wa_id, self.config.strangers);
                Admitted { person, input: to.to_owned(), to_number: true }
            }
            To::UserId(user_id) => {
                let person = self.people.with_user_id(user_id).ok_or_else(|| {
                    Refusal::new(131_009, format!("'{user_id}' is no user id of this business."))
                })?;
                let category = filled.as_ref().and_then(|(id, _)| self.category(id));
                if category.as_deref() == Some("authentication") {
                    let text = "Authentication templates cannot be sent to a user id.";
                    return Err(Refusal::new(131_062, text));
                }
                Admitted { person, input: user_id.to_owned(), to_number: false }
            }
        };
        if !self.office.registered {
            return Err(Refusal::new(133_010, "The phone number is not registered."));
        }
        if self.office.blocked.contains(&admitted.person) {
            return Err(Refusal::new(130_403, "The business has blocked this user."));
        }
        let limit = usize::try_from(self.config.rate_per_second).unwrap_or(usize::MAX);
        if self.second.count(now) >= limit {
            let text = "Cloud API message throughput has been reached.";
            return Err(Refusal::new(130_429, text));
        }
        if self.config.pair_limit && !self.pairs.allow(admitted.person, now) {
            let text = "Too many messages sent from this phone number to the same user in a short \
                        period of time.";
            return Err(Refusal::new(131_056, text));
        }
        let sent = Sent {
            person: admitted.person,
            to_number: admitted.to_number,
            callback: callback.map(str::to_owned),
            kind: kind.to_owned(),
            category: filled.as_ref().and_then(|(id, _)| self.category(id)),
            template: filled.as_ref().map(|(id, _)| id.clone()),
            skips_delivered: false,
            done: false,
            text: filled.as_ref().map_or_else(|| readable(body, kind), |(_, of)| of.text.clone()),
            choices: filled.map_or_else(|| choices(body), |(_, of)| of.choices),
            at: now,
            number: self.ledger.counts.accepted + 1,
            told: Vec::new(),
        };
        Ok((admitted, sent))
    }

    /// The category of a template as prices spell it.
    fn category(&self, id: &str) -> Option<String> {
        self.templates.with_id(id).map(|entry| entry.template.category.to_lowercase())
    }

    fn accept(
        &mut self,
        now: Timestamp,
        admitted: &Admitted,
        sent: Sent,
        body: Value,
        fate: Fate,
    ) -> Value {
        self.second.add(now);
        self.pairs.add(admitted.person, now);
        self.ledger.counts.accepted += 1;
        if let Some(person) = self.people.get_mut(admitted.person).filter(|_| admitted.to_number) {
            person.forgotten = false;
        }
        // A message that a test has other plans for is not held.
        let template = sent.template.clone();
        let held =
            fate == Fate::Usual && template.as_ref().is_some_and(|id| self.templates.holds(id));
        let fate = self.failure(now, &sent, &body).map_or(fate, Fate::Fails);
        let answerable = sent.kind != "reaction";
        let callback = sent.callback.clone();
        let (number, user_id, answers) = self.people.get(admitted.person).map_or_else(
            || (None, String::new(), false),
            |person| {
                let persona = &person.persona;
                (persona.number.clone(), persona.user_id.clone(), persona.answers)
            },
        );
        let peer = number.clone().unwrap_or_else(|| user_id.clone());
        let wamid = self.new_wamid(&peer, Direction::Outbound);
        self.sent.insert(wamid.clone(), sent);
        let read_at = match &template {
            Some(id) if held => {
                self.hold(now, id, &wamid);
                None
            }
            _ => self.plan_statuses(now, &wamid, fate, &body),
        };
        if let Some(at) = read_at.filter(|_| answers && answerable) {
            self.plan_answer(at, admitted.person, &wamid);
        }
        let mut contact = json!({ "input": admitted.input });
        let named = number.filter(|_| admitted.to_number);
        let field = if named.is_some() { "wa_id" } else { "user_id" };
        let to = named.unwrap_or(user_id);
        contact[field] = json!(to);
        let mut message = json!({ "id": wamid });
        if template.is_some() {
            let word = if held { "held_for_quality_assessment" } else { "accepted" };
            message["message_status"] = json!(word);
        }
        let entry = Accepted { at: now, wamid, to, callback, body };
        keep(&mut self.ledger.accepted, entry);
        json!({ "messaging_product": "whatsapp", "contacts": [contact], "messages": [message] })
    }

    /// What becomes of a message that was held, now that it is not.
    pub(super) fn usual_fate(&self, now: Timestamp, wamid: &str) -> Fate {
        let code = self.sent.get(wamid).and_then(|sent| self.failure(now, sent, &Value::Null));
        code.map_or(Fate::Usual, Fate::Fails)
    }

    /// What an accepted message will fail with later, if it will.
    fn failure(&self, now: Timestamp, sent: &Sent, body: &Value) -> Option<u32> {
        let person = self.people.get(sent.person)?;
        if !person.on_whatsapp {
            return Some(131_026);
        }
        let hash = body["recipient_identity_key_hash"].as_str();
        if self.office.settings.identity_check && hash.is_some_and(|hash| hash != person.key()) {
            return Some(137_000);
        }
        if sent.kind != "template" && !person.window_open(now) {
            return Some(131_047);
        }
        if sent.category.as_deref() == Some("marketing") {
            // Marketing has not been delivered to the United States and Canada since April 2025.
            let number = person.persona.number.as_deref().unwrap_or("");
            let american = number.starts_with('1') && !number.starts_with("1555123");
            if american {
                return Some(131_049);
            }
            if person.opted_out {
                return Some(131_050);
            }
        }
        if sent.kind == "reaction" {
            let target = body["reaction"]["message_id"].as_str().unwrap_or("");
            let known = self.inbound.contains_key(target)
                || self.sent.get(target).is_some_and(|target| target.kind != "reaction");
            return (!known).then_some(131_009);
        }
        // Nothing can be fetched from the reserved top-level domain.
        let link = body[&sent.kind]["link"].as_str().unwrap_or("");
        let host = link.split('/').nth(2).unwrap_or("").split(':').next().unwrap_or("");
        host.ends_with(".invalid").then_some(131_053)
    }

    /// A later message to the same person moves their answer back: people answer what came last.
    fn plan_answer(&mut self, read_at: Timestamp, person: usize, wamid: &str) {
        let at = read_at + self.rng.span(self.config.delays.answer);
        if let Some(earlier) = self.people.get(person).and_then(|person| person.answering) {
            self.agenda.remove(&earlier);
        }
        let key = self.plan(at, Deed::Answer { person, to: wamid.to_owned() });
        if let Some(person) = self.people.get_mut(person) {
            person.answering = Some(key);
        }
    }

    fn mark_read(&mut self, body: &Value) -> Result<(), Refusal> {
        let root = Field::root(body)?;
        product(&root)?;
        root.only(&["messaging_product", "status", "message_id", "typing_indicator"])?;
        root.one_of("status", &["read"])?;
        let wamid = root.need_text("message_id", 1_000)?;
        if let Some(typing) = root.object("typing_indicator")? {
            typing.only(&["type"])?;
            typing.one_of("type", &["text"])?;
        }
        let inbound = self.inbound.get_mut(wamid);
        let inbound = inbound.ok_or_else(|| {
            Refusal::new(131_009, "message_id is not the id of a message that was received.")
        })?;
        inbound.marked_read = true;
        self.ledger.counts.marked_read += 1;
        Ok(())
    }
}

/// What a person reads of a message.
fn readable(body: &Value, kind: &str) -> String {
    let of = &body[kind];
    let text = [&of["body"], &of["body"]["text"], &of["caption"], &of["name"]];
    text.into_iter().find_map(Value::as_str).unwrap_or("").to_owned()
}

/// What a person can tap in a message.
fn choices(body: &Value) -> Vec<Choice> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let choice = |entry: &Value, tap| Choice {
        id: entry["id"].as_str().unwrap_or("").to_owned(),
        title: entry["title"].as_str().unwrap_or("").to_owned(),
        tap,
    };
    let action = &body["interactive"]["action"];
    let buttons =
        list(&action["buttons"]).into_iter().map(|one| choice(&one["reply"], Tap::Button));
    let sections = list(&action["sections"]).into_iter();
    let rows =
        sections.flat_map(|section| list(&section["rows"])).map(|row| choice(&row, Tap::Row));
    buttons.chain(rows).filter(|choice| !choice.id.is_empty()).collect()
}
