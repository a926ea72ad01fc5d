//! The log of a world: every request with its answer and every webhook with what came of it, the latest
//! of them, for whoever develops against it. Tokens and secrets are left out.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::super::http::{Method, Request, Response};
use super::super::stamp::rfc3339;
use super::ledger::PostOutcome;
use crate::domain::time::Timestamp;

/// Entries kept.
const KEPT: usize = 2_000;
/// Bytes kept of a body.
const BODY: usize = 16 * 1024;
/// Query parameters whose value nobody else should read.
const SECRET: [&str; 5] =
    ["access_token", "appsecret_proof", "client_secret", "input_token", "verify_token"];

/// What happened.
#[derive(Clone, Debug)]
enum What {
    Request { method: Method, target: String, body: Vec<u8>, status: u16, answer: Vec<u8> },
    Webhook { to: Option<String>, attempt: u32, body: String, outcome: PostOutcome },
}

#[derive(Clone, Debug)]
struct Entry {
    number: u64,
    at: Timestamp,
    what: What,
}

/// The log.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    next: u64,
    entries: VecDeque<Entry>,
}

impl Log {
    pub(super) fn request(&mut self, at: Timestamp, request: &Request, response: &Response) {
        let what = What::Request {
            method: request.method,
            target: target(request),
            body: cut(&request.body),
            status: response.status,
            answer: cut(&response.body),
        };
        self.add(at, what);
    }

    pub(super) fn webhook(
        &mut self,
        at: Timestamp,
        to: Option<String>,
        attempt: u32,
        body: &str,
        outcome: &PostOutcome,
    ) {
        let body = String::from_utf8_lossy(&cut(body.as_bytes())).into_owned();
        self.add(at, What::Webhook { to, attempt, body, outcome: outcome.clone() });
    }

    fn add(&mut self, at: Timestamp, what: What) {
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { number: self.next, at, what });
        self.next += 1;
    }

    /// Everything kept from number `from` on, oldest first.
    pub(super) fn since(&self, from: u64) -> Vec<Value> {
        let entries = self.entries.iter().filter(|entry| entry.number >= from);
        entries.map(Entry::object).collect()
    }
}

impl Entry {
    fn object(&self) -> Value {
        let mut object = json!({ "number": self.number, "at": rfc3339(self.at) });
        match &self.what {
            What::Request { method, target, body, status, answer } => {
                object["kind"] = json!("request");
                object["method"] = json!(method.word());
                object["target"] = json!(target);
                object["request"] = readable(body);
                object["status"] = json!(status);
                object["answer"] = readable(answer);
            }
            What::Webhook { to, attempt, body, outcome } => {
                object["kind"] = json!("webhook");
                object["target"] = json!(to);
                object["attempt"] = json!(attempt);
                object["request"] = readable(body.as_bytes());
                match outcome {
                    PostOutcome::Answered(status) => object["status"] = json!(status),
                    PostOutcome::Failed(error) => object["error"] = json!(error),
                }
            }
        }
        object
    }
}

/// Path and query without secrets.
fn target(request: &Request) -> String {
    if request.query.is_empty() {
        return request.path.clone();
    }
    let pairs = request.query.iter().map(|(key, value)| {
        (key.as_str(), if SECRET.contains(&key.as_str()) { "..." } else { value.as_str() })
    });
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    format!("{}?{}", request.path, query.finish())
}

fn cut(body: &[u8]) -> Vec<u8> {
    body.get(..BODY).unwrap_or(body).to_vec()
}

/// JSON as JSON without its secrets, text as text, anything else as its length.
fn readable(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    if let Ok(value) = serde_json::from_slice(body) {
        return without_secrets(value);
    }
    match std::str::from_utf8(body) {
        Ok(text) if !text.contains('\0') => json!(text),
        _ => json!(format!("{} bytes", body.len())),
    }
}

fn without_secrets(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) => {
            for (key, inner) in map {
                let secret = SECRET.contains(&key.as_str()) || key == "pin";
                *inner = if secret { json!("...") } else { without_secrets(inner.take()) };
            }
        }
        Value::Array(list) => {
            for inner in list {
                *inner = without_secrets(inner.take());
            }
        }
        _ => {}
    }
    value
}
