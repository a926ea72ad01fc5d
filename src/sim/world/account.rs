//! The Graph endpoints: who may ask, which object is meant, and the answers that are not sends.

use serde_json::{Value, json};

use super::super::http::{Method, Request, Response};
use super::super::refusal::Refusal;
use super::World;
use super::fault::Fault;
use super::graph::Answer;
use super::media::parts;
use super::template::example;
use crate::domain::time::Timestamp;

/// The oldest and newest major version that is answered.
const VERSIONS: std::ops::RangeInclusive<u32> = 21..=26;

impl World {
    /// Answers one request. `now` never runs backwards from call to call.
    pub fn handle(&mut self, now: Timestamp, request: &Request) -> Response {
        self.live(now);
        self.others.iter_mut().for_each(|other| other.live(now));
        let response = self.route(now, request);
        self.log.request(now, request, &response);
        response
    }

    /// Passes a request on to the account that it is about.
    fn route(&mut self, now: Timestamp, request: &Request) -> Response {
        let path = unversioned(&request.path);
        let known = path.as_deref().unwrap_or(&[]);
        if request.method == Method::Get
            && let Some((mime, bytes)) = example::file(known)
        {
            return Response::bytes(200, mime, bytes.to_vec());
        }
        let owner = self.owner(request, known);
        let world = owner.and_then(|index| self.others.get(index)).unwrap_or(self);
        let token = request.token().unwrap_or("");
        let of_others =
            self.knows_token(token) || self.others.iter().any(|one| one.knows_token(token));
        let viewing = known == ["debug_token"];
        let named = viewing || known.first().is_some_and(|id| world.owns(id));
        if named && of_others && !world.knows_token(token) {
            self.ledger.counts.requests += 1;
            let refusal = if viewing {
                let text = "The App_id in the input_token did not match the Viewing App";
                Refusal::parameter(text)
            } else {
                unknown(request, known.first().unwrap_or(&""))
            };
            return self.refuse(&refusal);
        }
        self.introduce(owner, known);
        let response = match owner.and_then(|index| self.others.get_mut(index)) {
            Some(other) => other.respond(now, request, path),
            None => self.respond(now, request, path),
        };
        self.share(now, owner);
        response
    }

    /// Which of the other accounts a request is about; `None` for this one.
    pub(super) fn owner(&self, request: &Request, path: &[&str]) -> Option<usize> {
        let first = path.first().copied().unwrap_or("");
        let id = match path {
            ["whatsapp_business", ..] => request.query("mid").unwrap_or(""),
            ["oauth", ..] => &request.parameter("client_id").unwrap_or_default(),
            _ => first,
        };
        if self.owns(id) {
            return None;
        }
        let by_id = self.others.iter().position(|other| other.owns(id));
        by_id.or_else(|| {
            let token =
                if first == "debug_token" { request.query("input_token") } else { request.token() };
            let token = token.filter(|token| !self.knows_token(token))?;
            self.others.iter().position(|other| other.knows_token(token))
        })
    }

    /// Whether an id is one of this account.
    fn owns(&self, id: &str) -> bool {
        let config = &self.config;
        let ids = [&config.phone_number_id, &config.waba_id, &config.app_id];
        ids.into_iter().any(|own| own == id)
            || self.templates.with_id(id).is_some()
            || self.media.mime(id).is_some()
            || self.uploads.knows(id)
            || self.with_history(id).is_some()
    }

    fn respond(
        &mut self,
        now: Timestamp,
        request: &Request,
        path: Result<Vec<&str>, Refusal>,
    ) -> Response {
        self.ledger.counts.requests += 1;
        let known = path.clone().unwrap_or_default();
        let counted = self.authorise(request, &known).and(path);
        let counted = counted.and_then(|path| self.count_call(now, &path));
        let mut response = match counted {
            Ok(()) => self.fulfil(now, request, &known),
            Err(refusal) => self.refuse(&refusal),
        };
        self.head(now, request, &known, &mut response);
        response
    }

    /// Answers a call that is let in, scripted faults included.
    fn fulfil(&mut self, now: Timestamp, request: &Request, path: &[&str]) -> Response {
        let own = self.config.phone_number_id.as_str();
        if request.method == Method::Post && path == [own, "messages"] {
            return self.messages(now, request, false);
        }
        if request.method == Method::Post && path == [own, "marketing_messages"] {
            return self.messages(now, request, true);
        }
        let Some(fault) = self.faults.take_for(path) else {
            return self.plain(now, request, path);
        };
        let delivery = fault.delivery();
        let response = match fault {
            Fault::Refuse(code) => self.refuse(&Refusal::new(code, "Scripted.")),
            Fault::Answer { status, body, .. } => Response::html(status, body),
            Fault::LoseRequest => Response::json(500, &Value::Null),
            _ => self.plain(now, request, path),
        };
        Response { delivery, ..response }
    }

    fn plain(&mut self, now: Timestamp, request: &Request, path: &[&str]) -> Response {
        if path == ["whatsapp_business", "attachments"] {
            return self.download(now, request);
        }
        let answer = self.office_edge(now, request, path);
        let answer = answer.unwrap_or_else(|| self.query(now, request, path));
        match answer {
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

    fn query(&mut self, now: Timestamp, request: &Request, path: &[&str]) -> Answer {
        let (number, waba) = (self.config.phone_number_id.clone(), self.config.waba_id.clone());
        match (request.method, path) {
            (Method::Get | Method::Post, ["oauth", "access_token"]) => self.access_token(request),
            (Method::Post, [id, "media"]) if *id == number => self.upload(now, request),
            (Method::Get, [id, "message_templates"]) if *id == waba => self.list_templates(request),
            (Method::Post, [id, "message_templates"]) if *id == waba => {
                self.create_template(now, request)
            }
            (Method::Delete, [id, "message_templates"]) if *id == waba => {
                self.delete_templates(now, request)
            }
            (Method::Post, [id, "message_templates", edge @ ("archive" | "unarchive")])
                if *id == waba =>
            {
                self.archive_templates(now, request, *edge == "archive")
            }
            (Method::Get, [id, "events"]) if self.with_history(id).is_some() => {
                self.history_events(request, id)
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
            (_, [id, edge, ..]) if self.owns(id) => {
                let text = format!("Unknown path components: /{edge}");
                Err(Refusal::graph(2_500, None, text))
            }
            (_, path) => Err(unknown(request, path.first().unwrap_or(&""))),
        }
    }

    fn upload(&mut self, now: Timestamp, request: &Request) -> Answer {
        let content_type = request.header("content-type").unwrap_or("");
        let form = parts(content_type, &request.body);
        let form =
            form.ok_or_else(|| Refusal::parameter("The request must be a multipart form."))?;
        let part = |name: &str| form.iter().find(|part| part.name == name);
        // Graph takes a parameter from the query as well; whatsapp-api-js puts this one there.
        let product = part("messaging_product").map(|part| part.bytes);
        let product = product.or_else(|| request.query("messaging_product").map(str::as_bytes));
        if product != Some(b"whatsapp".as_slice()) {
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
            _ => Response::html(404, "Not Found".to_owned()),
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
pub(super) fn unversioned(path: &str) -> Result<Vec<&str>, Refusal> {
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
