//! What Meta's answers mean: HTTP status and body to an outcome or an error.
//!
//! Classified in this order: a 2xx with what was asked for; Meta's error envelope, whose code decides; then
//! the status alone. An answer that proves neither acceptance nor refusal is unknown, because a message
//! must not go out twice. Bodies may be anything: HTML of the edge, empty, cut, not UTF-8.

use std::borrow::Cow;

use serde_json::Value;

use super::json;
use crate::domain::error_code;
use crate::domain::outbox::{Acceptance, ApiError, Outcome};

/// What became of a message, by the answer to its POST.
#[must_use]
pub fn message_outcome(status: u16, body: &[u8]) -> Outcome {
    let answer = parse(body);
    if is_success(status)
        && let Some(acceptance) = answer.as_ref().and_then(acceptance)
    {
        return Outcome::Accepted(acceptance);
    }
    no_success(status, body, answer.as_ref(), "names no message id")
}

/// What became of a call that Meta answers with `{"success": true}`.
#[must_use]
pub fn success_outcome(status: u16, body: &[u8]) -> Outcome {
    let answer = parse(body);
    if is_success(status) && answer.as_ref().is_some_and(json::succeeded) {
        return Outcome::Accepted(Acceptance::default());
    }
    no_success(status, body, answer.as_ref(), "does not say that it succeeded")
}

/// The JSON that a call was answered with, or the error. A call that changes nothing at Meta needs no
/// third way: asking again does no harm.
pub fn value(status: u16, body: &[u8]) -> Result<Value, ApiError> {
    match parse(body) {
        Some(answer) if error(status, &answer).is_none() && is_success(status) => Ok(answer),
        answer => Err(answer
            .and_then(|answer| error(status, &answer))
            .unwrap_or_else(|| bare(status, body))),
    }
}

/// The error in an answer, in any of the shapes Meta and what stands before it use: an object or a string
/// under `error`, the first of `errors`, with or without `error_data`, itself an object or a string.
#[must_use]
pub fn error(status: u16, answer: &Value) -> Option<ApiError> {
    let error = answer
        .get("error")
        .filter(|error| !error.is_null())
        .or_else(|| json::list(answer, "errors").first())?;
    if let Some(message) = json::scalar(error) {
        let details = json::text(answer, "error_description");
        return Some(ApiError { message, details, http_status: status, ..ApiError::default() });
    }
    let data = error.get("error_data");
    let details = data
        .and_then(|data| json::text(data, "details").or_else(|| json::scalar(data)))
        .or_else(|| json::text(error, "error_user_msg"));
    Some(ApiError {
        code: json::integer(error, "code"),
        subcode: json::integer(error, "error_subcode"),
        message: json::text(error, "message")
            .or_else(|| json::text(error, "title"))
            .or_else(|| json::text(error, "error_user_title"))
            .unwrap_or_else(|| format!("HTTP {status} with an error that has no message")),
        details,
        http_status: status,
        trace: json::text(error, "fbtrace_id"),
        ..ApiError::default()
    })
}

const fn is_success(status: u16) -> bool {
    matches!(status, 200..=299)
}

/// `None` for anything but JSON. Broken UTF-8 inside is replaced: the code may still be readable.
fn parse(body: &[u8]) -> Option<Value> {
    serde_json::from_str(&String::from_utf8_lossy(body)).ok()
}

fn acceptance(answer: &Value) -> Option<Acceptance> {
    let message = json::list(answer, "messages").first()?;
    let wamid = json::wamid(message, "id")?;
    let contact = json::list(answer, "contacts").first();
    Some(Acceptance {
        wamid: Some(wamid),
        wa_id: contact.and_then(|contact| json::wa_id(contact, "wa_id")),
        user_id: contact.and_then(|contact| json::user_id(contact, "user_id")),
        message_status: json::text(message, "message_status"),
    })
}

fn no_success(status: u16, body: &[u8], answer: Option<&Value>, missing: &str) -> Outcome {
    if let Some(error) = answer.and_then(|answer| error(status, answer)) {
        return error_code::classify(error);
    }
    match status {
        200..=299 => Outcome::Unknown {
            detail: format!("HTTP {status}, but the answer {missing} ({})", shape(body)),
            error: None,
        },
        // These say that the resource lives elsewhere, so nothing was processed here. 302 and 303 are also
        // how servers answer a POST that they did process: those stay unknown.
        301 | 307 | 308 => Outcome::RefusedForNow(ApiError {
            message: format!(
                "HTTP {status}: redirected elsewhere, and redirects are not followed; check `base_url`"
            ),
            http_status: status,
            ..ApiError::default()
        }),
        _ => error_code::classify(bare(status, body)),
    }
}

/// An error made of the status alone.
fn bare(status: u16, body: &[u8]) -> ApiError {
    ApiError {
        message: format!("HTTP {status} without an error of Meta's ({})", shape(body)),
        http_status: status,
        ..ApiError::default()
    }
}

/// What a body looks like, in place of its text: it may be a page of a proxy, long and full of markup.
fn shape(body: &[u8]) -> Cow<'static, str> {
    let start = body.trim_ascii_start();
    match start.first() {
        None => Cow::Borrowed("an empty body"),
        Some(b'<') => Cow::Owned(format!("{} bytes of HTML", body.len())),
        Some(b'{' | b'[') => Cow::Owned(format!("{} bytes of JSON or the like", body.len())),
        Some(_) => Cow::Owned(format!("{} bytes of something else", body.len())),
    }
}

#[cfg(test)]
mod tests;
