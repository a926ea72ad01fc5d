//! The listener as Meta sees it: an address on this machine, and a small HTTP/1.1 client that posts
//! to it over a connection it keeps. Plain TCP and blocking, since it never leaves the machine.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

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
    addr: SocketAddr,
    host: String,
    path: String,
}

impl Callback {
    /// Reads `http://127.0.0.1:8787/webhook`. Any other host than this machine is refused.
    pub(super) fn parse(url: &str) -> io::Result<Self> {
        let refuse = |why: &str| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("webhook address {url}: {why}"))
        };
        let rest = url.strip_prefix("http://");
        let rest =
            rest.ok_or_else(|| refuse("must begin with http:// (it never leaves this machine)"))?;
        let (host, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let full = if has_port { host.to_owned() } else { format!("{host}:80") };
        let found = full.to_socket_addrs().map_err(|error| refuse(&error.to_string()))?;
        let addr = found.into_iter().find(|addr| addr.ip().is_loopback());
        let addr =
            addr.ok_or_else(|| refuse("must be on this machine (127.0.0.1 or localhost)"))?;
        if path.chars().any(|letter| letter.is_control() || letter == ' ') {
            return Err(refuse("has a space or a control character in its path"));
        }
        Ok(Self { addr, host: host.to_owned(), path: path.to_owned() })
    }
}

/// A connection to the listener, kept from post to post.
#[derive(Debug, Default)]
pub(super) struct Line {
    open: Option<(Callback, TcpStream)>,
}

impl Line {
    /// Posts one webhook and answers the listener's status.
    pub(super) fn post(&mut self, to: &Callback, post: &WebhookPost) -> io::Result<u16> {
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: facebookexternalua\r\nAccept: */*\r\n\
             Content-Type: application/json\r\nX-Hub-Signature-256: {}\r\nContent-Length: {}\r\n\r\n",
            to.path,
            to.host,
            post.signature,
            post.body.len(),
        );
        let mut message = head.into_bytes();
        message.extend_from_slice(&post.body);
        self.exchange(to, &message).map(|(status, _)| status)
    }

    /// Asks for the path with `query` added to it: Meta's verification.
    pub(super) fn get(&mut self, to: &Callback, query: &str) -> io::Result<(u16, Vec<u8>)> {
        let joint = if to.path.contains('?') { '&' } else { '?' };
        let message = format!(
            "GET {}{joint}{query} HTTP/1.1\r\nHost: {}\r\nUser-Agent: facebookplatform\r\nAccept: */*\r\n\r\n",
            to.path, to.host,
        );
        self.exchange(to, message.as_bytes())
    }

    fn exchange(&mut self, to: &Callback, message: &[u8]) -> io::Result<(u16, Vec<u8>)> {
        if let Some((known, stream)) = self.open.take().filter(|(known, _)| known == to) {
            // The listener may have closed it since; then it is tried once more on a new one.
            if let Ok(answer) = self.try_exchange(known, stream, message) {
                return Ok(answer);
            }
        }
        let stream = TcpStream::connect_timeout(&to.addr, CONNECT_WITHIN)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        stream.set_write_timeout(Some(ANSWER_WITHIN))?;
        self.try_exchange(to.clone(), stream, message)
    }

    fn try_exchange(
        &mut self,
        to: Callback,
        mut stream: TcpStream,
        message: &[u8],
    ) -> io::Result<(u16, Vec<u8>)> {
        stream.write_all(message)?;
        let answer = read_answer(&mut stream)?;
        if answer.keep {
            self.open = Some((to, stream));
        }
        Ok((answer.status, answer.body))
    }
}

/// One answer, as much of it as is of use here.
pub(super) struct Answer {
    status: u16,
    body: Vec<u8>,
    /// Whether the connection is at the start of the next answer.
    keep: bool,
}

/// Reads an answer up to its end.
pub(super) fn read_answer(stream: &mut TcpStream) -> io::Result<Answer> {
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

fn read_more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<()> {
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
