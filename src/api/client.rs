//! The HTTP client: one connection pool towards Meta for one account.
//!
//! Each call sends once and says what became of it. Time-outs are set; redirects, reqwest's own retries and
//! plain HTTP off this machine are off. The token goes only to the API and to the hosts Meta serves media
//! from, and is blanked out of every answer, so that no error or log can show it.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::multipart::Form;
use reqwest::{Method, RequestBuilder, Response, Url, redirect, retry};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use thiserror::Error;

use super::media::DOWNLOAD_TIMEOUT;
use super::{advice, request, response};
use crate::domain::id::{PhoneNumberId, RequestId, Wamid};
use crate::domain::outbox::{ApiError, Outcome, Send};

pub use crate::domain::graph::{ADDRESS as BASE_URL, VERSION as API_VERSION};

/// Bytes of an answer that are read. Meta's are a few KiB; the rest of a longer one is not waited for.
const ANSWER_MAX: usize = 256 * 1024;

/// The same for a page of templates, of which each may hold some dozen KiB.
const LISTING_MAX: usize = 16 * 1024 * 1024;

/// For sending a file, its answer included: 100 MB, Meta's largest, at 1.4 Mbit/s.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(600);

/// Below the idle time-out of any server in between, so that a request rarely meets a connection that is
/// just being closed: such an end cannot be told from one after the request was read.
const POOL_IDLE: Duration = Duration::from_secs(15);

/// How a [`Client`] is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the API is. Without a path, [`API_VERSION`] is added; a path is taken as it is. HTTPS, except
    /// on loopback.
    pub base_url: String,
    /// The account's access token.
    pub token: SecretString,
    /// For name look-up, connect and TLS together.
    pub connect_timeout: Duration,
    /// For the whole call, connecting included. Downloads have [`super::media::DOWNLOAD_TIMEOUT`] in all,
    /// and this between two chunks; uploads have ten minutes.
    pub timeout: Duration,
}

impl Settings {
    /// Meta's own address, 10 s to connect and 30 s in all.
    #[must_use]
    pub fn new(token: SecretString) -> Self {
        Self {
            base_url: BASE_URL.to_owned(),
            token,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
        }
    }
}

/// Why a client cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SetupError {
    /// The address is no use.
    #[error("`base_url` = `{url}` {reason}")]
    BadUrl {
        /// As given, without any password in it.
        url: String,
        /// What is wrong with it, and what is right.
        reason: &'static str,
    },
    /// The token is no use. It is not shown.
    #[error("the access token {0}")]
    BadToken(&'static str),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}; install the system's CA certificates (`ca-certificates`)")]
    Tls(String),
}

/// Why a call has no result. A call that changes something at Meta may have been carried out after
/// [`CallError::NoAnswer`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CallError {
    /// Meta, or something on the way, answered with an error.
    #[error("{}", refusal(.0))]
    Refused(ApiError),
    /// The call surely never reached Meta.
    #[error("{0}")]
    NeverReached(String),
    /// The call was begun, and no whole answer came.
    #[error("{0}")]
    NoAnswer(String),
}

fn refusal(error: &ApiError) -> String {
    // Meta's own words often begin with the code.
    let code = error.code.filter(|code| !error.message.contains(&format!("(#{code})")));
    match (&error.details, code) {
        (Some(details), Some(code)) => format!("{} (code {code}): {details}", error.message),
        (Some(details), None) => format!("{}: {details}", error.message),
        (None, Some(code)) => format!("{} (code {code})", error.message),
        (None, None) => error.message.clone(),
    }
}

/// A client for one account. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: SecretString,
    bearer: HeaderValue,
    connect_timeout: Duration,
    timeout: Duration,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl Client {
    /// Sets the client up; nothing is sent. Loads the system's certificates (some milliseconds), so it is
    /// best made after the first frame. On loopback it also works on a machine that has none.
    pub fn new(settings: Settings) -> Result<Self, SetupError> {
        let base = base_url(&settings.base_url)?;
        let bearer = bearer(&settings.token)?;
        // Whoever was first has installed one; which of the two it is does not matter.
        drop(rustls::crypto::ring::default_provider().install_default());
        let build = |without_roots: bool| {
            let mut builder = reqwest::Client::builder()
                .user_agent(concat!("twoticks/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(settings.connect_timeout)
                .timeout(settings.timeout)
                .pool_idle_timeout(POOL_IDLE)
                .redirect(redirect::Policy::none())
                .retry(retry::never())
                .referer(false);
            if is_loopback(&base) {
                // A proxy of the environment would take the call, and the token, off this machine.
                builder = builder.no_proxy();
            }
            if without_roots {
                builder = builder.tls_certs_only([]);
            }
            builder.build()
        };
        let http = match build(false) {
            Err(_) if is_loopback(&base) => build(true),
            other => other,
        };
        Ok(Self {
            http: http.map_err(|error| SetupError::Tls(root_cause(&error)))?,
            base,
            token: settings.token,
            bearer,
            connect_timeout: settings.connect_timeout,
            timeout: settings.timeout,
        })
    }

    /// Sends a message. What Meta would surely refuse is refused here and never leaves.
    pub async fn send_message(
        &self,
        number: &PhoneNumberId,
        send: &Send,
        request: RequestId,
    ) -> Outcome {
        match request::message(send, request) {
            Ok(message) => self.post_message(number, &message, response::message_outcome).await,
            Err(unsendable) => Outcome::RefusedForGood(ApiError {
                message: unsendable.to_string(),
                ..ApiError::default()
            }),
        }
    }

    /// Marks a message, and all before it in its conversation, as read. An [`Outcome::Accepted`] of this has no
    /// wamid. Safe to repeat.
    pub async fn mark_read(&self, number: &PhoneNumberId, wamid: &Wamid) -> Outcome {
        let receipt = request::read_receipt(wamid);
        self.post_message(number, &receipt, response::success_outcome).await
    }

    async fn post_message(
        &self,
        number: &PhoneNumberId,
        message: &Value,
        classify: fn(u16, &[u8]) -> Outcome,
    ) -> Outcome {
        let call = self
            .request(Method::POST, at(&self.base, &[number.as_str(), "messages"]))
            .header(CONTENT_TYPE, "application/json")
            .body(message.to_string());
        match self.advised(call, ANSWER_MAX, self.timeout).await {
            Ok((status, body, said)) => said.beside(classify(status, &body)),
            Err(Lost::NeverReached(detail)) => Outcome::NeverReached(detail),
            Err(Lost::NoAnswer(detail)) => Outcome::Unknown { detail, error: None },
        }
    }

    /// The JSON at `path`, asked for with `query`.
    pub(super) async fn get(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Value, CallError> {
        let url = self.address(path, query);
        self.value(self.request(Method::GET, url), ANSWER_MAX).await
    }

    /// The same for an answer that may be long.
    pub(super) async fn get_long(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Value, CallError> {
        let call = self.request(Method::GET, self.address(path, query));
        self.value(call, LISTING_MAX).await
    }

    /// Posts nothing but `query` to `path`. It is sent once.
    pub(super) async fn post_query(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Value, CallError> {
        self.value(self.request(Method::POST, self.address(path, query)), ANSWER_MAX).await
    }

    /// Deletes what `path` and `query` name. It is sent once.
    pub(super) async fn delete(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Value, CallError> {
        let call = self.request(Method::DELETE, self.address(path, query));
        self.value(call, ANSWER_MAX).await
    }

    /// Posts a form with a file in it.
    pub(super) async fn post_form(&self, path: &[&str], form: Form) -> Result<Value, CallError> {
        let call = self.request(Method::POST, at(&self.base, path));
        self.uploaded(call.multipart(form)).await
    }

    /// The bytes of a file to the upload with this id, which holds a query of its own and goes into the
    /// address as it is. Meta documents another word than `Bearer` for this one call.
    pub(super) async fn upload_to(&self, id: &str, bytes: Vec<u8>) -> Result<Value, CallError> {
        let base = self.base.as_str().trim_end_matches('/');
        let url = Url::parse(&format!("{base}/{id}")).ok().filter(|url| {
            id.starts_with("upload:")
                && url.path().strip_prefix(self.base.path().trim_end_matches('/')).is_some_and(
                    |path| {
                        path.starts_with("/upload:") && !path.trim_start_matches('/').contains('/')
                    },
                )
        });
        let url = url.ok_or_else(|| CallError::NoAnswer(format!("`{id}` is no upload")))?;
        let mut token = HeaderValue::from_str(&format!("OAuth {}", self.token.expose_secret()))
            .map_err(|_unlike_bearer| CallError::NeverReached("the token is no use".to_owned()))?;
        token.set_sensitive(true);
        let call = self
            .http
            .request(Method::POST, url)
            .header(AUTHORIZATION, token)
            .header("file_offset", "0")
            .body(bytes);
        self.uploaded(call).await
    }

    async fn value(&self, call: RequestBuilder, most: usize) -> Result<Value, CallError> {
        Self::valued(self.advised(call, most, self.timeout).await?)
    }

    /// The same for a request with a file in it.
    async fn uploaded(&self, call: RequestBuilder) -> Result<Value, CallError> {
        Self::valued(self.advised(call, ANSWER_MAX, UPLOAD_TIMEOUT).await?)
    }

    fn valued((status, body, said): (u16, Vec<u8>, advice::Said)) -> Result<Value, CallError> {
        response::value(status, &body).map_err(|error| CallError::Refused(said.beside_error(error)))
    }

    fn address(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = at(&self.base, path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// The JSON that a post of `body` to `path` is answered with.
    pub(super) async fn post(&self, path: &[&str], body: &Value) -> Result<Value, CallError> {
        let call = self
            .request(Method::POST, at(&self.base, path))
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string());
        self.value(call, ANSWER_MAX).await
    }

    /// The token, for the one call that has to name it in its query.
    pub(super) const fn token(&self) -> &SecretString {
        &self.token
    }

    /// Where the API is.
    pub(super) const fn base(&self) -> &Url {
        &self.base
    }

    /// A request that carries the token; `url` must be one that may receive it.
    pub(super) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.http.request(method, url).header(AUTHORIZATION, self.bearer.clone())
    }

    /// An answer, and what its headers say about waiting. All of it takes `within` at most.
    async fn advised(
        &self,
        call: RequestBuilder,
        most: usize,
        within: Duration,
    ) -> Result<(u16, Vec<u8>, advice::Said), Lost> {
        let call = call.timeout(within);
        let response = call.send().await.map_err(|error| self.lost_after(&error, within))?;
        let said = advice::said(response.headers());
        let (status, body) = self.read(response, most, within).await?;
        Ok((status, body, said))
    }

    /// An answer in place of a file.
    pub(super) async fn read_error(&self, response: Response) -> Result<(u16, Vec<u8>), Lost> {
        self.read(response, ANSWER_MAX, self.timeout).await
    }

    /// The status and the first `most` bytes of the body, with the token blanked out.
    async fn read(
        &self,
        mut response: Response,
        most: usize,
        within: Duration,
    ) -> Result<(u16, Vec<u8>), Lost> {
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while body.len() < most {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => {
                    let detail = match self.lost_after(&error, within) {
                        Lost::NeverReached(detail) | Lost::NoAnswer(detail) => detail,
                    };
                    return Err(Lost::NoAnswer(format!("HTTP {status}, then {detail}")));
                }
            }
        }
        body.truncate(most);
        Ok((status, self.blank(body)))
    }

    /// Meta quotes a malformed token in its error message.
    fn blank(&self, body: Vec<u8>) -> Vec<u8> {
        let token = self.token.expose_secret();
        match std::str::from_utf8(&body) {
            Ok(text) if text.contains(token) => text.replace(token, "[token]").into_bytes(),
            Ok(_) => body,
            Err(_) => String::from_utf8_lossy(&body).replace(token, "[token]").into_bytes(),
        }
    }

    /// The next of a file's bytes, or the answer they come in. They may be many, so that only how long nothing
    /// comes is limited.
    pub(super) async fn within<T>(
        &self,
        next: impl Future<Output = Result<T, reqwest::Error>>,
    ) -> Result<T, CallError> {
        match tokio::time::timeout(self.timeout, next).await {
            Ok(next) => next.map_err(|error| self.lost_after(&error, DOWNLOAD_TIMEOUT).into()),
            Err(_elapsed) => {
                let within = seconds(self.timeout);
                Err(CallError::NoAnswer(format!("nothing more of the file came within {within}")))
            }
        }
    }

    /// What a failed exchange proves, in words that name the place and hold no URL.
    pub(super) fn lost(&self, error: &reqwest::Error) -> Lost {
        self.lost_after(error, self.timeout)
    }

    /// The same of one that had this long.
    fn lost_after(&self, error: &reqwest::Error, within: Duration) -> Lost {
        let host = error.url().and_then(Url::host_str).unwrap_or("the API").to_owned();
        if error.is_builder() {
            return Lost::NeverReached(format!(
                "the request cannot be made: {}",
                root_cause(error)
            ));
        }
        if error.is_connect() {
            return Lost::NeverReached(if error.is_timeout() {
                format!("no connection to {host} within {}", seconds(self.connect_timeout))
            } else if error.is_dns() {
                format!("the name {host} cannot be looked up; is the network up?")
            } else {
                format!("cannot connect to {host}: {}", root_cause(error))
            });
        }
        Lost::NoAnswer(if error.is_timeout() {
            format!("no answer from {host} within {}", seconds(within))
        } else {
            format!("the connection to {host} broke: {}", root_cause(error))
        })
    }
}

/// How an exchange ended without a whole answer.
#[derive(Debug)]
pub(super) enum Lost {
    NeverReached(String),
    NoAnswer(String),
}

impl From<Lost> for CallError {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::NeverReached(detail) => Self::NeverReached(detail),
            Lost::NoAnswer(detail) => Self::NoAnswer(detail),
        }
    }
}

fn base_url(text: &str) -> Result<Url, SetupError> {
    let bad = |reason| Err(SetupError::BadUrl { url: text.to_owned(), reason });
    let Ok(mut url) = Url::parse(text) else {
        return bad("is no URL; write `https://graph.facebook.com` or leave it out");
    };
    if !url.username().is_empty() || url.password().is_some() {
        let host = url.host_str().unwrap_or_default().to_owned();
        let reason = "holds a user name or password; leave it out, the token is sent by itself";
        return Err(SetupError::BadUrl { url: host, reason });
    }
    if url.host_str().is_none() {
        return bad("names no host; write `https://graph.facebook.com` or leave it out");
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return bad("is not encrypted; plain http is allowed on loopback alone"),
        _ => return bad("is neither https nor, on loopback, http"),
    }
    if url.query().is_some() || url.fragment().is_some() {
        return bad("has a `?` or `#` part; end it with the path");
    }
    if url.path() == "/" {
        url.set_path(API_VERSION);
    }
    Ok(url)
}

/// The address of `path` below `base`. Each part stays one part, whatever is in it.
fn at(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

/// Whether the host is this machine by its very name or address; no name is looked up.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost" | "[::1]") => true,
        Some(host) => host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}

fn bearer(token: &SecretString) -> Result<HeaderValue, SetupError> {
    let token = token.expose_secret();
    if token.is_empty() {
        return Err(SetupError::BadToken("is empty"));
    }
    let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {token}")) else {
        let reason = "holds a character that no header can carry; is there a line break in it?";
        return Err(SetupError::BadToken(reason));
    };
    value.set_sensitive(true);
    Ok(value)
}

/// The innermost cause. The outer layers only say that sending failed, the outermost with the URL.
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    let Some(mut cause) = error.source() else {
        return "no cause is known".to_owned();
    };
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

fn seconds(span: Duration) -> String {
    if span.subsec_millis() == 0 {
        format!("{} s", span.as_secs())
    } else {
        format!("{} ms", span.as_millis())
    }
}

#[cfg(test)]
mod tests;
