//! The HTTP face of the listener, hardened: everything has a deadline, a size and a number.
//!
//! Whatever comes in is hostile until its signature over the raw bytes is verified. What can be refused by
//! its headers is refused before its body is read. Nothing of a request is logged but its fate. Access
//! is never decided by `Host` or by address: a tunnel forwards anything, from anywhere.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::io::Errno;
use secrecy::SecretString;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::probe::{self, Probing};
use super::seats::{Occupant, Phase, Seats};
use super::seldom::Seldom;
use crate::api::{callback, signature};
use crate::domain::health::Refused;
use crate::domain::hook::Arrival;
use crate::domain::time::{Clock, Monotonic, Timestamp};
use crate::service::bus::Bus;
use crate::service::stop::Stopped;

/// Deadlines and sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the first byte of a request to the end of its headers.
    pub header: Duration,
    /// From the end of the headers to the end of the body.
    pub body: Duration,
    /// For a whole connection, however many requests.
    pub connection: Duration,
    /// Bytes of a body; Meta's are at most 3 MB.
    pub body_size: usize,
    /// Connections at a time.
    pub connections: usize,
    /// Bytes of all bodies being read; more wait, within their deadline.
    pub memory: usize,
    /// When the listener asks itself whether it answers.
    pub probing: Probing,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(5),
            body: Duration::from_secs(10),
            connection: Duration::from_secs(120),
            body_size: 3 << 20,
            connections: 256,
            memory: 24 << 20,
            probing: Probing::default(),
        }
    }
}

impl Limits {
    /// With no more connections than leave half of the process's file descriptors to everything else, so
    /// that whoever opens connections keeps no message from being sent.
    #[must_use]
    pub fn for_this_process() -> Self {
        let limits = Self::default();
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let half = files.map_or(usize::MAX, |files| usize::try_from(files / 2).unwrap_or(1));
        Self { connections: limits.connections.min(half.max(1)), ..limits }
    }
}

/// A signed body could not be made durable, and should be delivered again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotStored;

type Storing = Pin<Box<dyn Future<Output = Result<(), NotStored>> + Send>>;

/// How a verified body came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Which secret signed it, counted as they were given.
    pub secret: usize,
    /// The header with the signature, as it came.
    pub signature: Vec<u8>,
    /// Other headers, as far as they say something, `name: value` on a line each.
    pub headers: String,
    /// When its headers were there.
    pub begun: Monotonic,
}

/// Takes verified bodies. Its answer decides between 200 and 503.
pub trait Sink: Send + Sync {
    /// Makes a body durable.
    fn store(&self, body: Vec<u8>, seen: Seen) -> Storing;

    /// Hears of a request that left nothing to store. It is answered whatever becomes of this.
    fn passed(&self, arrival: Arrival) {
        drop(arrival);
    }
}

/// Headers that are kept of a webhook. Those that differ from one to the next are not among them.
const KEPT_HEADERS: [&str; 7] = [
    "host",
    "user-agent",
    "content-type",
    "accept",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-for",
];

/// So much of one header, or of a path, is kept.
const KEPT_TEXT: usize = 200;

fn kept_headers(headers: &HeaderMap) -> String {
    let mut kept = String::new();
    for name in KEPT_HEADERS {
        if let Some(value) = headers.get(name) {
            if !kept.is_empty() {
                kept.push('\n');
            }
            kept.push_str(name);
            kept.push_str(": ");
            kept.push_str(&cut(value.as_bytes()));
        }
    }
    kept
}

fn cut(text: &[u8]) -> String {
    String::from_utf8_lossy(text.get(..KEPT_TEXT).unwrap_or(text)).into_owned()
}

/// What is told of a request that leaves no event: cheap to hold, and written out only then.
struct Visitor {
    at: Timestamp,
    begun: Monotonic,
    method: Method,
    uri: Uri,
    peer: Option<HeaderValue>,
    agent: Option<HeaderValue>,
    length: Option<u64>,
}

impl Visitor {
    fn of(request: &Request<Incoming>, clock: &dyn Clock) -> Self {
        let header = |name: &str| request.headers().get(name).cloned();
        Self {
            at: clock.now(),
            begun: clock.monotonic(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            peer: header("x-forwarded-for"),
            agent: header("user-agent"),
            length: request.body().size_hint().exact(),
        }
    }

    fn leaves(self, answer: &Answer, clock: &dyn Clock) -> Arrival {
        let text = |value: HeaderValue| cut(value.as_bytes());
        Arrival {
            at: self.at,
            code: answer.status().as_u16(),
            took: clock.monotonic().since(self.begun),
            why: answer.why().to_owned(),
            method: cut(self.method.as_str().as_bytes()),
            path: cut(self.uri.path().as_bytes()),
            peer: self.peer.map(text),
            agent: self.agent.map(text),
            length: self.length,
        }
    }
}

/// The one path that exists, and what is needed to answer on it.
pub struct Endpoint {
    path: String,
    app_secrets: Vec<SecretString>,
    verify_tokens: Vec<SecretString>,
    limits: Limits,
    memory: Arc<Semaphore>,
    sink: Arc<dyn Sink>,
    bus: Bus,
    clock: Arc<dyn Clock>,
    bad_signatures: Seldom,
    refused_connections: Seldom,
    pub(super) probe: probe::Key,
}

/// What is answered and what it counts as.
enum Answer {
    Challenge(String),
    Stored,
    /// To a self-test's challenge or event, which came through the tunnel.
    SelfTest(String),
    /// To the listener's own request.
    Here,
    WrongVerifyToken,
    WrongPath,
    WrongMethod,
    BadSignature,
    TooLarge,
    TooSlow,
    Cut,
    NotStored,
}

impl Endpoint {
    /// An endpoint at `path`.
    #[must_use]
    pub fn new(
        path: String,
        app_secrets: Vec<SecretString>,
        verify_tokens: Vec<SecretString>,
        limits: Limits,
        sink: Arc<dyn Sink>,
        bus: Bus,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            path,
            app_secrets,
            verify_tokens,
            limits,
            memory: Arc::new(Semaphore::new(limits.memory.max(limits.body_size))),
            sink,
            bus,
            clock,
            bad_signatures: Seldom::default(),
            refused_connections: Seldom::default(),
            probe: probe::Key::new(),
        }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) const fn limits(&self) -> Limits {
        self.limits
    }

    async fn handle(
        self: Arc<Self>,
        occupant: Arc<Occupant>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let visitor = Visitor::of(&request, &*self.clock);
        let answer = self.answer(&occupant, request, visitor.begun).await;
        // Our own questions come every half minute and would push out what others wanted.
        if !matches!(answer, Answer::Stored | Answer::Here | Answer::SelfTest(_)) {
            self.sink.passed(visitor.leaves(&answer, &*self.clock));
        }
        if let Some(count) = answer.refusal() {
            self.bus.update_health(|health| *count(&mut health.refused) += 1);
        }
        Ok(answer.response())
    }

    async fn answer(
        &self,
        occupant: &Occupant,
        request: Request<Incoming>,
        begun: Monotonic,
    ) -> Answer {
        if request.uri().path() != self.path {
            return Answer::WrongPath;
        }
        match *request.method() {
            Method::GET if self.probe.fits(request.headers()) => Answer::Here,
            Method::GET => self.challenge(request.uri().query().unwrap_or_default()),
            Method::POST => {
                self.deliver(occupant, request, begun).await.unwrap_or_else(|refusal| refusal)
            }
            _ => Answer::WrongMethod,
        }
    }

    /// Meta's check that the address is ours: the challenge goes back when the token is right.
    fn challenge(&self, query: &str) -> Answer {
        let value = |name: &str| {
            form_urlencoded::parse(query.as_bytes())
                .find_map(|(key, value)| (key == name).then(|| value.into_owned()))
        };
        let token = value("hub.verify_token").unwrap_or_default();
        let known = self
            .verify_tokens
            .iter()
            .fold(false, |known, ours| signature::token_matches(ours, token.as_bytes()) | known);
        match value("hub.challenge") {
            Some(challenge) if known && value("hub.mode").as_deref() == Some("subscribe") => {
                if callback::is_own_challenge(&challenge) {
                    Answer::SelfTest(challenge)
                } else {
                    Answer::Challenge(challenge)
                }
            }
            _ => Answer::WrongVerifyToken,
        }
    }

    async fn deliver(
        &self,
        occupant: &Occupant,
        request: Request<Incoming>,
        begun: Monotonic,
    ) -> Result<Answer, Answer> {
        let (head, body) = request.into_parts();
        let mut given = head.headers.get_all(signature::HEADER).iter();
        // A second one could only be meant to confuse.
        let (Some(given), None) = (given.next(), given.next()) else {
            return Err(Answer::BadSignature);
        };
        if body.size_hint().lower() > self.limits.body_size as u64 {
            return Err(Answer::TooLarge);
        }
        occupant.wait_for(Phase::Body);
        let (body, _held) =
            timeout(self.limits.body, self.read(body)).await.unwrap_or(Err(Answer::TooSlow))?;
        let verdict = signature::verify(&self.app_secrets, Some(given.as_bytes()), &body);
        let secret = match verdict {
            Ok(secret) => secret,
            Err(why) => {
                if let Some(times) = self.bad_signatures.count(self.clock.monotonic()) {
                    tracing::warn!(%why, times, length = body.len(), "webhooks refused");
                }
                return Err(Answer::BadSignature);
            }
        };
        if let Some(answer) = callback::self_test_answer(&body) {
            return Ok(Answer::SelfTest(answer));
        }
        let signature = given.as_bytes().to_vec();
        let seen = Seen { secret, signature, headers: kept_headers(&head.headers), begun };
        occupant.keep();
        let stored = self.sink.store(body, seen).await;
        occupant.wait_for(Phase::Head);
        stored.map(|()| Answer::Stored).map_err(|NotStored| Answer::NotStored)
    }

    /// Reads a body as it comes. Memory is taken only for bytes that are there, and all bodies together
    /// have a bound, in however many pieces they come, so that nobody takes it by promising much.
    async fn read(
        &self,
        mut body: Incoming,
    ) -> Result<(Vec<u8>, Option<OwnedSemaphorePermit>), Answer> {
        let mut read = Vec::new();
        let mut held: Option<OwnedSemaphorePermit> = None;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_cut| Answer::Cut)?.into_data() else { continue };
            let length = read.len() + data.len();
            if length > self.limits.body_size {
                return Err(Answer::TooLarge);
            }
            if length > read.capacity() {
                let room = length.max(2 * read.capacity()).min(self.limits.body_size);
                let more =
                    u32::try_from(room - read.capacity()).map_err(|_huge| Answer::TooLarge)?;
                let permit = Arc::clone(&self.memory).acquire_many_owned(more).await;
                let permit = permit.map_err(|_closed| Answer::NotStored)?;
                match &mut held {
                    Some(held) => held.merge(permit),
                    none => *none = Some(permit),
                }
                read.reserve_exact(room - read.len());
            }
            read.extend_from_slice(&data);
        }
        Ok((read, held))
    }
}

impl Answer {
    const fn status(&self) -> StatusCode {
        match self {
            Self::Challenge(_) | Self::Stored | Self::SelfTest(_) => StatusCode::OK,
            Self::Here => StatusCode::NO_CONTENT,
            Self::WrongVerifyToken => StatusCode::FORBIDDEN,
            Self::WrongPath => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::BadSignature => StatusCode::UNAUTHORIZED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Cut => StatusCode::BAD_REQUEST,
            Self::NotStored => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What a list of requests says of it.
    const fn why(&self) -> &'static str {
        match self {
            Self::Challenge(_) => "challenge answered",
            Self::Stored => "stored",
            Self::SelfTest(_) => "self-test answered",
            Self::Here => "our own check",
            Self::WrongVerifyToken => "wrong verify token",
            Self::WrongPath => "wrong path",
            Self::WrongMethod => "wrong method",
            Self::BadSignature => "bad signature",
            Self::TooLarge => "too large",
            Self::TooSlow => "too slow",
            Self::Cut => "cut off",
            Self::NotStored => "the store could not take it",
        }
    }

    fn refusal(&self) -> Option<fn(&mut Refused) -> &mut u64> {
        match self {
            Self::Challenge(_) | Self::Stored | Self::SelfTest(_) | Self::Here => None,
            Self::WrongVerifyToken => Some(|refused| &mut refused.verify_token),
            Self::WrongPath => Some(|refused| &mut refused.path),
            Self::WrongMethod => Some(|refused| &mut refused.method),
            Self::BadSignature => Some(|refused| &mut refused.signature),
            Self::TooLarge => Some(|refused| &mut refused.size),
            Self::TooSlow | Self::Cut => Some(|refused| &mut refused.incomplete),
            Self::NotStored => Some(|refused| &mut refused.store),
        }
    }

    fn response(self) -> Response<Full<Bytes>> {
        let status = self.status();
        let wrong_method = matches!(self, Self::WrongMethod);
        let body = match self {
            Self::Challenge(answer) | Self::SelfTest(answer) => Bytes::from(answer),
            _ => Bytes::new(),
        };
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        if status == StatusCode::OK {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        } else {
            // Whatever is left of the request is not worth reading.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if wrong_method {
            headers.insert(ALLOW, HeaderValue::from_static("GET, POST"));
        }
        response
    }
}

/// How long a request in hand may take once its connection is to end.
const LAST_REQUEST: Duration = Duration::from_secs(2);

/// How long to wait after `accept` failed, e.g. for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// So many connections are closed when the system has no file descriptor for a new one.
const ROOM_FOR_FILES: usize = 8;

/// Serves until the word to stop; requests in hand are finished.
pub async fn serve(listener: TcpListener, endpoint: Arc<Endpoint>, mut stopped: Stopped) {
    let seats = Seats::new(endpoint.limits.connections);
    let mut connections = JoinSet::new();
    let mut waiting: Option<TcpStream> = None;
    loop {
        tokio::select! {
            () = stopped.wait() => break,
            Some(ended) = connections.join_next() => log_panic(ended),
            occupant = seats.sit(), if waiting.is_some() => {
                if let Some(stream) = waiting.take() {
                    let (endpoint, stopped) = (Arc::clone(&endpoint), stopped.clone());
                    connections.spawn(connection(stream, occupant, endpoint, stopped));
                }
            }
            accepted = listener.accept(), if waiting.is_none() => match accepted {
                Ok((stream, _peer)) => {
                    // Answers may come later without it; a peer that is gone already does not matter.
                    drop(stream.set_nodelay(true));
                    waiting = Some(stream);
                }
                Err(error) => {
                    if let Some(times) = endpoint.refused_connections.count(endpoint.clock.monotonic()) {
                        tracing::warn!(%error, times, "connections cannot be accepted");
                    }
                    if is_want_of_room(&error) {
                        seats.make_room(ROOM_FOR_FILES);
                    }
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop((listener, waiting));
    while let Some(ended) = connections.join_next().await {
        log_panic(ended);
    }
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection's task failed");
    }
}

/// Whether the system has nothing left for another connection. Whatever else is wrong is that connection's own, and
/// no reason to end others.
fn is_want_of_room(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    errno.is_some_and(|errno| {
        [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM].contains(&errno)
    })
}

async fn connection(
    stream: TcpStream,
    occupant: Occupant,
    endpoint: Arc<Endpoint>,
    mut stopped: Stopped,
) {
    let occupant = Arc::new(occupant);
    let sitting = Arc::clone(&occupant);
    let limits = endpoint.limits;
    let service =
        service_fn(move |request| Arc::clone(&endpoint).handle(Arc::clone(&sitting), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_headers(64)
        .max_buf_size(16 << 10)
        .keep_alive(true)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = occupant.asked_to_leave() => Ok(()),
        () = async { tokio::select! { () = stopped.wait() => (), () = sleep(limits.connection) => () } } => {
            connection.as_mut().graceful_shutdown();
            timeout(LAST_REQUEST, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        // Hyper's words name the kind of fault, never what was sent.
        tracing::debug!(%error, "connection ended");
    }
}

#[cfg(test)]
mod tests {
    use super::{Errno, io, is_want_of_room};

    #[test]
    fn a_peer_that_is_gone_costs_nobody_the_connection() {
        for (errno, wanted) in [
            (Errno::MFILE, true),
            (Errno::NFILE, true),
            (Errno::NOBUFS, true),
            (Errno::NOMEM, true),
            (Errno::CONNABORTED, false),
            (Errno::INVAL, false),
            (Errno::PROTO, false),
        ] {
            assert_eq!(is_want_of_room(&io::Error::from(errno)), wanted, "{errno}");
        }
    }
}
