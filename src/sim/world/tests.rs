mod answers;
mod edges;
mod flow;
mod office;
mod rules;
mod template_sends;
mod templates;

use std::time::Duration;

use serde_json::{Value, json};

use super::{PostOutcome, WebhookPost, World};
use crate::domain::time::Timestamp;
use crate::sim::{Delays, Language, Method, Persona, Request, Response, WorldConfig};

/// The start of every test's time.
const T0: Timestamp = Timestamp::from_secs(1_780_000_000);
/// A number whose owner has just written.
const OPEN: &str = "+15551230001";

fn ana() -> Persona {
    Persona {
        name: "Ana Souza".to_owned(),
        username: None,
        number: Some("5511988881234".to_owned()),
        user_id: "BR.13491208655302741918".to_owned(),
        language: Language::Portuguese,
        answers: true,
        reads: true,
        window_open: true,
    }
}

/// A person whose number is hidden.
fn kim() -> Persona {
    Persona {
        name: "Kim".to_owned(),
        username: Some("@kim.moves".to_owned()),
        number: None,
        user_id: "US.9988776655443322".to_owned(),
        language: Language::English,
        answers: false,
        reads: true,
        window_open: true,
    }
}

fn world_with(change: impl FnOnce(&mut WorldConfig)) -> World {
    let mut config = WorldConfig { people: vec![ana(), kim()], ..WorldConfig::default() };
    change(&mut config);
    World::new(7, config)
}

fn world() -> World {
    world_with(|_| {})
}

fn request(world: &World, method: Method, path: &str, body: &Value) -> Request {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    Request::new(method, path, body)
        .with_header("Authorization", format!("Bearer {}", world.config().token))
}

fn post(world: &mut World, now: Timestamp, body: &Value) -> Response {
    let path = format!("/v25.0/{}/messages", world.config().phone_number_id);
    let request = request(world, Method::Post, &path, body);
    world.handle(now, &request)
}

fn text(to: &str, body: &str) -> Value {
    json!({ "messaging_product": "whatsapp", "to": to, "type": "text", "text": { "body": body } })
}

/// Sends what must be accepted and answers its id.
fn accepted(world: &mut World, now: Timestamp, body: &Value) -> String {
    let answer = post(world, now, body);
    assert_eq!(answer.status, 200, "{}", answer.value());
    answer.value()["messages"][0]["id"].as_str().unwrap().to_owned()
}

/// Lets the world run until nothing is due before `until`, answering every webhook 200.
fn run(world: &mut World, until: Timestamp) -> Vec<(Timestamp, Value)> {
    let mut seen = Vec::new();
    while let Some(due) = world.due().filter(|due| *due <= until) {
        for post in world.advance(due) {
            world.webhook_answered(due, post.id, PostOutcome::Answered(200));
            seen.push((due, body(&post)));
        }
    }
    seen
}

fn body(post: &WebhookPost) -> Value {
    serde_json::from_slice(&post.body).unwrap()
}

/// The `value` of a webhook with one change.
fn value(body: &Value) -> &Value {
    &body["entry"][0]["changes"][0]["value"]
}

fn statuses(seen: &[(Timestamp, Value)]) -> Vec<(Timestamp, Value)> {
    let entries = seen.iter().flat_map(|(at, body)| {
        let list = value(body)["statuses"].as_array().cloned().unwrap_or_default();
        list.into_iter().map(|status| (*at, status))
    });
    entries.collect()
}

fn hours(count: u64) -> Duration {
    Duration::from_secs(count * 3600)
}

fn words(seen: &[(Timestamp, Value)]) -> Vec<String> {
    let all = statuses(seen);
    all.iter().map(|(_, status)| status["status"].as_str().unwrap().to_owned()).collect()
}

fn instant(config: &mut WorldConfig) {
    config.delays = Delays::none();
}
