//! Driving a running simulator over HTTP: `/_sim/say`, `/_sim/fail`, `/_sim/state`.
//!
//! Bodies must be declared as JSON, which a web page cannot do across origins without asking first;
//! nothing here answers that question.

use std::time::Duration;

use serde_json::{Value, json};

use super::http::{Method, Request, Response};
use super::world::{Fault, Sample, Words, World};
use crate::domain::time::Timestamp;

/// Whether the request is one of these.
pub(super) fn concerns(request: &Request) -> bool {
    request.path.starts_with("/_sim/")
}

/// Does what the request asks for.
pub(super) fn handle(world: &mut World, now: Timestamp, request: &Request) -> Response {
    let done = match (request.method, request.path.as_str()) {
        (Method::Get, "/_sim/state") => Ok(state(world)),
        (Method::Post, path) if is_json(request) => {
            match (path, serde_json::from_slice::<Value>(&request.body)) {
                (_, Err(error)) => Err(format!("the body is no JSON: {error}")),
                ("/_sim/say", Ok(body)) => say(world, now, &body),
                ("/_sim/fail", Ok(body)) => fail(world, &body),
                _ => {
                    Err("known are GET /_sim/state, POST /_sim/say and POST /_sim/fail".to_owned())
                }
            }
        }
        _ => Err("POST with Content-Type: application/json to /_sim/say or /_sim/fail".to_owned()),
    };
    match done {
        Ok(body) => Response::json(200, &body),
        Err(why) => Response::json(400, &json!({ "error": why })),
    }
}

fn is_json(request: &Request) -> bool {
    let kind = request.header("content-type").unwrap_or("");
    kind.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("application/json")
}

fn state(world: &World) -> Value {
    let counts = world.counts();
    json!({
        "requests": counts.requests,
        "accepted": counts.accepted,
        "refused": counts.refused,
        "inbound": counts.inbound,
        "marked_read": counts.marked_read,
        "webhook_attempts": counts.attempts,
        "webhooks_posted": counts.posted,
        "webhooks_given_up": counts.given_up,
        "webhooks_waiting": world.webhooks_waiting(),
        "max_in_any_second": world.max_in_any_second(),
        "idle": world.is_idle(),
    })
}

/// `{"from":"+5511...","text":"hi"}`, or `{"from":"Ana","kind":"image","caption":"..."}`.
fn say(world: &mut World, now: Timestamp, body: &Value) -> Result<Value, String> {
    let text = |key: &str| body[key].as_str().map(str::to_owned);
    let from = text("from").ok_or("from is missing: a number with its +, a user id or a name")?;
    let caption = text("caption");
    let words = match body["kind"].as_str().unwrap_or("text") {
        "text" => Words::Text(text("text").ok_or("text is missing")?),
        "image" => Words::Image(Sample::Parcel, caption),
        "voice" => Words::Voice,
        "sticker" => Words::Sticker,
        "document" => {
            let filename = text("filename").unwrap_or_else(|| "pedido.pdf".to_owned());
            Words::Document { filename, caption }
        }
        "location" => Words::Location { latitude: -23.5614, longitude: -46.6559, name: None },
        "reaction" => {
            let to = text("to").ok_or("to is missing: the id of the message")?;
            Words::Reaction { to, emoji: text("emoji").unwrap_or_default() }
        }
        kind => Words::Raw { kind: kind.to_owned(), body: body["body"].clone() },
    };
    let id = world.say_words(&from, &words, now).map_err(|error| error.to_string())?;
    Ok(json!({ "id": id }))
}

/// `{"code":131056,"times":3}`, `{"status":502,"body":"<html>"}`, `{"lose":"answer"|"request"}`,
/// `{"delay_ms":5000}`, `{"webhooks":"off"|"on"}` or `{"token":"expired"|"valid"}`.
fn fail(world: &mut World, body: &Value) -> Result<Value, String> {
    let small = |key: &str| body[key].as_u64().and_then(|number| u32::try_from(number).ok());
    if let Some(switch @ ("on" | "off")) = body["webhooks"].as_str() {
        world.set_webhooks(switch == "on");
        return Ok(json!({ "success": true }));
    }
    if let Some(state @ ("expired" | "valid")) = body["token"].as_str() {
        world.expire_token(state == "expired");
        return Ok(json!({ "success": true }));
    }
    let fault = match (small("code"), small("status"), body["lose"].as_str(), small("delay_ms")) {
        (Some(code), ..) => Fault::Refuse(code),
        (_, Some(status @ 200..=599), ..) => {
            let status = u16::try_from(status).unwrap_or(500);
            let body = body["body"].as_str().unwrap_or("<html>Bad Gateway</html>").to_owned();
            Fault::Answer { status, body, accepted: false }
        }
        (_, _, Some("answer"), _) => Fault::LoseAnswer,
        (_, _, Some("request"), _) => Fault::LoseRequest,
        (_, _, _, Some(delay)) => Fault::Delay(Duration::from_millis(delay.into())),
        _ => return Err("give one of code, status, lose, delay_ms, webhooks, token".to_owned()),
    };
    let times = small("times").unwrap_or(1).min(100_000);
    world.fail_next(&fault, usize::try_from(times).unwrap_or(1));
    Ok(json!({ "success": true }))
}
