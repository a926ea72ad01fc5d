//! The business side of an account: the number and its registration, the profile, the block list, and
//! where webhooks go. Each is what the edges of the Graph API show and change.

mod hooks;
mod number;
mod profile;
mod settings;
mod token;
mod username;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::config::Quality;
use super::super::http::{Method, Request};
use super::super::refusal::Refusal;
use super::World;
use super::graph::Answer;
use crate::domain::time::Timestamp;

pub(in crate::sim) use self::hooks::{Hooks, Verification};
pub use self::number::NumberChange;
pub(super) use self::settings::Settings;

/// What the edges of an account keep.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Office {
    /// Whether messages can be sent from the number.
    pub(super) registered: bool,
    /// The PIN of two-step verification.
    pin: Option<String>,
    /// When the number was registered or deregistered within the last 72 hours, in milliseconds.
    registrations: Vec<i64>,
    quality: Quality,
    /// `TIER_2K` and so on.
    limit: String,
    status: String,
    profile: Map<String, Value>,
    /// The people who are blocked, by their index.
    pub(super) blocked: BTreeSet<usize>,
    pub(super) hooks: Hooks,
    #[serde(default)]
    pub(super) settings: Settings,
    /// Its user name, if it took one.
    #[serde(default)]
    pub(super) username: Option<String>,
}

impl Default for Office {
    fn default() -> Self {
        let about = [("about", "Luminárias e objetos de casa. Seg a sáb, 9h às 18h.")];
        let profile = about.map(|(key, text)| (key.to_owned(), Value::from(text)));
        Self {
            registered: true,
            pin: None,
            registrations: Vec::new(),
            quality: Quality::Green,
            limit: "TIER_2K".to_owned(),
            status: "CONNECTED".to_owned(),
            profile: profile.into_iter().collect(),
            blocked: BTreeSet::new(),
            hooks: Hooks::default(),
            settings: Settings::default(),
            username: None,
        }
    }
}

impl World {
    /// Answers a call of one of the edges kept here; `None` when it is none of them.
    pub(super) fn office_edge(
        &mut self,
        now: Timestamp,
        request: &Request,
        path: &[&str],
    ) -> Option<Answer> {
        use Method::{Delete, Get, Post};
        let config = &self.config;
        let owner = [&config.phone_number_id, &config.waba_id, &config.app_id];
        let owner = owner.into_iter().position(|id| Some(&id.as_str()) == path.first());
        let edge = path.get(1..).unwrap_or(&[]);
        let answer = match (owner, request.method, edge) {
            (Some(0), Get, []) => self.show_number(request),
            (Some(0), Post, []) => self.change_settings(now, request),
            (Some(0), Post, ["register"]) => self.register(now, request),
            (Some(0), Post, ["deregister"]) => self.deregister(now),
            (Some(0), Post, ["request_code"]) => request_code(request),
            (Some(0), Post, ["verify_code"]) => verify_code(request),
            (Some(0), Get, ["settings"]) => Ok(self.show_settings()),
            (Some(0), Post, ["settings"]) => self.set_settings(request),
            (Some(0), Get, ["username"]) => Ok(self.show_username()),
            (Some(0), Post, ["username"]) => self.claim_username(now, request),
            (Some(0), Delete, ["username"]) => self.drop_username(now),
            (Some(0), Get, ["username_suggestions"]) => Ok(self.username_suggestions()),
            (Some(0), Delete, ["contact_book"]) => self.forget_number(request),
            (Some(0), Get, ["message_history"]) => self.message_history(request),
            (Some(0), Get, ["whatsapp_business_profile"]) => self.show_profile(request),
            (Some(0), Post, ["whatsapp_business_profile"]) => self.change_profile(request),
            (Some(0), Get, ["block_users"]) => self.blocked_users(request),
            (Some(0), Post | Delete, ["block_users"]) => self.block_users(now, request),
            (Some(1), Get, []) => self.show_account(request),
            (Some(1), Get, ["phone_numbers"]) => self.numbers(request),
            (Some(1), Get, ["subscribed_apps"]) => Ok(self.subscribed_apps()),
            (Some(1), Post, ["subscribed_apps"]) => self.subscribe_app(request),
            (Some(1), Delete, ["subscribed_apps"]) => Ok(self.unsubscribe_app()),
            (Some(2), Get, []) => self.show_app(request),
            (Some(2), Get, ["subscriptions"]) => self.subscriptions(request),
            (Some(2), Post, ["subscriptions"]) => self.subscribe(request),
            (Some(2), Delete, ["subscriptions"]) => self.unsubscribe(request),
            (None, Get, ["debug_token"] | []) if path == ["debug_token"] => {
                self.debug_token(request)
            }
            (None, Get, []) if path == ["me"] => Ok(self.me()),
            _ => return None,
        };
        Some(answer)
    }
}

/// A code is on its way to the number. Nobody reads it there, so it is always `123456`.
fn request_code(request: &Request) -> Answer {
    let said = request.parameters()?;
    let method = super::graph::word_parameter(&said, "code_method");
    if !["SMS", "VOICE"].contains(&method.as_str()) {
        let text = format!("Param code_method must be one of {{SMS, VOICE}} - got \"{method}\".");
        return Err(Refusal::parameter(&text));
    }
    need(&said, "language")?;
    Ok(success())
}

fn verify_code(request: &Request) -> Answer {
    let said = request.parameters()?;
    if need(&said, "code")?.replace('-', "") == "123456" {
        return Ok(success());
    }
    Err(Refusal::template(None, "Wrong code", "The code is not the one that was sent: 123456."))
}

fn success() -> Value {
    serde_json::json!({ "success": true })
}

/// A text of the body that must be there.
fn need(said: &Value, key: &str) -> Result<String, Refusal> {
    let value = said.get(key).filter(|value| !value.is_null());
    let text = value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    text.filter(|text| !text.is_empty())
        .ok_or_else(|| Refusal::parameter(&format!("The parameter {key} is required.")))
}
