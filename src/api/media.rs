//! Files that contacts send: where one is, and its bytes.
//!
//! A webhook's address is good for 5 minutes and its id for 7 days, so a download asks for a fresh address
//! first. An address is data from outside: the token is sent only to hosts that are Meta's.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, Url};
use serde_json::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::client::{CallError, Client, is_loopback};
use super::{advice, json, response};
use crate::domain::error_code;
use crate::domain::id::{MediaId, PhoneNumberId};
use crate::domain::outbox::{ApiError, Outcome};

/// For a whole download: 100 MB, Meta's largest file, at 1.4 Mbit/s.
pub const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(600);

/// The largest file that Meta carries (documents).
pub const FILE_MAX: u64 = 100 * 1024 * 1024;

/// What Meta tells about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaInfo {
    /// Where its bytes are for the next 5 minutes.
    pub url: String,
    /// Its type, as the sender declared it.
    pub mime_type: Option<String>,
    /// Lowercase hex.
    pub sha256: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
}

/// A file that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downloaded {
    /// Bytes.
    pub size: u64,
    /// Lowercase hex.
    pub sha256: String,
}

/// Why a file was not fetched. What has been written to the sink by then is to be thrown away.
#[derive(Debug, Error)]
pub enum DownloadError {
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The address is not one of Meta's; nothing was sent there.
    #[error("`{host}` is not a host that Meta serves media from; the token is not sent there")]
    ForeignHost {
        /// The host, or the whole address when it has none.
        host: String,
    },
    /// It is bigger than asked for.
    #[error("the file is bigger than {limit} bytes")]
    TooBig {
        /// Bytes.
        limit: u64,
    },
    /// The bytes are not those that were announced.
    #[error("the file is damaged: its SHA-256 is {is}, announced was {announced}")]
    Damaged {
        /// Lowercase hex.
        announced: String,
        /// Lowercase hex.
        is: String,
    },
    /// It cannot be written down here.
    #[error("the file cannot be written: {0}")]
    Sink(#[from] std::io::Error),
}

impl DownloadError {
    /// What follows for the job. To fetch a file twice does no harm, so nothing is in doubt.
    #[must_use]
    pub fn into_outcome(self) -> Outcome {
        let error = ApiError { message: self.to_string(), ..ApiError::default() };
        match self {
            Self::Call(call) => match call.into_media_outcome() {
                // The host of the bytes does not speak for the account.
                Outcome::AccountTrouble(error) => Outcome::RefusedForNow(error),
                other => other,
            },
            Self::ForeignHost { .. } | Self::TooBig { .. } => Outcome::RefusedForGood(error),
            Self::Damaged { .. } | Self::Sink(_) => Outcome::RefusedForNow(error),
        }
    }
}

impl CallError {
    /// What follows for a job about a file.
    #[must_use]
    pub fn into_media_outcome(self) -> Outcome {
        match self {
            Self::Refused(error) => error_code::classify_media(error),
            Self::NeverReached(detail) => Outcome::NeverReached(detail),
            Self::NoAnswer(message) => {
                Outcome::RefusedForNow(ApiError { message, ..ApiError::default() })
            }
        }
    }
}

impl Client {
    /// Where a file is, and what it is. `number` must be the one that received it.
    pub async fn media_info(
        &self,
        number: &PhoneNumberId,
        id: &MediaId,
    ) -> Result<MediaInfo, CallError> {
        let query = [("phone_number_id", number.as_str())];
        let answer = self.get(&[id.as_str()], &query).await?;
        media_info(&answer).ok_or_else(|| {
            CallError::NoAnswer(format!("the answer about media {id} has no address in it"))
        })
    }

    /// Fetches the file at `url` into `sink`, at most `limit` bytes of it, and compares it with
    /// `announced`, a SHA-256 in lowercase hex.
    pub async fn download<W>(
        &self,
        url: &str,
        announced: Option<&str>,
        limit: u64,
        sink: &mut W,
    ) -> Result<Downloaded, DownloadError>
    where
        W: AsyncWrite + Unpin + Send,
    {
        let url = media_url(self.base(), url)?;
        let call = self.request(Method::GET, url).timeout(DOWNLOAD_TIMEOUT);
        let mut response = self.within(call.send()).await?;
        if response.status().as_u16() != 200 {
            return Err(self.no_file(response).await.into());
        }
        if response.content_length().is_some_and(|length| length > limit) {
            return Err(DownloadError::TooBig { limit });
        }
        let mut size = 0_u64;
        let mut hash = Sha256::new();
        while let Some(chunk) = self.within(response.chunk()).await? {
            size = size.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
            if size > limit {
                return Err(DownloadError::TooBig { limit });
            }
            hash.update(&chunk);
            sink.write_all(&chunk).await?;
        }
        sink.flush().await?;
        let sha256 = hex(&hash.finalize());
        match announced {
            Some(announced) if announced != sha256 => {
                Err(DownloadError::Damaged { announced: announced.to_owned(), is: sha256 })
            }
            _ => Ok(Downloaded { size, sha256 }),
        }
    }

    /// Uploads a file to be sent from `number`, and returns its id, which is good for 30 days (Meta, media).
    /// To do so twice does no harm.
    pub async fn upload_media(
        &self,
        number: &PhoneNumberId,
        file_name: &str,
        mime_type: &str,
        file: tokio::fs::File,
        size: u64,
    ) -> Result<MediaId, CallError> {
        let part = Part::stream_with_length(file, size)
            .file_name(file_name.to_owned())
            .mime_str(mime_type)
            .map_err(|_unreadable| {
                CallError::NeverReached(format!("`{mime_type}` is no MIME type"))
            })?;
        let form = Form::new()
            .text("messaging_product", "whatsapp")
            .text("type", mime_type.to_owned())
            .part("file", part);
        let answer = self.post_form(&[number.as_str(), "media"], form).await?;
        json::text(&answer, "id")
            .map(MediaId::new)
            .ok_or_else(|| CallError::NoAnswer("the answer names no file".to_owned()))
    }

    async fn no_file(&self, response: reqwest::Response) -> CallError {
        let said = advice::said(response.headers());
        match self.read_error(response).await {
            Ok((status, body)) => match response::value(status, &body) {
                Err(error) => CallError::Refused(said.beside_error(error)),
                Ok(_) => CallError::NoAnswer(format!("HTTP {status} instead of a file")),
            },
            Err(lost) => lost.into(),
        }
    }
}

/// The address, if the token may go there: the API itself, Meta's media hosts over HTTPS, or any port of
/// this machine when the API is on this machine.
fn media_url(base: &Url, text: &str) -> Result<Url, DownloadError> {
    let foreign = |host: &str| DownloadError::ForeignHost { host: host.to_owned() };
    let url = Url::parse(text).map_err(|_unreadable| foreign(text))?;
    let host = url.host_str().ok_or_else(|| foreign(text))?;
    let is_web = matches!(url.scheme(), "http" | "https");
    let is_plain = url.username().is_empty() && url.password().is_none();
    let may_receive = url.origin() == base.origin()
        || (url.scheme() == "https" && url.port().is_none() && is_meta(host))
        || (is_loopback(base) && is_loopback(&url));
    if is_web && is_plain && may_receive { Ok(url) } else { Err(foreign(host)) }
}

fn is_meta(host: &str) -> bool {
    host == "lookaside.fbsbx.com"
        || [".fbcdn.net", ".whatsapp.net"].iter().any(|domain| host.ends_with(domain))
}

fn media_info(answer: &Value) -> Option<MediaInfo> {
    Some(MediaInfo {
        url: json::text(answer, "url")?,
        mime_type: json::text(answer, "mime_type"),
        sha256: json::text(answer, "sha256").and_then(|text| sha256_hex(&text)),
        size: json::integer(answer, "file_size").and_then(|size| u64::try_from(size).ok()),
    })
}

/// A SHA-256 as lowercase hex, out of hex (media information) or base64 (webhooks). `None` for anything
/// that is neither, as the placeholders and cut hashes of Meta's examples are.
pub(super) fn sha256_hex(text: &str) -> Option<String> {
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(text.to_ascii_lowercase());
    }
    let unpadded = text.trim_end_matches('=');
    let bytes = STANDARD_NO_PAD
        .decode(unpadded)
        .or_else(|_not_standard| URL_SAFE_NO_PAD.decode(unpadded))
        .ok()?;
    (bytes.len() == 32).then(|| hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit =
        |nibble: u8| DIGITS.get(usize::from(nibble)).map_or('0', |digit| char::from(*digit));
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

#[cfg(test)]
mod tests;
