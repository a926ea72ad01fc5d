//! The number and the account it belongs to: what Meta tells of them, registration and the PIN.

use serde_json::{Map, Value, json};

use super::super::super::config::Quality;
use super::super::super::http::Request;
use super::super::super::refusal::Refusal;
use super::super::World;
use super::super::check::product;
use super::super::field::Field;
use super::super::graph::{Answer, page, select};
use super::{need, success};
use crate::domain::time::Timestamp;

/// What is told of a number unasked.
const NUMBER: &str = "verified_name,code_verification_status,display_phone_number,quality_rating,\
    platform_type,throughput";
/// What is told of an account unasked.
const ACCOUNT: &str = "id,name,currency,timezone_id,message_template_namespace";
/// Calls of `register` and `deregister` in 72 hours.
const REGISTRATIONS: usize = 10;
const REGISTRATION_SPAN: i64 = 72 * 3_600_000;

/// Something that happens to the number, when a person or a test says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NumberChange {
    /// Its quality is rated anew.
    Quality(Quality),
    /// The messaging limit of the portfolio: `TIER_250`, `TIER_2K`, `TIER_10K`, `TIER_100K`,
    /// `TIER_UNLIMITED`.
    Limit(String),
    /// Its throughput is raised to 1,000 messages a second, or lowered to 80.
    Throughput(bool),
}

impl World {
    /// Changes the number and tells of it, in the fields Meta uses.
    ///
    /// # Errors
    /// When the limit is none of Meta's.
    pub fn change_number(&mut self, now: Timestamp, change: &NumberChange) -> Result<(), String> {
        self.live(now);
        let mut value = Map::new();
        let number = json!(self.config.business_wa_id());
        value.insert("display_phone_number".to_owned(), number);
        match change {
            NumberChange::Quality(quality) => {
                self.office.quality = *quality;
                let low = *quality == Quality::Red;
                let status = if low { "FLAGGED" } else { "CONNECTED" };
                status.clone_into(&mut self.office.status);
                let event = if low { "FLAGGED" } else { "UNFLAGGED" };
                value.insert("event".to_owned(), json!(event));
            }
            NumberChange::Limit(limit) => {
                let known = ["TIER_250", "TIER_2K", "TIER_10K", "TIER_100K", "TIER_UNLIMITED"];
                if !known.contains(&limit.as_str()) {
                    return Err(format!("limit {limit:?}: give one of {}", known.join(", ")));
                }
                limit.clone_into(&mut self.office.limit);
                let capability = json!({ "max_daily_conversations_per_business": limit });
                let capability = capability.as_object().cloned().unwrap_or_default();
                self.post_account("business_capability_update", capability, now);
                value.insert("event".to_owned(), json!("UPGRADE"));
            }
            NumberChange::Throughput(high) => {
                self.config.rate_per_second = if *high { 1_000 } else { 80 };
                let event = if *high { "THROUGHPUT_UPGRADE" } else { "DOWNGRADE" };
                value.insert("event".to_owned(), json!(event));
            }
        }
        let limit = self.office.limit.clone();
        value.insert("max_daily_conversations_per_business".to_owned(), json!(limit));
        self.post_account("phone_number_quality_update", value, now);
        Ok(())
    }

    pub(in crate::sim::world) fn number(&self) -> Value {
        let office = &self.office;
        let fine = office.registered;
        let state = if fine { "AVAILABLE" } else { "BLOCKED" };
        let entity = |kind: &str, id: &str, state: &str| json!({ "entity_type": kind, "id": id, "can_send_message": state });
        let mut own = entity("PHONE_NUMBER", &self.config.phone_number_id, state);
        if !fine {
            own["errors"] = json!([{ "error_code": 141_000, "error_description":
                "The phone number is not registered.", "possible_solution": "Register it." }]);
        }
        json!({
            "id": self.config.phone_number_id,
            "verified_name": self.config.verified_name,
            "display_phone_number": self.config.display_number,
            "code_verification_status": "VERIFIED",
            "quality_rating": office.quality.word(),
            "platform_type": if fine { "CLOUD_API" } else { "NOT_APPLICABLE" },
            "throughput": {
                "level": if self.config.rate_per_second > 80 { "HIGH" } else { "STANDARD" },
            },
            "name_status": "APPROVED",
            "new_name_status": "NONE",
            "status": if fine { office.status.as_str() } else { "PENDING" },
            "account_mode": "LIVE",
            "certificate": "",
            "last_onboarded_time": "2025-01-01T00:00:00+0000",
            "is_official_business_account": false,
            "is_pin_enabled": office.pin.is_some(),
            "is_on_biz_app": false,
            "country_code": self.config.country_code,
            "username": office.username,
            "whatsapp_business_manager_messaging_limit": office.limit,
            "webhook_configuration": self.webhook_configuration(),
            "health_status": {
                "can_send_message": state,
                "entities": [
                    own,
                    entity("WABA", &self.config.waba_id, "AVAILABLE"),
                    entity("APP", &self.config.app_id, "AVAILABLE"),
                ],
            },
        })
    }

    pub(super) fn show_number(&self, request: &Request) -> Answer {
        select(&self.number(), request, NUMBER, &[])
    }

    pub(super) fn numbers(&self, request: &Request) -> Answer {
        let beside = self.beside.iter().filter(|one| one.waba_id == self.config.waba_id);
        let all = std::iter::once(self.number()).chain(beside.map(|one| one.number.clone()));
        let rows: Vec<_> = (0..).zip(all).map(|(place, row)| (u64::MAX - place, row)).collect();
        page(&rows, request, |row| select(row, request, NUMBER, &[]))
    }

    pub(super) fn show_account(&self, request: &Request) -> Answer {
        let account = json!({
            "id": self.config.waba_id,
            "name": self.config.verified_name,
            "timezone_id": "25",
            "currency": "BRL",
            "country": "BR",
            "message_template_namespace": "5b6a3e1c_9d0f_4c57_8a40_0d4fb9b3b1f7",
            "account_review_status": "APPROVED",
            "business_verification_status": "verified",
            "ownership_type": "SELF",
            "health_status": { "can_send_message": "AVAILABLE", "entities": [{
                "entity_type": "WABA", "id": self.config.waba_id, "can_send_message": "AVAILABLE" }] },
        });
        select(&account, request, ACCOUNT, &[])
    }

    /// `POST /{phone-number-id}`: the PIN, or where this number's webhooks go.
    pub(super) fn change_settings(&mut self, now: Timestamp, request: &Request) -> Answer {
        let said = request.parameters()?;
        if let Some(hook) = said.get("webhook_configuration") {
            return self.override_for_number(request, hook);
        }
        let pin = six_digits(&need(&said, "pin")?)?;
        self.office.pin = Some(pin);
        let value = json!({
            "display_phone_number": self.config.business_wa_id(),
            "event": "PIN_CHANGED",
            "requester": "122100000000000001",
        });
        self.post_account("security", value.as_object().cloned().unwrap_or_default(), now);
        Ok(success())
    }

    pub(super) fn register(&mut self, now: Timestamp, request: &Request) -> Answer {
        let said = request.parameters()?;
        product(&Field::root(&said)?)?;
        let pin = six_digits(&need(&said, "pin")?)?;
        self.count_registration(now)?;
        match &self.office.pin {
            Some(known) if *known != pin => {
                let text = "The two-step verification PIN is not the number's.";
                return Err(Refusal::new(133_005, text));
            }
            _ => self.office.pin = Some(pin),
        }
        self.office.registered = true;
        Ok(success())
    }

    pub(super) fn deregister(&mut self, now: Timestamp) -> Answer {
        self.count_registration(now)?;
        if !self.office.registered {
            let text = "Phone number not registered on the WhatsApp Business Platform.";
            return Err(Refusal::new(133_010, text));
        }
        self.office.registered = false;
        Ok(success())
    }

    fn count_registration(&mut self, now: Timestamp) -> Result<(), Refusal> {
        let times = &mut self.office.registrations;
        times.retain(|at| *at > now.millis() - REGISTRATION_SPAN);
        if times.len() >= REGISTRATIONS {
            let text = "There were too many attempts to register this number: 10 in 72 hours.";
            return Err(Refusal::new(133_016, text));
        }
        times.push(now.millis());
        Ok(())
    }
}

fn six_digits(pin: &str) -> Result<String, Refusal> {
    if pin.len() == 6 && pin.bytes().all(|one| one.is_ascii_digit()) {
        return Ok(pin.to_owned());
    }
    Err(Refusal::parameter("Param pin must be 6 digits long."))
}
