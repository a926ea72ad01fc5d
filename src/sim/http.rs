//! An HTTP exchange as plain data: what the world is asked and what it answers. No sockets here.

use std::time::Duration;

use serde_json::{Map, Value};

use super::refusal::Refusal;

/// The methods the Graph API knows; anything else is answered as an unsupported request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// DELETE
    Delete,
    /// Any other method.
    Other,
}

/// One request, whole.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path without the query, still percent-encoded: `/v25.0/1065.../messages`.
    pub path: String,
    /// The query parameters, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Header names in any case with their values.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Vec<u8>,
    /// Whether the address it wants webhooks at repeated the challenge; `None` when nobody asked it.
    pub(super) verified: Option<Result<(), String>>,
}

impl Method {
    /// As it stands in a request.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
            Self::Other => "OTHER",
        }
    }
}

impl Request {
    /// A request for a target such as `/v25.0/42?fields=id`, without headers.
    pub fn new(method: Method, target: &str, body: impl Into<Vec<u8>>) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method,
            path: path.to_owned(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: Vec::new(),
            body: body.into(),
            verified: None,
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The first query parameter of that name.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// What the query and the body say together, as Graph takes them: JSON, a form, or nothing.
    pub(super) fn parameters(&self) -> Result<Value, Refusal> {
        let kind = self.header("content-type").unwrap_or("").to_ascii_lowercase();
        let mut said = Map::new();
        if kind.starts_with("application/x-www-form-urlencoded") {
            let pairs = form_urlencoded::parse(&self.body).into_owned();
            said.extend(pairs.map(|(key, value)| (key, plain_or_json(value))));
        } else if !self.body.is_empty() && !kind.starts_with("multipart/") {
            let body = serde_json::from_slice(&self.body);
            let body =
                body.map_err(|error| Refusal::parameter(&format!("Invalid JSON: {error}")))?;
            let Value::Object(body) = body else {
                return Err(Refusal::parameter("The request body must be a JSON object."));
            };
            said = body;
        }
        for (key, value) in self.query.iter().filter(|(key, _)| key != "access_token") {
            said.entry(key.clone()).or_insert_with(|| plain_or_json(value.clone()));
        }
        Ok(Value::Object(said))
    }

    /// One of them as text, numbers included.
    pub(super) fn parameter(&self, key: &str) -> Option<String> {
        let said = self.parameters().ok()?;
        let value = said.get(key)?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    /// The access token: a bearer header (`OAuth` is an old spelling) or `access_token`.
    pub(super) fn token(&self) -> Option<&str> {
        let header = self.header("authorization").and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            let known = ["bearer", "oauth"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
            known.then_some(token.trim())
        });
        header.or_else(|| self.query("access_token")).filter(|token| !token.is_empty())
    }
}

/// How an answer reaches the asker. Only faults ever ask for anything but [`Delivery::Now`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// At once.
    Now,
    /// After this long.
    After(Duration),
    /// Never: the connection is closed. The request was handled or not; the asker cannot tell.
    Lost,
    /// Half of it, and the connection is closed.
    Cut,
    /// At once, and once more.
    Twice,
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Headers; the length is added by whoever writes it.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How it is to be delivered.
    pub delivery: Delivery,
}

impl Response {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        let json = "application/json; charset=UTF-8";
        Self::bytes(status, json, body.to_string().into_bytes())
    }

    pub(super) fn bytes(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Self { status, headers, body, delivery: Delivery::Now }
    }

    pub(super) fn html(status: u16, body: String) -> Self {
        Self::bytes(status, "text/html; charset=utf-8", body.into_bytes())
    }

    /// The body as JSON; `null` when it is none.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// In a form, lists and objects are written as JSON.
fn plain_or_json(text: String) -> Value {
    let nested = text.starts_with(['{', '[']);
    let read = nested.then(|| serde_json::from_str(&text).ok()).flatten();
    read.unwrap_or(Value::String(text))
}
