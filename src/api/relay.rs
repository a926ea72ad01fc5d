//! Posting a webhook as Meta would: to the program that a person develops, or to our own listener. Fetching the
//! file behind a link that a person wrote.
//!
//! It asks once and says what was answered. Plain HTTP goes no further than this machine, redirects are not
//! followed, and nothing of the account but the webhook itself is sent.

use std::fmt;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Url, redirect, retry};

use super::client::{SetupError, is_loopback, root_cause};
use super::signature;

/// Bytes of an answer that are read.
const ANSWER_MAX: usize = 4 * 1024;

/// Where webhooks are posted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target(Url);

impl Target {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it and what is right, in plain words: https, or http on this machine.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url: Url = text.parse().map_err(|error| {
            format!(
                "{text:?} is no address ({error}); write one such as http://127.0.0.1:3000/hook"
            )
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the address holds a name or a password; leave them out".to_owned());
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback(&url) => Ok(Self(url)),
            "http" => Err(format!(
                "{text} must be https: what customers write would travel in the clear; http is for this \
                 machine alone"
            )),
            scheme => Err(format!("{scheme}: is no way to post; write an https address")),
        }
    }

    /// The port on this machine that it names, if it is on this machine.
    #[must_use]
    pub fn local_port(&self) -> Option<u16> {
        is_loopback(&self.0).then(|| self.0.port_or_known_default()).flatten()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// The beginning of the body, unsanitised.
    pub body: String,
}

impl Answered {
    /// Whether Meta would take it for delivered.
    #[must_use]
    pub const fn is_taken(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// Whether the same webhook may be taken later.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        self.status >= 500 || self.status == 429 || self.status == 408
    }
}

/// A file that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// What it is declared to be.
    pub content_type: Option<String>,
    /// The file itself.
    pub bytes: Vec<u8>,
}

/// Posts webhooks. Cheap to clone; clones share the connections.
#[derive(Clone, Debug)]
pub struct Relay(reqwest::Client);

impl Relay {
    /// Gives each post this long, connecting included. Certificates are loaded only with `tls`, which https
    /// needs.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(timeout: Duration, tls: bool) -> Result<Self, SetupError> {
        // Whoever was first has installed one; which of the two it is does not matter.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("twoticks/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false);
        if !tls {
            builder = builder.no_proxy().tls_certs_only([]);
        }
        builder.build().map(Self).map_err(|error| SetupError::Tls(root_cause(&error)))
    }

    /// For these targets.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn for_targets<'a>(
        timeout: Duration,
        targets: impl IntoIterator<Item = &'a Target>,
    ) -> Result<Self, SetupError> {
        let tls = targets.into_iter().any(|target| target.0.scheme() == "https");
        Self::new(timeout, tls)
    }

    /// Fetches a file of at most so many bytes.
    ///
    /// # Errors
    /// Why it cannot be had, in plain words.
    pub async fn get(&self, target: &Target, most: usize) -> Result<Fetched, String> {
        let mut response =
            self.0.get(target.0.clone()).send().await.map_err(|error| why(&error))?;
        let status = response.status().as_u16();
        if !response.status().is_success() {
            return Err(format!("HTTP {status}"));
        }
        let too_big = || format!("it is too big: at most {} MB are taken", most >> 20);
        let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
        if announced.is_some_and(|length| length > most) {
            return Err(too_big());
        }
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| why(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > most {
                return Err(too_big());
            }
        }
        Ok(Fetched { content_type, bytes })
    }

    /// Posts these bytes with this signature. Of a body that does not come whole, what came is told.
    ///
    /// # Errors
    /// Why there is no status, in plain words.
    pub async fn post(
        &self,
        target: &Target,
        body: Vec<u8>,
        signed: Option<&[u8; 32]>,
    ) -> Result<Answered, String> {
        let mut call =
            self.0.post(target.0.clone()).header(CONTENT_TYPE, "application/json").body(body);
        if let Some(signed) = signed {
            call = call.header(signature::HEADER, signature::header(signed));
        }
        let mut response = call.send().await.map_err(|error| why(&error))?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while body.len() < ANSWER_MAX {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                // The status is the answer: a body that stalls or breaks off takes nothing of it back.
                Ok(None) | Err(_) => break,
            }
        }
        body.truncate(ANSWER_MAX);
        Ok(Answered { status, body: String::from_utf8_lossy(&body).into_owned() })
    }
}

fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let cause = root_cause(error);
    if error.is_connect() { format!("cannot connect: {cause}") } else { cause }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::{Relay, Target};

    /// It was taken for no answer, and delivered again for ten minutes.
    #[test]
    fn what_was_answered_200_is_delivered_although_the_body_never_ends() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for stalls in [true, false] {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = format!("http://{}/hook", listener.local_addr().unwrap());
                let server = async {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    let mut read = [0; 4096];
                    assert!(stream.read(&mut read).await.unwrap() > 0);
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ntaken";
                    stream.write_all(answer).await.unwrap();
                    // Until the other side has enough.
                    while stalls && stream.read(&mut read).await.is_ok_and(|count| count > 0) {}
                };
                let timeout = Duration::from_secs(if stalls { 5 } else { 30 });
                let relay = Relay::new(timeout, false).unwrap();
                let target = Target::parse(&address).unwrap();
                let post = relay.post(&target, b"{}".to_vec(), None);
                let (answered, ()) = tokio::join!(post, server);
                let answered = answered.unwrap();
                assert!(answered.is_taken() && !answered.may_pass(), "{answered:?}");
                assert_eq!(answered.body, "taken");
            }
        });
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        for good in ["http://127.0.0.1:3000/hook", "http://localhost/", "https://example.org/x?y=1"]
        {
            assert!(Target::parse(good).is_ok(), "{good}");
        }
        for bad in ["http://example.org/", "ftp://127.0.0.1/", "3000", "https://me:pw@example.org/"]
        {
            let why = Target::parse(bad).unwrap_err();
            assert!(!why.contains("pw"), "{why}");
        }
        let port = |url| Target::parse(url).unwrap().local_port();
        assert_eq!(port("http://127.0.0.1:3000/"), Some(3000));
        assert_eq!(port("http://[::1]/"), Some(80));
        assert_eq!(port("https://example.org/"), None);
    }
}
