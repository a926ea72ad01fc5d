//! The Graph endpoints: who may ask, which object is meant, and the answers that are not sends.

use serde_json::{Value, json};

use super::super::http::{Method, Request, Response};
use super::super::refusal::Refusal;
use super::World;
use super::graph::{Answer, select};
use super::media::parts;
use crate::domain::time::Timestamp;

/// The oldest and newest major version that is answered.
const VERSIONS: std::ops::RangeInclusive<u32> = 21..=26;

/// What is told of a number unasked.
const NUMBER: &str = "verified_name,code_verification_status,display_phone_number,quality_rating,\
    platform_type,throughput";

impl World {
    /// Answers one request. `now` never runs backwards from call to call.
    pub fn handle(&mut self, now: Timestamp, request: &Request) -> Response {
        self.live(now);
        self.ledger.counts.requests += 1;
        if let Err(refusal) = self.authorise(request) {
            return self.refuse(&refusal);
        }
        if request.path == "/whatsapp_business/attachments/" {
            return self.download(now, request);
        }
        let path: Vec<&str> = match unversioned(&request.path) {
            Ok(path) => path,
            Err(refusal) => return self.refuse(&refusal),
        };
        let own = self.config.phone_number_id.clone();
        if request.method == Method::Post && path == [own.as_str(), "messages"] {
            return self.messages(now, request);
        }
        match self.query(now, request, &path) {
            Ok(body) => Response::json(200, &body),
            Err(refusal) => self.refuse(&refusal),
        }
    }

    /// The answer to a refused request, with a trace id as Meta gives one.
    pub(super) fn refuse(&mut self, refusal: &Refusal) -> Response {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
        let trace = format!("A{}", self.rng.letters(alphabet, 22));
        Response::json(refusal.status, &refusal.envelope(&trace))
    }

    fn authorise(&self, request: &Request) -> Result<(), Refusal> {
        let Some(token) = request.token() else {
            let text = "An access token is required to request this resource.";
            return Err(Refusal::graph(104, None, text));
        };
        if self.token_expired {
            let text = "Error validating access token: Session has expired";
            return Err(Refusal::graph(190, Some(463), text));
        }
        if token != self.config.token && !self.is_app(request, token) {
            return Err(Refusal::graph(190, None, "Invalid OAuth access token."));
        }
        Ok(())
    }

    fn query(&mut self, now: Timestamp, request: &Request, path: &[&str]) -> Answer {
        if let Some(answer) = self.callback_edges(request, path) {
            return answer;
        }
        let (number, waba) = (self.config.phone_number_id.clone(), self.config.waba_id.clone());
        match (request.method, path) {
            (Method::Get, ["debug_token"]) => self.debug_token(request),
            (Method::Get, [id]) if *id == number => select(&self.number(), request, NUMBER, &[]),
            (Method::Get, [id, "phone_numbers"]) if *id == waba => {
                let cursors = json!({ "before": "QVFI", "after": "QVFI" });
                Ok(json!({ "data": [self.number()], "paging": { "cursors": cursors } }))
            }
            (Method::Get, [id]) if *id == waba => {
                let name = &self.config.verified_name;
                Ok(json!({ "id": waba, "name": name, "timezone_id": "25", "currency": "BRL" }))
            }
            (Method::Post, [id, "media"]) if *id == number => self.upload(now, request),
            (Method::Get, [id, "message_templates"]) if *id == waba => self.list_templates(request),
            (Method::Post, [id, "message_templates"]) if *id == waba => {
                self.create_template(now, request)
            }
            (Method::Delete, [id, "message_templates"]) if *id == waba => {
                self.delete_templates(now, request)
            }
            (Method::Post, [id, "uploads"]) if *id == self.config.app_id => {
                self.open_upload(request)
            }
            (Method::Get | Method::Post, [name]) if name.starts_with("upload:") => {
                self.upload_piece(now, request, name)
            }
            (Method::Post, [id, "unpause"]) => self.unpause_template(now, id),
            (Method::Post, [id]) if self.templates.with_id(id).is_some() => {
                self.edit_template(now, request, id)
            }
            (Method::Get, [id]) if self.templates.with_id(id).is_some() => {
                self.show_template(request, id)
            }
            (Method::Get, [id]) => self.media_info(now, request, id),
            (Method::Delete, [id]) => {
                let gone = self.media.remove(id);
                gone.then(|| json!({ "success": true })).ok_or_else(|| unknown(request, id))
            }
            (_, [id, edge, ..]) if *id == number || *id == waba => {
                let text = format!("Unknown path components: /{edge}");
                Err(Refusal::graph(2_500, None, text))
            }
            (_, path) => Err(unknown(request, path.first().unwrap_or(&""))),
        }
    }

    fn number(&self) -> Value {
        json!({
            "id": self.config.phone_number_id,
            "verified_name": self.config.verified_name,
            "display_phone_number": self.config.display_number,
            "code_verification_status": "VERIFIED",
            "quality_rating": "GREEN",
            "platform_type": "CLOUD_API",
            "throughput": {
                "level": if self.config.rate_per_second > 80 { "HIGH" } else { "STANDARD" },
            },
            "name_status": "APPROVED",
            "status": "CONNECTED",
            "account_mode": "LIVE",
            "is_official_business_account": false,
            "is_pin_enabled": true,
            "is_on_biz_app": false,
            "country_code": self.config.country_code,
            "whatsapp_business_manager_messaging_limit": "TIER_2K",
            "webhook_configuration": self.webhook_configuration(),
            "health_status": {
                "can_send_message": "AVAILABLE",
                "entities": [{
                    "entity_type": "PHONE_NUMBER",
                    "id": self.config.phone_number_id,
                    "can_send_message": "AVAILABLE",
                }],
            },
        })
    }

    fn debug_token(&self, request: &Request) -> Answer {
        let token = request.query("input_token").unwrap_or("");
        if token.is_empty() {
            return Err(Refusal::parameter("The parameter input_token is required."));
        }
        if token != self.config.token {
            let error = json!({ "code": 190, "message": "Invalid OAuth access token." });
            return Ok(json!({ "data": { "error": error, "is_valid": false, "scopes": [] } }));
        }
        let scopes = ["whatsapp_business_management", "whatsapp_business_messaging"];
        let granular: Vec<Value> = scopes
            .iter()
            .map(|scope| json!({ "scope": scope, "target_ids": [self.config.waba_id] }))
            .collect();
        Ok(json!({ "data": {
            "app_id": self.config.app_id,
            "type": "SYSTEM_USER",
            "application": self.config.verified_name,
            "data_access_expires_at": 0,
            "expires_at": 0,
            "is_valid": true,
            "issued_at": 1_760_000_000,
            "scopes": scopes,
            "granular_scopes": granular,
            "user_id": "122100000000000001",
        } }))
    }

    fn upload(&mut self, now: Timestamp, request: &Request) -> Answer {
        let content_type = request.header("content-type").unwrap_or("");
        let form = parts(content_type, &request.body);
        let form =
            form.ok_or_else(|| Refusal::parameter("The request must be a multipart form."))?;
        let part = |name: &str| form.iter().find(|part| part.name == name);
        if part("messaging_product").is_none_or(|product| product.bytes != b"whatsapp") {
            return Err(Refusal::parameter("The parameter messaging_product is required."));
        }
        let file = part("file");
        let file = file.ok_or_else(|| Refusal::parameter("The parameter file is required."))?;
        let named = part("type").map(|kind| String::from_utf8_lossy(kind.bytes).into_owned());
        let mime = file.mime.clone().or(named).unwrap_or_default();
        let id = self.new_media_id();
        self.media.upload(id.clone(), &mime, file.bytes, now)?;
        Ok(json!({ "id": id }))
    }

    fn media_info(&self, now: Timestamp, request: &Request, id: &str) -> Answer {
        if request.query("phone_number_id").is_some_and(|own| own != self.config.phone_number_id) {
            return Err(unknown(request, id));
        }
        let info = self.media.info(id, &self.config.app_secret, now);
        let info = info.ok_or_else(|| unknown(request, id))?;
        let host = request.header("host").unwrap_or("127.0.0.1");
        Ok(json!({
            "messaging_product": "whatsapp",
            "url": format!("http://{host}{}", info.address),
            "mime_type": info.mime,
            "sha256": info.sha256,
            "file_size": info.size,
            "id": id,
        }))
    }

    fn download(&mut self, now: Timestamp, request: &Request) -> Response {
        let part = |name| request.query(name).unwrap_or("");
        let (id, ext, hash) = (part("mid"), part("ext"), part("hash"));
        match self.media.download(id, ext, hash, &self.config.app_secret, now) {
            Some((mime, bytes)) if request.method == Method::Get => {
                Response::bytes(200, &mime, bytes)
            }
            _ => Response::bytes(404, "text/html; charset=utf-8", b"Not Found".to_vec()),
        }
    }
}

fn unknown(request: &Request, id: &str) -> Refusal {
    let verb = match request.method {
        Method::Get => "get",
        Method::Post => "post",
        Method::Delete => "delete",
        Method::Other => "request",
    };
    Refusal::unknown_object(verb, id)
}

/// The parts of a path after its version.
fn unversioned(path: &str) -> Result<Vec<&str>, Refusal> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let version = parts.first().and_then(|first| {
        let (major, minor) = first.strip_prefix('v')?.split_once('.')?;
        Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
    });
    match version {
        Some((major, 0)) if VERSIONS.contains(&major) => Ok(parts.into_iter().skip(1).collect()),
        Some((major, minor)) => {
            let text = format!("(#2635) You are calling an unsupported version: v{major}.{minor}");
            Err(Refusal::graph(2_635, None, text))
        }
        // A call without a version gets the app's default one.
        None => Ok(parts),
    }
}
