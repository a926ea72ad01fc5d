//! What `send` is to say: a text, or a file with its words.

use std::io::Read as _;

use super::Send;
use crate::cli::Session;
use crate::domain::media;
use crate::domain::message::Body;
use crate::error::Error;
use crate::service::outgoing::take_in_for;

/// The longest text Meta takes, in characters (send-messages).
const TEXT_LIMIT: usize = 4096;

/// The text or the file to be sent; none when it is a template.
pub(super) fn written(session: &Session, send: &Send) -> Result<Option<Body>, Error> {
    if let Some(named) = &send.media {
        let refused = |words| Error::usage(format!("--media {named}: {words}"));
        let body = media::attachment(named, send.caption.clone()).map_err(refused)?;
        return with_file(session, body, "--media").map(Some);
    }
    Ok(send.text.as_deref().map(read_text).transpose()?.map(Body::written))
}

/// The body with its file kept: it goes out as it is now, whenever that is. `option`: what named it.
pub(super) fn with_file(session: &Session, mut body: Body, option: &str) -> Result<Body, Error> {
    take_in_for(&session.paths.data, &mut body).map_err(|error| {
        Error::usage(format!("the file of {option} is not sent")).because(&error)
    })?;
    Ok(body)
}

fn read_text(text: &str) -> Result<String, Error> {
    let mut text = text.to_owned();
    if text == "-" {
        text.clear();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| Error::usage("cannot read the text from stdin").because(&error))?;
        if text.ends_with('\n') {
            text.pop();
        }
    }
    if text.trim().is_empty() {
        return Err(Error::usage("there is nothing to send: the text is empty"));
    }
    let length = text.chars().count();
    if length > TEXT_LIMIT {
        let message = format!("the text has {length} characters; WhatsApp takes {TEXT_LIMIT}");
        return Err(Error::usage(message));
    }
    Ok(text)
}
