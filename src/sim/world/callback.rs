//! Where webhooks are to go: the number's own address, the WABA's, the app's, and which app hears of the
//! WABA at all. Asking the address for a challenge first is left to whoever posts.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::http::{Method, Request};
use super::super::refusal::Refusal;
use super::World;

/// The object of WhatsApp's webhooks.
const OBJECT: &str = "whatsapp_business_account";

/// The longest address that Meta takes.
const LONGEST: usize = 200;

/// The addresses that were set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Callbacks {
    number: Option<String>,
    waba: Option<String>,
    app: Option<String>,
    fields: Vec<String>,
    subscribed: bool,
    /// Set since it was last looked at.
    #[serde(skip)]
    changed: bool,
}

impl Default for Callbacks {
    fn default() -> Self {
        let fields = vec!["messages".to_owned()];
        Self { number: None, waba: None, app: None, fields, subscribed: true, changed: false }
    }
}

impl Callbacks {
    fn effective(&self) -> Option<&String> {
        self.number.as_ref().or(self.waba.as_ref()).or(self.app.as_ref())
    }
}

type Answer = Result<Value, Refusal>;

impl World {
    /// The app's address, as its dashboard sets it.
    pub(in crate::sim) fn set_app_callback(&mut self, url: &str) {
        self.callbacks.app = Some(url.to_owned());
    }

    /// Where webhooks go from now on, if that was changed over the API.
    pub(in crate::sim) fn new_callback(&mut self) -> Option<String> {
        let changed = std::mem::take(&mut self.callbacks.changed);
        self.callbacks.effective().filter(|_| changed).cloned()
    }

    /// Whether the request speaks for the app itself, about the app.
    pub(super) fn is_app(&self, request: &Request, token: &str) -> bool {
        let (app, secret) = (&self.config.app_id, &self.config.app_secret);
        let about = request.path.split('/').any(|part| part == app);
        about && token.split_once('|') == Some((app, secret))
    }

    /// `webhook_configuration` of the number.
    pub(super) fn webhook_configuration(&self) -> Value {
        let set = &self.callbacks;
        let all = [
            ("phone_number", &set.number),
            ("whatsapp_business_account", &set.waba),
            ("application", &set.app),
        ];
        let set =
            all.into_iter().filter_map(|(key, url)| Some((key.to_owned(), json!(url.as_ref()?))));
        Value::Object(set.collect())
    }

    /// Answers what is about addresses; nothing for all else.
    pub(super) fn callback_edges(&mut self, request: &Request, path: &[&str]) -> Option<Answer> {
        let (number, waba) = (self.config.phone_number_id.clone(), self.config.waba_id.clone());
        let app = self.config.app_id.clone();
        let body = || serde_json::from_slice::<Value>(&request.body).unwrap_or_default();
        Some(match (request.method, path) {
            (Method::Post, [id])
                if *id == number && body().get("webhook_configuration").is_some() =>
            {
                let body = body();
                wanted(&body["webhook_configuration"]).map(|url| {
                    self.callbacks.number = url;
                    self.changed()
                })
            }
            (Method::Get, [id, "subscribed_apps"]) if *id == waba => Ok(self.subscribed()),
            (Method::Post, [id, "subscribed_apps"]) if *id == waba => wanted(&body()).map(|url| {
                self.callbacks.subscribed = true;
                self.callbacks.waba = url;
                self.changed()
            }),
            (Method::Delete, [id, "subscribed_apps"]) if *id == waba => {
                self.callbacks.subscribed = false;
                Ok(self.changed())
            }
            (Method::Get, [id, "subscriptions"]) if *id == app => Ok(self.subscriptions()),
            (Method::Post, [id, "subscriptions"]) if *id == app => self.subscribe(request, &body()),
            _ => return None,
        })
    }

    fn changed(&mut self) -> Value {
        self.callbacks.changed = true;
        json!({ "success": true })
    }

    fn subscribed(&self) -> Value {
        if !self.callbacks.subscribed {
            return json!({ "data": [] });
        }
        let app = json!({
            "id": self.config.app_id,
            "link": "https://www.facebook.com/games/?app_id=0",
            "name": self.config.verified_name,
        });
        let mut entry = json!({ "whatsapp_business_api_data": app });
        if let Some(url) = &self.callbacks.waba {
            entry["override_callback_uri"] = json!(url);
        }
        json!({ "data": [entry] })
    }

    fn subscriptions(&self) -> Value {
        let Some(url) = &self.callbacks.app else { return json!({ "data": [] }) };
        let fields = self.callbacks.fields.iter();
        let fields: Vec<Value> =
            fields.map(|name| json!({ "name": name, "version": "v25.0" })).collect();
        json!({ "data": [{
            "object": OBJECT, "callback_url": url, "active": true, "fields": fields,
        }] })
    }

    fn subscribe(&mut self, request: &Request, body: &Value) -> Answer {
        let given = |key: &str| {
            let named = body.get(key).and_then(Value::as_str).or_else(|| request.query(key));
            named.map(str::to_owned).filter(|text| !text.is_empty())
        };
        let needed = |key: &str| {
            given(key)
                .ok_or_else(|| Refusal::parameter(&format!("The parameter {key} is required.")))
        };
        if needed("object")? != OBJECT {
            return Err(Refusal::parameter("The object is not one of this app's."));
        }
        let url = checked(needed("callback_url")?)?;
        needed("verify_token")?;
        self.callbacks.fields = needed("fields")?.split(',').map(str::to_owned).collect();
        self.callbacks.app = Some(url);
        Ok(self.changed())
    }
}

/// The address of an override, with its verify token; none to take it away.
fn wanted(body: &Value) -> Result<Option<String>, Refusal> {
    let text = |key: &str| body.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    match (text("override_callback_uri"), text("verify_token")) {
        (None, _) => Ok(None),
        (Some(_), None) => Err(Refusal::parameter("The parameter verify_token is required.")),
        (Some(url), Some(_)) => checked(url.to_owned()).map(Some),
    }
}

fn checked(url: String) -> Result<String, Refusal> {
    let good = url.starts_with("https://") || url.starts_with("http://127.0.0.1:");
    if good && url.chars().count() <= LONGEST {
        return Ok(url);
    }
    Err(Refusal::parameter("The callback URL must be https and at most 200 characters long."))
}
