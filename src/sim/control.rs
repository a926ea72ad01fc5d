//! Driving a running simulator over HTTP: `POST /_sim/say` and the like, `GET /_sim/state` and
//! `/_sim/log`.
//!
//! Bodies must be declared as JSON, which a web page cannot do across origins without asking first;
//! nothing here answers that question.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::http::{Method, Request, Response};
use super::script::{Fail, Say};
use super::turn::{NumberTurn, OptOutTurn, ReadTurn, TemplateTurn};
use super::world::World;
use crate::domain::time::Timestamp;

const KNOWN: &str = "known are GET /_sim/state and /_sim/log, and POST /_sim/ say, read, opt_out, new_phone, \
                     fail, template, number and advance with Content-Type: application/json";

/// Whether the request is one of these.
pub(super) fn concerns(request: &Request) -> bool {
    request.path.starts_with("/_sim/")
}

/// The log from a number on, if that is what the request asks for, and whether it waits for more.
pub(super) fn log(request: &Request) -> Option<(u64, bool)> {
    let asked = request.method == Method::Get && request.path == "/_sim/log";
    let from = request.query("from").and_then(|from| from.parse().ok()).unwrap_or(0);
    asked.then(|| (from, request.query("follow").is_some()))
}

/// The answer to it.
pub(super) fn log_page(world: &World, from: u64) -> Response {
    let entries = world.log_since(from);
    let last = entries.last().and_then(|entry| entry["number"].as_u64());
    let next = last.map_or(from, |last| last + 1);
    Response::json(200, &json!({ "entries": entries, "next": next }))
}

/// How far time is to be moved on, if that is what the request asks for.
pub(super) fn advance(request: &Request) -> Option<Result<Duration, Response>> {
    if request.method != Method::Post || request.path != "/_sim/advance" || !is_json(request) {
        return None;
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    // A century is far enough, and no time overflows by it.
    let seconds = body["seconds"].as_u64().filter(|seconds| *seconds <= 100 * 366 * 86_400);
    let refused = || refuse("seconds is missing, or more than a century");
    Some(seconds.map(Duration::from_secs).ok_or_else(refused))
}

/// Does what the request asks for.
pub(super) fn handle(world: &mut World, now: Timestamp, request: &Request) -> Response {
    match perform(world, now, request) {
        Ok(body) => Response::json(200, &body),
        Err(why) => refuse(&why),
    }
}

fn refuse(why: &str) -> Response {
    Response::json(400, &json!({ "error": why }))
}

fn perform(world: &mut World, now: Timestamp, request: &Request) -> Result<Value, String> {
    if request.method == Method::Get && request.path == "/_sim/state" {
        return Ok(state(world));
    }
    if request.method != Method::Post || !is_json(request) {
        return Err(KNOWN.to_owned());
    }
    let mut body: Value = serde_json::from_slice(&request.body)
        .map_err(|error| format!("the body is no JSON: {error}"))?;
    let account = body.as_object_mut().and_then(|body| body.remove("account"));
    let world = world.stage(account.as_ref().and_then(Value::as_str))?;
    match request.path.as_str() {
        "/_sim/say" => read::<Say>(body)?.perform(world, now),
        "/_sim/read" => read::<ReadTurn>(body)?.perform(world, now),
        "/_sim/opt_out" => read::<OptOutTurn>(body)?.perform(world, now),
        "/_sim/new_phone" => read::<ReadTurn>(body)?.new_phone(world, now),
        "/_sim/fail" => read::<Fail>(body)?.perform(world),
        "/_sim/template" => read::<TemplateTurn>(body)?.perform(world, now),
        "/_sim/number" => read::<NumberTurn>(body)?.perform(world, now),
        _ => Err(KNOWN.to_owned()),
    }
}

fn read<T: DeserializeOwned>(body: Value) -> Result<T, String> {
    serde_json::from_value(body).map_err(|error| error.to_string())
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
