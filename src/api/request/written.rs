//! A request as a person writes it down: the command of the shell that would send it, or its JSON alone.
//! There is no token in it.

use serde_json::Value;

use super::{Unsendable, plain};
use crate::domain::id::MediaId;
use crate::domain::message::{Body, Media, MediaCopy};
use crate::domain::outbox::Recipient;
use crate::domain::shell;
use crate::domain::template::SentHeader;

/// Stands for the id of a file that is uploaded when the message is sent.
const MEDIA_ID: &str = "MEDIA_ID";

/// The JSON of a message, indented. A file of this machine stands there as `MEDIA_ID`.
///
/// # Errors
/// As [`super::message`].
pub fn json(recipient: &Recipient, body: &Body) -> Result<String, Unsendable> {
    let message = Value::Object(plain(recipient, &uploaded(body))?);
    Ok(format!("{message:#}"))
}

/// The command that posts `json` to the messages of a number, with `$TOKEN` for the token.
#[must_use]
pub fn curl(base_url: &str, phone_number_id: &str, json: &str) -> String {
    let url = format!("{base_url}/{phone_number_id}/messages");
    shell::curl(&url, &["\"Authorization: Bearer $TOKEN\"".to_owned()], json)
}

/// As if the file of the message had been uploaded.
fn uploaded(body: &Body) -> Body {
    let mut body = body.clone();
    let media: Option<&mut Media> = match &mut body {
        Body::Media { media, .. } => Some(media),
        Body::Template(sent) => match &mut sent.header {
            Some(SentHeader::Media(media)) => Some(media),
            _ => None,
        },
        _ => None,
    };
    if let Some(media) = media.filter(|media| matches!(media.copy, MediaCopy::Outside { .. })) {
        media.id = media.id.take().or_else(|| Some(MediaId::new(MEDIA_ID)));
    }
    body
}

#[cfg(test)]
mod tests {
    use super::{curl, json};
    use crate::domain::id::WaId;
    use crate::domain::message::Body;
    use crate::domain::outbox::Recipient;

    #[test]
    fn a_request_can_be_pasted_into_a_shell_whatever_is_said_in_it() {
        let body = Body::Text { text: "it's $5 `now`".to_owned(), preview_url: false };
        let json = json(&Recipient::Phone(WaId::new("5511988881234")), &body).unwrap();
        assert!(json.contains("\"to\": \"+5511988881234\""), "{json}");
        assert!(!json.contains("biz_opaque_callback_data"), "{json}");
        let curl = curl("https://graph.facebook.com/v25.0", "1060", &json);
        let start = "curl -sS -X POST 'https://graph.facebook.com/v25.0/1060/messages' \\\n";
        assert!(curl.starts_with(start), "{curl}");
        assert!(curl.contains("Bearer $TOKEN") && curl.contains("it'\\''s $5 `now`"), "{curl}");
    }
}
