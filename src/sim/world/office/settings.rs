//! `/{phone-number-id}/settings`: the identity check, where data is stored, calls and encryption. One of them is
//! set by a call.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::super::http::Request;
use super::super::super::refusal::Refusal;
use super::super::World;
use super::super::field::Field;
use super::super::graph::Answer;
use super::success;

const KINDS: [&str; 4] =
    ["calling", "user_identity_change", "payload_encryption", "storage_configuration"];

/// What was set.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::sim::world) struct Settings {
    /// Whether webhooks name the key of a person, and a send may be bound to it.
    pub(in crate::sim::world) identity_check: bool,
    /// Whether calls are taken, as far as it is shown.
    calling: bool,
    /// The region data is stored in, when it is not Meta's choice.
    region: Option<String>,
}

impl World {
    pub(super) fn show_settings(&self) -> Value {
        let settings = &self.office.settings;
        let status = |on: bool| if on { "enabled" } else { "disabled" };
        let storage = settings.region.as_ref().map_or_else(
            || json!({ "status": "default" }),
            |region| {
                json!({ "status": "in_country_storage_enabled", "data_localization_region": region })
            },
        );
        json!({
            "calling": {
                "status": status(settings.calling),
                "call_icon_visibility": "visible",
                "ip_addresses": { "default": [] },
                "callback_permission_status": "disabled",
            },
            "user_identity_change": { "enable_identity_key_check": settings.identity_check },
            "payload_encryption": { "status": "disabled" },
            "storage_configuration": storage,
        })
    }

    pub(super) fn set_settings(&mut self, request: &Request) -> Answer {
        let said = request.parameters()?;
        let root = Field::root(&said)?;
        root.only(&KINDS)?;
        let given: Vec<&str> = KINDS.into_iter().filter(|kind| root.get(kind).is_some()).collect();
        let [kind] = given.as_slice() else {
            let text = "Only one feature setting can be specified in a request.";
            return Err(Refusal::parameter(text));
        };
        let part = root.need_object(kind)?;
        let status = || Ok::<bool, Refusal>(part.one_of("status", &STATUS)? == "enabled");
        let settings = &mut self.office.settings;
        match *kind {
            "calling" => settings.calling = status()?,
            "payload_encryption" if status()? => {
                let text = "This simulator does not encrypt: status can only be disabled.";
                return Err(Refusal::parameter(text));
            }
            "payload_encryption" => {}
            "storage_configuration" => {
                part.only(&["enabled", "region"])?;
                part.need("enabled")?;
                let enabled = part.flag("enabled")?;
                let region = if enabled { Some(part.need_text("region", 8)?) } else { None };
                settings.region = region.map(str::to_owned);
            }
            _ => {
                // The guide calls it the one, the reference the other.
                part.only(&["enable_identity_key_check", "enabled"])?;
                let key = ["enable_identity_key_check", "enabled"]
                    .into_iter()
                    .find(|key| part.get(key).is_some());
                let key = key.ok_or_else(|| part.missing("enable_identity_key_check"))?;
                settings.identity_check = part.flag(key)?;
            }
        }
        Ok(success())
    }
}

const STATUS: [&str; 2] = ["enabled", "disabled"];
