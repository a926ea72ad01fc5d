//! The listener asks itself now and then whether it answers, over loopback like everybody else: a socket
//! that is open and never answers looks fine from inside. The key of these requests is random and known to
//! this process alone; they are not counted.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::api::signature;
use crate::service::random;

/// The header that has the key.
const HEADER: &str = "x-twoticks-probe";

/// What a good answer begins with.
const ANSWER: &[u8] = b"HTTP/1.1 204 ";

/// When the listener asks itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probing {
    /// Between two requests.
    pub every: Duration,
    /// For the answer, and before the request is repeated once.
    pub patience: Duration,
}

impl Default for Probing {
    fn default() -> Self {
        Self { every: Duration::from_secs(60), patience: Duration::from_secs(5) }
    }
}

/// What tells our own requests from others.
pub(super) struct Key(SecretString);

impl Key {
    /// A key that nobody can guess. Without randomness there is none, and no request is taken for ours.
    pub(super) fn new() -> Self {
        match random::word() {
            Ok(word) => Self(word.into()),
            Err(error) => {
                tracing::warn!(%error, "no random bits, so the listener cannot ask itself");
                Self(SecretString::default())
            }
        }
    }

    /// Whether a request is ours.
    pub(super) fn fits(&self, headers: &HeaderMap) -> bool {
        headers.get(HEADER).is_some_and(|given| signature::token_matches(&self.0, given.as_bytes()))
    }
}

/// Asks again and again; ends when the listener did not answer twice in a row.
pub(super) async fn until_silent(address: SocketAddr, path: &str, key: &Key, probing: Probing) {
    loop {
        sleep(probing.every).await;
        for again in [true, false] {
            let answer = timeout(probing.patience, ask(address, path, key)).await;
            match answer.unwrap_or_else(|_late| Err(io::ErrorKind::TimedOut.into())) {
                Ok(()) => break,
                Err(error) if again => {
                    tracing::warn!(%error, "the listener did not answer its own request");
                    sleep(probing.patience).await;
                }
                Err(error) => {
                    tracing::error!(%error, "the listener does not answer and is built anew");
                    return;
                }
            }
        }
    }
}

async fn ask(address: SocketAddr, path: &str, key: &Key) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let key = key.0.expose_secret();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{HEADER}: {key}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = [0; ANSWER.len()];
    stream.read_exact(&mut answer).await?;
    if answer == ANSWER {
        return Ok(());
    }
    Err(io::Error::other("somebody else answers on its port"))
}
