//! Meta's error codes as the simulator uses them, and the envelope they travel in.

use serde_json::{Value, json};

/// A request that is refused: one row of Meta's error table with the details of this case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Meta's code, e.g. 131009.
    pub(super) code: u32,
    /// Sent only where Meta still sends it: 463 for an expired token, 33 for an unknown object.
    pub(super) subcode: Option<u32>,
    /// The HTTP status, as Meta listed it until 2025.
    pub(super) status: u16,
    /// `error.message`.
    pub(super) message: String,
    /// `error_data.details`; absent on errors of the Graph layer.
    pub(super) details: Option<String>,
    /// `error_user_title` and `error_user_msg`, which the template editor's errors have.
    pub(super) shown: Option<(String, String)>,
    /// What the body holds beside the error: partial success.
    pub(super) beside: Option<Box<Value>>,
}

impl Refusal {
    /// A refusal of the messaging layer, with Meta's title for the code.
    pub(super) fn new(code: u32, details: impl Into<String>) -> Self {
        let (title, status) = title(code);
        let message = format!("(#{code}) {title}");
        Self {
            code,
            subcode: None,
            status,
            message,
            details: Some(details.into()),
            shown: None,
            beside: None,
        }
    }

    /// A refusal of the Graph layer, which has no `error_data`.
    pub(super) fn graph(code: u32, subcode: Option<u32>, message: impl Into<String>) -> Self {
        let (message, status) = (message.into(), title(code).1);
        Self { code, subcode, status, message, details: None, shown: None, beside: None }
    }

    /// Code 100 as the template edges word it: the cause is in the subcode and in what a person is shown.
    pub(super) fn template(subcode: Option<u32>, title: &str, text: &str) -> Self {
        let shown = Some((title.to_owned(), text.to_owned()));
        Self { shown, ..Self::graph(100, subcode, "Invalid parameter") }
    }

    /// Code 100 with a message of its own, as Meta words parameter errors.
    pub(super) fn parameter(message: &str) -> Self {
        Self::graph(100, None, format!("(#100) {message}"))
    }

    /// Meta's one answer for an id that does not exist or may not be seen.
    pub(super) fn unknown_object(verb: &str, id: &str) -> Self {
        let text = format!(
            "Unsupported {verb} request. Object with ID '{id}' does not exist, cannot be loaded due to \
             missing permissions, or does not support this operation. Please read the Graph API \
             documentation at https://developers.facebook.com/docs/graph-api"
        );
        Self::graph(100, Some(33), text)
    }

    /// The body Meta sends with it.
    pub(super) fn envelope(&self, trace: &str) -> Value {
        let kind = if self.subcode == Some(33) { "GraphMethodException" } else { "OAuthException" };
        let mut error = json!({
            "message": self.message, "type": kind, "code": self.code, "fbtrace_id": trace,
        });
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = json!(subcode);
        }
        if let Some(details) = &self.details {
            error["error_data"] = json!({ "messaging_product": "whatsapp", "details": details });
        }
        if let Some((title, text)) = &self.shown {
            error["is_transient"] = json!(false);
            error["error_user_title"] = json!(title);
            error["error_user_msg"] = json!(text);
        }
        let mut body = self.beside.as_deref().cloned().unwrap_or_else(|| json!({}));
        body["error"] = error;
        body
    }
}

/// Meta's title of a code and the HTTP status it comes with.
pub(super) const fn title(code: u32) -> (&'static str, u16) {
    match code {
        0 => ("AuthException", 401),
        1 => ("API Unknown", 400),
        2 => ("API Service", 503),
        4 => ("API Too Many Calls", 400),
        15 => ("Requires an app token", 400),
        101 => ("Error validating application", 400),
        10 => ("Permission Denied", 403),
        100 => ("Invalid parameter", 400),
        104 => ("An access token is required to request this resource", 401),
        190 => ("Access token has expired", 401),
        200 => ("API Permission", 403),
        368 => ("Temporarily blocked for policies violations", 403),
        80_007 => ("Rate limit issues", 400),
        130_403 => ("User is blocked", 400),
        130_429 => ("Rate limit hit", 400),
        130_472 => ("User's number is part of an experiment", 400),
        130_497 => ("Business account is restricted from messaging users in this country", 403),
        131_000 => ("Something went wrong", 500),
        131_005 => ("Access denied", 403),
        131_008 => ("Required parameter is missing", 400),
        33 | 131_009 => ("Parameter value is not valid", 400),
        131_016 => ("Service unavailable", 500),
        131_021 => ("Recipient cannot be sender", 400),
        131_026 => ("Message undeliverable", 400),
        131_030 => ("Recipient phone number not in allowed list", 400),
        131_031 => ("Account has been locked", 403),
        131_037 => ("Display name approval needed before message can be sent", 400),
        131_042 => ("Business eligibility payment issue", 400),
        131_045 => ("Incorrect certificate", 500),
        131_047 => ("Re-engagement message", 400),
        131_048 => ("Spam rate limit hit", 400),
        131_049 => {
            ("This message was not delivered to maintain healthy ecosystem engagement.", 400)
        }
        131_050 => ("User has stopped marketing messages from this business", 400),
        131_051 => ("Unsupported message type", 400),
        131_052 => ("Media download error", 400),
        131_053 => ("Media upload error", 400),
        131_055 => ("Message type is not supported by this endpoint", 400),
        131_056 => ("(Business Account, Consumer Account) pair rate limit hit", 400),
        131_057 => ("Account in maintenance mode", 500),
        131_062 => ("Not available for this recipient", 400),
        132_000 => ("Number of parameters does not match the expected number of params", 400),
        132_001 => ("Template name does not exist in the translation", 404),
        132_005 => ("Translated text too long", 400),
        132_007 => ("Template content policy violated", 400),
        132_012 => ("Parameter format does not match format in the created template", 400),
        132_015 => ("Template is paused", 400),
        132_016 => ("Template is disabled", 400),
        132_018 => ("There was an error with the parameters of the template", 400),
        133_004 => ("Server temporarily unavailable", 503),
        133_005 => ("Two step verification PIN Mismatch", 400),
        133_016 => ("Account register deregister rate limit exceeded", 400),
        134_100 => ("Only marketing messages are supported", 400),
        139_100 => ("Failed to block/unblock users", 400),
        133_010 => ("Account not registered", 400),
        137_000 => ("Message failed to send because the user's identity key has changed", 400),
        147_001 => ("Username is not available", 400),
        147_005 => ("Username belongs to another phone number of the business", 400),
        135_000 => ("Generic user error", 400),
        _ => ("Unknown error", 400),
    }
}
