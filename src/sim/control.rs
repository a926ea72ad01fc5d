//! Driving a running simulator over HTTP: `/_sim/say`, `/_sim/fail`, `/_sim/template`, `/_sim/state`.
//!
//! Bodies must be declared as JSON, which a web page cannot do across origins without asking first;
//! nothing here answers that question.

use serde_json::{Value, json};

use super::http::{Method, Request, Response};
use super::script::{Fail, Say, TemplateTurn};
use super::world::World;
use crate::domain::time::Timestamp;

const KNOWN: &str =
    "known are GET /_sim/state, POST /_sim/say, POST /_sim/fail and POST /_sim/template";

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
                ("/_sim/say", Ok(body)) => {
                    read::<Say>(body).and_then(|say| say.perform(world, now))
                }
                ("/_sim/fail", Ok(body)) => read::<Fail>(body).and_then(|fail| fail.perform(world)),
                ("/_sim/template", Ok(body)) => {
                    read::<TemplateTurn>(body).and_then(|turn| turn.perform(world, now))
                }
                _ => Err(KNOWN.to_owned()),
            }
        }
        _ => Err(format!("{KNOWN}, each POST with Content-Type: application/json")),
    };
    match done {
        Ok(body) => Response::json(200, &body),
        Err(why) => Response::json(400, &json!({ "error": why })),
    }
}

fn read<T: serde::de::DeserializeOwned>(body: Value) -> Result<T, String> {
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
