//! The listener as Meta sees it: an address, and a small HTTP/1.1 client that posts to it over a
//! connection it keeps. Blocking, with TLS when the address asks for it.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use rustls_platform_verifier::BuilderVerifierExt;
use url::Url;

use super::world::WebhookPost;

/// How long the listener has for the connection, and then for each part of the answer. Meta does not
/// publish its limit.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The most of an answer that is read.
const ANSWER_LIMIT: usize = 64 * 1024;

/// Where webhooks go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Callback {
    host: String,
    port: u16,
    secure: bool,
    /// Path and query.
    target: String,
}

impl Callback {
    /// Reads `http://127.0.0.1:8787/webhook` or `https://example.com/hook`.
    pub(super) fn parse(text: &str) -> io::Result<Self> {
        let refuse = |why: &str| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("webhook address {text}: {why}"))
        };
        let url: Url = text.parse().map_err(|error: url::ParseError| refuse(&error.to_string()))?;
        let secure = url.scheme() == "https";
        if !secure && url.scheme() != "http" {
            return Err(refuse("must begin with http:// or https://"));
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(refuse("names no host"));
        };
        let host = host.trim_matches(['[', ']']).to_owned();
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        Ok(Self { host, port, secure, target: format!("{}{query}", url.path()) })
    }

    /// The `Host` header.
    fn authority(&self) -> String {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (self.secure, self.port) {
            (false, 80) | (true, 443) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    fn connect(&self) -> io::Result<Stream> {
        let found = (self.host.as_str(), self.port).to_socket_addrs()?;
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in found {
            match TcpStream::connect_timeout(&address, CONNECT_WITHIN) {
                Ok(stream) => return self.prepare(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn prepare(&self, stream: TcpStream) -> io::Result<Stream> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        stream.set_write_timeout(Some(ANSWER_WITHIN))?;
        if !self.secure {
            return Ok(Stream::Plain(stream));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(BuilderVerifierExt::with_platform_verifier)
            .map_err(io::Error::other)?
            .with_no_client_auth();
        let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
        let session = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        Ok(Stream::Secure(Box::new(StreamOwned::new(session, stream))))
    }
}

/// A connection with or without TLS.
#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Secure(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Secure(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Secure(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Secure(stream) => stream.flush(),
        }
    }
}

/// A connection to the listener, kept from post to post.
#[derive(Debug, Default)]
pub(super) struct Line {
    open: Option<(Callback, Stream)>,
}

impl Line {
    /// Posts one webhook and answers the listener's status.
    pub(super) fn post(&mut self, to: &Callback, post: &WebhookPost) -> io::Result<u16> {
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: facebookexternalua\r\nAccept: */*\r\n\
             Content-Type: application/json\r\nX-Hub-Signature-256: {}\r\nContent-Length: {}\r\n\r\n",
            to.target,
            to.authority(),
            post.signature,
            post.body.len(),
        );
        let mut message = head.into_bytes();
        message.extend_from_slice(&post.body);
        self.exchange(to, &message).map(|(status, _)| status)
    }

    /// Meta's verification: whether the address knows the token and repeats a challenge; the reason
    /// when not.
    pub(super) fn verify(
        &mut self,
        to: &Callback,
        token: &str,
        challenge: &str,
    ) -> Result<(), String> {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("hub.mode", "subscribe")
            .append_pair("hub.challenge", challenge)
            .append_pair("hub.verify_token", token)
            .finish();
        let joint = if to.target.contains('?') { '&' } else { '?' };
        let message = format!(
            "GET {}{joint}{query} HTTP/1.1\r\nHost: {}\r\nUser-Agent: facebookplatform\r\nAccept: */*\r\n\r\n",
            to.target,
            to.authority(),
        );
        match self.exchange(to, message.as_bytes()) {
            Err(error) => Err(format!("the address does not answer: {error}")),
            Ok((200, body)) if body == challenge.as_bytes() => Ok(()),
            Ok((200, _)) => Err("the answer is not the challenge".to_owned()),
            Ok((status, _)) => Err(format!("HTTP Status Code = {status}")),
        }
    }

    fn exchange(&mut self, to: &Callback, message: &[u8]) -> io::Result<(u16, Vec<u8>)> {
        if let Some((known, stream)) = self.open.take().filter(|(known, _)| known == to) {
            // The listener may have closed it since; then it is tried once more on a new one.
            if let Ok(answer) = self.try_exchange(known, stream, message) {
                return Ok(answer);
            }
        }
        self.try_exchange(to.clone(), to.connect()?, message)
            .map_err(|error| distrust(&to.host, error))
    }

    fn try_exchange(
        &mut self,
        to: Callback,
        mut stream: Stream,
        message: &[u8],
    ) -> io::Result<(u16, Vec<u8>)> {
        stream.write_all(message)?;
        stream.flush()?;
        let answer = read_answer(&mut stream)?;
        if answer.keep {
            self.open = Some((to, stream));
        }
        Ok((answer.status, answer.body))
    }
}

/// Says what helps when the address is not who it says it is.
fn distrust(host: &str, error: io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::InvalidCertificate(why)) = inner else { return error };
    let text = format!(
        "the certificate of {host} is not trusted ({why}); Meta refuses it as well. For a test, start the \
         simulator with SSL_CERT_FILE naming the authority that signed it"
    );
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// One answer, as much of it as is of use here.
pub(super) struct Answer {
    status: u16,
    body: Vec<u8>,
    /// Whether the connection is at the start of the next answer.
    keep: bool,
}

/// Reads an answer up to its end.
pub(super) fn read_answer(stream: &mut impl Read) -> io::Result<Answer> {
    let mut bytes = Vec::with_capacity(1024);
    let (status, head, length, close) = loop {
        read_more(stream, &mut bytes)?;
        if let Some(head) = read_head(&bytes)? {
            break head;
        }
    };
    // Without a length the end of the answer is not looked for; the connection ends with it.
    let wanted = head.saturating_add(length.unwrap_or(0)).min(ANSWER_LIMIT);
    while bytes.len() < wanted {
        read_more(stream, &mut bytes)?;
    }
    let whole = length.is_some_and(|length| bytes.len() == head + length);
    let body = bytes.split_off(head.min(bytes.len()));
    Ok(Answer { status, body, keep: whole && !close })
}

fn read_more(stream: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut chunk = [0; 4096];
    let count = stream.read(&mut chunk)?;
    if count == 0 || bytes.len() > ANSWER_LIMIT {
        let text = "the listener closed the connection before it answered";
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
    }
    bytes.extend_from_slice(chunk.get(..count).unwrap_or(&[]));
    Ok(())
}

/// Status, length of the head, length of the body if told, and whether the connection ends.
type Head = (u16, usize, Option<usize>, bool);

fn read_head(bytes: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(bytes);
    let parsed = parsed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    let httparse::Status::Complete(head) = parsed else { return Ok(None) };
    let header = |name: &str| {
        let found =
            response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(found.value).ok()
    };
    let length = header("content-length").and_then(|length| length.trim().parse().ok());
    let close = header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    Ok(Some((response.code.unwrap_or(0), head, length, close)))
}
