//! Tokens: who may ask for what, and what Meta tells of a token.

use serde_json::{Value, json};

use super::super::super::http::Request;
use super::super::super::refusal::Refusal;
use super::super::super::signed::signature;
use super::super::World;
use super::super::graph::{Answer, select};

const MANAGEMENT: &str = "whatsapp_business_management";
const MESSAGING: &str = "whatsapp_business_messaging";
/// The system user that the token belongs to.
const USER: &str = "122100000000000001";

impl World {
    /// The token of the app itself.
    fn app_token(&self) -> String {
        format!("{}|{}", self.config.app_id, self.config.app_secret)
    }

    /// Whether a token is one of this account's.
    pub(in crate::sim::world) fn knows_token(&self, token: &str) -> bool {
        token == self.config.token || token == self.app_token()
    }

    /// Whether the asker may ask for what lies at this path.
    pub(in crate::sim::world) fn authorise(
        &self,
        request: &Request,
        path: &[&str],
    ) -> Result<(), Refusal> {
        if path == ["oauth", "access_token"] {
            return Ok(());
        }
        let Some(token) = request.token() else {
            let text = "An access token is required to request this resource.";
            return Err(Refusal::graph(104, None, text));
        };
        let proof = request.query("appsecret_proof");
        if proof.is_some_and(|proof| !self.proves(token, proof)) {
            return Err(Refusal::parameter("Invalid appsecret_proof provided in the API argument"));
        }
        let of_app = path.first() == Some(&self.config.app_id.as_str()) || path == ["debug_token"];
        if token == self.app_token() {
            if of_app {
                return Ok(());
            }
            let text = "(#10) Application does not have permission for this action";
            return Err(Refusal::graph(10, None, text));
        }
        if token != self.config.token {
            return Err(Refusal::graph(190, None, "Invalid OAuth access token."));
        }
        if self.token_expired {
            let text = "Error validating access token: Session has expired";
            return Err(Refusal::graph(190, Some(463), text));
        }
        let needed = match path.get(1) {
            Some(&("messages" | "marketing_messages" | "media")) => MESSAGING,
            Some(_) if !of_app => MANAGEMENT,
            _ => return Ok(()),
        };
        if self.config.scopes.iter().any(|scope| scope == needed) {
            return Ok(());
        }
        let text = format!("(#200) Requires {needed} permission to manage the object");
        Err(Refusal::graph(200, None, text))
    }

    /// Whether a proof is the HMAC of the token under the app's secret.
    fn proves(&self, token: &str, proof: &str) -> bool {
        signature(&self.config.app_secret, token.as_bytes()).strip_prefix("sha256=") == Some(proof)
    }

    pub(super) fn needs_app_token(&self, request: &Request) -> Result<(), Refusal> {
        if request.token() == Some(self.app_token().as_str()) {
            return Ok(());
        }
        let text = "(#15) This method must be called with an app access_token.";
        Err(Refusal::graph(15, None, text))
    }

    /// `GET /oauth/access_token`: the app's own token for its id and secret.
    pub(in crate::sim::world) fn access_token(&self, request: &Request) -> Answer {
        let part = |key: &str| request.parameter(key).unwrap_or_default();
        if part("grant_type") != "client_credentials" {
            return Err(Refusal::parameter("Param grant_type must be client_credentials."));
        }
        if part("client_id") != self.config.app_id {
            let text =
                "Error validating application. Cannot get application info due to a system error.";
            return Err(Refusal::graph(101, None, text));
        }
        if part("client_secret") != self.config.app_secret {
            return Err(Refusal::graph(1, None, "Error validating client secret."));
        }
        Ok(json!({ "access_token": self.app_token(), "token_type": "bearer" }))
    }

    pub(super) fn debug_token(&self, request: &Request) -> Answer {
        let token = request.query("input_token").unwrap_or("");
        if token.is_empty() {
            return Err(Refusal::parameter("The parameter input_token is required."));
        }
        let app = &self.config.app_id;
        let name = &self.config.verified_name;
        if token == self.app_token() {
            return Ok(json!({ "data": { "app_id": app, "type": "APP", "application": name,
                "is_valid": true, "scopes": [] } }));
        }
        if token != self.config.token || self.token_expired {
            let mut error = json!({ "code": 190, "message": "Invalid OAuth access token." });
            if token == self.config.token {
                error = json!({ "code": 190, "subcode": 463,
                    "message": "Error validating access token: Session has expired" });
            }
            return Ok(json!({ "data": { "error": error, "is_valid": false, "scopes": [] } }));
        }
        let granular =
            |scope: &String| json!({ "scope": scope, "target_ids": [self.config.waba_id] });
        Ok(json!({ "data": {
            "app_id": app,
            "type": "SYSTEM_USER",
            "application": name,
            "data_access_expires_at": 0,
            "expires_at": 0,
            "is_valid": true,
            "issued_at": 1_760_000_000,
            "scopes": self.config.scopes,
            "granular_scopes": self.config.scopes.iter().map(granular).collect::<Vec<_>>(),
            "user_id": USER,
        } }))
    }

    pub(super) fn me(&self) -> Value {
        json!({ "id": USER, "name": self.config.verified_name })
    }

    pub(super) fn show_app(&self, request: &Request) -> Answer {
        let app = &self.config.app_id;
        let object = json!({
            "id": app,
            "name": self.config.verified_name,
            "link": format!("https://www.facebook.com/games/?app_id={app}"),
            "category": "Business",
        });
        select(&object, request, "id,name,link,category", &[])
    }
}
