//! Where webhooks go: the app's callback with its fields, and the overrides of the account and of the
//! number, which win for messages. Meta asks an address to repeat a challenge before it takes it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::super::http::{Method, Request};
use super::super::super::refusal::Refusal;
use super::super::World;
use super::super::graph::Answer;
use super::{need, success};

/// The longest address, in characters.
const ADDRESS: usize = 200;
/// The one object that has webhooks here.
const OBJECT: &str = "whatsapp_business_account";

/// The fields of an app that never chose: all that this simulator posts.
const FIELDS: [&str; 11] = [
    "business_capability_update",
    "business_username_update",
    "message_template_components_update",
    "message_template_quality_update",
    "message_template_status_update",
    "messages",
    "phone_number_quality_update",
    "security",
    "smb_message_echoes",
    "template_category_update",
    "user_preferences",
];

/// The addresses.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sim) struct Hooks {
    pub(in crate::sim::world) app: Option<String>,
    /// The fields the app asked for; all of them when it never said.
    fields: Option<Vec<String>>,
    account: Option<String>,
    number: Option<String>,
    /// Whether the app is subscribed to the account.
    subscribed: bool,
}

impl Default for Hooks {
    fn default() -> Self {
        Self { app: None, fields: None, account: None, number: None, subscribed: true }
    }
}

impl Hooks {
    /// Where a webhook of this field goes.
    pub(in crate::sim::world) fn address(&self, field: &str) -> Option<&String> {
        let own = self.number.as_ref().or(self.account.as_ref());
        own.filter(|_| field == "messages").or(self.app.as_ref())
    }

    /// Whether a webhook of this field is posted at all.
    pub(in crate::sim::world) fn wants(&self, field: &str) -> bool {
        let asked = |fields: &Vec<String>| fields.iter().any(|one| one == field);
        self.subscribed && self.fields.as_ref().is_none_or(asked)
    }

    /// Takes over what belongs to the app from another account of it.
    pub(in crate::sim::world) fn follow_app(&mut self, other: &Self) {
        self.app.clone_from(&other.app);
        self.fields.clone_from(&other.fields);
    }

    /// Takes over what belongs to the account from another number of it.
    pub(in crate::sim::world) fn follow_account(&mut self, other: &Self) {
        self.account.clone_from(&other.account);
        self.subscribed = other.subscribed;
    }
}

/// An address that must repeat a challenge before it is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sim) struct Verification {
    /// The address.
    pub(in crate::sim) url: String,
    /// `hub.verify_token`.
    pub(in crate::sim) token: String,
}

impl World {
    /// The address that a request wants webhooks at, to be verified before the request is handled.
    pub(in crate::sim) fn verification(&self, request: &Request) -> Option<Verification> {
        if request.method != Method::Post {
            return None;
        }
        let path = super::super::account::unversioned(&request.path).ok()?;
        let owner = self.owner(request, &path);
        let world = owner.and_then(|index| self.others.get(index)).unwrap_or(self);
        world.authorise(request, &path).ok()?;
        let said = request.parameters().ok()?;
        let config = &world.config;
        let (from, key) = match path.as_slice() {
            [id] if *id == config.phone_number_id => {
                (said.get("webhook_configuration")?, "override_callback_uri")
            }
            [id, "subscribed_apps"] if *id == config.waba_id => (&said, "override_callback_uri"),
            [id, "subscriptions"] if *id == config.app_id => (&said, "callback_url"),
            _ => return None,
        };
        let text = |key: &str| from.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
        let (url, token) = (text(key), text("verify_token"));
        (!url.is_empty()).then_some(Verification { url, token })
    }

    pub(super) fn webhook_configuration(&self) -> Value {
        let hooks = &self.office.hooks;
        let places = [
            ("phone_number", &hooks.number),
            ("whatsapp_business_account", &hooks.account),
            ("application", &hooks.app),
        ];
        let known = places
            .into_iter()
            .filter_map(|(key, url)| Some((key.to_owned(), json!(url.as_ref()?))));
        Value::Object(known.collect())
    }

    pub(super) fn override_for_number(&mut self, request: &Request, hook: &Value) -> Answer {
        self.office.hooks.number = overriding(request, hook)?;
        Ok(success())
    }

    pub(super) fn subscribed_apps(&self) -> Value {
        let hooks = &self.office.hooks;
        if !hooks.subscribed {
            return json!({ "data": [] });
        }
        let app = &self.config.app_id;
        let link = format!("https://www.facebook.com/games/?app_id={app}");
        let data = json!({ "id": app, "name": self.config.verified_name, "link": link });
        let mut entry = json!({ "whatsapp_business_api_data": data });
        if let Some(url) = &hooks.account {
            entry["override_callback_uri"] = json!(url);
        }
        json!({ "data": [entry] })
    }

    /// An empty body subscribes the app and takes back an override.
    pub(super) fn subscribe_app(&mut self, request: &Request) -> Answer {
        let said = request.parameters()?;
        self.office.hooks.account = overriding(request, &said)?;
        self.office.hooks.subscribed = true;
        Ok(success())
    }

    pub(super) fn unsubscribe_app(&mut self) -> Value {
        self.office.hooks.subscribed = false;
        self.office.hooks.account = None;
        success()
    }

    pub(super) fn subscriptions(&self, request: &Request) -> Answer {
        self.needs_app_token(request)?;
        let hooks = &self.office.hooks;
        let Some(url) = &hooks.app else { return Ok(json!({ "data": [] })) };
        let all = || FIELDS.iter().map(|field| (*field).to_owned()).collect();
        let fields = hooks.fields.clone().unwrap_or_else(all);
        let fields: Vec<Value> =
            fields.iter().map(|name| json!({ "name": name, "version": "v25.0" })).collect();
        Ok(json!({ "data": [
            { "object": OBJECT, "callback_url": url, "active": true, "fields": fields }] }))
    }

    pub(super) fn subscribe(&mut self, request: &Request) -> Answer {
        self.needs_app_token(request)?;
        let said = request.parameters()?;
        object(&said)?;
        let url = need(&said, "callback_url")?;
        need(&said, "verify_token")?;
        let fields: Vec<String> = match said.get("fields") {
            None => Vec::new(),
            Some(Value::Array(list)) => {
                list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Some(list) => {
                let list = list.as_str().unwrap_or("").split(',');
                list.map(|field| field.trim().to_owned())
                    .filter(|field| !field.is_empty())
                    .collect()
            }
        };
        address(&url)?;
        verified(request)?;
        self.office.hooks.app = Some(url);
        self.office.hooks.fields = (!fields.is_empty()).then_some(fields);
        Ok(success())
    }

    pub(super) fn unsubscribe(&mut self, request: &Request) -> Answer {
        self.needs_app_token(request)?;
        self.office.hooks.app = None;
        self.office.hooks.fields = None;
        Ok(success())
    }
}

fn object(said: &Value) -> Result<(), Refusal> {
    if need(said, "object")? == OBJECT {
        return Ok(());
    }
    Err(Refusal::parameter(&format!("Param object must be one of {{{OBJECT}}}.")))
}

/// The address of an override; none when it is empty or not given.
fn overriding(request: &Request, said: &Value) -> Result<Option<String>, Refusal> {
    let url = said.get("override_callback_uri").and_then(Value::as_str).unwrap_or("");
    if url.is_empty() {
        return Ok(None);
    }
    need(said, "verify_token")?;
    address(url)?;
    verified(request)?;
    Ok(Some(url.to_owned()))
}

fn address(url: &str) -> Result<(), Refusal> {
    let web = url.starts_with("https://") || url.starts_with("http://");
    if web && url.chars().count() <= ADDRESS {
        return Ok(());
    }
    Err(Refusal::parameter(&format!("The callback must be a URL of at most {ADDRESS} characters.")))
}

/// What came of the challenge. A world that is asked without a network takes every address.
fn verified(request: &Request) -> Result<(), Refusal> {
    let Some(Err(why)) = &request.verified else { return Ok(()) };
    let text = format!("(#2200) Callback verification failed with the following errors: {why}");
    Err(Refusal::graph(2_200, None, text))
}
